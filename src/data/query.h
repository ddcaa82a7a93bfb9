/* What opens results beyond hyl_query. */
#ifndef HYL_DATA_QUERY_H
#define HYL_DATA_QUERY_H

#include "transfer.h"

/*
 * The transfer of a request: what it asks for, or what the connection's config says. Never DEFAULT.
 * Errors: ARG (none of the enumeration).
 */
hyl_status hyl__transfer_choose(const hyl_conn *conn, hyl_transfer asked, hyl_transfer *out,
                                hyl_error *err);

/*
 * Describes a query and, where a column is of a type that Arrow lacks or has values that Arrow
 * lacks, or there is no column, opens its rows in *out; otherwise nothing has run, and *out is left
 * alone.
 * Errors: those of a statement.
 */
hyl_status hyl__query_lacking(hyl_conn *conn, const char *sql, hyl_result **out, hyl_error *err);

/*
 * After a query has failed as a COPY, and where Arrow was the reason: names the columns that it may
 * be about, which the server is asked for, and says what to do about a type or a value. In a
 * transaction, which has failed then, nothing can be asked. The rest of the error, and the
 * connection's diagnosis, stay as they are. Does nothing for any other error, or OK.
 */
void hyl__query_blame(hyl_conn *conn, const char *sql, const char *type_advice,
                      const char *value_advice, hyl_error *error);

#endif
