/* hyperline load: reads a CSV or Arrow file into a table. */
#include "cli.h"
#include "interrupt.h"
#include "load.h"
#include "load_arrow.h"
#include "load_report.h"
#include "options.h"
#include "output.h"
#include "target.h"
#include "type_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The options as they are written. */
typedef struct load_words {
    const char *format;
    const char *table;
    bool replace;
    bool append;
    text_list nulls;
    bool force_null;
    const char *delimiter;
    const char *quote;
    bool header;
    bool no_header;
    text_list types;
    uint64_t sample;
    bool decimal_comma;
    const char *database;
    const char *database_version;
    const char *timing;
    bool quiet;
} load_words;

static const char description[] =
    "Reads SOURCE, a CSV file, plain or gzip, an Arrow IPC stream or file (Feather), or - for\n"
    "standard input, into a table of DB. A DB file that does not exist is made. Column types are\n"
    "those of the Arrow data, or inferred from the whole CSV file, and shown. Either all rows are\n"
    "loaded or the database is as it was before: the first bad row stops the command and is named.";

static const char footer[] =
    "Exit status: 0 done, 1 failed, 2 wrong use, 130 interrupted by Ctrl-C.\n";

/* ---- Options --------------------------------------------------------------------------------- */

/* One byte, or "\t" or "tab"; 0 for anything else. */
static char one_byte(const char *text)
{
    if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0) {
        return '\t';
    }
    return strlen(text) == 1 && (unsigned char)text[0] < 0x80 && text[0] != '\n' && text[0] != '\r'
               ? text[0]
               : '\0';
}

static int read_dialect(const load_words *words, csv_dialect *dialect)
{
    *dialect = (csv_dialect)CSV_DIALECT_INIT;
    if (words->delimiter != NULL) {
        dialect->delimiter = one_byte(words->delimiter);
        if (dialect->delimiter == '\0') {
            return usage_error("load", "--delimiter '%s' is not one ASCII character",
                               words->delimiter);
        }
    }
    if (words->quote != NULL) {
        dialect->quote = one_byte(words->quote);
        if (dialect->quote == '\0' && words->quote[0] != '\0') {
            return usage_error("load", "--quote '%s' is not one ASCII character", words->quote);
        }
    }
    if (dialect->delimiter == dialect->quote) {
        return usage_error("load", "--delimiter and --quote are the same character");
    }
    return STATUS_OK;
}

static int read_mode(const load_words *words, load_mode *mode)
{
    if (words->replace && words->append) {
        return usage_error("load", "--replace and --append exclude each other");
    }
    if (words->header && words->no_header) {
        return usage_error("load", "--header and --no-header exclude each other");
    }
    *mode = words->replace ? LOAD_REPLACE : words->append ? LOAD_APPEND : LOAD_NEW;
    if (words->append && (words->types.count > 0 || words->sample > 0)) {
        return usage_error("load", "--%s is for a new table; with --append the table's types hold",
                           words->types.count > 0 ? "type" : "sample");
    }
    return STATUS_OK;
}

/* COLUMN=TYPE; a column's name may have an = in it, a type's has none. */
static int read_type(const char *text, load_type *out)
{
    const char *equals = strrchr(text, '=');
    if (equals == NULL || equals == text) {
        return usage_error("load", "--type '%s' is not COLUMN=TYPE", text);
    }
    out->column = (hyl_str){text, (size_t)(equals - text)};
    if (!type_name_parse(hyl_str_of(equals + 1), &out->type)) {
        return usage_error("load", "--type '%s': there is no type '%s' to load", text, equals + 1);
    }
    return STATUS_OK;
}

