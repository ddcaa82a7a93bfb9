/* TLS and every way to log in, on PostgreSQL. */
#include "support/test.h"

#include "support/live.h"
#include "support/pki.h"
#include "support/postgres.h"

#include <hyperline/raw.h>

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>

static hyl_error err;

#if HYL_WITH_OPENSSL

/* A config by TCP as `user`; `settings` may name the pki's files as @ca, @by_cert and so on. */
static hyl_config *config_for(const char *user, const char *password, const char *settings)
{
    hyl_config *config = NULL;
    hyl_buf text = HYL_BUF_INIT;
    hyl_endpoint_format(test_postgres_endpoint(), &text);
    hyl_buf_append_byte(&text, '\0');
    assert_ok(hyl_config_new(&config, &err), &err);
    assert_ok(hyl_config_set(config, "endpoint", (const char *)text.data, &err), &err);
    assert_ok(hyl_config_set(config, "user", user, &err), &err);
    assert_ok(hyl_config_set(config, "password", password, &err), &err);
    assert_ok(
        hyl_config_parse(config, "database=postgres dialect=postgresql connect_timeout=20s", &err),
        &err);
    assert_ok(hyl_config_parse(config, settings, &err), &err);
    hyl_buf_reset(&text);
    return config;
}

static hyl_status connect_as(const char *user, const char *password, const char *settings,
                             hyl_conn **conn)
{
    *conn = NULL;
    hyl_config *config = config_for(user, password, settings);
    hyl_status status = hyl_connect(config, conn, &err);
    hyl_config_free(config);
    return status;
}

/* "tls=MODE tls_ca='the pki's' REST". */
static const char *with_ca(const char *mode, const char *ca, const char *rest)
{
    static char texts[4][1500];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    snprintf(text, sizeof texts[0], "tls=%s tls_ca='%s' %s", mode, pki_cert(ca), rest);
    return text;
}

static bool is_encrypted(hyl_conn *conn)
{
    const char *answer =
        live_text(conn, "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    hyl_tls_info info;
    bool encrypted = strcmp(answer, "true") == 0;
    assert_int_equal(hyl_conn_tls_info(conn, &info), encrypted);
    return encrypted;
}

static void connects(const char *user, const char *settings, bool encrypted)
{
    hyl_conn *conn = NULL;
    assert_ok(connect_as(user, TEST_POSTGRES_PASSWORD, settings, &conn), &err);
    assert_string_equal(live_text(conn, "SELECT current_user"), user);
    assert_int_equal(is_encrypted(conn), encrypted);
    hyl_conn_free(conn);
}

static void refuses(const char *user, const char *password, const char *settings, hyl_status status,
                    const char *reason)
{
    hyl_conn *conn = NULL;
    assert_status(connect_as(user, password, settings, &conn), status, &err);
    if (strstr(err.message, reason) == NULL) {
        fail_msg("%s: '%s' is not in: %s", settings, reason, err.message);
    }
    assert_null(strstr(err.message, TEST_POSTGRES_PASSWORD));
    assert_null(conn);
}

/* ---- Certificates ---- */

static void modes_do_what_they_say(void **state)
{
    (void)state;
    test_postgres_require();
    hyl_tls_info info;
    hyl_conn *conn = NULL;
    connects("postgres", "", false);
    connects("postgres", "tls=disable", false);
    connects("postgres", "tls=prefer", true);
    connects("postgres", "tls=require", true);
    connects("postgres", with_ca("verify-ca", "ca", ""), true);
    connects("postgres", with_ca("verify-full", "ca", ""), true);
    connects("postgres", with_ca("auto", "ca", ""), true);
    refuses("postgres", NULL, "tls=verify-full", HYL_ERR_TLS, "is refused");
    refuses("postgres", NULL, with_ca("require", "other-ca", ""), HYL_ERR_TLS, "is refused");
    refuses("postgres", NULL, with_ca("prefer", "other-ca", ""), HYL_ERR_TLS, "is refused");
    refuses("postgres", NULL, "tls=require tls_negotiation=direct", HYL_ERR_CLOSED,
            "tls_negotiation=postgres");
    assert_ok(
        connect_as("postgres", NULL, with_ca("verify-full", "ca", "tls_min_version=1.3"), &conn),
        &err);
    assert_true(hyl_conn_tls_info(conn, &info));
    assert_string_equal(info.version, "TLSv1.3");
    assert_true(info.verified);
    hyl_conn_close(conn);
    assert_false(hyl_conn_tls_info(conn, &info));
    hyl_conn_free(conn);
}

static const struct {
    const char *certificate;
    const char *mode;
    const char *ca;
    const char *refusal; /* NULL: none */
} shown[] = {
    {"expired", "verify-full", "ca", "has expired"},
    {"expired", "verify-ca", "ca", "has expired"},
    {"other-host", "verify-full", "ca", "is not for '127.0.0.1'"},
    {"other-host", "verify-ca", "ca", NULL},
    {"self-signed", "verify-full", "ca", "self-signed"},
    {"self-signed", "verify-full", "self-signed", NULL},
    {"deep", "verify-full", "ca", "unable to get local issuer certificate"},
    {"server", "verify-full", "ca", NULL},
};

static void bad_certificates_are_refused(void **state)
{
    (void)state;
    test_postgres_require();
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const char *settings = with_ca(shown[i].mode, shown[i].ca, "");
        test_postgres_show(shown[i].certificate);
        if (shown[i].refusal != NULL) {
            refuses("postgres", NULL, settings, HYL_ERR_TLS, shown[i].refusal);
        } else {
            connects("postgres", settings, true);
        }
    }
}

