/*
 * Arrow IPC in, of bytes that nanoarrow has written. What pyarrow and polars write, of every type, is
 * tests/arrow/test_ipc_in.py.
 */
#include <hyperline/arrow.h>

#include "support/alloc.h"
#include "support/test.h"

#include <nanoarrow/nanoarrow_ipc.h>

#include <errno.h>
#include <unistd.h>

static hyl_error err;

/* ---- Bytes --------------------------------------------------------------------------------- */

enum { ROWS = 5 };

static void make_batch(struct ArrowSchema *schema, struct ArrowArray *batch)
{
    ArrowSchemaInit(schema);
    assert_int_equal(ArrowSchemaSetTypeStruct(schema, 2), 0);
    assert_int_equal(ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_INT64), 0);
    assert_int_equal(ArrowSchemaSetName(schema->children[0], "i"), 0);
    assert_int_equal(ArrowSchemaSetType(schema->children[1], NANOARROW_TYPE_STRING), 0);
    assert_int_equal(ArrowSchemaSetName(schema->children[1], "t"), 0);
    assert_int_equal(ArrowArrayInitFromSchema(batch, schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(batch), 0);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(ArrowArrayAppendInt(batch->children[0], i), 0);
        assert_int_equal(ArrowArrayAppendString(batch->children[1], ArrowCharView("text")), 0);
        assert_int_equal(ArrowArrayFinishElement(batch), 0);
    }
    assert_int_equal(ArrowArrayFinishBuildingDefault(batch, NULL), 0);
}

/* A stream or file of two batches. */
static void write_data(bool file, struct ArrowBuffer *out)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowArrayView view;
    struct ArrowIpcOutputStream sink;
    struct ArrowIpcWriter writer;
    make_batch(&schema, &batch);
    ArrowBufferInit(out);
    assert_int_equal(ArrowIpcOutputStreamInitBuffer(&sink, out), 0);
    assert_int_equal(ArrowIpcWriterInit(&writer, &sink), 0);
    if (file) {
        assert_int_equal(ArrowIpcWriterStartFile(&writer, NULL), 0);
    }
    assert_int_equal(ArrowIpcWriterWriteSchema(&writer, &schema, NULL), 0);
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, &schema, NULL), 0);
    assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), 0);
    assert_int_equal(ArrowIpcWriterWriteArrayView(&writer, &view, NULL), 0);
    assert_int_equal(ArrowIpcWriterWriteArrayView(&writer, &view, NULL), 0);
    assert_int_equal(ArrowIpcWriterWriteArrayView(&writer, NULL, NULL), 0);
    if (file) {
        assert_int_equal(ArrowIpcWriterFinalizeFile(&writer, NULL), 0);
    }
    ArrowIpcWriterReset(&writer);
    ArrowArrayViewReset(&view);
    ArrowArrayRelease(&batch);
    ArrowSchemaRelease(&schema);
}

static hyl_bytes bytes_of(const struct ArrowBuffer *buffer)
{
    return (hyl_bytes){buffer->data, (size_t)buffer->size_bytes};
}

/* Reads to the end and releases; the number of rows, -1 where the stream fails. */
static int64_t count_rows(struct ArrowArrayStream *stream, hyl_error *failure)
{
    struct ArrowArray batch;
    int64_t rows = 0;
    int code = stream->get_next(stream, &batch);
    while (code == 0 && batch.release != NULL) {
        rows += batch.length;
        assert_memory_equal(batch.children[1]->buffers[2], "texttext", 8);
        batch.release(&batch);
        code = stream->get_next(stream, &batch);
    }
    if (code != 0) {
        assert_non_null(hyl_stream_error(stream));
        *failure = *hyl_stream_error(stream);
    }
    stream->release(stream);
    return code == 0 ? rows : -1;
}

/* ---- Sources ------------------------------------------------------------------------------- */

typedef struct drip {
    hyl_bytes rest;
    size_t piece;
    size_t fail_behind; /* bytes; 0: never */
} drip;

static hyl_status read_drip(void *ctx, void *to, size_t cap, size_t *got, hyl_error *failure)
{
    drip *from = ctx;
    *got = from->piece < cap ? from->piece : cap;
    *got = *got < from->rest.len ? *got : from->rest.len;
    if (from->fail_behind > 0 && *got >= from->fail_behind) {
        failure->status = HYL_ERR_TIMEOUT;
        strcpy(failure->message, "the drip is dry");
        return HYL_ERR_TIMEOUT;
    }
    from->fail_behind -= from->fail_behind > 0 ? *got : 0;
    if (*got > 0) {
        memcpy(to, from->rest.data, *got);
        from->rest.data += *got;
        from->rest.len -= *got;
    }
    return HYL_OK;
}

static void streams_and_files_come_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (int file = 0; file < 2; file++) {
        struct ArrowBuffer data;
        write_data(file != 0, &data);
        for (size_t piece = 1; piece < 100; piece += 7) {
            struct ArrowArrayStream stream;
            drip from = {bytes_of(&data), piece, 0};
            assert_ok(hyl_arrow_ipc_open(read_drip, &from, &stream, &err), &err);
            assert_int_equal(count_rows(&stream, &err), 2 * ROWS);
        }
        ArrowBufferReset(&data);
    }
}

