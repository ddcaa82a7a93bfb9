#include "arrow_source.h"

#include "arrow_bulk.h"
#include "arrow_lossy.h"
#include "arrow_types.h"
#include "arrow_value.h"
#include "base/error.h"
#include "value/hyperbinary.h"

#include <hyperline/arrow.h>

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum { MILLIS_PER_DAY = 86400000, NANOS_PER_MICRO = 1000 };

#define PUT(name)                                                                                \
    static hyl_status put_##name(hyl__arrow_source *source, const struct ArrowArrayView *values, \
                                 int64_t i, hyl__stage *stage, hyl__stage_column *column,        \
                                 hyl_error *err)

/* ---- Numbers ------------------------------------------------------------------------------- */

#define PUT_PLAIN(name, setter, value)                       \
    PUT(name)                                                \
    {                                                        \
        (void)source;                                        \
        return hyl__put_##setter(stage, column, value, err); \
    }

PUT_PLAIN(boolean, bool, ArrowArrayViewGetIntUnsafe(values, i) != 0)
PUT_PLAIN(i16, i16, (int16_t)ArrowArrayViewGetIntUnsafe(values, i))
PUT_PLAIN(i32, i32, (int32_t)ArrowArrayViewGetIntUnsafe(values, i))
PUT_PLAIN(u32, u32, (uint32_t)ArrowArrayViewGetUIntUnsafe(values, i))
PUT_PLAIN(i64, i64, ArrowArrayViewGetIntUnsafe(values, i))
PUT_PLAIN(u64, whole, (hyl__i128)ArrowArrayViewGetUIntUnsafe(values, i))
PUT_PLAIN(f32, f32, (float)hyl__arrow_double_at(values, i))
PUT_PLAIN(f64, f64, hyl__arrow_double_at(values, i))

/* The digits as a 128-bit number; false where they are more. */
static bool decimal_digits(const struct ArrowDecimal *decimal, hyl__i128 *out)
{
    if (decimal->n_words < 2) {
        *out = ArrowDecimalGetIntUnsafe(decimal);
        return true;
    }
    const int step = decimal->high_word_index > decimal->low_word_index ? 1 : -1;
    const int low = decimal->low_word_index;
    const uint64_t second = decimal->words[low + step];
    const uint64_t sign = (int64_t)second < 0 ? UINT64_MAX : 0;
    for (int k = 2; k < decimal->n_words; k++) {
        if (decimal->words[low + k * step] != sign) {
            return false;
        }
    }
    *out = (hyl__i128)(((hyl__u128)second << 64) | decimal->words[low]);
    return true;
}

PUT(decimal)
{
    struct ArrowDecimal decimal;
    hyl__i128 digits = 0;
    const int scale = source->type.decimal_scale;
    ArrowDecimalInit(&decimal, source->type.decimal_bitwidth, source->type.decimal_precision,
                     scale);
    ArrowArrayViewGetDecimalUnsafe(values, i, &decimal);
    bool fits = decimal_digits(&decimal, &digits);
    for (int k = scale; fits && k < 0; k++) {
        fits = !__builtin_mul_overflow(digits, 10, &digits);
    }
    if (!fits) {
        return hyl__fail(err, HYL_ERR_RANGE, "the decimal has more than 38 digits");
    }
    const hyl_numeric number = {(uint64_t)digits, (int64_t)(digits >> 64), 38,
                                (uint8_t)(scale > 0 ? scale : 0)};
    return hyl__put_numeric(stage, column, &number, err);
}

/* ---- Text and bytes ------------------------------------------------------------------------ */

static hyl_status bytes_at(const struct ArrowArrayView *values, int64_t i, hyl_bytes *out,
                           hyl_error *err)
{
    return hyl__arrow_bytes_at(values, i, out)
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_ARG, "the value is not within the buffers of its array");
}

PUT(str)
{
    hyl_bytes bytes = {NULL, 0};
    (void)source;
    HYL_TRY(bytes_at(values, i, &bytes, err));
    return hyl__put_str(stage, column, (hyl_str){(const char *)bytes.data, bytes.len}, err);
}

PUT(bytes)
{
    hyl_bytes bytes = {NULL, 0};
    (void)source;
    HYL_TRY(bytes_at(values, i, &bytes, err));
    return hyl__put_bytes(stage, column, bytes, err);
}

