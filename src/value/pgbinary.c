/*
 * PostgreSQL's binary format, as its type receive functions define it
 * (src/backend/utils/adt/{int,float,numeric,date,timestamp,arrayfuncs}.c).
 */
#include "pgbinary.h"

#include "array.h"
#include "base/endian.h"
#include "base/error.h"
#include "hyperbinary.h"
#include "numeric.h"

#include <string.h>

/* ---- Numeric --------------------------------------------------------------------------------- */

enum {
    NUMERIC_HEAD = 8, /* u16 groups, i16 weight, u16 sign, u16 display scale */
    MAX_GROUPS = 20,  /* of four digits each; 38 digits never need more than 11 */
    SIGN_POSITIVE = 0x0000,
    SIGN_NEGATIVE = 0x4000,
};

static hyl_status malformed(hyl_type type, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed binary value of type %s",
                     hyl_type_name(type.id));
}

/* Takes a group of base 10000 apart into its four digits; false where it is none. */
static bool split_group(uint16_t group, uint8_t digits[4])
{
    if (group > 9999) {
        return false;
    }
    digits[0] = (uint8_t)(group / 1000);
    digits[1] = (uint8_t)(group / 100 % 10);
    digits[2] = (uint8_t)(group / 10 % 10);
    digits[3] = (uint8_t)(group % 10);
    return true;
}

