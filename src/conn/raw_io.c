/* The raw connection's bytes and messages: the only place where it reads, writes and waits. */
#include "raw.h"

#include "base/clock.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/decode.h"
#include "wire/diag.h"

static hyl_status fail_closed(hyl_raw *raw, hyl_error *err)
{
    raw->dead = true;
    hyl__log(HYL_LOG_WARN, "connection-closed", NULL, 0);
    hyl_status status = hyl__fail(err, HYL_ERR_CLOSED, "the server closed the connection");
    if (err != NULL) {
        memcpy(err->sqlstate, "08006", sizeof err->sqlstate);
    }
    return status;
}

static hyl_status fail_timeout(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_TIMEOUT, "the deadline passed while the server was answering");
}

hyl_status hyl__raw_check_deadline(const hyl_raw *raw, hyl_error *err)
{
    return hyl__deadline_left(raw->deadline) == 0 ? fail_timeout(err) : HYL_OK;
}

/* What a failed read or write of the transport means. */
static hyl_status fail_transport(hyl_raw *raw, hyl_status status, hyl_error *err)
{
    if (status == HYL_DONE || status == HYL_ERR_CLOSED) {
        return fail_closed(raw, err);
    }
    raw->dead = status != HYL_ERR_NOMEM;
    return status;
}

