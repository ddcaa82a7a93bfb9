#include "arrow_lossy.h"

#include "arrow_value.h"
#include "base/error.h"
#include "value/decimal.h"
#include "value/float_text.h"
#include "value/hyperbinary.h"
#include "value/numeric.h"
#include "value/text_write.h"

#include <math.h>
#include <stdio.h>

/* ---- A number as its digits ---------------------------------------------------------------- */

static hyl_status parse(const char *text, size_t len, hyl__decimal *out, hyl_error *err)
{
    return hyl__decimal_parse((hyl_str){text, len}, out) == HYL__DECIMAL_OK
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_RANGE, "%.*s is no number of a type that counts", (int)len,
                           text);
}

/* From here on there are whole numbers alone, not all of which are doubles, or floats. */
#define DOUBLE_SPARSE 0x1p53
#define FLOAT_SPARSE  0x1p24F

/* Of a whole number all digits; the greatest double has 309. */
static hyl_status digits_of_sparse(double value, hyl__decimal *out, hyl_error *err)
{
    char text[320];
    const int len = snprintf(text, sizeof text, "%.0f", value);
    return parse(text, (size_t)len, out, err);
}

/*
 * The shortest digits that read back as the number, which of a whole number are its own unless it is
 * so great that its neighbours are further away than 1.
 */
static hyl_status digits_of_double(double value, hyl__decimal *out, hyl_error *err)
{
    char text[HYL__SCALAR_TEXT_MAX];
    if (isfinite(value) && fabs(value) >= DOUBLE_SPARSE) {
        return digits_of_sparse(value, out, err);
    }
    const size_t len = (size_t)(hyl__write_double(text, value) - text);
    return parse(text, len, out, err);
}

static hyl_status digits_of_float(float value, hyl__decimal *out, hyl_error *err)
{
    char text[HYL__SCALAR_TEXT_MAX];
    if (isfinite(value) && fabsf(value) >= FLOAT_SPARSE) {
        return digits_of_sparse((double)value, out, err);
    }
    const size_t len = (size_t)(hyl__write_float(text, value) - text);
    return parse(text, len, out, err);
}

static hyl_status digits_of_whole(hyl__i128 value, hyl__decimal *out, hyl_error *err)
{
    char text[HYL__NUMERIC_TEXT_MAX];
    const hyl_numeric whole = {(uint64_t)value, (int64_t)(value >> 64), HYL__NUMERIC_MAX_PRECISION,
                               0};
    const size_t len = (size_t)(hyl__write_numeric(text, &whole) - text);
    return parse(text, len, out, err);
}

static hyl_status digits_of_decimal(const hyl__arrow_source *source,
                                    const struct ArrowArrayView *values, int64_t i,
                                    hyl__decimal *out, hyl_error *err)
{
    struct ArrowDecimal decimal;
    struct ArrowBuffer text;
    ArrowBufferInit(&text);
    ArrowDecimalInit(&decimal, source->type.decimal_bitwidth, source->type.decimal_precision,
                     source->type.decimal_scale);
    ArrowArrayViewGetDecimalUnsafe(values, i, &decimal);
    hyl_status status = ArrowDecimalAppendDigitsToBuffer(&decimal, &text) == NANOARROW_OK
                            ? parse((const char *)text.data, (size_t)text.size_bytes, out, err)
                            : hyl__fail_nomem(err);
    ArrowBufferReset(&text);
    out->exponent -= source->type.decimal_scale;
    return status;
}

static hyl_status digits_of(const hyl__arrow_source *source, const struct ArrowArrayView *values,
                            int64_t i, hyl__decimal *out, hyl_error *err)
{
    memset(out, 0, sizeof *out);
    switch (source->type.type) {
    case NANOARROW_TYPE_DOUBLE:
        return digits_of_double(hyl__arrow_double_at(values, i), out, err);
    case NANOARROW_TYPE_FLOAT:
    case NANOARROW_TYPE_HALF_FLOAT:
        return digits_of_float((float)hyl__arrow_double_at(values, i), out, err);
    case NANOARROW_TYPE_DECIMAL32:
    case NANOARROW_TYPE_DECIMAL64:
    case NANOARROW_TYPE_DECIMAL128:
    case NANOARROW_TYPE_DECIMAL256:
        return digits_of_decimal(source, values, i, out, err);
    case NANOARROW_TYPE_UINT64:
        return digits_of_whole((hyl__i128)ArrowArrayViewGetUIntUnsafe(values, i), out, err);
    default:
        return digits_of_whole(ArrowArrayViewGetIntUnsafe(values, i), out, err);
    }
}

