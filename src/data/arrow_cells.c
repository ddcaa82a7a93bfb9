#include "arrow_cells.h"

#include "arrow_types.h"
#include "base/error.h"
#include "base/mem.h"
#include "value/array.h"
#include "value/hyperbinary.h"

#include <nanoarrow/nanoarrow.h>
#include <string.h>

enum {
    DECIMAL_SIZE = 16,
    INTERVAL_SIZE = 16,
    MILLIS_PER_DAY = 86400000,
    NANOS_PER_MICRO = 1000,
    /* Julian day of 1970-01-01. */
    JULIAN_DAY_1970 = 2451545 + HYL_UNIX_EPOCH_DAYS,
};

/* ---- Rewriting ------------------------------------------------------------------------------- */

/*
 * Memory for the values of a column, kept from batch to batch. What stands in the slots of NULLs is
 * anything, here as in the batch.
 */
static uint8_t *room_for(hyl__cell_column *column, const struct ArrowArray *array)
{
    hyl_buf_clear(&column->rewritten);
    if (hyl_buf_reserve(&column->rewritten, (size_t)array->length * column->width + 1) < 0) {
        return NULL;
    }
    column->values = column->rewritten.data;
    return column->rewritten.data;
}

static hyl_status rewrite_bools(hyl__cell_column *column, const struct ArrowArray *array)
{
    const uint8_t *bits = array->buffers[1];
    uint8_t *out = room_for(column, array);
    for (int64_t i = 0; out != NULL && i < array->length; i++) {
        out[i] = bits[i >> 3] >> (i & 7) & 1;
    }
    return out == NULL ? HYL_ERR_NOMEM : HYL_OK;
}

/* Milliseconds from 1970 become Julian days. */
static hyl_status rewrite_dates(hyl__cell_column *column, const struct ArrowArray *array)
{
    const int64_t *millis = array->buffers[1];
    uint8_t *out = room_for(column, array);
    for (int64_t i = 0; out != NULL && i < array->length; i++) {
        hyl__store_le32(out + (size_t)i * 4,
                        (uint32_t)(millis[i] / MILLIS_PER_DAY) + (uint32_t)JULIAN_DAY_1970);
    }
    return out == NULL ? HYL_ERR_NOMEM : HYL_OK;
}

/* Microseconds from 1970 become microseconds from Julian day 0. */
static hyl_status rewrite_timestamps(hyl__cell_column *column, const struct ArrowArray *array)
{
    const uint64_t epoch = (uint64_t)JULIAN_DAY_1970 * (uint64_t)HYL_MICROS_PER_DAY;
    const uint64_t *micros = array->buffers[1];
    uint8_t *out = room_for(column, array);
    for (int64_t i = 0; out != NULL && i < array->length; i++) {
        hyl__store_le64(out + (size_t)i * 8, micros[i] + epoch);
    }
    return out == NULL ? HYL_ERR_NOMEM : HYL_OK;
}

/* Months, days, nanoseconds become microseconds, days, months. */
static hyl_status rewrite_intervals(hyl__cell_column *column, const struct ArrowArray *array)
{
    const uint8_t *from = array->buffers[1];
    uint8_t *out = room_for(column, array);
    for (int64_t i = 0; out != NULL && i < array->length; i++) {
        int64_t nanos = hyl__hb_load_i64(from + 8);
        hyl__store_le64(out, (uint64_t)(nanos / NANOS_PER_MICRO));
        memcpy(out + 8, from + 4, 4);
        memcpy(out + 12, from, 4);
        from += INTERVAL_SIZE;
        out += INTERVAL_SIZE;
    }
    return column->rewritten.failed ? HYL_ERR_NOMEM : HYL_OK;
}

static hyl_status view_column(hyl__cell_column *column, const struct ArrowArray *array);

