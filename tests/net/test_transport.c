#include "support/test.h"

#include "support/sockets.h"

#include <hyperline/transport.h>

#include "base/clock.h"

#include <sys/socket.h>
#include <unistd.h>

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

static void it_connects_by_ipv4(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    uint16_t port = 0;
    int listener = test_tcp_listener(AF_INET, 4, &port);
    assert_ok(open_tcp("127.0.0.1", port, 10000, &transport, &err), &err);
    assert_connected(&transport, listener);
    hyl_transport_close(&transport);
    close(listener);
}

static void it_connects_by_ipv6(void **state)
{
    (void)state;
    if (!test_has_ipv6()) {
        skip();
    }
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    uint16_t port = 0;
    int listener = test_tcp_listener(AF_INET6, 4, &port);
    assert_ok(open_tcp("::1", port, 10000, &transport, &err), &err);
    assert_connected(&transport, listener);
    hyl_transport_close(&transport);
    close(listener);
}

static void it_connects_by_name_and_without_a_deadline(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_transport transport = {NULL, NULL};
    uint16_t port = 0;
    int listener = test_tcp_listener(AF_INET, 4, &port);
    assert_ok(open_tcp("localhost", port, -1, &transport, &err), &err);
    assert_connected(&transport, listener);
    hyl_transport_close(&transport);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_connects_by_ipv4),
        cmocka_unit_test(it_connects_by_ipv6),
        cmocka_unit_test(it_connects_by_name_and_without_a_deadline),
    };
    return cmocka_run_group_tests_name("net/transport", tests, NULL, NULL);
}
