/* Fields of a HyperBinary COPY row. */
#include "array.h"
#include "base/endian.h"
#include "base/error.h"
#include "hyperbinary.h"

enum { LENGTH_WIDTH = 4 };

/* The indicator in front of a nullable column's value. */
enum { VALUE_FOLLOWS = 0, IS_NULL = 1 };

void hyl_copy_header(hyl_buf *out)
{
    static const uint8_t header[19] = {'H', 'P', 'R', 'C', 'P', 'Y'};
    hyl_buf_append(out, header, sizeof header);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static hyl_status put_value(hyl_type type, const hyl_value *value, hyl_buf *out, hyl_error *err)
{
    if (type.id == HYL_TYPE_ARRAY) {
        return hyl__array_put(type, value, !type.element_not_null, out, err);
    }
    HYL_TRY(hyl__value_check(type, value, err));
    hyl__hb_put(type, value, out);
    return HYL_OK;
}

/* A value with its byte count in front, which is filled in when it is known. */
static hyl_status put_counted(hyl_type type, const hyl_value *value, hyl_buf *out, hyl_error *err)
{
    static const uint8_t no_count[LENGTH_WIDTH] = {0};
    hyl_buf_append(out, no_count, sizeof no_count);
    const size_t begin = out->len;
    HYL_TRY(put_value(type, value, out, err));
    if (out->failed) {
        return HYL_OK; /* the caller asks the buffer */
    }
    if (out->len - begin > UINT32_MAX) {
        return hyl__fail(err, HYL_ERR_RANGE, "a value of %zu bytes is too big for COPY",
                         out->len - begin);
    }
    hyl__store_le32(out->data + begin - LENGTH_WIDTH, (uint32_t)(out->len - begin));
    return HYL_OK;
}

static hyl_status put_field(hyl_type type, bool nullable, const hyl_value *value, hyl_buf *out,
                            hyl_error *err)
{
    if (value->is_null) {
        if (!nullable) {
            return hyl__fail(err, HYL_ERR_NULLVAL, "NULL in a column that is not nullable");
        }
        hyl_buf_append_byte(out, IS_NULL);
        return HYL_OK;
    }
    if (nullable) {
        hyl_buf_append_byte(out, VALUE_FOLLOWS);
    }
    return hyl_type_width(type) > 0 ? put_value(type, value, out, err)
                                    : put_counted(type, value, out, err);
}

static hyl_status check_known(hyl_type type, hyl_error *err)
{
    return type.id != HYL_TYPE_UNKNOWN
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_TYPE, "COPY of the unknown type %lu",
                           (unsigned long)type.oid);
}

hyl_status hyl_copy_field(hyl_type type, bool nullable, const hyl_value *value, hyl_buf *out,
                          hyl_error *err)
{
    const size_t begin = out->len;
    HYL_TRY(check_known(type, err));
    hyl_status status = put_field(type, nullable, value, out, err);
    if (status == HYL_OK && hyl_buf_status(out) != HYL_OK) {
        status = hyl__fail_nomem(err);
    }
    if (status != HYL_OK && out->len > begin) {
        out->len = begin; /* all of the field or nothing */
    }
    return status;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* Takes `count` bytes; false where there are fewer. */
static bool take(hyl_bytes *rest, size_t count, hyl_bytes *out)
{
    if (rest->len < count) {
        return false;
    }
    *out = (hyl_bytes){rest->data, count};
    if (count > 0) {
        rest->data += count;
        rest->len -= count;
    }
    return true;
}

/* Takes the value's bytes, by the type's width or by the count in front. */
static bool take_value(hyl_type type, hyl_bytes *rest, hyl_bytes *out)
{
    const size_t width = hyl_type_width(type);
    if (width > 0) {
        return take(rest, width, out);
    }
    hyl_bytes count;
    return take(rest, LENGTH_WIDTH, &count) && take(rest, hyl__load_le32(count.data), out);
}

static hyl_status decode_array(hyl_type type, hyl_bytes bytes, hyl_value *out, hyl_error *err)
{
    out->type = type.id;
    out->is_null = false;
    out->no_null_bits = type.element_not_null;
    out->as.bytes = bytes;
    return hyl__array_check(type, out, err);
}

hyl_status hyl_copy_field_decode(hyl_type type, bool nullable, hyl_bytes bytes, size_t *offset,
                                 hyl_value *out, hyl_error *err)
{
    HYL_TRY(check_known(type, err));
    if (*offset >= bytes.len) {
        return HYL_AGAIN;
    }
    hyl_bytes rest = {bytes.data + *offset, bytes.len - *offset};
    hyl_bytes indicator;
    hyl_bytes value;
    if (nullable && take(&rest, 1, &indicator) && *indicator.data != VALUE_FOLLOWS) {
        out->type = type.id;
        out->is_null = true;
        *offset = bytes.len - rest.len;
        return HYL_OK;
    }
    if (!take_value(type, &rest, &value)) {
        return HYL_AGAIN;
    }
    HYL_TRY(type.id == HYL_TYPE_ARRAY ? decode_array(type, value, out, err)
                                      : hyl__hb_decode(type, value, out, err));
    *offset = bytes.len - rest.len;
    return HYL_OK;
}
