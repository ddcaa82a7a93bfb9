#include "arrow_columns.h"

#include "base/mem.h"
#include "value/hyperbinary.h"
#include "value/numeric.h"
#include "value/pgbinary.h"
#include "value/pgtext.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    OFFSET_SIZE = sizeof(int32_t),
    DECIMAL_SIZE = 16,
    INTERVAL_SIZE = 16,
    UUID_SIZE = 16,
    FIRST_BYTES = 256,
    NANOS_PER_MICRO = 1000,
};

/* ---- Memory -------------------------------------------------------------------------------- */

static size_t bitmap_size(int64_t bits)
{
    return ((size_t)bits + 7) / 8;
}

/* Makes room for `cap` bytes. */
static hyl_status reserve(hyl__memory *memory, size_t cap)
{
    if (cap <= memory->cap) {
        return HYL_OK;
    }
    uint8_t *data = hyl__realloc(memory->data, cap);
    if (data == NULL) {
        return HYL_ERR_NOMEM;
    }
    memory->data = data;
    memory->cap = cap;
    return HYL_OK;
}

/* The same for bits; the new ones are all 0 or, with `fill` 0xff, all 1. */
static hyl_status reserve_bits(hyl__memory *memory, int64_t count, int fill)
{
    size_t before = memory->cap;
    HYL_TRY(reserve(memory, bitmap_size(count)));
    memset(memory->data + before, fill, memory->cap - before);
    return HYL_OK;
}

static void clear_bit(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t)(bits[i >> 3] & ~(1U << (i & 7)));
}

static void set_bit(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t)(bits[i >> 3] | 1U << (i & 7));
}

static size_t slots_size(const hyl__column *column, int64_t count)
{
    if (column->width == 0) {
        return bitmap_size(count);
    }
    return (size_t)(count + (column->has_offsets ? 1 : 0)) * column->width;
}

hyl_status hyl__column_grow(hyl__column *column, int64_t cap)
{
    if (column->width == 0) {
        HYL_TRY(reserve_bits(&column->slots, cap, 0));
    } else {
        HYL_TRY(reserve(&column->slots, slots_size(column, cap)));
    }
    if (column->has_offsets && column->cap == 0) {
        memset(column->slots.data, 0, OFFSET_SIZE); /* where the first value begins */
    }
    if (column->validity.data != NULL) {
        HYL_TRY(reserve_bits(&column->validity, cap, 0xff));
    }
    column->cap = cap > column->cap ? cap : column->cap;
    return HYL_OK;
}

static hyl_status append_bytes(hyl__memory *memory, const uint8_t *bytes, size_t len)
{
    size_t need = memory->len + len;
    if (len == 0) {
        return HYL_OK; /* there may be no memory yet, and need not be */
    }
    if (need > memory->cap) {
        size_t least = memory->expected > FIRST_BYTES ? memory->expected : FIRST_BYTES;
        size_t cap = memory->cap * 2 > least ? memory->cap * 2 : least;
        uint8_t *data = hyl__realloc(memory->data, need > cap ? need : cap);
        if (data == NULL) {
            return HYL_ERR_NOMEM;
        }
        memory->data = data;
        memory->cap = need > cap ? need : cap;
    }
    memcpy(memory->data + memory->len, bytes, len);
    memory->len = need;
    return HYL_OK;
}

/* ---- Cells --------------------------------------------------------------------------------- */

static uint8_t *slot(hyl__column *column)
{
    return column->slots.data + (size_t)column->len * column->width;
}

static void store_i64(void *to, int64_t value)
{
    memcpy(to, &value, sizeof value);
}

static hyl_status put_bool(hyl__column *column, hyl_bytes cell)
{
    if (*cell.data > 1) {
        return HYL_ERR_PROTOCOL;
    }
    if (*cell.data != 0) {
        set_bit(column->slots.data, column->len);
    }
    return HYL_OK;
}

static hyl_status put_16(hyl__column *column, hyl_bytes cell)
{
    uint16_t value = hyl__load_le16(cell.data);
    memcpy(slot(column), &value, sizeof value);
    return HYL_OK;
}

/* Whole numbers and floats alike: the bits are the same. */
static hyl_status put_32(hyl__column *column, hyl_bytes cell)
{
    uint32_t value = hyl__load_le32(cell.data);
    memcpy(slot(column), &value, sizeof value);
    return HYL_OK;
}

