/* Results and rows from the inside. */
#ifndef HYL_DATA_RESULT_H
#define HYL_DATA_RESULT_H

#include "conn/conn.h"

/*
 * A row is the result's current one: one struct for all rows, its cells views of the connection's
 * receive window.
 */
struct hyl_row {
    const hyl_bytes *cells; /* data NULL: SQL NULL */
    const hyl_column *columns;
    size_t count;
    hyl_buf *scratch; /* for values that cannot be views of their cell; the result's */
};

struct hyl_result {
    hyl_conn *conn; /* a reference */
    hyl_row row;
    hyl_bytes *cells;
    hyl_buf scratch; /* emptied for each row */
    hyl_column *columns;
    char *names;      /* what the columns' names point into */
    hyl_status state; /* OK: rows may come. DONE: the statement has succeeded. Below 0: `error` */
    hyl_error error;
    bool
        /* the statement was a COMMIT of a failed transaction, and went out as ROLLBACK */
        rolled_back;
    int64_t affected;
    char tag[64];
};

#endif
