#include "arrow_check.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { VIEW_FIXED_BUFFERS = 2 };

bool hyl__arrow_is_length(const struct ArrowLayout *layout, int64_t length)
{
    int64_t most = layout->child_size_elements > 64 ? layout->child_size_elements : 64;
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        const int64_t bits = layout->element_size_bits[i];
        most = bits > most ? bits : most;
    }
    return length >= 0 && length < INT64_MAX / most - 1;
}

/* ---- Schemas ------------------------------------------------------------------------------- */

/* The width of "w:16" and "+w:16"; 0 of other formats. */
static long long width_of(const char *format)
{
    const char *from = *format == '+' ? format + 1 : format;
    return from[0] == 'w' && from[1] == ':' ? strtoll(from + 2, NULL, 10) : 0;
}

hyl_status hyl__arrow_check_schema(const struct ArrowSchema *schema, hyl_error *err)
{
    if (schema == NULL || schema->release == NULL || schema->format == NULL ||
        schema->n_children < 0 || (schema->n_children > 0 && schema->children == NULL)) {
        return hyl__fail(err, HYL_ERR_ARG, "the stream's schema lacks a field that it announces");
    }
    if (width_of(schema->format) > INT32_MAX) {
        return hyl__fail(err, HYL_ERR_ARG, "column \"%s\" is of a type that is none: \"%s\"",
                         schema->name != NULL ? schema->name : "", schema->format);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        HYL_TRY(hyl__arrow_check_schema(schema->children[i], err));
    }
    return schema->dictionary != NULL ? hyl__arrow_check_schema(schema->dictionary, err) : HYL_OK;
}

/* ---- Arrays -------------------------------------------------------------------------------- */

static bool is_view(enum ArrowType type)
{
    return type == NANOARROW_TYPE_STRING_VIEW || type == NANOARROW_TYPE_BINARY_VIEW;
}

/* Behind its fixed buffers any number of them, and one of their sizes. */
static hyl_status check_variadic(const struct ArrowArray *array, hyl_error *err)
{
    const int64_t count = array->n_buffers - VIEW_FIXED_BUFFERS - 1;
    if (count < 0 || count > INT32_MAX || array->buffers == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "the array has %lld buffers, which are too few or many",
                         (long long)array->n_buffers);
    }
    const int64_t *sizes = array->buffers[array->n_buffers - 1];
    for (int64_t i = 0; i < count; i++) {
        if (sizes == NULL || sizes[i] < 0 ||
            (array->buffers[VIEW_FIXED_BUFFERS + i] == NULL && sizes[i] > 0)) {
            return hyl__fail(err, HYL_ERR_ARG, "the array has no buffer %lld, or of no size",
                             (long long)i + VIEW_FIXED_BUFFERS);
        }
    }
    return HYL_OK;
}

static hyl_status check_buffers(const struct ArrowArrayView *view, const struct ArrowArray *array,
                                hyl_error *err)
{
    int64_t wanted = 0;
    if (is_view(view->storage_type)) {
        return check_variadic(array, err);
    }
    while (wanted < NANOARROW_MAX_FIXED_BUFFERS &&
           view->layout.buffer_type[wanted] != NANOARROW_BUFFER_TYPE_NONE) {
        wanted++;
    }
    return array->n_buffers == wanted && (wanted == 0 || array->buffers != NULL)
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_ARG, "the array has %lld buffers where %lld are needed",
                           (long long)array->n_buffers, (long long)wanted);
}

static hyl_status check_lengths(const struct ArrowArrayView *view, const struct ArrowArray *array,
                                hyl_error *err)
{
    int64_t end = 0;
    return array->length >= 0 && array->offset >= 0 &&
                   !__builtin_add_overflow(array->length, array->offset, &end) &&
                   hyl__arrow_is_length(&view->layout, end)
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_ARG, "the array's length is %lld and its offset %lld",
                           (long long)array->length, (long long)array->offset);
}

