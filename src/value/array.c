#include "array.h"

#include "base/error.h"
#include "base/utf8.h"
#include "hyperbinary.h"

#include <string.h>

enum { CHAR1_WIDTH = 4, OFFSET_WIDTH = 4 };

/* Bytes of an element in a payload, 0 where it varies. */
static size_t element_width(hyl_type element)
{
    return element.id == HYL_TYPE_CHAR1 ? CHAR1_WIDTH : hyl_type_width(element);
}

static size_t null_bytes(bool null_bits, size_t count)
{
    return null_bits ? (count + 7) / 8 : 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static hyl_status bad_payload(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed array");
}

static hyl_status init_fixed(hyl_array_iter *iter, size_t width, hyl_error *err)
{
    const uint64_t len = iter->payload.len;
    const uint64_t bits = iter->has_nulls ? 8 * width + 1 : 8 * width; /* per element */
    const uint64_t count = len / bits * 8 + len % bits * 8 / bits;
    if (count > UINT32_MAX || count * width + null_bytes(iter->has_nulls, count) != len) {
        return bad_payload(err);
    }
    iter->count = (uint32_t)count;
    iter->data_at = 0;
    iter->nulls_at = (size_t)count * width;
    return HYL_OK;
}

/* The end offset of an element, from the beginning of the data. */
static uint32_t end_offset(const hyl_array_iter *iter, uint32_t index)
{
    return hyl__load_le32(iter->payload.data + OFFSET_WIDTH * ((size_t)index + 1));
}

static hyl_status init_varying(hyl_array_iter *iter, hyl_error *err)
{
    const hyl_bytes payload = iter->payload;
    if (payload.len == 0) {
        return HYL_OK;
    }
    if (payload.len < OFFSET_WIDTH) {
        return bad_payload(err);
    }
    const uint64_t count = hyl__load_le32(payload.data);
    const uint64_t nulls_at = OFFSET_WIDTH * (count + 1);
    const uint64_t data_at = nulls_at + null_bytes(iter->has_nulls, count);
    if (data_at > payload.len) {
        return bad_payload(err);
    }
    iter->count = (uint32_t)count;
    iter->nulls_at = (size_t)nulls_at;
    iter->data_at = (size_t)data_at;
    uint32_t end = 0;
    for (uint32_t i = 0; i < iter->count; i++) {
        const uint32_t next = end_offset(iter, i);
        if (next < end) {
            return bad_payload(err);
        }
        end = next;
    }
    return end == payload.len - iter->data_at ? HYL_OK : bad_payload(err);
}

hyl_status hyl_array_iter_init(hyl_array_iter *iter, hyl_type type, const hyl_value *array,
                               hyl_error *err)
{
    if (type.id != HYL_TYPE_ARRAY || array->type != HYL_TYPE_ARRAY) {
        return hyl__fail(err, HYL_ERR_TYPE, "not an array of %s", hyl_type_name(type.element));
    }
    if (array->is_null) {
        return hyl__fail(err, HYL_ERR_NULLVAL, "the array is NULL");
    }
    memset(iter, 0, sizeof *iter);
    iter->element = hyl_type_element(type);
    iter->payload = array->as.bytes;
    iter->has_nulls = !array->no_null_bits;
    const size_t width = element_width(iter->element);
    return width > 0 ? init_fixed(iter, width, err) : init_varying(iter, err);
}

hyl_status hyl__array_check(hyl_type type, const hyl_value *array, hyl_error *err)
{
    hyl_array_iter iter;
    return hyl_array_iter_init(&iter, type, array, err);
}

/* The UTF-8 of a code point, 0 where it is none; 0 stands for a blank. */
static size_t utf8_of(uint32_t code, char text[4])
{
    uint8_t *to = (uint8_t *)text;
    if (code == 0) {
        code = ' ';
    }
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (uint8_t)(0xc0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (uint8_t)(0xe0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        to[2] = (uint8_t)(0x80 | (code & 0x3f));
        return code >= 0xd800 && code < 0xe000 ? 0 : 3;
    }
    to[0] = (uint8_t)(0xf0 | (code >> 18 & 7));
    to[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    to[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    to[3] = (uint8_t)(0x80 | (code & 0x3f));
    return code > 0x10ffff ? 0 : 4;
}

static hyl_status next_char1(hyl_array_iter *iter, const uint8_t *from, hyl_value *out,
                             hyl_error *err)
{
    const size_t len = utf8_of(hyl__load_le32(from), iter->char1);
    if (len == 0) {
        return bad_payload(err);
    }
    out->type = iter->element.id;
    out->is_null = false;
    out->as.str = (hyl_str){iter->char1, len};
    return HYL_OK;
}

static bool is_null(const hyl_array_iter *iter, uint32_t index)
{
    return iter->has_nulls &&
           (iter->payload.data[iter->nulls_at + index / 8] >> (index % 8) & 1) != 0;
}

hyl_status hyl_array_iter_next(hyl_array_iter *iter, hyl_value *out, hyl_error *err)
{
    if (iter->next == iter->count) {
        return HYL_DONE;
    }
    const uint32_t index = iter->next++;
    if (is_null(iter, index)) {
        out->type = iter->element.id;
        out->is_null = true;
        return HYL_OK;
    }
    const uint8_t *data = iter->payload.data + iter->data_at;
    const size_t width = element_width(iter->element);
    if (iter->element.id == HYL_TYPE_CHAR1) {
        return next_char1(iter, data + index * width, out, err);
    }
    if (width > 0) {
        return hyl__hb_decode(iter->element, (hyl_bytes){data + index * width, width}, out, err);
    }
    const uint32_t begin = index > 0 ? end_offset(iter, index - 1) : 0;
    return hyl__hb_decode(iter->element, (hyl_bytes){data + begin, end_offset(iter, index) - begin},
                          out, err);
}

/* ---- Building -------------------------------------------------------------------------------- */

static void append_zeros(hyl_buf *out, size_t count)
{
    if (out->failed || hyl_buf_reserve(out, count) != HYL_OK) {
        out->failed = true;
        return;
    }
    if (count > 0) {
        memset(out->data + out->len, 0, count);
        out->len += count;
    }
}

void hyl__array_build(hyl__array_builder *builder, hyl_type array, uint32_t count, bool null_bits,
                      hyl_buf *out)
{
    memset(builder, 0, sizeof *builder);
    builder->element = hyl_type_element(array);
    builder->width = element_width(builder->element);
    builder->count = count;
    builder->null_bits = null_bits;
    builder->base = out->len;
    builder->out = out;
    if (count == 0) {
        return;
    }
    const size_t nulls = null_bytes(null_bits, count);
    if (builder->width > 0) {
        builder->data_at = out->len;
        builder->nulls_at = out->len + count * builder->width;
        append_zeros(out, count * builder->width + nulls);
        return;
    }
    builder->ends_at = out->len + OFFSET_WIDTH;
    builder->nulls_at = builder->ends_at + (size_t)count * OFFSET_WIDTH;
    builder->data_at = builder->nulls_at + nulls;
    append_zeros(out, builder->data_at - out->len);
    if (!out->failed) {
        hyl__store_le32(out->data + builder->base, count);
    }
}

void hyl__array_undo(hyl__array_builder *builder)
{
    if (builder->out->len > builder->base) {
        builder->out->len = builder->base;
    }
}

hyl_status hyl__array_built(const hyl__array_builder *builder, hyl_error *err)
{
    return hyl_buf_status(builder->out) == HYL_OK ? HYL_OK : hyl__fail_nomem(err);
}

hyl_bytes hyl__array_payload(const hyl__array_builder *builder)
{
    const hyl_buf *out = builder->out;
    if (out->len == builder->base) {
        return (hyl_bytes){NULL, 0};
    }
    return (hyl_bytes){out->data + builder->base, out->len - builder->base};
}

static uint32_t code_point(hyl_str text)
{
    static const uint8_t first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (text.len == 0 || text.data[0] == ' ') {
        return 0;
    }
    uint32_t code = (uint8_t)text.data[0] & first_bits[text.len];
    for (size_t i = 1; i < text.len; i++) {
        code = code << 6 | ((uint8_t)text.data[i] & 0x3f);
    }
    return code;
}

/* Puts a fixed-width element into its slot: appended first, then moved. */
static void fill_slot(hyl__array_builder *builder, const hyl_value *element)
{
    hyl_buf *out = builder->out;
    const size_t slot = builder->data_at + builder->next * builder->width;
    if (builder->element.id == HYL_TYPE_CHAR1) {
        hyl__store_le32(out->data + slot, code_point(element->as.str));
        return;
    }
    hyl__hb_put(builder->element, element, out);
    if (!out->failed) {
        out->len -= builder->width;
        memcpy(out->data + slot, out->data + out->len, builder->width);
    }
}

static hyl_status append_varying(hyl__array_builder *builder, const hyl_value *element,
                                 hyl_error *err)
{
    hyl_buf *out = builder->out;
    const size_t begin = out->len;
    hyl__hb_put(builder->element, element, out);
    if (builder->element.id == HYL_TYPE_CHAR) {
        while (out->len > begin && out->data[out->len - 1] == ' ') {
            out->len--;
        }
    }
    if (out->len - builder->data_at > UINT32_MAX) {
        return hyl__fail(err, HYL_ERR_RANGE, "the array is too big");
    }
    return HYL_OK;
}

static hyl_status add_null(hyl__array_builder *builder, hyl_error *err)
{
    if (!builder->null_bits) {
        return hyl__fail(err, HYL_ERR_NULLVAL, "NULL in an array whose elements are not null");
    }
    uint8_t *bits = builder->out->data + builder->nulls_at;
    bits[builder->next / 8] |= (uint8_t)(1 << builder->next % 8);
    return HYL_OK;
}

hyl_status hyl__array_add(hyl__array_builder *builder, const hyl_value *element, hyl_error *err)
{
    hyl_buf *out = builder->out;
    HYL_TRY(hyl__array_built(builder, err));
    if (element->is_null) {
        HYL_TRY(add_null(builder, err));
    } else {
        HYL_TRY(hyl__value_check(builder->element, element, err));
        if (builder->width > 0) {
            fill_slot(builder, element);
        } else {
            HYL_TRY(append_varying(builder, element, err));
        }
    }
    if (builder->width == 0 && !out->failed) {
        hyl__store_le32(out->data + builder->ends_at + builder->next * (size_t)OFFSET_WIDTH,
                        (uint32_t)(out->len - builder->data_at));
    }
    builder->next++;
    return HYL_OK;
}

static hyl_status add_all(hyl__array_builder *builder, hyl_array_iter *iter, hyl_error *err)
{
    hyl_value element;
    hyl_status status;
    while ((status = hyl_array_iter_next(iter, &element, err)) == HYL_OK) {
        HYL_TRY(hyl__array_add(builder, &element, err));
    }
    return status < 0 ? status : hyl__array_built(builder, err);
}

hyl_status hyl__array_put(hyl_type type, const hyl_value *array, bool null_bits, hyl_buf *out,
                          hyl_error *err)
{
    hyl_array_iter iter;
    hyl__array_builder builder;
    HYL_TRY(hyl_array_iter_init(&iter, type, array, err));
    hyl__array_build(&builder, type, iter.count, null_bits, out);
    hyl_status status = add_all(&builder, &iter, err);
    if (status != HYL_OK) {
        hyl__array_undo(&builder);
    }
    return status;
}
