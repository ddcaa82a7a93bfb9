#include "support/test.h"

#include "support/hyperd.h"
#include "support/live.h"

#include <stdlib.h>

static hyl_error err;

static const hyl_query_opts as_text = {sizeof as_text, HYL_QUERY_TEXT, HYL_TRANSFER_DEFAULT};
static const hyl_query_opts geography_as_text = {sizeof geography_as_text, HYL_QUERY_GEOGRAPHY_TEXT,
                                                 HYL_TRANSFER_DEFAULT};

static hyl_result *opened(hyl_conn *conn, const char *sql, const hyl_query_opts *opts)
{
    hyl_result *result = NULL;
    assert_ok(hyl_query_with(conn, sql, opts, &result, &err), &err);
    return result;
}

static const hyl_row *next_row(hyl_result *result)
{
    const hyl_row *row = NULL;
    assert_ok(hyl_result_next(result, &row, &err), &err);
    return row;
}

static void assert_done(hyl_result *result)
{
    const hyl_row *row = NULL;
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
}

/* ---- Memory: the first test, as a process never forgets its peak ----------------------------- */

LIVE_HOLDS_ITS_PEAK

static void memory_does_not_grow_with_the_result(void **state)
{
    (void)state;
    /* The slack is for blocks: how many are held, and of what size, is up to how the data come. Two
     * bytes lost for each row would be 5,300 kB. */
    enum { ROWS = 3000000, WARM = 300000, SLACK_KB = 4096, PEAK_KB = 32 * 1024 };
    static const char large[] =
        "SELECT i, i * 1.5, CAST(i AS text) || '-row' FROM generate_series(1, 3000000) g(i)";
    hyl_conn *conn = live_connect(NULL);
    const hyl_row *row = NULL;
    long warm = 0;
    hyl_result *result = opened(conn, large, NULL);
    hyl_status status = HYL_OK;
    int64_t count = 0;
    int64_t sum = 0; /* the rows' order is the server's to choose */
    while ((status = hyl_result_next(result, &row, &err)) == HYL_OK) {
        int32_t i = 0;
        hyl_str text;
        assert_ok(hyl_row_get_i32(row, 0, &i, &err), &err);
        assert_ok(hyl_row_get_str(row, 2, &text, &err), &err);
        sum += i;
        count++;
        warm = count == WARM ? live_peak_kb() : warm;
    }
    assert_status(status, HYL_DONE, &err);
    assert_int_equal(count, ROWS);
    assert_true(sum == (int64_t)ROWS * (ROWS + 1) / 2);
    assert_int_equal(hyl_result_affected(result), ROWS);
    hyl_result_free(result);
    printf("a peak of %ld kB after 300,000 rows, of %ld kB after 3 M\n", warm, live_peak_kb());
    assert_in_range(live_peak_kb(), warm, warm + SLACK_KB);
    assert_in_range(live_peak_kb(), 1, PEAK_KB); /* under any sanitizer */
    hyl_conn_free(conn);
}

/* ---- Types ----------------------------------------------------------------------------------- */

