/*
 * The words of SQL, as far as the client must tell them apart: where strings, quoted identifiers
 * and comments begin and end. Whoever reads a text in another way than the server that runs it
 * takes two statements for one, so there is a grammar for each.
 */
#ifndef HYL_VALUE_LEXER_H
#define HYL_VALUE_LEXER_H

#include <hyperline/types.h>

typedef enum hyl__sql_grammar {
    /* Comments do not nest, a "$" ends an identifier, and a dollar quote's tag may be anything that
     * does not begin with a digit (seen at main.0.0.26963). */
    HYL__SQL_HYPER,
    /* Comments nest, a "$" goes on with an identifier, and a dollar quote's tag is empty or an
     * identifier without "$" (its scan.l). */
    HYL__SQL_POSTGRESQL
} hyl__sql_grammar;

typedef enum hyl__sql_kind {
    HYL__SQL_END,
    HYL__SQL_WORD,   /* a keyword or an identifier without quotes */
    HYL__SQL_IDENT,  /* "..." or U&"..." */
    HYL__SQL_STRING, /* '...', E'...', U&'...', N'...', $tag$...$tag$ */
    HYL__SQL_NUMBER,
    HYL__SQL_PARAMETER, /* $1 */
    HYL__SQL_SYMBOL     /* any other byte, one at a time */
} hyl__sql_kind;

typedef struct hyl__sql_token {
    hyl__sql_kind kind;
    hyl_str text;
} hyl__sql_token;

/*
 * Takes the next token from *offset on, past space and comments. Errors: ARG (a quote or comment
 * that is not closed; the message has its line).
 */
HYL_NODISCARD hyl_status hyl__sql_token_next(hyl__sql_grammar grammar, hyl_str sql, size_t *offset,
                                             hyl__sql_token *token, hyl_error *err);

/* hyl_sql_next, for a server of that grammar. */
HYL_NODISCARD hyl_status hyl__sql_next(hyl__sql_grammar grammar, hyl_str script, size_t *offset,
                                       hyl_str *statement, hyl_error *err);

/*
 * The first keyword of a statement in upper case, past comments and opening parentheses; "" where
 * there is none. Longer ones are cut to the buffer, which has at least one byte.
 */
void hyl__sql_keyword(hyl__sql_grammar grammar, hyl_str sql, char *out, size_t cap);

/* What a statement does to the transaction. */
typedef enum hyl__sql_transaction {
    HYL__TRANSACTION_OTHER,      /* nothing */
    HYL__TRANSACTION_BEGIN,      /* BEGIN, START TRANSACTION */
    HYL__TRANSACTION_COMMIT,     /* COMMIT, END */
    HYL__TRANSACTION_ROLLBACK,   /* ROLLBACK, ABORT */
    HYL__TRANSACTION_ROLLBACK_TO /* ROLLBACK TO a savepoint */
} hyl__sql_transaction;

hyl__sql_transaction hyl__sql_transaction_of(hyl__sql_grammar grammar, hyl_str sql);

/*
 * Takes the one statement of `sql`, which is for Hyper, without the semicolon and what surrounds it, fit to be put
 * between parentheses on lines of its own. Errors: ARG (none, several, parentheses that do not
 * match, a quote or comment that is not closed). Lifetime: `statement` points into `sql`.
 */
HYL_NODISCARD hyl_status hyl__sql_one_statement(hyl_str sql, hyl_str *statement, hyl_error *err);

#endif
