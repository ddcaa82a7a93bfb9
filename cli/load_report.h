/* What `load` says when it is done. */
#ifndef HYPERLINE_CLI_LOAD_REPORT_H
#define HYPERLINE_CLI_LOAD_REPORT_H

#include "load.h"

/* Appends the table of columns: name, type, NULLs, and what is worth knowing about the type. */
void load_report_columns(const load *self, hyl_buf *out);
/* Appends `loaded 336,776 rows into "flights" in 0.31 s (1.09 M rows/s, 31.1 MB)` and a line end. */
void load_report_summary(const load *self, hyl_buf *out);
/* Appends the same as a JSON object. */
void load_report_json(const load *self, hyl_buf *out);

#endif
