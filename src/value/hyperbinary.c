#include "hyperbinary.h"

#include "array.h"
#include "base/error.h"
#include "base/utf8.h"
#include "int128.h"
#include "numeric.h"

#include <string.h>

hyl_status hyl__fail_range(hyl_type type, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_RANGE, "value out of range for %s", hyl_type_name(type.id));
}

/* ---- Decoding -------------------------------------------------------------------------------- */

static void load_uuid(const uint8_t *from, uint8_t uuid[16])
{
    for (size_t i = 0; i < 16; i++) {
        uuid[i] = from[15 - i];
    }
}

static hyl_status decode_bool(const uint8_t *from, hyl_value *out, hyl_error *err)
{
    if (*from > 1) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "a boolean is 0 or 1, not %d", *from);
    }
    out->as.boolean = *from != 0;
    return HYL_OK;
}

/* A value of fixed width, whose length has been checked. */
static hyl_status decode_fixed(hyl_type type, const uint8_t *from, hyl_value *out, hyl_error *err)
{
    switch (type.id) {
    case HYL_TYPE_BOOL:
        return decode_bool(from, out, err);
    case HYL_TYPE_SMALLINT:
        out->as.i16 = hyl__hb_load_i16(from);
        return HYL_OK;
    case HYL_TYPE_INT:
        out->as.i32 = hyl__hb_load_i32(from);
        return HYL_OK;
    case HYL_TYPE_BIGINT:
        out->as.i64 = hyl__hb_load_i64(from);
        return HYL_OK;
    case HYL_TYPE_REAL:
        out->as.f32 = hyl__hb_load_f32(from);
        return HYL_OK;
    case HYL_TYPE_DOUBLE:
        out->as.f64 = hyl__hb_load_f64(from);
        return HYL_OK;
    case HYL_TYPE_OID:
        out->as.u32 = hyl__hb_load_u32(from);
        return HYL_OK;
    case HYL_TYPE_NUMERIC:
        hyl__hb_load_numeric(from, hyl_type_width(type), &out->as.numeric);
        out->as.numeric.precision = (uint8_t)hyl_type_precision(type);
        out->as.numeric.scale = (uint8_t)hyl_type_scale(type);
        return HYL_OK;
    case HYL_TYPE_DATE:
        out->as.i32 = hyl__hb_load_date(from);
        return hyl__value_check_range(type, out, err);
    case HYL_TYPE_TIME:
        out->as.i64 = hyl__hb_load_i64(from);
        return hyl__value_check_range(type, out, err);
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        out->as.i64 = hyl__hb_load_timestamp(from);
        return hyl__value_check_range(type, out, err);
    case HYL_TYPE_INTERVAL:
        out->as.interval = hyl__hb_load_interval(from);
        return HYL_OK;
    case HYL_TYPE_UUID:
    default:
        load_uuid(from, out->as.uuid);
        return HYL_OK;
    }
}

static hyl_status decode_varying(hyl_type type, hyl_bytes bytes, hyl_value *out, hyl_error *err)
{
    if (type.id == HYL_TYPE_CHAR1 && (bytes.len == 0 || bytes.len > 4)) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "a character(1) has 1 to 4 bytes, not %zu",
                         bytes.len);
    }
    if (hyl__type_is_string(type.id)) {
        out->as.str = (hyl_str){(const char *)bytes.data, bytes.len};
        return HYL_OK;
    }
    out->as.bytes = bytes;
    if (type.id == HYL_TYPE_ARRAY) {
        out->no_null_bits = false; /* a DataRow's array has null bits in any case */
        return hyl__array_check(type, out, err);
    }
    return HYL_OK;
}

hyl_status hyl__hb_decode(hyl_type type, hyl_bytes bytes, hyl_value *out, hyl_error *err)
{
    const size_t width = hyl_type_width(type);
    out->type = type.id;
    out->is_null = false;
    if (width == 0) {
        return decode_varying(type, bytes, out, err);
    }
    if (bytes.len != width) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "%s has %zu bytes, not %zu", hyl_type_name(type.id),
                         width, bytes.len);
    }
    return decode_fixed(type, bytes.data, out, err);
}

