/*
 * Loading a CSV file into a table: what `hyperline load` does once its options are read.
 *
 * The file is parsed and encoded here, and goes to the server as HyperBinary COPY data, so that
 * every error names its line and column. See docs/internals/load.md for why, with figures.
 */
#ifndef HYPERLINE_CLI_LOAD_H
#define HYPERLINE_CLI_LOAD_H

#include "csv_encode.h"
#include "csv_infer.h"
#include "csv_rows.h"
#include "load_table.h"

/* --type COLUMN=TYPE. */
typedef struct load_type {
    hyl_str column;
    hyl_type type;
} load_type;

typedef struct load_options {
    const char *path;
    csv_dialect dialect;
    bool has_header;
    bool decimal_comma;
    csv_nulls nulls;
    uint64_t sample; /* rows that types are inferred from; 0: all */
    load_type *types;
    size_t type_count;
    load_mode mode;
    bool shows_progress;
} load_options;

typedef struct load {
    const load_options *options;
    csv_rows rows;
    csv_inference *inferences; /* NULL for LOAD_APPEND */
    bool inferred_all;         /* the types are final: of the whole file, or of the sample */
    uint64_t sampled;          /* rows that they were inferred from */
    bool no_wide_numerics;     /* the database file has no numerics of more than 18 digits */
    csv_encoder encoder;
    load_column *columns;
    load_table table;

    uint64_t row_count;
    uint64_t bytes;  /* of the file, compressed ones of a gzip file */
    unsigned passes; /* how often the file was sent: more than once where a type had to change */
    int64_t infer_us;
    int64_t load_us;
} load;

/*
 * Opens the file, reads its header, and infers types from its beginning. Nothing of the database is
 * touched yet. Errors: IO, NOMEM, LIMIT, ARG, TYPE; the message has file and line.
 */
HYL_NODISCARD hyl_status load_open(load *self, const load_options *options, hyl_error *err);
void load_close(load *self);

/*
 * Loads into a table. On failure the database is as it was before. `alone`: nobody else uses the
 * database. Errors: those of load_open and of a statement; STATE (the table exists, or does not),
 * CANCELLED (a signal).
 */
HYL_NODISCARD hyl_status load_into(load *self, hyl_conn *conn, const table_name *name, bool alone,
                                   hyl_error *err);

#endif
