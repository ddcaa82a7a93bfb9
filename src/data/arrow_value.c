#include "arrow_value.h"

#include <string.h>

/* ---- Floats of 16 bits --------------------------------------------------------------------- */

enum {
    HALF_SIGN = 0x8000,
    HALF_EXPONENT = 0x7c00,
    HALF_FRACTION = 0x03ff,
    FRACTION_SHIFT = 23 - 10, /* from one format's fraction to the other's */
    BIAS_DIFFERENCE = 127 - 15,
    FLOAT_INFINITE = 0x7f800000
};

float hyl__half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & HALF_SIGN) << 16;
    const uint32_t exponent = half & HALF_EXPONENT;
    const uint32_t fraction = half & HALF_FRACTION;
    float value = 0;
    uint32_t bits = 0;
    if (exponent == 0) { /* a subnormal: the fraction counts 2^-24 */
        value = (float)fraction * 0x1p-24F;
        return sign != 0 ? -value : value;
    }
    if (exponent == HALF_EXPONENT) {
        bits = sign | FLOAT_INFINITE | (fraction << FRACTION_SHIFT);
    } else {
        bits =
            sign | (((exponent | fraction) << FRACTION_SHIFT) + ((uint32_t)BIAS_DIFFERENCE << 23));
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- Indices ------------------------------------------------------------------------------- */

int64_t hyl__arrow_index_at(enum ArrowType type, const void *indices, int64_t i)
{
    switch (type) {
    case NANOARROW_TYPE_INT8:
        return ((const int8_t *)indices)[i];
    case NANOARROW_TYPE_UINT8:
        return ((const uint8_t *)indices)[i];
    case NANOARROW_TYPE_INT16:
        return ((const int16_t *)indices)[i];
    case NANOARROW_TYPE_UINT16:
        return ((const uint16_t *)indices)[i];
    case NANOARROW_TYPE_INT32:
        return ((const int32_t *)indices)[i];
    case NANOARROW_TYPE_UINT32:
        return ((const uint32_t *)indices)[i];
    default: /* 64 bits; what is too big for int64 is no index either */
        return ((const int64_t *)indices)[i];
    }
}
