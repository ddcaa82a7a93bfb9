/*
 * Values out of Arrow arrays that nanoarrow's accessors read wrongly (the smallest 16-bit floats), or
 * wherever the array says that they are.
 */
#ifndef HYL_DATA_ARROW_VALUE_H
#define HYL_DATA_ARROW_VALUE_H

#include <hyperline/types.h>
#include <nanoarrow/nanoarrow.h>

/* The number that 16 bits are by IEEE 754 (binary16). Every one is a float too. */
float hyl__half_to_float(uint16_t half);

/* A number of any type, as nanoarrow's ArrowArrayViewGetDoubleUnsafe has it. */
static inline double hyl__arrow_double_at(const struct ArrowArrayView *view, int64_t i)
{
    return view->storage_type == NANOARROW_TYPE_HALF_FLOAT
               ? (double)hyl__half_to_float(view->buffer_views[1].data.as_uint16[i + view->offset])
               : ArrowArrayViewGetDoubleUnsafe(view, i);
}

/* Index `i` of a dictionary's, of which `type` is one of the integers. */
int64_t hyl__arrow_index_at(enum ArrowType type, const void *indices, int64_t i);

#endif
