/* The inserter on the in-memory peer: what is refused before a byte of its row is sent. */
#include "support/mem_table.h"
#include "support/test.h"

#include <hyperline/insert.h>

static hyl_error err;

static char name[] = "x";

static hyl_inserter *open_column(mem_conn *mem, hyl_type type, bool nullable,
                                 const hyl_insert_opts *opts)
{
    const hyl__table_column column = {name, type, nullable};
    hyl_inserter *ins = NULL;
    mem_say_table(mem, &column, 1);
    assert_ok(hyl_inserter_open(mem->conn, "t", NULL, 0, opts, &ins, &err), &err);
    mem_forget(mem);
    return ins;
}

/* ---- Values that are refused --------------------------------------------------------------- */

/* Of either way in: value by value, and as a column. */
static void assert_refused(hyl_type type, const hyl_value *value, hyl_status status,
                           const char *part)
{
    mem_conn mem = mem_conn_open(NULL);
    hyl_inserter *ins = open_column(&mem, type, value->is_null ? false : true, NULL);
    const hyl_colbuf column = {value->type, &value->as, &value->is_null};
    int64_t rows = -1;
    for (int i = 0; i < 2; i++) {
        hyl_status got = i == 0 ? hyl_inserter_value(ins, value, &err)
                                : hyl_inserter_columns(ins, &column, 1, 1, &err);
        assert_status(got, status, &err);
        char where[40];
        snprintf(where, sizeof where, "row %d, column 1 \"x\": ", i + 1);
        assert_int_equal(strncmp(err.message, where, strlen(where)), 0);
        if (strstr(err.message, part) == NULL) {
            fail_msg("\"%s\" does not contain \"%s\"", err.message, part);
        }
        hyl_inserter_drop_row(ins);
    }
    assert_int_equal(hyl_inserter_rows(ins), 0);
    assert_ok(hyl_inserter_finish(ins, &rows, &err), &err);
    assert_int_equal(rows, 0);
    mem_assert_written(&mem, "", 0);
    hyl_inserter_free(ins);
    mem_conn_close(&mem);
}

static hyl_value value_of(hyl_type_id type)
{
    hyl_value value;
    memset(&value, 0, sizeof value);
    value.type = type;
    return value;
}

static void null_is_refused_where_it_may_not_be(void **state)
{
    (void)state;
    for (int id = HYL_TYPE_BOOL; id < HYL_TYPE_ARRAY; id++) {
        hyl_value value = value_of((hyl_type_id)id);
        value.is_null = true;
        assert_refused(hyl_type_of((hyl_type_id)id), &value, HYL_ERR_NULLVAL, "NOT NULL");
    }
}

static void assert_text_refused(hyl_type type, hyl_str text, hyl_status status, const char *part)
{
    hyl_value value = value_of(HYL_TYPE_TEXT);
    value.as.str = text;
    assert_refused(type, &value, status, part);
}

static void text_is_utf8_of_a_length(void **state)
{
    (void)state;
    static const hyl_str invalid[] = {
        {"\xff", 1},         {"a\x80", 2},      {"\xc0\xaf", 2},
        {"\xed\xa0\x80", 3}, {"ab\xe2\x82", 4}, {"\xf4\x90\x80\x80", 4},
        {"12345678\xc3", 9},
    };
    const hyl_type types[] = {hyl_type_of(HYL_TYPE_TEXT), hyl_type_from_oid(1043, 4 + 20),
                              hyl_type_from_oid(1042, 4 + 20), hyl_type_of(HYL_TYPE_CHAR1),
                              hyl_type_of(HYL_TYPE_JSON)};
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
            assert_text_refused(types[k], invalid[i], HYL_ERR_ARG, "UTF-8");
        }
    }
    assert_text_refused(hyl_type_from_oid(1043, 4 + 3), HYL_STR("abcd"), HYL_ERR_RANGE,
                        "character varying(3)");
    assert_text_refused(hyl_type_from_oid(1042, 4 + 3), HYL_STR("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"),
                        HYL_ERR_RANGE, "character(3)");
    assert_text_refused(hyl_type_of(HYL_TYPE_CHAR1), HYL_STR(""), HYL_ERR_RANGE, "one character");
    assert_text_refused(hyl_type_of(HYL_TYPE_CHAR1), HYL_STR("ab"), HYL_ERR_RANGE, "character(1)");
}

