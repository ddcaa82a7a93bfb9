/*
 * A query's result as a stream of Arrow record batches: COPY (...) TO STDOUT in the server's Arrow
 * format, each CopyData received straight into a block.
 */
#include <hyperline/arrow.h>

#include "base/error.h"

#if HYL_WITH_ARROW

#include "arrow_rows.h"
#include "arrow_stream.h"
#include "base/clock.h"
#include "base/mem.h"
#include "copy_wrap.h"
#include "ipc_reader.h"

typedef struct arrow_query {
    hyl__stream stream;
    hyl_conn *conn;   /* a reference */
    size_t sql_chars; /* the query's length */
    hyl__ipc_reader reader;
    hyl__block *landing; /* where the body under way lands; NULL: nowhere special */
} arrow_query;

/* ---- Receiving ----------------------------------------------------------------------------- */

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

/* Ends the query with query->stream.error, and puts the connection back in step where that can be done. */
static hyl_status fail_query(arrow_query *query, hyl_status status)
{
    hyl_conn *conn = query->conn;
    leave_landing(query);
    query->stream.state = status;
    conn->child = NULL;
    return hyl__conn_recover(conn, status, &query->stream.error);
}

static hyl_status land_body(arrow_query *query, const hyl__event *event)
{
    if (hyl__block_new(query->reader.pool, event->body_len, &query->landing) < 0) {
        return hyl__fail_nomem(&query->stream.error);
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
            return hyl__fail_nomem(&query->stream.error);
        }
        memcpy(block->data, body.data, body.len);
    }
    if (hyl__ipc_reader_feed(&query->reader, block, body.len) < 0) {
        return hyl__fail_nomem(&query->stream.error);
    }
    return HYL_OK;
}

static hyl_status take_server_error(arrow_query *query)
{
    hyl_conn *conn = query->conn;
    hyl__copy_unwrap_diag(conn, query->sql_chars);
    hyl_status status = hyl__conn_fail_server(conn, &query->stream.error);
    (void)hyl__conn_finish(conn, NULL);
    return status;
}

static hyl_status check_end(arrow_query *query)
{
    if (hyl__ipc_reader_is_inside(&query->reader)) {
        return hyl__fail(&query->stream.error, HYL_ERR_PROTOCOL,
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
        return hyl__fail(&query->stream.error, HYL_ERR_PROTOCOL,
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
        HYL_TRY(hyl__conn_event(conn, &event, &query->stream.error));
        status = take_event(query, &event);
    }
    return status;
}

/* ---- The stream ---------------------------------------------------------------------------- */

static hyl_status read_batch(arrow_query *query, struct ArrowArray *out)
{
    hyl_status status = hyl__ipc_reader_batch(&query->reader, out, &query->stream.error);
    while (status == HYL_AGAIN || status == HYL_DONE) {
        /* The end is the server's to tell, also behind an end-of-stream marker. */
        status = next_piece(query);
        if (status != HYL_OK) {
            return status;
        }
        status = hyl__ipc_reader_batch(&query->reader, out, &query->stream.error);
    }
    return status;
}

static hyl_status next_batch(hyl__stream *stream, struct ArrowArray *out)
{
    arrow_query *query = (arrow_query *)stream;
    if (query->conn->closed && query->conn->session.phase == HYL__PHASE_BROKEN) {
        return hyl__fail(&stream->error, HYL_ERR_CLOSED, "the stream's connection was closed");
    }
    hyl_status status = read_batch(query, out);
    if (status == HYL_DONE) {
        query->conn->child = NULL;
    } else if (status == HYL_OK) {
        status = hyl__stream_align(stream, out);
    }
    return status < 0 ? fail_query(query, status) : status;
}

static void free_query(hyl__stream *stream)
{
    arrow_query *query = (arrow_query *)stream;
    if (query->stream.state == HYL_OK) {
        leave_landing(query);
        hyl__conn_abandon_later(query->conn);
    }
    hyl__ipc_reader_reset(&query->reader);
    hyl__conn_release(query->conn);
    hyl__stream_reset(stream);
    hyl__free(query);
}

/* ---- Opening ------------------------------------------------------------------------------- */

static hyl_status send_copy(arrow_query *query, const char *sql)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = hyl__copy_wrap(sql, &text, &query->sql_chars, &query->stream.error);
    if (status == HYL_OK) {
        status =
            hyl__session_query(&query->conn->session, (hyl_str){(const char *)text.data, text.len},
                               HYL__STATEMENT_OTHER, &query->stream.error);
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
            return hyl__fail(&query->stream.error, HYL_ERR_PROTOCOL,
                             "the server sent no Arrow data");
        }
        HYL_TRY(status);
        status = hyl__ipc_reader_schema(&query->reader, &query->stream.error);
    }
    return status == HYL_DONE ? hyl__fail(&query->stream.error, HYL_ERR_PROTOCOL,
                                          "the server sent no Arrow schema")
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
    query->stream.schema = &query->reader.schema;
    query->stream.next = next_batch;
    query->stream.free = free_query;
    query->conn = conn;
    hyl__conn_retain(conn);
    *out = query;
    return HYL_OK;
}

