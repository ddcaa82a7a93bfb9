/* The rows that are inserted, as Arrow record batches: the same for every client. */
#ifndef BENCH_BATCHES_H
#define BENCH_BATCHES_H

#include "bench.h"

#include <hyperline/arrow.h>

typedef enum batches_kind {
    BATCHES_NONE,
    BATCHES_MEASUREMENTS, /* as the table measurements has them */
    BATCHES_MIXED,        /* as mixed has them */
    BATCHES_PLAIN,        /* arrow_in: numbers with NULLs and two texts, of the table's own types */
    BATCHES_NORMALISED,   /* the same rows: a narrower id, a text of views, one by a dictionary */
    BATCHES_KIND_COUNT,
} batches_kind;

/* Rows of the batches that clients are given, and how many texts repeat in a column. */
enum { BATCHES_ROWS = 65536, BATCHES_NAMES = 100000, BATCHES_KINDS = 100, BATCHES_DAYS = 3650 };

/* Errors: NOMEM. */
HYL_NODISCARD hyl_status batches_schema(batches_kind kind, struct ArrowSchema *out, hyl_error *err);
/* A batch of the rows first, first + 1, ..., counted from 1. Errors: NOMEM. */
HYL_NODISCARD hyl_status batches_make(batches_kind kind, int64_t first, int64_t rows,
                                      struct ArrowArray *out, hyl_error *err);

/* Batches of BATCHES_ROWS rows that are made once and streamed often. */
typedef struct batches {
    struct ArrowSchema schema;
    struct ArrowArray *items;
    size_t count;
} batches;

/* Errors: NOMEM. */
HYL_NODISCARD hyl_status batches_init(batches *self, batches_kind kind, int64_t rows,
                                      hyl_error *err);
void batches_reset(batches *self);
/*
 * A stream of them. Its batches are views: releasing them frees nothing.
 * Errors: NOMEM. Lifetime: the batches must outlive what comes from the stream.
 */
HYL_NODISCARD hyl_status batches_stream(const batches *self, struct ArrowArrayStream *out,
                                        hyl_error *err);

#endif
