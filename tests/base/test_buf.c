#include "support/test.h"

#include "base/mem.h"

static void appends_grow_and_keep_what_was_there(void **state)
{
    (void)state;
    hyl_buf buf = HYL_BUF_INIT;
    for (int i = 0; i < 10000; i++) {
        hyl_buf_append_byte(&buf, (uint8_t)i);
    }
    assert_int_equal(hyl_buf_status(&buf), HYL_OK);
    assert_int_equal(buf.len, 10000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buf.data[i], (uint8_t)i);
    }
    hyl_buf_reset(&buf);
    assert_null(buf.data);
}

static void printf_appends_formatted_text(void **state)
{
    (void)state;
    hyl_buf buf = HYL_BUF_INIT;
    hyl_buf_append_str(&buf, "a");
    hyl_buf_printf(&buf, "%d-%s", 42, "x");
    assert_int_equal(buf.len, 5);
    assert_memory_equal(buf.data, "a42-x", 5);
    hyl_buf_reset(&buf);
}

static void a_length_beyond_memory_fails_and_sticks(void **state)
{
    (void)state;
    hyl_buf buf = HYL_BUF_INIT;
    hyl_buf_append_str(&buf, "kept");
    assert_int_equal(hyl_buf_reserve(&buf, SIZE_MAX), HYL_ERR_NOMEM);
    assert_int_equal(hyl_buf_reserve(&buf, SIZE_MAX / 2), HYL_ERR_NOMEM);
    assert_memory_equal(buf.data, "kept", 4);
    hyl_buf_reset(&buf);
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

static void a_failed_append_makes_the_later_ones_fail(void **state)
{
    (void)state;
    const hyl_allocator none = {no_realloc, no_free, NULL};
    hyl_buf buf = HYL_BUF_INIT;
    hyl_set_allocator(&none);
    hyl_buf_append_str(&buf, "x");
    hyl_set_allocator(NULL);
    hyl_buf_append_str(&buf, "y");
    hyl_buf_printf(&buf, "%d", 1);
    assert_int_equal(hyl_buf_status(&buf), HYL_ERR_NOMEM);
    assert_int_equal(buf.len, 0);
    hyl_buf_clear(&buf);
    hyl_buf_append_str(&buf, "z");
    assert_int_equal(hyl_buf_status(&buf), HYL_OK);
    hyl_buf_reset(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_grow_and_keep_what_was_there),
        cmocka_unit_test(printf_appends_formatted_text),
        cmocka_unit_test(a_length_beyond_memory_fails_and_sticks),
        cmocka_unit_test(a_failed_append_makes_the_later_ones_fail),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
