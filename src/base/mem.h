/* All memory of the library comes through here, so that a test can fail each allocation once. */
#ifndef HYL_BASE_MEM_H
#define HYL_BASE_MEM_H

#include <hyperline/base.h>

#include <string.h>

/* Allocates `size` bytes; NULL when there is no memory. A size of 0 gives a valid pointer. */
void *hyl__malloc(size_t size);
/* Allocates and zeroes count * size bytes; NULL on overflow or when there is no memory. */
void *hyl__calloc(size_t count, size_t size);
void *hyl__realloc(void *ptr, size_t size);
void hyl__free(void *ptr);

/* A NUL-terminated copy; NULL when there is no memory. */
char *hyl__strndup(const char *text, size_t len);
char *hyl__strdup(const char *text);

/* Zeroes memory in a way that the compiler keeps: for secrets. */
void hyl__wipe(void *ptr, size_t len);

/* *out = a + b or a * b; false on overflow. */
static inline bool hyl__add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool hyl__mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

#endif
