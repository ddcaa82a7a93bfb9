/*
 * The protocol engine of the user's connection, without I/O: takes requests and gives bytes to
 * send, takes received bytes and gives events. It knows which message may come when, and refuses
 * the rest.
 *
 * One request is under way at a time. A pipeline needs a queue of requests in place of `phase`;
 * nothing outside this file would see it.
 */
#ifndef HYL_WIRE_SESSION_H
#define HYL_WIRE_SESSION_H

#include "auth.h"
#include "frame.h"

typedef enum hyl__event_type {
    HYL__EVENT_NONE,
    HYL__EVENT_WORK,  /* of the login some work was done, more is left: a look at the clock */
    HYL__EVENT_READY, /* the request is over; the session is idle */
    HYL__EVENT_PARSE_COMPLETE,
    HYL__EVENT_ROW_DESCRIPTION, /* message.as.description */
    HYL__EVENT_NO_DATA,
    HYL__EVENT_DATA_ROW,     /* body: cells still to be parsed */
    HYL__EVENT_COMPLETE,     /* message.as.tag */
    HYL__EVENT_EMPTY,        /* the statement was empty */
    HYL__EVENT_ERROR,        /* message.as.diag; READY follows */
    HYL__EVENT_NOTICE,       /* message.as.diag */
    HYL__EVENT_PARAMETER,    /* message.as.parameter */
    HYL__EVENT_NOTIFICATION, /* message.as.notification */
    HYL__EVENT_COPY_IN,      /* the server waits for data */
    HYL__EVENT_COPY_OUT,     /* data will come */
    HYL__EVENT_COPY_BODY,    /* a large CopyData begins: hyl__session_body_into may be called */
    HYL__EVENT_COPY_DATA,    /* body */
    HYL__EVENT_COPY_DONE
} hyl__event_type;

/* Lifetime: views in it, until the next call that receives. */
typedef struct hyl__event {
    hyl__event_type type;
    hyl_bytes body;  /* DATA_ROW, COPY_DATA */
    size_t body_len; /* COPY_BODY: how long it will be */
    hyl_msg message;
} hyl__event;

/* Where the request under way stands, which decides what may come. */
typedef enum hyl__phase {
    HYL__PHASE_NEW,     /* nothing was sent */
    HYL__PHASE_STARTUP, /* until AuthenticationOk */
    HYL__PHASE_SETUP,   /* then until the first ReadyForQuery */
    HYL__PHASE_IDLE,
    HYL__PHASE_QUERY,           /* a statement was sent, nothing is known of it */
    HYL__PHASE_PARSE,           /* Parse was sent: ParseComplete comes */
    HYL__PHASE_DESCRIBE,        /* then the description of the statement */
    HYL__PHASE_BIND,            /* Bind and Execute were sent */
    HYL__PHASE_PORTAL,          /* the same with Describe of the portal: BindComplete comes */
    HYL__PHASE_PORTAL_DESCRIBE, /* then the portal's description */
    HYL__PHASE_EXECUTE,         /* all of that has come: rows or the end */
    HYL__PHASE_ROWS,
    HYL__PHASE_COPY_IN,
    HYL__PHASE_COPY_IN_DONE, /* CopyDone or CopyFail was sent */
    HYL__PHASE_COPY_OUT,
    HYL__PHASE_COPY_OUT_DONE,
    HYL__PHASE_SYNC,   /* described; the statement is over: only ReadyForQuery is left */
    HYL__PHASE_FAILED, /* an ErrorResponse came: only ReadyForQuery is left */
    HYL__PHASE_BROKEN  /* the peer broke the protocol */
} hyl__phase;

typedef struct hyl__session {
    hyl__frame frame;
    hyl__phase phase;
    hyl__auth *auth; /* while the login is under way */
    bool auth_works; /* on its reply, which hyl__session_next goes on with */
    bool has_secret; /* a password is in the queue's memory */
    char tx_status;  /* of the last ReadyForQuery: 'I', 'T', 'E'; 0 before the first */
    bool tx_failed;  /* the latch: an error came inside a transaction, and no rollback was answered
                       since */
    bool rolling_back; /* the request under way is the rollback that releases the latch */
    bool extended;     /* it is Bind, Execute and Sync */
    bool cut_short;    /* the request that READY has ended had rows, but no tag and no error */
    bool unsendable;   /* writing has failed: what was queued, or a part of it, is lost */
    bool takes_copy;   /* the request under way is a COPY FROM STDIN: the server may answer early */
    bool copy_refused; /* CopyFail was sent */
    bool copy_kept;    /* and came too late: the COPY had been completed, its rows stay */
    bool body_offered; /* COPY_BODY was given for the message under way */
    bool postgresql;   /* the peer, as its owner says: it has savepoints, and describes formats */
    bool copy_bodies;  /* the owner wants COPY_BODY events; off at every request's start */
    bool has_key;
    int32_t process_id;
    int32_t secret_key;
} hyl__session;

