#include "support/flood.h"

#include "support/sockets.h"
#include "support/test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static bool hear(int fd, size_t len)
{
    uint8_t drop[64];
    while (len > 0) {
        ssize_t got = recv(fd, drop, len < sizeof drop ? len : sizeof drop, 0);
        if (got <= 0) {
            return false;
        }
        len -= (size_t)got;
    }
    return true;
}

static bool say(int fd, hyl_bytes words)
{
    while (words.len > 0) {
        ssize_t put = send(fd, words.data, words.len, MSG_NOSIGNAL);
        if (put <= 0) {
            return false;
        }
        words.data += put;
        words.len -= (size_t)put;
    }
    return true;
}

/* One connection after the other, each until the client has had enough. */
static void *serve(void *ctx)
{
    flood *self = ctx;
    for (;;) {
        int fd = accept(self->listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        if (hear(fd, self->hears) && say(fd, self->greeting)) {
            while (say(fd, self->words)) {
            }
        }
        close(fd);
    }
}

void flood_start(flood *self, size_t hears, hyl_bytes greeting, hyl_bytes words)
{
    self->listener = test_tcp_listener(AF_INET, 16, &self->port);
    self->hears = hears;
    self->greeting = greeting;
    self->words = words;
    assert_int_equal(pthread_create(&self->thread, NULL, serve, self), 0);
}

void flood_stop(flood *self)
{
    /* On Linux it ends a waiting accept. */
    assert_int_equal(shutdown(self->listener, SHUT_RDWR), 0);
    assert_int_equal(pthread_join(self->thread, NULL), 0);
    close(self->listener);
}
