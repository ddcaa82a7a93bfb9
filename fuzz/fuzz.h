/*
 * What the fuzz targets share. A target is one function over bytes; libFuzzer looks for bytes that
 * make it end badly, and replay.c runs it over the files of its corpus.
 */
#ifndef HYL_FUZZ_FUZZ_H
#define HYL_FUZZ_FUZZ_H

#include <hyperline/base.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name that libFuzzer wants. Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold whatever the input: where it does not, that is a finding. */
#define FUZZ_CHECK(condition)                                                              \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

/* A byte off the front of the input, 0 where there is none. */
static inline uint8_t fuzz_byte(hyl_bytes *input)
{
    if (input->len == 0) {
        return 0;
    }
    input->len--;
    return *input->data++;
}

/*
 * A piece of memory of its own with these bytes: exactly as long, so that the address sanitizer
 * sees one byte too many. fuzz_copy_text has a NUL behind them, and one in them ends the text.
 */
static inline uint8_t *fuzz_copy(hyl_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
    FUZZ_CHECK(copy != NULL);
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    return copy;
}

static inline char *fuzz_copy_text(hyl_bytes bytes)
{
    char *copy = malloc(bytes.len + 1);
    FUZZ_CHECK(copy != NULL);
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    copy[bytes.len] = '\0';
    return copy;
}

static inline hyl_bytes fuzz_buf_bytes(const hyl_buf *buf)
{
    return (hyl_bytes){buf->data, buf->len};
}

static inline hyl_str fuzz_buf_str(const hyl_buf *buf)
{
    return (hyl_str){(const char *)buf->data, buf->len};
}

static inline bool fuzz_same(hyl_bytes a, hyl_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* A checksum of what was seen, to compare two readings of one input by (FNV-1a). */
#define FUZZ_HASH_INIT UINT64_C(0xcbf29ce484222325)

static inline void fuzz_hash(uint64_t *hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++) {
        *hash = (*hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
}

static inline void fuzz_hash_number(uint64_t *hash, uint64_t number)
{
    fuzz_hash(hash, &number, sizeof number);
}

/*
 * How an input is cut into pieces, chosen by one byte of it: 0 not at all, 1 into single bytes,
 * anything else into pieces of changing size.
 */
typedef struct fuzz_cuts {
    uint8_t plan;
    uint64_t state;
} fuzz_cuts;

static inline fuzz_cuts fuzz_cuts_of(uint8_t plan)
{
    return (fuzz_cuts){plan, plan};
}

/* The next piece's length: 1..left. */
static inline size_t fuzz_next_cut(fuzz_cuts *cuts, size_t left)
{
    if (cuts->plan < 2) {
        return cuts->plan == 0 ? left : 1;
    }
    cuts->state = cuts->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    size_t piece = 1 + (size_t)(cuts->state >> 33) % (cuts->plan < 128 ? 16 : 400);
    return piece < left ? piece : left;
}

#endif
