#include "result.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>

/* ---- Columns ------------------------------------------------------------------------------- */

static void free_columns(hyl_result *result)
{
    hyl__free(result->names);
    hyl__free(result->columns);
    hyl__free(result->cells);
    hyl__free(result->fixed_cells);
    hyl__free(result->layout.cells);
    hyl__free(result->shapes);
    result->names = NULL;
    result->columns = NULL;
    result->cells = NULL;
    result->fixed_cells = NULL;
    result->layout.cells = NULL;
    result->shapes = NULL;
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

void hyl__result_set_format(hyl_result *result, size_t index, hyl_format format)
{
    result->columns[index].format = format;
    result->shapes[index].binary_type = hyl__binary_type(&result->columns[index]);
}

void hyl__result_set_layout(hyl_result *result, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const hyl_column *column = &result->columns[i];
        result->fixed_cells[i].len =
            column->format == HYL_FORMAT_HYPERBINARY ? hyl_type_width(column->type) : 0;
    }
    hyl__row_layout_set(&result->layout, result->fixed_cells, count,
                        result->conn->session.frame.max_body);
}

/* Memory for what there is for each column. */
static hyl_status make_columns(hyl_result *result, size_t count)
{
    result->columns = hyl__calloc(count, sizeof *result->columns);
    result->cells = hyl__calloc(count, sizeof *result->cells);
    result->fixed_cells = hyl__calloc(count, sizeof *result->fixed_cells);
    result->layout.cells = hyl__calloc(count, sizeof *result->layout.cells);
    result->shapes = hyl__calloc(count, sizeof *result->shapes);
    bool made = result->columns != NULL && result->cells != NULL && result->fixed_cells != NULL &&
                result->layout.cells != NULL && result->shapes != NULL;
    return made ? HYL_OK : HYL_ERR_NOMEM;
}

static void show_columns(hyl_result *result, size_t count)
{
    hyl__result_set_layout(result, count);
    result->row = (hyl_row){
        .cells = result->cells,
        .columns = result->columns,
        .shapes = result->shapes,
        .count = count,
        .scratch = &result->scratch,
    };
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
    result->names = hyl__malloc(names_size(description));
    if (result->names == NULL || make_columns(result, count) < 0) {
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
        hyl__result_set_format(result, i, format);
        name += column.name.len + 1;
    }
    show_columns(result, count);
    return HYL_OK;
}

hyl_status hyl__result_set_arrow_columns(hyl_result *result, hyl_error *err)
{
    const hyl__arrow_result *arrow = result->arrow;
    if (make_columns(result, arrow->cells.count) < 0) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < arrow->cells.count; i++) {
        result->columns[i].name = hyl__arrow_result_name(arrow, i);
        result->columns[i].name_len = strlen(result->columns[i].name);
        result->columns[i].type = arrow->cells.columns[i].type;
        hyl__result_set_format(result, i, HYL_FORMAT_HYPERBINARY);
    }
    show_columns(result, arrow->cells.count);
    return HYL_OK;
}

/* ---- The course of a result ---------------------------------------------------------------- */

static void keep_tag(hyl_result *result, hyl_str tag)
{
    hyl__copy_text(result->tag, sizeof result->tag, tag.data, tag.len);
    result->affected = hyl_tag_rows(tag);
    /* Of a transaction that has failed without our knowing: a cancel came while nothing ran. */
    bool undone = result->commits && strncmp(result->tag, "ROLLBACK", 8) == 0;
    result->rolled_back = result->rolled_back || undone;
}

hyl_status hyl__result_end(hyl_result *result, hyl_status state, const hyl_error *error)
{
    result->state = state;
    result->conn->child = NULL;
    if (error != NULL) {
        result->error = *error;
    }
    return state;
}

hyl_status hyl__result_fail(hyl_result *result, hyl_error *error, hyl_error *err)
{
    hyl_conn *conn = result->conn;
    hyl__conn_recover(conn, error->status, error);
    bool wants_rows = !result->within_deadline;
    bool has_columns = wants_rows && result->row.count > 0;
    if (!has_columns && hyl__conn_came_late(conn, error->status, wants_rows)) {
        keep_tag(result, hyl_str_of(conn->drained_tag));
        if (!result->rolled_back) {
            return hyl__result_end(result, HYL_DONE, NULL);
        }
        hyl__fail_rolled_back(error);
    }
    hyl__result_end(result, error->status, error);
    if (err != NULL) {
        *err = *error;
    }
    return error->status;
}

