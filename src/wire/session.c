#include "session.h"

#include "base/error.h"
#include "base/mem.h"

hyl_status hyl__session_init(hyl__session *session, size_t window_size, uint32_t max_body)
{
    memset(session, 0, sizeof *session);
    return hyl__frame_init(&session->frame, window_size, max_body);
}

/* A password that was sent, or was to be sent, is still in the queue's memory. */
static void wipe_password(hyl__session *session)
{
    hyl_buf *out = &session->frame.out;
    if (session->has_secret && out->data != NULL) {
        hyl__wipe(out->data, out->cap);
    }
    session->has_secret = false;
}

void hyl__session_reset(hyl__session *session)
{
    wipe_password(session);
    hyl__frame_reset(&session->frame);
    hyl__auth_free(session->auth);
    memset(session, 0, sizeof *session);
}

/* ---- Requests ------------------------------------------------------------------------------ */

hyl_status hyl__session_startup(hyl__session *session, const hyl__crypto *crypto,
                                const hyl_pair *params, size_t count, const char *user,
                                const char *password, hyl_error *err)
{
    if (session->phase != HYL__PHASE_NEW) {
        return hyl__fail(err, HYL_ERR_STATE, "the session was started before");
    }
    HYL_TRY(hyl_enc_startup(&session->frame.out, params, count, err));
    if (hyl__auth_new(crypto, user, password, &session->auth) < 0) {
        hyl_buf_clear(&session->frame.out);
        return hyl__fail_nomem(err);
    }
    session->phase = HYL__PHASE_STARTUP;
    return HYL_OK;
}

/* Does the statement, if it succeeds, end the failure of a transaction? */
static bool is_rollback(const hyl__session *session, hyl__statement_kind kind)
{
    return kind == HYL__STATEMENT_ROLLBACK ||
           (kind == HYL__STATEMENT_ROLLBACK_TO && session->postgresql);
}

void hyl__session_set_auth_rules(hyl__session *session, const hyl__auth_rules *rules)
{
    hyl__auth_set_rules(session->auth, rules);
}

/* May a statement of this kind be sent now? */
static hyl_status check_request(const hyl__session *session, hyl__statement_kind kind,
                                hyl_error *err)
{
    if (session->phase != HYL__PHASE_IDLE) {
        return hyl__fail(err, HYL_ERR_STATE, "another request is under way");
    }
    if (session->tx_failed && !is_rollback(session, kind)) {
        hyl_status status =
            hyl__fail(err, HYL_ERR_STATE, "the transaction has failed; only ROLLBACK is accepted");
        if (err != NULL) {
            memcpy(err->sqlstate, "25P02", sizeof err->sqlstate);
        }
        return status;
    }
    return HYL_OK;
}

static void begin_request(hyl__session *session, hyl__phase phase, hyl__statement_kind kind)
{
    session->phase = phase;
    session->copy_bodies = false;
    session->extended = phase == HYL__PHASE_BIND || phase == HYL__PHASE_PORTAL;
    session->cut_short = false;
    session->takes_copy = false;
    session->copy_refused = false;
    session->copy_kept = false;
    session->rolling_back = is_rollback(session, kind);
}

hyl_status hyl__session_query(hyl__session *session, hyl_str sql, hyl__statement_kind kind,
                              hyl_error *err)
{
    HYL_TRY(check_request(session, kind, err));
    HYL_TRY(hyl_enc_query(&session->frame.out, sql, err));
    begin_request(session, HYL__PHASE_QUERY, kind);
    return HYL_OK;
}

hyl_status hyl__session_describe(hyl__session *session, hyl_str sql, hyl_error *err)
{
    hyl_buf *out = &session->frame.out;
    size_t before = out->len;
    HYL_TRY(check_request(session, HYL__STATEMENT_OTHER, err));
    hyl_status status = hyl_enc_parse(out, "", sql, NULL, 0, err);
    if (status == HYL_OK) {
        status = hyl_enc_describe(out, 'S', "", err);
    }
    if (status == HYL_OK) {
        status = hyl_enc_sync(out, err);
    }
    if (status < 0) {
        out->len = before;
        return status;
    }
    begin_request(session, HYL__PHASE_PARSE, HYL__STATEMENT_OTHER);
    return HYL_OK;
}

