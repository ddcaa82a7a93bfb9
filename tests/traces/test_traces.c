/*
 * Sessions with a live server, recorded both ways (tests/traces/NAME.trace) and played back: the
 * library must send the same bytes and its caller see the same, however the server's bytes are cut.
 * tools/record-traces records them anew.
 */
#include "support/test.h"

#include "support/hyperd.h"
#include "support/mem_conn.h"
#include "support/trace.h"

#include "base/clock.h"

#if HYL_WITH_ARROW
#include "support/arrow_text.h"

#include <hyperline/arrow.h>
#include <hyperline/insert.h>
#endif

enum { SPLITS = 200 };

/* ---- Scenarios ------------------------------------------------------------------------------- */

/* Each talks to the trace's server and tells the trace what it sees. */
typedef void (*scenario)(trace *with);

static void see_error(trace *with, const char *what, hyl_status status, const hyl_error *err)
{
    trace_saw(with, "%s: %s %s %s", what, hyl_status_name(status), err->sqlstate, err->message);
}

static void on_notice(void *ctx, const hyl_diag *notice)
{
    trace_saw(ctx, "notice: %s %s", notice->sqlstate, notice->message);
}

/* Rows travel as DataRow, unless `settings` says otherwise. */
static hyl_conn *log_in_with(trace *with, const char *settings)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_conn *conn = NULL;
    hyl_config *config = mem_config(settings);
    hyl_transport transport = trace_transport(with, 1);
    assert_ok(hyl__conn_open(config, &transport, HYL__NO_DEADLINE, &conn, &err), &err);
    hyl_conn_on_notice(conn, on_notice, with);
    hyl_config_free(config);
    return conn;
}

static hyl_conn *log_in(trace *with)
{
    return log_in_with(with, "transfer=rows");
}

/* Runs a statement and sees its rows, its tag or its error. */
static void see_query(trace *with, hyl_conn *conn, const char *sql, const hyl_query_opts *opts)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_status status = hyl_query_with(conn, sql, opts, &result, &err);
    while (status == HYL_OK && (status = hyl_result_next(result, &row, &err)) == HYL_OK) {
        hyl_buf line = HYL_BUF_INIT;
        for (size_t i = 0; i < hyl_row_column_count(row); i++) {
            hyl_buf_append_str(&line, i > 0 ? "|" : "");
            if (hyl_row_is_null(row, i)) {
                hyl_buf_append_str(&line, "NULL");
            } else {
                assert_ok(hyl_row_text(row, i, &line, &err), &err);
            }
        }
        hyl_buf_append_byte(&line, 0);
        trace_saw(with, "row: %s", (char *)line.data);
        hyl_buf_reset(&line);
    }
    if (status == HYL_DONE) {
        trace_saw(with, "tag: %s", hyl_result_tag(result));
    } else {
        see_error(with, "error", status, &err);
    }
    hyl_result_free(result);
    trace_saw(with, "transaction: %d", (int)hyl_conn_tx(conn));
}

static void see(trace *with, hyl_conn *conn, const char *sql)
{
    see_query(with, conn, sql, NULL);
}

static void startup(trace *with)
{
    hyl_conn *conn = log_in(with);
    trace_saw(with, "version: %s", hyl_conn_parameter(conn, "hyper_version"));
    hyl_conn_free(conn);
}

static void queries(trace *with)
{
    hyl_conn *conn = log_in(with);
    see(with, conn, "SELECT 1 AS a, 'x' AS b, NULL AS c, 12.50::numeric(5,2) AS d");
    see(with, conn, "SELECT i, i * 1000000007::bigint FROM generate_series(1, 40) AS s(i)");
    see(with, conn,
        "SELECT date '2024-02-29', timestamp '2024-02-29 12:34:56.789', "
        "interval 'P1M2DT3S', true, 1.5::double precision, array[1,null,3]");
    see(with, conn, "SELECT 1 WHERE false");
    see(with, conn, "SET lc_time = 'en_US'");
    hyl_conn_free(conn);
}

static void extended(trace *with)
{
    static const hyl_query_opts text = {sizeof text, HYL_QUERY_TEXT, HYL_TRANSFER_DEFAULT};
    hyl_conn *conn = log_in(with);
    see_query(with, conn, "SELECT 1 AS a, 'x' AS b, NULL AS c, date '2024-02-29' AS d", &text);
    see_query(with, conn, "SELECT * FROM nowhere", &text);
    hyl_conn_free(conn);
}

static void errors(trace *with)
{
    hyl_conn *conn = log_in(with);
    see(with, conn, "SELECT 1/0");
    see(with, conn, "SELECT * FROM nowhere");
    see(with, conn, "SELEKT 1");
    see(with, conn, "SELECT 10 / (5 - i) FROM generate_series(1, 9) AS s(i)");
    see(with, conn, "BEGIN");
    see(with, conn, "SELECT 1/0");
    see(with, conn, "SELECT 1"); /* refused here, before a byte is sent */
    see(with, conn, "COMMIT");   /* goes out as ROLLBACK */
    see(with, conn, "SELECT 1");
    hyl_conn_free(conn);
}