/* X(expression, type, its SQL name, the server's text under the client's settings, which getters) */
#define TYPE_MAP(X)                                                                     \
    X("true", BOOL, "boolean", "t", "bool")                                             \
    X("CAST(-7 AS smallint)", SMALLINT, "smallint", "-7", "i16 i32 i64 f64 numeric")    \
    X("CAST(-7 AS int)", INT, "integer", "-7", "i32 i64 f64 numeric")                   \
    X("CAST(-7 AS bigint)", BIGINT, "bigint", "-7", "i64 numeric")                      \
    X("CAST(0.1 AS real)", REAL, "real", "0.1", "f32 f64")                              \
    X("CAST(0.1 AS double precision)", DOUBLE, "double precision", "0.1", "f64")        \
    X("CAST(-0.50 AS numeric(10,4))", NUMERIC, "numeric(10,4)", "-0.5000", "numeric")   \
    X("CAST(12 AS numeric(18,0))", NUMERIC, "numeric(18,0)", "12", "numeric i64")       \
    X("CAST(12 AS numeric(38,2))", NUMERIC, "numeric(38,2)", "12.00", "numeric")        \
    X("CAST(12 AS oid)", OID, "oid", "12", "u32 i64")                                   \
    X("'\xc3\xa9'", TEXT, "text", "\xc3\xa9", "str bytes")                              \
    X("CAST('ab' AS varchar(5))", VARCHAR, "character varying(5)", "ab", "str bytes")   \
    X("CAST('ab' AS char(5))", CHAR, "character(5)", "ab   ", "str bytes")              \
    X("CAST('a' AS char(1))", CHAR1, "character(1)", "a", "str bytes")                  \
    X("CAST('{}' AS json)", JSON, "json", "{}", "str bytes")                            \
    X("CAST(E'\\\\x00ff' AS bytea)", BYTES, "bytes", "\\x00ff", "bytes")                \
    X("date '2024-02-29'", DATE, "date", "2024-02-29", "date timestamp")                \
    X("time '23:59:59.5'", TIME, "time", "23:59:59.5", "time")                          \
    X("timestamp '1999-12-31 12:00:00'", TIMESTAMP, "timestamp", "1999-12-31 12:00:00", \
      "timestamp")                                                                      \
    X("timestamptz '1999-12-31 12:00:00+01'", TIMESTAMPTZ, "timestamp with time zone",  \
      "1999-12-31 11:00:00+00", "timestamptz")                                          \
    X("interval '1 day 02:00:00'", INTERVAL, "interval", "P1DT2H", "interval")          \
    X("CAST('point(1 2)' AS tableau.tabgeography)", GEOGRAPHY, "tableau.tabgeography",  \
      "POINT(1.0000000 2.0000000)", "bytes")                                            \
    X("CAST('00010203-0405-0607-0809-0a0b0c0d0e0f' AS uuid)", UUID, "uuid",             \
      "00010203-0405-0607-0809-0a0b0c0d0e0f", "uuid")                                   \
    X("ARRAY[1,NULL,3]", ARRAY, "array(integer)", "[1,NULL,3]", "")

static const struct {
    const char *expression;
    hyl_type_id id;
    const char *name;
    const char *text;
    const char *getters;
} types[] = {
#define TYPE(expression, id, name, text, getters) {expression, HYL_TYPE_##id, name, text, getters},
    TYPE_MAP(TYPE)
#undef TYPE
};

enum { TYPE_COUNT = sizeof types / sizeof types[0] };

static const char *row_text(const hyl_row *row, size_t column)
{
    static char texts[2][1000];
    static unsigned turn;
    hyl_buf text = HYL_BUF_INIT;
    char *out = texts[turn++ % 2];
    assert_ok(hyl_row_text(row, column, &text, &err), &err);
    snprintf(out, sizeof texts[0], "%.*s", (int)text.len, text.len > 0 ? (char *)text.data : "");
    hyl_buf_reset(&text);
    return out;
}

/* All expressions in one row, twice over: as values and as NULL. */
static char *all_types_query(void)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, "SELECT ");
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        hyl_buf_printf(&sql, "%s%s AS c%zu", i > 0 ? ", " : "", types[i].expression, i + 1);
    }
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        hyl_buf_printf(&sql, ", CASE WHEN false THEN %s END", types[i].expression);
    }
    hyl_buf_append_byte(&sql, 0);
    assert_int_equal(hyl_buf_status(&sql), HYL_OK);
    return (char *)sql.data;
}

/* Formatted, this table moves a little further on every run. */
/* clang-format off */
#define GETTER_MAP(X) \
    X(bool, bool) \
    X(i16, int16_t) \
    X(i32, int32_t) \
    X(u32, uint32_t) \
    X(i64, int64_t) \
    X(f32, float) \
    X(f64, double) \
    X(numeric, hyl_numeric) \
    X(str, hyl_str) \
    X(bytes, hyl_bytes) \
    X(date, int32_t) \
    X(time, int64_t) \
    X(timestamp, int64_t) \
    X(timestamptz, int64_t) \
    X(interval, hyl_interval)
/* clang-format on */

