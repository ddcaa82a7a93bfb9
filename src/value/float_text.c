/*
 * Shortest decimal digits by Schubfach: Raffaello Giulietti, "The Schubfach way to render doubles"
 * (2021). Of the decimals that read back as the same number it takes the shortest, and of those the
 * closest. One routine serves both widths, since the table's 128 bits are more than reals need.
 */
#include "float_text.h"

#include "int128.h"
#include "text_write.h"

#include <string.h>

typedef struct pow10_entry {
    uint64_t high;
    uint64_t low;
} pow10_entry;

enum { POW10_FIRST = -292 };

static const pow10_entry pow10_table[] = {
#include "pow10_128.inc"
};

/* A finite number above zero: coefficient times 2^exponent. */
typedef struct binary {
    uint64_t coefficient;
    int32_t exponent;
    bool lower_is_closer; /* the number below is only half as far away as the one above */
    bool open;            /* a decimal half way between two numbers does not count */
} binary;

/* digits times 10^exponent. */
typedef struct shortest {
    uint64_t digits;
    int32_t exponent;
} shortest;

/* Rounds down for negative numbers too. */
static int32_t floor_shift(int32_t value, int bits)
{
    return value >= 0 ? value >> bits : ~(~value >> bits);
}

/* floor(log2(10^e)) for |e| <= 1233. */
static int32_t floor_log2_pow10(int32_t e)
{
    return floor_shift(e * 1741647, 19);
}

/* The top of power * coefficient; the lowest bit also stands for all bits that were cut off. */
static uint64_t round_to_odd(pow10_entry power, uint64_t coefficient)
{
    hyl__u128 low = (hyl__u128)power.low * coefficient;
    hyl__u128 sum = (hyl__u128)power.high * coefficient + (uint64_t)(low >> 64);
    return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1);
}

/* A whole number that is exact is its own shortest form (before zeros at its end are taken off). */
static bool whole(binary number, shortest *out)
{
    int32_t shift = -number.exponent;
    if (shift < 0 || shift > 52 || (number.coefficient & ((UINT64_C(1) << shift) - 1)) != 0) {
        return false;
    }
    out->digits = number.coefficient >> shift;
    out->exponent = 0;
    return true;
}

/* The names are the paper's: k is the decimal exponent; vb is the number, vbl and vbr the ends of
 * the interval that rounds to it, all times 4 at that exponent. */
static shortest find_shortest(binary number)
{
    shortest result;
    if (whole(number, &result)) {
        return result;
    }
    /* An odd number's interval is open in any case. */
    const uint64_t out = (number.coefficient & 1) | number.open;
    const uint64_t c = 4 * number.coefficient;
    const int32_t q = number.exponent;
    const int32_t k = floor_shift(q * 1262611 - (number.lower_is_closer ? 524031 : 0), 22);
    const int32_t h = q + floor_log2_pow10(-k) + 1;
    const pow10_entry power = pow10_table[-k - POW10_FIRST];
    const uint64_t vb = round_to_odd(power, c << h);
    const uint64_t lower = round_to_odd(power, (c - 2 + number.lower_is_closer) << h) + out;
    const uint64_t upper = round_to_odd(power, (c + 2) << h) - out;
    const uint64_t s = vb / 4;
    if (s >= 10) {
        const uint64_t tens = s / 10;
        const bool down_inside = lower <= 40 * tens;
        const bool up_inside = 40 * tens + 40 <= upper;
        if (down_inside != up_inside) {
            return (shortest){tens + up_inside, k + 1};
        }
    }
    const bool down_inside = lower <= 4 * s;
    const bool up_inside = 4 * s + 4 <= upper;
    if (down_inside != up_inside) {
        return (shortest){s + up_inside, k};
    }
    const uint64_t middle = 4 * s + 2;
    const bool round_up = vb > middle || (vb == middle && (s & 1) != 0);
    return (shortest){s + round_up, k};
}

/* ---- Spelling -------------------------------------------------------------------------------- */

