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

enum { MAX_DIGITS = 20 };

/* Writes the digits so that they end at `end`; returns where they begin. */
static char *write_backwards(char *end, uint64_t value)
{
    while (value >= 100) {
        end -= 2;
        hyl__write_2(end, (unsigned)(value % 100));
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        hyl__write_2(end, (unsigned)value);
        return end;
    }
    *--end = (char)('0' + value);
    return end;
}

char *hyl__write_u64(char *to, uint64_t value)
{
    return hyl__write_padded(to, value, 1);
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
    char digits[MAX_DIGITS];
    char *end = digits + MAX_DIGITS;
    char *begin = write_backwards(end, value);
    size_t len = (size_t)(end - begin);
    for (; width > len; width--) {
        *to++ = '0';
    }
    memcpy(to, begin, len);
    return to + len;
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

char *hyl__buf_claim(hyl_buf *buf, size_t max)
{
    if (buf->failed || hyl_buf_reserve(buf, max) != HYL_OK) {
        buf->failed = true;
        return NULL;
    }
    return (char *)buf->data + buf->len;
}
