/*
 * The server's own text is the oracle: every value of a matrix of types and extremes is fetched as
 * text and as HyperBinary, and must come out of the codecs as the server has it, and go back into a
 * table by COPY unchanged.
 */
#include "data/result.h"
#include "data/transfer.h"
#include "support/hex.h"
#include "support/hyperd.h"
#include "support/random.h"
#include "support/test.h"

#include <hyperline/hyperline.h>

#include <stdarg.h>

static hyl_conn *conn;

/* ---- The matrix ------------------------------------------------------------------------------ */

enum { MAX_CASES = 2000, MAX_SQL = 400 };

static char expressions[MAX_CASES][MAX_SQL];
static size_t expression_count;

HYL_PRINTF(1, 2) static void add(const char *format, ...)
{
    va_list args;
    if (expression_count == MAX_CASES) {
        abort();
    }
    va_start(args, format);
    int len = vsnprintf(expressions[expression_count++], MAX_SQL, format, args);
    va_end(args);
    if (len < 0 || len >= MAX_SQL) {
        abort();
    }
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Each text of the list, as a literal cast to the type. */
static void add_literals(const char *type, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add("cast('%s' as %s)", texts[i], type);
    }
    add("cast(null as %s)", type);
}

static void add_integers(void)
{
    static const char *const smalls[] = {"0", "1", "-1", "9", "10", "-99", "32767", "-32768"};
    static const char *const ints[] = {"0", "-1", "1000000000", "2147483647", "-2147483648"};
    static const char *const bigs[] = {"0", "-1", "9223372036854775807", "-9223372036854775808"};
    static const char *const bools[] = {"true", "false"};
    add_literals("bool", bools, COUNT(bools));
    add_literals("smallint", smalls, COUNT(smalls));
    add_literals("int", ints, COUNT(ints));
    add_literals("bigint", bigs, COUNT(bigs));
    for (int64_t power = 10; power <= INT64_C(100000000000000000); power *= 10) {
        add("cast(%lld as bigint)", (long long)power - 1);
        add("cast(-%lld as bigint)", (long long)power);
    }
    add("cast(0 as oid)");
    add("cast(16384 as oid)");
    add("cast(2147483647 as oid)");
    add("cast(null as oid)");
}

static void add_floats(void)
{
    static const char *const words[] = {"0", "-0", "NaN", "Infinity", "-Infinity"};
    static const char *const doubles[] = {"1.7976931348623157e308",
                                          "-1.7976931348623157e308",
                                          "2.2250738585072014e-308",
                                          "2.2250738585072009e-308",
                                          "5e-324",
                                          "9007199254740993",
                                          "123456789.123456789",
                                          "0.3333333333333333",
                                          "4.35",
                                          "2.675",
                                          "999999999999999.9",
                                          "99999999999999.98"};
    static const char *const reals[] = {"1.1754944e-38", "1e-45",         "16777217",  "999999.94",
                                        "3.4028234e38",  "-3.4028234e38", "0.33333334"};
    /* One type after the other: the test makes a table whenever the type changes. */
    add_literals("double precision", words, COUNT(words));
    add_literals("double precision", doubles, COUNT(doubles));
    for (int exponent = -8; exponent <= 24; exponent++) {
        add("cast('1e%d' as double precision)", exponent);
    }
    add_literals("real", words, COUNT(words));
    add_literals("real", reals, COUNT(reals));
    for (int exponent = -8; exponent <= 24; exponent++) {
        add("cast('-1.25e%d' as real)", exponent);
    }
}

/* "999.99", "-0.01" and "0.50" of a numeric's precision and scale. */
static void add_numeric(int precision, int scale)
{
    char digits[64];
    memset(digits, '9', (size_t)precision + 1);
    digits[precision - scale] = '.';
    digits[precision + 1] = '\0';
    if (scale == 0) {
        digits[precision] = '\0';
    }
    const char *zero = precision == scale ? "0" : "";
    add("cast('%s%s' as numeric(%d,%d))", zero, digits, precision, scale);
    add("cast('-%s%s' as numeric(%d,%d))", zero, digits, precision, scale);
    add("cast('-1e-%d' as numeric(%d,%d))", scale, precision, scale);
    add("cast('%s' as numeric(%d,%d))", scale > 0 ? "-0.5" : "-5", precision, scale);
}

