/* What `load` says when it is done. */
#ifndef HYPERLINE_CLI_LOAD_REPORT_H
#define HYPERLINE_CLI_LOAD_REPORT_H

#include "load.h"

/* Appends the table of columns: name, type, NULLs, and what is worth knowing about the type. */
void load_report_columns(const load *self, hyl_buf *out);
/* Appends the table of a file's columns, whose types are the file's own. */
void load_report_types(const char *file, const load_column *columns, size_t count, hyl_buf *out);

/* What was loaded, and how fast. */
typedef struct load_totals {
    const char *table; /* for people */
    uint64_t rows;
    uint64_t bytes;
    unsigned passes;
    int64_t infer_us;
    int64_t load_us;
} load_totals;

load_totals load_totals_of(const load *self);

/* Appends `loaded 336,776 rows into "flights" in 0.31 s (1.09 M rows/s, 31.1 MB)` and a line end. */
void load_report_summary(const load_totals *totals, hyl_buf *out);
/* Appends the same as a JSON object. */
void load_report_json(const load_totals *totals, hyl_buf *out);

#endif
