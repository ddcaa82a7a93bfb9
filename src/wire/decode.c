#include "decode.h"

#include "base/endian.h"
#include "base/error.h"

#include <string.h>

/* A RowDescription's column behind its name: table, attribute, type, its size, typmod, format. */
enum { COLUMN_FIXED_SIZE = 18 };

const char *hyl_msg_name(uint8_t type)
{
    switch (type) {
#define MESSAGE_NAME(name, byte, text) \
    case byte:                         \
        return text;
        HYL_BACKEND_MESSAGE_MAP(MESSAGE_NAME)
#undef MESSAGE_NAME
    default:
        return "unknown message";
    }
}

static bool is_backend_message(uint8_t type)
{
    switch (type) {
#define MESSAGE_CASE(name, byte, text) case byte:
        HYL_BACKEND_MESSAGE_MAP(MESSAGE_CASE)
#undef MESSAGE_CASE
        return true;
    default:
        return false;
    }
}

hyl_status hyl_msg_peek(hyl_bytes bytes, uint32_t max_body, hyl_msg_head *out, hyl_error *err)
{
    if (bytes.len < HYL_MESSAGE_HEADER_SIZE) {
        return HYL_AGAIN;
    }
    uint8_t type = bytes.data[0];
    uint32_t length = hyl__load_be32(bytes.data + 1);
    if (!is_backend_message(type)) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "byte 0x%02x starts no message of a server", type);
    }
    if (length < 4) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed %s: length %u is below 4",
                         hyl_msg_name(type), length);
    }
    if (length > INT32_MAX && length - 4 > max_body) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed %s: length %d is negative",
                         hyl_msg_name(type), (int)(int32_t)length);
    }
    if (length - 4 > max_body) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "%s of %u bytes: at most %u are admitted",
                         hyl_msg_name(type), length - 4, max_body);
    }
    out->type = type;
    out->body_len = length - 4;
    return HYL_OK;
}

static hyl_status malformed(uint8_t type, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed %s: its body does not end where it should",
                     hyl_msg_name(type));
}

bool hyl__take_string(hyl_bytes *rest, hyl_str *out)
{
    const uint8_t *nul = rest->len > 0 ? memchr(rest->data, 0, rest->len) : NULL;
    if (nul == NULL) {
        return false;
    }
    size_t len = (size_t)(nul - rest->data);
    *out = (hyl_str){(const char *)rest->data, len};
    rest->data += len + 1;
    rest->len -= len + 1;
    return true;
}

/* The SASL mechanisms end with an empty one, and nothing follows. */
static bool mechanisms_are_whole(hyl_bytes list)
{
    hyl_str name = {NULL, 0};
    do {
        if (!hyl__take_string(&list, &name)) {
            return false;
        }
    } while (name.len > 0);
    return list.len == 0;
}

static bool parse_auth(hyl_bytes body, hyl_msg_auth *out)
{
    if (body.len < 4) {
        return false;
    }
    memset(out, 0, sizeof *out);
    out->kind = (int32_t)hyl__load_be32(body.data);
    out->data = (hyl_bytes){body.data + 4, body.len - 4};
    switch (out->kind) {
    case HYL_AUTH_OK:
    case HYL_AUTH_CLEARTEXT:
        return body.len == 4;
    case HYL_AUTH_MD5:
        if (body.len != 4 + sizeof out->salt) {
            return false;
        }
        memcpy(out->salt, body.data + 4, sizeof out->salt);
        return true;
    case HYL_AUTH_SASL:
        return mechanisms_are_whole(out->data);
    default:
        /* What the rest is, only the method knows. */
        return true;
    }
}

static bool parse_key(hyl_bytes body, hyl_msg *out)
{
    if (body.len != 8) {
        return false;
    }
    out->as.key.process_id = (int32_t)hyl__load_be32(body.data);
    out->as.key.secret_key = (int32_t)hyl__load_be32(body.data + 4);
    return true;
}

static bool parse_tag(hyl_bytes body, hyl_msg *out)
{
    return hyl__take_string(&body, &out->as.tag) && body.len == 0;
}

static bool parse_copy_response(hyl_bytes body, hyl_msg *out)
{
    if (body.len < 3 || body.data[0] > 1) {
        return false;
    }
    out->as.copy.format = body.data[0];
    out->as.copy.column_count = hyl__load_be16(body.data + 1);
    out->as.copy.formats = body.data + 3;
    return body.len == 3 + 2 * (size_t)out->as.copy.column_count;
}

static bool parse_notification(hyl_bytes body, hyl_msg *out)
{
    if (body.len < 4) {
        return false;
    }
    out->as.notification.process_id = (int32_t)hyl__load_be32(body.data);
    hyl_bytes rest = {body.data + 4, body.len - 4};
    return hyl__take_string(&rest, &out->as.notification.channel) &&
           hyl__take_string(&rest, &out->as.notification.payload) && rest.len == 0;
}

static bool parse_params(hyl_bytes body, hyl_msg *out)
{
    if (body.len < 2) {
        return false;
    }
    out->as.params.count = hyl__load_be16(body.data);
    out->as.params.oids = body.data + 2;
    return body.len == 2 + 4 * (size_t)out->as.params.count;
}

