#include <hyperline/base.h>

#include "mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST_CAPACITY = 256 };

void hyl_buf_reset(hyl_buf *buf)
{
    hyl__free(buf->data);
    *buf = (hyl_buf)HYL_BUF_INIT;
}

void hyl_buf_clear(hyl_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

hyl_status hyl_buf_reserve(hyl_buf *buf, size_t extra)
{
    size_t need = 0;
    if (!hyl__add_size(buf->len, extra, &need) || need > SIZE_MAX / 2) {
        return HYL_ERR_NOMEM;
    }
    if (need <= buf->cap) {
        return HYL_OK;
    }
    size_t cap = buf->cap != 0 ? buf->cap : FIRST_CAPACITY;
    while (cap < need) {
        cap *= 2;
    }
    uint8_t *data = hyl__realloc(buf->data, cap);
    if (data == NULL) {
        return HYL_ERR_NOMEM;
    }
    buf->data = data;
    buf->cap = cap;
    return HYL_OK;
}

void hyl_buf_append(hyl_buf *buf, const void *bytes, size_t len)
{
    if (buf->failed || hyl_buf_reserve(buf, len) != HYL_OK) {
        buf->failed = true;
        return;
    }
    if (len > 0) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
    }
}

void hyl_buf_append_str(hyl_buf *buf, const char *text)
{
    hyl_buf_append(buf, text, strlen(text));
}

void hyl_buf_append_byte(hyl_buf *buf, uint8_t byte)
{
    hyl_buf_append(buf, &byte, 1);
}

void hyl_buf_printf(hyl_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (buf->failed || need < 0 || hyl_buf_reserve(buf, (size_t)need + 1) != HYL_OK) {
        buf->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf((char *)buf->data + buf->len, (size_t)need + 1, format, args);
    va_end(args);
    buf->len += (size_t)need;
}

hyl_status hyl_buf_status(const hyl_buf *buf)
{
    return buf->failed ? HYL_ERR_NOMEM : HYL_OK;
}
