#include "expect.h"
#include "support/random.h"
#include "value/decimal.h"
#include "value/float_text.h"
#include "value/text_write.h"

#include <locale.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_double(double value, const char *text)
{
    char buffer[HYL__SCALAR_TEXT_MAX + 1];
    *hyl__write_double(buffer, value) = '\0';
    assert_string_equal(buffer, text);
}

static void expect_float(float value, const char *text)
{
    char buffer[HYL__SCALAR_TEXT_MAX + 1];
    *hyl__write_float(buffer, value) = '\0';
    assert_string_equal(buffer, text);
}

/* Each line was seen from the server. */
static void doubles_are_spelled_as_the_server_spells_them(void **state)
{
    (void)state;
    expect_double(0.0, "0");
    expect_double(-0.0, "-0");
    expect_double(1.0, "1");
    expect_double(-1.5, "-1.5");
    expect_double(0.1, "0.1");
    expect_double(0.3, "0.3");
    expect_double(100000.0, "100000");
    expect_double(123456789.125, "123456789.125");
    expect_double(1e14, "100000000000000");
    expect_double(1e15, "1e+15");
    expect_double(123456789012345678.0, "1.2345678901234568e+17");
    expect_double(9007199254740992.0, "9.007199254740992e+15");
    expect_double(1e20, "1e+20");
    expect_double(1e22, "1e+22");
    expect_double(1e23, "1e+23");
    expect_double(1e-4, "0.0001");
    expect_double(1e-5, "1e-05");
    expect_double(1.5e-10, "1.5e-10");
    expect_double(1.7976931348623157e308, "1.7976931348623157e+308");
    expect_double(2.2250738585072014e-308, "2.2250738585072014e-308");
    expect_double(5e-324, "5e-324");
    expect_double((double)INFINITY, "Infinity");
    expect_double((double)-INFINITY, "-Infinity");
    expect_double((double)NAN, "NaN");
    expect_double((double)-NAN, "NaN");
}

static void reals_are_spelled_as_the_server_spells_them(void **state)
{
    (void)state;
    expect_float(0.0F, "0");
    expect_float(-0.0F, "-0");
    expect_float(0.1F, "0.1");
    expect_float(123456.7F, "123456.7");
    expect_float(999999.5F, "999999.5");
    expect_float(1e6F, "1e+06");
    expect_float(1e7F, "1e+07");
    expect_float(16777216.0F, "1.6777216e+07");
    expect_float(33554432.0F, "3.3554432e+07");
    expect_float(1e10F, "1e+10");
    expect_float(1e-4F, "0.0001");
    expect_float(1e-5F, "1e-05");
    expect_float(1.17549435e-38F, "1.1754944e-38");
    expect_float(1e-45F, "1e-45");
    expect_float(3.4028235e38F, "3.4028235e+38");
    expect_float(INFINITY, "Infinity");
    expect_float(-INFINITY, "-Infinity");
    expect_float(NAN, "NaN");
}

/* How many digits a text has, its sign, point and exponent left out. */
static size_t count_digits(const char *text)
{
    size_t count = 0;
    bool leading = true;
    for (; *text != '\0' && *text != 'e'; text++) {
        leading = leading && (*text < '1' || *text > '9');
        count += !leading && *text >= '0' && *text <= '9';
    }
    return count;
}

/* The digits that printf needs until it reads back the same: not fewer than ours. */
static void expect_shortest_double(double value)
{
    char ours[HYL__SCALAR_TEXT_MAX + 1];
    char theirs[64];
    hyl__decimal decimal;
    *hyl__write_double(ours, value) = '\0';
    assert_int_equal(hyl__decimal_parse(hyl_str_of(ours), &decimal), HYL__DECIMAL_OK);
    double back = hyl__decimal_to_double(&decimal);
    int needed = 0;
    do {
        snprintf(theirs, sizeof theirs, "%.*e", needed++, value);
    } while (strtod(theirs, NULL) != value);
    const size_t zeros = strlen(ours) > 1 && strchr(ours, '.') == NULL && strchr(ours, 'e') == NULL
                             ? strlen(ours) - 1
                             : 0; /* a whole number may end in zeros, which are no precision */
    if (back != value || count_digits(ours) > (size_t)needed + zeros) {
        fail_msg("%s for %s", ours, theirs);
    }
}

