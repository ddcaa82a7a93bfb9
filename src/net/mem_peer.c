#include <hyperline/transport.h>

#include "base/error.h"
#include "base/mem.h"

/* One thing that the peer does, once the client has written up to `point`. */
typedef struct step {
    struct step *next;
    uint64_t point;    /* bytes written since the peer was made */
    hyl_status status; /* OK: bytes to read; anything else is what every further read gives */
    size_t len;
    size_t taken;
    uint8_t bytes[];
} step;

struct hyl_mem_peer {
    step *first; /* the first step with something left to read */
    step *last;
    uint64_t last_point; /* of the last step ever added */
    uint64_t written_total;
    hyl_buf written;
    uint64_t write_limit; /* in written_total; beyond it writes give write_status */
    hyl_status write_status;
    size_t read_max;
    size_t write_max;
    bool stutter;
    bool read_stuttered; /* the last read gave AGAIN because of `stutter` */
    bool write_stuttered;
};

/* ---- The client's side ---------------------------------------------------------------------- */

/* Drops what was read to its end and returns the step that a read would see now, or NULL. */
static step *current_step(hyl_mem_peer *peer)
{
    while (peer->first != NULL && peer->first->status == HYL_OK &&
           peer->first->taken == peer->first->len && peer->written_total >= peer->first->point) {
        step *done = peer->first;
        peer->first = done->next;
        hyl__free(done);
    }
    if (peer->first == NULL) {
        peer->last = NULL;
        return NULL;
    }
    return peer->written_total >= peer->first->point ? peer->first : NULL;
}

static bool stutters(const hyl_mem_peer *peer, bool *stuttered)
{
    *stuttered = peer->stutter && !*stuttered;
    return *stuttered;
}

static hyl_status scripted_failure(hyl_status status, const char *what, hyl_error *err)
{
    return status < 0 ? hyl__fail(err, status, "the in-memory peer was told to fail the %s", what)
                      : status;
}

static hyl_status mem_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *err)
{
    hyl_mem_peer *peer = self;
    step *now = current_step(peer);
    if (now == NULL || stutters(peer, &peer->read_stuttered)) {
        return HYL_AGAIN;
    }
    if (now->status != HYL_OK) {
        return scripted_failure(now->status, "read", err);
    }
    if (peer->read_max != 0 && cap > peer->read_max) {
        cap = peer->read_max;
    }
    size_t total = 0;
    while (now != NULL && now->status == HYL_OK && total < cap) {
        size_t piece = now->len - now->taken < cap - total ? now->len - now->taken : cap - total;
        memcpy((uint8_t *)dst + total, now->bytes + now->taken, piece);
        now->taken += piece;
        total += piece;
        now = current_step(peer);
    }
    *got = total;
    return HYL_OK;
}

/* How many bytes a write may take now. */
static size_t write_room(const hyl_mem_peer *peer)
{
    uint64_t room = peer->write_limit - peer->written_total;
    if (peer->write_max != 0 && room > peer->write_max) {
        room = peer->write_max;
    }
    return room < SIZE_MAX ? (size_t)room : SIZE_MAX;
}

static hyl_status mem_writev(void *self, const hyl_iovec *iov, int count, size_t *put,
                             hyl_error *err)
{
    hyl_mem_peer *peer = self;
    if (peer->written_total >= peer->write_limit) {
        return scripted_failure(peer->write_status, "write", err);
    }
    if (stutters(peer, &peer->write_stuttered)) {
        return HYL_AGAIN;
    }
    size_t room = write_room(peer);
    size_t total = 0;
    for (int i = 0; i < count && total < room; i++) {
        size_t piece = iov[i].len < room - total ? iov[i].len : room - total;
        hyl_buf_append(&peer->written, iov[i].data, piece);
        if (peer->written.failed) {
            return hyl__fail_nomem(err);
        }
        total += piece;
    }
    peer->written_total += total;
    *put = total;
    return HYL_OK;
}

static bool mem_pending(void *self)
{
    step *now = current_step(self);
    return now != NULL && now->status != HYL_AGAIN;
}

