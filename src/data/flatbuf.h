/*
 * Flatbuffers, as Arrow's metadata are encoded: tables, vectors and strings in bytes that come from
 * anywhere. Every access is checked against the buffer. What does not lie in it reads as absent and
 * marks the buffer as broken, so that a reader may ask at its end, once, whether all was well.
 * (The format: https://flatbuffers.dev/internals.)
 */
#ifndef HYL_DATA_FLATBUF_H
#define HYL_DATA_FLATBUF_H

#include <hyperline/base.h>

typedef struct hyl__fb {
    const uint8_t *data;
    size_t len;
    bool broken;
} hyl__fb;

typedef struct hyl__fb_table {
    hyl__fb *fb;
    size_t at;     /* 0: there is none, and each of its fields is absent */
    size_t fields; /* where the offsets of its fields are */
    size_t field_count;
} hyl__fb_table;

typedef struct hyl__fb_vector {
    hyl__fb *fb;
    size_t at;
    size_t count;
    size_t width; /* of an element */
} hyl__fb_vector;

/* The table that the buffer holds. */
hyl__fb_table hyl__fb_root(hyl__fb *fb);

/* A field's number, of 1, 2, 4 or 8 bytes, signed; `absent` where it is left out. */
int64_t hyl__fb_int(const hyl__fb_table *table, size_t field, size_t width, int64_t absent);
hyl__fb_table hyl__fb_child(const hyl__fb_table *table, size_t field);
/* A field's text; data is NULL where it is left out. */
hyl_str hyl__fb_text(const hyl__fb_table *table, size_t field);
/* A field's vector of structs or numbers of `width` bytes, or of tables (4); empty where left out. */
hyl__fb_vector hyl__fb_items(const hyl__fb_table *table, size_t field, size_t width);

/* Elements of a vector; `i` is below its count. */
hyl__fb_table hyl__fb_item_table(const hyl__fb_vector *vector, size_t i);
/* The number of 4 or 8 bytes at `offset` in element i. */
int64_t hyl__fb_item_int(const hyl__fb_vector *vector, size_t i, size_t offset, size_t width);

#endif
