#include "ipc_writer.h"

#include "base/error.h"

#if HYL_WITH_ARROW

#include "base/endian.h"
#include "base/mem.h"
#include "ipc_header.h"

#include <nanoarrow/nanoarrow_ipc.h>

#include <errno.h>
#include <stdio.h>

/* The most buffers of a column: NULLs, offsets, bytes. */
enum { MAX_BUFFERS = 3 };

struct hyl__ipc_writer {
    struct ArrowIpcEncoder encoder; /* of the schema */
    struct ArrowSchema schema;
    struct ArrowBuffer schema_message;
    hyl_bytes schema_piece;
    hyl__ipc_header header;
    uint8_t *bits; /* of each column: a bitmap of NULLs, and one of booleans */
    size_t bitmap_size;
    hyl_bytes *pieces; /* of the message: the header, and each buffer that is not empty */
    size_t piece_count;
};

/* ---- Fields -------------------------------------------------------------------------------- */

static int add_metadata(struct ArrowSchema *field, const char *key, const char *value)
{
    struct ArrowBuffer metadata;
    int code = ArrowMetadataBuilderInit(&metadata, field->metadata);
    if (code == NANOARROW_OK) {
        code = ArrowMetadataBuilderSet(&metadata, ArrowCharView(key), ArrowCharView(value));
    }
    if (code == NANOARROW_OK) {
        code = ArrowSchemaSetMetadata(field, (const char *)metadata.data);
    }
    ArrowBufferReset(&metadata);
    return code;
}

/* Types that Arrow has under one name and Hyper under several are told apart by `hyper:type`. */
static int set_text(struct ArrowSchema *field, const char *kind, int max_length)
{
    char number[16];
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(field, NANOARROW_TYPE_STRING));
    if (kind != NULL) {
        NANOARROW_RETURN_NOT_OK(add_metadata(field, "hyper:type", kind));
    }
    if (max_length > 0) {
        snprintf(number, sizeof number, "%d", max_length);
        return add_metadata(field, "hyper:max_string_length", number);
    }
    return NANOARROW_OK;
}

static int set_kind(struct ArrowSchema *field, enum ArrowType type, const char *kind)
{
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(field, type));
    return add_metadata(field, "hyper:type", kind);
}

static int set_timestamp(struct ArrowSchema *field, const char *zone)
{
    return ArrowSchemaSetTypeDateTime(field, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO,
                                      zone);
}

static int set_type(struct ArrowSchema *field, hyl_type type)
{
    switch (type.id) {
    case HYL_TYPE_BOOL:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_BOOL);
    case HYL_TYPE_SMALLINT:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_INT16);
    case HYL_TYPE_INT:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_INT32);
    case HYL_TYPE_BIGINT:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_INT64);
    case HYL_TYPE_OID:
        return set_kind(field, NANOARROW_TYPE_UINT32, "Oid");
    case HYL_TYPE_REAL:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_FLOAT);
    case HYL_TYPE_DOUBLE:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_DOUBLE);
    case HYL_TYPE_NUMERIC:
        return ArrowSchemaSetTypeDecimal(field, NANOARROW_TYPE_DECIMAL128, hyl_type_precision(type),
                                         hyl_type_scale(type));
    case HYL_TYPE_TEXT:
        return set_text(field, NULL, 0);
    case HYL_TYPE_VARCHAR:
        return set_text(field, NULL, hyl_type_max_length(type));
    case HYL_TYPE_CHAR:
        return set_text(field, "Char", hyl_type_max_length(type));
    case HYL_TYPE_CHAR1:
        return set_text(field, "Char1", 0);
    case HYL_TYPE_JSON:
        return set_text(field, "JSON", 0);
    case HYL_TYPE_BYTES:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_BINARY);
    case HYL_TYPE_GEOGRAPHY:
        return set_kind(field, NANOARROW_TYPE_BINARY, "Geography");
    case HYL_TYPE_DATE:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_DATE32);
    case HYL_TYPE_TIME:
        return ArrowSchemaSetTypeDateTime(field, NANOARROW_TYPE_TIME64, NANOARROW_TIME_UNIT_MICRO,
                                          NULL);
    case HYL_TYPE_TIMESTAMP:
        return set_timestamp(field, NULL);
    case HYL_TYPE_TIMESTAMPTZ:
        return set_timestamp(field, "UTC");
    case HYL_TYPE_INTERVAL:
        return ArrowSchemaSetType(field, NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO);
    default:
        return ENOTSUP;
    }
}

static int make_schema(struct ArrowSchema *schema, const hyl__stage *stage)
{
    ArrowSchemaInit(schema);
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(schema, (int64_t)stage->count));
    for (size_t i = 0; i < stage->count; i++) {
        struct ArrowSchema *field = schema->children[i];
        const hyl__table_column *info = stage->columns[i].info;
        NANOARROW_RETURN_NOT_OK(set_type(field, info->type));
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(field, info->name));
        field->flags = info->nullable ? ARROW_FLAG_NULLABLE : 0;
    }
    return NANOARROW_OK;
}

