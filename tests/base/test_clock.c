#include "support/test.h"

#include "base/clock.h"

static void the_clock_goes_forwards(void **state)
{
    (void)state;
    int64_t before = hyl__now_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = hyl__now_us();
        assert_true(now >= before);
        before = now;
    }
    assert_true(hyl__now_ms() >= before / 1000);
}

static void deadlines_are_in_the_future(void **state)
{
    (void)state;
    assert_true(hyl__deadline_in(-1) == HYL__NO_DEADLINE);
    assert_true(hyl__deadline_in(INT64_MIN) == HYL__NO_DEADLINE);
    assert_true(hyl__deadline_in(INT64_MAX) == HYL__NO_DEADLINE); /* no sum of 64 bits */
    const int64_t now = hyl__now_ms();
    const int64_t deadline = hyl__deadline_in(100000);
    assert_true(deadline >= now + 100000 && deadline <= hyl__now_ms() + 100000);
}

static void what_is_left_fits_poll(void **state)
{
    (void)state;
    assert_int_equal(hyl__deadline_left(HYL__NO_DEADLINE), -1);
    assert_int_equal(hyl__deadline_left(0), 0);
    assert_int_equal(hyl__deadline_left(hyl__now_ms()), 0);
    assert_int_equal(hyl__deadline_left(INT64_MIN / 2), 0);
    assert_int_equal(hyl__deadline_left(HYL__NO_DEADLINE - 1), INT32_MAX);
    const int left = hyl__deadline_left(hyl__deadline_in(100000));
    assert_true(left > 0 && left <= 100000);
    assert_int_equal(hyl__deadline_left(hyl__deadline_in(0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_goes_forwards),
        cmocka_unit_test(deadlines_are_in_the_future),
        cmocka_unit_test(what_is_left_fits_poll),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
