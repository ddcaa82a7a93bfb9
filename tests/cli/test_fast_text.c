#include "support/test.h"

#include "cli/fast_text.h"

#include <inttypes.h>

static void assert_integer(int64_t value)
{
    char expected[32];
    hyl_buf out = HYL_BUF_INIT;
    snprintf(expected, sizeof expected, "x%" PRId64 ",", value);
    put_byte(&out, 'x');
    put_integer(&out, value);
    put_byte(&out, ',');
    put_byte(&out, '\0');
    assert_string_equal((const char *)out.data, expected);
    hyl_buf_reset(&out);
}

static void whole_numbers_of_every_length(void **state)
{
    (void)state;
    assert_integer(0);
    assert_integer(INT64_MAX);
    assert_integer(INT64_MIN);
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10) {
        assert_integer(power);
        assert_integer(power - 1);
        assert_integer(power * 9 + 9);
        assert_integer(-power);
        assert_integer(1 - power);
    }
}

static void *no_realloc(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
    return NULL;
}

static void no_free(void *ctx, void *ptr)
{
    (void)ctx;
    (void)ptr;
}

static void a_failed_buffer_stays_failed(void **state)
{
    (void)state;
    const hyl_allocator none = {no_realloc, no_free, NULL};
    hyl_buf out = HYL_BUF_INIT;
    hyl_set_allocator(&none);
    put_byte(&out, 'x');
    hyl_set_allocator(NULL);
    put_byte(&out, 'y');
    put_integer(&out, 1);
    assert_int_equal(out.len, 0);
    assert_int_equal(hyl_buf_status(&out), HYL_ERR_NOMEM);
    hyl_buf_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_of_every_length),
        cmocka_unit_test(a_failed_buffer_stays_failed),
    };
    return cmocka_run_group_tests_name("cli/fast_text", tests, NULL, NULL);
}
