#include "conn.h"

#include "base/clock.h"
#include "base/error.h"

hyl_status hyl__conn_cancel_target(const hyl_conn *conn, hyl__cancel_target *out, hyl_error *err)
{
    if (!conn->session.has_key || conn->settings.endpoint.kind == HYL_ENDPOINT_NONE) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED, "this connection cannot be cancelled");
    }
    *out = (hyl__cancel_target){conn->settings.endpoint, conn->settings.tls,
                                conn->session.process_id, conn->session.secret_key};
    return HYL_OK;
}

hyl_status hyl__conn_send_cancel(hyl_conn *conn, int64_t deadline, hyl_error *err)
{
    hyl__cancel_target target;
    HYL_TRY(hyl__conn_cancel_target(conn, &target, err));
    return hyl__cancel(&target, deadline, &conn->cancel_unsettled, err);
}

hyl_status hyl_conn_cancel(hyl_conn *conn, int64_t timeout_ms, hyl_error *err)
{
    if (conn->closed) {
        return hyl__conn_check(conn, err);
    }
    hyl_status status = hyl__conn_send_cancel(conn, hyl__deadline_in(timeout_ms), err);
    return conn->cancel_unsettled ? hyl__conn_mark_desync(conn, status) : status;
}

/* A CopyIn is given up by CopyFail, everything else by a cancel. */
static hyl_status ask_to_stop(hyl_conn *conn, int64_t deadline, hyl_error *err)
{
    if (conn->session.phase == HYL__PHASE_COPY_IN) {
        return hyl__session_copy_fail(&conn->session, "abandoned by the client", err);
    }
    bool nearly_over = conn->session.phase == HYL__PHASE_SYNC ||
                       conn->session.phase == HYL__PHASE_FAILED ||
                       conn->session.phase == HYL__PHASE_COPY_IN_DONE;
    if (nearly_over || conn->cancel_sent) {
        return HYL_OK;
    }
    conn->cancel_sent = true;
    return hyl__conn_send_cancel(conn, deadline, err);
}

enum { FIRST_NUDGE_MS = 50 };

/*
 * The server does not stop. main.0.0.26963 overlooks a CopyFail that comes while it still compiles
 * its CSV parser, and answers once a further message makes it look again: it gets a Flush. A cancel
 * may have come before the statement had begun, and is sent again: nothing else can be under way.
 */
static hyl_status nudge(hyl_conn *conn, int64_t deadline, hyl_error *err)
{
    if (conn->session.phase == HYL__PHASE_COPY_IN_DONE) {
        return hyl__session_flush(&conn->session, err);
    }
    if (conn->cancel_sent) {
        (void)!hyl__conn_send_cancel(conn, deadline, NULL);
    }
    return HYL_OK;
}

/*
 * The next event before the deadline. A server that does not stop is nudged, first after a short
 * while, then in ever longer ones.
 */
static hyl_status next_event(hyl_conn *conn, int64_t deadline, hyl__event *event, hyl_error *err)
{
    int64_t pause = FIRST_NUDGE_MS;
    for (;;) {
        int64_t nudge_at = hyl__now_ms() + pause;
        conn->deadline = nudge_at < deadline ? nudge_at : deadline;
        hyl_status status = hyl__conn_event(conn, event, err);
        if (status != HYL_ERR_TIMEOUT || conn->deadline == deadline) {
            return status;
        }
        HYL_TRY(nudge(conn, deadline, err));
        pause *= 2;
    }
}

/* What the request that is drained comes to. */
static void note_outcome(hyl_conn *conn, const hyl__event *event)
{
    hyl_str tag = {"", 0};
    switch (event->type) {
    case HYL__EVENT_COMPLETE:
        tag = event->message.as.tag;
        break;
    case HYL__EVENT_EMPTY:
        break;
    case HYL__EVENT_ROW_DESCRIPTION:
    case HYL__EVENT_DATA_ROW:
    case HYL__EVENT_COPY_OUT:
        conn->had_rows = true;
        return;
    case HYL__EVENT_ERROR:
        conn->completed = false;
        return;
    default:
        return;
    }
    hyl__copy_text(conn->drained_tag, sizeof conn->drained_tag, tag.data, tag.len);
    conn->completed = true;
}

/* Reads to READY within the deadline. OK; or an error. */
static hyl_status read_to_ready(hyl_conn *conn, hyl_error *err)
{
    const int64_t deadline = conn->deadline;
    hyl__event event;
    do {
        HYL_TRY(next_event(conn, deadline, &event, err));
        note_outcome(conn, &event);
        if (event.type == HYL__EVENT_COPY_IN) {
            /*
             * The statement had only just turned out to be a COPY FROM STDIN: the server waits for
             * us.
             */
            HYL_TRY(hyl__session_copy_fail(&conn->session, "abandoned by the client", err));
        }
    } while (event.type != HYL__EVENT_READY);
    return HYL_OK;
}

