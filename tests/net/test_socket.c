#include "support/test.h"

#include "support/sockets.h"

#include <hyperline/transport.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/socket.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* One side of a connection as a transport, the other as a plain descriptor. */
typedef struct fixture {
    hyl_transport transport;
    int peer;
} fixture;

static int make_pair(void **state)
{
    static fixture made;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return -1;
    }
    made.peer = ends[1];
    *state = &made;
    return hyl_transport_from_fd(ends[0], &made.transport, NULL) == HYL_OK ? 0 : -1;
}

static int make_tcp(void **state)
{
    static fixture made;
    uint16_t port = 0;
    int listener = test_tcp_listener(AF_INET, 4, &port);
    made.peer = test_tcp_client(port);
    int accepted = test_accept(listener);
    close(listener);
    *state = &made;
    return hyl_transport_from_fd(accepted, &made.transport, NULL) == HYL_OK ? 0 : -1;
}

static void hang_up(fixture *f)
{
    if (f->peer >= 0) {
        close(f->peer);
        f->peer = -1;
    }
}

static int close_pair(void **state)
{
    fixture *f = *state;
    hyl_transport_close(&f->transport);
    hang_up(f);
    return 0;
}

static hyl_status read_bytes(fixture *f, void *dst, size_t cap, size_t *got, hyl_error *err)
{
    return f->transport.ops->read(f->transport.self, dst, cap, got, err);
}

static hyl_status write_bytes(fixture *f, const void *bytes, size_t len, size_t *put,
                              hyl_error *err)
{
    const hyl_iovec piece = {bytes, len};
    return f->transport.ops->writev(f->transport.self, &piece, 1, put, err);
}

static hyl_status wait_for(fixture *f, unsigned wants, int64_t timeout_ms, unsigned *ready,
                           hyl_error *err)
{
    return f->transport.ops->wait(f->transport.self, wants, hyl__deadline_in(timeout_ms), ready,
                                  err);
}

static void assert_peer_gets(fixture *f, const char *expected)
{
    char text[64];
    size_t len = strlen(expected);
    assert_int_equal(recv(f->peer, text, len, MSG_WAITALL), (ssize_t)len);
    assert_memory_equal(text, expected, len);
}

static void bytes_go_both_ways_and_the_end_is_done(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    char text[16];
    size_t got = 0;
    size_t put = 0;
    unsigned ready = 0;
    assert_int_equal(read_bytes(f, text, sizeof text, &got, &err), HYL_AGAIN);
    assert_int_equal(send(f->peer, "hello", 5, 0), 5);
    assert_ok(wait_for(f, HYL_WANT_READ, -1, &ready, &err), &err);
    assert_int_equal(ready, HYL_WANT_READ);
    assert_ok(read_bytes(f, text, 3, &got, &err), &err);
    assert_int_equal(got, 3);
    assert_ok(read_bytes(f, text + 3, sizeof text - 3, &got, &err), &err);
    assert_int_equal(got, 2);
    assert_memory_equal(text, "hello", 5);
    assert_ok(write_bytes(f, "answer", 6, &put, &err), &err);
    assert_int_equal(put, 6);
    assert_peer_gets(f, "answer");
    hang_up(f);
    assert_ok(wait_for(f, HYL_WANT_READ, -1, &ready, &err), &err);
    assert_int_equal(read_bytes(f, text, sizeof text, &got, &err), HYL_DONE);
    assert_int_equal(read_bytes(f, text, sizeof text, &got, &err), HYL_DONE);
    assert_int_equal(err.status, HYL_OK);
}

/* TCP: a wait goes on until all is there, or its deadline, which finds what has come. */
static void expected_bytes_are_waited_for_together(void **state)
{
    fixture *f = *state;
    enum { PAUSE_MS = 30 };
    hyl_error err = HYL_ERROR_INIT;
    char text[16];
    size_t got = 0;
    unsigned ready = 0;
    int64_t begin = hyl__now_ms();
    hyl__socket_expect(&f->transport, 10);
    assert_int_equal(send(f->peer, "hell", 4, 0), 4);
    assert_ok(wait_for(f, HYL_WANT_READ, PAUSE_MS, &ready, &err), &err);
    assert_true(hyl__now_ms() - begin >= PAUSE_MS);
    assert_ok(read_bytes(f, text, sizeof text, &got, &err), &err);
    assert_int_equal(got, 4);

    hyl__socket_expect(&f->transport, 6);
    assert_int_equal(send(f->peer, "o you", 5, 0), 5);
    assert_int_equal(send(f->peer, "!", 1, 0), 1);
    assert_ok(wait_for(f, HYL_WANT_READ, -1, &ready, &err), &err);
    assert_ok(read_bytes(f, text, sizeof text, &got, &err), &err);
    assert_int_equal(got, 6);
}

