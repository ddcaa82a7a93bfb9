/* Results and rows from the inside. */
#ifndef HYL_DATA_RESULT_H
#define HYL_DATA_RESULT_H

#include "arrow_result.h"
#include "conn/conn.h"
#include "wire/row.h"

/*
 * Values of the current row that cannot be views of their cells: a piece for each that was got.
 * Pieces stay where they are, so that what was got before stays valid.
 */
typedef struct hyl__piece {
    struct hyl__piece *next;
    hyl_buf bytes;
} hyl__piece;

typedef struct hyl__scratch {
    hyl__piece *pieces;
} hyl__scratch;

/* An empty buffer; NULL without memory. */
hyl_buf *hyl__scratch_add(hyl__scratch *scratch);
void hyl__scratch_free(hyl__scratch *scratch);

static inline void hyl__scratch_clear(hyl__scratch *scratch)
{
    if (scratch->pieces != NULL) {
        hyl__scratch_free(scratch);
    }
}

/* The type id of a column whose cells are HyperBinary, HYL_TYPE_UNKNOWN of another one. */
static inline uint8_t hyl__binary_type(const hyl_column *column)
{
    return (uint8_t)(column->format == HYL_FORMAT_HYPERBINARY ? column->type.id : HYL_TYPE_UNKNOWN);
}

/*
 * A row is the result's current one: one struct for all rows. Its cells are views of the
 * connection's receive window, or of a batch.
 */
struct hyl_row {
    const hyl_bytes *cells; /* data NULL: SQL NULL; else see hyl__row_cell */
    const hyl_column *columns;
    const hyl__cell_shape *shapes;
    size_t count;
    size_t index;          /* within the batch; 0 of DataRows, whose shapes have no stride */
    hyl__scratch *scratch; /* the result's */
};

/* A value of the row: the general way. The getters do the same in steps. */
static inline hyl_bytes hyl__row_cell(const hyl_row *row, size_t column)
{
    return hyl__cell_behind(row->cells[column], row->shapes[column], row->index);
}

struct hyl_result {
    hyl_conn *conn;           /* a reference */
    hyl__arrow_result *arrow; /* rows are served out of its batches; NULL: they are DataRows */
    hyl_row row;
    hyl_bytes *cells;       /* of any row */
    hyl_bytes *fixed_cells; /* of rows that have the layout */
    hyl__row_layout layout;
    hyl__cell_shape *shapes;
    hyl__scratch scratch; /* emptied for each row */
    hyl_column *columns;
    char *names;      /* what the columns' names point into */
    hyl_status state; /* OK: rows may come. DONE: the statement has succeeded. Below 0: `error` */
    hyl_error error;
    bool commits;         /* the statement is a COMMIT */
    bool within_deadline; /* the call under way reads on and on: its deadline is set already */
    bool rolled_back;     /* the statement was a COMMIT of a failed transaction, sent as ROLLBACK */
    int64_t affected;
    char tag[64];
};

/* hyl_result_finish within the deadline of the call under way. */
hyl_status hyl__result_finish(hyl_result *result, hyl_error *err);

/* ---- For what opens results (query.c) ---- */

void hyl__result_set_format(hyl_result *result, size_t index, hyl_format format);
/* Works out how rows without NULL look like, once the formats are known. */
void hyl__result_set_layout(hyl_result *result, size_t count);
/* Describes the columns of the batches. Errors: NOMEM. */
hyl_status hyl__result_set_arrow_columns(hyl_result *result, hyl_error *err);

/*
 * Takes one event. OK: a row is there (its body in event->body). DONE: the statement is over and
 * has succeeded. AGAIN: go on. Below 0: `error` is filled in.
 */
hyl_status hyl__result_take(hyl_result *result, const hyl__event *event, hyl_error *error);
/* Reads on until there is a row, or the end. The same returns, but never AGAIN. */
hyl_status hyl__result_next_body(hyl_result *result, hyl_bytes *body, hyl_error *error);

/* The result is over: the connection is free for the next request. Returns `state`. */
hyl_status hyl__result_end(hyl_result *result, hyl_status state, const hyl_error *error);
/*
 * Ends the result with `error`, hands it out, and puts the connection back in step where that can
 * be done.
 */
hyl_status hyl__result_fail(hyl_result *result, hyl_error *error, hyl_error *err);

#endif