static hyl_status put_64(hyl__column *column, hyl_bytes cell)
{
    uint64_t value = hyl__load_le64(cell.data);
    memcpy(slot(column), &value, sizeof value);
    return HYL_OK;
}

static hyl_status put_numeric(hyl__column *column, hyl_bytes cell)
{
    hyl_numeric numeric;
    struct ArrowDecimal order;
    hyl__hb_load_numeric(cell.data, cell.len, &numeric);
    ArrowDecimalInit(&order, 128, 1, 0);
    uint64_t words[2];
    words[order.low_word_index] = numeric.lo;
    words[order.high_word_index] = (uint64_t)numeric.hi;
    memcpy(slot(column), words, sizeof words);
    return HYL_OK;
}

static hyl_status put_date(hyl__column *column, hyl_bytes cell)
{
    int32_t days = hyl__hb_load_date(cell.data);
    if (!hyl__date_in_range(days)) {
        return HYL_ERR_PROTOCOL;
    }
    days -= HYL_UNIX_EPOCH_DAYS;
    memcpy(slot(column), &days, sizeof days);
    return HYL_OK;
}

/* 24:00 is a time for the server, and for no reader of Arrow. */
static hyl_status put_time(hyl__column *column, hyl_bytes cell)
{
    int64_t micros = hyl__hb_load_i64(cell.data);
    if (!hyl__time_in_range(micros)) {
        return HYL_ERR_PROTOCOL;
    }
    store_i64(slot(column), micros);
    return micros < HYL_MICROS_PER_DAY ? HYL_OK : HYL_ERR_RANGE;
}

static hyl_status put_timestamp(hyl__column *column, hyl_bytes cell)
{
    const int64_t epoch = HYL_UNIX_EPOCH_DAYS * HYL_MICROS_PER_DAY;
    int64_t micros = hyl__hb_load_timestamp(cell.data);
    if (!hyl__timestamp_in_range(micros)) {
        return HYL_ERR_PROTOCOL;
    }
    if (__builtin_sub_overflow(micros, epoch, &micros)) {
        return HYL_ERR_RANGE;
    }
    store_i64(slot(column), micros);
    return HYL_OK;
}

static hyl_status put_interval(hyl__column *column, hyl_bytes cell)
{
    hyl_interval interval = hyl__hb_load_interval(cell.data);
    int64_t nanos = 0;
    if (__builtin_mul_overflow(interval.micros, NANOS_PER_MICRO, &nanos)) {
        return HYL_ERR_RANGE;
    }
    uint8_t *at = slot(column);
    memcpy(at, &interval.months, sizeof interval.months);
    memcpy(at + 4, &interval.days, sizeof interval.days);
    store_i64(at + 8, nanos);
    return HYL_OK;
}

static hyl_status put_uuid(hyl__column *column, hyl_bytes cell)
{
    uint8_t *at = slot(column);
    for (size_t i = 0; i < UUID_SIZE; i++) {
        at[i] = cell.data[UUID_SIZE - 1 - i];
    }
    return HYL_OK;
}

/* Where value `len` ends, which is where the next begins. */
static hyl_status put_offset(hyl__column *column, size_t end)
{
    if (end > INT32_MAX) {
        return HYL_ERR_RANGE;
    }
    int32_t offset = (int32_t)end;
    memcpy(slot(column) + OFFSET_SIZE, &offset, sizeof offset);
    return HYL_OK;
}

static hyl_status put_bytes(hyl__column *column, hyl_bytes cell)
{
    HYL_TRY(put_offset(column, column->bytes.len + cell.len));
    return append_bytes(&column->bytes, cell.data, cell.len);
}

/* The cell that a column of the type has: arrays lack the blanks that fill a char(n). */
static hyl_status encode_element(hyl_type type, const hyl_value *value, hyl_buf *out)
{
    return type.id == HYL_TYPE_CHAR ? hyl_value_text(type, value, out, NULL)
                                    : hyl_value_encode(type, value, out, NULL);
}

static hyl_status put_element(hyl__column *column, const hyl_value *value)
{
    hyl_bytes cell = {NULL, 0};
    if (!value->is_null) {
        hyl_buf_clear(&column->scratch);
        HYL_TRY(hyl_buf_reserve(&column->scratch, 1));
        HYL_TRY(encode_element(column->type, value, &column->scratch));
        cell = (hyl_bytes){column->scratch.data, column->scratch.len};
    }
    if (column->len == column->cap) {
        HYL_TRY(hyl__column_grow(column, column->cap * 2 + 8));
    }
    return hyl__column_append(column, cell);
}

