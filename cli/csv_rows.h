/*
 * The rows of a CSV file below its header, each checked to have as many fields as there are
 * columns.
 */
#ifndef HYPERLINE_CLI_CSV_ROWS_H
#define HYPERLINE_CLI_CSV_ROWS_H

#include "csv_reader.h"
#include "csv_source.h"

typedef struct csv_rows {
    csv_source *source;
    csv_reader *reader;
    csv_dialect dialect;
    bool has_header;
    size_t column_count; /* 0: the file is empty, not even a header */
    char **names;        /* NUL-terminated, all different, none empty; one allocation */
    hyl_buf header;      /* the header as it stands in the file, its fields ended by NULs */
} csv_rows;

/*
 * Opens a file and reads its header. Without a header the columns are called column_1, column_2 and
 * so on, as many as the first row has. A column without a name is called so too, by its number; of
 * equal names the second becomes a_2, the third a_3 (see unique_names). Only where `rewindable` is
 * set can the rows be read twice (see csv_source_make_rewindable).
 * Errors: IO, NOMEM, ARG (the reader's; a name that is not UTF-8 or holds a NUL).
 */
HYL_NODISCARD hyl_status csv_rows_open(csv_rows *rows, const char *path, csv_dialect dialect,
                                       bool has_header, bool rewindable, hyl_error *err);
void csv_rows_close(csv_rows *rows);

/*
 * OK with the next row, DONE after the last. Blank lines at the file's end are passed over; in a
 * file of one column a blank line is a row. Errors: IO, NOMEM, LIMIT, ARG: a row with too few or too
 * many columns, a blank line, psql's end mark; the message has the line.
 */
HYL_NODISCARD hyl_status csv_rows_next(csv_rows *rows, csv_row *row, hyl_error *err);

/* Goes back to the first row. Errors: IO. */
HYL_NODISCARD hyl_status csv_rows_rewind(csv_rows *rows, hyl_error *err);

/* How a delimiter that the header suggests is written on the command line (";", "\\t"), where the
 * file seems to have one column only because of the wrong delimiter. NULL otherwise. */
const char *csv_rows_likely_delimiter(const csv_rows *rows);

static inline const char *csv_rows_name(const csv_rows *rows)
{
    return csv_source_name(rows->source);
}

#endif