/* Whether the words of `list` have this one. */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word)) {
        bool begins = at == list || at[-1] == ' ';
        if (begins && (at[len] == ' ' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static void check_getter(hyl_status status, size_t column, const char *getter, bool text_format)
{
    bool expected =
        has_word(types[column].getters, getter) || (text_format && strcmp(getter, "str") == 0);
    bool no_way_back = text_format && types[column].id == HYL_TYPE_GEOGRAPHY;
    if (expected && !(no_way_back && strcmp(getter, "bytes") == 0)) {
        if (status != HYL_OK) {
            fail_msg("%s by %s: %s", types[column].name, getter, err.message);
        }
        return;
    }
    char place[20];
    snprintf(place, sizeof place, "column %zu \"c%zu\"", column + 1, column + 1);
    if (status != HYL_ERR_TYPE || strstr(err.message, place) == NULL ||
        (!no_way_back && strstr(err.message, types[column].name) == NULL)) {
        fail_msg("%s by %s: %s: %s", types[column].name, getter, hyl_status_name(status),
                 err.message);
    }
}

static void check_getters(const hyl_row *row, bool text_format)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
#define CHECK(name, type)                                                                     \
    {                                                                                         \
        type value;                                                                           \
        err = (hyl_error)HYL_ERROR_INIT;                                                      \
        check_getter(hyl_row_get_##name(row, i, &value, &err), i, #name, text_format);        \
        err = (hyl_error)HYL_ERROR_INIT;                                                      \
        assert_status(hyl_row_get_##name(row, TYPE_COUNT + i, &value, &err), HYL_ERR_NULLVAL, \
                      &err);                                                                  \
    }
        GETTER_MAP(CHECK)
#undef CHECK
        uint8_t uuid[16];
        err = (hyl_error)HYL_ERROR_INIT;
        check_getter(hyl_row_get_uuid(row, i, uuid, &err), i, "uuid", text_format);
    }
}

static void check_columns(const hyl_result *result, hyl_format format)
{
    assert_int_equal(hyl_result_column_count(result), 2 * TYPE_COUNT);
    for (size_t i = 0; i < 2 * TYPE_COUNT; i++) {
        hyl_buf name = HYL_BUF_INIT;
        const hyl_column *column = hyl_result_column(result, i);
        assert_int_equal(column->type.id, types[i % TYPE_COUNT].id);
        assert_int_equal(column->format, format);
        hyl_type_format(column->type, &name);
        hyl_buf_append_byte(&name, 0);
        assert_string_equal((char *)name.data, types[i % TYPE_COUNT].name);
        hyl_buf_reset(&name);
    }
}

static void every_type_has_its_getters(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect("set.timezone=UTC set.extra_float_digits=3");
    char *sql = all_types_query();
    hyl_result *result = opened(conn, sql, NULL);
    check_columns(result, HYL_FORMAT_HYPERBINARY);
    check_getters(next_row(result), false);
    assert_done(result);
    result = opened(conn, sql, &as_text);
    check_columns(result, HYL_FORMAT_TEXT);
    check_getters(next_row(result), true);
    assert_done(result);
    hyl_free(sql);
    hyl_conn_free(conn);
}

/* Our text of a binary value is the server's; geography's is the server's to give. */
static void text_is_the_servers(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect("set.timezone=UTC set.extra_float_digits=3");
    char *sql = all_types_query();
    hyl_result *text = opened(conn, sql, &as_text);
    const hyl_row *row = next_row(text);
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        assert_string_equal(row_text(row, i), types[i].text);
        assert_string_equal(row_text(row, TYPE_COUNT + i), "");
        assert_true(hyl_row_is_null(row, TYPE_COUNT + i));
    }
    assert_done(text);
    hyl_result *mixed = opened(conn, sql, &geography_as_text);
    row = next_row(mixed);
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        bool geography = types[i].id == HYL_TYPE_GEOGRAPHY;
        assert_int_equal(hyl_result_column(mixed, i)->format,
                         geography ? HYL_FORMAT_TEXT : HYL_FORMAT_HYPERBINARY);
        assert_string_equal(row_text(row, i), types[i].text);
    }
    assert_done(mixed);
    hyl_result *binary = opened(conn, sql, NULL);
    row = next_row(binary);
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        hyl_buf out = HYL_BUF_INIT;
        if (types[i].id == HYL_TYPE_GEOGRAPHY) {
            assert_status(hyl_row_text(row, i, &out, &err), HYL_ERR_TYPE, &err);
        } else {
            assert_string_equal(row_text(row, i), types[i].text);
        }
        hyl_buf_reset(&out);
    }
    assert_done(binary);
    hyl_free(sql);
    hyl_conn_free(conn);
}