static void a_reader_that_fails_ends_the_stream(void **state)
{
    struct ArrowBuffer data;
    (void)state;
    write_data(false, &data);
    for (size_t n = 1; n < (size_t)data.size_bytes; n += 5) {
        struct ArrowArrayStream stream;
        drip from = {bytes_of(&data), 5, n};
        hyl_status status = hyl_arrow_ipc_open(read_drip, &from, &stream, &err);
        if (status == HYL_OK) {
            assert_int_equal(count_rows(&stream, &err), -1);
            status = err.status;
        }
        assert_status(status, HYL_ERR_TIMEOUT, &err);
        assert_non_null(strstr(err.message, "the drip is dry"));
    }
    ArrowBufferReset(&data);
}

static hyl_status read_too_much(void *ctx, void *to, size_t cap, size_t *got, hyl_error *failure)
{
    (void)ctx;
    (void)to;
    (void)failure;
    *got = cap + 1;
    return HYL_OK;
}

static void a_reader_that_lies_is_refused(void **state)
{
    struct ArrowArrayStream stream;
    (void)state;
    assert_status(hyl_arrow_ipc_open(read_too_much, NULL, &stream, &err), HYL_ERR_ARG, &err);
}

static void descriptors_stand_behind_the_end(void **state)
{
    struct ArrowBuffer data;
    struct ArrowArrayStream stream;
    int ends[2];
    char rest[5] = "";
    (void)state;
    write_data(false, &data);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], data.data, (size_t)data.size_bytes), data.size_bytes);
    assert_int_equal(write(ends[1], "rest", 4), 4);
    assert_ok(hyl_arrow_ipc_open_fd(ends[0], &stream, &err), &err);
    assert_int_equal(count_rows(&stream, &err), 2 * ROWS);
    assert_int_equal(read(ends[0], rest, 4), 4);
    assert_string_equal(rest, "rest");
    close(ends[0]);
    close(ends[1]);
    assert_status(hyl_arrow_ipc_open_fd(ends[0], &stream, &err), HYL_ERR_IO, &err);
    assert_int_equal(err.sys_errno, EBADF);
    ArrowBufferReset(&data);
}

/* ---- Damage -------------------------------------------------------------------------------- */

static bool opens_whole(hyl_bytes bytes)
{
    struct ArrowArrayStream stream;
    return hyl_arrow_ipc_open_memory(bytes, &stream, &err) == HYL_OK &&
           count_rows(&stream, &err) == 2 * ROWS;
}

static void a_file_that_is_cut_is_never_read(void **state)
{
    struct ArrowBuffer data;
    (void)state;
    write_data(true, &data);
    assert_true(opens_whole(bytes_of(&data)));
    for (size_t len = 0; len < (size_t)data.size_bytes; len++) {
        assert_false(opens_whole((hyl_bytes){data.data, len}));
    }
    ArrowBufferReset(&data);
}

/* Every byte of the metadata in turn: errors, or batches, and no reading beyond (under ASan). */
static void damaged_bytes_are_errors_or_other_values(void **state)
{
    (void)state;
    for (int file = 0; file < 2; file++) {
        struct ArrowBuffer data;
        write_data(file != 0, &data);
        for (size_t i = 0; i < (size_t)data.size_bytes; i++) {
            for (int bit = 0; bit < 8; bit++) {
                struct ArrowArrayStream stream;
                struct ArrowArray batch = {.release = NULL};
                data.data[i] ^= (uint8_t)(1u << bit);
                if (hyl_arrow_ipc_open_memory(bytes_of(&data), &stream, &err) == HYL_OK) {
                    while (stream.get_next(&stream, &batch) == 0 && batch.release != NULL) {
                        batch.release(&batch);
                    }
                    stream.release(&stream);
                }
                data.data[i] ^= (uint8_t)(1u << bit);
            }
        }
        ArrowBufferReset(&data);
    }
}

/* ---- Without memory ------------------------------------------------------------------------ */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int file = 0; file < 2; file++) {
        struct ArrowBuffer data;
        bool failed = true;
        write_data(file != 0, &data);
        for (size_t n = 1; failed; n++) {
            struct ArrowArrayStream stream;
            hyl_error failure = HYL_ERROR_INIT;
            alloc_start(n);
            hyl_status status = hyl_arrow_ipc_open_memory(bytes_of(&data), &stream, &failure);
            if (status == HYL_OK && count_rows(&stream, &failure) < 0) {
                status = failure.status;
            }
            failed = alloc_failed();
            alloc_stop();
            assert_status(status, failed ? HYL_ERR_NOMEM : HYL_OK, &failure);
        }
        ArrowBufferReset(&data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_and_files_come_in_pieces_of_any_size),
        cmocka_unit_test(a_reader_that_fails_ends_the_stream),
        cmocka_unit_test(a_reader_that_lies_is_refused),
        cmocka_unit_test(descriptors_stand_behind_the_end),
        cmocka_unit_test(a_file_that_is_cut_is_never_read),
        cmocka_unit_test(damaged_bytes_are_errors_or_other_values),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("data/arrow_ipc_in", tests, NULL, NULL);
}
