/*
 * Framing without I/O: a receive window that whole messages are viewed in, and a send queue. It
 * knows messages' lengths, not their meaning; the raw connection and the session both stand on it.
 */
#ifndef HYL_WIRE_FRAME_H
#define HYL_WIRE_FRAME_H

#include <hyperline/transport.h>
#include <hyperline/wire.h>

#include "base/endian.h"

enum {
    HYL__FRAME_LARGE_BODY = 32768,  /* from here on a body is worth a receive of its own */
    HYL__FRAME_MAX_INTO = 33554432, /* and up to here it may go where its owner says */
    HYL__FRAME_WINDOW = 65536,      /* the receive window's and the write buffer's first size */
    HYL__FRAME_MAX_IOVEC = 16
};

/*
 * A whole message.
 * Lifetime: until the next call that receives or takes.
 */
typedef struct hyl__frame_message {
    uint8_t type;
    hyl_bytes body;
} hyl__frame_message;

typedef struct hyl__frame {
    uint8_t *window;
    size_t cap;
    size_t pos; /* window[pos..len) is received and not yet taken */
    size_t len;
    size_t window_size; /* what the window shrinks back to */
    uint32_t max_body;
    uint8_t *body;     /* where the body under way goes; NULL: into the window */
    size_t body_len;   /* its length */
    size_t body_have;  /* and how much of it is there */
    uint8_t body_type; /* its message's type */
    bool header_only;  /* after a large body: receive the next header alone */
    hyl_buf out;       /* messages to send, from out_pos on */
    size_t out_pos;
    hyl_bytes borrowed; /* the caller's bytes, sent after `out`; the caller's until they are gone */
    const hyl_bytes *more; /* and further ones after these */
    size_t more_count;
} hyl__frame;

/*
 * `window_size`: 0 for the default. `max_body`: 0 for HYL_MAX_MESSAGE.
 * Errors: NOMEM.
 */
hyl_status hyl__frame_init(hyl__frame *frame, size_t window_size, uint32_t max_body);
void hyl__frame_reset(hyl__frame *frame);

/*
 * Where received bytes go: at least one byte, more where there is room. The window grows only once
 * it is full of one message's bytes, by doubling: with what was received, never with what was
 * announced.
 * Errors: NOMEM.
 */
hyl_status hyl__frame_recv_window(hyl__frame *frame, uint8_t **at, size_t *cap);
void hyl__frame_recv_commit(hyl__frame *frame, size_t received);

/* So many bytes at least are sure to come: the rest of a body under way; 0: nothing is known. */
static inline size_t hyl__frame_expected(const hyl__frame *frame)
{
    return frame->body != NULL ? frame->body_len - frame->body_have : 0;
}

/*
 * Takes the next whole message. OK; AGAIN (more bytes are needed); PROTOCOL (the frame is
 * malformed: nothing more can be read).
 */
hyl_status hyl__frame_next(hyl__frame *frame, hyl__frame_message *out, hyl_error *err);

/*
 * The head of a large body that is under way and not whole yet: its owner may say where it goes.
 * False where there is none, and beyond HYL__FRAME_MAX_INTO: storage for what was only announced
 * has a bound.
 */
bool hyl__frame_body_head(const hyl__frame *frame, hyl_msg_head *head);
/*
 * The body of that head goes to `at`, which has room for all of it: what was received is copied,
 * the rest is received straight there. hyl__frame_next then gives the message with that body.
 * Lifetime: `at` is the caller's and must live until then.
 */
void hyl__frame_body_into(hyl__frame *frame, uint8_t *at);

/*
 * The owner wants that body no more: what is there of it goes into the window, and the rest follows.
 * Does nothing where no body is under way.
 * Errors: NOMEM.
 */
hyl_status hyl__frame_body_back(hyl__frame *frame);

/* True where bytes were received that are not yet taken. */
static inline bool hyl__frame_has_input(const hyl__frame *frame)
{
    return frame->pos < frame->len;
}

/*
 * The hot path of rows: takes the next message if it is whole and of `type`, else leaves everything
 * to hyl__frame_next.
 */
static inline bool hyl__frame_take(hyl__frame *frame, uint8_t type, hyl_bytes *body)
{
    size_t have = frame->len - frame->pos;
    const uint8_t *at = frame->window + frame->pos;
    if (have < HYL_MESSAGE_HEADER_SIZE || at[0] != type) {
        return false;
    }
    uint32_t length = hyl__load_be32(at + 1);
    if (length < 4 || length > have - 1 || length - 4 > frame->max_body) {
        return false;
    }
    *body = (hyl_bytes){at + HYL_MESSAGE_HEADER_SIZE, length - 4};
    frame->pos += (size_t)length + 1;
    return true;
}

/* The next `size` bytes, NULL where fewer are there. `size` is not 0. */
static inline const uint8_t *hyl__frame_peek(const hyl__frame *frame, size_t size)
{
    return frame->len - frame->pos >= size ? frame->window + frame->pos : NULL;
}

/* Takes as many bytes, which were peeked at and are a whole message. */
static inline void hyl__frame_skip(hyl__frame *frame, size_t size)
{
    frame->pos += size;
}

/* ---- Sending ---- */

/*
 * The pieces to send now, at most HYL__FRAME_MAX_IOVEC; 0 where nothing is queued.
 * Lifetime: until send_commit or an encoder.
 */
int hyl__frame_send_window(const hyl__frame *frame, hyl_iovec *iov);
/* `sent` bytes of those pieces are gone. */
void hyl__frame_send_commit(hyl__frame *frame, size_t sent);
/* Bytes that wait to be sent. */
size_t hyl__frame_unsent(const hyl__frame *frame);
/*
 * The caller's bytes, sent after what is queued, without a copy. They stay the caller's and must
 * live until they are sent. Only one at a time.
 */
void hyl__frame_send_borrow(hyl__frame *frame, hyl_bytes bytes);
/* The same of several pieces, one behind the other. The array of them must live as long. */
void hyl__frame_send_borrow_pieces(hyl__frame *frame, const hyl_bytes *pieces, size_t count);

/*
 * Copies what is still unsent of the borrowed bytes, which are about to go away: a message that has
 * begun must go out whole. Without memory they are forgotten.
 * Errors: NOMEM.
 */
hyl_status hyl__frame_send_keep(hyl__frame *frame);

#endif
