#include "stage.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "value/numeric.h"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

enum { MIN_ROWS = 64, MAX_ROWS = 1048576, NUMERIC_WIDTH = 16 };

/* ---- The columns --------------------------------------------------------------------------- */

static hyl_status init_column(hyl__stage_column *column, const hyl__table_column *info,
                              hyl_error *err)
{
    if (info->type.id == HYL_TYPE_UNKNOWN || info->type.id == HYL_TYPE_ARRAY) {
        hyl_buf name = HYL_BUF_INIT;
        hyl_type_format(info->type, &name);
        hyl_status status = hyl__fail(
            err, HYL_ERR_UNSUPPORTED, "column \"%s\": nothing can be inserted into %.*s",
            info->name, (int)name.len, name.data != NULL ? (const char *)name.data : "its type");
        hyl_buf_reset(&name);
        return status;
    }
    column->info = info;
    column->id = info->type.id;
    column->width = hyl_type_width(info->type);
    if (column->id == HYL_TYPE_NUMERIC) {
        column->width = NUMERIC_WIDTH;
        column->scale = hyl_type_scale(info->type);
        column->limit = hyl__pow10_u128((unsigned)hyl_type_precision(info->type));
    }
    return HYL_OK;
}

/* Arrays have room for what pads them to a multiple of 8 bytes, as Arrow's buffers are. */
static hyl_status alloc_column(hyl__stage_column *column, size_t rows)
{
    column->nulls = hyl__calloc(rows, 1);
    if (column->width > 0) {
        column->values = hyl__malloc(rows * column->width + sizeof(uint64_t));
    } else {
        column->ends = hyl__calloc(rows + 2, sizeof *column->ends);
    }
    bool whole = column->nulls != NULL && (column->values != NULL || column->ends != NULL);
    return whole ? HYL_OK : HYL_ERR_NOMEM;
}

static size_t rows_for(const hyl__stage *stage)
{
    size_t row = 0;
    for (size_t i = 0; i < stage->count; i++) {
        row += stage->columns[i].width > 0 ? stage->columns[i].width : sizeof(int32_t);
    }
    size_t rows = stage->target_bytes / (row > 0 ? row : 1);
    rows = rows < MAX_ROWS ? rows : MAX_ROWS;
    return rows > MIN_ROWS ? rows : MIN_ROWS;
}

static hyl_status init_columns(hyl__stage *stage, const hyl__table *table, hyl_error *err)
{
    for (size_t i = 0; i < stage->count; i++) {
        HYL_TRY(init_column(&stage->columns[i], &table->columns[i], err));
    }
    stage->cap = rows_for(stage);
    for (size_t i = 0; i < stage->count; i++) {
        if (alloc_column(&stage->columns[i], stage->cap) < 0) {
            return hyl__fail_nomem(err);
        }
    }
    return HYL_OK;
}

hyl_status hyl__stage_init(hyl__stage *stage, const hyl__table *table, size_t target_bytes,
                           hyl_error *err)
{
    memset(stage, 0, sizeof *stage);
    stage->target_bytes = target_bytes;
    stage->columns = hyl__calloc(table->count, sizeof *stage->columns);
    if (stage->columns == NULL) {
        return hyl__fail_nomem(err);
    }
    stage->count = table->count;
    hyl_status status = init_columns(stage, table, err);
    if (status < 0) {
        hyl__stage_reset(stage);
    }
    return status;
}

void hyl__stage_reset(hyl__stage *stage)
{
    for (size_t i = 0; i < stage->count; i++) {
        hyl__free(stage->columns[i].values);
        hyl__free(stage->columns[i].nulls);
        hyl__free(stage->columns[i].ends);
        hyl_buf_reset(&stage->columns[i].bytes);
    }
    hyl__free(stage->columns);
    memset(stage, 0, sizeof *stage);
}

/* What one great value took is given back: it may have been the only one. */
static void clear_bytes(hyl__stage_column *column, size_t target_bytes)
{
    if (column->bytes.cap > target_bytes * 4) {
        hyl_buf_reset(&column->bytes);
    }
    hyl_buf_clear(&column->bytes);
}

