/* A column of Arrow arrays, whose values are put into the stage. */
#ifndef HYL_DATA_ARROW_SOURCE_H
#define HYL_DATA_ARROW_SOURCE_H

#include "stage.h"

#include <nanoarrow/nanoarrow.h>

typedef struct hyl__arrow_source hyl__arrow_source;

/* Puts value `i` of `values`, which is not NULL, into the row that is being made. */
typedef hyl_status (*hyl__arrow_put)(hyl__arrow_source *source, const struct ArrowArrayView *values,
                                     int64_t i, hyl__stage *stage, hyl__stage_column *column,
                                     hyl_error *err);

/* Puts `count` values from `first` on, null_count of them NULL; false where one does not fit. */
typedef bool (*hyl__arrow_bulk)(const hyl__arrow_source *source, int64_t first, int64_t count,
                                size_t null_count, hyl__stage *stage, hyl__stage_column *column);

/* What the values are behind. */
typedef enum hyl__arrow_depth {
    HYL__ARROW_PLAIN,
    HYL__ARROW_DICTIONARY, /* one */
    HYL__ARROW_DEEP        /* run-end encoding, or more than one of them */
} hyl__arrow_depth;

struct hyl__arrow_source {
    const struct ArrowArrayView *view; /* of the batch's column */
    struct ArrowSchemaView type;       /* of its values */
    hyl__arrow_put put;
    hyl__arrow_bulk bulk; /* NULL: values are put one by one */
    hyl__arrow_depth depth;
    int64_t run;        /* of run-end encoding: the run of the last value */
    int64_t multiplier; /* of dates and times: microseconds in a unit */
    bool nanos;         /* and its values are nanoseconds */
    bool cut_times;     /* what a time or date has no place for is cut off and counted */
    int64_t changed;    /* how many values did not stay what they were */
};

/*
 * `field`: the column's in the stream's schema, which hyl__arrow_fits has found to fit, with the same
 * HYL_LOSSY_... in `lossy`. `view`: of the column in every batch; it is filled before each.
 */
void hyl__arrow_source_init(hyl__arrow_source *source, const struct ArrowSchema *field,
                            const struct ArrowArrayView *view, const hyl__stage_column *column,
                            unsigned lossy);
/* Another batch is in the view. */
void hyl__arrow_source_rewind(hyl__arrow_source *source);

/*
 * How many of the values from `first` on, `count` at most but one at least, have no more than
 * `max_bytes` in all. Of values of fixed width all.
 */
int64_t hyl__arrow_source_measure(hyl__arrow_source *source, int64_t first, int64_t count,
                                  size_t max_bytes);

/*
 * Puts values into as many rows of the stage from its last on; the stage's count of rows is left
 * alone. Where one fails *done is the number of those before it.
 * Errors: those of hyl__put_value; ARG (a dictionary's index or a run that is not there).
 */
HYL_NODISCARD hyl_status hyl__arrow_source_put(hyl__arrow_source *source, int64_t first,
                                               int64_t count, hyl__stage *stage,
                                               hyl__stage_column *column, int64_t *done,
                                               hyl_error *err);

#endif
