/* The rows of a result as a stream of record batches, whose arrays are built here. */
#include "arrow_rows.h"

#include "arrow_columns.h"
#include "arrow_stream.h"
#include "base/error.h"
#include "base/mem.h"
#include "result.h"
#include "transfer.h"

#include <errno.h>

enum {
    FIRST_ROWS = 64,
    MAX_ROWS = 10240,     /* as in the server's batches: what is written stays in the cache */
    MAX_BYTES = 16777216, /* of cells; a batch ends with the row that passes it */
};

typedef struct row_stream {
    hyl__stream stream;
    hyl_result *result;
    struct ArrowSchema schema;
    hyl__column *columns;
    size_t column_count;
    int64_t rows;     /* of the batch under way */
    int64_t cap;      /* rows that the columns have room for */
    int64_t next_cap; /* what they make room for next */
    size_t bytes;     /* of their cells */
} row_stream;

/* ---- Rows ---------------------------------------------------------------------------------- */

/* The type's name with all that belongs to it, as array(interval). */
static void type_text(hyl_type type, char *out, size_t cap)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_type_format(type, &text);
    if (hyl_buf_status(&text) == HYL_OK) {
        hyl__copy_text(out, cap, (const char *)text.data, text.len);
    }
    hyl_buf_reset(&text);
}

static hyl_status fail_cell(row_stream *rows, size_t column, hyl_status status)
{
    const hyl_column *info = hyl_result_column(rows->result, column);
    hyl_error *err = &rows->stream.error;
    char type[80] = "";
    switch (status) {
    case HYL_ERR_NOMEM:
        return hyl__fail_nomem(err);
    case HYL_ERR_RANGE:
        type_text(info->type, type, sizeof type);
        return hyl__fail(
            err, status,
            "column %zu \"%s\": one of its values is out of the range that type %s has "
            "as Arrow; " HYL__ADVICE_TEXT,
            column + 1, info->name, type);
    case HYL_ERR_UNSUPPORTED:
        return hyl__fail(err, status,
                         "column %zu \"%s\": a value that has no form as Arrow; as text "
                         "(HYL_QUERY_TEXT) it can be had",
                         column + 1, info->name);
    default:
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "column %zu \"%s\": a value that is none of its type", column + 1,
                         info->name);
    }
}

static hyl_status grow(row_stream *rows)
{
    int64_t cap = rows->next_cap;
    for (size_t i = 0; i < rows->column_count; i++) {
        if (hyl__column_grow(&rows->columns[i], cap) < 0) {
            return hyl__fail_nomem(&rows->stream.error);
        }
    }
    rows->cap = cap;
    rows->next_cap = cap * 2 < MAX_ROWS ? cap * 2 : MAX_ROWS;
    return HYL_OK;
}

static hyl_status append_row(row_stream *rows, const hyl_row *row)
{
    if (rows->rows == rows->cap) {
        HYL_TRY(grow(rows));
    }
    const hyl_bytes *const cells = row->cells;
    const bool is_moved = row->index > 0; /* DataRows are not */
    for (size_t i = 0; i < rows->column_count; i++) {
        const hyl_bytes cell = is_moved ? hyl__row_cell(row, i) : cells[i];
        hyl_status status = hyl__column_append(&rows->columns[i], cell);
        if (status < 0) {
            return fail_cell(rows, i, status);
        }
        rows->bytes += cell.len;
    }
    rows->rows++;
    return HYL_OK;
}

/* Reads rows until the batch is full. OK or DONE. */
static hyl_status fill(row_stream *rows)
{
    hyl_status status = HYL_OK;
    while (status == HYL_OK && rows->rows < MAX_ROWS && rows->bytes < MAX_BYTES) {
        const hyl_row *row = NULL;
        status = hyl_result_next(rows->result, &row, &rows->stream.error);
        if (status == HYL_OK) {
            status = append_row(rows, row);
        }
    }
    return status;
}

/* ---- Batches ------------------------------------------------------------------------------- */

