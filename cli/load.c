#include "load.h"

#include "csv_error.h"
#include "fail.h"
#include "interrupt.h"
#include "progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/*
 * The beginning that types are inferred from before loading starts with them: a part of the file,
 * between two bounds; the middle one where the file's size is not known. A larger one makes it rarer
 * that a later value does not fit, which costs another pass; but it delays the start, by 7 ms a MB.
 */
enum {
    PART_OF_FILE = 64,
    LEAST_BEGINNING = 1 << 18,
    SOME_BEGINNING = 4 << 20,
    MOST_BEGINNING = 16 << 20
};
/* COPY data is sent in pieces of this size: the server is no faster with larger ones. */
enum { SEND_BYTES = 256 * 1024 };
/* Rows between two looks at the clock and at signals. */
enum { ROWS_PER_LOOK = 4096 };

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Takes a look at the clock and at signals, every so many rows. Errors: CANCELLED. */
static hyl_status look_around(const load *self, progress *line, uint64_t rows, hyl_error *err)
{
    if (rows % ROWS_PER_LOOK != 0) {
        return HYL_OK;
    }
    progress_update(line, rows, csv_source_position(self->rows.source));
    return interrupted() ? cli_fail(err, HYL_ERR_CANCELLED, "interrupted") : HYL_OK;
}

/* ---- Inference ------------------------------------------------------------------------------- */

static void infer_row(load *self, const csv_row *row)
{
    csv_infer_row(self->inferences, row, &self->options->nulls, self->options->decimal_comma);
    self->sampled++;
}

static bool sample_reached(const load *self)
{
    return self->options->sample != 0 && self->sampled >= self->options->sample;
}

/* Infers from the rest of the file, or as much of it as the sample wants. */
static hyl_status infer_rest(load *self, progress *line, hyl_error *err)
{
    csv_row row;
    hyl_status status = HYL_OK;
    while (!sample_reached(self) && (status = csv_rows_next(&self->rows, &row, err)) == HYL_OK) {
        infer_row(self, &row);
        HYL_TRY(look_around(self, line, self->sampled, err));
    }
    return status < 0 ? status : HYL_OK;
}

/* Infers from all of the file and goes back to its first row. */
static hyl_status infer_all(load *self, hyl_error *err)
{
    progress line;
    for (size_t i = 0; i < self->rows.column_count; i++) {
        csv_inference_init(&self->inferences[i]);
    }
    self->sampled = 0;
    HYL_TRY(csv_rows_rewind(&self->rows, err));
    progress_start(&line, "inferring types", csv_source_size(self->rows.source),
                   self->options->shows_progress);
    hyl_status status = infer_rest(self, &line, err);
    progress_end(&line);
    HYL_TRY(status);
    self->inferred_all = true;
    return csv_rows_rewind(&self->rows, err);
}

static size_t beginning_size(const load *self)
{
    uint64_t part = csv_source_size(self->rows.source) / PART_OF_FILE;
    if (part == 0) {
        return SOME_BEGINNING;
    }
    if (part < LEAST_BEGINNING) {
        return LEAST_BEGINNING;
    }
    return part < MOST_BEGINNING ? (size_t)part : MOST_BEGINNING;
}

/* Infers from the beginning, which is held in memory, and goes back to the first row. */
static hyl_status infer_beginning(load *self, hyl_error *err)
{
    csv_row row;
    hyl_status status = HYL_OK;
    size_t size = beginning_size(self);
    csv_reader_hold(self->rows.reader);
    while (csv_reader_held(self->rows.reader) < size && !sample_reached(self) &&
           (status = csv_rows_next(&self->rows, &row, err)) == HYL_OK) {
        infer_row(self, &row);
    }
    if (status < 0) {
        return status;
    }
    self->inferred_all = status == HYL_DONE || sample_reached(self);
    csv_reader_replay(self->rows.reader);
    return HYL_OK;
}

