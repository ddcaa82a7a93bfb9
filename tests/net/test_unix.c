#include "support/test.h"

#include "support/sockets.h"

#include <hyperline/transport.h>

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[] = "/tmp/hyl-unix-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/socket", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int remove_socket(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static hyl_status open_unix(int64_t timeout_ms, hyl_transport *transport, hyl_error *err)
{
    hyl_endpoint endpoint;
    HYL_TRY(hyl_endpoint_parse(path, &endpoint, err));
    return hyl_transport_open(&endpoint, hyl__deadline_in(timeout_ms), transport, err);
}

static void it_connects_and_is_set_up(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    int listener = test_unix_listener(path, 4);
    assert_ok(open_unix(10000, &transport, &err), &err);
    int peer = test_accept(listener);
    int fd = transport.ops->fd(transport.self);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    char byte = 0;
    size_t got = 0;
    unsigned ready = 0;
    assert_int_equal(transport.ops->read(transport.self, &byte, 1, &got, &err), HYL_AGAIN);
    assert_int_equal(send(peer, "x", 1, 0), 1);
    assert_ok(transport.ops->wait(transport.self, HYL_WANT_READ, INT64_MAX, &ready, &err), &err);
    assert_ok(transport.ops->read(transport.self, &byte, 1, &got, &err), &err);
    assert_int_equal(byte, 'x');
    close(peer);
    close(listener);
    hyl_transport_close(&transport);
}

static void it_connects_without_a_deadline(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    int listener = test_unix_listener(path, 4);
    assert_ok(open_unix(-1, &transport, &err), &err);
    hyl_transport_close(&transport);
    close(listener);
}

static void a_socket_that_is_not_there_is_named(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    char expected[128];
    assert_status(open_unix(10000, &transport, &err), HYL_ERR_IO, &err);
    snprintf(expected, sizeof expected, "cannot connect to %s: No such file or directory", path);
    assert_string_equal(err.message, expected);
    assert_int_equal(err.sys_errno, ENOENT);
}

static void a_socket_that_was_left_behind_is_refused(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    char expected[128];
    close(test_unix_listener(path, 4));
    assert_status(open_unix(10000, &transport, &err), HYL_ERR_IO, &err);
    snprintf(expected, sizeof expected, "cannot connect to %s: Connection refused", path);
    assert_string_equal(err.message, expected);
}

static void a_full_queue_runs_into_the_deadline(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport first = {NULL, NULL};
    hyl_transport second = {NULL, NULL};
    char expected[128];
    int listener = test_unix_listener(path, 0);
    assert_ok(open_unix(10000, &first, &err), &err);
    int64_t start = hyl__now_ms();
    assert_status(open_unix(60, &second, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(hyl__now_ms() - start >= 60);
    snprintf(expected, sizeof expected, "cannot connect to %s: no answer before the deadline",
             path);
    assert_string_equal(err.message, expected);
    assert_true(hyl_error_retryable(&err));
    /* A deadline that has passed already is one, too. */
    assert_status(open_unix(0, &second, &err), HYL_ERR_TIMEOUT, &err);
    assert_null(second.ops);
    hyl_transport_close(&first);
    close(listener);
}

static void a_path_that_cannot_be_one_is_refused(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    hyl_endpoint endpoint;
    memset(&endpoint, 0, sizeof endpoint);
    endpoint.kind = HYL_ENDPOINT_UNIX;
    assert_status(hyl_transport_open(&endpoint, INT64_MAX, &transport, &err), HYL_ERR_ARG, &err);
    memset(endpoint.path, 'x', sizeof endpoint.path);
    assert_status(hyl_transport_open(&endpoint, INT64_MAX, &transport, &err), HYL_ERR_ARG, &err);
    endpoint.kind = HYL_ENDPOINT_NONE;
    assert_status(hyl_transport_open(&endpoint, INT64_MAX, &transport, &err), HYL_ERR_ARG, &err);
}

int main(void)
{
#define SOCKET_TEST(name) cmocka_unit_test_teardown(name, remove_socket)
    const struct CMUnitTest tests[] = {
        SOCKET_TEST(it_connects_and_is_set_up),
        SOCKET_TEST(it_connects_without_a_deadline),
        SOCKET_TEST(a_socket_that_is_not_there_is_named),
        SOCKET_TEST(a_socket_that_was_left_behind_is_refused),
        SOCKET_TEST(a_full_queue_runs_into_the_deadline),
        SOCKET_TEST(a_path_that_cannot_be_one_is_refused),
    };
    return cmocka_run_group_tests_name("net/unix", tests, make_folder, remove_folder);
}
