#include "support/test.h"

#include "admin/callback.h"
#include "base/clock.h"
#include "support/hyperd.h"
#include "support/sockets.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char frame[] = "\x1atab.tcp://127.0.0.1:40439";

static hyl__callback callback;
/* Stands for the pidfd: readable once the other end is closed. */
static int life[2];

static int open_life(void **state)
{
    (void)state;
    const hyl__callback none = HYL__CALLBACK_NONE;
    callback = none;
    return pipe(life);
}

static int close_life(void **state)
{
    (void)state;
    hyl__callback_close(&callback);
    close(life[0]);
    if (life[1] >= 0) {
        close(life[1]);
    }
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

static void end_server(void)
{
    close(life[1]);
    life[1] = -1;
}

static int connect_back(void)
{
    assert_memory_equal(callback.url, "tab.tcp://127.0.0.1:", 20);
    return test_tcp_client((uint16_t)atoi(callback.url + 20));
}

static void send_bytes(int fd, const char *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static hyl_status accept_within(int64_t timeout_ms, hyl_endpoint *out, hyl_error *err)
{
    return hyl__callback_accept(&callback, life[0], hyl__deadline_in(timeout_ms), out, err);
}

static void listen_tcp(void)
{
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(hyl__callback_listen(&callback, NULL, &err), &err);
}

static void the_frame_gives_the_endpoint(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    listen_tcp();
    int fd = connect_back();
    send_bytes(fd, frame, sizeof frame);
    assert_ok(accept_within(10000, &endpoint, &err), &err);
    assert_int_equal(endpoint.kind, HYL_ENDPOINT_TCP);
    assert_string_equal(endpoint.host, "127.0.0.1");
    assert_int_equal(endpoint.port, 40439);
    assert_true((fcntl(callback.fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(callback.listener, -1);
    close(fd);
}

static void it_works_by_unix_socket(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    hyl_endpoint there;
    hyl_transport client = {NULL, NULL};
    assert_ok(hyl__callback_listen(&callback, test_folder(), &err), &err);
    assert_ok(hyl_endpoint_parse(callback.url, &there, &err), &err);
    assert_string_equal(there.path, test_path("callback"));
    assert_ok(hyl_transport_open(&there, INT64_MAX, &client, &err), &err);
    send_bytes(client.ops->fd(client.self), frame, sizeof frame);
    assert_true((fcntl(callback.listener, F_GETFD) & FD_CLOEXEC) != 0);
    assert_ok(accept_within(10000, &endpoint, &err), &err);
    assert_int_equal(endpoint.port, 40439);
    /* Nothing is left but the connection. */
    assert_int_equal(access(test_path("callback"), F_OK), -1);
    hyl_transport_close(&client);
}

/* One byte at a time: the accepting side runs in between only in that the frame is whole at the end,
 * so the pieces are sent by a second process. */
static void a_frame_in_pieces_is_put_together(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    listen_tcp();
    pid_t sender = fork();
    assert_true(sender >= 0);
    if (sender == 0) {
        int fd = connect_back();
        for (size_t i = 0; i < sizeof frame; i++) {
            send_bytes(fd, frame + i, 1);
        }
        char byte = 0;
        _exit(recv(fd, &byte, 1, 0) == 0 ? 0 : 1);
    }
    assert_ok(accept_within(10000, &endpoint, &err), &err);
    assert_int_equal(endpoint.port, 40439);
    hyl__callback_close(&callback);
    int status = -1;
    assert_int_equal(waitpid(sender, &status, 0), sender);
    assert_int_equal(status, 0);
}

static void others_are_dropped_and_the_next_is_heard(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } wrong[] = {
        {"", 0},         /* nothing, and gone */
        {"\x1atab", 4},  /* cut */
        {"\x00", 1},     /* empty */
        {"\x01\x00", 2}, /* no text */
        {"\x03"
         "abc",
         4}, /* no NUL */
        {"\x04"
         "a\0b\0",
         5}, /* two */
        {"GET / HTTP/1.0\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         80},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        hyl_error err = HYL_ERROR_INIT;
        hyl_endpoint endpoint;
        listen_tcp();
        int stranger = connect_back();
        send_bytes(stranger, wrong[i].bytes, wrong[i].len);
        shutdown(stranger, SHUT_WR);
        int server = connect_back();
        send_bytes(server, frame, sizeof frame);
        assert_ok(accept_within(10000, &endpoint, &err), &err);
        assert_int_equal(endpoint.port, 40439);
        hyl__callback_close(&callback);
        close(stranger);
        close(server);
    }
}

static void an_endpoint_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    listen_tcp();
    int fd = connect_back();
    send_bytes(fd, "\x15tcp.grpc://127.0.0.1", 22);
    assert_status(accept_within(10000, &endpoint, &err), HYL_ERR_PROTOCOL, &err);
    assert_string_equal(err.message, "the server reports an endpoint that cannot be read: the "
                                     "endpoint's scheme is neither tab.tcp:// nor tab.domain://");
    close(fd);
}

static void the_servers_end_is_noticed(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    listen_tcp();
    end_server();
    assert_status(accept_within(-1, &endpoint, &err), HYL_ERR_CLOSED, &err);
}

static void the_end_is_noticed_in_the_middle_of_a_frame(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    listen_tcp();
    int fd = connect_back();
    send_bytes(fd, frame, 5);
    end_server();
    assert_status(accept_within(-1, &endpoint, &err), HYL_ERR_CLOSED, &err);
    close(fd);
}

static void silence_runs_into_the_deadline(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    listen_tcp();
    int64_t start = hyl__now_ms();
    assert_status(accept_within(50, &endpoint, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(hyl__now_ms() - start >= 50);
    /* With a silent stranger, too. */
    int fd = connect_back();
    assert_status(accept_within(50, &endpoint, &err), HYL_ERR_TIMEOUT, &err);
    close(fd);
}

static void a_folder_with_too_long_a_path_is_refused(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    char folder[200];
    memset(folder, 'x', sizeof folder - 1);
    folder[0] = '/';
    folder[sizeof folder - 1] = '\0';
    assert_status(hyl__callback_listen(&callback, folder, &err), HYL_ERR_ARG, &err);
    assert_status(hyl__callback_listen(&callback, "/nowhere/at/all", &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "in /nowhere/at/all"));
    assert_int_equal(callback.listener, -1);
}

int main(void)
{
#define CALLBACK_TEST(name) cmocka_unit_test_setup_teardown(name, open_life, close_life)
    const struct CMUnitTest tests[] = {
        CALLBACK_TEST(the_frame_gives_the_endpoint),
        CALLBACK_TEST(it_works_by_unix_socket),
        CALLBACK_TEST(a_frame_in_pieces_is_put_together),
        CALLBACK_TEST(others_are_dropped_and_the_next_is_heard),
        CALLBACK_TEST(an_endpoint_that_cannot_be_read_is_told),
        CALLBACK_TEST(the_servers_end_is_noticed),
        CALLBACK_TEST(the_end_is_noticed_in_the_middle_of_a_frame),
        CALLBACK_TEST(silence_runs_into_the_deadline),
        CALLBACK_TEST(a_folder_with_too_long_a_path_is_refused),
    };
    return cmocka_run_group_tests_name("admin/callback", tests, NULL, remove_folder);
}
