#include "transfer.h"

#include "base/error.h"
#include "base/utf8.h"
#include "conn/conn.h"
#include "value/lexer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- Statements ------------------------------------------------------------------------------ */

/* What of a statement decides how it travels. */
typedef struct traits {
    bool is_query; /* begins with one of COPY's words */
    bool is_table; /* TABLE t */
    bool has_from; /* outside of subqueries */
    bool has_parameter;
    bool changes_data;
    bool is_short; /* has a small LIMIT or FETCH */
} traits;

static bool is_word(const hyl__sql_token *token, const char *word)
{
    return token->kind == HYL__SQL_WORD && token->text.len == strlen(word) &&
           strncasecmp(token->text.data, word, token->text.len) == 0;
}

static bool is_any_word(const hyl__sql_token *token, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_word(token, words[i])) {
            return true;
        }
    }
    return false;
}

#define IS_ANY_WORD(token, words) is_any_word(token, words, sizeof(words) / sizeof(words)[0])

static bool is_symbol(const hyl__sql_token *token, char symbol)
{
    return token->kind == HYL__SQL_SYMBOL && token->text.data[0] == symbol;
}

/* A whole number of HYL__SMALL_LIMIT at most. */
static bool is_small_number(const hyl__sql_token *token)
{
    int number = 0;
    if (token->kind != HYL__SQL_NUMBER) {
        return false;
    }
    for (size_t i = 0; i < token->text.len; i++) {
        const char c = token->text.data[i];
        if (c < '0' || c > '9' || number > HYL__SMALL_LIMIT) {
            return false;
        }
        number = number * 10 + (c - '0');
    }
    return number <= HYL__SMALL_LIMIT;
}

/* What counts in subqueries too. */
static void note_anywhere(traits *found, const hyl__sql_token *token)
{
    static const char *const changes[] = {"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"};
    found->changes_data |= IS_ANY_WORD(token, changes);
    found->has_parameter |= token->kind == HYL__SQL_PARAMETER;
}

/* Of the statement itself. IS DISTINCT FROM is no FROM. */
static bool is_from(const hyl__sql_token *before, const hyl__sql_token *token)
{
    return is_word(token, "FROM") && !is_word(before, "DISTINCT");
}

/* LIMIT 5; FETCH FIRST 5 ROWS; FETCH NEXT ROW ONLY, which is one. */
static bool is_small_limit(const hyl__sql_token *before, const hyl__sql_token *token)
{
    static const char *const leads[] = {"LIMIT", "FIRST", "NEXT"};
    static const char *const fetches[] = {"FIRST", "NEXT"};
    static const char *const rows[] = {"ROW", "ROWS"};
    return (IS_ANY_WORD(before, leads) && is_small_number(token)) ||
           (IS_ANY_WORD(before, fetches) && IS_ANY_WORD(token, rows));
}

/*
 * What stands at most `top` parentheses deep is the statement's own: of (SELECT ...) UNION (SELECT
 * ...) what is one deep.
 */
static void read_tokens(hyl_str sql, int top, traits *found)
{
    size_t offset = 0;
    int depth = 0;
    hyl__sql_token before = {HYL__SQL_END, {NULL, 0}};
    hyl__sql_token token;
    while (hyl__sql_token_next(HYL__SQL_HYPER, sql, &offset, &token, NULL) == HYL_OK &&
           token.kind != HYL__SQL_END) {
        depth += is_symbol(&token, '(') - is_symbol(&token, ')');
        note_anywhere(found, &token);
        found->has_from |= depth <= top && is_from(&before, &token);
        found->is_short |= depth <= top && is_small_limit(&before, &token);
        before = token;
    }
}

static int leading_parentheses(hyl_str sql)
{
    size_t offset = 0;
    int count = 0;
    hyl__sql_token token;
    while (hyl__sql_token_next(HYL__SQL_HYPER, sql, &offset, &token, NULL) == HYL_OK &&
           is_symbol(&token, '(')) {
        count++;
    }
    return count;
}

static traits read_traits(hyl_str sql)
{
    static const char *const words[] = {"SELECT", "WITH", "VALUES", "TABLE"};
    traits found = {0};
    char first[16];
    hyl__sql_keyword(HYL__SQL_HYPER, sql, first, sizeof first);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        found.is_query |= strcmp(first, words[i]) == 0;
    }
    found.is_table = strcmp(first, "TABLE") == 0;
    if (found.is_query) {
        read_tokens(sql, leading_parentheses(sql), &found);
    }
    return found;
}

