/* Statements whose rows are read: which way they travel, and their results' opening. */
#include "query.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/opts.h"
#include "conn/statement.h"
#include "result.h"
#include "transfer.h"
#include "value/hyperbinary.h"

/* A statement and how it is to be run. */
typedef struct request {
    hyl_conn *conn;
    const char *sql;
    hyl__statement statement;
    unsigned flags;
    hyl_transfer transfer; /* not DEFAULT */
} request;

static hyl_status new_result(hyl_conn *conn, hyl_result **out, hyl_error *err)
{
    hyl_result *result = hyl__calloc(1, sizeof *result);
    if (result == NULL) {
        return hyl__fail_nomem(err);
    }
    result->conn = conn;
    result->affected = -1;
    result->row.scratch = &result->scratch;
    hyl__row_layout_set(&result->layout, NULL, 0, 0);
    hyl__conn_retain(conn);
    *out = result;
    return HYL_OK;
}

/* Waits until the columns are known, or the statement is over. */
static hyl_status wait_for_columns(hyl_result *result, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl__event event;
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN && result->columns == NULL) {
        status = hyl__conn_event(result->conn, &event, &error);
        if (status == HYL_OK) {
            status = hyl__result_take(result, &event, &error);
        }
    }
    if (status == HYL_DONE) {
        hyl__result_end(result, HYL_DONE, NULL);
    }
    if (status < 0) {
        status = hyl__result_fail(result, &error, err);
    }
    return status == HYL_DONE ? HYL_OK : status;
}

/*
 * The same of a statement that was described: until it has begun to run. The row that shows it is
 * put back for hyl_result_next.
 */
static hyl_status wait_for_rows(hyl_result *result, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_bytes body;
    hyl_status status = hyl__result_next_body(result, &body, &error);
    if (status == HYL_OK) {
        hyl__session_put_row_back(&result->conn->session, body);
    } else if (status == HYL_DONE) {
        hyl__result_end(result, HYL_DONE, NULL);
    }
    return status < 0 ? hyl__result_fail(result, &error, err) : HYL_OK;
}

/* Has the type no text but the server's? */
static bool only_server_writes(hyl_type type)
{
    hyl_type_id id = type.id == HYL_TYPE_ARRAY ? type.element : type.id;
    return id == HYL_TYPE_GEOGRAPHY || id == HYL_TYPE_UNKNOWN;
}

/* "char" is a byte of any value in PostgreSQL, and not a character. */
static bool has_pgbinary(hyl_type type)
{
    return !only_server_writes(type) && type.id != HYL_TYPE_CHAR1 && type.element != HYL_TYPE_CHAR1;
}

static hyl_format column_format(const request *req, const hyl_column *column)
{
    if ((req->flags & HYL_QUERY_TEXT) != 0) {
        return HYL_FORMAT_TEXT;
    }
    if (hyl__conn_is_postgresql(req->conn)) {
        return has_pgbinary(column->type) ? HYL_FORMAT_BINARY : HYL_FORMAT_TEXT;
    }
    bool text = (req->flags & HYL_QUERY_GEOGRAPHY_TEXT) != 0 && only_server_writes(column->type);
    return text ? HYL_FORMAT_TEXT : HYL_FORMAT_HYPERBINARY;
}

/* Asks for each column in its own format. */
static hyl_status bind_formats(hyl_result *result, const request *req, hyl_error *err)
{
    size_t count = result->row.count;
    int16_t *formats = hyl__calloc(count, sizeof *formats);
    if (formats == NULL) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        hyl__result_set_format(result, i, column_format(req, &result->columns[i]));
        formats[i] = (int16_t)result->columns[i].format;
    }
    hyl__result_set_layout(result, count);
    hyl_status status = hyl__conn_execute(req->conn, formats, count, req->statement.kind, err);
    hyl__free(formats);
    return status;
}

/* Runs the statement that was described. */
static hyl_status execute_described(hyl_result *result, const request *req, hyl_error *err)
{
    HYL_TRY(bind_formats(result, req, err));
    return wait_for_rows(result, err);
}

/*
 * Of a bare list of VALUES that is described and then executed, main.0.0.26963 returns the first
 * row alone, and says SELECT 1. With a further clause it returns all.
 */