static hyl_status decode_numeric(hyl_type type, hyl_bytes bytes, hyl_numeric *out, hyl_error *err)
{
    if (bytes.len < NUMERIC_HEAD) {
        return malformed(type, err);
    }
    const size_t groups = hyl__load_be16(bytes.data);
    const int16_t weight = (int16_t)hyl__load_be16(bytes.data + 2);
    const uint16_t sign = hyl__load_be16(bytes.data + 4);
    if (bytes.len != NUMERIC_HEAD + 2 * groups ||
        (sign != SIGN_POSITIVE && sign != SIGN_NEGATIVE)) {
        return malformed(type, err);
    }
    if (groups > MAX_GROUPS) {
        return hyl__fail_range(type, err);
    }
    uint8_t digits[4 * MAX_GROUPS];
    for (size_t i = 0; i < groups; i++) {
        if (!split_group(hyl__load_be16(bytes.data + NUMERIC_HEAD + 2 * i), digits + 4 * i)) {
            return malformed(type, err);
        }
    }
    const int precision = hyl_type_precision(type);
    const int scale = hyl_type_scale(type);
    const int64_t exponent = 4 * ((int64_t)weight + 1 - (int64_t)groups);
    hyl__numeric_fit fit = hyl__numeric_from_digits(digits, 4 * groups, exponent,
                                                    sign == SIGN_NEGATIVE, precision, scale, out);
    return hyl__numeric_fail(fit, precision, scale, err);
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

enum {
    ARRAY_HEAD = 12,     /* i32 dimensions, i32 flags, u32 element OID */
    ARRAY_DIMENSION = 8, /* i32 length, i32 lower bound */
    ELEMENT_LENGTH = 4   /* i32, -1 for NULL */
};

/* Reads the heads: the number of elements, and moves `bytes` to the first of them. */
static bool take_array_head(hyl_bytes *bytes, uint32_t element_oid, uint32_t *count)
{
    if (bytes->len < ARRAY_HEAD || hyl__load_be32(bytes->data + 8) != element_oid) {
        return false;
    }
    const uint32_t dimensions = hyl__load_be32(bytes->data);
    size_t head = ARRAY_HEAD;
    *count = 0;
    if (dimensions == 1 && bytes->len >= ARRAY_HEAD + ARRAY_DIMENSION) {
        *count = hyl__load_be32(bytes->data + ARRAY_HEAD);
        head += ARRAY_DIMENSION;
    } else if (dimensions != 0) {
        return false;
    }
    bytes->data += head;
    bytes->len -= head;
    /* Each element has at least its length, which bounds what the count may make us reserve. */
    return *count <= bytes->len / ELEMENT_LENGTH;
}

static hyl_status take_element(hyl_bytes *bytes, hyl_type type, hyl_value *out, hyl_error *err)
{
    if (bytes->len < ELEMENT_LENGTH) {
        return malformed(type, err);
    }
    const uint32_t len = hyl__load_be32(bytes->data);
    bytes->data += ELEMENT_LENGTH;
    bytes->len -= ELEMENT_LENGTH;
    if (len == UINT32_MAX) {
        out->type = type.id;
        out->is_null = true;
        return HYL_OK;
    }
    if (len > bytes->len) {
        return malformed(type, err);
    }
    const hyl_bytes element = {bytes->data, len};
    bytes->data += len;
    bytes->len -= len;
    return hyl__pg_decode(type, element, NULL, out, err);
}

static hyl_status take_elements(hyl_bytes bytes, hyl__array_builder *builder, hyl_error *err)
{
    while (builder->next < builder->count) {
        hyl_value element;
        HYL_TRY(take_element(&bytes, builder->element, &element, err));
        HYL_TRY(hyl__array_add(builder, &element, err));
    }
    if (bytes.len != 0) {
        return malformed(builder->element, err);
    }
    return hyl__array_built(builder, err);
}

hyl_status hyl__array_from_pgbinary(hyl_type type, hyl_bytes bytes, hyl_buf *scratch,
                                    hyl_value *out, hyl_error *err)
{
    uint32_t count;
    if (!take_array_head(&bytes, hyl_type_element(type).oid, &count)) {
        return malformed(type, err);
    }
    hyl__array_builder builder;
    hyl__array_build(&builder, type, count, true, scratch);
    hyl_status status = take_elements(bytes, &builder, err);
    if (status != HYL_OK) {
        hyl__array_undo(&builder);
        return status;
    }
    out->as.bytes = hyl__array_payload(&builder);
    return HYL_OK;
}

/* ---- Fixed width ----------------------------------------------------------------------------- */

static double load_f64(const uint8_t *from)
{
    uint64_t bits = hyl__load_be64(from);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float load_f32(const uint8_t *from)
{
    uint32_t bits = hyl__load_be32(from);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static hyl_interval load_interval(const uint8_t *from)
{
    hyl_interval interval;
    interval.micros = (int64_t)hyl__load_be64(from);
    interval.days = (int32_t)hyl__load_be32(from + 8);
    interval.months = (int32_t)hyl__load_be32(from + 12);
    return interval;
}

/* A value of fixed width, whose length has been checked. */
static void load_fixed(hyl_type type, const uint8_t *from, hyl_value *out)
{
    switch (type.id) {
    case HYL_TYPE_BOOL:
        out->as.boolean = *from != 0;
        break;
    case HYL_TYPE_SMALLINT:
        out->as.i16 = (int16_t)hyl__load_be16(from);
        break;
    case HYL_TYPE_INT:
    case HYL_TYPE_DATE:
        out->as.i32 = (int32_t)hyl__load_be32(from);
        break;
    case HYL_TYPE_OID:
        out->as.u32 = hyl__load_be32(from);
        break;
    case HYL_TYPE_REAL:
        out->as.f32 = load_f32(from);
        break;
    case HYL_TYPE_DOUBLE:
        out->as.f64 = load_f64(from);
        break;
    case HYL_TYPE_INTERVAL:
        out->as.interval = load_interval(from);
        break;
    case HYL_TYPE_UUID:
        memcpy(out->as.uuid, from, sizeof out->as.uuid);
        break;
    case HYL_TYPE_BIGINT:
    case HYL_TYPE_TIME:
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
    default:
        out->as.i64 = (int64_t)hyl__load_be64(from);
        break;
    }
}

static hyl_status decode_fixed(hyl_type type, hyl_bytes bytes, hyl_value *out, hyl_error *err)
{
    if (bytes.len != hyl_type_width(type) || (type.id == HYL_TYPE_BOOL && *bytes.data > 1)) {
        return malformed(type, err);
    }
    load_fixed(type, bytes.data, out);
    return hyl__value_check_range(type, out, err);
}

hyl_status hyl__pg_decode(hyl_type type, hyl_bytes bytes, hyl_buf *scratch, hyl_value *out,
                          hyl_error *err)
{
    out->type = type.id;
    out->is_null = false;
    switch (type.id) {
    case HYL_TYPE_NUMERIC:
        return decode_numeric(type, bytes, &out->as.numeric, err);
    case HYL_TYPE_ARRAY:
        if (scratch == NULL) {
            return hyl__fail(err, HYL_ERR_ARG, "no buffer to decode into");
        }
        out->no_null_bits = false;
        return hyl__array_from_pgbinary(type, bytes, scratch, out, err);
    case HYL_TYPE_GEOGRAPHY:
        return hyl__fail(err, HYL_ERR_UNSUPPORTED, "geography has no binary format");
    default:
        break;
    }
    if (hyl_type_width(type) > 0) {
        return decode_fixed(type, bytes, out, err);
    }
    return hyl__hb_decode(type, bytes, out, err); /* strings and bytes are the same */
}
