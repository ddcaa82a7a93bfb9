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
 * True where every value of the field has a place in the type, the lengths of text, the ranges of
 * dates, and NULLs apart, which are for each value to show. `lossy`: of HYL_LOSSY_..., what may
 * change to have one.
 */
bool hyl__arrow_fits(const struct ArrowSchema *field, hyl_type type, unsigned lossy);

/*
 * The type that a new table's column gets for a field, UNKNOWN where there is none. The metadata that
 * choose among several may stand at the field, or at its values behind a dictionary or runs.
 * `has_real`: the database's version has 32-bit floats.
 */
hyl_type hyl__arrow_home(const struct ArrowSchema *field, bool has_real);

/*
 * The type of a column that the server has sent, lists included; UNKNOWN where it sends no such
 * field.
 */
hyl_type hyl__arrow_type_of(const struct ArrowSchema *field);

#endif
