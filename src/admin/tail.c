#include "tail.h"

#include "base/utf8.h"

#include <string.h>

static const char joint[] = " | ";

void hyl__tail_add(hyl__tail *tail, const char *bytes, size_t len)
{
    if (len > HYL__TAIL_SIZE) {
        bytes += len - HYL__TAIL_SIZE;
        len = HYL__TAIL_SIZE;
    }
    for (size_t i = 0; i < len; i++) {
        tail->bytes[(tail->start + tail->len) % HYL__TAIL_SIZE] = bytes[i];
        if (tail->len < HYL__TAIL_SIZE) {
            tail->len++;
        } else {
            tail->start = (tail->start + 1) % HYL__TAIL_SIZE;
        }
    }
}

/* The byte `back` places before the end; the last one is 1. */
static char byte_from_end(const hyl__tail *tail, size_t back)
{
    return tail->bytes[(tail->start + tail->len - back) % HYL__TAIL_SIZE];
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Where the line begins that ends `end` places before the tail's end, as a distance from the end.
 */
static size_t line_begin(const hyl__tail *tail, size_t end)
{
    size_t begin = end;
    while (begin < tail->len && !is_line_end(byte_from_end(tail, begin + 1))) {
        begin++;
    }
    return begin;
}

/* Puts the bytes from `begin` to `end` (distances from the tail's end) in front of what `text` has
 * in its last `used` of `cap` bytes, with a joint; a longer line loses its beginning. */
static size_t prepend_line(const hyl__tail *tail, size_t begin, size_t end, char *text, size_t cap,
                           size_t used)
{
    if (used > 0) {
        used += sizeof joint - 1;
        memcpy(text + cap - used, joint, sizeof joint - 1);
    }
    size_t len = begin - end < cap - used ? begin - end : cap - used;
    for (size_t i = 0; i < len; i++) {
        text[cap - used - 1 - i] = byte_from_end(tail, end + 1 + i);
    }
    return used + len;
}

static void make_printable(char *text)
{
    size_t len = strlen(text);
    size_t at = 0;
    while (at < len) {
        at += hyl__utf8_valid_prefix(text + at, len - at);
        if (at < len) {
            text[at] = '?';
        }
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            text[i] = '?';
        }
    }
}

/* NUL bytes would end the text. */
static void drop_nuls(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0') {
            text[i] = '?';
        }
    }
}

void hyl__tail_lines(const hyl__tail *tail, char *text, size_t cap)
{
    size_t room = cap - 1;
    size_t used = 0;
    size_t end = 0;
    while (end < tail->len) {
        size_t begin = line_begin(tail, end);
        size_t needed = begin - end + (used > 0 ? sizeof joint - 1 : 0);
        if (used > 0 && needed > room - used) {
            break;
        }
        if (begin > end) {
            used = prepend_line(tail, begin, end, text, room, used);
        }
        end = begin + 1;
    }
    memmove(text, text + room - used, used);
    text[used] = '\0';
    drop_nuls(text, used);
    make_printable(text);
}