bool hyl__copy_takes(const char *sql)
{
    traits found = read_traits(hyl_str_of(sql));
    return found.is_query && !found.changes_data;
}

bool hyl__copy_pays(const char *sql)
{
    traits found = read_traits(hyl_str_of(sql));
    return found.is_query && !found.changes_data && (found.is_table || found.has_from) &&
           !found.has_parameter && !found.is_short;
}

/* ---- Types ----------------------------------------------------------------------------------- */

static hyl_type_id scalar_of(hyl_type type)
{
    return type.id == HYL_TYPE_ARRAY ? type.element : type.id;
}

bool hyl__arrow_lacks_type(hyl_type type)
{
    hyl_type_id id = scalar_of(type);
    return id == HYL_TYPE_UUID || id == HYL_TYPE_UNKNOWN;
}

bool hyl__arrow_lacks_values(hyl_type type)
{
    hyl_type_id id = scalar_of(type);
    return id == HYL_TYPE_TIME || id == HYL_TYPE_TIMESTAMP || id == HYL_TYPE_TIMESTAMPTZ ||
           id == HYL_TYPE_INTERVAL;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

bool hyl__transfer_may_change(const hyl_conn *conn, hyl_transfer transfer, const hyl_error *error)
{
    /* 42601: what the server's grammar takes as a statement and not within COPY. */
    static const char *const states[] = {HYL__SQLSTATE_NO_TYPE, HYL__SQLSTATE_NO_PLACE, "42601"};
    bool refused = false;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        refused |= strcmp(error->sqlstate, states[i]) == 0;
    }
    return transfer == HYL_TRANSFER_AUTO && error->status == HYL_ERR_SERVER && refused &&
           hyl__conn_check(conn, NULL) == HYL_OK && hyl_conn_tx(conn) == HYL_TX_IDLE;
}

bool hyl__arrow_refused(const hyl_error *error)
{
    return error->status == HYL_ERR_SERVER && strstr(error->message, "Arrow") != NULL &&
           (strcmp(error->sqlstate, HYL__SQLSTATE_NO_TYPE) == 0 ||
            strcmp(error->sqlstate, HYL__SQLSTATE_NO_PLACE) == 0);
}

enum { MAX_NAMED = 4, MAX_NAME = 60, MAX_WORDS = 200 };

/* As much of a text as `max` bytes hold. */
static int cut_length(const char *text, size_t max)
{
    size_t len = strlen(text);
    return (int)(len <= max ? len : hyl__utf8_valid_prefix(text, max));
}

/* Of the server's words as much as there is room for, without the full stop. */
static int words_length(const char *words)
{
    int len = cut_length(words, MAX_WORDS);
    return len > 0 && words[len - 1] == '.' ? len - 1 : len;
}

void hyl__suspects_add(hyl__suspects *suspects, size_t column, const char *name)
{
    suspects->count++;
    if (suspects->count > MAX_NAMED) {
        return;
    }
    hyl_buf_printf(&suspects->names, "%s%zu \"%.*s\"", suspects->count > 1 ? ", " : "", column + 1,
                   cut_length(name, MAX_NAME), name);
}

void hyl__suspects_blame(hyl__suspects *suspects, hyl_error *err, const char *advice)
{
    char message[sizeof err->message];
    hyl_buf_append_byte(&suspects->names, '\0');
    if (suspects->count == 0 || hyl_buf_status(&suspects->names) < 0) {
        snprintf(message, sizeof message, "%.*s; %s", words_length(err->message), err->message,
                 advice);
    } else {
        const char *lead = suspects->count > 1 ? "one of the columns " : "column ";
        const char *more = suspects->count > MAX_NAMED ? ", ..." : "";
        snprintf(message, sizeof message, "%s%s%s: %.*s; %s", lead,
                 (const char *)suspects->names.data, more, words_length(err->message), err->message,
                 advice);
    }
    hyl__copy_text(err->message, sizeof err->message, message, strlen(message));
}

void hyl__suspects_reset(hyl__suspects *suspects)
{
    hyl_buf_reset(&suspects->names);
    suspects->count = 0;
}
