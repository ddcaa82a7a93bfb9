/* The cells of a DataRow, for readers that know how many there must be. */
#ifndef HYL_WIRE_ROW_H
#define HYL_WIRE_ROW_H

#include <hyperline/wire.h>

/*
 * Checks a DataRow's body and views each of its cells, in one pass: the hot path of rows, instead
 * of hyl_msg_parse and hyl_row_iter. A NULL cell has data == NULL. Errors: PROTOCOL (the row has
 * another number of cells than `count`, or does not end exactly where it says; `cells` is then
 * undefined). Lifetime: views of `body`.
 */
hyl_status hyl__row_cells(hyl_bytes body, hyl_bytes *cells, size_t count, hyl_error *err);

#endif
