/* Decimal numbers as they are written, and the doubles and reals nearest to them. */
#ifndef HYL_VALUE_DECIMAL_H
#define HYL_VALUE_DECIMAL_H

#include <hyperline/types.h>

/* The longest exact double has 767 digits; what is longer is refused, not rounded. */
enum { HYL__DECIMAL_MAX_DIGITS = 800 };

/* `digits` (values 0..9, most significant first, no zero in front) times 10^exponent. */
typedef struct hyl__decimal {
    uint8_t digits[HYL__DECIMAL_MAX_DIGITS];
    size_t count;
    int64_t exponent;
    bool negative;
} hyl__decimal;

typedef enum hyl__decimal_result {
    HYL__DECIMAL_OK,
    HYL__DECIMAL_NONE, /* not a number */
    HYL__DECIMAL_TOO_LONG
} hyl__decimal_result;

/*
 * Parses [sign] digits [. digits] [e [sign] digits], with a digit before or after the point. All of
 * `text` must be the number; the locale plays no part.
 */
hyl__decimal_result hyl__decimal_parse(hyl_str text, hyl__decimal *out);

/* The nearest double or float of a decimal; infinite where it is too big. */
double hyl__decimal_to_double(const hyl__decimal *decimal);
float hyl__decimal_to_float(const hyl__decimal *decimal);

#endif
