/*
 * Rows served out of the record batches of a COPY. What it has in common with DataRows is in
 * result.c.
 */
#ifndef HYL_DATA_ARROW_RESULT_H
#define HYL_DATA_ARROW_RESULT_H

#include "arrow_cells.h"
#include "conn/conn.h"

/* Is there Arrow in this build, and does a batch have numbers as cells have them? */
#define HYL__ROWS_BY_ARROW (HYL_WITH_ARROW && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

struct hyl__arrow_copy;

typedef struct hyl__arrow_result {
    hyl__arrow_cells cells;
    struct hyl__arrow_copy *copy;
    struct ArrowArray first; /* has come with the schema, and is not shown yet; or released */
    int64_t rows;            /* that the tag counts, once all were read */
} hyl__arrow_result;

/*
 * Sends the statement as a COPY and waits for its first rows, or its end, so that what the server
 * cannot send as Arrow mostly shows here. hyl__conn_begin comes before.
 * Errors: those of a statement; the connection is ready again then, or marked. UNSUPPORTED without
 * Arrow.
 */
hyl_status hyl__arrow_result_open(hyl_conn *conn, const char *sql, hyl__arrow_result **out,
                                  hyl_error *err);
/* The name of a column. Lifetime: the result's. */
const char *hyl__arrow_result_name(const hyl__arrow_result *arrow, size_t column);

/*
 * OK: `cells` and `shapes` show the first row of the next batch. DONE: there was none, and the
 * connection is free. Errors: those of a statement; the connection is ready again then, or marked.
 */
hyl_status hyl__arrow_result_next(hyl__arrow_result *arrow, hyl_bytes *cells,
                                  hyl__cell_shape *shapes, hyl_error *err);

/* Ends it and leaves what is still to come to the connection, whose owner gives it up. */
void hyl__arrow_result_leave(hyl__arrow_result *arrow);
/* Of one that is not over: asks the server to stop; the next request drains the rest. */
void hyl__arrow_result_free(hyl__arrow_result *arrow);

#endif
