/* Flatbuffers for tests, written field by field, so that each of them can be a lie. */
#ifndef HYL_TESTS_SUPPORT_FB_BUILD_H
#define HYL_TESTS_SUPPORT_FB_BUILD_H

#include "data/flatbuf.h"

typedef struct fb_build {
    hyl_buf bytes;
} fb_build;

enum { FB_FIELDS = 8 }; /* a table's, each of 8 bytes; those that are not set are left out */

/* Begins a buffer, whose root is the table that is added first. */
fb_build fb_start(void);
void fb_free(fb_build *fb);

/* Adds a table; returns where it is. */
size_t fb_table(fb_build *fb);
/* Sets a field to a number of 1 to 8 bytes. */
void fb_set_int(fb_build *fb, size_t table, size_t field, int64_t value);
/* Sets a field to what is at `to`, which was added after the table. */
void fb_set_ref(fb_build *fb, size_t table, size_t field, size_t to);
/* Adds a text and sets the field to it. */
void fb_set_text(fb_build *fb, size_t table, size_t field, const char *text);
/* Adds a vector of `count` elements of `width` bytes, all 0, and sets the field to it. */
size_t fb_set_vector(fb_build *fb, size_t table, size_t field, uint32_t count, size_t width);
/* Sets the 8 bytes at `offset` of a vector's elements. */
void fb_put_int(fb_build *fb, size_t vector, size_t offset, int64_t value);
/* Adds a table and sets element i of a vector of tables to it. */
size_t fb_put_table(fb_build *fb, size_t vector, size_t i);

/* The buffer as its readers see it. Lifetime: until something is added. */
hyl__fb fb_view(const fb_build *fb);

#endif
