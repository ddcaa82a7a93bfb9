#include "result.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/opts.h"

/* ---- Columns ------------------------------------------------------------------------------- */

static void free_columns(hyl_result *result)
{
    hyl__free(result->names);
    hyl__free(result->columns);
    hyl__free(result->cells);
    hyl__free(result->fixed_cells);
    hyl__free(result->layout.cells);
    hyl__free(result->binary_types);
    result->names = NULL;
    result->columns = NULL;
    result->cells = NULL;
    result->fixed_cells = NULL;
    result->layout.cells = NULL;
    result->binary_types = NULL;
    result->row.count = 0;
}

static size_t names_size(const hyl_msg *description)
{
    hyl_coldesc_iter iter;
    hyl_msg_column column;
    size_t size = 0;
    hyl_coldesc_iter_init(&iter, description);
    while (hyl_coldesc_iter_next(&iter, &column)) {
        size += column.name.len + 1;
    }
    return size;
}

static void set_format(hyl_result *result, size_t index, hyl_format format)
{
    result->columns[index].format = format;
    result->binary_types[index] = hyl__binary_type(&result->columns[index]);
}

/* Works out how rows without NULL look like, once the formats are known. */
static void set_layout(hyl_result *result, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const hyl_column *column = &result->columns[i];
        result->fixed_cells[i].len =
            column->format == HYL_FORMAT_HYPERBINARY ? hyl_type_width(column->type) : 0;
    }
    hyl__row_layout_set(&result->layout, result->fixed_cells, count,
                        result->conn->session.frame.max_body);
}

/*
 * How a column's cells come. Hyper says 0 in any case, and has confirmed at login what it sends;
 * the server that has not is believed.
 */
static hyl_status described_format(const hyl_result *result, const hyl_msg_column *column,
                                   hyl_format *out, hyl_error *err)
{
    if (result->conn->hyper_rows) {
        *out = HYL_FORMAT_HYPERBINARY;
        return HYL_OK;
    }
    if (column->format < HYL_FORMAT_TEXT || column->format > HYL_FORMAT_HYPERBINARY) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "RowDescription: column \"%.*s\" has format %d, which is none",
                         (int)column->name.len, column->name.data, column->format);
    }
    *out = (hyl_format)column->format;
    return HYL_OK;
}

