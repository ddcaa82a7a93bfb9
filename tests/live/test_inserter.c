/* The inserter on a real server: what goes in comes out, what does not fit changes nothing. */
#include "support/alloc.h"
#include "support/hyperd.h"
#include "support/live.h"
#include "support/test.h"

#include <hyperline/insert.h>

#include <stdlib.h>

static hyl_conn *conn;
static hyl_error err;

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void run(const char *sql)
{
    hyl_error failure = HYL_ERROR_INIT;
    assert_ok(hyl_exec(conn, sql, NULL, &failure), &failure);
}

static int64_t ask(const char *sql)
{
    hyl_error failure = HYL_ERROR_INIT;
    int64_t answer = -1;
    assert_ok(hyl_query_i64(conn, sql, &answer, &failure), &failure);
    return answer;
}

static void assert_text(const char *sql, const char *expected)
{
    hyl_error failure = HYL_ERROR_INIT;
    char *text = NULL;
    assert_ok(hyl_query_text(conn, sql, &text, &failure), &failure);
    assert_string_equal(text, expected);
    hyl_free(text);
}

static hyl_inserter *open_into(const char *table)
{
    hyl_inserter *ins = NULL;
    assert_ok(hyl_inserter_open(conn, table, NULL, 0, NULL, &ins, &err), &err);
    return ins;
}

static void finish(hyl_inserter *ins, int64_t expected)
{
    int64_t rows = -1;
    assert_ok(hyl_inserter_finish(ins, &rows, &err), &err);
    assert_int_equal(rows, expected);
    hyl_inserter_free(ins);
}

static void assert_message(const char *part)
{
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", err.message, part);
    }
}

/* ---- Every type ---------------------------------------------------------------------------- */

typedef struct matrix {
    const char *type;
    const char *literals[8];
} matrix;