/* Of the call under way, unless it reads on and on. */
static void set_deadline(const hyl_result *result)
{
    if (!result->within_deadline) {
        result->conn->deadline = hyl__deadline_in(result->conn->settings.request_timeout_ms);
    }
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

hyl_status hyl__result_take(hyl_result *result, const hyl__event *event, hyl_error *error)
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

hyl_status hyl__result_next_body(hyl_result *result, hyl_bytes *body, hyl_error *error)
{
    hyl__event event;
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN) {
        HYL_TRY(hyl__conn_event(result->conn, &event, error));
        status = hyl__result_take(result, &event, error);
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
    return hyl__result_fail(result, &error, err);
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
    set_deadline(result);
    status = hyl__result_next_body(result, &body, &error);
    if (status == HYL_DONE) {
        return hyl__result_end(result, HYL_DONE, NULL);
    }
    return status < 0 ? hyl__result_fail(result, &error, err) : show_row(result, body, row, err);
}

/* ---- Rows of batches ----------------------------------------------------------------------- */

static void show_tag(hyl_result *result)
{
    result->affected = result->arrow->rows;
    snprintf(result->tag, sizeof result->tag, "SELECT %lld", (long long)result->affected);
}

/* The first row of the next batch. */
static hyl_status next_batch(hyl_result *result, const hyl_row **row, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    HYL_TRY(check_open(result, err));
    if (result->state == HYL_DONE) {
        return HYL_DONE;
    }
    set_deadline(result);
    hyl_status status =
        hyl__arrow_result_next(result->arrow, result->cells, result->shapes, &error);
    if (status == HYL_DONE) {
        show_tag(result);
        return hyl__result_end(result, HYL_DONE, NULL);
    }
    if (status < 0) {
        hyl__result_end(result, status, &error);
        return fail_again(result, err);
    }
    result->row.index = 0;
    *row = &result->row;
    return HYL_OK;
}

/* Are there rows of the batch left that may be handed out? */
static inline bool has_batch_row(const hyl_result *result)
{
    return hyl__arrow_cells_has_next(&result->arrow->cells) &&
           result->conn->session.phase != HYL__PHASE_BROKEN;
}

/* What a row takes beyond its index. Returns OK, so that its caller ends with it. */
static hyl_status __attribute__((noinline)) look_up(const hyl__arrow_cells *cells)
{
    hyl__arrow_cells_look_up(cells);
    return HYL_OK;
}

/* The next row of the batch that is there. */
static inline hyl_status next_batch_row(hyl_result *result, const hyl_row **row)
{
    hyl__arrow_cells *cells = &result->arrow->cells;
    result->row.index = ++cells->row;
    *row = &result->row;
    return cells->lookups != cells->lookups_end ? look_up(cells) : HYL_OK;
}

/* The slow half: values are held, or no row is left. */
static hyl_status __attribute__((noinline))
next_row_or_batch(hyl_result *result, const hyl_row **row, hyl_error *err)
{
    hyl__scratch_clear(&result->scratch);
    return has_batch_row(result) ? next_batch_row(result, row) : next_batch(result, row, err);
}

/* The fastest path of batches. As in take_fixed_row no register needs saving. */
static hyl_status __attribute__((noinline))
next_of_batches(hyl_result *result, const hyl_row **row, hyl_error *err)
{
    if (result->scratch.pieces == NULL && has_batch_row(result)) {
        return next_batch_row(result, row);
    }
    return next_row_or_batch(result, row, err);
}

/* ---- Rows of any kind ---------------------------------------------------------------------- */

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
    if (result->arrow != NULL) {
        return next_of_batches(result, row, err);
    }
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
        if (result->arrow != NULL) {
            result->arrow->cells.rows = 0; /* on to the next batch */
        }
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
    hyl__result_end(result, HYL_ERR_CANCELLED, &gone);
    if (result->arrow != NULL) {
        hyl__arrow_result_leave(result->arrow);
    }
    return hyl__conn_abandon_rest(result->conn,
                                  hyl__deadline_in(result->conn->settings.request_timeout_ms), err);
}

void hyl_result_free(hyl_result *result)
{
    if (result == NULL) {
        return;
    }
    if (result->arrow != NULL) {
        hyl__arrow_result_free(result->arrow);
    } else if (result->state == HYL_OK) {
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
