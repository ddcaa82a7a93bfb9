/*
 * The rows of batches.h as the bytes that go over the socket: whole CopyData messages, encoded
 * beforehand, so that sending them is all that is left to do.
 */
#ifndef BENCH_ENCODE_H
#define BENCH_ENCODE_H

#include "batches.h"

typedef enum encode_format {
    ENCODE_HYPERBINARY,
    ENCODE_ARROW,
} encode_format;

/* A way to send rows. */
typedef struct encode_plan {
    encode_format format;
    size_t message_bytes; /* of a CopyData's body, about */
} encode_plan;

/* The format's name as COPY takes it. */
const char *encode_format_name(encode_format format);

/* Appends the rows 1..rows as CopyData messages. Errors: NOMEM. */
HYL_NODISCARD hyl_status encode_rows(batches_kind kind, int64_t rows, const encode_plan *plan,
                                     hyl_buf *out, hyl_error *err);

#endif