static void add_numerics(void)
{
    for (int precision = 1; precision <= 38; precision++) {
        add_numeric(precision, 0);
        add_numeric(precision, precision);
        if (precision > 2) {
            add_numeric(precision, precision / 2);
        }
    }
    add("-0.5::numeric(5,4)");
    add("cast(null as numeric(5,2))");
    add("cast(null as numeric(38,10))");
    add("cast(1.5 as numeric)");
    add("1.5 * 1.5");
    add("1.0 / 3");
    add("avg(x) from (values (1), (2)) t(x)");
    add("sum(x) from (values (1.5), (2.5)) t(x)");
    add("sum(x) from (values (cast(1 as bigint))) t(x)");
    add("count(*) from (values (1)) t(x)");
}

static const char *const days[] = {
    "4713-01-01 BC", "4713-12-31 BC", "0044-03-15 BC", "0005-02-29 BC", "0001-01-01 BC",
    "0001-12-31 BC", "0001-01-01",    "0004-02-29",    "0099-12-31",    "1000-01-01",
    "1582-10-04",    "1582-10-15",    "1899-12-31",    "1900-02-28",    "1969-12-31",
    "1970-01-01",    "1999-12-31",    "2000-01-01",    "2000-02-29",    "2024-02-29",
    "2038-01-19",    "9999-12-31",    "10000-01-01",   "12345-06-07",   "99999-12-31",
    "100000-01-01",  "294276-12-31",  "infinity",      "-infinity"};

static const char *const times[] = {"00:00:00",        "00:00:00.000001", "00:00:00.1",
                                    "12:34:56.12345",  "12:34:56.789",    "23:59:59",
                                    "23:59:59.999999", "01:00:00.000010"};

/* "0044-03-15 BC" and a time: "0044-03-15 12:00:00 BC". */
static void add_timestamp(const char *type, const char *day, const char *time, const char *zone)
{
    const char *bc = strstr(day, " BC");
    const int len = (int)(bc != NULL ? (size_t)(bc - day) : strlen(day));
    add("cast('%.*s %s%s%s' as %s)", len, day, time, zone, bc != NULL ? bc : "", type);
}

static void add_dates(void)
{
    add_literals("date", days, COUNT(days));
    add_literals("time", times, COUNT(times));
    add("cast('24:00:00' as time)");
    for (size_t i = 0; i + 2 < COUNT(days); i++) {
        add_timestamp("timestamp", days[i], times[i % COUNT(times)], "");
    }
    for (size_t i = 0; i < COUNT(times); i++) {
        add_timestamp("timestamp", "2024-02-29", times[i], "");
    }
    add("cast('infinity' as timestamp)");
    add("cast(null as timestamp)");
    for (size_t i = 0; i + 2 < COUNT(days); i++) {
        add_timestamp("timestamptz", days[i], times[(i + 3) % COUNT(times)], "+00");
    }
    for (size_t i = 0; i < COUNT(times); i++) {
        add_timestamp("timestamptz", "2024-02-29", times[i], "-03:30");
    }
    add("cast('-infinity' as timestamptz)");
    add("cast('2024-07-01 12:00:00 Europe/Berlin' as timestamptz)");
    add("cast(null as timestamptz)");
}

static void add_intervals(void)
{
    static const char *const intervals[] = {"P0D",
                                            "PT1S",
                                            "PT-1S",
                                            "PT0.000001S",
                                            "PT-0.000001S",
                                            "PT0.5S",
                                            "PT-0.500000S",
                                            "PT60S",
                                            "PT59M59.999999S",
                                            "PT-59M-59.999999S",
                                            "PT24H",
                                            "PT25H",
                                            "PT-25H-1M",
                                            "PT2147483647H",
                                            "P1D",
                                            "P-1D",
                                            "P1DT-1H",
                                            "P-1DT1H",
                                            "P30D",
                                            "P400D",
                                            "P2147483647D",
                                            "P1M",
                                            "P-1M",
                                            "P11M",
                                            "P12M",
                                            "P13M",
                                            "P-12M",
                                            "P-13M",
                                            "P1Y-1M",
                                            "P1Y-2D",
                                            "P1Y2M3DT4H5M6.789S",
                                            "P-1Y-2M-3DT-4H-5M-6.789S",
                                            "P178956970Y7M",
                                            "P-178956970Y-7M",
                                            "P100Y",
                                            "P1Y5DT-3S"};
    add_literals("interval", intervals, COUNT(intervals));
}

