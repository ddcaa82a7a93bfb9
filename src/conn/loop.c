/*
 * The blocking connection's loop. The engine (src/wire/session) says what it has to send and what
 * it makes of what was received; the transport says what is possible now; this file is all that
 * stands between them.
 */
#include "conn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "net/socket.h"
#include "wire/decode.h"

hyl_status hyl__conn_mark_desync(hyl_conn *conn, hyl_status status)
{
    conn->desync = true;
    return status;
}

hyl_status hyl__conn_mark_closed(hyl_conn *conn, hyl_status status)
{
    if (!conn->closed) {
        conn->closed = true;
        hyl__log(HYL_LOG_WARN, "connection-closed", NULL, 0);
        hyl_transport_close(&conn->transport);
    }
    return status;
}

/* The end of the stream, with what the server's owner knows of it. */
static hyl_status fail_closed(hyl_conn *conn, hyl_error *err)
{
    char why[256] = "";
    if (conn->settings.why_gone != NULL &&
        conn->settings.why_gone(conn->settings.why_gone_ctx, why, sizeof why)) {
        hyl__fail(err, HYL_ERR_CLOSED, "the server closed the connection: %s", why);
    } else {
        hyl__fail(err, HYL_ERR_CLOSED, "the server closed the connection");
    }
    if (err != NULL) {
        memcpy(err->sqlstate, "08006", sizeof err->sqlstate);
    }
    hyl__error_flag(err, HYL_ERR_CLOSED, HYL_ERROR_CONNECTION_LOST);
    return hyl__conn_mark_closed(conn, HYL_ERR_CLOSED);
}

static hyl_status fail_io(hyl_conn *conn, hyl_status status, hyl_error *err)
{
    if (status == HYL_ERR_CLOSED) {
        return fail_closed(conn, err);
    }
    if (err != NULL) {
        memcpy(err->sqlstate, "08006", sizeof err->sqlstate);
    }
    hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
    return hyl__conn_mark_closed(conn, status);
}

static hyl_status fail_deadline(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_TIMEOUT, "the server did not answer before the deadline");
}

hyl_status hyl__conn_check_deadline(const hyl_conn *conn, hyl_error *err)
{
    return hyl__deadline_left(conn->deadline) == 0 ? fail_deadline(err) : HYL_OK;
}

/* Receives once, whatever the time: what has come in time counts. OK, AGAIN, LIMIT, or closed. */
static hyl_status receive(hyl_conn *conn, hyl_error *err)
{
    uint8_t *at = NULL;
    size_t cap = 0;
    size_t got = 0;
    if (conn->received >= conn->receive_limit) {
        return hyl__fail(err, HYL_ERR_LIMIT, "more is to come than may be drained");
    }
    if (hyl__frame_recv_window(&conn->session.frame, &at, &cap) < 0) {
        hyl_status status = hyl__fail_nomem(err);
        hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
        return hyl__conn_mark_desync(conn, status);
    }
    hyl_status status = conn->transport.ops->read(conn->transport.self, at, cap, &got, err);
    if (status == HYL_OK) {
        hyl__frame_recv_commit(&conn->session.frame, got);
        conn->received += got;
        conn->received_at = hyl__now_ms();
    } else if (status == HYL_DONE) {
        return fail_closed(conn, err);
    } else if (status < 0) {
        return fail_io(conn, status, err);
    }
    return status;
}

/*
 * Sends as much as the peer takes now. OK where nothing is left, AGAIN where something is. A write
 * error waits (meet_write_error): what the server said before it closed is more telling.
 */
static hyl_status send_some(hyl_conn *conn)
{
    hyl__frame *frame = &conn->session.frame;
    while (hyl__frame_unsent(frame) > 0) {
        hyl_iovec iov[HYL__FRAME_MAX_IOVEC];
        int count = hyl__frame_send_window(frame, iov);
        size_t put = 0;
        hyl_status status =
            conn->transport.ops->writev(conn->transport.self, iov, count, &put, NULL);
        if (status == HYL_AGAIN) {
            return HYL_AGAIN;
        }
        if (status < 0) {
            conn->write_error = status;
            conn->session.unsendable = true;
        }
        hyl__frame_send_commit(frame, status < 0 ? hyl__frame_unsent(frame) : put);
    }
    return HYL_OK;
}

/* Nothing more can be read, and what was to be sent is lost: there is nothing to wait for. */
static hyl_status meet_write_error(hyl_conn *conn, hyl_error *err)
{
    if (conn->write_error == HYL_ERR_CLOSED) {
        return fail_closed(conn, err);
    }
    hyl__fail(err, conn->write_error, "writing to the server failed");
    return fail_io(conn, conn->write_error, err);
}

/*
 * When a wait ends: at the deadline, or where the server says nothing for too long. A drain has
 * its own deadline.
 */
static int64_t wait_until(const hyl_conn *conn)
{
    int64_t silent = hyl__deadline_in(conn->settings.idle_timeout_ms);
    return !conn->draining && silent < conn->deadline ? silent : conn->deadline;
}