static hyl_status mem_wait(void *self, unsigned wants, int64_t deadline_ms, unsigned *ready,
                           hyl_error *err)
{
    hyl_mem_peer *peer = self;
    (void)deadline_ms;
    unsigned possible = 0;
    if (mem_pending(peer)) {
        possible |= HYL_WANT_READ;
    }
    if (peer->written_total < peer->write_limit || peer->write_status != HYL_AGAIN) {
        possible |= HYL_WANT_WRITE;
    }
    if ((possible & wants) == 0) {
        return hyl__fail(err, HYL_ERR_TIMEOUT, "the in-memory peer has nothing more to say");
    }
    *ready = possible & wants;
    return HYL_OK;
}

static int mem_fd(void *self)
{
    (void)self;
    return -1;
}

static void mem_close(void *self)
{
    /* The peer outlives its transport. */
    (void)self;
}

static const hyl_transport_ops mem_ops = {
    .read = mem_read,
    .writev = mem_writev,
    .wait = mem_wait,
    .pending = mem_pending,
    .fd = mem_fd,
    .close = mem_close,
};

/* ---- The script ----------------------------------------------------------------------------- */

hyl_status hyl_mem_peer_new(hyl_mem_peer **out)
{
    hyl_mem_peer *peer = hyl__calloc(1, sizeof *peer);
    if (peer == NULL) {
        return HYL_ERR_NOMEM;
    }
    peer->write_limit = UINT64_MAX;
    *out = peer;
    return HYL_OK;
}

void hyl_mem_peer_free(hyl_mem_peer *peer)
{
    if (peer == NULL) {
        return;
    }
    for (step *now = peer->first; now != NULL;) {
        step *next = now->next;
        hyl__free(now);
        now = next;
    }
    hyl_buf_reset(&peer->written);
    hyl__free(peer);
}

hyl_transport hyl_mem_peer_transport(hyl_mem_peer *peer)
{
    hyl_transport transport = {&mem_ops, peer};
    return transport;
}

static hyl_status add_step(hyl_mem_peer *peer, size_t after, hyl_status status, hyl_bytes bytes)
{
    size_t size = 0;
    step *added = hyl__add_size(sizeof *added, bytes.len, &size) ? hyl__calloc(1, size) : NULL;
    if (added == NULL) {
        return HYL_ERR_NOMEM;
    }
    peer->last_point += after;
    added->point = peer->last_point;
    added->status = status;
    added->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(added->bytes, bytes.data, bytes.len);
    }
    if (peer->last != NULL) {
        peer->last->next = added;
    } else {
        peer->first = added;
    }
    peer->last = added;
    return HYL_OK;
}

hyl_status hyl_mem_peer_reply(hyl_mem_peer *peer, size_t after, hyl_bytes bytes)
{
    return add_step(peer, after, HYL_OK, bytes);
}

hyl_status hyl_mem_peer_end(hyl_mem_peer *peer)
{
    return hyl_mem_peer_fail_read(peer, HYL_DONE);
}

hyl_status hyl_mem_peer_fail_read(hyl_mem_peer *peer, hyl_status status)
{
    if (status == HYL_OK) {
        return HYL_ERR_ARG;
    }
    hyl_bytes none = {NULL, 0};
    return add_step(peer, 0, status, none);
}

void hyl_mem_peer_fail_write(hyl_mem_peer *peer, size_t after, hyl_status status)
{
    if (__builtin_add_overflow(peer->written_total, after, &peer->write_limit)) {
        peer->write_limit = UINT64_MAX;
    }
    peer->write_status = status;
}

void hyl_mem_peer_pace(hyl_mem_peer *peer, size_t read_max, size_t write_max, bool stutter)
{
    peer->read_max = read_max;
    peer->write_max = write_max;
    peer->stutter = stutter;
}

hyl_bytes hyl_mem_peer_written(const hyl_mem_peer *peer)
{
    hyl_bytes written = {peer->written.data, peer->written.len};
    return written;
}

void hyl_mem_peer_forget(hyl_mem_peer *peer)
{
    hyl_buf_clear(&peer->written);
}