/* ---- Checking -------------------------------------------------------------------------------- */

/* Characters, without the blanks at the end of a char(n), which its padding adds. */
static size_t count_characters(hyl_type type, hyl_str text)
{
    size_t len = text.len;
    if (type.id == HYL_TYPE_CHAR) {
        while (len > 0 && text.data[len - 1] == ' ') {
            len--;
        }
    }
    return hyl__utf8_count(text.data, len);
}

static hyl_status check_string(hyl_type type, hyl_str text, hyl_error *err)
{
    size_t valid = hyl__utf8_valid_prefix(text.data, text.len);
    if (valid != text.len) {
        return hyl__fail(err, HYL_ERR_ARG, "invalid UTF-8 at byte %zu of %zu", valid, text.len);
    }
    size_t max = type.id == HYL_TYPE_CHAR1 ? 1 : (size_t)hyl_type_max_length(type);
    if (max > 0 && text.len > max) {
        size_t count = count_characters(type, text);
        if (count > max) {
            return hyl__fail(err, HYL_ERR_RANGE, "%zu characters are too many for %s(%zu)", count,
                             type.id == HYL_TYPE_VARCHAR ? "character varying" : "character", max);
        }
    }
    return HYL_OK;
}

static hyl_status check_numeric(hyl_type type, const hyl_numeric *numeric, hyl_error *err)
{
    const int precision = hyl_type_precision(type);
    const int scale = hyl_type_scale(type);
    hyl_numeric fitted;
    hyl__numeric_fit fit = hyl__numeric_rescale(numeric, precision, scale, &fitted);
    return hyl__numeric_fail(fit, precision, scale, err);
}

static bool same_kind(hyl_type type, const hyl_value *value)
{
    return type.id == value->type ||
           (hyl__type_is_string(type.id) && hyl__type_is_string(value->type));
}

hyl_status hyl__value_check_kind(hyl_type type, const hyl_value *value, hyl_error *err)
{
    if (same_kind(type, value)) {
        return HYL_OK;
    }
    return hyl__fail(err, HYL_ERR_TYPE, "a value of type %s where %s is wanted",
                     hyl_type_name(value->type), hyl_type_name(type.id));
}

hyl_status hyl__value_check_range(hyl_type type, const hyl_value *value, hyl_error *err)
{
    bool in_range = true;
    switch (type.id) {
    case HYL_TYPE_DATE:
        in_range = hyl__date_in_range(value->as.i32);
        break;
    case HYL_TYPE_TIME:
        in_range = hyl__time_in_range(value->as.i64);
        break;
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        in_range = hyl__timestamp_in_range(value->as.i64);
        break;
    case HYL_TYPE_INTERVAL:
        in_range = value->as.interval.micros != INT64_MIN; /* the server refuses just this one */
        break;
    default:
        break;
    }
    return in_range ? HYL_OK : hyl__fail_range(type, err);
}

hyl_status hyl__value_check(hyl_type type, const hyl_value *value, hyl_error *err)
{
    HYL_TRY(hyl__value_check_kind(type, value, err));
    if (hyl__type_is_string(type.id)) {
        return check_string(type, value->as.str, err);
    }
    if (type.id == HYL_TYPE_NUMERIC) {
        return check_numeric(type, &value->as.numeric, err);
    }
    return hyl__value_check_range(type, value, err);
}

/* ---- Encoding -------------------------------------------------------------------------------- */

static void put_16(hyl_buf *out, uint16_t value)
{
    uint8_t bytes[2];
    hyl__store_le16(bytes, value);
    hyl_buf_append(out, bytes, sizeof bytes);
}

