#include "copy.h"

#include "conn/conn.h"
#include "conn/statement.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

/*
 * Small writes are gathered into messages of this size: the server's parser works on whole
 * messages, and takes 2.5 times as long over 16 kB ones.
 */
enum { GATHER_SIZE = 262144 };

typedef enum copy_direction { COPY_IN, COPY_OUT } copy_direction;

struct hyl_copy {
    hyl_conn *conn; /* a reference */
    copy_direction direction;
    hyl_buf gathered; /* COPY IN: written and not yet a message */
    hyl_status state; /* OK: under way. DONE: over, in good order. Below 0: `error` */
    hyl_error error;
    int64_t rows;
    bool ended; /* COPY IN: by the server, which needs no CopyDone; `state` is still OK */
};

/* ---- The course of a COPY ------------------------------------------------------------------ */

static hyl_status end_copy(hyl_copy *copy, hyl_status state, const hyl_error *error)
{
    copy->state = state;
    copy->conn->child = NULL;
    if (error != NULL) {
        copy->error = *error;
    }
    return state;
}

/*
 * Ends the COPY with `error`. A message that had begun to go out is kept, so that it can still be
 * sent whole.
 */
static hyl_status fail_copy(hyl_copy *copy, hyl_error *error, hyl_error *err)
{
    hyl_conn *conn = copy->conn;
    if (hyl__frame_send_keep(&conn->session.frame) < 0) {
        hyl__conn_mark_desync(conn, error->status);
    }
    hyl__conn_recover(conn, error->status, error);
    end_copy(copy, error->status, error);
    if (err != NULL) {
        *err = *error;
    }
    return error->status;
}

static hyl_status fail_again(const hyl_copy *copy, hyl_error *err)
{
    if (err != NULL) {
        *err = copy->error;
    }
    return copy->state;
}

static hyl_status check_copy(const hyl_copy *copy, copy_direction direction, hyl_error *err)
{
    if (copy->direction != direction) {
        return hyl__fail(err, HYL_ERR_STATE, "this COPY goes the other way");
    }
    if (copy->state < 0) {
        return fail_again(copy, err);
    }
    if (copy->state == HYL_OK && copy->conn->closed) {
        return hyl__conn_check(copy->conn, err);
    }
    return copy->state;
}

static hyl_status fail_ended(const hyl_copy *copy, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_STATE,
                     "the server has ended the COPY, with %lld rows: behind the end marker of an "
                     "Arrow stream it reads nothing",
                     (long long)copy->rows);
}

static hyl_status check_writable(hyl_copy *copy, size_t len, hyl_error *err)
{
    hyl_status status = check_copy(copy, COPY_IN, err);
    if (status == HYL_OK && copy->ended && len > 0) {
        hyl_error error = HYL_ERROR_INIT;
        fail_ended(copy, &error);
        return fail_copy(copy, &error, err);
    }
    return status == HYL_DONE ? hyl__fail(err, HYL_ERR_STATE, "the COPY is over") : status;
}

