#include "support/test.h"

#include "base/opts.h"

typedef struct options {
    size_t struct_size;
    int64_t first;
    int64_t second;
} options;

typedef struct newer_options {
    options known;
    int64_t third;
    int64_t fourth;
} newer_options;

static const options defaults = {sizeof(options), 10, 20};

static hyl_status read_options(const void *given, options *out, hyl_error *err)
{
    *out = defaults;
    return hyl__opts_read(out, sizeof *out, given, "OPTIONS_INIT", err);
}

static void none_is_the_defaults(void **state)
{
    (void)state;
    options got;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(read_options(NULL, &got, &err), &err);
    assert_memory_equal(&got, &defaults, sizeof got);
}

static void what_is_given_replaces_the_defaults(void **state)
{
    (void)state;
    const options given = {sizeof given, 1, 2};
    options got;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(read_options(&given, &got, &err), &err);
    assert_memory_equal(&got, &given, sizeof got);
}

static void an_older_struct_is_shorter(void **state)
{
    (void)state;
    /* In memory of its own, so that a read beyond it would be seen. */
    const size_t size = offsetof(options, second);
    const options given = {size, 1, 2};
    void *exact = test_malloc(size);
    options got;
    hyl_error err = HYL_ERROR_INIT;
    memcpy(exact, &given, size);
    assert_ok(read_options(exact, &got, &err), &err);
    assert_int_equal(got.first, 1);
    assert_int_equal(got.second, 20);
    assert_int_equal(got.struct_size, sizeof got);
    test_free(exact);
}

static void a_newer_struct_may_be_longer_where_that_says_nothing(void **state)
{
    (void)state;
    newer_options given = {{sizeof given, 1, 2}, 0, 0};
    options got;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(read_options(&given, &got, &err), &err);
    assert_int_equal(got.first, 1);
    assert_int_equal(got.second, 2);
    assert_int_equal(got.struct_size, sizeof got);
    given.fourth = INT64_C(1) << 56;
    assert_status(read_options(&given, &got, &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "OPTIONS_INIT"));
    assert_non_null(strstr(err.message, "does not know"));
}

static void a_size_that_was_not_set_is_refused(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 4097, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const options given = {sizes[i], 1, 2};
        options got;
        hyl_error err = HYL_ERROR_INIT;
        assert_status(read_options(&given, &got, &err), HYL_ERR_ARG, &err);
        assert_string_equal(err.message,
                            "struct_size of the options is not set: start from OPTIONS_INIT");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_the_defaults),
        cmocka_unit_test(what_is_given_replaces_the_defaults),
        cmocka_unit_test(an_older_struct_is_shorter),
        cmocka_unit_test(a_newer_struct_may_be_longer_where_that_says_nothing),
        cmocka_unit_test(a_size_that_was_not_set_is_refused),
    };
    return cmocka_run_group_tests_name("base/opts", tests, NULL, NULL);
}
