/* Statements as the server of a connection reads them. */
#ifndef HYL_CONN_STATEMENT_H
#define HYL_CONN_STATEMENT_H

#include "conn.h"
#include "value/lexer.h"

/* Of a connection that is logged in. */
static inline hyl__sql_grammar hyl__conn_grammar(const hyl_conn *conn)
{
    return hyl__conn_is_postgresql(conn) ? HYL__SQL_POSTGRESQL : HYL__SQL_HYPER;
}

/* hyl__statement_read, which reads as Hyper does, in the grammar of the connection's server. */
hyl_status hyl__conn_statement(const hyl_conn *conn, hyl_str sql, hyl__statement *out,
                               hyl_error *err);

#endif
