/*
 * The loader: sends a stage's rows into a table by one COPY, which it begins late. As Arrow, which
 * the server reads with several threads, where Arrow has the columns' types and the first rows'
 * values; as HyperBinary otherwise.
 */
#ifndef HYL_DATA_LOADER_H
#define HYL_DATA_LOADER_H

#include "ipc_writer.h"

#include <hyperline/insert.h>

/*
 * A message of 64 kB costs the server twice the time of one of 256 kB and more; much more only
 * costs memory.
 */
enum { HYL__LOADER_BUFFER = 524288 };

typedef struct hyl__loader {
    hyl_conn *conn; /* a reference */
    hyl__table table;
    hyl__stage stage;
    hyl_insert_format format;
    hyl_copy *copy;          /* NULL before the first message */
    hyl__ipc_writer *writer; /* NULL: the COPY is HyperBinary */
    hyl_buf message;
} hyl__loader;

/*
 * Takes the table, also where it fails. `opts` may be NULL. The connection is busy
 * from now on.
 * Errors: those of hyl__stage_init.
 */
HYL_NODISCARD hyl_status hyl__loader_init(hyl__loader *loader, hyl_conn *conn, hyl__table *table,
                                          const hyl_insert_opts *opts, hyl_error *err);
/*
 * Sends the stage's rows and clears it; begins the COPY where that is not done yet.
 * Errors: those of a statement; nothing was copied then.
 */
HYL_NODISCARD hyl_status hyl__loader_send(hyl__loader *loader, hyl_error *err);
/* Sends the rest and ends the COPY. A table of no rows is not copied into at all. */
HYL_NODISCARD hyl_status hyl__loader_finish(hyl__loader *loader, int64_t *rows, hyl_error *err);
hyl_status hyl__loader_abort(hyl__loader *loader, const char *reason, hyl_error *err);
/* Frees. An unfinished COPY is abandoned. */
void hyl__loader_reset(hyl__loader *loader);

#endif
