/*
 * How the rows of a statement travel: as DataRows, or as the record batches of a COPY, out of which
 * rows are served. Decided before anything is sent, and not changed on the way.
 */
#ifndef HYL_DATA_TRANSFER_H
#define HYL_DATA_TRANSFER_H

#include <hyperline/hyperline.h>

/*
 * True for the statements that COPY takes: SELECT, WITH, VALUES, TABLE, perhaps in parentheses, and
 * without a word that changes data.
 */
bool hyl__copy_takes(const char *sql);

/*
 * True where the rows may be so many that a COPY pays, which costs a third of a millisecond more
 * and a quarter of the time for each row: COPY takes the statement, it is a TABLE or has a FROM, it
 * has no parameters, and no LIMIT or FETCH of HYL__SMALL_LIMIT rows or fewer.
 */
bool hyl__copy_pays(const char *sql);

enum { HYL__SMALL_LIMIT = 5000 };

/* ---- What Arrow may refuse ------------------------------------------------------------------- */

/* The server cannot send values of the type as Arrow (SQLSTATE 0A000). */
bool hyl__arrow_lacks_type(hyl_type type);
/*
 * The type has values that Arrow has no place for, at which the server stops with SQLSTATE 22008:
 * 24:00, timestamps beyond Arrow's microseconds, intervals beyond its nanoseconds.
 */
bool hyl__arrow_lacks_values(hyl_type type);

/* SQLSTATE of a type, and of a value, that Arrow has no place for. */
#define HYL__SQLSTATE_NO_TYPE  "0A000"
#define HYL__SQLSTATE_NO_PLACE "22008"

/* Does the error say that Arrow lacks a type or a value? Both states stand for other things too. */
bool hyl__arrow_refused(const hyl_error *error);

/* What to do about it: as a result of rows, where rows help; where they do not. */
#define HYL__ADVICE_ROWS "it can be read with transfer=rows"
#define HYL__ADVICE_TEXT "select it as text: CAST(... AS text)"

/*
 * May a statement that has failed as a COPY, without a row, be run once more as rows? Where it is
 * left to us, the error may be Arrow's or COPY's alone, and no transaction was failed by it.
 */
bool hyl__transfer_may_change(const hyl_conn *conn, hyl_transfer transfer, const hyl_error *error);

/* The columns that a value without a place in Arrow may be of. */
typedef struct hyl__suspects {
    hyl_buf names;
    size_t count;
} hyl__suspects;

#define HYL__SUSPECTS_INIT \
    {                      \
        HYL_BUF_INIT, 0    \
    }

void hyl__suspects_add(hyl__suspects *suspects, size_t column, const char *name);
void hyl__suspects_reset(hyl__suspects *suspects);
/*
 * Puts their names, where there are any, before the error's message, and `advice` behind it.
 */
void hyl__suspects_blame(hyl__suspects *suspects, hyl_error *err, const char *advice);

#endif
