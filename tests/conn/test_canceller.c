#include "support/test.h"

#include "support/hyperd.h"

#include <hyperline/hyperline.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static const char endless[] =
    "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 10000000) b";

static hyl_conn *connected(void)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_conn *conn = NULL;
    assert_ok(hyl_connect_uri(test_hyperd_endpoint_text(), &conn, &err), &err);
    return conn;
}

/* What the other thread works with: it cancels until the statement has ended, as a cancel that
 * comes before the statement hits nothing. */
typedef struct cancelling {
    const hyl_canceller *canceller;
    atomic_bool over;
    hyl_status status;
} cancelling;

static void *cancel_until_over(void *ctx)
{
    cancelling *self = ctx;
    const struct timespec pause = {0, 50000000};
    while (!atomic_load(&self->over) && self->status == HYL_OK) {
        nanosleep(&pause, NULL);
        self->status = hyl_cancel(self->canceller, 5000, NULL);
    }
    return NULL;
}

static void another_thread_stops_a_statement(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_conn *conn = connected();
    hyl_canceller *canceller = NULL;
    int64_t one = 0;
    pthread_t thread;
    assert_ok(hyl_canceller_new(conn, &canceller, &err), &err);
    cancelling work = {canceller, false, HYL_OK};
    assert_int_equal(pthread_create(&thread, NULL, cancel_until_over, &work), 0);
    assert_status(hyl_exec(conn, endless, NULL, &err), HYL_ERR_CANCELLED, &err);
    assert_string_equal(err.sqlstate, "57014");
    atomic_store(&work.over, true);
    pthread_join(thread, NULL);
    assert_int_equal(work.status, HYL_OK);
    assert_ok(hyl_query_i64(conn, "SELECT 1", &one, &err), &err);
    assert_int_equal(one, 1);
    hyl_canceller_free(canceller);
    hyl_conn_free(conn);
}

static void an_idle_connection_is_not_harmed(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_conn *conn = connected();
    hyl_canceller *canceller = NULL;
    int64_t one = 0;
    assert_ok(hyl_canceller_new(conn, &canceller, &err), &err);
    assert_ok(hyl_cancel(canceller, 5000, &err), &err);
    assert_ok(hyl_query_i64(conn, "SELECT 1", &one, &err), &err);
    hyl_conn_free(conn);
    /* It outlives its connection; the server ignores a key that it does not know any more. */
    assert_ok(hyl_cancel(canceller, 5000, &err), &err);
    hyl_canceller_free(canceller);
    hyl_canceller_free(NULL);
}

static void a_server_that_is_gone_is_an_error(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    hyl_canceller *canceller = NULL;
    hyl_buf endpoint = HYL_BUF_INIT;
    assert_ok(hyl_server_launch(NULL, &server, &err), &err);
    hyl_endpoint_format(hyl_server_endpoint(server), &endpoint);
    hyl_buf_append_byte(&endpoint, '\0');
    assert_ok(hyl_connect_uri((const char *)endpoint.data, &conn, &err), &err);
    assert_ok(hyl_canceller_new(conn, &canceller, &err), &err);
    hyl_server_free(server);
    assert_status(hyl_cancel(canceller, 5000, &err), HYL_ERR_IO, &err);
    hyl_canceller_free(canceller);
    hyl_conn_free(conn);
    hyl_buf_reset(&endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_thread_stops_a_statement),
        cmocka_unit_test(an_idle_connection_is_not_harmed),
        cmocka_unit_test(a_server_that_is_gone_is_an_error),
    };
    return cmocka_run_group_tests_name("conn/canceller", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
