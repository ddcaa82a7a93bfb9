/* Whole columns of values into the stage. */
#ifndef HYL_DATA_STAGE_COLUMNS_H
#define HYL_DATA_STAGE_COLUMNS_H

#include "stage.h"

#include <hyperline/insert.h>

/* True for the types that the elements of a hyl_colbuf can have. */
bool hyl__colbuf_has_elements(hyl_type_id type);

/*
 * Appends rows `first` to `first` + `count` of a buffer for each column, and sends nothing: stops
 * where the stage is full. *done gets how many rows are in, and row *done is the one that was
 * refused, in *column, where that fails.
 * Errors: those of hyl__put_value.
 */
HYL_NODISCARD hyl_status hyl__stage_put_columns(hyl__stage *stage, const hyl_colbuf *columns,
                                                size_t first, size_t count, size_t *done,
                                                size_t *column, hyl_error *err);

#endif
