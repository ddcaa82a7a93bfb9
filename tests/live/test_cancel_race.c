/*
 * Cancels that come at any moment of a statement, from another thread: when both have returned, the
 * next statement has its own answer. 150 rounds; HYL_TEST_FULL=1 in the environment: 5,000.
 */
#include "support/hyperd.h"
#include "support/live.h"
#include "support/random.h"
#include "support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static hyl_error err;

typedef struct cancelling {
    const hyl_canceller *canceller;
    long pause_ns;
    hyl_status status;
} cancelling;

static void *cancel_once(void *ctx)
{
    cancelling *self = ctx;
    const struct timespec pause = {0, self->pause_ns};
    nanosleep(&pause, NULL);
    self->status = hyl_cancel(self->canceller, 20000, NULL);
    return NULL;
}

static const char *const statements[] = {
    "SELECT count(*) FROM generate_series(1, 300000) a(x) WHERE x % 7 = 3",
    "SELECT 1",
    "INSERT INTO t SELECT i FROM generate_series(1, 20000) g(i)",
    "SELECT i FROM generate_series(1, 50000) g(i)",
};

static void a_late_cancel_never_hits_the_next_statement(void **state)
{
    (void)state;
    const char *full = getenv("HYL_TEST_FULL");
    const int rounds = full != NULL && full[0] == '1' ? 5000 : 150;
    random_source random = random_start("cancels", 0xca9ce1);
    hyl_conn *const conns[] = {live_connect(NULL), live_connect_unix(NULL)};
    hyl_canceller *cancellers[2];
    int hit = 0;
    for (int i = 0; i < 2; i++) {
        live_exec(conns[i], "CREATE TEMP TABLE t (a int)");
        assert_ok(hyl_canceller_new(conns[i], &cancellers[i], &err), &err);
    }
    for (int i = 0; i < rounds; i++) {
        hyl_conn *conn = conns[i % 2];
        cancelling work = {cancellers[i % 2], (long)random_below(&random, 6000000), HYL_OK};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, cancel_once, &work), 0);
        hyl_status status = hyl_exec(conn, statements[random_below(&random, 4)], NULL, &err);
        assert_true(status == HYL_OK || status == HYL_ERR_CANCELLED);
        hit += status < 0;
        pthread_join(thread, NULL);
        assert_int_equal(work.status, HYL_OK);
        live_assert_in_step(conn);
        live_assert_in_step(conn);
    }
    printf("%d cancels, %d hit their statement, none another\n", rounds, hit);
    assert_true(hit > 0);
    for (int i = 0; i < 2; i++) {
        hyl_canceller_free(cancellers[i]);
        hyl_conn_free(conns[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_cancel_never_hits_the_next_statement),
    };
    return cmocka_run_group_tests_name("live/cancel_race", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