static void add_strings(void)
{
    static const char *const texts[] = {"",
                                        "a",
                                        " ",
                                        "a b ",
                                        "NULL",
                                        "''",
                                        "\\",
                                        "\"",
                                        "a,b",
                                        "[x]",
                                        "\xc3\xa4\xc3\xb6\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"};
    static const char *const letters[] = {
        "a", " ", "\\", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    static const char *const documents[] = {"null", "{}",          "{\"a\": [1, \"b\"]}",
                                            " 1 ",  "\"\\u00e4\"", "1e400"};
    add_literals("text", texts, COUNT(texts));
    add_literals("varchar(10)", texts, COUNT(texts));
    add_literals("char(10)", texts, COUNT(texts));
    add_literals("char(1)", letters, COUNT(letters));
    add_literals("json", documents, COUNT(documents));
    add("cast(U&'a\\0000b\\0009\\000A\\000D' as text)");
    add("repeat('x', 1048576)");
    add("repeat(U&'\\00e4', 500000)");
    add("cast(repeat('y', 1000000) as varchar(1000000))");
    add("cast('z' as char(1000))");
    add("cast('x' as name)");
    add("cast('without a length' as varchar)");
    add("cast(null as varchar)");
    add("cast('y' as char)");
}

static void add_bytes(void)
{
    static const char *const bytes[] = {"", "\\x", "\\x00", "\\x00ff61", "abc", "\\xDEADBEEF"};
    static const char *const places[] = {
        "POINT(1 2)", "POINT(-122.5 37.75)", "LINESTRING(0 0, 1 1, 2 0)",
        "POLYGON((0 0, 1 0, 1 1, 0 0))", "MULTIPOINT((1 2), (3 4))"};
    static const char *const uuids[] = {"00000000-0000-0000-0000-000000000000",
                                        "ffffffff-ffff-ffff-ffff-ffffffffffff",
                                        "6ba7b810-9dad-11d1-80b4-00c04fd430c8"};
    add_literals("bytea", bytes, COUNT(bytes));
    add("cast(repeat('x', 1000000) as bytea)");
    add_literals("geography", places, COUNT(places));
    add_literals("uuid", uuids, COUNT(uuids));
}

static void add_arrays(void)
{
    static const char *const scalars[] = {
        "true, false",
        "cast(1 as smallint), cast(-1 as smallint)",
        "1, -2147483648",
        "cast(1 as bigint), cast(-1 as bigint)",
        "cast(1.5 as real), cast('-0' as real)",
        "1e20, cast('NaN' as double precision), cast('-Infinity' as double precision)",
        "1.5, -0.5",
        "cast(1.5 as numeric(38,10)), cast(-0.5 as numeric(38,10))",
        "cast(1 as oid), cast(7 as oid)",
        "'a', '', ' b ', 'NULL', 'c\"d', 'e\\f', 'g,h', '[i]'",
        "cast('a' as varchar(3)), cast('bcd' as varchar(3))",
        "cast('a' as char(3)), cast('' as char(3)), cast('bcd' as char(3))",
        ("cast('a' as char(1)), cast(' ' as char(1)), cast('\xe2\x82\xac' as char(1)), "
         "cast('\xf0\x9f\x98\x80' as char(1)), cast('\"' as char(1))"),
        "cast('{\"a\": [1]}' as json), cast('null' as json)",
        "cast('\\x00ff' as bytea), cast('' as bytea)",
        "date '2024-02-29', date '0001-01-01 BC'",
        "time '12:34:56.5', time '24:00:00'",
        "timestamp '2024-02-29 12:00:00', timestamp '0044-03-15 00:00:00 BC'",
        "timestamptz '2024-02-29 12:00:00+02'",
        "interval 'P1Y2M3DT4H5M6.789S', interval 'P0D'",
        "cast('6ba7b810-9dad-11d1-80b4-00c04fd430c8' as uuid)",
        "cast('POINT(1 2)' as geography)"};
    for (size_t i = 0; i < COUNT(scalars); i++) {
        add("array[%s]", scalars[i]);
        add("array[null, %s, null]", scalars[i]);
    }
    static const char *const types[] = {"int", "text", "numeric(20,2)", "char(1)", "date"};
    for (size_t i = 0; i < COUNT(types); i++) {
        add("cast(array[] as array(%s))", types[i]);
        add("cast(null as array(%s))", types[i]);
    }
    for (int count = 7; count <= 17; count++) {
        add("array_agg(nullif(x %% 3, 0)) from generate_series(1, %d) t(x)", count);
    }
    add("cast(array[1, 2] as array(int not null))");
    add("cast(array['a', ''] as array(text not null))");
    add("array[repeat('x', 100000), null, repeat('\"', 50000)]");
}

/* ---- One value ------------------------------------------------------------------------------- */

typedef struct cell {
    hyl_type type;
    bool is_null;
    bool by_arrow;
    hyl_status text_status;
    char name[64];
    hyl_buf bytes;
    hyl_buf text;
} cell;

/* The one value of a query, as it came. */
static cell fetch_by(const char *sql, unsigned flags, hyl_transfer transfer)
{
    hyl_query_opts opts = HYL_QUERY_OPTS_INIT;
    hyl_error err = HYL_ERROR_INIT;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    cell out = {.is_null = true};
    opts.flags = flags;
    opts.transfer = transfer;
    assert_ok(hyl_query_with(conn, sql, &opts, &result, &err), &err);
    assert_int_equal(hyl_result_column_count(result), 1);
    out.type = hyl_result_column(result, 0)->type;
    out.by_arrow = result->arrow != NULL;
    snprintf(out.name, sizeof out.name, "%s", hyl_result_column(result, 0)->name);
    assert_int_equal(strlen(out.name), hyl_result_column(result, 0)->name_len);
    assert_int_equal(hyl_result_column(result, 0)->format,
                     flags != 0 ? HYL_FORMAT_TEXT : HYL_FORMAT_HYPERBINARY);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    out.is_null = hyl_row_is_null(row, 0);
    if (!out.is_null) {
        hyl_bytes bytes;
        assert_ok(hyl_row_raw(row, 0, &bytes, &err), &err);
        hyl_buf_append(&out.bytes, bytes.data, bytes.len);
    }
    out.text_status = hyl_row_text(row, 0, &out.text, &err);
    assert_int_equal(hyl_result_next(result, &row, &err), HYL_DONE);
    assert_string_equal(hyl_result_tag(result), "SELECT 1");
    assert_int_equal(hyl_result_affected(result), 1);
    hyl_result_free(result);
    return out;
}

static cell fetch(const char *sql, unsigned flags)
{
    return fetch_by(sql, flags, HYL_TRANSFER_ROWS);
}

static void cell_free(cell *gone)
{
    hyl_buf_reset(&gone->bytes);
    hyl_buf_reset(&gone->text);
}

static hyl_bytes view(const hyl_buf *buf)
{
    return (hyl_bytes){buf->data, buf->len};
}

static void assert_same(const char *what, const hyl_buf *have, const hyl_buf *want)
{
    if (have->len != want->len ||
        (want->len > 0 && memcmp(have->data, want->data, want->len) != 0)) {
        fail_msg("%s: '%.*s' is not the server's '%.*s'", what,
                 (int)(have->len < 200 ? have->len : 200), (const char *)have->data,
                 (int)(want->len < 200 ? want->len : 200), (const char *)want->data);
    }
}

static bool only_the_server_writes(hyl_type type, const hyl_value *value)
{
    return type.id == HYL_TYPE_GEOGRAPHY ||
           (type.element == HYL_TYPE_GEOGRAPHY && value->as.bytes.len > 0);
}

static void check_text(const char *what, hyl_type type, const hyl_value *value, const cell *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf written = HYL_BUF_INIT;
    hyl_status status = hyl_value_text(type, value, &written, &err);
    if (only_the_server_writes(type, value)) {
        assert_status(status, HYL_ERR_TYPE, &err);
    } else {
        assert_ok(status, &err);
        assert_same(what, &written, &text->bytes);
    }
    hyl_buf_reset(&written);
}

static void check_from_text(const cell *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value value;
    hyl_status status =
        hyl_value_decode(text->type, HYL_FORMAT_TEXT, view(&text->bytes), &scratch, &value, &err);
    if (text->type.id == HYL_TYPE_GEOGRAPHY || text->type.element == HYL_TYPE_GEOGRAPHY) {
        assert_status(status, HYL_ERR_TYPE, &err);
    } else {
        assert_ok(status, &err);
        check_text("from text", text->type, &value, text);
    }
    hyl_buf_reset(&scratch);
}

static void check_from_hyperbinary(const cell *text, const cell *binary)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf encoded = HYL_BUF_INIT;
    hyl_value value;
    assert_ok(hyl_value_decode(binary->type, HYL_FORMAT_HYPERBINARY, view(&binary->bytes), NULL,
                               &value, &err),
              &err);
    check_text("from HyperBinary", binary->type, &value, text);
    assert_ok(hyl_value_encode(binary->type, &value, &encoded, &err), &err);
    assert_same("HyperBinary", &encoded, &binary->bytes);
    hyl_buf_reset(&encoded);
}