hyl_status hyl__session_execute(hyl__session *session, const int16_t *formats, size_t count,
                                hyl__statement_kind kind, hyl_error *err)
{
    hyl_buf *out = &session->frame.out;
    size_t before = out->len;
    hyl_bind bind = {
        .portal = "", .statement = "", .result_formats = formats, .result_format_count = count};
    HYL_TRY(check_request(session, kind, err));
    hyl_status status = hyl_enc_bind(out, &bind, err);
    if (status == HYL_OK && session->postgresql) {
        status = hyl_enc_describe(out, 'P', "", err);
    }
    if (status == HYL_OK) {
        status = hyl_enc_execute(out, "", 0, err);
    }
    if (status == HYL_OK) {
        status = hyl_enc_sync(out, err);
    }
    if (status < 0) {
        out->len = before;
        return status;
    }
    begin_request(session, session->postgresql ? HYL__PHASE_PORTAL : HYL__PHASE_BIND, kind);
    return HYL_OK;
}

static hyl_status check_copy_in(const hyl__session *session, hyl_error *err)
{
    if (session->phase != HYL__PHASE_COPY_IN) {
        return hyl__fail(err, HYL_ERR_STATE, "no COPY FROM STDIN is under way");
    }
    return HYL_OK;
}

/* Queues a CopyData's header, behind which `len` borrowed bytes will go. */
static hyl_status queue_copy_header(hyl__session *session, size_t len, hyl_error *err)
{
    HYL_TRY(check_copy_in(session, err));
    if (len > HYL__COPY_CHUNK || session->frame.borrowed.len > 0) {
        return hyl__fail(err, HYL_ERR_STATE, "CopyData too large, or the one before it unsent");
    }
    uint8_t header[HYL_MESSAGE_HEADER_SIZE] = {HYL_MSG_COPY_DATA};
    hyl__store_be32(header + 1, (uint32_t)len + 4);
    hyl_buf_append(&session->frame.out, header, sizeof header);
    return hyl_buf_status(&session->frame.out) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}

hyl_status hyl__session_copy_data(hyl__session *session, hyl_bytes data, hyl_error *err)
{
    HYL_TRY(queue_copy_header(session, data.len, err));
    hyl__frame_send_borrow(&session->frame, data);
    return HYL_OK;
}

hyl_status hyl__session_copy_pieces(hyl__session *session, const hyl_bytes *pieces, size_t count,
                                    hyl_error *err)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    HYL_TRY(queue_copy_header(session, len, err));
    hyl__frame_send_borrow_pieces(&session->frame, pieces, count);
    return HYL_OK;
}

hyl_status hyl__session_copy_done(hyl__session *session, hyl_error *err)
{
    HYL_TRY(check_copy_in(session, err));
    HYL_TRY(hyl_enc_copy_done(&session->frame.out, err));
    session->phase = HYL__PHASE_COPY_IN_DONE;
    return HYL_OK;
}

hyl_status hyl__session_copy_fail(hyl__session *session, const char *reason, hyl_error *err)
{
    HYL_TRY(check_copy_in(session, err));
    HYL_TRY(hyl_enc_copy_fail(&session->frame.out, reason, err));
    session->phase = HYL__PHASE_COPY_IN_DONE;
    session->copy_refused = true;
    return HYL_OK;
}

hyl_status hyl__session_flush(hyl__session *session, hyl_error *err)
{
    return hyl_enc_flush(&session->frame.out, err);
}

hyl_status hyl__session_terminate(hyl__session *session, hyl_error *err)
{
    return hyl_enc_terminate(&session->frame.out, err);
}

/* ---- Events -------------------------------------------------------------------------------- */

/*
 * Which message moves which phase where: X(phase, message, event, next phase). A message that has
 * no row here, and is not one of those that may come at any time, breaks the session.
 *
 * main.0.0.26963 says CopyOutResponse twice where a COPY is cancelled before its first data, and
 * completes a COPY FROM STDIN at the end marker of an Arrow stream, before CopyDone. What comes
 * behind it, CopyDone and CopyFail too, it overlooks.
 */
