/*
 * Arrays as text: [1,NULL,3]. Numbers, booleans and NULL stand bare; everything else is in double
 * quotes, with a backslash before a double quote or backslash inside. What is read may also be
 * PostgreSQL's: {1,NULL,3}, with quotes only where an element needs them.
 */
#include "array.h"
#include "base/error.h"
#include "hyperbinary.h"
#include "text_parse.h"

#include <string.h>

static bool is_bare(hyl_type_id id)
{
    switch (id) {
    case HYL_TYPE_BOOL:
    case HYL_TYPE_SMALLINT:
    case HYL_TYPE_INT:
    case HYL_TYPE_BIGINT:
    case HYL_TYPE_REAL:
    case HYL_TYPE_DOUBLE:
    case HYL_TYPE_NUMERIC:
        return true;
    default:
        return false;
    }
}

/* ---- Formatting ------------------------------------------------------------------------------ */

/* Puts a backslash before each quote and backslash from `begin` on. */
static void escape_from(hyl_buf *out, size_t begin)
{
    size_t extra = 0;
    for (size_t i = begin; i < out->len; i++) {
        extra += out->data[i] == '"' || out->data[i] == '\\';
    }
    if (out->failed || extra == 0) {
        return;
    }
    if (hyl_buf_reserve(out, extra) != HYL_OK) {
        out->failed = true;
        return;
    }
    size_t from = out->len;
    out->len += extra;
    for (size_t to = out->len; from > begin && to > from;) {
        const uint8_t byte = out->data[--from];
        out->data[--to] = byte;
        if (byte == '"' || byte == '\\') {
            out->data[--to] = '\\';
        }
    }
}

static hyl_status append_element(hyl_type type, const hyl_value *element, hyl_buf *out,
                                 hyl_error *err)
{
    if (element->is_null) {
        hyl_buf_append_str(out, "NULL");
        return HYL_OK;
    }
    if (is_bare(type.id)) {
        return hyl_value_text(type, element, out, err);
    }
    hyl_buf_append_byte(out, '"');
    const size_t begin = out->len;
    HYL_TRY(hyl_value_text(type, element, out, err));
    escape_from(out, begin);
    hyl_buf_append_byte(out, '"');
    return HYL_OK;
}

hyl_status hyl__array_text(hyl_type type, const hyl_value *array, hyl_buf *out, hyl_error *err)
{
    hyl_array_iter iter;
    hyl_value element;
    hyl_status status;
    HYL_TRY(hyl_array_iter_init(&iter, type, array, err));
    hyl_buf_append_byte(out, '[');
    while ((status = hyl_array_iter_next(&iter, &element, err)) == HYL_OK) {
        if (iter.next > 1) {
            hyl_buf_append_byte(out, ',');
        }
        HYL_TRY(append_element(iter.element, &element, out, err));
    }
    hyl_buf_append_byte(out, ']');
    return status < 0 ? status : HYL_OK;
}

/* ---- Parsing --------------------------------------------------------------------------------- */

/* An element as it stands in the text: between the quotes where it has some. */
typedef struct token {
    hyl_str raw;
    bool quoted;
} token;

static hyl_status malformed(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed array text");
}

/* Finds the end of what a quote began: the offset of the closing quote, or the text's length. */
static size_t find_quote(hyl_str text, size_t at)
{
    while (at < text.len && text.data[at] != '"') {
        at += text.data[at] == '\\' ? 2 : 1;
    }
    return at < text.len ? at : text.len;
}

static size_t find_bare_end(hyl_str text, size_t at)
{
    while (at < text.len && text.data[at] != ',' && text.data[at] != '"') {
        at++;
    }
    return at;
}

/*
 * Takes the next element of what stands between the brackets and the comma behind it. A comma at
 * the very end is an error: an empty element is never bare.
 */
static bool next_token(hyl_str text, size_t *offset, token *out)
{
    size_t begin = *offset;
    out->quoted = text.data[begin] == '"';
    begin += out->quoted;
    size_t end = out->quoted ? find_quote(text, begin) : find_bare_end(text, begin);
    out->raw = (hyl_str){text.data + begin, end - begin};
    if (out->quoted && end++ == text.len) {
        return false;
    }
    if (!out->quoted && out->raw.len == 0) {
        return false;
    }
    if (end < text.len && (text.data[end] != ',' || end + 1 == text.len)) {
        return false;
    }
    *offset = end < text.len ? end + 1 : end;
    return true;
}

