#include "csv_rows.h"

#include "csv_error.h"
#include "fail.h"
#include "format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

/* ---- The header ------------------------------------------------------------------------------ */

static bool is_utf8(const char *text, size_t len)
{
    utf8proc_int32_t code;
    for (size_t at = 0; at < len;) {
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                 (utf8proc_ssize_t)(len - at), &code);
        if (step <= 0) {
            return false;
        }
        at += (size_t)step;
    }
    return true;
}

static hyl_status check_name(const csv_rows *rows, const csv_row *row, size_t index, hyl_error *err)
{
    const csv_field *field = &row->fields[index];
    char excerpt[64];
    csv_excerpt((hyl_str){field->data, field->len}, excerpt, sizeof excerpt);
    if (memchr(field->data, '\0', field->len) != NULL) {
        return cli_fail(err, HYL_ERR_ARG,
                        "%s: line %" PRIu64 ", column %zu: the name '%s' has a NUL byte in it",
                        csv_rows_name(rows), csv_row_field_line(row, index), index + 1, excerpt);
    }
    if (!is_utf8(field->data, field->len)) {
        return cli_fail(err, HYL_ERR_ARG,
                        "%s: line %" PRIu64 ", column %zu: the name '%s' is not UTF-8; if the file "
                        "is in Latin-1 (Windows-1252), convert it first: iconv -f WINDOWS-1252 -t "
                        "UTF-8 '%s'",
                        csv_rows_name(rows), csv_row_field_line(row, index), index + 1, excerpt,
                        csv_rows_name(rows));
    }
    return HYL_OK;
}

/* Copies the names, each ended by a NUL. */
static hyl_status copy_names(csv_rows *rows, const csv_row *row, hyl_error *err)
{
    for (size_t i = 0; i < row->count; i++) {
        const csv_field *field = &row->fields[i];
        if (!rows->has_header || field->len == 0) {
            hyl_buf_printf(&rows->header, "column_%zu", i + 1);
        } else {
            HYL_TRY(check_name(rows, row, i, err));
            hyl_buf_append(&rows->header, field->data, field->len);
        }
        hyl_buf_append_byte(&rows->header, '\0');
    }
    return hyl_buf_status(&rows->header) == HYL_OK ? HYL_OK : cli_fail_nomem(err);
}

static hyl_status make_names_unique(csv_rows *rows, hyl_error *err)
{
    const char **plain = calloc(rows->column_count + 1, sizeof *plain);
    if (plain == NULL) {
        return cli_fail_nomem(err);
    }
    const char *at = (const char *)rows->header.data;
    for (size_t i = 0; i < rows->column_count; i++) {
        plain[i] = at;
        at += strlen(at) + 1;
    }
    rows->names = unique_names(plain, rows->column_count);
    free(plain);
    return rows->names != NULL ? HYL_OK : cli_fail_nomem(err);
}

