/*
 * The user's connection from the inside: what results and COPY (src/data) and the server handle
 * (src/admin) use.
 *
 * A connection is reference-counted: a result keeps its connection's core alive, so that it turns
 * into CLOSED, not into a dangling pointer, where the connection is freed first.
 */
#ifndef HYL_CONN_CONN_H
#define HYL_CONN_CONN_H

#include <hyperline/hyperline.h>

#include "cancel_request.h"
#include "config.h"
#include "parameters.h"
#include "wire/session.h"

struct hyl_conn {
    size_t refs;
    hyl_transport transport;
    hyl__session session;
    hyl_config *config; /* own copy; `settings` views it */
    hyl__settings settings;

    bool closed;
    bool desync;
    bool hyper_rows;    /* a simple query's rows are HyperBinary, whatever RowDescription says */
    bool made_database; /* by hyl__conn_attach */
    bool abandoned;     /* the request under way was given up: it is drained before the next one */
    bool cancel_sent;   /* and the server was told to stop already */
    bool draining;      /* an abandoned request: idle_timeout does not count */
    bool spoilt;    /* a call has failed while its request was under way: so does a transaction */
    bool completed; /* the request that was drained last had been done to its end */
    bool had_rows;  /* and had rows, or a COPY's data, which are lost */
    char drained_tag[64];   /* and what the server said then */
    hyl_status write_error; /* of the transport; what was to be sent is lost */
    bool cancel_unsettled;  /* a cancel was sent that may still hit a later statement */
    const char *child;      /* what is open ("a result", "a COPY"), NULL where nothing is */
    int64_t deadline;       /* of the call under way, on hyl__now_ms's clock */
    int64_t login_deadline; /* of hyl_connect */
    uint64_t received;      /* bytes, over the connection's life */
    int64_t received_at;    /* when the last came, on hyl__now_ms's clock */
    uint64_t receive_limit; /* of `received`, while an abandoned request is drained */

    hyl_diag diag;
    bool has_diag;
    hyl_buf diag_text; /* the bytes that `diag` points to */

    hyl__parameters parameters;
    bool parameter_lost; /* there was no memory for one */

    hyl_notice_fn notice_fn;
    void *notice_ctx;
};

static inline bool hyl__conn_is_postgresql(const hyl_conn *conn)
{
    return conn->settings.dialect == HYL__DIALECT_POSTGRESQL;
}

/*
 * Makes a connection over a transport, which it owns from then on, and logs in. `config` is copied.
 * The session settings and the binary default format are asked for; the database is not attached.
 * Errors: those of hyl_connect. The transport is closed where it fails.
 */
hyl_status hyl__conn_open(const hyl_config *config, hyl_transport *transport, int64_t deadline,
                          hyl_conn **out, hyl_error *err);
void hyl__conn_retain(hyl_conn *conn);
void hyl__conn_release(hyl_conn *conn);

/* ---- Requests (request.c) ---- */

/*
 * Errors: CLOSED, DESYNC, where the connection cannot be used any more.
 */
hyl_status hyl__conn_check(const hyl_conn *conn, hyl_error *err);

/*
 * Makes the connection ready for a request: checks that it is open, in step and not busy, drains
 * what was abandoned, forgets the last diagnosis and sets the deadline.
 * Errors: CLOSED, DESYNC, BUSY, and those of the drain.
 */
hyl_status hyl__conn_begin(hyl_conn *conn, hyl_error *err);

typedef struct hyl__statement {
    hyl_str sql; /* the whole text, so that the server's positions are those of the user's text */
    hyl__statement_kind kind;
    bool has_rows; /* begins with a word after which it may return rows and can be described */
    hyl_str bare_values; /* the statement, where it is nothing but a list of VALUES; else empty */
} hyl__statement;

/*
 * Finds the one statement in `sql`.
 * Errors: ARG (several; a quote that is not closed).
 */
hyl_status hyl__statement_read(hyl_str sql, hyl__statement *out, hyl_error *err);

/*
 * The starts of all requests: what has come unasked is looked at (hyl__conn_settle), then the
 * request is queued.
 * Errors: those of hyl__conn_settle and of the session's functions.
 */
hyl_status hyl__conn_simple(hyl_conn *conn, hyl_str sql, hyl__statement_kind kind, hyl_error *err);
hyl_status hyl__conn_describe(hyl_conn *conn, hyl_str sql, hyl_error *err);
hyl_status hyl__conn_execute(hyl_conn *conn, const int16_t *formats, size_t count,
                             hyl__statement_kind kind, hyl_error *err);

/*
 * Queues the statement as a simple Query. A COMMIT in a failed transaction goes out as ROLLBACK:
 * *rolled_back then says so, and the caller reports it (hyl__fail_rolled_back) when the answer is
 * in.
 */
hyl_status hyl__conn_query(hyl_conn *conn, const hyl__statement *statement, bool *rolled_back,
                           hyl_error *err);
hyl_status hyl__fail_rolled_back(hyl_error *err);
/* The request that READY has ended was cut short (session.cut_short): CANCELLED, 57014. */
hyl_status hyl__fail_cut_short(hyl_error *err);

/* ---- The loop (loop.c) ---- */

/*
 * The blocking connection's one loop: sends what is queued, receives, waits, until there is an
 * event that concerns a request. Notices, parameters and notifications are dealt with inside. On an
 * ERROR event the diagnosis is stored.
 * Errors: TIMEOUT (the deadline, idle_timeout) and LIMIT (receive_limit; in both cases the request
 * is still under way), CLOSED, IO (the connection is closed then), PROTOCOL (it is out of step then), AUTH, NOMEM.
 */
