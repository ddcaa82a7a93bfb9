/*
 * The typed getters: exact type or lossless widening. They run once for each cell of millions of
 * rows, so each is a check of the type and a load; everything that fails is built out of the way.
 */
#include "result.h"

#include "base/error.h"
#include "base/mem.h"
#include "value/hyperbinary.h"
#include "value/pgbinary.h"
#include "value/pgtext.h"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

size_t hyl_row_column_count(const hyl_row *row)
{
    return row->count;
}

static inline bool is_missing(const hyl_row *row, size_t column)
{
    return column >= row->count || row->cells[column].data == NULL;
}

bool hyl_row_is_null(const hyl_row *row, size_t column)
{
    return is_missing(row, column);
}

/* ---- What fails ---------------------------------------------------------------------------- */

static hyl_status __attribute__((noinline, cold))
fail_missing(const hyl_row *row, size_t column, hyl_error *err)
{
    if (column >= row->count) {
        return hyl__fail(err, HYL_ERR_ARG, "there is no column %zu: the result has %zu", column + 1,
                         row->count);
    }
    return hyl__fail(err, HYL_ERR_NULLVAL, "column %zu \"%s\" is NULL", column + 1,
                     row->columns[column].name);
}

static hyl_status __attribute__((noinline, cold))
fail_type(const hyl_row *row, size_t column, const char *wanted, hyl_error *err)
{
    hyl_buf name = HYL_BUF_INIT;
    hyl_type_format(row->columns[column].type, &name);
    hyl_status status = hyl__fail(err, HYL_ERR_TYPE, "column %zu \"%s\" is %.*s, not %s",
                                  column + 1, row->columns[column].name, (int)name.len,
                                  name.data != NULL ? (const char *)name.data : "", wanted);
    hyl_buf_reset(&name);
    return status;
}

static hyl_status __attribute__((noinline, cold))
fail_size(const hyl_row *row, size_t column, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL,
                     "column %zu \"%s\": a value of %zu bytes, which is not its type's size",
                     column + 1, row->columns[column].name, hyl__row_cell(row, column).len);
}

/* A cell whose length is not its type's: NULL has none. */
static hyl_status __attribute__((noinline, cold))
fail_cell(const hyl_row *row, size_t column, hyl_error *err)
{
    return is_missing(row, column) ? fail_missing(row, column, err) : fail_size(row, column, err);
}

/* ---- Reaching a value ---------------------------------------------------------------------- */

hyl_buf *hyl__scratch_add(hyl__scratch *scratch)
{
    hyl__piece *piece = hyl__calloc(1, sizeof *piece);
    if (piece == NULL) {
        return NULL;
    }
    piece->next = scratch->pieces;
    scratch->pieces = piece;
    return &piece->bytes;
}

void hyl__scratch_free(hyl__scratch *scratch)
{
    while (scratch->pieces != NULL) {
        hyl__piece *piece = scratch->pieces;
        scratch->pieces = piece->next;
        hyl_buf_reset(&piece->bytes);
        hyl__free(piece);
    }
}

/* Bytes that came as text and arrays that are not HyperBinary are no views of their cells. */
static bool needs_scratch(const hyl_column *column)
{
    return (column->format == HYL_FORMAT_TEXT && column->type.id == HYL_TYPE_BYTES) ||
           (column->format != HYL_FORMAT_HYPERBINARY && column->type.id == HYL_TYPE_ARRAY);
}

/* The general way to a value: any type, any format. */
static hyl_status decode_cell(const hyl_row *row, size_t column, hyl_value *out, hyl_error *err)
{
    const hyl_column *info = &row->columns[column];
    hyl_buf *scratch = NULL;
    if (needs_scratch(info)) {
        scratch = hyl__scratch_add(row->scratch);
        if (scratch == NULL) {
            return hyl__fail_nomem(err);
        }
    }
    hyl_status status =
        hyl_value_decode(info->type, info->format, hyl__row_cell(row, column), scratch, out, err);
    if (status < 0) {
        hyl__error_prefix(err, "column %zu \"%s\"", column + 1, info->name);
    }
    return status;
}

