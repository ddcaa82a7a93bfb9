/*
 * Builders of Arrow arrays from the cells of rows: each writes straight into the buffers that the
 * array will have.
 */
#ifndef HYL_DATA_ARROW_COLUMNS_H
#define HYL_DATA_ARROW_COLUMNS_H

#include <hyperline/hyperline.h>
#include <nanoarrow/nanoarrow.h>

#include "base/endian.h"

/* Memory of one Arrow buffer. */
typedef struct hyl__memory {
    uint8_t *data;
    size_t len; /* of bytes that vary in number; otherwise as many as the rows make it */
    size_t cap;
    size_t expected; /* of bytes: how many the batch before had, and some */
} hyl__memory;

typedef struct hyl__column hyl__column;

struct hyl__column {
    hyl_type type;
    /* Writes a cell that is not NULL into slot `len`. Errors: PROTOCOL, RANGE, UNSUPPORTED, NOMEM. */
    hyl_status (*put)(hyl__column *column, hyl_bytes cell);
    hyl_status (*put_hyperbinary)(hyl__column *column,
                                  hyl_bytes cell); /* the same in that format */
    size_t cell_width; /* what a cell must be long; 0: it varies, or `put` knows */
    size_t width;      /* of a slot of `slots`; 0: a bit */
    bool is_plain; /* the slot has the cell's 4 or 8 bytes, whatever they are: no call is needed */
    int64_t len;
    int64_t cap; /* slots that there is memory for */
    int64_t null_count;
    bool has_offsets;     /* in `slots` */
    hyl__memory validity; /* data NULL until the first NULL */
    hyl__memory slots;    /* values of fixed width, bits, or the offsets of those that vary */
    hyl__memory bytes;    /* of those that vary */
    hyl__column *element; /* of an array */
    hyl_buf scratch;      /* a cell in HyperBinary or as text, that came as something else */
};

/* An empty builder of a column of a result. Errors: NOMEM. */
hyl_status hyl__column_init(hyl__column *column, const hyl_column *info);
void hyl__column_reset(hyl__column *column);

/* Makes room for `cap` values in all. Errors: NOMEM. */
hyl_status hyl__column_grow(hyl__column *column, int64_t cap);

/*
 * Appends a cell, for which there is room; data NULL is NULL.
 * Errors: PROTOCOL (no value of the type), RANGE (Arrow's type does not hold it), UNSUPPORTED (an
 * array of several dimensions), NOMEM.
 */
static inline hyl_status hyl__column_append(hyl__column *column, hyl_bytes cell);

/* Moves what was appended into an array of the column's type; the builder is empty then. */
int hyl__column_finish(hyl__column *column, struct ArrowArray *out);

/*
 * Makes *out the schema of a result's columns, with the types and metadata of hyperline/arrow.h.
 * Returns an errno number, as nanoarrow does.
 */
int hyl__columns_schema(const hyl_column *columns, size_t count, struct ArrowSchema *out);

/* The slow half of hyl__column_append. */
hyl_status hyl__column_append_null(hyl__column *column);

static inline hyl_status hyl__column_append(hyl__column *column, hyl_bytes cell)
{
    if (__builtin_expect(cell.data == NULL, 0)) {
        return hyl__column_append_null(column);
    }
    if (__builtin_expect(column->cell_width != 0 && cell.len != column->cell_width, 0)) {
        return HYL_ERR_PROTOCOL;
    }
    if (column->is_plain && cell.len == sizeof(uint64_t)) {
        uint64_t value = hyl__load_le64(cell.data);
        memcpy(column->slots.data + (size_t)column->len++ * sizeof value, &value, sizeof value);
        return HYL_OK;
    }
    if (column->is_plain && cell.len == sizeof(uint32_t)) {
        uint32_t value = hyl__load_le32(cell.data);
        memcpy(column->slots.data + (size_t)column->len++ * sizeof value, &value, sizeof value);
        return HYL_OK;
    }
    hyl_status status = column->put(column, cell);
    column->len += status == HYL_OK;
    return status;
}

#endif
