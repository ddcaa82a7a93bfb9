#include "lexer.h"

#include "base/error.h"
#include "base/utf8.h"

#include <string.h>

/* A place in SQL. Reading never goes beyond the end: peek gives 0 there. */
typedef struct cursor {
    hyl__sql_grammar grammar;
    hyl_str sql;
    size_t at;
} cursor;

static char peek(const cursor *c, size_t ahead)
{
    return ahead < c->sql.len - c->at ? c->sql.data[c->at + ahead] : '\0';
}

static bool at_end(const cursor *c)
{
    return c->at == c->sql.len;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word_part(const cursor *c, char byte)
{
    return is_word_start(byte) || is_digit(byte) ||
           (byte == '$' && c->grammar == HYL__SQL_POSTGRESQL);
}

static hyl_status unclosed(const cursor *c, size_t begin, const char *what, hyl_error *err)
{
    size_t line = 1;
    for (size_t i = 0; i < begin; i++) {
        line += c->sql.data[i] == '\n';
    }
    return hyl__fail(err, HYL_ERR_ARG, "line %zu: %s is not closed", line, what);
}

/* ---- Space and comments ---------------------------------------------------------------------- */

static void skip_line_comment(cursor *c)
{
    while (!at_end(c) && peek(c, 0) != '\n' && peek(c, 0) != '\r') {
        c->at++;
    }
}

/* "/ *" and "* /" share no star. */
static hyl_status skip_block_comment(cursor *c, hyl_error *err)
{
    const size_t begin = c->at;
    size_t depth = 1;
    c->at += 2;
    while (!at_end(c) && depth > 0) {
        const bool closes = peek(c, 0) == '*' && peek(c, 1) == '/';
        const bool opens =
            c->grammar == HYL__SQL_POSTGRESQL && peek(c, 0) == '/' && peek(c, 1) == '*';
        depth = closes ? depth - 1 : depth + opens;
        c->at += closes || opens ? 2 : 1;
    }
    return depth == 0 ? HYL_OK : unclosed(c, begin, "a comment", err);
}

/* A byte order mark is space at the very beginning, and only there. */
static bool skip_byte_order_mark(cursor *c)
{
    if (c->at != 0 || c->sql.len < 3 || memcmp(c->sql.data, "\xef\xbb\xbf", 3) != 0) {
        return false;
    }
    c->at = 3;
    return true;
}

static hyl_status skip_space(cursor *c, hyl_error *err)
{
    for (;;) {
        if (is_space(peek(c, 0))) {
            c->at++;
        } else if (peek(c, 0) == '-' && peek(c, 1) == '-') {
            skip_line_comment(c);
        } else if (peek(c, 0) == '/' && peek(c, 1) == '*') {
            HYL_TRY(skip_block_comment(c, err));
        } else if (!skip_byte_order_mark(c)) {
            return HYL_OK;
        }
    }
}

/* ---- Quotes ---------------------------------------------------------------------------------- */

/* From the opening quote to behind the closing one. A doubled quote stands for itself: it reads as
 * one quoted text after another. */
static bool skip_quoted(cursor *c, bool backslash_escapes)
{
    const char quote = peek(c, 0);
    for (c->at++; !at_end(c); c->at++) {
        if (backslash_escapes && peek(c, 0) == '\\') {
            c->at++;
            if (at_end(c)) {
                return false;
            }
        } else if (peek(c, 0) == quote) {
            c->at++;
            return true;
        }
    }
    return false;
}

static hyl_status take_identifier(cursor *c, hyl_error *err)
{
    const size_t begin = c->at;
    do {
        if (!skip_quoted(c, false)) {
            return unclosed(c, begin, "a quoted identifier", err);
        }
    } while (peek(c, 0) == '"');
    return HYL_OK;
}

/* Goes to a string that continues the one before: on another line, only space between them. */
static bool goto_continuation(cursor *c)
{
    cursor next = *c;
    if (skip_space(&next, NULL) != HYL_OK || peek(&next, 0) != '\'') {
        return false;
    }
    for (size_t i = c->at; i < next.at; i++) {
        if (c->sql.data[i] == '\n' || c->sql.data[i] == '\r') {
            c->at = next.at;
            return true;
        }
    }
    return false;
}

/* A string and its continuations, which read backslashes as it does. */
static hyl_status take_string(cursor *c, bool backslash_escapes, hyl_error *err)
{
    const size_t begin = c->at;
    do {
        if (!skip_quoted(c, backslash_escapes)) {
            return unclosed(c, begin, "a string", err);
        }
    } while (peek(c, 0) == '\'' || goto_continuation(c));
    return HYL_OK;
}

/* The length of the $tag$ that stands here, where the tag may be empty; 0 where there is none. */
static size_t dollar_tag_len(const cursor *c)
{
    const char *from = c->sql.data + c->at;
    const char *end = memchr(from + 1, '$', c->sql.len - c->at - 1);
    const size_t len = end != NULL ? (size_t)(end - from) + 1 : 0;
    if (c->grammar == HYL__SQL_POSTGRESQL) {
        for (size_t i = 1; i + 1 < len; i++) {
            if (!is_word_start(from[i]) && !(i > 1 && is_digit(from[i]))) {
                return 0;
            }
        }
    }
    return len;
}

/* $tag$...$tag$. */
static hyl_status take_dollar_quoted(cursor *c, hyl_error *err)
{
    const size_t begin = c->at;
    const char *from = c->sql.data + begin;
    const size_t tag_len = dollar_tag_len(c);
    if (tag_len == 0) {
        return unclosed(c, begin, "a dollar quote", err);
    }
    for (c->at += tag_len; c->sql.len - c->at >= tag_len; c->at++) {
        if (memcmp(c->sql.data + c->at, from, tag_len) == 0) {
            c->at += tag_len;
            return HYL_OK;
        }
    }
    return unclosed(c, begin, "a dollar quote", err);
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

/* An exponent belongs to the number, so that its letter begins no E'' string. */
static void take_number(cursor *c)
{
    while (is_digit(peek(c, 0))) {
        c->at++;
    }
    if ((peek(c, 0) | 0x20) != 'e') {
        return;
    }
    const size_t sign = peek(c, 1) == '+' || peek(c, 1) == '-';
    if (is_digit(peek(c, 1 + sign))) {
        c->at += 2 + sign;
        while (is_digit(peek(c, 0))) {
            c->at++;
        }
    }
}

/* A word, or what a letter in front of a quote makes of it. */
static hyl_status take_word(cursor *c, hyl__sql_kind *kind, hyl_error *err)
{
    const char letter = (char)(peek(c, 0) | 0x20);
    if (letter == 'u' && peek(c, 1) == '&' && peek(c, 2) == '"') {
        *kind = HYL__SQL_IDENT;
        c->at += 2;
        return take_identifier(c, err);
    }
    *kind = HYL__SQL_STRING;
    if (letter == 'u' && peek(c, 1) == '&' && peek(c, 2) == '\'') {
        c->at += 2;
        return take_string(c, false, err);
    }
    if (letter == 'e' && peek(c, 1) == '\'') {
        c->at += 1;
        return take_string(c, true, err);
    }
    *kind = HYL__SQL_WORD;
    while (is_word_part(c, peek(c, 0))) {
        c->at++;
    }
    return HYL_OK;
}

/* What is no $1 is a dollar quote in Hyper; in PostgreSQL, where there is no tag, a symbol. */
static bool is_dollar_quote(const cursor *c)
{
    return peek(c, 0) == '$' && !is_digit(peek(c, 1)) &&
           (c->grammar == HYL__SQL_HYPER || dollar_tag_len(c) > 0);
}

static hyl_status take_token(cursor *c, hyl__sql_kind *kind, hyl_error *err)
{
    const char first = peek(c, 0);
    if (is_word_start(first)) {
        return take_word(c, kind, err);
    }
    if (first == '\'') {
        *kind = HYL__SQL_STRING;
        return take_string(c, false, err);
    }
    if (first == '"') {
        *kind = HYL__SQL_IDENT;
        return take_identifier(c, err);
    }
    if (is_dollar_quote(c)) {
        *kind = HYL__SQL_STRING;
        return take_dollar_quoted(c, err);
    }
    *kind = HYL__SQL_SYMBOL;
    if (is_digit(first)) {
        *kind = HYL__SQL_NUMBER;
        take_number(c);
        return HYL_OK;
    }
    c->at++;
    if (first == '$' && is_digit(peek(c, 0))) {
        *kind = HYL__SQL_PARAMETER;
        while (is_digit(peek(c, 0))) {
            c->at++;
        }
    }
    return HYL_OK;
}

hyl_status hyl__sql_token_next(hyl__sql_grammar grammar, hyl_str sql, size_t *offset,
                               hyl__sql_token *token, hyl_error *err)
{
    cursor c = {grammar, sql, *offset < sql.len ? *offset : sql.len};
    HYL_TRY(skip_space(&c, err));
    const size_t begin = c.at;
    token->kind = HYL__SQL_END;
    token->text = (hyl_str){NULL, 0};
    if (!at_end(&c)) {
        HYL_TRY(take_token(&c, &token->kind, err));
        token->text = (hyl_str){sql.data + begin, c.at - begin};
    }
    *offset = c.at;
    return HYL_OK;
}

/* ---- Statements ------------------------------------------------------------------------------ */

static bool is_symbol(const hyl__sql_token *token, char symbol)
{
    return token->kind == HYL__SQL_SYMBOL && token->text.data[0] == symbol;
}

hyl_status hyl__sql_next(hyl__sql_grammar grammar, hyl_str script, size_t *offset,
                         hyl_str *statement, hyl_error *err)
{
    size_t at = *offset;
    hyl_str found = {NULL, 0};
    for (;;) {
        hyl__sql_token token;
        HYL_TRY(hyl__sql_token_next(grammar, script, &at, &token, err));
        const bool ends = token.kind == HYL__SQL_END || is_symbol(&token, ';');
        if (!ends) {
            found.data = found.data != NULL ? found.data : token.text.data;
            found.len = (size_t)(token.text.data + token.text.len - found.data);
        } else if (found.data != NULL) {
            *statement = found;
            *offset = at;
            return HYL_OK;
        } else if (token.kind == HYL__SQL_END) {
            *offset = at;
            return HYL_DONE;
        }
    }
}

hyl_status hyl_sql_next(hyl_str script, size_t *offset, hyl_str *statement, hyl_error *err)
{
    return hyl__sql_next(HYL__SQL_HYPER, script, offset, statement, err);
}

/*
 * The parenthesis of a statement that closes none, or stays open; NULL where there is none. The
 * statement is read where it stands: at the beginning of a text it could mean another.
 */
static const char *find_unmatched(hyl_str sql, hyl_str statement)
{
    size_t depth = 0;
    const char *outermost = NULL;
    size_t offset = (size_t)(statement.data - sql.data);
    hyl_str to_its_end = {sql.data, offset + statement.len};
    hyl__sql_token token;
    while (hyl__sql_token_next(HYL__SQL_HYPER, to_its_end, &offset, &token, NULL) == HYL_OK &&
           token.kind != HYL__SQL_END) {
        if (is_symbol(&token, '(') && depth++ == 0) {
            outermost = token.text.data;
        } else if (is_symbol(&token, ')') && depth-- == 0) {
            return token.text.data;
        }
    }
    return depth > 0 ? outermost : NULL;
}

/* With the server's SQLSTATE for it, and the position as the server counts, in characters from 1. */
static hyl_status fail_unmatched(hyl_str sql, const char *at, hyl_error *err)
{
    hyl_status status =
        hyl__fail(err, HYL_ERR_ARG, "syntax error: the parenthesis \"%c\" at character %zu %s", *at,
                  hyl__utf8_count(sql.data, (size_t)(at - sql.data)) + 1,
                  *at == '(' ? "is not closed" : "closes none");
    if (err != NULL) {
        memcpy(err->sqlstate, "42601", sizeof err->sqlstate);
    }
    return status;
}

hyl_status hyl__sql_one_statement(hyl_str sql, hyl_str *statement, hyl_error *err)
{
    size_t offset = 0;
    hyl_str further;
    hyl_status status = hyl_sql_next(sql, &offset, statement, err);
    HYL_TRY(status);
    if (status == HYL_DONE) {
        return hyl__fail(err, HYL_ERR_ARG, "there is no SQL statement");
    }
    status = hyl_sql_next(sql, &offset, &further, err);
    HYL_TRY(status);
    if (status == HYL_OK) {
        return hyl__fail(err, HYL_ERR_ARG, "more than one SQL statement");
    }
    const char *unmatched = find_unmatched(sql, *statement);
    return unmatched != NULL ? fail_unmatched(sql, unmatched, err) : HYL_OK;
}

/* ---- Keywords -------------------------------------------------------------------------------- */

static void copy_upper(hyl_str word, char *out, size_t cap)
{
    size_t len = word.len < cap ? word.len : cap - 1;
    for (size_t i = 0; i < len; i++) {
        const char c = word.data[i];
        out[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    out[len] = '\0';
}

/* Takes the next token's word in upper case; "" where it is none. Symbols of `skip` are passed. */
static void take_keyword(hyl__sql_grammar grammar, hyl_str sql, size_t *offset, const char *skip,
                         char *out, size_t cap)
{
    hyl__sql_token token;
    out[0] = '\0';
    do {
        if (hyl__sql_token_next(grammar, sql, offset, &token, NULL) != HYL_OK) {
            return;
        }
    } while (token.kind == HYL__SQL_SYMBOL && strchr(skip, token.text.data[0]) != NULL);
    if (token.kind == HYL__SQL_WORD) {
        copy_upper(token.text, out, cap);
    }
}

void hyl__sql_keyword(hyl__sql_grammar grammar, hyl_str sql, char *out, size_t cap)
{
    size_t offset = 0;
    take_keyword(grammar, sql, &offset, ";(", out, cap);
}

/* Is it ROLLBACK [WORK | TRANSACTION] TO? `second` is the word behind ROLLBACK, *offset its end. */
static bool to_savepoint(hyl__sql_grammar grammar, hyl_str sql, size_t offset, const char *second)
{
    char third[16];
    if (strcmp(second, "WORK") != 0 && strcmp(second, "TRANSACTION") != 0) {
        return strcmp(second, "TO") == 0;
    }
    take_keyword(grammar, sql, &offset, "", third, sizeof third);
    return strcmp(third, "TO") == 0;
}

hyl__sql_transaction hyl__sql_transaction_of(hyl__sql_grammar grammar, hyl_str sql)
{
    char first[16];
    char second[16];
    size_t offset = 0;
    take_keyword(grammar, sql, &offset, ";", first, sizeof first);
    take_keyword(grammar, sql, &offset, "", second, sizeof second);
    if (strcmp(first, "BEGIN") == 0 ||
        (strcmp(first, "START") == 0 && strcmp(second, "TRANSACTION") == 0)) {
        return HYL__TRANSACTION_BEGIN;
    }
    const bool of_prepared = strcmp(second, "PREPARED") == 0;
    if ((strcmp(first, "COMMIT") == 0 && !of_prepared) || strcmp(first, "END") == 0) {
        return HYL__TRANSACTION_COMMIT;
    }
    if (strcmp(first, "ROLLBACK") == 0 && !of_prepared) {
        return to_savepoint(grammar, sql, offset, second) ? HYL__TRANSACTION_ROLLBACK_TO
                                                          : HYL__TRANSACTION_ROLLBACK;
    }
    if (strcmp(first, "ABORT") == 0) {
        return HYL__TRANSACTION_ROLLBACK;
    }
    return HYL__TRANSACTION_OTHER;
}
