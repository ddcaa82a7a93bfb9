#include "text_parse.h"

#include "array.h"
#include "base/error.h"
#include "datetime_text.h"
#include "decimal.h"
#include "hyperbinary.h"
#include "numeric.h"

#include <math.h>
#include <string.h>

static hyl_status not_a(hyl_type type, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "not the text of a value of type %s",
                     hyl_type_name(type.id));
}

static bool equals(hyl_str text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

static hyl_status parse_bool(hyl_type type, hyl_str text, bool *out, hyl_error *err)
{
    *out = equals(text, "t");
    return *out || equals(text, "f") ? HYL_OK : not_a(type, err);
}

/* ---- Whole numbers --------------------------------------------------------------------------- */

static hyl_status parse_whole(hyl_type type, hyl_str text, int64_t min, int64_t max, int64_t *out,
                              hyl_error *err)
{
    const bool negative = text.len > 0 && text.data[0] == '-';
    size_t at = negative;
    int64_t value = 0;
    if (at == text.len) {
        return not_a(type, err);
    }
    for (; at < text.len; at++) {
        const int digit = text.data[at] - '0';
        if (digit < 0 || digit > 9) {
            return not_a(type, err);
        }
        /* Counted downwards: the smallest number has no positive counterpart. */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value)) {
            return hyl__fail_range(type, err);
        }
    }
    if (!negative && __builtin_sub_overflow(0, value, &value)) {
        return hyl__fail_range(type, err);
    }
    *out = value;
    return value >= min && value <= max ? HYL_OK : hyl__fail_range(type, err);
}

static hyl_status parse_integer(hyl_type type, hyl_str text, hyl_value *out, hyl_error *err)
{
    int64_t value = 0;
    switch (type.id) {
    case HYL_TYPE_SMALLINT:
        HYL_TRY(parse_whole(type, text, INT16_MIN, INT16_MAX, &value, err));
        out->as.i16 = (int16_t)value;
        return HYL_OK;
    case HYL_TYPE_INT:
        HYL_TRY(parse_whole(type, text, INT32_MIN, INT32_MAX, &value, err));
        out->as.i32 = (int32_t)value;
        return HYL_OK;
    case HYL_TYPE_OID:
        HYL_TRY(parse_whole(type, text, 0, UINT32_MAX, &value, err));
        out->as.u32 = (uint32_t)value;
        return HYL_OK;
    case HYL_TYPE_BIGINT:
    default:
        return parse_whole(type, text, INT64_MIN, INT64_MAX, &out->as.i64, err);
    }
}

/* ---- Other numbers --------------------------------------------------------------------------- */

/* NaN and the infinities. */
static bool parse_special(hyl_str text, double *out)
{
    if (equals(text, "NaN")) {
        *out = (double)NAN;
    } else if (equals(text, "Infinity")) {
        *out = (double)INFINITY;
    } else if (equals(text, "-Infinity")) {
        *out = (double)-INFINITY;
    } else {
        return false;
    }
    return true;
}

static hyl_status parse_double(hyl_type type, hyl_str text, double *out, hyl_error *err)
{
    hyl__decimal decimal;
    if (parse_special(text, out)) {
        return HYL_OK;
    }
    if (hyl__decimal_parse(text, &decimal) != HYL__DECIMAL_OK) {
        return not_a(type, err);
    }
    *out = hyl__decimal_to_double(&decimal);
    return isinf(*out) ? hyl__fail_range(type, err) : HYL_OK;
}

static hyl_status parse_real(hyl_type type, hyl_str text, float *out, hyl_error *err)
{
    double special;
    hyl__decimal decimal;
    if (parse_special(text, &special)) {
        *out = (float)special;
        return HYL_OK;
    }
    if (hyl__decimal_parse(text, &decimal) != HYL__DECIMAL_OK) {
        return not_a(type, err);
    }
    *out = hyl__decimal_to_float(&decimal);
    return isinf(*out) ? hyl__fail_range(type, err) : HYL_OK;
}

/* How many decimals a number is written with. */
static int count_decimals(hyl_str text)
{
    const char *point = text.len > 0 ? memchr(text.data, '.', text.len) : NULL;
    const char *at = point != NULL ? point + 1 : NULL;
    int count = 0;
    while (at != NULL && at < text.data + text.len && *at >= '0' && *at <= '9' &&
           count <= HYL__NUMERIC_MAX_PRECISION) {
        at++;
        count++;
    }
    return count;
}

/* A type without a modifier, as PostgreSQL has it, leaves the scale to each value. */
static hyl_status parse_numeric(hyl_type type, hyl_str text, hyl_numeric *out, hyl_error *err)
{
    double special;
    int precision = HYL__NUMERIC_MAX_PRECISION;
    int scale = 0;
    if (!hyl__numeric_bounds(type, &precision, &scale)) {
        scale = count_decimals(text);
    }
    if (scale > precision || parse_special(text, &special)) {
        return hyl__fail_range(type, err);
    }
    hyl_status status = hyl_numeric_parse(text, precision, scale, out, err);
    return status == HYL_ERR_ARG ? not_a(type, err) : status;
}