static hyl_status send_values(hyl_conn *conn, const hyl__statement *statement, hyl_error *err)
{
    const hyl_str *values = &statement->bare_values;
    hyl_buf text = HYL_BUF_INIT;
    /* From the text's start, so that the server's positions are those of the user's text. */
    hyl_buf_append(&text, statement->sql.data,
                   (size_t)(values->data + values->len - statement->sql.data));
    hyl_buf_append_str(&text, "\nOFFSET 0");
    hyl_status status = hyl_buf_status(&text) < 0 ? hyl__fail_nomem(err) : HYL_OK;
    if (status == HYL_OK) {
        hyl_str sql = {(const char *)text.data, text.len};
        status = hyl__conn_describe(conn, sql, err);
    }
    hyl_buf_reset(&text);
    return status;
}

/* Describes the statement, which does not run it, and reads to READY. */
static hyl_status describe(hyl_result *result, const hyl__statement *statement, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_bytes no_row;
    hyl_conn *conn = result->conn;
    HYL_TRY(statement->bare_values.len > 0 ? send_values(conn, statement, err)
                                           : hyl__conn_describe(conn, statement->sql, err));
    hyl_status status = hyl__result_next_body(result, &no_row, &error);
    return status < 0 ? hyl__result_fail(result, &error, err) : HYL_OK;
}

/* ---- Rows one by one ------------------------------------------------------------------------- */

/* Do the rows of a simple query come in other formats than those that are wanted? */
static bool needs_description(const request *req)
{
    unsigned text_flags = HYL_QUERY_TEXT | HYL_QUERY_GEOGRAPHY_TEXT;
    if (hyl__conn_is_postgresql(req->conn)) {
        return (req->flags & HYL_QUERY_BINARY) != 0 && (req->flags & HYL_QUERY_TEXT) == 0;
    }
    return (req->flags & text_flags) != 0;
}

static hyl_status start_rows(hyl_result *result, const request *req, hyl_error *err)
{
    if (!needs_description(req) || !req->statement.has_rows) {
        HYL_TRY(hyl__conn_query(req->conn, &req->statement, &result->rolled_back, err));
        return wait_for_columns(result, err);
    }
    HYL_TRY(describe(result, &req->statement, err));
    return execute_described(result, req, err);
}

/* ---- Rows in batches ------------------------------------------------------------------------- */

/* May the statement travel as a COPY, as far as its text tells? */
static bool may_copy(const request *req)
{
    if (!HYL__ROWS_BY_ARROW || req->transfer == HYL_TRANSFER_ROWS ||
        (req->flags & HYL_QUERY_TEXT) != 0 || hyl__conn_is_postgresql(req->conn)) {
        return false;
    }
    return req->transfer == HYL_TRANSFER_ARROW ? hyl__copy_takes(req->sql)
                                               : hyl__copy_pays(req->sql);
}

/*
 * Is the statement to be described before it is sent as a COPY? In a transaction, which a refusal
 * would fail; and where the columns' types decide how values come.
 */
static bool must_be_described(const request *req)
{
    return (req->flags & HYL_QUERY_GEOGRAPHY_TEXT) != 0 ||
           (req->transfer == HYL_TRANSFER_AUTO && hyl_conn_tx(req->conn) != HYL_TX_IDLE);
}

/* May the server refuse the type, or values of it, as Arrow? */
static bool may_be_refused(hyl_type type)
{
    return hyl__arrow_lacks_type(type) || hyl__arrow_lacks_values(type);
}

/* May values of the type, as they were described, travel in batches? */
static bool may_copy_type(const request *req, const hyl_column *column)
{
    if (column_format(req, column) == HYL_FORMAT_TEXT) {
        return false;
    }
    if (req->transfer == HYL_TRANSFER_ARROW) {
        return true;
    }
    return hyl_conn_tx(req->conn) == HYL_TX_IDLE ? !hyl__arrow_lacks_type(column->type)
                                                 : !may_be_refused(column->type);
}

static bool may_copy_described(const request *req, const hyl_result *result)
{
    bool may = result->row.count > 0;
    for (size_t i = 0; i < result->row.count; i++) {
        may = may && may_copy_type(req, &result->columns[i]);
    }
    return may;
}

