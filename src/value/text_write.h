/*
 * Writing numbers as text into memory that has room: each function returns the end of what it
 * wrote. Own code, since this is the hot path of every text output, and snprintf is slow and asks
 * the locale.
 */
#ifndef HYL_VALUE_TEXT_WRITE_H
#define HYL_VALUE_TEXT_WRITE_H

#include <hyperline/types.h>

#include <string.h>

/* Room for the text of any value of fixed width but numeric; the longest is an interval's. */
enum { HYL__SCALAR_TEXT_MAX = 96 };

extern const char hyl__two_digits[200];
extern const uint64_t hyl__pow10[20];

static inline char *hyl__write_2(char *to, unsigned value)
{
    memcpy(to, hyl__two_digits + 2 * (size_t)value, 2);
    return to + 2;
}

char *hyl__write_u64(char *to, uint64_t value);
char *hyl__write_i64(char *to, int64_t value);
/* At least `width` digits, zeros in front. */
char *hyl__write_padded(char *to, uint64_t value, unsigned width);

/* The bytes as lower-case hexadecimal digits. */
char *hyl__write_hex(char *to, const uint8_t *bytes, size_t len);

/* hyl__buf_claim where the buffer must grow. */
char *hyl__buf_claim_more(hyl_buf *buf, size_t max);
/* Room for `max` more bytes at the buffer's end, or NULL (the buffer has failed then). */
static inline char *hyl__buf_claim(hyl_buf *buf, size_t max)
{
    if (buf->cap - buf->len >= max && buf->data != NULL && !buf->failed) {
        return (char *)buf->data + buf->len;
    }
    return hyl__buf_claim_more(buf, max);
}
/* Ends what hyl__buf_claim began: the contents now reach to `end`. */
static inline void hyl__buf_commit(hyl_buf *buf, const char *end)
{
    buf->len = (size_t)(end - (const char *)buf->data);
}

#endif
