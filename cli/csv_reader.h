/*
 * Splits CSV into rows of fields (RFC 4180, with any delimiter and quote). Pulls bytes from a
 * function; how that one cuts them makes no difference.
 *
 * Rows end with LF or CRLF; a CR elsewhere is an error. A quote opens a quoted field only as the
 * field's first byte; anywhere else it is text. After the closing quote the field is over. Lines
 * are physical ones, counted from 1, newlines inside quotes included.
 */
#ifndef HYPERLINE_CLI_CSV_READER_H
#define HYPERLINE_CLI_CSV_READER_H

#include <hyperline/base.h>

/* How the file is written. `quote` 0: there are no quotes. */
typedef struct csv_dialect {
    char delimiter;
    char quote;
} csv_dialect;

#define CSV_DIALECT_INIT \
    {                    \
        ',', '"'         \
    }

/* A field's text: quotes taken off, doubled quotes halved. */
typedef struct csv_field {
    const char *data;
    uint32_t len;
    bool quoted;
    bool escaped; /* held doubled quotes */
} csv_field;

typedef struct csv_row {
    const csv_field *fields;
    size_t count;
    uint64_t line;  /* where it starts */
    size_t raw_len; /* bytes of the row in the file, without its line end */
    bool quoted;    /* one of its fields is */
} csv_row;

/* Puts up to `cap` bytes into `buf` and their number into *got; 0 is the end. */
typedef hyl_status (*csv_read_fn)(void *ctx, void *buf, size_t cap, size_t *got, hyl_error *err);

typedef struct csv_reader csv_reader;

enum { CSV_MAX_ROW = 1 << 29 };

/* `name` is what messages call the file. Lifetime: `name` and `ctx` outlive the reader. Errors:
 * NOMEM. */
HYL_NODISCARD hyl_status csv_reader_new(csv_dialect dialect, const char *name, csv_read_fn read,
                                        void *ctx, csv_reader **out, hyl_error *err);
void csv_reader_free(csv_reader *reader);

/* Starts over at a file's first byte, after its source has been rewound. */
void csv_reader_restart(csv_reader *reader);

/*
 * OK with the next row, DONE after the last. A blank line is a row of one empty field. A byte order
 * mark at the start is passed over. Errors: ARG (UTF-16, a lone CR, a quote that is not closed,
 * text behind a closing quote; the message has the line), LIMIT (a row over CSV_MAX_ROW), NOMEM,
 * and what the read function gives. Lifetime: the row until the next call on the reader.
 */
HYL_NODISCARD hyl_status csv_reader_next(csv_reader *reader, csv_row *row, hyl_error *err);

/*
 * From here on the reader keeps all that it reads, until csv_reader_replay goes back to this point,
 * or csv_reader_release goes on without. csv_reader_held says how many bytes it keeps.
 */
void csv_reader_hold(csv_reader *reader);
size_t csv_reader_held(const csv_reader *reader);
void csv_reader_replay(csv_reader *reader);
void csv_reader_release(csv_reader *reader);

/* The line that field `index` of the row starts on. */
uint64_t csv_row_field_line(const csv_row *row, size_t index);

#endif
