#include "expect.h"
#include "support/random.h"
#include "value/int128.h"
#include "value/numeric.h"

typedef struct numeric_case {
    int precision;
    int scale;
    uint64_t high;
    uint64_t low;
    const char *spelling;
    const char *text;
    double nearest;
} numeric_case;

/* From Python's decimal. */
static const numeric_case cases[] = {
#define NUMERIC(precision, scale, high, low, spelling, text, nearest) \
    {precision, scale, high, low, spelling, text, nearest},
#include "cases.inc"
#undef NUMERIC
};

enum { CASE_COUNT = sizeof cases / sizeof cases[0] };

static void numbers_are_as_the_oracle_has_them(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    assert_true(CASE_COUNT > 1000);
    for (size_t i = 0; i < CASE_COUNT; i++) {
        const numeric_case *c = &cases[i];
        hyl_numeric numeric;
        hyl_buf text = HYL_BUF_INIT;
        guarded copy = guard_bytes(c->spelling, strlen(c->spelling));
        assert_ok(hyl_numeric_parse(guard_str(&copy), c->precision, c->scale, &numeric, &err),
                  &err);
        guard_release(&copy);
        assert_true(numeric.lo == c->low && numeric.hi == (int64_t)c->high);
        assert_int_equal(numeric.precision, c->precision);
        assert_int_equal(numeric.scale, c->scale);
        hyl_numeric_format(&numeric, &text);
        expect_text(&text, c->text);
        assert_true(hyl_numeric_to_double(&numeric) == c->nearest);
    }
}

static void expect_parse(const char *text, int precision, int scale, hyl_status wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_numeric numeric;
    guarded copy = guard_bytes(text, strlen(text));
    assert_status(hyl_numeric_parse(guard_str(&copy), precision, scale, &numeric, &err), wanted,
                  &err);
    guard_release(&copy);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    const char *const texts[] = {"",     "-",    "+",   ".",     "-.",    "e5",      "1e",   "1e+",
                                 "1e-",  "1e5x", "1x",  " 1",    "1 ",    "1,5",     "0x10", "NaN",
                                 "1..2", "--1",  "+-1", "1e1e1", "1e1.5", "\xc2\xb2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_parse(texts[i], 38, 10, HYL_ERR_ARG);
    }
}

static void what_does_not_fit_is_out_of_range(void **state)
{
    (void)state;
    expect_parse("1000", 3, 0, HYL_ERR_RANGE);
    expect_parse("-1000", 3, 0, HYL_ERR_RANGE);
    expect_parse("10", 3, 2, HYL_ERR_RANGE);
    expect_parse("9.99", 3, 2, HYL_OK);
    expect_parse("9.990000", 3, 2, HYL_OK);
    expect_parse("9.991", 3, 2, HYL_ERR_RANGE);
    expect_parse("1e38", 38, 0, HYL_ERR_RANGE);
    expect_parse("1e37", 38, 0, HYL_OK);
    expect_parse("1e999999999999999999999", 38, 0, HYL_ERR_RANGE);
    expect_parse("1e-999999999999999999999", 38, 0, HYL_ERR_RANGE);
    expect_parse("0e999999999999999999999", 38, 0, HYL_OK);
    expect_parse("0.000e-999999999999999999999", 38, 0, HYL_OK);
    expect_parse("1", 0, 0, HYL_ERR_ARG);
    expect_parse("1", 39, 0, HYL_ERR_ARG);
    expect_parse("1", 5, 6, HYL_ERR_ARG);
    expect_parse("1", 5, -1, HYL_ERR_ARG);
}

static void long_texts_are_read_or_refused(void **state)
{
    (void)state;
    char text[2001];
    memset(text, '0', sizeof text);
    text[2000] = '\0';
    expect_parse(text, 38, 0, HYL_OK);
    text[1999] = '1';
    expect_parse(text, 38, 0, HYL_OK);
    memset(text, '9', 2000);
    expect_parse(text, 38, 0, HYL_ERR_RANGE);
    text[1] = '.';
    memset(text + 2, '0', 1998);
    expect_parse(text, 1, 0, HYL_ERR_RANGE); /* more digits than are kept, though they are zeros */
}

static void expect_i64(const char *text, int scale, hyl_status wanted, int64_t value)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_numeric numeric;
    int64_t out = 0;
    assert_ok(hyl_numeric_parse(hyl_str_of(text), 38, scale, &numeric, &err), &err);
    assert_int_equal(hyl_numeric_to_i64(&numeric, &out), wanted);
    if (wanted == HYL_OK) {
        assert_true(out == value);
    }
}