/*
 * Zero in a limit means the default.
 * Errors: NOMEM.
 */
hyl_status hyl__session_init(hyl__session *session, size_t window_size, uint32_t max_body);
void hyl__session_reset(hyl__session *session);

/*
 * Queues StartupMessage.
 * Errors: those of hyl_enc_startup; STATE.
 */
hyl_status hyl__session_startup(hyl__session *session, const hyl__crypto *crypto,
                                const hyl_pair *params, size_t count, const char *user,
                                const char *password, hyl_error *err);

/* After hyl__session_startup: what the login may be like. */
void hyl__session_set_auth_rules(hyl__session *session, const hyl__auth_rules *rules);

/*
 * What a statement does to the transaction, as far as the latch asks. The session is told, it does
 * not read SQL.
 */
typedef enum hyl__statement_kind {
    HYL__STATEMENT_OTHER,
    HYL__STATEMENT_COMMIT,
    HYL__STATEMENT_ROLLBACK,
    HYL__STATEMENT_ROLLBACK_TO /* a savepoint: ends the failure of a transaction, not itself */
} hyl__statement_kind;

/*
 * Queues a statement as a simple Query.
 * Errors: STATE (a request is under way; or the transaction has failed and this is no rollback:
 * SQLSTATE 25P02), ARG (NUL inside), NOMEM.
 */
hyl_status hyl__session_query(hyl__session *session, hyl_str sql, hyl__statement_kind kind,
                              hyl_error *err);
/*
 * Queues Parse of the unnamed statement, Describe and Sync: PARSE_COMPLETE, then ROW_DESCRIPTION or
 * NO_DATA, then READY.
 * Errors: as query.
 */
hyl_status hyl__session_describe(hyl__session *session, hyl_str sql, hyl_error *err);
/*
 * Queues Bind of the unnamed statement, which was described before, with one result format a
 * column, Execute and Sync: rows without a description. PostgreSQL is also asked for the portal's
 * description, which has the columns' formats: ROW_DESCRIPTION comes first, where there are
 * columns.
 * Errors: as query.
 */
hyl_status hyl__session_execute(hyl__session *session, const int16_t *formats, size_t count,
                                hyl__statement_kind kind, hyl_error *err);

/*
 * In COPY IN: queues a CopyData around the caller's bytes, which must live until they are sent. At
 * most HYL__COPY_CHUNK bytes.
 * Errors: STATE, NOMEM.
 */
hyl_status hyl__session_copy_data(hyl__session *session, hyl_bytes data, hyl_error *err);
/* The same of bytes in several pieces. The array of them must live as long. */
hyl_status hyl__session_copy_pieces(hyl__session *session, const hyl_bytes *pieces, size_t count,
                                    hyl_error *err);
hyl_status hyl__session_copy_done(hyl__session *session, hyl_error *err);
hyl_status hyl__session_copy_fail(hyl__session *session, const char *reason, hyl_error *err);
/* Queues Flush, a message without an answer, in any phase. */
hyl_status hyl__session_flush(hyl__session *session, hyl_error *err);
/* Queues Terminate, in any phase. */
hyl_status hyl__session_terminate(hyl__session *session, hyl_error *err);

/*
 * Larger CopyData are cut: the server closes the connection over 150 MiB, and a message that has
 * begun must be sent whole even when the server has already refused the rest.
 */
enum { HYL__COPY_CHUNK = 2097152 };

/*
 * The next event. OK; AGAIN (send what is queued, receive more).
 * Errors: PROTOCOL (the session is broken from then on), AUTH, UNSUPPORTED, NOMEM.
 */
hyl_status hyl__session_next(hyl__session *session, hyl__event *event, hyl_error *err);

/* Is the next message to be expected a row? */
static inline bool hyl__session_takes_rows(const hyl__session *session)
{
    return session->phase == HYL__PHASE_ROWS;
}

/*
 * The hot path of rows: the next DataRow's body, if it is there whole. False: ask
 * hyl__session_next.
 */
static inline bool hyl__session_take_row(hyl__session *session, hyl_bytes *body)
{
    return hyl__session_takes_rows(session) &&
           hyl__frame_take(&session->frame, HYL_MSG_DATA_ROW, body);
}

/* Puts the row that was taken last back: it is the next one. Nothing was received since. */
static inline void hyl__session_put_row_back(hyl__session *session, hyl_bytes body)
{
    session->frame.pos -= body.len + HYL_MESSAGE_HEADER_SIZE;
}

/* Asks for COPY_BODY events until the request under way is over. */
static inline void hyl__session_want_bodies(hyl__session *session)
{
    session->copy_bodies = true;
}

/* After COPY_BODY, and only then: the body goes to `at`, see hyl__frame_body_into. */
static inline void hyl__session_body_into(hyl__session *session, uint8_t *at)
{
    hyl__frame_body_into(&session->frame, at);
}

static inline bool hyl__session_idle(const hyl__session *session)
{
    return session->phase == HYL__PHASE_IDLE;
}

#endif
