/*
 * The bytes of a CSV file: a plain file, a gzip file (known by its first bytes, whatever its name),
 * or standard input, which may be either.
 */
#ifndef HYPERLINE_CLI_CSV_SOURCE_H
#define HYPERLINE_CLI_CSV_SOURCE_H

#include <hyperline/base.h>

typedef struct csv_source csv_source;

/* Opens a file; "-" is standard input. Errors: IO, NOMEM. */
HYL_NODISCARD hyl_status csv_source_open(const char *path, csv_source **out, hyl_error *err);
void csv_source_free(csv_source *source);

/* The file's name for messages: the path as given, "standard input" for "-". */
const char *csv_source_name(const csv_source *source);

/*
 * Puts up to `cap` bytes into `buf` and their number into *got; 0 is the end. A csv_read_fn.
 * Errors: IO (reading; gzip data that is cut short, damaged, or followed by something else), NOMEM.
 * Blocks: on a pipe until its writer writes.
 */
HYL_NODISCARD hyl_status csv_source_read(void *source, void *buf, size_t cap, size_t *got,
                                         hyl_error *err);

/*
 * Promises that the source can be rewound. What cannot be read twice (a pipe) is written to a
 * temporary file without a name while it is read. Call it before the first read.
 * Errors: IO (no temporary file).
 */
HYL_NODISCARD hyl_status csv_source_make_rewindable(csv_source *source, hyl_error *err);
/* Goes back to the first byte. Errors: IO. */
HYL_NODISCARD hyl_status csv_source_rewind(csv_source *source, hyl_error *err);

/* Bytes read from the file so far (compressed ones of a gzip file), since the last rewind. */
uint64_t csv_source_position(const csv_source *source);
/* Its size, 0 where it is not known. */
uint64_t csv_source_size(const csv_source *source);
/* Bytes of CSV given out since the last rewind. */
uint64_t csv_source_text_bytes(const csv_source *source);

#endif