static void notices(trace *with)
{
    hyl_conn *conn = log_in(with);
    see(with, conn, "ROLLBACK");
    see(with, conn, "COMMIT");
    see(with, conn, "SELECT 1");
    hyl_conn_free(conn);
}

static void copy_in_with(trace *with, hyl_conn *conn, const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_copy *copy = NULL;
    int64_t rows = 0;
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, &err), &err);
    assert_ok(hyl_copy_write(copy, text, strlen(text), &err), &err);
    hyl_status status = hyl_copy_finish(copy, &rows, &err);
    if (status == HYL_OK) {
        trace_saw(with, "copied in: %lld", (long long)rows);
    } else {
        see_error(with, "copy in", status, &err);
    }
    hyl_copy_free(copy);
}

static void copy_in(trace *with)
{
    hyl_conn *conn = log_in(with);
    see(with, conn, "CREATE TEMPORARY TABLE t (a INT, b TEXT)");
    copy_in_with(with, conn, "1,one\n2,\"two, quoted\"\n");
    copy_in_with(with, conn, "3,three\nno number,four\n");
    see(with, conn, "SELECT * FROM t ORDER BY a");
    hyl_conn_free(conn);
}

static void copy_out(trace *with)
{
    static const char sql[] = "COPY (SELECT i, 'x' FROM generate_series(1, 3) AS s(i)) TO STDOUT "
                              "WITH (FORMAT csv)";
    hyl_error err = HYL_ERROR_INIT;
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    hyl_buf all = HYL_BUF_INIT;
    int64_t rows = 0;
    hyl_conn *conn = log_in(with);
    assert_ok(hyl_copy_out_open(conn, sql, &copy, &err), &err);
    while (hyl_copy_read(copy, &piece, &err) == HYL_OK) {
        hyl_buf_append(&all, piece.data, piece.len);
    }
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    for (size_t i = 0; i < all.len; i++) {
        all.data[i] = all.data[i] == '\n' ? '/' : all.data[i];
    }
    trace_saw(with, "copied out: %lld %.*s", (long long)rows, (int)all.len, (char *)all.data);
    hyl_copy_free(copy);
    see(with, conn, "SELECT 1");
    hyl_buf_reset(&all);
    hyl_conn_free(conn);
}

/* A cancel while the statement runs, over a connection of its own. */
static void cancel(trace *with)
{
    static const char sql[] = "SELECT count(*) FROM generate_series(1, 100000000) a, "
                              "generate_series(1, 1000) b";
    hyl_error err = HYL_ERROR_INIT;
    hyl__statement statement;
    bool rolled_back = false;
    hyl__cancel_target target = {.process_id = 0};
    hyl_conn *conn = log_in(with);
    assert_ok(hyl__conn_begin(conn, &err), &err);
    assert_ok(hyl__statement_read(HYL_STR(sql), &statement, &err), &err);
    assert_ok(hyl__conn_query(conn, &statement, &rolled_back, &err), &err);
    assert_ok(hyl__conn_flush(conn, &err), &err);
    trace_let_run(with);
    hyl_transport second = trace_transport(with, 2);
    target.process_id = conn->session.process_id;
    target.secret_key = conn->session.secret_key;
    assert_ok(
        hyl__cancel_request(&second, target.process_id, target.secret_key, HYL__NO_DEADLINE, &err),
        &err);
    hyl_transport_close(&second);
    see_error(with, "cancelled", hyl__conn_finish(conn, &err), &err);
    see(with, conn, "SELECT 1");
    hyl_conn_free(conn);
}

#if HYL_WITH_ARROW

static void see_arrow(trace *with, hyl_conn *conn, const char *sql)
{
    hyl_error err = HYL_ERROR_INIT;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    hyl_buf text = HYL_BUF_INIT;
    assert_ok(hyl_query_arrow(conn, sql, NULL, &stream, &err), &err);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    arrow_schema_text(&schema, &text);
    hyl_buf_append_byte(&text, '/');
    while (stream.get_next(&stream, &batch) == 0 && batch.release != NULL) {
        arrow_batch_text(&schema, &batch, &text);
        batch.release(&batch);
    }
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] = text.data[i] == '\n' ? '/' : text.data[i];
    }
    trace_saw(with, "arrow: %.*s", (int)text.len, (char *)text.data);
    schema.release(&schema);
    stream.release(&stream);
    hyl_buf_reset(&text);
}

