/* The type table: what is derived from HYL_TYPE_MAP. */
#include <hyperline/types.h>

#include "hyperbinary.h"
#include "numeric.h"

typedef struct type_entry {
    const char *name;
    uint32_t oid;
    uint32_t array_oid;
    size_t width;
} type_entry;

static const type_entry types[HYL_TYPE_COUNT] = {
#define TYPE_ENTRY(name, oid, array_oid, width, sql) \
    [HYL_TYPE_##name] = {sql, oid, array_oid, width},
    HYL_TYPE_MAP(TYPE_ENTRY)
#undef TYPE_ENTRY
        [HYL_TYPE_UNKNOWN] = {"unknown", 0, 0, 0},
    [HYL_TYPE_ARRAY] = {"array", 0, 0, 0},
};

enum {
    TYPMOD_OFFSET = 4, /* a modifier counts itself, as PostgreSQL's do */
    MAX_PRECISION = 38,
    MAX_PRECISION_IN_8_BYTES = 18,
};

hyl_type hyl_type_from_oid(uint32_t oid, int32_t typmod)
{
    hyl_type type = {HYL_TYPE_UNKNOWN, HYL_TYPE_UNKNOWN, oid, typmod, false};
    switch (oid) {
#define CASE(name, scalar_oid, array_oid, width, sql) \
    case scalar_oid:                                  \
        type.id = HYL_TYPE_##name;                    \
        break;                                        \
    case array_oid:                                   \
        type.id = HYL_TYPE_ARRAY;                     \
        type.element = HYL_TYPE_##name;               \
        break;
        HYL_TYPE_MAP(CASE)
#undef CASE
    case HYL__OID_JSONB:
        type.id = HYL_TYPE_JSON;
        break;
    case HYL__OID_JSONB_ARRAY:
        type.id = HYL_TYPE_ARRAY;
        type.element = HYL_TYPE_JSON;
        break;
    default:
        break;
    }
    return type;
}

static bool in_table(hyl_type_id id)
{
    return id > HYL_TYPE_UNKNOWN && id < HYL_TYPE_COUNT;
}

hyl_type hyl_type_of(hyl_type_id id)
{
    uint32_t oid = in_table(id) ? types[id].oid : 0;
    hyl_type type = {id, HYL_TYPE_UNKNOWN, oid, -1, false};
    return type;
}

hyl_type hyl_type_numeric(int precision, int scale)
{
    hyl_type type = hyl_type_of(HYL_TYPE_NUMERIC);
    type.typmod = ((precision << 16) | scale) + TYPMOD_OFFSET;
    return type;
}

hyl_type hyl_type_element(hyl_type type)
{
    hyl_type element = hyl_type_of(type.id == HYL_TYPE_ARRAY ? type.element : HYL_TYPE_UNKNOWN);
    element.typmod = type.typmod;
    if (type.oid == HYL__OID_JSONB_ARRAY) {
        element.oid = HYL__OID_JSONB;
    }
    return element;
}

hyl_type hyl__type_array_of(hyl_type element)
{
    return hyl_type_from_oid(in_table(element.id) ? types[element.id].array_oid : 0,
                             element.typmod);
}

bool hyl__numeric_bounds(hyl_type type, int *precision, int *scale)
{
    if (type.id != HYL_TYPE_NUMERIC || type.typmod < TYPMOD_OFFSET) {
        return false;
    }
    const int digits = (type.typmod - TYPMOD_OFFSET) >> 16;
    const int decimals = (type.typmod - TYPMOD_OFFSET) & 0xffff;
    if (digits < 1 || digits > MAX_PRECISION || decimals > digits) {
        return false;
    }
    *precision = digits;
    *scale = decimals;
    return true;
}

int hyl_type_precision(hyl_type type)
{
    int precision = 0;
    int scale = 0;
    if (type.id != HYL_TYPE_NUMERIC) {
        return 0;
    }
    return hyl__numeric_bounds(type, &precision, &scale) ? precision : MAX_PRECISION;
}

int hyl_type_scale(hyl_type type)
{
    int precision = 0;
    int scale = 0;
    return hyl__numeric_bounds(type, &precision, &scale) ? scale : 0;
}

int hyl_type_max_length(hyl_type type)
{
    bool bounded = type.id == HYL_TYPE_VARCHAR || type.id == HYL_TYPE_CHAR;
    return bounded && type.typmod > TYPMOD_OFFSET ? type.typmod - TYPMOD_OFFSET : 0;
}

size_t hyl_type_width(hyl_type type)
{
    if (type.id == HYL_TYPE_NUMERIC) {
        return hyl_type_precision(type) <= MAX_PRECISION_IN_8_BYTES ? 8 : 16;
    }
    return in_table(type.id) ? types[type.id].width : 0;
}

const char *hyl_type_name(hyl_type_id id)
{
    return types[in_table(id) ? id : HYL_TYPE_UNKNOWN].name;
}

static void format_scalar(hyl_type type, hyl_buf *out)
{
    int precision = 0;
    int scale = 0;
    int max_length = hyl_type_max_length(type);
    hyl_buf_append_str(out, hyl_type_name(type.id));
    if (hyl__numeric_bounds(type, &precision, &scale)) {
        hyl_buf_printf(out, "(%d,%d)", precision, scale);
    } else if (max_length > 0) {
        hyl_buf_printf(out, "(%d)", max_length);
    } else if (type.id == HYL_TYPE_UNKNOWN) {
        hyl_buf_printf(out, "(%lu)", (unsigned long)type.oid);
    }
}

void hyl_type_format(hyl_type type, hyl_buf *out)
{
    if (type.id != HYL_TYPE_ARRAY) {
        format_scalar(type, out);
        return;
    }
    hyl_buf_append_str(out, "array(");
    format_scalar(hyl_type_element(type), out);
    hyl_buf_append_str(out, type.element_not_null ? " not null)" : ")");
}