#define TRANSITION_MAP(X)                                      \
    X(QUERY, ROW_DESCRIPTION, ROW_DESCRIPTION, ROWS)           \
    X(QUERY, COMMAND_COMPLETE, COMPLETE, SYNC)                 \
    X(QUERY, EMPTY_QUERY_RESPONSE, EMPTY, SYNC)                \
    X(QUERY, COPY_IN_RESPONSE, COPY_IN, COPY_IN)               \
    X(QUERY, COPY_OUT_RESPONSE, COPY_OUT, COPY_OUT)            \
    X(PARSE, PARSE_COMPLETE, PARSE_COMPLETE, DESCRIBE)         \
    X(DESCRIBE, PARAMETER_DESCRIPTION, NONE, DESCRIBE)         \
    X(DESCRIBE, ROW_DESCRIPTION, ROW_DESCRIPTION, SYNC)        \
    X(DESCRIBE, NO_DATA, NO_DATA, SYNC)                        \
    X(BIND, BIND_COMPLETE, NONE, EXECUTE)                      \
    X(PORTAL, BIND_COMPLETE, NONE, PORTAL_DESCRIBE)            \
    X(PORTAL_DESCRIBE, ROW_DESCRIPTION, ROW_DESCRIPTION, ROWS) \
    X(PORTAL_DESCRIBE, NO_DATA, NONE, EXECUTE)                 \
    X(EXECUTE, DATA_ROW, DATA_ROW, ROWS)                       \
    X(EXECUTE, COMMAND_COMPLETE, COMPLETE, SYNC)               \
    X(EXECUTE, EMPTY_QUERY_RESPONSE, EMPTY, SYNC)              \
    X(EXECUTE, COPY_OUT_RESPONSE, COPY_OUT, COPY_OUT)          \
    X(ROWS, DATA_ROW, DATA_ROW, ROWS)                          \
    X(ROWS, COMMAND_COMPLETE, COMPLETE, SYNC)                  \
    X(COPY_IN, COMMAND_COMPLETE, COMPLETE, SYNC)               \
    X(COPY_IN_DONE, COMMAND_COMPLETE, COMPLETE, SYNC)          \
    X(COPY_OUT, COPY_OUT_RESPONSE, NONE, COPY_OUT)             \
    X(COPY_OUT, COPY_DATA, COPY_DATA, COPY_OUT)                \
    X(COPY_OUT, COPY_DONE, COPY_DONE, COPY_OUT_DONE)           \
    X(COPY_OUT_DONE, COMMAND_COMPLETE, COMPLETE, SYNC)         \
    X(SETUP, READY_FOR_QUERY, READY, IDLE)                     \
    X(SYNC, READY_FOR_QUERY, READY, IDLE)                      \
    X(FAILED, READY_FOR_QUERY, READY, IDLE)

typedef struct transition {
    hyl__phase phase;
    hyl_msg_type message;
    hyl__event_type event;
    hyl__phase next;
} transition;

static const transition transitions[] = {
#define TRANSITION(phase, message, event, next) \
    {HYL__PHASE_##phase, HYL_MSG_##message, HYL__EVENT_##event, HYL__PHASE_##next},
    TRANSITION_MAP(TRANSITION)
#undef TRANSITION
};

static const transition *find_transition(hyl__phase phase, uint8_t message)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++) {
        if (transitions[i].phase == phase && transitions[i].message == (hyl_msg_type)message) {
            return &transitions[i];
        }
    }
    return NULL;
}

static bool is_startup(hyl__phase phase)
{
    return phase == HYL__PHASE_STARTUP || phase == HYL__PHASE_SETUP;
}

/* An ErrorResponse ends what is under way, except where nothing is. */
static bool takes_error(hyl__phase phase)
{
    return phase != HYL__PHASE_NEW && phase != HYL__PHASE_BROKEN;
}

