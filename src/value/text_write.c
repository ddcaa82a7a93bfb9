#include "text_write.h"

const char hyl__two_digits[200] = "00010203040506070809"
                                  "10111213141516171819"
                                  "20212223242526272829"
                                  "30313233343536373839"
                                  "40414243444546474849"
                                  "50515253545556575859"
                                  "60616263646566676869"
                                  "70717273747576777879"
                                  "80818283848586878889"
                                  "90919293949596979899";

const uint64_t hyl__pow10[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* How many digits a number has; 1233 / 4096 is a little more than log10(2). */
static unsigned count_digits(uint64_t value)
{
    const unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    const unsigned digits = bits * 1233 >> 12;
    return digits + (value >= hyl__pow10[digits]);
}

/* Writes the digits so that they end at `end`. */
static void write_backwards(char *end, uint64_t value)
{
    while (value >= 100) {
        end -= 2;
        hyl__write_2(end, (unsigned)(value % 100));
        value /= 100;
    }
    if (value >= 10) {
        hyl__write_2(end - 2, (unsigned)value);
    } else {
        end[-1] = (char)('0' + value);
    }
}

char *hyl__write_u64(char *to, uint64_t value)
{
    char *end = to + (value != 0 ? count_digits(value) : 1);
    write_backwards(end, value);
    return end;
}

char *hyl__write_i64(char *to, int64_t value)
{
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        *to++ = '-';
        magnitude = -magnitude;
    }
    return hyl__write_u64(to, magnitude);
}

char *hyl__write_padded(char *to, uint64_t value, unsigned width)
{
    for (unsigned digits = value != 0 ? count_digits(value) : 1; digits < width; digits++) {
        *to++ = '0';
    }
    return hyl__write_u64(to, value);
}

char *hyl__write_hex(char *to, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    return to;
}

char *hyl__buf_claim_more(hyl_buf *buf, size_t max)
{
    if (buf->failed || hyl_buf_reserve(buf, max) != HYL_OK) {
        buf->failed = true;
        return NULL;
    }
    return (char *)buf->data + buf->len;
}