static hyl_status fail_wait(const hyl_conn *conn, int64_t until, hyl_error *err)
{
    if (until == conn->deadline) {
        return fail_deadline(err);
    }
    return hyl__fail(err, HYL_ERR_TIMEOUT,
                     "nothing came from the server for %lld ms (idle_timeout)",
                     (long long)conn->settings.idle_timeout_ms);
}

static hyl_status wait_for(hyl_conn *conn, unsigned wants, unsigned *ready, hyl_error *err)
{
    int64_t until = wait_until(conn);
    hyl__socket_expect(&conn->transport, hyl__frame_expected(&conn->session.frame));
    hyl_status status = conn->transport.ops->wait(conn->transport.self, wants, until, ready, err);
    if (status == HYL_ERR_TIMEOUT) {
        return fail_wait(conn, until, err);
    }
    return status < 0 ? fail_io(conn, status, err) : status;
}

/* Waits for what is possible first of `wants`, and receives where that is reading. */
static hyl_status wait_and_receive(hyl_conn *conn, unsigned wants, hyl_error *err)
{
    unsigned ready = 0;
    HYL_TRY(wait_for(conn, wants, &ready, err));
    if ((ready & HYL_WANT_READ) == 0) {
        /* A server that takes a little now and then holds nobody beyond the deadline. */
        return hyl__conn_check_deadline(conn, err);
    }
    hyl_status status = receive(conn, err);
    return status == HYL_AGAIN ? HYL_OK : status;
}

/*
 * One step towards an event: sends what it can, then receives, waiting where nothing is there yet.
 * What was received before is dealt with, and was not enough: a server that never pauses is never
 * waited for, and the deadline holds for it too.
 */
static hyl_status step(hyl_conn *conn, hyl_error *err)
{
    unsigned wants = HYL_WANT_READ;
    bool sends = hyl__frame_unsent(&conn->session.frame) > 0;
    if (sends) {
        wants |= send_some(conn) == HYL_AGAIN ? (unsigned)HYL_WANT_WRITE : 0;
    }
    HYL_TRY(hyl__conn_check_deadline(conn, err));
    if (sends && conn->write_error == HYL_OK) {
        /* Right after a request there is nothing to read yet: wait first. */
        return wait_and_receive(conn, wants, err);
    }
    /* While rows stream there mostly is: read first. */
    hyl_status status = receive(conn, err);
    if (status != HYL_AGAIN) {
        return status;
    }
    return conn->write_error < 0 ? meet_write_error(conn, err) : wait_and_receive(conn, wants, err);
}

/* Without memory the old value stays. More than there may be is not passed over: what it is, is lost. */
static hyl_status take_parameter(hyl_conn *conn, const hyl_msg *message, hyl_error *err)
{
    hyl_status status = hyl__parameters_set(&conn->parameters, message->as.parameter.name,
                                            message->as.parameter.value, err);
    conn->parameter_lost = conn->parameter_lost || status == HYL_ERR_NOMEM;
    return status == HYL_ERR_NOMEM ? HYL_OK : status;
}

static bool concerns_request(hyl_conn *conn, const hyl__event *event)
{
    switch (event->type) {
    case HYL__EVENT_NOTICE:
        hyl__conn_notice(conn, &event->message.as.diag);
        return false;
    case HYL__EVENT_PARAMETER: /* taken before (take_event) */
    case HYL__EVENT_NOTIFICATION:
        return false;
    case HYL__EVENT_ERROR:
        hyl__conn_set_diag(conn, &event->message.as.diag);
        return true;
    default:
        return true;
    }
}

/* The next event of a request among what was received. AGAIN where there is none. */
static hyl_status take_event(hyl_conn *conn, hyl__event *event, hyl_error *err)
{
    hyl_status status = HYL_OK;
    do {
        status = hyl__session_next(&conn->session, event, err);
        if (status == HYL_OK && event->type == HYL__EVENT_PARAMETER) {
            status = take_parameter(conn, &event->message, err);
        }
    } while (status == HYL_OK && !concerns_request(conn, event));
    if (status < 0) {
        hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
        return hyl__conn_mark_desync(conn, status);
    }
    return status;
}

hyl_status hyl__conn_event(hyl_conn *conn, hyl__event *event, hyl_error *err)
{
    for (;;) {
        hyl_status status = take_event(conn, event, err);
        if (status == HYL_OK && event->type == HYL__EVENT_WORK) {
            HYL_TRY(hyl__conn_check_deadline(conn, err));
            continue;
        }
        if (status != HYL_AGAIN) {
            return status;
        }
        if (conn->closed) {
            return hyl__conn_check(conn, err);
        }
        HYL_TRY(step(conn, err));
    }
}

/* ---- Between requests ---- */

static hyl_status set_status(hyl_error *err, hyl_status status)
{
    if (err != NULL) {
        err->status = status;
    }
    return hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
}

