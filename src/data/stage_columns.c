#include "stage_columns.h"

#include "base/error.h"

#include <string.h>

_Static_assert(sizeof(bool) == 1, "the stage has a byte for each NULL, as the caller's buffers do");

/* A part of a buffer's elements. */
typedef struct slice {
    const hyl_colbuf *from;
    size_t first;
    size_t count;
} slice;

static bool is_null(const slice *part, size_t i)
{
    return part->from->nulls != NULL && part->from->nulls[part->first + i];
}

static const void *elements(const slice *part, size_t width)
{
    return (const uint8_t *)part->from->values + part->first * width;
}

/* ---- Value by value ------------------------------------------------------------------------ */

/* A function that puts the elements of one C type one after the other. */
#define PUT_EACH(name, argument)                                                               \
    static hyl_status put_each_##name(const slice *part, hyl__stage *stage,                    \
                                      hyl__stage_column *column, size_t *done, hyl_error *err) \
    {                                                                                          \
        const size_t rows = stage->rows;                                                       \
        hyl_status status = HYL_OK;                                                            \
        for (*done = 0; *done < part->count && status == HYL_OK; stage->rows++) {              \
            const size_t i = part->first + *done;                                              \
            status = is_null(part, *done) ? hyl__put_null(stage, column, err)                  \
                                          : hyl__put_##name(stage, column, argument, err);     \
            *done += status == HYL_OK;                                                         \
        }                                                                                      \
        stage->rows = rows;                                                                    \
        return status;                                                                         \
    }

#define ELEMENT(ctype) (((const ctype *)part->from->values)[i])

PUT_EACH(bool, ELEMENT(bool))
PUT_EACH(i16, ELEMENT(int16_t))
PUT_EACH(i32, ELEMENT(int32_t))
PUT_EACH(i64, ELEMENT(int64_t))
PUT_EACH(u32, ELEMENT(uint32_t))
PUT_EACH(f32, ELEMENT(float))
PUT_EACH(f64, ELEMENT(double))
PUT_EACH(str, ELEMENT(hyl_str))
PUT_EACH(bytes, ELEMENT(hyl_bytes))
PUT_EACH(numeric, &ELEMENT(hyl_numeric))
PUT_EACH(date, ELEMENT(int32_t))
PUT_EACH(time, ELEMENT(int64_t))
PUT_EACH(timestamp, ELEMENT(int64_t))
PUT_EACH(timestamptz, ELEMENT(int64_t))
PUT_EACH(interval, ELEMENT(hyl_interval))
PUT_EACH(uuid, (const uint8_t *)part->from->values + i * 16)

typedef hyl_status (*put_each)(const slice *part, hyl__stage *stage, hyl__stage_column *column,
                               size_t *done, hyl_error *err);

static put_each choose_put(hyl_type_id type)
{
    switch (type) {
    case HYL_TYPE_BOOL:
        return put_each_bool;
    case HYL_TYPE_SMALLINT:
        return put_each_i16;
    case HYL_TYPE_INT:
        return put_each_i32;
    case HYL_TYPE_BIGINT:
        return put_each_i64;
    case HYL_TYPE_OID:
        return put_each_u32;
    case HYL_TYPE_REAL:
        return put_each_f32;
    case HYL_TYPE_DOUBLE:
        return put_each_f64;
    case HYL_TYPE_NUMERIC:
        return put_each_numeric;
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
        return put_each_str;
    case HYL_TYPE_BYTES:
    case HYL_TYPE_GEOGRAPHY:
        return put_each_bytes;
    case HYL_TYPE_DATE:
        return put_each_date;
    case HYL_TYPE_TIME:
        return put_each_time;
    case HYL_TYPE_TIMESTAMP:
        return put_each_timestamp;
    case HYL_TYPE_TIMESTAMPTZ:
        return put_each_timestamptz;
    case HYL_TYPE_INTERVAL:
        return put_each_interval;
    case HYL_TYPE_UUID:
        return put_each_uuid;
    default:
        return NULL;
    }
}

bool hyl__colbuf_has_elements(hyl_type_id type)
{
    return choose_put(type) != NULL;
}

/* ---- At once ------------------------------------------------------------------------------- */