static void clients_show_certificates(void **state)
{
    (void)state;
    test_postgres_require();
    char files[1100];
    snprintf(files, sizeof files, "tls_cert='%s' tls_key='%s'", pki_cert("by_cert"),
             pki_key("by_cert"));
    connects("by_cert", with_ca("verify-full", "ca", files), true);
    connects("by_cert", with_ca("verify-full", "ca", files), true);
    snprintf(files, sizeof files,
             "tls_cert='%s' tls_key='%s' tls_key_passphrase='" PKI_PASSPHRASE "'",
             pki_cert("by_cert_locked"), pki_key("by_cert_locked"));
    connects("by_cert", with_ca("verify-full", "ca", files), true);
    /* A certificate is not an exchange: require_auth calls it none. */
    hyl_conn *conn = NULL;
    char ruled[1300];
    snprintf(ruled, sizeof ruled, "%s require_auth=!none", files);
    assert_status(connect_as("by_cert", NULL, with_ca("require", "ca", ruled), &conn), HYL_ERR_AUTH,
                  &err);
    refuses("by_cert", NULL, with_ca("verify-full", "ca", ""), HYL_ERR_SERVER, "certificate");
    snprintf(files, sizeof files, "tls_cert='%s' tls_key='%s'", pki_cert("stranger"),
             pki_key("stranger"));
    /* TLS 1.3: the refusal comes when the client believes that the handshake is over. */
    refuses("by_cert", NULL, with_ca("verify-full", "ca", files), HYL_ERR_TLS, "does not trust");
}

/* ---- Logging in ---- */