PUT(uuid)
{
    hyl_bytes bytes = {NULL, 0};
    (void)source;
    HYL_TRY(bytes_at(values, i, &bytes, err));
    return hyl__put_uuid(stage, column, bytes.data, err);
}

/* ---- Dates and times ----------------------------------------------------------------------- */

static hyl_status fail_range(const hyl__stage_column *column, hyl_error *err)
{
    return hyl__fail_range(column->info->type, err);
}

static hyl_status put_unix_days(int64_t days, hyl__stage *stage, hyl__stage_column *column,
                                hyl_error *err)
{
    days += HYL_UNIX_EPOCH_DAYS;
    if (days < HYL_DATE_MIN || days > HYL_DATE_MAX) {
        return fail_range(column, err);
    }
    return hyl__put_date(stage, column, (int32_t)days, err);
}

PUT(date32)
{
    (void)source;
    return put_unix_days(ArrowArrayViewGetIntUnsafe(values, i), stage, column, err);
}

PUT(date64)
{
    const int64_t millis = ArrowArrayViewGetIntUnsafe(values, i);
    const int64_t rest = millis % MILLIS_PER_DAY;
    if (rest != 0 && !source->cut_times) {
        return hyl__fail(err, HYL_ERR_RANGE,
                         "a date of milliseconds that are no whole days (the option "
                         "HYL_LOSSY_TIMES cuts them off)");
    }
    HYL_TRY(put_unix_days(millis / MILLIS_PER_DAY - (rest < 0), stage, column, err));
    source->changed += rest != 0;
    return HYL_OK;
}

/* Microseconds of a value in the source's unit. */
static hyl_status to_micros(hyl__arrow_source *source, int64_t value,
                            const hyl__stage_column *column, int64_t *micros, hyl_error *err)
{
    if (!source->nanos) {
        return __builtin_mul_overflow(value, source->multiplier, micros) ? fail_range(column, err)
                                                                         : HYL_OK;
    }
    int64_t rest = value % NANOS_PER_MICRO;
    rest += rest < 0 ? NANOS_PER_MICRO : 0;
    if (rest != 0 && !source->cut_times) {
        return hyl__fail(err, HYL_ERR_RANGE,
                         "%lld nanoseconds beyond a microsecond would be lost (the option "
                         "HYL_LOSSY_TIMES cuts them off)",
                         (long long)rest);
    }
    source->changed += rest != 0;
    *micros = (value / NANOS_PER_MICRO) - (value % NANOS_PER_MICRO < 0);
    return HYL_OK;
}

PUT(time)
{
    int64_t micros = 0;
    HYL_TRY(to_micros(source, ArrowArrayViewGetIntUnsafe(values, i), column, &micros, err));
    return hyl__put_time(stage, column, micros, err);
}

/*
 * Microseconds from 2000 of a timestamp. From 1970 they may be more than 64 bits have: seconds and
 * milliseconds reach as far as the type does.
 */
static hyl_status to_timestamp(hyl__arrow_source *source, int64_t value,
                               const hyl__stage_column *column, int64_t *micros, hyl_error *err)
{
    const int64_t shift = HYL_UNIX_EPOCH_DAYS * HYL_MICROS_PER_DAY;
    if (source->nanos) {
        HYL_TRY(to_micros(source, value, column, micros, err));
        *micros += shift;
        return HYL_OK;
    }
    const hyl__i128 from_2000 = (hyl__i128)value * source->multiplier + shift;
    if (from_2000 < HYL__TIMESTAMP_MIN || from_2000 > HYL__TIMESTAMP_MAX) {
        return fail_range(column, err);
    }
    *micros = (int64_t)from_2000;
    return HYL_OK;
}

PUT(timestamp)
{
    int64_t micros = 0;
    HYL_TRY(to_timestamp(source, ArrowArrayViewGetIntUnsafe(values, i), column, &micros, err));
    return column->id == HYL_TYPE_TIMESTAMPTZ ? hyl__put_timestamptz(stage, column, micros, err)
                                              : hyl__put_timestamp(stage, column, micros, err);
}

PUT(duration)
{
    hyl_interval interval = {0, 0, 0};
    HYL_TRY(
        to_micros(source, ArrowArrayViewGetIntUnsafe(values, i), column, &interval.micros, err));
    return hyl__put_interval(stage, column, interval, err);
}

