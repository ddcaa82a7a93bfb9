#include "frame.h"

#include "base/mem.h"

hyl_status hyl__frame_init(hyl__frame *frame, size_t window_size, uint32_t max_body)
{
    memset(frame, 0, sizeof *frame);
    frame->window_size = window_size != 0 ? window_size : HYL__FRAME_WINDOW;
    frame->max_body = max_body != 0 ? max_body : HYL_MAX_MESSAGE;
    frame->window = hyl__malloc(frame->window_size);
    if (frame->window == NULL) {
        return HYL_ERR_NOMEM;
    }
    frame->cap = frame->window_size;
    return HYL_OK;
}

void hyl__frame_reset(hyl__frame *frame)
{
    hyl__free(frame->window);
    hyl_buf_reset(&frame->out);
    memset(frame, 0, sizeof *frame);
}

/*
 * How many times its usual size an empty window may keep, so that a stream of middling messages
 * does not grow and shrink it each time.
 */
enum { KEPT_FACTOR = 16 };

/* A window that one large message made large goes back to its usual size once it is empty. */
static void shrink_window(hyl__frame *frame)
{
    uint8_t *window = hyl__realloc(frame->window, frame->window_size);
    if (window != NULL) {
        frame->window = window;
        frame->cap = frame->window_size;
    }
}

static hyl_status grow_window(hyl__frame *frame)
{
    size_t cap = 0;
    if (!hyl__mul_size(frame->cap, 2, &cap)) {
        return HYL_ERR_NOMEM;
    }
    uint8_t *window = hyl__realloc(frame->window, cap);
    if (window == NULL) {
        return HYL_ERR_NOMEM;
    }
    frame->window = window;
    frame->cap = cap;
    return HYL_OK;
}

hyl_status hyl__frame_recv_window(hyl__frame *frame, uint8_t **at, size_t *cap)
{
    if (frame->body != NULL) {
        *at = frame->body + frame->body_have;
        *cap = frame->body_len - frame->body_have;
        return HYL_OK;
    }
    size_t left = frame->len - frame->pos;
    if (left == 0) {
        frame->pos = 0;
        frame->len = 0;
        if (frame->cap / KEPT_FACTOR > frame->window_size) {
            shrink_window(frame);
        }
    } else if (frame->pos > 0) {
        memmove(frame->window, frame->window + frame->pos, left);
        frame->pos = 0;
        frame->len = left;
    }
    if (frame->len == frame->cap) {
        HYL_TRY(grow_window(frame));
    }
    *at = frame->window + frame->len;
    *cap = frame->cap - frame->len;
    if (frame->header_only && frame->len < HYL_MESSAGE_HEADER_SIZE) {
        *cap = HYL_MESSAGE_HEADER_SIZE - frame->len;
    }
    return HYL_OK;
}

void hyl__frame_recv_commit(hyl__frame *frame, size_t received)
{
    if (frame->body != NULL) {
        frame->body_have += received;
    } else {
        frame->len += received;
    }
}

bool hyl__frame_body_head(const hyl__frame *frame, hyl_msg_head *head)
{
    hyl_bytes have = {frame->window + frame->pos, frame->len - frame->pos};
    return frame->body == NULL && hyl_msg_peek(have, frame->max_body, head, NULL) == HYL_OK &&
           head->body_len >= HYL__FRAME_LARGE_BODY && head->body_len <= HYL__FRAME_MAX_INTO &&
           have.len < (size_t)head->body_len + HYL_MESSAGE_HEADER_SIZE;
}

void hyl__frame_body_into(hyl__frame *frame, uint8_t *at)
{
    const uint8_t *head = frame->window + frame->pos;
    frame->body = at;
    frame->body_type = head[0];
    frame->body_len = hyl__load_be32(head + 1) - 4;
    frame->body_have = frame->len - frame->pos - HYL_MESSAGE_HEADER_SIZE;
    memcpy(at, head + HYL_MESSAGE_HEADER_SIZE, frame->body_have);
    frame->pos = 0;
    frame->len = 0;
}

hyl_status hyl__frame_body_back(hyl__frame *frame)
{
    size_t need = frame->body_have + HYL_MESSAGE_HEADER_SIZE;
    if (frame->body == NULL) {
        return HYL_OK;
    }
    while (frame->cap < need) {
        HYL_TRY(grow_window(frame));
    }
    frame->window[0] = frame->body_type;
    hyl__store_be32(frame->window + 1, (uint32_t)frame->body_len + 4);
    memcpy(frame->window + HYL_MESSAGE_HEADER_SIZE, frame->body, frame->body_have);
    frame->body = NULL;
    frame->header_only = false;
    frame->pos = 0;
    frame->len = need;
    return HYL_OK;
}

