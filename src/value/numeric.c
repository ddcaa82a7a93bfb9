#include "numeric.h"

#include "base/error.h"
#include "decimal.h"
#include "int128.h"
#include "text_write.h"

#include <string.h>

#define TEN_TO_THE_18 UINT64_C(1000000000000000000)

hyl__u128 hyl__pow10_u128(unsigned exponent)
{
    return exponent <= 19 ? hyl__pow10[exponent]
                          : (hyl__u128)hyl__pow10[19] * hyl__pow10[exponent - 19];
}

/* ---- Fitting --------------------------------------------------------------------------------- */

hyl_status hyl__numeric_fail(hyl__numeric_fit fit, int precision, int scale, hyl_error *err)
{
    switch (fit) {
    case HYL__FIT_TOO_BIG:
        return hyl__fail(err, HYL_ERR_RANGE, "the number is too big for numeric(%d,%d)", precision,
                         scale);
    case HYL__FIT_LOSES_DIGITS:
        return hyl__fail(err, HYL_ERR_RANGE,
                         "the number has more than the %d decimals of numeric(%d,%d)", scale,
                         precision, scale);
    case HYL__FIT_OK:
    default:
        return HYL_OK;
    }
}

static void set(hyl_numeric *out, hyl__u128 magnitude, bool negative, int precision, int scale)
{
    hyl__numeric_set(out, magnitude, negative);
    out->precision = (uint8_t)precision;
    out->scale = (uint8_t)scale;
}

hyl__numeric_fit hyl__numeric_from_digits(const uint8_t *digits, size_t count, int64_t exponent,
                                          bool negative, int precision, int scale, hyl_numeric *out)
{
    const hyl__u128 limit = hyl__pow10_u128((unsigned)precision);
    int64_t power = exponent + scale + (int64_t)count; /* of ten, of the digit before the next */
    hyl__u128 magnitude = 0;
    for (size_t i = 0; i < count; i++) {
        power--;
        if (power < 0) {
            if (digits[i] != 0) {
                return HYL__FIT_LOSES_DIGITS;
            }
            continue;
        }
        magnitude = magnitude * 10 + digits[i];
        if (magnitude >= limit) {
            return HYL__FIT_TOO_BIG;
        }
    }
    for (; power > 0 && magnitude != 0; power--) {
        magnitude *= 10;
        if (magnitude >= limit) {
            return HYL__FIT_TOO_BIG;
        }
    }
    set(out, magnitude, negative, precision, scale);
    return HYL__FIT_OK;
}

hyl__numeric_fit hyl__numeric_rescale(const hyl_numeric *numeric, int precision, int scale,
                                      hyl_numeric *out)
{
    const hyl__u128 limit = hyl__pow10_u128((unsigned)precision);
    hyl__u128 magnitude = hyl__numeric_magnitude(numeric);
    for (int from = numeric->scale; from > scale && magnitude != 0; from--) {
        if (magnitude % 10 != 0) {
            return HYL__FIT_LOSES_DIGITS;
        }
        magnitude /= 10;
    }
    for (int from = numeric->scale; from < scale && magnitude != 0 && magnitude < limit; from++) {
        magnitude *= 10;
    }
    if (magnitude >= limit) {
        return HYL__FIT_TOO_BIG;
    }
    set(out, magnitude, hyl__numeric_negative(numeric), precision, scale);
    return HYL__FIT_OK;
}

/* ---- Parsing --------------------------------------------------------------------------------- */

hyl_status hyl_numeric_parse(hyl_str text, int precision, int scale, hyl_numeric *out,
                             hyl_error *err)
{
    if (precision < 1 || precision > HYL__NUMERIC_MAX_PRECISION || scale < 0 || scale > precision) {
        return hyl__fail(err, HYL_ERR_ARG, "there is no numeric(%d,%d)", precision, scale);
    }
    hyl__decimal decimal;
    switch (hyl__decimal_parse(text, &decimal)) {
    case HYL__DECIMAL_OK:
        break;
    case HYL__DECIMAL_TOO_LONG:
        return hyl__fail(err, HYL_ERR_RANGE, "the number has too many digits");
    case HYL__DECIMAL_NONE:
    default:
        return hyl__fail(err, HYL_ERR_ARG, "not a decimal number: '%.*s'",
                         (int)(text.len < 60 ? text.len : 60), text.len > 0 ? text.data : "");
    }
    hyl__numeric_fit fit = hyl__numeric_from_digits(decimal.digits, decimal.count, decimal.exponent,
                                                    decimal.negative, precision, scale, out);
    return hyl__numeric_fail(fit, precision, scale, err);
}

/* ---- Formatting ------------------------------------------------------------------------------ */

/* The decimal digits of a 128-bit number, without zeros in front ("0" for zero). */
static char *write_magnitude(char *to, hyl__u128 magnitude)
{
    if (magnitude <= UINT64_MAX) {
        return hyl__write_u64(to, (uint64_t)magnitude);
    }
    to = write_magnitude(to, magnitude / TEN_TO_THE_18);
    return hyl__write_padded(to, (uint64_t)(magnitude % TEN_TO_THE_18), 18);
}

char *hyl__write_numeric(char *to, const hyl_numeric *numeric)
{
    char digits[48];
    size_t len = (size_t)(write_magnitude(digits, hyl__numeric_magnitude(numeric)) - digits);
    size_t scale = numeric->scale;
    if (hyl__numeric_negative(numeric)) {
        *to++ = '-';
    }
    size_t whole = len > scale ? len - scale : 0;
    if (whole > 0) {
        memcpy(to, digits, whole);
        to += whole;
    } else {
        *to++ = '0';
    }
    if (scale > 0) {
        *to++ = '.';
        size_t zeros = scale - (len - whole);
        memset(to, '0', zeros);
        to += zeros;
        memcpy(to, digits + whole, len - whole);
        to += len - whole;
    }
    return to;
}

void hyl_numeric_format(const hyl_numeric *numeric, hyl_buf *out)
{
    char *to = hyl__buf_claim(out, HYL__NUMERIC_TEXT_MAX);
    if (to != NULL) {
        hyl__buf_commit(out, hyl__write_numeric(to, numeric));
    }
}

/* ---- Conversions ----------------------------------------------------------------------------- */

double hyl_numeric_to_double(const hyl_numeric *numeric)
{
    char text[48];
    hyl__decimal decimal;
    size_t len = (size_t)(write_magnitude(text, hyl__numeric_magnitude(numeric)) - text);
    for (size_t i = 0; i < len; i++) {
        decimal.digits[i] = (uint8_t)(text[i] - '0');
    }
    decimal.count = len;
    decimal.exponent = -(int64_t)numeric->scale;
    decimal.negative = hyl__numeric_negative(numeric);
    return hyl__decimal_to_double(&decimal);
}

hyl_status hyl_numeric_to_i64(const hyl_numeric *numeric, int64_t *out)
{
    hyl_numeric whole;
    if (hyl__numeric_rescale(numeric, HYL__NUMERIC_MAX_PRECISION, 0, &whole) != HYL__FIT_OK) {
        return HYL_ERR_RANGE;
    }
    /* It fits where the upper half is nothing but the lower half's sign. */
    if (whole.hi != ((int64_t)whole.lo < 0 ? -1 : 0)) {
        return HYL_ERR_RANGE;
    }
    *out = (int64_t)whole.lo;
    return HYL_OK;
}
