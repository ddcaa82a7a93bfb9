/* The cells of a DataRow, for readers that know how many there must be. */
#ifndef HYL_WIRE_ROW_H
#define HYL_WIRE_ROW_H

#include <hyperline/wire.h>

#include "base/endian.h"

/*
 * Takes a cell off the front of `rest`; false where it does not fit. A NULL cell has data == NULL.
 * A length is signed: -1 is NULL, and nothing else below 0 is allowed. As a body is shorter than
 * UINT32_MAX, a cell that fits is not NULL.
 */
static inline bool hyl__row_take_cell(hyl_bytes *rest, hyl_bytes *cell)
{
    if (rest->len < 4) {
        return false;
    }
    size_t len = hyl__load_be32(rest->data);
    rest->data += 4;
    rest->len -= 4;
    if (len <= rest->len) {
        *cell = (hyl_bytes){rest->data, len};
        rest->data += len;
        rest->len -= len;
        return true;
    }
    *cell = (hyl_bytes){NULL, 0};
    return len == UINT32_MAX;
}

/*
 * Checks a DataRow's body and views each of its cells, in one pass: the hot path of rows, instead
 * of hyl_msg_parse and hyl_row_iter. False where the row has another number of cells than `count`,
 * or does not end exactly where it says; `cells` is then undefined, and hyl__row_cells says why.
 * Lifetime: views of `body`.
 */
static inline bool hyl__row_view(hyl_bytes body, hyl_bytes *cells, size_t count)
{
    if (body.len < 2 || hyl__load_be16(body.data) != count) {
        return false;
    }
    hyl_bytes rest = {body.data + 2, body.len - 2};
    for (size_t i = 0; i < count; i++) {
        if (!hyl__row_take_cell(&rest, &cells[i])) {
            return false;
        }
    }
    return rest.len == 0;
}

/* ---- Rows of one layout --------------------------------------------------------------------- */

/*
 * Where every column has values of one size, all rows without NULL look alike but for their
 * values: whether a row is one of these is quicker to say than where its cells are.
 */
typedef struct hyl__fixed_cell {
    uint32_t offset; /* of the value within the message */
    uint32_t length; /* the four bytes before it, as they are in memory */
} hyl__fixed_cell;

typedef struct hyl__row_layout {
    size_t size;   /* of the whole message; SIZE_MAX: there is no such layout */
    uint64_t head; /* hyl__row_head of every message */
    size_t count;
    hyl__fixed_cell *cells; /* the caller's */
} hyl__row_layout;

/* A message's type, length and number of columns: its first seven bytes, of eight that are read. */
static inline uint64_t hyl__row_head(const uint8_t *message)
{
    return hyl__load_be64(message) >> 8;
}

/*
 * Works the layout out: the lengths of `values` are the columns' sizes in bytes, 0 where they vary.
 * There is none for rows without columns, and for bodies over `max_body`.
 */
void hyl__row_layout_set(hyl__row_layout *layout, const hyl_bytes *values, size_t count,
                         uint32_t max_body);

/*
 * True where a message, whole and of the layout's size, has the layout: it is then a DataRow as
 * hyl__row_view would find it, and `values`, of hyl__row_layout_set, views its cells.
 */
static inline bool hyl__row_matches(const hyl__row_layout *layout, const uint8_t *message,
                                    hyl_bytes *values)
{
    if (hyl__row_head(message) != layout->head) {
        return false;
    }
    const hyl__fixed_cell *cell = layout->cells;
    const hyl__fixed_cell *end = cell + layout->count;
    for (; cell != end; cell++, values++) {
        const uint8_t *value = message + cell->offset;
        uint32_t length;
        memcpy(&length, value - sizeof length, sizeof length);
        if (length != cell->length) {
            return false;
        }
        values->data = value;
    }
    return true;
}

/* ---- What is wrong with a row --------------------------------------------------------------- */

/*
 * The same as hyl__row_view, with an error that says what is wrong. Errors: PROTOCOL.
 */
hyl_status hyl__row_cells(hyl_bytes body, hyl_bytes *cells, size_t count, hyl_error *err);

#endif
