/* POLLRDHUP is one of Linux. */
#define _GNU_SOURCE

#include "support/fault_proxy.h"

#include "support/sockets.h"
#include "support/test.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 65536, MAX_LINKS = 64, GATHER_MS = 3 };

/* One direction of a connection. */
typedef struct pipe_line {
    int from;
    int to;
    uint8_t bytes[BUFFER];
    size_t pos; /* bytes[pos..len) is still to be passed on */
    size_t len;
    uint64_t taken;  /* received, over the connection's life */
    uint64_t passed; /* and passed on */
    int64_t due_ms;  /* nothing is passed on before */
    bool ended;      /* the sender has said all */
    bool closed;     /* and the receiver knows it, or is told nothing any more */
} pipe_line;

typedef struct proxy_link {
    fault_plan plan;
    bool planned;
    bool stalled;
    int fds[2]; /* the client's, the server's */
    pipe_line lines[FAULT_DIRECTION_COUNT];
} proxy_link;

struct fault_proxy {
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows up to `hit` */
    fault_plan plan;
    bool has_plan;
    uint64_t passed[FAULT_DIRECTION_COUNT];
    bool hit;
    uint16_t port;
    uint16_t server_port;
    int listener;
    int wake[2];
    proxy_link *links[MAX_LINKS]; /* the thread's own */
    size_t link_count;
};

/* ---- One connection -------------------------------------------------------------------------- */

static void set_nonblocking(int fd)
{
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void take_plan(fault_proxy *proxy, proxy_link *link)
{
    pthread_mutex_lock(&proxy->lock);
    if (proxy->has_plan) {
        link->plan = proxy->plan;
        link->planned = true;
        proxy->has_plan = false;
    }
    pthread_mutex_unlock(&proxy->lock);
}

static proxy_link *new_link(fault_proxy *proxy, int client, int server)
{
    proxy_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        abort();
    }
    link->fds[0] = client;
    link->fds[1] = server;
    for (int i = 0; i < 2; i++) {
        set_nonblocking(link->fds[i]);
        link->lines[i].from = link->fds[i];
        link->lines[i].to = link->fds[1 - i];
    }
    take_plan(proxy, link);
    return link;
}

static void note(fault_proxy *proxy, const proxy_link *link, bool hit)
{
    if (!link->planned) {
        return;
    }
    pthread_mutex_lock(&proxy->lock);
    for (int i = 0; i < FAULT_DIRECTION_COUNT; i++) {
        proxy->passed[i] = link->lines[i].passed;
    }
    proxy->hit = proxy->hit || hit;
    pthread_mutex_unlock(&proxy->lock);
}

static void close_link(proxy_link *link, bool reset)
{
    for (int i = 0; i < 2; i++) {
        if (reset) {
            test_close_with_reset(link->fds[i]);
        } else {
            (void)shutdown(link->fds[i], SHUT_RDWR);
            close(link->fds[i]);
        }
        link->fds[i] = -1;
    }
}

/* Does what the plan says for this point. False where the connection is gone. */
static bool strike(fault_proxy *proxy, proxy_link *link)
{
    pipe_line *line = &link->lines[link->plan.direction];
    fault_kind kind = link->plan.kind;
    note(proxy, link, true);
    link->plan.kind = FAULT_NONE;
    if (kind == FAULT_CUT || kind == FAULT_RESET) {
        close_link(link, kind == FAULT_RESET);
        return false;
    }
    if (kind == FAULT_HALF_CLOSE) {
        (void)shutdown(line->to, SHUT_WR);
        line->closed = true;
    } else if (kind == FAULT_STALL) {
        link->stalled = true;
    }
    return true;
}

/* Is the plan's point reached? A flip is done where the byte is received. */
static bool is_due(const proxy_link *link)
{
    return link->plan.kind != FAULT_NONE && link->plan.kind != FAULT_FLIP &&
           link->lines[link->plan.direction].passed == link->plan.at;
}

static void flip(fault_proxy *proxy, proxy_link *link, pipe_line *line, size_t got)
{
    if (link->plan.kind == FAULT_FLIP && line == &link->lines[link->plan.direction] &&
        link->plan.at >= line->taken && link->plan.at - line->taken < got) {
        line->bytes[line->len + (link->plan.at - line->taken)] ^= (uint8_t)(1U << link->plan.bit);
        note(proxy, link, true);
    }
}

