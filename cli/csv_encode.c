#include "csv_encode.h"

#include "csv_infer.h"
#include "fail.h"
#include "format.h"

/* Days and microseconds from Julian day 0, from where HyperBinary counts, to 2000-01-01. */
#define JULIAN_DAYS   2451545
#define JULIAN_MICROS (UINT64_C(2451545) * UINT64_C(86400000000))

/* The most bytes that a field takes besides its text: NULL indicator and 8 bytes of a value, or
 * indicator and byte count. */
enum { FIELD_OVERHEAD = 9, LONGEST_NUMBER = 400 };

/* In front of a nullable column's value. */
enum { VALUE_FOLLOWS = 0, IS_NULL = 1 };

static csv_encoding encoding_of(hyl_type type)
{
    switch (type.id) {
    case HYL_TYPE_BOOL:
        return CSV_ENCODE_BOOL;
    case HYL_TYPE_SMALLINT:
        return CSV_ENCODE_SMALLINT;
    case HYL_TYPE_INT:
        return CSV_ENCODE_INT;
    case HYL_TYPE_BIGINT:
        return CSV_ENCODE_BIGINT;
    case HYL_TYPE_DOUBLE:
        return CSV_ENCODE_DOUBLE;
    case HYL_TYPE_NUMERIC:
        return hyl_type_precision(type) <= 18 ? CSV_ENCODE_DECIMAL : CSV_ENCODE_OTHER;
    case HYL_TYPE_DATE:
        return CSV_ENCODE_DATE;
    case HYL_TYPE_TIME:
        return CSV_ENCODE_TIME;
    case HYL_TYPE_TIMESTAMP:
        return CSV_ENCODE_TIMESTAMP;
    case HYL_TYPE_TIMESTAMPTZ:
        return CSV_ENCODE_TIMESTAMPTZ;
    case HYL_TYPE_TEXT:
        return CSV_ENCODE_TEXT;
    default:
        return CSV_ENCODE_OTHER;
    }
}

void csv_column_init(csv_column *column, hyl_type type, bool nullable, bool lenient)
{
    *column = (csv_column){
        .type = type,
        .encoding = encoding_of(type),
        .nullable = nullable,
        .lenient = lenient,
        .precision = hyl_type_precision(type),
        .scale = hyl_type_scale(type),
    };
}

void csv_encoder_reset(csv_encoder *encoder)
{
    hyl_buf_reset(&encoder->out);
    hyl_buf_reset(&encoder->scratch);
}

/* ---- Little-endian stores; compilers make one instruction of each ------------------------------ */

static inline uint8_t *put_16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    return at + 2;
}

static inline uint8_t *put_32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
    return at + 4;
}

static inline uint8_t *put_64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
    return at + 8;
}

static inline uint8_t *put_double(uint8_t *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_64(at, bits);
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static csv_fit put_integer(const csv_column *column, hyl_str text, uint8_t **at)
{
    int64_t value;
    csv_fit fit = csv_parse_int(text, column->lenient, &value);
    if (fit != CSV_FITS) {
        return fit;
    }
    if (column->encoding == CSV_ENCODE_INT) {
        *at = put_32(*at, (uint32_t)value);
        return value == (int32_t)value ? CSV_FITS : CSV_OUT_OF_RANGE;
    }
    if (column->encoding == CSV_ENCODE_SMALLINT) {
        *at = put_16(*at, (uint16_t)value);
        return value == (int16_t)value ? CSV_FITS : CSV_OUT_OF_RANGE;
    }
    *at = put_64(*at, (uint64_t)value);
    return CSV_FITS;
}

static csv_fit put_bool(const csv_column *column, hyl_str text, uint8_t **at)
{
    bool value = false;
    csv_fit fit = csv_parse_bool(text, column->lenient, &value);
    *(*at)++ = value;
    return fit;
}

static csv_fit put_number(const csv_column *column, hyl_str text, uint8_t **at)
{
    csv_fit fit;
    if (column->encoding == CSV_ENCODE_DOUBLE) {
        double value = 0;
        fit = csv_parse_double(text, column->lenient, &value);
        *at = put_double(*at, value);
    } else {
        int64_t value = 0;
        fit = csv_parse_decimal(text, column->lenient, column->precision, column->scale, &value);
        *at = put_64(*at, (uint64_t)value);
    }
    return fit;
}

static csv_fit put_temporal(const csv_column *column, hyl_str text, uint8_t **at)
{
    csv_fit fit;
    int32_t days = 0;
    int64_t micros = 0;
    switch (column->encoding) {
    case CSV_ENCODE_DATE:
        fit = csv_parse_date(text, &days);
        *at = put_32(*at, (uint32_t)(days + JULIAN_DAYS));
        return fit;
    case CSV_ENCODE_TIME:
        fit = csv_parse_time(text, &micros);
        *at = put_64(*at, (uint64_t)micros);
        return fit;
    case CSV_ENCODE_TIMESTAMP:
        fit = csv_parse_timestamp(text, &micros);
        break;
    default:
        fit = csv_parse_timestamptz(text, &micros);
        break;
    }
    *at = put_64(*at, (uint64_t)micros + JULIAN_MICROS);
    return fit;
}

static bool is_ascii(const char *text, size_t len)
{
    size_t i = 0;
    uint64_t word;
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            return false;
        }
    }
    unsigned char bits = 0;
    for (; i < len; i++) {
        bits |= (unsigned char)text[i];
    }
    return bits < 0x80;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* A row that is being written: field `index` goes to `at`, which has room for `left` bytes, enough
 * for the fields from `counted` on. */