hyl_status hyl__conn_event(hyl_conn *conn, hyl__event *event, hyl_error *err);
/*
 * Before a request, while nothing is under way: takes in what has arrived, without waiting. Nothing
 * may come unasked but notices, parameters and notifications; an answer would be taken for that of
 * the request. A message's half that may be an error is waited for.
 * Errors: DESYNC (an answer has come: the connection is out of step then), CLOSED (the server has
 * ended the connection; its last words are the message), TIMEOUT, and those of hyl__conn_event.
 */
hyl_status hyl__conn_settle(hyl_conn *conn, hyl_error *err);
/*
 * Sends all that is queued, and takes in what arrives meanwhile where the peer does not read: two
 * peers that both only write would wait for each other for ever.
 * Errors: as hyl__conn_event; LIMIT (max_unread).
 */
hyl_status hyl__conn_flush(hyl_conn *conn, hyl_error *err);
/*
 * For loops that may never wait: has the deadline of the call under way passed?
 * Errors: TIMEOUT.
 */
hyl_status hyl__conn_check_deadline(const hyl_conn *conn, hyl_error *err);
/*
 * hyl__conn_event without waiting: AGAIN where there is no event yet. Of a connection that is
 * closed: what was received before.
 */
hyl_status hyl__conn_poll(hyl_conn *conn, hyl__event *event, hyl_error *err);

/*
 * Reads to READY and drops everything; the first error that comes is the result.
 * Errors: SERVER, and those of hyl__conn_event.
 */
hyl_status hyl__conn_finish(hyl_conn *conn, hyl_error *err);
/*
 * Gives the request under way up: CopyFail or a cancel, then a drain within drain_timeout and
 * drain_limit. OK where the connection is ready again.
 * Errors: DESYNC (for good), CLOSED, IO.
 */
hyl_status hyl__conn_abandon(hyl_conn *conn, hyl_error *err);
/*
 * The same for the rest of an answer that was being read: inside an open transaction, which a cancel
 * would fail, the rest is read where it is short. Where `until` comes before drain_timeout has
 * passed, what is left is left to the next request.
 * Errors: as above; TIMEOUT (`until` has come).
 */
hyl_status hyl__conn_abandon_rest(hyl_conn *conn, int64_t until, hyl_error *err);
/*
 * Asks the server to stop, and leaves the drain to the next request; inside an open transaction,
 * both. Does nothing where no request is under way. Never fails.
 */
void hyl__conn_abandon_later(hyl_conn *conn);
/* Of a connection that ends: asks the server to stop where hyl__conn_abandon_later has not. */
void hyl__conn_stop_abandoned(hyl_conn *conn);
/*
 * After an ERROR event: fills `err` from the diagnosis and reads on to READY. Returns the status of
 * the error, whatever becomes of the rest.
 */
hyl_status hyl__conn_end_failed(hyl_conn *conn, hyl_error *err);
/*
 * After a call that failed with `status`: a request that is still under way (the deadline passed,
 * say) is given up, so that the connection is ready again or marked. The call does not last much
 * longer for it: where the server has not stopped soon, the next request waits for that. An open
 * transaction has failed. Says in the flags of `err` where the connection is lost, and in its message
 * where the statement was done all the same. Returns `status`.
 */
hyl_status hyl__conn_recover(hyl_conn *conn, hyl_status status, hyl_error *err);
/*
 * After that: was the statement done and is nothing lost, so that the call has not failed but come
 * late? Then the transaction has not failed either; conn->drained_tag is what the server said. Rows are
 * lost where the call `wants_rows`.
 */
bool hyl__conn_came_late(hyl_conn *conn, hyl_status status, bool wants_rows);

/*
 * The connection is out of step for good, or closed for good; both keep `err` and return its
 * status.
 */
hyl_status hyl__conn_mark_desync(hyl_conn *conn, hyl_status status);
hyl_status hyl__conn_mark_closed(hyl_conn *conn, hyl_status status);

/*
 * Sends a CancelRequest over a second connection and waits until the server closes it, so that it
 * cannot hit a later statement.
 * Errors: IO, TIMEOUT, UNSUPPORTED (the connection's transport has no endpoint to go to, or the
 * server gave no key).
 */
hyl_status hyl__conn_send_cancel(hyl_conn *conn, int64_t deadline, hyl_error *err);
/* Errors: UNSUPPORTED, as above. */
hyl_status hyl__conn_cancel_target(const hyl_conn *conn, hyl__cancel_target *out, hyl_error *err);

/* ---- Diagnosis (diag.c) ---- */

/* Stores the server's error; NOMEM leaves texts out. */
void hyl__conn_set_diag(hyl_conn *conn, const hyl_msg_diag *message);
void hyl__conn_clear_diag(hyl_conn *conn);
/* Fills `err` from the stored diagnosis. Returns SERVER, or CANCELLED for SQLSTATE 57014. */
hyl_status hyl__conn_fail_server(const hyl_conn *conn, hyl_error *err);
void hyl__conn_notice(hyl_conn *conn, const hyl_msg_diag *diag);

/* ---- The database (database.c) ---- */

/*
 * Attaches the config's database as its create mode says.
 * Errors: those of hyl_connect.
 */
hyl_status hyl__conn_attach(hyl_conn *conn, hyl_error *err);

#endif
