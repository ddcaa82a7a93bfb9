#include "conn.h"

#include "base/clock.h"
#include "base/error.h"

hyl_status hyl__conn_check(const hyl_conn *conn, hyl_error *err)
{
    hyl_status status = HYL_OK;
    if (conn->closed) {
        status = hyl__fail(err, HYL_ERR_CLOSED, "the connection is closed");
    } else if (conn->desync) {
        status = hyl__fail(err, HYL_ERR_DESYNC, "the connection is desynchronised; discard it");
    }
    return status < 0 ? hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST) : HYL_OK;
}

hyl_status hyl__conn_begin(hyl_conn *conn, hyl_error *err)
{
    HYL_TRY(hyl__conn_check(conn, err));
    if (conn->child != NULL) {
        return hyl__fail(err, HYL_ERR_BUSY, "%s is still open on this connection", conn->child);
    }
    const int64_t deadline = hyl__deadline_in(conn->settings.request_timeout_ms);
    if (conn->abandoned) {
        HYL_TRY(hyl__conn_abandon_rest(conn, deadline, err));
    }
    hyl__conn_clear_diag(conn);
    conn->deadline = deadline;
    return HYL_OK;
}

hyl_status hyl__conn_simple(hyl_conn *conn, hyl_str sql, hyl__statement_kind kind, hyl_error *err)
{
    HYL_TRY(hyl__conn_settle(conn, err));
    return hyl__session_query(&conn->session, sql, kind, err);
}

hyl_status hyl__conn_describe(hyl_conn *conn, hyl_str sql, hyl_error *err)
{
    HYL_TRY(hyl__conn_settle(conn, err));
    return hyl__session_describe(&conn->session, sql, err);
}

hyl_status hyl__conn_execute(hyl_conn *conn, const int16_t *formats, size_t count,
                             hyl__statement_kind kind, hyl_error *err)
{
    HYL_TRY(hyl__conn_settle(conn, err));
    return hyl__session_execute(&conn->session, formats, count, kind, err);
}

hyl_status hyl__conn_query(hyl_conn *conn, const hyl__statement *statement, bool *rolled_back,
                           hyl_error *err)
{
    hyl_str sql = statement->sql;
    hyl__statement_kind kind = statement->kind;
    *rolled_back = kind == HYL__STATEMENT_COMMIT && conn->session.tx_failed;
    if (*rolled_back) {
        /*
         * The server may have forgotten the failure and would commit what is left of the
         * transaction.
         */
        sql = HYL_STR("ROLLBACK");
        kind = HYL__STATEMENT_ROLLBACK;
    }
    return hyl__conn_simple(conn, sql, kind, err);
}

static hyl_status with_sqlstate(hyl_error *err, hyl_status status, const char sqlstate[6])
{
    if (err != NULL) {
        memcpy(err->sqlstate, sqlstate, sizeof err->sqlstate);
    }
    return status;
}

hyl_status hyl__fail_rolled_back(hyl_error *err)
{
    hyl_status status =
        hyl__fail(err, HYL_ERR_STATE,
                  "the transaction had failed: COMMIT has rolled it back, nothing is kept");
    return with_sqlstate(err, status, "25P02");
}

hyl_status hyl__fail_cut_short(hyl_error *err)
{
    hyl_status status = hyl__fail(err, HYL_ERR_CANCELLED,
                                  "the statement was cancelled: its rows are not all there");
    return with_sqlstate(err, status, "57014");
}
