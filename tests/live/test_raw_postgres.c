/* The raw connection's authentication on PostgreSQL, which demands what Hyper never does. */
#include "support/test.h"

#include "support/logs.h"
#include "support/postgres.h"

#include <hyperline/raw.h>

#include "base/clock.h"

static hyl_error err;

typedef const hyl_endpoint *(*endpoint_fn)(void);

static endpoint_fn by_tcp = test_postgres_endpoint;
static endpoint_fn by_socket = test_postgres_socket;

static hyl_raw *new_raw(void **state)
{
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    test_postgres_require();
    opts.timeout_ms = 30000;
    assert_ok(
        hyl_transport_open((*(endpoint_fn *)*state)(), hyl__deadline_in(10000), &transport, &err),
        &err);
    assert_ok(hyl_raw_new(&transport, &opts, &raw, &err), &err);
    return raw;
}

static hyl_status log_in(hyl_raw *raw, const char *user, const char *password)
{
    const hyl_pair params[] = {{"user", user}, {"database", "postgres"}};
    return hyl_raw_startup(raw, params, 2, password, &err);
}

static void assert_logged_in_as(hyl_raw *raw, const char *user)
{
    hyl_raw_messages *messages = NULL;
    hyl_msg message;
    hyl_row_iter iter;
    hyl_bytes cell;
    assert_ok(hyl_raw_simple_query(raw, HYL_STR("SELECT current_user"), &messages, &err), &err);
    assert_true(hyl_raw_messages_get(messages, 1, &message));
    hyl_row_iter_init(&iter, &message);
    assert_true(hyl_row_iter_next(&iter, &cell));
    assert_int_equal(cell.len, strlen(user));
    assert_memory_equal(cell.data, user, cell.len);
    hyl_raw_messages_free(messages);
}

/* A user logs in with the right password, not with a wrong one, and not without one. */
static void check_user(void **state, const char *user, const char *method)
{
    char line[100];
    hyl_raw *raw = new_raw(state);
    logs_start(HYL_LOG_DEBUG);
    assert_ok(log_in(raw, user, TEST_POSTGRES_PASSWORD), &err);
    snprintf(line, sizeof line, "debug connection-auth-method method=%s", method);
    assert_int_equal(logs_count(line), 1);
    assert_int_equal(logs_count("info connection-auth-success"), 1);
    logs_stop();
    assert_logged_in_as(raw, user);
    assert_ok(hyl_raw_terminate(raw, &err), &err);
    hyl_raw_free(raw);

    raw = new_raw(state);
    assert_status(log_in(raw, user, "wrong"), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "28P01");
    assert_string_equal(err.severity, "FATAL");
    assert_false(hyl_raw_is_healthy(raw));
    hyl_raw_free(raw);

    raw = new_raw(state);
    assert_status(log_in(raw, user, NULL), HYL_ERR_AUTH, &err);
    assert_non_null(strstr(err.message, method));
    hyl_raw_free(raw);
}

static void trust_takes_no_password(void **state)
{
    hyl_raw *raw = new_raw(state);
    assert_ok(log_in(raw, "postgres", NULL), &err);
    assert_logged_in_as(raw, "postgres");
    hyl_raw_free(raw);
}

static void cleartext(void **state)
{
    check_user(state, "by_password", "password");
}

static void require_openssl(void)
{
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
}

static void md5(void **state)
{
    require_openssl();
    check_user(state, "by_md5", "md5");
}

static void scram(void **state)
{
    require_openssl();
    check_user(state, "by_scram", "SCRAM-SHA-256");
}

