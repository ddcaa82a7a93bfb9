/* Messages about what is wrong with a CSV file, and where. */
#ifndef HYPERLINE_CLI_CSV_ERROR_H
#define HYPERLINE_CLI_CSV_ERROR_H

#include "csv_encode.h"

/* Writes the beginning of a text for people: what cannot be shown as an escape (\n, \xe9), "..."
 * where it is cut. `cap` is at least 16. */
void csv_excerpt(hyl_str text, char *out, size_t cap);

/* Where a field stands: the file's name, and the columns' names. */
typedef struct csv_place {
    const char *file;
    const csv_row *row;
    size_t column;
    hyl_str column_name;
} csv_place;

/* Fills in the error for a field that does not fit its column:
 * `data.csv: line 17, column 3 "price": 'abc' is no integer`. Returns HYL_ERR_TYPE. */
hyl_status csv_fail_misfit(const csv_place *place, const csv_column *column, csv_misfit_kind kind,
                           bool decimal_comma, hyl_error *err);

#endif
