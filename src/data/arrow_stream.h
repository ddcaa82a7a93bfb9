/*
 * What our streams of record batches have in common: the four functions of Arrow's C stream
 * interface over a source of batches, and the error that a source keeps.
 */
#ifndef HYL_DATA_ARROW_STREAM_H
#define HYL_DATA_ARROW_STREAM_H

#include <hyperline/arrow.h>

#include "block.h"

typedef struct hyl__stream hyl__stream;

/* The first member of a source. */
struct hyl__stream {
    const struct ArrowSchema *schema; /* as it is handed out */
    /* OK with the next batch, DONE at the end; below 0: `error`, which has the same status. */
    hyl_status (*next)(hyl__stream *stream, struct ArrowArray *out);
    void (*free)(hyl__stream *stream);
    hyl_error error;          /* of the call that failed */
    hyl_status state;         /* OK: there may be more. DONE. Below 0: it has failed */
    hyl__block_pool *aligned; /* of what is copied to be aligned to 64 bytes; NULL: nothing is */
};

/* Buffers will be aligned to 64 bytes. Errors: NOMEM. */
hyl_status hyl__stream_want_aligned(hyl__stream *stream);
/*
 * Aligns a batch that is about to be handed out, where that was asked for.
 * Errors: NOMEM, in stream->error too; the batch is released then.
 */
hyl_status hyl__stream_align(hyl__stream *stream, struct ArrowArray *batch);
/* For the source's `free`. */
void hyl__stream_reset(hyl__stream *stream);

/* Hands the source over: *out calls it, and frees it on release. */
void hyl__stream_export(hyl__stream *stream, struct ArrowArrayStream *out);

#endif