/* Values that NULLs hide may be anything, and need not fit. */
static bool all_within_32(const slice *part, int32_t least, int32_t most)
{
    const int32_t *values = elements(part, sizeof *values);
    bool within = true;
    for (size_t i = 0; i < part->count; i++) {
        within &= (values[i] >= least) & (values[i] <= most);
    }
    return within;
}

static bool all_within_64(const slice *part, int64_t least, int64_t most)
{
    const int64_t *values = elements(part, sizeof *values);
    bool within = true;
    for (size_t i = 0; i < part->count; i++) {
        within &= (values[i] >= least) & (values[i] <= most);
    }
    return within;
}

/*
 * True where the elements fit as they are. Where they are not known to, they are put one by one,
 * which finds the one that does not, or that it is hidden by a NULL.
 */
static bool fit_as_they_are(const slice *part, const hyl__stage_column *column)
{
    if (part->from->type != column->id) {
        return false;
    }
    switch (column->id) {
    case HYL_TYPE_BOOL:
    case HYL_TYPE_SMALLINT:
    case HYL_TYPE_INT:
    case HYL_TYPE_BIGINT:
    case HYL_TYPE_OID:
    case HYL_TYPE_REAL:
    case HYL_TYPE_DOUBLE:
    case HYL_TYPE_UUID:
        return true;
    case HYL_TYPE_DATE:
        return all_within_32(part, HYL_DATE_MIN, HYL_DATE_MAX);
    case HYL_TYPE_TIME:
        return all_within_64(part, 0, HYL_MICROS_PER_DAY - 1);
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        return all_within_64(part, HYL__TIMESTAMP_MIN, HYL__ARROW_TIMESTAMP_MAX);
    default:
        return false;
    }
}

static size_t copy_nulls(const slice *part, const hyl__stage *stage, hyl__stage_column *column)
{
    const bool *nulls = part->from->nulls + part->first;
    uint8_t *to = column->nulls + stage->rows;
    size_t count = 0;
    for (size_t i = 0; i < part->count; i++) {
        to[i] = nulls[i];
        count += to[i];
    }
    return count;
}

static bool has_null(const slice *part)
{
    const bool *nulls = part->from->nulls;
    return nulls != NULL && memchr(nulls + part->first, 1, part->count) != NULL;
}

/* What is behind a NULL is the caller's business, and not sent. */
static void wipe_hidden(const slice *part, const hyl__stage *stage, hyl__stage_column *column)
{
    uint8_t *to = column->values + stage->rows * column->width;
    for (size_t i = 0; i < part->count; i++) {
        if (is_null(part, i)) {
            memset(to + i * column->width, 0, column->width);
        }
    }
}

static void copy_values(const slice *part, const hyl__stage *stage, hyl__stage_column *column)
{
    memcpy(column->values + stage->rows * column->width, elements(part, column->width),
           part->count * column->width);
    if (has_null(part)) {
        column->null_count += copy_nulls(part, stage, column);
        wipe_hidden(part, stage, column);
    }
}

/* ---- Text ---------------------------------------------------------------------------------- */

static size_t length_at(const slice *part, size_t i)
{
    /* hyl_str and hyl_bytes are laid out alike. */
    const hyl_str *texts = part->from->values;
    return texts == NULL || is_null(part, i) ? 0 : texts[part->first + i].len;
}

static bool is_varying(hyl_type_id type)
{
    return hyl__type_is_string(type) || type == HYL_TYPE_BYTES || type == HYL_TYPE_GEOGRAPHY;
}

static bool is_ascii(const uint8_t *bytes, size_t len)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < len; i++) {
        seen |= bytes[i];
    }
    return seen < 0x80;
}

/*
 * Copies text behind one another and looks at it once: where it is ASCII, as most is, all of it is
 * valid. False where that is not so, or there is no room; nothing was put then.
 */