static hyl_status open_copy(hyl_conn *conn, const char *sql, bool realign,
                            struct ArrowArrayStream *out, hyl_error *err)
{
    arrow_query *query = NULL;
    HYL_TRY(new_query(conn, &query, err));
    hyl_status status = HYL_OK;
    if (realign && hyl__stream_want_aligned(&query->stream) < 0) {
        status = hyl__fail_nomem(&query->stream.error);
    }
    if (status == HYL_OK) {
        status = send_copy(query, sql);
    }
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
            *err = query->stream.error;
        }
        query->stream.state = status;
        free_query(&query->stream);
        return status;
    }
    hyl__stream_export(&query->stream, out);
    return HYL_OK;
}

/* The way round COPY: rows, and arrays built of them. */
static hyl_status open_rows(hyl_conn *conn, const char *sql, bool realign,
                            struct ArrowArrayStream *out, hyl_error *err)
{
    hyl_result *result = NULL;
    HYL_TRY(hyl_query(conn, sql, &result, err));
    hyl_status status = hyl__result_to_arrow(result, realign, out, err);
    if (status < 0) {
        hyl_result_free(result);
    }
    return status;
}

/* Did only Arrow stand in the way, and may the statement be sent again? */
static bool is_refused_as_arrow(const hyl_conn *conn, const hyl_error *error)
{
    return error->status == HYL_ERR_SERVER && strcmp(error->sqlstate, "0A000") == 0 &&
           hyl_conn_health(conn) == HYL_HEALTH_OK && hyl_conn_tx(conn) == HYL_TX_IDLE;
}

/* The caller's options, or the defaults; a caller's struct of an older version is shorter. */
static hyl_status read_options(const hyl_arrow_opts *given, hyl_arrow_opts *out, hyl_error *err)
{
    *out = (hyl_arrow_opts)HYL_ARROW_OPTS_INIT;
    if (given == NULL) {
        return HYL_OK;
    }
    if (given->struct_size < sizeof given->struct_size) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "struct_size of the Arrow options is not set: start from "
                         "HYL_ARROW_OPTS_INIT");
    }
    memcpy(out, given, given->struct_size < sizeof *out ? given->struct_size : sizeof *out);
    return HYL_OK;
}

hyl_status hyl_query_arrow(hyl_conn *conn, const char *sql, const hyl_arrow_opts *given,
                           struct ArrowArrayStream *out, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_arrow_opts opts;
    HYL_TRY(read_options(given, &opts, err));
    bool takes = !hyl__conn_is_postgresql(conn) && hyl__copy_takes(sql);
    if (opts.transfer == HYL_TRANSFER_ARROW && !takes) {
        return hyl__fail(
            err, HYL_ERR_ARG,
            "only Hyper sends Arrow, and only what SELECT, WITH, VALUES and TABLE return");
    }
    if (opts.transfer == HYL_TRANSFER_ROWS || !takes) {
        return open_rows(conn, sql, opts.realign, out, err);
    }
    HYL_TRY(hyl__conn_begin(conn, err));
    hyl_status status = open_copy(conn, sql, opts.realign, out, &error);
    if (status < 0 && opts.transfer != HYL_TRANSFER_ARROW && is_refused_as_arrow(conn, &error)) {
        return open_rows(conn, sql, opts.realign, out, err);
    }
    if (status < 0 && err != NULL) {
        *err = error;
    }
    return status;
}

#else

hyl_status hyl_query_arrow(hyl_conn *conn, const char *sql, const hyl_arrow_opts *opts,
                           struct ArrowArrayStream *out, hyl_error *err)
{
    (void)conn;
    (void)sql;
    (void)opts;
    (void)out;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

hyl_status hyl_result_to_arrow(hyl_result *result, struct ArrowArrayStream *out, hyl_error *err)
{
    (void)result;
    (void)out;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

const hyl_error *hyl_stream_error(const struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

#endif