static bool count_tokens(hyl_str text, uint32_t *count)
{
    size_t offset = 0;
    *count = 0;
    while (offset < text.len) {
        token ignored;
        if (*count == UINT32_MAX || !next_token(text, &offset, &ignored)) {
            return false;
        }
        ++*count;
    }
    return true;
}

static void unescape(hyl_str raw, hyl_buf *out)
{
    size_t begin = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] == '\\') {
            hyl_buf_append(out, raw.data + begin, i - begin);
            begin = ++i;
        }
    }
    hyl_buf_append(out, raw.data + begin, raw.len - begin);
}

/* Memory that parsing an array needs for one element at a time. */
typedef struct workspace {
    hyl_buf text;    /* without escapes */
    hyl_buf decoded; /* of bytes, whose text is hexadecimal */
    bool any_quotes; /* the type does not say whether there are quotes */
} workspace;

static hyl_status decode_token(hyl_type type, token element, workspace *work, hyl_value *out,
                               hyl_error *err)
{
    if (!element.quoted && element.raw.len == 4 && memcmp(element.raw.data, "NULL", 4) == 0) {
        out->type = type.id;
        out->is_null = true;
        return HYL_OK;
    }
    if (element.quoted == is_bare(type.id) && !work->any_quotes) {
        return malformed(err);
    }
    hyl_buf_clear(&work->text);
    hyl_buf_clear(&work->decoded);
    unescape(element.raw, &work->text);
    if (hyl_buf_status(&work->text) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    return hyl__text_decode(type, (hyl_str){(const char *)work->text.data, work->text.len},
                            &work->decoded, out, err);
}

static hyl_status parse_elements(hyl_str text, hyl__array_builder *builder, workspace *work,
                                 hyl_error *err)
{
    size_t offset = 0;
    while (builder->next < builder->count) {
        token element;
        hyl_value value;
        if (!next_token(text, &offset, &element)) {
            return malformed(err);
        }
        HYL_TRY(decode_token(builder->element, element, work, &value, err));
        HYL_TRY(hyl__array_add(builder, &value, err));
    }
    return hyl__array_built(builder, err);
}

/* What stands between Hyper's brackets; false where there are none. */
static bool inside_brackets(hyl_str text, hyl_str *inside)
{
    if (text.len < 2 || text.data[0] != '[' || text.data[text.len - 1] != ']') {
        return false;
    }
    *inside = (hyl_str){text.data + 1, text.len - 2};
    return true;
}

/* What stands between PostgreSQL's braces, behind the bounds that "[0:1]={1,2}" has. */
static bool inside_braces(hyl_str text, hyl_str *inside)
{
    size_t at = 0;
    if (text.len < 2 || text.data[text.len - 1] != '}') {
        return false;
    }
    if (text.data[0] == '[') {
        const char *equals = memchr(text.data, '=', text.len);
        at = equals != NULL ? (size_t)(equals - text.data) + 1 : 0;
    }
    if (text.data[at] != '{' || at + 2 > text.len) {
        return false;
    }
    *inside = (hyl_str){text.data + at + 1, text.len - at - 2};
    return true;
}

static hyl_status parse_inside(hyl_type type, hyl_str inside, workspace *work, hyl_buf *scratch,
                               hyl_value *out, hyl_error *err)
{
    uint32_t count;
    if (!count_tokens(inside, &count)) {
        return malformed(err);
    }
    hyl__array_builder builder;
    hyl__array_build(&builder, type, count, true, scratch);
    hyl_status status = parse_elements(inside, &builder, work, err);
    if (status != HYL_OK) {
        hyl__array_undo(&builder);
        return status;
    }
    out->as.bytes = hyl__array_payload(&builder);
    return HYL_OK;
}

hyl_status hyl__array_parse(hyl_type type, hyl_str text, hyl_buf *scratch, hyl_value *out,
                            hyl_error *err)
{
    hyl_str inside;
    workspace work = {HYL_BUF_INIT, HYL_BUF_INIT, false};
    if (!inside_brackets(text, &inside)) {
        if (!inside_braces(text, &inside)) {
            return malformed(err);
        }
        if (inside.len > 0 && inside.data[0] == '{') {
            return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                             "an array of several dimensions: only its text can be had");
        }
        work.any_quotes = true;
    }
    hyl_status status = parse_inside(type, inside, &work, scratch, out, err);
    hyl_buf_reset(&work.text);
    hyl_buf_reset(&work.decoded);
    return status;
}
