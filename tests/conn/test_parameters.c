#include "support/test.h"

#include "support/alloc.h"

#include "conn/parameters.h"

#include <stdlib.h>

static hyl_error err;

static void the_last_value_counts(void **state)
{
    (void)state;
    hyl__parameters list = {NULL, 0, 0};
    assert_null(hyl__parameters_get(&list, "a"));
    assert_int_equal(hyl__parameters_set(&list, HYL_STR("a"), HYL_STR("1"), &err), HYL_OK);
    assert_int_equal(hyl__parameters_set(&list, HYL_STR("ab"), HYL_STR("2"), &err), HYL_OK);
    assert_int_equal(hyl__parameters_set(&list, HYL_STR("a"), HYL_STR("three"), &err), HYL_OK);
    assert_int_equal(hyl__parameters_set(&list, HYL_STR(""), HYL_STR(""), &err), HYL_OK);
    assert_int_equal(list.count, 3);
    assert_string_equal(hyl__parameters_get(&list, "a"), "three");
    assert_string_equal(hyl__parameters_get(&list, "ab"), "2");
    assert_string_equal(hyl__parameters_get(&list, ""), "");
    assert_null(hyl__parameters_get(&list, "A"));
    hyl__parameters_reset(&list);
    assert_null(hyl__parameters_get(&list, "a"));
}

static void ever_new_names_do_not_fill_the_memory(void **state)
{
    (void)state;
    hyl__parameters list = {NULL, 0, 0};
    char name[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "p%d", i);
        assert_int_equal(hyl__parameters_set(&list, hyl_str_of(name), HYL_STR("x"), &err), HYL_OK);
    }
    assert_int_equal(list.count, 256);
    assert_string_equal(hyl__parameters_get(&list, "p255"), "x");
    assert_null(hyl__parameters_get(&list, "p256"));
    assert_int_equal(hyl__parameters_set(&list, HYL_STR("p255"), HYL_STR("y"), &err), HYL_OK);
    assert_string_equal(hyl__parameters_get(&list, "p255"), "y");
    hyl__parameters_reset(&list);
}

/* Neither one value nor all of them. */
static void nor_do_ever_longer_values(void **state)
{
    (void)state;
    enum { MOST = 65536, ALL = 1048576 };
    hyl__parameters list = {NULL, 0, 0};
    char *text = malloc(MOST);
    assert_non_null(text);
    memset(text, 'x', MOST);
    assert_status(hyl__parameters_set(&list, HYL_STR("a"), (hyl_str){text, MOST}, &err),
                  HYL_ERR_LIMIT, &err);
    assert_int_equal(list.count, 0);
    assert_ok(hyl__parameters_set(&list, HYL_STR("a"), (hyl_str){text, MOST - 1}, &err), &err);
    char name[] = "b";
    for (; list.size + MOST <= ALL; name[0]++) {
        assert_ok(hyl__parameters_set(&list, hyl_str_of(name), (hyl_str){text, MOST - 1}, &err),
                  &err);
    }
    assert_int_equal(list.size, ALL);
    assert_status(hyl__parameters_set(&list, HYL_STR("!"), HYL_STR(""), &err), HYL_ERR_LIMIT, &err);
    /* In place of one there is room. */
    assert_ok(hyl__parameters_set(&list, HYL_STR("a"), HYL_STR("short"), &err), &err);
    assert_ok(hyl__parameters_set(&list, HYL_STR("!"), HYL_STR(""), &err), &err);
    free(text);
    hyl__parameters_reset(&list);
}

static void without_memory_the_list_stays_as_it_was(void **state)
{
    (void)state;
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        hyl__parameters list = {NULL, 0, 0};
        alloc_start(n);
        hyl_status first = hyl__parameters_set(&list, HYL_STR("a"), HYL_STR("1"), &err);
        hyl_status second = hyl__parameters_set(&list, HYL_STR("a"), HYL_STR("2"), &err);
        failed = alloc_failed();
        assert_int_equal(first < 0 || second < 0, failed);
        const char *value = hyl__parameters_get(&list, "a");
        assert_string_equal(value, second == HYL_OK ? "2" : "1");
        assert_int_equal(list.count, 1);
        hyl__parameters_reset(&list);
        alloc_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_value_counts),
        cmocka_unit_test(ever_new_names_do_not_fill_the_memory),
        cmocka_unit_test(nor_do_ever_longer_values),
        cmocka_unit_test(without_memory_the_list_stays_as_it_was),
    };
    return cmocka_run_group_tests_name("conn/parameters", tests, NULL, NULL);
}