typedef struct row_writer {
    csv_encoder *encoder;
    const csv_row *row;
    size_t index;
    uint8_t *at;
    size_t counted;
    size_t left;
} row_writer;

/* Makes room for the fields from `index` on behind what is in the buffer. */
static bool make_room(row_writer *writer)
{
    hyl_buf *out = &writer->encoder->out;
    for (; writer->counted < writer->index; writer->counted++) {
        writer->left -= writer->row->fields[writer->counted].len + FIELD_OVERHEAD;
    }
    if (hyl_buf_reserve(out, writer->left) != HYL_OK) {
        return false;
    }
    writer->at = out->data + out->len;
    return true;
}

static bool start_row(row_writer *writer)
{
    for (size_t i = 0; i < writer->row->count; i++) {
        writer->left += writer->row->fields[i].len + FIELD_OVERHEAD;
    }
    return make_room(writer);
}

/* Of numerics beyond 18 digits: an inferred type keeps all that a text says. */
static bool is_strict_numeric(const csv_column *column, hyl_str text)
{
    int whole = 0;
    int decimals = 0;
    return csv_scan_wide(text, &whole, &decimals) && decimals <= column->scale &&
           whole <= column->precision - column->scale;
}

/* The library's own encoder: any type, and the check of text that is not ASCII. */
static hyl_status put_by_library(row_writer *writer, const csv_column *column, hyl_str text,
                                 csv_misfit_kind *kind)
{
    csv_encoder *encoder = writer->encoder;
    hyl_bytes bytes = {(const uint8_t *)text.data, text.len};
    hyl_value value = {0};
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf_clear(&encoder->scratch);
    hyl_status status =
        hyl_value_decode(column->type, HYL_FORMAT_TEXT, bytes, &encoder->scratch, &value, &err);
    if (status == HYL_OK && column->type.id == HYL_TYPE_JSON && !json_valid(text.data, text.len)) {
        status = HYL_ERR_TYPE;
    }
    if (status == HYL_OK) {
        /* The indicator is there already. */
        encoder->out.len = (size_t)(writer->at - encoder->out.data);
        status = hyl_copy_field(column->type, false, &value, &encoder->out, &err);
    }
    if (status == HYL_OK) {
        writer->index++;
        status = make_room(writer) ? HYL_OK : HYL_ERR_NOMEM;
    }
    if (status == HYL_OK || status == HYL_ERR_NOMEM) {
        return status;
    }
    *kind = status == HYL_ERR_RANGE ? CSV_MISFIT_RANGE
            : status == HYL_ERR_ARG ? CSV_MISFIT_ENCODING
                                    : CSV_MISFIT_VALUE;
    return HYL_DONE;
}

