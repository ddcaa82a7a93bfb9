/*
 * Arrays from other producers, checked for what nanoarrow takes for granted before it reads them. What
 * offsets, views and indices point to is looked at where the values are read (arrow_value.h).
 */
#ifndef HYL_DATA_ARROW_CHECK_H
#define HYL_DATA_ARROW_CHECK_H

#include <hyperline/base.h>
#include <nanoarrow/nanoarrow.h>

/*
 * Is this a number of values whose sizes in bits are a 64-bit number? nanoarrow multiplies without a
 * look.
 */
bool hyl__arrow_is_length(const struct ArrowLayout *layout, int64_t length);

/*
 * Has the schema all fields that it announces, and no width beyond 32 bits? nanoarrow looks at the
 * rest when it makes a view of it.
 * Errors: ARG.
 */
HYL_NODISCARD hyl_status hyl__arrow_check_schema(const struct ArrowSchema *schema, hyl_error *err);

/*
 * Puts an array into the view that was made of its schema, where the array has the buffers,
 * children, dictionary and lengths that the view needs. A count of NULLs that is not known is set to
 * 0 where there is no bitmap.
 * Errors: ARG.
 */
HYL_NODISCARD hyl_status hyl__arrow_view_set(struct ArrowArrayView *view, struct ArrowArray *array,
                                             hyl_error *err);

#endif