void hyl__stage_clear(hyl__stage *stage)
{
    for (size_t i = 0; i < stage->count; i++) {
        hyl__stage_column *column = &stage->columns[i];
        if (column->null_count > 0) {
            memset(column->nulls, 0, stage->rows < stage->cap ? stage->rows + 1 : stage->cap);
            column->null_count = 0;
        }
        clear_bytes(column, stage->target_bytes);
    }
    stage->rows = 0;
    stage->bytes = 0;
}

void hyl__stage_drop_row(hyl__stage *stage)
{
    if (stage->rows == stage->cap) {
        return; /* the row has no place yet, so nothing was put */
    }
    stage->bytes = 0;
    for (size_t i = 0; i < stage->count; i++) {
        hyl__stage_column *column = &stage->columns[i];
        column->null_count -= column->nulls[stage->rows];
        column->nulls[stage->rows] = 0;
        if (column->ends != NULL) {
            column->bytes.len = (size_t)column->ends[stage->rows];
            column->bytes.failed = false;
            stage->bytes += column->bytes.len;
        }
    }
}

hyl_status hyl__stage_name_value(const hyl__stage *stage, const hyl__stage_column *column,
                                 int64_t row, hyl_status status, hyl_error *err)
{
    hyl__error_prefix(err, "row %lld, column %zu \"%s\"", (long long)row,
                      (size_t)(column - stage->columns) + 1, column->info->name);
    return status;
}

/* ---- Putting values ------------------------------------------------------------------------ */

static hyl_status __attribute__((noinline, cold))
fail_type(const hyl__stage_column *column, const char *given, hyl_error *err)
{
    hyl_buf name = HYL_BUF_INIT;
    hyl_type_format(column->info->type, &name);
    hyl_status status =
        hyl__fail(err, HYL_ERR_TYPE, "a value of type %s where %.*s is wanted", given,
                  (int)name.len, name.data != NULL ? (const char *)name.data : "another");
    hyl_buf_reset(&name);
    return status;
}

hyl_status hyl__put_null(hyl__stage *stage, hyl__stage_column *column, hyl_error *err)
{
    if (!column->info->nullable) {
        return hyl__fail(err, HYL_ERR_NULLVAL, "NULL in a column that is NOT NULL");
    }
    const size_t row = stage->rows;
    if (column->width > 0) {
        memset(column->values + row * column->width, 0, column->width);
    } else {
        column->ends[row + 1] = column->ends[row];
    }
    column->nulls[row] = 1;
    column->null_count++;
    return HYL_OK;
}

#define STORE(ctype, value)                                                           \
    do {                                                                              \
        const ctype stored = (value);                                                 \
        memcpy(column->values + stage->rows * sizeof stored, &stored, sizeof stored); \
        return HYL_OK;                                                                \
    } while (0)

static hyl_status store_numeric(hyl__stage *stage, hyl__stage_column *column, hyl__u128 bits)
{
    uint8_t *to = column->values + stage->rows * NUMERIC_WIDTH;
    hyl__store_le64(to, (uint64_t)bits);
    hyl__store_le64(to + 8, (uint64_t)(bits >> 64));
    return HYL_OK;
}

/* A number that is not of the column's scale, or too big: the slow way, which has the message. */
static hyl_status __attribute__((noinline))
rescale_numeric(hyl__stage *stage, hyl__stage_column *column, const hyl_numeric *value,
                hyl_error *err)
{
    const int precision = hyl_type_precision(column->info->type);
    hyl_numeric fitted;
    hyl__numeric_fit fit = hyl__numeric_rescale(value, precision, column->scale, &fitted);
    if (fit != HYL__FIT_OK) {
        return hyl__numeric_fail(fit, precision, column->scale, err);
    }
    return store_numeric(stage, column, hyl__u128_of(&fitted));
}

hyl_status hyl__put_numeric(hyl__stage *stage, hyl__stage_column *column, const hyl_numeric *value,
                            hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_NUMERIC)) {
        return fail_type(column, "numeric", err);
    }
    if (UNLIKELY(value->scale != column->scale || hyl__numeric_magnitude(value) >= column->limit)) {
        return rescale_numeric(stage, column, value, err);
    }
    return store_numeric(stage, column, hyl__u128_of(value));
}

static hyl_status put_whole_numeric(hyl__stage *stage, hyl__stage_column *column, hyl__i128 value,
                                    hyl_error *err)
{
    hyl_numeric whole = {(uint64_t)value, (int64_t)(value >> 64), HYL__NUMERIC_MAX_PRECISION, 0};
    return hyl__put_numeric(stage, column, &whole, err);
}