static int read_types(const load_words *words, load_options *options)
{
    options->types = calloc(words->types.count + 1, sizeof *options->types);
    if (options->types == NULL) {
        return complain_nomem();
    }
    for (; options->type_count < words->types.count; options->type_count++) {
        int status = read_type(words->types.items[options->type_count],
                               &options->types[options->type_count]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static int read_options(const load_words *words, const char *path, load_options *options)
{
    static const char *const empty_field[] = {""};
    *options = (load_options){
        .path = path,
        .has_header = !words->no_header,
        .decimal_comma = words->decimal_comma,
        .sample = words->sample,
        .shows_progress = !words->quiet,
    };
    options->nulls = words->nulls.count > 0
                         ? csv_nulls_of(words->nulls.items, words->nulls.count, words->force_null)
                         : csv_nulls_of(empty_field, 1, words->force_null);
    int status = read_dialect(words, &options->dialect);
    if (status == STATUS_OK) {
        status = read_mode(words, &options->mode);
    }
    return status == STATUS_OK ? read_types(words, options) : status;
}

static int read_table_name(const load_words *words, const char *path, table_name *name)
{
    hyl_error err = HYL_ERROR_INIT;
    if (words->table == NULL && strcmp(path, "-") == 0) {
        return usage_error("load", "standard input has no name: --table is needed");
    }
    hyl_status status = words->table != NULL ? table_name_parse(words->table, name, &err)
                                             : table_name_from_file(path, name, &err);
    if (status == HYL_ERR_ARG) {
        return usage_error("load", "%s", err.message);
    }
    return status < 0 ? complain_nomem() : STATUS_OK;
}

static bool is_arrow(const load_words *words, const char *path)
{
    return words->format != NULL ? strcmp(words->format, "arrow") == 0 : load_arrow_suits(path);
}

/* Arrow says itself what these say of CSV. */
static int check_arrow_words(const load_words *words, const char *path)
{
    const struct {
        bool given;
        const char *name;
    } options[] = {
        {words->nulls.count > 0, "null"},
        {words->force_null, "force-null"},
        {words->delimiter != NULL, "delimiter"},
        {words->quote != NULL, "quote"},
        {words->header, "header"},
        {words->no_header, "no-header"},
        {words->types.count > 0, "type"},
        {words->sample > 0, "sample"},
        {words->decimal_comma, "decimal-comma"},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (options[i].given) {
            return usage_error("load", "--%s is for CSV; %s is Arrow", options[i].name,
                               strcmp(path, "-") == 0 ? "standard input" : path);
        }
    }
    return STATUS_OK;
}

/* ---- Reports --------------------------------------------------------------------------------- */

/*
 * Says what was loaded; `columns`, which it takes, is what is said of a new table's columns. The
 * rows are loaded, whoever reads it: a write that fails is complained about.
 */
static void report(const load_words *words, hyl_buf *columns, const load_totals *totals)
{
    output messages;
    output summary;
    output_open_fd(&messages, STDERR_FILENO, "standard error");
    output_open_fd(&summary, STDOUT_FILENO, "standard output");
    messages.buf = *columns;
    *columns = (hyl_buf)HYL_BUF_INIT;
    if (words->timing != NULL) {
        load_report_json(totals, &summary.buf);
    } else if (!words->quiet) {
        load_report_summary(totals, &summary.buf);
    }
    (void)output_commit(&messages);
    (void)output_commit(&summary);
    output_discard(&messages);
    output_discard(&summary);
}

static bool reports_columns(const load_words *words)
{
    return !words->quiet && !words->append;
}

/* ---- Loading --------------------------------------------------------------------------------- */

/* The server's errors have more to say than their message. */
static int complain_about(const target *db, const hyl_error *err)
{
    if ((err->flags & HYL_ERROR_FROM_SERVER) != 0 || interrupted()) {
        return complain_error(db, err, HYL_STR(""), 1);
    }
    complain("%s", err->message);
    return STATUS_FAILED;
}

/* What is loaded: a source that is open, and how it gets into a table. */
typedef struct load_job {
    void *self;
    hyl_status (*into)(void *self, hyl_conn *conn, const table_name *name, bool alone,
                       hyl_error *err);
} load_job;

static int load_into_target(const load_job *job, const target *db, const table_name *name)
{
    hyl_error err = HYL_ERROR_INIT;
    if (job->into(job->self, db->conn, name, db->is_file, &err) < 0) {
        return complain_about(db, &err);
    }
    return STATUS_OK;
}

/*
 * Opens DB, loads, closes it. A file that was made for it is dropped again on failure, while the own
 * server still holds it: a file that another process made is not touched. With a server, which may
 * be elsewhere, the endpoint's `create` decides whether one is made.
 */
static int load_into_db(const load_job *job, const load_words *words, const char *db,
                        const table_name *name)
{
    bool is_file = target_is_file(db);
    const target_request request = {
        .db = db,
        .database = words->database,
        .create = is_file && !words->append ? "create_if_missing" : NULL,
        .database_version = words->database_version,
    };
    target opened;
    int status = target_open(&request, &opened);
    if (status == STATUS_OK) {
        interrupt_remove(is_file && hyl_conn_made_database(opened.conn) ? db : NULL);
        status = load_into_target(job, &opened, name);
        if (is_file && status != STATUS_OK) {
            target_drop_made(&opened, db);
        }
        target_close(&opened);
    }
    interrupt_remove(NULL);
    return status;
}

static hyl_status csv_into(void *self, hyl_conn *conn, const table_name *name, bool alone,
                           hyl_error *err)
{
    return load_into(self, conn, name, alone, err);
}

static hyl_status arrow_into(void *self, hyl_conn *conn, const table_name *name, bool alone,
                             hyl_error *err)
{
    return load_arrow_into(self, conn, name, alone, err);
}

static int load_csv(const load_words *words, const load_options *options, const char *db,
                    const table_name *name)
{
    load self;
    hyl_error err = HYL_ERROR_INIT;
    if (load_open(&self, options, &err) < 0) {
        complain("%s", err.message);
        return STATUS_FAILED;
    }
    int status = load_into_db(&(load_job){&self, csv_into}, words, db, name);
    if (status == STATUS_OK) {
        hyl_buf columns = HYL_BUF_INIT;
        const load_totals totals = load_totals_of(&self);
        if (reports_columns(words)) {
            load_report_columns(&self, &columns);
        }
        report(words, &columns, &totals);
    }
    load_close(&self);
    return status;
}

static int load_arrow_source(const load_words *words, const load_options *options, const char *db,
                             const table_name *name)
{
    load_arrow self;
    hyl_error err = HYL_ERROR_INIT;
    if (load_arrow_open(&self, options->path, options->mode, options->shows_progress, &err) < 0) {
        complain("%s", err.message);
        return STATUS_FAILED;
    }
    int status = load_into_db(&(load_job){&self, arrow_into}, words, db, name);
    if (status == STATUS_OK) {
        hyl_buf columns = HYL_BUF_INIT;
        if (reports_columns(words)) {
            load_report_types(self.name, self.table.columns, self.table.column_count, &columns);
        }
        report(words, &columns, &self.totals);
    }
    load_arrow_close(&self);
    return status;
}

static int load_with(const load_words *words, const operands *places)
{
    load_options options;
    table_name name = {NULL, NULL};
    const char *path = places->items[0];
    const bool arrow = is_arrow(words, path);
    int status = read_options(words, path, &options);
    if (status == STATUS_OK && arrow) {
        status = check_arrow_words(words, path);
    }
    if (status == STATUS_OK) {
        status = read_table_name(words, path, &name);
    }
    if (status == STATUS_OK) {
        status = arrow ? load_arrow_source(words, &options, places->items[1], &name)
                       : load_csv(words, &options, places->items[1], &name);
    }
    table_name_reset(&name);
    free(options.types);
    return status;
}

int cmd_load(int argc, char **argv)
{
    static const char *const timings[] = {"json", NULL};
    static const char *const formats[] = {"csv", "arrow", NULL};
    load_words words = {0};
    const option_spec specs[] = {
        {'t', "table", OPTION_TEXT, &words.table, "NAME", NULL,
         "TABLE or SCHEMA.TABLE, in upper and lower case as\n"
         "written; by default the file's name without .csv\nor .arrow"},
        {0, "format", OPTION_CHOICE, &words.format, NULL, formats,
         "what SOURCE is; by default what the end of its name\n"
         "or its first bytes say; standard input is csv"},
        {0, "replace", OPTION_FLAG, &words.replace, NULL, NULL, "replace the table if it exists"},
        {0, "append", OPTION_FLAG, &words.append, NULL, NULL,
         "add to the table, which has the columns that the\n"
         "header or the Arrow schema names, in any order"},
        {0, "null", OPTION_LIST, &words.nulls, "TEXT", NULL,
         "a field that says TEXT is NULL; may be repeated; by\n"
         "default the empty field is; \"\" and \"TEXT\" in\n"
         "quotes are texts"},
        {0, "force-null", OPTION_FLAG, &words.force_null, NULL, NULL,
         "fields in quotes may be NULL too"},
        {'d', "delimiter", OPTION_TEXT, &words.delimiter, "C", NULL,
         "what separates columns: a character, or \\t; by\ndefault a comma"},
        {0, "quote", OPTION_TEXT, &words.quote, "C", NULL,
         "what encloses text; '' for nothing; by default \""},
        {0, "header", OPTION_FLAG, &words.header, NULL, NULL,
         "the first line has the columns' names: the default"},
        {0, "no-header", OPTION_FLAG, &words.no_header, NULL, NULL,
         "it has not: the columns are column_1, column_2 ..."},
        {0, "type", OPTION_LIST, &words.types, "COLUMN=TYPE", NULL,
         "a column's type, instead of the inferred one; may\nbe repeated"},
        {0, "sample", OPTION_NUMBER, &words.sample, "ROWS", NULL,
         "infer types from the first ROWS rows only"},
        {0, "decimal-comma", OPTION_FLAG, &words.decimal_comma, NULL, NULL,
         "numbers are written 1,5"},
        {0, "database", OPTION_TEXT, &words.database, "PATH", NULL,
         "the database file for a server to attach"},
        {0, "database-version", OPTION_TEXT, &words.database_version, "N", NULL,
         "the version of a file that is made; by default 2;\n"
         "3 has numerics of more than 18 digits, which\n"
         "version 2 keeps as text"},
        {0, "timing", OPTION_CHOICE, &words.timing, NULL, timings,
         "print rows, bytes and seconds as JSON"},
        {'q', "quiet", OPTION_FLAG, &words.quiet, NULL, NULL, "say nothing but errors"},
    };
    const command_spec spec = {
        .name = "load",
        .usage = "SOURCE DB [OPTION]...",
        .description = description,
        .options = specs,
        .option_count = sizeof specs / sizeof specs[0],
        .min_operands = 2,
        .max_operands = 2,
        .footer = {target_help, footer},
    };
    operands places;
    int status = STATUS_OK;
    if (options_parse(&spec, argc, argv, &places, &status)) {
        status = load_with(&words, &places);
        operands_free(&places);
    }
    text_list_free(&words.nulls);
    text_list_free(&words.types);
    return status;
}