hyl_status hyl_row_get_value(const hyl_row *row, size_t column, hyl_value *out, hyl_error *err)
{
    if (UNLIKELY(column >= row->count)) {
        return fail_missing(row, column, err);
    }
    if (row->cells[column].data == NULL) {
        memset(out, 0, sizeof *out);
        out->type = row->columns[column].type.id;
        out->is_null = true;
        return HYL_OK;
    }
    return decode_cell(row, column, out, err);
}

hyl_status hyl_row_raw(const hyl_row *row, size_t column, hyl_bytes *out, hyl_error *err)
{
    if (is_missing(row, column)) {
        return fail_missing(row, column, err);
    }
    *out = hyl__row_cell(row, column);
    return HYL_OK;
}

/* The text of a string in PostgreSQL's binary format: its bytes, but jsonb has one in front. */
static hyl_status binary_string(const hyl_row *row, size_t column, hyl_bytes *out, hyl_error *err)
{
    *out = hyl__row_cell(row, column);
    return row->columns[column].format == HYL_FORMAT_BINARY
               ? hyl__pg_strip_version(row->columns[column].type, out, err)
               : HYL_OK;
}

static hyl_status value_text(const hyl_row *row, size_t column, hyl_buf *out, hyl_error *err)
{
    const hyl_column *info = &row->columns[column];
    if (info->format == HYL_FORMAT_BINARY) {
        return hyl__pg_text(info->type, hyl__row_cell(row, column), out, err);
    }
    hyl_value value;
    HYL_TRY(
        hyl_value_decode(info->type, info->format, hyl__row_cell(row, column), NULL, &value, err));
    return hyl_value_text(info->type, &value, out, err);
}

hyl_status hyl_row_text(const hyl_row *row, size_t column, hyl_buf *out, hyl_error *err)
{
    if (column >= row->count) {
        return fail_missing(row, column, err);
    }
    if (row->cells[column].data == NULL) {
        return HYL_OK;
    }
    const hyl_column *info = &row->columns[column];
    if (info->format == HYL_FORMAT_TEXT || hyl__type_is_string(info->type.id)) {
        hyl_bytes text;
        HYL_TRY(binary_string(row, column, &text, err));
        hyl_buf_append(out, text.data, text.len);
        return hyl_buf_status(out) < 0 ? hyl__fail_nomem(err) : HYL_OK;
    }
    hyl_status status = value_text(row, column, out, err);
    if (status < 0) {
        hyl__error_prefix(err, "column %zu \"%s\"", column + 1, info->name);
    }
    return status;
}

/* ---- The getters --------------------------------------------------------------------------- */

/*
 * The types that a getter takes: X(type, bytes, value of a binary cell that begins at `at`, value
 * of a decoded `v`). First its own, then those that it widens.
 */
#define OWN_BOOL(X)        X(BOOL, 1, hyl__hb_load_bool(at), v.as.boolean)
#define OWN_I16(X)         X(SMALLINT, 2, hyl__hb_load_i16(at), v.as.i16)
#define OWN_I32(X)         X(INT, 4, hyl__hb_load_i32(at), v.as.i32)
#define OWN_U32(X)         X(OID, 4, hyl__hb_load_u32(at), v.as.u32)
#define OWN_I64(X)         X(BIGINT, 8, hyl__hb_load_i64(at), v.as.i64)
#define OWN_F32(X)         X(REAL, 4, hyl__hb_load_f32(at), v.as.f32)
#define OWN_F64(X)         X(DOUBLE, 8, hyl__hb_load_f64(at), v.as.f64)
#define OWN_DATE(X)        X(DATE, 4, hyl__hb_load_date(at), v.as.i32)
#define OWN_TIME(X)        X(TIME, 8, hyl__hb_load_i64(at), v.as.i64)
#define OWN_TIMESTAMP(X)   X(TIMESTAMP, 8, hyl__hb_load_timestamp(at), v.as.i64)
#define OWN_TIMESTAMPTZ(X) X(TIMESTAMPTZ, 8, hyl__hb_load_timestamp(at), v.as.i64)
#define OWN_INTERVAL(X)    X(INTERVAL, 16, hyl__hb_load_interval(at), v.as.interval)

#define WIDER_NONE(X)
#define WIDER_I32(X) OWN_I16(X)
#define WIDER_I64(X) OWN_I16(X) OWN_I32(X) OWN_U32(X)
#define WIDER_F64(X) OWN_F32(X) OWN_I16(X) OWN_I32(X)
#define WIDER_TIMESTAMP(X) \
    X(DATE, 4, micros_of_date(hyl__hb_load_date(at)), micros_of_date(v.as.i32))

