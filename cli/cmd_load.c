/* hyperline load: reads a CSV file into a table. */
#include "cli.h"
#include "interrupt.h"
#include "load.h"
#include "load_report.h"
#include "options.h"
#include "output.h"
#include "target.h"
#include "type_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The options as they are written. */
typedef struct load_words {
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
    "Reads SOURCE, a CSV file, plain or gzip, or - for standard input, into a table of DB. A DB\n"
    "file that does not exist is made. Column types are inferred from the whole file and shown.\n"
    "Either all rows are loaded or the database is as it was before: the first bad row stops the\n"
    "command and is named by line and column.";

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

/* ---- Reports --------------------------------------------------------------------------------- */

/* The rows are loaded, whoever reads what is said of them: a write that fails is complained about. */
static void report(const load *self, const load_words *words)
{
    output messages;
    output summary;
    output_open_fd(&messages, STDERR_FILENO, "standard error");
    output_open_fd(&summary, STDOUT_FILENO, "standard output");
    if (!words->quiet && !words->append) {
        load_report_columns(self, &messages.buf);
    }
    if (words->timing != NULL) {
        load_report_json(self, &summary.buf);
    } else if (!words->quiet) {
        load_report_summary(self, &summary.buf);
    }
    (void)output_commit(&messages);
    (void)output_commit(&summary);
    output_discard(&messages);
    output_discard(&summary);
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

static int load_into_target(load *self, const target *db, const table_name *name)
{
    hyl_error err = HYL_ERROR_INIT;
    if (load_into(self, db->conn, name, db->is_file, &err) < 0) {
        return complain_about(db, &err);
    }
    return STATUS_OK;
}

/*
 * Opens DB, loads, closes it. A file that was made for it is dropped again on failure, while the own
 * server still holds it: a file that another process made is not touched. With a server, which may
 * be elsewhere, the endpoint's `create` decides whether one is made.
 */
static int load_into_db(load *self, const load_words *words, const char *db, const table_name *name)
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
        status = load_into_target(self, &opened, name);
        if (is_file && status != STATUS_OK) {
            target_drop_made(&opened, db);
        }
        target_close(&opened);
    }
    interrupt_remove(NULL);
    return status;
}

static int load_source(const load_words *words, const load_options *options, const char *db,
                       const table_name *name)
{
    load self;
    hyl_error err = HYL_ERROR_INIT;
    if (load_open(&self, options, &err) < 0) {
        complain("%s", err.message);
        return STATUS_FAILED;
    }
    int status = load_into_db(&self, words, db, name);
    if (status == STATUS_OK) {
        report(&self, words);
    }
    load_close(&self);
    return status;
}

static int load_with(const load_words *words, const operands *places)
{
    load_options options;
    table_name name = {NULL, NULL};
    int status = read_options(words, places->items[0], &options);
    if (status == STATUS_OK) {
        status = read_table_name(words, places->items[0], &name);
    }
    if (status == STATUS_OK) {
        status = load_source(words, &options, places->items[1], &name);
    }
    table_name_reset(&name);
    free(options.types);
    return status;
}

int cmd_load(int argc, char **argv)
{
    static const char *const timings[] = {"json", NULL};
    load_words words = {0};
    const option_spec specs[] = {
        {'t', "table", OPTION_TEXT, &words.table, "NAME", NULL,
         "TABLE or SCHEMA.TABLE, in upper and lower case as\n"
         "written; by default the file's name without .csv"},
        {0, "replace", OPTION_FLAG, &words.replace, NULL, NULL, "replace the table if it exists"},
        {0, "append", OPTION_FLAG, &words.append, NULL, NULL,
         "add to the table, which has the columns that the\n"
         "header names, in any order"},
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
