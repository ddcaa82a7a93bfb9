#include "csv_error.h"

#include "fail.h"
#include "width.h"

#include <inttypes.h>
#include <strings.h>
#include <utf8proc.h>

enum { EXCERPT_CAP = 64 };

/* ---- Excerpts -------------------------------------------------------------------------------- */

/* Bytes of the character that the text begins with, 1 where it begins with none. */
static size_t character_len(hyl_str text)
{
    utf8proc_int32_t code;
    utf8proc_ssize_t len =
        utf8proc_iterate((const utf8proc_uint8_t *)text.data, (utf8proc_ssize_t)text.len, &code);
    return len > 0 ? (size_t)len : 1;
}

void csv_excerpt(hyl_str text, char *out, size_t cap)
{
    hyl_buf visible = HYL_BUF_INIT;
    size_t keep = 0; /* as much as has room in front of "..." */
    while (text.len > 0 && visible.len < cap && !visible.failed) {
        size_t len = character_len(text);
        (void)append_visible(&visible, text.data, len);
        text.data += len;
        text.len -= len;
        keep = visible.len + sizeof "..." <= cap ? visible.len : keep;
    }
    bool whole = visible.len < cap && !visible.failed;
    size_t len = whole ? visible.len : keep;
    if (len > 0) {
        memcpy(out, visible.data, len);
    }
    memcpy(out + len, whole ? "" : "...", whole ? 1 : sizeof "...");
    hyl_buf_reset(&visible);
}

/* ---- Misfits --------------------------------------------------------------------------------- */

static const char *what_it_is_not(hyl_type_id id)
{
    switch (id) {
    case HYL_TYPE_SMALLINT:
    case HYL_TYPE_INT:
    case HYL_TYPE_BIGINT:
    case HYL_TYPE_OID:
        return "integer";
    case HYL_TYPE_DOUBLE:
    case HYL_TYPE_REAL:
    case HYL_TYPE_NUMERIC:
        return "number";
    case HYL_TYPE_BYTES:
        return "bytes (\\x and hexadecimal digits)";
    case HYL_TYPE_INTERVAL:
        return "interval (as in P1DT2H)";
    default:
        return hyl_type_name(id);
    }
}

static bool is_number_type(hyl_type_id id)
{
    return strcmp(what_it_is_not(id), "number") == 0 || strcmp(what_it_is_not(id), "integer") == 0;
}

/* Texts that often stand for NULL. */
static bool looks_like_null(hyl_str text)
{
    static const char *const words[] = {"",    "na",   "n/a", "null", "(null)", "none", "nil",
                                        "nan", "#n/a", "-",   "--",   ".",      "?",    "\\n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == text.len && strncasecmp(words[i], text.data, text.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_slash_or_dot_date(hyl_str text)
{
    size_t digits = 0;
    size_t separators = 0;
    for (size_t i = 0; i < text.len && i < 10; i++) {
        digits += text.data[i] >= '0' && text.data[i] <= '9';
        separators += text.data[i] == '/' || text.data[i] == '.';
    }
    return digits >= 4 && separators == 2;
}

/* What to do about it, where that can be guessed. */
static void append_hint(const csv_column *column, const csv_field *field, bool decimal_comma,
                        hyl_error *err)
{
    hyl_str text = {field->data, field->len};
    hyl_type_id id = column->type.id;
    bool number = is_number_type(id);
    if (id == HYL_TYPE_NUMERIC && text.len == 3 && strncasecmp(text.data, "nan", 3) == 0) {
        cli_error_append(err, "; numeric has no NaN, double precision has");
    } else if (looks_like_null(text)) {
        cli_error_append(err, "; if it stands for NULL: --null '%.*s'%s", (int)text.len,
                         text.len > 0 ? text.data : "", field->quoted ? " --force-null" : "");
    } else if (number && !decimal_comma && memchr(text.data, ',', text.len) != NULL) {
        cli_error_append(err, "; if the comma is a decimal comma: --decimal-comma");
    } else if (id >= HYL_TYPE_DATE && id <= HYL_TYPE_TIMESTAMPTZ && has_slash_or_dot_date(text)) {
        cli_error_append(err, "; dates are written year-month-day: 2024-02-29");
    }
}

static void describe_range(const csv_column *column, const char *excerpt, hyl_error *err)
{
    hyl_buf name = HYL_BUF_INIT;
    hyl_type_format(column->type, &name);
    hyl_buf_append_byte(&name, '\0');
    bool text = hyl_type_max_length(column->type) > 0 || column->type.id == HYL_TYPE_CHAR1;
    bool failed = hyl_buf_status(&name) != HYL_OK;
    cli_error_append(err, text ? "'%s' is too long for %s" : "'%s' is out of range for %s", excerpt,
                     failed ? hyl_type_name(column->type.id) : (const char *)name.data);
    hyl_buf_reset(&name);
}

static void describe_encoding(const csv_place *place, const char *excerpt, hyl_error *err)
{
    cli_error_append(err,
                     "'%s' is not UTF-8; if the file is in Latin-1 (Windows-1252), convert it "
                     "first: iconv -f WINDOWS-1252 -t UTF-8 '%s'",
                     excerpt, place->file);
}

hyl_status csv_fail_misfit(const csv_place *place, const csv_column *column, csv_misfit_kind kind,
                           bool decimal_comma, hyl_error *err)
{
    const csv_field *field = &place->row->fields[place->column];
    char excerpt[EXCERPT_CAP];
    char name[EXCERPT_CAP];
    csv_excerpt((hyl_str){field->data, field->len}, excerpt, sizeof excerpt);
    csv_excerpt(place->column_name, name, sizeof name);
    cli_fail(err, HYL_ERR_TYPE, "%s: line %" PRIu64 ", column %zu \"%s\": ", place->file,
             csv_row_field_line(place->row, place->column), place->column + 1, name);
    switch (kind) {
    case CSV_MISFIT_VALUE:
        cli_error_append(err, "'%s' is no %s", excerpt, what_it_is_not(column->type.id));
        append_hint(column, field, decimal_comma, err);
        break;
    case CSV_MISFIT_RANGE:
        describe_range(column, excerpt, err);
        break;
    case CSV_MISFIT_NULL:
        cli_error_append(err, "NULL ('%s') in a column that is NOT NULL", excerpt);
        break;
    case CSV_MISFIT_ENCODING:
        describe_encoding(place, excerpt, err);
        break;
    }
    return HYL_ERR_TYPE;
}
