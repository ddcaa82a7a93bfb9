#include "support/sockets.h"

#include "support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHECK(condition)                                            \
    do {                                                            \
        if (!(condition)) {                                         \
            fail_msg("%s failed: %s", #condition, strerror(errno)); \
        }                                                           \
    } while (0)

typedef union loopback {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
} loopback;

static socklen_t loopback_address(int family, uint16_t port, loopback *address)
{
    memset(address, 0, sizeof *address);
    if (family == AF_INET) {
        address->in4.sin_family = AF_INET;
        address->in4.sin_port = htons(port);
        address->in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof address->in4;
    }
    address->in6.sin6_family = AF_INET6;
    address->in6.sin6_port = htons(port);
    address->in6.sin6_addr = in6addr_loopback;
    return sizeof address->in6;
}

bool test_has_ipv6(void)
{
    loopback address;
    socklen_t len = loopback_address(AF_INET6, 0, &address);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, &address.any, len) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return has;
}

int test_tcp_listener(int family, int backlog, uint16_t *port)
{
    loopback address;
    socklen_t len = loopback_address(family, 0, &address);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(bind(fd, &address.any, len) == 0);
    CHECK(backlog < 0 || listen(fd, backlog) == 0);
    CHECK(getsockname(fd, &address.any, &len) == 0);
    *port = ntohs(family == AF_INET ? address.in4.sin_port : address.in6.sin6_port);
    return fd;
}

int test_unix_listener(const char *path, int backlog)
{
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(fd, backlog) == 0);
    return fd;
}

int test_accept(int listener)
{
    int fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    return fd;
}

int test_tcp_try(uint16_t port)
{
    loopback address;
    socklen_t len = loopback_address(AF_INET, port, &address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, &address.any, len) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int test_tcp_client(uint16_t port)
{
    int fd = test_tcp_try(port);
    CHECK(fd >= 0);
    return fd;
}

void test_close_with_reset(int fd)
{
    const struct linger at_once = {1, 0};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    close(fd);
}
