/*
 * A query's result as a stream of Arrow record batches: COPY (...) TO STDOUT in the server's Arrow
 * format, each CopyData received straight into a block.
 */
#include <hyperline/arrow.h>

#include "base/error.h"

#if HYL_WITH_ARROW

#include "base/clock.h"
#include "base/mem.h"
#include "copy_wrap.h"
#include "ipc_reader.h"

#include <errno.h>

typedef struct arrow_query {
    hyl_conn *conn;   /* a reference */
    size_t sql_chars; /* the query's length */
    hyl__ipc_reader reader;
    hyl__block *landing; /* where the body under way lands; NULL: nowhere special */
    hyl_status state;    /* OK: under way. DONE: the server has ended the data in good order */
    hyl_error error;     /* of the last call that failed */
} arrow_query;

/* ---- Receiving ----------------------------------------------------------------------------- */

static hyl_status end_query(arrow_query *query, hyl_status state)
{
    query->state = state;
    query->conn->child = NULL;
    return state;
}

/*
 * The body that was under way goes back into the connection's own window, so that it can be
 * drained.
 */
static void leave_landing(arrow_query *query)
{
    if (query->landing == NULL) {
        return;
    }
    if (hyl__frame_body_back(&query->conn->session.frame) < 0) {
        hyl__conn_mark_desync(query->conn, HYL_ERR_NOMEM);
    }
    hyl__block_release(query->landing);
    query->landing = NULL;
}

/* Ends the query with query->error, and puts the connection back in step where that can be done. */
static hyl_status fail_query(arrow_query *query, hyl_status status)
{
    hyl_conn *conn = query->conn;
    leave_landing(query);
    end_query(query, status);
    return hyl__conn_recover(conn, status, &query->error);
}

static hyl_status land_body(arrow_query *query, const hyl__event *event)
{
    if (hyl__block_new(query->reader.pool, event->body_len, &query->landing) < 0) {
        return hyl__fail_nomem(&query->error);
    }
    hyl__session_body_into(&query->conn->session, query->landing->data);
    return HYL_AGAIN;
}

/* A whole CopyData: where it landed, or, where it came in bulk with others, copied. */
static hyl_status take_piece(arrow_query *query, hyl_bytes body)
{
    hyl__block *block = query->landing;
    query->landing = NULL;
    if (block == NULL) {
        if (hyl__block_new(query->reader.pool, body.len, &block) < 0) {
            return hyl__fail_nomem(&query->error);
        }
        memcpy(block->data, body.data, body.len);
    }
    if (hyl__ipc_reader_feed(&query->reader, block, body.len) < 0) {
        return hyl__fail_nomem(&query->error);
    }
    return HYL_OK;
}

static hyl_status take_server_error(arrow_query *query)
{
    hyl_conn *conn = query->conn;
    hyl__copy_unwrap_diag(conn, query->sql_chars);
    hyl_status status = hyl__conn_fail_server(conn, &query->error);
    (void)hyl__conn_finish(conn, NULL);
    return status;
}

static hyl_status check_end(arrow_query *query)
{
    if (hyl__ipc_reader_is_inside(&query->reader)) {
        return hyl__fail(&query->error, HYL_ERR_PROTOCOL,
                         "the server's Arrow data end inside a message");
    }
    return HYL_DONE;
}

/* OK: the reader has got a piece. DONE: the data are over. AGAIN: nothing yet. */
static hyl_status take_event(arrow_query *query, const hyl__event *event)
{
    switch (event->type) {
    case HYL__EVENT_COPY_BODY:
        return land_body(query, event);
    case HYL__EVENT_COPY_DATA:
        return take_piece(query, event->body);
    case HYL__EVENT_ERROR:
        return take_server_error(query);
    case HYL__EVENT_READY:
        return check_end(query);
    case HYL__EVENT_ROW_DESCRIPTION:
    case HYL__EVENT_COPY_IN:
        return hyl__fail(&query->error, HYL_ERR_PROTOCOL,
                         "the server answered COPY TO STDOUT with something else");
    default:
        return HYL_AGAIN;
    }
}

static hyl_status next_piece(arrow_query *query)
{
    hyl_conn *conn = query->conn;
    hyl__event event;
    hyl_status status = HYL_AGAIN;
    conn->deadline = hyl__deadline_in(conn->settings.request_timeout_ms);
    while (status == HYL_AGAIN) {
        HYL_TRY(hyl__conn_event(conn, &event, &query->error));
        status = take_event(query, &event);
    }
    return status;
}

/* ---- The stream ---------------------------------------------------------------------------- */

static int errno_of(hyl_status status)
{
    switch (status) {
    case HYL_ERR_NOMEM:
        return ENOMEM;
    case HYL_ERR_TIMEOUT:
        return ETIMEDOUT;
    case HYL_ERR_CANCELLED:
        return ECANCELED;
    case HYL_ERR_ARG:
    case HYL_ERR_SERVER:
        return EINVAL;
    default:
        return EIO;
    }
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    arrow_query *query = stream->private_data;
    return ArrowSchemaDeepCopy(&query->reader.schema, out);
}