/* Reads once into the window. OK, AGAIN where nothing is there, or an error. */
static hyl_status receive(hyl_raw *raw, hyl_error *err)
{
    uint8_t *at = NULL;
    size_t cap = 0;
    size_t got = 0;
    if (hyl__frame_recv_window(&raw->frame, &at, &cap) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    hyl_status status = raw->transport.ops->read(raw->transport.self, at, cap, &got, err);
    if (status == HYL_AGAIN) {
        return HYL_AGAIN;
    }
    if (status != HYL_OK) {
        return fail_transport(raw, status, err);
    }
    hyl__frame_recv_commit(&raw->frame, got);
    raw->received += got;
    /* A server that never pauses is never waited for: the deadline holds for it too. */
    return hyl__raw_check_deadline(raw, err);
}

/* ---- What is under way ---- */

/*
 * How many ReadyForQuery the messages ask for, and whether the last of them does. False where they
 * are not whole.
 */
static bool count_requests(hyl_bytes messages, size_t borrowed, bool in_copy, size_t *count,
                           bool *ends_in_one)
{
    while (messages.len >= HYL_MESSAGE_HEADER_SIZE) {
        uint8_t type = messages.data[0];
        size_t size = (size_t)hyl__load_be32(messages.data + 1) + 1;
        if (size < HYL_MESSAGE_HEADER_SIZE) {
            return false;
        }
        /* Query, FunctionCall, Sync; during a COPY FROM STDIN the server swallows Sync. */
        *ends_in_one = type == 'Q' || type == 'F' || (type == 'S' && !in_copy);
        *count += *ends_in_one;
        if (size > messages.len) {
            return size == messages.len + borrowed;
        }
        messages.data += size;
        messages.len -= size;
    }
    return messages.len == 0;
}

/* The same of what waits to be sent. */
static bool count_queued(const hyl_raw *raw, size_t *count, bool *ends_in_one)
{
    const hyl__frame *frame = &raw->frame;
    hyl_bytes queued = {frame->out.data + frame->out_pos, frame->out.len - frame->out_pos};
    return count_requests(queued, frame->borrowed.len, raw->copy_in, count, ends_in_one);
}

hyl_status hyl__raw_check_free(const hyl_raw *raw, hyl_error *err)
{
    size_t queued = 0;
    bool ends_in_one = false;
    if (!raw->counted || !hyl_raw_is_healthy(raw)) {
        return HYL_OK;
    }
    if (raw->copy_in) {
        return hyl__fail(err, HYL_ERR_BUSY, "a COPY FROM STDIN is still open on this connection");
    }
    if (!hyl__raw_is_free(raw) || !count_queued(raw, &queued, &ends_in_one) || queued > 0) {
        return hyl__fail(err, HYL_ERR_BUSY,
                         "the answer of an earlier request is not read to its ReadyForQuery");
    }
    return HYL_OK;
}

static hyl_status wait_for(hyl_raw *raw, unsigned wants, unsigned *ready, hyl_error *err)
{
    return raw->transport.ops->wait(raw->transport.self, wants, raw->deadline, ready, err);
}

/* ---- Sending ---- */

/* The peer takes nothing now: waits, and takes in what it sends meanwhile. */
static hyl_status wait_to_send(hyl_raw *raw, hyl_error *err)
{
    unsigned ready = 0;
    HYL_TRY(wait_for(raw, HYL_WANT_READ | HYL_WANT_WRITE, &ready, err));
    if ((ready & HYL_WANT_READ) == 0) {
        /* A server that takes a little now and then holds nobody beyond the deadline. */
        return hyl__raw_check_deadline(raw, err);
    }
    if (raw->frame.len - raw->frame.pos >= raw->opts.max_unread) {
        return hyl__fail(err, HYL_ERR_LIMIT,
                         "the server sent over %llu bytes while a request was still being sent",
                         (unsigned long long)raw->opts.max_unread);
    }
    return receive(raw, err);
}

static hyl_status send_once(hyl_raw *raw, hyl_error *err)
{
    hyl_iovec iov[HYL__FRAME_MAX_IOVEC];
    size_t sent = 0;
    int count = hyl__frame_send_window(&raw->frame, iov);
    hyl_status status = raw->transport.ops->writev(raw->transport.self, iov, count, &sent, err);
    if (status == HYL_OK) {
        hyl__frame_send_commit(&raw->frame, sent);
        return HYL_OK;
    }
    return status == HYL_AGAIN ? wait_to_send(raw, err) : fail_transport(raw, status, err);
}

/* What was not sent never will be; the caller's own bytes must not be touched again. */
static void drop_unsent(hyl_raw *raw)
{
    bool head_gone = raw->frame.out.len == 0 && raw->frame.borrowed.len > 0;
    raw->cut = raw->frame.out_pos > 0 || head_gone;
    hyl_buf_clear(&raw->frame.out);
    raw->frame.out_pos = 0;
    raw->frame.borrowed = (hyl_bytes){NULL, 0};
}

static hyl_status mark_unsent(hyl_raw *raw, hyl_status status, hyl_error *err)
{
    drop_unsent(raw);
    return hyl__raw_mark(raw, status, err);
}

static hyl_status send_queued(hyl_raw *raw, hyl_error *err)
{
    while (hyl__frame_unsent(&raw->frame) > 0) {
        hyl_status status = send_once(raw, err);
        if (status < 0) {
            return mark_unsent(raw, status, err);
        }
    }
    return HYL_OK;
}

/* ---- What has come unasked, or too soon ---- */

/* Walks over the whole messages that wait to be read. False where there is no further one. */
static bool next_unread(hyl_bytes *rest, uint32_t max_body, hyl__frame_message *out)
{
    hyl_msg_head head;
    if (hyl_msg_peek(*rest, max_body, &head, NULL) != HYL_OK ||
        rest->len - HYL_MESSAGE_HEADER_SIZE < head.body_len) {
        return false;
    }
    *out = (hyl__frame_message){head.type, {rest->data + HYL_MESSAGE_HEADER_SIZE, head.body_len}};
    rest->data += HYL_MESSAGE_HEADER_SIZE + head.body_len;
    rest->len -= HYL_MESSAGE_HEADER_SIZE + head.body_len;
    return true;
}

static hyl_bytes unread(const hyl_raw *raw)
{
    const hyl__frame *frame = &raw->frame;
    return (hyl_bytes){frame->window + frame->pos, frame->len - frame->pos};
}

static hyl_status fail_unasked(uint8_t type, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_DESYNC, "%s came where nothing was asked: discard the connection",
                     hyl_msg_name(type));
}

