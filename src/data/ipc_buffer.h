/* A buffer of a message's body: where it lies, or decompressed. */
#ifndef HYL_DATA_IPC_BUFFER_H
#define HYL_DATA_IPC_BUFFER_H

#include <hyperline/base.h>

#include <nanoarrow/nanoarrow.h>

/* The codecs of Message.fbs, and none. */
enum { HYL__IPC_PLAIN = -1, HYL__IPC_LZ4 = 0, HYL__IPC_ZSTD = 1 };

/*
 * The `len` bytes at `offset` of `body`, a shared buffer, as a buffer of their own that is aligned
 * for any of Arrow's types: mostly a reference to the body.
 * Errors: ARG, UNSUPPORTED, NOMEM.
 */
HYL_NODISCARD hyl_status hyl__ipc_buffer_read(struct ArrowBuffer *body, int64_t offset, int64_t len,
                                              int codec, struct ArrowBuffer *out, hyl_error *err);

#endif