static bool copy_ascii(const slice *part, hyl__stage *stage, hyl__stage_column *column)
{
    const hyl_str *texts = elements(part, sizeof *texts);
    const size_t begin = column->bytes.len;
    size_t total = 0;
    for (size_t i = 0; i < part->count; i++) {
        total += length_at(part, i);
    }
    if (total > (size_t)INT32_MAX - begin || hyl_buf_reserve(&column->bytes, total) < 0) {
        return false;
    }
    uint8_t *to = column->bytes.data + begin;
    size_t end = begin;
    for (size_t i = 0; i < part->count; i++) {
        const size_t len = length_at(part, i);
        if (len > 0) {
            memcpy(column->bytes.data + end, texts[i].data, len);
        }
        end += len;
        column->ends[stage->rows + i + 1] = (int32_t)end;
    }
    if (total > 0 && !is_ascii(to, total)) {
        return false;
    }
    column->bytes.len = end;
    stage->bytes += total;
    if (part->from->nulls != NULL) {
        column->null_count += copy_nulls(part, stage, column);
    }
    return true;
}

/* ---- Columns ------------------------------------------------------------------------------- */

/* A column without an array of values, as one that is all NULL may be. */
static hyl_status put_nulls(const slice *part, hyl__stage *stage, hyl__stage_column *column,
                            size_t *done, hyl_error *err)
{
    const size_t rows = stage->rows;
    hyl_status status = HYL_OK;
    for (*done = 0; *done < part->count && status == HYL_OK; stage->rows++) {
        status = is_null(part, *done)
                     ? hyl__put_null(stage, column, err)
                     : hyl__fail(err, HYL_ERR_ARG, "the column has no values, and this is no NULL");
        *done += status == HYL_OK;
    }
    stage->rows = rows;
    return status;
}

static hyl_status put_column(const slice *part, hyl__stage *stage, hyl__stage_column *column,
                             size_t *done, hyl_error *err)
{
    if (part->from->values == NULL) {
        return put_nulls(part, stage, column, done, err);
    }
    const bool may_copy = column->info->nullable || !has_null(part);
    *done = part->count;
    if (may_copy && fit_as_they_are(part, column)) {
        copy_values(part, stage, column);
        return HYL_OK;
    }
    if (may_copy && column->id == HYL_TYPE_TEXT && hyl__type_is_string(part->from->type) &&
        copy_ascii(part, stage, column)) {
        return HYL_OK;
    }
    return choose_put(part->from->type)(part, stage, column, done, err);
}

/* How many rows there is room for: one at least, and no more bytes of text than wanted. */
static size_t measure(const hyl__stage *stage, const hyl_colbuf *columns, size_t first,
                      size_t count)
{
    const size_t room = stage->cap - stage->rows;
    const size_t bytes =
        stage->target_bytes > stage->bytes ? stage->target_bytes - stage->bytes : 0;
    count = count < room ? count : room;
    for (size_t i = 0; i < stage->count; i++) {
        const slice part = {&columns[i], first, count};
        size_t sum = 0;
        for (size_t k = 0; is_varying(columns[i].type) && k < count; k++) {
            sum += length_at(&part, k);
            if (sum >= bytes) {
                count = k + 1;
            }
        }
    }
    return count;
}

/* Of up to `put` new rows a column keeps the first `count`. */
static void cut_column(hyl__stage *stage, hyl__stage_column *column, size_t count, size_t put)
{
    for (size_t row = stage->rows + count; row < stage->rows + put; row++) {
        column->null_count -= column->nulls[row];
        column->nulls[row] = 0;
    }
    if (column->ends != NULL) {
        const size_t end = (size_t)column->ends[stage->rows + count];
        stage->bytes -= column->bytes.len - end;
        column->bytes.len = end;
    }
}

hyl_status hyl__stage_put_columns(hyl__stage *stage, const hyl_colbuf *columns, size_t first,
                                  size_t count, size_t *done, size_t *column, hyl_error *err)
{
    const size_t wanted = measure(stage, columns, first, count);
    hyl_status result = HYL_OK;
    *done = wanted;
    for (size_t i = 0; i < stage->count; i++) {
        /* Behind a row that was refused there is nothing to look at. */
        const slice part = {&columns[i], first, *done};
        size_t put = 0;
        hyl_status status = put_column(&part, stage, &stage->columns[i], &put, err);
        if (status < 0) {
            result = status;
            *done = put;
            *column = i;
        }
    }
    for (size_t i = 0; i < stage->count && result < 0; i++) {
        cut_column(stage, &stage->columns[i], *done, wanted);
    }
    stage->rows += *done;
    return result;
}
