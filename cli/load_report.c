#include "load_report.h"

#include "csv_error.h"
#include "width.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_COLUMNS = 200, WIDEST_NAME = 40, NAME_CAP = 160 };

/* 1234567 as 1,234,567. */
static void append_count(hyl_buf *out, uint64_t count)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            hyl_buf_append_byte(out, ',');
        }
        hyl_buf_append_byte(out, (uint8_t)digits[i]);
    }
}

static void append_blanks(hyl_buf *out, size_t count)
{
    for (; count > 0; count--) {
        hyl_buf_append_byte(out, ' ');
    }
}

/* A file's or a table's name, which may hold anything. */
static void append_name(hyl_buf *out, const char *name)
{
    append_visible(out, name, strlen(name));
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* A name as it is shown, and how wide that is. */
static size_t visible_name(const char *name, char text[NAME_CAP])
{
    csv_excerpt(hyl_str_of(name), text, NAME_CAP);
    return display_width(text, strlen(text));
}

/* How wide the columns of the report are. */
typedef struct report_widths {
    size_t name;
    size_t type;
    size_t nulls;
} report_widths;

static void widen(size_t *width, size_t wanted, size_t most)
{
    if (wanted > *width && wanted <= most) {
        *width = wanted;
    }
}

/* Appends blanks up to the width and two more; `used` is what stands there already. */
static void append_padding(hyl_buf *out, size_t used, size_t width)
{
    append_blanks(out, (used < width ? width - used : 0) + 2);
}

/* "8,255 NULL", or nothing. */
static void append_nulls(const load *self, size_t index, hyl_buf *out)
{
    uint64_t nulls = self->encoder.columns[index].nulls;
    if (nulls > 0) {
        append_count(out, nulls);
        hyl_buf_append_str(out, " NULL");
    }
}

static report_widths measure(const load *self, size_t count)
{
    report_widths widths = {0, 0, 0};
    hyl_buf cell = HYL_BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        char text[NAME_CAP];
        widen(&widths.name, visible_name(self->columns[i].name, text), WIDEST_NAME);
        hyl_buf_clear(&cell);
        hyl_type_format(self->columns[i].type, &cell);
        widen(&widths.type, cell.len, WIDEST_NAME);
        hyl_buf_clear(&cell);
        append_nulls(self, i, &cell);
        widen(&widths.nulls, cell.len, WIDEST_NAME);
    }
    hyl_buf_reset(&cell);
    return widths;
}

static bool was_given(const load *self, size_t index)
{
    return self->encoder.columns[index].lenient;
}

/* Why it is text although it began as something else. */
static void append_text_reason(const csv_inference *inference, hyl_buf *out)
{
    hyl_type_format(csv_infer_sql_type(inference, inference->before), out);
    hyl_buf_printf(out, " but for line %" PRIu64 ": '%s'", inference->text_line,
                   inference->text_sample);
}

static void append_notes(const load *self, size_t index, hyl_buf *out)
{
    const csv_inference *inference = &self->inferences[index];
    if (was_given(self, index)) {
        hyl_buf_append_str(out, "as asked for");
        return;
    }
    csv_infer_type type = csv_inferred_type(inference);
    if (type == CSV_INFER_WIDE && self->no_wide_numerics) {
        hyl_buf_append_str(out, "text keeps all digits: ");
        hyl_type_format(csv_infer_sql_type(inference, type), out);
        hyl_buf_append_str(out, " needs a file of version 3 (--database-version 3)");
    }
    if (type == CSV_INFER_TEXT && inference->text_line > 0) {
        append_text_reason(inference, out);
    }
    if (type == CSV_INFER_TEXT && inference->comma_number) {
        hyl_buf_printf(out, "%sa decimal comma? --decimal-comma",
                       inference->text_line > 0 ? "; " : "");
    }
    if (type == CSV_INFER_DOUBLE && inference->long_digits) {
        hyl_buf_append_str(out, "rounded: some numbers have more than 17 digits");
    }
}

static void append_column(const load *self, size_t index, const report_widths *widths, hyl_buf *out)
{
    char name[NAME_CAP];
    size_t width = visible_name(self->columns[index].name, name);
    hyl_buf_printf(out, "  %s", name);
    append_padding(out, width, widths->name);
    size_t before = out->len;
    hyl_type_format(self->columns[index].type, out);
    append_padding(out, out->len - before, widths->type);
    if (widths->nulls > 0) {
        before = out->len;
        append_nulls(self, index, out);
        append_padding(out, out->len - before, widths->nulls);
    }
    append_notes(self, index, out);
    while (out->len > 0 && out->data[out->len - 1] == ' ') {
        out->len--;
    }
    hyl_buf_append_byte(out, '\n');
}

