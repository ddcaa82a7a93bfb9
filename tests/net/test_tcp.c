#include "support/test.h"

#include "support/sockets.h"

#include <hyperline/transport.h>

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- A resolver and a connect of the test's own -----------------------------------------------
 */

/* What the name "several.test" has: these ports of 127.0.0.1, in this order. */
static struct {
    uint16_t ports[4];
    int count;
} several;

/* Makes connect bind the socket to the very address that it connects to. */
static bool connect_to_itself;

static struct addrinfo *make_entry(uint16_t port, struct addrinfo *next)
{
    struct addrinfo *entry = calloc(1, sizeof *entry + sizeof(struct sockaddr_in));
    assert_non_null(entry);
    struct sockaddr_in *address = (struct sockaddr_in *)(void *)(entry + 1);
    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    entry->ai_family = AF_INET;
    entry->ai_socktype = SOCK_STREAM;
    entry->ai_protocol = IPPROTO_TCP;
    entry->ai_addrlen = sizeof *address;
    entry->ai_addr = (struct sockaddr *)address;
    entry->ai_next = next;
    return entry;
}

/* Takes the place of the C library's. What the real one makes of names: test_transport.c. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **out)
{
    (void)hints;
    *out = NULL;
    if (strcmp(host, "127.0.0.1") == 0) {
        *out = make_entry((uint16_t)atoi(port), NULL);
        return 0;
    }
    if (strcmp(host, "several.test") == 0) {
        for (int i = several.count; i > 0; i--) {
            *out = make_entry(several.ports[i - 1], *out);
        }
        return 0;
    }
    return strcmp(host, "later.test") == 0 ? EAI_AGAIN : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *first)
{
    while (first != NULL) {
        struct addrinfo *next = first->ai_next;
        free(first);
        first = next;
    }
}

int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    if (connect_to_itself) {
        assert_int_equal(bind(fd, address, len), 0);
    }
    return (int)syscall(SYS_connect, fd, address, len);
}

/* ---- Help ------------------------------------------------------------------------------------ */

static hyl_endpoint tcp_endpoint(const char *host, uint16_t port)
{
    hyl_endpoint endpoint;
    memset(&endpoint, 0, sizeof endpoint);
    endpoint.kind = HYL_ENDPOINT_TCP;
    endpoint.port = port;
    snprintf(endpoint.host, sizeof endpoint.host, "%s", host);
    return endpoint;
}

static hyl_status open_tcp(const char *host, uint16_t port, int64_t timeout_ms,
                           hyl_transport *transport, hyl_error *err)
{
    hyl_endpoint endpoint = tcp_endpoint(host, port);
    return hyl_transport_open(&endpoint, hyl__deadline_in(timeout_ms), transport, err);
}