static const matrix matrices[] = {
    {"boolean", {"true", "false"}},
    {"smallint", {"0", "-32768", "32767"}},
    {"integer", {"0", "-2147483648", "2147483647"}},
    {"bigint", {"0", "-9223372036854775808", "9223372036854775807"}},
    {"oid", {"0", "2147483647"}},
    {"real", {"0", "-0", "NaN", "Infinity", "1e-45", "3.4028234e38"}},
    {"double precision", {"0", "-0", "NaN", "-Infinity", "5e-324", "1.7976931348623157e308"}},
    {"numeric(5,2)", {"0", "-0.01", "999.99", "-999.99"}},
    {"numeric(18,0)", {"0", "999999999999999999", "-999999999999999999"}},
    {"numeric(19,3)", {"0.001", "9999999999999999.999", "-9999999999999999.999"}},
    {"numeric(38,10)", {"-0.0000000001", "9999999999999999999999999999.9999999999"}},
    {"text", {"", "a", "twelve bytes", "thirteen byte", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"}},
    {"varchar(5)", {"", "abcde", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"}},
    {"char(4)", {"", "ab", "abcd"}},
    {"char(1)", {"a", "\xf0\x9f\x98\x80"}},
    {"json", {"{\"a\": [1, null]}", "1", "\"x\""}},
    {"bytes", {"", "\\x00ff61", "abc"}},
    {"date", {"0001-01-01", "4713-01-01 BC", "1969-12-31", "2000-01-01", "294276-12-31"}},
    {"time", {"00:00:00", "23:59:59.999999"}},
    {"timestamp",
     {"0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "4713-01-01 00:00:00 BC",
      "1970-01-01 00:00:00", "294247-01-10 04:00:54.775807"}},
    {"timestamptz", {"0001-01-01 00:00:00+00", "2024-02-29 12:34:56.789+00"}},
    {"interval", {"P0D", "P1Y2M3DT4H5M6.789S", "P-1M", "PT-0.000001S"}},
    {"uuid", {"00112233-4455-6677-8899-aabbccddeeff"}},
    /* What Arrow has no room for. */
    {"timestamp", {"294276-12-31 23:59:59.999999", "294247-01-10 04:00:54.775808"}},
    {"interval", {"PT9999999H", "P1Y"}},
    {"time", {"23:59:59.999999", "24:00:00"}},
};

enum { MAX_LITERALS = 8 };

typedef struct cell {
    char bytes[64]; /* what the value views */
    hyl_value value;
    hyl_type type;
    char text[80];
} cell;

/* The server's value of a literal, kept. */
static void read_cell(const char *type, const char *literal, cell *out)
{
    char sql[300];
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    snprintf(sql, sizeof sql, "SELECT CAST('%s' AS %s)", literal, type);
    assert_ok(hyl_query(conn, sql, &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_ok(hyl_row_get_value(row, 0, &out->value, &err), &err);
    out->type = hyl_result_column(result, 0)->type;
    hyl_buf text = HYL_BUF_INIT;
    assert_ok(hyl_row_text(row, 0, &text, &err), &err);
    assert_true(text.len < sizeof out->text);
    snprintf(out->text, sizeof out->text, "%.*s", (int)text.len,
             text.data != NULL ? (const char *)text.data : "");
    hyl_buf_reset(&text);
    switch (out->value.type) {
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
    case HYL_TYPE_BYTES:
        assert_true(out->value.as.bytes.len <= sizeof out->bytes);
        memcpy(out->bytes, out->value.as.bytes.data, out->value.as.bytes.len);
        out->value.as.bytes.data = (const uint8_t *)out->bytes;
        break;
    default:
        break;
    }
    hyl_result_free(result);
}

/* The rows of columns x (nullable) and y (not) have the texts; x is NULL in every third. */
static void assert_rows(const cell *cells, size_t count, size_t rows)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_buf text = HYL_BUF_INIT;
    assert_ok(hyl_query(conn, "SELECT x, y FROM m ORDER BY i", &result, &err), &err);
    for (size_t i = 0; i < rows; i++) {
        const char *expected = cells[i % count].text;
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_int_equal(hyl_row_is_null(row, 0), i % 3 == 0);
        for (size_t column = i % 3 == 0; column < 2; column++) {
            hyl_buf_clear(&text);
            assert_ok(hyl_row_text(row, column, &text, &err), &err);
            hyl_buf_append_byte(&text, 0);
            assert_string_equal((const char *)text.data, expected);
        }
    }
    assert_int_equal(hyl_result_next(result, &row, &err), HYL_DONE);
    hyl_buf_reset(&text);
    hyl_result_free(result);
}

static void every_type_comes_back_as(const matrix *m, hyl_insert_format format)
{
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    opts.format = format;
    static cell cells[MAX_LITERALS];
    hyl_value null_value;
    char sql[200];
    size_t count = 0;
    for (; count < MAX_LITERALS && m->literals[count] != NULL; count++) {
        read_cell(m->type, m->literals[count], &cells[count]);
    }
    static const size_t row_counts[] = {0, 1, 1000};
    for (size_t n = 0; n < COUNT(row_counts); n++) {
        run("DROP TABLE IF EXISTS m");
        snprintf(sql, sizeof sql, "CREATE TABLE m (i int NOT NULL, x %s, y %s NOT NULL)", m->type,
                 m->type);
        run(sql);
        hyl_inserter *ins = NULL;
        assert_ok(hyl_inserter_open(conn, "m", NULL, 0, &opts, &ins, &err), &err);
        for (size_t i = 0; i < row_counts[n]; i++) {
            memset(&null_value, 0, sizeof null_value);
            null_value.is_null = true;
            const hyl_value *value = &cells[i % count].value;
            assert_ok(hyl_inserter_i32(ins, (int32_t)i, &err), &err);
            assert_ok(hyl_inserter_value(ins, i % 3 == 0 ? &null_value : value, &err), &err);
            assert_ok(hyl_inserter_value(ins, value, &err), &err);
            assert_ok(hyl_inserter_end_row(ins, &err), &err);
        }
        finish(ins, (int64_t)row_counts[n]);
        assert_rows(cells, count, row_counts[n]);
    }
    run("DROP TABLE m");
}

static void every_type_comes_back(void **state)
{
    every_type_comes_back_as(*state, HYL_INSERT_AUTO);
    every_type_comes_back_as(*state, HYL_INSERT_HYPERBINARY);
}

/* What Arrow does not have is refused where the rows before it went as Arrow, and only there. */
static void far_values_are_refused_after_arrow(void **state)
{
    (void)state;
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    opts.buffer_size = 65536;
    run("CREATE TABLE far (x time)");
    for (int i = HYL_WITH_ARROW ? 0 : 1; i < 2; i++) {
        hyl_inserter *ins = NULL;
        opts.format = i == 0 ? HYL_INSERT_AUTO : HYL_INSERT_HYPERBINARY;
        assert_ok(hyl_inserter_open(conn, "far", NULL, 0, &opts, &ins, &err), &err);
        for (int row = 0; row < 100000; row++) {
            assert_ok(hyl_inserter_time(ins, row, &err), &err);
            assert_ok(hyl_inserter_end_row(ins, &err), &err);
        }
        if (i == 0) {
            assert_status(hyl_inserter_time(ins, HYL_MICROS_PER_DAY, &err), HYL_ERR_RANGE, &err);
            assert_message("row 100001, column 1 \"x\": the time 24:00:00 cannot be sent as Arrow");
            hyl_inserter_drop_row(ins);
            finish(ins, 100000);
            continue;
        }
        assert_ok(hyl_inserter_time(ins, HYL_MICROS_PER_DAY, &err), &err);
        assert_ok(hyl_inserter_end_row(ins, &err), &err);
        finish(ins, 100001);
    }
    run("DROP TABLE far");
}

/* ---- The setters, and what widens ---------------------------------------------------------- */

static void setters_widen_without_loss(void **state)
{
    (void)state;
    const hyl_numeric dozen = {1250, 0, 4, 2};
    run("CREATE TABLE w (a bigint, b numeric(38,2), c double precision, d int, e real, "
        "f numeric(6,3), g timestamp, h numeric(10,0), k bigint, l numeric(20,1))");
    hyl_inserter *ins = open_into("w");
    for (int i = 0; i < 2; i++) {
        assert_ok(hyl_inserter_i32(ins, INT32_MIN, &err), &err);
        assert_ok(hyl_inserter_i64(ins, INT64_MIN, &err), &err);
        assert_ok(hyl_inserter_f32(ins, 0.5F, &err), &err);
        assert_ok(hyl_inserter_i16(ins, -7, &err), &err);
        assert_ok(hyl_inserter_i16(ins, -32768, &err), &err);
        assert_ok(hyl_inserter_numeric(ins, &dozen, &err), &err);
        assert_ok(hyl_inserter_date(ins, 31, &err), &err);
        assert_ok(hyl_inserter_i32(ins, -1, &err), &err);
        assert_ok(hyl_inserter_u32(ins, UINT32_MAX, &err), &err);
        assert_ok(hyl_inserter_i16(ins, 5, &err), &err);
        assert_ok(hyl_inserter_end_row(ins, &err), &err);
    }
    finish(ins, 2);
    assert_text("SELECT CAST(a AS text) || ' ' || CAST(b AS text) || ' ' || CAST(c AS text) || ' ' "
                "|| CAST(d AS text) || ' ' || CAST(e AS text) || ' ' || CAST(f AS text) || ' ' || "
                "CAST(g AS text) || ' ' || CAST(h AS text) || ' ' || CAST(k AS text) || ' ' || "
                "CAST(l AS text) FROM w LIMIT 1",
                "-2147483648 -9223372036854775808.00 0.5 -7 -32768 12.500 2000-02-01 00:00:00 -1 "
                "4294967295 5.0");
    run("DROP TABLE w");
}

/* ---- Names --------------------------------------------------------------------------------- */

static void names_are_found_as_sql_writes_them(void **state)
{
    (void)state;
    static const char *const columns[] = {"q\"x", "select"};
    hyl_inserter *ins = NULL;
    run("CREATE SCHEMA \"Extract\"");
    run("CREATE TABLE \"Extract\".\"Ex.tr\" (i int DEFAULT 5, \"select\" int NOT NULL, "
        "\"q\"\"x\" text)");
    const char *const names[] = {"\"Extract\".\"Ex.tr\"", "db.\"Extract\".\"Ex.tr\"",
                                 "\"db\".\"Extract\".\"Ex.tr\""};
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_ok(hyl_inserter_open(conn, names[i], columns, 2, NULL, &ins, &err), &err);
        assert_int_equal(hyl_inserter_column_count(ins), 2);
        assert_string_equal(hyl_inserter_column(ins, 0)->name, "q\"x");
        assert_int_equal(hyl_inserter_column(ins, 1)->type.id, HYL_TYPE_INT);
        assert_null(hyl_inserter_column(ins, 2));
        assert_ok(hyl_inserter_str(ins, HYL_STR("it's"), &err), &err);
        assert_ok(hyl_inserter_i32(ins, (int32_t)i, &err), &err);
        assert_ok(hyl_inserter_end_row(ins, &err), &err);
        finish(ins, 1);
    }
    assert_text("SELECT count(i) || ' ' || sum(\"select\") || ' ' || max(\"q\"\"x\") FROM "
                "\"Extract\".\"Ex.tr\"",
                "0 3 it's");
    run("CREATE TABLE Folded (I int)");
    ins = open_into("FOLDED");
    finish(ins, 0);
    run("CREATE TEMP TABLE tmp (i int NOT NULL)");
    ins = open_into("tmp");
    assert_ok(hyl_inserter_i32(ins, 1, &err), &err);
    assert_ok(hyl_inserter_end_row(ins, &err), &err);
    finish(ins, 1);
    assert_int_equal(ask("SELECT count(*) FROM tmp"), 1);
    run("DROP TABLE tmp");
    run("DROP TABLE folded");
}

static void wrong_names_are_refused(void **state)
{
    (void)state;
    static const char *const twice[] = {"a", "a"};
    static const char *const none[] = {"a", "nope"};
    hyl_inserter *ins = NULL;
    static const char *const some[] = {"a"};
    run("CREATE TABLE n (a int, b int NOT NULL)");
    assert_status(hyl_inserter_open(conn, "n", some, 1, NULL, &ins, &err), HYL_ERR_ARG, &err);
    assert_message("\"b\" of table \"n\" is NOT NULL");
    assert_status(hyl_inserter_open(conn, "nope", NULL, 0, NULL, &ins, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P01");
    assert_status(hyl_inserter_open(conn, "db.public.nope", NULL, 0, NULL, &ins, &err),
                  HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P01");
    run("CREATE TABLE bare ()");
    assert_status(hyl_inserter_open(conn, "bare", NULL, 0, NULL, &ins, &err), HYL_ERR_ARG, &err);
    assert_message("table \"bare\" has no columns");
    run("DROP TABLE bare");
    assert_status(hyl_inserter_open(conn, "n; DROP TABLE n", NULL, 0, NULL, &ins, &err),
                  HYL_ERR_ARG, &err);
    assert_status(hyl_inserter_open(conn, "n", twice, 2, NULL, &ins, &err), HYL_ERR_ARG, &err);
    assert_message("only one column \"a\"");
    assert_status(hyl_inserter_open(conn, "n", none, 2, NULL, &ins, &err), HYL_ERR_ARG, &err);
    assert_message("no column \"nope\"");
    assert_status(hyl_inserter_open(conn, "n", none, 0, NULL, &ins, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_inserter_open(conn, NULL, NULL, 0, NULL, &ins, &err), HYL_ERR_ARG, &err);
    assert_message("its name is NULL");
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    opts.format = (hyl_insert_format)9;
    assert_status(hyl_inserter_open(conn, "n", NULL, 0, &opts, &ins, &err), HYL_ERR_ARG, &err);
    assert_message("format is none: 9");
    assert_null(ins);
    run("DROP TABLE n");
}

/* ---- What is refused ----------------------------------------------------------------------- */

static void begin_row(hyl_inserter *ins)
{
    assert_ok(hyl_inserter_i32(ins, 1, &err), &err);
}

static void end_row(hyl_inserter *ins)
{
    assert_ok(hyl_inserter_numeric(ins, &(hyl_numeric){100, 0, 5, 2}, &err), &err);
    assert_ok(hyl_inserter_str(ins, HYL_STR("abc"), &err), &err);
    assert_ok(hyl_inserter_null(ins, &err), &err);
    assert_ok(hyl_inserter_end_row(ins, &err), &err);
}

/* The value was refused: the row stays so until it is ended. */
static void assert_refused(hyl_inserter *ins, hyl_status status, const char *where,
                           const char *part)
{
    assert_message(where);
    assert_message(part);
    hyl_error first = err;
    hyl_error_clear(&err);
    assert_int_equal(hyl_inserter_null(ins, &err), status);
    assert_string_equal(err.message, first.message);
    assert_int_equal(hyl_inserter_finish(ins, NULL, &err), status);
    assert_int_equal(hyl_inserter_end_row(ins, &err), status);
    assert_string_equal(err.message, first.message);
}

static void what_does_not_fit_is_refused_with_its_row(void **state)
{
    (void)state;
    const hyl_numeric big = {100000, 0, 6, 2};
    const hyl_numeric fine = {1001, 0, 4, 3};
    run("CREATE TABLE r (i int NOT NULL, n numeric(5,2) NOT NULL, v varchar(3), d date)");
    hyl_inserter *ins = open_into("r");
    begin_row(ins);
    end_row(ins);
    assert_status(hyl_inserter_null(ins, &err), HYL_ERR_NULLVAL, &err);
    assert_refused(ins, HYL_ERR_NULLVAL, "row 2, column 1 \"i\"", "NOT NULL");
    begin_row(ins);
    assert_status(hyl_inserter_numeric(ins, &big, &err), HYL_ERR_RANGE, &err);
    assert_refused(ins, HYL_ERR_RANGE, "row 3, column 2 \"n\"", "numeric(5,2)");
    begin_row(ins);
    assert_status(hyl_inserter_numeric(ins, &fine, &err), HYL_ERR_RANGE, &err);
    assert_refused(ins, HYL_ERR_RANGE, "row 4, column 2 \"n\"", "numeric(5,2)");
    begin_row(ins);
    assert_ok(hyl_inserter_i16(ins, 999, &err), &err);
    assert_status(hyl_inserter_str(ins, HYL_STR("a\xff"), &err), HYL_ERR_ARG, &err);
    assert_refused(ins, HYL_ERR_ARG, "row 5, column 3 \"v\"", "UTF-8");
    begin_row(ins);
    assert_ok(hyl_inserter_i16(ins, 999, &err), &err);
    assert_status(hyl_inserter_str(ins, HYL_STR("abcd"), &err), HYL_ERR_RANGE, &err);
    assert_refused(ins, HYL_ERR_RANGE, "row 6, column 3 \"v\"", "character varying(3)");
    assert_status(hyl_inserter_i64(ins, 1, &err), HYL_ERR_TYPE, &err);
    assert_refused(ins, HYL_ERR_TYPE, "row 7, column 1 \"i\"", "bigint where integer");
    begin_row(ins);
    assert_ok(hyl_inserter_i16(ins, 999, &err), &err);
    assert_ok(hyl_inserter_null(ins, &err), &err);
    assert_status(hyl_inserter_date(ins, HYL_DATE_MAX + 1, &err), HYL_ERR_RANGE, &err);
    assert_refused(ins, HYL_ERR_RANGE, "row 8, column 4 \"d\"", "date");
    begin_row(ins);
    assert_status(hyl_inserter_end_row(ins, &err), HYL_ERR_ARG, &err);
    assert_message("row 9 has 1 of 4 values: column 2 \"n\" is missing");
    begin_row(ins);
    assert_ok(hyl_inserter_i16(ins, 999, &err), &err);
    assert_ok(hyl_inserter_null(ins, &err), &err);
    assert_ok(hyl_inserter_null(ins, &err), &err);
    assert_status(hyl_inserter_null(ins, &err), HYL_ERR_ARG, &err);
    assert_refused(ins, HYL_ERR_ARG, "row 10", "more than 4 values");
    begin_row(ins);
    assert_status(hyl_inserter_finish(ins, NULL, &err), HYL_ERR_STATE, &err);
    hyl_inserter_drop_row(ins);
    begin_row(ins);
    end_row(ins);
    assert_int_equal(hyl_inserter_rows(ins), 2);
    finish(ins, 2);
    assert_int_equal(
        ask("SELECT count(*) FROM r WHERE i = 1 AND n = 1 AND v = 'abc' AND d IS NULL"), 2);
    assert_int_equal(ask("SELECT count(*) FROM r"), 2);
    run("DROP TABLE r");
}

/* ---- All or nothing ------------------------------------------------------------------------ */

static void put_ints(hyl_inserter *ins, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        assert_ok(hyl_inserter_i32(ins, i, &err), &err);
        assert_ok(hyl_inserter_end_row(ins, &err), &err);
    }
}

static void nothing_shows_without_finish(void **state)
{
    (void)state;
    static const int32_t counts[] = {1, 2000000}; /* before and within the COPY */
    run("CREATE TABLE f (i int NOT NULL)");
    for (size_t i = 0; i < COUNT(counts); i++) {
        hyl_inserter *ins = open_into("f");
        put_ints(ins, counts[i]);
        assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_BUSY);
        hyl_inserter_free(ins);
        assert_int_equal(ask("SELECT count(*) FROM f"), 0);
        ins = open_into("f");
        put_ints(ins, counts[i]);
        assert_ok(hyl_inserter_abort(ins, "enough", &err), &err);
        assert_int_equal(ask("SELECT count(*) FROM f"), 0);
        assert_status(hyl_inserter_i32(ins, 1, &err), HYL_ERR_CANCELLED, &err);
        assert_status(hyl_inserter_finish(ins, NULL, &err), HYL_ERR_CANCELLED, &err);
        hyl_inserter_free(ins);
    }
    run("DROP TABLE f");
}

/* The server's no comes with its words, and leaves the table as it was. */
static void a_server_error_fails_the_inserter(void **state)
{
    (void)state;
    run("CREATE TABLE j (i int NOT NULL, x json)");
    hyl_inserter *ins = open_into("j");
    hyl_status status = HYL_OK;
    int64_t sent = 0;
    for (; status == HYL_OK && sent < 50000000; sent++) {
        status = hyl_inserter_i32(ins, 1, &err);
        if (status == HYL_OK) {
            status = hyl_inserter_str(ins, sent == 10 ? HYL_STR("{no json") : HYL_STR("1"), &err);
        }
        if (status == HYL_OK) {
            status = hyl_inserter_end_row(ins, &err);
        }
    }
    assert_status(status, HYL_ERR_SERVER, &err);
    assert_true(sent < 50000000);
    assert_string_equal(err.sqlstate, "22P02");
    hyl_error_clear(&err);
    assert_status(hyl_inserter_i32(ins, 1, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22P02");
    assert_status(hyl_inserter_finish(ins, NULL, &err), HYL_ERR_SERVER, &err);
    hyl_inserter_free(ins);
    assert_int_equal(ask("SELECT count(*) FROM j"), 0);
    run("DROP TABLE j");
}

static void a_connection_closed_first_is_an_error(void **state)
{
    (void)state;
    hyl_conn *other = NULL;
    hyl_inserter *ins = NULL;
    assert_ok(hyl_connect_uri(test_hyperd_endpoint_text(), &other, &err), &err);
    assert_ok(hyl_exec(other, "CREATE TEMP TABLE c (i int)", NULL, &err), &err);
    assert_ok(hyl_inserter_open(other, "c", NULL, 0, NULL, &ins, &err), &err);
    assert_ok(hyl_inserter_i32(ins, 1, &err), &err);
    assert_ok(hyl_inserter_end_row(ins, &err), &err);
    hyl_conn_free(other);
    assert_status(hyl_inserter_finish(ins, NULL, &err), HYL_ERR_CLOSED, &err);
    hyl_inserter_free(ins);
}

static void a_transaction_keeps_or_undoes_the_rows(void **state)
{
    (void)state;
    run("CREATE TABLE t (i int NOT NULL)");
    run("BEGIN");
    hyl_inserter *ins = open_into("t");
    put_ints(ins, 3);
    finish(ins, 3);
    run("ROLLBACK");
    assert_int_equal(ask("SELECT count(*) FROM t"), 0);
    run("BEGIN");
    ins = open_into("t");
    put_ints(ins, 3);
    finish(ins, 3);
    run("COMMIT");
    assert_int_equal(ask("SELECT count(*) FROM t"), 3);
    run("DROP TABLE t");
}

/* ---- Many rows ----------------------------------------------------------------------------- */

/* Small and huge values, message by message. */
static void messages_are_cut_anywhere(void **state)
{
    (void)state;
    enum { BIG = 3000000 };
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    hyl_inserter *ins = NULL;
    char *big = malloc(BIG);
    memset(big, 'b', BIG);
    opts.buffer_size = 1;
    run("CREATE TABLE b (i int NOT NULL, s text, n numeric(30,2))");
    assert_ok(hyl_inserter_open(conn, "b", NULL, 0, &opts, &ins, &err), &err);
    for (int32_t i = 0; i < 1000; i++) {
        assert_ok(hyl_inserter_i32(ins, i, &err), &err);
        if (i % 7 == 0) {
            assert_ok(hyl_inserter_null(ins, &err), &err);
        } else {
            hyl_str text = {big, i % 250 == 1 ? BIG : (size_t)(i % 40)};
            assert_ok(hyl_inserter_str(ins, text, &err), &err);
        }
        assert_ok(hyl_inserter_i32(ins, -i, &err), &err);
        assert_ok(hyl_inserter_end_row(ins, &err), &err);
    }
    finish(ins, 1000);
    free(big);
    assert_int_equal(ask("SELECT count(*) FROM b WHERE n = -i"), 1000);
    assert_int_equal(ask("SELECT count(*) FROM b WHERE (i % 7 = 0) = (s IS NULL)"), 1000);
    assert_int_equal(ask("SELECT count(*) FROM b WHERE i % 7 <> 0 AND s = repeat('b', "
                         "CASE WHEN i % 250 = 1 THEN 3000000 ELSE i % 40 END)"),
                     857);
    run("DROP TABLE b");
}

static void columns_append_rows(void **state)
{
    (void)state;
    enum { ROWS = 50000 };
    static int32_t ids[ROWS];
    static double prices[ROWS];
    static hyl_str names[ROWS];
    static bool no_price[ROWS];
    for (int32_t i = 0; i < ROWS; i++) {
        ids[i] = i;
        prices[i] = i / 4.0;
        names[i] = i % 2 ? HYL_STR("odd") : HYL_STR("even");
        no_price[i] = i % 5 == 0;
    }
    const hyl_colbuf columns[] = {{HYL_TYPE_INT, ids, NULL},
                                  {HYL_TYPE_DOUBLE, prices, no_price},
                                  {HYL_TYPE_TEXT, names, NULL}};
    run("CREATE TABLE k (i bigint NOT NULL, p double precision, n varchar(4) NOT NULL)");
    hyl_inserter *ins = open_into("k");
    assert_ok(hyl_inserter_columns(ins, columns, 3, ROWS, &err), &err);
    assert_status(hyl_inserter_columns(ins, columns, 2, ROWS, &err), HYL_ERR_ARG, &err);
    names[7] = HYL_STR("too long");
    assert_status(hyl_inserter_columns(ins, columns, 3, ROWS, &err), HYL_ERR_RANGE, &err);
    assert_message("row 50008, column 3 \"n\"");
    assert_int_equal(hyl_inserter_rows(ins), ROWS + 7);
    finish(ins, ROWS + 7);
    assert_int_equal(ask("SELECT count(*) FROM k WHERE (p = i / 4.0 OR (p IS NULL AND i % 5 = 0)) "
                         "AND n = CASE WHEN i % 2 = 1 THEN 'odd' ELSE 'even' END"),
                     ROWS + 7);
    run("DROP TABLE k");
}

LIVE_HOLDS_ITS_PEAK

/* Inserters that come and go on one connection leave nothing behind. */
static void memory_does_not_grow_with_the_appends(void **state)
{
    (void)state;
    enum { APPENDS = 20, WARM = 3, ROWS = 200000, SLACK_KB = 1024 };
    long warm = 0;
    run("CREATE TABLE g (i int NOT NULL, p double precision, n text)");
    for (int append = 1; append <= APPENDS; append++) {
        hyl_inserter *ins = open_into("g");
        for (int32_t i = 0; i < ROWS; i++) {
            assert_ok(hyl_inserter_i32(ins, i, &err), &err);
            assert_ok(hyl_inserter_f64(ins, i / 4.0, &err), &err);
            assert_ok(hyl_inserter_str(ins, HYL_STR("some text"), &err), &err);
            assert_ok(hyl_inserter_end_row(ins, &err), &err);
        }
        finish(ins, ROWS);
        warm = append == WARM ? live_peak_kb() : warm;
    }
    assert_in_range(live_peak_kb(), warm, warm + SLACK_KB);
    assert_int_equal(ask("SELECT count(*) FROM g"), APPENDS * ROWS);
    run("DROP TABLE g");
}

/* ---- Without memory ------------------------------------------------------------------------ */

enum { TORTURE_ROWS = 200 };

/* Inserts a few messages' worth into a connection's temporary table. */
static hyl_status insert_some(hyl_conn *other, hyl_insert_format format, hyl_error *failure)
{
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    hyl_inserter *ins = NULL;
    opts.buffer_size = 400;
    opts.format = format;
    HYL_TRY(hyl_inserter_open(other, "torture", NULL, 0, &opts, &ins, failure));
    hyl_status status = HYL_OK;
    for (int32_t i = 0; status == HYL_OK && i < TORTURE_ROWS; i++) {
        status = hyl_inserter_i32(ins, i, failure);
        if (status == HYL_OK) {
            status = hyl_inserter_str(ins, HYL_STR("some text"), failure);
        }
        if (status == HYL_OK) {
            status = hyl_inserter_end_row(ins, failure);
        }
    }
    if (status == HYL_OK) {
        status = hyl_inserter_finish(ins, NULL, failure);
    }
    hyl_inserter_free(ins);
    return status;
}

/* True where the allocation was reached. */
static bool torture(hyl_insert_format format, size_t fail_in)
{
    hyl_error failure = HYL_ERROR_INIT;
    hyl_conn *other = NULL;
    int64_t rows = -1;
    alloc_start(ALLOC_NEVER);
    assert_ok(hyl_connect_uri(test_hyperd_endpoint_text(), &other, &err), &err);
    assert_ok(hyl_exec(other, "CREATE TEMP TABLE torture (i int NOT NULL, t text)", NULL, &err),
              &err);
    alloc_arm(fail_in);
    hyl_status status = insert_some(other, format, &failure);
    bool failed = alloc_failed();
    alloc_arm(ALLOC_NEVER);
    assert_int_equal(status, failed ? HYL_ERR_NOMEM : HYL_OK);
    if (hyl_conn_health(other) == HYL_HEALTH_OK) {
        assert_ok(hyl_query_i64(other, "SELECT count(*) FROM torture", &rows, &err), &err);
        assert_int_equal(rows, status == HYL_OK ? TORTURE_ROWS : 0);
    } else {
        assert_true(status < 0);
    }
    hyl_conn_free(other);
    alloc_stop();
    return failed;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; torture(HYL_INSERT_AUTO, n); n++) {
    }
    for (size_t n = 1; torture(HYL_INSERT_HYPERBINARY, n); n++) {
    }
}

/* ---- The program --------------------------------------------------------------------------- */

static int open_connection(void **state)
{
    char sql[500];
    if (test_hyperd_start(state) != 0 ||
        hyl_connect_uri(test_hyperd_endpoint_text(), &conn, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    snprintf(sql, sizeof sql, "CREATE DATABASE \"%s\" WITH VERSION 4", test_path("db.hyper"));
    run(sql);
    snprintf(sql, sizeof sql, "ATTACH DATABASE \"%s\" AS db", test_path("db.hyper"));
    run(sql);
    return 0;
}

static int close_connection(void **state)
{
    hyl_conn_free(conn);
    conn = NULL;
    return test_hyperd_stop(state);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT(matrices) + 16];
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(far_values_are_refused_after_arrow),
        cmocka_unit_test(setters_widen_without_loss),
        cmocka_unit_test(names_are_found_as_sql_writes_them),
        cmocka_unit_test(wrong_names_are_refused),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_row),
        cmocka_unit_test(nothing_shows_without_finish),
        cmocka_unit_test(a_server_error_fails_the_inserter),
        cmocka_unit_test(a_connection_closed_first_is_an_error),
        cmocka_unit_test(a_transaction_keeps_or_undoes_the_rows),
        cmocka_unit_test(messages_are_cut_anywhere),
        cmocka_unit_test(columns_append_rows),
        cmocka_unit_test(memory_does_not_grow_with_the_appends),
        cmocka_unit_test(every_allocation_may_fail),
    };
    size_t count = 0;
    for (; count < COUNT(matrices); count++) {
        tests[count] = (struct CMUnitTest){matrices[count].type, every_type_comes_back, NULL, NULL,
                                           (void *)(uintptr_t)&matrices[count]};
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        tests[count++] = others[i];
    }
    return _cmocka_run_group_tests("live/inserter", tests, count, open_connection,
                                   close_connection);
}
