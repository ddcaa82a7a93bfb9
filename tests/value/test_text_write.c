#include "expect.h"
#include "value/text_write.h"

static void expect_written(const char *begin, const char *end, const char *text)
{
    assert_int_equal(end - begin, strlen(text));
    assert_memory_equal(begin, text, strlen(text));
}

static void every_length_of_number_is_written(void **state)
{
    (void)state;
    char buffer[64];
    char text[64];
    uint64_t power = 1;
    for (int digits = 1; digits <= 20; digits++) {
        const uint64_t numbers[] = {power - 1, power, power + 1, power * 9};
        for (size_t i = 0; i < 4; i++) {
            snprintf(text, sizeof text, "%llu", (unsigned long long)numbers[i]);
            expect_written(buffer, hyl__write_u64(buffer, numbers[i]), text);
            snprintf(text, sizeof text, "%lld", (long long)numbers[i]);
            expect_written(buffer, hyl__write_i64(buffer, (int64_t)numbers[i]), text);
            snprintf(text, sizeof text, "%018llu", (unsigned long long)numbers[i]);
            expect_written(buffer, hyl__write_padded(buffer, numbers[i], 18), text);
        }
        power *= 10;
    }
    expect_written(buffer, hyl__write_i64(buffer, INT64_MIN), "-9223372036854775808");
    expect_written(buffer, hyl__write_u64(buffer, UINT64_MAX), "18446744073709551615");
}

static void two_digits_and_hexadecimal(void **state)
{
    (void)state;
    char buffer[8];
    char text[8];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%02u", i);
        expect_written(buffer, hyl__write_2(buffer, i), text);
    }
    const uint8_t bytes[] = {0x00, 0x9f, 0xff};
    expect_written(buffer, hyl__write_hex(buffer, bytes, 3), "009fff");
    expect_written(buffer, hyl__write_hex(buffer, NULL, 0), "");
}

static void a_claim_that_fails_marks_the_buffer(void **state)
{
    (void)state;
    hyl_buf buf = HYL_BUF_INIT;
    char *to = hyl__buf_claim(&buf, 4);
    assert_non_null(to);
    memcpy(to, "ab", 2);
    hyl__buf_commit(&buf, to + 2);
    assert_int_equal(buf.len, 2);
    assert_null(hyl__buf_claim(&buf, SIZE_MAX));
    assert_true(buf.failed);
    assert_null(hyl__buf_claim(&buf, 1));
    assert_int_equal(buf.len, 2);
    hyl_buf_reset(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_number_is_written),
        cmocka_unit_test(two_digits_and_hexadecimal),
        cmocka_unit_test(a_claim_that_fails_marks_the_buffer),
    };
    return cmocka_run_group_tests_name("text_write", tests, NULL, NULL);
}