static void whole_numbers_that_fit_become_integers(void **state)
{
    (void)state;
    expect_i64("0", 0, HYL_OK, 0);
    expect_i64("-12.00", 2, HYL_OK, -12);
    expect_i64("-12.50", 2, HYL_ERR_RANGE, 0);
    expect_i64("9223372036854775807", 0, HYL_OK, INT64_MAX);
    expect_i64("9223372036854775807.0000", 4, HYL_OK, INT64_MAX);
    expect_i64("9223372036854775808", 0, HYL_ERR_RANGE, 0);
    expect_i64("-9223372036854775808", 0, HYL_OK, INT64_MIN);
    expect_i64("-9223372036854775809", 0, HYL_ERR_RANGE, 0);
    expect_i64("18446744073709551615", 0, HYL_ERR_RANGE, 0);
    expect_i64("18446744073709551616", 0, HYL_ERR_RANGE, 0);
}

/* Any 128 bits have a text, though no numeric has 39 digits. */
static void extremes_of_128_bits_are_written(void **state)
{
    (void)state;
    hyl_buf text = HYL_BUF_INIT;
    hyl_numeric numeric = {0, INT64_MIN, 38, 0};
    hyl_numeric_format(&numeric, &text);
    expect_text(&text, "-170141183460469231731687303715884105728");
    numeric = (hyl_numeric){UINT64_MAX, INT64_MAX, 38, 2};
    hyl_numeric_format(&numeric, &text);
    expect_text(&text, "1701411834604692317316873037158841057.27");
    numeric = (hyl_numeric){1, 0, 38, 255};
    hyl_numeric_format(&numeric, &text);
    assert_int_equal(text.len, 257);
    hyl_buf_reset(&text);
}

static void rescaling_keeps_the_number_or_says_why_not(void **state)
{
    (void)state;
    hyl_numeric out;
    const hyl_numeric number = {12500, 0, 9, 4}; /* 1.2500 */
    assert_int_equal(hyl__numeric_rescale(&number, 3, 2, &out), HYL__FIT_OK);
    assert_true(out.lo == 125 && out.scale == 2 && out.precision == 3);
    assert_int_equal(hyl__numeric_rescale(&number, 38, 37, &out), HYL__FIT_OK);
    assert_int_equal(hyl__numeric_rescale(&number, 3, 1, &out), HYL__FIT_LOSES_DIGITS);
    assert_int_equal(hyl__numeric_rescale(&number, 2, 2, &out), HYL__FIT_TOO_BIG);
    assert_int_equal(hyl__numeric_rescale(&number, 38, 38, &out), HYL__FIT_TOO_BIG);
    const hyl_numeric lowest = {0, INT64_MIN, 38, 0};
    assert_int_equal(hyl__numeric_rescale(&lowest, 38, 38, &out), HYL__FIT_TOO_BIG);
    const hyl_numeric zero = {0, 0, 38, 38};
    assert_int_equal(hyl__numeric_rescale(&zero, 1, 1, &out), HYL__FIT_OK);
}

static void what_is_written_reads_back_the_same(void **state)
{
    (void)state;
    random_source random = random_start("numeric", 0x5eed0001);
    hyl_error err = HYL_ERROR_INIT;
    for (int i = 0; i < 20000; i++) {
        const int precision = 1 + (int)random_below(&random, 38);
        const int scale = (int)random_below(&random, (uint64_t)precision + 1);
        hyl__u128 magnitude = (hyl__u128)random_any_size(&random) << 64 | random_any_size(&random);
        hyl_numeric number;
        hyl__numeric_set(&number, magnitude % hyl__pow10_u128((unsigned)precision),
                         random_below(&random, 2) != 0);
        number.precision = (uint8_t)precision;
        number.scale = (uint8_t)scale;
        hyl_buf text = HYL_BUF_INIT;
        hyl_numeric back;
        hyl_numeric_format(&number, &text);
        hyl_str str = {(const char *)text.data, text.len};
        assert_ok(hyl_numeric_parse(str, precision, scale, &back, &err), &err);
        assert_true(back.lo == number.lo && back.hi == number.hi);
        hyl_buf_reset(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_as_the_oracle_has_them),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(what_does_not_fit_is_out_of_range),
        cmocka_unit_test(long_texts_are_read_or_refused),
        cmocka_unit_test(whole_numbers_that_fit_become_integers),
        cmocka_unit_test(extremes_of_128_bits_are_written),
        cmocka_unit_test(rescaling_keeps_the_number_or_says_why_not),
        cmocka_unit_test(what_is_written_reads_back_the_same),
    };
    return cmocka_run_group_tests_name("numeric", tests, NULL, NULL);
}
