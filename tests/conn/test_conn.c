#include "support/test.h"

#include "support/mem_conn.h"

#include "base/clock.h"
#include "base/endian.h"

static hyl_error err;

/* ---- Login ----------------------------------------------------------------------------------- */

/* Logs in to a peer that says `messages` and then ends the stream. */
static hyl_status log_in(const char *settings, hyl_buf *messages, hyl_buf *written)
{
    hyl_config *config = mem_config(settings);
    hyl_mem_peer *peer = NULL;
    hyl_conn *conn = NULL;
    assert_int_equal(hyl_mem_peer_new(&peer), HYL_OK);
    mem_peer_say(peer, 0, messages);
    assert_int_equal(hyl_mem_peer_end(peer), HYL_OK);
    hyl_transport transport = hyl_mem_peer_transport(peer);
    err = (hyl_error)HYL_ERROR_INIT;
    hyl_status status = hyl__conn_open(config, &transport, HYL__NO_DEADLINE, &conn, &err);
    if (status < 0) {
        assert_null(conn);
    }
    if (written != NULL) {
        hyl_bytes bytes = hyl_mem_peer_written(peer);
        hyl_buf_append(written, bytes.data, bytes.len);
        hyl_buf_append_byte(written, 0);
    }
    hyl_conn_free(conn);
    hyl_mem_peer_free(peer);
    hyl_config_free(config);
    return status;
}

/* What is said after the name of a parameter in a StartupMessage. */
static const char *startup_value(const hyl_buf *message, const char *name)
{
    for (size_t at = 8; at < message->len; at += strlen((char *)message->data + at) + 1) {
        if (strcmp((char *)message->data + at, name) == 0) {
            return (char *)message->data + at + strlen(name) + 1;
        }
    }
    return "(not there)";
}

static void login_says_who_and_how(void **state)
{
    (void)state;
    hyl_buf login = HYL_BUF_INIT;
    hyl_buf written = HYL_BUF_INIT;
    backend_login(&login);
    assert_ok(log_in("user=ann application_name='a b' set.lc_time=de_DE "
                     "set.search_path='it\\'s b\\\\c' set.x=''",
                     &login, &written),
              &err);
    assert_memory_equal(written.data + 4, "\0\3\0\0", 4);
    assert_string_equal(startup_value(&written, "user"), "ann");
    assert_string_equal(startup_value(&written, "application_name"), "a b");
    assert_string_equal(startup_value(&written, "options"),
                        "-c result_format_code=HyperBinary -c lc_time='de_DE' "
                        "-c search_path='it\\'s b\\\\c' -c x=''");
    /* The database is attached by a statement, under an absolute path and an alias. */
    assert_string_equal(startup_value(&written, "database"), "(not there)");
    hyl_buf_reset(&written);
}

static void a_refused_login_gives_the_servers_words(void **state)
{
    (void)state;
    hyl_buf messages = HYL_BUF_INIT;
    backend_error(&messages, "42501", "could not connect as 'ann'");
    assert_status(log_in("user=ann", &messages, NULL), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42501");
    assert_string_equal(err.message, "could not connect as 'ann'");
    assert_true(err.flags & HYL_ERROR_FROM_SERVER);
}

static void a_login_refused_after_authentication_too(void **state)
{
    (void)state;
    hyl_buf messages = HYL_BUF_INIT;
    backend_auth_ok(&messages);
    backend_error(&messages, "53300", "too many sessions");
    assert_status(log_in(NULL, &messages, NULL), HYL_ERR_SERVER, &err);
    assert_string_equal(err.message, "too many sessions");
}

static void a_password_that_is_missing_is_said(void **state)
{
    (void)state;
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, 'R', "\0\0\0\3", 4);
    assert_status(log_in(NULL, &messages, NULL), HYL_ERR_AUTH, &err);
    assert_non_null(strstr(err.message, "password"));
}

static void a_password_is_sent_where_it_is_asked_for(void **state)
{
    (void)state;
    hyl_buf messages = HYL_BUF_INIT;
    hyl_buf written = HYL_BUF_INIT;
    backend_login(&messages);
    assert_ok(log_in("password=sesame", &messages, &written), &err);
    size_t startup_size = hyl__load_be32(written.data);
    hyl_buf_reset(&written);

    hyl_config *config = mem_config("password=sesame");
    mem_conn mem = {.peer = NULL};
    assert_int_equal(hyl_mem_peer_new(&mem.peer), HYL_OK);
    backend_message(&messages, 'R', "\0\0\0\3", 4);
    mem_peer_say(mem.peer, startup_size, &messages);
    backend_login(&messages);
    mem_peer_say(mem.peer, 12, &messages);
    hyl_transport transport = hyl_mem_peer_transport(mem.peer);
    assert_ok(hyl__conn_open(config, &transport, HYL__NO_DEADLINE, &mem.conn, &err), &err);
    hyl_bytes all = hyl_mem_peer_written(mem.peer);
    assert_int_equal(all.len, startup_size + 12);
    assert_memory_equal(all.data + startup_size, "p\0\0\0\x0bsesame\0", 12);
    hyl_config_free(config);
    mem_conn_close(&mem);
}