/* ---- Exact types --------------------------------------------------------------------------- */

/* Adds one to the last digit. */
static void round_up(hyl__decimal *decimal)
{
    size_t i = decimal->count;
    while (i > 0 && decimal->digits[i - 1] == 9) {
        decimal->digits[--i] = 0;
    }
    if (i > 0) {
        decimal->digits[i - 1]++;
        return;
    }
    /* 99 -> 100: all digits behind the first are 0 now. */
    decimal->exponent += (int64_t)decimal->count;
    decimal->digits[0] = 1;
    decimal->count = 1;
}

/* Rounds to `scale` places, halves away from zero. True where that changes the number. */
static bool round_to(hyl__decimal *decimal, int scale)
{
    const int64_t kept = (int64_t)decimal->count + decimal->exponent + scale;
    bool changed = false;
    if (kept >= (int64_t)decimal->count) {
        return false;
    }
    const size_t count = kept > 0 ? (size_t)kept : 0;
    for (size_t i = count; i < decimal->count; i++) {
        changed |= decimal->digits[i] != 0;
    }
    const bool up = kept >= 0 && decimal->digits[count] >= 5;
    decimal->count = count;
    decimal->exponent = -(int64_t)scale;
    if (up) {
        round_up(decimal);
    }
    return changed;
}

static hyl_status to_numeric(hyl__decimal *decimal, int precision, int scale, bool *changed,
                             hyl_numeric *out, hyl_error *err)
{
    *changed = round_to(decimal, scale);
    return hyl__numeric_fail(hyl__numeric_from_digits(decimal->digits, decimal->count,
                                                      decimal->exponent, decimal->negative,
                                                      precision, scale, out),
                             precision, scale, err);
}

static hyl_status put_whole(hyl__i128 value, hyl__stage *stage, hyl__stage_column *column,
                            hyl_error *err)
{
    switch (column->id) {
    case HYL_TYPE_SMALLINT:
        return value >= INT16_MIN && value <= INT16_MAX
                   ? hyl__put_i16(stage, column, (int16_t)value, err)
                   : hyl__fail_range(column->info->type, err);
    case HYL_TYPE_INT:
        return value >= INT32_MIN && value <= INT32_MAX
                   ? hyl__put_i32(stage, column, (int32_t)value, err)
                   : hyl__fail_range(column->info->type, err);
    case HYL_TYPE_OID:
        return value >= 0 && value <= UINT32_MAX ? hyl__put_u32(stage, column, (uint32_t)value, err)
                                                 : hyl__fail_range(column->info->type, err);
    default:
        return value >= INT64_MIN && value <= INT64_MAX
                   ? hyl__put_i64(stage, column, (int64_t)value, err)
                   : hyl__fail_range(column->info->type, err);
    }
}

static hyl_status put_exact(hyl__arrow_source *source, const struct ArrowArrayView *values,
                            int64_t i, hyl__stage *stage, hyl__stage_column *column, hyl_error *err)
{
    hyl__decimal decimal;
    hyl_numeric number;
    bool changed = false;
    const bool is_numeric = column->id == HYL_TYPE_NUMERIC;
    const int precision =
        is_numeric ? hyl_type_precision(column->info->type) : HYL__NUMERIC_MAX_PRECISION;
    HYL_TRY(digits_of(source, values, i, &decimal, err));
    HYL_TRY(
        to_numeric(&decimal, precision, is_numeric ? column->scale : 0, &changed, &number, err));
    HYL_TRY(is_numeric ? hyl__put_numeric(stage, column, &number, err)
                       : put_whole((hyl__i128)hyl__u128_of(&number), stage, column, err));
    source->changed += changed;
    return HYL_OK;
}

/* ---- Floating point ------------------------------------------------------------------------ */