/* ---- The writer ---------------------------------------------------------------------------- */

bool hyl__ipc_suits(const hyl__stage *stage)
{
    for (size_t i = 0; i < stage->count; i++) {
        if (stage->columns[i].id == HYL_TYPE_UUID || stage->columns[i].has_far) {
            return false;
        }
    }
    return true;
}

static size_t buffers_of(const hyl__stage_column *column)
{
    return column->width > 0 ? 2 : MAX_BUFFERS;
}

static hyl_status init_batches(hyl__ipc_writer *writer, const hyl__stage *stage)
{
    size_t buffers = 0;
    for (size_t i = 0; i < stage->count; i++) {
        buffers += buffers_of(&stage->columns[i]);
    }
    writer->bitmap_size = hyl__ipc_padded((stage->cap + 7) / 8);
    writer->bits = hyl__calloc(stage->count * 2, writer->bitmap_size);
    writer->pieces = hyl__calloc(1 + buffers, sizeof *writer->pieces);
    if (writer->bits == NULL || writer->pieces == NULL) {
        return HYL_ERR_NOMEM;
    }
    return hyl__ipc_header_init(&writer->header, stage->count, buffers);
}

static int init_writer(hyl__ipc_writer *writer, const hyl__stage *stage)
{
    NANOARROW_RETURN_NOT_OK(make_schema(&writer->schema, stage));
    if (init_batches(writer, stage) < 0) {
        return ENOMEM;
    }
    return ArrowIpcEncoderInit(&writer->encoder);
}

hyl_status hyl__ipc_writer_new(const hyl__stage *stage, hyl__ipc_writer **out, hyl_error *err)
{
    hyl__ipc_writer *writer = hyl__calloc(1, sizeof *writer);
    if (writer == NULL) {
        return hyl__fail_nomem(err);
    }
    ArrowBufferInit(&writer->schema_message);
    if (init_writer(writer, stage) != NANOARROW_OK) {
        hyl__ipc_writer_free(writer);
        return hyl__fail_nomem(err);
    }
    *out = writer;
    return HYL_OK;
}

void hyl__ipc_writer_free(hyl__ipc_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->encoder.private_data != NULL) {
        ArrowIpcEncoderReset(&writer->encoder);
    }
    if (writer->schema.release != NULL) {
        ArrowSchemaRelease(&writer->schema);
    }
    ArrowBufferReset(&writer->schema_message);
    hyl__ipc_header_reset(&writer->header);
    hyl__free(writer->bits);
    hyl__free(writer->pieces);
    hyl__free(writer);
}

static void add_piece(hyl__ipc_writer *writer, const uint8_t *bytes, size_t size)
{
    if (size > 0) {
        writer->pieces[writer->piece_count++] = (hyl_bytes){bytes, size};
    }
}

hyl_status hyl__ipc_writer_schema(hyl__ipc_writer *writer, hyl__ipc_message *out, hyl_error *err)
{
    int code = ArrowIpcEncoderEncodeSchema(&writer->encoder, &writer->schema, NULL);
    if (code == NANOARROW_OK) {
        writer->schema_message.size_bytes = 0;
        code = ArrowIpcEncoderFinalizeBuffer(&writer->encoder, 1, &writer->schema_message);
    }
    if (code != NANOARROW_OK) {
        return hyl__fail_nomem(err);
    }
    writer->schema_piece =
        (hyl_bytes){writer->schema_message.data, (size_t)writer->schema_message.size_bytes};
    *out = (hyl__ipc_message){&writer->schema_piece, 1};
    return HYL_OK;
}

/* ---- Batches ------------------------------------------------------------------------------- */

/* Packs bytes of 0 and 1 into bits, the first into the lowest; those behind the end are 0. */
static void pack_bits(const uint8_t *bytes, size_t count, uint8_t *bits)
{
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        /* Moves the lowest bits of the eight bytes, little-endian, together into the highest. */
        uint64_t word = hyl__load_le64(bytes + i);
        *bits++ = (uint8_t)((word * UINT64_C(0x0102040810204080)) >> 56);
    }
    if (i < count) {
        uint8_t last = 0;
        for (size_t k = 0; i + k < count; k++) {
            last = (uint8_t)(last | bytes[i + k] << k);
        }
        *bits = last;
    }
}

static void invert(uint8_t *bits, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bits[i] = (uint8_t)~bits[i];
    }
}

static void shift_dates(uint8_t *values, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        int32_t days;
        memcpy(&days, values + i * sizeof days, sizeof days);
        days -= HYL_UNIX_EPOCH_DAYS;
        memcpy(values + i * sizeof days, &days, sizeof days);
    }
}

