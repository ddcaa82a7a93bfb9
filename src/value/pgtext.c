/*
 * Source of the spellings: PostgreSQL's output functions (src/backend/utils/adt/{numeric,date,
 * timestamp,datetime,arrayfuncs}.c).
 */
#include "pgtext.h"

#include "base/endian.h"
#include "base/error.h"
#include "datetime_text.h"
#include "float_text.h"
#include "hyperbinary.h"
#include "pgbinary.h"
#include "text_write.h"

#include <string.h>

/* ---- Numeric --------------------------------------------------------------------------------- */

/* The four digits of the group that counts 10000^power; groups that are not there are zero. */
static unsigned group_at(const hyl__pg_numeric *numeric, int32_t power)
{
    int32_t index = numeric->weight - power;
    if (index < 0 || (size_t)index >= numeric->count) {
        return 0;
    }
    return hyl__load_be16(numeric->groups + 2 * (size_t)index);
}

static char *write_whole(char *to, const hyl__pg_numeric *numeric)
{
    int32_t power = numeric->weight > 0 ? numeric->weight : 0;
    to = hyl__write_u64(to, group_at(numeric, power));
    while (power-- > 0) {
        to = hyl__write_padded(to, group_at(numeric, power), 4);
    }
    return to;
}

/* Exactly as many decimals as the number is to be shown with. */
static char *write_decimals(char *to, const hyl__pg_numeric *numeric)
{
    if (numeric->scale == 0) {
        return to;
    }
    *to++ = '.';
    char *end = to + numeric->scale;
    for (int32_t power = -1; to < end; power--) {
        to = hyl__write_padded(to, group_at(numeric, power), 4);
    }
    return end;
}

static hyl_status append_numeric(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err)
{
    hyl__pg_numeric numeric;
    HYL_TRY(hyl__pg_numeric_read(type, bytes, &numeric, err));
    if (hyl__pg_numeric_special(&numeric) != NULL) {
        hyl_buf_append_str(out, hyl__pg_numeric_special(&numeric));
        return HYL_OK;
    }
    /* A sign, four digits a group and as many for the first, the point, and a last group cut. */
    size_t whole = 4 * (size_t)(numeric.weight > 0 ? numeric.weight + 1 : 1);
    char *to = hyl__buf_claim(out, whole + numeric.scale + 8);
    if (to == NULL) {
        return hyl__fail_nomem(err);
    }
    if (numeric.negative) {
        *to++ = '-';
    }
    to = write_whole(to, &numeric);
    hyl__buf_commit(out, write_decimals(to, &numeric));
    return HYL_OK;
}

/* ---- Dates and times ------------------------------------------------------------------------- */

static const char *infinity(bool is_max, bool is_min)
{
    return is_max ? "infinity" : is_min ? "-infinity" : NULL;
}

/* The word for a date or timestamp that is infinite, NULL for one that is not. */
static const char *infinite(hyl_type_id id, hyl_bytes bytes)
{
    if (id == HYL_TYPE_DATE && bytes.len == 4) {
        int32_t days = (int32_t)hyl__load_be32(bytes.data);
        return infinity(days == INT32_MAX, days == INT32_MIN);
    }
    if ((id == HYL_TYPE_TIMESTAMP || id == HYL_TYPE_TIMESTAMPTZ) && bytes.len == 8) {
        int64_t micros = (int64_t)hyl__load_be64(bytes.data);
        return infinity(micros == INT64_MAX, micros == INT64_MIN);
    }
    return NULL;
}

/* PostgreSQL's dates reach further than Hyper's at both ends. */
static hyl_status append_date(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err)
{
    char text[HYL__SCALAR_TEXT_MAX];
    char *end;
    if (bytes.len != hyl_type_width(type)) {
        return hyl__pg_malformed(type, err);
    }
    if (type.id == HYL_TYPE_DATE) {
        end = hyl__write_date(text, (int32_t)hyl__load_be32(bytes.data));
    } else if (type.id == HYL_TYPE_TIMESTAMP) {
        end = hyl__write_timestamp(text, (int64_t)hyl__load_be64(bytes.data));
    } else {
        end = hyl__write_timestamptz(text, (int64_t)hyl__load_be64(bytes.data));
    }
    hyl_buf_append(out, text, (size_t)(end - text));
    return HYL_OK;
}

static hyl_status append_point_in_time(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err)
{
    const char *word = infinite(type.id, bytes);
    if (word == NULL) {
        return append_date(type, bytes, out, err);
    }
    hyl_buf_append_str(out, word);
    return HYL_OK;
}

/* Where the shortest digits are a matter of taste, PostgreSQL's is another than Hyper's. */
static hyl_status append_float(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err)
{
    char text[HYL__SCALAR_TEXT_MAX];
    hyl_value value;
    HYL_TRY(hyl__pg_decode(type, bytes, NULL, &value, err));
    char *end = type.id == HYL_TYPE_REAL ? hyl__write_float_open(text, value.as.f32)
                                         : hyl__write_double_open(text, value.as.f64);
    hyl_buf_append(out, text, (size_t)(end - text));
    return HYL_OK;
}