static void one_value_has_text_whatever_its_type(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT %s", types[i].expression);
        assert_string_equal(live_text(conn, sql), types[i].text);
    }
    hyl_conn_free(conn);
}

static void values_are_exact(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect_unix(NULL);
    int64_t i64 = 0;
    double f64 = 0;
    assert_ok(hyl_query_i64(conn, "SELECT -9223372036854775807 - 1", &i64, &err), &err);
    assert_true(i64 == INT64_MIN);
    assert_ok(hyl_query_f64(conn, "SELECT CAST(0.1 AS double precision)", &f64, &err), &err);
    assert_true(f64 == 0.1);
    assert_ok(hyl_query_f64(conn, "SELECT CAST(7 AS smallint)", &f64, &err), &err);
    assert_true(f64 == 7);
    assert_status(hyl_query_f64(conn, "SELECT CAST(7 AS bigint)", &f64, &err), HYL_ERR_TYPE, &err);
    assert_string_equal(err.message, "column 1 \"1\" is bigint, not double precision");
    assert_status(hyl_query_i64(conn, "SELECT CAST(NULL AS int)", &i64, &err), HYL_ERR_NULLVAL,
                  &err);
    assert_status(hyl_query_i64(conn, "SELECT 1 WHERE false", &i64, &err), HYL_ERR_RANGE, &err);
    assert_status(
        hyl_query_i64(conn, "SELECT i FROM generate_series(1, 10000000) g(i)", &i64, &err),
        HYL_ERR_RANGE, &err);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static void names_are_exact(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    static const char *const names[] = {"a", "a", "select", "a\"b", "\xc3\xa9\xe2\x82\xac",
                                        " ", "A", "7",      "7"};
    hyl_result *result =
        opened(conn,
               "SELECT 1 a, 2 a, 3 AS \"select\", 4 AS \"a\"\"b\", 5 AS \"\xc3\xa9\xe2\x82\xac\", "
               "6 AS \" \", 7 AS \"A\", 8 AS \"7\", 9 AS \"7\"",
               NULL);
    const hyl_row *row = next_row(result);
    assert_int_equal(hyl_result_column_count(result), 9);
    for (size_t i = 0; i < 9; i++) {
        int32_t value = 0;
        assert_string_equal(hyl_result_column(result, i)->name, names[i]);
        assert_ok(hyl_row_get_i32(row, i, &value, &err), &err);
        assert_int_equal(value, i + 1);
    }
    assert_int_equal(hyl_result_find(result, "a"), 0);
    assert_int_equal(hyl_result_find(result, "A"), 6);
    assert_done(result);
    hyl_conn_free(conn);
}

static void a_result_may_have_no_columns_or_no_rows(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    for (int i = 0; i < 2; i++) {
        const hyl_query_opts *opts = i == 0 ? NULL : &as_text;
        hyl_result *result = opened(conn, "SELECT FROM generate_series(1, 3)", opts);
        assert_int_equal(hyl_result_column_count(result), 0);
        assert_ok(hyl_result_finish(result, &err), &err);
        assert_string_equal(hyl_result_tag(result), "SELECT 3");
        hyl_result_free(result);
        result = opened(conn, "SELECT 1 AS a, 'x' AS b WHERE false", opts);
        assert_int_equal(hyl_result_column_count(result), 2);
        assert_string_equal(hyl_result_column(result, 1)->name, "b");
        assert_int_equal(hyl_result_column(result, 1)->type.id, HYL_TYPE_TEXT);
        assert_done(result);
    }
    hyl_conn_free(conn);
}

/* The server loses all rows but the first where a bare list is described first; we do not. */
static void lists_of_values_are_whole(void **state)
{
    (void)state;
    static const char *const lists[] = {
        "VALUES (1), (2), (3)", "(VALUES (1), (2), (3))", "-- x\nvalues (1), (2), (3); -- y",
        "VALUES (1), (2), (3) ORDER BY 1", "VALUES (1), (2), (3) LIMIT 3"};
    const hyl_query_opts *const ways[] = {NULL, &as_text, &geography_as_text};
    hyl_conn *conn = live_connect(NULL);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (size_t j = 0; j < 3; j++) {
            hyl_result *result = opened(conn, lists[i], ways[j]);
            int32_t sum = 0;
            for (int row = 0; row < 3; row++) {
                int32_t value = 0;
                assert_ok(hyl_row_get_i32(next_row(result), 0, &value, &err), &err);
                sum += value;
            }
            assert_int_equal(sum, 1 + 2 + 3);
            assert_done(result);
        }
    }
    hyl_conn_free(conn);
}