/* Takes the message whose body went where its owner said. */
static hyl_status take_body(hyl__frame *frame, hyl__frame_message *out)
{
    if (frame->body_have < frame->body_len) {
        return HYL_AGAIN;
    }
    out->type = frame->body_type;
    out->body = (hyl_bytes){frame->body, frame->body_len};
    frame->body = NULL;
    frame->header_only = true;
    return HYL_OK;
}

hyl_status hyl__frame_next(hyl__frame *frame, hyl__frame_message *out, hyl_error *err)
{
    if (frame->body != NULL) {
        return take_body(frame, out);
    }
    hyl_bytes have = {frame->window + frame->pos, frame->len - frame->pos};
    hyl_msg_head head;
    hyl_status status = hyl_msg_peek(have, frame->max_body, &head, err);
    if (status != HYL_OK) {
        return status;
    }
    size_t size = (size_t)head.body_len + HYL_MESSAGE_HEADER_SIZE;
    if (have.len < size) {
        return HYL_AGAIN;
    }
    out->type = head.type;
    out->body = (hyl_bytes){have.data + HYL_MESSAGE_HEADER_SIZE, head.body_len};
    frame->pos += size;
    frame->header_only = false;
    return HYL_OK;
}

int hyl__frame_send_window(const hyl__frame *frame, hyl_iovec *iov)
{
    int count = 0;
    if (frame->out_pos < frame->out.len) {
        iov[count++] =
            (hyl_iovec){frame->out.data + frame->out_pos, frame->out.len - frame->out_pos};
    }
    if (frame->borrowed.len > 0) {
        iov[count++] = (hyl_iovec){frame->borrowed.data, frame->borrowed.len};
    }
    for (size_t i = 0; i < frame->more_count && count < HYL__FRAME_MAX_IOVEC; i++) {
        iov[count++] = (hyl_iovec){frame->more[i].data, frame->more[i].len};
    }
    return count;
}

/* Goes on to the next borrowed piece where one is used up. */
static void next_piece(hyl__frame *frame)
{
    while (frame->borrowed.len == 0 && frame->more_count > 0) {
        frame->borrowed = *frame->more++;
        frame->more_count--;
    }
}

void hyl__frame_send_commit(hyl__frame *frame, size_t sent)
{
    size_t queued = frame->out.len - frame->out_pos;
    size_t from_queue = sent < queued ? sent : queued;
    frame->out_pos += from_queue;
    if (frame->out_pos == frame->out.len) {
        hyl_buf_clear(&frame->out);
        frame->out_pos = 0;
    }
    size_t from_borrowed = sent - from_queue;
    while (from_borrowed > 0) {
        size_t gone = from_borrowed < frame->borrowed.len ? from_borrowed : frame->borrowed.len;
        frame->borrowed.data += gone;
        frame->borrowed.len -= gone;
        from_borrowed -= gone;
        next_piece(frame);
    }
}

size_t hyl__frame_unsent(const hyl__frame *frame)
{
    size_t unsent = frame->out.len - frame->out_pos + frame->borrowed.len;
    for (size_t i = 0; i < frame->more_count; i++) {
        unsent += frame->more[i].len;
    }
    return unsent;
}

void hyl__frame_send_borrow(hyl__frame *frame, hyl_bytes bytes)
{
    frame->borrowed = bytes;
}

void hyl__frame_send_borrow_pieces(hyl__frame *frame, const hyl_bytes *pieces, size_t count)
{
    frame->borrowed = (hyl_bytes){NULL, 0};
    frame->more = pieces;
    frame->more_count = count;
    next_piece(frame);
}

hyl_status hyl__frame_send_keep(hyl__frame *frame)
{
    size_t queued = frame->out.len - frame->out_pos;
    if (hyl_buf_reserve(&frame->out, hyl__frame_unsent(frame) - queued) < 0) {
        hyl__frame_send_borrow_pieces(frame, NULL, 0);
        return HYL_ERR_NOMEM;
    }
    while (frame->borrowed.len > 0) {
        hyl_buf_append(&frame->out, frame->borrowed.data, frame->borrowed.len);
        frame->borrowed = (hyl_bytes){NULL, 0};
        next_piece(frame);
    }
    return HYL_OK;
}
