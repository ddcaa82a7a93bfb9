#include "support/gate.h"

#include "support/test.h"

#include "base/endian.h"

#include <hyperline/wire.h>

#include <stdlib.h>

enum { AHEAD = 262144 };

/* Where a stream of messages stands. */
typedef struct messages {
    uint8_t head[HYL_MESSAGE_HEADER_SIZE]; /* of the message under way */
    size_t head_len;
    size_t body_left;
    bool lost; /* these are no messages */
} messages;

/*
 * Bytes of the peer's are taken in ahead of the client, to find where an answer ends. Where they are
 * no messages there is no such place.
 */
struct gate {
    hyl_transport inner;
    bool loose;
    bool shut; /* a ReadyForQuery was read to its end */
    uint8_t ahead[AHEAD];
    size_t pos;
    size_t len;
    bool ended;    /* the peer has said the end, too */
    size_t let_by; /* how many of these may be read although the gate is shut */
    messages from_peer;
    messages from_client;
};

/*
 * Goes over bytes to the end of a message, and returns how many those are; *type gets that message's,
 * 0 where it has no end yet. A StartupMessage has no type, and a length that begins with zero.
 */
static size_t to_the_end(messages *self, const uint8_t *bytes, size_t len, uint8_t *type)
{
    size_t at = 0;
    *type = 0;
    while (at < len && !self->lost) {
        bool typed = (self->head_len > 0 ? self->head[0] : bytes[at]) != 0;
        size_t head_len = typed ? HYL_MESSAGE_HEADER_SIZE : HYL_MESSAGE_HEADER_SIZE - 1;
        if (self->head_len < head_len) {
            self->head[self->head_len++] = bytes[at++];
            uint32_t size = hyl__load_be32(self->head + typed);
            self->lost = self->head_len == head_len && (size < 4 || size > 0x7fffffff);
            self->body_left = size - 4;
        } else {
            size_t piece = len - at < self->body_left ? len - at : self->body_left;
            at += piece;
            self->body_left -= piece;
        }
        if (self->head_len == head_len && self->body_left == 0) {
            *type = self->head[0];
            self->head_len = 0;
            return at;
        }
    }
    return self->lost ? len : at;
}

/* The same of the peer's bytes to the end of an answer, which shuts the gate. */
static size_t to_the_answers_end(gate *self, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && !self->shut) {
        uint8_t type = 0;
        at += to_the_end(&self->from_peer, bytes + at, len - at, &type);
        self->shut = type == HYL_MSG_READY_FOR_QUERY && !self->loose;
    }
    return at;
}

/* A request has been sent to its end: the peer may answer it. */
static void hear(gate *self, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint8_t type = 0;
        at += to_the_end(&self->from_client, bytes + at, len - at, &type);
        self->shut = self->shut && type != 'Q' && type != 'S' && type != 'F';
    }
}

static hyl_status gate_read(void *ctx, void *dst, size_t cap, size_t *got, hyl_error *err)
{
    gate *self = ctx;
    if (self->let_by > 0) {
        *got = self->let_by < cap ? self->let_by : cap;
        memcpy(dst, self->ahead + self->pos, *got);
        self->pos += *got;
        self->let_by -= *got;
        return HYL_OK;
    }
    if (self->shut && !self->ended) {
        return HYL_AGAIN;
    }
    if (self->pos == self->len) {
        size_t most = cap < AHEAD ? cap : AHEAD;
        self->pos = 0;
        self->len = 0;
        hyl_status status =
            self->inner.ops->read(self->inner.self, self->ahead, most, &self->len, err);
        if (status != HYL_OK) {
            self->len = 0;
            return status;
        }
    }
    size_t here = self->len - self->pos < cap ? self->len - self->pos : cap;
    *got = to_the_answers_end(self, self->ahead + self->pos, here);
    memcpy(dst, self->ahead + self->pos, *got);
    self->pos += *got;
    return HYL_OK;
}

static hyl_status gate_writev(void *ctx, const hyl_iovec *iov, int count, size_t *put,
                              hyl_error *err)
{
    gate *self = ctx;
    hyl_status status = self->inner.ops->writev(self->inner.self, iov, count, put, err);
    for (size_t left = status == HYL_OK ? *put : 0; left > 0; iov++) {
        size_t piece = left < iov->len ? left : iov->len;
        hear(self, iov->data, piece);
        left -= piece;
    }
    /* Who cannot be reached any more has said what there was to say. */
    self->shut = self->shut && status != HYL_ERR_CLOSED && status != HYL_ERR_IO;
    return status;
}

/* Who has something to send as well does not wait for what may come unasked. */
static hyl_status gate_wait(void *ctx, unsigned wants, int64_t deadline, unsigned *ready,
                            hyl_error *err)
{
    gate *self = ctx;
    if (self->shut && (wants & HYL_WANT_WRITE) != 0) {
        return self->inner.ops->wait(self->inner.self, HYL_WANT_WRITE, deadline, ready, err);
    }
    self->shut = self->shut && (wants & HYL_WANT_READ) == 0;
    if (self->pos < self->len && (wants & HYL_WANT_READ) != 0) {
        *ready = HYL_WANT_READ;
        return HYL_OK;
    }
    return self->inner.ops->wait(self->inner.self, wants, deadline, ready, err);
}

static bool gate_pending(void *ctx)
{
    gate *self = ctx;
    return self->pos < self->len || self->inner.ops->pending(self->inner.self);
}

static int gate_fd(void *ctx)
{
    gate *self = ctx;
    return self->inner.ops->fd(self->inner.self);
}

static void gate_close(void *ctx)
{
    gate *self = ctx;
    hyl_transport_close(&self->inner);
    free(self);
}

static const hyl_transport_ops gate_ops = {
    .read = gate_read,
    .writev = gate_writev,
    .wait = gate_wait,
    .pending = gate_pending,
    .fd = gate_fd,
    .close = gate_close,
};

gate *gate_new(hyl_transport inner, hyl_transport *out)
{
    gate *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->inner = inner;
    *out = (hyl_transport){&gate_ops, self};
    return self;
}

void gate_loosen(gate *self, bool loose)
{
    self->loose = loose;
}

void gate_let_by(gate *self)
{
    size_t got = 0;
    memmove(self->ahead, self->ahead + self->pos, self->len - self->pos);
    self->len -= self->pos;
    self->pos = 0;
    hyl_status status = HYL_OK;
    while (status == HYL_OK && self->len < AHEAD) {
        got = 0;
        status = self->inner.ops->read(self->inner.self, self->ahead + self->len, AHEAD - self->len,
                                       &got, NULL);
        self->len += got;
    }
    self->ended = status == HYL_DONE;
    self->let_by = self->len;
    self->shut = true;
}