static hyl_status unexpected(hyl__session *session, uint8_t type, hyl_error *err)
{
    session->phase = HYL__PHASE_BROKEN;
    return hyl__fail(err, HYL_ERR_PROTOCOL, "the server sent %s where it may not come",
                     hyl_msg_name(type));
}

static void on_error(hyl__session *session)
{
    /*
     * A login that failed, and an error while idle (the server says goodbye), are followed by the
     * end of the stream.
     */
    if (session->phase == HYL__PHASE_IDLE || is_startup(session->phase)) {
        session->phase = HYL__PHASE_BROKEN;
        return;
    }
    /* What of a CopyData is queued goes out all the same: the stream must not end in a message. */
    session->phase = HYL__PHASE_FAILED;
    if (session->tx_status == 'T' || session->tx_status == 'E') {
        session->tx_failed = true;
    }
}

static void on_ready(hyl__session *session, char tx_status, bool failed)
{
    session->tx_status = tx_status;
    if (tx_status == 'E') {
        session->tx_failed = true;
    } else if (tx_status == 'I' || (session->rolling_back && !failed)) {
        session->tx_failed = false;
    }
    session->rolling_back = false;
}

/* The messages that may come at any time. */
static hyl__event_type asynchronous_event(uint8_t type)
{
    switch (type) {
    case HYL_MSG_NOTICE_RESPONSE:
        return HYL__EVENT_NOTICE;
    case HYL_MSG_PARAMETER_STATUS:
        return HYL__EVENT_PARAMETER;
    case HYL_MSG_NOTIFICATION_RESPONSE:
        return HYL__EVENT_NOTIFICATION;
    default:
        return HYL__EVENT_NONE;
    }
}

/* The login has taken a message, or worked on its reply. */
static hyl_status take_auth(hyl__session *session, hyl_status status, hyl__event *event)
{
    session->auth_works = status == HYL_AGAIN;
    if (session->auth_works) {
        event->type = HYL__EVENT_WORK;
    }
    if (status < 0) {
        session->phase = HYL__PHASE_BROKEN;
    }
    return status < 0 ? status : HYL_OK;
}

static hyl_status on_authentication(hyl__session *session, hyl__event *event, hyl_error *err)
{
    bool done = false;
    session->has_secret = true;
    hyl_status status =
        hyl__auth_step(session->auth, &event->message.as.auth, &session->frame.out, &done, err);
    HYL_TRY(take_auth(session, status, event));
    if (done) {
        session->phase = HYL__PHASE_SETUP;
        if (hyl__frame_unsent(&session->frame) == 0) {
            wipe_password(session);
        }
        hyl__auth_free(session->auth);
        session->auth = NULL;
    }
    return HYL_OK;
}

static hyl_status on_startup_message(hyl__session *session, hyl__event *event, hyl_error *err)
{
    if (session->phase == HYL__PHASE_STARTUP && event->message.type == HYL_MSG_AUTHENTICATION) {
        return on_authentication(session, event, err);
    }
    if (session->phase == HYL__PHASE_SETUP && event->message.type == HYL_MSG_BACKEND_KEY_DATA) {
        session->has_key = true;
        session->process_id = event->message.as.key.process_id;
        session->secret_key = event->message.as.key.secret_key;
        return HYL_OK;
    }
    return unexpected(session, (uint8_t)event->message.type, err);
}

/*
 * Where main.0.0.26963 is cancelled at the end of an Execute's rows it sends neither the tag nor
 * the error, and answers the Sync: the rows are not known to be all there were.
 */
static bool is_cut_short(const hyl__session *session, uint8_t type)
{
    return type == HYL_MSG_READY_FOR_QUERY && session->extended &&
           (session->phase == HYL__PHASE_EXECUTE || session->phase == HYL__PHASE_ROWS);
}

static void on_cut_short(hyl__session *session)
{
    session->cut_short = true;
    on_error(session);
}

/*
 * Does an answer come to a request that was not sent to its end? Whoever it was meant for, it is not
 * that request's. What a server may say of what it has read so far is an error, and in a COPY FROM
 * STDIN it may end the request with it.
 */