static bool is_same(const hyl__decimal *a, const hyl__decimal *b)
{
    size_t a_count = a->count;
    size_t b_count = b->count;
    int64_t a_exponent = a->exponent;
    int64_t b_exponent = b->exponent;
    for (; a_count > 0 && a->digits[a_count - 1] == 0; a_count--) {
        a_exponent++;
    }
    for (; b_count > 0 && b->digits[b_count - 1] == 0; b_count--) {
        b_exponent++;
    }
    return a_count == b_count &&
           (a_count == 0 || (a_exponent == b_exponent && a->negative == b->negative &&
                             memcmp(a->digits, b->digits, a_count) == 0));
}

/* A number is the same where the digits of the nearest that the column has are its own. */
static hyl_status put_float_of_digits(hyl__arrow_source *source,
                                      const struct ArrowArrayView *values, int64_t i,
                                      hyl__stage *stage, hyl__stage_column *column, hyl_error *err)
{
    hyl__decimal decimal;
    hyl__decimal nearest;
    HYL_TRY(digits_of(source, values, i, &decimal, err));
    if (column->id == HYL_TYPE_REAL) {
        const float value = hyl__decimal_to_float(&decimal);
        if (isinf(value)) {
            return hyl__fail_range(column->info->type, err);
        }
        HYL_TRY(digits_of_float(value, &nearest, err));
        HYL_TRY(hyl__put_f32(stage, column, value, err));
    } else {
        const double value = hyl__decimal_to_double(&decimal);
        if (isinf(value)) {
            return hyl__fail_range(column->info->type, err);
        }
        HYL_TRY(digits_of_double(value, &nearest, err));
        HYL_TRY(hyl__put_f64(stage, column, value, err));
    }
    source->changed += !is_same(&decimal, &nearest);
    return HYL_OK;
}

static hyl_status put_real_of_double(hyl__arrow_source *source, const struct ArrowArrayView *values,
                                     int64_t i, hyl__stage *stage, hyl__stage_column *column,
                                     hyl_error *err)
{
    const double value = hyl__arrow_double_at(values, i);
    const float nearest = (float)value;
    if (isinf(nearest) && !isinf(value)) {
        return hyl__fail_range(column->info->type, err);
    }
    HYL_TRY(hyl__put_f32(stage, column, nearest, err));
    source->changed += !isnan(value) && (double)nearest != value;
    return HYL_OK;
}

static hyl_status put_float(hyl__arrow_source *source, const struct ArrowArrayView *values,
                            int64_t i, hyl__stage *stage, hyl__stage_column *column, hyl_error *err)
{
    return source->type.type == NANOARROW_TYPE_DOUBLE
               ? put_real_of_double(source, values, i, stage, column, err)
               : put_float_of_digits(source, values, i, stage, column, err);
}

static hyl_status put_number(hyl__arrow_source *source, const struct ArrowArrayView *values,
                             int64_t i, hyl__stage *stage, hyl__stage_column *column,
                             hyl_error *err)
{
    return column->id == HYL_TYPE_REAL || column->id == HYL_TYPE_DOUBLE
               ? put_float(source, values, i, stage, column, err)
               : put_exact(source, values, i, stage, column, err);
}

/* ---- Dates --------------------------------------------------------------------------------- */

/* The date of a timestamp: what is left of the day is cut off, towards the past. */
static hyl_status put_date(hyl__arrow_source *source, const struct ArrowArrayView *values,
                           int64_t i, hyl__stage *stage, hyl__stage_column *column, hyl_error *err)
{
    static const int64_t PER_DAY[] = {86400, 86400000, HYL_MICROS_PER_DAY,
                                      HYL_MICROS_PER_DAY * 1000};
    const int64_t value = ArrowArrayViewGetIntUnsafe(values, i);
    const int64_t per_day = PER_DAY[source->type.time_unit];
    const int64_t days = value / per_day - (value % per_day < 0) + HYL_UNIX_EPOCH_DAYS;
    if (days < HYL_DATE_MIN || days > HYL_DATE_MAX) {
        return hyl__fail_range(column->info->type, err);
    }
    HYL_TRY(hyl__put_date(stage, column, (int32_t)days, err));
    source->changed += value % per_day != 0;
    return HYL_OK;
}

hyl__arrow_put hyl__arrow_lossy_choose(const hyl__arrow_source *source)
{
    return source->type.type == NANOARROW_TYPE_TIMESTAMP ? put_date : put_number;
}