static void a_session_goes_on_after_an_error(void **state)
{
    hyl_raw *raw = new_raw(state);
    hyl_raw_messages *messages = NULL;
    assert_ok(log_in(raw, "postgres", NULL), &err);
    assert_status(hyl_raw_simple_query(raw, HYL_STR("SELECT * FROM nope"), &messages, &err),
                  HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P01");
    assert_int_equal(hyl_raw_diag(raw)->position, 15);
    assert_logged_in_as(raw, "postgres");
    hyl_raw_free(raw);
}

static void a_copy_in_that_nobody_expects_is_failed(void **state)
{
    hyl_raw *raw = new_raw(state);
    hyl_raw_messages *messages = NULL;
    const hyl_str sql = HYL_STR("COPY pg_class FROM STDIN");
    assert_ok(log_in(raw, "postgres", NULL), &err);
    assert_status(hyl_raw_simple_query(raw, sql, &messages, &err), HYL_ERR_PROTOCOL, &err);
    assert_logged_in_as(raw, "postgres");
    assert_status(hyl_raw_query_binary(raw, sql, &messages, &err), HYL_ERR_PROTOCOL, &err);
    assert_logged_in_as(raw, "postgres");
    hyl_raw_free(raw);
}

static void copy_goes_both_ways(void **state)
{
    hyl_raw *raw = new_raw(state);
    hyl_raw_messages *messages = NULL;
    hyl_buf out = HYL_BUF_INIT;
    uint64_t rows = 0;
    assert_ok(log_in(raw, "postgres", NULL), &err);
    assert_ok(
        hyl_raw_simple_query(raw, HYL_STR("CREATE TEMP TABLE t (a int, b text)"), &messages, &err),
        &err);
    hyl_raw_messages_free(messages);
    assert_ok(hyl_raw_start_copy_in_with_format(raw, "t", NULL, 0, "csv", &err), &err);
    assert_ok(hyl_raw_send_copy_data(raw, (hyl_bytes){(const uint8_t *)"1,x\n2,\n", 7}, &err),
              &err);
    assert_ok(hyl_raw_finish_copy(raw, &rows, &err), &err);
    assert_int_equal(rows, 2);
    assert_ok(hyl_raw_copy_out(raw, HYL_STR("COPY t TO STDOUT (FORMAT csv)"), &out, &err), &err);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data, "1,x\n2,\n", 7);
    assert_ok(hyl_raw_start_copy_in_with_format(raw, "t", NULL, 0, "csv", &err), &err);
    assert_ok(hyl_raw_cancel_copy(raw, "no", &err), &err);
    assert_logged_in_as(raw, "postgres");
    hyl_buf_reset(&out);
    hyl_raw_free(raw);
}

static void a_notification_is_passed_over(void **state)
{
    hyl_raw *raw = new_raw(state);
    hyl_raw_messages *messages = NULL;
    hyl_msg message;
    bool notified = false;
    assert_ok(log_in(raw, "postgres", NULL), &err);
    assert_ok(hyl_raw_simple_query(raw, HYL_STR("LISTEN c; NOTIFY c, 'payload'"), &messages, &err),
              &err);
    for (size_t i = 0; hyl_raw_messages_get(messages, i, &message); i++) {
        if (message.type == HYL_MSG_NOTIFICATION_RESPONSE) {
            notified = true;
            assert_memory_equal(message.as.notification.payload.data, "payload", 8);
        }
    }
    assert_true(notified);
    hyl_raw_messages_free(messages);
    assert_logged_in_as(raw, "postgres");
    hyl_raw_free(raw);
}

#define ON_BOTH(test)                                   \
    {#test " (tcp)", test, NULL, NULL, &by_tcp},        \
    {                                                   \
#test " (socket)", test, NULL, NULL, &by_socket \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(trust_takes_no_password),
        ON_BOTH(cleartext),
        ON_BOTH(md5),
        ON_BOTH(scram),
        ON_BOTH(a_session_goes_on_after_an_error),
        ON_BOTH(a_copy_in_that_nobody_expects_is_failed),
        ON_BOTH(copy_goes_both_ways),
        ON_BOTH(a_notification_is_passed_over),
    };
    return cmocka_run_group_tests_name("live/raw_postgres", tests, test_postgres_start,
                                       test_postgres_stop);
}