static void doubles_read_back_the_same_and_none_is_shorter(void **state)
{
    (void)state;
    random_source random = random_start("double", 0x5eed0004);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_u64(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            expect_shortest_double(value);
        }
    }
    for (uint64_t exponent = 0; exponent < 2047; exponent++) {
        for (uint64_t fraction = 0; fraction < 2; fraction++) {
            uint64_t bits = exponent << 52 | fraction;
            double value;
            memcpy(&value, &bits, sizeof value);
            expect_shortest_double(value);
        }
    }
}

static void reals_read_back_the_same(void **state)
{
    (void)state;
    random_source random = random_start("real", 0x5eed0005);
    for (int i = 0; i < 50000; i++) {
        uint32_t bits = (uint32_t)random_u64(&random);
        float value;
        char text[HYL__SCALAR_TEXT_MAX + 1];
        hyl__decimal decimal;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        *hyl__write_float(text, value) = '\0';
        assert_true(count_digits(text) <= 9);
        assert_int_equal(hyl__decimal_parse(hyl_str_of(text), &decimal), HYL__DECIMAL_OK);
        float back = hyl__decimal_to_float(&decimal);
        if (memcmp(&back, &value, sizeof back) != 0) {
            fail_msg("%s", text);
        }
    }
}

/* What localedef makes of: decimal_point ","; thousands_sep "."; grouping 3;3. */
static const uint8_t comma_locale[] = {
    0x14, 0x11, 0x03, 0x20, 0x06, 0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x22, 0x00, 0x00, 0x00,
    0x24, 0x00, 0x00, 0x00, 0x28, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x30, 0x00, 0x00, 0x00,
    ',',  0x00, '.',  0x00, 0x03, 0x03, 0x00, 0x00, ',',  0x00, 0x00, 0x00, '.',  0x00, 0x00, 0x00,
    'A',  'N',  'S',  'I',  '_',  'X',  '3',  '.',  '4',  '-',  '1',  '9',  '6',  '8',  0x00};

/* Switches to a locale that writes a comma for the point: one of our own, since a machine need not
 * have any. */
static void use_comma_locale(void)
{
    char folder[] = "/tmp/hyperline-locale-XXXXXX";
    char path[64];
    char shown[16];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/comma", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/comma/LC_NUMERIC", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(comma_locale, 1, sizeof comma_locale, file), sizeof comma_locale);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("LOCPATH", folder, 1), 0);
    assert_non_null(setlocale(LC_NUMERIC, "comma"));
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/comma", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    snprintf(shown, sizeof shown, "%.1f", 1.5);
    assert_string_equal(shown, "1,5");
}

static void the_locale_plays_no_part(void **state)
{
    (void)state;
    static const char *const texts[] = {"1.5", "1.2345678901234568e-05", "-123456789.12345679",
                                        "1.7976931348623157e+308", "123456.75"};
    hyl_error err = HYL_ERROR_INIT;
    use_comma_locale();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const hyl_bytes text = {(const uint8_t *)texts[i], strlen(texts[i])};
        const hyl_type type = hyl_type_of(HYL_TYPE_DOUBLE);
        hyl_value value;
        assert_ok(hyl_value_decode(type, HYL_FORMAT_TEXT, text, NULL, &value, &err), &err);
        expect_value_text(type, &value, texts[i]);
    }
    expect_decode_text(hyl_type_of(HYL_TYPE_DOUBLE), "1,5", HYL_ERR_PROTOCOL);
    expect_decode_text(hyl_type_of(HYL_TYPE_REAL), "1,5", HYL_ERR_PROTOCOL);
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_are_spelled_as_the_server_spells_them),
        cmocka_unit_test(reals_are_spelled_as_the_server_spells_them),
        cmocka_unit_test(doubles_read_back_the_same_and_none_is_shorter),
        cmocka_unit_test(reals_read_back_the_same),
        cmocka_unit_test(the_locale_plays_no_part),
    };
    return cmocka_run_group_tests_name("float_text", tests, NULL, NULL);
}