static void start_deadline(const hyl_copy *copy)
{
    copy->conn->deadline = hyl__deadline_in(copy->conn->settings.request_timeout_ms);
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* The statement has turned out to be something else than the COPY that was asked for. */
static hyl_status refuse(hyl_conn *conn, const hyl__event *event, hyl_error *error)
{
    if (event->type == HYL__EVENT_COMPLETE || event->type == HYL__EVENT_EMPTY) {
        HYL_TRY(hyl__conn_finish(conn, error));
        return hyl__fail(error, HYL_ERR_ARG, "the statement is no such COPY; it was run");
    }
    HYL_TRY(hyl__conn_abandon(conn, error));
    return hyl__fail(error, HYL_ERR_ARG, "the statement is no such COPY; it was cancelled");
}

static hyl_status wait_for_copy(hyl_conn *conn, copy_direction direction, hyl_error *error)
{
    hyl__event_type wanted = direction == COPY_IN ? HYL__EVENT_COPY_IN : HYL__EVENT_COPY_OUT;
    hyl__event event;
    HYL_TRY(hyl__conn_event(conn, &event, error));
    if (event.type == wanted) {
        return HYL_OK;
    }
    return event.type == HYL__EVENT_ERROR ? hyl__conn_end_failed(conn, error)
                                          : refuse(conn, &event, error);
}

static hyl_status open_copy(hyl_conn *conn, const char *sql, copy_direction direction,
                            hyl_copy **out, hyl_error *err)
{
    hyl__statement statement;
    bool rolled_back = false;
    HYL_TRY(hyl__conn_begin(conn, err));
    HYL_TRY(hyl__conn_statement(conn, hyl_str_of(sql), &statement, err));
    hyl_copy *copy = hyl__calloc(1, sizeof *copy);
    if (copy == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl_error error = HYL_ERROR_INIT;
    hyl_status status = hyl__conn_query(conn, &statement, &rolled_back, &error);
    if (status == HYL_OK) {
        status = wait_for_copy(conn, direction, &error);
    }
    if (status < 0) {
        hyl__conn_recover(conn, status, &error);
        if (err != NULL) {
            *err = error;
        }
        hyl__free(copy);
        return status;
    }
    copy->conn = conn;
    copy->direction = direction;
    copy->rows = -1;
    hyl__conn_retain(conn);
    conn->child = "a COPY";
    *out = copy;
    return HYL_OK;
}

hyl_status hyl_copy_in_open(hyl_conn *conn, const char *sql, hyl_copy **out, hyl_error *err)
{
    return open_copy(conn, sql, COPY_IN, out, err);
}

hyl_status hyl_copy_out_open(hyl_conn *conn, const char *sql, hyl_copy **out, hyl_error *err)
{
    return open_copy(conn, sql, COPY_OUT, out, err);
}

/* ---- COPY IN ------------------------------------------------------------------------------- */

/* Reads to READY and takes the number of rows on the way. */
static hyl_status wait_for_end(hyl_copy *copy, hyl_error *error)
{
    hyl__event event;
    do {
        HYL_TRY(hyl__conn_event(copy->conn, &event, error));
        if (event.type == HYL__EVENT_ERROR) {
            return hyl__conn_end_failed(copy->conn, error);
        }
        if (event.type == HYL__EVENT_COMPLETE) {
            copy->rows = hyl_tag_rows(event.message.as.tag);
        }
    } while (event.type != HYL__EVENT_READY);
    return HYL_OK;
}

/*
 * Looks whether the server has said something meanwhile. Its error ends the COPY before more is
 * sent to no purpose; its completion is what an end marker in the data gets.
 */
static hyl_status look_for_answer(hyl_copy *copy, hyl_error *error)
{
    hyl__event event;
    hyl_status status = hyl__conn_poll(copy->conn, &event, error);
    if (status != HYL_OK) {
        return status;
    }
    if (event.type == HYL__EVENT_ERROR) {
        return hyl__conn_end_failed(copy->conn, error);
    }
    copy->rows = hyl_tag_rows(event.message.as.tag);
    copy->ended = true;
    return wait_for_end(copy, error);
}

/* Sends one message of at most HYL__COPY_CHUNK bytes in all. */
static hyl_status send_chunk(hyl_copy *copy, const hyl_bytes *pieces, size_t count,
                             hyl_error *error)
{
    if (copy->ended) {
        return fail_ended(copy, error);
    }
    HYL_TRY(hyl__session_copy_pieces(&copy->conn->session, pieces, count, error));
    hyl_error unsent = HYL_ERROR_INIT;
    hyl_status status = hyl__conn_flush(copy->conn, &unsent);
    /* What the server had to say is more telling than that it is gone. */
    HYL_TRY(look_for_answer(copy, error));
    if (status < 0) {
        *error = unsent;
    }
    return status;
}

/* Where in a list of pieces the next message begins. */
typedef struct piece_reader {
    const hyl_bytes *next;
    size_t left;   /* pieces, with the next one */
    size_t offset; /* into the next one */
} piece_reader;

/* Takes what fits into one message. Returns the number of pieces. */
static size_t take_chunk(piece_reader *reader, hyl_bytes chunk[HYL__COPY_MAX_PIECES])
{
    size_t count = 0;
    size_t room = HYL__COPY_CHUNK;
    while (reader->left > 0 && room > 0 && count < HYL__COPY_MAX_PIECES) {
        const size_t rest = reader->next->len - reader->offset;
        const size_t len = rest < room ? rest : room;
        chunk[count++] = (hyl_bytes){reader->next->data + reader->offset, len};
        room -= len;
        reader->offset += len;
        if (len == rest) {
            reader->next++;
            reader->left--;
            reader->offset = 0;
        }
    }
    return count;
}

static hyl_status send_pieces(hyl_copy *copy, const hyl_bytes *pieces, size_t count, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_bytes chunk[HYL__COPY_MAX_PIECES];
    piece_reader reader = {pieces, count, 0};
    while (reader.left > 0) {
        const size_t taken = take_chunk(&reader, chunk);
        hyl_status status = send_chunk(copy, chunk, taken, &error);
        if (status >= 0 && reader.left > 0) {
            status = hyl__conn_check_deadline(copy->conn, &error);
        }
        if (status < 0) {
            return fail_copy(copy, &error, err);
        }
    }
    return HYL_OK;
}

static hyl_status send_bytes(hyl_copy *copy, hyl_bytes bytes, hyl_error *err)
{
    return send_pieces(copy, &bytes, bytes.len > 0 ? 1 : 0, err);
}

static hyl_status send_gathered(hyl_copy *copy, hyl_error *err)
{
    hyl_status status = send_bytes(copy, (hyl_bytes){copy->gathered.data, copy->gathered.len}, err);
    hyl_buf_clear(&copy->gathered);
    return status;
}

hyl_status hyl_copy_write(hyl_copy *copy, const void *bytes, size_t len, hyl_error *err)
{
    HYL_TRY(check_writable(copy, len, err));
    start_deadline(copy);
    if (copy->gathered.len + len > GATHER_SIZE) {
        HYL_TRY(send_gathered(copy, err));
    }
    if (len >= GATHER_SIZE) {
        return send_bytes(copy, (hyl_bytes){bytes, len}, err);
    }
    hyl_buf_append(&copy->gathered, bytes, len);
    if (hyl_buf_status(&copy->gathered) < 0) {
        hyl_buf_clear(&copy->gathered);
        hyl_error error = HYL_ERROR_INIT;
        hyl__fail_nomem(&error);
        return fail_copy(copy, &error, err);
    }
    return HYL_OK;
}

hyl_status hyl__copy_write_pieces(hyl_copy *copy, const hyl_bytes *pieces, size_t count,
                                  hyl_error *err)
{
    if (count <= HYL__COPY_MAX_PIECES) {
        HYL_TRY(check_writable(copy, count, err));
        start_deadline(copy);
        HYL_TRY(send_gathered(copy, err));
        return send_pieces(copy, pieces, count, err);
    }
    for (size_t i = 0; i < count; i++) {
        HYL_TRY(hyl_copy_write(copy, pieces[i].data, pieces[i].len, err));
    }
    return HYL_OK;
}

static hyl_status finish_in(hyl_copy *copy, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    HYL_TRY(send_gathered(copy, err));
    if (copy->ended) {
        return end_copy(copy, HYL_DONE, NULL);
    }
    hyl_status status = hyl__session_copy_done(&copy->conn->session, &error);
    if (status == HYL_OK) {
        status = wait_for_end(copy, &error);
    }
    if (status < 0) {
        status = fail_copy(copy, &error, NULL);
        if (!hyl__conn_came_late(copy->conn, status, false)) {
            return fail_again(copy, err);
        }
        copy->rows = hyl_tag_rows(hyl_str_of(copy->conn->drained_tag));
    }
    return end_copy(copy, HYL_DONE, NULL);
}

/* ---- COPY OUT ------------------------------------------------------------------------------ */

static hyl_status read_piece(hyl_copy *copy, hyl_bytes *piece, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl__event event;
    hyl_status status = check_copy(copy, COPY_OUT, err);
    if (status != HYL_OK) {
        return status;
    }
    status = hyl__conn_event(copy->conn, &event, &error);
    if (status == HYL_OK && event.type == HYL__EVENT_COPY_DATA) {
        *piece = event.body;
        return HYL_OK;
    }
    if (status == HYL_OK) {
        status = event.type == HYL__EVENT_ERROR ? hyl__conn_end_failed(copy->conn, &error)
                                                : wait_for_end(copy, &error);
    }
    return status < 0 ? fail_copy(copy, &error, err) : end_copy(copy, HYL_DONE, NULL);
}

hyl_status hyl_copy_read(hyl_copy *copy, hyl_bytes *piece, hyl_error *err)
{
    start_deadline(copy);
    return read_piece(copy, piece, err);
}

/* ---- The end ------------------------------------------------------------------------------- */

hyl_status hyl_copy_finish(hyl_copy *copy, int64_t *rows, hyl_error *err)
{
    hyl_status status = check_copy(copy, copy->direction, err);
    start_deadline(copy);
    if (status == HYL_OK && copy->direction == COPY_IN) {
        status = finish_in(copy, err);
    }
    while (status == HYL_OK) {
        hyl_bytes piece;
        status = read_piece(copy, &piece, err);
    }
    HYL_TRY(status);
    if (rows != NULL) {
        *rows = copy->rows;
    }
    return HYL_OK;
}

static hyl_status fail_kept(hyl_error *err)
{
    return hyl__fail(
        err, HYL_ERR_STATE,
        "too late to abort: the server had read the end marker of the Arrow stream and "
        "completed the COPY; its rows are in the table");
}

hyl_status hyl_copy_abort(hyl_copy *copy, const char *reason, hyl_error *err)
{
    hyl_status status = check_copy(copy, copy->direction, err);
    if (status == HYL_DONE) {
        return hyl__fail(err, HYL_ERR_STATE, "the COPY is over");
    }
    HYL_TRY(status);
    hyl_error error = HYL_ERROR_INIT;
    hyl__fail(&error, HYL_ERR_CANCELLED, "the COPY was aborted");
    if (copy->direction == COPY_IN && !copy->ended) {
        HYL_TRY(hyl__session_copy_fail(&copy->conn->session, reason, err));
    }
    end_copy(copy, HYL_ERR_CANCELLED, &error);
    HYL_TRY(hyl__conn_abandon(copy->conn, err));
    return copy->ended || copy->conn->session.copy_kept ? fail_kept(err) : HYL_OK;
}

void hyl_copy_free(hyl_copy *copy)
{
    if (copy == NULL) {
        return;
    }
    if (copy->state == HYL_OK) {
        hyl__conn_abandon_later(copy->conn);
    }
    hyl__conn_release(copy->conn);
    hyl_buf_reset(&copy->gathered);
    hyl__free(copy);
}
