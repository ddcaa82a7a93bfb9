/*
 * Every allocation fails once, over whole lives of a connection to a real server: each run ends in
 * NOMEM or as if nothing had happened, what it was to write is there whole or not at all, and nothing
 * leaks. tests/data/test_no_memory.c does the same against the in-memory peer, message by message.
 */
#include "support/test.h"

#include "support/alloc.h"
#include "support/hyperd.h"
#include "support/live.h"

#include <errno.h>

#include <hyperline/insert.h>
#include <hyperline/raw.h>

#if HYL_WITH_ARROW
#include <hyperline/arrow.h>
#endif

enum { ROWS = 2000 };

static const char settings[] = "user=tableau_internal_user drain_timeout=5s connect_timeout=20s";

#define TRY(expr)                 \
    do {                          \
        hyl_status try_ = (expr); \
        if (try_ < 0) {           \
            status = try_;        \
            goto done;            \
        }                         \
    } while (0)

/* ---- Connections ------------------------------------------------------------------------------ */

static hyl_status configure(hyl_config **out, hyl_error *err)
{
    hyl_config *config = NULL;
    hyl_status status = HYL_OK;
    TRY(hyl_config_new(&config, err));
    TRY(hyl_config_parse(config, test_hyperd_endpoint_text(), err));
    TRY(hyl_config_parse(config, settings, err));
    TRY(hyl_config_set(config, "database", test_path("memory.hyper"), err));
    TRY(hyl_config_set(config, "create", "create_if_missing", err));
    *out = config;
    return HYL_OK;
done:
    hyl_config_free(config);
    return status;
}

static hyl_status log_in(hyl_conn **out, hyl_error *err)
{
    hyl_config *config = NULL;
    HYL_TRY(configure(&config, err));
    hyl_status status = hyl_connect(config, out, err);
    hyl_config_free(config);
    return status;
}

/* ---- The scenarios ---------------------------------------------------------------------------- */

/* Those that need a connection are given one that was made while there was memory. */
typedef hyl_status (*scenario)(hyl_conn *conn, hyl_error *err);

static hyl_status connect_and_ping(hyl_conn *unused, hyl_error *err)
{
    hyl_conn *conn = NULL;
    (void)unused;
    HYL_TRY(log_in(&conn, err));
    hyl_status status = hyl_ping(conn, err);
    hyl_conn_free(conn);
    return status;
}

static hyl_status query_rows(hyl_conn *conn, hyl_error *err)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_str text;
    hyl_status status = hyl_query(
        conn, "SELECT i, 'text' || i::text FROM generate_series(1, 2000) AS s(i)", &result, err);
    while (status == HYL_OK && (status = hyl_result_next(result, &row, err)) == HYL_OK) {
        status = hyl_row_get_str(row, 1, &text, err);
    }
    hyl_result_free(result);
    return status == HYL_DONE ? HYL_OK : status;
}

static hyl_status copy_in(hyl_conn *conn, hyl_error *err)
{
    hyl_copy *copy = NULL;
    hyl_status status = HYL_OK;
    TRY(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, err));
    for (int i = 0; i < ROWS; i++) {
        TRY(hyl_copy_write(copy, "1,text\n", 7, err));
    }
    TRY(hyl_copy_finish(copy, NULL, err));
done:
    hyl_copy_free(copy);
    return status;
}

static hyl_status copy_out(hyl_conn *conn, hyl_error *err)
{
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    hyl_status status = HYL_OK;
    TRY(hyl_copy_out_open(
        conn, "COPY (SELECT * FROM generate_series(1, 2000)) TO STDOUT WITH (FORMAT csv)", &copy,
        err));
    while ((status = hyl_copy_read(copy, &piece, err)) == HYL_OK) {
    }
    TRY(status);
    TRY(hyl_copy_finish(copy, NULL, err));
    status = HYL_OK;
done:
    hyl_copy_free(copy);
    return status;
}

static hyl_status insert_rows(hyl_conn *conn, hyl_error *err)
{
    hyl_inserter *inserter = NULL;
    hyl_status status = HYL_OK;
    TRY(hyl_inserter_open(conn, "t", NULL, 0, NULL, &inserter, err));
    for (int32_t i = 0; i < ROWS; i++) {
        TRY(hyl_inserter_i32(inserter, i, err));
        TRY(hyl_inserter_str(inserter, HYL_STR("text"), err));
        TRY(hyl_inserter_end_row(inserter, err));
    }
    TRY(hyl_inserter_finish(inserter, NULL, err));
done:
    hyl_inserter_free(inserter);
    return status;
}