static void shift_timestamps(uint8_t *values, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        int64_t micros;
        memcpy(&micros, values + i * sizeof micros, sizeof micros);
        micros -= HYL_UNIX_EPOCH_DAYS * HYL_MICROS_PER_DAY;
        memcpy(values + i * sizeof micros, &micros, sizeof micros);
    }
}

typedef struct month_day_nano {
    int32_t months;
    int32_t days;
    int64_t nanos;
} month_day_nano;

static void convert_intervals(uint8_t *values, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        hyl_interval from;
        memcpy(&from, values + i * sizeof from, sizeof from);
        const month_day_nano to = {from.months, from.days, from.micros * 1000};
        memcpy(values + i * sizeof from, &to, sizeof to);
    }
}

/* The column's values in Arrow's terms. */
static void convert_values(hyl__stage_column *column, size_t rows)
{
    switch (column->id) {
    case HYL_TYPE_DATE:
        shift_dates(column->values, rows);
        break;
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        shift_timestamps(column->values, rows);
        break;
    case HYL_TYPE_INTERVAL:
        convert_intervals(column->values, rows);
        break;
    default:
        break;
    }
}

/* A buffer of the message. There is room for its padding behind it. */
static void add_buffer(hyl__ipc_writer *writer, uint8_t *bytes, size_t size)
{
    const size_t padded = hyl__ipc_padded(size);
    if (padded > size) {
        memset(bytes + size, 0, padded - size);
    }
    hyl__ipc_header_buffer(&writer->header, size);
    add_piece(writer, bytes, padded);
}

static void add_validity(hyl__ipc_writer *writer, const hyl__stage_column *column, size_t rows,
                         uint8_t *bits)
{
    const size_t size = column->null_count > 0 ? (rows + 7) / 8 : 0;
    if (size > 0) {
        pack_bits(column->nulls, rows, bits);
        invert(bits, size);
    }
    add_buffer(writer, bits, size);
}

static void add_column(hyl__ipc_writer *writer, hyl__stage *stage, size_t index)
{
    hyl__stage_column *column = &stage->columns[index];
    uint8_t *validity = writer->bits + 2 * index * writer->bitmap_size;
    uint8_t *booleans = validity + writer->bitmap_size;
    const size_t rows = stage->rows;
    hyl__ipc_header_node(&writer->header, rows, column->null_count);
    add_validity(writer, column, rows, validity);
    if (column->id == HYL_TYPE_BOOL) {
        pack_bits(column->values, rows, booleans);
        add_buffer(writer, booleans, (rows + 7) / 8);
    } else if (column->width > 0) {
        convert_values(column, rows);
        add_buffer(writer, column->values, rows * column->width);
    } else {
        add_buffer(writer, (uint8_t *)column->ends, (rows + 1) * sizeof *column->ends);
        add_buffer(writer, column->bytes.data, column->bytes.len);
    }
}

static hyl_status reserve_padding(hyl__stage *stage)
{
    for (size_t i = 0; i < stage->count; i++) {
        hyl_buf *bytes = &stage->columns[i].bytes;
        if (bytes->len > 0) {
            HYL_TRY(hyl_buf_reserve(bytes, hyl__ipc_padded(bytes->len) - bytes->len));
        }
    }
    return HYL_OK;
}

hyl_status hyl__ipc_writer_batch(hyl__ipc_writer *writer, hyl__stage *stage, hyl__ipc_message *out,
                                 hyl_error *err)
{
    if (reserve_padding(stage) < 0) {
        return hyl__fail_nomem(err);
    }
    writer->piece_count = 0;
    add_piece(writer, writer->header.bytes, writer->header.size);
    hyl__ipc_header_begin(&writer->header, stage->rows);
    for (size_t i = 0; i < stage->count; i++) {
        add_column(writer, stage, i);
    }
    hyl__ipc_header_end(&writer->header);
    *out = (hyl__ipc_message){writer->pieces, writer->piece_count};
    return HYL_OK;
}

#else

bool hyl__ipc_suits(const hyl__stage *stage)
{
    (void)stage;
    return false;
}

hyl_status hyl__ipc_writer_new(const hyl__stage *stage, hyl__ipc_writer **out, hyl_error *err)
{
    (void)stage;
    (void)out;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

void hyl__ipc_writer_free(hyl__ipc_writer *writer)
{
    (void)writer;
}

hyl_status hyl__ipc_writer_schema(hyl__ipc_writer *writer, hyl__ipc_message *out, hyl_error *err)
{
    (void)writer;
    (void)out;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

hyl_status hyl__ipc_writer_batch(hyl__ipc_writer *writer, hyl__stage *stage, hyl__ipc_message *out,
                                 hyl_error *err)
{
    (void)stage;
    return hyl__ipc_writer_schema(writer, out, err);
}

#endif