static hyl_status put_text(row_writer *writer, const csv_column *column, hyl_str text,
                           csv_misfit_kind *kind)
{
    if (!is_ascii(text.data, text.len)) {
        return put_by_library(writer, column, text, kind);
    }
    writer->at = put_32(writer->at, (uint32_t)text.len);
    memcpy(writer->at, text.data, text.len);
    writer->at += text.len;
    return HYL_OK;
}

/* Numbers with a comma, numbers of the rarer types with what the library does not read. */
static hyl_str number_text(const csv_encoder *encoder, const csv_column *column, hyl_str text,
                           char copy[LONGEST_NUMBER])
{
    bool number = column->encoding == CSV_ENCODE_DOUBLE || column->encoding == CSV_ENCODE_DECIMAL ||
                  column->type.id == HYL_TYPE_NUMERIC || column->type.id == HYL_TYPE_REAL;
    return number && encoder->decimal_comma ? csv_with_point(text, copy, LONGEST_NUMBER) : text;
}

static bool keeps_blanks(const csv_column *column)
{
    switch (column->type.id) {
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
        return true;
    default:
        return false;
    }
}

static csv_fit put_common(const csv_column *column, hyl_str text, uint8_t **at)
{
    switch (column->encoding) {
    case CSV_ENCODE_SMALLINT:
    case CSV_ENCODE_INT:
    case CSV_ENCODE_BIGINT:
        return put_integer(column, text, at);
    case CSV_ENCODE_BOOL:
        return put_bool(column, text, at);
    case CSV_ENCODE_DOUBLE:
    case CSV_ENCODE_DECIMAL:
        return put_number(column, text, at);
    default:
        return put_temporal(column, text, at);
    }
}

/* A value that is not NULL; the indicator is written. */
static hyl_status put_value(row_writer *writer, const csv_column *column, hyl_str text,
                            csv_misfit_kind *kind)
{
    char copy[LONGEST_NUMBER];
    if (column->encoding == CSV_ENCODE_TEXT) {
        return put_text(writer, column, text, kind);
    }
    if (column->encoding == CSV_ENCODE_NOTHING) {
        *kind = CSV_MISFIT_VALUE;
        return HYL_DONE;
    }
    if (!keeps_blanks(column)) {
        text = number_text(writer->encoder, column, csv_trim(text), copy);
    }
    if (column->type.id == HYL_TYPE_NUMERIC && column->encoding == CSV_ENCODE_OTHER &&
        !column->lenient && !is_strict_numeric(column, text)) {
        *kind = CSV_MISFIT_VALUE;
        return HYL_DONE;
    }
    if (column->encoding == CSV_ENCODE_OTHER) {
        return put_by_library(writer, column, text, kind);
    }
    csv_fit fit = put_common(column, text, &writer->at);
    if (fit == CSV_FITS) {
        return HYL_OK;
    }
    *kind = fit == CSV_OUT_OF_RANGE ? CSV_MISFIT_RANGE : CSV_MISFIT_VALUE;
    return HYL_DONE;
}

static hyl_status put_field(row_writer *writer, csv_column *column, const csv_field *field,
                            csv_misfit_kind *kind)
{
    if (csv_is_null(&writer->encoder->nulls, field)) {
        *kind = CSV_MISFIT_NULL;
        *writer->at++ = IS_NULL;
        column->nulls++;
        return column->nullable ? HYL_OK : HYL_DONE;
    }
    if (column->nullable) {
        *writer->at++ = VALUE_FOLLOWS;
    }
    return put_value(writer, column, (hyl_str){field->data, field->len}, kind);
}

hyl_status csv_encode_row(csv_encoder *encoder, const csv_row *row, csv_misfit *misfit,
                          hyl_error *err)
{
    size_t begin = encoder->out.len;
    row_writer writer = {.encoder = encoder, .row = row};
    hyl_status status = start_row(&writer) ? HYL_OK : HYL_ERR_NOMEM;
    for (size_t i = 0; i < row->count && status == HYL_OK; i++) {
        writer.index = i;
        misfit->column = i;
        status = put_field(&writer, &encoder->columns[i], &row->fields[i], &misfit->kind);
    }
    if (status == HYL_OK) {
        encoder->out.len = (size_t)(writer.at - encoder->out.data);
        return HYL_OK;
    }
    encoder->out.len = begin;
    return status == HYL_ERR_NOMEM ? cli_fail_nomem(err) : status;
}
