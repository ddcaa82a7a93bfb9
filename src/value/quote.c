/* Quoting identifiers and string literals. */
#include "base/error.h"
#include "base/utf8.h"

#include <hyperline/types.h>

#include <string.h>

/* Bytes between a literal's quotes that the server takes; a doubled quote counts as two. */
enum { LITERAL_MAX = 1048574 };

static hyl_status check_text(hyl_str text, const char *what, hyl_error *err)
{
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "%s contains a NUL byte", what);
    }
    if (!hyl__utf8_valid(text.data, text.len)) {
        return hyl__fail(err, HYL_ERR_ARG, "%s is not valid UTF-8", what);
    }
    return HYL_OK;
}

/* Appends the text between quotes, each quote inside doubled. */
static hyl_status append_quoted(hyl_str text, char quote, hyl_buf *out, hyl_error *err)
{
    hyl_buf_append_byte(out, (uint8_t)quote);
    const char *at = text.data;
    const char *end = text.len > 0 ? text.data + text.len : at;
    while (at < end) {
        const char *found = memchr(at, quote, (size_t)(end - at));
        const char *stop = found != NULL ? found + 1 : end;
        hyl_buf_append(out, at, (size_t)(stop - at));
        if (found != NULL) {
            hyl_buf_append_byte(out, (uint8_t)quote);
        }
        at = stop;
    }
    hyl_buf_append_byte(out, (uint8_t)quote);
    return hyl_buf_status(out) == HYL_OK ? HYL_OK : hyl__fail_nomem(err);
}

hyl_status hyl_quote_ident(hyl_str name, hyl_buf *out, hyl_error *err)
{
    if (name.len == 0) {
        return hyl__fail(err, HYL_ERR_ARG, "an identifier is empty");
    }
    HYL_TRY(check_text(name, "an identifier", err));
    return append_quoted(name, '"', out, err);
}

static size_t count_quotes(hyl_str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += text.data[i] == '\'';
    }
    return count;
}

hyl_status hyl_quote_literal(hyl_str text, hyl_buf *out, hyl_error *err)
{
    HYL_TRY(check_text(text, "a string", err));
    const size_t written = text.len + count_quotes(text);
    if (written > LITERAL_MAX) {
        return hyl__fail(err, HYL_ERR_LIMIT,
                         "a literal of %zu bytes is longer than the server's %d: send it as a "
                         "parameter or by COPY",
                         written, LITERAL_MAX);
    }
    return append_quoted(text, '\'', out, err);
}
