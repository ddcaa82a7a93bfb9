/*
 * Random numbers for property tests: xorshift64*, with a seed that the test prints, so that a
 * failure can be repeated (HYL_TEST_SEED=number in the environment).
 */
#ifndef HYL_TESTS_SUPPORT_RANDOM_H
#define HYL_TESTS_SUPPORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct random_source {
    uint64_t state;
} random_source;

/* Starts a source from HYL_TEST_SEED or `default_seed` and prints the seed. */
static inline random_source random_start(const char *what, uint64_t default_seed)
{
    const char *wanted = getenv("HYL_TEST_SEED");
    uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 0) : default_seed;
    printf("%s: seed 0x%llx\n", what, (unsigned long long)seed);
    random_source source = {seed != 0 ? seed : 1};
    return source;
}

static inline uint64_t random_u64(random_source *source)
{
    source->state ^= source->state >> 12;
    source->state ^= source->state << 25;
    source->state ^= source->state >> 27;
    return source->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A number in 0 <= n < limit (limit > 0). */
static inline uint64_t random_below(random_source *source, uint64_t limit)
{
    return random_u64(source) % limit;
}

/* A number of a random bit width, so that small and large ones are as likely. */
static inline uint64_t random_any_size(random_source *source)
{
    return random_u64(source) >> random_below(source, 64);
}

static inline void random_fill(random_source *source, void *to, size_t len)
{
    uint8_t *at = to;
    for (size_t i = 0; i < len; i++) {
        at[i] = (uint8_t)(random_u64(source) >> 56);
    }
}

#endif