/* A result is given up, which sends a cancel; then one by the canceller's hand. */
static hyl_status cancel(hyl_conn *conn, hyl_error *err)
{
    hyl_canceller *canceller = NULL;
    hyl_result *result = NULL;
    hyl_status status = HYL_OK;
    TRY(hyl_canceller_new(conn, &canceller, err));
    TRY(hyl_query(conn, "SELECT * FROM generate_series(1, 100000000)", &result, err));
    TRY(hyl_cancel(canceller, 10000, err));
    hyl_result_free(result);
    result = NULL;
    TRY(hyl_ping(conn, err));
done:
    hyl_result_free(result);
    hyl_canceller_free(canceller);
    return status;
}

static hyl_status raw(hyl_conn *unused, hyl_error *err)
{
    static const hyl_pair params[] = {{"user", "tableau_internal_user"}};
    hyl_transport transport = {NULL, NULL};
    hyl_raw *connection = NULL;
    hyl_raw_messages *messages = NULL;
    hyl_status status = HYL_OK;
    (void)unused;
    TRY(hyl_transport_open(test_hyperd_endpoint(), INT64_MAX, &transport, err));
    TRY(hyl_raw_new(&transport, NULL, &connection, err));
    TRY(hyl_raw_startup(connection, params, 1, NULL, err));
    TRY(hyl_raw_simple_query(connection, HYL_STR("SELECT 1"), &messages, err));
done:
    hyl_raw_messages_free(messages);
    hyl_raw_free(connection);
    hyl_transport_close(&transport);
    return status;
}

static hyl_status config_parse(hyl_conn *unused, hyl_error *err)
{
    hyl_config *config = NULL;
    hyl_status status = HYL_OK;
    (void)unused;
    TRY(hyl_config_new(&config, err));
    TRY(hyl_config_parse(config,
                         "hyper://ann:se%20same@localhost:7483/data/x.hyper?create=replace&"
                         "set.lc_time=de_DE",
                         err));
    TRY(hyl_config_parse(config, "[::1]:7483", err));
    TRY(hyl_config_parse(config, "user='a b' set.search_path=x connect_timeout=5s", err));
done:
    hyl_config_free(config);
    return status;
}

#if HYL_WITH_ARROW

static hyl_status read_stream(struct ArrowArrayStream *stream, hyl_error *err)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    hyl_status status = HYL_OK;
    if (stream->get_schema(stream, &schema) == 0) {
        schema.release(&schema);
        int code = 0;
        do {
            batch.release = NULL;
            code = stream->get_next(stream, &batch);
            if (batch.release != NULL) {
                batch.release(&batch);
                continue;
            }
            break;
        } while (code == 0);
        status = code == 0 ? HYL_OK : HYL_ERR_NOMEM;
    } else {
        status = HYL_ERR_NOMEM;
    }
    if (status < 0) {
        const hyl_error *why = hyl_stream_error(stream);
        assert_non_null(why);
        *err = *why;
        status = why->status;
    }
    stream->release(stream);
    return status;
}

static hyl_status query_arrow(hyl_conn *conn, hyl_error *err)
{
    struct ArrowArrayStream stream;
    HYL_TRY(hyl_query_arrow(conn, "SELECT i, i::text FROM generate_series(1, 2000) AS s(i)", NULL,
                            &stream, err));
    return read_stream(&stream, err);
}

static hyl_status rows_by_arrow(hyl_conn *conn, hyl_error *err)
{
    struct ArrowArrayStream stream;
    hyl_result *result = NULL;
    HYL_TRY(
        hyl_query(conn, "SELECT i, i::text FROM generate_series(1, 2000) AS s(i)", &result, err));
    hyl_status status = hyl_result_to_arrow(result, &stream, err);
    if (status < 0) {
        hyl_result_free(result);
        return status;
    }
    return read_stream(&stream, err);
}

