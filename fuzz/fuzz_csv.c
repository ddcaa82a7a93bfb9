/*
 * The CSV reader, inference and encoder of `hyperline load`. Input: delimiter, quote and flags by one
 * byte, how the file is cut by another, then the file. However it is cut, the rows are the same; and
 * every row fits the types that were inferred from all of them, as inference promises.
 */
#include "fuzz.h"

#include "cli/csv_encode.h"
#include "cli/csv_error.h"
#include "cli/csv_infer.h"

enum { MAX_COLUMNS = 64 };

/* ---- The file ------------------------------------------------------------------------------ */

typedef struct file {
    hyl_bytes all;
    size_t at;
    fuzz_cuts cuts;
    uint8_t plan;
} file;

static hyl_status read_file(void *ctx, void *buf, size_t cap, size_t *got, hyl_error *err)
{
    file *from = ctx;
    size_t left = from->all.len - from->at;
    (void)err;
    *got = left > 0 ? fuzz_next_cut(&from->cuts, left) : 0;
    *got = *got < cap ? *got : cap;
    memcpy(buf, from->all.data + from->at, *got);
    from->at += *got;
    return HYL_OK;
}

static void rewind_file(file *from)
{
    from->at = 0;
    from->cuts = fuzz_cuts_of(from->plan);
}

typedef struct settings {
    csv_dialect dialect;
    csv_nulls nulls;
    bool decimal_comma;
} settings;

static settings settings_of(uint8_t choice)
{
    static const char delimiters[] = {',', ';', '\t', '|'};
    static const char quotes[] = {'"', '\'', 0, '"'};
    static const char *const nulls[] = {"", "NULL"};
    settings chosen = {.dialect = {delimiters[choice & 3], quotes[choice >> 2 & 3]},
                       .nulls = csv_nulls_of(nulls, 2, (choice & 0x20) != 0),
                       .decimal_comma = (choice & 0x10) != 0 && (choice & 3) != 0};
    return chosen;
}

static csv_reader *open_file(const settings *with, file *from)
{
    csv_reader *reader = NULL;
    FUZZ_CHECK(csv_reader_new(with->dialect, "x.csv", read_file, from, &reader, NULL) == HYL_OK);
    return reader;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void see_row(const csv_row *row, uint64_t *seen)
{
    fuzz_hash_number(seen, row->line);
    fuzz_hash_number(seen, row->count);
    for (size_t i = 0; i < row->count; i++) {
        const csv_field *field = &row->fields[i];
        fuzz_hash_number(seen, field->len);
        fuzz_hash(seen, field->data, field->len);
        FUZZ_CHECK(csv_row_field_line(row, i) >= row->line);
    }
}

static uint64_t read_rows(const settings *with, hyl_bytes all, uint8_t plan)
{
    file from = {all, 0, fuzz_cuts_of(plan), plan};
    csv_reader *reader = open_file(with, &from);
    hyl_error err = HYL_ERROR_INIT;
    uint64_t seen = FUZZ_HASH_INIT;
    csv_row row;
    hyl_status status = HYL_OK;
    while ((status = csv_reader_next(reader, &row, &err)) == HYL_OK) {
        see_row(&row, &seen);
    }
    FUZZ_CHECK(status == HYL_DONE || err.message[0] != '\0');
    fuzz_hash_number(&seen, (uint64_t)status);
    fuzz_hash(&seen, err.message, strlen(err.message));
    csv_reader_free(reader);
    return seen;
}

/* ---- Types --------------------------------------------------------------------------------- */

typedef struct table {
    size_t count;
    csv_inference inferred[MAX_COLUMNS];
    csv_column columns[MAX_COLUMNS];
} table;

/* Infers from the rows that have as many fields as the first. */
static void infer(table *of, const settings *with, csv_reader *reader)
{
    csv_row row;
    while (csv_reader_next(reader, &row, NULL) == HYL_OK) {
        if (of->count == 0) {
            of->count = row.count < MAX_COLUMNS ? row.count : 0;
            for (size_t i = 0; i < of->count; i++) {
                csv_inference_init(&of->inferred[i]);
            }
        }
        if (row.count == of->count) {
            csv_infer_row(of->inferred, &row, &with->nulls, with->decimal_comma);
        }
    }
    for (size_t i = 0; i < of->count; i++) {
        csv_infer_type type = csv_inferred_type(&of->inferred[i]);
        csv_column_init(&of->columns[i], csv_infer_sql_type(&of->inferred[i], type), true, false);
    }
}

static void check_misfit(const table *of, const csv_row *row, const csv_misfit *misfit)
{
    hyl_error err = HYL_ERROR_INIT;
    csv_place place = {"x.csv", row, misfit->column, HYL_STR("name")};
    FUZZ_CHECK(misfit->kind == CSV_MISFIT_ENCODING);
    FUZZ_CHECK(csv_fail_misfit(&place, &of->columns[misfit->column], misfit->kind, false, &err) ==
               HYL_ERR_TYPE);
}

static void encode(table *of, const settings *with, csv_reader *reader)
{
    csv_encoder encoder = {.columns = of->columns,
                           .column_count = of->count,
                           .nulls = with->nulls,
                           .decimal_comma = with->decimal_comma};
    csv_row row;
    csv_misfit misfit;
    while (csv_reader_next(reader, &row, NULL) == HYL_OK) {
        if (row.count != of->count) {
            continue;
        }
        size_t before = encoder.out.len;
        hyl_status status = csv_encode_row(&encoder, &row, &misfit, NULL);
        if (status == HYL_DONE) {
            FUZZ_CHECK(encoder.out.len == before);
            check_misfit(of, &row, &misfit);
        } else {
            FUZZ_CHECK(status == HYL_OK && (of->count == 0 || encoder.out.len > before));
        }
    }
    csv_encoder_reset(&encoder);
}

static void load(const settings *with, hyl_bytes all, uint8_t plan)
{
    file from = {all, 0, fuzz_cuts_of(plan), plan};
    csv_reader *reader = open_file(with, &from);
    table of = {.count = 0};
    infer(&of, with, reader);
    rewind_file(&from);
    csv_reader_restart(reader);
    encode(&of, with, reader);
    csv_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hyl_bytes all = {data, size};
    settings with = settings_of(fuzz_byte(&all));
    uint8_t plan = fuzz_byte(&all);
    uint64_t whole = read_rows(&with, all, 0);
    FUZZ_CHECK(read_rows(&with, all, plan) == whole);
    load(&with, all, plan);
    return 0;
}