static hyl_status put_array(hyl__column *column, hyl_bytes cell)
{
    hyl_value array;
    hyl_value value;
    hyl_array_iter iter;
    HYL_TRY(hyl__hb_decode(column->type, cell, &array, NULL));
    HYL_TRY(hyl_array_iter_init(&iter, column->type, &array, NULL));
    hyl_status status = hyl_array_iter_next(&iter, &value, NULL);
    while (status == HYL_OK) {
        HYL_TRY(put_element(column->element, &value));
        status = hyl_array_iter_next(&iter, &value, NULL);
    }
    HYL_TRY(status);
    return put_offset(column, (size_t)column->element->len);
}

hyl_status hyl__column_append_null(hyl__column *column)
{
    if (column->validity.data == NULL) {
        HYL_TRY(reserve_bits(&column->validity, column->cap, 0xff));
    }
    clear_bit(column->validity.data, column->len);
    if (column->has_offsets) {
        memcpy(slot(column) + OFFSET_SIZE, slot(column), OFFSET_SIZE);
    } else if (column->width > 0) {
        memset(slot(column), 0, column->width);
    }
    column->null_count++;
    column->len++;
    return HYL_OK;
}

/* ---- Cells in PostgreSQL's binary format --------------------------------------------------- */

/* Its bytes, but jsonb has one in front. */
static hyl_status put_pg_string(hyl__column *column, hyl_bytes cell)
{
    HYL_TRY(hyl__pg_strip_version(column->type, &cell, NULL));
    return put_bytes(column, cell);
}

static hyl_status put_pg_text(hyl__column *column, hyl_bytes cell)
{
    hyl_buf_clear(&column->scratch);
    HYL_TRY(hyl__pg_text(column->type, cell, &column->scratch, NULL));
    return put_bytes(column, (hyl_bytes){column->scratch.data, column->scratch.len});
}

/* As the HyperBinary cell of the same value, so that its byte order is known in one place alone. */
static hyl_status put_pg_value(hyl__column *column, hyl_bytes cell)
{
    hyl_value value;
    hyl_buf_clear(&column->scratch);
    HYL_TRY(hyl_buf_reserve(&column->scratch, 1));
    HYL_TRY(hyl__pg_decode(column->type, cell, &column->scratch, &value, NULL));
    if (value.type == HYL_TYPE_ARRAY) {
        return column->put_hyperbinary(column, value.as.bytes);
    }
    HYL_TRY(hyl_value_encode(column->type, &value, &column->scratch, NULL));
    return column->put_hyperbinary(column, (hyl_bytes){column->scratch.data, column->scratch.len});
}

/* ---- Types --------------------------------------------------------------------------------- */

typedef struct recipe {
    hyl_status (*put)(hyl__column *column, hyl_bytes cell);
    size_t width;
    const char *format;
    const char *kind; /* the value of hyper:type; NULL: none */
} recipe;

static const recipe text_recipe = {put_bytes, OFFSET_SIZE, "u", NULL};
static const recipe recipes[HYL_TYPE_COUNT] = {
    [HYL_TYPE_UNKNOWN] = {put_bytes, OFFSET_SIZE, "z", NULL},
    [HYL_TYPE_BOOL] = {put_bool, 0, "b", NULL},
    [HYL_TYPE_SMALLINT] = {put_16, 2, "s", NULL},
    [HYL_TYPE_INT] = {put_32, 4, "i", NULL},
    [HYL_TYPE_BIGINT] = {put_64, 8, "l", NULL},
    [HYL_TYPE_REAL] = {put_32, 4, "f", NULL},
    [HYL_TYPE_DOUBLE] = {put_64, 8, "g", NULL},
    [HYL_TYPE_NUMERIC] = {put_numeric, DECIMAL_SIZE, NULL, NULL},
    [HYL_TYPE_OID] = {put_32, 4, "I", "Oid"},
    [HYL_TYPE_TEXT] = {put_bytes, OFFSET_SIZE, "u", NULL},
    [HYL_TYPE_VARCHAR] = {put_bytes, OFFSET_SIZE, "u", NULL},
    [HYL_TYPE_CHAR] = {put_bytes, OFFSET_SIZE, "u", "Char"},
    [HYL_TYPE_CHAR1] = {put_bytes, OFFSET_SIZE, "u", "Char1"},
    [HYL_TYPE_JSON] = {put_bytes, OFFSET_SIZE, "u", "JSON"},
    [HYL_TYPE_BYTES] = {put_bytes, OFFSET_SIZE, "z", NULL},
    [HYL_TYPE_DATE] = {put_date, 4, "tdD", NULL},
    [HYL_TYPE_TIME] = {put_time, 8, "ttu", NULL},
    [HYL_TYPE_TIMESTAMP] = {put_timestamp, 8, "tsu:", NULL},
    [HYL_TYPE_TIMESTAMPTZ] = {put_timestamp, 8, "tsu:UTC", NULL},
    [HYL_TYPE_INTERVAL] = {put_interval, INTERVAL_SIZE, "tin", "Interval"},
    [HYL_TYPE_GEOGRAPHY] = {put_bytes, OFFSET_SIZE, "z", "Geography"},
    [HYL_TYPE_UUID] = {put_uuid, UUID_SIZE, "w:16", "Uuid"},
    [HYL_TYPE_ARRAY] = {put_array, OFFSET_SIZE, "+l", NULL},
};

