/*
 * Every allocation of a connection's life fails once: each run ends in NOMEM or as if nothing had
 * happened, leaks nothing, and leaves a connection that works or says that it does not.
 */
#include "support/test.h"

#include "support/alloc.h"
#include "support/mem_conn.h"

#include "base/clock.h"

#define TRY(expr)                 \
    do {                          \
        hyl_status try_ = (expr); \
        if (try_ < 0) {           \
            status = try_;        \
            goto done;            \
        }                         \
    } while (0)

/* ---- The scenarios --------------------------------------------------------------------------- */

typedef hyl_status (*scenario)(hyl_conn *conn, hyl_error *err);

static hyl_status read_rows(hyl_conn *conn, const hyl_query_opts *opts, hyl_error *err)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = HYL_OK;
    TRY(hyl_query_with(conn, "SELECT", opts, &result, err));
    while ((status = hyl_result_next(result, &row, err)) == HYL_OK) {
        hyl_bytes bytes;
        TRY(hyl_row_text(row, 0, &text, err));
        TRY(hyl_row_get_bytes(row, 0, &bytes, err));
        assert_int_equal(bytes.len, 2);
    }
done:
    hyl_buf_reset(&text);
    hyl_result_free(result);
    return status == HYL_DONE ? HYL_OK : status;
}

static hyl_status rows(hyl_conn *conn, hyl_error *err)
{
    return read_rows(conn, NULL, err);
}

static hyl_status rows_as_text(hyl_conn *conn, hyl_error *err)
{
    const hyl_query_opts opts = {sizeof opts, HYL_QUERY_TEXT, HYL_TRANSFER_DEFAULT};
    return read_rows(conn, &opts, err);
}

static hyl_status half_a_result(hyl_conn *conn, hyl_error *err)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_status status = hyl_query(conn, "SELECT", &result, err);
    if (status == HYL_OK) {
        status = hyl_result_next(result, &row, err);
    }
    hyl_result_free(result);
    return status;
}

static hyl_status copy_in(hyl_conn *conn, hyl_error *err)
{
    static const char bytes[300000] = "";
    hyl_copy *copy = NULL;
    hyl_status status = HYL_OK;
    TRY(hyl_copy_in_open(conn, "COPY t FROM STDIN", &copy, err));
    TRY(hyl_copy_write(copy, bytes, 100, err));
    TRY(hyl_copy_write(copy, bytes, sizeof bytes, err));
    TRY(hyl_copy_finish(copy, NULL, err));
done:
    hyl_copy_free(copy);
    return status;
}

static hyl_status copy_out(hyl_conn *conn, hyl_error *err)
{
    hyl_copy *copy = NULL;
    hyl_status status = HYL_OK;
    TRY(hyl_copy_out_open(conn, "COPY t TO STDOUT", &copy, err));
    TRY(hyl_copy_finish(copy, NULL, err));
done:
    hyl_copy_free(copy);
    return status;
}

static hyl_status failing(hyl_conn *conn, hyl_error *err)
{
    hyl_status status = hyl_exec(conn, "SELECT", NULL, err);
    /* Without memory for the texts the diagnosis has the defaults. */
    return status == HYL_ERR_SERVER ? HYL_OK : status;
}

static hyl_status script(hyl_conn *conn, hyl_error *err)
{
    return hyl_exec_script(conn, "SET a = 1; SET b = 2", NULL, err);
}

static hyl_status one_text(hyl_conn *conn, hyl_error *err)
{
    char *text = NULL;
    hyl_status status = hyl_query_text(conn, "SHOW x", &text, err);
    hyl_free(text);
    return status;
}

/* ---- What the peer says to each -------------------------------------------------------------- */

static void say_rows(hyl_buf *out, const char *value)
{
    const hyl_bytes cell = {(const uint8_t *)value, strlen(value)};
    for (int i = 0; i < 3; i++) {
        backend_row(out, &cell, 1);
    }
    backend_tag(out, "SELECT 3");
    backend_ready(out, 'I');
}

static void describe_bytes(hyl_buf *out)
{
    const backend_column column = {"b", hyl_type_of(HYL_TYPE_BYTES)};
    backend_description(out, &column, 1);
}

static void answer_rows(hyl_buf *out)
{
    describe_bytes(out);
    backend_notice(out, "well");
    say_rows(out, "ab");
}

static void answer_rows_as_text(hyl_buf *out)
{
    backend_message(out, '1', NULL, 0);
    describe_bytes(out);
    backend_ready(out, 'I');
    backend_message(out, '2', NULL, 0);
    say_rows(out, "\\x0102");
}

static void answer_copy_in(hyl_buf *out)
{
    backend_copy_response(out, 'G');
}

static void answer_copy_out(hyl_buf *out)
{
    backend_copy_response(out, 'H');
    backend_copy_data(out, "abc", 3);
    backend_message(out, 'c', NULL, 0);
    backend_tag(out, "COPY 1");
    backend_ready(out, 'I');
}

static void answer_failing(hyl_buf *out)
{
    backend_error(out, "22012", "division by zero");
    backend_ready(out, 'I');
}

static void answer_script(hyl_buf *out)
{
    backend_parameter(out, "new", "1");
    backend_tag(out, "SET");
    backend_ready(out, 'I');
    backend_tag(out, "SET");
    backend_ready(out, 'I');
}