static bool comes_too_soon(const hyl__session *session, uint8_t type)
{
    if (!session->unsendable && hyl__frame_unsent(&session->frame) == 0) {
        return false;
    }
    return session->phase == HYL__PHASE_QUERY
               ? type != HYL_MSG_ERROR_RESPONSE
               : type == HYL_MSG_READY_FOR_QUERY && !session->takes_copy;
}

static hyl_status fail_too_soon(hyl__session *session, uint8_t type, hyl_error *err)
{
    session->phase = HYL__PHASE_BROKEN;
    return hyl__fail(err, HYL_ERR_PROTOCOL,
                     "the server sent %s before the request was sent to its end",
                     hyl_msg_name(type));
}

static hyl_status on_message(hyl__session *session, hyl__event *event, hyl_error *err)
{
    uint8_t type = (uint8_t)event->message.type;
    event->type = asynchronous_event(type);
    if (event->type != HYL__EVENT_NONE) {
        return HYL_OK;
    }
    if (!is_startup(session->phase) && comes_too_soon(session, type)) {
        return fail_too_soon(session, type, err);
    }
    if (type == HYL_MSG_ERROR_RESPONSE && takes_error(session->phase)) {
        event->type = HYL__EVENT_ERROR;
        on_error(session);
        return HYL_OK;
    }
    if (is_cut_short(session, type)) {
        on_cut_short(session);
    }
    const transition *found = find_transition(session->phase, type);
    if (found == NULL) {
        return is_startup(session->phase) ? on_startup_message(session, event, err)
                                          : unexpected(session, type, err);
    }
    if (type == HYL_MSG_COMMAND_COMPLETE) {
        session->copy_kept = session->copy_refused;
    }
    if (type == HYL_MSG_READY_FOR_QUERY) {
        on_ready(session, event->message.as.ready, session->phase == HYL__PHASE_FAILED);
    }
    session->phase = found->next;
    session->takes_copy = session->takes_copy || found->next == HYL__PHASE_COPY_IN;
    event->type = found->event;
    return HYL_OK;
}

/* Rows and copied data are not parsed here: their owner does it, once. */
static hyl_status read_message(const hyl__frame_message *frame, hyl__event *event, hyl_error *err)
{
    event->body = frame->body;
    if (frame->type == HYL_MSG_DATA_ROW || frame->type == HYL_MSG_COPY_DATA) {
        event->message.type = (hyl_msg_type)frame->type;
        return HYL_OK;
    }
    return hyl_msg_parse(frame->type, frame->body, &event->message, err);
}

/* Where a large CopyData has begun, its owner is asked, once, where it shall go. */
static hyl_status offer_body(hyl__session *session, hyl__event *event)
{
    hyl_msg_head head;
    if (!session->copy_bodies || session->body_offered || session->phase != HYL__PHASE_COPY_OUT ||
        !hyl__frame_body_head(&session->frame, &head) || head.type != HYL_MSG_COPY_DATA) {
        return HYL_AGAIN;
    }
    session->body_offered = true;
    event->type = HYL__EVENT_COPY_BODY;
    event->body_len = head.body_len;
    return HYL_OK;
}

hyl_status hyl__session_next(hyl__session *session, hyl__event *event, hyl_error *err)
{
    if (session->phase == HYL__PHASE_BROKEN) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "the connection is broken");
    }
    event->type = HYL__EVENT_NONE;
    if (session->auth_works) {
        hyl_status status = hyl__auth_work(session->auth, &session->frame.out, err);
        HYL_TRY(take_auth(session, status, event));
    }
    while (event->type == HYL__EVENT_NONE) {
        hyl__frame_message frame;
        hyl_status status = hyl__frame_next(&session->frame, &frame, err);
        if (status == HYL_AGAIN) {
            return offer_body(session, event);
        }
        session->body_offered = false;
        if (status == HYL_OK) {
            status = read_message(&frame, event, err);
        }
        if (status == HYL_OK) {
            status = on_message(session, event, err);
        }
        if (status != HYL_OK) {
            if (status < 0) {
                session->phase = HYL__PHASE_BROKEN;
            }
            return status;
        }
    }
    return HYL_OK;
}