/* PostgreSQL's numeric without a precision, or with one that decimal128 lacks, differs by value. */
static bool has_no_decimal(hyl_type type)
{
    int precision = 0;
    int scale = 0;
    type = type.id == HYL_TYPE_ARRAY ? hyl_type_element(type) : type;
    return type.id == HYL_TYPE_NUMERIC && !hyl__numeric_bounds(type, &precision, &scale);
}

static const recipe *recipe_of(const hyl_column *info)
{
    bool as_text = info->format == HYL_FORMAT_TEXT ||
                   (info->format == HYL_FORMAT_BINARY && has_no_decimal(info->type));
    return as_text ? &text_recipe : &recipes[info->type.id];
}

/* What takes the column's cells as they come. */
static hyl_status (*put_of(const hyl_column *info))(hyl__column *, hyl_bytes)
{
    const recipe *how = recipe_of(info);
    if (info->format != HYL_FORMAT_BINARY || info->type.id == HYL_TYPE_UNKNOWN) {
        return how->put;
    }
    if (how == &text_recipe) {
        return put_pg_text;
    }
    return how->put == put_bytes ? put_pg_string : put_pg_value;
}

/* An array's elements as a column of their own. */
static hyl_column element_info(const hyl_column *info)
{
    hyl_column element = {"element", sizeof "element" - 1, hyl_type_element(info->type),
                          HYL_FORMAT_HYPERBINARY};
    return element;
}

static bool is_array(const hyl_column *info)
{
    return recipe_of(info)->put == put_array;
}

hyl_status hyl__column_init(hyl__column *column, const hyl_column *info)
{
    const recipe *how = recipe_of(info);
    memset(column, 0, sizeof *column);
    column->type = info->type;
    column->put = put_of(info);
    column->put_hyperbinary = how->put;
    column->width = how->width;
    column->has_offsets = how->put == put_bytes || how->put == put_array;
    column->cell_width =
        column->put == how->put && !column->has_offsets ? hyl_type_width(info->type) : 0;
    column->is_plain = column->put == put_32 || column->put == put_64;
    if (is_array(info)) {
        hyl_column element = element_info(info);
        column->element = hyl__calloc(1, sizeof *column->element);
        return column->element == NULL ? HYL_ERR_NOMEM
                                       : hyl__column_init(column->element, &element);
    }
    return HYL_OK;
}

void hyl__column_reset(hyl__column *column)
{
    if (column->element != NULL) {
        hyl__column_reset(column->element);
        hyl__free(column->element);
    }
    hyl__free(column->validity.data);
    hyl__free(column->slots.data);
    hyl__free(column->bytes.data);
    hyl_buf_reset(&column->scratch);
    memset(column, 0, sizeof *column);
}

/* ---- Schema -------------------------------------------------------------------------------- */

static int add_pair(struct ArrowBuffer *metadata, const char *key, const char *value)
{
    return ArrowMetadataBuilderAppend(metadata, ArrowCharView(key), ArrowCharView(value));
}