static void scram_is_bound_to_tls(void **state)
{
    (void)state;
    test_postgres_require();
    static const char *const certificates[] = {"server", "sha384"};
    for (size_t i = 0; i < 2; i++) {
        test_postgres_show(certificates[i]);
        connects("by_scram", "tls=require channel_binding=require", true);
        connects("by_scram", with_ca("verify-full", "ca", ""), true);
        connects("by_scram", "tls=require channel_binding=disable", true);
        refuses("by_scram", "wrong", "tls=require channel_binding=require", HYL_ERR_SERVER,
                "password authentication failed");
        assert_string_equal(err.sqlstate, "28P01");
    }
    test_postgres_show("server");
    connects("by_scram", "tls=disable", false);
    refuses("by_scram", TEST_POSTGRES_PASSWORD, "channel_binding=require", HYL_ERR_AUTH,
            "not encrypted");
    refuses("by_md5", TEST_POSTGRES_PASSWORD, "tls=require channel_binding=require", HYL_ERR_AUTH,
            "channel_binding=require");
    refuses("postgres", NULL, "tls=require channel_binding=require", HYL_ERR_AUTH,
            "no authentication");
}

static const char *const users[] = {"postgres", "by_password", "by_md5", "by_scram"};
static const char *const methods[] = {"none", "password", "md5", "scram-sha-256"};

static void what_require_auth_says_is_held(void **state)
{
    (void)state;
    test_postgres_require();
    for (size_t u = 0; u < 4; u++) {
        for (size_t m = 0; m < 4; m++) {
            char settings[100];
            snprintf(settings, sizeof settings, "tls=require require_auth=%s", methods[m]);
            if (u == m) {
                connects(users[u], settings, true);
            } else {
                refuses(users[u], TEST_POSTGRES_PASSWORD, settings, HYL_ERR_AUTH, "require_auth");
            }
            snprintf(settings, sizeof settings, "tls=require require_auth=!%s", methods[m]);
            if (u != m) {
                connects(users[u], settings, true);
            } else {
                refuses(users[u], TEST_POSTGRES_PASSWORD, settings, HYL_ERR_AUTH, "require_auth");
            }
        }
    }
}

static void a_password_as_it_is_goes_where_nobody_reads_it(void **state)
{
    (void)state;
    test_postgres_require();
    hyl_conn *conn = NULL;
    connects("by_password", "tls=require", true);
    refuses("by_password", TEST_POSTGRES_PASSWORD, "tls=disable", HYL_ERR_AUTH, "allow_cleartext");
    connects("by_password", "tls=disable allow_cleartext=yes", false);
    hyl_config *config = config_for("by_password", TEST_POSTGRES_PASSWORD, "");
    assert_ok(hyl_config_set(config, "endpoint", test_postgres_socket()->path, &err), &err);
    assert_ok(hyl_connect(config, &conn, &err), &err);
    assert_string_equal(live_text(conn, "SELECT current_user"), "by_password");
    hyl_conn_free(conn);
    assert_ok(hyl_config_set(config, "tls", "require", &err), &err);
    assert_status(hyl_connect(config, &conn, &err), HYL_ERR_ARG, &err);
    hyl_config_free(config);
}

/* The server prepares passwords too: however one is typed, it is the same, and what has no such form
 * is taken as it is. */
static void passwords_are_prepared_as_the_server_does(void **state)
{
    (void)state;
    test_postgres_require();
    static const char *const passwords[][2] = {
        {"I\u00adX", "\u2168"},
        {"a\u00a0b", "a b"},
        {"pa\u0308ss", "p\u00e4ss"},
        {"\ufb01x\u3000", "fix "},
        {"\u0627a", "\u0627a"},
        {"a\u0221", "a\u0221"},
        {"\U0001f600\u00a0", "\U0001f600\u00a0"},
    };
    hyl_conn *conn = NULL;
    assert_ok(connect_as("postgres", NULL, "", &conn), &err);
    for (size_t i = 0; i < sizeof passwords / sizeof passwords[0]; i++) {
        char sql[200];
        hyl_conn *other = NULL;
        snprintf(sql, sizeof sql, "CREATE ROLE odd_%zu LOGIN PASSWORD '%s'", i, passwords[i][0]);
        live_exec(conn, sql);
        snprintf(sql, sizeof sql, "odd_%zu", i);
        for (size_t typed = 0; typed < 2; typed++) {
            assert_ok(connect_as(sql, passwords[i][typed], "", &other), &err);
            hyl_conn_free(other);
        }
    }
    hyl_conn_free(conn);
}