static hyl_status add_element(hyl__array_builder *builder, const hyl__cell_column *column,
                              size_t row)
{
    hyl_bytes cell = hyl__cell_at(column, row);
    hyl_value value = {.type = column->type.id, .is_null = cell.data == NULL};
    if (!value.is_null) {
        HYL_TRY(hyl__hb_decode(column->type, cell, &value, NULL));
    }
    return hyl__array_add(builder, &value, NULL);
}

/* Appends the payload of one array, and where it ends. */
static hyl_status rewrite_array(hyl__cell_column *column, int64_t begin, int64_t end)
{
    hyl__array_builder builder;
    hyl__array_build(&builder, column->type, (uint32_t)(end - begin), true, &column->rewritten);
    for (int64_t i = begin; i < end; i++) {
        HYL_TRY(add_element(&builder, column->element, (size_t)i));
    }
    HYL_TRY(hyl__array_built(&builder, NULL));
    if (column->rewritten.len > INT32_MAX) {
        return HYL_ERR_LIMIT;
    }
    int32_t ends_at = (int32_t)column->rewritten.len;
    hyl_buf_append(&column->rewritten_ends, &ends_at, sizeof ends_at);
    return hyl_buf_status(&column->rewritten_ends);
}

static hyl_status rewrite_arrays(hyl__cell_column *column, const struct ArrowArray *array)
{
    const int32_t *ends = array->buffers[1];
    const int32_t none = 0;
    HYL_TRY(view_column(column->element, array->children[0]));
    hyl_buf_clear(&column->rewritten);
    hyl_buf_clear(&column->rewritten_ends);
    hyl_buf_append(&column->rewritten_ends, &none, sizeof none);
    HYL_TRY(hyl_buf_reserve(&column->rewritten, 1));
    for (int64_t i = 0; i < array->length; i++) {
        HYL_TRY(rewrite_array(column, ends[i], ends[i + 1]));
    }
    column->values = column->rewritten.data;
    column->ends = (const int32_t *)(const void *)column->rewritten_ends.data;
    return HYL_OK;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Points the column at its values in a batch. */
static hyl_status view_column(hyl__cell_column *column, const struct ArrowArray *array)
{
    column->valid = array->null_count != 0 ? array->buffers[0] : NULL;
    if (column->rewrite != NULL) {
        return column->rewrite(column, array);
    }
    if (column->width > 0) {
        column->values = array->buffers[1];
        return HYL_OK;
    }
    column->ends = array->buffers[1];
    /* Where all are empty there may be no bytes, but an empty value is no NULL. */
    column->values = array->buffers[2] != NULL ? array->buffers[2] : (const uint8_t *)"";
    return HYL_OK;
}

static void reset_column(hyl__cell_column *column)
{
    if (column->element != NULL) {
        reset_column(column->element);
        hyl__free(column->element);
    }
    hyl_buf_reset(&column->rewritten);
    hyl_buf_reset(&column->rewritten_ends);
}

typedef hyl_status (*rewrite_fn)(hyl__cell_column *column, const struct ArrowArray *array);

static const rewrite_fn rewriters[HYL_TYPE_COUNT] = {
    [HYL_TYPE_BOOL] = rewrite_bools,           [HYL_TYPE_DATE] = rewrite_dates,
    [HYL_TYPE_TIMESTAMP] = rewrite_timestamps, [HYL_TYPE_TIMESTAMPTZ] = rewrite_timestamps,
    [HYL_TYPE_INTERVAL] = rewrite_intervals,   [HYL_TYPE_ARRAY] = rewrite_arrays,
};

static hyl_status init_column(hyl__cell_column *column, const struct ArrowSchema *field)
{
    column->type = hyl__arrow_type_of(field);
    column->width = hyl_type_width(column->type);
    column->stride = column->type.id == HYL_TYPE_NUMERIC ? DECIMAL_SIZE : column->width;
    column->rewrite = rewriters[column->type.id];
    if (column->type.id == HYL_TYPE_ARRAY) {
        column->element = hyl__calloc(1, sizeof *column->element);
        return column->element == NULL ? HYL_ERR_NOMEM
                                       : init_column(column->element, field->children[0]);
    }
    return column->type.id == HYL_TYPE_UNKNOWN ? HYL_ERR_UNSUPPORTED : HYL_OK;
}

static hyl_status fail_field(hyl_status status, size_t column, const struct ArrowSchema *field,
                             hyl_error *err)
{
    if (status == HYL_ERR_NOMEM) {
        return hyl__fail_nomem(err);
    }
    return hyl__fail(err, status, "column %zu \"%s\" came as Arrow of the unknown format \"%s\"",
                     column + 1, field->name, field->format);
}

hyl_status hyl__arrow_cells_init(hyl__arrow_cells *cells, const struct ArrowSchema *schema,
                                 hyl_error *err)
{
    memset(cells, 0, sizeof *cells);
    cells->count = (size_t)schema->n_children;
    cells->columns = hyl__calloc(cells->count, sizeof *cells->columns);
    cells->lookups = hyl__calloc(cells->count, sizeof *cells->lookups);
    if (cells->columns == NULL || cells->lookups == NULL) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < cells->count; i++) {
        hyl_status status = init_column(&cells->columns[i], schema->children[i]);
        if (status < 0) {
            return fail_field(status, i, schema->children[i], err);
        }
    }
    return HYL_OK;
}

