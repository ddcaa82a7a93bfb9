/* TLS and SCRAM on Hyper. */
#include "support/test.h"

#include "support/hyperd.h"
#include "support/live.h"
#include "support/pki.h"

#include <hyperline/arrow.h>

#include <stdlib.h>
#include <string.h>

static hyl_error err;

#if HYL_WITH_OPENSSL

#define PASSWORD "pa\u0308ssword, with a\u00a0space"

static char certificate[400];
static char key[400];
static char ca[400];

static int start(void **state)
{
    (void)state;
    const hyl_pair settings[] = {
        {"ssl_certificate", certificate}, {"ssl_key", key}, {"ssl_force", "1"}};
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    pki_make_all();
    snprintf(certificate, sizeof certificate, "%s", pki_cert("server"));
    snprintf(key, sizeof key, "%s", pki_key("server"));
    snprintf(ca, sizeof ca, "%s", pki_cert("ca"));
    opts.listen = HYL_LISTEN_TCP | HYL_LISTEN_UNIX;
    opts.password = "p\u00e4ssword, with a space";
    opts.settings = settings;
    opts.setting_count = 3;
    return test_hyperd_start_with(&opts);
}

/* A connection that is checked in full. */
static hyl_conn *connect_in_full(const char *more)
{
    char settings[700];
    snprintf(settings, sizeof settings, "tls_ca='%s' %s", ca, more);
    return live_connect(settings);
}

static void a_login_by_scram_over_tls(void **state)
{
    (void)state;
    hyl_tls_info info;
    hyl_conn *conn = connect_in_full("");
    assert_true(hyl_conn_tls_info(conn, &info));
    assert_string_equal(info.version, "TLSv1.3");
    assert_true(info.verified);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
    conn = connect_in_full("tls=verify-full password='" PASSWORD "'");
    live_assert_in_step(conn);
    hyl_conn_free(conn);
    conn = connect_in_full("tls=verify-ca require_auth=scram-sha-256 tls_min_version=1.3");
    live_assert_in_step(conn);
    hyl_conn_free(conn);
    /* The unix socket has no TLS, whatever the server forces. */
    conn = live_connect_unix(NULL);
    assert_false(hyl_conn_tls_info(conn, &info));
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

static const struct {
    const char *settings;
    hyl_status status;
    const char *reason;
} refusals[] = {
    {"tls=disable", HYL_ERR_SERVER, "SSL"},
    {"tls=verify-full", HYL_ERR_TLS, "is refused"},
    {"tls=require password=wrong", HYL_ERR_SERVER, ""},
    {"tls=require channel_binding=require", HYL_ERR_AUTH, "does not offer it"},
    {"tls=require require_auth=none", HYL_ERR_AUTH, "require_auth"},
    {"tls=require tls_negotiation=direct", HYL_ERR_CLOSED, "tls_negotiation=postgres"},
};

static void what_is_not_wanted_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_status(live_connect_fails(refusals[i].settings, &err), refusals[i].status, &err);
        if (strstr(err.message, refusals[i].reason) == NULL) {
            fail_msg("%s: %s", refusals[i].settings, err.message);
        }
    }
}

/* Hyper maps a password and does not normalise it. */
static void passwords_in_other_forms_are_known(void **state)
{
    (void)state;
    static const char *const passwords[][2] = {
        {"\u2168", "\u2168"},
        {"pa\u0308ss", "pa\u0308ss"},
        {"\ufb01\u00a0x", "\ufb01 x"},
        {"a\u00adb", "ab"},
    };
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
        hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
        hyl_server *server = NULL;
        hyl_config *config = NULL;
        hyl_conn *conn = NULL;
        opts.password = passwords[i][0];
        assert_ok(hyl_server_launch(&opts, &server, &err), &err);
        assert_ok(hyl_config_new(&config, &err), &err);
        assert_ok(hyl_server_configure(server, config, &err), &err);
        for (size_t typed = 0; typed < 2; typed++) {
            assert_ok(hyl_config_set(config, "password", passwords[i][typed], &err), &err);
            assert_ok(hyl_connect(config, &conn, &err), &err);
            live_assert_in_step(conn);
            hyl_conn_free(conn);
        }
        assert_ok(hyl_config_set(config, "password", "\u2169", &err), &err);
        assert_status(hyl_connect(config, &conn, &err), HYL_ERR_SERVER, &err);
        assert_string_equal(err.sqlstate, "42501");
        hyl_config_free(config);
        hyl_server_free(server);
    }
}