static void a_server_of_another_kind_is_a_protocol_error(void **state)
{
    (void)state;
    hyl_buf messages = HYL_BUF_INIT;
    hyl_buf_append_str(&messages, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_status(log_in(NULL, &messages, NULL), HYL_ERR_PROTOCOL, &err);
}

/* Cut at each of its bytes, a login is CLOSED and never anything else. */
static void a_stream_that_ends_during_login_is_closed(void **state)
{
    (void)state;
    hyl_buf whole = HYL_BUF_INIT;
    backend_login(&whole);
    for (size_t len = 0; len < whole.len; len++) {
        hyl_buf part = HYL_BUF_INIT;
        hyl_buf_append(&part, whole.data, len);
        assert_status(log_in(NULL, &part, NULL), HYL_ERR_CLOSED, &err);
        assert_string_equal(err.sqlstate, "08006");
        assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    }
    hyl_buf_reset(&whole);
}

static void a_login_that_is_not_answered_runs_into_its_deadline(void **state)
{
    (void)state;
    hyl_config *config = mem_config(NULL);
    hyl_mem_peer *peer = NULL;
    hyl_conn *conn = NULL;
    assert_int_equal(hyl_mem_peer_new(&peer), HYL_OK);
    hyl_transport transport = hyl_mem_peer_transport(peer);
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl__conn_open(config, &transport, hyl__now_ms(), &conn, &err), HYL_ERR_TIMEOUT,
                  &err);
    assert_true(hyl_error_retryable(&err));
    assert_null(conn);
    assert_null(transport.ops);
    hyl_mem_peer_free(peer);
    hyl_config_free(config);
}

/* ---- What it knows --------------------------------------------------------------------------- */

static void it_knows_parameters_and_the_servers_number(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    assert_string_equal(hyl_conn_parameter(mem.conn, "hyper_version"), "main.0.0.1");
    assert_null(hyl_conn_parameter(mem.conn, "alive"));
    assert_null(hyl_conn_parameter(mem.conn, "hyper"));
    assert_int_equal(hyl_conn_backend_pid(mem.conn), 0);
    backend_parameter(&messages, "alive", "?");
    backend_parameter(&messages, "hyper_version", "2");
    mem_say(&mem, &messages);
    mem_assert_in_step(&mem);
    assert_string_equal(hyl_conn_parameter(mem.conn, "alive"), "?");
    assert_string_equal(hyl_conn_parameter(mem.conn, "hyper_version"), "2");
    mem_conn_close(&mem);
}

static void health_and_transaction_follow_the_server(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_IDLE);
    mem_say_done(&mem, "BEGIN", 'T');
    assert_ok(hyl_exec(mem.conn, "BEGIN", NULL, &err), &err);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_OPEN);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    mem_say_error(&mem, "22012", "division by zero", 'E');
    assert_status(hyl_exec(mem.conn, "SELECT 1/0", NULL, &err), HYL_ERR_SERVER, &err);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_FAILED);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_TX_FAILED);
    mem_say_done(&mem, "ROLLBACK", 'I');
    assert_ok(hyl_exec(mem.conn, "ROLLBACK", NULL, &err), &err);
    assert_int_equal(hyl_conn_tx(mem.conn), HYL_TX_IDLE);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    hyl_result *result = NULL;
    mem_say_ints(&mem, 2);
    assert_ok(hyl_query(mem.conn, "SELECT", &result, &err), &err);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_BUSY);
    assert_ok(hyl_result_finish(result, &err), &err);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void closing_says_goodbye_and_ends_everything(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_conn_close(mem.conn);
    mem_assert_written(&mem, "X\0\0\0\4", 5);
    mem_assert_lost(&mem, HYL_ERR_CLOSED);
    assert_status(hyl_conn_cancel(mem.conn, 0, &err), HYL_ERR_CLOSED, &err);
    assert_string_equal(hyl_conn_parameter(mem.conn, "hyper_version"), "main.0.0.1");
    hyl_conn_close(mem.conn);
    mem_conn_close(&mem);
}