static hyl_status read_header(csv_rows *rows, hyl_error *err)
{
    csv_row row;
    csv_reader_hold(rows->reader);
    hyl_status status = csv_reader_next(rows->reader, &row, err);
    if (status < 0) {
        return status;
    }
    if (status == HYL_OK) {
        rows->column_count = row.count;
        HYL_TRY(copy_names(rows, &row, err));
        HYL_TRY(make_names_unique(rows, err));
    }
    if (rows->has_header) {
        csv_reader_release(rows->reader);
    } else {
        csv_reader_replay(rows->reader);
    }
    return HYL_OK;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static hyl_status open_parts(csv_rows *rows, const char *path, bool rewindable, hyl_error *err)
{
    HYL_TRY(csv_source_open(path, &rows->source, err));
    if (rewindable) {
        HYL_TRY(csv_source_make_rewindable(rows->source, err));
    }
    HYL_TRY(csv_reader_new(rows->dialect, csv_source_name(rows->source), csv_source_read,
                           rows->source, &rows->reader, err));
    return read_header(rows, err);
}

hyl_status csv_rows_open(csv_rows *rows, const char *path, csv_dialect dialect, bool has_header,
                         bool rewindable, hyl_error *err)
{
    *rows = (csv_rows){.dialect = dialect, .has_header = has_header};
    hyl_status status = open_parts(rows, path, rewindable, err);
    if (status < 0) {
        csv_rows_close(rows);
    }
    return status;
}

void csv_rows_close(csv_rows *rows)
{
    csv_reader_free(rows->reader);
    csv_source_free(rows->source);
    free(rows->names);
    hyl_buf_reset(&rows->header);
    *rows = (csv_rows){0};
}

hyl_status csv_rows_rewind(csv_rows *rows, hyl_error *err)
{
    HYL_TRY(csv_source_rewind(rows->source, err));
    csv_reader_restart(rows->reader);
    csv_row row;
    if (!rows->has_header) {
        return HYL_OK;
    }
    hyl_status status = csv_reader_next(rows->reader, &row, err);
    return status < 0 ? status : HYL_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static bool is_blank(const csv_row *row)
{
    return row->count == 1 && row->fields[0].len == 0 && !row->fields[0].quoted;
}

/* The whole line is \. without quotes. */
static bool is_end_mark(const csv_row *row)
{
    return row->count == 1 && row->fields[0].len == 2 && !row->fields[0].quoted &&
           memcmp(row->fields[0].data, "\\.", 2) == 0;
}

const char *csv_rows_likely_delimiter(const csv_rows *rows)
{
    static const char *const candidates[] = {";", "\t", "|", ","};
    const char *header = (const char *)rows->header.data;
    for (size_t i = 0; rows->column_count == 1 && i < sizeof candidates / sizeof candidates[0];
         i++) {
        char delimiter = candidates[i][0];
        if (delimiter != rows->dialect.delimiter && strchr(header, delimiter) != NULL) {
            return delimiter == '\t' ? "\\t" : candidates[i];
        }
    }
    return NULL;
}

static hyl_status wrong_count(const csv_rows *rows, const csv_row *row, hyl_error *err)
{
    const char *likely = csv_rows_likely_delimiter(rows);
    cli_fail(err, HYL_ERR_ARG, "%s: line %" PRIu64 ": %zu column%s instead of %zu",
             csv_rows_name(rows), row->line, row->count, row->count == 1 ? "" : "s",
             rows->column_count);
    if (likely != NULL) {
        cli_error_append(err, "; if '%s' separates the columns: --delimiter '%s'", likely, likely);
    } else if (row->count > rows->column_count) {
        cli_error_append(err, "; text that holds the delimiter has to be quoted");
    }
    return HYL_ERR_ARG;
}

static hyl_status check_row(const csv_rows *rows, const csv_row *row, hyl_error *err)
{
    if (is_end_mark(row)) {
        return cli_fail(err, HYL_ERR_ARG,
                        "%s: line %" PRIu64
                        ": '\\.' is psql's mark for the end of the data; remove "
                        "the line, or quote it if it is text",
                        csv_rows_name(rows), row->line);
    }
    return row->count == rows->column_count ? HYL_OK : wrong_count(rows, row, err);
}

/* Behind a blank line only blank lines may follow, up to the end. */
static hyl_status skip_blank_end(const csv_rows *rows, csv_row *row, hyl_error *err)
{
    uint64_t line = row->line;
    hyl_status status = HYL_OK;
    while (status == HYL_OK && is_blank(row)) {
        status = csv_reader_next(rows->reader, row, err);
    }
    if (status != HYL_OK) {
        return status;
    }
    return cli_fail(err, HYL_ERR_ARG, "%s: line %" PRIu64 ": a blank line instead of %zu columns",
                    csv_rows_name(rows), line, rows->column_count);
}

hyl_status csv_rows_next(csv_rows *rows, csv_row *row, hyl_error *err)
{
    hyl_status status = csv_reader_next(rows->reader, row, err);
    if (status != HYL_OK) {
        return status;
    }
    if (row->count == rows->column_count && row->count > 1) {
        return HYL_OK;
    }
    if (is_blank(row) && rows->column_count > 1) {
        return skip_blank_end(rows, row, err);
    }
    return check_row(rows, row, err);
}
