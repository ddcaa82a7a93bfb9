/* What the writer makes is what our reader reads: fields, values, NULLs. */
#include "support/test.h"

#include "support/alloc.h"
#include "support/arrow_text.h"

#include "data/ipc_reader.h"
#include "data/ipc_writer.h"

static hyl_error err;

static void append_pieces(const hyl__ipc_message *message, hyl_buf *stream)
{
    for (size_t i = 0; i < message->count; i++) {
        assert_int_equal(message->pieces[i].len % 8, 0);
        hyl_buf_append(stream, message->pieces[i].data, message->pieces[i].len);
    }
}

/* The stage's rows as messages behind what is in `stream`. */
static void append_messages(hyl__ipc_writer *writer, hyl__stage *stage, hyl_buf *stream)
{
    hyl__ipc_message message;
    if (stream->len == 0) {
        assert_ok(hyl__ipc_writer_schema(writer, &message, &err), &err);
        append_pieces(&message, stream);
    }
    assert_ok(hyl__ipc_writer_batch(writer, stage, &message, &err), &err);
    append_pieces(&message, stream);
    hyl__stage_clear(stage);
}

/* Reads a stream of `batches` record batches. */
static void assert_reads(const hyl_buf *stream, int batches, const char *fields, const char *rows)
{
    hyl__ipc_reader reader;
    hyl__block *block = NULL;
    hyl_buf text = HYL_BUF_INIT;
    assert_int_equal(hyl__ipc_reader_init(&reader), HYL_OK);
    assert_int_equal(hyl__block_new(reader.pool, stream->len, &block), HYL_OK);
    memcpy(block->data, stream->data, stream->len);
    assert_int_equal(hyl__ipc_reader_feed(&reader, block, stream->len), HYL_OK);
    assert_ok(hyl__ipc_reader_schema(&reader, &err), &err);
    arrow_schema_text(&reader.schema, &text);
    hyl_buf_append_byte(&text, 0);
    assert_string_equal((const char *)text.data, fields);
    hyl_buf_clear(&text);
    for (int i = 0; i < batches; i++) {
        struct ArrowArray batch;
        assert_ok(hyl__ipc_reader_batch(&reader, &batch, &err), &err);
        arrow_batch_text(&reader.schema, &batch, &text);
        ArrowArrayRelease(&batch);
    }
    hyl_buf_append_byte(&text, 0);
    assert_string_equal((const char *)text.data, rows);
    assert_false(hyl__ipc_reader_is_inside(&reader));
    hyl_buf_reset(&text);
    hyl__ipc_reader_reset(&reader);
}

/* ---- A table ------------------------------------------------------------------------------- */

enum { COLUMNS = 7 };

static hyl__table make_table(hyl__table_column columns[COLUMNS])
{
    static char names[COLUMNS][2] = {"b", "d", "p", "e", "n", "t", "v"};
    const hyl_type types[COLUMNS] = {hyl_type_of(HYL_TYPE_BOOL),
                                     hyl_type_of(HYL_TYPE_DATE),
                                     hyl_type_of(HYL_TYPE_TIMESTAMPTZ),
                                     hyl_type_of(HYL_TYPE_INTERVAL),
                                     hyl_type_numeric(5, 2),
                                     hyl_type_of(HYL_TYPE_TEXT),
                                     hyl_type_from_oid(1043, 9)};
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = (hyl__table_column){names[i], types[i], i != 5};
    }
    return (hyl__table){NULL, columns, COLUMNS};
}

