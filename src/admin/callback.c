/* accept4 and struct ucred are extensions. */
#define _GNU_SOURCE

#include "callback.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    /* hyperd sends its frame with the connection; who is silent for so long is someone else. */
    FRAME_TIMEOUT_MS = 5000,
    FRAME_MAX = 255,
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* ---- Listening ------------------------------------------------------------------------------- */

static bool listen_unix(hyl__callback *callback, const char *folder)
{
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    int len = snprintf(callback->path, sizeof callback->path, "%s/callback", folder);
    if (len < 0 || (size_t)len >= sizeof callback->path) {
        callback->path[0] = '\0';
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address.sun_path, callback->path, (size_t)len + 1);
    snprintf(callback->url, sizeof callback->url, "tab.domain://%s/domain/callback", folder);
    callback->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return callback->listener >= 0 &&
           bind(callback->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(callback->listener, 4) == 0;
}

static bool listen_tcp(hyl__callback *callback)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    callback->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (callback->listener < 0 ||
        bind(callback->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(callback->listener, 4) != 0 ||
        getsockname(callback->listener, (struct sockaddr *)&address, &len) != 0) {
        return false;
    }
    snprintf(callback->url, sizeof callback->url, "tab.tcp://127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
    return true;
}

hyl_status hyl__callback_listen(hyl__callback *callback, const char *folder, hyl_error *err)
{
    bool listening = folder != NULL ? listen_unix(callback, folder) : listen_tcp(callback);
    if (!listening) {
        int sys_errno = errno;
        hyl__callback_close(callback);
        return hyl__fail_errno(err, sys_errno == ENAMETOOLONG ? HYL_ERR_ARG : HYL_ERR_IO, sys_errno,
                               "cannot listen for the server's callback%s%s",
                               folder != NULL ? " in " : "", folder != NULL ? folder : "");
    }
    return HYL_OK;
}

/* ---- Accepting ------------------------------------------------------------------------------- */

/* OK when `fd` is readable; CLOSED when the server has ended first; TIMEOUT; IO. No message. */
static hyl_status wait_readable(int fd, int exit_fd, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd both[] = {{.fd = fd, .events = POLLIN}, {.fd = exit_fd, .events = POLLIN}};
        int count = poll(both, 2, hyl__deadline_left(deadline_ms));
        if (count > 0) {
            /* What the server sent before its end is still read. */
            return both[0].revents != 0 ? HYL_OK : HYL_ERR_CLOSED;
        }
        if (count < 0 && errno != EINTR) {
            return HYL_ERR_IO;
        }
        if (hyl__deadline_left(deadline_ms) == 0) {
            return HYL_ERR_TIMEOUT;
        }
    }
}

/* Whether the other side of a unix socket is a process of this user. */
static bool is_same_user(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid();
}

/* A whole frame: its length, and text that ends with the only NUL. */
static bool is_whole(const uint8_t *frame, size_t len)
{
    return len >= 3 && len == (size_t)frame[0] + 1 &&
           memchr(frame + 1, '\0', len - 1) == frame + len - 1;
}

/* Reads a frame: OK with its text, PROTOCOL where the other side sends something else, and the
 * results of wait_readable. */
static hyl_status read_frame(int fd, int exit_fd, int64_t deadline_ms, char text[FRAME_MAX])
{
    uint8_t frame[1 + FRAME_MAX] = {0};
    size_t len = 0;
    while (len == 0 || len < (size_t)frame[0] + 1) {
        hyl_status status = wait_readable(fd, exit_fd, deadline_ms);
        if (status != HYL_OK) {
            return status;
        }
        size_t wanted = len == 0 ? 1 : (size_t)frame[0] + 1 - len;
        ssize_t got = recv(fd, frame + len, wanted, 0);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
            return HYL_ERR_PROTOCOL;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    if (!is_whole(frame, len)) {
        return HYL_ERR_PROTOCOL;
    }
    memcpy(text, frame + 1, len - 1);
    return HYL_OK;
}

/* The next connection: OK with a frame's text; AGAIN where it was not the server's. */
static hyl_status try_connection(hyl__callback *callback, int exit_fd, int64_t deadline_ms,
                                 char text[FRAME_MAX])
{
    hyl_status status = wait_readable(callback->listener, exit_fd, deadline_ms);
    if (status != HYL_OK) {
        return status;
    }
    int fd = accept4(callback->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        /* It went away again. */
        return HYL_AGAIN;
    }
    int64_t soon = hyl__deadline_in(FRAME_TIMEOUT_MS);
    bool welcome = callback->path[0] == '\0' || is_same_user(fd);
    status = welcome ? read_frame(fd, exit_fd, soon < deadline_ms ? soon : deadline_ms, text)
                     : HYL_ERR_PROTOCOL;
    if (status == HYL_OK) {
        callback->fd = fd;
        return HYL_OK;
    }
    (void)close(fd);
    bool try_the_next = status == HYL_ERR_PROTOCOL || status == HYL_ERR_TIMEOUT;
    return try_the_next ? HYL_AGAIN : status;
}

static void stop_listening(hyl__callback *callback)
{
    close_fd(&callback->listener);
    if (callback->path[0] != '\0') {
        (void)unlink(callback->path);
        callback->path[0] = '\0';
    }
}

static hyl_status fail_accept(hyl_status status, hyl_error *err)
{
    switch (status) {
    case HYL_ERR_TIMEOUT:
        return hyl__fail(err, status, "deadline passed: the server did not report that it listens");
    case HYL_ERR_CLOSED:
        return hyl__fail(err, status, "the server ended before it listened");
    default:
        return hyl__fail_errno(err, status, errno, "cannot wait for the server's callback");
    }
}

hyl_status hyl__callback_accept(hyl__callback *callback, int exit_fd, int64_t deadline_ms,
                                hyl_endpoint *out, hyl_error *err)
{
    char text[FRAME_MAX];
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN) {
        status = try_connection(callback, exit_fd, deadline_ms, text);
    }
    if (status != HYL_OK) {
        return fail_accept(status, err);
    }
    stop_listening(callback);
    hyl_error reason = HYL_ERROR_INIT;
    if (hyl_endpoint_parse(text, out, &reason) != HYL_OK) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "the server reports an endpoint that cannot be read: %s", reason.message);
    }
    return HYL_OK;
}

/* ---- The end --------------------------------------------------------------------------------- */

void hyl__callback_close(hyl__callback *callback)
{
    stop_listening(callback);
    close_fd(&callback->fd);
}

void hyl__callback_forget(hyl__callback *callback)
{
    close_fd(&callback->listener);
    close_fd(&callback->fd);
}
