#include "support/arrow_live.h"

#include "support/arrow_text.h"
#include "support/hyperd.h"
#include "support/test.h"

static hyl_error err;

hyl_conn *arrow_connect(hyl_server *server, const char *settings)
{
    hyl_config *config = NULL;
    hyl_conn *made = NULL;
    assert_ok(hyl_config_new(&config, &err), &err);
    assert_ok(hyl_config_parse(config, settings, &err), &err);
    assert_ok(hyl_server_configure(server, config, &err), &err);
    assert_ok(hyl_connect(config, &made, &err), &err);
    hyl_config_free(config);
    return made;
}

hyl_conn *arrow_conn;

int arrow_set_up(void **state)
{
    (void)state;
    arrow_conn = arrow_connect(test_hyperd(), "drain_timeout=30s");
    return 0;
}

int arrow_tear_down(void **state)
{
    (void)state;
    hyl_conn_free(arrow_conn);
    arrow_conn = NULL;
    return 0;
}

struct ArrowArrayStream arrow_open(const char *sql)
{
    struct ArrowArrayStream stream = {.release = NULL};
    assert_ok(hyl_query_arrow(arrow_conn, sql, NULL, &stream, &err), &err);
    assert_non_null(stream.release);
    return stream;
}

int arrow_read_to_error(struct ArrowArrayStream *stream, int64_t *rows)
{
    struct ArrowArray batch;
    int code = stream->get_next(stream, &batch);
    while (code == 0) {
        if (batch.release == NULL) {
            fail_msg("the stream ended in good order");
        }
        *rows += batch.length;
        batch.release(&batch);
        code = stream->get_next(stream, &batch);
    }
    assert_null(batch.release);
    return code;
}

void arrow_next(struct ArrowArrayStream *stream, struct ArrowArray *batch)
{
    int code = stream->get_next(stream, batch);
    if (code != 0) {
        fail_msg("get_next: %d: %s", code, stream->get_last_error(stream));
    }
}

/* Reads the stream to its end and releases it. */
arrow_contents arrow_read(struct ArrowArrayStream *stream, bool with_rows)
{
    arrow_contents read = {HYL_BUF_INIT, HYL_BUF_INIT, 0, 0, 0};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    assert_int_equal(stream->get_schema(stream, &schema), 0);
    arrow_schema_text(&schema, &read.schema);
    hyl_buf_append_byte(&read.schema, 0);
    arrow_next(stream, &batch);
    while (batch.release != NULL) {
        if (with_rows) {
            arrow_batch_text(&schema, &batch, &read.rows);
        }
        read.row_count += batch.length;
        read.longest = batch.length > read.longest ? batch.length : read.longest;
        read.batch_count++;
        batch.release(&batch);
        arrow_next(stream, &batch);
    }
    /* The end stays the end. */
    arrow_next(stream, &batch);
    assert_null(batch.release);
    schema.release(&schema);
    stream->release(stream);
    assert_null(stream->release);
    hyl_buf_append_byte(&read.rows, 0);
    return read;
}

arrow_contents arrow_read_query(const char *sql)
{
    struct ArrowArrayStream stream = arrow_open(sql);
    return arrow_read(&stream, true);
}

void arrow_contents_free(arrow_contents *read)
{
    hyl_buf_reset(&read->schema);
    hyl_buf_reset(&read->rows);
}

/* The text of a cell of a row, as arrow_cell_text has it. */
static void row_cell_text(const hyl_row *row, size_t column, const hyl_column *info, hyl_buf *out)
{
    hyl_value value = {.type = HYL_TYPE_BYTES};
    if (hyl_row_is_null(row, column)) {
        hyl_buf_append_str(out, "NULL");
    } else if (info->type.id == HYL_TYPE_GEOGRAPHY) {
        assert_ok(hyl_row_raw(row, column, &value.as.bytes, &err), &err);
        assert_ok(hyl_value_text(hyl_type_of(HYL_TYPE_BYTES), &value, out, &err), &err);
    } else {
        assert_ok(hyl_row_text(row, column, out, &err), &err);
    }
}

/* The same query as rows, in the form of arrow_batch_text and arrow_schema_text. */
hyl_buf arrow_rows_text(hyl_conn *conn, const char *sql, hyl_buf *names)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status;
    assert_ok(hyl_query(conn, sql, &result, &err), &err);
    for (size_t i = 0; i < hyl_result_column_count(result); i++) {
        hyl_buf_append_str(names, i > 0 ? " " : "");
        hyl_type_format(hyl_result_column(result, i)->type, names);
    }
    while ((status = hyl_result_next(result, &row, &err)) == HYL_OK) {
        for (size_t i = 0; i < hyl_row_column_count(row); i++) {
            hyl_buf_append_str(&text, i > 0 ? "|" : "");
            row_cell_text(row, i, hyl_result_column(result, i), &text);
        }
        hyl_buf_append_byte(&text, '\n');
    }
    assert_status(status, HYL_DONE, &err);
    hyl_result_free(result);
    hyl_buf_append_byte(&text, 0);
    hyl_buf_append_byte(names, 0);
    return text;
}

