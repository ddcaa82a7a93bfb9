/*
 * The values that CSV text stands for. Each function reads a whole text or says why not.
 *
 * There are two degrees of strictness. `lenient` is for a column whose type is given: anything that
 * clearly is a value of it. Strict is for types that are inferred: only text that keeps all that it
 * says when it is made a value, so that "007", "+49 30" and "1.10" next to "1.5" do not change.
 *
 *             strict                                  lenient also
 *   boolean   true false True False TRUE FALSE t f    any case; yes no y n on off 1 0
 *   integer   0 7 -12                                 +7 007 -0
 *   double    1.5 .5 5. -0 1e-3 NaN inf -Infinity;    +1.5 007.5; any number of digits
 *             up to 17 digits, more with an exponent
 *   numeric   exactly `scale` decimals; beyond 18     fewer; more where they are zeros; 1e3
 *             digits fewer too
 *   date      2024-02-29; as the server writes it: 10000-01-01, 0044-03-15 BC
 *   time      12:34, 12:34:56, 12:34:56.789012
 *   timestamp a date, "T" or a blank, a time; a date alone is its midnight
 *   timestamptz  a timestamp (not a date) and Z, +02, +0230 or +02:30
 */
#ifndef HYPERLINE_CLI_CSV_VALUE_H
#define HYPERLINE_CLI_CSV_VALUE_H

#include <hyperline/types.h>

typedef enum csv_fit {
    CSV_FITS = 0,
    CSV_NO_VALUE,    /* not the text of such a value */
    CSV_OUT_OF_RANGE /* it is, but the type does not hold it */
} csv_fit;

csv_fit csv_parse_bool(hyl_str text, bool lenient, bool *out);
csv_fit csv_parse_double(hyl_str text, bool lenient, double *out);
/* numeric(precision, scale) with precision up to 18, as its digits without the point. */
csv_fit csv_parse_decimal(hyl_str text, bool lenient, int precision, int scale, int64_t *out);
csv_fit csv_parse_date(hyl_str text, int32_t *days);
csv_fit csv_parse_time(hyl_str text, int64_t *micros);
csv_fit csv_parse_timestamp(hyl_str text, int64_t *micros);
csv_fit csv_parse_timestamptz(hyl_str text, int64_t *micros);
/* csv_parse_int for more than 18 digits. */
csv_fit csv_parse_long_int(hyl_str digits, bool negative, int64_t *out);

/* A number's text, taken apart. */
typedef struct csv_number {
    uint64_t mantissa; /* its digits without the point, where there are at most 19 */
    int digits;        /* how many, leading zeros not counted */
    int decimals;      /* how many of them stand behind the point */
    int exponent;      /* what is written behind the e */
    bool negative;
    bool plus;
    bool padded; /* a zero in front of a digit: "007", "00.5" */
    bool has_point;
    bool has_exponent;
} csv_number;

/*
 * Is the text, strictly, a numeric(38,s)? With the digits before the point, and behind it: where s is
 * at least the latter, and 38 - s the former.
 */
bool csv_scan_wide(hyl_str text, int *whole, int *decimals);
/* Has a number more digits that count than a double keeps? Zeros at either end do not. */
bool csv_has_long_digits(hyl_str text);

/* False where the text is no number: digits with or without point and exponent. */
bool csv_scan_number(hyl_str text, csv_number *out);

/* Inline, because most fields of most files are whole numbers. */
static inline csv_fit csv_parse_int(hyl_str text, bool lenient, int64_t *out)
{
    if (text.len == 0) {
        return CSV_NO_VALUE;
    }
    const char *at = text.data;
    const char *end = at + text.len;
    bool negative = *at == '-';
    at += negative || (lenient && *at == '+');
    size_t len = (size_t)(end - at);
    if (len == 0 || (!lenient && *at == '0' && (len > 1 || negative))) {
        return CSV_NO_VALUE;
    }
    if (len > 18) {
        return csv_parse_long_int((hyl_str){at, len}, negative, out);
    }
    int64_t value = 0;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9) {
            return CSV_NO_VALUE;
        }
        value = value * 10 + (int64_t)digit;
    }
    *out = negative ? -value : value;
    return CSV_FITS;
}

/* The text without blanks at either end: they mean nothing but in text. */
static inline hyl_str csv_trim(hyl_str text)
{
    while (text.len > 0 && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

#endif
