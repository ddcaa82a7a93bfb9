#include "copy_wrap.h"

#include "base/error.h"
#include "base/utf8.h"
#include "value/lexer.h"

#include <stdio.h>
#include <stdlib.h>

static const char before[] = "COPY (\n";
static const char after[] = "\n) TO STDOUT WITH (FORMAT arrowstream)";

/*
 * What stands before a statement: comments, space, and what no longer may stand there, semicolons
 * and a byte order mark. In their place spaces: as many characters.
 */
static void append_blanked(hyl_buf *out, hyl_str text)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t at = 0;
    if (text.len >= 3 && memcmp(text.data, mark, 3) == 0) {
        hyl_buf_append_byte(out, ' ');
        at = 3;
    }
    for (; at < text.len; at++) {
        hyl_buf_append_byte(out, (uint8_t)(text.data[at] == ';' ? ' ' : text.data[at]));
    }
}

hyl_status hyl__copy_wrap(const char *sql, hyl_buf *out, size_t *chars, hyl_error *err)
{
    hyl_str statement;
    HYL_TRY(hyl__sql_one_statement(hyl_str_of(sql), &statement, err));
    /*
     * From the text's start, comments included, so that positions differ by what stands before it
     * alone.
     */
    size_t len = (size_t)(statement.data + statement.len - sql);
    *chars = hyl__utf8_count(sql, len);
    hyl_buf_append_str(out, before);
    append_blanked(out, (hyl_str){sql, (size_t)(statement.data - sql)});
    hyl_buf_append(out, statement.data, statement.len);
    hyl_buf_append_str(out, after);
    return hyl_buf_status(out) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}

/*
 * "line 3, column 5: ..." is about the wrapped text, whose first line is ours. The number only ever
 * gets shorter, so it is rewritten where it stands.
 */
static void shift_line(char *detail)
{
    static const char mark[] = "line ";
    char *at = strstr(detail, mark);
    if (at == NULL) {
        return;
    }
    char *digits = at + sizeof mark - 1;
    char *end = digits;
    long line = strtol(digits, &end, 10);
    if (end == digits || line < 2) {
        return;
    }
    char text[24];
    int len = snprintf(text, sizeof text, "%ld", line - 1);
    memcpy(digits, text, (size_t)len);
    memmove(digits + len, end, strlen(end) + 1);
}

void hyl__copy_unwrap_diag(hyl_conn *conn, size_t chars)
{
    const int32_t shift = sizeof before - 1;
    if (!conn->has_diag) {
        return;
    }
    int32_t position = conn->diag.position > shift ? conn->diag.position - shift : 0;
    /* Behind its end the server knows no position. */
    conn->diag.position = (size_t)position <= chars ? position : 0;
    if (conn->diag.detail[0] != '\0') {
        /* The texts are the connection's own, in diag_text. */
        shift_line((char *)conn->diag_text.data +
                   (conn->diag.detail - (const char *)conn->diag_text.data));
    }
}
