/*
 * JSON: an array of objects, or (jsonl) an object a line. Columns of the same name get a suffix
 * (unique_names), so that no value is lost.
 */
#include "format.h"

#include "fast_text.h"

#include <stdlib.h>
#include <string.h>

/* A column: what stands in front of its values, its type, and whether its cells came as text. */
typedef struct json_column {
    size_t label; /* offset of `"name":` in the labels, which a { or , precedes */
    size_t label_len;
    hyl_type type;
    bool is_text;
} json_column;

struct formatter {
    hyl_buf labels;
    size_t count;
    bool is_lines;
    bool any;
    json_column columns[];
};

static bool set_labels(formatter *self, const hyl_result *result)
{
    size_t count = self->count;
    const char **names = calloc(count + 1, sizeof *names);
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = hyl_result_column(result, i)->name;
    }
    char **labels = names != NULL ? unique_names(names, count) : NULL;
    for (size_t i = 0; labels != NULL && i < count; i++) {
        self->columns[i].label = self->labels.len;
        json_append_string(&self->labels, labels[i], strlen(labels[i]));
        hyl_buf_append_byte(&self->labels, ':');
        self->columns[i].label_len = self->labels.len - self->columns[i].label;
    }
    bool ok = labels != NULL && hyl_buf_status(&self->labels) >= 0;
    free(names);
    free(labels);
    return ok;
}

static void free_formatter(formatter *self)
{
    hyl_buf_reset(&self->labels);
    free(self);
}

static formatter *begin(const hyl_result *result, bool is_lines)
{
    size_t count = hyl_result_column_count(result);
    formatter *self = calloc(1, sizeof *self + count * sizeof self->columns[0]);
    if (self == NULL) {
        return NULL;
    }
    self->count = count;
    self->is_lines = is_lines;
    for (size_t i = 0; i < count; i++) {
        const hyl_column *column = hyl_result_column(result, i);
        self->columns[i].type = column->type;
        self->columns[i].is_text = column->format == HYL_FORMAT_TEXT;
    }
    if (!set_labels(self, result)) {
        free_formatter(self);
        return NULL;
    }
    return self;
}

static formatter *begin_array(const hyl_result *result, const format_options *options, hyl_buf *out)
{
    (void)options;
    hyl_buf_append_byte(out, '[');
    return begin(result, false);
}

static formatter *begin_lines(const hyl_result *result, const format_options *options, hyl_buf *out)
{
    (void)options;
    (void)out;
    return begin(result, true);
}

static bool is_number_type(hyl_type_id id)
{
    return is_integer_type(id) || id == HYL_TYPE_OID || id == HYL_TYPE_NUMERIC ||
           id == HYL_TYPE_REAL || id == HYL_TYPE_DOUBLE;
}

/* NaN and the infinities are none. */
static bool is_number(hyl_str text)
{
    bool begins =
        text.len > 0 && (text.data[0] == '-' || (text.data[0] >= '0' && text.data[0] <= '9'));
    return begins && json_valid(text.data, text.len);
}

/* Has JSON another form for the type's values than their text in quotes? */
static bool has_form(hyl_type_id id)
{
    return id == HYL_TYPE_BOOL || id == HYL_TYPE_JSON || id == HYL_TYPE_TIMESTAMP ||
           id == HYL_TYPE_TIMESTAMPTZ || id == HYL_TYPE_ARRAY;
}

static void append_number(hyl_str text, hyl_buf *out)
{
    if (text.len == 4 && memcmp(text.data, "NULL", 4) == 0) {
        hyl_buf_append_str(out, "null");
    } else if (is_number(text)) {
        hyl_buf_append(out, text.data, text.len);
    } else {
        json_append_string(out, text.data, text.len);
    }
}

/* "{{1,NULL},{3,NaN}}" as [[1,null],[3,"NaN"]]: numbers are never in quotes. */
static void append_number_array(hyl_str text, hyl_buf *out)
{
    const char *end = text.data + text.len;
    for (const char *at = text.data; at < end;) {
        const char *begin = at;
        while (at < end && *at != '{' && *at != '}' && *at != ',') {
            at++;
        }
        if (at > begin) {
            append_number((hyl_str){begin, (size_t)(at - begin)}, out);
        } else {
            hyl_buf_append_byte(out, (uint8_t)(*at == '{' ? '[' : *at == '}' ? ']' : ','));
            at++;
        }
    }
}

/*
 * A cell that came as the server's text, as PostgreSQL's do. Of a value that cannot be had as such
 * (an infinite timestamp, an array of two dimensions) the text is printed.
 */
static hyl_status append_text_cell(const json_column *column, const hyl_row *row, size_t index,
                                   hyl_buf *out, hyl_error *err)
{
    hyl_str text;
    hyl_value value;
    const size_t start = out->len;
    HYL_TRY(hyl_row_get_str(row, index, &text, err));
    if (is_number_type(column->type.id) && is_number(text)) {
        hyl_buf_append(out, text.data, text.len);
        return HYL_OK;
    }
    if (is_number_type(column->type.element) && text.len > 0 && text.data[0] == '{') {
        append_number_array(text, out);
        return HYL_OK;
    }
    if (has_form(column->type.id) && hyl_row_get_value(row, index, &value, NULL) == HYL_OK &&
        json_append_value(out, column->type, &value, NULL) == HYL_OK) {
        return HYL_OK;
    }
    out->len = out->len > start ? start : out->len;
    json_append_string(out, text.data, text.len);
    return HYL_OK;
}

static hyl_status append_cell(const json_column *column, const hyl_row *row, size_t index,
                              hyl_buf *out, hyl_error *err)
{
    if (hyl_row_is_null(row, index)) {
        hyl_buf_append_str(out, "null");
        return HYL_OK;
    }
    if (column->is_text) {
        return append_text_cell(column, row, index, out, err);
    }
    if (is_integer_type(column->type.id)) {
        return put_integer_cell(out, row, index, err);
    }
    hyl_value value;
    HYL_TRY(hyl_row_get_value(row, index, &value, err));
    return json_append_value(out, column->type, &value, err);
}

static hyl_status write_row(formatter *self, const hyl_row *row, hyl_buf *out, hyl_error *err)
{
    if (!self->is_lines) {
        hyl_buf_append_str(out, self->any ? ",\n" : "\n");
    }
    self->any = true;
    put_byte(out, '{');
    for (size_t i = 0; i < self->count; i++) {
        const json_column *column = &self->columns[i];
        if (i > 0) {
            put_byte(out, ',');
        }
        hyl_buf_append(out, self->labels.data + column->label, column->label_len);
        HYL_TRY(append_cell(column, row, i, out, err));
    }
    put_byte(out, '}');
    if (self->is_lines) {
        put_byte(out, '\n');
    }
    return HYL_OK;
}

static void end_array(formatter *self, uint64_t rows, hyl_buf *out)
{
    (void)rows;
    hyl_buf_append_str(out, self->any ? "\n]\n" : "]\n");
}

static void end_lines(formatter *self, uint64_t rows, hyl_buf *out)
{
    (void)self;
    (void)rows;
    (void)out;
}

const format format_json = {
    .name = "json",
    .begin = begin_array,
    .row = write_row,
    .end = end_array,
    .free = free_formatter,
    .tag = NULL,
    .separator = "",
    .takes_null_text = false,
};

const format format_jsonl = {
    .name = "jsonl",
    .begin = begin_lines,
    .row = write_row,
    .end = end_lines,
    .free = free_formatter,
    .tag = NULL,
    .separator = "",
    .takes_null_text = false,
};