static int fd_of(const hyl_transport *transport)
{
    return transport->ops->fd(transport->self);
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* Sends a byte each way. */
static void assert_connected(hyl_transport *transport, int listener)
{
    hyl_error err = HYL_ERROR_INIT;
    int peer = test_accept(listener);
    const hyl_iovec ping = {"p", 1};
    char byte = 0;
    size_t count = 0;
    unsigned ready = 0;
    assert_ok(transport->ops->writev(transport->self, &ping, 1, &count, &err), &err);
    assert_int_equal(recv(peer, &byte, 1, 0), 1);
    assert_int_equal(byte, 'p');
    assert_int_equal(send(peer, "q", 1, 0), 1);
    assert_ok(transport->ops->wait(transport->self, HYL_WANT_READ, INT64_MAX, &ready, &err), &err);
    assert_ok(transport->ops->read(transport->self, &byte, 1, &count, &err), &err);
    assert_int_equal(byte, 'q');
    close(peer);
}

/* A port on which connections are neither accepted nor refused: its queue is full. */
typedef struct black_hole {
    int listener;
    int filler;
    uint16_t port;
} black_hole;

static black_hole open_black_hole(void)
{
    black_hole hole;
    hole.listener = test_tcp_listener(AF_INET, 0, &hole.port);
    hole.filler = test_tcp_client(hole.port);
    return hole;
}

static void close_black_hole(black_hole *hole)
{
    close(hole->filler);
    close(hole->listener);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void the_socket_has_its_options(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    uint16_t port = 0;
    int listener = test_tcp_listener(AF_INET, 4, &port);
    assert_ok(open_tcp("127.0.0.1", port, 10000, &transport, &err), &err);
    int fd = fd_of(&transport);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
    hyl_transport_close(&transport);
    close(listener);
}

static void a_port_where_nobody_listens_is_refused(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    uint16_t port = 0;
    char expected[100];
    int holder = test_tcp_listener(AF_INET, -1, &port);
    assert_status(open_tcp("127.0.0.1", port, 10000, &transport, &err), HYL_ERR_IO, &err);
    snprintf(expected, sizeof expected, "cannot connect to 127.0.0.1:%u: Connection refused",
             (unsigned)port);
    assert_string_equal(err.message, expected);
    assert_int_equal(err.sys_errno, ECONNREFUSED);
    assert_false(hyl_error_retryable(&err));
    assert_null(transport.ops);
    close(holder);
}

static void a_full_queue_runs_into_the_deadline(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    black_hole hole = open_black_hole();
    char expected[100];
    int64_t start = hyl__now_ms();
    assert_status(open_tcp("127.0.0.1", hole.port, 100, &transport, &err), HYL_ERR_TIMEOUT, &err);
    assert_true(hyl__now_ms() - start >= 100);
    snprintf(expected, sizeof expected,
             "cannot connect to 127.0.0.1:%u: no answer before the deadline", (unsigned)hole.port);
    assert_string_equal(err.message, expected);
    assert_true(hyl_error_retryable(&err));
    close_black_hole(&hole);
}

static void addresses_are_tried_in_turn_under_one_deadline(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    black_hole hole = open_black_hole();
    uint16_t refused_port = 0;
    uint16_t good_port = 0;
    int refused = test_tcp_listener(AF_INET, -1, &refused_port);
    int listener = test_tcp_listener(AF_INET, 4, &good_port);
    several.count = 3;
    several.ports[0] = hole.port;
    several.ports[1] = refused_port;
    several.ports[2] = good_port;
    /* The first may use up a third of the time, and no more. */
    int64_t start = hyl__now_ms();
    assert_ok(open_tcp("several.test", 1, 600, &transport, &err), &err);
    int64_t took = hyl__now_ms() - start;
    assert_true(took >= 200);
    assert_true(took < 600);
    assert_connected(&transport, listener);
    hyl_transport_close(&transport);
    close(listener);
    close(refused);
    close_black_hole(&hole);
}

static void when_all_addresses_fail_each_is_named(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    black_hole hole = open_black_hole();
    uint16_t refused_port = 0;
    int refused = test_tcp_listener(AF_INET, -1, &refused_port);
    several.count = 2;
    several.ports[0] = refused_port;
    several.ports[1] = refused_port;
    assert_status(open_tcp("several.test", 7, 10000, &transport, &err), HYL_ERR_IO, &err);
    assert_string_equal(err.message, "cannot connect to several.test:7: 127.0.0.1: Connection "
                                     "refused; 127.0.0.1: Connection refused");
    several.ports[0] = hole.port;
    assert_status(open_tcp("several.test", 7, 100, &transport, &err), HYL_ERR_TIMEOUT, &err);
    assert_string_equal(err.message, "cannot connect to several.test:7: 127.0.0.1: no answer "
                                     "before the deadline; 127.0.0.1: Connection refused");
    assert_true(hyl_error_retryable(&err));
    close(refused);
    close_black_hole(&hole);
}

static void a_name_that_is_not_known_is_named(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    char expected[200];
    assert_status(open_tcp("nowhere.test", 7, 10000, &transport, &err), HYL_ERR_IO, &err);
    snprintf(expected, sizeof expected, "cannot resolve the host nowhere.test: %s",
             gai_strerror(EAI_NONAME));
    assert_string_equal(err.message, expected);
    assert_false(hyl_error_retryable(&err));
    assert_status(open_tcp("later.test", 7, 10000, &transport, &err), HYL_ERR_IO, &err);
    assert_true(hyl_error_retryable(&err));
}

static void a_connection_to_itself_is_refused(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    uint16_t port = 0;
    int holder = test_tcp_listener(AF_INET, -1, &port);
    close(holder);
    connect_to_itself = true;
    hyl_status status = open_tcp("127.0.0.1", port, 10000, &transport, &err);
    connect_to_itself = false;
    assert_status(status, HYL_ERR_IO, &err);
    assert_int_equal(err.sys_errno, ECONNREFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_socket_has_its_options),
        cmocka_unit_test(a_port_where_nobody_listens_is_refused),
        cmocka_unit_test(a_full_queue_runs_into_the_deadline),
        cmocka_unit_test(addresses_are_tried_in_turn_under_one_deadline),
        cmocka_unit_test(when_all_addresses_fail_each_is_named),
        cmocka_unit_test(a_name_that_is_not_known_is_named),
        cmocka_unit_test(a_connection_to_itself_is_refused),
    };
    return cmocka_run_group_tests_name("net/tcp", tests, NULL, NULL);
}