/* Copies a RowDescription: the message goes away with the next one. */
static hyl_status set_columns(hyl_result *result, const hyl_msg *description, hyl_error *err)
{
    size_t count = description->as.description.column_count;
    free_columns(result); /* of a statement, where its portal is described too */
    result->columns = hyl__calloc(count, sizeof *result->columns);
    result->cells = hyl__calloc(count, sizeof *result->cells);
    result->fixed_cells = hyl__calloc(count, sizeof *result->fixed_cells);
    result->layout.cells = hyl__calloc(count, sizeof *result->layout.cells);
    result->binary_types = hyl__calloc(count, sizeof *result->binary_types);
    result->names = hyl__malloc(names_size(description));
    if (result->columns == NULL || result->cells == NULL || result->fixed_cells == NULL ||
        result->layout.cells == NULL || result->binary_types == NULL || result->names == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl_coldesc_iter iter;
    hyl_msg_column column;
    hyl_format format = HYL_FORMAT_TEXT;
    char *name = result->names;
    hyl_coldesc_iter_init(&iter, description);
    for (size_t i = 0; hyl_coldesc_iter_next(&iter, &column); i++) {
        memcpy(name, column.name.data, column.name.len);
        name[column.name.len] = '\0';
        result->columns[i].name = name;
        result->columns[i].name_len = column.name.len;
        result->columns[i].type = hyl_type_from_oid(column.type_oid, column.typmod);
        HYL_TRY(described_format(result, &column, &format, err));
        set_format(result, i, format);
        name += column.name.len + 1;
    }
    set_layout(result, count);
    result->row =
        (hyl_row){result->cells, result->columns, result->binary_types, count, &result->scratch};
    return HYL_OK;
}

/* ---- The course of a result ---------------------------------------------------------------- */

static void keep_tag(hyl_result *result, hyl_str tag)
{
    hyl__copy_text(result->tag, sizeof result->tag, tag.data, tag.len);
    result->affected = hyl_tag_rows(tag);
}

/* The result is over: the connection is free for the next request. */
static hyl_status end_result(hyl_result *result, hyl_status state, const hyl_error *error)
{
    result->state = state;
    result->conn->child = NULL;
    if (error != NULL) {
        result->error = *error;
    }
    return state;
}

/*
 * Ends the result with `error`, hands it out, and puts the connection back in step where that can
 * be done.
 */
static hyl_status fail_result(hyl_result *result, hyl_error *error, hyl_error *err)
{
    hyl__conn_recover(result->conn, error->status, error);
    end_result(result, error->status, error);
    if (err != NULL) {
        *err = *error;
    }
    return error->status;
}

static hyl_status fail_again(const hyl_result *result, hyl_error *err)
{
    if (err != NULL) {
        *err = result->error;
    }
    return result->state;
}

static hyl_status check_open(const hyl_result *result, hyl_error *err)
{
    if (result->state < 0) {
        return fail_again(result, err);
    }
    if (result->state == HYL_OK && result->conn->closed) {
        return hyl__conn_check(result->conn, err);
    }
    return result->state;
}

/* A COPY started by hyl_query or hyl_exec has no one to feed or read it. */
static hyl_status refuse_copy(hyl_conn *conn, hyl_error *error)
{
    HYL_TRY(hyl__conn_abandon(conn, error));
    return hyl__fail(error, HYL_ERR_ARG,
                     "the statement is a COPY from or to the client: use hyl_copy_in_open or "
                     "hyl_copy_out_open; nothing was copied");
}

/*
 * Takes one event. OK: a row is there (its body in event->body). DONE: the statement is over and
 * has succeeded. AGAIN: go on. Below 0: `error` is filled in.
 */
static hyl_status take_event(hyl_result *result, const hyl__event *event, hyl_error *error)
{
    hyl_conn *conn = result->conn;
    switch (event->type) {
    case HYL__EVENT_DATA_ROW:
        return HYL_OK;
    case HYL__EVENT_ROW_DESCRIPTION:
        HYL_TRY(set_columns(result, &event->message, error));
        return HYL_AGAIN;
    case HYL__EVENT_COMPLETE:
        keep_tag(result, event->message.as.tag);
        return HYL_AGAIN;
    case HYL__EVENT_READY:
        if (conn->session.cut_short) {
            return hyl__fail_cut_short(error);
        }
        return result->rolled_back ? hyl__fail_rolled_back(error) : HYL_DONE;
    case HYL__EVENT_ERROR:
        return hyl__conn_end_failed(conn, error);
    case HYL__EVENT_COPY_IN:
    case HYL__EVENT_COPY_OUT:
        (void)refuse_copy(conn, error);
        return error->status;
    default:
        return HYL_AGAIN;
    }
}

/* Reads on until there is a row, or the end. The same returns as take_event, but never AGAIN. */
static hyl_status next_body(hyl_result *result, hyl_bytes *body, hyl_error *error)
{
    hyl__event event;
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN) {
        HYL_TRY(hyl__conn_event(result->conn, &event, error));
        status = take_event(result, &event, error);
    }
    *body = event.body;
    return status;
}

/* A row that is no row: the stream cannot be trusted any more. */
static hyl_status __attribute__((noinline, cold))
bad_row(hyl_result *result, hyl_bytes body, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_status status = hyl__row_cells(body, result->cells, result->row.count, &error);
    hyl__conn_mark_desync(result->conn, status);
    return fail_result(result, &error, err);
}

/* Makes a DataRow the current row. */
static inline hyl_status show_row(hyl_result *result, hyl_bytes body, const hyl_row **row,
                                  hyl_error *err)
{
    if (!hyl__row_view(body, result->cells, result->row.count)) {
        return bad_row(result, body, err);
    }
    hyl__scratch_clear(&result->scratch);
    result->row.cells = result->cells;
    *row = &result->row;
    return HYL_OK;
}

/* The slow path of hyl_result_next: nothing whole is in the window, or it is no row. */
static hyl_status __attribute__((noinline))
wait_for_row(hyl_result *result, const hyl_row **row, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_bytes body;
    hyl_status status = check_open(result, err);
    if (status != HYL_OK) {
        return status;
    }
    if (!result->within_deadline) {
        result->conn->deadline = hyl__deadline_in(result->conn->settings.request_timeout_ms);
    }
    status = next_body(result, &body, &error);
    if (status == HYL_DONE) {
        return end_result(result, HYL_DONE, NULL);
    }
    return status < 0 ? fail_result(result, &error, err) : show_row(result, body, row, err);
}

/* The next row of any layout. */
static hyl_status __attribute__((noinline))
next_row(hyl_result *result, const hyl_row **row, hyl_error *err)
{
    hyl_bytes body;
    if (result->state == HYL_OK && hyl__session_take_row(&result->conn->session, &body)) {
        return show_row(result, body, row, err);
    }
    return wait_for_row(result, row, err);
}

/*
 * The fastest path: a row that has the layout and is whole in the window. Here and in what it calls
 * no function is called that is not inlined, so that no register needs saving.
 */
