/* hyperline query: runs SQL and prints what it returns. */
#include "cli.h"
#include "fail.h"
#include "file_kind.h"
#include "format.h"
#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "query_arrow.h"
#include "script.h"
#include "target.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { ROWS_PER_LOOK = 1024 }; /* rows between two looks at the clock and at signals */

static const format *const formats[] = {&format_table, &format_csv, &format_json, &format_jsonl,
                                        &format_arrow};
enum { FORMAT_COUNT = sizeof formats / sizeof formats[0] };

typedef struct query_options {
    const char *format;
    text_list nulls; /* at most one, which null_text is then */
    const char *null_text;
    const char *output;
    const char *file;
    const char *database;
} query_options;

typedef struct query {
    const format *format;
    format_options format_options;
    output output;
    target target;
    progress progress;
    uint64_t results; /* printed so far */
    uint64_t rows;
    bool shows_progress;
} query;

static const char description[] =
    "Runs the statements of SQL in order, prints the result of each, and stops at the first that\n"
    "fails. Each statement is committed by itself, unless SQL says BEGIN and COMMIT; a "
    "transaction\n"
    "without its COMMIT is rolled back, and the command fails.\n"
    "\n"
    "Formats:\n"
    "  table   for people: aligned columns, numbers at the right, NULL for NULL, and \"NULL\" for "
    "a\n"
    "          text that says so; control characters are shown as \\n or \\x1b. The default, to a\n"
    "          terminal and to a file alike. A statement without result prints its tag.\n"
    "  csv     RFC 4180 with a header line. NULL is the empty field, the empty string is \"\".\n"
    "  json    an array of objects. Numbers keep all their digits; NaN and infinities are "
    "strings;\n"
    "          json columns are embedded; bytes are hex (\"\\\\x00ff\"); the second column \"a\" "
    "is\n"
    "          \"a_2\".\n"
    "  jsonl   an object a line, otherwise as json.\n"
    "  arrow   an Arrow IPC stream (not an Arrow file) with the server's own types: dates are "
    "date64,\n"
    "          the zone of timestamptz is \"Utc\". Of the statements one, a SELECT, WITH, VALUES "
    "or\n"
    "          TABLE, returns the result; no other may return anything. Not to a terminal.";

static const char footer[] =
    "Exit status: 0 done, 1 failed, 2 wrong use, 130 interrupted by Ctrl-C (the statement is\n"
    "cancelled on the server). When the reader of standard output goes away (| head), what is "
    "left\n"
    "is not printed, and the exit status is that of the statements.\n";

/* ---- One result ------------------------------------------------------------------------------ */

/* Takes a look at the clock, at signals and at the output's reader. False: stop. */
static bool look_around(query *self)
{
    progress_update(&self->progress, self->rows,
                    self->output.written + (uint64_t)self->output.buf.len);
    return !interrupted() && !self->output.broken;
}

/* Formats one row; a row that fails half way is not printed. */
static hyl_status print_row(query *self, formatter *rows, const hyl_row *row, hyl_error *err)
{
    hyl_buf *out = &self->output.buf;
    size_t before = out->len;
    hyl_status status = self->format->row(rows, row, out, err);
    if (status < 0 && out->len > before) {
        out->len = before;
    }
    self->rows++;
    return status;
}

/*
 * Prints from the first row on; `status` is what reading that gave. DONE after the last row; OK
 * where the printing was given up; an error.
 */
static hyl_status print_rows(query *self, hyl_result *result, formatter *rows, hyl_status status,
                             const hyl_row *row, hyl_error *err)
{
    uint64_t start = self->rows;
    while (status == HYL_OK) {
        HYL_TRY(print_row(self, rows, row, err));
        if (!output_flush_full(&self->output) || self->output.reader_gone) {
            return HYL_OK;
        }
        if (self->rows % ROWS_PER_LOOK == 0 && !look_around(self)) {
            return HYL_OK;
        }
        status = hyl_result_next(result, &row, err);
    }
    if (status == HYL_DONE) {
        self->format->end(rows, self->rows - start, &self->output.buf);
    }
    return status;
}