/* Statements that return rows and cannot be described keep their own formats. */
static void other_statements_have_rows_too(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    live_exec(conn, "PREPARE p AS SELECT 7 AS a, 'x' AS b");
    for (int i = 0; i < 2; i++) {
        const hyl_query_opts *opts = i == 0 ? NULL : &as_text;
        hyl_result *result = opened(conn, "EXECUTE p", opts);
        assert_string_equal(row_text(next_row(result), 0), "7");
        assert_done(result);
        result = opened(conn, "SHOW lc_time", opts);
        assert_string_equal(row_text(next_row(result), 0), "en_us");
        assert_done(result);
        result = opened(conn, "EXPLAIN SELECT 1", opts);
        assert_true(strlen(row_text(next_row(result), 0)) > 10);
        hyl_result_free(result);
        live_exec(conn, "BEGIN");
        live_exec(conn, "DECLARE c CURSOR FOR SELECT i FROM generate_series(1, 5) g(i) ORDER BY i");
        result = opened(conn, "FETCH 2 FROM c", opts);
        assert_string_equal(row_text(next_row(result), 0), "1");
        assert_string_equal(row_text(next_row(result), 0), "2");
        assert_done(result);
        live_exec(conn, "COMMIT");
    }
    hyl_conn_free(conn);
}

static void large_rows_come_whole(void **state)
{
    (void)state;
    enum { COUNT = 40, SIZE = 1500000 };
    hyl_conn *conn = live_connect(NULL);
    const hyl_query_opts *const ways[] = {NULL, &as_text};
    for (size_t way = 0; way < 2; way++) {
        hyl_result *result = opened(conn,
                                    "SELECT i, repeat(CAST(i % 10 AS text), 1500000) FROM "
                                    "generate_series(1, 40) g(i) ORDER BY i",
                                    ways[way]);
        for (int32_t i = 1; i <= COUNT; i++) {
            int32_t number = 0;
            hyl_str text;
            const hyl_row *row = next_row(result);
            assert_ok(hyl_row_get_i32(row, 0, &number, &err), &err);
            assert_ok(hyl_row_get_str(row, 1, &text, &err), &err);
            assert_int_equal(number, i);
            assert_int_equal(text.len, SIZE);
            for (size_t at = 0; at < SIZE; at += 99999) {
                assert_int_equal(text.data[at], '0' + i % 10);
            }
        }
        assert_done(result);
    }
    hyl_conn_free(conn);
}

static void a_limit_of_ours_is_an_error_of_its_own(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect("max_message=1MB");
    hyl_result *result = opened(conn, "SELECT repeat('x', 1000000)", NULL);
    (void)next_row(result);
    assert_done(result);
    result = opened(conn, "SELECT repeat('x', 1048577)", NULL);
    const hyl_row *row = NULL;
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_PROTOCOL, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    hyl_result_free(result);
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_DESYNC);
    hyl_conn_free(conn);
}

/* ---- Statements ------------------------------------------------------------------------------ */

static void tags_count_what_was_done(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int64_t affected;
        const char *tag;
    } cases[] = {
        {"CREATE TEMP TABLE t (a int, b text)", -1, "CREATE TABLE"},
        {"INSERT INTO t SELECT i, 'x' FROM generate_series(1, 10) g(i)", 10, "INSERT 0 10"},
        {"INSERT INTO t VALUES (11, 'y'), (12, 'z')", 2, "INSERT 0 2"},
        {"INSERT INTO t VALUES (13, 'y') RETURNING a", 1, "INSERT 0 1"},
        {"INSERT INTO t SELECT * FROM t WHERE false", 0, "INSERT 0 0"},
        {"UPDATE t SET b = 'w' WHERE a > 10", 3, "UPDATE 3"},
        {"DELETE FROM t WHERE a <= 3", 3, "DELETE 3"},
        {"SELECT * FROM t", 10, "SELECT 10"},
        {"TABLE t", 10, "SELECT 10"},
        {"VALUES (1), (2)", 2, "SELECT 2"},
        {"SET lc_time = 'de_DE'", -1, "SET"},
        {"TRUNCATE TABLE t", -1, "TRUNCATE TABLE"},
        {"BEGIN", -1, "BEGIN"},
        {"COMMIT", -1, "COMMIT"},
        {"", -1, ""},
        {"-- nothing", -1, ""},
        {"DROP TABLE t", -1, "DROP TABLE"},
    };
    hyl_conn *conn = live_connect(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_result *result = opened(conn, cases[i].sql, NULL);
        assert_ok(hyl_result_finish(result, &err), &err);
        assert_string_equal(hyl_result_tag(result), cases[i].tag);
        assert_true(hyl_result_affected(result) == cases[i].affected);
        hyl_result_free(result);
    }
    hyl_conn_free(conn);
}

