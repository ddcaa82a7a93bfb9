/*
 * The loader: sends the rows of stages into a table by one COPY, which it begins late. As Arrow,
 * which the server reads with several threads, where Arrow has the columns' types and the first
 * rows' values; as HyperBinary otherwise.
 */
#ifndef HYL_DATA_LOADER_H
#define HYL_DATA_LOADER_H

#include "ipc_writer.h"

#include <hyperline/insert.h>

/*
 * The server takes a third longer over record batches of 64 kB than over those of 2 MB; more only
 * costs memory. With a header and bitmaps it is still one CopyData.
 */
enum { HYL__LOADER_BUFFER = 2000000 };

typedef enum hyl__load_format {
    HYL__LOAD_UNDECIDED,
    HYL__LOAD_ARROW,
    HYL__LOAD_HYPERBINARY
} hyl__load_format;

/* What turns one stage's rows into a message. Zeroed memory is an empty one. */
typedef struct hyl__encoder {
    hyl__ipc_writer *writer; /* NULL before the first record batch */
    hyl_buf rows;            /* HyperBinary */
    hyl_bytes piece;         /* the same as a message */
} hyl__encoder;

void hyl__encoder_reset(hyl__encoder *encoder);

typedef struct hyl__loader {
    hyl_conn *conn; /* a reference; NULL once it is closed */
    hyl__table table;
    char *insert_sql; /* what the rows go by, without the format's name; NULL: by COPY */
    hyl__stage stage; /* its owner's; there may be further ones */
    hyl__encoder encoder;
    size_t buffer_size;
    hyl_insert_format asked;
    hyl__load_format format;
    hyl_copy *copy; /* NULL before the first message */
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
/* Lets the connection go. An unfinished COPY is abandoned. */
void hyl__loader_close(hyl__loader *loader);
/* Frees; closes before. */
void hyl__loader_reset(hyl__loader *loader);

/* ---- Stages of other threads ---- */

/* Decides how rows travel, by the columns and what the loader's own stage has, if that is open. */
void hyl__loader_decide(hyl__loader *loader);
/*
 * A further stage for rows of the same table. The format must have been decided.
 * Errors: those of hyl__stage_init.
 */
HYL_NODISCARD hyl_status hyl__loader_add_stage(const hyl__loader *loader, hyl__stage *stage,
                                               hyl_error *err);
/*
 * Makes a message of a stage's rows. Several threads may at once, each with its own stage and
 * encoder, once the format has been decided.
 * Errors: NOMEM. Lifetime: until the stage is cleared or the encoder used again.
 */
HYL_NODISCARD hyl_status hyl__loader_encode(const hyl__loader *loader, hyl__encoder *encoder,
                                            hyl__stage *stage, hyl__ipc_message *message,
                                            hyl_error *err);
/*
 * Sends a message, which `encoder` has made. One thread at a time.
 * Errors: those of a statement; nothing was copied then.
 */
HYL_NODISCARD hyl_status hyl__loader_write(hyl__loader *loader, hyl__encoder *encoder,
                                           const hyl__ipc_message *message, hyl_error *err);

#endif
