/*
 * Loading an Arrow IPC stream or file into a table: `hyperline load` where SOURCE is Arrow.
 *
 * The library reads and inserts the batches; here stand what makes it whole or nothing as a CSV's
 * load is (load_table.h), and the count of rows and bytes.
 */
#ifndef HYPERLINE_CLI_LOAD_ARROW_H
#define HYPERLINE_CLI_LOAD_ARROW_H

#include "csv_source.h"
#include "load_report.h"
#include "load_table.h"
#include "progress.h"

#include <hyperline/arrow.h>

enum { LOAD_ARROW_MAGIC = 6, LOAD_ARROW_END = 8 };

typedef struct load_arrow {
    const char *name; /* of the file, for messages */
    load_mode mode;
    bool shows_progress;

    int fd;             /* a regular file, or -1 */
    uint64_t size;      /* of it */
    int64_t begin;      /* where in the file it begins: standard input need not be at 0 */
    csv_source *source; /* a pipe, or what is packed with gzip; or NULL */
    uint8_t magic[LOAD_ARROW_MAGIC]; /* the first bytes */
    size_t magic_len;
    uint8_t last[LOAD_ARROW_END]; /* the last bytes that were read of `source` */

    struct ArrowArrayStream batches; /* the library's */
    struct ArrowArrayStream counted; /* the same, watched */
    hyl_error watch_error;           /* of what watches */
    progress line;
    uint64_t seen; /* rows of the batches so far */

    load_table table;
    load_totals totals;
} load_arrow;

/* Is SOURCE Arrow by its name, or, a regular file, by its first bytes? */
bool load_arrow_suits(const char *path);

/*
 * Opens the file, "-" for standard input, and reads its schema. Nothing of the database is touched
 * yet. `path` outlives it. Errors: those of hyl_arrow_ipc_open, with the file's name.
 */
HYL_NODISCARD hyl_status load_arrow_open(load_arrow *self, const char *path, load_mode mode,
                                         bool shows_progress, hyl_error *err);
void load_arrow_close(load_arrow *self);

/*
 * Loads into a table. On failure the database is as it was before. `alone`: nobody else uses the
 * database. Afterwards self->table has the columns of a table that was made.
 * Errors: those of hyl_insert_arrow and of a statement; STATE (the table exists, or does not), ARG
 * (a stream without its end marker, or with something behind it), CANCELLED (a signal).
 */
HYL_NODISCARD hyl_status load_arrow_into(load_arrow *self, hyl_conn *conn, const table_name *name,
                                         bool alone, hyl_error *err);

#endif
