/*
 * A short session through a network that fails at any byte, in any way: each call gives its own
 * right answer or an error of the connection, within its time; what is left is freed without loss.
 *
 * HYL_TEST_FULL=1 in the environment: every byte with every fault, not a part of them.
 */
#include "support/alloc.h"
#include "support/fault_proxy.h"
#include "support/hyperd.h"
#include "support/random.h"
#include "support/test.h"

#include <hyperline/arrow.h>

#include "base/clock.h"
#include "base/endian.h"

#include <stdlib.h>

enum { CALL_LIMIT_MS = 10000 };

static fault_proxy *proxy;

/* Answers of the session's requests: far from each other, so that no flip makes one another. */
static const int64_t numbers[] = {1000001, 77770002, 5123450003};

enum { NUMBER_COUNT = sizeof numbers / sizeof numbers[0] };

/* One session, as far as it came. */
typedef struct session {
    hyl_conn *conn;
    hyl_error err;
    int64_t began;   /* when the call under way did */
    bool flipped;    /* values and messages may have been changed on the way */
    bool lost;       /* a call said so */
    bool copied;     /* the table has its rows */
    int right;       /* calls that gave their own answer */
    int failed;      /* and those that gave an error */
    int64_t slowest; /* of the calls, in ms */
} session;

static bool is_class(const hyl_error *err, const char *class)
{
    return strncmp(err->sqlstate, class, 2) == 0;
}

/* What a broken connection may give; of a server that sees one: class 08, 57, 58 (no more data). */
static bool is_connection_error(hyl_status status, const hyl_error *err)
{
    return status == HYL_ERR_CLOSED || status == HYL_ERR_IO || status == HYL_ERR_TIMEOUT ||
           status == HYL_ERR_DESYNC ||
           (status == HYL_ERR_SERVER &&
            (is_class(err, "08") || is_class(err, "57") || is_class(err, "58")));
}

static void begin_call(session *s)
{
    s->err = (hyl_error)HYL_ERROR_INIT;
    s->began = hyl__now_ms();
}

/* Ends a call. True where it gave its answer. */
static bool end_call(session *s, hyl_status status)
{
    int64_t took = hyl__now_ms() - s->began;
    s->slowest = took > s->slowest ? took : s->slowest;
    assert_true(took < CALL_LIMIT_MS);
    if (status >= 0) {
        /* After the connection is lost nothing answers any more. */
        assert_false(s->lost);
        s->right++;
        return true;
    }
    s->failed++;
    assert_true(s->err.status == status && s->err.message[0] != '\0');
    if (!s->flipped && !is_connection_error(status, &s->err)) {
        fail_msg("%s %s: %s", hyl_status_name(status), s->err.sqlstate, s->err.message);
    }
    if (s->lost) {
        assert_true(status == HYL_ERR_CLOSED || status == HYL_ERR_DESYNC);
    }
    s->lost = s->lost || (s->err.flags & HYL_ERROR_CONNECTION_LOST) != 0;
    return false;
}

/* A value is its request's own; one that was flipped on the way is at least no other request's. */
static void check_number(const session *s, int64_t value, size_t index)
{
    for (size_t i = 0; i < NUMBER_COUNT && s->flipped; i++) {
        assert_true(i == index || value != numbers[i]);
    }
    assert_true(s->flipped || value == numbers[index]);
}

static void ask_number(session *s, size_t index)
{
    char sql[60];
    int64_t value = 0;
    snprintf(sql, sizeof sql, "SELECT CAST(%lld AS bigint)", (long long)numbers[index]);
    begin_call(s);
    if (end_call(s, hyl_query_i64(s->conn, sql, &value, &s->err))) {
        check_number(s, value, index);
    }
}

static bool make_table(session *s)
{
    begin_call(s);
    return end_call(s, hyl_exec(s->conn, "CREATE TEMP TABLE t (a bigint)", NULL, &s->err));
}