static bool parse_parameter_status(hyl_bytes body, hyl_msg *out)
{
    return hyl__take_string(&body, &out->as.parameter.name) &&
           hyl__take_string(&body, &out->as.parameter.value) && body.len == 0;
}

static bool parse_ready(hyl_bytes body, hyl_msg *out)
{
    if (body.len != 1) {
        return false;
    }
    out->as.ready = (char)body.data[0];
    return out->as.ready == 'I' || out->as.ready == 'T' || out->as.ready == 'E';
}

/* Reads a column; false where the bytes end inside it. */
static bool take_column(hyl_bytes *rest, hyl_msg_column *column)
{
    if (!hyl__take_string(rest, &column->name) || rest->len < COLUMN_FIXED_SIZE) {
        return false;
    }
    const uint8_t *at = rest->data;
    column->table_oid = hyl__load_be32(at);
    column->attribute = (int16_t)hyl__load_be16(at + 4);
    column->type_oid = hyl__load_be32(at + 6);
    column->type_len = (int16_t)hyl__load_be16(at + 10);
    column->typmod = (int32_t)hyl__load_be32(at + 12);
    column->format = (int16_t)hyl__load_be16(at + 16);
    rest->data += COLUMN_FIXED_SIZE;
    rest->len -= COLUMN_FIXED_SIZE;
    return true;
}

static bool parse_description(hyl_bytes body, hyl_msg *out)
{
    if (body.len < 2) {
        return false;
    }
    uint16_t count = hyl__load_be16(body.data);
    hyl_bytes rest = {body.data + 2, body.len - 2};
    out->as.description.column_count = count;
    out->as.description.columns = rest;
    hyl_msg_column column;
    for (uint16_t i = 0; i < count; i++) {
        if (!take_column(&rest, &column)) {
            return false;
        }
    }
    return rest.len == 0;
}

static bool parse_body(uint8_t type, hyl_bytes body, hyl_msg *out)
{
    switch (type) {
    case HYL_MSG_AUTHENTICATION:
        return parse_auth(body, &out->as.auth);
    case HYL_MSG_BACKEND_KEY_DATA:
        return parse_key(body, out);
    case HYL_MSG_COMMAND_COMPLETE:
        return parse_tag(body, out);
    case HYL_MSG_COPY_DATA:
        out->as.data = body;
        return true;
    case HYL_MSG_COPY_IN_RESPONSE:
    case HYL_MSG_COPY_OUT_RESPONSE:
        return parse_copy_response(body, out);
    case HYL_MSG_ERROR_RESPONSE:
    case HYL_MSG_NOTICE_RESPONSE:
        hyl__diag_parse(body, &out->as.diag);
        return true;
    case HYL_MSG_NOTIFICATION_RESPONSE:
        return parse_notification(body, out);
    case HYL_MSG_PARAMETER_DESCRIPTION:
        return parse_params(body, out);
    case HYL_MSG_PARAMETER_STATUS:
        return parse_parameter_status(body, out);
    case HYL_MSG_READY_FOR_QUERY:
        return parse_ready(body, out);
    case HYL_MSG_ROW_DESCRIPTION:
        return parse_description(body, out);
    default:
        /* The others have no body. */
        return body.len == 0;
    }
}

hyl_status hyl_msg_parse(uint8_t type, hyl_bytes body, hyl_msg *out, hyl_error *err)
{
    out->type = (hyl_msg_type)type;
    if (type == HYL_MSG_DATA_ROW) {
        return hyl__row_parse(body, out, err);
    }
    if (!is_backend_message(type)) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "byte 0x%02x starts no message of a server", type);
    }
    return parse_body(type, body, out) ? HYL_OK : malformed(type, err);
}

void hyl_coldesc_iter_init(hyl_coldesc_iter *iter, const hyl_msg *description)
{
    iter->rest = description->as.description.columns;
    iter->left = description->as.description.column_count;
}

bool hyl_coldesc_iter_next(hyl_coldesc_iter *iter, hyl_msg_column *column)
{
    if (iter->left == 0) {
        return false;
    }
    iter->left--;
    return take_column(&iter->rest, column);
}

bool hyl_sasl_next(hyl_bytes *rest, hyl_str *mechanism)
{
    hyl_str name;
    if (!hyl__take_string(rest, &name) || name.len == 0) {
        return false;
    }
    *mechanism = name;
    return true;
}

int64_t hyl_tag_rows(hyl_str tag)
{
    size_t start = tag.len;
    while (start > 0 && tag.data[start - 1] >= '0' && tag.data[start - 1] <= '9') {
        start--;
    }
    if (start == tag.len || start < 2 || tag.data[start - 1] != ' ') {
        return -1;
    }
    int64_t rows = 0;
    for (size_t i = start; i < tag.len; i++) {
        int digit = tag.data[i] - '0';
        if (rows > (INT64_MAX - digit) / 10) {
            return -1;
        }
        rows = rows * 10 + digit;
    }
    return rows;
}
