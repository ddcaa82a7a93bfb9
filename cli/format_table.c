/*
 * A table for people, as psql draws it. The first rows are kept until the columns' widths are
 * known; the rows after them are written at once, in the same widths.
 */
#include "format.h"

#include "width.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROWS = 1000,
    FIRST_BYTES = 4 << 20, /* of text; rows of large values end the block earlier */
    WIDEST_COLUMN = 200,   /* a longer value is shown whole, but moves only its own line */
};

#define DIM   "\033[2m"
#define PLAIN "\033[0m"

typedef struct table_column {
    size_t width;
    bool right; /* numbers stand at the right */
} table_column;

/* A cell of the first rows; its text is in the formatter's. */
typedef struct cell {
    size_t start;
    size_t len;
    size_t width;
    bool is_null;
} cell;

struct formatter {
    hyl_str null_text;
    bool color;
    bool started;     /* the header is out, widths are fixed */
    hyl_buf text;     /* of the cells below */
    hyl_buf scratch;  /* one value's text */
    cell *cells;      /* row by row */
    size_t row_count; /* of `cells` */
    const hyl_result *result;
    size_t count;
    table_column columns[];
};

static bool is_number(hyl_type_id id)
{
    switch (id) {
    case HYL_TYPE_SMALLINT:
    case HYL_TYPE_INT:
    case HYL_TYPE_BIGINT:
    case HYL_TYPE_REAL:
    case HYL_TYPE_DOUBLE:
    case HYL_TYPE_NUMERIC:
    case HYL_TYPE_OID:
        return true;
    default:
        return false;
    }
}

static void free_formatter(formatter *self)
{
    hyl_buf_reset(&self->text);
    hyl_buf_reset(&self->scratch);
    free(self->cells);
    free(self);
}

/* The columns' names go in front of the cells, as a row of their own. */
static void add_names(formatter *self)
{
    for (size_t i = 0; i < self->count; i++) {
        const hyl_column *column = hyl_result_column(self->result, i);
        cell *name = &self->cells[i];
        name->start = self->text.len;
        name->width = append_visible(&self->text, column->name, column->name_len);
        name->len = self->text.len - name->start;
    }
    self->row_count = 1;
}

static formatter *begin(const hyl_result *result, const format_options *options, hyl_buf *out)
{
    (void)out;
    size_t count = hyl_result_column_count(result);
    formatter *self = calloc(1, sizeof *self + count * sizeof self->columns[0]);
    if (self == NULL) {
        return NULL;
    }
    self->cells = calloc(count * (FIRST_ROWS + 1) + 1, sizeof *self->cells);
    if (self->cells == NULL) {
        free_formatter(self);
        return NULL;
    }
    self->null_text = hyl_str_of(options->null_text != NULL ? options->null_text : "NULL");
    self->color = options->is_terminal;
    self->result = result;
    self->count = count;
    for (size_t i = 0; i < count; i++) {
        self->columns[i].right = is_number(hyl_result_column(result, i)->type.id);
    }
    add_names(self);
    return self;
}

/* ---- One cell -------------------------------------------------------------------------------- */

/* Appends what is shown for a value. A text that looks like the mark for NULL gets quotes. */
static hyl_status append_value(formatter *self, const hyl_row *row, size_t column, hyl_buf *out,
                               cell *shown, hyl_error *err)
{
    shown->start = out->len;
    shown->is_null = hyl_row_is_null(row, column);
    if (shown->is_null) {
        shown->width = append_visible(out, self->null_text.data, self->null_text.len);
    } else {
        hyl_buf_clear(&self->scratch);
        HYL_TRY(hyl_row_text(row, column, &self->scratch, err));
        const char *text = self->scratch.data != NULL ? (const char *)self->scratch.data : "";
        bool confusing = self->scratch.len > 0 && self->scratch.len == self->null_text.len &&
                         memcmp(text, self->null_text.data, self->scratch.len) == 0;
        const char *quote = confusing ? "\"" : "";
        hyl_buf_append_str(out, quote);
        shown->width = append_visible(out, text, self->scratch.len) + 2 * strlen(quote);
        hyl_buf_append_str(out, quote);
    }
    shown->len = out->len - shown->start;
    return HYL_OK;
}

/* The kept text from `start` on; a buffer that never held anything has no data. */
static const char *text_at(const formatter *self, size_t start)
{
    return self->text.data != NULL ? (const char *)self->text.data + start : "";
}

