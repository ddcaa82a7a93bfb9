#include "data/flatbuf.h"

#include "base/endian.h"
#include "support/test.h"

/*
 * A table at 12 with its vtable at 4: field 0 an int16 at +4, field 1 left out, field 2 a text at
 * +8. Behind it, at 24, the text "abc".
 */
static void make(uint8_t bytes[36])
{
    memset(bytes, 0, 36);
    hyl__store_le32(bytes, 12);
    hyl__store_le16(bytes + 2, 0);
    hyl__store_le16(bytes + 4, 10);
    hyl__store_le16(bytes + 6, 12);
    hyl__store_le16(bytes + 8, 4);
    hyl__store_le16(bytes + 10, 0);
    hyl__store_le32(bytes + 12, 8);
    hyl__store_le16(bytes + 16, 0xfffe);
    hyl__store_le32(bytes + 20, 4);
    hyl__store_le32(bytes + 24, 3);
    memcpy(bytes + 28, "abc", 3);
    /* The third offset of the vtable lies where the table begins: 8 is also its distance. */
}

static void fields_are_read_and_left_out(void **state)
{
    uint8_t bytes[36];
    hyl__fb fb = {bytes, sizeof bytes, false};
    (void)state;
    make(bytes);
    hyl__fb_table table = hyl__fb_root(&fb);
    assert_int_equal(table.at, 12);
    assert_int_equal(table.field_count, 3);
    assert_int_equal(hyl__fb_int(&table, 0, 2, 7), -2);
    assert_int_equal(hyl__fb_int(&table, 1, 8, 7), 7);
    assert_int_equal(hyl__fb_int(&table, 99, 8, 7), 7);
    hyl_str text = hyl__fb_text(&table, 2);
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.data, "abc", 3);
    assert_null(hyl__fb_text(&table, 1).data);
    assert_false(fb.broken);
}

static void what_is_cut_is_broken(void **state)
{
    uint8_t bytes[36];
    (void)state;
    make(bytes);
    for (size_t len = 0; len < 31; len++) {
        hyl__fb fb = {bytes, len, false};
        hyl__fb_table table = hyl__fb_root(&fb);
        (void)hyl__fb_int(&table, 0, 2, 0);
        hyl_str text = hyl__fb_text(&table, 2);
        assert_true(fb.broken);
        assert_null(text.data);
    }
}

static void what_leads_out_is_broken(void **state)
{
    /* The root, the vtable's distance, its size, the text's offset, its length. */
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = {{0, 0xffffffff}, {0, 0}, {12, 0x80000000}, {12, 100}, {20, 0xffffffff}, {24, 9}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[36];
        hyl__fb fb = {bytes, sizeof bytes, false};
        make(bytes);
        hyl__store_le32(bytes + cases[i].at, cases[i].value);
        hyl__fb_table table = hyl__fb_root(&fb);
        (void)hyl__fb_text(&table, 2);
        assert_true(fb.broken || table.at == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read_and_left_out),
        cmocka_unit_test(what_is_cut_is_broken),
        cmocka_unit_test(what_leads_out_is_broken),
    };
    return cmocka_run_group_tests_name("data/flatbuf", tests, NULL, NULL);
}