static hyl_status next_batch(arrow_query *query, struct ArrowArray *out)
{
    hyl_status status = hyl__ipc_reader_batch(&query->reader, out, &query->error);
    while (status == HYL_AGAIN || status == HYL_DONE) {
        /* The end is the server's to tell, also behind an end-of-stream marker. */
        status = next_piece(query);
        if (status != HYL_OK) {
            return status;
        }
        status = hyl__ipc_reader_batch(&query->reader, out, &query->error);
    }
    return status;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    arrow_query *query = stream->private_data;
    out->release = NULL;
    if (query->state == HYL_DONE) {
        return 0;
    }
    if (query->state < 0) {
        return errno_of(query->state);
    }
    if (query->conn->closed && query->conn->session.phase == HYL__PHASE_BROKEN) {
        query->state =
            hyl__fail(&query->error, HYL_ERR_CLOSED, "the stream's connection was closed");
        return errno_of(query->state);
    }
    hyl_status status = next_batch(query, out);
    if (status == HYL_DONE) {
        end_query(query, HYL_DONE);
        return 0;
    }
    return status < 0 ? errno_of(fail_query(query, status)) : 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const arrow_query *query = stream->private_data;
    return query->error.message[0] != '\0' ? query->error.message : NULL;
}

static void free_query(arrow_query *query)
{
    if (query->state == HYL_OK) {
        leave_landing(query);
        hyl__conn_abandon_later(query->conn);
    }
    hyl__ipc_reader_reset(&query->reader);
    hyl__conn_release(query->conn);
    hyl__free(query);
}

static void release(struct ArrowArrayStream *stream)
{
    free_query(stream->private_data);
    stream->private_data = NULL;
    stream->release = NULL;
}

const hyl_error *hyl_stream_error(const struct ArrowArrayStream *stream)
{
    if (stream->release != &release) {
        return NULL;
    }
    const arrow_query *query = stream->private_data;
    return query->error.status < 0 ? &query->error : NULL;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static hyl_status send_copy(arrow_query *query, const char *sql)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = hyl__copy_wrap(sql, &text, &query->sql_chars, &query->error);
    if (status == HYL_OK) {
        status =
            hyl__session_query(&query->conn->session, (hyl_str){(const char *)text.data, text.len},
                               HYL__STATEMENT_OTHER, &query->error);
    }
    hyl_buf_reset(&text);
    return status;
}

/* Reads until the columns are known. */
static hyl_status read_schema(arrow_query *query)
{
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN) {
        status = next_piece(query);
        if (status == HYL_DONE) {
            return hyl__fail(&query->error, HYL_ERR_PROTOCOL, "the server sent no Arrow data");
        }
        HYL_TRY(status);
        status = hyl__ipc_reader_schema(&query->reader, &query->error);
    }
    return status == HYL_DONE
               ? hyl__fail(&query->error, HYL_ERR_PROTOCOL, "the server sent no Arrow schema")
               : status;
}

static hyl_status new_query(hyl_conn *conn, arrow_query **out, hyl_error *err)
{
    arrow_query *query = hyl__calloc(1, sizeof *query);
    if (query == NULL) {
        return hyl__fail_nomem(err);
    }
    if (hyl__ipc_reader_init(&query->reader) < 0) {
        hyl__free(query);
        return hyl__fail_nomem(err);
    }
    query->conn = conn;
    hyl__conn_retain(conn);
    *out = query;
    return HYL_OK;
}

static hyl_status open_copy(hyl_conn *conn, const char *sql, struct ArrowArrayStream *out,
                            hyl_error *err)
{
    arrow_query *query = NULL;
    HYL_TRY(new_query(conn, &query, err));
    hyl_status status = send_copy(query, sql);
    if (status == HYL_OK) {
        conn->child = "an Arrow stream";
        hyl__session_want_bodies(&conn->session);
        status = read_schema(query);
        if (status < 0) {
            fail_query(query, status);
        }
    }
    if (status < 0) {
        if (err != NULL) {
            *err = query->error;
        }
        query->state = status;
        free_query(query);
        return status;
    }
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, query};
    return HYL_OK;
}

hyl_status hyl_query_arrow(hyl_conn *conn, const char *sql, struct ArrowArrayStream *out,
                           hyl_error *err)
{
    HYL_TRY(hyl__conn_begin(conn, err));
    return open_copy(conn, sql, out, err);
}

#else

hyl_status hyl_query_arrow(hyl_conn *conn, const char *sql, struct ArrowArrayStream *out,
                           hyl_error *err)
{
    (void)conn;
    (void)sql;
    (void)out;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

const hyl_error *hyl_stream_error(const struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

#endif
