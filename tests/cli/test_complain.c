#include "support/alloc.h"
#include "support/test.h"

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is written to stderr goes into a file. */
static FILE *kept;
static int own_stderr;

static void keep_stderr(void)
{
    kept = tmpfile();
    assert_non_null(kept);
    fflush(stderr);
    own_stderr = dup(STDERR_FILENO);
    assert_true(own_stderr >= 0);
    assert_true(dup2(fileno(kept), STDERR_FILENO) >= 0);
}

static void assert_said(const char *text)
{
    static char said[40000];
    fflush(stderr);
    assert_true(dup2(own_stderr, STDERR_FILENO) >= 0);
    close(own_stderr);
    rewind(kept);
    said[fread(said, 1, sizeof said - 1, kept)] = '\0';
    fclose(kept);
    assert_string_equal(said, text);
}

static void a_message_is_a_line(void **state)
{
    (void)state;
    keep_stderr();
    complain("%d of %s", 7, "nine");
    complain_more("HINT: %s", "caf\xC3\xA9");
    complain_errno(ENOENT, "cannot read '%s'", "x");
    assert_int_equal(complain_nomem(), STATUS_FAILED);
    assert_said("hyperline: 7 of nine\nHINT: caf\xC3\xA9\n"
                "hyperline: cannot read 'x': No such file or directory\n"
                "hyperline: out of memory\n");
}

static void nothing_in_a_message_drives_the_terminal(void **state)
{
    (void)state;
    keep_stderr();
    complain("table \"%s\"", "\x1b]0;owned\x07\x1b[2J");
    complain_more("%s", "\xC2\x9B"
                        "31m\xE2\x80\xAE\r\b\x7f\xff");
    assert_said("hyperline: table \"\\x1b]0;owned\\x07\\x1b[2J\"\n"
                "\\x9b31m\\u202e\\r\\x08\\x7f\\xff\n");
}

/* A text with lines of its own cannot say something in the program's name. */
static void further_lines_are_indented(void **state)
{
    (void)state;
    keep_stderr();
    complain("no table \"%s\"", "x\nhyperline: all is well\n");
    assert_said("hyperline: no table \"x\n    hyperline: all is well\n    \"\n");
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    static char text[10000];
    static char shown[20000];
    memset(text, '\x1b', sizeof text - 1);
    for (size_t i = 0; i < 4095; i++) {
        memcpy(shown + 4 * i, "\\x1b", 5);
    }
    strcat(shown, "\n");
    keep_stderr();
    complain_more("%s", text);
    assert_said(shown);
}

static void without_memory_it_is_masked(void **state)
{
    (void)state;
    keep_stderr();
    alloc_start(1);
    complain("table \"%s\"", "\x1b[2J\n\xC3\xA9");
    alloc_stop();
    assert_said("hyperline: table \"?[2J???\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_a_line),
        cmocka_unit_test(nothing_in_a_message_drives_the_terminal),
        cmocka_unit_test(further_lines_are_indented),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(without_memory_it_is_masked),
    };
    return cmocka_run_group_tests_name("cli/complain", tests, NULL, NULL);
}