static hyl_status fail_unasked(hyl_conn *conn, const char *what, hyl_error *err)
{
    hyl__fail(err, HYL_ERR_DESYNC,
              "an answer came where nothing was asked (%s): discard the connection", what);
    return hyl__conn_mark_desync(conn, set_status(err, HYL_ERR_DESYNC));
}

/* Where it ends the connection it is the server's last word; any other is somebody's answer. */
static hyl_status fail_unasked_error(hyl_conn *conn, hyl_error *err)
{
    if (!hyl__diag_is_fatal(hyl_str_of(conn->diag.severity))) {
        return fail_unasked(conn, conn->diag.message, err);
    }
    (void)hyl__conn_fail_server(conn, err);
    hyl__error_prefix(err, "the server closed the connection");
    return hyl__conn_mark_closed(conn, set_status(err, HYL_ERR_CLOSED));
}

/* Takes the whole messages that were received. */
static hyl_status take_unasked(hyl_conn *conn, hyl_error *err)
{
    hyl__event event;
    hyl_error why = HYL_ERROR_INIT;
    hyl_status status = take_event(conn, &event, &why);
    if (status == HYL_OK) {
        return fail_unasked_error(conn, err);
    }
    if (status == HYL_ERR_PROTOCOL) {
        return fail_unasked(conn, why.message, err);
    }
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status < 0 ? status : HYL_OK;
}

/* The type of a message of which a part has come; 0 where there is none. */
static uint8_t begun_message(const hyl_conn *conn)
{
    const uint8_t *head = hyl__frame_peek(&conn->session.frame, 1);
    return head != NULL ? head[0] : 0;
}

/* How often is received before one request, at most: a server may send notices without end. */
enum { SETTLE_RECEIVES = 8 };

hyl_status hyl__conn_settle(hyl_conn *conn, hyl_error *err)
{
    HYL_TRY(hyl__conn_check(conn, err));
    for (int receives = 0; hyl__session_idle(&conn->session); receives++) {
        HYL_TRY(take_unasked(conn, err));
        uint8_t begun = begun_message(conn);
        if (begun == HYL_MSG_ERROR_RESPONSE) {
            HYL_TRY(wait_and_receive(conn, HYL_WANT_READ, err));
            continue;
        }
        if (begun != 0 && !hyl__msg_is_asynchronous(begun)) {
            return fail_unasked(conn, hyl_msg_name(begun), err);
        }
        hyl_status status = receives < SETTLE_RECEIVES ? receive(conn, err) : HYL_AGAIN;
        if (status != HYL_OK) {
            return status == HYL_AGAIN ? HYL_OK : status;
        }
    }
    return HYL_OK; /* another request is under way, which the session refuses */
}

/* ---- Sending ---- */

/* The peer takes nothing now: waits, and takes in what it sends meanwhile, within max_unread. */
static hyl_status wait_to_send(hyl_conn *conn, hyl_error *err)
{
    const hyl__frame *frame = &conn->session.frame;
    if (frame->len - frame->pos >= conn->settings.max_unread) {
        return hyl__fail(err, HYL_ERR_LIMIT,
                         "the server sent over %llu bytes while it took none (max_unread)",
                         (unsigned long long)conn->settings.max_unread);
    }
    HYL_TRY(hyl__conn_check_deadline(conn, err));
    return wait_and_receive(conn, HYL_WANT_READ | HYL_WANT_WRITE, err);
}

hyl_status hyl__conn_flush(hyl_conn *conn, hyl_error *err)
{
    while (!conn->closed && send_some(conn) == HYL_AGAIN) {
        HYL_TRY(wait_to_send(conn, err));
    }
    return conn->closed ? hyl__conn_check(conn, err) : HYL_OK;
}

hyl_status hyl__conn_poll(hyl_conn *conn, hyl__event *event, hyl_error *err)
{
    hyl_status status = take_event(conn, event, err);
    while (status == HYL_AGAIN && !conn->closed) {
        status = receive(conn, err);
        if (status == HYL_AGAIN && conn->write_error < 0) {
            return meet_write_error(conn, err);
        }
        if (status != HYL_OK) {
            return status;
        }
        status = take_event(conn, event, err);
        if (status == HYL_AGAIN) {
            HYL_TRY(hyl__conn_check_deadline(conn, err));
        }
    }
    return status;
}

hyl_status hyl__conn_finish(hyl_conn *conn, hyl_error *err)
{
    hyl_status result = HYL_OK;
    hyl__event event;
    do {
        hyl_status status = hyl__conn_event(conn, &event, result < 0 ? NULL : err);
        if (status < 0) {
            return result < 0 ? result : status;
        }
        if (event.type == HYL__EVENT_ERROR && result == HYL_OK) {
            result = hyl__conn_fail_server(conn, err);
        }
    } while (event.type != HYL__EVENT_READY);
    return result == HYL_OK && conn->session.cut_short ? hyl__fail_cut_short(err) : result;
}

hyl_status hyl__conn_end_failed(hyl_conn *conn, hyl_error *err)
{
    hyl_status status = hyl__conn_fail_server(conn, err);
    (void)hyl__conn_finish(conn, NULL);
    return status;
}
