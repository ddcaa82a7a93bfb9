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

/*
 * The same, with an error that says what is wrong. Errors: PROTOCOL.
 */
hyl_status hyl__row_cells(hyl_bytes body, hyl_bytes *cells, size_t count, hyl_error *err);

#endif
