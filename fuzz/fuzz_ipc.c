/*
 * Arrow IPC from anywhere: streams and files as hyl_arrow_ipc_open takes them. Input: how the bytes
 * come (0: from memory, else by a function, cut), and the bytes. What is handed out must be sound in
 * full, for consumers look at it no further.
 */
#include "fuzz.h"

#include <hyperline/arrow.h>
#include <nanoarrow/nanoarrow.h>

enum { MAX_BATCHES = 100 };

/* ---- All bytes that a reader of the arrays may touch --------------------------------------- */

static void touch(const struct ArrowArrayView *view, uint64_t *seen)
{
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        const struct ArrowBufferView *buffer = &view->buffer_views[i];
        if (buffer->size_bytes > 0) {
            fuzz_hash(seen, buffer->data.data, (size_t)buffer->size_bytes);
        }
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        touch(view->children[i], seen);
    }
    if (view->dictionary != NULL) {
        touch(view->dictionary, seen);
    }
}

static void read_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                       uint64_t *seen)
{
    struct ArrowArrayView view;
    struct ArrowError why = {""};
    FUZZ_CHECK(ArrowArrayViewInitFromSchema(&view, schema, &why) == NANOARROW_OK);
    int code = ArrowArrayViewSetArray(&view, batch, &why);
    if (code == NANOARROW_OK) {
        code = ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, &why);
    }
    if (code != NANOARROW_OK) {
        fprintf(stderr, "a batch that is not sound: %s\n", why.message);
    }
    FUZZ_CHECK(code == NANOARROW_OK);
    touch(&view, seen);
    ArrowArrayViewReset(&view);
}

/* ---- One input ----------------------------------------------------------------------------- */

typedef struct source {
    hyl_bytes left;
    fuzz_cuts cuts;
} source;

static hyl_status read_source(void *ctx, void *to, size_t cap, size_t *got, hyl_error *err)
{
    source *from = ctx;
    (void)err;
    size_t piece = from->left.len > 0 ? fuzz_next_cut(&from->cuts, from->left.len) : 0;
    *got = piece < cap ? piece : cap;
    memcpy(to, from->left.data, *got);
    from->left.data += *got;
    from->left.len -= *got;
    return HYL_OK;
}

static void read_stream(struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    uint64_t seen = FUZZ_HASH_INIT;
    int code = stream->get_schema(stream, &schema);
    FUZZ_CHECK(code == 0);
    for (int i = 0; code == 0 && i < MAX_BATCHES; i++) {
        batch.release = NULL;
        code = stream->get_next(stream, &batch);
        if (code != 0 || batch.release == NULL) {
            break;
        }
        read_batch(&schema, &batch, &seen);
        batch.release(&batch);
    }
    FUZZ_CHECK(code == 0 || stream->get_last_error(stream) != NULL);
    schema.release(&schema);
    stream->release(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hyl_bytes bytes = {data, size};
    hyl_error err = HYL_ERROR_INIT;
    struct ArrowArrayStream stream;
    uint8_t plan = fuzz_byte(&bytes);
    uint8_t *copy = fuzz_copy(bytes);
    source from = {{copy, bytes.len}, fuzz_cuts_of(plan)};
    hyl_status status = plan == 0
                            ? hyl_arrow_ipc_open_memory((hyl_bytes){copy, bytes.len}, &stream, &err)
                            : hyl_arrow_ipc_open(read_source, &from, &stream, &err);
    if (status == HYL_OK) {
        read_stream(&stream);
    } else {
        FUZZ_CHECK(err.message[0] != '\0');
    }
    free(copy);
    return 0;
}
