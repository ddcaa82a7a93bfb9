/* Which of Hyper's types takes which of Arrow's. */
#ifndef HYL_DATA_ARROW_TYPES_H
#define HYL_DATA_ARROW_TYPES_H

#include <hyperline/types.h>

#include <nanoarrow/nanoarrow.h>

/*
 * The field that the values are of: behind dictionaries and run-end encoding.
 */
const struct ArrowSchema *hyl__arrow_value_field(const struct ArrowSchema *field);

/*
 * True where every value of the field (hyl__arrow_value_field) has a place in the type, the lengths
 * of text, the ranges of dates, and NULLs apart, which are for each value to show.
 */
bool hyl__arrow_fits(const struct ArrowSchema *field, const struct ArrowSchemaView *view,
                     hyl_type type);

/*
 * The type that a new table's column gets for a field, UNKNOWN where there is none. `has_real`:
 * the database's version has 32-bit floats.
 */
hyl_type hyl__arrow_home(const struct ArrowSchema *field, const struct ArrowSchemaView *view,
                         bool has_real);

#endif
