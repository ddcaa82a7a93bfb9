/* Connecting by TCP: every address of the host in turn, under one deadline. */
#include "socket.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    /* A peer that vanished is noticed after two minutes of silence. */
    KEEPALIVE_IDLE_S = 60,
    KEEPALIVE_INTERVAL_S = 15,
    KEEPALIVE_PROBES = 4,
};

/* What went wrong with each address so far. */
typedef struct attempts {
    char text[400]; /* "ADDRESS: REASON; ADDRESS: REASON" */
    bool timed_out;
    int last_errno;
} attempts;

static hyl_status fail_resolve(const char *host, int code, int sys_errno, hyl_error *err)
{
    if (code == EAI_SYSTEM) {
        return hyl__fail_errno(err, HYL_ERR_IO, sys_errno, "cannot resolve the host %s", host);
    }
    if (code == EAI_MEMORY) {
        return hyl__fail_nomem(err);
    }
    hyl_status status =
        hyl__fail(err, HYL_ERR_IO, "cannot resolve the host %s: %s", host, gai_strerror(code));
    return hyl__error_flag(err, status, code == EAI_AGAIN ? HYL_ERROR_RETRYABLE : 0);
}

static hyl_status resolve(const hyl_endpoint *endpoint, struct addrinfo **out, hyl_error *err)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICSERV,
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_protocol = IPPROTO_TCP,
    };
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)endpoint->port);
    int code = getaddrinfo(endpoint->host, port, &hints, out);
    return code == 0 ? HYL_OK : fail_resolve(endpoint->host, code, errno, err);
}

/* Whether a connection ends in itself: connecting to a port of the ephemeral range on which nobody
 * listens may pick that very port for its own side. */
static bool connected_to_itself(int fd)
{
    struct sockaddr_storage own;
    struct sockaddr_storage peer;
    memset(&own, 0, sizeof own);
    memset(&peer, 0, sizeof peer);
    socklen_t own_len = sizeof own;
    socklen_t peer_len = sizeof peer;
    return getsockname(fd, (struct sockaddr *)&own, &own_len) == 0 &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0 && own_len == peer_len &&
           memcmp(&own, &peer, own_len) == 0;
}

/* Waits for a connection under way. Returns 0 or an errno, ETIMEDOUT at the deadline. */
static int await_connected(int fd, int64_t deadline_ms)
{
    short revents = 0;
    hyl_status status = hyl__poll_fd(fd, POLLOUT, deadline_ms, &revents);
    if (status != HYL_OK) {
        return status == HYL_ERR_TIMEOUT ? ETIMEDOUT : errno;
    }
    int failure = 0;
    socklen_t len = sizeof failure;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) == 0 ? failure : errno;
}

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static int set_options(int fd)
{
    if (set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) != 0 ||
        set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) != 0 ||
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) != 0 ||
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) != 0 ||
        set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES) != 0) {
        return errno;
    }
    return 0;
}

/* Returns 0 with *out, or an errno. */
static int connect_address(const struct addrinfo *address, int64_t deadline_ms, int *out)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    address->ai_protocol);
    if (fd < 0) {
        return errno;
    }
    int failure = set_options(fd);
    if (failure == 0 && connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        /* After EINTR too the connection goes on by itself. */
        bool under_way = errno == EINPROGRESS || errno == EINTR;
        failure = under_way ? await_connected(fd, deadline_ms) : errno;
    }
    if (failure == 0 && connected_to_itself(fd)) {
        failure = ECONNREFUSED;
    }
    if (failure != 0) {
        hyl__close_fd(fd);
        return failure;
    }
    *out = fd;
    return 0;
}

static void note_attempt(attempts *tried, const struct addrinfo *address, bool name_it, int failure)
{
    char host[64] = "";
    char reason[100];
    if (name_it && getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof host, NULL, 0,
                               NI_NUMERICHOST) != 0) {
        snprintf(host, sizeof host, "?");
    }
    if (failure == ETIMEDOUT) {
        snprintf(reason, sizeof reason, "no answer before the deadline");
    } else if (strerror_r(failure, reason, sizeof reason) != 0) {
        snprintf(reason, sizeof reason, "error %d", failure);
    }
    size_t used = strlen(tried->text);
    snprintf(tried->text + used, sizeof tried->text - used, "%s%s%s%s", used > 0 ? "; " : "", host,
             name_it ? ": " : "", reason);
    tried->timed_out = tried->timed_out || failure == ETIMEDOUT;
    tried->last_errno = failure;
}

static hyl_status fail_attempts(const hyl_endpoint *endpoint, const attempts *tried, hyl_error *err)
{
    char name[HYL__ENDPOINT_TEXT_MAX];
    hyl__endpoint_text(endpoint, name);
    hyl_status status = hyl__fail(err, tried->timed_out ? HYL_ERR_TIMEOUT : HYL_ERR_IO,
                                  "cannot connect to %s: %s", name, tried->text);
    if (err != NULL) {
        err->sys_errno = tried->last_errno;
    }
    return hyl__error_flag(err, status, tried->timed_out ? HYL_ERROR_RETRYABLE : 0);
}

static int count_addresses(const struct addrinfo *first)
{
    int count = 0;
    for (; first != NULL; first = first->ai_next) {
        count++;
    }
    return count;
}

/* An equal share of what is left, so that one address that swallows everything does not use up the
 * time of the others. */
static int64_t share_of_deadline(int64_t deadline_ms, int addresses_left)
{
    int left = hyl__deadline_left(deadline_ms);
    return left < 0 ? HYL__NO_DEADLINE : hyl__now_ms() + left / addresses_left;
}

hyl_status hyl__tcp_connect(const hyl_endpoint *endpoint, int64_t deadline_ms, int *out,
                            hyl_error *err)
{
    struct addrinfo *addresses = NULL;
    HYL_TRY(resolve(endpoint, &addresses, err));
    attempts tried = {.text = ""};
    int count = count_addresses(addresses);
    int left = count;
    int failure = ETIMEDOUT;
    for (const struct addrinfo *now = addresses; now != NULL && failure != 0; now = now->ai_next) {
        failure = connect_address(now, share_of_deadline(deadline_ms, left), out);
        if (failure != 0) {
            note_attempt(&tried, now, count > 1, failure);
        }
        left--;
    }
    freeaddrinfo(addresses);
    return failure == 0 ? HYL_OK : fail_attempts(endpoint, &tried, err);
}
