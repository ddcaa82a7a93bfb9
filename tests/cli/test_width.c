#include "support/test.h"

#include "cli/width.h"

static void assert_width(const char *text, size_t width)
{
    size_t got = display_width(text, strlen(text));
    if (got != width) {
        fail_msg("'%s' is %zu wide, not %zu", text, got, width);
    }
}

static void ascii_and_wide_characters(void **state)
{
    (void)state;
    assert_width("", 0);
    assert_width("plain text", 10);
    assert_width("na\xC3\xAFve", 5);
    assert_width("\xE6\x97\xA5\xE6\x9C\xAC", 4);             /* two CJK characters */
    assert_width("\xEF\xBD\x86\xEF\xBD\x95", 4);             /* full-width Latin */
    assert_width("\xEF\xBD\xB1\xEF\xBD\xB2", 2);             /* half-width katakana */
    assert_width("\xED\x95\x9C\xEA\xB5\xAD", 4);             /* Hangul syllables */
    assert_width("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", 2); /* one, as three jamo */
}

static void what_joins_its_base_takes_no_room(void **state)
{
    (void)state;
    assert_width("e\xCC\x81", 1);                /* e, combining acute */
    assert_width("o\xCC\x88\xCC\xA3x", 2);       /* o, two marks; x */
    assert_width("\xE0\xB8\x81\xE0\xB8\xB4", 1); /* Thai with a vowel above */
    assert_width("\xD7\xA9\xD7\x81\xD7\x9C", 2); /* Hebrew with a point */
    assert_width("a\xE2\x80\x8B"
                 "b",
                 2); /* zero width space */
}

static void an_emoji_is_two_columns(void **state)
{
    (void)state;
    assert_width("\xF0\x9F\x98\x80", 2);                             /* a face */
    assert_width("\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD", 2);             /* a thumb with its skin */
    assert_width("\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB", 2); /* woman, joiner, laptop */
    assert_width("\xF0\x9F\x87\xAF\xF0\x9F\x87\xB5", 2);             /* a flag */
    assert_width("\xE2\x9D\xA4\xEF\xB8\x8F", 2);                     /* heart, as emoji */
    assert_width("\xE2\x9D\xA4", 1);                                 /* heart, as text */
    assert_width("1\xEF\xB8\x8F\xE2\x83\xA3", 2);                    /* a keycap */
    assert_width("\xF0\x9F\x98\x80\xF0\x9F\x98\x80x", 5);
}

static void assert_visible(const char *text, size_t len, const char *shown, size_t width)
{
    hyl_buf out = HYL_BUF_INIT;
    size_t got = append_visible(&out, text, len);
    hyl_buf_append_byte(&out, '\0');
    assert_int_equal(hyl_buf_status(&out), HYL_OK);
    assert_string_equal((const char *)out.data, shown);
    assert_int_equal(got, width);
    hyl_buf_reset(&out);
}

#define ASSERT_VISIBLE(text, shown, width) assert_visible(text, sizeof(text) - 1, shown, width)

static void what_can_be_shown_is_shown(void **state)
{
    (void)state;
    ASSERT_VISIBLE("", "", 0);
    ASSERT_VISIBLE("a \\n ~", "a \\n ~", 6);
    ASSERT_VISIBLE("\xE6\x97\xA5"
                   "e\xCC\x81",
                   "\xE6\x97\xA5"
                   "e\xCC\x81",
                   3);
}

static void what_moves_the_cursor_is_escaped(void **state)
{
    (void)state;
    ASSERT_VISIBLE("a\nb\tc\rd", "a\\nb\\tc\\rd", 10);
    ASSERT_VISIBLE("\x1b[31m", "\\x1b[31m", 8);
    ASSERT_VISIBLE("a\0b", "a\\x00b", 6);
    ASSERT_VISIBLE("\x7f", "\\x7f", 4);
    ASSERT_VISIBLE("\xC2\x9B"
                   "1",
                   "\\x9b1", 5);                    /* a control sequence in one byte */
    ASSERT_VISIBLE("\xE2\x80\xAEx", "\\u202ex", 7); /* right to left from here on */
    ASSERT_VISIBLE("\xE2\x81\xA6x\xE2\x80\xA8", "\\u2066x\\u2028", 13);
    ASSERT_VISIBLE("\xE6\x97\xA5\n\xE6\x9C\xAC", "\xE6\x97\xA5\\n\xE6\x9C\xAC", 6);
}

static void bytes_that_are_no_text_are_escaped(void **state)
{
    (void)state;
    ASSERT_VISIBLE("a\xff", "a\\xff", 5);
    ASSERT_VISIBLE("\xC3", "\\xc3", 4);
    ASSERT_VISIBLE("\xED\xA0\x80", "\\xed\\xa0\\x80", 12);
    ASSERT_VISIBLE("\xC0\x80", "\\xc0\\x80", 8);
    assert_int_equal(display_width("a\xff"
                                   "b",
                                   3),
                     3);
}

static void assert_lines(const char *text, const char *shown)
{
    hyl_buf out = HYL_BUF_INIT;
    append_visible_lines(&out, text, strlen(text));
    hyl_buf_append_byte(&out, '\0');
    assert_int_equal(hyl_buf_status(&out), HYL_OK);
    assert_string_equal((const char *)out.data, shown);
    hyl_buf_reset(&out);
}

static void lines_stay_lines_and_are_indented(void **state)
{
    (void)state;
    assert_lines("", "");
    assert_lines("one", "one");
    assert_lines("one\ntwo", "one\n    two");
    assert_lines("one\n\n\x1b[2Jtwo\r\n", "one\n    \n    \\x1b[2Jtwo\\r\n    ");
    assert_lines("\xC2\x9B\xE2\x80\xAE", "\\x9b\\u202e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_and_wide_characters),
        cmocka_unit_test(what_joins_its_base_takes_no_room),
        cmocka_unit_test(an_emoji_is_two_columns),
        cmocka_unit_test(what_can_be_shown_is_shown),
        cmocka_unit_test(what_moves_the_cursor_is_escaped),
        cmocka_unit_test(bytes_that_are_no_text_are_escaped),
        cmocka_unit_test(lines_stay_lines_and_are_indented),
    };
    return cmocka_run_group_tests_name("cli/width", tests, NULL, NULL);
}
