#include "utf8.h"

#include <string.h>

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t hyl__utf8_char_len(uint8_t first)
{
    if (first >= 0xf0) {
        return 4;
    }
    if (first >= 0xe0) {
        return 3;
    }
    return first >= 0xc0 ? 2 : 1;
}

/* Length of the valid character at `s`, 0 where there is none. */
static size_t valid_char(const uint8_t *s, size_t avail)
{
    uint8_t c = s[0];
    if (c < 0x80) {
        return 1;
    }
    if (c < 0xc2 || c > 0xf4) {
        return 0;
    }
    size_t len = hyl__utf8_char_len(c);
    if (avail < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if (!is_continuation(s[i])) {
            return 0;
        }
    }
    /* Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
    bool bad = (c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) ||
               (c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f);
    return bad ? 0 : len;
}

size_t hyl__utf8_valid_prefix(const char *text, size_t len)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t i = 0;
    while (i < len) {
        /* Eight ASCII bytes at a time: most text is. */
        while (len - i >= 8) {
            uint64_t word;
            memcpy(&word, s + i, 8);
            if ((word & UINT64_C(0x8080808080808080)) != 0) {
                break;
            }
            i += 8;
        }
        if (i == len) {
            break;
        }
        size_t step = valid_char(s + i, len - i);
        if (step == 0) {
            break;
        }
        i += step;
    }
    return i;
}

size_t hyl__utf8_cut(const char *text, size_t len, size_t max)
{
    if (max >= len) {
        return len;
    }
    size_t cut = max;
    /* A character has at most three continuation bytes; more of them is no UTF-8 and is cut
     * anywhere. */
    while (cut > 0 && max - cut < 4 && is_continuation((uint8_t)text[cut])) {
        cut--;
    }
    return max - cut < 4 ? cut : max;
}

size_t hyl__utf8_count(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += !is_continuation((uint8_t)text[i]);
    }
    return count;
}
