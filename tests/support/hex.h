/* Bytes written as hexadecimal digits. */
#ifndef HYL_TESTS_SUPPORT_HEX_H
#define HYL_TESTS_SUPPORT_HEX_H

#include <hyperline/base.h>

#include <stdlib.h>
#include <string.h>

static inline int hex_value(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Appends the bytes; blanks between digits are passed over. Ends the program on an odd digit. */
static inline void hex_append(hyl_buf *out, const char *digits)
{
    for (const char *at = digits; *at != '\0'; at++) {
        if (*at == ' ') {
            continue;
        }
        if (strchr("0123456789abcdefABCDEF", at[0]) == NULL || at[1] == '\0') {
            abort();
        }
        hyl_buf_append_byte(out, (uint8_t)(hex_value(at[0]) << 4 | hex_value(at[1])));
        at++;
    }
}

#endif