static void drop_batch(hyl__arrow_cells *cells)
{
    if (cells->batch.release != NULL) {
        cells->batch.release(&cells->batch);
    }
    cells->rows = 0;
}

void hyl__arrow_cells_reset(hyl__arrow_cells *cells)
{
    drop_batch(cells);
    for (size_t i = 0; cells->columns != NULL && i < cells->count; i++) {
        reset_column(&cells->columns[i]);
    }
    hyl__free(cells->columns);
    hyl__free(cells->lookups);
    memset(cells, 0, sizeof *cells);
}

/* ---- Batches --------------------------------------------------------------------------------- */

/* Makes the column's cell and stride, or has each row look its cell up. */
static void plan(hyl__arrow_cells *cells, size_t index, hyl__cell_shape *shape)
{
    const hyl__cell_column *column = &cells->columns[index];
    if (column->valid == NULL && column->width > 0) {
        cells->cells[index] = hyl__cell_at(column, 0);
        shape->stride = (uint8_t)column->stride;
    } else {
        *cells->lookups_end++ = (hyl__cell_lookup){column, &cells->cells[index]};
        shape->stride = 0;
    }
}

static hyl_status fail_column(hyl_status status, size_t column, hyl_error *err)
{
    switch (status) {
    case HYL_ERR_NOMEM:
        return hyl__fail_nomem(err);
    case HYL_ERR_LIMIT:
        return hyl__fail(err, status, "column %zu: over 2 GiB of arrays in one batch", column + 1);
    default:
        return hyl__fail(err, HYL_ERR_PROTOCOL, "column %zu: a value that is none of its type",
                         column + 1);
    }
}

hyl_status hyl__arrow_cells_take(hyl__arrow_cells *cells, struct ArrowArray *batch, hyl_bytes *to,
                                 hyl__cell_shape *shapes, hyl_error *err)
{
    drop_batch(cells);
    ArrowArrayMove(batch, &cells->batch);
    cells->cells = to;
    cells->lookups_end = cells->lookups;
    cells->row = 0;
    for (size_t i = 0; i < cells->count; i++) {
        hyl_status status = view_column(&cells->columns[i], cells->batch.children[i]);
        if (status < 0) {
            return fail_column(status, i, err);
        }
        plan(cells, i, &shapes[i]);
    }
    cells->rows = (size_t)cells->batch.length;
    hyl__arrow_cells_look_up(cells);
    return HYL_OK;
}
