#include "arrow_bulk.h"

#include "arrow_value.h"
#include "base/endian.h"
#include "base/utf8.h"
#include "value/hyperbinary.h"

enum { NANOS_PER_MICRO = 1000 };

#define BULK(name)                                                                         \
    static bool bulk_##name(const hyl__arrow_source *source, int64_t first, int64_t count, \
                            size_t null_count, hyl__stage *stage, hyl__stage_column *column)

/* ---- NULLs --------------------------------------------------------------------------------- */

/* Eight bits as eight bytes of 0 or 1, the lowest first in memory. */
static uint64_t spread_bits(uint8_t bits)
{
    const uint64_t apart = (bits * UINT64_C(0x0101010101010101)) & UINT64_C(0x8040201008040201);
    return ((apart + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7) & UINT64_C(0x0101010101010101);
}

/* `count` bits from bit `from` on as bytes of 0 or 1, turned over where `invert` is 1. */
static void copy_bits(const uint8_t *bits, int64_t from, int64_t count, uint8_t invert, uint8_t *to)
{
    int64_t k = 0;
    for (; k < count && (from + k) % 8 != 0; k++) {
        to[k] = (uint8_t)ArrowBitGet(bits, from + k) ^ invert;
    }
    for (; count - k >= 8; k += 8) {
        const uint64_t bytes = spread_bits(bits[(from + k) / 8]);
        hyl__store_le64(to + k, bytes ^ (invert * UINT64_C(0x0101010101010101)));
    }
    for (; k < count; k++) {
        to[k] = (uint8_t)ArrowBitGet(bits, from + k) ^ invert;
    }
}

/* Takes the NULLs over as bytes and counts them. */
static size_t copy_nulls(const struct ArrowArrayView *view, int64_t first, int64_t count,
                         uint8_t *nulls)
{
    const uint8_t *validity = view->buffer_views[0].data.as_uint8;
    if (validity == NULL || view->null_count == 0) {
        return 0;
    }
    const int64_t from = first + view->offset;
    const size_t sum = (size_t)(count - ArrowBitCountSet(validity, from, count));
    if (sum > 0) {
        copy_bits(validity, from, count, 1, nulls);
    }
    return sum;
}

/* Has a dictionary NULL among its values? */
static bool has_null(const struct ArrowArrayView *view)
{
    return view->null_count != 0 && view->buffer_views[0].data.data != NULL &&
           ArrowBitCountSet(view->buffer_views[0].data.as_uint8, view->offset, view->length) <
               view->length;
}

/* ---- Values of fixed width ----------------------------------------------------------------- */

/* What is behind a NULL may be anything, and is neither checked nor kept. */
#define BULK_FIXED(name, from_type, to_type, fits, converted)                                \
    BULK(name)                                                                               \
    {                                                                                        \
        const uint8_t *nulls = column->nulls + stage->rows;                                  \
        (void)null_count;                                                                    \
        const from_type *from = (const from_type *)source->view->buffer_views[1].data.data + \
                                first + source->view->offset;                                \
        to_type *to = (to_type *)(void *)column->values + stage->rows;                       \
        bool all_fit = true;                                                                 \
        for (int64_t k = 0; k < count; k++) {                                                \
            const from_type value = nulls[k] ? 0 : from[k];                                  \
            all_fit &= (fits);                                                               \
            to[k] = (to_type)(converted);                                                    \
        }                                                                                    \
        return all_fit;                                                                      \
    }

#define BULK_WIDEN(name, from_type, to_type) BULK_FIXED(name, from_type, to_type, true, value)

BULK_WIDEN(i8_i16, int8_t, int16_t)
BULK_WIDEN(i8_i32, int8_t, int32_t)
BULK_WIDEN(i8_i64, int8_t, int64_t)
BULK_WIDEN(i8_f64, int8_t, double)
BULK_WIDEN(u8_i16, uint8_t, int16_t)
BULK_WIDEN(u8_i32, uint8_t, int32_t)
BULK_WIDEN(u8_i64, uint8_t, int64_t)
BULK_WIDEN(u8_f64, uint8_t, double)
BULK_WIDEN(i16_i32, int16_t, int32_t)
BULK_WIDEN(i16_i64, int16_t, int64_t)
BULK_WIDEN(i16_f64, int16_t, double)
BULK_WIDEN(u16_i32, uint16_t, int32_t)
BULK_WIDEN(u16_i64, uint16_t, int64_t)
BULK_WIDEN(u16_f64, uint16_t, double)
BULK_WIDEN(i32_i64, int32_t, int64_t)
BULK_WIDEN(i32_f64, int32_t, double)
BULK_WIDEN(u32_i64, uint32_t, int64_t)
BULK_WIDEN(u32_f64, uint32_t, double)
BULK_WIDEN(f32_f64, float, double)

BULK_FIXED(date, int32_t, int32_t,
           value >= HYL_DATE_MIN - HYL_UNIX_EPOCH_DAYS &&
               value <= HYL_DATE_MAX - HYL_UNIX_EPOCH_DAYS,
           (int64_t)value + HYL_UNIX_EPOCH_DAYS)

/* Days that a stage's timestamp may have and Arrow's too, in the microseconds of the source. */
#define NEAR_MICROS  (INT64_C(2000000) * HYL_MICROS_PER_DAY)
#define SHIFT_MICROS (HYL_UNIX_EPOCH_DAYS * HYL_MICROS_PER_DAY)

BULK_FIXED(timestamp_us, int64_t, int64_t, value > -NEAR_MICROS && value < NEAR_MICROS,
           (uint64_t)value + (uint64_t)SHIFT_MICROS)
BULK_FIXED(timestamp_ms, int64_t, int64_t,
           value > -NEAR_MICROS / 1000 && value < NEAR_MICROS / 1000,
           (uint64_t)value * 1000 + (uint64_t)SHIFT_MICROS)
BULK_FIXED(timestamp_s, int64_t, int64_t,
           value > -NEAR_MICROS / 1000000 && value < NEAR_MICROS / 1000000,
           (uint64_t)value * 1000000 + (uint64_t)SHIFT_MICROS)
BULK_FIXED(timestamp_ns, int64_t, int64_t, value % NANOS_PER_MICRO == 0,
           value / NANOS_PER_MICRO + SHIFT_MICROS)
BULK_FIXED(time_us, int64_t, int64_t, value >= 0 && value < HYL_MICROS_PER_DAY, value)

/* Values that the stage keeps just as they are. */
BULK(same)
{
    const size_t width = column->width;
    (void)null_count;
    memcpy(column->values + stage->rows * width,
           source->view->buffer_views[1].data.as_uint8 +
               (size_t)(first + source->view->offset) * width,
           (size_t)count * width);
    return true;
}

BULK(bool)
{
    (void)null_count;
    copy_bits(source->view->buffer_views[1].data.as_uint8, first + source->view->offset, count, 0,
              column->values + stage->rows);
    return true;
}

/* Decimals of the column's own scale. */
BULK(decimal128)
{
    const uint8_t *from = source->view->buffer_views[1].data.as_uint8 +
                          (size_t)(first + source->view->offset) * sizeof(hyl__i128);
    uint8_t *to = column->values + stage->rows * sizeof(hyl__i128);
    const uint8_t *nulls = column->nulls + stage->rows;
    bool all_fit = true;
    (void)null_count;
    for (int64_t k = 0; k < count; k++) {
        hyl__i128 value = 0;
        if (!nulls[k]) {
            memcpy(&value, from + (size_t)k * sizeof value, sizeof value);
        }
        const hyl__u128 magnitude = value < 0 ? -(hyl__u128)value : (hyl__u128)value;
        all_fit &= magnitude < column->limit;
        memcpy(to + (size_t)k * sizeof value, &value, sizeof value);
    }
    return all_fit;
}

/* ---- Text and bytes ------------------------------------------------------------------------ */

typedef struct piece {
    const uint8_t *data;
    int64_t len;
} piece;

/* A value; one outside the array's buffers is of a negative length. */
static piece piece_of(const struct ArrowArrayView *view, int64_t i)
{
    hyl_bytes bytes = {NULL, 0};
    return hyl__arrow_bytes_at(view, i, &bytes) ? (piece){bytes.data, (int64_t)bytes.len}
                                                : (piece){NULL, -1};
}

/* A value behind a dictionary; one of no index there is of a negative length. */
static piece piece_behind(const struct ArrowArrayView *view, int64_t i)
{
    const int64_t index =
        hyl__arrow_index_at(view->storage_type, view->buffer_views[1].data.data, i + view->offset);
    if (index < 0 || index >= view->dictionary->length) {
        return (piece){NULL, -1};
    }
    return piece_of(view->dictionary, index);
}

/* Makes room for as many bytes more as all texts of the block; where they go, NULL where not. */
static uint8_t *reserve(hyl__stage_column *column, size_t bytes)
{
    hyl_buf *buf = &column->bytes;
    if (bytes > (size_t)INT32_MAX - buf->len || hyl_buf_reserve(buf, bytes) < 0) {
        buf->failed = false;
        return NULL;
    }
    return buf->data + buf->len;
}

static bool is_ascii(const uint8_t *text, size_t len)
{
    uint64_t all = 0;
    size_t i = 0;
    for (; len - i >= 4 * sizeof all; i += 4 * sizeof all) {
        uint64_t words[4];
        memcpy(words, text + i, sizeof words);
        all |= words[0] | words[1] | words[2] | words[3];
    }
    for (; i < len; i++) {
        all |= text[i];
    }
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* Are the texts that end at ends[1..count] UTF-8, each by itself, and none too long? */
static bool are_texts(const hyl__stage_column *column, const int32_t *ends, int64_t count)
{
    const char *texts = (const char *)column->bytes.data;
    const int max = column->id == HYL_TYPE_VARCHAR ? hyl_type_max_length(column->info->type) : 0;
    bool all_fit = true;
    for (int64_t k = 0; max > 0 && k < count; k++) {
        all_fit &= ends[k + 1] - ends[k] <= max; /* bytes: characters are no more */
    }
    if (!all_fit || is_ascii(column->bytes.data + ends[0], (size_t)(ends[count] - ends[0]))) {
        return all_fit;
    }
    for (int64_t k = 0; k < count; k++) {
        if (!hyl__utf8_valid(texts + ends[k], (size_t)(ends[k + 1] - ends[k]))) {
            return false;
        }
    }
    return true;
}

static bool finish_texts(hyl__stage *stage, hyl__stage_column *column, int64_t count)
{
    const int32_t *ends = column->ends + stage->rows;
    const bool is_text = column->id != HYL_TYPE_BYTES && column->id != HYL_TYPE_GEOGRAPHY;
    column->bytes.len = (size_t)ends[count];
    if (is_text && !are_texts(column, ends, count)) {
        column->bytes.len = (size_t)ends[0];
        return false;
    }
    stage->bytes += (size_t)(ends[count] - ends[0]);
    return true;
}

/* Copies the block's values, of which `piece` gives each. */
#define BULK_PIECES(name, get)                                                      \
    BULK(name)                                                                      \
    {                                                                               \
        const struct ArrowArrayView *view = source->view;                           \
        const uint8_t *nulls = column->nulls + stage->rows;                         \
        (void)null_count;                                                           \
        int32_t *ends = column->ends + stage->rows;                                 \
        size_t sum = 0;                                                             \
        for (int64_t k = 0; k < count; k++) {                                       \
            const int64_t len = nulls[k] ? 0 : get(view, first + k).len;            \
            if (len < 0 || len > INT32_MAX) {                                       \
                return false;                                                       \
            }                                                                       \
            sum += (size_t)len;                                                     \
        }                                                                           \
        uint8_t *to = reserve(column, sum);                                         \
        for (int64_t k = 0; to != NULL && k < count; k++) {                         \
            const piece value = nulls[k] ? (piece){NULL, 0} : get(view, first + k); \
            if (value.len > 0) {                                                    \
                memcpy(to, value.data, (size_t)value.len);                          \
                to += value.len;                                                    \
            }                                                                       \
            ends[k + 1] = ends[k] + (int32_t)value.len;                             \
        }                                                                           \
        return to != NULL && finish_texts(stage, column, count);                    \
    }

BULK_PIECES(pieces, piece_of)
BULK_PIECES(dictionary, piece_behind)

/* Strings of 32-bit offsets lie behind one another already. */
BULK(strings)
{
    const struct ArrowArrayView *view = source->view;
    const int32_t *from = view->buffer_views[1].data.as_int32 + first + view->offset;
    int32_t *ends = column->ends + stage->rows;
    if (null_count > 0) { /* one of them may have bytes */
        return bulk_pieces(source, first, count, null_count, stage, column);
    }
    if (from[0] < 0 || from[count] < from[0] || from[count] > view->buffer_views[2].size_bytes) {
        return false;
    }
    const int64_t sum = (int64_t)from[count] - from[0];
    uint8_t *to = reserve(column, (size_t)sum);
    if (to == NULL) {
        return false;
    }
    bool ordered = true;
    for (int64_t k = 0; k < count; k++) {
        ordered &= from[k + 1] >= from[k];
        ends[k + 1] = ends[0] + (int32_t)((int64_t)from[k + 1] - from[0]);
    }
    if (ordered && sum > 0) {
        memcpy(to, view->buffer_views[2].data.as_uint8 + from[0], (size_t)sum);
    }
    return ordered && finish_texts(stage, column, count);
}

/* ---- Choosing ------------------------------------------------------------------------------ */

typedef struct bulk_entry {
    enum ArrowType from;
    hyl_type_id to;
    hyl__arrow_bulk bulk;
} bulk_entry;

#define ENTRY(from, to, name)                             \
    {                                                     \
        NANOARROW_TYPE_##from, HYL_TYPE_##to, bulk_##name \
    }

static const bulk_entry ENTRIES[] = {
    ENTRY(BOOL, BOOL, bool),
    ENTRY(INT16, SMALLINT, same),
    ENTRY(INT32, INT, same),
    ENTRY(INT64, BIGINT, same),
    ENTRY(UINT32, OID, same),
    ENTRY(FLOAT, REAL, same),
    ENTRY(DOUBLE, DOUBLE, same),
    ENTRY(INT8, SMALLINT, i8_i16),
    ENTRY(INT8, INT, i8_i32),
    ENTRY(INT8, BIGINT, i8_i64),
    ENTRY(INT8, DOUBLE, i8_f64),
    ENTRY(UINT8, SMALLINT, u8_i16),
    ENTRY(UINT8, INT, u8_i32),
    ENTRY(UINT8, BIGINT, u8_i64),
    ENTRY(UINT8, DOUBLE, u8_f64),
    ENTRY(INT16, INT, i16_i32),
    ENTRY(INT16, BIGINT, i16_i64),
    ENTRY(INT16, DOUBLE, i16_f64),
    ENTRY(UINT16, INT, u16_i32),
    ENTRY(UINT16, BIGINT, u16_i64),
    ENTRY(UINT16, DOUBLE, u16_f64),
    ENTRY(INT32, BIGINT, i32_i64),
    ENTRY(INT32, DOUBLE, i32_f64),
    ENTRY(UINT32, BIGINT, u32_i64),
    ENTRY(UINT32, DOUBLE, u32_f64),
    ENTRY(FLOAT, DOUBLE, f32_f64),
    ENTRY(DATE32, DATE, date),
    ENTRY(STRING, TEXT, strings),
    ENTRY(STRING, VARCHAR, strings),
    ENTRY(BINARY, BYTES, strings),
    ENTRY(LARGE_STRING, TEXT, pieces),
    ENTRY(LARGE_STRING, VARCHAR, pieces),
    ENTRY(LARGE_BINARY, BYTES, pieces),
    ENTRY(STRING_VIEW, TEXT, pieces),
    ENTRY(STRING_VIEW, VARCHAR, pieces),
    ENTRY(BINARY_VIEW, BYTES, pieces),
    ENTRY(FIXED_SIZE_BINARY, BYTES, pieces),
};

static hyl__arrow_bulk choose_time(enum ArrowType type, enum ArrowTimeUnit unit)
{
    if (type == NANOARROW_TYPE_TIME64) {
        return unit == NANOARROW_TIME_UNIT_MICRO ? bulk_time_us : NULL;
    }
    if (type != NANOARROW_TYPE_TIMESTAMP) {
        return NULL;
    }
    switch (unit) {
    case NANOARROW_TIME_UNIT_SECOND:
        return bulk_timestamp_s;
    case NANOARROW_TIME_UNIT_MILLI:
        return bulk_timestamp_ms;
    case NANOARROW_TIME_UNIT_MICRO:
        return bulk_timestamp_us;
    default:
        return bulk_timestamp_ns;
    }
}

static hyl__arrow_bulk choose_plain(const hyl__arrow_source *source,
                                    const hyl__stage_column *column)
{
    const enum ArrowType type = source->type.type;
    if (type == NANOARROW_TYPE_DECIMAL128) {
        return column->id == HYL_TYPE_NUMERIC && source->type.decimal_scale == column->scale
                   ? bulk_decimal128
                   : NULL;
    }
    if (column->id == HYL_TYPE_TIME || column->id == HYL_TYPE_TIMESTAMP ||
        column->id == HYL_TYPE_TIMESTAMPTZ) {
        return choose_time(type, source->type.time_unit);
    }
    for (size_t i = 0; i < sizeof ENTRIES / sizeof *ENTRIES; i++) {
        if (ENTRIES[i].from == type && ENTRIES[i].to == column->id) {
            return ENTRIES[i].bulk;
        }
    }
    return NULL;
}

hyl__arrow_bulk hyl__arrow_bulk_choose(const hyl__arrow_source *source,
                                       const hyl__stage_column *column)
{
    hyl__arrow_bulk bulk = choose_plain(source, column);
    if (source->depth == HYL__ARROW_PLAIN) {
        return bulk;
    }
    return source->depth == HYL__ARROW_DICTIONARY && (bulk == bulk_strings || bulk == bulk_pieces)
               ? bulk_dictionary
               : NULL;
}

/* ---- The block ----------------------------------------------------------------------------- */

/* How many of the values fit into max_bytes; sum of all, as `get` has them. */
#define MEASURE(get)                                                  \
    for (int64_t k = 0; k < count; k++) {                             \
        if (!may_be_null || !ArrowArrayViewIsNull(view, first + k)) { \
            const int64_t len = get(view, first + k).len;             \
            left -= len > 0 ? len : 0;                                \
        }                                                             \
        if (left < 0) {                                               \
            return k > 0 ? k : 1;                                     \
        }                                                             \
    }                                                                 \
    return count

int64_t hyl__arrow_bulk_measure(const hyl__arrow_source *source, int64_t first, int64_t count,
                                size_t max_bytes)
{
    const struct ArrowArrayView *view = source->view;
    const bool may_be_null = view->null_count != 0 && view->buffer_views[0].data.data != NULL;
    int64_t left = (int64_t)max_bytes;
    if (source->bulk == bulk_strings) {
        const int32_t *ends = view->buffer_views[1].data.as_int32 + first + view->offset;
        if ((int64_t)ends[count] - ends[0] <= left) {
            return count;
        }
        MEASURE(piece_of);
    }
    if (source->bulk == bulk_pieces) {
        MEASURE(piece_of);
    }
    if (source->bulk == bulk_dictionary) {
        MEASURE(piece_behind);
    }
    return -1;
}

/* Loops load whole values: what lies askew goes value by value. */
static bool is_aligned(const struct ArrowArrayView *view)
{
    return (uintptr_t)view->buffer_views[1].data.data % sizeof(uint64_t) == 0;
}

bool hyl__arrow_bulk_put(const hyl__arrow_source *source, int64_t first, int64_t count,
                         hyl__stage *stage, hyl__stage_column *column)
{
    const struct ArrowArrayView *view = source->view;
    uint8_t *nulls = column->nulls + stage->rows;
    if (source->bulk == NULL || !is_aligned(view) ||
        (view->dictionary != NULL && has_null(view->dictionary))) {
        return false;
    }
    const size_t null_count = copy_nulls(view, first, count, nulls);
    if ((null_count > 0 && !column->info->nullable) ||
        !source->bulk(source, first, count, null_count, stage, column)) {
        memset(nulls, 0, (size_t)count);
        return false;
    }
    column->null_count += null_count;
    return true;
}
