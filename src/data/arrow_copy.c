#include "arrow_copy.h"

#include "arrow_types.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "copy_wrap.h"
#include "transfer.h"

/* ---- Receiving ----------------------------------------------------------------------------- */

/*
 * The body that was under way goes back into the connection's own window, so that it can be
 * drained.
 */
static void leave_landing(hyl__arrow_copy *copy)
{
    if (copy->landing == NULL) {
        return;
    }
    if (hyl__frame_body_back(&copy->conn->session.frame) < 0) {
        hyl__conn_mark_desync(copy->conn, HYL_ERR_NOMEM);
    }
    hyl__block_release(copy->landing);
    copy->landing = NULL;
}

hyl_status hyl__arrow_copy_fail(hyl__arrow_copy *copy, hyl_status status)
{
    hyl_conn *conn = copy->conn;
    leave_landing(copy);
    copy->stream.state = status;
    conn->child = NULL;
    return hyl__conn_recover(conn, status, &copy->stream.error);
}

static hyl_status land_body(hyl__arrow_copy *copy, const hyl__event *event)
{
    if (hyl__block_new(copy->reader.pool, event->body_len, &copy->landing) < 0) {
        return hyl__fail_nomem(&copy->stream.error);
    }
    hyl__session_body_into(&copy->conn->session, copy->landing->data);
    return HYL_AGAIN;
}

/* A whole CopyData: where it landed, or, where it came in bulk with others, copied. */
static hyl_status take_piece(hyl__arrow_copy *copy, hyl_bytes body)
{
    hyl__block *block = copy->landing;
    copy->landing = NULL;
    if (block == NULL) {
        if (hyl__block_new(copy->reader.pool, body.len, &block) < 0) {
            return hyl__fail_nomem(&copy->stream.error);
        }
        memcpy(block->data, body.data, body.len);
    }
    if (hyl__ipc_reader_feed(&copy->reader, block, body.len) < 0) {
        return hyl__fail_nomem(&copy->stream.error);
    }
    return HYL_OK;
}

static void suspect_fields(const struct ArrowSchema *schema, hyl__suspects *suspects)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        if (hyl__arrow_lacks_values(hyl__arrow_type_of(field))) {
            hyl__suspects_add(suspects, (size_t)i, field->name);
        }
    }
}

/* Names the columns that a value without a place in Arrow may be of. */
static void blame_columns(hyl__arrow_copy *copy)
{
    hyl__suspects suspects = HYL__SUSPECTS_INIT;
    hyl_error *error = &copy->stream.error;
    if (copy->advice == NULL || !hyl__arrow_refused(error)) {
        return;
    }
    suspect_fields(&copy->reader.sent, &suspects);
    hyl__suspects_blame(&suspects, error, copy->advice);
    hyl__suspects_reset(&suspects);
}

static hyl_status take_server_error(hyl__arrow_copy *copy)
{
    hyl_conn *conn = copy->conn;
    hyl__copy_unwrap_diag(conn, copy->sql_chars);
    hyl_status status = hyl__conn_fail_server(conn, &copy->stream.error);
    blame_columns(copy);
    (void)hyl__conn_finish(conn, NULL);
    return status;
}

/* All rows or an error, never fewer. */
static hyl_status check_end(hyl__arrow_copy *copy)
{
    if (hyl__ipc_reader_is_inside(&copy->reader)) {
        return hyl__fail(&copy->stream.error, HYL_ERR_PROTOCOL,
                         "the server's Arrow data end inside a message");
    }
    if (copy->rows != copy->tag_rows) {
        return hyl__fail(&copy->stream.error, HYL_ERR_PROTOCOL,
                         "the server has sent %lld rows and says that they are %lld",
                         (long long)copy->rows, (long long)copy->tag_rows);
    }
    return HYL_DONE;
}

/* OK: the reader has got a piece. DONE: the data are over. AGAIN: nothing yet. */
static hyl_status take_event(hyl__arrow_copy *copy, const hyl__event *event)
{
    switch (event->type) {
    case HYL__EVENT_COPY_BODY:
        return land_body(copy, event);
    case HYL__EVENT_COPY_DATA:
        return take_piece(copy, event->body);
    case HYL__EVENT_COMPLETE:
        copy->tag_rows = hyl_tag_rows(event->message.as.tag);
        return HYL_AGAIN;
    case HYL__EVENT_ERROR:
        return take_server_error(copy);
    case HYL__EVENT_READY:
        return check_end(copy);
    case HYL__EVENT_ROW_DESCRIPTION:
    case HYL__EVENT_COPY_IN:
        return hyl__fail(&copy->stream.error, HYL_ERR_PROTOCOL,
                         "the server answered COPY TO STDOUT with something else");
    default:
        return HYL_AGAIN;
    }
}

static hyl_status next_piece(hyl__arrow_copy *copy)
{
    hyl_conn *conn = copy->conn;
    hyl__event event;
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN) {
        HYL_TRY(hyl__conn_event(conn, &event, &copy->stream.error));
        status = take_event(copy, &event);
    }
    return status;
}

/* ---- The stream ---------------------------------------------------------------------------- */

