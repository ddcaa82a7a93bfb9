#include "mem.h"

#include <stdlib.h>

static void *default_realloc(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    return realloc(ptr, size);
}

static void default_free(void *ctx, void *ptr)
{
    (void)ctx;
    free(ptr);
}

static const hyl_allocator default_allocator = {default_realloc, default_free, NULL};

/* One of the two pieces of global state; set once, before anything else. */
static hyl_allocator current = {default_realloc, default_free, NULL};

void hyl_set_allocator(const hyl_allocator *allocator)
{
    current = allocator != NULL ? *allocator : default_allocator;
}

void *hyl__malloc(size_t size)
{
    return current.realloc_fn(current.ctx, NULL, size != 0 ? size : 1);
}

void *hyl__calloc(size_t count, size_t size)
{
    size_t total = 0;
    if (!hyl__mul_size(count, size, &total)) {
        return NULL;
    }
    void *ptr = hyl__malloc(total);
    if (ptr != NULL) {
        memset(ptr, 0, total);
    }
    return ptr;
}

void *hyl__realloc(void *ptr, size_t size)
{
    return current.realloc_fn(current.ctx, ptr, size != 0 ? size : 1);
}

void hyl__free(void *ptr)
{
    if (ptr != NULL) {
        current.free_fn(current.ctx, ptr);
    }
}

void hyl_free(void *ptr)
{
    hyl__free(ptr);
}

char *hyl__strndup(const char *text, size_t len)
{
    if (len == SIZE_MAX) {
        return NULL;
    }
    char *copy = hyl__malloc(len + 1);
    if (copy != NULL) {
        if (len > 0) {
            memcpy(copy, text, len);
        }
        copy[len] = '\0';
    }
    return copy;
}

char *hyl__strdup(const char *text)
{
    return hyl__strndup(text, strlen(text));
}

void hyl__wipe(void *ptr, size_t len)
{
    volatile unsigned char *bytes = ptr;
    while (len > 0) {
        *bytes++ = 0;
        len--;
    }
}
