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

hyl_status hyl__pg_malformed(hyl_type type, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed binary value of type %s",
                     hyl_type_name(type.id));
}

/* ---- Numeric --------------------------------------------------------------------------------- */

enum {
    NUMERIC_HEAD = 8, /* u16 groups, i16 weight, u16 sign, u16 display scale */
    MAX_GROUPS = 20,  /* of four digits each; 38 digits never need more than 11 */
    LARGEST_GROUP = 9999,
    SIGN_POSITIVE = 0x0000,
    SIGN_NEGATIVE = 0x4000,
    SIGN_NAN = 0xC000,
    SIGN_INFINITY = 0xD000,
    SIGN_MINUS_INFINITY = 0xF000,
};

const char *hyl__pg_numeric_special(const hyl__pg_numeric *numeric)
{
    switch (numeric->sign) {
    case SIGN_NAN:
        return "NaN";
    case SIGN_INFINITY:
        return "Infinity";
    case SIGN_MINUS_INFINITY:
        return "-Infinity";
    default:
        return NULL;
    }
}

static bool groups_valid(const hyl__pg_numeric *numeric)
{
    for (size_t i = 0; i < numeric->count; i++) {
        if (hyl__load_be16(numeric->groups + 2 * i) > LARGEST_GROUP) {
            return false;
        }
    }
    return true;
}

hyl_status hyl__pg_numeric_read(hyl_type type, hyl_bytes bytes, hyl__pg_numeric *out,
                                hyl_error *err)
{
    if (bytes.len < NUMERIC_HEAD) {
        return hyl__pg_malformed(type, err);
    }
    out->groups = bytes.data + NUMERIC_HEAD;
    out->count = hyl__load_be16(bytes.data);
    out->weight = (int16_t)hyl__load_be16(bytes.data + 2);
    out->sign = hyl__load_be16(bytes.data + 4);
    out->scale = hyl__load_be16(bytes.data + 6);
    out->negative = out->sign == SIGN_NEGATIVE;
    bool special = hyl__pg_numeric_special(out) != NULL;
    if (bytes.len != NUMERIC_HEAD + 2 * out->count || !groups_valid(out) ||
        (special && out->count > 0) ||
        (!special && out->sign != SIGN_POSITIVE && out->sign != SIGN_NEGATIVE)) {
        return hyl__pg_malformed(type, err);
    }
    return HYL_OK;
}

/* Takes a group of base 10000 apart into its four digits. */
static void split_group(uint16_t group, uint8_t digits[4])
{
    digits[0] = (uint8_t)(group / 1000);
    digits[1] = (uint8_t)(group / 100 % 10);
    digits[2] = (uint8_t)(group / 10 % 10);
    digits[3] = (uint8_t)(group % 10);
}

