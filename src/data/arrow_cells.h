/*
 * Record batches of the server as the cells of rows: each column once a batch, so that a row is
 * little more than pointers that move on.
 *
 * Cells are HyperBinary, as a DataRow's are. Numbers, times, text and bytes lie in a batch as they
 * do in a cell, and are viewed where they are; booleans, dates, timestamps, intervals and arrays do
 * not, and are rewritten, a column of a batch at a time.
 */
#ifndef HYL_DATA_ARROW_CELLS_H
#define HYL_DATA_ARROW_CELLS_H

#include <hyperline/arrow.h>

typedef struct hyl__cell_column hyl__cell_column;

struct hyl__cell_column {
    hyl_type type;
    size_t width;  /* of a cell; 0: it varies */
    size_t stride; /* from one value to the next, where the width does not vary */
    /* Makes the column's values out of an array of the batch. NULL: they are viewed. */
    hyl_status (*rewrite)(hyl__cell_column *column, const struct ArrowArray *array);
    /* Of the batch under way: */
    const uint8_t *values;
    const int32_t
        *ends; /* where values that vary end, from the second on; NULL: they do not vary */
    const uint8_t *valid; /* bits; NULL: no value is NULL */
    hyl_buf rewritten;
    hyl_buf rewritten_ends;
    hyl__cell_column *element; /* of an array */
};

/* A cell whose values lie at equal distances, none of them NULL: all that a row takes. */
typedef struct hyl__cell_step {
    hyl_bytes *cell;
    size_t stride;
} hyl__cell_step;

typedef struct hyl__arrow_cells {
    hyl__cell_column *columns;
    size_t count;
    hyl_bytes *cells; /* the current row's, one a column; the owner's */
    int64_t left;     /* rows of the batch after the current one */
    int64_t row;      /* the current one */
    hyl__cell_step *steps;
    hyl__cell_step *steps_end;
    size_t *others; /* indices of the columns that take more than a step */
    size_t other_count;
    struct ArrowArray batch; /* released: there is none */
} hyl__arrow_cells;

/*
 * Prepares for batches of a schema as the server sends it, and works out the columns' types.
 * Errors: NOMEM; UNSUPPORTED naming a field of a type that the server is not known to send.
 */
hyl_status hyl__arrow_cells_init(hyl__arrow_cells *cells, const struct ArrowSchema *schema,
                                 hyl_error *err);
void hyl__arrow_cells_reset(hyl__arrow_cells *cells);

/*
 * Takes over a batch with at least one row and shows its first. `to` gets the cells of this and of
 * the rows that follow: data NULL is NULL.
 * Errors: NOMEM, LIMIT, PROTOCOL naming the column; the batch is taken over then too.
 * Lifetime: the cells' views until the next batch.
 */
hyl_status hyl__arrow_cells_take(hyl__arrow_cells *cells, struct ArrowArray *batch, hyl_bytes *to,
                                 hyl_error *err);

/* The value of a column in a row. */
static inline hyl_bytes hyl__cell_at(const hyl__cell_column *column, int64_t row)
{
    if (column->valid != NULL && (column->valid[row >> 3] >> (row & 7) & 1) == 0) {
        return (hyl_bytes){NULL, 0};
    }
    if (column->ends != NULL) {
        int32_t begin = column->ends[row];
        return (hyl_bytes){column->values + begin, (size_t)(column->ends[row + 1] - begin)};
    }
    return (hyl_bytes){column->values + (size_t)row * column->stride, column->width};
}

static inline void hyl__arrow_cells_show_others(hyl__arrow_cells *cells)
{
    for (size_t i = 0; i < cells->other_count; i++) {
        size_t index = cells->others[i];
        cells->cells[index] = hyl__cell_at(&cells->columns[index], cells->row);
    }
}

/*
 * Moves to the next row of the batch, of which there must be one left. Where there are others
 * (other_count), hyl__arrow_cells_show_others shows them.
 */
static inline void hyl__arrow_cells_step(hyl__arrow_cells *cells)
{
    const hyl__cell_step *step = cells->steps;
    const hyl__cell_step *end = cells->steps_end;
    cells->left--;
    cells->row++;
    for (; step != end; step++) {
        step->cell->data += step->stride;
    }
}

static inline void hyl__arrow_cells_next(hyl__arrow_cells *cells)
{
    hyl__arrow_cells_step(cells);
    hyl__arrow_cells_show_others(cells);
}

#endif
