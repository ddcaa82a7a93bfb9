/*
 * CSV after RFC 4180, lines ending in LF. NULL is the empty field, or the text that was asked for;
 * the empty string is "" and a value that equals the NULL text is quoted, so that they stay apart.
 */
#include "format.h"

#include "fast_text.h"

#include <stdlib.h>
#include <string.h>

/* How a column's cells are written. */
typedef enum cell_kind {
    CELL_INTEGER,
    CELL_PLAIN,  /* its text never needs quotes */
    CELL_STRING, /* the cell is its text */
    CELL_OTHER
} cell_kind;

struct formatter {
    hyl_str null_text;
    size_t count;
    hyl_buf scratch;
    cell_kind kinds[];
};

static cell_kind kind_of(const hyl_column *column)
{
    if (is_integer_type(column->type.id) && column->format == HYL_FORMAT_HYPERBINARY) {
        return CELL_INTEGER;
    }
    switch (column->type.id) {
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
        return CELL_STRING;
    case HYL_TYPE_GEOGRAPHY:
    case HYL_TYPE_ARRAY:
    case HYL_TYPE_UNKNOWN:
        return CELL_OTHER;
    default:
        return CELL_PLAIN;
    }
}

/* Which bytes make quotes necessary. */
static const bool special[256] = {['"'] = true, [','] = true, ['\n'] = true, ['\r'] = true};

static bool equals(const char *text, size_t len, hyl_str other)
{
    return len == other.len && (len == 0 || memcmp(text, other.data, len) == 0);
}

static bool needs_quotes(const char *text, size_t len, hyl_str null_text)
{
    for (size_t i = 0; i < len; i++) {
        if (special[(unsigned char)text[i]]) {
            return true;
        }
    }
    /* A line with nothing but \. on it ends the data for some readers. */
    return len == 0 || equals(text, len, null_text) || equals(text, len, HYL_STR("\\."));
}

static void append_quoted(hyl_buf *out, const char *text, size_t len)
{
    hyl_buf_append_byte(out, '"');
    while (len > 0) {
        const char *quote = memchr(text, '"', len);
        size_t piece = quote != NULL ? (size_t)(quote - text) + 1 : len;
        hyl_buf_append(out, text, piece);
        if (quote != NULL) {
            hyl_buf_append_byte(out, '"');
        }
        text += piece;
        len -= piece;
    }
    hyl_buf_append_byte(out, '"');
}

void csv_append_field(hyl_buf *out, const char *text, size_t len, hyl_str null_text)
{
    if (needs_quotes(text, len, null_text)) {
        append_quoted(out, text, len);
    } else {
        hyl_buf_append(out, text, len);
    }
}

bool csv_null_text_ok(const char *text)
{
    for (; *text != '\0'; text++) {
        if (special[(unsigned char)*text]) {
            return false;
        }
    }
    return true;
}

static void write_header(const hyl_result *result, hyl_buf *out, hyl_str null_text)
{
    size_t count = hyl_result_column_count(result);
    for (size_t i = 0; i < count; i++) {
        const hyl_column *column = hyl_result_column(result, i);
        if (i > 0) {
            hyl_buf_append_byte(out, ',');
        }
        csv_append_field(out, column->name, column->name_len, null_text);
    }
    hyl_buf_append_byte(out, '\n');
}

static formatter *begin(const hyl_result *result, const format_options *options, hyl_buf *out)
{
    size_t count = hyl_result_column_count(result);
    formatter *self = calloc(1, sizeof *self + count * sizeof self->kinds[0]);
    if (self == NULL) {
        return NULL;
    }
    self->count = count;
    self->null_text = hyl_str_of(options->null_text != NULL ? options->null_text : "");
    for (size_t i = 0; i < count; i++) {
        self->kinds[i] = kind_of(hyl_result_column(result, i));
    }
    write_header(result, out, self->null_text);
    return self;
}

/* A text that may turn out to equal the NULL text is quoted after it was written. */
static hyl_status append_plain(const formatter *self, const hyl_row *row, size_t column,
                               hyl_buf *out, hyl_error *err)
{
    size_t start = out->len;
    HYL_TRY(self->kinds[column] == CELL_INTEGER ? put_integer_cell(out, row, column, err)
                                                : hyl_row_text(row, column, out, err));
    size_t len = out->len - start;
    if (self->null_text.len == len && equals((char *)out->data + start, len, self->null_text)) {
        out->len = start;
        append_quoted(out, self->null_text.data, len);
    }
    return HYL_OK;
}

static hyl_status append_other(formatter *self, const hyl_row *row, size_t column, hyl_buf *out,
                               hyl_error *err)
{
    hyl_buf_clear(&self->scratch);
    HYL_TRY(hyl_row_text(row, column, &self->scratch, err));
    csv_append_field(out, (const char *)self->scratch.data, self->scratch.len, self->null_text);
    return HYL_OK;
}

static hyl_status append_cell(formatter *self, const hyl_row *row, size_t column, hyl_buf *out,
                              hyl_error *err)
{
    if (hyl_row_is_null(row, column)) {
        hyl_buf_append(out, self->null_text.data, self->null_text.len);
        return HYL_OK;
    }
    if (self->kinds[column] == CELL_PLAIN || self->kinds[column] == CELL_INTEGER) {
        return append_plain(self, row, column, out, err);
    }
    if (self->kinds[column] == CELL_OTHER) {
        return append_other(self, row, column, out, err);
    }
    hyl_str text;
    HYL_TRY(hyl_row_get_str(row, column, &text, err));
    csv_append_field(out, text.data, text.len, self->null_text);
    return HYL_OK;
}

static hyl_status write_row(formatter *self, const hyl_row *row, hyl_buf *out, hyl_error *err)
{
    for (size_t i = 0; i < self->count; i++) {
        if (i > 0) {
            put_byte(out, ',');
        }
        HYL_TRY(append_cell(self, row, i, out, err));
    }
    put_byte(out, '\n');
    return HYL_OK;
}

static void end(formatter *self, uint64_t rows, hyl_buf *out)
{
    (void)self;
    (void)rows;
    (void)out;
}

static void free_formatter(formatter *self)
{
    hyl_buf_reset(&self->scratch);
    free(self);
}

const format format_csv = {
    .name = "csv",
    .begin = begin,
    .row = write_row,
    .end = end,
    .free = free_formatter,
    .tag = NULL,
    .separator = "\n",
    .takes_null_text = true,
};