static hyl_status check_array(const struct ArrowArrayView *view, const struct ArrowArray *array,
                              hyl_error *err)
{
    if (array == NULL || array->release == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "an array is not there, or was released");
    }
    HYL_TRY(check_lengths(view, array, err));
    HYL_TRY(check_buffers(view, array, err));
    if (array->n_children > 0 && array->children == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "the array lacks the children that it announces");
    }
    if (array->n_children != view->n_children) {
        return hyl__fail(err, HYL_ERR_ARG, "the array has %lld children where %lld are needed",
                         (long long)array->n_children, (long long)view->n_children);
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        HYL_TRY(check_array(view->children[i], array->children[i], err));
    }
    return view->dictionary != NULL ? check_array(view->dictionary, array->dictionary, err)
                                    : HYL_OK;
}

/* ---- Runs and offsets ---------------------------------------------------------------------- */

/* nanoarrow has looked at the first and the last. */
static hyl_status check_run_ends(const struct ArrowArrayView *ends, hyl_error *err)
{
    int64_t last = 0;
    for (int64_t i = 0; i < ends->length; i++) {
        const int64_t end = ArrowArrayViewGetIntUnsafe(ends, i);
        if (end <= last) {
            return hyl__fail(err, HYL_ERR_ARG, "run %lld ends at %lld, the one before at %lld",
                             (long long)i + 1, (long long)end, (long long)last);
        }
        last = end;
    }
    return HYL_OK;
}

#define ARE_ORDERED(name, ctype)                                              \
    static bool are_ordered_##name(const uint8_t *offsets, int64_t count)     \
    {                                                                         \
        bool ordered = true;                                                  \
        for (int64_t i = 0; i < count; i++) {                                 \
            ctype pair[2]; /* aligned or not */                               \
            memcpy(pair, offsets + i * (int64_t)sizeof pair[0], sizeof pair); \
            ordered &= pair[1] >= pair[0];                                    \
        }                                                                     \
        return ordered;                                                       \
    }

ARE_ORDERED(32, int32_t)
ARE_ORDERED(64, int64_t)

/* Offsets of NULLs too must not decrease. Those of other values are seen when the values are read. */
static bool are_offsets_ordered(const struct ArrowArrayView *view)
{
    const uint8_t *buffer = view->buffer_views[1].data.as_uint8;
    if (view->null_count == 0 || view->length == 0) {
        return true;
    }
    switch (view->storage_type) {
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_BINARY:
        return are_ordered_32(buffer + view->offset * 4, view->length);
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_LARGE_BINARY:
        return are_ordered_64(buffer + view->offset * 8, view->length);
    default:
        return true;
    }
}

static hyl_status check_contents(const struct ArrowArrayView *view, hyl_error *err)
{
    if (view->storage_type == NANOARROW_TYPE_RUN_END_ENCODED) {
        HYL_TRY(check_run_ends(view->children[0], err));
    }
    if (!are_offsets_ordered(view)) {
        return hyl__fail(err, HYL_ERR_ARG, "the array's offsets decrease");
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        HYL_TRY(check_contents(view->children[i], err));
    }
    return view->dictionary != NULL ? check_contents(view->dictionary, err) : HYL_OK;
}

/* ---- Into the view ------------------------------------------------------------------------- */

/*
 * Where NULLs are not counted and there is no bitmap there are none. The specification wants a count
 * then; some producers give none.
 */
static void count_no_nulls(struct ArrowArray *array)
{
    if (array->null_count < 0 && array->n_buffers > 0 && array->buffers[0] == NULL) {
        array->null_count = 0;
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        count_no_nulls(array->children[i]);
    }
    if (array->dictionary != NULL) {
        count_no_nulls(array->dictionary);
    }
}

hyl_status hyl__arrow_view_set(struct ArrowArrayView *view, struct ArrowArray *array,
                               hyl_error *err)
{
    struct ArrowError why = {""};
    HYL_TRY(check_array(view, array, err));
    count_no_nulls(array);
    if (ArrowArrayViewSetArray(view, array, &why) != NANOARROW_OK) {
        return hyl__fail(err, HYL_ERR_ARG, "%s", why.message);
    }
    return check_contents(view, err);
}