static void answer_text(hyl_buf *out)
{
    const backend_column column = {"x", hyl_type_of(HYL_TYPE_TEXT)};
    const hyl_bytes cell = {(const uint8_t *)"abc", 3};
    backend_description(out, &column, 1);
    backend_row(out, &cell, 1);
    backend_tag(out, "SHOW");
    backend_ready(out, 'I');
}

/* ---- Torture --------------------------------------------------------------------------------- */

/*
 * All that is said is made before allocations fail. The peer's own memory is of the library too:
 * where it has none, the run is over before it has begun.
 */
static hyl_bytes login_bytes;

/*
 * Runs one scenario from login to the end. `ending` is said when *ending_after bytes are written,
 * which becomes how many there were.
 */
static hyl_status run(hyl_config *config, scenario body, hyl_bytes answer, hyl_bytes ending,
                      size_t *ending_after, hyl_error *err)
{
    hyl_mem_peer *peer = NULL;
    hyl_conn *conn = NULL;
    hyl_status status = hyl_mem_peer_new(&peer);
    if (status < 0 || hyl_mem_peer_reply(peer, 0, login_bytes) < 0 ||
        hyl_mem_peer_reply(peer, 0, answer) < 0 ||
        (ending.len > 0 && hyl_mem_peer_reply(peer, *ending_after, ending) < 0)) {
        hyl_mem_peer_free(peer);
        return HYL_ERR_NOMEM;
    }
    hyl_transport transport;
    (void)gate_new(hyl_mem_peer_transport(peer), &transport);
    status = hyl__conn_open(config, &transport, HYL__NO_DEADLINE, &conn, err);
    if (status == HYL_OK) {
        status = body(conn, err);
        hyl_health health = hyl_conn_health(conn);
        assert_true(health == HYL_HEALTH_OK || status < 0);
        *ending_after = hyl_mem_peer_written(peer).len;
    }
    hyl_conn_free(conn);
    hyl_mem_peer_free(peer);
    return status;
}

/* What a run may end with that met a failed allocation: its peer's writes fail by it too. */
static bool is_expected(hyl_status status)
{
    return status == HYL_OK || status == HYL_ERR_NOMEM || status == HYL_ERR_TIMEOUT;
}

static void torture(scenario body, void (*say)(hyl_buf *), const char *last_tag)
{
    hyl_config *outside = mem_config("drain_timeout=1ms request_timeout=2s");
    hyl_buf login = HYL_BUF_INIT;
    hyl_buf answer = HYL_BUF_INIT;
    hyl_buf ending = HYL_BUF_INIT;
    bool failed = true;
    size_t count = 0;
    backend_login(&login);
    login_bytes = (hyl_bytes){login.data, login.len};
    say(&answer);
    if (last_tag != NULL) {
        backend_tag(&ending, last_tag);
        backend_ready(&ending, 'I');
    }
    size_t all = SIZE_MAX;
    (void)run(outside, body, (hyl_bytes){answer.data, answer.len},
              (hyl_bytes){ending.data, ending.len}, &all, NULL);
    for (size_t n = 1; failed; n++) {
        hyl_error err = HYL_ERROR_INIT;
        size_t ending_after = all;
        alloc_start(n);
        hyl_status status = run(outside, body, (hyl_bytes){answer.data, answer.len},
                                (hyl_bytes){ending.data, ending.len}, &ending_after, &err);
        failed = alloc_failed();
        alloc_stop();
        if (failed ? !is_expected(status) : status != HYL_OK) {
            fail_msg("allocation %zu: %s: %s", n, hyl_status_name(status), err.message);
        }
        count += status != HYL_OK;
    }
    /* Most of them matter. */
    assert_true(count > 5);
    hyl_buf_reset(&login);
    hyl_buf_reset(&answer);
    hyl_buf_reset(&ending);
    hyl_config_free(outside);
}

static void rows_without_memory(void **state)
{
    (void)state;
    torture(rows, answer_rows, NULL);
}

static void rows_as_text_without_memory(void **state)
{
    (void)state;
    torture(rows_as_text, answer_rows_as_text, NULL);
}

static void half_a_result_without_memory(void **state)
{
    (void)state;
    torture(half_a_result, answer_rows, NULL);
}

static void copy_in_without_memory(void **state)
{
    (void)state;
    torture(copy_in, answer_copy_in, "COPY 1");
}

static void copy_out_without_memory(void **state)
{
    (void)state;
    torture(copy_out, answer_copy_out, NULL);
}

static void an_error_without_memory(void **state)
{
    (void)state;
    torture(failing, answer_failing, NULL);
}

static void a_script_without_memory(void **state)
{
    (void)state;
    torture(script, answer_script, NULL);
}

static void a_value_without_memory(void **state)
{
    (void)state;
    torture(one_text, answer_text, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_without_memory),
        cmocka_unit_test(rows_as_text_without_memory),
        cmocka_unit_test(half_a_result_without_memory),
        cmocka_unit_test(copy_in_without_memory),
        cmocka_unit_test(copy_out_without_memory),
        cmocka_unit_test(an_error_without_memory),
        cmocka_unit_test(a_script_without_memory),
        cmocka_unit_test(a_value_without_memory),
    };
    return cmocka_run_group_tests_name("data/no_memory", tests, NULL, NULL);
}