/* Midnight of a day. A day that no date has becomes a timestamp that is out of range too. */
static inline int64_t micros_of_date(int32_t days)
{
    int64_t micros = 0;
    if (__builtin_mul_overflow((int64_t)days, HYL_MICROS_PER_DAY, &micros)) {
        return days < 0 ? INT64_MIN : INT64_MAX;
    }
    return micros;
}

#define TAKE_BINARY(size, from_binary)          \
    if (UNLIKELY(cell.len != (size))) {         \
        return fail_cell(row, column, err);     \
    }                                           \
    const uint8_t *const at = cell.data + skip; \
    *out = (from_binary);                       \
    return HYL_OK;

#define BINARY_IF(id, size, from_binary, from_value)  \
    if (LIKELY(shape.binary_type == HYL_TYPE_##id)) { \
        TAKE_BINARY(size, from_binary)                \
    }

#define BINARY_CASE(id, size, from_binary, from_value) \
    case HYL_TYPE_##id: {                              \
        TAKE_BINARY(size, from_binary)                 \
    }

#define VALUE_CASE(id, size, from_binary, from_value) \
    case HYL_TYPE_##id:                               \
        *out = (from_value);                          \
        return HYL_OK;

/* What a getter does with a type that is none of its cases. */
static hyl_status __attribute__((noinline, cold))
i64_of_numeric(const hyl_row *row, size_t column, int64_t *out, hyl_error *err)
{
    hyl_type type = row->columns[column].type;
    /* A numeric without decimals whose every value fits 64 bits is a whole number too. */
    if (type.id != HYL_TYPE_NUMERIC || hyl_type_scale(type) != 0 || hyl_type_width(type) != 8) {
        return fail_type(row, column, "bigint", err);
    }
    hyl_value value;
    HYL_TRY(decode_cell(row, column, &value, err));
    return hyl_numeric_to_i64(&value.as.numeric, out);
}

/* The own type stands before the switch, whose order is the compiler's. */
#define GETTER(name, ctype, OWN, WIDER, otherwise)                                               \
    static hyl_status __attribute__((noinline, cold))                                            \
    name##_of_other(const hyl_row *row, size_t column, ctype *out, hyl_error *err)               \
    {                                                                                            \
        hyl_value v;                                                                             \
        if (is_missing(row, column)) {                                                           \
            return fail_missing(row, column, err);                                               \
        }                                                                                        \
        if (row->columns[column].format == HYL_FORMAT_HYPERBINARY) {                             \
            return otherwise;                                                                    \
        }                                                                                        \
        HYL_TRY(decode_cell(row, column, &v, err));                                              \
        switch (v.type) {                                                                        \
            OWN(VALUE_CASE)                                                                      \
            WIDER(VALUE_CASE)                                                                    \
        default:                                                                                 \
            return otherwise;                                                                    \
        }                                                                                        \
    }                                                                                            \
    hyl_status hyl_row_get_##name(const hyl_row *row, size_t column, ctype *out, hyl_error *err) \
    {                                                                                            \
        if (UNLIKELY(column >= row->count)) {                                                    \
            return fail_missing(row, column, err);                                               \
        }                                                                                        \
        const hyl_bytes cell = row->cells[column];                                               \
        const hyl__cell_shape shape = row->shapes[column];                                       \
        const size_t skip = row->index * shape.stride;                                           \
        OWN(BINARY_IF)                                                                           \
        switch (shape.binary_type) {                                                             \
            WIDER(BINARY_CASE)                                                                   \
        default:                                                                                 \
            return name##_of_other(row, column, out, err);                                       \
        }                                                                                        \
    }

#define NOT_A(wanted) fail_type(row, column, wanted, err)

