/* The user's connection on PostgreSQL: rows in both of its formats, transactions, COPY, errors. */
#include "support/test.h"

#include "support/live.h"
#include "support/postgres.h"

#include <pthread.h>

#if HYL_WITH_ARROW
#include "support/arrow_live.h"
#include "support/arrow_text.h"
#endif

static hyl_error err;

static const hyl_query_opts as_binary = {sizeof as_binary, HYL_QUERY_BINARY, HYL_TRANSFER_DEFAULT};

static hyl_config *pg_config(const char *settings)
{
    hyl_config *config = NULL;
    hyl_buf endpoint = HYL_BUF_INIT;
    test_postgres_require();
    assert_ok(hyl_config_new(&config, &err), &err);
    hyl_endpoint_format(test_postgres_endpoint(), &endpoint);
    hyl_buf_append_byte(&endpoint, '\0');
    assert_ok(hyl_config_set(config, "endpoint", (const char *)endpoint.data, &err), &err);
    hyl_buf_reset(&endpoint);
    assert_ok(hyl_config_parse(config, "user=postgres", &err), &err);
    if (settings != NULL) {
        assert_ok(hyl_config_parse(config, settings, &err), &err);
    }
    return config;
}

static hyl_conn *pg_connect(const char *settings)
{
    hyl_conn *conn = NULL;
    hyl_config *config = pg_config(settings);
    assert_ok(hyl_connect(config, &conn, &err), &err);
    hyl_config_free(config);
    return conn;
}

/* ---- Logging in ------------------------------------------------------------------------------ */

static void the_dialect_is_found_out(void **state)
{
    (void)state;
    static const char *const settings[] = {NULL, "dialect=postgresql", "dialect=auto"};
    for (size_t i = 0; i < 3; i++) {
        hyl_conn *conn = pg_connect(settings[i]);
        assert_int_equal(live_i64(conn, "SELECT 40 + 2"), 42);
        assert_null(hyl_conn_parameter(conn, "hyper_version"));
        live_assert_in_step(conn);
        hyl_conn_free(conn);
    }
}