PUT(interval)
{
    struct ArrowInterval from;
    memset(&from, 0, sizeof from);
    ArrowArrayViewGetIntervalUnsafe(values, i, &from);
    hyl_interval interval = {0, from.days, from.months};
    if (source->nanos) {
        HYL_TRY(to_micros(source, from.ns, column, &interval.micros, err));
    } else {
        interval.micros = (int64_t)from.ms * 1000;
    }
    return hyl__put_interval(stage, column, interval, err);
}

/* ---- Which way a column goes --------------------------------------------------------------- */

static hyl__arrow_put integer_put(enum ArrowType type)
{
    switch (type) {
    case NANOARROW_TYPE_INT8:
    case NANOARROW_TYPE_UINT8:
    case NANOARROW_TYPE_INT16:
        return put_i16;
    case NANOARROW_TYPE_UINT16:
    case NANOARROW_TYPE_INT32:
        return put_i32;
    case NANOARROW_TYPE_UINT32:
        return put_u32;
    case NANOARROW_TYPE_UINT64:
        return put_u64;
    default:
        return put_i64;
    }
}

static hyl__arrow_put choose_put(enum ArrowType type, hyl_type_id id)
{
    switch (type) {
    case NANOARROW_TYPE_BOOL:
        return put_boolean;
    case NANOARROW_TYPE_HALF_FLOAT:
    case NANOARROW_TYPE_FLOAT:
        return put_f32;
    case NANOARROW_TYPE_DOUBLE:
        return put_f64;
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL128:
    case NANOARROW_TYPE_DECIMAL256:
        return put_decimal;
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_STRING_VIEW:
        return put_str;
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
    case NANOARROW_TYPE_BINARY_VIEW:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
        return id == HYL_TYPE_UUID ? put_uuid : put_bytes;
    case NANOARROW_TYPE_DATE32:
        return put_date32;
    case NANOARROW_TYPE_DATE64:
        return put_date64;
    case NANOARROW_TYPE_TIME32:
    case NANOARROW_TYPE_TIME64:
        return put_time;
    case NANOARROW_TYPE_TIMESTAMP:
        return put_timestamp;
    case NANOARROW_TYPE_DURATION:
        return put_duration;
    case NANOARROW_TYPE_INTERVAL_MONTHS:
    case NANOARROW_TYPE_INTERVAL_DAY_TIME:
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
        return put_interval;
    default:
        return integer_put(type);
    }
}

static int64_t micros_per_unit(enum ArrowTimeUnit unit)
{
    switch (unit) {
    case NANOARROW_TIME_UNIT_SECOND:
        return 1000000;
    case NANOARROW_TIME_UNIT_MILLI:
        return 1000;
    default:
        return 1;
    }
}

static hyl__arrow_depth depth_of(const struct ArrowSchema *field, const struct ArrowSchema *values)
{
    if (values == field) {
        return HYL__ARROW_PLAIN;
    }
    return field->dictionary == values ? HYL__ARROW_DICTIONARY : HYL__ARROW_DEEP;
}

void hyl__arrow_source_init(hyl__arrow_source *source, const struct ArrowSchema *field,
                            const struct ArrowArrayView *view, const hyl__stage_column *column,
                            unsigned lossy)
{
    const struct ArrowSchema *values = hyl__arrow_value_field(field);
    memset(source, 0, sizeof *source);
    /* It has been read before, when it was found to fit. */
    (void)ArrowSchemaViewInit(&source->type, values, NULL);
    source->view = view;
    const bool fits = hyl__arrow_fits(field, column->info->type, 0);
    source->put =
        fits ? choose_put(source->type.type, column->id) : hyl__arrow_lossy_choose(source);
    source->depth = depth_of(field, values);
    source->multiplier = micros_per_unit(source->type.time_unit);
    source->nanos = source->type.type == NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO ||
                    (source->multiplier == 1 && source->type.time_unit == NANOARROW_TIME_UNIT_NANO);
    source->cut_times = (lossy & HYL_LOSSY_TIMES) != 0;
    source->bulk = fits ? hyl__arrow_bulk_choose(source, column) : NULL;
}

void hyl__arrow_source_rewind(hyl__arrow_source *source)
{
    source->run = 0;
}