static void append_title(const load *self, hyl_buf *out)
{
    size_t count = self->rows.column_count;
    append_name(out, csv_rows_name(&self->rows));
    hyl_buf_printf(out, ": %zu column%s", count, count == 1 ? "" : "s");
    if (self->options->sample != 0 && self->sampled < self->row_count) {
        hyl_buf_append_str(out, ", types inferred from the first ");
        append_count(out, self->sampled);
        hyl_buf_append_str(out, " rows");
    }
    const char *likely = csv_rows_likely_delimiter(&self->rows);
    if (likely != NULL) {
        hyl_buf_printf(out, "; if '%s' separates columns: --delimiter '%s'", likely, likely);
    }
    hyl_buf_append_byte(out, '\n');
}

static void append_rest(size_t shown, size_t count, hyl_buf *out)
{
    if (shown < count) {
        hyl_buf_printf(out, "  and %zu more\n", count - shown);
    }
}

void load_report_columns(const load *self, hyl_buf *out)
{
    size_t count = self->rows.column_count;
    size_t shown = count < MOST_COLUMNS ? count : MOST_COLUMNS;
    if (count == 0) {
        append_name(out, csv_rows_name(&self->rows));
        hyl_buf_append_str(out, ": the file is empty\n");
        return;
    }
    append_title(self, out);
    report_widths widths = measure(self, shown);
    for (size_t i = 0; i < shown; i++) {
        append_column(self, i, &widths, out);
    }
    append_rest(shown, count, out);
}

static void append_typed_column(const load_column *column, const report_widths *widths,
                                hyl_buf *out)
{
    char name[NAME_CAP];
    size_t width = visible_name(column->name, name);
    hyl_buf_printf(out, "  %s", name);
    append_padding(out, width, widths->name);
    hyl_type_format(column->type, out);
    hyl_buf_append_str(out, column->nullable ? "\n" : " NOT NULL\n");
}

void load_report_types(const char *file, const load_column *columns, size_t count, hyl_buf *out)
{
    size_t shown = count < MOST_COLUMNS ? count : MOST_COLUMNS;
    report_widths widths = {0, 0, 0};
    append_name(out, file);
    hyl_buf_printf(out, ": %zu column%s\n", count, count == 1 ? "" : "s");
    for (size_t i = 0; i < shown; i++) {
        char text[NAME_CAP];
        widen(&widths.name, visible_name(columns[i].name, text), WIDEST_NAME);
    }
    for (size_t i = 0; i < shown; i++) {
        append_typed_column(&columns[i], &widths, out);
    }
    append_rest(shown, count, out);
}

/* ---- Summary --------------------------------------------------------------------------------- */

load_totals load_totals_of(const load *self)
{
    return (load_totals){
        .table = self->table.shown,
        .rows = self->row_count,
        .bytes = self->bytes,
        .passes = self->passes,
        .infer_us = self->infer_us,
        .load_us = self->load_us,
    };
}

static double seconds(const load_totals *totals)
{
    return (double)(totals->infer_us + totals->load_us) / 1e6;
}

static void append_rate(hyl_buf *out, double rate)
{
    if (rate >= 1e6) {
        hyl_buf_printf(out, "%.2f M rows/s", rate / 1e6);
    } else if (rate >= 1e4) {
        hyl_buf_printf(out, "%.0f k rows/s", rate / 1e3);
    } else {
        hyl_buf_printf(out, "%.0f rows/s", rate);
    }
}

static void append_size(hyl_buf *out, uint64_t bytes)
{
    if (bytes >= 100000) {
        hyl_buf_printf(out, "%.1f MB", (double)bytes / 1e6);
    } else if (bytes >= 1000) {
        hyl_buf_printf(out, "%.1f kB", (double)bytes / 1e3);
    } else {
        hyl_buf_printf(out, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
    }
}

void load_report_summary(const load_totals *totals, hyl_buf *out)
{
    hyl_buf_append_str(out, "loaded ");
    append_count(out, totals->rows);
    hyl_buf_printf(out, " row%s into ", totals->rows == 1 ? "" : "s");
    append_name(out, totals->table);
    hyl_buf_printf(out, " in %.2f s (", seconds(totals));
    append_rate(out, (double)totals->rows / (seconds(totals) > 0 ? seconds(totals) : 1));
    hyl_buf_append_str(out, ", ");
    append_size(out, totals->bytes);
    hyl_buf_append_str(out, ")\n");
}

void load_report_json(const load_totals *totals, hyl_buf *out)
{
    hyl_buf_printf(out,
                   "{\"rows\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"seconds\": %.6f, "
                   "\"infer_seconds\": %.6f, \"load_seconds\": %.6f, \"passes\": %u}\n",
                   totals->rows, totals->bytes, seconds(totals), (double)totals->infer_us / 1e6,
                   (double)totals->load_us / 1e6, totals->passes);
}