/* ---- Dates and times ------------------------------------------------------------------------- */

static hyl_status parse_temporal(hyl_type type, hyl_str text, hyl_value *out, hyl_error *err)
{
    hyl_status status;
    if (equals(text, "infinity") || equals(text, "-infinity")) {
        return hyl__fail_range(type, err);
    }
    switch (type.id) {
    case HYL_TYPE_DATE:
        status = hyl__parse_date(text, &out->as.i32);
        break;
    case HYL_TYPE_TIME:
        status = hyl__parse_time(text, &out->as.i64);
        break;
    case HYL_TYPE_TIMESTAMP:
        status = hyl__parse_timestamp(text, &out->as.i64);
        break;
    case HYL_TYPE_TIMESTAMPTZ:
        status = hyl__parse_timestamptz(text, &out->as.i64);
        break;
    case HYL_TYPE_INTERVAL:
    default:
        status = hyl__parse_interval(text, &out->as.interval);
        break;
    }
    if (status == HYL_ERR_RANGE) {
        return hyl__fail_range(type, err);
    }
    return status == HYL_OK ? HYL_OK : not_a(type, err);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* -1 where it is no hexadecimal digit. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Two digits a byte; false where there is anything else. */
static bool decode_hex(const char *from, size_t count, uint8_t *to)
{
    for (size_t i = 0; i < count; i++) {
        const int high = hex_digit(from[2 * i]);
        const int low = hex_digit(from[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        to[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static hyl_status parse_bytes(hyl_type type, hyl_str text, hyl_buf *scratch, hyl_bytes *out,
                              hyl_error *err)
{
    if (text.len < 2 || text.len % 2 != 0 || memcmp(text.data, "\\x", 2) != 0) {
        return not_a(type, err);
    }
    const size_t count = text.len / 2 - 1;
    if (scratch->failed || hyl_buf_reserve(scratch, count) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    if (count > 0 && !decode_hex(text.data + 2, count, scratch->data + scratch->len)) {
        return not_a(type, err);
    }
    *out = (hyl_bytes){count > 0 ? scratch->data + scratch->len : NULL, count};
    scratch->len += count;
    return HYL_OK;
}

static hyl_status parse_uuid(hyl_type type, hyl_str text, uint8_t uuid[16], hyl_error *err)
{
    static const uint8_t bytes_in_group[] = {4, 2, 2, 2, 6};
    if (text.len != 36) {
        return not_a(type, err);
    }
    const char *at = text.data;
    for (size_t group = 0; group < sizeof bytes_in_group; group++) {
        if (group > 0 && *at++ != '-') {
            return not_a(type, err);
        }
        if (!decode_hex(at, bytes_in_group[group], uuid)) {
            return not_a(type, err);
        }
        at += 2 * bytes_in_group[group];
        uuid += bytes_in_group[group];
    }
    return HYL_OK;
}

/* ---- Any type -------------------------------------------------------------------------------- */

static hyl_status need_scratch(const hyl_buf *scratch, hyl_error *err)
{
    return scratch != NULL ? HYL_OK : hyl__fail(err, HYL_ERR_ARG, "no buffer to decode into");
}

hyl_status hyl__text_decode(hyl_type type, hyl_str text, hyl_buf *scratch, hyl_value *out,
                            hyl_error *err)
{
    out->type = type.id;
    out->is_null = false;
    switch (type.id) {
    case HYL_TYPE_BOOL:
        return parse_bool(type, text, &out->as.boolean, err);
    case HYL_TYPE_SMALLINT:
    case HYL_TYPE_INT:
    case HYL_TYPE_BIGINT:
    case HYL_TYPE_OID:
        return parse_integer(type, text, out, err);
    case HYL_TYPE_REAL:
        return parse_real(type, text, &out->as.f32, err);
    case HYL_TYPE_DOUBLE:
        return parse_double(type, text, &out->as.f64, err);
    case HYL_TYPE_NUMERIC:
        return parse_numeric(type, text, &out->as.numeric, err);
    case HYL_TYPE_DATE:
    case HYL_TYPE_TIME:
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
    case HYL_TYPE_INTERVAL:
        return parse_temporal(type, text, out, err);
    case HYL_TYPE_UUID:
        return parse_uuid(type, text, out->as.uuid, err);
    case HYL_TYPE_BYTES:
        HYL_TRY(need_scratch(scratch, err));
        return parse_bytes(type, text, scratch, &out->as.bytes, err);
    case HYL_TYPE_ARRAY:
        HYL_TRY(need_scratch(scratch, err));
        out->no_null_bits = false;
        return hyl__array_parse(type, text, scratch, out, err);
    case HYL_TYPE_GEOGRAPHY:
        return hyl__fail(err, HYL_ERR_TYPE, "geography cannot be decoded from text");
    default:
        /* Strings; an unknown type's text is its bytes: both in the shape of HyperBinary. */
        return hyl__hb_decode(type, (hyl_bytes){(const uint8_t *)text.data, text.len}, out, err);
    }
}