/* ---- Values behind dictionaries and runs --------------------------------------------------- */

/* The run of a run-end encoded array that a value is in; -1 where there is none. */
static int64_t find_run(hyl__arrow_source *source, const struct ArrowArrayView *ends, int64_t at)
{
    int64_t run = source->run < ends->length ? source->run : 0;
    while (run > 0 && ArrowArrayViewGetIntUnsafe(ends, run - 1) > at) {
        run--; /* backwards: from having been measured to being put */
    }
    while (run < ends->length && ArrowArrayViewGetIntUnsafe(ends, run) <= at) {
        run++;
    }
    source->run = run;
    return run < ends->length ? run : -1;
}

/* Where value *i of *values is; *values becomes NULL where it is NULL. */
static hyl_status resolve(hyl__arrow_source *source, const struct ArrowArrayView **values,
                          int64_t *i, hyl_error *err)
{
    for (;;) {
        const struct ArrowArrayView *view = *values;
        if (view->storage_type == NANOARROW_TYPE_RUN_END_ENCODED) {
            *i = find_run(source, view->children[0], *i + view->offset);
            *values = view->children[1];
            if (*i < 0 || *i >= view->children[1]->length) {
                return hyl__fail(err, HYL_ERR_ARG, "the array has a run for each value but this");
            }
            continue;
        }
        if (ArrowArrayViewIsNull(view, *i)) {
            *values = NULL;
            return HYL_OK;
        }
        if (view->dictionary == NULL) {
            return HYL_OK;
        }
        *i = ArrowArrayViewGetIntUnsafe(view, *i);
        *values = view->dictionary;
        if (*i < 0 || *i >= view->dictionary->length) {
            return hyl__fail(err, HYL_ERR_ARG, "index %lld of a dictionary of %lld values",
                             (long long)*i, (long long)view->dictionary->length);
        }
    }
}

static bool is_varying(enum ArrowType type)
{
    switch (type) {
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_STRING_VIEW:
    case NANOARROW_TYPE_BINARY:
    case NANOARROW_TYPE_LARGE_BINARY:
    case NANOARROW_TYPE_BINARY_VIEW:
    case NANOARROW_TYPE_FIXED_SIZE_BINARY:
        return true;
    default:
        return false;
    }
}

int64_t hyl__arrow_source_measure(hyl__arrow_source *source, int64_t first, int64_t count,
                                  size_t max_bytes)
{
    if (!is_varying(source->type.storage_type)) {
        return count;
    }
    const int64_t measured = hyl__arrow_bulk_measure(source, first, count, max_bytes);
    if (measured >= 0) {
        return measured;
    }
    size_t bytes = 0;
    for (int64_t k = 0; k < count; k++) {
        const struct ArrowArrayView *values = source->view;
        int64_t i = first + k;
        hyl_bytes value = {NULL, 0};
        if (resolve(source, &values, &i, NULL) < 0 ||
            (values != NULL && !hyl__arrow_bytes_at(values, i, &value))) {
            return k > 0 ? k : 1; /* it fails when it is put */
        }
        bytes += value.len;
        if (bytes > max_bytes) {
            return k > 0 ? k : 1;
        }
    }
    return count;
}

/* ---- Putting ------------------------------------------------------------------------------- */

static hyl_status put_one(hyl__arrow_source *source, int64_t i, hyl__stage *stage,
                          hyl__stage_column *column, hyl_error *err)
{
    const struct ArrowArrayView *values = source->view;
    HYL_TRY(resolve(source, &values, &i, err));
    return values != NULL ? source->put(source, values, i, stage, column, err)
                          : hyl__put_null(stage, column, err);
}

hyl_status hyl__arrow_source_put(hyl__arrow_source *source, int64_t first, int64_t count,
                                 hyl__stage *stage, hyl__stage_column *column, int64_t *done,
                                 hyl_error *err)
{
    if (hyl__arrow_bulk_put(source, first, count, stage, column)) {
        return HYL_OK;
    }
    const size_t rows = stage->rows;
    hyl_status status = HYL_OK;
    for (*done = 0; *done < count; ++*done, stage->rows++) {
        status = put_one(source, first + *done, stage, column, err);
        if (UNLIKELY(status < 0)) {
            break;
        }
    }
    stage->rows = rows;
    return status;
}
