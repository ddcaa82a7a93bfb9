#include "expect.h"
#include "support/random.h"
#include "value/decimal.h"

#include <errno.h>
#include <math.h>

static hyl__decimal_result parse_guarded(const char *text, hyl__decimal *out)
{
    guarded copy = guard_bytes(text, strlen(text));
    hyl__decimal_result result = hyl__decimal_parse(guard_str(&copy), out);
    guard_release(&copy);
    return result;
}

static void expect_decimal(const char *text, const char *digits, int64_t exponent, bool negative)
{
    hyl__decimal decimal;
    assert_int_equal(parse_guarded(text, &decimal), HYL__DECIMAL_OK);
    assert_int_equal(decimal.count, strlen(digits));
    for (size_t i = 0; i < decimal.count; i++) {
        assert_int_equal(decimal.digits[i], digits[i] - '0');
    }
    assert_true(decimal.exponent == exponent);
    assert_int_equal(decimal.negative, negative);
}

static void decimals_are_taken_apart(void **state)
{
    (void)state;
    expect_decimal("0", "", 0, false);
    expect_decimal("-0.00", "", -2, true);
    expect_decimal("12.50", "1250", -2, false);
    expect_decimal("+.5", "5", -1, false);
    expect_decimal("5.", "5", 0, false);
    expect_decimal("-1e3", "1", 3, true);
    expect_decimal("0012E-3", "12", -3, false);
    expect_decimal("1.25e+2", "125", 0, false);
}

static void expect_same_as_strtod(const char *text)
{
    hyl__decimal decimal;
    assert_int_equal(parse_guarded(text, &decimal), HYL__DECIMAL_OK);
    double value = hyl__decimal_to_double(&decimal);
    double wanted = strtod(text, NULL);
    float single = hyl__decimal_to_float(&decimal);
    float wanted_single = strtof(text, NULL);
    if (memcmp(&value, &wanted, sizeof value) != 0 || memcmp(&single, &wanted_single, 4) != 0) {
        fail_msg("%s", text);
    }
}

static void doubles_and_floats_are_the_nearest(void **state)
{
    (void)state;
    random_source random = random_start("decimal", 0x5eed0006);
    char text[64];
    for (int i = 0; i < 50000; i++) {
        const unsigned long long digits = random_any_size(&random);
        const int exponent =
            (int)random_below(&random, i % 2 != 0 ? 60 : 700) - (i % 2 != 0 ? 30 : 350);
        snprintf(text, sizeof text, "%s%llue%d", i % 3 == 0 ? "-" : "", digits, exponent);
        expect_same_as_strtod(text);
    }
    expect_same_as_strtod("0");
    expect_same_as_strtod("-0");
    expect_same_as_strtod("9007199254740993");
    expect_same_as_strtod("1e23");
    expect_same_as_strtod("2.2250738585072011e-308");
    expect_same_as_strtod("4.9e-324");
    expect_same_as_strtod("2e-324");
    expect_same_as_strtod("1e-999999999999999999999");
}

static void what_is_too_big_is_infinite_and_errno_is_kept(void **state)
{
    (void)state;
    hyl__decimal decimal;
    errno = 42;
    assert_int_equal(parse_guarded("-1e400", &decimal), HYL__DECIMAL_OK);
    assert_true(isinf(hyl__decimal_to_double(&decimal)));
    assert_true(hyl__decimal_to_double(&decimal) < 0);
    assert_int_equal(parse_guarded("1e39", &decimal), HYL__DECIMAL_OK);
    assert_true(isinf(hyl__decimal_to_float(&decimal)));
    assert_int_equal(parse_guarded("1e99999999999999999999", &decimal), HYL__DECIMAL_OK);
    assert_true(isinf(hyl__decimal_to_double(&decimal)));
    assert_int_equal(errno, 42);
}

/* 767 digits is the longest that a double exactly halfway between two others has. */
static void all_digits_count_up_to_the_limit(void **state)
{
    (void)state;
    char text[HYL__DECIMAL_MAX_DIGITS + 8];
    hyl__decimal decimal;
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740993.", 17); /* halfway: to even, unless a digit follows */
    text[HYL__DECIMAL_MAX_DIGITS + 1] = '\0';
    assert_int_equal(parse_guarded(text, &decimal), HYL__DECIMAL_OK);
    assert_true(hyl__decimal_to_double(&decimal) == 9007199254740992.0);
    text[HYL__DECIMAL_MAX_DIGITS] = '1';
    assert_int_equal(parse_guarded(text, &decimal), HYL__DECIMAL_OK);
    assert_true(hyl__decimal_to_double(&decimal) == 9007199254740994.0);
    text[HYL__DECIMAL_MAX_DIGITS + 1] = '1';
    text[HYL__DECIMAL_MAX_DIGITS + 2] = '\0';
    assert_int_equal(parse_guarded(text, &decimal), HYL__DECIMAL_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_taken_apart),
        cmocka_unit_test(doubles_and_floats_are_the_nearest),
        cmocka_unit_test(what_is_too_big_is_infinite_and_errno_is_kept),
        cmocka_unit_test(all_digits_count_up_to_the_limit),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