static void arrow(trace *with)
{
    hyl_conn *conn = log_in_with(with, NULL);
    see_arrow(with, conn, "SELECT i, i::text AS t FROM generate_series(1, 3) AS s(i)");
    see_arrow(with, conn, "SHOW timezone");
    hyl_conn_free(conn);
}

/* Rows that travel as Arrow, by the library's own choice. */
static void rows_as_arrow(trace *with)
{
    hyl_conn *conn = log_in_with(with, NULL);
    see(with, conn, "SELECT i, i * 1000000007::bigint FROM generate_series(1, 40) AS s(i)");
    see(with, conn, "SELECT 10 / (5 - i) FROM generate_series(1, 9) AS s(i)");
    see(with, conn, "SELECT 1");
    hyl_conn_free(conn);
}

static void insert(trace *with)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_inserter *inserter = NULL;
    int64_t rows = 0;
    hyl_conn *conn = log_in(with);
    see(with, conn, "CREATE TEMPORARY TABLE t (a INT NOT NULL, b TEXT)");
    assert_ok(hyl_inserter_open(conn, "t", NULL, 0, NULL, &inserter, &err), &err);
    for (int32_t i = 0; i < 3; i++) {
        assert_ok(hyl_inserter_i32(inserter, i, &err), &err);
        assert_ok(hyl_inserter_str(inserter, HYL_STR("text"), &err), &err);
        assert_ok(hyl_inserter_end_row(inserter, &err), &err);
    }
    assert_ok(hyl_inserter_finish(inserter, &rows, &err), &err);
    hyl_inserter_free(inserter);
    trace_saw(with, "inserted: %lld", (long long)rows);
    see(with, conn, "SELECT * FROM t ORDER BY a");
    hyl_conn_free(conn);
}

#endif

/* X(scenario, title): the scenario's name is the file's. */
#define SCENARIO_MAP(X)                                                                   \
    X(startup, "A login without a password.")                                             \
    X(queries, "Statements with rows of many types, without rows, and without a result.") \
    X(extended, "Described and then executed, with text as the format.")                  \
    X(errors, "Errors before and among rows, and inside a transaction.")                  \
    X(notices, "Notices before the end of a statement.")                                  \
    X(copy_in, "COPY FROM STDIN: taken, and refused.")                                    \
    X(copy_out, "COPY TO STDOUT.")                                                        \
    X(cancel, "A statement cancelled while it runs, over a second connection.")
#if HYL_WITH_ARROW
#define ARROW_SCENARIO_MAP(X)                            \
    X(rows_as_arrow, "Rows that travel as Arrow.")       \
    X(arrow, "Results as Arrow, by COPY and from rows.") \
    X(insert, "Rows of the inserter, which travel as Arrow.")
#else
#define ARROW_SCENARIO_MAP(X)
#endif

static const struct {
    const char *name;
    const char *title;
    scenario run;
} scenarios[] = {
#define SCENARIO(name, title) {#name, title, name},
    SCENARIO_MAP(SCENARIO) ARROW_SCENARIO_MAP(SCENARIO)
#undef SCENARIO
};

enum { SCENARIO_COUNT = sizeof scenarios / sizeof scenarios[0] };

static const char *path_of(size_t index)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/tests/traces/%s.trace", HYL_SOURCE_DIR, scenarios[index].name);
    return path;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void play(size_t index, size_t cut, random_source *cuts)
{
    trace recorded;
    trace_load(&recorded, path_of(index));
    recorded.cut = cut;
    recorded.cuts = cuts;
    assert_string_equal(recorded.title, scenarios[index].title);
    scenarios[index].run(&recorded);
    trace_assert_over(&recorded);
    trace_free(&recorded);
}

static void what_was_recorded_is_played(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        play(i, 0, NULL);
    }
}

static void byte_by_byte_all_is_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        play(i, 1, NULL);
    }
}

static void however_it_is_cut_all_is_the_same(void **state)
{
    (void)state;
    random_source cuts = random_start("cuts", 0x7ace5);
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        for (int split = 0; split < SPLITS; split++) {
            play(i, 0, &cuts);
        }
    }
}

/* ---- Recording ------------------------------------------------------------------------------- */

static void record(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCENARIO_COUNT; i++) {
        trace recorded;
        trace_record(&recorded, test_hyperd_endpoint(), scenarios[i].title);
        scenarios[i].run(&recorded);
        trace_save(&recorded, path_of(i));
        trace_free(&recorded);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest recording[] = {cmocka_unit_test(record)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_recorded_is_played),
        cmocka_unit_test(byte_by_byte_all_is_the_same),
        cmocka_unit_test(however_it_is_cut_all_is_the_same),
    };
    if (argc == 2 && strcmp(argv[1], "--record") == 0) {
        return cmocka_run_group_tests_name("traces, recorded", recording, test_hyperd_start,
                                           test_hyperd_stop);
    }
    return cmocka_run_group_tests_name("traces/traces", tests, NULL, NULL);
}