static hyl_status print_result(query *self, hyl_result *result, hyl_status status,
                               const hyl_row *row, hyl_error *err)
{
    hyl_buf *out = &self->output.buf;
    hyl_buf_append_str(out, self->results++ > 0 ? self->format->separator : "");
    formatter *rows = self->format->begin(result, &self->format_options, out);
    if (rows == NULL) {
        out->failed = true;
        return HYL_OK;
    }
    status = print_rows(self, result, rows, status, row, err);
    self->format->free(rows);
    return status;
}

/* The tag of a statement without columns. Where the format has no place for it, a person may still
 * want to see it. */
static void print_tag(query *self, const char *tag)
{
    if (self->format->tag != NULL) {
        self->format->tag(tag, &self->output.buf);
    } else if (self->shows_progress && isatty(STDERR_FILENO) != 0) {
        complain_more("%s", tag);
    }
}

/* What is not read is not worth the server's work, unless the statement has changed something: then
 * it is brought to its end. */
static hyl_status leave(hyl_result *result, hyl_str statement, hyl_error *err)
{
    return statement_only_reads(statement) ? hyl_result_abandon(result, err)
                                           : hyl_result_finish(result, err);
}

/* An Arrow stream has room for one result, and this is none of those that it can be. */
static hyl_status refuse_result(hyl_result *result, hyl_error *err)
{
    HYL_TRY(hyl_result_finish(result, err));
    return cli_fail(err, HYL_ERR_ARG,
                    "the statement has run, but what it returns is not written as Arrow: only the "
                    "result of SELECT, WITH, VALUES or TABLE is");
}

/* Prints rows or the tag. DONE, OK where the printing was given up, or an error. */
static hyl_status print_outcome(query *self, hyl_result *result, hyl_error *err)
{
    const hyl_row *row = NULL;
    hyl_status status = hyl_result_next(result, &row, err);
    HYL_TRY(status);
    /* A result without columns may still have rows. */
    if (status == HYL_OK || hyl_result_column_count(result) > 0) {
        if (self->format == &format_arrow) {
            return refuse_result(result, err);
        }
        return print_result(self, result, status, row, err);
    }
    print_tag(self, hyl_result_tag(result));
    return HYL_DONE;
}

static hyl_status read_result(query *self, hyl_result *result, hyl_str statement, hyl_error *err)
{
    if (!self->output.reader_gone) {
        hyl_status status = print_outcome(self, result, err);
        if (status != HYL_OK) {
            return status == HYL_DONE ? HYL_OK : status;
        }
    }
    bool stopped = interrupted() || self->output.broken || self->output.buf.failed;
    return stopped ? hyl_result_abandon(result, err) : leave(result, statement, err);
}

/* ---- The script ------------------------------------------------------------------------------ */

static hyl_status run_and_print(query *self, const char *sql, hyl_str statement, hyl_error *err)
{
    hyl_result *result = NULL;
    hyl_query_opts opts = HYL_QUERY_OPTS_INIT;
    opts.flags = HYL_QUERY_GEOGRAPHY_TEXT;
    hyl_status status = hyl_query_with(self->target.conn, sql, &opts, &result, err);
    if (status >= 0) {
        status = read_result(self, result, statement, err);
    }
    hyl_result_free(result);
    return status;
}

static hyl_status run_statement(query *self, hyl_str statement, hyl_error *err)
{
    char *sql = text_copy(statement);
    if (sql == NULL) {
        self->output.buf.failed = true;
        return HYL_OK;
    }
    bool as_arrow = self->format == &format_arrow && query_arrow_takes(statement);
    hyl_status status =
        as_arrow ? query_arrow_write(self->target.conn, sql, &self->output, &self->progress, err)
                 : run_and_print(self, sql, statement, err);
    free_text(sql);
    return status;
}