/* ---- Into a table and back ------------------------------------------------------------------- */

static void run(const char *sql)
{
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(hyl_exec(conn, sql, NULL, &err), &err);
}

/* An empty temporary table `matrix` of these columns. It is kept for the next values of the type,
 * since making one takes the server longer than all else. */
static void make_table(const char *columns)
{
    static char made[200];
    char sql[300];
    if (strcmp(made, columns) == 0) {
        run("TRUNCATE TABLE matrix");
        return;
    }
    run("DROP TABLE IF EXISTS matrix");
    snprintf(sql, sizeof sql, "CREATE TEMP TABLE matrix (%s)", columns);
    run(sql);
    snprintf(made, sizeof made, "%s", columns);
}

static void copy_in(const hyl_buf *stream, int64_t rows)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_copy *copy = NULL;
    int64_t copied = 0;
    assert_ok(
        hyl_copy_in_open(conn, "COPY matrix FROM STDIN WITH (FORMAT hyperbinary)", &copy, &err),
        &err);
    assert_ok(hyl_copy_write(copy, stream->data, stream->len, &err), &err);
    assert_ok(hyl_copy_finish(copy, &copied, &err), &err);
    assert_int_equal(copied, rows);
    hyl_copy_free(copy);
}

static hyl_buf copy_out(void)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf all = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    hyl_status status;
    assert_ok(
        hyl_copy_out_open(conn, "COPY matrix TO STDOUT WITH (FORMAT hyperbinary)", &copy, &err),
        &err);
    while ((status = hyl_copy_read(copy, &piece, &err)) == HYL_OK) {
        hyl_buf_append(&all, piece.data, piece.len);
    }
    assert_status(status, HYL_DONE, &err);
    assert_ok(hyl_copy_finish(copy, NULL, &err), &err);
    hyl_copy_free(copy);
    return all;
}

