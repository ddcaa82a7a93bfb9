/*
 * Arrow IPC messages, from the pieces that COPY brings them in to record batches. A piece mostly is
 * one whole message and is decoded where it lies; what is cut, joined or misaligned is copied once.
 * No I/O: pieces go in, batches come out.
 */
#ifndef HYL_DATA_IPC_READER_H
#define HYL_DATA_IPC_READER_H

#include <nanoarrow/nanoarrow_ipc.h>

#include "block.h"

typedef struct hyl__ipc_reader {
    hyl__block_pool *pool;
    hyl__block *block; /* holds bytes [pos, len), not yet decoded; NULL: none */
    size_t pos;
    size_t len;
    struct ArrowIpcDecoder decoder;
    struct ArrowSchema sent;   /* as the server sent it; release == NULL before it has come */
    struct ArrowSchema schema; /* as it is handed out */
    bool has_date64;           /* batches need their dates brought to date32 */
    bool at_end;               /* the end-of-stream marker has come */
} hyl__ipc_reader;

/* Errors: NOMEM. */
hyl_status hyl__ipc_reader_init(hyl__ipc_reader *reader);
void hyl__ipc_reader_reset(hyl__ipc_reader *reader);

/*
 * Takes over a piece: the first `len` bytes of `block`, whose reference becomes the reader's, also
 * where it fails. Errors: NOMEM.
 */
hyl_status hyl__ipc_reader_feed(hyl__ipc_reader *reader, hyl__block *block, size_t len);

/*
 * Decodes up to the schema. OK; AGAIN (another piece is needed).
 * Errors: PROTOCOL (no IPC stream, or one that we cannot read), NOMEM.
 */
hyl_status hyl__ipc_reader_schema(hyl__ipc_reader *reader, hyl_error *err);

/*
 * OK with the next batch, which owns its memory; AGAIN; DONE after the end-of-stream marker.
 * Errors: as above.
 */
hyl_status hyl__ipc_reader_batch(hyl__ipc_reader *reader, struct ArrowArray *out, hyl_error *err);

/* True where bytes of a message wait for their rest: the stream must not end here. */
bool hyl__ipc_reader_is_inside(const hyl__ipc_reader *reader);

#endif