/* COPY with the client at its other end is answered by the library in a programmer's words. */
static void explain_copy(hyl_str statement, hyl_error *err)
{
    if (err->status == HYL_ERR_ARG && statement.len > 4 &&
        strncasecmp(statement.data, "copy", 4) == 0) {
        snprintf(err->message, sizeof err->message,
                 "COPY from STDIN or to STDOUT is not for this command; nothing was copied. Write "
                 "SELECT with --format csv, or use 'hyperline load'");
    }
}

/* Errors of wrong use come from here, without a place in the script. */
static void place_arrow_error(const query *self, size_t line, hyl_error *err)
{
    if (self->format == &format_arrow && err->status == HYL_ERR_ARG) {
        cli_error_prefix(err, "line %zu: ", line);
    }
}

/* What looked done is gone when the connection ends: that is not to go unnoticed. */
static int check_transaction(const query *self)
{
    if (hyl_conn_tx(self->target.conn) == HYL_TX_IDLE) {
        return STATUS_OK;
    }
    complain("the transaction was not committed: it is rolled back");
    return STATUS_FAILED;
}

static int run_script(query *self, const script *sql)
{
    size_t offset = 0;
    hyl_str statement;
    hyl_error err = HYL_ERROR_INIT;
    while (hyl_sql_next(sql->text, &offset, &statement, &err) == HYL_OK) {
        hyl_status status = run_statement(self, statement, &err);
        /* The rows before the error are the reader's, and stand before the message. */
        bool written = output_flush(&self->output);
        if (status < 0 || interrupted()) {
            explain_copy(statement, &err);
            place_arrow_error(self, script_line(sql, statement.data), &err);
            return complain_error(&self->target, &err, statement, script_line(sql, statement.data));
        }
        if (!written) {
            return STATUS_FAILED;
        }
    }
    return check_transaction(self);
}

/* ---- The command ----------------------------------------------------------------------------- */

static const format *format_named(const char *name)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
    }
    return NULL;
}

/* The format that was asked for, or that the file's name says, or a table. */
static const format *choose_format(const query_options *options)
{
    if (options->format != NULL) {
        return format_named(options->format);
    }
    const char *dot = options->output != NULL ? strrchr(options->output, '.') : NULL;
    const format *named = dot != NULL ? format_named(dot + 1) : NULL;
    if (dot != NULL && strcmp(dot, ".ndjson") == 0) {
        named = &format_jsonl;
    } else if (dot != NULL && file_kind_of_path(options->output) == FILE_KIND_ARROW) {
        named = &format_arrow;
    }
    return named != NULL ? named : &format_table;
}

static int check_null_text(const format *chosen, const char *text)
{
    if (text == NULL) {
        return STATUS_OK;
    }
    if (!chosen->takes_null_text) {
        return usage_error("query", "--null is for csv and table; %s has its own null",
                           chosen->name);
    }
    if (chosen == &format_csv && !csv_null_text_ok(text)) {
        return usage_error("query",
                           "--null: the text cannot have a comma, a quote or a line's end in it");
    }
    return STATUS_OK;
}

/* A table for people in a file that says that it is Parquet would be found out late. */
static int check_output_name(const query_options *options)
{
    file_kind kind = options->format == NULL && options->output != NULL
                         ? file_kind_of_path(options->output)
                         : FILE_KIND_OTHER;
    if (kind == FILE_KIND_PARQUET) {
        return usage_error("query",
                           "%s is not written as Parquet: name it .csv, .json, .jsonl or .arrow, "
                           "or give --format",
                           options->output);
    }
    if (kind == FILE_KIND_FEATHER) {
        return usage_error("query",
                           "%s is not written as an Arrow file, only as an Arrow stream: name it "
                           ".arrow or .arrows, or give --format",
                           options->output);
    }
    return STATUS_OK;
}

