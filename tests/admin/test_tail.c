#include "support/test.h"

#include "admin/tail.h"

static hyl__tail tail;

static int empty(void **state)
{
    (void)state;
    memset(&tail, 0, sizeof tail);
    return 0;
}

static void add(const char *text)
{
    hyl__tail_add(&tail, text, strlen(text));
}

static void assert_lines(size_t cap, const char *expected)
{
    char text[600];
    memset(text, 'x', sizeof text);
    hyl__tail_lines(&tail, text, cap);
    assert_string_equal(text, expected);
    /* Not a byte beyond. */
    assert_int_equal(text[cap], 'x');
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    assert_lines(100, "");
    add("\n\n\r\n");
    assert_lines(100, "");
}

static void lines_are_joined(void **state)
{
    (void)state;
    add("one\ntwo\r\n");
    add("\nthr");
    add("ee");
    assert_lines(100, "one | two | three");
    add("\n");
    assert_lines(100, "one | two | three");
}

static void only_the_last_whole_lines_are_shown(void **state)
{
    (void)state;
    add("first\nsecond\nthird\n");
    assert_lines(15, "second | third");
    assert_lines(14, "third");
    assert_lines(6, "third");
    /* Not even one fits: its end is shown. */
    assert_lines(5, "hird");
    assert_lines(1, "");
}

static void the_oldest_bytes_give_way(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) {
        char line[16];
        snprintf(line, sizeof line, "line %d\n", i);
        add(line);
    }
    assert_int_equal(tail.len, HYL__TAIL_SIZE);
    assert_lines(40, "line 9997 | line 9998 | line 9999");
}

static void a_piece_larger_than_all_leaves_its_end(void **state)
{
    (void)state;
    static char big[3 * HYL__TAIL_SIZE + 1];
    memset(big, 'a', sizeof big - 1);
    memcpy(big + sizeof big - 6, "\nend\n", 5);
    add(big);
    assert_lines(8, "end");
}

static void what_is_no_text_becomes_question_marks(void **state)
{
    (void)state;
    hyl__tail_add(&tail,
                  "a\0b\tc\xff"
                  "d\xc3\xa4"
                  "e\x7f\x1b[0m\n",
                  15);
    assert_lines(100, "a?b?c?d\xc3\xa4"
                      "e??[0m");
    /* A character that is cut by the room. */
    memset(&tail, 0, sizeof tail);
    add("x\xc3\xa4y");
    assert_lines(3, "?y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_gives_nothing, empty),
        cmocka_unit_test_setup(lines_are_joined, empty),
        cmocka_unit_test_setup(only_the_last_whole_lines_are_shown, empty),
        cmocka_unit_test_setup(the_oldest_bytes_give_way, empty),
        cmocka_unit_test_setup(a_piece_larger_than_all_leaves_its_end, empty),
        cmocka_unit_test_setup(what_is_no_text_becomes_question_marks, empty),
    };
    return cmocka_run_group_tests_name("admin/tail", tests, NULL, NULL);
}