static void who_insists_on_hyper_is_told(void **state)
{
    (void)state;
    hyl_conn *conn = NULL;
    hyl_config *config = pg_config("dialect=hyper");
    assert_status(hyl_connect(config, &conn, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42704");
    hyl_config_free(config);
}

static void a_database_is_logged_in_to(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect("database=template1");
    assert_string_equal(live_text(conn, "SELECT current_database()"), "template1");
    hyl_conn_free(conn);
    hyl_config *config = pg_config("database=nope");
    assert_status(hyl_connect(config, &conn, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "3D000");
    hyl_config_free(config);
    config = pg_config("database=template1 create=create_if_missing");
    assert_status(hyl_connect(config, &conn, &err), HYL_ERR_UNSUPPORTED, &err);
    hyl_config_free(config);
}

static void a_setting_that_is_none_is_an_error(void **state)
{
    (void)state;
    hyl_conn *conn = NULL;
    hyl_config *config = pg_config("set.nope=1");
    assert_status(hyl_connect(config, &conn, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42704");
    hyl_config_free(config);
}

static void settings_of_the_user_come_last(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect("set.TimeZone=Asia/Tokyo set.work_mem='7MB' application_name=me");
    assert_string_equal(live_text(conn, "SHOW work_mem"), "7MB");
    assert_string_equal(live_text(conn, "SHOW TimeZone"), "Asia/Tokyo");
    assert_string_equal(live_text(conn, "SHOW application_name"), "me");
    assert_string_equal(live_text(conn, "SELECT timestamptz '2024-02-29 12:00+00'"),
                        "2024-02-29 21:00:00+09");
    hyl_conn_free(conn);
}

static void log_in_as(const char *user)
{
    hyl_config *config = pg_config(NULL);
    hyl_conn *conn = NULL;
    assert_ok(hyl_config_set(config, "user", user, &err), &err);
    assert_ok(hyl_config_set(config, "password", TEST_POSTGRES_PASSWORD, &err), &err);
    assert_ok(hyl_config_set(config, "database", "postgres", &err), &err);
    assert_ok(hyl_connect(config, &conn, &err), &err);
    assert_string_equal(live_text(conn, "SELECT current_user"), user);
    hyl_conn_free(conn);
    assert_ok(hyl_config_set(config, "password", "wrong", &err), &err);
    assert_status(hyl_connect(config, &conn, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "28P01");
    hyl_config_free(config);
}

static void passwords_are_asked_for_as_ever(void **state)
{
    (void)state;
    test_postgres_require();
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
    log_in_as("by_scram");
    log_in_as("by_md5");
}

/* PostgreSQL judges a password before it normalises it, the RFC afterwards: U+0340 and its like, and
 * directions of writing, tell the difference. */
static void a_password_has_the_form_that_postgresql_keeps(void **state)
{
    (void)state;
    static const char *const passwords[] = {
        "a\u0340", "a\u0341\u00a0", "pa\u0308ss\u00ad", "\ufb01\u2168",
        "\ufdfax", "\u0627\ufb1d",  "a\u0221\u00aa",    "\U0001f600\u2126",
    };
    test_postgres_require();
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
    hyl_conn *admin = pg_connect(NULL);
    (void)live_exec(admin, "CREATE ROLE by_form LOGIN");
    hyl_config *config = pg_config("user=by_form database=postgres require_auth=scram-sha-256");
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
        char sql[100];
        hyl_conn *conn = NULL;
        snprintf(sql, sizeof sql, "ALTER ROLE by_form PASSWORD '%s'", passwords[i]);
        (void)live_exec(admin, sql);
        assert_ok(hyl_config_set(config, "password", passwords[i], &err), &err);
        if (hyl_connect(config, &conn, &err) != HYL_OK) {
            fail_msg("'%s': %s", passwords[i], err.message);
        }
        hyl_conn_free(conn);
    }
    hyl_config_free(config);
    hyl_conn_free(admin);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The first cell of the statement's only row. */
static const hyl_row *open_row(hyl_conn *conn, const char *sql, const hyl_query_opts *opts,
                               hyl_result **result)
{
    const hyl_row *row = NULL;
    if (hyl_query_with(conn, sql, opts, result, &err) < 0 ||
        hyl_result_next(*result, &row, &err) < 0) {
        fail_msg("%s: %s", sql, err.message);
    }
    return row;
}

typedef struct cell {
    bool is_null;
    hyl_format format;
    hyl_buf text;
    hyl_status status; /* of hyl_row_get_value */
    hyl_buf value;     /* it as HyperBinary; empty for a numeric without modifier */
    hyl_numeric numeric;
} cell;

static void take_value(const hyl_row *row, hyl_type type, cell *out)
{
    hyl_value value;
    hyl_error ignored = HYL_ERROR_INIT;
    out->status = hyl_row_get_value(row, 0, &value, &ignored);
    if (out->status != HYL_OK || value.is_null) {
        return;
    }
    if (type.id == HYL_TYPE_NUMERIC) {
        out->numeric = value.as.numeric;
    } else if (type.id != HYL_TYPE_UNKNOWN) {
        assert_ok(hyl_value_encode(type, &value, &out->value, &err), &err);
    }
}

static cell fetch(hyl_conn *conn, const char *sql, const hyl_query_opts *opts)
{
    cell out = {.text = HYL_BUF_INIT, .value = HYL_BUF_INIT};
    hyl_result *result = NULL;
    const hyl_row *row = open_row(conn, sql, opts, &result);
    const hyl_column *column = hyl_result_column(result, 0);
    out.format = column->format;
    out.is_null = hyl_row_is_null(row, 0);
    if (hyl_row_text(row, 0, &out.text, &err) < 0) {
        fail_msg("%s: %s", sql, err.message);
    }
    take_value(row, column->type, &out);
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_result_free(result);
    return out;
}

static bool same_bytes(const hyl_buf *a, const hyl_buf *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool same_numeric(const hyl_numeric *a, const hyl_numeric *b)
{
    return a->lo == b->lo && a->hi == b->hi && a->precision == b->precision && a->scale == b->scale;
}

/*
 * PostgreSQL's own text against what the binary format's bytes are written as here, and the values
 * that are decoded from both.
 */
static void check_both_formats(hyl_conn *conn, const char *sql, hyl_format binary)
{
    cell text = fetch(conn, sql, NULL);
    cell other = fetch(conn, sql, &as_binary);
    assert_int_equal(text.format, HYL_FORMAT_TEXT);
    if (other.format != binary) {
        fail_msg("%s: format %d", sql, (int)other.format);
    }
    if (text.is_null != other.is_null || !same_bytes(&text.text, &other.text)) {
        fail_msg("%s: '%.*s' in text, '%.*s' in binary", sql, (int)text.text.len,
                 (const char *)text.text.data, (int)other.text.len, (const char *)other.text.data);
    }
    if (text.status != other.status || !same_bytes(&text.value, &other.value) ||
        !same_numeric(&text.numeric, &other.numeric)) {
        fail_msg("%s: the values differ (%s, %s)", sql, hyl_status_name(text.status),
                 hyl_status_name(other.status));
    }
    hyl_buf_reset(&text.text);
    hyl_buf_reset(&text.value);
    hyl_buf_reset(&other.text);
    hyl_buf_reset(&other.value);
}

static const char *const expressions[] = {
    "true",
    "false",
    "null::bool",
    "null",
    "1::int2",
    "(-32768)::int2",
    "2147483647",
    "-2147483648",
    "9223372036854775807",
    "(-9223372036854775808)::int8",
    "4294967295::oid",
    "0::oid",
    /* numeric */
    "0::numeric",
    "1.50",
    "-0.005",
    "1e30::numeric",
    "1e-30::numeric",
    "'NaN'::numeric",
    "'Infinity'::numeric",
    "'-Infinity'::numeric",
    "10000::numeric",
    "0.0001",
    "0.00010000",
    "12345678901234567890123456789012345678",
    "1e131000::numeric - 1",
    "1::numeric / 3",
    "1e-16000::numeric",
    "123.456::numeric(6,3)",
    "123.456::numeric(50,10)",
    "12345::numeric(3,-2)",
    "0.00000123::numeric(3,8)",
    "99999.9999::numeric(18,4)",
    "(10::numeric ^ 37)::numeric(38,0)",
    "-1.10::numeric(38,2)",
    "100.00::numeric",
    "20000000000000000.5",
    "0.5::numeric(1,1)",
    "1.0::numeric(30,28)",
    /* float */
    "0::float8",
    "'-0'::float8",
    "'NaN'::float8",
    "'Infinity'::float8",
    "'-Infinity'::float8",
    "0.1::float8",
    "1e23::float8",
    "5e-324::float8",
    "1.7976931348623157e308::float8",
    "1e15::float8",
    "1e14::float8",
    "0.0001::float8",
    "0.00001::float8",
    "2::float8 ^ 60",
    "9007199254740993::float8",
    "1::float8 / 3",
    "0.1::float4",
    "1e6::float4",
    "1e5::float4",
    "3.4028235e38::float4",
    "1e-45::float4",
    "'NaN'::float4",
    "16777216::float4",
    /* text */
    "''",
    "'x'",
    "'a\"b\\c'",
    "U&'\\00e9\\20ac'",
    "repeat('x', 100000)",
    "'abc'::varchar(10)",
    "'ab'::char(5)",
    "'ab'::bpchar",
    "''::char(2)",
    "'name'::name",
    "'x'::text COLLATE \"C\"",
    "'x'::\"char\"",
    "'{\"a\": [1, null]}'::json",
    "'{\"a\":  [1, null]}'::jsonb",
    "'1'::jsonb",
    "'<a/>'::xml",
    /* bytes */
    "''::bytea",
    "'\\x00ff27'::bytea",
    "decode(repeat('5c22', 5000), 'hex')",
    /* dates and times */
    "date '2000-01-01'",
    "date '1999-12-31'",
    "date '0001-01-01'",
    "date '0044-03-15 BC'",
    "date '4713-01-01 BC'",
    "date '4714-11-24 BC'",
    "date '5874897-12-31'",
    "date '12345-06-07'",
    "date 'infinity'",
    "date '-infinity'",
    "time '00:00'",
    "time '24:00'",
    "time '12:34:56.789'",
    "time '23:59:59.999999'",
    "timetz '12:34:56+02'",
    "timestamp '2024-02-29 12:34:56.5'",
    "timestamp '0044-03-15 12:00 BC'",
    "timestamp '4714-11-24 00:00 BC'",
    "timestamp '294276-12-31 23:59:59.999999'",
    "timestamp 'infinity'",
    "timestamp '-infinity'",
    "timestamp '1969-12-31 23:59:59.999999'",
    "timestamptz '2024-02-29 12:34:56.5+02'",
    "timestamptz '0044-03-15 12:00+00 BC'",
    "timestamptz 'infinity'",
    "timestamptz '-infinity'",
    "interval '0'",
    "interval '1 year 2 mons 3 days 04:05:06.789'",
    "interval '-0.5 sec'",
    "interval '-1 year -2 mons +3 days -04:05:06'",
    "interval '1 mon -1 day'",
    "interval '1000000 hours'",
    "interval '178000000 years'",
    "interval '00:00:00.000001'",
    "interval '1 day'",
    "interval '-23:59:59.999999'",
    "interval '1.10 sec'",
    /* uuid and arrays */
    "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid",
    "'{}'::int[]",
    "array[1,null,-3]",
    "array[array[1,2],array[3,4]]",
    "'[0:1]={1,2}'::int[]",
    "'[1:1][-2:-1]={{5,6}}'::int[]",
    "array['a','b c','','NULL','null','x\"y\\z','{','}',',',null,'é']",
    "array[true,false,null]",
    "array[1.5,2.25]::numeric(5,2)[]",
    "array[1.5,null]",
    "array['NaN']::numeric[]",
    "array[1e23,'NaN','-Infinity']::float8[]",
    "array[0.1]::float4[]",
    "array[date '2024-02-29']",
    "array[date 'infinity']",
    "array[timestamp '2024-02-29 12:00', null]",
    "array[timestamptz '2024-02-29 12:00+00']",
    "array[interval '1 day 2.5 sec']",
    "array[time '12:00']",
    "array['\\x00ff'::bytea]",
    "array['6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid]",
    "array['[1, 2]'::json]",
    "array['{\"a\": 1}'::jsonb]",
    "array['ab']::char(3)[]",
    "array['ab']::varchar(3)[]",
    "array[1::oid]",
    "array[7::int8]",
    "array[7::int2]",
    "array['x'::\"char\"]",
    "array['a']::name[]",
    /* what has no type here */
    "inet '10.0.0.1/8'",
    "money '12.50'",
    "B'101'",
    "'(1,2)'::point",
    "int4range(1, 5)",
    "'pg_class'::regclass",
    "row(1, 'a')",
    "array['10.0.0.1'::inet]",
    "to_tsvector('a b')",
};

static bool is_text_only(const char *expression)
{
    static const char *const words[] = {
        "inet", "money", "B'101'", "point",  "int4range", "regclass",
        "row(", "tsvec", "timetz", "\"char", "xml",       "::name",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(expression, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void both_formats_have_the_same_values(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        static char sql[600];
        snprintf(sql, sizeof sql, "SELECT %s", expressions[i]);
        bool text_only = is_text_only(expressions[i]);
        check_both_formats(conn, sql, text_only ? HYL_FORMAT_TEXT : HYL_FORMAT_BINARY);
    }
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

#if HYL_WITH_ARROW

/* What a stream's only column holds: its text, or the status that it ended with. */
static hyl_status arrow_cell(struct ArrowArrayStream *stream, arrow_contents *out)
{
    struct ArrowArray batch = {.release = NULL};
    if (stream->get_next(stream, &batch) != 0) {
        hyl_status status = hyl_stream_error(stream)->status;
        assert_non_null(strstr(stream->get_last_error(stream), "column 1 \""));
        stream->release(stream);
        return status;
    }
    hyl_buf_append_str(&out->rows, "");
    struct ArrowSchema schema;
    assert_int_equal(stream->get_schema(stream, &schema), 0);
    assert_int_equal(batch.length, 1);
    hyl_buf_append_str(&out->schema, schema.children[0]->format);
    hyl_buf_append_byte(&out->schema, 0);
    arrow_batch_text(&schema, &batch, &out->rows);
    schema.release(&schema);
    batch.release(&batch);
    assert_int_equal(stream->get_next(stream, &batch), 0);
    assert_null(batch.release);
    stream->release(stream);
    return HYL_OK;
}

/*
 * Is it a value of Hyper's that Arrow lacks: 24:00, a timestamp beyond the microseconds from 1970, or
 * an interval beyond nanoseconds?
 */
static bool has_no_place(const hyl_value *value)
{
    const int64_t most = INT64_MAX / 1000;
    const int64_t epoch = HYL_UNIX_EPOCH_DAYS * HYL_MICROS_PER_DAY;
    return (value->type == HYL_TYPE_TIMESTAMP && value->as.i64 > INT64_MAX + epoch) ||
           (value->type == HYL_TYPE_TIME && value->as.i64 == HYL_MICROS_PER_DAY) ||
           (value->type == HYL_TYPE_INTERVAL &&
            (value->as.interval.micros > most || value->as.interval.micros < -most));
}

/* The text that a cell of Arrow must have: that of the value that a getter gives. */
static hyl_status wanted_cell(hyl_conn *conn, const char *sql, bool as_text, hyl_buf *out)
{
    hyl_result *result = NULL;
    hyl_value value;
    const hyl_row *row = open_row(conn, sql, &as_binary, &result);
    const hyl_column *column = hyl_result_column(result, 0);
    hyl_status status = HYL_OK;
    if (hyl_row_is_null(row, 0)) {
        hyl_buf_append_str(out, "NULL");
    } else if (as_text) {
        status = hyl_row_text(row, 0, out, &err);
    } else {
        status = hyl_row_get_value(row, 0, &value, &err);
        status = status == HYL_OK && has_no_place(&value) ? HYL_ERR_RANGE : status;
        status = status < 0 ? status : hyl_value_text(column->type, &value, out, &err);
    }
    hyl_buf_append_byte(out, '\n');
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_result_free(result);
    return status;
}

static void check_arrow(hyl_conn *conn, const char *sql, const hyl_query_opts *opts)
{
    hyl_result *result = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    arrow_contents read = {.schema = HYL_BUF_INIT, .rows = HYL_BUF_INIT};
    hyl_buf wanted = HYL_BUF_INIT;
    assert_ok(hyl_query_with(conn, sql, opts, &result, &err), &err);
    assert_ok(hyl_result_to_arrow(result, &stream, &err), &err);
    hyl_status status = arrow_cell(&stream, &read);
    bool as_text = status == HYL_OK && strcmp((char *)read.schema.data, "u") == 0;
    hyl_status expected = wanted_cell(conn, sql, as_text, &wanted);
    if (status != expected || (status == HYL_OK && !same_bytes(&read.rows, &wanted))) {
        fail_msg("%s: %s '%.*s', but %s '%.*s'", sql, hyl_status_name(status), (int)read.rows.len,
                 (char *)read.rows.data, hyl_status_name(expected), (int)wanted.len,
                 (char *)wanted.data);
    }
    arrow_contents_free(&read);
    hyl_buf_reset(&wanted);
}

static void arrow_has_the_values_of_both_formats(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        static char sql[600];
        snprintf(sql, sizeof sql, "SELECT %s", expressions[i]);
        check_arrow(conn, sql, &as_binary);
        check_arrow(conn, sql, NULL);
        live_assert_in_step(conn);
    }
    hyl_conn_free(conn);
}

/* The types, so that not all of it is text. */
static void binary_results_have_typed_columns(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect("dialect=postgresql");
    hyl_result *result = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    assert_ok(hyl_query_with(
                  conn,
                  "SELECT i::int2 AS a, i AS b, i::int8 * 1000000007 AS c, i * 1.5::float8 AS d, "
                  "(i / 4.0)::numeric(9,2) AS e, i / 4.0 AS f, date '1999-12-31' + i AS g, "
                  "array[i, NULL] AS h, i % 2 = 0 AS b, NULLIF(i, 2)::text AS t, "
                  "timestamptz '1970-01-01 00:00+00' + i * interval '1 day' AS z "
                  "FROM generate_series(1, 3) g(i)",
                  &as_binary, &result, &err),
              &err);
    assert_ok(hyl_result_to_arrow(result, &stream, &err), &err);
    arrow_contents read = arrow_read(&stream, true);
    assert_string_equal(
        (char *)read.schema.data,
        "a:s:null:smallint b:i:null:integer c:l:null:bigint d:g:null:double precision "
        "e:d:9,2:null:numeric(9,2) f:u:null:numeric g:tdD:null:date h:+l:null:array(integer) "
        "b:b:null:boolean t:u:null:text z:tsu:UTC:null:timestamp with time zone");
    assert_string_equal((char *)read.rows.data,
                        "1|1|1000000007|1.5|0.25|0.25000000000000000000|2000-01-01|[1,NULL]|f|1|"
                        "1970-01-02 00:00:00+00\n"
                        "2|2|2000000014|3|0.50|0.50000000000000000000|2000-01-02|[2,NULL]|t|NULL|"
                        "1970-01-03 00:00:00+00\n"
                        "3|3|3000000021|4.5|0.75|0.75000000000000000000|2000-01-03|[3,NULL]|f|3|"
                        "1970-01-04 00:00:00+00\n");
    arrow_contents_free(&read);
    hyl_conn_free(conn);
}

/* Of a plain query every column is text, and says so. */
static void a_query_as_arrow_is_text(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    struct ArrowArrayStream stream = {.release = NULL};
    assert_ok(
        hyl_query_arrow(conn, "SELECT 258 AS i, true AS b, oid '3' AS o", NULL, &stream, &err),
        &err);
    arrow_contents read = arrow_read(&stream, true);
    assert_string_equal((char *)read.schema.data, "i:u:null:integer b:u:null:boolean o:u:null:oid");
    assert_string_equal((char *)read.rows.data, "258|t|3\n");
    arrow_contents_free(&read);
    hyl_conn_free(conn);
}

#endif

/* Every power of two and its neighbours, where shortest digits are hardest, in one statement each. */
static void floats_are_written_as_postgresql_does(void **state)
{
    (void)state;
    static const char *const sqls[] = {
        "SELECT array_agg(((m::float8) * 2::float8 ^ e) * f) FROM generate_series(-1022, 970, 7) "
        "e, "
        "unnest(array[1, 9007199254740991, 9007199254740990, 6004799503160661]) m, "
        "unnest(array[1, -1]::float8[]) f",
        "SELECT array_agg(('1e' || e)::float8 * m) FROM generate_series(-307, 307) e, "
        "unnest(array[1, 1.5, 1.1]::float8[]) m",
        "SELECT array_agg((m::float4 * 2::float8 ^ e)::float4) FROM generate_series(-140, 100) e, "
        "unnest(array[1, 16777215, 16777214, 11184811]) m",
        "SELECT array_agg(('1e' || e)::float4) FROM generate_series(-37, 38) e",
        "SELECT array_agg(x) FROM (SELECT setseed(0.25)) s, LATERAL (SELECT (random() - 0.5) * "
        "10 ^ (random() * 600 - 300) x FROM generate_series(1, 20000)) r",
    };
    hyl_conn *conn = pg_connect(NULL);
    for (size_t i = 0; i < sizeof sqls / sizeof sqls[0]; i++) {
        check_both_formats(conn, sqls[i], HYL_FORMAT_BINARY);
    }
    hyl_conn_free(conn);
}

/* A binary cursor's rows come in format 1 by a simple query: RowDescription alone says so. */
static void the_format_is_what_row_description_says(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    hyl_result *result = NULL;
    int32_t whole = 0;
    hyl_str text;
    hyl_buf out = HYL_BUF_INIT;
    live_exec(conn, "BEGIN");
    live_exec(conn, "DECLARE c BINARY CURSOR FOR SELECT 825373492, '{\"a\": 1}'::jsonb, 1.50");
    const hyl_row *row = open_row(conn, "FETCH 1 FROM c", NULL, &result);
    assert_int_equal(hyl_result_column(result, 0)->format, HYL_FORMAT_BINARY);
    /* In format 0 these four bytes would be the text "1234". */
    assert_ok(hyl_row_get_i32(row, 0, &whole, &err), &err);
    assert_int_equal(whole, 825373492);
    assert_ok(hyl_row_get_str(row, 1, &text, &err), &err);
    assert_int_equal(text.len, strlen("{\"a\": 1}"));
    assert_ok(hyl_row_text(row, 2, &out, &err), &err);
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.data, "1.50", 4);
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_result_free(result);
    hyl_buf_reset(&out);
    live_exec(conn, "ROLLBACK");
    hyl_conn_free(conn);
}

#define EXPECT_GET(name, ctype, column, wanted)                        \
    do {                                                               \
        ctype got_;                                                    \
        assert_ok(hyl_row_get_##name(row, column, &got_, &err), &err); \
        assert_true(got_ == (wanted));                                 \
    } while (0)

static void getters_take_both_formats(void **state)
{
    (void)state;
    static const char sql[] =
        "SELECT true, 7::int2, -7, 7000000000, 4000000000::oid, 1.5::float4, 2.5::float8, "
        "date '2000-01-02', time '00:00:01', timestamp '2000-01-01 00:00:02', "
        "timestamptz '2000-01-01 02:00:00+02', interval '1 mon 2 days 3 sec', "
        "'\\x00ff'::bytea, 'é'::text, 12.34::numeric(5,2), 5::numeric(18,0), 0.125, NULL::int";
    const hyl_query_opts *const ways[] = {NULL, &as_binary};
    hyl_conn *conn = pg_connect(NULL);
    for (size_t i = 0; i < 2; i++) {
        hyl_result *result = NULL;
        hyl_interval interval;
        hyl_numeric numeric;
        hyl_bytes bytes;
        int32_t none;
        const hyl_row *row = open_row(conn, sql, ways[i], &result);
        EXPECT_GET(bool, bool, 0, true);
        EXPECT_GET(i16, int16_t, 1, 7);
        EXPECT_GET(i32, int32_t, 2, -7);
        EXPECT_GET(i64, int64_t, 3, 7000000000);
        EXPECT_GET(u32, uint32_t, 4, 4000000000);
        EXPECT_GET(f32, float, 5, 1.5F);
        EXPECT_GET(f64, double, 6, 2.5);
        EXPECT_GET(f64, double, 2, -7.0);
        EXPECT_GET(date, int32_t, 7, 1);
        EXPECT_GET(time, int64_t, 8, 1000000);
        EXPECT_GET(timestamp, int64_t, 9, 2000000);
        EXPECT_GET(timestamptz, int64_t, 10, 0);
        assert_ok(hyl_row_get_interval(row, 11, &interval, &err), &err);
        assert_true(interval.months == 1 && interval.days == 2 && interval.micros == 3000000);
        assert_ok(hyl_row_get_bytes(row, 12, &bytes, &err), &err);
        assert_int_equal(bytes.len, 2);
        assert_memory_equal(bytes.data, "\0\xff", 2);
        assert_ok(hyl_row_get_numeric(row, 14, &numeric, &err), &err);
        assert_true(numeric.lo == 1234 && numeric.scale == 2);
        EXPECT_GET(i64, int64_t, 15, 5);
        assert_ok(hyl_row_get_numeric(row, 16, &numeric, &err), &err);
        assert_true(numeric.lo == 125 && numeric.scale == 3);
        assert_true(hyl_row_is_null(row, 17));
        assert_status(hyl_row_get_i32(row, 17, &none, &err), HYL_ERR_NULLVAL, &err);
        assert_status(hyl_row_get_i32(row, 13, &none, &err), HYL_ERR_TYPE, &err);
        assert_status(hyl_row_get_i32(row, 3, &none, &err), HYL_ERR_TYPE, &err);
        assert_ok(hyl_result_finish(result, &err), &err);
        hyl_result_free(result);
    }
    hyl_conn_free(conn);
}

/* Statements that have rows, and those that have none, described or not. */
static void every_statement_runs_in_both_ways(void **state)
{
    (void)state;
    const hyl_query_opts *const ways[] = {NULL, &as_binary};
    hyl_conn *conn = pg_connect(NULL);
    for (size_t i = 0; i < 2; i++) {
        hyl_result *result = NULL;
        const hyl_row *row = NULL;
        live_exec(conn, "CREATE TEMP TABLE t (a int, b text)");
        row = open_row(conn, "INSERT INTO t VALUES (1, 'x'), (2, NULL) RETURNING a", ways[i],
                       &result);
        EXPECT_GET(i32, int32_t, 0, 1);
        assert_ok(hyl_result_finish(result, &err), &err);
        assert_string_equal(hyl_result_tag(result), "INSERT 0 2");
        hyl_result_free(result);
        assert_ok(hyl_query_with(conn, "UPDATE t SET b = 'y'", ways[i], &result, &err), &err);
        assert_int_equal(hyl_result_affected(result), 2);
        hyl_result_free(result);
        row = open_row(conn, "VALUES (1), (2), (3)", ways[i], &result);
        EXPECT_GET(i32, int32_t, 0, 1);
        assert_ok(hyl_result_finish(result, &err), &err);
        assert_int_equal(hyl_result_affected(result), 3);
        hyl_result_free(result);
        assert_ok(hyl_query_with(conn, "SELECT", ways[i], &result, &err), &err);
        assert_int_equal(hyl_result_column_count(result), 0);
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
        hyl_result_free(result);
        assert_ok(hyl_query_with(conn, "SELECT a FROM t WHERE false", ways[i], &result, &err),
                  &err);
        assert_int_equal(hyl_result_column_count(result), 1);
        assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
        hyl_result_free(result);
        live_exec(conn, "DROP TABLE t");
    }
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* A $ goes on with an identifier, and comments nest: what Hyper takes for one statement may be two
 * here. */
static void a_text_is_read_as_postgresql_reads_it(void **state)
{
    (void)state;
    static const char *const two[] = {
        "SELECT 1 AS foo$x$; SELECT 2 AS bar$x$",
        "SELECT 1 /* /* */ ' */; SELECT 2 -- '",
    };
    hyl_conn *conn = pg_connect(NULL);
    for (size_t i = 0; i < 2; i++) {
        hyl_result *result = NULL;
        size_t done = 0;
        assert_status(hyl_query(conn, two[i], &result, &err), HYL_ERR_ARG, &err);
        live_assert_in_step(conn);
        assert_ok(hyl_exec_script(conn, two[i], &done, &err), &err);
        assert_int_equal(done, 2);
        live_assert_in_step(conn);
    }
    assert_int_equal(live_i64(conn, "SELECT a$1 FROM (SELECT 7 AS a$1) AS s$x"), 7);
    assert_int_equal(live_i64(conn, "/* /* */ COMMIT; */ SELECT 8"), 8);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

static void a_long_result_comes_whole_or_is_given_up(void **state)
{
    (void)state;
    const hyl_query_opts *const ways[] = {NULL, &as_binary};
    static const char sql[] = "SELECT i, i::float8 / 3, 'r' || i FROM generate_series(1, 200000) i";
    hyl_conn *conn = pg_connect(NULL);
    for (size_t i = 0; i < 2; i++) {
        hyl_result *result = NULL;
        const hyl_row *row = NULL;
        int64_t sum = 0;
        hyl_status status;
        assert_ok(hyl_query_with(conn, sql, ways[i], &result, &err), &err);
        while ((status = hyl_result_next(result, &row, &err)) == HYL_OK) {
            int32_t value = 0;
            assert_ok(hyl_row_get_i32(row, 0, &value, &err), &err);
            sum += value;
        }
        assert_status(status, HYL_DONE, &err);
        assert_true(sum == INT64_C(200000) * 200001 / 2);
        hyl_result_free(result);
        assert_ok(hyl_query_with(conn, sql, ways[i], &result, &err), &err);
        assert_ok(hyl_result_next(result, &row, &err), &err);
        hyl_result_free(result);
        live_assert_in_step(conn);
    }
    hyl_conn_free(conn);
}

/* ---- Errors and transactions ----------------------------------------------------------------- */

static void expect_error(hyl_conn *conn, const char *sql, const char *sqlstate)
{
    assert_status(hyl_exec(conn, sql, NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, sqlstate);
    assert_string_equal(hyl_conn_diag(conn)->sqlstate, sqlstate);
}

static void errors_have_their_sqlstate_and_place(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    hyl_result *result = NULL;
    expect_error(conn, "SELECT * FROM nope", "42P01");
    assert_int_equal(hyl_conn_diag(conn)->position, 15);
    expect_error(conn, "SELECT 1/0", "22012");
    expect_error(conn, "SELEC 1", "42601");
    expect_error(conn, "SELECT 'x'::int", "22P02");
    expect_error(conn, "SELECT length(1)", "42883");
    assert_true(hyl_conn_diag(conn)->hint[0] != '\0');
    expect_error(conn, "SELECT 1/(10000 - i) FROM generate_series(1, 20000) i", "22012");
    assert_status(hyl_query_with(conn, "SELECT 1/0", &as_binary, &result, &err), HYL_ERR_SERVER,
                  &err);
    assert_string_equal(err.sqlstate, "22012");
    assert_status(hyl_query_with(conn, "SELECT nope", &as_binary, &result, &err), HYL_ERR_SERVER,
                  &err);
    assert_string_equal(err.sqlstate, "42703");
    assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_OK);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

static void a_failed_transaction_is_only_rolled_back(void **state)
{
    (void)state;
    const hyl_query_opts *const ways[] = {NULL, &as_binary};
    hyl_conn *conn = pg_connect(NULL);
    hyl_result *result = NULL;
    live_exec(conn, "CREATE TEMP TABLE t (a int)");
    for (size_t i = 0; i < 2; i++) {
        live_exec(conn, "BEGIN");
        assert_int_equal(hyl_conn_tx(conn), HYL_TX_OPEN);
        live_exec(conn, "INSERT INTO t VALUES (1)");
        assert_status(hyl_query_with(conn, "SELECT 1/0", ways[i], &result, &err), HYL_ERR_SERVER,
                      &err);
        assert_int_equal(hyl_conn_tx(conn), HYL_TX_FAILED);
        assert_int_equal(hyl_conn_health(conn), HYL_HEALTH_TX_FAILED);
        assert_status(hyl_exec(conn, "SELECT 1", NULL, &err), HYL_ERR_STATE, &err);
        assert_string_equal(err.sqlstate, "25P02");
        if (i == 0) {
            assert_status(hyl_exec(conn, "COMMIT", NULL, &err), HYL_ERR_STATE, &err);
            assert_string_equal(err.sqlstate, "25P02");
        } else {
            live_exec(conn, "ROLLBACK");
        }
        assert_int_equal(hyl_conn_tx(conn), HYL_TX_IDLE);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    }
    live_exec(conn, "BEGIN");
    live_exec(conn, "INSERT INTO t VALUES (1)");
    live_exec(conn, "COMMIT");
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 1);
    hyl_conn_free(conn);
}

/* Where the server lets a transaction go on after an error, so does the client. */
static void a_savepoint_ends_the_failure(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    live_exec(conn, "CREATE TEMP TABLE t (a int)");
    live_exec(conn, "BEGIN");
    live_exec(conn, "INSERT INTO t VALUES (1)");
    live_exec(conn, "SAVEPOINT s");
    expect_error(conn, "SELECT 1/0", "22012");
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_FAILED);
    expect_error(conn, "ROLLBACK TO nope", "3B001");
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_FAILED);
    live_exec(conn, "ROLLBACK WORK TO SAVEPOINT s");
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_OPEN);
    live_exec(conn, "INSERT INTO t VALUES (2)");
    live_exec(conn, "COMMIT");
    assert_int_equal(live_i64(conn, "SELECT sum(a) FROM t"), 3);
    live_exec(conn, "BEGIN");
    expect_error(conn, "SELECT 1/0", "22012");
    live_exec(conn, "ROLLBACK AND CHAIN");
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_OPEN);
    live_exec(conn, "ROLLBACK");
    hyl_conn_free(conn);
}

/* A constraint that is checked at the COMMIT fails it: the transaction is over then. */
static void a_commit_may_fail(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    live_exec(conn, "CREATE TEMP TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    live_exec(conn, "BEGIN");
    live_exec(conn, "INSERT INTO t VALUES (1), (1)");
    expect_error(conn, "COMMIT", "23505");
    assert_int_equal(hyl_conn_tx(conn), HYL_TX_IDLE);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 0);
    hyl_conn_free(conn);
}

static void notices_come_through(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    live_exec(conn, "ROLLBACK"); /* WARNING: there is no transaction */
    live_exec(conn, "DO $$ BEGIN RAISE NOTICE 'one'; RAISE NOTICE 'two'; END $$");
    live_exec(conn, "LISTEN here");
    live_exec(conn, "NOTIFY here, 'payload'");
    live_exec(conn, "SET application_name = 'renamed'");
    assert_string_equal(hyl_conn_parameter(conn, "application_name"), "renamed");
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* ---- Cancel ---------------------------------------------------------------------------------- */

static void *cancel_when_it_runs(void *canceller)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_conn *watcher = pg_connect(NULL);
    while (live_i64(watcher, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                             "query = 'SELECT pg_sleep(600)'") == 0) {
    }
    hyl_status status = hyl_cancel(canceller, 10000, &error);
    hyl_conn_free(watcher);
    return status == HYL_OK ? canceller : NULL;
}

static void a_statement_is_cancelled(void **state)
{
    (void)state;
    pthread_t thread;
    hyl_canceller *canceller = NULL;
    void *done = NULL;
    hyl_conn *conn = pg_connect(NULL);
    assert_ok(hyl_canceller_new(conn, &canceller, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_it_runs, canceller), 0);
    assert_status(hyl_exec(conn, "SELECT pg_sleep(600)", NULL, &err), HYL_ERR_CANCELLED, &err);
    assert_string_equal(err.sqlstate, "57014");
    assert_int_equal(pthread_join(thread, &done), 0);
    assert_ptr_equal(done, canceller);
    live_assert_in_step(conn);
    hyl_canceller_free(canceller);
    hyl_conn_free(conn);
}

static void a_deadline_holds(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect("request_timeout=1s");
    assert_status(hyl_exec(conn, "SELECT pg_sleep(600)", NULL, &err), HYL_ERR_TIMEOUT, &err);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* ---- COPY ------------------------------------------------------------------------------------ */

static void copy_goes_in_and_out(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    hyl_buf all = HYL_BUF_INIT;
    int64_t rows = 0;
    hyl_status status;
    live_exec(conn, "CREATE TEMP TABLE t (a int, b text)");
    assert_ok(
        hyl_copy_in_open(conn, "COPY /* a /* b */ ; c */ t FROM STDIN (FORMAT csv)", &copy, &err),
        &err);
    assert_ok(hyl_copy_write(copy, "1,x\n2,\n3,\"\"\n", 12, &err), &err);
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 3);
    hyl_copy_free(copy);
    assert_ok(hyl_copy_out_open(conn, "COPY t TO STDOUT (FORMAT csv)", &copy, &err), &err);
    while ((status = hyl_copy_read(copy, &piece, &err)) == HYL_OK) {
        hyl_buf_append(&all, piece.data, piece.len);
    }
    assert_status(status, HYL_DONE, &err);
    assert_int_equal(all.len, 12);
    assert_memory_equal(all.data, "1,x\n2,\n3,\"\"\n", 12);
    hyl_copy_free(copy);
    hyl_buf_reset(&all);

    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN (FORMAT csv)", &copy, &err), &err);
    assert_ok(hyl_copy_write(copy, "nope,x\n", 7, &err), &err);
    assert_status(hyl_copy_finish(copy, &rows, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22P02");
    hyl_copy_free(copy);
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN (FORMAT csv)", &copy, &err), &err);
    assert_ok(hyl_copy_write(copy, "9,x\n", 4, &err), &err);
    assert_ok(hyl_copy_abort(copy, "no", &err), &err);
    hyl_copy_free(copy);
    assert_status(hyl_copy_in_open(conn, "COPY nope FROM STDIN", &copy, &err), HYL_ERR_SERVER,
                  &err);
    assert_string_equal(err.sqlstate, "42P01");
    assert_ok(hyl_copy_out_open(conn,
                                "COPY (SELECT i FROM generate_series(1, 5000000) i) TO STDOUT",
                                &copy, &err),
              &err);
    assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    hyl_copy_free(copy);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 3);
    hyl_conn_free(conn);
}

/* ---- Arrow ----------------------------------------------------------------------------------- */

#if HYL_WITH_ARROW

/* Hyper's COPY formats are Hyper's: there a query goes as rows, and its columns are text. */
static void a_query_read_as_arrow_comes_as_text(void **state)
{
    (void)state;
    hyl_conn *conn = pg_connect(NULL);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    assert_ok(hyl_query_arrow(conn, "SELECT 42 AS a, 1.5 AS b", NULL, &stream, &err), &err);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(schema.n_children, 2);
    assert_string_equal(schema.children[0]->format, "u");
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_int_equal(batch.length, 1);
    assert_memory_equal(batch.children[0]->buffers[2], "42", 2);
    batch.release(&batch);
    schema.release(&schema);
    stream.release(&stream);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_dialect_is_found_out),
        cmocka_unit_test(who_insists_on_hyper_is_told),
        cmocka_unit_test(a_database_is_logged_in_to),
        cmocka_unit_test(a_setting_that_is_none_is_an_error),
        cmocka_unit_test(settings_of_the_user_come_last),
        cmocka_unit_test(passwords_are_asked_for_as_ever),
        cmocka_unit_test(a_password_has_the_form_that_postgresql_keeps),
        cmocka_unit_test(both_formats_have_the_same_values),
        cmocka_unit_test(floats_are_written_as_postgresql_does),
        cmocka_unit_test(the_format_is_what_row_description_says),
        cmocka_unit_test(getters_take_both_formats),
        cmocka_unit_test(every_statement_runs_in_both_ways),
        cmocka_unit_test(a_text_is_read_as_postgresql_reads_it),
        cmocka_unit_test(a_long_result_comes_whole_or_is_given_up),
        cmocka_unit_test(errors_have_their_sqlstate_and_place),
        cmocka_unit_test(a_failed_transaction_is_only_rolled_back),
        cmocka_unit_test(a_savepoint_ends_the_failure),
        cmocka_unit_test(a_commit_may_fail),
        cmocka_unit_test(notices_come_through),
        cmocka_unit_test(a_statement_is_cancelled),
        cmocka_unit_test(a_deadline_holds),
        cmocka_unit_test(copy_goes_in_and_out),
#if HYL_WITH_ARROW
        cmocka_unit_test(arrow_has_the_values_of_both_formats),
        cmocka_unit_test(binary_results_have_typed_columns),
        cmocka_unit_test(a_query_as_arrow_is_text),
        cmocka_unit_test(a_query_read_as_arrow_comes_as_text),
#endif
    };
    return cmocka_run_group_tests_name("live/postgres", tests, test_postgres_start,
                                       test_postgres_stop);
}
