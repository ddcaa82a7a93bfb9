/* Listening sockets on this machine for tests. Every function fails the test rather than return an
 * error. */
#ifndef HYL_TESTS_SUPPORT_SOCKETS_H
#define HYL_TESTS_SUPPORT_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

/* True where this machine has the IPv6 loopback address. */
bool test_has_ipv6(void);

/* A TCP socket on a free port of the loopback address, listening unless `backlog` is negative.
 * `family` is AF_INET or AF_INET6. */
int test_tcp_listener(int family, int backlog, uint16_t *port);
/* A unix socket at `path`, listening. */
int test_unix_listener(const char *path, int backlog);
int test_accept(int listener);

/* A blocking TCP connection to a port of 127.0.0.1. */
int test_tcp_client(uint16_t port);
/* The same without failing the test, for threads of a test's own: -1 where nobody listens. */
int test_tcp_try(uint16_t port);

/* Closes a TCP socket so that its peer gets a reset instead of an end. */
void test_close_with_reset(int fd);

#endif