static int finish_batch(row_stream *rows, struct ArrowArray *out)
{
    struct ArrowArray batch;
    NANOARROW_RETURN_NOT_OK(ArrowArrayInitFromSchema(&batch, &rows->schema, NULL));
    int code = NANOARROW_OK;
    for (size_t i = 0; i < rows->column_count && code == NANOARROW_OK; i++) {
        code = hyl__column_finish(&rows->columns[i], batch.children[i]);
    }
    batch.length = rows->rows;
    if (code == NANOARROW_OK) {
        /* DEFAULT: buffers without a byte get a place too, which some readers ask for. */
        code = ArrowArrayFinishBuilding(&batch, NANOARROW_VALIDATION_LEVEL_DEFAULT, NULL);
    }
    if (code != NANOARROW_OK) {
        ArrowArrayRelease(&batch);
        return code;
    }
    ArrowArrayMove(&batch, out);
    rows->rows = 0;
    rows->cap = 0;
    rows->bytes = 0;
    return NANOARROW_OK;
}

/*
 * Ends the stream; where it was not the result that failed, what is left of it is in the way.
 * Inside a transaction it is read, since a cancel would fail what the user has done there.
 */
static hyl_status give_up(row_stream *rows, hyl_status status)
{
    hyl_result *result = rows->result;
    hyl_status ended = hyl_conn_tx(result->conn) == HYL_TX_OPEN ? hyl_result_finish(result, NULL)
                                                                : hyl_result_abandon(result, NULL);
    if (ended < 0 && result->conn->desync) {
        hyl__error_flag(&rows->stream.error, status, HYL_ERROR_CONNECTION_LOST);
    }
    return status;
}

static hyl_status next_batch(hyl__stream *stream, struct ArrowArray *out)
{
    row_stream *rows = (row_stream *)stream;
    hyl_status status = fill(rows);
    if (status < 0) {
        return give_up(rows, status);
    }
    if (rows->rows == 0) {
        return HYL_DONE;
    }
    if (finish_batch(rows, out) != NANOARROW_OK) {
        return give_up(rows, hyl__fail_nomem(&stream->error));
    }
    status = hyl__stream_align(stream, out);
    return status < 0 ? give_up(rows, status) : status;
}

/* ---- The stream ---------------------------------------------------------------------------- */

static void free_builders(row_stream *rows)
{
    for (size_t i = 0; rows->columns != NULL && i < rows->column_count; i++) {
        hyl__column_reset(&rows->columns[i]);
    }
    hyl__free(rows->columns);
    if (rows->schema.release != NULL) {
        ArrowSchemaRelease(&rows->schema);
    }
    hyl__stream_reset(&rows->stream);
    hyl__free(rows);
}

static void free_rows(hyl__stream *stream)
{
    row_stream *rows = (row_stream *)stream;
    hyl_result_free(rows->result);
    free_builders(rows);
}

static hyl_status make_builders(row_stream *rows, const hyl_result *result)
{
    rows->column_count = hyl_result_column_count(result);
    rows->columns = hyl__calloc(rows->column_count, sizeof *rows->columns);
    if (rows->columns == NULL ||
        hyl__columns_schema(result->columns, rows->column_count, &rows->schema) != NANOARROW_OK) {
        return HYL_ERR_NOMEM;
    }
    for (size_t i = 0; i < rows->column_count; i++) {
        HYL_TRY(hyl__column_init(&rows->columns[i], &result->columns[i]));
    }
    return HYL_OK;
}

hyl_status hyl__result_to_arrow(hyl_result *result, bool realign, struct ArrowArrayStream *out,
                                hyl_error *err)
{
    row_stream *rows = hyl__calloc(1, sizeof *rows);
    if (rows == NULL) {
        return hyl__fail_nomem(err);
    }
    if (make_builders(rows, result) < 0 ||
        (realign && hyl__stream_want_aligned(&rows->stream) < 0)) {
        free_builders(rows);
        return hyl__fail_nomem(err);
    }
    rows->stream.schema = &rows->schema;
    rows->stream.next = next_batch;
    rows->stream.free = free_rows;
    rows->result = result;
    rows->next_cap = FIRST_ROWS;
    if (result->state == HYL_OK) {
        result->conn->child = "an Arrow stream";
    }
    hyl__stream_export(&rows->stream, out);
    return HYL_OK;
}

hyl_status hyl_result_to_arrow(hyl_result *result, struct ArrowArrayStream *out, hyl_error *err)
{
    return hyl__result_to_arrow(result, false, out, err);
}
