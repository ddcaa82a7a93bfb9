/* Results and rows from the inside. */
#ifndef HYL_DATA_RESULT_H
#define HYL_DATA_RESULT_H

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
 * A row is the result's current one: one struct for all rows, its cells views of the connection's
 * receive window.
 */
struct hyl_row {
    const hyl_bytes *cells; /* data NULL: SQL NULL */
    const hyl_column *columns;
    /* hyl__binary_type of each column: all that a getter asks of it, within few bytes. */
    const uint8_t *binary_types;
    size_t count;
    hyl__scratch *scratch; /* the result's */
};

struct hyl_result {
    hyl_conn *conn; /* a reference */
    hyl_row row;
    hyl_bytes *cells;       /* of any row */
    hyl_bytes *fixed_cells; /* of rows that have the layout */
    hyl__row_layout layout;
    uint8_t *binary_types;
    hyl__scratch scratch; /* emptied for each row */
    hyl_column *columns;
    char *names;      /* what the columns' names point into */
    hyl_status state; /* OK: rows may come. DONE: the statement has succeeded. Below 0: `error` */
    hyl_error error;
    bool within_deadline; /* the call under way reads on and on: its deadline is set already */
    bool rolled_back;     /* the statement was a COMMIT of a failed transaction, sent as ROLLBACK */
    int64_t affected;
    char tag[64];
};

/* hyl_result_finish within the deadline of the call under way. */
hyl_status hyl__result_finish(hyl_result *result, hyl_error *err);

#endif