static void copy_in(session *s)
{
    static const char sql[] = "COPY t FROM STDIN WITH (FORMAT hyperbinary)";
    hyl_buf data = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    int64_t rows = 0;
    hyl_copy_header(&data);
    for (int i = 0; i < 2; i++) {
        uint8_t value[9] = {0};
        hyl__store_le64(value + 1, (uint64_t)numbers[2]);
        hyl_buf_append(&data, value, sizeof value);
    }
    begin_call(s);
    bool on = end_call(s, hyl_copy_in_open(s->conn, sql, &copy, &s->err));
    if (on) {
        begin_call(s);
        on = end_call(s, hyl_copy_write(copy, data.data, data.len, &s->err));
    }
    if (on) {
        begin_call(s);
        on = end_call(s, hyl_copy_finish(copy, &rows, &s->err));
        assert_true(!on || rows == 2 || s->flipped);
    }
    s->copied = on;
    hyl_copy_free(copy);
    hyl_buf_reset(&data);
}

static void read_stream(session *s, struct ArrowArrayStream *stream)
{
    int64_t rows = 0;
    for (;;) {
        struct ArrowArray batch = {.release = NULL};
        begin_call(s);
        int code = stream->get_next(stream, &batch);
        const hyl_error *why = hyl_stream_error(stream);
        if (code != 0) {
            assert_non_null(why);
            s->err = *why;
            (void)end_call(s, why->status);
            return;
        }
        (void)end_call(s, HYL_OK);
        if (batch.release == NULL) {
            break;
        }
        rows += batch.length;
        for (int64_t i = 0; i < batch.length && batch.n_children == 1; i++) {
            check_number(s, ((const int64_t *)batch.children[0]->buffers[1])[i], 2);
        }
        batch.release(&batch);
    }
    /* A COPY that failed, as by its deadline, may have been cancelled before it was done. */
    assert_true(rows == 2 || s->flipped || (rows == 0 && !s->copied));
}

static void query_arrow(session *s)
{
    struct ArrowArrayStream stream = {.release = NULL};
    begin_call(s);
    if (end_call(s, hyl_query_arrow(s->conn, "SELECT a FROM t", NULL, &stream, &s->err))) {
        read_stream(s, &stream);
        stream.release(&stream);
    }
}

/* The whole session under one plan. */
static session run_session(const fault_plan *plan, const char *settings)
{
    char uri[300];
    session s = {.flipped = plan->kind == FAULT_FLIP};
    snprintf(uri, sizeof uri, "endpoint=127.0.0.1:%u connect_timeout=5s %s",
             fault_proxy_port(proxy), settings);
    alloc_start(ALLOC_NEVER);
    fault_proxy_plan(proxy, plan);
    begin_call(&s);
    if (end_call(&s, hyl_connect_uri(uri, &s.conn, &s.err))) {
        ask_number(&s, 0);
        if (make_table(&s)) {
            copy_in(&s);
            query_arrow(&s);
        }
        ask_number(&s, 1);
        begin_call(&s);
        hyl_conn_free(s.conn);
        assert_true(hyl__now_ms() - s.began < 3000);
    }
    alloc_stop();
    return s;
}

/* What all sessions of a test came to. */
typedef struct tally {
    const char *name;
    int faults;
    int right;
    int failed;
    int64_t slowest;
    int64_t began;
} tally;

static tally start_tally(const char *name)
{
    return (tally){.name = name, .began = hyl__now_ms()};
}

static void run_fault(tally *all, const fault_plan *plan, const char *settings)
{
    session s = run_session(plan, settings);
    all->faults++;
    all->right += s.right;
    all->failed += s.failed;
    all->slowest = s.slowest > all->slowest ? s.slowest : all->slowest;
}

static void end_tally(const tally *all)
{
    printf("%s: %d faults; %d calls answered, %d failed; slowest call %lld ms; %lld ms in all\n",
           all->name, all->faults, all->right, all->failed, (long long)all->slowest,
           (long long)(hyl__now_ms() - all->began));
    assert_true(all->faults > 0 && all->right > 0 && all->failed > 0);
}

/* How long the session is in each direction. */
static uint64_t session_bytes[FAULT_DIRECTION_COUNT];