static void append_repeated(hyl_buf *out, char c, size_t count)
{
    if (out->failed || hyl_buf_reserve(out, count) < 0) {
        out->failed = true;
    } else if (count > 0) {
        memset(out->data + out->len, c, count);
        out->len += count;
    }
}

/* Puts the cell's padding in place; `at_end` cells have none behind them. */
static void append_padded(hyl_buf *out, const char *text, size_t len, size_t width,
                          const table_column *column, bool dim, bool at_end)
{
    size_t padding = width < column->width ? column->width - width : 0;
    append_repeated(out, ' ', column->right ? padding : 0);
    if (dim) {
        hyl_buf_append_str(out, DIM);
    }
    hyl_buf_append(out, text, len);
    if (dim) {
        hyl_buf_append_str(out, PLAIN);
    }
    append_repeated(out, ' ', column->right || at_end ? 0 : padding);
}

static void append_cell(const formatter *self, hyl_buf *out, size_t column, const cell *shown,
                        const char *text)
{
    bool last = column + 1 == self->count;
    append_padded(out, text, shown->len, shown->width, &self->columns[column],
                  shown->is_null && self->color, last);
    hyl_buf_append_str(out, last ? "\n" : " | ");
}

/* ---- The first rows -------------------------------------------------------------------------- */

static void measure(formatter *self)
{
    for (size_t i = 0; i < self->row_count * self->count; i++) {
        table_column *column = &self->columns[i % self->count];
        size_t width = self->cells[i].width;
        if (width > WIDEST_COLUMN) {
            width = WIDEST_COLUMN;
        }
        if (width > column->width) {
            column->width = width;
        }
    }
}

static void append_rule(const formatter *self, hyl_buf *out)
{
    hyl_buf_append_byte(out, '-');
    for (size_t i = 0; i < self->count; i++) {
        append_repeated(out, '-', self->columns[i].width);
        hyl_buf_append_str(out, i + 1 < self->count ? "-+-" : "-\n");
    }
}

/* Writes the header and the rows that were kept. */
static void start(formatter *self, hyl_buf *out)
{
    self->started = true;
    measure(self);
    for (size_t row = 0; row < self->row_count && self->count > 0; row++) {
        hyl_buf_append_byte(out, ' ');
        for (size_t i = 0; i < self->count; i++) {
            const cell *shown = &self->cells[row * self->count + i];
            append_cell(self, out, i, shown, text_at(self, shown->start));
        }
        if (row == 0) {
            append_rule(self, out);
        }
    }
    hyl_buf_reset(&self->text);
    free(self->cells);
    self->cells = NULL;
}

static hyl_status keep_row(formatter *self, const hyl_row *row, hyl_buf *out, hyl_error *err)
{
    cell *cells = &self->cells[self->row_count * self->count];
    for (size_t i = 0; i < self->count; i++) {
        HYL_TRY(append_value(self, row, i, &self->text, &cells[i], err));
    }
    self->row_count++;
    if (self->row_count > FIRST_ROWS || self->text.len >= FIRST_BYTES) {
        start(self, out);
    }
    return hyl_buf_status(&self->text);
}

static hyl_status write_row(formatter *self, const hyl_row *row, hyl_buf *out, hyl_error *err)
{
    if (!self->started) {
        return keep_row(self, row, out, err);
    }
    if (self->count > 0) {
        hyl_buf_append_byte(out, ' ');
    }
    for (size_t i = 0; i < self->count; i++) {
        cell shown;
        hyl_buf_clear(&self->text);
        HYL_TRY(append_value(self, row, i, &self->text, &shown, err));
        append_cell(self, out, i, &shown, text_at(self, 0));
    }
    return hyl_buf_status(&self->text);
}

static void end(formatter *self, uint64_t rows, hyl_buf *out)
{
    if (!self->started) {
        start(self, out);
    }
    hyl_buf_printf(out, "(%" PRIu64 " row%s)\n", rows, rows == 1 ? "" : "s");
}

static void write_tag(const char *tag, hyl_buf *out)
{
    append_visible(out, tag, strlen(tag));
    hyl_buf_append_byte(out, '\n');
}

const format format_table = {
    .name = "table",
    .begin = begin,
    .row = write_row,
    .end = end,
    .free = free_formatter,
    .tag = write_tag,
    .separator = "\n",
    .takes_null_text = true,
};
