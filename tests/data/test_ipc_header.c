/* What the header says is what nanoarrow reads in it. */
#include "support/test.h"

#include "support/alloc.h"

#include "data/ipc_header.h"

#include <nanoarrow/nanoarrow_ipc.h>

enum { COLUMNS = 3, ROWS = 1000 };

/* An integer, a text and a boolean: 2, 3 and 2 buffers. */
static const size_t sizes[][3] = {{0, 4000, 0}, {125, 4004, 123457}, {125, 125, 0}};
static const size_t nulls[COLUMNS] = {0, 999, 1};
static const size_t buffer_counts[COLUMNS] = {2, 3, 2};

static void fill(hyl__ipc_header *header)
{
    hyl__ipc_header_begin(header, ROWS);
    for (size_t i = 0; i < COLUMNS; i++) {
        hyl__ipc_header_node(header, ROWS, nulls[i]);
        for (size_t k = 0; k < buffer_counts[i]; k++) {
            hyl__ipc_header_buffer(header, sizes[i][k]);
        }
    }
    hyl__ipc_header_end(header);
}

static void make_schema(struct ArrowSchema *schema)
{
    const enum ArrowType types[COLUMNS] = {NANOARROW_TYPE_INT32, NANOARROW_TYPE_STRING,
                                           NANOARROW_TYPE_BOOL};
    ArrowSchemaInit(schema);
    assert_int_equal(ArrowSchemaSetTypeStruct(schema, COLUMNS), NANOARROW_OK);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_int_equal(ArrowSchemaSetType(schema->children[i], types[i]), NANOARROW_OK);
        assert_int_equal(ArrowSchemaSetName(schema->children[i], "c"), NANOARROW_OK);
    }
}

static void check_array(struct ArrowIpcDecoder *decoder, size_t body_size)
{
    struct ArrowBufferView body;
    struct ArrowArray array;
    struct ArrowError error;
    uint8_t *bytes = test_calloc(1, body_size);
    body.data.as_uint8 = bytes;
    body.size_bytes = (int64_t)body_size;
    assert_int_equal(ArrowIpcDecoderDecodeArray(decoder, body, -1, &array,
                                                NANOARROW_VALIDATION_LEVEL_MINIMAL, &error),
                     NANOARROW_OK);
    assert_int_equal(array.length, ROWS);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_int_equal(array.children[i]->length, ROWS);
        assert_int_equal(array.children[i]->null_count, nulls[i]);
    }
    ArrowArrayRelease(&array);
    test_free(bytes);
}

static void nanoarrow_reads_what_was_written(void **state)
{
    (void)state;
    struct ArrowIpcDecoder decoder;
    struct ArrowSchema schema;
    struct ArrowError error;
    hyl__ipc_header header;
    struct ArrowBufferView view;
    assert_int_equal(hyl__ipc_header_init(&header, COLUMNS, 7), HYL_OK);
    fill(&header);
    fill(&header); /* each batch anew */
    assert_int_equal(header.size % 8, 0);
    assert_int_equal(header.body_size, 4000 + 128 + 4008 + 123464 + 128 + 128);
    view.data.as_uint8 = header.bytes;
    view.size_bytes = (int64_t)header.size;
    make_schema(&schema);
    assert_int_equal(ArrowIpcDecoderInit(&decoder), NANOARROW_OK);
    assert_int_equal(ArrowIpcDecoderSetSchema(&decoder, &schema, &error), NANOARROW_OK);
    assert_int_equal(ArrowIpcDecoderVerifyHeader(&decoder, view, &error), NANOARROW_OK);
    assert_int_equal(ArrowIpcDecoderDecodeHeader(&decoder, view, &error), NANOARROW_OK);
    assert_int_equal(decoder.message_type, NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH);
    assert_int_equal(decoder.header_size_bytes, header.size);
    assert_int_equal(decoder.body_size_bytes, header.body_size);
    check_array(&decoder, header.body_size);
    ArrowIpcDecoderReset(&decoder);
    ArrowSchemaRelease(&schema);
    hyl__ipc_header_reset(&header);
}

static void any_shape_is_valid(void **state)
{
    (void)state;
    struct ArrowIpcDecoder decoder;
    struct ArrowError error;
    assert_int_equal(ArrowIpcDecoderInit(&decoder), NANOARROW_OK);
    for (size_t columns = 1; columns < 40; columns++) {
        for (size_t buffers = 0; buffers < 4; buffers++) {
            hyl__ipc_header header;
            struct ArrowBufferView view;
            assert_int_equal(hyl__ipc_header_init(&header, columns, columns * buffers), HYL_OK);
            hyl__ipc_header_begin(&header, 1);
            hyl__ipc_header_end(&header);
            view.data.as_uint8 = header.bytes;
            view.size_bytes = (int64_t)header.size;
            assert_int_equal(ArrowIpcDecoderVerifyHeader(&decoder, view, &error), NANOARROW_OK);
            assert_int_equal(decoder.header_size_bytes, header.size);
            hyl__ipc_header_reset(&header);
        }
    }
    ArrowIpcDecoderReset(&decoder);
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    hyl__ipc_header header;
    alloc_start(1);
    assert_int_equal(hyl__ipc_header_init(&header, 1, 2), HYL_ERR_NOMEM);
    hyl__ipc_header_reset(&header);
    alloc_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nanoarrow_reads_what_was_written),
        cmocka_unit_test(any_shape_is_valid),
        cmocka_unit_test(without_memory_there_is_none),
    };
    return cmocka_run_group_tests_name("data/ipc_header", tests, NULL, NULL);
}
