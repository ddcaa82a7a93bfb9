#include "support/fb_build.h"

#include "base/endian.h"
#include "support/test.h"

enum { WORD = 8, VTABLE = 2 * 2 + FB_FIELDS * 2, TABLE = WORD + FB_FIELDS * WORD };

static size_t add(fb_build *fb, size_t len)
{
    static const uint8_t zeros[4096];
    while (fb->bytes.len % WORD != 0) {
        hyl_buf_append_byte(&fb->bytes, 0);
    }
    const size_t at = fb->bytes.len;
    for (size_t left = len; left > 0;) {
        const size_t piece = left < sizeof zeros ? left : sizeof zeros;
        hyl_buf_append(&fb->bytes, zeros, piece);
        left -= piece;
    }
    assert_int_equal(hyl_buf_status(&fb->bytes), HYL_OK);
    return at;
}

/* The offset at `at` leads to `to`. */
static void lead(fb_build *fb, size_t at, size_t to)
{
    assert_true(to > at);
    hyl__store_le32(fb->bytes.data + at, (uint32_t)(to - at));
}

fb_build fb_start(void)
{
    fb_build fb = {HYL_BUF_INIT};
    add(&fb, WORD);
    return fb;
}

void fb_free(fb_build *fb)
{
    hyl_buf_reset(&fb->bytes);
}

size_t fb_table(fb_build *fb)
{
    const size_t vtable = add(fb, VTABLE);
    const size_t table = add(fb, TABLE);
    hyl__store_le16(fb->bytes.data + vtable, VTABLE);
    hyl__store_le16(fb->bytes.data + vtable + 2, TABLE);
    hyl__store_le32(fb->bytes.data + table, (uint32_t)(table - vtable));
    if (hyl__load_le32(fb->bytes.data) == 0) {
        lead(fb, 0, table);
    }
    return table;
}

/* Where a field's value is, which is in the table from now on. */
static size_t field_at(fb_build *fb, size_t table, size_t field)
{
    const size_t vtable = table - hyl__load_le32(fb->bytes.data + table);
    const size_t offset = WORD + field * WORD;
    assert_true(field < FB_FIELDS);
    hyl__store_le16(fb->bytes.data + vtable + 4 + field * 2, (uint16_t)offset);
    return table + offset;
}

void fb_set_int(fb_build *fb, size_t table, size_t field, int64_t value)
{
    hyl__store_le64(fb->bytes.data + field_at(fb, table, field), (uint64_t)value);
}

void fb_set_ref(fb_build *fb, size_t table, size_t field, size_t to)
{
    lead(fb, field_at(fb, table, field), to);
}

/* A vector's elements begin behind its count; they are aligned to 8 bytes. */
static size_t add_vector(fb_build *fb, uint32_t count, size_t len)
{
    const size_t at = add(fb, WORD + len) + WORD;
    hyl__store_le32(fb->bytes.data + at - 4, count);
    return at;
}

size_t fb_set_vector(fb_build *fb, size_t table, size_t field, uint32_t count, size_t width)
{
    const size_t at = add_vector(fb, count, count * width);
    fb_set_ref(fb, table, field, at - 4);
    return at;
}

void fb_set_text(fb_build *fb, size_t table, size_t field, const char *text)
{
    const size_t len = strlen(text);
    const size_t at = fb_set_vector(fb, table, field, (uint32_t)len, 1);
    memcpy(fb->bytes.data + at, text, len);
}

void fb_put_int(fb_build *fb, size_t vector, size_t offset, int64_t value)
{
    hyl__store_le64(fb->bytes.data + vector + offset, (uint64_t)value);
}

size_t fb_put_table(fb_build *fb, size_t vector, size_t i)
{
    const size_t table = fb_table(fb);
    lead(fb, vector + i * 4, table);
    return table;
}

hyl__fb fb_view(const fb_build *fb)
{
    return (hyl__fb){fb->bytes.data, fb->bytes.len, false};
}