/* From a second connection, as any producer. */
static hyl_status insert_arrow(hyl_conn *conn, hyl_error *err)
{
    struct ArrowArrayStream stream;
    hyl_conn *from = NULL;
    HYL_TRY(hyl_connect_uri(test_hyperd_endpoint_text(), &from, err));
    hyl_status status =
        hyl_query_arrow(from, "SELECT i AS a, i::text AS b FROM generate_series(1, 2000) AS s(i)",
                        NULL, &stream, err);
    if (status == HYL_OK) {
        status = hyl_insert_arrow(conn, "t", &stream, NULL, NULL, err);
        stream.release(&stream);
    }
    hyl_conn_free(from);
    return status;
}

#endif

/* ---- Torture ---------------------------------------------------------------------------------- */

static hyl_conn *watcher; /* used only while all have memory */

static int64_t count_rows(void)
{
    return live_i64(watcher, "SELECT count(*) FROM t");
}

/* Runs it with the `n`th allocation failing; *failed says whether it was reached. */
static hyl_status run(scenario body, bool connected, size_t n, bool *failed, hyl_error *err)
{
    hyl_conn *conn = NULL;
    alloc_start(ALLOC_NEVER);
    if (connected) {
        assert_ok(log_in(&conn, err), err);
    }
    alloc_arm(n);
    hyl_status status = body(conn, err);
    *failed = alloc_failed();
    alloc_arm(ALLOC_NEVER);
    if (conn != NULL) {
        assert_true(status < 0 || hyl_conn_health(conn) == HYL_HEALTH_OK);
    }
    hyl_conn_free(conn);
    alloc_stop();
    return status;
}

/* A producer's stream tells of its failure by an errno number and words. */
static bool tells_of_memory(hyl_status status, const hyl_error *err)
{
    return status == HYL_ERR_NOMEM || (status < 0 && err->sys_errno == ENOMEM);
}

static void torture(scenario body, bool connected, int64_t written)
{
    bool failed = true;
    size_t mattered = 0;
    for (size_t n = 1; failed; n++) {
        hyl_error err = HYL_ERROR_INIT;
        int64_t before = written > 0 ? count_rows() : 0;
        hyl_status status = run(body, connected, n, &failed, &err);
        bool as_expected = status == HYL_OK || (failed && tells_of_memory(status, &err));
        if (!as_expected) {
            fail_msg("allocation %zu: %s: %s", n, hyl_status_name(status), err.message);
        }
        if (written > 0) {
            assert_int_equal(count_rows() - before, status == HYL_OK ? written : 0);
        }
        mattered += status != HYL_OK;
    }
    assert_true(mattered > 0);
}

/* X(scenario, does it need a connection, rows that it writes) */
#define SCENARIO_MAP(X)           \
    X(connect_and_ping, false, 0) \
    X(query_rows, true, 0)        \
    X(copy_in, true, ROWS)        \
    X(copy_out, true, 0)          \
    X(insert_rows, true, ROWS)    \
    X(cancel, true, 0)            \
    X(raw, false, 0)              \
    X(config_parse, false, 0)
#if HYL_WITH_ARROW
#define ARROW_SCENARIO_MAP(X) \
    X(query_arrow, true, 0)   \
    X(rows_by_arrow, true, 0) \
    X(insert_arrow, true, ROWS)
#else
#define ARROW_SCENARIO_MAP(X)
#endif

#define SCENARIO_TEST(name, connected, written)     \
    static void name##_without_memory(void **state) \
    {                                               \
        (void)state;                                \
        torture(name, connected, written);          \
    }
SCENARIO_MAP(SCENARIO_TEST)
ARROW_SCENARIO_MAP(SCENARIO_TEST)
#undef SCENARIO_TEST

/* ---- The program ------------------------------------------------------------------------------ */

static int start(void **state)
{
    if (test_hyperd_start(state) != 0) {
        return -1;
    }
    watcher = live_open("memory.hyper", "create=create");
    live_exec(watcher, "CREATE TABLE t (a INT, b TEXT)");
    return 0;
}

static int stop(void **state)
{
    hyl_conn_free(watcher);
    return test_hyperd_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SCENARIO_ENTRY(name, connected, written) cmocka_unit_test(name##_without_memory),
        SCENARIO_MAP(SCENARIO_ENTRY) ARROW_SCENARIO_MAP(SCENARIO_ENTRY)
#undef SCENARIO_ENTRY
    };
    return cmocka_run_group_tests_name("live/no_memory_hyperd", tests, start, stop);
}
