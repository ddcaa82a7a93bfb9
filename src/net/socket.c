#include "socket.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* More pieces than this are sent by several calls. */
enum { MAX_PIECES = 16 };

/*
 * A wait for bytes that are sure to come ends when so many are there. More would save no more
 * wakes: hyperd writes 64 kB at a time, and 250 kB for a batch.
 */
enum { MAX_EXPECTED = 196608 };

typedef struct socket_stream {
    int fd;
    int low_water;                     /* SO_RCVLOWAT: with fewer bytes it is not readable */
    char name[HYL__ENDPOINT_TEXT_MAX]; /* of the other side, for messages */
} socket_stream;

void hyl__close_fd(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        /* EINTR too leaves the descriptor closed on Linux. */
        (void)close(fd);
        errno = saved;
    }
}

hyl_status hyl__poll_fd(int fd, short events, int64_t deadline_ms, short *revents)
{
    for (;;) {
        struct pollfd one = {.fd = fd, .events = events};
        int left = hyl__deadline_left(deadline_ms);
        int count = poll(&one, 1, left);
        if (count > 0) {
            *revents = one.revents;
            return HYL_OK;
        }
        if (count < 0 && errno != EINTR) {
            return HYL_ERR_IO;
        }
        if (count == 0 && hyl__deadline_left(deadline_ms) == 0) {
            return HYL_ERR_TIMEOUT;
        }
    }
}

/* ---- The transport's functions -------------------------------------------------------------- */

static hyl_status fail_stream(const socket_stream *stream, const char *what, int sys_errno,
                              hyl_error *err)
{
    bool gone = sys_errno == ECONNRESET || sys_errno == EPIPE;
    hyl_status status = hyl__fail_errno(err, gone ? HYL_ERR_CLOSED : HYL_ERR_IO, sys_errno,
                                        "%s %s failed", what, stream->name);
    return hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
}

static bool would_block(int sys_errno)
{
    return sys_errno == EAGAIN || sys_errno == EWOULDBLOCK;
}

static hyl_status socket_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *err)
{
    const socket_stream *stream = self;
    ssize_t count = 0;
    do {
        count = recv(stream->fd, dst, cap, 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        *got = (size_t)count;
        return HYL_OK;
    }
    if (count == 0) {
        return cap > 0 ? HYL_DONE : hyl__fail(err, HYL_ERR_ARG, "no room to read into");
    }
    return would_block(errno) ? HYL_AGAIN : fail_stream(stream, "reading from", errno, err);
}

static hyl_status socket_writev(void *self, const hyl_iovec *iov, int count, size_t *put,
                                hyl_error *err)
{
    const socket_stream *stream = self;
    struct iovec pieces[MAX_PIECES];
    size_t used = 0;
    for (int i = 0; i < count && used < MAX_PIECES; i++) {
        if (iov[i].len > 0) {
            /* sendmsg reads only, but struct iovec serves readv too. */
            pieces[used].iov_base = (void *)(uintptr_t)iov[i].data;
            pieces[used].iov_len = iov[i].len;
            used++;
        }
    }
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = used};
    ssize_t sent = 0;
    do {
        sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return would_block(errno) ? HYL_AGAIN : fail_stream(stream, "writing to", errno, err);
    }
    *put = (size_t)sent;
    return HYL_OK;
}

static hyl_status fail_wait(const socket_stream *stream, hyl_status status, unsigned wants,
                            hyl_error *err)
{
    if (status != HYL_ERR_TIMEOUT) {
        return fail_stream(stream, "waiting for", errno, err);
    }
    return hyl__fail(err, status, "deadline passed: %s %s", stream->name,
                     (wants & HYL_WANT_READ) != 0 ? "did not answer in time"
                                                  : "takes no more data");
}

static void set_low_water(socket_stream *stream, int bytes)
{
    if (bytes != stream->low_water &&
        setsockopt(stream->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0) {
        stream->low_water = bytes;
    }
}

/* At the deadline fewer bytes than were expected are something too. */
static hyl_status wait_for_events(socket_stream *stream, short events, int64_t deadline_ms,
                                  short *revents)
{
    hyl_status status = hyl__poll_fd(stream->fd, events, deadline_ms, revents);
    if (status == HYL_ERR_TIMEOUT && stream->low_water > 1) {
        set_low_water(stream, 1);
        status = hyl__poll_fd(stream->fd, events, deadline_ms, revents);
    }
    return status;
}

static hyl_status socket_wait(void *self, unsigned wants, int64_t deadline_ms, unsigned *ready,
                              hyl_error *err)
{
    socket_stream *stream = self;
    short events = 0;
    short revents = 0;
    events |= (wants & HYL_WANT_READ) != 0 ? POLLIN : 0;
    events |= (wants & HYL_WANT_WRITE) != 0 ? POLLOUT : 0;
    hyl_status status = wait_for_events(stream, events, deadline_ms, &revents);
    if (status != HYL_OK) {
        return fail_wait(stream, status, wants, err);
    }
    if ((revents & POLLNVAL) != 0) {
        return fail_stream(stream, "waiting for", EBADF, err);
    }
    unsigned possible = 0;
    possible |= (revents & POLLIN) != 0 ? HYL_WANT_READ : 0;
    possible |= (revents & POLLOUT) != 0 ? HYL_WANT_WRITE : 0;
    if ((revents & (POLLHUP | POLLERR)) != 0) {
        /* The end or the error is to be read, and a write finds it too. */
        possible |= HYL_WANT_READ | (wants & HYL_WANT_WRITE);
    }
    *ready = possible;
    return HYL_OK;
}

static bool socket_pending(void *self)
{
    (void)self;
    return false;
}

static int socket_fd(void *self)
{
    const socket_stream *stream = self;
    return stream->fd;
}

static void socket_close(void *self)
{
    socket_stream *stream = self;
    hyl__close_fd(stream->fd);
    hyl__free(stream);
}

static const hyl_transport_ops socket_ops = {
    .read = socket_read,
    .writev = socket_writev,
    .wait = socket_wait,
    .pending = socket_pending,
    .fd = socket_fd,
    .close = socket_close,
};

hyl_status hyl__socket_transport(int fd, const char *name, hyl_transport *out, hyl_error *err)
{
    socket_stream *stream = hyl__calloc(1, sizeof *stream);
    if (stream == NULL) {
        return hyl__fail_nomem(err);
    }
    stream->fd = fd;
    stream->low_water = 1;
    hyl__copy_text(stream->name, sizeof stream->name, name, strlen(name));
    out->ops = &socket_ops;
    out->self = stream;
    return HYL_OK;
}

void hyl__socket_expect(const hyl_transport *transport, size_t bytes)
{
    if (transport->ops == &socket_ops) {
        set_low_water(transport->self,
                      bytes < MAX_EXPECTED ? (int)bytes + (bytes == 0) : MAX_EXPECTED);
    }
}