/* Where it ends the connection it is the server's last word; any other is somebody's answer. */
static hyl_status fail_unasked_error(hyl_raw *raw, hyl_bytes body, hyl_error *err)
{
    hyl_msg_diag diag;
    hyl__diag_parse(body, &diag);
    if (!hyl__diag_is_fatal(diag.severity)) {
        return fail_unasked(HYL_MSG_ERROR_RESPONSE, err);
    }
    raw->dead = true;
    raw->has_diag = hyl__diag_copy(&diag, &raw->diag_text, &raw->diag) == HYL_OK;
    (void)hyl__fail_server(err, &diag);
    hyl__error_prefix(err, "the server closed the connection");
    if (err != NULL) {
        err->status = HYL_ERR_CLOSED;
    }
    return HYL_ERR_CLOSED;
}

/*
 * Looks at what waits to be read while nothing is under way. OK where all may come at any time; AGAIN
 * where it ends in the half of an error.
 */
static hyl_status check_unasked(hyl_raw *raw, hyl_error *err)
{
    hyl_bytes rest = unread(raw);
    hyl__frame_message message;
    while (next_unread(&rest, raw->frame.max_body, &message)) {
        if (message.type == HYL_MSG_ERROR_RESPONSE) {
            return fail_unasked_error(raw, message.body, err);
        }
        if (!hyl__msg_is_asynchronous(message.type)) {
            return fail_unasked(message.type, err);
        }
    }
    if (rest.len == 0 || hyl__msg_is_asynchronous(rest.data[0])) {
        return HYL_OK;
    }
    return rest.data[0] == HYL_MSG_ERROR_RESPONSE ? HYL_AGAIN : fail_unasked(rest.data[0], err);
}

/* How often is received before one request, at most: a server may send notices without end. */
enum { SETTLE_RECEIVES = 8 };

/*
 * Before a request, while nothing is under way: takes in what has arrived, without waiting, and leaves
 * it to be read. An answer among it would be taken for that of the request.
 */
static hyl_status settle(hyl_raw *raw, hyl_error *err)
{
    for (int receives = 0;; receives++) {
        unsigned ready = 0;
        hyl_status half = check_unasked(raw, err);
        HYL_TRY(half);
        if (half == HYL_AGAIN) {
            HYL_TRY(wait_for(raw, HYL_WANT_READ, &ready, err));
        } else if (receives >= SETTLE_RECEIVES) {
            return HYL_OK;
        }
        hyl_status status = receive(raw, err);
        if (status < 0 || (status == HYL_AGAIN && half == HYL_OK)) {
            return status < 0 ? status : HYL_OK;
        }
    }
}

/*
 * Has the last of the requests, behind which nothing was sent, been answered before it was sent to its
 * end? What waits to be read had come by then. Whoever that answer was meant for, it is not that request's.
 */
static bool answered_too_soon(const hyl_raw *raw)
{
    hyl_bytes rest = unread(raw);
    hyl__frame_message message;
    size_t answers = 0;
    while (rest.len > 0 && next_unread(&rest, raw->frame.max_body, &message)) {
        answers += message.type == HYL_MSG_READY_FOR_QUERY;
    }
    return answers > 0 && answers >= raw->pending;
}

static hyl_status fail_too_soon(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_DESYNC,
                     "an answer came before the request was sent to its end: discard the "
                     "connection");
}

hyl_status hyl__raw_flush(hyl_raw *raw, hyl_error *err)
{
    if (raw->frame.out.failed) {
        return hyl__fail(err, HYL_ERR_NOMEM, "out of memory: the write buffer is not whole");
    }
    const bool was_free = raw->counted && hyl__raw_is_free(raw);
    bool ends_in_request = false;
    raw->counted = raw->counted && count_queued(raw, &raw->pending, &ends_in_request);
    raw->idle = raw->idle && hyl__frame_unsent(&raw->frame) == 0;
    hyl_status status = was_free && raw->counted && raw->pending > 0 ? settle(raw, err) : HYL_OK;
    if (status < 0) {
        return mark_unsent(raw, status, err);
    }
    HYL_TRY(send_queued(raw, err));
    bool asks = raw->counted && ends_in_request;
    return asks && answered_too_soon(raw) ? hyl__raw_mark(raw, fail_too_soon(err), err) : HYL_OK;
}

