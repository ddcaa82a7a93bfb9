/*
 * Quoting, and the lexer that holds it to its word. Input: a text, which is quoted, and which is
 * read as SQL. A quoted text is one token, whatever stands around it, and unquoted it is the text
 * again.
 */
#include "fuzz.h"

#include "data/copy_wrap.h"
#include "data/table_name.h"
#include "data/transfer.h"
#include "value/lexer.h"

/* ---- Quoting ------------------------------------------------------------------------------- */

/* Takes the quotes off: doubled ones inside become one. */
static void assert_unquotes(hyl_str quoted, hyl_str text)
{
    char quote = quoted.data[0];
    size_t at = 0;
    FUZZ_CHECK(quoted.len >= 2 && quoted.data[quoted.len - 1] == quote);
    for (size_t i = 1; i + 1 < quoted.len; i++) {
        FUZZ_CHECK(at < text.len && quoted.data[i] == text.data[at++]);
        if (quoted.data[i] == quote) {
            FUZZ_CHECK(quoted.data[++i] == quote && i + 1 < quoted.len);
        }
    }
    FUZZ_CHECK(at == text.len);
}

/* "( " + quoted + " x": the quoted text is the second token, and x the third. */
static void assert_one_token(const hyl_buf *quoted, hyl__sql_kind kind)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl__sql_token token;
    size_t offset = 0;
    hyl_buf_append_str(&sql, "( ");
    hyl_buf_append(&sql, quoted->data, quoted->len);
    hyl_buf_append_str(&sql, " x");
    hyl_str text = fuzz_buf_str(&sql);
    FUZZ_CHECK(hyl__sql_token_next(HYL__SQL_HYPER, text, &offset, &token, NULL) == HYL_OK);
    FUZZ_CHECK(token.kind == HYL__SQL_SYMBOL);
    FUZZ_CHECK(hyl__sql_token_next(HYL__SQL_HYPER, text, &offset, &token, NULL) == HYL_OK);
    FUZZ_CHECK(token.kind == kind && token.text.len == quoted->len);
    FUZZ_CHECK(hyl__sql_token_next(HYL__SQL_HYPER, text, &offset, &token, NULL) == HYL_OK);
    FUZZ_CHECK(token.kind == HYL__SQL_WORD && token.text.len == 1);
    FUZZ_CHECK(hyl__sql_token_next(HYL__SQL_HYPER, text, &offset, &token, NULL) == HYL_OK);
    FUZZ_CHECK(token.kind == HYL__SQL_END);
    hyl_buf_reset(&sql);
}

static void quote(hyl_str text)
{
    hyl_buf ident = HYL_BUF_INIT;
    hyl_buf literal = HYL_BUF_INIT;
    if (hyl_quote_ident(text, &ident, NULL) == HYL_OK) {
        assert_unquotes(fuzz_buf_str(&ident), text);
        assert_one_token(&ident, HYL__SQL_IDENT);
    } else {
        FUZZ_CHECK(ident.len == 0);
    }
    if (hyl_quote_literal(text, &literal, NULL) == HYL_OK) {
        assert_unquotes(fuzz_buf_str(&literal), text);
        assert_one_token(&literal, HYL__SQL_STRING);
    } else {
        FUZZ_CHECK(literal.len == 0);
    }
    hyl_buf_reset(&ident);
    hyl_buf_reset(&literal);
}

/* ---- The lexer ----------------------------------------------------------------------------- */

static void check_inside(hyl_str part, hyl_str whole)
{
    FUZZ_CHECK(part.data >= whole.data && part.len <= whole.len &&
               (size_t)(part.data - whole.data) <= whole.len - part.len);
}

/* Tokens come in order and to an end; true where all of it could be read. */
static bool read_tokens(hyl__sql_grammar grammar, hyl_str sql)
{
    hyl__sql_token token;
    size_t offset = 0;
    hyl_status status = HYL_OK;
    do {
        size_t before = offset;
        status = hyl__sql_token_next(grammar, sql, &offset, &token, NULL);
        if (status == HYL_OK && token.kind != HYL__SQL_END) {
            check_inside(token.text, sql);
            FUZZ_CHECK(token.text.len > 0 && offset > before && offset <= sql.len);
        }
    } while (status == HYL_OK && token.kind != HYL__SQL_END);
    FUZZ_CHECK(status == HYL_OK || status == HYL_ERR_ARG);
    return status == HYL_OK;
}

static void read_statements(hyl__sql_grammar grammar, hyl_str script)
{
    bool readable = read_tokens(grammar, script);
    char keyword[16];
    hyl_str statement;
    size_t offset = 0;
    size_t count = 0;
    hyl_status status = HYL_OK;
    while ((status = hyl__sql_next(grammar, script, &offset, &statement, NULL)) == HYL_OK) {
        check_inside(statement, script);
        FUZZ_CHECK(statement.len > 0 && offset <= script.len);
        hyl__sql_keyword(grammar, statement, keyword, sizeof keyword);
        (void)hyl__sql_transaction_of(grammar, statement);
        count++;
    }
    FUZZ_CHECK(status == (readable ? HYL_DONE : HYL_ERR_ARG));
    if (grammar == HYL__SQL_HYPER && hyl__sql_one_statement(script, &statement, NULL) == HYL_OK) {
        FUZZ_CHECK(count == 1);
    }
}

/* ---- Names and wrapped queries ------------------------------------------------------------- */

static void read_table_name(const char *text)
{
    hyl__table_name name;
    hyl__table_name again;
    hyl_buf written = HYL_BUF_INIT;
    hyl_buf rewritten = HYL_BUF_INIT;
    if (hyl__table_name_read(text, &name, NULL) != HYL_OK) {
        return;
    }
    if (hyl__table_name_write(&name, &written, NULL) == HYL_OK) {
        hyl_buf_append_byte(&written, 0);
        FUZZ_CHECK(hyl__table_name_read((char *)written.data, &again, NULL) == HYL_OK);
        FUZZ_CHECK(hyl__table_name_write(&again, &rewritten, NULL) == HYL_OK);
        hyl_buf_append_byte(&rewritten, 0);
        FUZZ_CHECK(fuzz_same(fuzz_buf_bytes(&written), fuzz_buf_bytes(&rewritten)));
        hyl__table_name_reset(&again);
    }
    hyl__table_name_reset(&name);
    hyl_buf_reset(&written);
    hyl_buf_reset(&rewritten);
}

/* A query inside COPY's parentheses cannot leave them: the whole is one statement still. */
static void wrap_query(const char *text)
{
    hyl_buf wrapped = HYL_BUF_INIT;
    hyl_str statement;
    size_t chars = 0;
    FUZZ_CHECK(hyl__copy_takes(text) || !hyl__copy_pays(text));
    if (hyl__copy_wrap(text, &wrapped, &chars, NULL) == HYL_OK) {
        hyl_str sql = fuzz_buf_str(&wrapped);
        sql.len -= wrapped.data[wrapped.len - 1] == '\0' ? 1U : 0U;
        FUZZ_CHECK(hyl__sql_one_statement(sql, &statement, NULL) == HYL_OK);
        FUZZ_CHECK(statement.len == sql.len);
    }
    hyl_buf_reset(&wrapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy_text((hyl_bytes){data, size});
    uint8_t *copy = fuzz_copy((hyl_bytes){data, size});
    hyl_str sql = {(const char *)copy, size};
    quote(sql);
    read_statements(HYL__SQL_HYPER, sql);
    read_statements(HYL__SQL_POSTGRESQL, sql);
    read_table_name(text);
    wrap_query(text);
    free(copy);
    free(text);
    return 0;
}