#define NUMERIC_CASE       \
    case HYL_TYPE_NUMERIC: \
        return put_whole_numeric(stage, column, value, err)

hyl_status hyl__put_bool(hyl__stage *stage, hyl__stage_column *column, bool value, hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_BOOL)) {
        return fail_type(column, "boolean", err);
    }
    column->values[stage->rows] = value;
    return HYL_OK;
}

hyl_status hyl__put_i16(hyl__stage *stage, hyl__stage_column *column, int16_t value, hyl_error *err)
{
    switch (column->id) {
    case HYL_TYPE_SMALLINT:
        STORE(int16_t, value);
    case HYL_TYPE_INT:
        STORE(int32_t, value);
    case HYL_TYPE_BIGINT:
        STORE(int64_t, value);
    case HYL_TYPE_REAL:
        STORE(float, value);
    case HYL_TYPE_DOUBLE:
        STORE(double, value);
        NUMERIC_CASE;
    default:
        return fail_type(column, "smallint", err);
    }
}

hyl_status hyl__put_i32(hyl__stage *stage, hyl__stage_column *column, int32_t value, hyl_error *err)
{
    switch (column->id) {
    case HYL_TYPE_INT:
        STORE(int32_t, value);
    case HYL_TYPE_BIGINT:
        STORE(int64_t, value);
    case HYL_TYPE_DOUBLE:
        STORE(double, value);
        NUMERIC_CASE;
    default:
        return fail_type(column, "integer", err);
    }
}

hyl_status hyl__put_i64(hyl__stage *stage, hyl__stage_column *column, int64_t value, hyl_error *err)
{
    switch (column->id) {
    case HYL_TYPE_BIGINT:
        STORE(int64_t, value);
        NUMERIC_CASE;
    default:
        return fail_type(column, "bigint", err);
    }
}

hyl_status hyl__put_u32(hyl__stage *stage, hyl__stage_column *column, uint32_t value,
                        hyl_error *err)
{
    switch (column->id) {
    case HYL_TYPE_OID:
        STORE(uint32_t, value);
    case HYL_TYPE_BIGINT:
        STORE(int64_t, value);
    case HYL_TYPE_DOUBLE:
        STORE(double, value);
        NUMERIC_CASE;
    default:
        return fail_type(column, "oid", err);
    }
}

hyl_status hyl__put_whole(hyl__stage *stage, hyl__stage_column *column, hyl__i128 value,
                          hyl_error *err)
{
    switch (column->id) {
        NUMERIC_CASE;
    default:
        return fail_type(column, "numeric", err);
    }
}

hyl_status hyl__put_f32(hyl__stage *stage, hyl__stage_column *column, float value, hyl_error *err)
{
    switch (column->id) {
    case HYL_TYPE_REAL:
        STORE(float, value);
    case HYL_TYPE_DOUBLE:
        STORE(double, value);
    default:
        return fail_type(column, "real", err);
    }
}

hyl_status hyl__put_f64(hyl__stage *stage, hyl__stage_column *column, double value, hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_DOUBLE)) {
        return fail_type(column, "double precision", err);
    }
    STORE(double, value);
}

/* ---- Text and bytes ------------------------------------------------------------------------ */

static hyl_status append_bytes(hyl__stage *stage, hyl__stage_column *column, const void *bytes,
                               size_t len, hyl_error *err)
{
    const size_t begin = column->bytes.len;
    if (UNLIKELY(len > (size_t)INT32_MAX - begin)) {
        return hyl__fail(err, HYL_ERR_RANGE, "a value of %zu bytes is too big", len);
    }
    hyl_buf_append(&column->bytes, bytes, len);
    if (UNLIKELY(column->bytes.failed)) {
        column->bytes.failed = false;
        return hyl__fail_nomem(err);
    }
    stage->bytes += len;
    column->ends[stage->rows + 1] = (int32_t)column->bytes.len;
    return HYL_OK;
}

