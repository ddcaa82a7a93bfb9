/* Statements whose rows nobody reads one by one. */
#include "result.h"

#include "base/error.h"
#include "base/mem.h"
#include "conn/statement.h"

hyl_status hyl_exec(hyl_conn *conn, const char *sql, int64_t *affected, hyl_error *err)
{
    hyl_result *result = NULL;
    const hyl_query_opts opts = {sizeof opts, 0, HYL_TRANSFER_ROWS};
    HYL_TRY(hyl_query_with(conn, sql, &opts, &result, err));
    hyl_status status = hyl__result_finish(result, err);
    if (status == HYL_OK && affected != NULL) {
        *affected = result->affected;
    }
    hyl_result_free(result);
    return status;
}

/* ---- Scripts ------------------------------------------------------------------------------- */

static int line_of(hyl_str script, const char *at)
{
    int line = 1;
    for (const char *c = script.data; c < at; c++) {
        line += *c == '\n';
    }
    return line;
}

static hyl_status run_statement(hyl_conn *conn, hyl_str statement, hyl_error *err)
{
    char *sql = hyl__strndup(statement.data, statement.len);
    if (sql == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl_status status = hyl_exec(conn, sql, NULL, err);
    hyl__free(sql);
    return status;
}

/* Runs the script's next statement, its `number`th. DONE where there is none. */
static hyl_status run_next(hyl_conn *conn, hyl_str script, size_t *offset, size_t number,
                           hyl_error *err)
{
    hyl_str statement;
    hyl_status status = hyl__sql_next(hyl__conn_grammar(conn), script, offset, &statement, err);
    if (status < 0) {
        hyl__error_prefix(err, "statement %zu", number);
    }
    if (status != HYL_OK) {
        return status;
    }
    status = run_statement(conn, statement, err);
    if (status < 0) {
        hyl__error_prefix(err, "statement %zu, line %d", number, line_of(script, statement.data));
    }
    return status;
}

hyl_status hyl_exec_script(hyl_conn *conn, const char *script, size_t *done, hyl_error *err)
{
    size_t offset = 0;
    size_t count = 0;
    hyl_status status = run_next(conn, hyl_str_of(script), &offset, 1, err);
    while (status == HYL_OK) {
        count++;
        status = run_next(conn, hyl_str_of(script), &offset, count + 1, err);
    }
    if (done != NULL) {
        *done = count;
    }
    return status == HYL_DONE ? HYL_OK : status;
}

/* ---- One value ----------------------------------------------------------------------------- */

/* Takes the value of a row's first column into *out. */
typedef hyl_status (*value_reader)(const hyl_row *row, void *out, hyl_error *err);

/* Reads the only row's first column, and makes sure that there is no second row. */
static hyl_status read_only_value(hyl_result *result, value_reader read, void *out, hyl_error *err)
{
    const hyl_row *row = NULL;
    hyl_status status = hyl_result_next(result, &row, err);
    if (status == HYL_DONE) {
        return hyl__fail(err, HYL_ERR_RANGE, "the statement returned no row, one is expected");
    }
    HYL_TRY(status);
    HYL_TRY(read(row, out, err));
    status = hyl_result_next(result, &row, err);
    if (status == HYL_OK) {
        return hyl__fail(err, HYL_ERR_RANGE,
                         "the statement returned several rows, one is expected");
    }
    return status == HYL_DONE ? HYL_OK : status;
}

static hyl_status query_value(hyl_conn *conn, const char *sql, unsigned flags, value_reader read,
                              void *out, hyl_error *err)
{
    hyl_result *result = NULL;
    const hyl_query_opts opts = {sizeof opts, flags, HYL_TRANSFER_ROWS};
    HYL_TRY(hyl_query_with(conn, sql, &opts, &result, err));
    hyl_status status = read_only_value(result, read, out, err);
    hyl_result_free(result);
    return status;
}

static hyl_status read_i64(const hyl_row *row, void *out, hyl_error *err)
{
    return hyl_row_get_i64(row, 0, out, err);
}

hyl_status hyl_query_i64(hyl_conn *conn, const char *sql, int64_t *out, hyl_error *err)
{
    int64_t value = 0;
    HYL_TRY(query_value(conn, sql, 0, read_i64, &value, err));
    *out = value;
    return HYL_OK;
}

static hyl_status read_f64(const hyl_row *row, void *out, hyl_error *err)
{
    return hyl_row_get_f64(row, 0, out, err);
}

hyl_status hyl_query_f64(hyl_conn *conn, const char *sql, double *out, hyl_error *err)
{
    double value = 0;
    HYL_TRY(query_value(conn, sql, 0, read_f64, &value, err));
    *out = value;
    return HYL_OK;
}

static hyl_status read_text(const hyl_row *row, void *out, hyl_error *err)
{
    if (hyl_row_is_null(row, 0)) {
        hyl_bytes none;
        return hyl_row_raw(row, 0, &none, err);
    }
    hyl_buf *text = out;
    HYL_TRY(hyl_row_text(row, 0, text, err));
    hyl_buf_append_byte(text, 0);
    return hyl_buf_status(text) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}

hyl_status hyl_query_text(hyl_conn *conn, const char *sql, char **out, hyl_error *err)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = query_value(conn, sql, HYL_QUERY_GEOGRAPHY_TEXT, read_text, &text, err);
    if (status < 0) {
        hyl_buf_reset(&text);
        return status;
    }
    *out = (char *)text.data;
    return HYL_OK;
}

hyl_status hyl_ping(hyl_conn *conn, hyl_error *err)
{
    /* An empty statement is answered without planning anything. */
    HYL_TRY(hyl__conn_begin(conn, err));
    if (conn->session.tx_failed) {
        /*
         * The server is not asked: it would forget the failure. The connection itself is open and
         * in step.
         */
        return hyl__conn_settle(conn, err);
    }
    HYL_TRY(hyl__conn_simple(conn, HYL_STR(""), HYL__STATEMENT_OTHER, err));
    hyl_error error = HYL_ERROR_INIT;
    hyl_status status = hyl__conn_recover(conn, hyl__conn_finish(conn, &error), &error);
    if (status < 0 && hyl__conn_came_late(conn, status, false)) {
        return HYL_OK;
    }
    if (status < 0 && err != NULL) {
        *err = error;
    }
    return status;
}
