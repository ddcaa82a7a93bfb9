/*
 * Many values of an Arrow column at once, for types and columns where that can be done by a plain
 * loop. A block that holds anything that is to be refused is not staged here at all: value by value
 * (arrow_source.c) it gets its message.
 */
#ifndef HYL_DATA_ARROW_BULK_H
#define HYL_DATA_ARROW_BULK_H

#include "arrow_source.h"

/* The loop for values of a type into a column; NULL where they go value by value. */
hyl__arrow_bulk hyl__arrow_bulk_choose(const hyl__arrow_source *source,
                                       const hyl__stage_column *column);

/*
 * How many of the values from `first` on, `count` at most, have no more than max_bytes in all; -1
 * where that takes a look at each by arrow_source.c.
 */
int64_t hyl__arrow_bulk_measure(const hyl__arrow_source *source, int64_t first, int64_t count,
                                size_t max_bytes);

/* True where the block is staged; where it is not, the stage is as it was. */
bool hyl__arrow_bulk_put(const hyl__arrow_source *source, int64_t first, int64_t count,
                         hyl__stage *stage, hyl__stage_column *column);

#endif
