/*
 * Arrow IPC from a hostile server. Input: how the stream is cut, and the stream. However it is cut,
 * the batches are the same, and all that they point to can be read.
 */
#include "fuzz.h"

#include "data/ipc_reader.h"

enum { MAX_PIECES = 64 };

/* ---- All bytes that a reader of the arrays may touch --------------------------------------- */

static void touch_strings(const struct ArrowArrayView *view, uint64_t *seen)
{
    for (int64_t i = 0; i < view->length; i++) {
        if (!ArrowArrayViewIsNull(view, i)) {
            struct ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(view, i);
            fuzz_hash_number(seen, (uint64_t)bytes.size_bytes);
            fuzz_hash(seen, bytes.data.data, (size_t)bytes.size_bytes);
        }
    }
}

static void touch(const struct ArrowArrayView *view, uint64_t *seen)
{
    fuzz_hash_number(seen, (uint64_t)view->length);
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        const struct ArrowBufferView *buffer = &view->buffer_views[i];
        if (buffer->size_bytes > 0) {
            fuzz_hash(seen, buffer->data.data, (size_t)buffer->size_bytes);
        }
    }
    switch (view->storage_type) {
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_LARGE_BINARY:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
        touch_strings(view, seen);
        break;
    default:
        break;
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        touch(view->children[i], seen);
    }
}

static void read_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                       uint64_t *seen)
{
    struct ArrowArrayView view;
    struct ArrowError why = {""};
    FUZZ_CHECK(ArrowArrayViewInitFromSchema(&view, schema, &why) == NANOARROW_OK);
    FUZZ_CHECK(ArrowArrayViewSetArray(&view, batch, &why) == NANOARROW_OK);
    FUZZ_CHECK(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, &why) ==
               NANOARROW_OK);
    touch(&view, seen);
    ArrowArrayViewReset(&view);
}

/* ---- One stream ---------------------------------------------------------------------------- */

typedef struct reading {
    hyl__ipc_reader reader;
    bool has_schema;
    uint64_t seen;
    hyl_status status;
} reading;

/* Takes all that can be read by now. */
static void read_on(reading *now)
{
    hyl_error err = HYL_ERROR_INIT;
    now->status = HYL_OK;
    if (!now->has_schema) {
        now->status = hyl__ipc_reader_schema(&now->reader, &err);
        now->has_schema = now->status == HYL_OK;
    }
    while (now->status == HYL_OK) {
        struct ArrowArray batch;
        now->status = hyl__ipc_reader_batch(&now->reader, &batch, &err);
        if (now->status == HYL_OK) {
            read_batch(&now->reader.schema, &batch, &now->seen);
            ArrowArrayRelease(&batch);
        }
    }
    FUZZ_CHECK(now->status >= 0 || err.message[0] != '\0');
}

static void feed(reading *now, const uint8_t *bytes, size_t len)
{
    hyl__block *block = NULL;
    FUZZ_CHECK(hyl__block_new(now->reader.pool, len, &block) == HYL_OK);
    memcpy(block->data, bytes, len);
    FUZZ_CHECK(hyl__ipc_reader_feed(&now->reader, block, len) == HYL_OK);
}

/* Pieces after the MAX_PIECESth are one. */
static uint64_t read_stream(hyl_bytes stream, uint8_t plan)
{
    reading now = {.seen = FUZZ_HASH_INIT, .status = HYL_AGAIN};
    fuzz_cuts cuts = fuzz_cuts_of(plan);
    FUZZ_CHECK(hyl__ipc_reader_init(&now.reader) == HYL_OK);
    for (int pieces = 0; stream.len > 0 && now.status == HYL_AGAIN; pieces++) {
        size_t len = pieces < MAX_PIECES ? fuzz_next_cut(&cuts, stream.len) : stream.len;
        feed(&now, stream.data, len);
        read_on(&now);
        stream.data += len;
        stream.len -= len;
    }
    fuzz_hash_number(&now.seen, now.has_schema);
    fuzz_hash_number(&now.seen, (uint64_t)now.status);
    hyl__ipc_reader_reset(&now.reader);
    return now.seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hyl_bytes stream = {data, size};
    uint8_t plan = fuzz_byte(&stream);
    uint64_t whole = read_stream(stream, 0);
    FUZZ_CHECK(read_stream(stream, plan) == whole);
    return 0;
}
