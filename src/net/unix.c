/* Connecting to a unix socket. */
#include "socket.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static hyl_status make_address(const hyl_endpoint *endpoint, struct sockaddr_un *address,
                               hyl_error *err)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t len = strnlen(endpoint->path, sizeof endpoint->path);
    if (len == 0 || len >= sizeof address->sun_path) {
        return hyl__fail(err, HYL_ERR_ARG, "a socket's path has 1 to %zu bytes",
                         sizeof address->sun_path - 1);
    }
    memcpy(address->sun_path, endpoint->path, len);
    return HYL_OK;
}

/* Bounds how long connect waits for room in the listener's queue; 0 s means for ever. */
static int set_connect_timeout(int fd, int64_t deadline_ms)
{
    struct timeval timeout = {0, 0};
    int left = hyl__deadline_left(deadline_ms);
    if (left >= 0) {
        timeout.tv_sec = left / 1000;
        timeout.tv_usec = left > 0 ? (left % 1000) * 1000 : 1;
    }
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

/*
 * A non-blocking connect to a unix socket with a full queue fails with EAGAIN, and nothing tells
 * when there is room. A blocking one waits for it, as long as SO_SNDTIMEO says (see unix(7),
 * socket(7)). Returns 0 or an errno.
 */
static int connect_blocking(int fd, const struct sockaddr_un *address, int64_t deadline_ms)
{
    do {
        if (set_connect_timeout(fd, deadline_ms) != 0) {
            return errno;
        }
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) {
            return set_connect_timeout(fd, HYL__NO_DEADLINE) == 0 ? 0 : errno;
        }
    } while (errno == EINTR);
    return errno;
}

static hyl_status fail_connect(const hyl_endpoint *endpoint, int sys_errno, hyl_error *err)
{
    if (sys_errno == EAGAIN) {
        hyl_status status =
            hyl__fail(err, HYL_ERR_TIMEOUT, "cannot connect to %s: no answer before the deadline",
                      endpoint->path);
        return hyl__error_flag(err, status, HYL_ERROR_RETRYABLE);
    }
    return hyl__fail_errno(err, HYL_ERR_IO, sys_errno, "cannot connect to %s", endpoint->path);
}

hyl_status hyl__unix_connect(const hyl_endpoint *endpoint, int64_t deadline_ms, int *out,
                             hyl_error *err)
{
    struct sockaddr_un address;
    HYL_TRY(make_address(endpoint, &address, err));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return hyl__fail_errno(err, HYL_ERR_IO, errno, "cannot make a unix socket");
    }
    int failure = connect_blocking(fd, &address, deadline_ms);
    if (failure == 0) {
        int flags = fcntl(fd, F_GETFL);
        failure = flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 ? 0 : errno;
    }
    if (failure != 0) {
        hyl__close_fd(fd);
        return fail_connect(endpoint, failure, err);
    }
    *out = fd;
    return HYL_OK;
}
