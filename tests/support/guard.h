/*
 * Inputs that end where memory ends: a copy whose last byte is the last of a page, with a page
 * behind it that cannot be touched, so that reading one byte too many ends the test.
 */
#ifndef HYL_TESTS_SUPPORT_GUARD_H
#define HYL_TESTS_SUPPORT_GUARD_H

#include <hyperline/base.h>

typedef struct guarded {
    hyl_bytes bytes; /* read-only */
    void *map;
    size_t map_len;
} guarded;

/* Ends the test program where there is no memory. */
guarded guard_bytes(const void *bytes, size_t len);
void guard_release(guarded *copy);

/* The same copy as text. */
static inline hyl_str guard_str(const guarded *copy)
{
    hyl_str str = {(const char *)copy->bytes.data, copy->bytes.len};
    return str;
}

#endif