/* A sample larger than the beginning is read before loading starts. */
static hyl_status infer_types(load *self, hyl_error *err)
{
    HYL_TRY(infer_beginning(self, err));
    if (self->inferred_all || self->options->sample == 0) {
        return HYL_OK;
    }
    return infer_all(self, err);
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* The type that an option gives the column, NULL without one. */
static const load_type *given_type(const load *self, const char *name)
{
    const load_options *options = self->options;
    for (size_t i = options->type_count; i > 0; i--) {
        hyl_str column = options->types[i - 1].column;
        if (strlen(name) == column.len && memcmp(name, column.data, column.len) == 0) {
            return &options->types[i - 1];
        }
    }
    return NULL;
}

static bool has_column(const load *self, hyl_str name)
{
    for (size_t i = 0; i < self->rows.column_count; i++) {
        const char *column = self->rows.names[i];
        if (strlen(column) == name.len && memcmp(column, name.data, name.len) == 0) {
            return true;
        }
    }
    return false;
}

static hyl_status check_given_types(const load *self, hyl_error *err)
{
    for (size_t i = 0; i < self->options->type_count; i++) {
        hyl_str name = self->options->types[i].column;
        if (!has_column(self, name)) {
            return cli_fail(err, HYL_ERR_ARG, "%s has no column \"%.*s\", which --type names",
                            csv_rows_name(&self->rows), (int)name.len, name.data);
        }
    }
    return HYL_OK;
}

static bool is_inferred_wide(const load *self, size_t index)
{
    return given_type(self, self->rows.names[index]) == NULL &&
           csv_inferred_type(&self->inferences[index]) == CSV_INFER_WIDE;
}

static hyl_type inferred_sql_type(const load *self, size_t index)
{
    const csv_inference *inference = &self->inferences[index];
    return self->no_wide_numerics && is_inferred_wide(self, index)
               ? hyl_type_of(HYL_TYPE_TEXT)
               : csv_infer_sql_type(inference, csv_inferred_type(inference));
}

/* Sets the columns to what is inferred so far and to what options say. */
static void set_columns(load *self)
{
    for (size_t i = 0; i < self->rows.column_count; i++) {
        const load_type *given = given_type(self, self->rows.names[i]);
        const csv_inference *inference = &self->inferences[i];
        hyl_type type = given != NULL ? given->type : inferred_sql_type(self, i);
        self->columns[i] = (load_column){self->rows.names[i], type, true};
        csv_column_init(&self->encoder.columns[i], type, true, given != NULL);
        if (given == NULL && inference->values == 0 && !self->inferred_all) {
            self->encoder.columns[i].encoding = CSV_ENCODE_NOTHING;
        }
    }
}

/* The table's column of that name, NULL where there is none. */
static const load_column *table_column(const load_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return &table->columns[i];
        }
    }
    return NULL;
}

static bool can_be_loaded(hyl_type type)
{
    return type.id != HYL_TYPE_UNKNOWN && type.id != HYL_TYPE_ARRAY &&
           type.id != HYL_TYPE_GEOGRAPHY;
}

static hyl_status use_table_column(load *self, size_t index, const load_column *column,
                                   hyl_error *err)
{
    if (!can_be_loaded(column->type)) {
        return cli_fail(err, HYL_ERR_TYPE,
                        "column \"%s\" of table %s is of type %s, which cannot be read from CSV",
                        column->name, self->table.shown, hyl_type_name(column->type.id));
    }
    self->columns[index] = *column;
    csv_column_init(&self->encoder.columns[index], column->type, column->nullable, true);
    return HYL_OK;
}

static void append_name(hyl_buf *list, const char *name)
{
    hyl_buf_printf(list, "%s\"%s\"", list->len > 0 ? ", " : "", name);
}

/* What one side has and the other has not, as lists for people. */
static void compare_names(const load *self, hyl_buf *missing, hyl_buf *extra)
{
    const load_table *table = &self->table;
    for (size_t i = 0; i < self->rows.column_count; i++) {
        if (table_column(table, self->rows.names[i]) == NULL) {
            append_name(extra, self->rows.names[i]);
        }
    }
    for (size_t i = 0; i < table->column_count; i++) {
        if (!has_column(self, hyl_str_of(table->columns[i].name))) {
            append_name(missing, table->columns[i].name);
        }
    }
}

/* Errors: TYPE with the names where file and table have not the same columns. */
static hyl_status check_names(const load *self, hyl_error *err)
{
    hyl_buf missing = HYL_BUF_INIT;
    hyl_buf extra = HYL_BUF_INIT;
    compare_names(self, &missing, &extra);
    hyl_status status = HYL_OK;
    if (missing.len > 0 || extra.len > 0) {
        hyl_buf_append_byte(&missing, '\0');
        hyl_buf_append_byte(&extra, '\0');
        status = cli_fail(err, HYL_ERR_TYPE, "the columns of %s are not those of table %s",
                          csv_rows_name(&self->rows), self->table.shown);
        if (missing.len > 1 && !missing.failed) {
            cli_error_append(err, "; missing in the file: %s", (const char *)missing.data);
        }
        if (extra.len > 1 && !extra.failed) {
            cli_error_append(err, "; not in the table: %s", (const char *)extra.data);
        }
        const char *likely = csv_rows_likely_delimiter(&self->rows);
        if (likely != NULL) {
            cli_error_append(err, "; if '%s' separates the columns: --delimiter '%s'", likely,
                             likely);
        }
    }
    hyl_buf_reset(&missing);
    hyl_buf_reset(&extra);
    return status;
}

