/*
 * Values out of Arrow arrays that nanoarrow's accessors read wrongly (the smallest 16-bit floats), or
 * from wherever the array says that they are (text and bytes).
 */
#ifndef HYL_DATA_ARROW_VALUE_H
#define HYL_DATA_ARROW_VALUE_H

#include <hyperline/types.h>
#include <nanoarrow/nanoarrow.h>

#include <string.h>

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

/* The bytes between two offsets; false where `end` is before `begin` or behind the buffer's end. */
static inline bool hyl__arrow_bytes_between(const struct ArrowBufferView *buffer, uint64_t begin,
                                            uint64_t end, hyl_bytes *out)
{
    if (begin > end || end > (uint64_t)buffer->size_bytes) {
        return false;
    }
    /* Where all values are empty there may be no buffer. */
    *out = (hyl_bytes){end > 0 ? buffer->data.as_uint8 + begin : NULL, (size_t)(end - begin)};
    return true;
}

/* What a view of more than a few bytes points to. */
static inline bool hyl__arrow_bytes_of_view(const struct ArrowArrayView *view, const uint8_t *at,
                                            hyl_bytes *out)
{
    int32_t part[4]; /* length, four bytes of the text, buffer, offset */
    memcpy(part, at, sizeof part);
    if ((uint32_t)part[0] <= NANOARROW_BINARY_VIEW_INLINE_SIZE) {
        *out = (hyl_bytes){at + sizeof part[0], (size_t)part[0]};
        return true;
    }
    if ((part[0] | part[2] | part[3]) < 0 || part[2] >= view->n_variadic_buffers ||
        (int64_t)part[3] + part[0] > view->variadic_buffer_sizes[part[2]]) {
        return false;
    }
    *out = (hyl_bytes){(const uint8_t *)view->variadic_buffers[part[2]] + part[3], (size_t)part[0]};
    return true;
}

/*
 * A text or binary value. False where it is not within the array's buffers: offsets decrease or go
 * beyond the last one's bytes, or a view points elsewhere.
 */
static inline bool hyl__arrow_bytes_at(const struct ArrowArrayView *view, int64_t i, hyl_bytes *out)
{
    const uint8_t *at = view->buffer_views[1].data.as_uint8;
    uint32_t ends[2];
    uint64_t large_ends[2];
    i += view->offset;
    switch (view->storage_type) {
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_BINARY:
        memcpy(ends, at + i * (int64_t)sizeof ends[0], sizeof ends);
        return hyl__arrow_bytes_between(&view->buffer_views[2], ends[0], ends[1], out);
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_LARGE_BINARY:
        memcpy(large_ends, at + i * (int64_t)sizeof large_ends[0], sizeof large_ends);
        return hyl__arrow_bytes_between(&view->buffer_views[2], large_ends[0], large_ends[1], out);
    case NANOARROW_TYPE_STRING_VIEW:
    case NANOARROW_TYPE_BINARY_VIEW:
        return hyl__arrow_bytes_of_view(view, at + i * (int64_t)(4 * sizeof(int32_t)), out);
    default: {
        const int64_t width = view->layout.element_size_bits[1] / 8;
        *out = (hyl_bytes){width > 0 ? at + i * width : at, (size_t)width};
        return true;
    }
    }
}

#endif