/* As Hyper's, without the zeros at the end of a second's decimals. */
static hyl_status append_interval(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err)
{
    char text[HYL__SCALAR_TEXT_MAX];
    hyl_value value;
    HYL_TRY(hyl__pg_decode(type, bytes, NULL, &value, err));
    char *end = hyl__write_interval(text, value.as.interval);
    if (memchr(text, '.', (size_t)(end - text)) != NULL) {
        end--;
        while (end[-1] == '0') {
            end--;
        }
        *end++ = 'S';
    }
    hyl_buf_append(out, text, (size_t)(end - text));
    return HYL_OK;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

typedef struct array_writer {
    hyl__pg_array array;
    hyl_bytes rest; /* the elements that are not written yet */
    hyl_buf text;   /* of one element */
    hyl_buf *out;
} array_writer;

static bool is_special(uint8_t byte)
{
    return byte == '"' || byte == '\\' || byte == '{' || byte == '}' || byte == ',' ||
           byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_null_word(const hyl_buf *text)
{
    static const char word[] = "null";
    bool same = text->len == sizeof word - 1;
    for (size_t i = 0; same && i < text->len; i++) {
        same = (text->data[i] | 0x20) == (uint8_t)word[i];
    }
    return same;
}

static bool needs_quotes(const hyl_buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (is_special(text->data[i])) {
            return true;
        }
    }
    return text->len == 0 || is_null_word(text);
}

static void append_quoted(const hyl_buf *text, hyl_buf *out)
{
    hyl_buf_append_byte(out, '"');
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '"' || text->data[i] == '\\') {
            hyl_buf_append_byte(out, '\\');
        }
        hyl_buf_append_byte(out, text->data[i]);
    }
    hyl_buf_append_byte(out, '"');
}

static hyl_status write_element(array_writer *self, hyl_error *err)
{
    hyl_bytes element;
    if (!hyl__pg_array_take(&self->rest, &element)) {
        return hyl__pg_malformed(self->array.element, err);
    }
    if (element.data == NULL) {
        hyl_buf_append_str(self->out, "NULL");
        return HYL_OK;
    }
    hyl_buf_clear(&self->text);
    HYL_TRY(hyl__pg_text(self->array.element, element, &self->text, err));
    if (needs_quotes(&self->text)) {
        append_quoted(&self->text, self->out);
    } else {
        hyl_buf_append(self->out, self->text.data, self->text.len);
    }
    return HYL_OK;
}

/* Writes the elements below one dimension in braces; there are six dimensions at most. */
static hyl_status write_dimension(array_writer *self, uint32_t dimension, hyl_error *err)
{
    hyl_buf_append_byte(self->out, '{');
    for (uint32_t i = 0; i < self->array.lengths[dimension]; i++) {
        if (i > 0) {
            hyl_buf_append_byte(self->out, ',');
        }
        HYL_TRY(dimension + 1 < self->array.dimensions ? write_dimension(self, dimension + 1, err)
                                                       : write_element(self, err));
    }
    hyl_buf_append_byte(self->out, '}');
    return HYL_OK;
}

/* "[0:2]=" where an index does not begin at 1. */
static void write_bounds(const array_writer *self)
{
    bool usual = true;
    for (uint32_t i = 0; i < self->array.dimensions; i++) {
        usual = usual && self->array.lower[i] == 1;
    }
    for (uint32_t i = 0; !usual && i < self->array.dimensions; i++) {
        int64_t upper = (int64_t)self->array.lower[i] + self->array.lengths[i] - 1;
        hyl_buf_printf(self->out, "[%ld:%ld]", (long)self->array.lower[i], (long)upper);
    }
    if (!usual) {
        hyl_buf_append_byte(self->out, '=');
    }
}

static hyl_status append_array(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err)
{
    array_writer self = {.rest = bytes, .text = HYL_BUF_INIT, .out = out};
    HYL_TRY(hyl__pg_array_open(type, &self.rest, &self.array, err));
    if (self.array.dimensions == 0 || self.array.lengths[0] == 0) {
        hyl_buf_append_str(out, "{}");
        return HYL_OK;
    }
    write_bounds(&self);
    hyl_status status = write_dimension(&self, 0, err);
    if (status == HYL_OK && self.rest.len != 0) {
        status = hyl__pg_malformed(type, err);
    }
    hyl_buf_reset(&self.text);
    return status;
}

/* ---- Any type -------------------------------------------------------------------------------- */

static hyl_status append_value(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err)
{
    hyl_value value;
    switch (type.id) {
    case HYL_TYPE_NUMERIC:
        return append_numeric(type, bytes, out, err);
    case HYL_TYPE_DATE:
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        return append_point_in_time(type, bytes, out, err);
    case HYL_TYPE_REAL:
    case HYL_TYPE_DOUBLE:
        return append_float(type, bytes, out, err);
    case HYL_TYPE_INTERVAL:
        return append_interval(type, bytes, out, err);
    case HYL_TYPE_ARRAY:
        return append_array(type, bytes, out, err);
    case HYL_TYPE_CHAR:
        /* Padded already, where its length is known. */
        hyl_buf_append(out, bytes.data, bytes.len);
        return HYL_OK;
    default:
        HYL_TRY(hyl__pg_decode(type, bytes, NULL, &value, err));
        return hyl_value_text(type, &value, out, err);
    }
}

hyl_status hyl__pg_text(hyl_type type, hyl_bytes bytes, hyl_buf *out, hyl_error *err)
{
    const size_t begin = out->len;
    hyl_status status = append_value(type, bytes, out, err);
    if (status == HYL_OK && hyl_buf_status(out) < 0) {
        status = hyl__fail_nomem(err);
    }
    if (status < 0 && out->len > begin) {
        out->len = begin;
    }
    return status;
}