/* ---- What goes through it ---- */

static void much_goes_both_ways_at_once(void **state)
{
    (void)state;
    test_postgres_require();
    enum { ROWS = 60000 };
    static char row[] = "123456\tabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefg\n";
    hyl_conn *conn = NULL;
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    size_t read = 0;
    int64_t rows = 0;
    assert_ok(connect_as("by_scram", TEST_POSTGRES_PASSWORD, "tls=require", &conn), &err);
    live_exec(conn, "CREATE TEMP TABLE t (a int, b text)");
    assert_ok(hyl_copy_in_open(conn, "COPY t FROM STDIN", &copy, &err), &err);
    for (int i = 0; i < ROWS; i++) {
        assert_ok(hyl_copy_write(copy, row, sizeof row - 1, &err), &err);
    }
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    hyl_copy_free(copy);
    assert_int_equal(rows, ROWS);
    assert_ok(hyl_copy_out_open(conn, "COPY t TO STDOUT", &copy, &err), &err);
    hyl_status status = HYL_OK;
    while ((status = hyl_copy_read(copy, &piece, &err)) == HYL_OK) {
        read += piece.len;
    }
    assert_int_equal(status, HYL_DONE);
    hyl_copy_free(copy);
    assert_int_equal(read, (size_t)ROWS * (sizeof row - 1));
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), ROWS);
    /* 4 MB of a statement, answered by notices and then by as many rows while it is still sent. */
    char *sql = malloc(4200000);
    assert_non_null(sql);
    size_t len = (size_t)sprintf(sql, "SELECT length('");
    memset(sql + len, 'x', 4000000);
    len += 4000000;
    sprintf(sql + len, "')");
    assert_int_equal(live_i64(conn, sql), 4000000);
    free(sql);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
}

/* A pipeline of statements that is not read until all of it is sent: the server's answers block it. */
static void a_pipeline_does_not_deadlock(void **state)
{
    (void)state;
    test_postgres_require();
    enum { COUNT = 400 };
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    const hyl_pair params[] = {{"user", "by_scram"}, {"database", "postgres"}};
    hyl_config *config = config_for("by_scram", NULL, "tls=require");
    hyl_buf comment = HYL_BUF_INIT;
    opts.timeout_ms = 30000;
    opts.channel_binding = "require";
    opts.require_auth = "scram-sha-256";
    assert_ok(hyl_config_open(config, hyl__deadline_in(20000), &transport, &err), &err);
    assert_ok(hyl_raw_new(&transport, &opts, &raw, &err), &err);
    assert_ok(hyl_raw_startup(raw, params, 2, TEST_POSTGRES_PASSWORD, &err), &err);
    hyl_buf_append_str(&comment, "SELECT repeat('y', 20000) /* ");
    for (int i = 0; i < 2000; i++) {
        hyl_buf_append_str(&comment, "and so on ");
    }
    hyl_buf_append_str(&comment, "*/");
    hyl_str sql = {(const char *)comment.data, comment.len};
    for (int i = 0; i < COUNT; i++) {
        assert_ok(hyl_enc_query(hyl_raw_write_buffer(raw), sql, &err), &err);
    }
    assert_ok(hyl_raw_flush(raw, &err), &err);
    size_t rows = 0;
    for (int ready = 0; ready < COUNT;) {
        hyl_msg message;
        assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
        ready += message.type == HYL_MSG_READY_FOR_QUERY;
        rows += message.type == HYL_MSG_DATA_ROW;
    }
    assert_int_equal(rows, COUNT);
    assert_ok(hyl_raw_terminate(raw, &err), &err);
    hyl_raw_free(raw);
    hyl_buf_reset(&comment);
    hyl_config_free(config);
}

