#include "support/alloc.h"

#include "support/test.h"

#include <stdlib.h>

/* The memory sanitizer minds that what was never written is looked at as well. */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define TAKE_AS_WRITTEN(at, len) __msan_unpoison(at, len)
#endif
#endif
#if !defined(TAKE_AS_WRITTEN)
#define TAKE_AS_WRITTEN(at, len) ((void)0)
#endif

/* In front of each piece of memory: its size, and so aligned that what follows is for anything. */
typedef union piece {
    size_t size;
    max_align_t align;
} piece;

static struct {
    size_t calls;
    size_t fail_at;
    size_t live;
    size_t bytes;
    size_t peak;
    const char *secret;
    size_t secrets;
} counts;

/* Over the program's whole run, told at its end. */
static size_t failures;

static void report(void)
{
    printf("# %zu allocations failed, one at a time\n", failures);
}

static void look_for_secret(const piece *old)
{
    if (counts.secret == NULL || old == NULL) {
        return;
    }
    const char *bytes = (const char *)(old + 1);
    size_t len = strlen(counts.secret);
    TAKE_AS_WRITTEN(bytes, old->size);
    for (size_t i = 0; i + len <= old->size; i++) {
        if (memcmp(bytes + i, counts.secret, len) == 0) {
            counts.secrets++;
            return;
        }
    }
}

static void *counting_realloc(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (++counts.calls == counts.fail_at || size > SIZE_MAX - sizeof(piece)) {
        failures++;
        return NULL;
    }
    piece *old = ptr != NULL ? (piece *)ptr - 1 : NULL;
    size_t old_size = old != NULL ? old->size : 0;
    look_for_secret(old);
    piece *grown = realloc(old, sizeof *grown + size);
    if (grown == NULL) {
        return NULL;
    }
    counts.live += old == NULL ? 1 : 0;
    counts.bytes += size - old_size;
    counts.peak = counts.bytes > counts.peak ? counts.bytes : counts.peak;
    grown->size = size;
    return grown + 1;
}

static void counting_free(void *ctx, void *ptr)
{
    (void)ctx;
    if (ptr != NULL) {
        piece *old = (piece *)ptr - 1;
        look_for_secret(old);
        counts.live--;
        counts.bytes -= old->size;
        free(old);
    }
}

void alloc_start(size_t fail_at)
{
    static const hyl_allocator counting = {counting_realloc, counting_free, NULL};
    static bool reports;
    if (!reports) {
        reports = atexit(report) == 0;
    }
    memset(&counts, 0, sizeof counts);
    counts.fail_at = fail_at;
    hyl_set_allocator(&counting);
}

void alloc_arm(size_t fail_in)
{
    counts.calls = 0;
    counts.fail_at = fail_in;
}

void alloc_stop(void)
{
    hyl_set_allocator(NULL);
    assert_int_equal(counts.live, 0);
    assert_int_equal(counts.bytes, 0);
}

bool alloc_failed(void)
{
    return counts.fail_at != ALLOC_NEVER && counts.calls >= counts.fail_at;
}

void alloc_watch(const char *secret)
{
    counts.secret = secret;
}

size_t alloc_secrets(void)
{
    return counts.secrets;
}

size_t alloc_peak(void)
{
    return counts.peak;
}