static void assert_numeric_refused(hyl_type type, int64_t digits, int scale)
{
    hyl_value value = value_of(HYL_TYPE_NUMERIC);
    value.as.numeric = (hyl_numeric){(uint64_t)digits, digits < 0 ? -1 : 0, 38, (uint8_t)scale};
    assert_refused(type, &value, HYL_ERR_RANGE, "numeric(");
}

static void numbers_keep_precision_and_scale(void **state)
{
    (void)state;
    assert_numeric_refused(hyl_type_numeric(5, 2), 100000, 2);
    assert_numeric_refused(hyl_type_numeric(5, 2), -100000, 2);
    assert_numeric_refused(hyl_type_numeric(5, 2), 1000, 0);
    assert_numeric_refused(hyl_type_numeric(5, 2), 1, 3);
    assert_numeric_refused(hyl_type_numeric(18, 0), INT64_C(1000000000000000000), 0);
    hyl_value value = value_of(HYL_TYPE_INT);
    value.as.i32 = 1000;
    assert_refused(hyl_type_numeric(5, 2), &value, HYL_ERR_RANGE, "numeric(5,2)");
}

static void assert_time_refused(hyl_type_id type, int64_t time)
{
    hyl_value value = value_of(type);
    if (type == HYL_TYPE_DATE) {
        value.as.i32 = (int32_t)time;
    } else {
        value.as.i64 = time;
    }
    assert_refused(hyl_type_of(type), &value, HYL_ERR_RANGE, hyl_type_name(type));
}

static void times_lie_in_their_ranges(void **state)
{
    (void)state;
    assert_time_refused(HYL_TYPE_DATE, HYL_DATE_MIN - 1);
    assert_time_refused(HYL_TYPE_DATE, HYL_DATE_MAX + 1);
    assert_time_refused(HYL_TYPE_TIME, -1);
    assert_time_refused(HYL_TYPE_TIME, HYL_MICROS_PER_DAY + 1);
    assert_time_refused(HYL_TYPE_TIMESTAMP, INT64_MIN);
    assert_time_refused(HYL_TYPE_TIMESTAMP, INT64_MAX);
    assert_time_refused(HYL_TYPE_TIMESTAMPTZ, INT64_MAX);
    assert_time_refused(HYL_TYPE_INTERVAL, INT64_MIN);
}

/* Every type into every other, but where it widens. */
static void types_do_not_mix(void **state)
{
    (void)state;
    static const hyl_type_id pairs[][2] = {
        {HYL_TYPE_INT, HYL_TYPE_SMALLINT},
        {HYL_TYPE_BIGINT, HYL_TYPE_INT},
        {HYL_TYPE_BIGINT, HYL_TYPE_DOUBLE},
        {HYL_TYPE_INT, HYL_TYPE_REAL},
        {HYL_TYPE_DOUBLE, HYL_TYPE_REAL},
        {HYL_TYPE_DOUBLE, HYL_TYPE_INT},
        {HYL_TYPE_BOOL, HYL_TYPE_INT},
        {HYL_TYPE_INT, HYL_TYPE_BOOL},
        {HYL_TYPE_OID, HYL_TYPE_INT},
        {HYL_TYPE_INT, HYL_TYPE_TEXT},
        {HYL_TYPE_TEXT, HYL_TYPE_INT},
        {HYL_TYPE_TEXT, HYL_TYPE_BYTES},
        {HYL_TYPE_BYTES, HYL_TYPE_TEXT},
        {HYL_TYPE_TIMESTAMP, HYL_TYPE_TIMESTAMPTZ},
        {HYL_TYPE_TIMESTAMPTZ, HYL_TYPE_TIMESTAMP},
        {HYL_TYPE_TIMESTAMP, HYL_TYPE_DATE},
        {HYL_TYPE_DATE, HYL_TYPE_TIMESTAMPTZ},
        {HYL_TYPE_TIME, HYL_TYPE_INTERVAL},
        {HYL_TYPE_INTERVAL, HYL_TYPE_TIME},
        {HYL_TYPE_NUMERIC, HYL_TYPE_DOUBLE},
        {HYL_TYPE_UUID, HYL_TYPE_BYTES},
        {HYL_TYPE_BYTES, HYL_TYPE_UUID},
        {HYL_TYPE_TEXT, HYL_TYPE_DATE},
        {HYL_TYPE_TEXT, HYL_TYPE_UUID},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const hyl_value value = value_of(pairs[i][0]);
        assert_refused(hyl_type_of(pairs[i][1]), &value, HYL_ERR_TYPE, "is wanted");
    }
}