/* The same within `limit` bytes as well; one window's more are read at most. */
static hyl_status drain(hyl_conn *conn, uint64_t limit, hyl_error *err)
{
    conn->draining = true;
    if (__builtin_add_overflow(conn->received, limit, &conn->receive_limit)) {
        conn->receive_limit = UINT64_MAX;
    }
    hyl_status status = read_to_ready(conn, err);
    conn->receive_limit = UINT64_MAX;
    conn->draining = false;
    return status;
}

static hyl_status fail_drain(hyl_conn *conn, const hyl_error *why, hyl_error *err)
{
    hyl_status status = HYL_ERR_CLOSED;
    if (conn->closed) {
        hyl__fail(err, status, "the connection closed while an abandoned request was drained");
    } else {
        status = hyl__conn_mark_desync(conn, HYL_ERR_DESYNC);
        hyl__fail(err, status,
                  "an abandoned request could not be drained (%s); discard the connection",
                  conn->cancel_unsettled ? "a cancel may still be on its way" : why->message);
    }
    return hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
}

/*
 * How much of an answer is read rather than cancelled: a megabyte takes a local server some
 * milliseconds. Never more than half of drain_limit, so that a drain is left.
 */
enum { SPARE_BYTES = 1048576 };

static uint64_t spare_bytes(const hyl_conn *conn)
{
    const uint64_t half_limit = conn->settings.drain_limit / 2;
    return half_limit < SPARE_BYTES ? half_limit : SPARE_BYTES;
}

/*
 * Is the answer's end among what has come already? Then there is nothing to cancel; a cancel while
 * nothing runs would fail an open transaction.
 */
static bool has_ended(hyl_conn *conn)
{
    hyl__event event;
    hyl_status status = HYL_AGAIN;
    /* What has yet to be sent, as a CopyFail, must leave before its answer counts. */
    if (conn->session.phase == HYL__PHASE_COPY_IN || hyl__frame_unsent(&conn->session.frame) > 0) {
        return false;
    }
    conn->deadline = HYL__NO_DEADLINE;
    conn->receive_limit = conn->received + 1 + spare_bytes(conn);
    do {
        status = hyl__conn_poll(conn, &event, NULL);
        if (status == HYL_OK) {
            note_outcome(conn, &event);
        }
    } while (status == HYL_OK && event.type != HYL__EVENT_READY &&
             event.type != HYL__EVENT_COPY_IN);
    conn->receive_limit = UINT64_MAX;
    return hyl__session_idle(&conn->session);
}

/* That it was cancelled is not what went wrong, unless the request had failed before. */
static void forget_cancel(hyl_conn *conn, bool had_failed)
{
    if (!had_failed) {
        hyl__conn_clear_diag(conn);
    }
}

/* And how long: who gives an answer up waits no longer. */
enum { SPARE_MS = 100 };

/* A cancel fails the transaction of the statement that it hits. */
static bool would_fail_transaction(const hyl_conn *conn)
{
    const hyl__session *session = &conn->session;
    return session->tx_status == 'T' && !session->tx_failed && !conn->cancel_sent &&
           session->phase != HYL__PHASE_COPY_IN && session->phase != HYL__PHASE_COPY_IN_DONE;
}

static int64_t sooner(int64_t deadline, int64_t other)
{
    return deadline < other ? deadline : other;
}

/*
 * Has the caller read nothing for so long that a cancel would lose the connection? main.0.0.26963
 * closes it where it is cancelled while it has been blocked for ten seconds, in the midst of a COPY.
 * What it could not send is read first, so that it is under way again.
 */
static bool is_blocked(const hyl_conn *conn)
{
    enum { BLOCKED_MS = 5000 };
    return conn->session.phase == HYL__PHASE_COPY_OUT && !conn->cancel_sent &&
           hyl__now_ms() - conn->received_at > BLOCKED_MS;
}

/* Reads to READY where that is not far. OK; TIMEOUT or LIMIT where it is; or an error. */
static hyl_status spare(hyl_conn *conn, uint64_t limit, int64_t until, hyl_error *err)
{
    const int64_t drain_timeout = conn->settings.drain_timeout_ms;
    const bool hurries = drain_timeout >= 0 && drain_timeout / 2 < SPARE_MS;
    conn->deadline = sooner(hyl__deadline_in(hurries ? drain_timeout / 2 : SPARE_MS), until);
    return drain(conn, limit, err);
}

static uint64_t left_of(uint64_t limit, uint64_t used)
{
    return limit > used ? limit - used : 0;
}

/* Tells the server to stop, and reads to READY within the deadline and `limit` bytes. */
static hyl_status stop_and_drain(hyl_conn *conn, int64_t deadline, uint64_t limit, hyl_error *why)
{
    conn->deadline = deadline;
    hyl_status status = ask_to_stop(conn, deadline, why);
    /*
     * A cancel that could not be sent is no reason to give up: the rest may be short. One that may
     * still hit is: nothing makes the connection whole.
     */
    if (conn->cancel_unsettled) {
        return status < 0 ? status : HYL_ERR_DESYNC;
    }
    return drain(conn, limit, status < 0 ? NULL : why);
}