/* Text is checked as hyl_value_encode does; text proper only for being UTF-8. */
static hyl_status check_text(const hyl__stage_column *column, hyl_str text, hyl_error *err)
{
    hyl_value value;
    if (column->id == HYL_TYPE_TEXT && hyl__utf8_valid(text.data, text.len)) {
        return HYL_OK;
    }
    if (column->id == HYL_TYPE_CHAR1 && text.len == 0) {
        return hyl__fail(err, HYL_ERR_RANGE, "a character(1) has one character, not none");
    }
    memset(&value, 0, sizeof value);
    value.type = HYL_TYPE_TEXT;
    value.as.str = text;
    return hyl__value_check(column->info->type, &value, err);
}

/*
 * Copies bytes and returns them all, or-ed: the highest bit of one of its bytes is set where one of
 * them has it. Eight at a time, the last ones over again, so that short text needs no loop.
 */
static inline uint64_t copy_and_collect(uint8_t *to, const char *from, size_t len)
{
    uint64_t seen = 0;
    uint64_t word = 0;
    if (len < sizeof word) {
        for (size_t i = 0; i < len; i++) {
            to[i] = (uint8_t)from[i];
            seen |= to[i];
        }
        return seen;
    }
    for (size_t i = 0; i + sizeof word < len; i += sizeof word) {
        memcpy(&word, from + i, sizeof word);
        memcpy(to + i, &word, sizeof word);
        seen |= word;
    }
    memcpy(&word, from + len - sizeof word, sizeof word);
    memcpy(to + len - sizeof word, &word, sizeof word);
    return seen | word;
}

/* Most text is ASCII, which is valid, and there is room for it. False where it needs a closer look. */
static inline bool put_ascii(hyl__stage *stage, hyl__stage_column *column, hyl_str text)
{
    const size_t begin = column->bytes.len;
    if (text.len > column->bytes.cap - begin || text.len > (size_t)INT32_MAX - begin ||
        (copy_and_collect(column->bytes.data + begin, text.data, text.len) &
         UINT64_C(0x8080808080808080)) != 0) {
        return false;
    }
    column->bytes.len = begin + text.len;
    column->ends[stage->rows + 1] = (int32_t)column->bytes.len;
    stage->bytes += text.len;
    return true;
}

hyl_status hyl__put_str(hyl__stage *stage, hyl__stage_column *column, hyl_str value, hyl_error *err)
{
    if (column->id == HYL_TYPE_TEXT && put_ascii(stage, column, value)) {
        return HYL_OK;
    }
    if (UNLIKELY(!hyl__type_is_string(column->id))) {
        return fail_type(column, "text", err);
    }
    HYL_TRY(check_text(column, value, err));
    return append_bytes(stage, column, value.data, value.len, err);
}

hyl_status hyl__put_bytes(hyl__stage *stage, hyl__stage_column *column, hyl_bytes value,
                          hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_BYTES && column->id != HYL_TYPE_GEOGRAPHY)) {
        return fail_type(column, "bytes", err);
    }
    return append_bytes(stage, column, value.data, value.len, err);
}

/* ---- Dates and times ----------------------------------------------------------------------- */

/* A value that the server does not take as Arrow. */
static hyl_status __attribute__((noinline, cold))
note_far(hyl__stage_column *column, const char *what, hyl_error *err)
{
    if (column->no_far) {
        return hyl__fail(err, HYL_ERR_RANGE,
                         "%s cannot be sent as Arrow, as the rows before it were", what);
    }
    column->has_far = true;
    return HYL_OK;
}

static hyl_status put_micros(hyl__stage *stage, hyl__stage_column *column, int64_t micros,
                             hyl_error *err)
{
    if (UNLIKELY(!hyl__timestamp_in_range(micros))) {
        return hyl__fail_range(column->info->type, err);
    }
    if (UNLIKELY(micros > HYL__ARROW_TIMESTAMP_MAX)) {
        HYL_TRY(note_far(column, "a timestamp after 294247-01-10 04:00:54.775807", err));
    }
    STORE(int64_t, micros);
}

hyl_status hyl__put_date(hyl__stage *stage, hyl__stage_column *column, int32_t value,
                         hyl_error *err)
{
    if (UNLIKELY(!hyl__date_in_range(value))) {
        return hyl__fail_range(column->info->type, err);
    }
    switch (column->id) {
    case HYL_TYPE_DATE:
        STORE(int32_t, value);
    case HYL_TYPE_TIMESTAMP:
        return put_micros(stage, column, value * HYL_MICROS_PER_DAY, err);
    default:
        return fail_type(column, "date", err);
    }
}