#define PUT(name, index, value) \
    assert_ok(hyl__put_##name(stage, &stage->columns[index], value, &err), &err)

/* A row of values, and one of NULLs where they may be. */
static void put_two_rows(hyl__stage *stage, const char *text)
{
    const hyl_numeric number = {(uint64_t)-150, -1, 5, 2};
    const hyl_interval interval = {3000001, 2, 13};
    PUT(bool, 0, true);
    PUT(date, 1, 59);
    PUT(timestamptz, 2, -1);
    PUT(interval, 3, interval);
    PUT(numeric, 4, &number);
    PUT(str, 5, hyl_str_of(text));
    PUT(str, 6, HYL_STR("v"));
    hyl__stage_end_row(stage);
    for (size_t i = 0; i < COLUMNS; i++) {
        if (i == 5) {
            PUT(str, 5, HYL_STR(""));
        } else {
            assert_ok(hyl__put_null(stage, &stage->columns[i], &err), &err);
        }
    }
    hyl__stage_end_row(stage);
}

static const char fields[] =
    "b:b:null:boolean d:tdD:null:date p:tsu:UTC:null:timestamp with time zone "
    "e:tin:null:interval n:d:5,2:null:numeric(5,2) t:u:not null:text "
    "v:u:null:character varying(5)";

static void rows_are_read_as_they_were_put(void **state)
{
    (void)state;
    hyl__table_column columns[COLUMNS];
    hyl__table table = make_table(columns);
    hyl__ipc_writer *writer = NULL;
    hyl__stage stage;
    hyl_buf stream = HYL_BUF_INIT;
    assert_ok(hyl__stage_init(&stage, &table, 10000, &err), &err);
    assert_true(hyl__ipc_suits(&stage));
    assert_ok(hyl__ipc_writer_new(&stage, &writer, &err), &err);
    for (int i = 0; i < 5; i++) {
        put_two_rows(&stage, "text");
    }
    append_messages(writer, &stage, &stream);
    put_two_rows(&stage, "again");
    append_messages(writer, &stage, &stream);
#define VALUES(text) \
    "t|2000-02-29|1999-12-31 23:59:59.999999+00|P1Y1M2DT3.000001S|-1.50|" text "|v\n"
#define NULLS   "NULL|NULL|NULL|NULL|NULL||NULL\n"
#define FIVE(x) x x x x x
    assert_reads(&stream, 2, fields, FIVE(VALUES("text") NULLS) VALUES("again") NULLS);
    hyl_buf_reset(&stream);
    hyl__ipc_writer_free(writer);
    hyl__stage_reset(&stage);
}

/* Numbers of rows around the bytes of the bitmaps. */
static void bitmaps_end_anywhere(void **state)
{
    (void)state;
    static char name[] = "b";
    hyl__table_column column = {name, hyl_type_of(HYL_TYPE_BOOL), true};
    const hyl__table table = {NULL, &column, 1};
    for (size_t rows = 1; rows <= 40; rows++) {
        hyl__ipc_writer *writer = NULL;
        hyl__stage stage;
        hyl_buf stream = HYL_BUF_INIT;
        hyl_buf expected = HYL_BUF_INIT;
        assert_ok(hyl__stage_init(&stage, &table, 1, &err), &err);
        assert_ok(hyl__ipc_writer_new(&stage, &writer, &err), &err);
        for (size_t i = 0; i < rows; i++) {
            bool is_null = i % 3 == 2;
            hyl_status status = is_null ? hyl__put_null(&stage, &stage.columns[0], &err)
                                        : hyl__put_bool(&stage, &stage.columns[0], i % 5 < 2, &err);
            assert_ok(status, &err);
            hyl__stage_end_row(&stage);
            hyl_buf_append_str(&expected, is_null ? "NULL\n" : i % 5 < 2 ? "t\n" : "f\n");
        }
        hyl_buf_append_byte(&expected, 0);
        append_messages(writer, &stage, &stream);
        assert_reads(&stream, 1, "b:b:null:boolean", (const char *)expected.data);
        hyl_buf_reset(&stream);
        hyl_buf_reset(&expected);
        hyl__ipc_writer_free(writer);
        hyl__stage_reset(&stage);
    }
}

static void what_arrow_does_not_have_does_not_suit(void **state)
{
    (void)state;
    static char name[] = "x";
    hyl__table_column column = {name, hyl_type_of(HYL_TYPE_UUID), true};
    const hyl__table table = {NULL, &column, 1};
    hyl__stage stage;
    assert_ok(hyl__stage_init(&stage, &table, 1, &err), &err);
    assert_false(hyl__ipc_suits(&stage));
    hyl__stage_reset(&stage);
    column.type = hyl_type_of(HYL_TYPE_TIME);
    assert_ok(hyl__stage_init(&stage, &table, 1, &err), &err);
    assert_true(hyl__ipc_suits(&stage));
    assert_ok(hyl__put_time(&stage, &stage.columns[0], HYL_MICROS_PER_DAY - 1, &err), &err);
    assert_true(hyl__ipc_suits(&stage));
    assert_ok(hyl__put_time(&stage, &stage.columns[0], HYL_MICROS_PER_DAY, &err), &err);
    assert_false(hyl__ipc_suits(&stage));
    stage.columns[0].no_far = true;
    assert_status(hyl__put_time(&stage, &stage.columns[0], HYL_MICROS_PER_DAY, &err), HYL_ERR_RANGE,
                  &err);
    hyl__stage_reset(&stage);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    hyl__table_column columns[COLUMNS];
    hyl__table table = make_table(columns);
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        hyl__ipc_writer *writer = NULL;
        hyl__stage stage;
        alloc_start(ALLOC_NEVER);
        assert_ok(hyl__stage_init(&stage, &table, 100, &err), &err);
        alloc_arm(n);
        hyl_status status = hyl__ipc_writer_new(&stage, &writer, &err);
        failed = alloc_failed();
        assert_int_equal(status, failed ? HYL_ERR_NOMEM : HYL_OK);
        hyl__ipc_writer_free(writer);
        hyl__stage_reset(&stage);
        alloc_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_they_were_put),
        cmocka_unit_test(bitmaps_end_anywhere),
        cmocka_unit_test(what_arrow_does_not_have_does_not_suit),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("data/ipc_writer", tests, NULL, NULL);
}