/* ---- Within the COPY ----------------------------------------------------------------------- */

/* What the server refuses ends the sending within one message. */
static void an_error_stops_the_sender(void **state)
{
    (void)state;
    enum { BUFFER = 100000, AT = 5 * BUFFER, ROWS = 10000000 };
    mem_conn mem = mem_conn_open(NULL);
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    hyl_buf messages = HYL_BUF_INIT;
    hyl_status status = HYL_OK;
    opts.buffer_size = BUFFER;
    opts.format = HYL_INSERT_HYPERBINARY;
    hyl_inserter *ins = open_column(&mem, hyl_type_of(HYL_TYPE_BIGINT), false, &opts);
    mem_say_copy_in(&mem);
    backend_error(&messages, "22P02", "no good");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, AT, &messages);
    for (int i = 0; i < ROWS && status == HYL_OK; i++) {
        status = hyl_inserter_i64(ins, i, &err);
        if (status == HYL_OK) {
            status = hyl_inserter_end_row(ins, &err);
        }
    }
    assert_status(status, HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22P02");
    assert_in_range(hyl_mem_peer_written(mem.peer).len, AT, AT + BUFFER + 1000);
    assert_status(hyl_inserter_finish(ins, NULL, &err), HYL_ERR_SERVER, &err);
    hyl_inserter_free(ins);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

/* Nothing is begun on the server before there is a buffer's worth, or the end. */
static void the_copy_begins_late(void **state)
{
    (void)state;
    static const char sql[] = "COPY \"t\" (\"x\") FROM STDIN WITH (FORMAT hyperbinary)";
    mem_conn mem = mem_conn_open(NULL);
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    opts.format = HYL_INSERT_HYPERBINARY;
    hyl_inserter *ins = open_column(&mem, hyl_type_of(HYL_TYPE_SMALLINT), false, &opts);
    assert_ok(hyl_inserter_i16(ins, 0x0201, &err), &err);
    assert_ok(hyl_inserter_end_row(ins, &err), &err);
    mem_assert_written(&mem, "", 0);
    hyl_buf expected = HYL_BUF_INIT;
    hyl_buf messages = HYL_BUF_INIT;
    int64_t rows = 0;
    mem_say_copy_in(&mem);
    backend_tag(&messages, "COPY 1");
    backend_ready(&messages, 'I');
    mem_say_after(&mem, backend_query_size(sql) + (5 + 19) + (5 + 2) + 5, &messages);
    assert_ok(hyl_inserter_finish(ins, &rows, &err), &err);
    assert_int_equal(rows, 1);
    assert_ok(hyl_enc_query(&expected, hyl_str_of(sql), &err), &err);
    hyl_bytes written = hyl_mem_peer_written(mem.peer);
    assert_true(written.len > expected.len);
    assert_memory_equal(written.data, expected.data, expected.len);
    assert_memory_equal(written.data + written.len - 5, "c\0\0\0\4", 5);
    assert_memory_equal(written.data + written.len - 7, "\1\2", 2);
    hyl_buf_reset(&expected);
    hyl_inserter_free(ins);
    mem_forget(&mem);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_refused_where_it_may_not_be),
        cmocka_unit_test(text_is_utf8_of_a_length),
        cmocka_unit_test(numbers_keep_precision_and_scale),
        cmocka_unit_test(times_lie_in_their_ranges),
        cmocka_unit_test(types_do_not_mix),
        cmocka_unit_test(an_error_stops_the_sender),
        cmocka_unit_test(the_copy_begins_late),
    };
    return cmocka_run_group_tests_name("data/inserter", tests, NULL, NULL);
}
