/* Numerics: 128-bit integers with a scale. */
#ifndef HYL_VALUE_NUMERIC_H
#define HYL_VALUE_NUMERIC_H

#include <hyperline/types.h>

enum {
    HYL__NUMERIC_MAX_PRECISION = 38,
    /* Sign, 39 digits of any 128-bit number, a leading zero, the point, and scales up to 255. */
    HYL__NUMERIC_TEXT_MAX = 300,
};

/* A numeric's precision and scale; false, and neither, where its modifier says none that Hyper has. */
bool hyl__numeric_bounds(hyl_type type, int *precision, int *scale);

/* Why a number does not become a numeric(precision, scale). */
typedef enum hyl__numeric_fit {
    HYL__FIT_OK,
    HYL__FIT_TOO_BIG,     /* more digits before the point than there is room for */
    HYL__FIT_LOSES_DIGITS /* digits other than zero beyond the scale */
} hyl__numeric_fit;

/*
 * A decimal number as written: `digits` (values 0..9, not characters) times 10^exponent. Fits it
 * into numeric(precision, scale).
 */
hyl__numeric_fit hyl__numeric_from_digits(const uint8_t *digits, size_t count, int64_t exponent,
                                          bool negative, int precision, int scale,
                                          hyl_numeric *out);

/* Fits a numeric into another precision and scale. */
hyl__numeric_fit hyl__numeric_rescale(const hyl_numeric *numeric, int precision, int scale,
                                      hyl_numeric *out);

/* Says in `err` why a number does not fit. */
hyl_status hyl__numeric_fail(hyl__numeric_fit fit, int precision, int scale, hyl_error *err);

/* Writes the number with exactly `scale` decimals; `to` has room for HYL__NUMERIC_TEXT_MAX. Returns
 * the end. */
char *hyl__write_numeric(char *to, const hyl_numeric *numeric);

#endif