/* Takes the columns of the table that is appended to: by name, or by place without a header. */
static hyl_status match_columns(load *self, hyl_error *err)
{
    const load_table *table = &self->table;
    if (!self->options->has_header && self->rows.column_count != table->column_count) {
        return cli_fail(err, HYL_ERR_TYPE, "%s has %zu columns, table %s has %zu",
                        csv_rows_name(&self->rows), self->rows.column_count, table->shown,
                        table->column_count);
    }
    if (self->options->has_header) {
        HYL_TRY(check_names(self, err));
    }
    for (size_t i = 0; i < self->rows.column_count; i++) {
        const load_column *column = self->options->has_header
                                        ? table_column(table, self->rows.names[i])
                                        : &table->columns[i];
        HYL_TRY(use_table_column(self, i, column, err));
    }
    return HYL_OK;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static hyl_status flush(load *self, hyl_copy *copy, hyl_error *err)
{
    hyl_status status = hyl_copy_write(copy, self->encoder.out.data, self->encoder.out.len, err);
    hyl_buf_clear(&self->encoder.out);
    return status;
}

/* Can another type be tried for a field that does not fit? */
static bool may_change_type(const load *self, const csv_misfit *misfit)
{
    return self->options->mode != LOAD_APPEND && !self->inferred_all &&
           !self->encoder.columns[misfit->column].lenient &&
           (misfit->kind == CSV_MISFIT_VALUE || misfit->kind == CSV_MISFIT_RANGE);
}

static hyl_status fail_misfit(const load *self, const csv_row *row, const csv_misfit *misfit,
                              hyl_error *err)
{
    const csv_column *column = &self->encoder.columns[misfit->column];
    const csv_place place = {csv_rows_name(&self->rows), row, misfit->column,
                             hyl_str_of(self->columns[misfit->column].name)};
    hyl_status status =
        csv_fail_misfit(&place, column, misfit->kind, self->options->decimal_comma, err);
    if (self->options->mode != LOAD_APPEND && !column->lenient &&
        misfit->kind != CSV_MISFIT_ENCODING) {
        cli_error_append(err, " (the type was inferred from the first %" PRIu64 " rows)",
                         self->sampled);
    }
    return status;
}

/* Encodes and sends all rows. DONE: a type has to change. */
static hyl_status send_rows(load *self, hyl_copy *copy, progress *line, hyl_error *err)
{
    csv_row row;
    csv_misfit misfit;
    hyl_status status;
    self->row_count = 0;
    hyl_buf_clear(&self->encoder.out);
    hyl_copy_header(&self->encoder.out);
    while ((status = csv_rows_next(&self->rows, &row, err)) == HYL_OK) {
        status = csv_encode_row(&self->encoder, &row, &misfit, err);
        if (status == HYL_DONE) {
            return may_change_type(self, &misfit) ? HYL_DONE
                                                  : fail_misfit(self, &row, &misfit, err);
        }
        HYL_TRY(status);
        self->row_count++;
        if (self->encoder.out.len >= SEND_BYTES) {
            HYL_TRY(flush(self, copy, err));
        }
        HYL_TRY(look_around(self, line, self->row_count, err));
    }
    return status < 0 ? status : flush(self, copy, err);
}

/* The server counts the rows too: a difference would be a row lost. */
static hyl_status finish_copy(const load *self, hyl_copy *copy, hyl_error *err)
{
    int64_t rows = 0;
    HYL_TRY(hyl_copy_finish(copy, &rows, err));
    if (rows != (int64_t)self->row_count) {
        return cli_fail(err, HYL_ERR_PROTOCOL,
                        "%" PRIu64 " rows were sent, but the server counts %" PRId64,
                        self->row_count, rows);
    }
    return HYL_OK;
}

static hyl_status send_file(load *self, hyl_copy *copy, hyl_error *err)
{
    progress line;
    self->passes++;
    progress_start(&line, "loading", csv_source_size(self->rows.source),
                   self->options->shows_progress);
    hyl_status status = send_rows(self, copy, &line, err);
    progress_end(&line);
    if (status == HYL_OK) {
        return finish_copy(self, copy, err);
    }
    /* What went wrong first is what is reported; freeing the COPY aborts it, too. */
    hyl_error aborting = HYL_ERROR_INIT;
    hyl_status aborted = hyl_copy_abort(copy, "the file cannot be loaded", &aborting);
    if (status == HYL_DONE && aborted < 0 && err != NULL) {
        *err = aborting;
    }
    return status == HYL_DONE && aborted < 0 ? aborted : status;
}

/* One COPY of the whole file. DONE: a type has to change, nothing was loaded. */
static hyl_status copy_file(load *self, bool staging, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_copy *copy = NULL;
    hyl_status status = load_table_copy_sql(&self->table, staging, self->columns,
                                            self->rows.column_count, &sql, err);
    if (status == HYL_OK) {
        status = hyl_copy_in_open(self->table.conn, (const char *)sql.data, &copy, err);
    }
    if (status == HYL_OK) {
        status = send_file(self, copy, err);
    }
    hyl_copy_free(copy);
    hyl_buf_reset(&sql);
    return status;
}

/* ---- Loading --------------------------------------------------------------------------------- */

/*
 * Makes the staging table. A file of version 2 has no numerics of more than 18 digits: inferred ones
 * are text there.
 */
static hyl_status make_staging(load *self, hyl_error *err)
{
    size_t count = self->rows.column_count;
    set_columns(self);
    hyl_status status = load_table_stage(&self->table, self->columns, count, err);
    if (status != HYL_ERR_SERVER || err == NULL || strcmp(err->sqlstate, "0A000") != 0) {
        return status;
    }
    for (size_t i = 0; i < count && !self->no_wide_numerics; i++) {
        self->no_wide_numerics = is_inferred_wide(self, i);
    }
    if (!self->no_wide_numerics) {
        return status;
    }
    hyl_error_clear(err);
    set_columns(self);
    return load_table_stage(&self->table, self->columns, count, err);
}

/* Fills a new staging table, again with other types where a value does not fit. */
static hyl_status fill_staging(load *self, hyl_error *err)
{
    for (;;) {
        HYL_TRY(make_staging(self, err));
        hyl_status status = copy_file(self, true, err);
        if (status != HYL_DONE) {
            return status;
        }
        HYL_TRY(load_table_unstage(&self->table, err));
        HYL_TRY(infer_all(self, err));
    }
}

static hyl_status load_new(load *self, hyl_error *err)
{
    hyl_status status = fill_staging(self, err);
    if (status == HYL_OK) {
        status = load_table_publish(&self->table, err);
    }
    if (status < 0) {
        load_table_give_up(&self->table, err);
    }
    return status;
}

static hyl_status load_rows(load *self, hyl_error *err)
{
    HYL_TRY(load_table_check_mode(&self->table, self->options->mode, err));
    if (self->options->mode == LOAD_APPEND) {
        if (self->rows.column_count == 0) {
            return HYL_OK;
        }
        HYL_TRY(match_columns(self, err));
        return copy_file(self, false, err);
    }
    if (self->rows.column_count > 0) {
        return load_new(self, err);
    }
    if (!self->table.exists) {
        return cli_fail(err, HYL_ERR_ARG, "%s is empty: there are no columns to make a table of",
                        csv_rows_name(&self->rows));
    }
    /* An empty file says nothing about columns: the table keeps those that it has. */
    return load_table_empty(&self->table, err);
}

hyl_status load_into(load *self, hyl_conn *conn, const table_name *name, bool alone, hyl_error *err)
{
    HYL_TRY(load_table_open(&self->table, conn, name, alone, err));
    int64_t start = now_us();
    hyl_status status = load_rows(self, err);
    self->load_us = now_us() - start;
    self->bytes = csv_source_position(self->rows.source);
    return status;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static hyl_status allocate(load *self, hyl_error *err)
{
    size_t count = self->rows.column_count + 1;
    self->encoder = (csv_encoder){
        .columns = calloc(count, sizeof *self->encoder.columns),
        .column_count = self->rows.column_count,
        .nulls = self->options->nulls,
        .decimal_comma = self->options->decimal_comma,
    };
    self->columns = calloc(count, sizeof *self->columns);
    self->inferences = calloc(count, sizeof *self->inferences);
    if (self->encoder.columns == NULL || self->columns == NULL || self->inferences == NULL) {
        return cli_fail_nomem(err);
    }
    for (size_t i = 0; i < self->rows.column_count; i++) {
        csv_inference_init(&self->inferences[i]);
    }
    return HYL_OK;
}

static hyl_status open_file(load *self, hyl_error *err)
{
    const load_options *options = self->options;
    bool reads_twice = options->mode != LOAD_APPEND;
    HYL_TRY(csv_rows_open(&self->rows, options->path, options->dialect, options->has_header,
                          reads_twice, err));
    HYL_TRY(allocate(self, err));
    HYL_TRY(check_given_types(self, err));
    return reads_twice ? infer_types(self, err) : HYL_OK;
}

hyl_status load_open(load *self, const load_options *options, hyl_error *err)
{
    *self = (load){.options = options};
    int64_t start = now_us();
    hyl_status status = open_file(self, err);
    self->infer_us = now_us() - start;
    if (status < 0) {
        load_close(self);
    }
    return status;
}

void load_close(load *self)
{
    load_table_close(&self->table);
    free(self->encoder.columns);
    csv_encoder_reset(&self->encoder);
    free(self->columns);
    free(self->inferences);
    csv_rows_close(&self->rows);
    *self = (load){0};
}