/* Receives what is there. */
static void take_in(fault_proxy *proxy, proxy_link *link, pipe_line *line)
{
    ssize_t got = recv(line->from, line->bytes + line->len, BUFFER - line->len, 0);
    if (got > 0) {
        flip(proxy, link, line, (size_t)got);
        line->taken += (uint64_t)got;
        line->len += (size_t)got;
        bool held = link->plan.gather > line->len - line->pos;
        line->due_ms = hyl__now_ms() + (held ? GATHER_MS : link->plan.delay_ms);
    } else if (got == 0 || errno != EAGAIN) {
        line->ended = true;
        line->due_ms = 0;
    }
}

/* How much may be passed on before the plan strikes. */
static size_t allowed(const proxy_link *link, const pipe_line *line)
{
    size_t size = line->len - line->pos;
    bool struck_here = link->plan.kind != FAULT_NONE && link->plan.kind != FAULT_FLIP &&
                       line == &link->lines[link->plan.direction];
    if (struck_here && size > link->plan.at - line->passed) {
        size = (size_t)(link->plan.at - line->passed);
    }
    return link->plan.piece != 0 && size > link->plan.piece ? link->plan.piece : size;
}

static void pass_on(fault_proxy *proxy, proxy_link *link, pipe_line *line)
{
    size_t size = allowed(link, line);
    ssize_t sent = send(line->to, line->bytes + line->pos, size, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN) {
            line->closed = true;
        }
        return;
    }
    line->pos += (size_t)sent;
    line->passed += (uint64_t)sent;
    if (line->pos == line->len) {
        line->pos = 0;
        line->len = 0;
    } else if (link->plan.delay_ms > 0) {
        line->due_ms = hyl__now_ms() + link->plan.delay_ms;
    }
    note(proxy, link, false);
}

static bool is_open(const pipe_line *line)
{
    return !line->closed;
}

/* What a direction waits for; the descriptor to poll, or -1. */
static int wants(const proxy_link *link, const pipe_line *line, short *events, int64_t *due_ms)
{
    /* Of a line that passes nothing on only the sender's end is waited for: the server may well keep
     * a connection whose client it believes to be there. */
    bool is_dead = !is_open(line) && !line->ended;
    if (is_dead || (link->stalled && line == &link->lines[link->plan.direction])) {
        *events = POLLRDHUP;
        return line->from;
    }
    if (!is_open(line)) {
        return -1;
    }
    bool waiting = line->len > line->pos;
    if (waiting && hyl__now_ms() >= line->due_ms) {
        *events = POLLOUT;
        return line->to;
    }
    if (waiting) {
        *due_ms = line->due_ms < *due_ms ? line->due_ms : *due_ms;
    }
    bool gathers = link->plan.gather > 0 && line->len < BUFFER;
    if (line->ended || (waiting && !gathers)) {
        return -1;
    }
    *events = POLLIN;
    return line->from;
}

/* The sender has ended and all is passed on: the receiver is told. */
static void end_line(pipe_line *line)
{
    if (is_open(line) && line->ended && line->len == line->pos) {
        (void)shutdown(line->to, SHUT_WR);
        line->closed = true;
    }
}