/* ---- Receiving ---- */

static void note_ready(hyl_raw *raw)
{
    raw->idle = true;
    raw->copy_in = false;
    raw->pending -= raw->pending > 0;
    raw->empty_answer = !raw->answered;
    raw->answered = false;
    raw->nudge_ms = 0;
}

/* Keeps what a message says about the session, whoever reads it. */
static hyl_status note(hyl_raw *raw, const hyl_msg *message, hyl_error *err)
{
    switch (message->type) {
    case HYL_MSG_READY_FOR_QUERY:
        note_ready(raw);
        return HYL_OK;
    case HYL_MSG_PARAMETER_STATUS:
        return hyl__parameters_set(&raw->parameters, message->as.parameter.name,
                                   message->as.parameter.value, err);
    case HYL_MSG_NOTICE_RESPONSE:
    case HYL_MSG_NOTIFICATION_RESPONSE:
        return HYL_OK;
    case HYL_MSG_BACKEND_KEY_DATA:
        raw->has_key = true;
        raw->process_id = message->as.key.process_id;
        raw->secret_key = message->as.key.secret_key;
        break;
    case HYL_MSG_COPY_IN_RESPONSE:
        raw->copy_in = true;
        /* The Sync that was sent before the data is swallowed. */
        raw->pending -= raw->extended && raw->pending > 0;
        break;
    case HYL_MSG_ERROR_RESPONSE:
        raw->copy_in = false;
        break;
    default:
        break;
    }
    raw->idle = false;
    raw->answered = true;
    raw->nudge_ms = 0;
    return HYL_OK;
}

enum { LAST_NUDGE_MS = 30000 };

/*
 * The server does not stop. main.0.0.26963 overlooks a CopyFail that comes while it still compiles
 * its CSV parser, and answers once a further message makes it look again: it gets a Flush. A cancel
 * may have come before the statement had begun, and is sent again: nothing else can be under way.
 */
static hyl_status nudge(hyl_raw *raw, hyl_error *err)
{
    if (raw->cancelled) {
        return hyl__raw_cancel(raw) ? HYL_OK : fail_timeout(err);
    }
    HYL_TRY(hyl_enc_flush(&raw->frame.out, err));
    return send_queued(raw, err);
}

/* Waits for something to read. What was asked to stop is asked again, after ever longer pauses. */
static hyl_status wait_to_read(hyl_raw *raw, hyl_error *err)
{
    for (;;) {
        unsigned ready = 0;
        const int64_t deadline = raw->deadline;
        int64_t nudge_at = raw->nudge_ms > 0 ? hyl__deadline_in(raw->nudge_ms) : HYL__NO_DEADLINE;
        raw->deadline = nudge_at < deadline ? nudge_at : deadline;
        hyl_status status = wait_for(raw, HYL_WANT_READ, &ready, err);
        raw->deadline = deadline;
        if (status != HYL_ERR_TIMEOUT || nudge_at >= deadline) {
            return status;
        }
        HYL_TRY(nudge(raw, err));
        raw->nudge_ms = raw->nudge_ms < LAST_NUDGE_MS ? raw->nudge_ms * 2 : 0;
    }
}

static hyl_status next_frame(hyl_raw *raw, hyl__frame_message *out, hyl_error *err)
{
    for (;;) {
        hyl_status status = hyl__frame_next(&raw->frame, out, err);
        if (status != HYL_AGAIN) {
            return status;
        }
        status = receive(raw, err);
        if (status == HYL_AGAIN) {
            status = wait_to_read(raw, err);
        }
        HYL_TRY(status);
    }
}

hyl_status hyl__raw_next(hyl_raw *raw, hyl_msg *out, hyl_error *err)
{
    hyl__frame_message frame;
    hyl_status status = next_frame(raw, &frame, err);
    if (status == HYL_OK) {
        raw->body = frame.body;
        status = hyl_msg_parse(frame.type, frame.body, out, err);
    }
    if (status == HYL_OK) {
        status = note(raw, out, err);
    }
    return status == HYL_OK ? HYL_OK : hyl__raw_mark(raw, status, err);
}
