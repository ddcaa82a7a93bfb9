/*
 * The raw connection's inside, shared by its files: raw.c (what it is), raw_io.c (bytes and
 * messages), raw_startup.c, raw_drain.c, raw_query.c, raw_copy.c.
 */
#ifndef HYL_CONN_RAW_H
#define HYL_CONN_RAW_H

#include <hyperline/raw.h>

#include "parameters.h"
#include "wire/auth.h"
#include "wire/frame.h"

struct hyl_raw {
    hyl_transport transport;
    hyl__frame frame;
    hyl_raw_opts opts;     /* with the defaults filled in */
    hyl__auth_rules rules; /* what a login may be like, as far as the options say it */
    bool default_binding;  /* they do not say it of channel binding */
    int64_t deadline;      /* of the call under way, on hyl__now_ms's clock */
    uint64_t received;     /* bytes, over the connection's life */

    bool desynchronised;
    bool dead; /* the stream ended or failed: nothing can be sent any more */
    bool cut;  /* a write failed inside a message: nothing may be sent any more */
    bool terminated;
    bool started;  /* a StartupMessage was sent */
    bool idle;     /* ReadyForQuery was the last that was read, and nothing was asked since */
    bool extended; /* the last request was one of the extended protocol */
    bool copy_in;  /* the server waits for data of a COPY */
    bool
        counted; /* all that was sent since the login is whole messages, so that `pending` is true */
    size_t pending;    /* how many ReadyForQuery are still to come */
    bool answered;     /* since the last of them something else has come */
    bool empty_answer; /* the last of them came alone */
    bool cancelled;    /* a cancel was sent for what is under way */
    int64_t nudge_ms;  /* what was asked to stop is asked again after so long; 0: nothing was */
    hyl_bytes body;    /* of the message read last; lives as long as its views */

    bool has_key;
    int32_t process_id;
    int32_t secret_key;
    hyl__parameters parameters;

    bool has_diag;
    hyl_msg_diag diag;
    hyl_buf diag_text; /* what `diag` views */
};

/* ---- raw.c ---- */

/* The connection is out of step for good. Flags `err` and returns `status`. */
hyl_status hyl__raw_mark(hyl_raw *raw, hyl_status status, hyl_error *err);
/*
 * The start of every call that sends: refuses an unhealthy connection, sets the deadline.
 * Errors: DESYNC, CLOSED.
 */
hyl_status hyl__raw_enter(hyl_raw *raw, hyl_error *err);
/* The same for a call that starts a request: forgets the last diagnosis too. */
hyl_status hyl__raw_enter_request(hyl_raw *raw, bool extended, hyl_error *err);

/* ---- raw_io.c ---- */

/* For loops that may never wait: TIMEOUT where the deadline of the call has passed. */
hyl_status hyl__raw_check_deadline(const hyl_raw *raw, hyl_error *err);
/* Sends all that waits, and takes in what arrives meanwhile. Marks where it fails. */
hyl_status hyl__raw_flush(hyl_raw *raw, hyl_error *err);
/*
 * Reads the next message and keeps what it says about the session. Marks where it fails. Lifetime
 * of the views: until the next call that reads.
 */
hyl_status hyl__raw_next(hyl_raw *raw, hyl_msg *out, hyl_error *err);
/* True where nothing is under way. */
bool hyl__raw_is_free(const hyl_raw *raw);
/* True where nothing is under way and nothing waits to be sent. */
bool hyl__raw_is_idle(const hyl_raw *raw);
/*
 * The start of a call that reads its whole answer itself: what is read next must be that answer.
 * Errors: BUSY (another answer comes first). An unhealthy connection is left to hyl__raw_enter.
 */
hyl_status hyl__raw_check_free(const hyl_raw *raw, hyl_error *err);

/* ---- raw_drain.c ---- */

/*
 * Asks the server by a second connection to stop. False where the cancel may still hit a later
 * request.
 */
bool hyl__raw_cancel(hyl_raw *raw);
/* hyl_raw_consume_error within the deadline of the call under way. */
hyl_status hyl__raw_consume_error(hyl_raw *raw, const hyl_msg_diag *diag, hyl_error *err);
/*
 * Ends a request whose answer is not wanted any more because of `status`, which `err` tells: after
 * it the connection is in step or marked. Returns `status`.
 */
hyl_status hyl__raw_give_up(hyl_raw *raw, hyl_status status, hyl_error *err);
/*
 * Queues CopyDone, or CopyFail where there is a `reason`, and the Sync that the extended protocol
 * wants behind it; sends it.
 */
hyl_status hyl__raw_end_copy_in(hyl_raw *raw, const char *reason, hyl_error *err);
/*
 * Reads the next message of an answer. An ErrorResponse becomes the error (SERVER, drained). A
 * CopyInResponse too, if the caller does not `want` one: the server would wait for data for ever,
 * so that the COPY is failed (PROTOCOL, with the connection in step).
 */
hyl_status hyl__raw_next_answer(hyl_raw *raw, bool wants_copy_in, hyl_msg *out, hyl_error *err);

/* ---- raw_query.c ---- */

/* Sends a Query as a request. The one start of simple queries and COPY statements. */
hyl_status hyl__raw_send_query(hyl_raw *raw, hyl_str sql, hyl_error *err);

#endif
