/* Numbers that become the nearest that their column has, and dates without their time of day. */
#ifndef HYL_DATA_ARROW_LOSSY_H
#define HYL_DATA_ARROW_LOSSY_H

#include "arrow_source.h"

/*
 * The put function for values that only the option lossy lets into the column
 * (hyl__arrow_fits_lossy). It counts what it changes in source->changed.
 */
hyl__arrow_put hyl__arrow_lossy_choose(const hyl__arrow_source *source);

#endif
