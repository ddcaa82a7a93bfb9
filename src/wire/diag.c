/* ErrorResponse and NoticeResponse: fields of one byte (which) and a text, the last is a zero byte.
 * Source: PostgreSQL documentation, "Error and Notice Message Fields". */
#include "diag.h"

#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"
#include "decode.h"

#include <stdio.h>
#include <string.h>

/* What PostgreSQL defines and nobody here asks for: file, line, routine, objects, inner query. */
static const char unused_fields[] = "FLRWcdnpqst";

static void drop_field(uint8_t field, const char *reason)
{
    if (!hyl__log_wanted(HYL_LOG_TRACE)) {
        return;
    }
    char code[8];
    bool printable = field > ' ' && field < 0x7f;
    snprintf(code, sizeof code, printable ? "%c" : "0x%02x", field);
    const hyl_log_field fields[] = {{"field", code}, {"reason", reason}};
    hyl__log(HYL_LOG_TRACE, "error-field-dropped", fields, 2);
}

/* A positive number in decimal digits; 0 where the text is none. */
static int32_t parse_position(hyl_str text)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        char digit = text.data[i];
        if (digit < '0' || digit > '9') {
            return 0;
        }
        value = value * 10 + (digit - '0');
        if (value > INT32_MAX) {
            return 0;
        }
    }
    return (int32_t)value;
}

static void set_position(hyl_msg_diag *out, hyl_str text)
{
    int32_t position = parse_position(text);
    if (position == 0) {
        drop_field('P', "not a position");
        return;
    }
    out->position = position;
}

static void set_sqlstate(hyl_msg_diag *out, hyl_str text)
{
    if (text.len != 5) {
        drop_field('C', "not five characters");
        return;
    }
    out->sqlstate = text;
}

static void set_field(hyl_msg_diag *out, uint8_t field, hyl_str text)
{
    switch (field) {
    case 'S': /* fall through */
    case 'V':
        out->severity = text;
        break;
    case 'C':
        set_sqlstate(out, text);
        break;
    case 'M':
        out->message = text;
        break;
    case 'D':
        out->detail = text;
        break;
    case 'H':
        out->hint = text;
        break;
    case 'B':
        out->blame = text;
        break;
    case 'P':
        set_position(out, text);
        break;
    default:
        if (strchr(unused_fields, field) == NULL) {
            drop_field(field, "unknown");
        }
    }
}

void hyl__diag_parse(hyl_bytes body, hyl_msg_diag *out)
{
    memset(out, 0, sizeof *out);
    while (body.len > 0 && body.data[0] != 0) {
        uint8_t field = body.data[0];
        hyl_str text;
        body.data++;
        body.len--;
        if (!hyl__take_string(&body, &text)) {
            drop_field(field, "cut");
            return;
        }
        if (!hyl__utf8_valid(text.data, text.len)) {
            drop_field(field, "not UTF-8");
            continue;
        }
        set_field(out, field, text);
    }
    if (body.len != 1) {
        drop_field(0, body.len == 0 ? "no end of fields" : "bytes after the end of fields");
    }
}

bool hyl__diag_is_fatal(hyl_str severity)
{
    return severity.len == 5 &&
           (memcmp(severity.data, "FATAL", 5) == 0 || memcmp(severity.data, "PANIC", 5) == 0);
}

static void copy_or_default(char *dst, size_t cap, hyl_str text, const char *fallback)
{
    hyl_str shown = text.len > 0 ? text : hyl_str_of(fallback);
    hyl__copy_text(dst, cap, shown.data, shown.len);
}

/* A write conflict, or a database file that another session holds: both pass. */
static bool is_retryable(const char *sqlstate)
{
    return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "55006") == 0;
}

hyl_status hyl__fail_server(hyl_error *err, const hyl_msg_diag *diag)
{
    if (err == NULL) {
        return HYL_ERR_SERVER;
    }
    hyl_error_clear(err);
    err->status = HYL_ERR_SERVER;
    copy_or_default(err->severity, sizeof err->severity, diag->severity, "ERROR");
    copy_or_default(err->sqlstate, sizeof err->sqlstate, diag->sqlstate, "00000");
    copy_or_default(err->message, sizeof err->message, diag->message, "unknown error");
    err->flags = HYL_ERROR_FROM_SERVER;
    if (is_retryable(err->sqlstate)) {
        err->flags |= HYL_ERROR_RETRYABLE;
    }
    return HYL_ERR_SERVER;
}

hyl_status hyl__diag_copy(const hyl_msg_diag *diag, hyl_buf *texts, hyl_msg_diag *out)
{
    *out = *diag;
    hyl_str *const fields[] = {&out->severity, &out->sqlstate, &out->message,
                               &out->detail,   &out->hint,     &out->blame};
    enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };
    size_t total = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        total += fields[i]->len + 1; /* parts of one message: no overflow */
    }
    hyl_buf_clear(texts);
    if (hyl_buf_reserve(texts, total) != HYL_OK) {
        memset(out, 0, sizeof *out);
        return HYL_ERR_NOMEM;
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const char *copy = (const char *)texts->data + texts->len;
        hyl_buf_append(texts, fields[i]->data, fields[i]->len);
        hyl_buf_append_byte(texts, 0);
        fields[i]->data = copy;
    }
    return HYL_OK;
}
