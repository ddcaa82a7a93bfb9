/*
 * A query inside COPY (...) TO STDOUT, and the server's words on it put back into the query's
 * terms.
 */
#ifndef HYL_DATA_COPY_WRAP_H
#define HYL_DATA_COPY_WRAP_H

#include "conn/conn.h"

/*
 * Appends `COPY (` newline, the query, newline `) TO STDOUT WITH (FORMAT arrowstream)`. The query is
 * one statement with its parentheses matched, quotes and comments closed, so that it cannot end the
 * COPY's parenthesis and go on with something else. *chars gets the query's length in characters.
 * Errors: ARG, NOMEM.
 */
hyl_status hyl__copy_wrap(const char *sql, hyl_buf *out, size_t *chars, hyl_error *err);

/* Puts the connection's diagnosis of a wrapped query of `chars` characters into the query's terms. */
void hyl__copy_unwrap_diag(hyl_conn *conn, size_t chars);

#endif
