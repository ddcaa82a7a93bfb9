/* Values from PostgreSQL's big-endian binary format. */
#ifndef HYL_VALUE_PGBINARY_H
#define HYL_VALUE_PGBINARY_H

#include <hyperline/types.h>

/* hyl_value_decode for format 1. */
HYL_NODISCARD hyl_status hyl__pg_decode(hyl_type type, hyl_bytes bytes, hyl_buf *scratch,
                                        hyl_value *out, hyl_error *err);
/* PROTOCOL: "malformed binary value of type ..." */
hyl_status hyl__pg_malformed(hyl_type type, hyl_error *err);
/*
 * Takes the version byte off a jsonb value; those of other types stay as they are.
 * Errors: PROTOCOL.
 */
HYL_NODISCARD hyl_status hyl__pg_strip_version(hyl_type type, hyl_bytes *bytes, hyl_error *err);

/* A numeric of any size: groups of four digits, the first of which counts 10000^weight. */
typedef struct hyl__pg_numeric {
    const uint8_t *groups; /* big-endian, 0..9999 each */
    size_t count;
    int32_t weight;
    uint16_t sign;
    uint16_t scale; /* how many decimals it is shown with */
    bool negative;
} hyl__pg_numeric;

/* Errors: PROTOCOL. */
HYL_NODISCARD hyl_status hyl__pg_numeric_read(hyl_type type, hyl_bytes bytes, hyl__pg_numeric *out,
                                              hyl_error *err);
/* "NaN", "Infinity" or "-Infinity"; NULL for a number. */
const char *hyl__pg_numeric_special(const hyl__pg_numeric *numeric);

enum { HYL__PG_MAX_DIMENSIONS = 6 };

typedef struct hyl__pg_array {
    hyl_type element;
    uint32_t dimensions;
    uint32_t lengths[HYL__PG_MAX_DIMENSIONS]; /* above 0 each */
    int32_t lower[HYL__PG_MAX_DIMENSIONS];    /* the first index */
} hyl__pg_array;

/*
 * Reads an array's heads and moves `bytes` to its first element.
 * Errors: PROTOCOL.
 */
HYL_NODISCARD hyl_status hyl__pg_array_open(hyl_type type, hyl_bytes *bytes, hyl__pg_array *out,
                                            hyl_error *err);
/* Takes the next element off the front; data NULL is NULL. False where it does not fit. */
bool hyl__pg_array_take(hyl_bytes *bytes, hyl_bytes *element);

#endif
