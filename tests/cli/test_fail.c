#include "support/test.h"

#include "cli/fail.h"

#include <errno.h>

static void a_message_is_formatted(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    err.sqlstate[0] = 'X';
    assert_int_equal(cli_fail(&err, HYL_ERR_ARG, "%d of %s", 7, "nine"), HYL_ERR_ARG);
    assert_int_equal(err.status, HYL_ERR_ARG);
    assert_string_equal(err.message, "7 of nine");
    assert_string_equal(err.sqlstate, ""); /* of what failed before nothing is left */
    assert_int_equal(cli_fail_nomem(&err), HYL_ERR_NOMEM);
    assert_string_equal(err.message, "out of memory");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(cli_fail(NULL, HYL_ERR_ARG, "%d", 7), HYL_ERR_ARG);
    assert_int_equal(cli_fail_errno(NULL, ENOENT, "x"), HYL_ERR_IO);
    assert_int_equal(cli_fail_nomem(NULL), HYL_ERR_NOMEM);
    cli_error_prefix(NULL, "x");
    cli_error_append(NULL, "x");
}

static void the_systems_words_stand_behind(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    assert_int_equal(cli_fail_errno(&err, ENOENT, "cannot read '%s'", "x"), HYL_ERR_IO);
    assert_string_equal(err.message, "cannot read 'x': No such file or directory");
    assert_int_equal(err.sys_errno, ENOENT);
}

static void messages_are_put_together(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    cli_fail(&err, HYL_ERR_ARG, "middle");
    cli_error_prefix(&err, "%s: 100%% ", "front");
    cli_error_append(&err, "; %s", "end");
    assert_string_equal(err.message, "front: 100% middle; end");
    assert_int_equal(err.status, HYL_ERR_ARG);
}

/* What is too long ends with a whole character. */
static void long_messages_are_cut_between_characters(void **state)
{
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[1000] = "";
            hyl_error err = HYL_ERROR_INIT;
            const size_t width = strlen(characters[k]);
            memset(text, 'x', shift);
            for (size_t at = shift; at + width < sizeof text; at += width) {
                memcpy(text + at, characters[k], width + 1);
            }
            cli_fail(&err, HYL_ERR_ARG, "%s", text);
            const size_t len = strlen(err.message);
            const size_t room = sizeof err.message - 1;
            assert_int_equal(len, shift + (room - shift) / width * width);
            cli_error_append(&err, "%s", characters[k]);
            assert_true(strlen(err.message) == len);
            assert_memory_equal(err.message, text, len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_formatted),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(the_systems_words_stand_behind),
        cmocka_unit_test(messages_are_put_together),
        cmocka_unit_test(long_messages_are_cut_between_characters),
    };
    return cmocka_run_group_tests_name("cli/fail", tests, NULL, NULL);
}