const arrow_type arrow_types[ARROW_TYPE_COUNT] = {
    {"bool", "boolean", "b", "true", "false"},
    {"smallint", "smallint", "s", "-32768", "32767"},
    {"int", "integer", "i", "-2147483648", "2147483647"},
    {"bigint", "bigint", "l", "-9223372036854775808", "9223372036854775807"},
    {"oid", "oid", "I", "0", "2147483647"},
    {"real", "real", "f", "1.25", "-Infinity"},
    {"double precision", "double precision", "g", "0.1", "NaN"},
    {"numeric(1,0)", "numeric(1,0)", "d:1,0", "-9", "9"},
    {"numeric(5,2)", "numeric(5,2)", "d:5,2", "-999.99", "0.01"},
    {"numeric(18,18)", "numeric(18,18)", "d:18,18", "0.999999999999999999", "-0.5"},
    {"numeric(19,0)", "numeric(19,0)", "d:19,0", "9999999999999999999", "-1"},
    {"numeric(38,10)", "numeric(38,10)", "d:38,10", "-9999999999999999999999999999.9999999999",
     "0.0000000001"},
    {"text", "text", "u", "", "a \xc3\xa9 \xf0\x9f\x90\x98 b"},
    {"varchar(10)", "character varying(10)", "u", "ten", ""},
    {"char(5)", "character(5)", "u", "c", "four "},
    {"char(1)", "character(1)", "u", "x", "\xc3\xa9"},
    {"json", "json", "u", "{\"a\": [1, null]}", "1"},
    {"bytea", "bytes", "z", "\\x00ff", ""},
    {"geography", "tableau.tabgeography", "z", "POINT(1 2)", "LINESTRING(0 0, 1 1)"},
    {"date", "date", "tdD", "4713-01-01 BC", "9999-12-31"},
    {"date", "date", "tdD", "0001-12-31 BC", "294276-12-31"},
    {"date", "date", "tdD", "1969-12-31", "1970-01-02"},
    {"time", "time", "ttu", "00:00:00", "23:59:59.999999"},
    {"timestamp", "timestamp", "tsu:", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"},
    {"timestamp", "timestamp", "tsu:", "4713-01-01 00:00:00 BC", "1969-12-31 23:59:59.999999"},
    {"timestamptz", "timestamp with time zone", "tsu:UTC", "2024-02-29 01:02:03.4+02",
     "1970-01-01 00:00:00+00"},
    {"interval", "interval", "tin", "P1Y2M3DT4H5M6.789S", "P-1M2DT-0.000001S"},
    {"array(int)", "array(integer)", "+l", "[1,NULL,3]", "[]"},
    {"array(text)", "array(text)", "+l", "[ab,NULL,cd]", "[x]"},
    {"array(date)", "array(date)", "+l", "[2024-02-29,NULL,1969-12-31]", "[]"},
    {"array(numeric(5,2))", "array(numeric(5,2))", "+l", "[1.50,-0.01]", "[NULL]"},
    {"array(bool)", "array(boolean)", "+l", "[t,NULL,f]", "[]"},
    {"array(timestamptz)", "array(timestamp with time zone)", "+l", "[NULL]", "[]"},
    {"array(smallint)", "array(smallint)", "+l", "[-32768,NULL,32767]", "[]"},
    {"array(bigint)", "array(bigint)", "+l", "[-9223372036854775808]", "[NULL,1]"},
    {"array(oid)", "array(oid)", "+l", "[0,NULL,2147483647]", "[]"},
    {"array(real)", "array(real)", "+l", "[1.25,NULL,-Infinity]", "[]"},
    {"array(double precision)", "array(double precision)", "+l", "[0.1,NULL,NaN]", "[]"},
    {"array(numeric(38,10))", "array(numeric(38,10))", "+l", "[-1.0000000001,NULL]", "[0]"},
    {"array(varchar(3))", "array(character varying(3))", "+l", "[abc,NULL,\"\"]", "[a]"},
    {"array(char(3))", "array(character(3))", "+l", "[x,NULL,\xc3\xa9\xc3\xa9]", "[abc,\"\"]"},
    {"array(char(1))", "array(character(1))", "+l", "[x,NULL,\xc3\xa9]", "[\" \"]"},
    {"array(json)", "array(json)", "+l", "[null,NULL,1]", "[]"},
    {"array(bytea)", "array(bytes)", "+l", "[a,NULL]", "[]"},
    {"array(time)", "array(time)", "+l", "[00:00:00,NULL,23:59:59.999999]", "[]"},
    {"array(timestamp)", "array(timestamp)", "+l", "[1969-12-31 23:59:59.999999,NULL]", "[]"},
    {"array(interval)", "array(interval)", "+l", "[P1Y2M3DT4H5M6.789S,NULL]", "[PT1S]"},
};

/* A row of a VALUES list: its number and the value, or NULL. */
static void add_row(hyl_buf *sql, int number, const char *type, const char *text)
{
    hyl_buf_printf(sql, "%s(%d, ", number > 1 ? ", " : "", number);
    if (text == NULL) {
        hyl_buf_printf(sql, "cast(null as %s))", type);
    } else {
        hyl_buf_printf(sql, "cast('%s' as %s))", text, type);
    }
}

/* A query of three rows; bit i of `nulls` makes row i NULL. */
hyl_buf arrow_three_rows(size_t index, unsigned nulls)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, "SELECT x FROM (VALUES ");
    for (int i = 0; i < 3; i++) {
        const char *text = i == 1 ? arrow_types[index].b : arrow_types[index].a;
        add_row(&sql, i + 1, arrow_types[index].type, (nulls >> i & 1) != 0 ? NULL : text);
    }
    hyl_buf_append_str(&sql, ") v(i, x) ORDER BY i");
    hyl_buf_append_byte(&sql, 0);
    return sql;
}