static void expected_bytes_that_do_not_come_are_not_waited_for_for_ever(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    char text[16];
    size_t got = 0;
    unsigned ready = 0;
    hyl__socket_expect(&f->transport, 10);
    assert_status(wait_for(f, HYL_WANT_READ, 20, &ready, &err), HYL_ERR_TIMEOUT, &err);
    hyl__socket_expect(&f->transport, 0);
    assert_int_equal(send(f->peer, "a", 1, 0), 1);
    assert_ok(wait_for(f, HYL_WANT_READ, -1, &ready, &err), &err);
    assert_ok(read_bytes(f, text, sizeof text, &got, &err), &err);
    hyl__socket_expect(&f->transport, SIZE_MAX);
    assert_int_equal(send(f->peer, "b", 1, 0), 1);
    hang_up(f);
    assert_ok(wait_for(f, HYL_WANT_READ, -1, &ready, &err), &err);
    assert_ok(read_bytes(f, text, sizeof text, &got, &err), &err);
    assert_int_equal(read_bytes(f, text, sizeof text, &got, &err), HYL_DONE);
}

static void a_read_without_room_is_an_error_and_no_end(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    char text[1];
    size_t got = 0;
    assert_int_equal(send(f->peer, "x", 1, 0), 1);
    assert_status(read_bytes(f, text, 0, &got, &err), HYL_ERR_ARG, &err);
    assert_ok(read_bytes(f, text, 1, &got, &err), &err);
}

static void pieces_are_gathered_in_order(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    const hyl_iovec three[] = {{"one", 3}, {NULL, 0}, {"two", 3}};
    size_t put = 0;
    assert_ok(f->transport.ops->writev(f->transport.self, three, 3, &put, &err), &err);
    assert_int_equal(put, 6);
    assert_peer_gets(f, "onetwo");

    /* More pieces than one call takes: what was put says how far it came. */
    hyl_iovec many[20];
    for (size_t i = 0; i < 20; i++) {
        many[i].data = &"abcdefghijklmnopqrst"[i];
        many[i].len = 1;
    }
    size_t done = 0;
    while (done < 20) {
        assert_ok(
            f->transport.ops->writev(f->transport.self, many + done, (int)(20 - done), &put, &err),
            &err);
        assert_in_range(put, 1, 20 - done);
        done += put;
    }
    assert_peer_gets(f, "abcdefghijklmnopqrst");
}

static void a_full_peer_gives_again_until_it_reads(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    static char block[65536];
    size_t put = 0;
    size_t total = 0;
    unsigned ready = 0;
    hyl_status status = HYL_OK;
    while ((status = write_bytes(f, block, sizeof block, &put, &err)) == HYL_OK) {
        total += put;
    }
    assert_status(status, HYL_AGAIN, &err);
    assert_status(wait_for(f, HYL_WANT_WRITE, 20, &ready, &err), HYL_ERR_TIMEOUT, &err);
    assert_non_null(strstr(err.message, "takes no more data"));
    while (total > 0) {
        ssize_t got = recv(f->peer, block, sizeof block, 0);
        assert_true(got > 0);
        total -= (size_t)got;
    }
    assert_ok(wait_for(f, HYL_WANT_WRITE, -1, &ready, &err), &err);
    assert_int_equal(ready, HYL_WANT_WRITE);
    assert_ok(write_bytes(f, block, 1, &put, &err), &err);
}

