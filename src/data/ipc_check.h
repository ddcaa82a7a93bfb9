/*
 * Arrow IPC headers, checked for what nanoarrow takes for granted. A flatbuffer may leave any field
 * out, and hold any number, and is sound as a flatbuffer still; nanoarrow follows some fields that
 * are not there, and adds numbers before it compares them.
 */
#ifndef HYL_DATA_IPC_CHECK_H
#define HYL_DATA_IPC_CHECK_H

#include <hyperline/base.h>

/*
 * `message` is the flatbuffer behind an IPC message's prefix, which ArrowIpcDecoderVerifyHeader has
 * found sound. True where all is there that nanoarrow reads (a message's content, a field's type, a
 * dictionary's index type and data, keys and values of metadata), and no number is so large that its
 * sums and products leave 64 bits.
 */
bool hyl__ipc_header_is_sound(const uint8_t *message);

#endif
