/*
 * Arrays in HyperBinary. A payload is, with n elements:
 *
 *   elements of fixed width: n values, then the null bits;
 *   others: u32 n, n x u32 end offsets, the null bits, the values' bytes.
 *
 * Null bits: ceil(n / 8) bytes, least significant bit first, 1 for NULL. A DataRow always has them,
 * though the elements' type be NOT NULL; COPY leaves them out there. No elements: no bytes at all.
 * In an array char(1) is a code point of 4 bytes (0 for a blank) and char(n) has no padding.
 */
#ifndef HYL_VALUE_ARRAY_H
#define HYL_VALUE_ARRAY_H

#include <hyperline/types.h>

/* Checks the shape of an array value's payload. Errors: PROTOCOL. */
HYL_NODISCARD hyl_status hyl__array_check(hyl_type type, const hyl_value *array, hyl_error *err);

/* Appends a payload for the type, each element checked. Errors: those of hyl_value_encode. */
HYL_NODISCARD hyl_status hyl__array_put(hyl_type type, const hyl_value *array, bool null_bits,
                                        hyl_buf *out, hyl_error *err);

/* Builds a payload at the end of a buffer, from a known number of elements. */
typedef struct hyl__array_builder {
    hyl_type element;
    size_t width; /* of an element's bytes, 0 where it varies */
    uint32_t count;
    uint32_t next;
    bool null_bits;
    size_t base; /* offsets into the buffer: where the payload begins, */
    size_t ends_at;
    size_t nulls_at;
    size_t data_at;
    hyl_buf *out;
} hyl__array_builder;

void hyl__array_build(hyl__array_builder *builder, hyl_type array, uint32_t count, bool null_bits,
                      hyl_buf *out);
/* Adds the next element. Errors: those of hyl_value_encode. */
HYL_NODISCARD hyl_status hyl__array_add(hyl__array_builder *builder, const hyl_value *element,
                                        hyl_error *err);
/* OK, or NOMEM where an append failed. */
HYL_NODISCARD hyl_status hyl__array_built(const hyl__array_builder *builder, hyl_error *err);
/*
 * What was built.
 * Lifetime: until the buffer is appended to.
 */
hyl_bytes hyl__array_payload(const hyl__array_builder *builder);
/* Takes back what was appended. */
void hyl__array_undo(hyl__array_builder *builder);

/* Appends "[1,NULL,3]" as the server writes it. */
HYL_NODISCARD hyl_status hyl__array_text(hyl_type type, const hyl_value *array, hyl_buf *out,
                                         hyl_error *err);
/* Decodes it; the payload is appended to `scratch`. */
HYL_NODISCARD hyl_status hyl__array_parse(hyl_type type, hyl_str text, hyl_buf *scratch,
                                          hyl_value *out, hyl_error *err);
/* Decodes an array of PostgreSQL's binary format; the payload is appended to `scratch`. */
HYL_NODISCARD hyl_status hyl__array_from_pgbinary(hyl_type type, hyl_bytes bytes, hyl_buf *scratch,
                                                  hyl_value *out, hyl_error *err);

#endif
