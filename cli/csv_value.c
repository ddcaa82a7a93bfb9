#include "csv_value.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* Doubles hold whole numbers up to here exactly, and powers of ten up to 10^22. */
#define EXACT_MANTISSA (UINT64_C(1) << 53)
enum { EXACT_POWER = 22, MANTISSA_DIGITS = 19, DOUBLE_DIGITS = 17, WIDE_DIGITS = 38 };
/* No double is that far from 1, whatever its digits: larger exponents need not be told apart. */
enum { LARGEST_EXPONENT = 100000 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The server's own text of what is not read here: years beyond 9999 and before 1. */
static bool is_far_date(hyl_str text)
{
    return text.len > 10 &&
           (is_digit(text.data[4]) || memcmp(text.data + text.len - 3, " BC", 3) == 0);
}

static csv_fit decode_text(hyl_type_id id, hyl_str text, hyl_value *out)
{
    hyl_bytes bytes = {(const uint8_t *)text.data, text.len};
    hyl_status status = hyl_value_decode(hyl_type_of(id), HYL_FORMAT_TEXT, bytes, NULL, out, NULL);
    if (status == HYL_ERR_RANGE) {
        return CSV_OUT_OF_RANGE;
    }
    return status == HYL_OK ? CSV_FITS : CSV_NO_VALUE;
}

/* ---- Words ----------------------------------------------------------------------------------- */

static bool is_word(hyl_str text, const char *word, bool any_case)
{
    size_t len = strlen(word);
    if (text.len != len) {
        return false;
    }
    return any_case ? strncasecmp(text.data, word, len) == 0 : memcmp(text.data, word, len) == 0;
}

static bool is_one_of(hyl_str text, const char *const *words, bool any_case)
{
    for (; *words != NULL; words++) {
        if (is_word(text, *words, any_case)) {
            return true;
        }
    }
    return false;
}

csv_fit csv_parse_bool(hyl_str text, bool lenient, bool *out)
{
    static const char *const strict_true[] = {"true", "True", "TRUE", "t", NULL};
    static const char *const strict_false[] = {"false", "False", "FALSE", "f", NULL};
    static const char *const lenient_true[] = {"true", "t", "yes", "y", "on", "1", NULL};
    static const char *const lenient_false[] = {"false", "f", "no", "n", "off", "0", NULL};
    *out = is_one_of(text, lenient ? lenient_true : strict_true, lenient);
    bool found = *out || is_one_of(text, lenient ? lenient_false : strict_false, lenient);
    return found ? CSV_FITS : CSV_NO_VALUE;
}

/* NaN and the infinities. */
static bool special_double(hyl_str text, double *out)
{
    static const char *const infinities[] = {"inf", "infinity", NULL};
    if (is_word(text, "nan", true)) {
        *out = (double)NAN;
        return true;
    }
    bool negative = text.len > 0 && text.data[0] == '-';
    hyl_str word = {text.data + negative, text.len - negative};
    *out = negative ? -(double)INFINITY : (double)INFINITY;
    return is_one_of(word, infinities, true);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

csv_fit csv_parse_long_int(hyl_str digits, bool negative, int64_t *out)
{
    /* Counted downwards: the smallest number has no positive counterpart. */
    int64_t value = 0;
    bool fits = true;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = digits.data[i] - '0';
        if (digit < 0 || digit > 9) {
            return CSV_NO_VALUE;
        }
        fits = fits && !__builtin_mul_overflow(value, 10, &value) &&
               !__builtin_sub_overflow(value, digit, &value);
    }
    if (fits && !negative) {
        fits = !__builtin_sub_overflow(0, value, &value);
    }
    *out = value;
    return fits ? CSV_FITS : CSV_OUT_OF_RANGE;
}

/* Digits from *at on; returns how many there were. */
static size_t scan_digits(const char **at, const char *end, csv_number *number)
{
    const char *begin = *at;
    for (; *at < end && is_digit(**at); (*at)++) {
        if (number->digits > 0 || **at != '0') {
            number->digits++;
        }
        if (number->digits <= MANTISSA_DIGITS) {
            number->mantissa = number->mantissa * 10 + (uint64_t)(**at - '0');
        }
    }
    return (size_t)(*at - begin);
}

static bool scan_exponent(const char **at, const char *end, csv_number *number)
{
    bool negative = false;
    number->has_exponent = true;
    (*at)++;
    if (*at < end && (**at == '-' || **at == '+')) {
        negative = **at == '-';
        (*at)++;
    }
    const char *begin = *at;
    for (; *at < end && is_digit(**at); (*at)++) {
        if (number->exponent < LARGEST_EXPONENT) {
            number->exponent = number->exponent * 10 + (**at - '0');
        }
    }
    number->exponent = negative ? -number->exponent : number->exponent;
    return *at > begin;
}

bool csv_scan_number(hyl_str text, csv_number *out)
{
    *out = (csv_number){0};
    const char *at = text.data;
    const char *end = text.len > 0 ? at + text.len : at;
    if (text.len == 0 || text.len > INT32_MAX / 2) {
        return false;
    }
    out->negative = *at == '-';
    out->plus = *at == '+';
    at += out->negative || out->plus;
    const char *whole = at;
    size_t before = scan_digits(&at, end, out);
    out->padded = before > 1 && *whole == '0';
    size_t behind = 0;
    if (at < end && *at == '.') {
        at++;
        out->has_point = true;
        behind = scan_digits(&at, end, out);
        out->decimals = (int)behind;
    }
    if (before + behind == 0) {
        return false;
    }
    if (at < end && (*at == 'e' || *at == 'E') && !scan_exponent(&at, end, out)) {
        return false;
    }
    return at == end;
}

static double power_of_ten(int exponent)
{
    static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    return powers[exponent];
}

/* Both factors exact means one rounding, so that the result is the nearest double. */
static bool exact_double(const csv_number *number, double *out)
{
    int power = number->exponent - number->decimals;
    if (number->digits > MANTISSA_DIGITS || number->mantissa > EXACT_MANTISSA ||
        power < -EXACT_POWER || power > EXACT_POWER) {
        return false;
    }
    double value = (double)number->mantissa;
    value = power < 0 ? value / power_of_ten(-power) : value * power_of_ten(power);
    *out = number->negative ? -value : value;
    return true;
}

bool csv_has_long_digits(hyl_str text)
{
    size_t digits = 0;
    size_t zeros = 0;
    for (size_t i = 0; i < text.len && (text.data[i] | 0x20) != 'e'; i++) {
        if (!is_digit(text.data[i]) || (digits == 0 && text.data[i] == '0')) {
            continue;
        }
        zeros = text.data[i] == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros > DOUBLE_DIGITS;
}

/*
 * A whole number in a column of doubles has to be one that a bigint holds: longer ones are keys. A
 * decimal that a double would round was not written by one, unless an exponent says so.
 */
static bool strict_double(hyl_str text, const csv_number *number)
{
    int64_t whole;
    if (number->plus || number->padded) {
        return false;
    }
    if (number->digits > DOUBLE_DIGITS && number->has_point && !number->has_exponent &&
        csv_has_long_digits(text)) {
        return false;
    }
    return number->has_point || number->has_exponent || number->digits <= 18 ||
           csv_parse_int(text, false, &whole) == CSV_FITS;
}

bool csv_scan_wide(hyl_str text, int *whole, int *decimals)
{
    csv_number number;
    int64_t value;
    if (!csv_scan_number(text, &number) || number.has_exponent || number.plus || number.padded ||
        (number.negative && number.digits == 0)) {
        return false;
    }
    if (!number.has_point && csv_parse_int(text, false, &value) != CSV_FITS) {
        return false;
    }
    *whole = number.digits > number.decimals ? number.digits - number.decimals : 0;
    *decimals = number.decimals;
    return *whole + *decimals <= WIDE_DIGITS;
}

csv_fit csv_parse_double(hyl_str text, bool lenient, double *out)
{
    csv_number number;
    if (!csv_scan_number(text, &number)) {
        return special_double(text, out) ? CSV_FITS : CSV_NO_VALUE;
    }
    if (!lenient && !strict_double(text, &number)) {
        return CSV_NO_VALUE;
    }
    if (exact_double(&number, out)) {
        return CSV_FITS;
    }
    hyl_str unsigned_text = {text.data + number.plus, text.len - number.plus};
    hyl_value value = {0};
    csv_fit fit = decode_text(HYL_TYPE_DOUBLE, unsigned_text, &value);
    *out = value.as.f64;
    return fit;
}

static csv_fit lenient_decimal(hyl_str text, int precision, int scale, int64_t *out)
{
    hyl_numeric numeric;
    hyl_status status = hyl_numeric_parse(text, precision, scale, &numeric, NULL);
    if (status != HYL_OK) {
        return status == HYL_ERR_RANGE ? CSV_OUT_OF_RANGE : CSV_NO_VALUE;
    }
    *out = (int64_t)numeric.lo;
    return CSV_FITS;
}

csv_fit csv_parse_decimal(hyl_str text, bool lenient, int precision, int scale, int64_t *out)
{
    csv_number number;
    if (!csv_scan_number(text, &number)) {
        return CSV_NO_VALUE;
    }
    bool plain = !number.plus && !number.padded && !number.has_exponent;
    if (plain && number.decimals == scale && number.digits <= precision) {
        *out = number.negative ? -(int64_t)number.mantissa : (int64_t)number.mantissa;
        return CSV_FITS;
    }
    hyl_str unsigned_text = {text.data + number.plus, text.len - number.plus};
    return lenient ? lenient_decimal(unsigned_text, precision, scale, out) : CSV_NO_VALUE;
}

/* ---- Dates and times ------------------------------------------------------------------------- */

enum { DATE_LEN = 10 };

/* Two digits, or something above 99. */
static unsigned two_digits(const char *at)
{
    unsigned tens = (unsigned)(unsigned char)at[0] - '0';
    unsigned ones = (unsigned)(unsigned char)at[1] - '0';
    return tens <= 9 && ones <= 9 ? tens * 10 + ones : 100;
}

/* "2024-02-29". */
static csv_fit read_date(const char *at, int32_t *days)
{
    unsigned century = two_digits(at);
    unsigned year = two_digits(at + 2);
    unsigned month = two_digits(at + 5);
    unsigned day = two_digits(at + 8);
    if (century > 99 || year > 99 || month > 99 || day > 99 || at[4] != '-' || at[7] != '-') {
        return CSV_NO_VALUE;
    }
    hyl_civil civil = {(int32_t)(century * 100 + year), (int32_t)month, (int32_t)day};
    return civil.year > 0 && hyl_date_from_civil(civil, days) ? CSV_FITS : CSV_NO_VALUE;
}

/* Up to six digits behind the point; more have to be zeros, which say nothing. */
static bool read_fraction(const char **at, const char *end, int64_t *micros)
{
    const char *begin = *at;
    int64_t unit = 100000;
    for (; *at < end && is_digit(**at); (*at)++) {
        int digit = **at - '0';
        if (unit == 0 && digit != 0) {
            return false;
        }
        *micros += digit * unit;
        unit /= 10;
    }
    return *at > begin;
}

/* "12:34", "12:34:56", "12:34:56.789": as far as it goes. */
static bool read_time(const char **at, const char *end, int64_t *micros)
{
    const char *text = *at;
    if (end - text < 5 || text[2] != ':') {
        return false;
    }
    unsigned hours = two_digits(text);
    unsigned minutes = two_digits(text + 3);
    unsigned seconds = 0;
    int64_t fraction = 0;
    text += 5;
    if (end - text >= 3 && *text == ':') {
        seconds = two_digits(text + 1);
        text += 3;
        if (text < end && *text == '.') {
            text++;
            if (!read_fraction(&text, end, &fraction)) {
                return false;
            }
        }
    }
    *at = text;
    *micros = ((int64_t)hours * 3600 + minutes * 60 + seconds) * 1000000 + fraction;
    return hours <= 24 && minutes < 60 && seconds < 60 && *micros <= HYL_MICROS_PER_DAY;
}

/* "Z", "+02", "+0230", "+02:30", with or without a blank in front: ahead of UTC by so much. */
static bool read_zone(const char *at, const char *end, int64_t *micros)
{
    at += at < end && *at == ' ';
    *micros = 0;
    if (end - at == 1 && (*at == 'Z' || *at == 'z')) {
        return true;
    }
    if (end - at < 3 || (*at != '+' && *at != '-')) {
        return false;
    }
    bool behind = *at == '-';
    unsigned hours = two_digits(at + 1);
    unsigned minutes = 0;
    at += 3;
    if (at < end) {
        at += *at == ':';
        minutes = end - at == 2 ? two_digits(at) : 100;
    }
    *micros = ((int64_t)hours * 60 + minutes) * 60000000 * (behind ? -1 : 1);
    return hours < 24 && minutes < 60;
}

csv_fit csv_parse_date(hyl_str text, int32_t *days)
{
    if (text.len == DATE_LEN) {
        return read_date(text.data, days);
    }
    hyl_value value = {0};
    csv_fit fit = is_far_date(text) ? decode_text(HYL_TYPE_DATE, text, &value) : CSV_NO_VALUE;
    *days = value.as.i32;
    return fit;
}

csv_fit csv_parse_time(hyl_str text, int64_t *micros)
{
    const char *at = text.data;
    const char *end = text.len > 0 ? at + text.len : at;
    return read_time(&at, end, micros) && at == end ? CSV_FITS : CSV_NO_VALUE;
}

/* "2024-02-29T12:34:56" and what follows; *at is then behind the time. */
static bool read_date_and_time(hyl_str text, const char **at, int64_t *micros)
{
    int32_t days;
    int64_t time;
    if (text.len < DATE_LEN + 6 || read_date(text.data, &days) != CSV_FITS) {
        return false;
    }
    char separator = text.data[DATE_LEN];
    *at = text.data + DATE_LEN + 1;
    if ((separator != 'T' && separator != ' ' && separator != 't') ||
        !read_time(at, text.data + text.len, &time)) {
        return false;
    }
    *micros = days * HYL_MICROS_PER_DAY + time;
    return true;
}

static csv_fit decode_micros(hyl_type_id id, hyl_str text, int64_t *micros)
{
    hyl_value value = {0};
    csv_fit fit = is_far_date(text) ? decode_text(id, text, &value) : CSV_NO_VALUE;
    *micros = value.as.i64;
    return fit;
}

csv_fit csv_parse_timestamp(hyl_str text, int64_t *micros)
{
    const char *at;
    int32_t days;
    if (read_date_and_time(text, &at, micros) && at == text.data + text.len) {
        return CSV_FITS;
    }
    csv_fit fit = csv_parse_date(text, &days);
    if (fit == CSV_FITS) {
        *micros = days * HYL_MICROS_PER_DAY;
        return CSV_FITS;
    }
    return decode_micros(HYL_TYPE_TIMESTAMP, text, micros);
}

csv_fit csv_parse_timestamptz(hyl_str text, int64_t *micros)
{
    const char *at;
    int64_t ahead;
    if (read_date_and_time(text, &at, micros) && read_zone(at, text.data + text.len, &ahead)) {
        *micros -= ahead;
        return CSV_FITS;
    }
    return decode_micros(HYL_TYPE_TIMESTAMPTZ, text, micros);
}