static int add_pairs(struct ArrowBuffer *metadata, const hyl_column *info)
{
    char text[24];
    hyl_buf name = HYL_BUF_INIT;
    const recipe *own = &recipes[info->type.id];
    const char *kind = own->kind;
    /* Text that stands for a value of another kind must not be taken for one. */
    if (kind != NULL && strcmp(own->format, recipe_of(info)->format) == 0) {
        NANOARROW_RETURN_NOT_OK(add_pair(metadata, "hyper:type", kind));
    }
    if (info->type.id == HYL_TYPE_UNKNOWN) {
        snprintf(text, sizeof text, "%u", (unsigned)info->type.oid);
        NANOARROW_RETURN_NOT_OK(add_pair(metadata, "hyper:oid", text));
    }
    if (hyl_type_max_length(info->type) > 0) {
        snprintf(text, sizeof text, "%d", hyl_type_max_length(info->type));
        NANOARROW_RETURN_NOT_OK(add_pair(metadata, "hyper:max_string_length", text));
    }
    hyl_type_format(info->type, &name);
    hyl_buf_append_byte(&name, 0);
    int code = hyl_buf_status(&name) < 0
                   ? ENOMEM
                   : add_pair(metadata, "hyper:type_name", (const char *)name.data);
    hyl_buf_reset(&name);
    return code;
}

static int set_metadata(struct ArrowSchema *field, const hyl_column *info)
{
    struct ArrowBuffer metadata;
    NANOARROW_RETURN_NOT_OK(ArrowMetadataBuilderInit(&metadata, NULL));
    int code = add_pairs(&metadata, info);
    if (code == NANOARROW_OK) {
        code = ArrowSchemaSetMetadata(field, (const char *)metadata.data);
    }
    ArrowBufferReset(&metadata);
    return code;
}

static int fill_field(struct ArrowSchema *field, const hyl_column *info)
{
    char format[32];
    const recipe *how = recipe_of(info);
    ArrowSchemaInit(field);
    snprintf(format, sizeof format, "d:%d,%d", hyl_type_precision(info->type),
             hyl_type_scale(info->type));
    NANOARROW_RETURN_NOT_OK(
        ArrowSchemaSetFormat(field, how->format != NULL ? how->format : format));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(field, info->name));
    if (is_array(info)) {
        hyl_column element = element_info(info);
        NANOARROW_RETURN_NOT_OK(ArrowSchemaAllocateChildren(field, 1));
        NANOARROW_RETURN_NOT_OK(fill_field(field->children[0], &element));
    }
    return set_metadata(field, info);
}

int hyl__columns_schema(const hyl_column *columns, size_t count, struct ArrowSchema *out)
{
    ArrowSchemaInit(out);
    int code = ArrowSchemaSetTypeStruct(out, (int64_t)count);
    for (size_t i = 0; i < count && code == NANOARROW_OK; i++) {
        ArrowSchemaRelease(out->children[i]);
        code = fill_field(out->children[i], &columns[i]);
    }
    if (code != NANOARROW_OK) {
        ArrowSchemaRelease(out);
    }
    return code;
}

/* ---- Arrays -------------------------------------------------------------------------------- */

static void free_memory(struct ArrowBufferAllocator *allocator, uint8_t *data, int64_t size)
{
    (void)allocator;
    (void)size;
    hyl__free(data);
}

/* Moves memory into the array's buffer `index`. */
static void give(hyl__memory *memory, size_t size, struct ArrowArray *array, int64_t index)
{
    struct ArrowBuffer *buffer = ArrowArrayBuffer(array, index);
    if (memory->data != NULL) {
        buffer->data = memory->data;
        buffer->size_bytes = (int64_t)size;
        buffer->capacity_bytes = (int64_t)memory->cap;
        buffer->allocator = ArrowBufferDeallocator(&free_memory, NULL);
    }
    *memory = (hyl__memory){.expected = size + size / 8};
}

int hyl__column_finish(hyl__column *column, struct ArrowArray *out)
{
    if (column->has_offsets && column->slots.data == NULL &&
        hyl__column_grow(column, 0) < 0) { /* of no values there is one offset too */
        return ENOMEM;
    }
    if (column->element != NULL) {
        NANOARROW_RETURN_NOT_OK(hyl__column_finish(column->element, out->children[0]));
    }
    out->length = column->len;
    out->null_count = column->null_count;
    give(&column->validity, bitmap_size(column->len), out, 0);
    give(&column->slots, slots_size(column, column->len), out, 1);
    if (column->has_offsets && column->element == NULL) {
        give(&column->bytes, column->bytes.len, out, 2);
    }
    column->len = 0;
    column->cap = 0;
    column->null_count = 0;
    return NANOARROW_OK;
}