static int check_options(const query_options *options, const operands *words)
{
    if (options->nulls.count > 1) {
        return usage_error("query", "--null is given twice: NULL is printed in one way");
    }
    if (options->file != NULL && words->count > 1) {
        return usage_error("query", "SQL is given twice: in the command and by --file");
    }
    if (options->file == NULL && words->count < 2) {
        return usage_error("query", "SQL is missing: hyperline query DB SQL");
    }
    int status = check_output_name(options);
    return status != STATUS_OK ? status
                               : check_null_text(choose_format(options), options->null_text);
}

static int run_query(query *self, const query_options *options, const char *db, const script *sql)
{
    if (!output_open(&self->output, options->output)) {
        return STATUS_FAILED;
    }
    if (self->output.is_terminal && self->format == &format_arrow) {
        output_discard(&self->output);
        return usage_error("query", "Arrow is not for a terminal: name a file with -o, or pipe it");
    }
    self->format_options.is_terminal = self->output.is_terminal;
    self->shows_progress = !self->output.is_terminal;
    const target_request request = {.db = db, .database = options->database};
    int status = target_open(&request, &self->target);
    if (status == STATUS_OK) {
        progress_start(&self->progress, "reading", 0, self->shows_progress);
        status = run_script(self, sql);
        progress_end(&self->progress);
    }
    if (status == STATUS_OK && !output_commit(&self->output)) {
        status = STATUS_FAILED;
    }
    output_discard(&self->output);
    target_close(&self->target);
    return status;
}

static int query_with(const query_options *options, const operands *words)
{
    script text;
    int status = check_options(options, words);
    if (status != STATUS_OK) {
        return status;
    }
    const char *sql = words->count > 1 ? words->items[1] : NULL;
    status = script_read(&text, sql, options->file);
    if (status != STATUS_OK) {
        return status;
    }
    query self;
    memset(&self, 0, sizeof self);
    self.format = choose_format(options);
    self.format_options.null_text = options->null_text;
    status = self.format == &format_arrow ? query_arrow_check(&text) : STATUS_OK;
    if (status == STATUS_OK) {
        status = run_query(&self, options, words->items[0], &text);
    }
    script_free(&text);
    return status;
}

int cmd_query(int argc, char **argv)
{
    static const char *const choices[FORMAT_COUNT + 1] = {"table", "csv",   "json",
                                                          "jsonl", "arrow", NULL};
    query_options options = {.nulls = {NULL, 0}};
    const option_spec specs[] = {
        {'f', "file", OPTION_TEXT, &options.file, "FILE", NULL,
         "read SQL from FILE, - for standard input"},
        {0, "format", OPTION_CHOICE, &options.format, NULL, choices,
         "how to print results; by default what the name\n"
         "of the output file ends in, otherwise table"},
        {0, "null", OPTION_LIST, &options.nulls, "TEXT", NULL,
         "what to print for NULL (csv, table); a value that\nequals it is printed in quotes"},
        {'o', "output", OPTION_TEXT, &options.output, "FILE", NULL,
         "write to FILE, which changes only when all is done"},
        {0, "database", OPTION_TEXT, &options.database, "PATH", NULL,
         "the database file for a server to attach"},
    };
    const command_spec spec = {
        .name = "query",
        .usage = "DB SQL [OPTION]...\nDB -f FILE [OPTION]...",
        .description = description,
        .options = specs,
        .option_count = sizeof specs / sizeof specs[0],
        .min_operands = 1,
        .max_operands = 2,
        .footer = {target_help, footer},
    };
    operands words;
    int status = STATUS_OK;
    if (options_parse(&spec, argc, argv, &words, &status)) {
        options.null_text = options.nulls.count > 0 ? options.nulls.items[0] : NULL;
        status = query_with(&options, &words);
        operands_free(&words);
    }
    text_list_free(&options.nulls);
    return status;
}
