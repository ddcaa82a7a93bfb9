/*
 * Values as JSON. Numbers keep every digit; NaN and the infinities, which JSON does not have, are
 * strings; timestamps have ISO 8601's T and a full offset; what is left is its text in quotes.
 */
#include "format.h"

#include <math.h>
#include <string.h>
#include <utf8proc.h>

/* What stands for a byte in a string: 0 itself, 'u' \u00XX, otherwise the letter behind a
 * backslash. */
static const char escapes[256] = {
    ['\0'] = 'u', [1] = 'u',    [2] = 'u',    [3] = 'u',     [4] = 'u',    [5] = 'u',
    [6] = 'u',    [7] = 'u',    ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n', [11] = 'u',
    ['\f'] = 'f', ['\r'] = 'r', [14] = 'u',   [15] = 'u',    [16] = 'u',   [17] = 'u',
    [18] = 'u',   [19] = 'u',   [20] = 'u',   [21] = 'u',    [22] = 'u',   [23] = 'u',
    [24] = 'u',   [25] = 'u',   [26] = 'u',   [27] = 'u',    [28] = 'u',   [29] = 'u',
    [30] = 'u',   [31] = 'u',   ['"'] = '"',  ['\\'] = '\\',
};

static void append_escape(hyl_buf *out, unsigned char byte)
{
    if (escapes[byte] == 'u') {
        hyl_buf_printf(out, "\\u%04x", byte);
    } else {
        hyl_buf_append_byte(out, '\\');
        hyl_buf_append_byte(out, (uint8_t)escapes[byte]);
    }
}

/* Appends the character that begins with a byte above ASCII; returns the bytes it took. */
static size_t append_character(hyl_buf *out, const char *text, size_t len)
{
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t limit = len < 4 ? (utf8proc_ssize_t)len : 4;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text, limit, &c);
    if (used <= 0) {
        hyl_buf_append_str(out, "\xEF\xBF\xBD");
        return 1;
    }
    hyl_buf_append(out, text, (size_t)used);
    return (size_t)used;
}

void json_append_string(hyl_buf *out, const char *text, size_t len)
{
    hyl_buf_append_byte(out, '"');
    for (size_t i = 0; i < len;) {
        size_t start = i;
        while (i < len && (unsigned char)text[i] < 0x80 && escapes[(unsigned char)text[i]] == 0) {
            i++;
        }
        hyl_buf_append(out, text + start, i - start);
        if (i < len && (unsigned char)text[i] >= 0x80) {
            i += append_character(out, text + i, len - i);
        } else if (i < len) {
            append_escape(out, (unsigned char)text[i++]);
        }
    }
    hyl_buf_append_byte(out, '"');
}

/* A JSON column's text, on one line: a line's end can only stand where a space can. */
static void append_json(hyl_buf *out, hyl_str text)
{
    if (!json_valid(text.data, text.len)) {
        json_append_string(out, text.data, text.len);
        return;
    }
    size_t start = out->len;
    hyl_buf_append(out, text.data, text.len);
    for (size_t i = start; i < out->len; i++) {
        if (out->data[i] == '\n' || out->data[i] == '\r') {
            out->data[i] = ' ';
        }
    }
}

/* "2024-02-29 12:00:00+00 BC" as "2024-02-29T12:00:00+00:00 BC". */
static void append_timestamp(hyl_buf *out, hyl_str text, bool has_offset)
{
    const char *space = memchr(text.data, ' ', text.len);
    const char *end = text.data + text.len;
    if (space == NULL) {
        json_append_string(out, text.data, text.len);
        return;
    }
    const char *era = memchr(space + 1, ' ', (size_t)(end - space - 1));
    const char *time_end = era != NULL ? era : end;
    hyl_buf_append_byte(out, '"');
    hyl_buf_append(out, text.data, (size_t)(space - text.data));
    hyl_buf_append_byte(out, 'T');
    hyl_buf_append(out, space + 1, (size_t)(time_end - space - 1));
    if (has_offset) {
        hyl_buf_append_str(out, ":00");
    }
    hyl_buf_append(out, time_end, (size_t)(end - time_end));
    hyl_buf_append_byte(out, '"');
}

static bool is_finite(const hyl_value *value)
{
    return value->type == HYL_TYPE_REAL ? isfinite(value->as.f32) != 0
                                        : isfinite(value->as.f64) != 0;
}

static hyl_status append_array(hyl_buf *out, hyl_type type, const hyl_value *array, hyl_error *err)
{
    hyl_array_iter iter;
    hyl_value element;
    HYL_TRY(hyl_array_iter_init(&iter, type, array, err));
    hyl_buf_append_byte(out, '[');
    for (bool first = true;; first = false) {
        hyl_status status = hyl_array_iter_next(&iter, &element, err);
        HYL_TRY(status);
        if (status == HYL_DONE) {
            break;
        }
        if (!first) {
            hyl_buf_append_byte(out, ',');
        }
        if (element.is_null) {
            hyl_buf_append_str(out, "null");
        } else {
            HYL_TRY(json_append_value(out, iter.element, &element, err));
        }
    }
    hyl_buf_append_byte(out, ']');
    return HYL_OK;
}

/* What the server's text says, in quotes. */
static hyl_status append_text(hyl_buf *out, hyl_type type, const hyl_value *value, hyl_error *err)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = hyl_value_text(type, value, &text, err);
    if (status >= 0) {
        hyl_str view = {text.data != NULL ? (const char *)text.data : "", text.len};
        if (type.id == HYL_TYPE_TIMESTAMP || type.id == HYL_TYPE_TIMESTAMPTZ) {
            append_timestamp(out, view, type.id == HYL_TYPE_TIMESTAMPTZ);
        } else {
            json_append_string(out, view.data, view.len);
        }
    }
    hyl_buf_reset(&text);
    return status;
}

hyl_status json_append_value(hyl_buf *out, hyl_type type, const hyl_value *value, hyl_error *err)
{
    switch (type.id) {
    case HYL_TYPE_BOOL:
        hyl_buf_append_str(out, value->as.boolean ? "true" : "false");
        return HYL_OK;
    case HYL_TYPE_SMALLINT:
    case HYL_TYPE_INT:
    case HYL_TYPE_BIGINT:
    case HYL_TYPE_OID:
    case HYL_TYPE_NUMERIC:
        return hyl_value_text(type, value, out, err);
    case HYL_TYPE_REAL:
    case HYL_TYPE_DOUBLE:
        return is_finite(value) ? hyl_value_text(type, value, out, err)
                                : append_text(out, type, value, err);
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
        json_append_string(out, value->as.str.data, value->as.str.len);
        return HYL_OK;
    case HYL_TYPE_JSON:
        append_json(out, value->as.str);
        return HYL_OK;
    case HYL_TYPE_ARRAY:
        return append_array(out, type, value, err);
    default:
        return append_text(out, type, value, err);
    }
}
