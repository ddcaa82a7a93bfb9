/* Loads and stores of either byte order from unaligned memory. */
#ifndef HYL_BASE_ENDIAN_H
#define HYL_BASE_ENDIAN_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HYL__BE16(x) __builtin_bswap16(x)
#define HYL__BE32(x) __builtin_bswap32(x)
#define HYL__BE64(x) __builtin_bswap64(x)
#define HYL__LE16(x) (x)
#define HYL__LE32(x) (x)
#define HYL__LE64(x) (x)
#else
#define HYL__BE16(x) (x)
#define HYL__BE32(x) (x)
#define HYL__BE64(x) (x)
#define HYL__LE16(x) __builtin_bswap16(x)
#define HYL__LE32(x) __builtin_bswap32(x)
#define HYL__LE64(x) __builtin_bswap64(x)
#endif

/* hyl__load_be32(p), hyl__store_be32(p, v), and so on for 16, 32, 64 bits, be and le. */
#define HYL__DEFINE_LOAD_STORE(bits, order, ORDER)                              \
    static inline uint##bits##_t hyl__load_##order##bits(const void *from)      \
    {                                                                           \
        uint##bits##_t value;                                                   \
        memcpy(&value, from, sizeof value);                                     \
        return HYL__##ORDER##bits(value);                                       \
    }                                                                           \
    static inline void hyl__store_##order##bits(void *to, uint##bits##_t value) \
    {                                                                           \
        value = HYL__##ORDER##bits(value);                                      \
        memcpy(to, &value, sizeof value);                                       \
    }

HYL__DEFINE_LOAD_STORE(16, be, BE)
HYL__DEFINE_LOAD_STORE(32, be, BE)
HYL__DEFINE_LOAD_STORE(64, be, BE)
HYL__DEFINE_LOAD_STORE(16, le, LE)
HYL__DEFINE_LOAD_STORE(32, le, LE)
HYL__DEFINE_LOAD_STORE(64, le, LE)

#endif