/* Are the batches of the columns that were described? */
static hyl_status check_described(const hyl_result *result, hyl_error *err)
{
    const hyl__arrow_cells *cells = &result->arrow->cells;
    bool same = cells->count == result->row.count;
    for (size_t i = 0; same && i < cells->count; i++) {
        hyl_type sent = cells->columns[i].type;
        hyl_type described = result->columns[i].type;
        same = hyl_type_width(sent) == hyl_type_width(described) &&
               (sent.id == described.id ||
                (hyl__type_is_string(sent.id) && hyl__type_is_string(described.id)));
    }
    return same ? HYL_OK
                : hyl__fail(err, HYL_ERR_PROTOCOL,
                            "the server has sent other columns than it had described");
}

static hyl_status open_batches(hyl_result *result, const request *req, hyl_error *err)
{
    HYL_TRY(hyl__arrow_result_open(req->conn, req->sql, &result->arrow, err));
    return result->columns != NULL ? check_described(result, err)
                                   : hyl__result_set_arrow_columns(result, err);
}

static hyl_status start_batches(hyl_result *result, const request *req, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_status status = open_batches(result, req, &error);
    if (status < 0 && hyl__transfer_may_change(req->conn, req->transfer, &error)) {
        /* Within the time that there was for the first try. */
        hyl__conn_clear_diag(req->conn);
        req->conn->child = "a result";
        return start_rows(result, req, err);
    }
    hyl__query_blame(req->conn, req->sql, HYL__ADVICE_ROWS, HYL__ADVICE_ROWS, &error);
    if (status < 0 && err != NULL) {
        *err = error;
    }
    return status;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static hyl_status start_described(hyl_result *result, const request *req, hyl_error *err)
{
    HYL_TRY(describe(result, &req->statement, err));
    return may_copy_described(req, result) ? start_batches(result, req, err)
                                           : execute_described(result, req, err);
}

static hyl_status start_result(hyl_result *result, const request *req, hyl_error *err)
{
    if (!may_copy(req)) {
        return start_rows(result, req, err);
    }
    return must_be_described(req) ? start_described(result, req, err)
                                  : start_batches(result, req, err);
}

static hyl_status open_result(const request *req, hyl_result **out, hyl_error *err)
{
    hyl_result *result = NULL;
    HYL_TRY(new_result(req->conn, &result, err));
    result->commits = req->statement.kind == HYL__STATEMENT_COMMIT;
    req->conn->child = "a result";
    hyl_status status = start_result(result, req, err);
    if (status < 0) {
        req->conn->child = NULL;
        result->state = status;
        hyl_result_free(result);
        return status;
    }
    *out = result;
    return HYL_OK;
}

hyl_status hyl__transfer_choose(const hyl_conn *conn, hyl_transfer asked, hyl_transfer *out,
                                hyl_error *err)
{
    if (asked < HYL_TRANSFER_DEFAULT || asked > HYL_TRANSFER_ARROW) {
        return hyl__fail(err, HYL_ERR_ARG, "there is no transfer %d", (int)asked);
    }
    *out = asked == HYL_TRANSFER_DEFAULT ? conn->settings.transfer : asked;
    return HYL_OK;
}

static hyl_status read_options(const hyl_query_opts *given, hyl_query_opts *out, hyl_error *err)
{
    const unsigned known = HYL_QUERY_TEXT | HYL_QUERY_GEOGRAPHY_TEXT | HYL_QUERY_BINARY;
    *out = (hyl_query_opts)HYL_QUERY_OPTS_INIT;
    HYL_TRY(hyl__opts_read(out, sizeof *out, given, "HYL_QUERY_OPTS_INIT", err));
    return (out->flags & ~known) == 0
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_ARG, "the option flags has unknown bits: 0x%x",
                           out->flags & ~known);
}

hyl_status hyl_query_with(hyl_conn *conn, const char *sql, const hyl_query_opts *opts,
                          hyl_result **out, hyl_error *err)
{
    hyl_query_opts read;
    HYL_TRY(read_options(opts, &read, err));
    HYL_TRY(hyl__conn_begin(conn, err));
    request req = {.conn = conn, .sql = sql, .flags = read.flags};
    HYL_TRY(hyl__transfer_choose(conn, read.transfer, &req.transfer, err));
    HYL_TRY(hyl__conn_statement(conn, hyl_str_of(sql), &req.statement, err));
    return open_result(&req, out, err);
}

