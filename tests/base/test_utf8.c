#include "support/test.h"

#include "base/utf8.h"

static void valid_text_is_valid(void **state)
{
    (void)state;
    const char *texts[] = {"",
                           "a",
                           "plain ASCII longer than eight",
                           "\xc3\xa9",
                           "\xe2\x82\xac",
                           "\xf0\x9f\x99\x82",
                           "12345678\xf4\x8f\xbf\xbf",
                           "\xed\x9f\xbf"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(hyl__utf8_valid(texts[i], strlen(texts[i])));
    }
}

static void invalid_bytes_end_the_prefix(void **state)
{
    (void)state;
    const struct {
        const char *text;
        size_t prefix;
    } cases[] = {
        {"ab\x80", 2},           {"\xc0\xaf", 0},         {"\xc1\xbf", 0},
        {"x\xe0\x9f\xbf", 1},    {"\xed\xa0\x80", 0},     {"\xf0\x8f\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0}, {"12345678\xff", 8},
        {"a\xe2\x82", 1},        {"\xe2\x28\xa1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(hyl__utf8_valid_prefix(cases[i].text, strlen(cases[i].text)),
                         cases[i].prefix);
    }
}

static void a_cut_falls_between_characters(void **state)
{
    (void)state;
    const char text[] = "a\xe2\x82\xac"
                        "b";
    const size_t expected[] = {0, 1, 1, 1, 4, 5, 5};
    for (size_t max = 0; max < 7; max++) {
        assert_int_equal(hyl__utf8_cut(text, 5, max), expected[max]);
    }
    assert_int_equal(hyl__utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
}

static void characters_are_counted(void **state)
{
    (void)state;
    assert_int_equal(hyl__utf8_count("a\xe2\x82\xac\xf0\x9f\x99\x82", 8), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_text_is_valid),
        cmocka_unit_test(invalid_bytes_end_the_prefix),
        cmocka_unit_test(a_cut_falls_between_characters),
        cmocka_unit_test(characters_are_counted),
    };
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