static void a_silent_peer_runs_into_the_deadline(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    unsigned ready = 0;
    int64_t start = hyl__now_ms();
    assert_status(wait_for(f, HYL_WANT_READ, 50, &ready, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(hyl__now_ms() - start >= 50);
    assert_non_null(strstr(err.message, "did not answer in time"));
    /* A timeout costs nothing: the stream goes on. */
    assert_int_equal(send(f->peer, "x", 1, 0), 1);
    assert_ok(wait_for(f, HYL_WANT_READ, 0, &ready, &err), &err);
    assert_int_equal(ready, HYL_WANT_READ);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signal_number)
{
    (void)signal_number;
    alarms = alarms + 1;
}

static void signals_do_not_end_a_wait(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    unsigned ready = 0;
    struct sigaction action;
    struct sigaction before;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_alarm;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    const struct itimerval every_5_ms = {{0, 5000}, {0, 5000}};
    const struct itimerval off = {{0, 0}, {0, 0}};
    alarms = 0;
    int64_t start = hyl__now_ms();
    assert_int_equal(setitimer(ITIMER_REAL, &every_5_ms, NULL), 0);
    hyl_status status = wait_for(f, HYL_WANT_READ, 60, &ready, &err);
    int64_t took = hyl__now_ms() - start;
    assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_status(status, HYL_ERR_TIMEOUT, &err);
    assert_true(took >= 60);
    assert_true(alarms > 0);
}

static void writing_to_a_closed_peer_is_closed_and_no_signal(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    size_t put = 0;
    unsigned ready = 0;
    /* With the default action a SIGPIPE would end this program. */
    struct sigaction now;
    assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
    assert_ptr_equal(now.sa_handler, SIG_DFL);
    hang_up(f);
    assert_ok(wait_for(f, HYL_WANT_WRITE, -1, &ready, &err), &err);
    assert_int_equal(ready, HYL_WANT_READ | HYL_WANT_WRITE);
    assert_status(write_bytes(f, "x", 1, &put, &err), HYL_ERR_CLOSED, &err);
    assert_int_equal(err.flags, HYL_ERROR_CONNECTION_LOST);
    assert_true(err.sys_errno != 0);
}

static void a_reset_is_closed_and_names_the_peer(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    char text[16];
    size_t got = 0;
    unsigned ready = 0;
    test_close_with_reset(f->peer);
    f->peer = -1;
    assert_ok(wait_for(f, HYL_WANT_READ, -1, &ready, &err), &err);
    assert_int_equal(ready, HYL_WANT_READ);
    assert_status(read_bytes(f, text, sizeof text, &got, &err), HYL_ERR_CLOSED, &err);
    assert_memory_equal(err.message, "reading from 127.0.0.1:", 23);
    assert_non_null(strstr(err.message, " failed: Connection reset by peer"));
    assert_int_equal(err.flags, HYL_ERROR_CONNECTION_LOST);
}

static void the_descriptor_is_set_up_and_nothing_is_pending(void **state)
{
    fixture *f = *state;
    int fd = f->transport.ops->fd(f->transport.self);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_false(f->transport.ops->pending(f->transport.self));
    hyl_transport_close(&f->transport);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_null(f->transport.ops);
}

static void *no_realloc(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
    return NULL;
}

static void no_free(void *ctx, void *ptr)
{
    (void)ctx;
    (void)ptr;
}

static void what_is_no_stream_socket_stays_the_callers(void **state)
{
    (void)state;
    const hyl_allocator none = {no_realloc, no_free, NULL};
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_status(hyl_transport_from_fd(ends[0], &transport, &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, " is no socket"));
    assert_status(hyl_transport_from_fd(-1, &transport, &err), HYL_ERR_IO, &err);
    int datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_status(hyl_transport_from_fd(datagram, &transport, &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, " is no stream socket"));
    int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    hyl_set_allocator(&none);
    hyl_status status = hyl_transport_from_fd(stream, &transport, &err);
    hyl_set_allocator(NULL);
    assert_status(status, HYL_ERR_NOMEM, &err);
    assert_null(transport.ops);
    const int all[] = {ends[0], ends[1], datagram, stream};
    for (size_t i = 0; i < 4; i++) {
        assert_true(fcntl(all[i], F_GETFD) >= 0);
        close(all[i]);
    }
}

int main(void)
{
#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, make_pair, close_pair)
#define TCP_TEST(name)  cmocka_unit_test_setup_teardown(name, make_tcp, close_pair)
    const struct CMUnitTest tests[] = {
        PAIR_TEST(bytes_go_both_ways_and_the_end_is_done),
        TCP_TEST(bytes_go_both_ways_and_the_end_is_done),
        TCP_TEST(expected_bytes_are_waited_for_together),
        PAIR_TEST(expected_bytes_that_do_not_come_are_not_waited_for_for_ever),
        TCP_TEST(expected_bytes_that_do_not_come_are_not_waited_for_for_ever),
        PAIR_TEST(a_read_without_room_is_an_error_and_no_end),
        TCP_TEST(a_read_without_room_is_an_error_and_no_end),
        PAIR_TEST(pieces_are_gathered_in_order),
        TCP_TEST(pieces_are_gathered_in_order),
        PAIR_TEST(a_full_peer_gives_again_until_it_reads),
        TCP_TEST(a_full_peer_gives_again_until_it_reads),
        PAIR_TEST(a_silent_peer_runs_into_the_deadline),
        PAIR_TEST(signals_do_not_end_a_wait),
        PAIR_TEST(writing_to_a_closed_peer_is_closed_and_no_signal),
        TCP_TEST(a_reset_is_closed_and_names_the_peer),
        PAIR_TEST(the_descriptor_is_set_up_and_nothing_is_pending),
        cmocka_unit_test(what_is_no_stream_socket_stays_the_callers),
    };
    return cmocka_run_group_tests_name("net/socket", tests, NULL, NULL);
}