static void put_32(hyl_buf *out, uint32_t value)
{
    uint8_t bytes[4];
    hyl__store_le32(bytes, value);
    hyl_buf_append(out, bytes, sizeof bytes);
}

static void put_64(hyl_buf *out, uint64_t value)
{
    uint8_t bytes[8];
    hyl__store_le64(bytes, value);
    hyl_buf_append(out, bytes, sizeof bytes);
}

static void put_double(hyl_buf *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_64(out, bits);
}

static void put_float(hyl_buf *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_32(out, bits);
}

static void put_numeric(hyl_type type, const hyl_numeric *numeric, hyl_buf *out)
{
    hyl_numeric fitted = *numeric;
    if (numeric->scale != hyl_type_scale(type)) {
        /* The check before has found that it fits. */
        (void)hyl__numeric_rescale(numeric, hyl_type_precision(type), hyl_type_scale(type),
                                   &fitted);
    }
    put_64(out, fitted.lo);
    if (hyl_type_width(type) == 16) {
        put_64(out, (uint64_t)fitted.hi);
    }
}

static void put_interval(hyl_buf *out, hyl_interval interval)
{
    put_64(out, (uint64_t)interval.micros);
    put_32(out, (uint32_t)interval.days);
    put_32(out, (uint32_t)interval.months);
}

static void put_uuid(hyl_buf *out, const uint8_t uuid[16])
{
    uint8_t bytes[16];
    load_uuid(uuid, bytes); /* reversing undoes itself */
    hyl_buf_append(out, bytes, sizeof bytes);
}

static void put_fixed(hyl_type type, const hyl_value *value, hyl_buf *out)
{
    switch (type.id) {
    case HYL_TYPE_BOOL:
        hyl_buf_append_byte(out, value->as.boolean);
        break;
    case HYL_TYPE_SMALLINT:
        put_16(out, (uint16_t)value->as.i16);
        break;
    case HYL_TYPE_INT:
        put_32(out, (uint32_t)value->as.i32);
        break;
    case HYL_TYPE_OID:
        put_32(out, value->as.u32);
        break;
    case HYL_TYPE_REAL:
        put_float(out, value->as.f32);
        break;
    case HYL_TYPE_DOUBLE:
        put_double(out, value->as.f64);
        break;
    case HYL_TYPE_NUMERIC:
        put_numeric(type, &value->as.numeric, out);
        break;
    case HYL_TYPE_DATE:
        put_32(out, (uint32_t)(value->as.i32 + HYL__JULIAN_DAY_2000));
        break;
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        put_64(out, (uint64_t)value->as.i64 + HYL__JULIAN_MICROS_2000);
        break;
    case HYL_TYPE_INTERVAL:
        put_interval(out, value->as.interval);
        break;
    case HYL_TYPE_UUID:
        put_uuid(out, value->as.uuid);
        break;
    case HYL_TYPE_BIGINT:
    case HYL_TYPE_TIME:
    default:
        put_64(out, (uint64_t)value->as.i64);
        break;
    }
}

void hyl__hb_put(hyl_type type, const hyl_value *value, hyl_buf *out)
{
    if (hyl_type_width(type) != 0) {
        put_fixed(type, value, out);
    } else if (hyl__type_is_string(type.id)) {
        hyl_buf_append(out, value->as.str.data, value->as.str.len);
    } else {
        hyl_buf_append(out, value->as.bytes.data, value->as.bytes.len);
    }
}

hyl_status hyl_value_encode(hyl_type type, const hyl_value *value, hyl_buf *out, hyl_error *err)
{
    if (value->is_null) {
        return hyl__fail(err, HYL_ERR_NULLVAL, "NULL has no bytes");
    }
    if (type.id == HYL_TYPE_ARRAY) {
        return hyl__array_put(type, value, true, out, err);
    }
    HYL_TRY(hyl__value_check(type, value, err));
    hyl__hb_put(type, value, out);
    return hyl_buf_status(out) == HYL_OK ? HYL_OK : hyl__fail_nomem(err);
}
