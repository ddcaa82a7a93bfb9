#include "support/test.h"

#include "base/mem.h"
#include "support/alloc.h"

#include <stdint.h>

static void nothing_is_something(void **state)
{
    (void)state;
    void *empty = hyl__malloc(0);
    assert_non_null(empty);
    empty = hyl__realloc(empty, 0);
    assert_non_null(empty);
    hyl__free(empty);
    empty = hyl__calloc(0, 8);
    assert_non_null(empty);
    hyl_free(empty);
    hyl__free(NULL);
    hyl_free(NULL);
}

static void products_that_overflow_are_no_memory(void **state)
{
    (void)state;
    assert_null(hyl__calloc(SIZE_MAX / 2, 3));
    assert_null(hyl__calloc(SIZE_MAX, SIZE_MAX));
    assert_null(hyl__strndup("x", SIZE_MAX));
    size_t out = 7;
    assert_false(hyl__add_size(SIZE_MAX, 1, &out));
    assert_true(hyl__add_size(SIZE_MAX - 1, 1, &out));
    assert_true(out == SIZE_MAX);
    assert_false(hyl__mul_size(SIZE_MAX, 2, &out));
    assert_true(hyl__mul_size(SIZE_MAX, 1, &out));
    assert_true(out == SIZE_MAX);
}

static void cleared_memory_is_zero(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    void *bytes = hyl__malloc(64);
    memset(bytes, 0xff, 64);
    hyl__free(bytes);
    bytes = hyl__calloc(8, 8);
    assert_memory_equal(bytes, zeros, 64);
    memset(bytes, 0xff, 64);
    hyl__wipe(bytes, 64);
    assert_memory_equal(bytes, zeros, 64);
    hyl__wipe(bytes, 0);
    hyl__free(bytes);
}

static void copies_end_with_nul(void **state)
{
    (void)state;
    char *copy = hyl__strndup("abc", 2);
    assert_string_equal(copy, "ab");
    hyl__free(copy);
    copy = hyl__strndup(NULL, 0);
    assert_string_equal(copy, "");
    hyl__free(copy);
    copy = hyl__strdup("abc");
    assert_string_equal(copy, "abc");
    hyl__free(copy);
}

static void an_allocator_may_have_none(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 3; n++) {
        alloc_start(n);
        void *first = hyl__malloc(8);
        char *second = hyl__strdup("x");
        void *third = hyl__calloc(1, 8);
        assert_int_equal(first == NULL, n == 1);
        assert_int_equal(second == NULL, n == 2);
        assert_int_equal(third == NULL, n == 3);
        hyl__free(first);
        hyl__free(second);
        hyl__free(third);
        assert_true(alloc_failed());
        alloc_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_something),
        cmocka_unit_test(products_that_overflow_are_no_memory),
        cmocka_unit_test(cleared_memory_is_zero),
        cmocka_unit_test(copies_end_with_nul),
        cmocka_unit_test(an_allocator_may_have_none),
    };
    return cmocka_run_group_tests_name("base/mem", tests, NULL, NULL);
}
