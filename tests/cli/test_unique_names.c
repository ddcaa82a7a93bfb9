#include "support/test.h"

#include "cli/format.h"

#include <stdlib.h>

static void assert_names(const char *const *names, const char *const *wanted, size_t count)
{
    char **got = unique_names(names, count);
    assert_non_null(got);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(got[i], wanted[i]);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(got[i], got[k]);
        }
    }
    free(got);
}

static void names_that_are_unique_stay(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "a", "", "A", "a_2", "\xc3\xa9"};
    assert_names(names, names, 6);
    assert_names(names, names, 0);
    assert_names(names, names, 1);
}

static void later_ones_get_a_number(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "a", "", "a", "b", "", "c"};
    static const char *const wanted[] = {"a", "b", "a_2", "", "a_3", "b_2", "_2", "c"};
    assert_names(names, wanted, 8);
}

/* A number that a column has already, before or behind, is not given again. */
static void numbers_that_are_taken_are_passed_over(void **state)
{
    (void)state;
    static const char *const names[] = {"a_2", "a", "a", "a_3", "a", "a_2", "a_2_2"};
    static const char *const wanted[] = {"a_2", "a", "a_4", "a_3", "a_5", "a_2_3", "a_2_2"};
    assert_names(names, wanted, 7);
}

static void many_of_one_name_are_all_different(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    static const char *names[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = "x";
    }
    char **got = unique_names(names, COUNT);
    assert_non_null(got);
    assert_string_equal(got[0], "x");
    for (size_t i = 1; i < COUNT; i++) {
        char wanted[20];
        snprintf(wanted, sizeof wanted, "x_%zu", i + 1);
        assert_string_equal(got[i], wanted);
    }
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_unique_stay),
        cmocka_unit_test(later_ones_get_a_number),
        cmocka_unit_test(numbers_that_are_taken_are_passed_over),
        cmocka_unit_test(many_of_one_name_are_all_different),
    };
    return cmocka_run_group_tests_name("cli/unique_names", tests, NULL, NULL);
}
