/* UTF-8, as RFC 3629 defines it: no surrogates, nothing beyond U+10FFFF, no overlong forms. */
#ifndef HYL_BASE_UTF8_H
#define HYL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the valid prefix: `len` where all of it is valid. */
size_t hyl__utf8_valid_prefix(const char *text, size_t len);

static inline bool hyl__utf8_valid(const char *text, size_t len)
{
    return hyl__utf8_valid_prefix(text, len) == len;
}

/* The largest length of at most `max` bytes (max <= len) that does not end inside a character. */
size_t hyl__utf8_cut(const char *text, size_t len, size_t max);

/* The number of characters in valid UTF-8. */
size_t hyl__utf8_count(const char *text, size_t len);

/*
 * The length in bytes of the character that starts with this byte, 1 for a byte that starts none.
 */
size_t hyl__utf8_char_len(uint8_t first);

#endif