static hyl_status read_batch(hyl__arrow_copy *copy, struct ArrowArray *out)
{
    hyl_status status = hyl__ipc_reader_batch(&copy->reader, out, &copy->stream.error);
    while (status == HYL_AGAIN || status == HYL_DONE) {
        /* The end is the server's to tell, also behind an end-of-stream marker. */
        status = next_piece(copy);
        if (status != HYL_OK) {
            return status;
        }
        status = hyl__ipc_reader_batch(&copy->reader, out, &copy->stream.error);
    }
    return status;
}

static hyl_status next_batch(hyl__arrow_copy *copy, struct ArrowArray *out)
{
    hyl__stream *stream = &copy->stream;
    if (copy->conn->closed && copy->conn->session.phase == HYL__PHASE_BROKEN) {
        return hyl__fail(&stream->error, HYL_ERR_CLOSED, "the stream's connection was closed");
    }
    hyl_status status = read_batch(copy, out);
    if (status == HYL_DONE) {
        copy->conn->child = NULL;
    } else if (status == HYL_OK) {
        copy->rows += out->length;
        status = hyl__stream_align(stream, out);
    }
    return status < 0 ? hyl__arrow_copy_fail(copy, status) : status;
}

static hyl_status next_of_stream(hyl__stream *stream, struct ArrowArray *out)
{
    hyl__arrow_copy *copy = (hyl__arrow_copy *)stream;
    copy->conn->deadline = hyl__deadline_in(copy->conn->settings.request_timeout_ms);
    return next_batch(copy, out);
}

static void free_copy(hyl__stream *stream)
{
    hyl__arrow_copy *copy = (hyl__arrow_copy *)stream;
    if (copy->stream.state == HYL_OK) {
        leave_landing(copy);
        hyl__conn_abandon_later(copy->conn);
    }
    hyl__ipc_reader_reset(&copy->reader);
    hyl__conn_release(copy->conn);
    hyl__stream_reset(stream);
    hyl__free(copy);
}

/* ---- Opening ------------------------------------------------------------------------------- */

static hyl_status send_copy(hyl__arrow_copy *copy, const char *sql)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = hyl__copy_wrap(sql, &text, &copy->sql_chars, &copy->stream.error);
    if (status == HYL_OK) {
        status = hyl__conn_simple(copy->conn, (hyl_str){(const char *)text.data, text.len},
                                  HYL__STATEMENT_OTHER, &copy->stream.error);
    }
    hyl_buf_reset(&text);
    return status;
}

/* Reads until the columns are known. */
static hyl_status read_schema(hyl__arrow_copy *copy)
{
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN) {
        status = next_piece(copy);
        if (status == HYL_DONE) {
            return hyl__fail(&copy->stream.error, HYL_ERR_PROTOCOL,
                             "the server sent no Arrow data");
        }
        HYL_TRY(status);
        status = hyl__ipc_reader_schema(&copy->reader, &copy->stream.error);
    }
    return status == HYL_DONE
               ? hyl__fail(&copy->stream.error, HYL_ERR_PROTOCOL, "the server sent no Arrow schema")
               : status;
}

static hyl_status new_copy(hyl_conn *conn, hyl__arrow_copy **out, hyl_error *err)
{
    hyl__arrow_copy *copy = hyl__calloc(1, sizeof *copy);
    if (copy == NULL) {
        return hyl__fail_nomem(err);
    }
    if (hyl__ipc_reader_init(&copy->reader) < 0) {
        hyl__free(copy);
        return hyl__fail_nomem(err);
    }
    copy->stream.schema = &copy->reader.schema;
    copy->stream.next = next_of_stream;
    copy->stream.free = free_copy;
    copy->conn = conn;
    hyl__conn_retain(conn);
    *out = copy;
    return HYL_OK;
}

/* Sends the statement and reads the schema. */
static hyl_status start_copy(hyl__arrow_copy *copy, const char *sql, const char *child)
{
    HYL_TRY(send_copy(copy, sql));
    copy->conn->child = child;
    hyl__session_want_bodies(&copy->conn->session);
    hyl_status status = read_schema(copy);
    return status < 0 ? hyl__arrow_copy_fail(copy, status) : HYL_OK;
}

hyl_status hyl__arrow_copy_open(hyl_conn *conn, const char *sql, const char *child,
                                hyl__arrow_copy **out, hyl_error *err)
{
    hyl__arrow_copy *copy = NULL;
    HYL_TRY(new_copy(conn, &copy, err));
    hyl_status status = start_copy(copy, sql, child);
    if (status < 0) {
        if (err != NULL) {
            *err = copy->stream.error;
        }
        copy->stream.state = status;
        free_copy(&copy->stream);
        return status;
    }
    *out = copy;
    return HYL_OK;
}

hyl_status hyl__arrow_copy_next(hyl__arrow_copy *copy, struct ArrowArray *out)
{
    if (copy->stream.state == HYL_OK) {
        copy->stream.state = next_batch(copy, out);
    }
    return copy->stream.state;
}

void hyl__arrow_copy_leave(hyl__arrow_copy *copy)
{
    leave_landing(copy);
    copy->stream.state = HYL_ERR_CANCELLED;
}

void hyl__arrow_copy_free(hyl__arrow_copy *copy)
{
    if (copy != NULL) {
        free_copy(&copy->stream);
    }
}