static void a_server_without_tls_is_told(void **state)
{
    (void)state;
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    char settings[100];
    hyl_tls_info info;
    assert_ok(hyl_server_launch(NULL, &server, &err), &err);
    unsigned port = hyl_server_endpoint(server)->port;
    snprintf(settings, sizeof settings, "endpoint=127.0.0.1:%u tls=require", port);
    assert_status(hyl_connect_uri(settings, &conn, &err), HYL_ERR_TLS, &err);
    assert_non_null(strstr(err.message, "speaks no TLS"));
    snprintf(settings, sizeof settings, "endpoint=127.0.0.1:%u tls=prefer", port);
    assert_ok(hyl_connect_uri(settings, &conn, &err), &err);
    assert_false(hyl_conn_tls_info(conn, &info));
    live_assert_in_step(conn);
    hyl_conn_free(conn);
    hyl_server_free(server);
}

#if HYL_WITH_ARROW

static void arrow_lands_in_blocks(void **state)
{
    (void)state;
    enum { ROWS = 300000 };
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    int64_t rows = 0;
    int64_t sum = 0;
    hyl_conn *conn = connect_in_full("");
    assert_ok(hyl_query_arrow(conn,
                              "SELECT i::BIGINT AS n, i * 2 AS m FROM generate_series(1, "
                              "300000) g(i)",
                              NULL, &stream, &err),
              &err);
    for (;;) {
        memset(&batch, 0, sizeof batch);
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        if (batch.release == NULL) {
            break;
        }
        const int64_t *values = batch.children[0]->buffers[1];
        for (int64_t i = 0; i < batch.length; i++) {
            sum += values[i + batch.children[0]->offset];
        }
        rows += batch.length;
        batch.release(&batch);
    }
    stream.release(&stream);
    assert_int_equal(rows, ROWS);
    assert_true(sum == (int64_t)ROWS * (ROWS + 1) / 2);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

#endif

static void rows_and_copies_go_through(void **state)
{
    (void)state;
    enum { LINES = 100000 };
    hyl_conn *conn = connect_in_full("");
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    size_t read = 0;
    int64_t rows = 0;
    live_exec(conn, "CREATE TEMPORARY TABLE t (a INT, b TEXT)");
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN WITH (FORMAT csv)", &copy, &err), &err);
    for (int i = 0; i < LINES; i++) {
        char line[100];
        int len = snprintf(line, sizeof line, "%d,some text that is as long as others are\n", i);
        assert_ok(hyl_copy_write(copy, line, (size_t)len, &err), &err);
    }
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    hyl_copy_free(copy);
    assert_int_equal(rows, LINES);
    assert_ok(hyl_copy_out_open(conn, "COPY t TO STDOUT WITH (FORMAT csv)", &copy, &err), &err);
    while (hyl_copy_read(copy, &piece, &err) == HYL_OK) {
        read += piece.len;
    }
    hyl_copy_free(copy);
    assert_true(read > (size_t)LINES * 40);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    assert_ok(hyl_query(conn, "SELECT a, b FROM t ORDER BY a", &result, &err), &err);
    for (int32_t i = 0; i < LINES; i++) {
        int32_t a = -1;
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_ok(hyl_row_get_i32(row, 0, &a, &err), &err);
        assert_int_equal(a, i);
    }
    assert_int_equal(hyl_result_next(result, &row, &err), HYL_DONE);
    hyl_result_free(result);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

static void cancels_and_deadlines_hold(void **state)
{
    (void)state;
    static const char endless[] =
        "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 10000000) b";
    hyl_conn *conn = connect_in_full("request_timeout=1s");
    for (int i = 0; i < 2; i++) {
        assert_status(hyl_exec(conn, endless, NULL, &err), HYL_ERR_TIMEOUT, &err);
        live_assert_in_step(conn);
    }
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    assert_ok(hyl_query(conn, "SELECT generate_series(1, 100000000)", &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    hyl_result_free(result);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_by_scram_over_tls),
        cmocka_unit_test(what_is_not_wanted_is_refused),
        cmocka_unit_test(passwords_in_other_forms_are_known),
        cmocka_unit_test(a_server_without_tls_is_told),
#if HYL_WITH_ARROW
        cmocka_unit_test(arrow_lands_in_blocks),
#endif
        cmocka_unit_test(rows_and_copies_go_through),
        cmocka_unit_test(cancels_and_deadlines_hold),
    };
    return cmocka_run_group_tests_name("live/tls_hyperd", tests, start, test_hyperd_stop);
}

#else

static void without_openssl_tls_is_refused(void **state)
{
    (void)state;
    assert_status(live_connect_fails("tls=require", &err), HYL_ERR_UNSUPPORTED, &err);
    assert_non_null(strstr(err.message, "HYL_WITH_OPENSSL"));
    hyl_conn *conn = live_connect("tls=prefer");
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_openssl_tls_is_refused),
    };
    return cmocka_run_group_tests_name("live/tls_hyperd", tests, test_hyperd_start,
                                       test_hyperd_stop);
}

#endif