GETTER(bool, bool, OWN_BOOL, WIDER_NONE, NOT_A("boolean"))
GETTER(i16, int16_t, OWN_I16, WIDER_NONE, NOT_A("smallint"))
GETTER(i32, int32_t, OWN_I32, WIDER_I32, NOT_A("integer"))
GETTER(u32, uint32_t, OWN_U32, WIDER_NONE, NOT_A("oid"))
GETTER(i64, int64_t, OWN_I64, WIDER_I64, i64_of_numeric(row, column, out, err))
GETTER(f32, float, OWN_F32, WIDER_NONE, NOT_A("real"))
GETTER(f64, double, OWN_F64, WIDER_F64, NOT_A("double precision"))
GETTER(date, int32_t, OWN_DATE, WIDER_NONE, NOT_A("date"))
GETTER(time, int64_t, OWN_TIME, WIDER_NONE, NOT_A("time"))
GETTER(timestamp, int64_t, OWN_TIMESTAMP, WIDER_TIMESTAMP, NOT_A("timestamp"))
GETTER(timestamptz, int64_t, OWN_TIMESTAMPTZ, WIDER_NONE, NOT_A("timestamp with time zone"))
GETTER(interval, hyl_interval, OWN_INTERVAL, WIDER_NONE, NOT_A("interval"))

hyl_status hyl_row_get_numeric(const hyl_row *row, size_t column, hyl_numeric *out, hyl_error *err)
{
    if (is_missing(row, column)) {
        return fail_missing(row, column, err);
    }
    if (row->columns[column].type.id == HYL_TYPE_NUMERIC) {
        hyl_value value;
        HYL_TRY(decode_cell(row, column, &value, err));
        *out = value.as.numeric;
        return HYL_OK;
    }
    int64_t whole = 0;
    switch (row->columns[column].type.id) {
    case HYL_TYPE_SMALLINT:
    case HYL_TYPE_INT:
    case HYL_TYPE_BIGINT:
        HYL_TRY(hyl_row_get_i64(row, column, &whole, err));
        *out = (hyl_numeric){(uint64_t)whole, whole < 0 ? -1 : 0, 19, 0};
        return HYL_OK;
    default:
        return fail_type(row, column, "numeric", err);
    }
}

/* NULL, and what is no string in HyperBinary. */
static hyl_status __attribute__((noinline))
str_of_other(const hyl_row *row, size_t column, hyl_str *out, hyl_error *err)
{
    if (is_missing(row, column)) {
        return fail_missing(row, column, err);
    }
    const hyl_column *info = &row->columns[column];
    if (!hyl__type_is_string(info->type.id) && info->format != HYL_FORMAT_TEXT) {
        return fail_type(row, column, "text", err);
    }
    hyl_bytes cell;
    HYL_TRY(binary_string(row, column, &cell, err));
    *out = (hyl_str){(const char *)cell.data, cell.len};
    return HYL_OK;
}

hyl_status hyl_row_get_str(const hyl_row *row, size_t column, hyl_str *out, hyl_error *err)
{
    if (UNLIKELY(column >= row->count)) {
        return fail_missing(row, column, err);
    }
    /* As lengths vary there is no stride. */
    const hyl_bytes cell = row->cells[column];
    const hyl_type_id type = (hyl_type_id)row->shapes[column].binary_type;
    if (UNLIKELY(cell.data == NULL || !hyl__type_is_string(type))) {
        return str_of_other(row, column, out, err);
    }
    *out = (hyl_str){(const char *)cell.data, cell.len};
    return HYL_OK;
}

hyl_status hyl_row_get_bytes(const hyl_row *row, size_t column, hyl_bytes *out, hyl_error *err)
{
    if (is_missing(row, column)) {
        return fail_missing(row, column, err);
    }
    const hyl_column *info = &row->columns[column];
    bool opaque = info->type.id == HYL_TYPE_BYTES || info->type.id == HYL_TYPE_GEOGRAPHY;
    if (hyl__type_is_string(info->type.id) || (opaque && info->format == HYL_FORMAT_HYPERBINARY)) {
        return binary_string(row, column, out, err);
    }
    if (!opaque) {
        return fail_type(row, column, "bytes", err);
    }
    hyl_value value;
    HYL_TRY(decode_cell(row, column, &value, err));
    *out = value.as.bytes;
    return HYL_OK;
}

hyl_status hyl_row_get_uuid(const hyl_row *row, size_t column, uint8_t out[16], hyl_error *err)
{
    if (is_missing(row, column)) {
        return fail_missing(row, column, err);
    }
    if (row->columns[column].type.id != HYL_TYPE_UUID) {
        return fail_type(row, column, "uuid", err);
    }
    hyl_value value;
    HYL_TRY(decode_cell(row, column, &value, err));
    memcpy(out, value.as.uuid, sizeof value.as.uuid);
    return HYL_OK;
}