static void measure(void)
{
    const fault_plan none = {.kind = FAULT_NONE};
    session s = run_session(&none, "");
    assert_int_equal(s.failed, 0);
    session_bytes[TO_SERVER] = fault_proxy_passed(proxy, TO_SERVER);
    session_bytes[TO_CLIENT] = fault_proxy_passed(proxy, TO_CLIENT);
    printf("a session: %d calls, %llu bytes to the server, %llu back\n", s.right,
           (unsigned long long)session_bytes[TO_SERVER],
           (unsigned long long)session_bytes[TO_CLIENT]);
}

static bool everything(void)
{
    const char *full = getenv("HYL_TEST_FULL");
    return full != NULL && full[0] == '1';
}

/* A fault of this kind at each `stride`th byte of each direction; all bytes where all is asked for. */
static void at_many_bytes(const char *name, fault_kind kind, uint64_t stride, const char *settings)
{
    tally all = start_tally(name);
    for (int direction = 0; direction < FAULT_DIRECTION_COUNT; direction++) {
        for (uint64_t at = 0; at < session_bytes[direction]; at += everything() ? 1 : stride) {
            const fault_plan plan = {
                .kind = kind, .direction = (fault_direction)direction, .at = at};
            run_fault(&all, &plan, settings);
        }
    }
    end_tally(&all);
}

/*
 * Deadlines of sessions that are not about them: each COPY that waits keeps one of the server's
 * workers, also for a while after its client has gone, and a statement that finds none left is begun
 * some five seconds later.
 */
#define PATIENT "request_timeout=2s drain_timeout=1s"

static void cut_at_every_byte(void **state)
{
    (void)state;
    at_many_bytes("cut", FAULT_CUT, 11, PATIENT);
}

static void reset_at_every_byte(void **state)
{
    (void)state;
    at_many_bytes("reset", FAULT_RESET, 31, PATIENT);
}

static void half_closed_at_every_byte(void **state)
{
    (void)state;
    at_many_bytes("half close", FAULT_HALF_CLOSE, 97, PATIENT);
}

static void stalled_at_every_byte(void **state)
{
    (void)state;
    at_many_bytes("stall", FAULT_STALL, 101,
                  "connect_timeout=60ms request_timeout=60ms drain_timeout=30ms");
}

static void with_bits_flipped(void **state)
{
    (void)state;
    random_source random = random_start("flips", 0xf11b5);
    tally all = start_tally("bit flips");
    for (uint64_t at = 0; at < session_bytes[TO_CLIENT]; at += everything() ? 1 : 31) {
        for (unsigned bit = 0; bit < (everything() ? 8U : 1U); bit++) {
            const fault_plan plan = {.kind = FAULT_FLIP,
                                     .direction = TO_CLIENT,
                                     .at = at,
                                     .bit =
                                         everything() ? bit : (unsigned)random_below(&random, 8)};
            run_fault(&all, &plan, "connect_timeout=300ms request_timeout=60ms drain_timeout=60ms");
        }
    }
    end_tally(&all);
}

/* ---- What is no fault ------------------------------------------------------------------------ */

static void however_the_bytes_are_cut_and_held_all_is_right(void **state)
{
    (void)state;
    static const fault_plan plans[] = {
        {.piece = 1},
        {.piece = 2},
        {.piece = 5},
        {.gather = 65536},
        {.gather = 100},
        {.delay_ms = 2},
        {.piece = 1000, .delay_ms = 1},
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        session s = run_session(&plans[i], "");
        assert_int_equal(s.failed, 0);
    }
}

/* ---- Program --------------------------------------------------------------------------------- */

static int start(void **state)
{
    if (test_hyperd_start(state) != 0) {
        return -1;
    }
    proxy = fault_proxy_start(test_hyperd_endpoint()->port);
    measure();
    return 0;
}

static int stop(void **state)
{
    fault_proxy_stop(proxy);
    return test_hyperd_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_the_bytes_are_cut_and_held_all_is_right),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(reset_at_every_byte),
        cmocka_unit_test(half_closed_at_every_byte),
        cmocka_unit_test(stalled_at_every_byte),
        cmocka_unit_test(with_bits_flipped),
    };
    return cmocka_run_group_tests_name("live/faults", tests, start, stop);
}