static inline bool take_fixed_row(hyl_result *result)
{
    hyl__session *session = &result->conn->session;
    if (result->state != HYL_OK || !hyl__session_takes_rows(session) ||
        result->scratch.pieces != NULL) {
        return false;
    }
    const uint8_t *message = hyl__frame_peek(&session->frame, result->layout.size);
    if (message == NULL || !hyl__row_matches(&result->layout, message, result->fixed_cells)) {
        return false;
    }
    hyl__frame_skip(&session->frame, result->layout.size);
    result->row.cells = result->fixed_cells;
    return true;
}

hyl_status hyl_result_next(hyl_result *result, const hyl_row **row, hyl_error *err)
{
    if (take_fixed_row(result)) {
        *row = &result->row;
        return HYL_OK;
    }
    return next_row(result, row, err);
}

hyl_status hyl__result_finish(hyl_result *result, hyl_error *err)
{
    const hyl_row *row = NULL;
    hyl_status status = HYL_OK;
    result->within_deadline = true;
    while (status == HYL_OK) {
        status = hyl_result_next(result, &row, err);
    }
    return status == HYL_DONE ? HYL_OK : status;
}

hyl_status hyl_result_finish(hyl_result *result, hyl_error *err)
{
    result->conn->deadline = hyl__deadline_in(result->conn->settings.request_timeout_ms);
    return hyl__result_finish(result, err);
}

hyl_status hyl_result_abandon(hyl_result *result, hyl_error *err)
{
    hyl_status status = check_open(result, err);
    if (status != HYL_OK) {
        return status == HYL_DONE ? HYL_OK : status;
    }
    hyl_error gone = HYL_ERROR_INIT;
    hyl__fail(&gone, HYL_ERR_CANCELLED, "the result was abandoned");
    end_result(result, HYL_ERR_CANCELLED, &gone);
    return hyl__conn_abandon(result->conn, err);
}

void hyl_result_free(hyl_result *result)
{
    if (result == NULL) {
        return;
    }
    if (result->state == HYL_OK) {
        hyl__conn_abandon_later(result->conn);
    }
    hyl__conn_release(result->conn);
    free_columns(result);
    hyl__scratch_clear(&result->scratch);
    hyl__free(result);
}

/* ---- What it knows ------------------------------------------------------------------------- */

size_t hyl_result_column_count(const hyl_result *result)
{
    return result->row.count;
}

const hyl_column *hyl_result_column(const hyl_result *result, size_t index)
{
    return index < result->row.count ? &result->columns[index] : NULL;
}

