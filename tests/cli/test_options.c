#include "support/test.h"

#include "cli/options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* What a made-up command takes. */
typedef struct settings {
    bool quiet;
    const char *output;
    text_list nulls;
    const char *format;
    uint64_t sample;
} settings;

static const char *const formats[] = {"table", "csv", NULL};

/* Parses words, ended by NULL, with stdout and stderr going to `text`. */
typedef struct outcome {
    bool go_on;
    int status;
    settings settings;
    operands operands;
    char text[4096];
} outcome;

static void run_parser(const char *const *words, outcome *out)
{
    settings *set = &out->settings;
    const option_spec options[] = {
        {'q', "quiet", OPTION_FLAG, &set->quiet, NULL, NULL, "say nothing"},
        {'o', "output", OPTION_TEXT, &set->output, "FILE", NULL, "write to FILE\n(a second line)"},
        {0, "null", OPTION_LIST, &set->nulls, "TEXT", NULL, "a NULL text"},
        {0, "format", OPTION_CHOICE, &set->format, NULL, formats, "the format"},
        {0, "sample", OPTION_NUMBER, &set->sample, "N", NULL, "rows to look at"},
    };
    const command_spec spec = {
        "work", "DB SQL\nDB -f FILE", "Does work.", options, sizeof options / sizeof options[0], 1,
        2,      {"The end.\n", NULL}};
    char *argv[16];
    int argc = 0;
    argv[argc++] = (char *)"work";
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = (char *)words[argc - 1];
    }
    argv[argc] = NULL;
    out->go_on = options_parse(&spec, argc, argv, &out->operands, &out->status);
}

static outcome parse(const char *const *words)
{
    outcome out;
    memset(&out, 0, sizeof out);
    char path[] = "/tmp/hyperline-options-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    fflush(stdout);
    fflush(stderr);
    int old_out = dup(STDOUT_FILENO);
    int old_err = dup(STDERR_FILENO);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    run_parser(words, &out);
    fflush(stdout);
    fflush(stderr);
    dup2(old_out, STDOUT_FILENO);
    dup2(old_err, STDERR_FILENO);
    close(old_out);
    close(old_err);
    assert_true(pread(file, out.text, sizeof out.text - 1, 0) >= 0);
    close(file);
    unlink(path);
    return out;
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

static void release(outcome *out)
{
    operands_free(&out->operands);
    text_list_free(&out->settings.nulls);
}

static void assert_refused(outcome out, int status, const char *text)
{
    assert_false(out.go_on);
    assert_int_equal(out.status, status);
    assert_null(out.operands.items);
    if (strstr(out.text, text) == NULL) {
        fail_msg("'%s' is not in: %s", text, out.text);
    }
    release(&out);
}

static void options_stand_anywhere(void **state)
{
    (void)state;
    outcome out = PARSE("-q", "db", "--format=csv", "sql", "-o", "x.csv", "--sample", "12");
    assert_true(out.go_on);
    assert_true(out.settings.quiet);
    assert_string_equal(out.settings.format, "csv");
    assert_string_equal(out.settings.output, "x.csv");
    assert_int_equal(out.settings.sample, 12);
    assert_int_equal(out.operands.count, 2);
    assert_string_equal(out.operands.items[0], "db");
    assert_string_equal(out.operands.items[1], "sql");
    assert_string_equal(out.text, "");
    release(&out);
}

static void short_options_take_their_value_in_one_word(void **state)
{
    (void)state;
    outcome out = PARSE("-qox.csv", "db");
    assert_true(out.go_on);
    assert_true(out.settings.quiet);
    assert_string_equal(out.settings.output, "x.csv");
    release(&out);
}

static void a_list_keeps_every_value_and_the_empty_one(void **state)
{
    (void)state;
    outcome out = PARSE("db", "--null", "NA", "--null=", "--null", "--null");
    assert_true(out.go_on);
    assert_int_equal(out.settings.nulls.count, 3);
    assert_string_equal(out.settings.nulls.items[0], "NA");
    assert_string_equal(out.settings.nulls.items[1], "");
    assert_string_equal(out.settings.nulls.items[2], "--null");
    release(&out);
}

static void sql_that_begins_with_a_dash_is_an_operand(void **state)
{
    (void)state;
    outcome out = PARSE("-", "-- comment\nselect 1");
    assert_true(out.go_on);
    assert_int_equal(out.operands.count, 2);
    release(&out);
    out = PARSE("db", "--", "--quiet");
    assert_true(out.go_on);
    assert_false(out.settings.quiet);
    assert_string_equal(out.operands.items[1], "--quiet");
    release(&out);
}

static void wrong_use_says_what_is_wrong(void **state)
{
    (void)state;
    assert_refused(PARSE("--quite", "db"), STATUS_USAGE, "did you mean '--quiet'?");
    assert_refused(PARSE("--verbose", "db"), STATUS_USAGE, "unknown option '--verbose'\n");
    assert_refused(PARSE("-x", "db"), STATUS_USAGE, "unknown option '-x'");
    assert_refused(PARSE("db", "-o"), STATUS_USAGE, "--output needs a value");
    assert_refused(PARSE("db", "--quiet=1"), STATUS_USAGE, "--quiet takes no value");
    assert_refused(PARSE("db", "--format", "xml"), STATUS_USAGE, "not one of: table, csv");
    assert_refused(PARSE("db", "--sample", "-1"), STATUS_USAGE, "not a whole number");
    assert_refused(PARSE("db", "--sample", "99999999999999999999"), STATUS_USAGE, "whole number");
    assert_refused(PARSE("-q"), STATUS_USAGE, "too few arguments: hyperline work DB SQL\n");
    assert_refused(PARSE("a", "b", "c"), STATUS_USAGE, "too many arguments: 'c'");
    assert_refused(PARSE("a", "b", "c"), STATUS_USAGE, "Try 'hyperline work --help'.");
}

static void help_lists_every_option(void **state)
{
    (void)state;
    outcome out = PARSE("--help");
    assert_false(out.go_on);
    assert_int_equal(out.status, STATUS_OK);
    assert_non_null(strstr(out.text, "Usage: hyperline work DB SQL\n"
                                     "       hyperline work DB -f FILE\n"));
    assert_non_null(strstr(out.text, "\n  -o, --output FILE       write to FILE\n"
                                     "                          (a second line)\n"));
    assert_non_null(strstr(out.text, "\n      --format table|csv  the format\n"));
    assert_non_null(strstr(out.text, "The end.\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(short_options_take_their_value_in_one_word),
        cmocka_unit_test(a_list_keeps_every_value_and_the_empty_one),
        cmocka_unit_test(sql_that_begins_with_a_dash_is_an_operand),
        cmocka_unit_test(wrong_use_says_what_is_wrong),
        cmocka_unit_test(help_lists_every_option),
    };
    return cmocka_run_group_tests_name("cli/options", tests, NULL, NULL);
}