/* The table's columns: the one that is not nullable is left out for NULL. */
static void make_table_of(hyl_type type, bool for_null)
{
    hyl_buf name = HYL_BUF_INIT;
    char columns[200];
    hyl_type_format(type, &name);
    snprintf(columns, sizeof columns, for_null ? "x %.*s NULL" : "x %.*s NULL, y %.*s NOT NULL",
             (int)name.len, (const char *)name.data, (int)name.len, (const char *)name.data);
    make_table(columns);
    hyl_buf_reset(&name);
}

static void check_column(const char *name, const cell *text, const cell *binary)
{
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT %s FROM matrix", name);
    cell text_back = fetch(sql, HYL_QUERY_TEXT);
    cell binary_back = fetch(sql, 0);
    assert_int_equal(text_back.is_null, text->is_null);
    assert_int_equal(binary_back.is_null, binary->is_null);
    assert_same("text of the copied value", &text_back.bytes, &text->bytes);
    assert_same("HyperBinary of the copied value", &binary_back.bytes, &binary->bytes);
    cell_free(&text_back);
    cell_free(&binary_back);
}

/* The value goes in by COPY, and comes out as text, as HyperBinary and by COPY as it was. */
static void check_copy(const cell *text, const cell *binary)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf stream = HYL_BUF_INIT;
    hyl_value value = {.type = binary->type.id, .is_null = true};
    make_table_of(binary->type, binary->is_null);
    hyl_copy_header(&stream);
    if (!binary->is_null) {
        assert_ok(hyl_value_decode(binary->type, HYL_FORMAT_HYPERBINARY, view(&binary->bytes), NULL,
                                   &value, &err),
                  &err);
    }
    assert_ok(hyl_copy_field(binary->type, true, &value, &stream, &err), &err);
    if (!binary->is_null) {
        assert_ok(hyl_copy_field(binary->type, false, &value, &stream, &err), &err);
    }
    copy_in(&stream, 1);
    check_column("x", text, binary);
    if (!binary->is_null) {
        check_column("y", text, binary);
    }
    hyl_buf stream_back = copy_out();
    if (binary->type.id != HYL_TYPE_CHAR) { /* whose padding the server takes off */
        assert_same("COPY stream", &stream_back, &stream);
    }
    hyl_buf_reset(&stream_back);
    hyl_buf_reset(&stream);
}

