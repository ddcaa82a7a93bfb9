/*
 * Record batches of the server as the cells of rows: each column once a batch, so that a row is
 * little more than an index that moves on.
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

/* What the getters ask of a column, within few bytes. */
typedef struct hyl__cell_shape {
    uint8_t binary_type; /* its type's id where its cells are HyperBinary, else HYL_TYPE_UNKNOWN */
    /* Of a column of a batch whose values lie at equal distances, none of them NULL: that distance.
     * Its cell then is the batch's first value, and a row's lies `index` strides behind it. */
    uint8_t stride;
} hyl__cell_shape;

/* A column of a batch without a stride, whose cell each row looks up. */
typedef struct hyl__cell_lookup {
    const hyl__cell_column *column;
    hyl_bytes *cell;
} hyl__cell_lookup;

typedef struct hyl__arrow_cells {
    hyl__cell_column *columns;
    size_t count;
    hyl_bytes *cells; /* one a column; the owner's */
    size_t row;       /* the current one of the batch */
    size_t rows;      /* of the batch; 0: there is none */
    hyl__cell_lookup *lookups;
    hyl__cell_lookup *lookups_end;
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
 * the rows that follow, `shapes` the strides of all: data NULL is NULL.
 * Errors: NOMEM, LIMIT, PROTOCOL naming the column; the batch is taken over then too.
 * Lifetime: the cells' views until the next batch.
 */
hyl_status hyl__arrow_cells_take(hyl__arrow_cells *cells, struct ArrowArray *batch, hyl_bytes *to,
                                 hyl__cell_shape *shapes, hyl_error *err);

/* The value of a column in a row. */
static inline hyl_bytes hyl__cell_at(const hyl__cell_column *column, size_t row)
{
    if (column->valid != NULL && (column->valid[row >> 3] >> (row & 7) & 1) == 0) {
        return (hyl_bytes){NULL, 0};
    }
    if (column->ends != NULL) {
        int32_t begin = column->ends[row];
        return (hyl_bytes){column->values + begin, (size_t)(column->ends[row + 1] - begin)};
    }
    return (hyl_bytes){column->values + row * column->stride, column->width};
}

/* A row's value of a column, out of what hyl__arrow_cells_take has given for it. */
static inline hyl_bytes hyl__cell_behind(hyl_bytes cell, hyl__cell_shape shape, size_t index)
{
    if (index > 0 && cell.data != NULL) {
        cell.data += index * shape.stride;
    }
    return cell;
}

/* Is there a row behind the current one? */
static inline bool hyl__arrow_cells_has_next(const hyl__arrow_cells *cells)
{
    return cells->row + 1 < cells->rows;
}

/* Shows the current row's cells of the columns without a stride. */
static inline void hyl__arrow_cells_look_up(const hyl__arrow_cells *cells)
{
    const size_t row = cells->row;
    const hyl__cell_lookup *end = cells->lookups_end;
    for (const hyl__cell_lookup *one = cells->lookups; one != end; one++) {
        *one->cell = hyl__cell_at(one->column, row);
    }
}

#endif
