/* 128-bit integers, which numerics of up to 38 digits need. ISO C has none; GCC and Clang do. */
#ifndef HYL_VALUE_INT128_H
#define HYL_VALUE_INT128_H

#include <hyperline/types.h>

__extension__ typedef __int128 hyl__i128;
__extension__ typedef unsigned __int128 hyl__u128;

static inline hyl__u128 hyl__u128_of(const hyl_numeric *numeric)
{
    return ((hyl__u128)(uint64_t)numeric->hi << 64) | numeric->lo;
}

static inline bool hyl__numeric_negative(const hyl_numeric *numeric)
{
    return numeric->hi < 0;
}

/* The absolute value; that of the smallest 128-bit number fits too. */
static inline hyl__u128 hyl__numeric_magnitude(const hyl_numeric *numeric)
{
    hyl__u128 bits = hyl__u128_of(numeric);
    return hyl__numeric_negative(numeric) ? -bits : bits;
}

static inline void hyl__numeric_set(hyl_numeric *numeric, hyl__u128 magnitude, bool negative)
{
    hyl__u128 bits = negative ? -magnitude : magnitude;
    numeric->lo = (uint64_t)bits;
    numeric->hi = (int64_t)(uint64_t)(bits >> 64);
}

/* 10^exponent for 0 <= exponent <= 38. */
hyl__u128 hyl__pow10_u128(unsigned exponent);

#endif
