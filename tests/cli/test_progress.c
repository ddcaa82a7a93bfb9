#include "support/test.h"

#include "cli/progress.h"

static const char *text_of(progress line, int64_t elapsed, int columns)
{
    static char text[256];
    line.start_ms = 1000;
    progress_format(&line, 1000 + elapsed, columns, text, sizeof text);
    return text;
}

static void says_rows_bytes_and_rate(void **state)
{
    (void)state;
    progress line = {.label = "reading", .rows = 1234567, .bytes = 56700000};
    assert_string_equal(text_of(line, 2000, 80),
                        "reading: 1,234,567 rows, 56.7 MB, 617,283 rows/s");
}

static void says_what_is_left_where_the_whole_is_known(void **state)
{
    (void)state;
    progress line = {.label = "loading", .rows = 100, .bytes = 25000000, .total_bytes = 100000000};
    assert_string_equal(text_of(line, 10000, 80),
                        "loading: 100 rows, 25.0 MB, 10 rows/s, 25%, 0:30 left");
    line.bytes = 1000000;
    assert_string_equal(text_of(line, 60000, 80),
                        "loading: 100 rows, 1.0 MB, 1 rows/s, 1%, 1:39:00 left");
}

static void says_megabytes_where_no_rows_are_counted(void **state)
{
    (void)state;
    progress line = {.label = "reading", .bytes = 56700000};
    assert_string_equal(text_of(line, 2000, 80), "reading: 56.7 MB, 28.4 MB/s");
    line.total_bytes = 113400000;
    assert_string_equal(text_of(line, 2000, 80), "reading: 56.7 MB, 28.4 MB/s, 50%, 0:02 left");
}

static void the_first_moment_divides_by_nothing(void **state)
{
    (void)state;
    progress line = {.label = "loading", .total_bytes = 100};
    assert_string_equal(text_of(line, 0, 80), "loading: 0 rows, 0.0 MB, 0 rows/s");
}

static void is_cut_to_the_terminal(void **state)
{
    (void)state;
    progress line = {.label = "reading", .rows = 1234567, .bytes = 56700000};
    assert_string_equal(text_of(line, 2000, 20), "reading: 1,234,567 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_rows_bytes_and_rate),
        cmocka_unit_test(says_what_is_left_where_the_whole_is_known),
        cmocka_unit_test(says_megabytes_where_no_rows_are_counted),
        cmocka_unit_test(the_first_moment_divides_by_nothing),
        cmocka_unit_test(is_cut_to_the_terminal),
    };
    return cmocka_run_group_tests_name("cli/progress", tests, NULL, NULL);
}