hyl_status hyl__put_time(hyl__stage *stage, hyl__stage_column *column, int64_t value,
                         hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_TIME)) {
        return fail_type(column, "time", err);
    }
    if (UNLIKELY(!hyl__time_in_range(value))) {
        return hyl__fail_range(column->info->type, err);
    }
    if (UNLIKELY(value == HYL_MICROS_PER_DAY)) {
        HYL_TRY(note_far(column, "the time 24:00:00", err));
    }
    STORE(int64_t, value);
}

hyl_status hyl__put_timestamp(hyl__stage *stage, hyl__stage_column *column, int64_t value,
                              hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_TIMESTAMP)) {
        return fail_type(column, "timestamp", err);
    }
    return put_micros(stage, column, value, err);
}

hyl_status hyl__put_timestamptz(hyl__stage *stage, hyl__stage_column *column, int64_t value,
                                hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_TIMESTAMPTZ)) {
        return fail_type(column, "timestamp with time zone", err);
    }
    return put_micros(stage, column, value, err);
}

hyl_status hyl__put_interval(hyl__stage *stage, hyl__stage_column *column, hyl_interval value,
                             hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_INTERVAL)) {
        return fail_type(column, "interval", err);
    }
    if (UNLIKELY(value.micros == INT64_MIN)) {
        return hyl__fail_range(column->info->type, err);
    }
    if (UNLIKELY(value.micros > INT64_MAX / 1000 || value.micros < -(INT64_MAX / 1000))) {
        HYL_TRY(note_far(column, "an interval of more than 292 years of microseconds", err));
    }
    STORE(hyl_interval, value);
}

hyl_status hyl__put_uuid(hyl__stage *stage, hyl__stage_column *column, const uint8_t *value,
                         hyl_error *err)
{
    if (UNLIKELY(column->id != HYL_TYPE_UUID)) {
        return fail_type(column, "uuid", err);
    }
    memcpy(column->values + stage->rows * 16, value, 16);
    return HYL_OK;
}

/* ---- A value of any type ------------------------------------------------------------------- */

hyl_status hyl__put_value(hyl__stage *stage, hyl__stage_column *column, const hyl_value *value,
                          hyl_error *err)
{
    if (value->is_null) {
        return hyl__put_null(stage, column, err);
    }
    switch (value->type) {
    case HYL_TYPE_BOOL:
        return hyl__put_bool(stage, column, value->as.boolean, err);
    case HYL_TYPE_SMALLINT:
        return hyl__put_i16(stage, column, value->as.i16, err);
    case HYL_TYPE_INT:
        return hyl__put_i32(stage, column, value->as.i32, err);
    case HYL_TYPE_BIGINT:
        return hyl__put_i64(stage, column, value->as.i64, err);
    case HYL_TYPE_OID:
        return hyl__put_u32(stage, column, value->as.u32, err);
    case HYL_TYPE_REAL:
        return hyl__put_f32(stage, column, value->as.f32, err);
    case HYL_TYPE_DOUBLE:
        return hyl__put_f64(stage, column, value->as.f64, err);
    case HYL_TYPE_NUMERIC:
        return hyl__put_numeric(stage, column, &value->as.numeric, err);
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
        return hyl__put_str(stage, column, value->as.str, err);
    case HYL_TYPE_BYTES:
    case HYL_TYPE_GEOGRAPHY:
        return hyl__put_bytes(stage, column, value->as.bytes, err);
    case HYL_TYPE_DATE:
        return hyl__put_date(stage, column, value->as.i32, err);
    case HYL_TYPE_TIME:
        return hyl__put_time(stage, column, value->as.i64, err);
    case HYL_TYPE_TIMESTAMP:
        return hyl__put_timestamp(stage, column, value->as.i64, err);
    case HYL_TYPE_TIMESTAMPTZ:
        return hyl__put_timestamptz(stage, column, value->as.i64, err);
    case HYL_TYPE_INTERVAL:
        return hyl__put_interval(stage, column, value->as.interval, err);
    case HYL_TYPE_UUID:
        return hyl__put_uuid(stage, column, value->as.uuid, err);
    default:
        return fail_type(column, hyl_type_name(value->type), err);
    }
}
