/* An Arrow array of one column on its way into the stage. */
#ifndef HYL_TESTS_SUPPORT_ARROW_RIG_H
#define HYL_TESTS_SUPPORT_ARROW_RIG_H

#include "data/arrow_source.h"

#include <hyperline/arrow.h>

typedef struct arrow_rig {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView view;
    hyl__table_column info;
    hyl__table table;
    hyl__stage stage;
    hyl__arrow_source source;
    hyl_error err; /* of the last put */
} arrow_rig;

/* An array that values are appended to; of times with their unit, of decimals with their digits. */
void arrow_rig_start(arrow_rig *r, enum ArrowType type);
void arrow_rig_start_time(arrow_rig *r, enum ArrowType type, enum ArrowTimeUnit unit);
void arrow_rig_start_decimal(arrow_rig *r, enum ArrowType type, int precision, int scale);

/* The array is complete: it goes to a column "x" of this type. */
void arrow_rig_aim(arrow_rig *r, hyl_type type, bool nullable, unsigned lossy);
/* Puts values; the stage has as many rows more where all of them fit. */
hyl_status arrow_rig_put(arrow_rig *r, int64_t first, int64_t count, int64_t *done);
/* Puts all of them, which fit. */
void arrow_rig_put_all(arrow_rig *r);
/* What is staged of `count` values from `first` on is the same in a block and value by value. */
void arrow_rig_same_part_singly(arrow_rig *r, int64_t first, int64_t count);
void arrow_rig_same_singly(arrow_rig *r);
void arrow_rig_end(arrow_rig *r);

#endif