static char *write_exponent(char *to, int32_t exponent)
{
    *to++ = 'e';
    *to++ = exponent < 0 ? '-' : '+';
    return hyl__write_padded(to, (uint64_t)(exponent < 0 ? -exponent : exponent), 2);
}

static char *write_scientific(char *to, const char *digits, size_t len, int32_t exponent)
{
    *to++ = digits[0];
    if (len > 1) {
        *to++ = '.';
        memcpy(to, digits + 1, len - 1);
        to += len - 1;
    }
    return write_exponent(to, exponent);
}

/* `point` digits stand before the decimal point; it may be negative or beyond the digits. */
static char *write_plain(char *to, const char *digits, int32_t len, int32_t point)
{
    if (point <= 0) {
        memcpy(to, "0.", 2);
        memset(to + 2, '0', (size_t)-point);
        to += 2 - point;
        memcpy(to, digits, (size_t)len);
        return to + len;
    }
    int32_t whole_len = point < len ? point : len;
    memcpy(to, digits, (size_t)whole_len);
    to += whole_len;
    if (point >= len) {
        memset(to, '0', (size_t)(point - len));
        return to + (point - len);
    }
    *to++ = '.';
    memcpy(to, digits + point, (size_t)(len - point));
    return to + (len - point);
}

/*
 * As the server spells it, which is printf's %g with as many digits as needed: an exponent where it
 * is below -4 or at `precision` (15 for doubles, 6 for reals) and above.
 */
static char *write_shortest(char *to, shortest number, int32_t precision)
{
    char digits[24];
    while (number.digits % 10 == 0) {
        number.digits /= 10;
        number.exponent++;
    }
    int32_t len = (int32_t)(hyl__write_u64(digits, number.digits) - digits);
    int32_t point = len + number.exponent;
    if (point - 1 < -4 || point - 1 >= precision) {
        return write_scientific(to, digits, (size_t)len, point - 1);
    }
    return write_plain(to, digits, len, point);
}

static char *write_text(char *to, const char *text)
{
    size_t len = strlen(text);
    memcpy(to, text, len);
    return to + len;
}

/* A number of either width, taken apart: `bias` brings the exponent to that of the coefficient. */
static char *write_parts(char *to, uint64_t fraction, uint32_t biased, uint32_t special,
                         uint64_t hidden, int32_t bias, int32_t precision, bool open)
{
    if (biased == special) {
        return write_text(to, "Infinity");
    }
    if (biased == 0 && fraction == 0) {
        return write_text(to, "0");
    }
    binary number;
    number.coefficient = biased == 0 ? fraction : fraction | hidden;
    number.exponent = (int32_t)(biased == 0 ? 1 : biased) - bias;
    number.lower_is_closer = fraction == 0 && biased > 1;
    number.open = open;
    return write_shortest(to, find_shortest(number), precision);
}

static char *write_double(char *to, double value, bool open)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (value != value) {
        return write_text(to, "NaN");
    }
    if (bits >> 63 != 0) {
        *to++ = '-';
    }
    const uint64_t hidden = UINT64_C(1) << 52;
    return write_parts(to, bits & (hidden - 1), (uint32_t)(bits >> 52) & 0x7ff, 0x7ff, hidden, 1075,
                       15, open);
}

static char *write_float(char *to, float value, bool open)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (value != value) {
        return write_text(to, "NaN");
    }
    if (bits >> 31 != 0) {
        *to++ = '-';
    }
    const uint32_t hidden = UINT32_C(1) << 23;
    return write_parts(to, bits & (hidden - 1), (bits >> 23) & 0xff, 0xff, hidden, 150, 6, open);
}

char *hyl__write_double(char *to, double value)
{
    return write_double(to, value, false);
}

char *hyl__write_float(char *to, float value)
{
    return write_float(to, value, false);
}

char *hyl__write_double_open(char *to, double value)
{
    return write_double(to, value, true);
}

char *hyl__write_float_open(char *to, float value)
{
    return write_float(to, value, true);
}
