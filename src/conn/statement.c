#include "statement.h"

#include "base/error.h"

static hyl__statement_kind kind_of(hyl__sql_grammar grammar, hyl_str sql)
{
    switch (hyl__sql_transaction_of(grammar, sql)) {
    case HYL__TRANSACTION_COMMIT:
        return HYL__STATEMENT_COMMIT;
    case HYL__TRANSACTION_ROLLBACK:
        return HYL__STATEMENT_ROLLBACK;
    case HYL__TRANSACTION_ROLLBACK_TO:
        return HYL__STATEMENT_ROLLBACK_TO;
    default:
        return HYL__STATEMENT_OTHER;
    }
}

/*
 * The statements that may return rows and that the server can describe without running them. Not
 * EXECUTE: main.0.0.26963 ends by SIGSEGV when it is to describe one.
 */
static bool can_be_described(hyl__sql_grammar grammar, hyl_str sql)
{
    static const char *const words[] = {"SELECT", "WITH",   "VALUES", "TABLE",
                                        "INSERT", "UPDATE", "DELETE"};
    char first[16];
    hyl__sql_keyword(grammar, sql, first, sizeof first);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(first, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Is it VALUES (...), (...) with no further clause? */
static bool is_bare_values(hyl__sql_grammar grammar, hyl_str sql)
{
    char first[16];
    size_t offset = 0;
    int depth = 0;
    hyl__sql_token token = {HYL__SQL_SYMBOL, {NULL, 0}};
    hyl__sql_keyword(grammar, sql, first, sizeof first);
    if (strcmp(first, "VALUES") != 0) {
        return false;
    }
    size_t words = 0;
    while (hyl__sql_token_next(grammar, sql, &offset, &token, NULL) == HYL_OK &&
           token.kind != HYL__SQL_END) {
        if (token.kind == HYL__SQL_SYMBOL) {
            depth += token.text.data[0] == '(';
            depth -= token.text.data[0] == ')';
        }
        words += token.kind == HYL__SQL_WORD && depth == 0;
    }
    return words <= 1;
}

static hyl_status read_as(hyl__sql_grammar grammar, hyl_str sql, hyl__statement *out,
                          hyl_error *err)
{
    size_t offset = 0;
    hyl_str statement;
    hyl_str more;
    *out = (hyl__statement){sql, HYL__STATEMENT_OTHER, false, {NULL, 0}};
    if (sql.data == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "there is no statement: its text is NULL");
    }
    hyl_status status = hyl__sql_next(grammar, sql, &offset, &statement, err);
    if (status == HYL_DONE) {
        return HYL_OK;
    }
    HYL_TRY(status);
    status = hyl__sql_next(grammar, sql, &offset, &more, err);
    HYL_TRY(status);
    if (status == HYL_OK) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "several statements in one text: run them one by one, or with "
                         "hyl_exec_script");
    }
    out->kind = kind_of(grammar, statement);
    out->has_rows = can_be_described(grammar, statement);
    if (is_bare_values(grammar, statement)) {
        out->bare_values = statement;
    }
    return HYL_OK;
}

hyl_status hyl__statement_read(hyl_str sql, hyl__statement *out, hyl_error *err)
{
    return read_as(HYL__SQL_HYPER, sql, out, err);
}

hyl_status hyl__conn_statement(const hyl_conn *conn, hyl_str sql, hyl__statement *out,
                               hyl_error *err)
{
    return read_as(hyl__conn_grammar(conn), sql, out, err);
}