hyl_status hyl_query(hyl_conn *conn, const char *sql, hyl_result **out, hyl_error *err)
{
    return hyl_query_with(conn, sql, NULL, out, err);
}

/* ---- What Arrow lacks ------------------------------------------------------------------------ */

/* Has the result a column that may be refused, or none? */
static bool is_lacking(const hyl_result *result)
{
    bool lacking = result->row.count == 0;
    for (size_t i = 0; i < result->row.count; i++) {
        lacking |= may_be_refused(result->columns[i].type);
    }
    return lacking;
}

/* Ends a result of which nothing is under way, and frees it. */
static void drop_described(hyl_result *result, hyl_status status)
{
    result->conn->child = NULL;
    result->state = status < 0 ? status : HYL_DONE;
    hyl_result_free(result);
}

hyl_status hyl__query_lacking(hyl_conn *conn, const char *sql, hyl_result **out, hyl_error *err)
{
    request req = {.conn = conn, .sql = sql, .transfer = HYL_TRANSFER_ROWS};
    hyl_result *result = NULL;
    HYL_TRY(hyl__conn_begin(conn, err));
    HYL_TRY(hyl__conn_statement(conn, hyl_str_of(sql), &req.statement, err));
    HYL_TRY(new_result(conn, &result, err));
    conn->child = "a result";
    hyl_status status = describe(result, &req.statement, err);
    bool lacking = status == HYL_OK && is_lacking(result);
    if (lacking) {
        status = execute_described(result, &req, err);
    }
    if (!lacking || status < 0) {
        drop_described(result, status);
        return status;
    }
    *out = result;
    return HYL_OK;
}

static void note_suspects(const hyl_result *result, bool (*is_suspect)(hyl_type),
                          hyl__suspects *suspects)
{
    for (size_t i = 0; i < result->row.count; i++) {
        if (is_suspect(result->columns[i].type)) {
            hyl__suspects_add(suspects, i, result->columns[i].name);
        }
    }
}

/* Describes the query, within the deadline of the call under way. */
static hyl_status find_suspects(hyl_conn *conn, const char *sql, bool (*is_suspect)(hyl_type),
                                hyl__suspects *suspects)
{
    hyl__statement statement;
    hyl_result *result = NULL;
    HYL_TRY(hyl__conn_statement(conn, hyl_str_of(sql), &statement, NULL));
    HYL_TRY(new_result(conn, &result, NULL));
    hyl_status status = describe(result, &statement, NULL);
    if (status == HYL_OK) {
        note_suspects(result, is_suspect, suspects);
    }
    drop_described(result, status);
    return status;
}

/* The same; what the server says to it is not what the user asked for. */
static void ask_for_suspects(hyl_conn *conn, const char *sql, bool (*is_suspect)(hyl_type),
                             hyl__suspects *suspects)
{
    const hyl_diag diag = conn->diag;
    const hyl_buf texts = conn->diag_text;
    const bool has_diag = conn->has_diag;
    conn->diag_text = (hyl_buf)HYL_BUF_INIT;
    (void)find_suspects(conn, sql, is_suspect, suspects);
    hyl_buf_reset(&conn->diag_text);
    conn->diag = diag;
    conn->diag_text = texts;
    conn->has_diag = has_diag;
}

void hyl__query_blame(hyl_conn *conn, const char *sql, const char *type_advice,
                      const char *value_advice, hyl_error *error)
{
    hyl__suspects suspects = HYL__SUSPECTS_INIT;
    if (!hyl__arrow_refused(error) || hyl__conn_check(conn, NULL) < 0) {
        return;
    }
    bool by_type = strcmp(error->sqlstate, HYL__SQLSTATE_NO_TYPE) == 0;
    if (hyl_conn_tx(conn) == HYL_TX_IDLE) {
        ask_for_suspects(conn, sql, by_type ? &hyl__arrow_lacks_type : &hyl__arrow_lacks_values,
                         &suspects);
    }
    hyl__suspects_blame(&suspects, error, by_type ? type_advice : value_advice);
    hyl__suspects_reset(&suspects);
    if (hyl__conn_check(conn, NULL) < 0) {
        hyl__error_flag(error, error->status, HYL_ERROR_CONNECTION_LOST);
    }
}