static void raw_logins_are_ruled_too(void **state)
{
    (void)state;
    test_postgres_require();
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    const hyl_pair params[] = {{"user", "by_password"}, {"database", "postgres"}};
    opts.require_auth = "!password";
    assert_ok(
        hyl_transport_open(test_postgres_endpoint(), hyl__deadline_in(20000), &transport, &err),
        &err);
    assert_ok(hyl_raw_new(&transport, &opts, &raw, &err), &err);
    assert_status(hyl_raw_startup(raw, params, 2, TEST_POSTGRES_PASSWORD, &err), HYL_ERR_AUTH,
                  &err);
    hyl_raw_free(raw);
}

/* ---- Cancel ---- */

static void *cancel_soon(void *ctx)
{
    const hyl_canceller *canceller = ctx;
    return hyl_cancel(canceller, 20000, NULL) == HYL_OK ? NULL : ctx;
}

static void a_cancel_goes_the_way_of_its_connection(void **state)
{
    (void)state;
    test_postgres_require();
    hyl_canceller *canceller = NULL;
    hyl_conn *conn = NULL;
    pthread_t thread;
    void *failed = NULL;
    assert_ok(
        connect_as("by_scram", TEST_POSTGRES_PASSWORD, with_ca("verify-full", "ca", ""), &conn),
        &err);
    assert_ok(hyl_canceller_new(conn, &canceller, &err), &err);
    hyl_result *result = NULL;
    assert_ok(hyl_query(conn, "SELECT generate_series(1, 100000000)", &result, &err), &err);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, canceller), 0);
    const hyl_row *row = NULL;
    hyl_status status = HYL_OK;
    while (status == HYL_OK) {
        status = hyl_result_next(result, &row, &err);
    }
    assert_status(status, HYL_ERR_CANCELLED, &err);
    pthread_join(thread, &failed);
    assert_null(failed);
    hyl_result_free(result);
    live_assert_in_step(conn);
    /* The server has become somebody else: the key of the session is not for it. */
    test_postgres_show("self-signed");
    assert_status(hyl_cancel(canceller, 20000, &err), HYL_ERR_TLS, &err);
    test_postgres_show("server");
    assert_ok(hyl_cancel(canceller, 20000, &err), &err);
    /* An abandoned result is cancelled the same way. */
    assert_ok(hyl_query(conn, "SELECT generate_series(1, 100000000)", &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    hyl_result_free(result);
    live_assert_in_step(conn);
    hyl_conn_free(conn);
    hyl_canceller_free(canceller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_do_what_they_say),
        cmocka_unit_test(bad_certificates_are_refused),
        cmocka_unit_test(clients_show_certificates),
        cmocka_unit_test(scram_is_bound_to_tls),
        cmocka_unit_test(what_require_auth_says_is_held),
        cmocka_unit_test(a_password_as_it_is_goes_where_nobody_reads_it),
        cmocka_unit_test(passwords_are_prepared_as_the_server_does),
        cmocka_unit_test(much_goes_both_ways_at_once),
        cmocka_unit_test(a_pipeline_does_not_deadlock),
        cmocka_unit_test(raw_logins_are_ruled_too),
        cmocka_unit_test(a_cancel_goes_the_way_of_its_connection),
    };
    return cmocka_run_group_tests_name("live/tls_postgres", tests, test_postgres_start,
                                       test_postgres_stop);
}

#else

static void without_openssl_tls_is_refused(void **state)
{
    (void)state;
    hyl_conn *conn = NULL;
    assert_status(hyl_connect_uri("endpoint=127.0.0.1:1 tls=require", &conn, &err),
                  HYL_ERR_UNSUPPORTED, &err);
    assert_non_null(strstr(err.message, "HYL_WITH_OPENSSL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_openssl_tls_is_refused),
    };
    return cmocka_run_group_tests_name("live/tls_postgres", tests, NULL, NULL);
}

#endif
