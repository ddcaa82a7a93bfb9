#include "flatbuf.h"

#include "base/endian.h"

enum { OFFSET = 4, SHORT = 2 };

/* True where `len` bytes lie at `at`; otherwise the buffer is broken. */
static bool lies_in(hyl__fb *fb, size_t at, size_t len)
{
    if (at > fb->len || len > fb->len - at) {
        fb->broken = true;
        return false;
    }
    return true;
}

static int64_t load_int(const uint8_t *from, size_t width)
{
    switch (width) {
    case 1:
        return (int8_t)*from;
    case SHORT:
        return (int16_t)hyl__load_le16(from);
    case OFFSET:
        return (int32_t)hyl__load_le32(from);
    default:
        return (int64_t)hyl__load_le64(from);
    }
}

/* Where the offset that stands at `at` leads to; 0 where it leads out of the buffer. */
static size_t follow(hyl__fb *fb, size_t at)
{
    if (!lies_in(fb, at, OFFSET)) {
        return 0;
    }
    const size_t step = hyl__load_le32(fb->data + at);
    return step > 0 && lies_in(fb, at, step) ? at + step : 0;
}

/* A table begins with the distance back to its vtable: two sizes, and an offset for each field. */
static hyl__fb_table table_at(hyl__fb *fb, size_t at)
{
    hyl__fb_table table = {fb, 0, 0, 0};
    if (at == 0 || !lies_in(fb, at, OFFSET)) {
        return table;
    }
    const int64_t vtable = (int64_t)at - (int32_t)hyl__load_le32(fb->data + at);
    if (vtable < 0 || !lies_in(fb, (size_t)vtable, 2 * SHORT)) {
        fb->broken = true;
        return table;
    }
    const size_t size = hyl__load_le16(fb->data + vtable);
    if (size < 2 * SHORT || !lies_in(fb, (size_t)vtable, size)) {
        fb->broken = true;
        return table;
    }
    table.at = at;
    table.fields = (size_t)vtable + 2 * SHORT;
    table.field_count = (size - 2 * SHORT) / SHORT;
    return table;
}

hyl__fb_table hyl__fb_root(hyl__fb *fb)
{
    return table_at(fb, follow(fb, 0));
}

/* Where a field of so many bytes is, 0 where it is left out. */
static size_t find_field(const hyl__fb_table *table, size_t field, size_t width)
{
    if (table->at == 0 || field >= table->field_count) {
        return 0;
    }
    const size_t offset = hyl__load_le16(table->fb->data + table->fields + field * SHORT);
    return offset > 0 && lies_in(table->fb, table->at + offset, width) ? table->at + offset : 0;
}

int64_t hyl__fb_int(const hyl__fb_table *table, size_t field, size_t width, int64_t absent)
{
    const size_t at = find_field(table, field, width);
    return at > 0 ? load_int(table->fb->data + at, width) : absent;
}

hyl__fb_table hyl__fb_child(const hyl__fb_table *table, size_t field)
{
    const size_t at = find_field(table, field, OFFSET);
    return table_at(table->fb, at > 0 ? follow(table->fb, at) : 0);
}

hyl__fb_vector hyl__fb_items(const hyl__fb_table *table, size_t field, size_t width)
{
    hyl__fb_vector vector = {table->fb, 0, 0, width};
    const size_t offset = find_field(table, field, OFFSET);
    const size_t at = offset > 0 ? follow(table->fb, offset) : 0;
    if (at == 0 || !lies_in(table->fb, at, OFFSET)) {
        return vector;
    }
    const size_t count = hyl__load_le32(table->fb->data + at);
    /* Both are below 2^32: the product is no overflow. */
    if (lies_in(table->fb, at + OFFSET, (size_t)((uint64_t)count * width))) {
        vector.at = at + OFFSET;
        vector.count = count;
    }
    return vector;
}

hyl_str hyl__fb_text(const hyl__fb_table *table, size_t field)
{
    const hyl__fb_vector bytes = hyl__fb_items(table, field, 1);
    if (bytes.at == 0) {
        return (hyl_str){NULL, 0};
    }
    return (hyl_str){(const char *)table->fb->data + bytes.at, bytes.count};
}

hyl__fb_table hyl__fb_item_table(const hyl__fb_vector *vector, size_t i)
{
    return table_at(vector->fb, follow(vector->fb, vector->at + i * OFFSET));
}

int64_t hyl__fb_item_int(const hyl__fb_vector *vector, size_t i, size_t offset, size_t width)
{
    return load_int(vector->fb->data + vector->at + i * vector->width + offset, width);
}
