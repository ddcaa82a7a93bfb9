#include "support/test.h"

#include "base/error.h"

#include <errno.h>

static void every_status_has_a_name_and_a_text(void **state)
{
    (void)state;
#define CHECK_STATUS(name, value, text)                      \
    assert_string_equal(hyl_status_name(HYL_##name), #name); \
    assert_string_equal(hyl_status_text(HYL_##name), text);
    HYL_STATUS_MAP(CHECK_STATUS)
#undef CHECK_STATUS
    assert_string_equal(hyl_status_name((hyl_status)-99), "UNKNOWN");
}

static void fail_fills_in_and_returns_the_status(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    assert_int_equal(hyl__fail(&err, HYL_ERR_ARG, "column %d", 3), HYL_ERR_ARG);
    assert_int_equal(err.status, HYL_ERR_ARG);
    assert_string_equal(err.message, "column 3");
    assert_int_equal(hyl__fail(NULL, HYL_ERR_ARG, "column %d", 3), HYL_ERR_ARG);
}

static void a_failed_system_call_is_explained(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__fail_errno(&err, HYL_ERR_IO, ENOENT, "cannot open '%s'", "x");
    assert_int_equal(err.sys_errno, ENOENT);
    assert_string_equal(err.message, "cannot open 'x': No such file or directory");
}

static void a_long_message_is_cut_at_a_character(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    char text[600];
    /* 511 bytes fit; the two-byte characters start at 1, so that a cut at 511 would split none at 1
     * + 2n. */
    for (size_t offset = 0; offset < 2; offset++) {
        memset(text, 'x', offset);
        for (size_t i = offset; i + 2 < sizeof text; i += 2) {
            memcpy(text + i, "\xc3\xa9", 3);
        }
        hyl__fail(&err, HYL_ERR_ARG, "%s", text);
        size_t len = strlen(err.message);
        assert_int_equal(len, 510 + offset);
        assert_int_equal((uint8_t)err.message[len - 1], 0xa9);
    }
}

static void a_prefix_goes_in_front(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__fail(&err, HYL_ERR_TYPE, "not a number");
    hyl__error_prefix(&err, "%s:%d", "a.csv", 7);
    assert_string_equal(err.message, "a.csv:7: not a number");
    assert_int_equal(err.status, HYL_ERR_TYPE);
}

static void a_text_goes_behind(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__fail(&err, HYL_ERR_TIMEOUT, "too late");
    hyl__error_append(&err, "; done all the same");
    assert_string_equal(err.message, "too late; done all the same");
    for (int i = 0; i < 100; i++) {
        hyl__error_append(&err, "0123456789");
    }
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    hyl__error_append(NULL, "nobody asks");
}

static void flags_are_added(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_status status = hyl__fail(&err, HYL_ERR_IO, "x");
    assert_false(hyl_error_retryable(&err));
    assert_int_equal(hyl__error_flag(&err, status, HYL_ERROR_RETRYABLE), HYL_ERR_IO);
    assert_true(hyl_error_retryable(&err));
}

static void a_callback_has_its_own_words(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    assert_int_equal(hyl__fail_of_callback(&err, HYL_ERR_IO, "it failed"), HYL_ERR_IO);
    assert_int_equal(err.status, HYL_ERR_IO);
    assert_string_equal(err.message, "it failed");
    err = (hyl_error)HYL_ERROR_INIT;
    snprintf(err.message, sizeof err.message, "the disk is full");
    assert_int_equal(hyl__fail_of_callback(&err, HYL_ERR_IO, "it failed"), HYL_ERR_IO);
    assert_int_equal(err.status, HYL_ERR_IO);
    assert_string_equal(err.message, "the disk is full");
}

static void the_version_is_one(void **state)
{
    (void)state;
    char text[32];
    int number = hyl_version_number();
    snprintf(text, sizeof text, "%d.%d.%d", number / 10000, number / 100 % 100, number % 100);
    assert_string_equal(hyl_version(), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name_and_a_text),
        cmocka_unit_test(fail_fills_in_and_returns_the_status),
        cmocka_unit_test(a_failed_system_call_is_explained),
        cmocka_unit_test(a_long_message_is_cut_at_a_character),
        cmocka_unit_test(a_prefix_goes_in_front),
        cmocka_unit_test(a_text_goes_behind),
        cmocka_unit_test(flags_are_added),
        cmocka_unit_test(a_callback_has_its_own_words),
        cmocka_unit_test(the_version_is_one),
    };
    return cmocka_run_group_tests_name("base/error", tests, NULL, NULL);
}
