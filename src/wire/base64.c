#include "base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void hyl__base64_encode(hyl_bytes bytes, hyl_buf *out)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? bytes.data[i + 2] : 0;
        const char text[4] = {
            alphabet[group >> 18],
            alphabet[group >> 12 & 63],
            left > 1 ? alphabet[group >> 6 & 63] : '=',
            left > 2 ? alphabet[group & 63] : '=',
        };
        hyl_buf_append(out, text, sizeof text);
    }
}

/* 0..63, or -1 for a character outside the alphabet. */
static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The bits of `count` digits, shifted as if four were there; -1 where one is no digit. */
static int32_t group_bits(const char *text, size_t count)
{
    int32_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        int value = digit_value(text[i]);
        if (value < 0) {
            return -1;
        }
        bits |= (int32_t)value << (18 - 6 * i);
    }
    return bits;
}

bool hyl__base64_decode(hyl_str text, uint8_t *out, size_t cap, size_t *len)
{
    if (text.len % 4 != 0) {
        return false;
    }
    size_t digits = text.len;
    while (digits > 0 && text.len - digits < 2 && text.data[digits - 1] == '=') {
        digits--;
    }
    size_t need = digits / 4 * 3 + (digits % 4 != 0 ? digits % 4 - 1 : 0);
    if (need > cap) {
        return false;
    }
    *len = need;
    for (size_t i = 0, at = 0; i < digits; i += 4) {
        size_t count = digits - i < 4 ? digits - i : 4;
        int32_t bits = group_bits(text.data + i, count);
        /* The bits beyond the last whole byte must be zero: one text for one value. */
        if (bits < 0 || (count < 4 && (bits & (count == 2 ? 0xffff : 0xff)) != 0)) {
            return false;
        }
        for (size_t j = 0; j + 1 < count; j++) {
            out[at++] = (uint8_t)(bits >> (16 - 8 * j));
        }
    }
    return true;
}