/* ---- The other way --------------------------------------------------------------------------- */

/* What the server, or this build, has no Arrow for; everything else of the matrix must come as Arrow. */
static bool arrow_lacks(const char *expression, const cell *binary)
{
    static const char *const values[] = {"'24:00:00'", "PT2147483647H", "time '24:00:00'",
                                         "294276-12-31 ", "'infinity' as timestamp"};
    bool lacking = !HYL_WITH_ARROW || hyl__arrow_lacks_type(binary->type);
    for (size_t i = 0; i < COUNT(values); i++) {
        lacking |= strstr(expression, values[i]) != NULL;
    }
    return lacking;
}

/* The same query on each way has the same column, and the same bytes in it. */
static void both_ways_give_the_same(void **state)
{
    const char *expression = *state;
    char sql[MAX_SQL + 64];
    snprintf(sql, sizeof sql, "SELECT x FROM (SELECT %s) v(x)", expression);
    cell rows = fetch_by(sql, 0, HYL_TRANSFER_ROWS);
    cell either = fetch_by(sql, 0, HYL_TRANSFER_AUTO);
    assert_false(rows.by_arrow);
    if (either.by_arrow == arrow_lacks(expression, &rows)) {
        fail_msg("%s: it came %s", sql, either.by_arrow ? "as Arrow" : "as rows");
    }
    assert_string_equal(either.name, rows.name);
    assert_int_equal(either.type.oid, rows.type.oid);
    assert_int_equal(either.type.id, rows.type.id);
    assert_int_equal(either.type.element, rows.type.element);
    assert_int_equal(either.type.typmod, rows.type.typmod);
    assert_int_equal(either.is_null, rows.is_null);
    assert_same("bytes", &either.bytes, &rows.bytes);
    assert_int_equal(either.text_status, rows.text_status);
    assert_same("text", &either.text, &rows.text);
    cell_free(&rows);
    cell_free(&either);
}

static void the_value_is_the_servers(void **state)
{
    char sql[MAX_SQL + 16];
    snprintf(sql, sizeof sql, "SELECT %s", (const char *)*state);
    cell text = fetch(sql, HYL_QUERY_TEXT);
    cell binary = fetch(sql, 0);
    assert_int_equal(text.is_null, binary.is_null);
    assert_int_equal(text.type.oid, binary.type.oid);
    assert_int_not_equal(binary.type.id, HYL_TYPE_UNKNOWN);
    if (!text.is_null) {
        check_from_text(&text);
        check_from_hyperbinary(&text, &binary);
    }
    check_copy(&text, &binary);
    cell_free(&text);
    cell_free(&binary);
}

/* ---- Many random values ---------------------------------------------------------------------- */

typedef struct bulk {
    const char *name;
    hyl_type_id id;
    int precision; /* of numeric */
    int scale;
    int rows;
} bulk;