ptrdiff_t hyl_result_find(const hyl_result *result, const char *name)
{
    for (size_t i = 0; i < result->row.count; i++) {
        if (strcmp(result->columns[i].name, name) == 0) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

int64_t hyl_result_affected(const hyl_result *result)
{
    return result->affected;
}

const char *hyl_result_tag(const hyl_result *result)
{
    return result->tag;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static hyl_status new_result(hyl_conn *conn, hyl_result **out, hyl_error *err)
{
    hyl_result *result = hyl__calloc(1, sizeof *result);
    if (result == NULL) {
        return hyl__fail_nomem(err);
    }
    result->conn = conn;
    result->affected = -1;
    result->row.scratch = &result->scratch;
    hyl__row_layout_set(&result->layout, NULL, 0, 0);
    hyl__conn_retain(conn);
    *out = result;
    return HYL_OK;
}

/* Waits until the columns are known, or the statement is over. */
static hyl_status wait_for_columns(hyl_result *result, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl__event event;
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN && result->columns == NULL) {
        status = hyl__conn_event(result->conn, &event, &error);
        if (status == HYL_OK) {
            status = take_event(result, &event, &error);
        }
    }
    if (status == HYL_DONE) {
        end_result(result, HYL_DONE, NULL);
    }
    return status < 0 ? fail_result(result, &error, err) : HYL_OK;
}

/*
 * The same of a statement that was described: until it has begun to run. The row that shows it is
 * put back for hyl_result_next.
 */
static hyl_status wait_for_rows(hyl_result *result, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_bytes body;
    hyl_status status = next_body(result, &body, &error);
    if (status == HYL_OK) {
        hyl__session_put_row_back(&result->conn->session, body);
    } else if (status == HYL_DONE) {
        end_result(result, HYL_DONE, NULL);
    }
    return status < 0 ? fail_result(result, &error, err) : HYL_OK;
}

/* Has the type no text but the server's? */
static bool only_server_writes(hyl_type type)
{
    hyl_type_id id = type.id == HYL_TYPE_ARRAY ? type.element : type.id;
    return id == HYL_TYPE_GEOGRAPHY || id == HYL_TYPE_UNKNOWN;
}

/* "char" is a byte of any value in PostgreSQL, and not a character. */
static bool has_pgbinary(hyl_type type)
{
    return !only_server_writes(type) && type.id != HYL_TYPE_CHAR1 && type.element != HYL_TYPE_CHAR1;
}

static hyl_format column_format(const hyl_result *result, const hyl_column *column, unsigned flags)
{
    if ((flags & HYL_QUERY_TEXT) != 0) {
        return HYL_FORMAT_TEXT;
    }
    if (hyl__conn_is_postgresql(result->conn)) {
        return has_pgbinary(column->type) ? HYL_FORMAT_BINARY : HYL_FORMAT_TEXT;
    }
    bool text = (flags & HYL_QUERY_GEOGRAPHY_TEXT) != 0 && only_server_writes(column->type);
    return text ? HYL_FORMAT_TEXT : HYL_FORMAT_HYPERBINARY;
}

/* Asks for each column in its own format, after the description is in. */
static hyl_status execute_described(hyl_result *result, hyl__statement_kind kind, unsigned flags,
                                    hyl_error *err)
{
    size_t count = result->row.count;
    int16_t *formats = hyl__calloc(count, sizeof *formats);
    if (formats == NULL) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        set_format(result, i, column_format(result, &result->columns[i], flags));
        formats[i] = (int16_t)result->columns[i].format;
    }
    set_layout(result, count);
    hyl_status status = hyl__session_execute(&result->conn->session, formats, count, kind, err);
    hyl__free(formats);
    return status;
}

/*
 * Of a bare list of VALUES that is described and then executed, main.0.0.26963 returns the first
 * row alone, and says SELECT 1. With a further clause it returns all.
 */
static hyl_status send_values(hyl_conn *conn, const hyl__statement *statement, hyl_error *err)
{
    const hyl_str *values = &statement->bare_values;
    hyl_buf text = HYL_BUF_INIT;
    /* From the text's start, so that the server's positions are those of the user's text. */
    hyl_buf_append(&text, statement->sql.data,
                   (size_t)(values->data + values->len - statement->sql.data));
    hyl_buf_append_str(&text, "\nOFFSET 0");
    hyl_status status = hyl_buf_status(&text) < 0 ? hyl__fail_nomem(err) : HYL_OK;
    if (status == HYL_OK) {
        hyl_str sql = {(const char *)text.data, text.len};
        status = hyl__session_describe(&conn->session, sql, err);
    }
    hyl_buf_reset(&text);
    return status;
}

/* Describes the statement, which does not run it, and reads to READY. */
static hyl_status describe(hyl_result *result, const hyl__statement *statement, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_bytes no_row;
    hyl_conn *conn = result->conn;
    HYL_TRY(statement->bare_values.len > 0
                ? send_values(conn, statement, err)
                : hyl__session_describe(&conn->session, statement->sql, err));
    hyl_status status = next_body(result, &no_row, &error);
    return status < 0 ? fail_result(result, &error, err) : HYL_OK;
}

/* Do the rows of a simple query come in other formats than those that are wanted? */
static bool needs_description(const hyl_conn *conn, unsigned flags)
{
    unsigned text_flags = HYL_QUERY_TEXT | HYL_QUERY_GEOGRAPHY_TEXT;
    if (hyl__conn_is_postgresql(conn)) {
        return (flags & HYL_QUERY_BINARY) != 0 && (flags & HYL_QUERY_TEXT) == 0;
    }
    return (flags & text_flags) != 0;
}

static hyl_status start_result(hyl_result *result, const hyl__statement *statement, unsigned flags,
                               hyl_error *err)
{
    if (!needs_description(result->conn, flags) || !statement->has_rows) {
        HYL_TRY(hyl__conn_query(result->conn, statement, &result->rolled_back, err));
        return wait_for_columns(result, err);
    }
    HYL_TRY(describe(result, statement, err));
    HYL_TRY(execute_described(result, statement->kind, flags, err));
    return wait_for_rows(result, err);
}

hyl_status hyl_query_with(hyl_conn *conn, const char *sql, const hyl_query_opts *opts,
                          hyl_result **out, hyl_error *err)
{
    hyl_result *result = NULL;
    hyl__statement statement;
    hyl_query_opts read = HYL_QUERY_OPTS_INIT;
    HYL_TRY(hyl__opts_read(&read, sizeof read, opts, "HYL_QUERY_OPTS_INIT", err));
    HYL_TRY(hyl__conn_begin(conn, err));
    HYL_TRY(hyl__statement_read(hyl_str_of(sql), &statement, err));
    HYL_TRY(new_result(conn, &result, err));
    conn->child = "a result";
    hyl_status status = start_result(result, &statement, read.flags, err);
    if (status < 0) {
        conn->child = NULL;
        result->state = status;
        hyl_result_free(result);
        return status;
    }
    *out = result;
    return HYL_OK;
}

hyl_status hyl_query(hyl_conn *conn, const char *sql, hyl_result **out, hyl_error *err)
{
    return hyl_query_with(conn, sql, NULL, out, err);
}