static void a_script_runs_as_the_server_reads_it(void **state)
{
    (void)state;
    static const char script[] =
        "CREATE TEMP TABLE s (n int, a text); /* one; /* not nested */\n"
        "INSERT INTO s VALUES (1, 'semi;colon'), (2, 'it''s;');\n"
        "-- a comment; with a semicolon and a ' quote\n"
        "INSERT INTO s VALUES (3, $$dollar;'$$), (4, $x$a $$;$$ b$x$);;\n"
        "INSERT INTO s VALUES (5, E'back\\'slash;');\n"
        "INSERT INTO s SELECT 6, \"a;b\" FROM (SELECT 'name' AS \"a;b\") q";
    static const char *const values[] = {"semi;colon", "it's;",       "dollar;'",
                                         "a $$;$$ b",  "back'slash;", "name"};
    hyl_conn *conn = live_connect(NULL);
    size_t done = 0;
    assert_ok(hyl_exec_script(conn, script, &done, &err), &err);
    assert_int_equal(done, 5);
    for (int i = 0; i < 6; i++) {
        char sql[60];
        snprintf(sql, sizeof sql, "SELECT a FROM s WHERE n = %d", i + 1);
        assert_string_equal(live_text(conn, sql), values[i]);
    }
    hyl_conn_free(conn);
}

static void a_script_says_which_statement_failed(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    size_t done = 0;
    assert_status(hyl_exec_script(conn,
                                  "BEGIN;\nCREATE TEMP TABLE q (a int);\n\nINSERT INTO\n  nope "
                                  "VALUES (1); COMMIT",
                                  &done, &err),
                  HYL_ERR_SERVER, &err);
    assert_int_equal(done, 2);
    assert_memory_equal(err.message, "statement 3, line 4: ", 21);
    assert_string_equal(err.sqlstate, "42P01");
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_TX_FAILED);
    live_exec(conn, "ROLLBACK");
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

static void a_statement_may_fail_after_many_rows(void **state)
{
    (void)state;
    hyl_conn *conn = live_connect(NULL);
    const hyl_row *row = NULL;
    hyl_result *result =
        opened(conn, "SELECT i, 1/(150000 - i) FROM generate_series(1, 200000) g(i)", NULL);
    hyl_status status = HYL_OK;
    int32_t count = 0;
    while ((status = hyl_result_next(result, &row, &err)) == HYL_OK) {
        count++;
    }
    printf("%d rows before the error\n", (int)count);
    assert_status(status, HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22012");
    assert_true(count < 200000);
    hyl_result_free(result);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_does_not_grow_with_the_result),
        cmocka_unit_test(every_type_has_its_getters),
        cmocka_unit_test(text_is_the_servers),
        cmocka_unit_test(one_value_has_text_whatever_its_type),
        cmocka_unit_test(values_are_exact),
        cmocka_unit_test(names_are_exact),
        cmocka_unit_test(a_result_may_have_no_columns_or_no_rows),
        cmocka_unit_test(lists_of_values_are_whole),
        cmocka_unit_test(other_statements_have_rows_too),
        cmocka_unit_test(large_rows_come_whole),
        cmocka_unit_test(a_limit_of_ours_is_an_error_of_its_own),
        cmocka_unit_test(tags_count_what_was_done),
        cmocka_unit_test(a_script_runs_as_the_server_reads_it),
        cmocka_unit_test(a_script_says_which_statement_failed),
        cmocka_unit_test(a_statement_may_fail_after_many_rows),
    };
    return cmocka_run_group_tests_name("live/result_hyperd", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