/* One round of a connection. False where it is over. */
static bool serve(fault_proxy *proxy, proxy_link *link, const struct pollfd *polled)
{
    for (int i = 0; i < FAULT_DIRECTION_COUNT; i++) {
        if (is_due(link) && !strike(proxy, link)) {
            return false;
        }
        pipe_line *line = &link->lines[i];
        if (polled[i].revents != 0 && polled[i].events == POLLRDHUP) {
            close_link(link, false);
            return false;
        }
        if (polled[i].revents != 0 && polled[i].events == POLLIN) {
            take_in(proxy, link, line);
        } else if (polled[i].revents != 0 && is_open(line)) {
            pass_on(proxy, link, line);
        }
        end_line(line);
    }
    if (is_due(link) && !strike(proxy, link)) {
        return false;
    }
    const pipe_line *said = &link->lines[TO_SERVER];
    /* A client that has gone has gone for good; the server may not see it by half a stream. */
    bool client_gone = said->ended && said->len == said->pos;
    if (client_gone || (!is_open(&link->lines[0]) && !is_open(&link->lines[1]))) {
        close_link(link, false);
        return false;
    }
    return true;
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void accept_one(fault_proxy *proxy)
{
    int client = accept(proxy->listener, NULL, NULL);
    if (client < 0) {
        return;
    }
    int server = proxy->link_count < MAX_LINKS ? test_tcp_try(proxy->server_port) : -1;
    if (server < 0) {
        close(client);
        return;
    }
    proxy->links[proxy->link_count++] = new_link(proxy, client, server);
}

static int timeout_until(int64_t due_ms)
{
    int64_t left = due_ms == INT64_MAX ? -1 : due_ms - hyl__now_ms();
    return left > 0 ? (int)left : (int)(due_ms == INT64_MAX ? -1 : 0);
}

/* Waits for what any connection can do next. False where the thread is to end. */
static bool poll_all(fault_proxy *proxy, struct pollfd *polled, size_t *count)
{
    int64_t due_ms = INT64_MAX;
    *count = 2;
    polled[0] = (struct pollfd){.fd = proxy->wake[0], .events = POLLIN};
    polled[1] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
    for (size_t i = 0; i < proxy->link_count; i++) {
        for (int j = 0; j < FAULT_DIRECTION_COUNT; j++) {
            struct pollfd *one = &polled[(*count)++];
            *one = (struct pollfd){.fd = -1};
            one->fd = wants(proxy->links[i], &proxy->links[i]->lines[j], &one->events, &due_ms);
        }
        if (is_due(proxy->links[i])) {
            due_ms = 0;
        }
    }
    while (poll(polled, *count, timeout_until(due_ms)) < 0 && errno == EINTR) {
    }
    return polled[0].revents == 0;
}

static void drop_link(fault_proxy *proxy, size_t index)
{
    free(proxy->links[index]);
    proxy->links[index] = proxy->links[--proxy->link_count];
}

static void *run(void *ctx)
{
    fault_proxy *proxy = ctx;
    struct pollfd polled[2 + 2 * MAX_LINKS];
    size_t count = 0;
    while (poll_all(proxy, polled, &count)) {
        /* From the last on, so that one that is dropped is replaced by one that was served. */
        for (size_t i = (count - 2) / 2; i-- > 0;) {
            if (!serve(proxy, proxy->links[i], &polled[2 + 2 * i])) {
                drop_link(proxy, i);
            }
        }
        if (polled[1].revents != 0) {
            accept_one(proxy);
        }
    }
    while (proxy->link_count > 0) {
        close_link(proxy->links[0], false);
        drop_link(proxy, 0);
    }
    return NULL;
}

fault_proxy *fault_proxy_start(uint16_t server_port)
{
    fault_proxy *proxy = calloc(1, sizeof *proxy);
    assert_non_null(proxy);
    proxy->server_port = server_port;
    proxy->listener = test_tcp_listener(AF_INET, 64, &proxy->port);
    assert_int_equal(pipe(proxy->wake), 0);
    assert_int_equal(pthread_mutex_init(&proxy->lock, NULL), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
    return proxy;
}

void fault_proxy_stop(fault_proxy *proxy)
{
    assert_int_equal(write(proxy->wake[1], "", 1), 1);
    pthread_join(proxy->thread, NULL);
    pthread_mutex_destroy(&proxy->lock);
    close(proxy->wake[0]);
    close(proxy->wake[1]);
    close(proxy->listener);
    free(proxy);
}

uint16_t fault_proxy_port(const fault_proxy *proxy)
{
    return proxy->port;
}

void fault_proxy_plan(fault_proxy *proxy, const fault_plan *plan)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->plan = *plan;
    proxy->has_plan = true;
    proxy->hit = false;
    memset(proxy->passed, 0, sizeof proxy->passed);
    pthread_mutex_unlock(&proxy->lock);
}

uint64_t fault_proxy_passed(fault_proxy *proxy, fault_direction direction)
{
    pthread_mutex_lock(&proxy->lock);
    uint64_t passed = proxy->passed[direction];
    pthread_mutex_unlock(&proxy->lock);
    return passed;
}

bool fault_proxy_hit(fault_proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    bool hit = proxy->hit;
    pthread_mutex_unlock(&proxy->lock);
    return hit;
}