static const bulk bulks[] = {
    {"100,000 random doubles", HYL_TYPE_DOUBLE, 0, 0, 100000},
    {"100,000 random reals", HYL_TYPE_REAL, 0, 0, 100000},
    {"20,000 random bigints", HYL_TYPE_BIGINT, 0, 0, 20000},
    {"20,000 random numeric(18,6)", HYL_TYPE_NUMERIC, 18, 6, 20000},
    {"20,000 random numeric(38,19)", HYL_TYPE_NUMERIC, 38, 19, 20000},
    {"20,000 random dates", HYL_TYPE_DATE, 0, 0, 20000},
    {"20,000 random times", HYL_TYPE_TIME, 0, 0, 20000},
    {"20,000 random timestamps", HYL_TYPE_TIMESTAMP, 0, 0, 20000},
    {"20,000 random timestamptzs", HYL_TYPE_TIMESTAMPTZ, 0, 0, 20000},
    {"20,000 random intervals", HYL_TYPE_INTERVAL, 0, 0, 20000},
};

/* Bits of any kind, powers of two and their neighbours, short decimals, whole numbers. */
static double random_double(random_source *random, int i)
{
    uint64_t bits = random_u64(random);
    double value;
    switch (i % 4) {
    case 0:
        bits = (bits >> 53 << 52) + (bits & 2) - 1;
        memcpy(&value, &bits, sizeof value);
        return value;
    case 1:
        return (double)(int64_t)random_any_size(random) / 1000.0;
    case 2:
        return (double)random_any_size(random);
    default:
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

static float random_float(random_source *random, int i)
{
    uint32_t bits = (uint32_t)random_u64(random);
    float value;
    switch (i % 4) {
    case 0:
        bits = (bits >> 24 << 23) + (bits & 2) - 1;
        memcpy(&value, &bits, sizeof value);
        return value;
    case 1:
        return (float)(int32_t)random_any_size(random) / 100.0F;
    case 2:
        return (float)random_any_size(random);
    default:
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

static hyl_numeric random_numeric(random_source *random, const bulk *b)
{
    char text[64];
    hyl_numeric numeric = {0, 0, 0, 0};
    hyl_error err = HYL_ERROR_INIT;
    int len = snprintf(text, sizeof text, "%s%llu%019llu", random_below(random, 2) != 0 ? "-" : "",
                       (unsigned long long)random_any_size(random) % 1000000000000000000U,
                       (unsigned long long)random_u64(random) % 10000000000000000000U);
    const int digits = 1 + (int)random_below(random, (uint64_t)b->precision);
    const int sign = text[0] == '-';
    len = len < sign + digits ? len : sign + digits;
    snprintf(text + len, sizeof text - (size_t)len, "e-%d", b->scale);
    assert_ok(hyl_numeric_parse(hyl_str_of(text), b->precision, b->scale, &numeric, &err), &err);
    return numeric;
}

static hyl_value random_value(random_source *random, const bulk *b, int i)
{
    const uint64_t days_in_range = (uint64_t)HYL_DATE_MAX - (uint64_t)HYL_DATE_MIN + 1;
    hyl_value value = {.type = b->id};
    switch (b->id) {
    case HYL_TYPE_DOUBLE:
        value.as.f64 = random_double(random, i);
        break;
    case HYL_TYPE_REAL:
        value.as.f32 = random_float(random, i);
        break;
    case HYL_TYPE_NUMERIC:
        value.as.numeric = random_numeric(random, b);
        break;
    case HYL_TYPE_DATE:
        value.as.i32 = HYL_DATE_MIN + (int32_t)random_below(random, days_in_range);
        break;
    case HYL_TYPE_TIME:
        value.as.i64 = (int64_t)random_below(random, (uint64_t)HYL_MICROS_PER_DAY + 1);
        break;
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        value.as.i64 =
            (HYL_DATE_MIN + (int64_t)random_below(random, days_in_range)) * HYL_MICROS_PER_DAY +
            (int64_t)random_below(random, (uint64_t)HYL_MICROS_PER_DAY);
        break;
    case HYL_TYPE_INTERVAL:
        value.as.interval =
            (hyl_interval){(int64_t)random_any_size(random), (int32_t)random_any_size(random),
                           (int32_t)random_any_size(random)};
        value.as.interval.micros += value.as.interval.micros == INT64_MIN;
        break;
    default:
        value.as.i64 = (int64_t)random_any_size(random);
        break;
    }
    return value;
}

/* Compares the server's texts with ours, row by row. */
static void compare_rows(const hyl_buf *texts, int rows)
{
    hyl_query_opts opts = HYL_QUERY_OPTS_INIT;
    hyl_error err = HYL_ERROR_INIT;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_status status;
    size_t at = 0;
    int seen = 0;
    opts.flags = HYL_QUERY_TEXT;
    assert_ok(hyl_query_with(conn, "SELECT x FROM matrix ORDER BY i", &opts, &result, &err), &err);
    while ((status = hyl_result_next(result, &row, &err)) == HYL_OK) {
        hyl_bytes cell_bytes;
        const char *ours = (const char *)texts->data + at;
        assert_ok(hyl_row_raw(row, 0, &cell_bytes, &err), &err);
        if (strlen(ours) != cell_bytes.len || memcmp(ours, cell_bytes.data, cell_bytes.len) != 0) {
            fail_msg("row %d: '%s' is not the server's '%.*s'", seen, ours, (int)cell_bytes.len,
                     (const char *)cell_bytes.data);
        }
        at += cell_bytes.len + 1;
        seen++;
    }
    assert_status(status, HYL_DONE, &err);
    assert_int_equal(seen, rows);
    hyl_result_free(result);
}

static void random_values_have_the_servers_text(void **state)
{
    const bulk *b = *state;
    const hyl_type type =
        b->id == HYL_TYPE_NUMERIC ? hyl_type_numeric(b->precision, b->scale) : hyl_type_of(b->id);
    random_source random = random_start(b->name, 0x5eed0100);
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf columns = HYL_BUF_INIT;
    hyl_buf stream = HYL_BUF_INIT;
    hyl_buf texts = HYL_BUF_INIT;
    hyl_copy_header(&stream);
    for (int i = 0; i < b->rows; i++) {
        const hyl_value key = {.type = HYL_TYPE_INT, .as.i32 = i};
        const hyl_value value = random_value(&random, b, i);
        assert_ok(hyl_copy_field(hyl_type_of(HYL_TYPE_INT), false, &key, &stream, &err), &err);
        assert_ok(hyl_copy_field(type, false, &value, &stream, &err), &err);
        assert_ok(hyl_value_text(type, &value, &texts, &err), &err);
        hyl_buf_append_byte(&texts, '\0');
    }
    hyl_buf_append_str(&columns, "i int NOT NULL, x ");
    hyl_type_format(type, &columns);
    hyl_buf_append(&columns, " NOT NULL", sizeof " NOT NULL");
    make_table((const char *)columns.data);
    copy_in(&stream, b->rows);
    compare_rows(&texts, b->rows);
    hyl_buf_reset(&columns);
    hyl_buf_reset(&stream);
    hyl_buf_reset(&texts);
}

/* ---- The program ----------------------------------------------------------------------------- */

static int open_connection(void **state)
{
    hyl_error err = HYL_ERROR_INIT;
    if (test_hyperd_start(state) != 0) {
        return -1;
    }
    if (hyl_connect_uri(test_hyperd_endpoint_text(), &conn, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    run("SET extra_float_digits=3");
    run("SET timezone='UTC'");
    run("SET intervalstyle='iso_8601'");
    run("SET bytea_output='hex'");
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
    static struct CMUnitTest tests[2 * MAX_CASES + COUNT(bulks)];
    add_integers();
    add_floats();
    add_numerics();
    add_dates();
    add_intervals();
    add_strings();
    add_bytes();
    add_arrays();
    size_t count = 0;
    for (; count < expression_count; count++) {
        tests[count] = (struct CMUnitTest){expressions[count], the_value_is_the_servers, NULL, NULL,
                                           expressions[count]};
    }
    for (size_t i = 0; i < expression_count; i++) {
        tests[count++] = (struct CMUnitTest){expressions[i], both_ways_give_the_same, NULL, NULL,
                                             expressions[i]};
    }
    for (size_t i = 0; i < COUNT(bulks); i++) {
        tests[count++] = (struct CMUnitTest){bulks[i].name, random_values_have_the_servers_text,
                                             NULL, NULL, (void *)(uintptr_t)&bulks[i]};
    }
    return _cmocka_run_group_tests("value matrix", tests, count, open_connection, close_connection);
}
