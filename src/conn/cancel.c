#include "conn.h"

#include "base/clock.h"
#include "base/error.h"
#include "cancel_request.h"

hyl_status hyl__conn_send_cancel(hyl_conn *conn, int64_t deadline, hyl_error *err)
{
    if (!conn->session.has_key || conn->settings.endpoint.kind == HYL_ENDPOINT_NONE) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED, "this connection cannot be cancelled");
    }
    hyl_transport transport = {NULL, NULL};
    HYL_TRY(hyl_transport_open(&conn->settings.endpoint, deadline, &transport, err));
    hyl_status status = hyl__cancel_request(&transport, conn->session.process_id,
                                            conn->session.secret_key, deadline, err);
    hyl_transport_close(&transport);
    if (status < 0) {
        /* Sent perhaps, and not known to be dealt with: it might hit a later statement. */
        conn->cancel_unsettled = true;
    }
    return status;
}

hyl_status hyl_conn_cancel(hyl_conn *conn, int64_t timeout_ms, hyl_error *err)
{
    if (conn->closed) {
        return hyl__fail(err, HYL_ERR_CLOSED, "the connection is closed");
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

/* Reads to READY within the deadline and `limit` bytes. OK; or an error. */
static hyl_status drain(hyl_conn *conn, uint64_t limit, hyl_error *err)
{
    uint64_t start = conn->received;
    hyl__event event;
    do {
        HYL_TRY(hyl__conn_event(conn, &event, err));
        if (event.type == HYL__EVENT_COPY_IN) {
            /*
             * The statement had only just turned out to be a COPY FROM STDIN: the server waits for
             * us.
             */
            HYL_TRY(hyl__session_copy_fail(&conn->session, "abandoned by the client", err));
        }
        if (conn->received - start > limit) {
            return hyl__fail(err, HYL_ERR_LIMIT, "more than %llu bytes were still to come",
                             (unsigned long long)limit);
        }
    } while (event.type != HYL__EVENT_READY);
    return HYL_OK;
}

hyl_status hyl__conn_abandon(hyl_conn *conn, hyl_error *err)
{
    conn->abandoned = false;
    conn->child = NULL;
    if (conn->closed) {
        return hyl__fail(err, HYL_ERR_CLOSED, "the connection is closed");
    }
    if (conn->desync) {
        return hyl__fail(err, HYL_ERR_DESYNC, "the connection is desynchronised; discard it");
    }
    if (hyl__session_idle(&conn->session)) {
        return HYL_OK;
    }
    hyl_error why = HYL_ERROR_INIT;
    conn->deadline = hyl__deadline_in(conn->settings.drain_timeout_ms);
    hyl_status status = ask_to_stop(conn, conn->deadline, &why);
    /* A cancel that could not be sent is no reason to give up: the rest may be short. */
    status = drain(conn, conn->settings.drain_limit, status < 0 ? NULL : &why);
    conn->cancel_sent = false;
    hyl__conn_clear_diag(conn);
    if (status == HYL_OK && !conn->cancel_unsettled) {
        return HYL_OK;
    }
    if (conn->closed) {
        return hyl__fail(err, HYL_ERR_CLOSED,
                         "the connection closed while an abandoned request was drained");
    }
    hyl__conn_mark_desync(conn, HYL_ERR_DESYNC);
    return hyl__fail(err, HYL_ERR_DESYNC,
                     "an abandoned request could not be drained (%s); discard the connection",
                     why.message[0] != '\0' ? why.message : hyl_status_text(status));
}

/* How long a cancel may take that nobody waits for. */
enum { CANCEL_TIMEOUT_MS = 1000 };

void hyl__conn_abandon_later(hyl_conn *conn)
{
    conn->child = NULL;
    if (conn->closed || conn->desync || hyl__session_idle(&conn->session)) {
        return;
    }
    conn->abandoned = true;
    if (conn->session.phase != HYL__PHASE_COPY_IN) {
        (void)ask_to_stop(conn, hyl__deadline_in(CANCEL_TIMEOUT_MS), NULL);
    }
}

hyl_status hyl__conn_recover(hyl_conn *conn, hyl_status status)
{
    if (status == HYL_ERR_TIMEOUT || status == HYL_ERR_NOMEM || status == HYL_ERR_LIMIT) {
        (void)hyl__conn_abandon(conn, NULL);
    }
    return status;
}
