#include "decimal.h"

#include "text_write.h"

#include <errno.h>
#include <float.h>
#include <stdlib.h>

/* Exponents beyond this are all the same: zero or out of range. */
#define EXPONENT_CAP INT64_C(1000000)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- Parsing --------------------------------------------------------------------------------- */

/* Takes a run of digits into `out`; `fraction` says that they stand behind the point. Returns how
 * many there were; sets `too_long`. */
static size_t take_digits(const char *at, const char *end, bool fraction, hyl__decimal *out,
                          bool *too_long)
{
    const char *begin = at;
    for (; at < end && is_digit(*at); at++) {
        out->exponent -= fraction;
        if (*at == '0' && out->count == 0) {
            continue;
        }
        if (out->count == HYL__DECIMAL_MAX_DIGITS) {
            *too_long = true;
            out->exponent++;
            continue;
        }
        out->digits[out->count++] = (uint8_t)(*at - '0');
    }
    return (size_t)(at - begin);
}

/* Reads the number behind an "e"; false where there is none or it does not end at `end`. */
static bool take_exponent(const char *at, const char *end, int64_t *exponent)
{
    bool negative = at < end && *at == '-';
    int64_t value = 0;
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    if (at == end) {
        return false;
    }
    for (; at < end && is_digit(*at); at++) {
        if (value < EXPONENT_CAP) {
            value = value * 10 + (*at - '0');
        }
    }
    *exponent = negative ? -value : value;
    return at == end;
}

hyl__decimal_result hyl__decimal_parse(hyl_str text, hyl__decimal *out)
{
    const char *at = text.data;
    const char *end = text.len > 0 ? at + text.len : at;
    bool too_long = false;
    out->count = 0;
    out->exponent = 0;
    out->negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    size_t whole = take_digits(at, end, false, out, &too_long);
    size_t decimals = 0;
    at += whole;
    if (at < end && *at == '.') {
        decimals = take_digits(at + 1, end, true, out, &too_long);
        at += 1 + decimals;
    }
    if (whole + decimals == 0) {
        return HYL__DECIMAL_NONE;
    }
    int64_t exponent = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        if (!take_exponent(at + 1, end, &exponent)) {
            return HYL__DECIMAL_NONE;
        }
        at = end;
    }
    out->exponent += exponent;
    if (at != end) {
        return HYL__DECIMAL_NONE;
    }
    return too_long ? HYL__DECIMAL_TOO_LONG : HYL__DECIMAL_OK;
}

/* ---- To binary ------------------------------------------------------------------------------- */

/* Room for digits, "e", a sign and an exponent. */
enum { PLAIN_TEXT_MAX = HYL__DECIMAL_MAX_DIGITS + 32 };

/*
 * Writes the decimal as whole digits and an exponent, "125e-2". strtod reads that the same in every
 * locale, since there is no decimal point in it.
 */
static void write_plain(const hyl__decimal *decimal, char text[PLAIN_TEXT_MAX])
{
    int64_t exponent = decimal->exponent;
    if (exponent > EXPONENT_CAP) {
        exponent = EXPONENT_CAP;
    } else if (exponent < -EXPONENT_CAP) {
        exponent = -EXPONENT_CAP;
    }
    char *to = text;
    for (size_t i = 0; i < decimal->count; i++) {
        *to++ = (char)('0' + decimal->digits[i]);
    }
    if (decimal->count == 0) {
        *to++ = '0';
    }
    *to++ = 'e';
    to = hyl__write_i64(to, exponent);
    *to = '\0';
}

/*
 * Clinger's fast path: digits below 2^53 and a power of ten that a double holds exactly need one
 * multiplication or division, which rounds once. False where it does not apply.
 */
static bool to_double_exactly(const hyl__decimal *decimal, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (FLT_EVAL_METHOD != 0 || decimal->count > 15 || decimal->exponent < -22 ||
        decimal->exponent > 22) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < decimal->count; i++) {
        value = value * 10 + decimal->digits[i];
    }
    double whole = (double)value;
    *out = decimal->exponent < 0 ? whole / powers[-decimal->exponent]
                                 : whole * powers[decimal->exponent];
    return true;
}

double hyl__decimal_to_double(const hyl__decimal *decimal)
{
    double value;
    if (!to_double_exactly(decimal, &value)) {
        char text[PLAIN_TEXT_MAX];
        int saved = errno;
        write_plain(decimal, text);
        value = strtod(text, NULL);
        errno = saved;
    }
    return decimal->negative ? -value : value;
}

float hyl__decimal_to_float(const hyl__decimal *decimal)
{
    char text[PLAIN_TEXT_MAX];
    int saved = errno;
    write_plain(decimal, text);
    float value = strtof(text, NULL);
    errno = saved;
    return decimal->negative ? -value : value;
}