/* No row comes out of a connection that its user has closed, not even one that is already here. */
static void a_result_outlives_its_connection_as_closed(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    mem_say_ints(&mem, 3);
    assert_ok(hyl_query(mem.conn, "SELECT", &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    hyl_conn_free(mem.conn);
    mem.conn = NULL;
    for (int i = 0; i < 2; i++) {
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl_result_next(result, &row, &err), HYL_ERR_CLOSED, &err);
        assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
        assert_status(hyl_result_finish(result, &err), HYL_ERR_CLOSED, &err);
        assert_status(hyl_result_abandon(result, &err), HYL_ERR_CLOSED, &err);
    }
    assert_int_equal(hyl_result_column_count(result), 1);
    assert_string_equal(hyl_result_column(result, 0)->name, "n");
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_result_that_was_read_outlives_its_connection_as_it_is(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    mem_say_ints(&mem, 3);
    assert_ok(hyl_query(mem.conn, "SELECT", &result, &err), &err);
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_conn_free(mem.conn);
    mem.conn = NULL;
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    assert_string_equal(hyl_result_tag(result), "SELECT 3");
    assert_int_equal(hyl_result_affected(result), 3);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_copy_outlives_its_connection_as_closed(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_copy *copy = NULL;
    hyl_buf messages = HYL_BUF_INIT;
    int64_t rows = 0;
    backend_copy_response(&messages, 'G');
    mem_say(&mem, &messages);
    assert_ok(hyl_copy_in_open(mem.conn, "COPY t FROM STDIN", &copy, &err), &err);
    assert_ok(hyl_copy_write(copy, "1\n", 2, &err), &err);
    hyl_conn_free(mem.conn);
    mem.conn = NULL;
    assert_status(hyl_copy_write(copy, "2\n", 2, &err), HYL_ERR_CLOSED, &err);
    assert_status(hyl_copy_finish(copy, &rows, &err), HYL_ERR_CLOSED, &err);
    assert_status(hyl_copy_abort(copy, "no", &err), HYL_ERR_CLOSED, &err);
    hyl_copy_free(copy);
    mem_conn_close(&mem);
}

static void nothing_is_freed_without_harm(void **state)
{
    (void)state;
    hyl_conn_free(NULL);
    hyl_result_free(NULL);
    hyl_copy_free(NULL);
}

/* A stream that stands inside a message is not ended by another one. */
static void closing_does_not_speak_into_a_message_that_was_cut(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("request_timeout=1ms drain_timeout=1ms");
    hyl_mem_peer_fail_write(mem.peer, 7, HYL_AGAIN);
    assert_status(hyl_exec(mem.conn, "SELECT 1", NULL, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_DESYNC);
    hyl_mem_peer_fail_write(mem.peer, 1000, HYL_ERR_IO);
    hyl_conn_close(mem.conn);
    assert_int_equal(hyl_mem_peer_written(mem.peer).len, 7);
    mem_conn_close(&mem);
}

static void the_password_is_forgotten_after_the_login(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open("password=Sesame tls_key_passphrase=kept");
    assert_null(mem.conn->settings.password);
    assert_string_equal(hyl_config_get(mem.conn->config, "password"), "");
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_is_forgotten_after_the_login),
        cmocka_unit_test(login_says_who_and_how),
        cmocka_unit_test(a_refused_login_gives_the_servers_words),
        cmocka_unit_test(a_login_refused_after_authentication_too),
        cmocka_unit_test(a_password_that_is_missing_is_said),
        cmocka_unit_test(a_password_is_sent_where_it_is_asked_for),
        cmocka_unit_test(a_server_of_another_kind_is_a_protocol_error),
        cmocka_unit_test(a_stream_that_ends_during_login_is_closed),
        cmocka_unit_test(a_login_that_is_not_answered_runs_into_its_deadline),
        cmocka_unit_test(it_knows_parameters_and_the_servers_number),
        cmocka_unit_test(health_and_transaction_follow_the_server),
        cmocka_unit_test(closing_says_goodbye_and_ends_everything),
        cmocka_unit_test(a_result_outlives_its_connection_as_closed),
        cmocka_unit_test(a_result_that_was_read_outlives_its_connection_as_it_is),
        cmocka_unit_test(a_copy_outlives_its_connection_as_closed),
        cmocka_unit_test(nothing_is_freed_without_harm),
        cmocka_unit_test(closing_does_not_speak_into_a_message_that_was_cut),
    };
    return cmocka_run_group_tests_name("conn/conn", tests, NULL, NULL);
}
