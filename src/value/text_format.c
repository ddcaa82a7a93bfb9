#include "array.h"
#include "base/error.h"
#include "base/utf8.h"
#include "datetime_text.h"
#include "float_text.h"
#include "hyperbinary.h"
#include "numeric.h"
#include "text_write.h"

#include <string.h>

/* ---- Fixed width ----------------------------------------------------------------------------- */

static char *write_uuid(char *to, const uint8_t uuid[16])
{
    static const uint8_t bytes_in_group[] = {4, 2, 2, 2, 6};
    for (size_t group = 0; group < sizeof bytes_in_group; group++) {
        if (group > 0) {
            *to++ = '-';
        }
        to = hyl__write_hex(to, uuid, bytes_in_group[group]);
        uuid += bytes_in_group[group];
    }
    return to;
}

/* Writes a value whose text fits HYL__SCALAR_TEXT_MAX; NULL for a type whose text does not. */
static char *write_scalar(char *to, hyl_type_id id, const hyl_value *value)
{
    switch (id) {
    case HYL_TYPE_BOOL:
        *to = value->as.boolean ? 't' : 'f';
        return to + 1;
    case HYL_TYPE_SMALLINT:
        return hyl__write_i64(to, value->as.i16);
    case HYL_TYPE_INT:
        return hyl__write_i64(to, value->as.i32);
    case HYL_TYPE_BIGINT:
        return hyl__write_i64(to, value->as.i64);
    case HYL_TYPE_OID:
        return hyl__write_u64(to, value->as.u32);
    case HYL_TYPE_REAL:
        return hyl__write_float(to, value->as.f32);
    case HYL_TYPE_DOUBLE:
        return hyl__write_double(to, value->as.f64);
    case HYL_TYPE_DATE:
        return hyl__write_date(to, value->as.i32);
    case HYL_TYPE_TIME:
        return hyl__write_time(to, value->as.i64);
    case HYL_TYPE_TIMESTAMP:
        return hyl__write_timestamp(to, value->as.i64);
    case HYL_TYPE_TIMESTAMPTZ:
        return hyl__write_timestamptz(to, value->as.i64);
    case HYL_TYPE_INTERVAL:
        return hyl__write_interval(to, value->as.interval);
    case HYL_TYPE_UUID:
        return write_uuid(to, value->as.uuid);
    default:
        return NULL;
    }
}

/* ---- Varying width --------------------------------------------------------------------------- */

static void append_bytes(hyl_bytes bytes, hyl_buf *out)
{
    char *to = bytes.len < SIZE_MAX / 4 ? hyl__buf_claim(out, 2 + 2 * bytes.len) : NULL;
    if (to != NULL) {
        *to++ = '\\';
        *to++ = 'x';
        hyl__buf_commit(out, hyl__write_hex(to, bytes.data, bytes.len));
    }
}

/* COPY and arrays carry char(n) without the blanks that its text has. */
static void append_padded(hyl_str text, size_t characters, hyl_buf *out)
{
    hyl_buf_append(out, text.data, text.len);
    for (size_t have = hyl__utf8_count(text.data, text.len); have < characters; have++) {
        hyl_buf_append_byte(out, ' ');
    }
}

static void append_string(hyl_type type, hyl_str text, hyl_buf *out)
{
    if (type.id == HYL_TYPE_CHAR) {
        append_padded(text, (size_t)hyl_type_max_length(type), out);
    } else if (type.id == HYL_TYPE_CHAR1) {
        append_padded(text, 1, out);
    } else {
        hyl_buf_append(out, text.data, text.len);
    }
}

static hyl_status append_varying(hyl_type type, const hyl_value *value, hyl_buf *out,
                                 hyl_error *err)
{
    switch (type.id) {
    case HYL_TYPE_NUMERIC:
        hyl_numeric_format(&value->as.numeric, out);
        return HYL_OK;
    case HYL_TYPE_BYTES:
        append_bytes(value->as.bytes, out);
        return HYL_OK;
    case HYL_TYPE_ARRAY:
        return hyl__array_text(type, value, out, err);
    case HYL_TYPE_GEOGRAPHY:
    case HYL_TYPE_UNKNOWN:
        return hyl__fail(err, HYL_ERR_TYPE,
                         "only the server can write a value of type %s as text: ask for the text "
                         "format",
                         hyl_type_name(type.id));
    default:
        append_string(type, value->as.str, out);
        return HYL_OK;
    }
}

/* ---- Any type -------------------------------------------------------------------------------- */

hyl_status hyl_value_text(hyl_type type, const hyl_value *value, hyl_buf *out, hyl_error *err)
{
    if (value->is_null) {
        return HYL_OK;
    }
    HYL_TRY(hyl__value_check_kind(type, value, err));
    HYL_TRY(hyl__value_check_range(type, value, err));
    char *to = hyl__buf_claim(out, HYL__SCALAR_TEXT_MAX);
    if (to == NULL) {
        return hyl__fail_nomem(err);
    }
    char *end = write_scalar(to, type.id, value);
    if (end != NULL) {
        hyl__buf_commit(out, end);
        return HYL_OK;
    }
    const size_t begin = out->len;
    hyl_status status = append_varying(type, value, out, err);
    if (status == HYL_OK && hyl_buf_status(out) != HYL_OK) {
        status = hyl__fail_nomem(err);
    }
    if (status != HYL_OK && out->len > begin) {
        out->len = begin;
    }
    return status;
}