/* Reads what is near, then stops the server and reads the rest. */
static hyl_status end_request(hyl_conn *conn, bool sparing, int64_t deadline, hyl_error *why)
{
    const uint64_t before = conn->received;
    const bool blocked = is_blocked(conn);
    if (!conn->cancel_sent && has_ended(conn)) {
        return HYL_OK;
    }
    hyl_status status = HYL_ERR_TIMEOUT;
    if (blocked || (sparing && would_fail_transaction(conn))) {
        const uint64_t limit = blocked ? conn->settings.drain_limit / 2 : spare_bytes(conn);
        status = spare(conn, left_of(limit, conn->received - before), deadline, why);
    }
    if (status == HYL_ERR_TIMEOUT || status == HYL_ERR_LIMIT) {
        const uint64_t used = conn->received - before;
        status = stop_and_drain(conn, deadline, left_of(conn->settings.drain_limit, used), why);
    }
    return status;
}

/* What a call has spoilt cannot be committed. */
static void fail_transaction(hyl_conn *conn)
{
    if (conn->spoilt && conn->session.tx_status == 'T') {
        conn->session.tx_failed = true;
    }
}

/* The connection is in step again. */
static void settle_abandoned(hyl_conn *conn)
{
    fail_transaction(conn);
    conn->completed = conn->completed && !conn->session.cut_short;
    conn->spoilt = false;
    conn->cancel_sent = false;
}

static hyl_status abandon(hyl_conn *conn, bool sparing, int64_t until, hyl_error *err)
{
    conn->abandoned = false;
    conn->child = NULL;
    conn->completed = false;
    conn->had_rows = false;
    HYL_TRY(hyl__conn_check(conn, err));
    if (hyl__session_idle(&conn->session)) {
        return HYL_OK;
    }
    bool had_failed = conn->session.phase == HYL__PHASE_FAILED;
    hyl_error why = HYL_ERROR_INIT;
    const int64_t deadline = hyl__deadline_in(conn->settings.drain_timeout_ms);
    hyl_status status = end_request(conn, sparing, sooner(deadline, until), &why);
    forget_cancel(conn, had_failed);
    if (status == HYL_OK && !conn->cancel_unsettled) {
        settle_abandoned(conn);
        return HYL_OK;
    }
    if (status == HYL_ERR_TIMEOUT && until < deadline && !conn->cancel_unsettled) {
        conn->abandoned = true;
        fail_transaction(conn);
        return hyl__fail(err, status,
                         "the statement before has been cancelled and has not stopped yet");
    }
    return fail_drain(conn, &why, err);
}

hyl_status hyl__conn_abandon(hyl_conn *conn, hyl_error *err)
{
    return abandon(conn, false, HYL__NO_DEADLINE, err);
}

hyl_status hyl__conn_abandon_rest(hyl_conn *conn, int64_t until, hyl_error *err)
{
    return abandon(conn, true, until, err);
}

void hyl__conn_abandon_later(hyl_conn *conn)
{
    conn->child = NULL;
    if (conn->closed || conn->desync || hyl__session_idle(&conn->session)) {
        return;
    }
    conn->abandoned = true;
    /* The next request reads first, and sees that too. */
    if (is_blocked(conn)) {
        return;
    }
    if (has_ended(conn)) {
        conn->abandoned = false;
    } else if (!would_fail_transaction(conn)) {
        hyl__conn_stop_abandoned(conn);
    }
}

/* How long a cancel may take that nobody waits for. */
enum { CANCEL_TIMEOUT_MS = 1000 };

void hyl__conn_stop_abandoned(hyl_conn *conn)
{
    if (conn->abandoned && !conn->closed && !conn->desync && !hyl__session_idle(&conn->session) &&
        conn->session.phase != HYL__PHASE_COPY_IN) {
        (void)ask_to_stop(conn, hyl__deadline_in(CANCEL_TIMEOUT_MS), NULL);
    }
}

/* How much longer than its deadline a call lasts at most, while it stops what it has begun. */
enum { GRACE_MS = 500 };

hyl_status hyl__conn_recover(hyl_conn *conn, hyl_status status, hyl_error *err)
{
    if (status >= 0) {
        return status;
    }
    const int64_t grace = hyl__deadline_in(GRACE_MS);
    conn->spoilt = conn->spoilt || !hyl__session_idle(&conn->session);
    const bool in_time = status != HYL_ERR_TIMEOUT && conn->deadline > grace;
    hyl_status ended = abandon(conn, false, in_time ? conn->deadline : grace, NULL);
    if (ended < 0 && ended != HYL_ERR_TIMEOUT) {
        hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
    } else if (ended == HYL_OK && conn->completed) {
        hyl__error_append(err, "; it has done the statement all the same");
    }
    return status;
}

bool hyl__conn_came_late(hyl_conn *conn, hyl_status status, bool wants_rows)
{
    if (status != HYL_ERR_TIMEOUT || !conn->completed || (wants_rows && conn->had_rows)) {
        return false;
    }
    conn->completed = false;
    conn->session.tx_failed = false;
    return true;
}