/* A type without a modifier leaves the scale to each value. */
static hyl_status decode_numeric(hyl_type type, hyl_bytes bytes, hyl_numeric *out, hyl_error *err)
{
    hyl__pg_numeric numeric;
    uint8_t digits[4 * MAX_GROUPS];
    int precision = HYL__NUMERIC_MAX_PRECISION;
    int scale = 0;
    HYL_TRY(hyl__pg_numeric_read(type, bytes, &numeric, err));
    bool bounded = hyl__numeric_bounds(type, &precision, &scale);
    if (!bounded) {
        scale = numeric.scale;
    }
    if (hyl__pg_numeric_special(&numeric) != NULL || numeric.count > MAX_GROUPS ||
        scale > precision) {
        return hyl__fail_range(type, err);
    }
    for (size_t i = 0; i < numeric.count; i++) {
        split_group(hyl__load_be16(numeric.groups + 2 * i), digits + 4 * i);
    }
    const int64_t exponent = 4 * ((int64_t)numeric.weight + 1 - (int64_t)numeric.count);
    hyl__numeric_fit fit = hyl__numeric_from_digits(digits, 4 * numeric.count, exponent,
                                                    numeric.negative, precision, scale, out);
    return hyl__numeric_fail(fit, precision, scale, err);
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

enum {
    ARRAY_HEAD = 12,     /* i32 dimensions, i32 flags, u32 element OID */
    ARRAY_DIMENSION = 8, /* i32 length, i32 lower bound */
    ELEMENT_LENGTH = 4   /* i32, -1 for NULL */
};

static void skip(hyl_bytes *bytes, size_t len)
{
    bytes->data += len;
    bytes->len -= len;
}

hyl_status hyl__pg_array_open(hyl_type type, hyl_bytes *bytes, hyl__pg_array *out, hyl_error *err)
{
    out->element = hyl_type_element(type);
    if (bytes->len < ARRAY_HEAD || hyl__load_be32(bytes->data + 8) != out->element.oid) {
        return hyl__pg_malformed(type, err);
    }
    out->dimensions = hyl__load_be32(bytes->data);
    skip(bytes, ARRAY_HEAD);
    if (out->dimensions > HYL__PG_MAX_DIMENSIONS ||
        bytes->len < (size_t)ARRAY_DIMENSION * out->dimensions) {
        return hyl__pg_malformed(type, err);
    }
    for (uint32_t i = 0; i < out->dimensions; i++) {
        out->lengths[i] = hyl__load_be32(bytes->data);
        out->lower[i] = (int32_t)hyl__load_be32(bytes->data + 4);
        skip(bytes, ARRAY_DIMENSION);
        /*
         * Each element has at least its length, which bounds what a count may make us reserve.
         * Hyper's empty arrays have one dimension.
         */
        if ((out->lengths[i] == 0 && out->dimensions > 1) ||
            out->lengths[i] > bytes->len / ELEMENT_LENGTH) {
            return hyl__pg_malformed(type, err);
        }
    }
    return HYL_OK;
}

bool hyl__pg_array_take(hyl_bytes *bytes, hyl_bytes *element)
{
    if (bytes->len < ELEMENT_LENGTH) {
        return false;
    }
    const uint32_t len = hyl__load_be32(bytes->data);
    skip(bytes, ELEMENT_LENGTH);
    *element = (hyl_bytes){NULL, 0};
    if (len == UINT32_MAX) {
        return true;
    }
    if (len > bytes->len) {
        return false;
    }
    *element = (hyl_bytes){bytes->data, len};
    skip(bytes, len);
    return true;
}

static hyl_status take_element(hyl_bytes *bytes, hyl_type type, hyl_value *out, hyl_error *err)
{
    hyl_bytes element;
    if (!hyl__pg_array_take(bytes, &element)) {
        return hyl__pg_malformed(type, err);
    }
    if (element.data == NULL) {
        out->type = type.id;
        out->is_null = true;
        return HYL_OK;
    }
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
        return hyl__pg_malformed(builder->element, err);
    }
    return hyl__array_built(builder, err);
}

hyl_status hyl__array_from_pgbinary(hyl_type type, hyl_bytes bytes, hyl_buf *scratch,
                                    hyl_value *out, hyl_error *err)
{
    hyl__pg_array array;
    hyl__array_builder builder;
    HYL_TRY(hyl__pg_array_open(type, &bytes, &array, err));
    if (array.dimensions > 1) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                         "an array of %d dimensions: only its text can be had",
                         (int)array.dimensions);
    }
    hyl__array_build(&builder, type, array.dimensions > 0 ? array.lengths[0] : 0, true, scratch);
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
        return hyl__pg_malformed(type, err);
    }
    load_fixed(type, bytes.data, out);
    return hyl__value_check_range(type, out, err);
}

/* ---- Any type -------------------------------------------------------------------------------- */

hyl_status hyl__pg_strip_version(hyl_type type, hyl_bytes *bytes, hyl_error *err)
{
    if (type.id != HYL_TYPE_JSON || type.oid != HYL__OID_JSONB) {
        return HYL_OK;
    }
    if (bytes->len == 0 || *bytes->data != 1) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "jsonb of a version that is not known");
    }
    skip(bytes, 1);
    return HYL_OK;
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
    HYL_TRY(hyl__pg_strip_version(type, &bytes, err));
    return hyl__hb_decode(type, bytes, out, err); /* strings and bytes are the same */
}
