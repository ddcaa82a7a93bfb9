/* Logging in, on every way that there is, and every way that it fails. */
#include "support/test.h"

#include "support/alloc.h"
#include "support/logs.h"
#include "support/raw_rig.h"

static hyl_error err;

static const hyl_pair user_u[] = {{"user", "u"}, {"database", "d.hyper"}};

#define C_STARTUP "\0\0\0\041\0\003\0\0user\0u\0database\0d.hyper\0\0"

static int stop_logs(void **state)
{
    (void)state;
    logs_stop();
    return 0;
}

static void require_openssl(void)
{
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
}

static hyl_status startup(raw_rig *rig, const char *password)
{
    return hyl_raw_startup(rig->raw, user_u, 2, password, &err);
}

/* ---- Going through ---- */

static void trust_ends_at_ready(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    logs_start(HYL_LOG_TRACE);
    SAYS(&rig, M_AUTH_OK M_STATUS M_KEY M_READY);
    assert_ok(startup(&rig, NULL), &err);
    WROTE(&rig, C_STARTUP);
    assert_true(hyl_raw_has_key(rig.raw));
    assert_int_equal(hyl_raw_process_id(rig.raw), 0); /* a valid number */
    assert_int_equal(hyl_raw_secret_key(rig.raw), 0x01020304);
    assert_string_equal(hyl_raw_parameter_status(rig.raw, "a"), "b");
    assert_int_equal(logs_count("info connection-auth-success"), 1);
    assert_int_equal(logs_total(), 1);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void a_server_may_give_no_key(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    SAYS(&rig, M_AUTH_OK M_READY);
    assert_ok(startup(&rig, NULL), &err);
    assert_false(hyl_raw_has_key(rig.raw));
    raw_rig_free(&rig);
}

static void notices_are_passed_over_anywhere(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    SAYS(&rig,
         M_NOTICE M_STATUS M_NOTIFY M_AUTH_OK M_NOTICE M_NOTIFY M_KEY M_NOTICE M_STATUS M_READY);
    assert_ok(startup(&rig, NULL), &err);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void cleartext_goes_through(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    logs_start(HYL_LOG_DEBUG);
    SAYS(&rig, M_CLEARTEXT M_AUTH_OK M_READY);
    assert_ok(startup(&rig, "secret"), &err);
    WROTE(&rig, C_STARTUP "p\0\0\0\013secret\0");
    assert_int_equal(logs_count("debug connection-auth-method method=password"), 1);
    assert_int_equal(logs_count("info connection-auth-success"), 1);
    assert_int_equal(logs_total(), 2);
    raw_rig_free(&rig);
}

static void md5_takes_user_and_salt(void **state)
{
    (void)state;
    require_openssl();
    raw_rig rig = raw_rig_new(NULL);
    const hyl_pair params[] = {{"database", "x"}, {"user", "postgres"}};
    logs_start(HYL_LOG_DEBUG);
    SAYS(&rig, M_MD5 M_AUTH_OK M_READY);
    assert_ok(hyl_raw_startup(rig.raw, params, 2, "secret", &err), &err);
    hyl_bytes written = hyl_mem_peer_written(rig.peer);
    const char answer[] = "p\0\0\0\050md5bb41a296aab6baccb36ff243a562abff";
    assert_true(written.len > sizeof answer);
    assert_memory_equal(written.data + written.len - sizeof answer, answer, sizeof answer);
    assert_int_equal(logs_count("debug connection-auth-method method=md5"), 1);
    raw_rig_free(&rig);
}

static void scram_starts_with_a_nonce(void **state)
{
    (void)state;
    require_openssl();
    raw_rig rig = raw_rig_new(NULL);
    logs_start(HYL_LOG_DEBUG);
    SAYS(&rig, M_SASL);
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_status(startup(&rig, "secret"), HYL_ERR_CLOSED, &err);
    hyl_bytes written = hyl_mem_peer_written(rig.peer);
    const char head[] = "p\0\0\0\066SCRAM-SHA-256\0\0\0\0\040n,,n=,r=";
    assert_int_equal(written.len, 33 + 55);
    assert_memory_equal(written.data + 33, head, sizeof head - 1);
    assert_int_equal(logs_count("debug connection-auth-method method=SCRAM-SHA-256"), 1);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void a_password_is_nowhere_afterwards(void **state)
{
    (void)state;
    alloc_start(ALLOC_NEVER);
    raw_rig rig = raw_rig_new(NULL);
    SAYS(&rig, M_CLEARTEXT M_AUTH_OK M_READY);
    assert_ok(startup(&rig, "a rare password"), &err);
    /* The peer remembers what it was sent; nobody else may. */
    alloc_watch("rare password");
    hyl_raw_free(rig.raw);
    rig.raw = NULL;
    assert_int_equal(alloc_secrets(), 0);
    raw_rig_free(&rig);
    assert_int_equal(alloc_secrets(), 1);
    alloc_stop();
}

/* ---- Failing ---- */

/* A startup that fails with `status`, after which the connection is unhealthy. */
static void fails(hyl_bytes said, const char *password, hyl_status status, const char *why)
{
    raw_rig rig = raw_rig_new(NULL);
    raw_rig_says(&rig, said);
    assert_status(startup(&rig, password), status, &err);
    if (strstr(err.message, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
    }
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, HYL_ERROR_CONNECTION_LOST);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void a_demand_without_a_password_names_the_method(void **state)
{
    (void)state;
    fails(LITERAL(M_CLEARTEXT), NULL, HYL_ERR_AUTH, "password");
    fails(LITERAL(M_MD5), NULL, HYL_ERR_AUTH, "md5");
    fails(LITERAL(M_SASL), NULL, HYL_ERR_AUTH, "SCRAM-SHA-256");
}

static void a_sasl_list_without_scram_is_told(void **state)
{
    (void)state;
    fails(LITERAL("R\0\0\0\025\0\0\0\012OAUTHBEARER\0\0"), "p", HYL_ERR_AUTH, "OAUTHBEARER");
    fails(LITERAL("R\0\0\0\034\0\0\0\012SCRAM-SHA-256-PLUS\0\0"), "p", HYL_ERR_AUTH,
          "SCRAM-SHA-256-PLUS");
}

static void acceptance_without_proof_is_auth(void **state)
{
    (void)state;
    require_openssl();
    fails(LITERAL(M_SASL M_AUTH_OK M_READY), "p", HYL_ERR_AUTH, "proof");
}

static void sasl_out_of_order_is_auth(void **state)
{
    (void)state;
    require_openssl();
    fails(LITERAL("R\0\0\0\011\0\0\0\013x"), "p", HYL_ERR_AUTH, "out of order");
    fails(LITERAL("R\0\0\0\011\0\0\0\014x"), "p", HYL_ERR_AUTH, "out of order");
    fails(LITERAL(M_SASL "R\0\0\0\011\0\0\0\014x"), "p", HYL_ERR_AUTH, "out of order");
    fails(LITERAL(M_AUTH_OK M_AUTH_OK), NULL, HYL_ERR_AUTH, "out of order");
    fails(LITERAL(M_CLEARTEXT M_CLEARTEXT), "p", HYL_ERR_AUTH, "out of order");
}

static void an_unknown_method_is_auth(void **state)
{
    (void)state;
    fails(LITERAL("R\0\0\0\010\0\0\0\007"), "p", HYL_ERR_AUTH, "GSSAPI");
    fails(LITERAL("R\0\0\0\010\0\0\0\143"), "p", HYL_ERR_AUTH, "99");
}

static void an_error_is_the_servers_and_drained(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    logs_start(HYL_LOG_WARN);
    SAYS(&rig, M_FATAL);
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_status(startup(&rig, NULL), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42501");
    assert_string_equal(err.severity, "FATAL");
    assert_string_equal(err.message, "out");
    assert_int_equal(err.flags, HYL_ERROR_FROM_SERVER | HYL_ERROR_CONNECTION_LOST);
    assert_int_equal(logs_count("warn connection-closed"), 1);
    assert_int_equal(logs_count_prefix("warn drain-read-error error=the server closed"), 1);
    assert_non_null(hyl_raw_diag(rig.raw));
    raw_rig_marked(&rig);
    raw_rig_free(&rig);

    /* In step, and yet unhealthy: nobody is logged in. */
    fails(LITERAL(M_ERROR M_READY), NULL, HYL_ERR_SERVER, "bad");
    fails(LITERAL(M_CLEARTEXT M_ERROR M_READY), "p", HYL_ERR_SERVER, "bad");
    fails(LITERAL(M_AUTH_OK M_KEY M_ERROR M_READY), NULL, HYL_ERR_SERVER, "bad");
}

static void anything_else_is_protocol(void **state)
{
    (void)state;
    fails(LITERAL(M_AUTH_OK M_ROW), NULL, HYL_ERR_PROTOCOL, "DataRow");
    fails(LITERAL(M_AUTH_OK M_SELECT_1 M_READY), NULL, HYL_ERR_PROTOCOL, "CommandComplete");
    fails(LITERAL(M_AUTH_OK M_COPY_IN), NULL, HYL_ERR_PROTOCOL, "CopyInResponse");
    fails(LITERAL(M_COPY_OUT), NULL, HYL_ERR_PROTOCOL, "CopyOutResponse");
    fails(LITERAL("z\0\0\0\4"), NULL, HYL_ERR_PROTOCOL, "0x7a");
    fails(LITERAL("R\0\0\0\7\0\0\0"), NULL, HYL_ERR_PROTOCOL, "Authentication");
}

static void nothing_counts_before_acceptance(void **state)
{
    (void)state;
    fails(LITERAL(M_READY), NULL, HYL_ERR_PROTOCOL, "ReadyForQuery");
    fails(LITERAL(M_KEY M_AUTH_OK M_READY), NULL, HYL_ERR_PROTOCOL, "BackendKeyData");
    fails(LITERAL(M_CLEARTEXT M_READY), "p", HYL_ERR_PROTOCOL, "ReadyForQuery");
}

static void a_server_that_leaves_is_closed(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_status(startup(&rig, NULL), HYL_ERR_CLOSED, &err);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void parameters_that_cannot_be_sent_are_arg(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_new(NULL);
    const hyl_pair bad[] = {{"", "x"}};
    assert_status(hyl_raw_startup(rig.raw, bad, 1, NULL, &err), HYL_ERR_ARG, &err);
    WROTE(&rig, "");
    /* Nothing was sent: the connection is as it was. */
    SAYS(&rig, M_AUTH_OK M_READY);
    assert_ok(startup(&rig, NULL), &err);
    raw_rig_free(&rig);
}

static void a_second_startup_is_state(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_status(startup(&rig, NULL), HYL_ERR_STATE, &err);
    WROTE(&rig, "");
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(trust_ends_at_ready, stop_logs),
        cmocka_unit_test(a_server_may_give_no_key),
        cmocka_unit_test(notices_are_passed_over_anywhere),
        cmocka_unit_test_teardown(cleartext_goes_through, stop_logs),
        cmocka_unit_test_teardown(md5_takes_user_and_salt, stop_logs),
        cmocka_unit_test_teardown(scram_starts_with_a_nonce, stop_logs),
        cmocka_unit_test(a_password_is_nowhere_afterwards),
        cmocka_unit_test(a_demand_without_a_password_names_the_method),
        cmocka_unit_test(a_sasl_list_without_scram_is_told),
        cmocka_unit_test(acceptance_without_proof_is_auth),
        cmocka_unit_test(sasl_out_of_order_is_auth),
        cmocka_unit_test(an_unknown_method_is_auth),
        cmocka_unit_test_teardown(an_error_is_the_servers_and_drained, stop_logs),
        cmocka_unit_test(anything_else_is_protocol),
        cmocka_unit_test(nothing_counts_before_acceptance),
        cmocka_unit_test(a_server_that_leaves_is_closed),
        cmocka_unit_test(parameters_that_cannot_be_sent_are_arg),
        cmocka_unit_test(a_second_startup_is_state),
    };
    return cmocka_run_group_tests_name("conn/raw_startup", tests, NULL, NULL);
}
