/* Opening and closing transports of any kind. */
#include <hyperline/transport.h>

#include "base/error.h"
#include "socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void hyl_transport_close(hyl_transport *transport)
{
    if (transport != NULL && transport->ops != NULL) {
        transport->ops->close(transport->self);
        memset(transport, 0, sizeof *transport);
    }
}

static hyl_status connect_endpoint(const hyl_endpoint *endpoint, int64_t deadline_ms, int *fd,
                                   hyl_error *err)
{
    switch (endpoint->kind) {
    case HYL_ENDPOINT_TCP:
        return hyl__tcp_connect(endpoint, deadline_ms, fd, err);
    case HYL_ENDPOINT_UNIX:
        return hyl__unix_connect(endpoint, deadline_ms, fd, err);
    case HYL_ENDPOINT_NONE:
        break;
    }
    return hyl__fail(err, HYL_ERR_ARG, "no endpoint to connect to");
}

hyl_status hyl_transport_open(const hyl_endpoint *endpoint, int64_t deadline_ms, hyl_transport *out,
                              hyl_error *err)
{
    int fd = -1;
    HYL_TRY(connect_endpoint(endpoint, deadline_ms, &fd, err));
    char name[HYL__ENDPOINT_TEXT_MAX];
    hyl__endpoint_text(endpoint, name);
    hyl_status status = hyl__socket_transport(fd, name, out, err);
    if (status != HYL_OK) {
        hyl__close_fd(fd);
    }
    return status;
}

/* ---- A descriptor of the caller's ----------------------------------------------------------- */

typedef union any_address {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct sockaddr_un local;
} any_address;

static void describe_peer(int fd, char text[HYL__ENDPOINT_TEXT_MAX])
{
    any_address peer;
    memset(&peer, 0, sizeof peer);
    socklen_t len = sizeof peer;
    hyl_endpoint endpoint;
    memset(&endpoint, 0, sizeof endpoint);
    if (getpeername(fd, &peer.any, &len) == 0) {
        if (peer.any.sa_family == AF_INET) {
            endpoint.kind = HYL_ENDPOINT_TCP;
            endpoint.port = ntohs(peer.in4.sin_port);
            inet_ntop(AF_INET, &peer.in4.sin_addr, endpoint.host, sizeof endpoint.host);
        } else if (peer.any.sa_family == AF_INET6) {
            endpoint.kind = HYL_ENDPOINT_TCP;
            endpoint.port = ntohs(peer.in6.sin6_port);
            inet_ntop(AF_INET6, &peer.in6.sin6_addr, endpoint.host, sizeof endpoint.host);
        }
    }
    if (endpoint.kind != HYL_ENDPOINT_NONE) {
        hyl__endpoint_text(&endpoint, text);
    } else {
        snprintf(text, HYL__ENDPOINT_TEXT_MAX, "descriptor %d", fd);
    }
}

/* Sets close-on-exec and non-blocking, after a look whether it is what it should be. */
static hyl_status prepare_descriptor(int fd, hyl_error *err)
{
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0) {
        return hyl__fail_errno(err, HYL_ERR_IO, errno, "descriptor %d is no socket", fd);
    }
    if (type != SOCK_STREAM) {
        return hyl__fail(err, HYL_ERR_IO, "descriptor %d is no stream socket", fd);
    }
    int fd_flags = fcntl(fd, F_GETFD);
    int flags = fcntl(fd, F_GETFL);
    if (fd_flags < 0 || flags < 0 || fcntl(fd, F_SETFD, fd_flags | FD_CLOEXEC) != 0 ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return hyl__fail_errno(err, HYL_ERR_IO, errno, "cannot set up descriptor %d", fd);
    }
    return HYL_OK;
}

hyl_status hyl_transport_from_fd(int fd, hyl_transport *out, hyl_error *err)
{
    HYL_TRY(prepare_descriptor(fd, err));
    char name[HYL__ENDPOINT_TEXT_MAX];
    describe_peer(fd, name);
    return hyl__socket_transport(fd, name, out, err);
}
