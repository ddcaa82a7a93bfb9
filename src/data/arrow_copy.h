/*
 * A query's result as record batches: COPY (...) TO STDOUT in the server's Arrow format, each
 * CopyData received straight into a block.
 */
#ifndef HYL_DATA_ARROW_COPY_H
#define HYL_DATA_ARROW_COPY_H

#include "arrow_stream.h"
#include "conn/conn.h"
#include "ipc_reader.h"

typedef struct hyl__arrow_copy {
    hyl__stream stream; /* first: a stream that is handed out is one of these */
    hyl_conn *conn;     /* a reference */
    size_t sql_chars;   /* the query's length */
    hyl__ipc_reader reader;
    hyl__block *landing; /* where the body under way lands; NULL: nowhere special */
    int64_t rows;        /* handed out so far */
    int64_t tag_rows;    /* as the tag counts them, before which it is 0 */
    const char *advice;  /* what to do about a value that has no place in Arrow; NULL while it is
                            opened: who opens it names the columns */
} hyl__arrow_copy;

/*
 * Sends the statement, which hyl__copy_takes, and reads the schema. hyl__conn_begin comes before.
 * `child` names what keeps the connection busy.
 * Errors: those of a statement, with the positions of `sql`; the connection is ready again then,
 * or marked.
 */
hyl_status hyl__arrow_copy_open(hyl_conn *conn, const char *sql, const char *child,
                                hyl__arrow_copy **out, hyl_error *err);

/*
 * OK with the next batch; DONE; below 0: copy->stream.error, and nothing more will come. The
 * connection's deadline is the caller's to set.
 */
hyl_status hyl__arrow_copy_next(hyl__arrow_copy *copy, struct ArrowArray *out);

/*
 * Ends the copy with `status` and stream.error, which the caller has filled in, and puts the
 * connection back in step where that can be done. Returns `status`.
 */
hyl_status hyl__arrow_copy_fail(hyl__arrow_copy *copy, hyl_status status);

/* Ends the copy and leaves what is still to come to the connection, whose owner gives it up. */
void hyl__arrow_copy_leave(hyl__arrow_copy *copy);

/* Of a copy that is not over: asks the server to stop; the next request drains the rest. */
void hyl__arrow_copy_free(hyl__arrow_copy *copy);

#endif
