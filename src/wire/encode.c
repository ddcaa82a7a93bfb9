#include "encode.h"

#include "base/endian.h"
#include "base/error.h"

#include <string.h>

enum {
    PROTOCOL_3_0 = 196608,
    SSL_REQUEST_CODE = 80877103,
    CANCEL_REQUEST_CODE = 80877102,
    MAX_ENTRIES = 65535
};

/* A message under construction: its bytes go to `out` from `start` on, and go away on failure. */
typedef struct builder {
    hyl_buf *out;
    size_t start;
    size_t length_at;
    hyl_error *err;
    hyl_status status;
} builder;

static void put_bytes(builder *message, const void *bytes, size_t len)
{
    if (message->status != HYL_OK) {
        return;
    }
    size_t used = message->out->len - message->length_at;
    if (len > INT32_MAX - used) {
        message->status =
            hyl__fail(message->err, HYL_ERR_ARG, "the message would exceed 2147483647 bytes");
        return;
    }
    if (message->out->failed || hyl_buf_reserve(message->out, len) != HYL_OK) {
        message->status = hyl__fail_nomem(message->err);
        return;
    }
    hyl_buf_append(message->out, bytes, len);
}

static void put_byte(builder *message, uint8_t byte)
{
    put_bytes(message, &byte, 1);
}

static void put_u16(builder *message, uint16_t value)
{
    uint8_t bytes[2];
    hyl__store_be16(bytes, value);
    put_bytes(message, bytes, sizeof bytes);
}

static void put_u32(builder *message, uint32_t value)
{
    uint8_t bytes[4];
    hyl__store_be32(bytes, value);
    put_bytes(message, bytes, sizeof bytes);
}

/* A NUL-terminated string; NULL is the empty one. */
static void put_string(builder *message, const char *text)
{
    put_bytes(message, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1);
}

static void put_sql(builder *message, hyl_str sql)
{
    const char *nul = sql.len > 0 ? memchr(sql.data, '\0', sql.len) : NULL;
    if (nul != NULL && message->status == HYL_OK) {
        message->status =
            hyl__fail(message->err, HYL_ERR_ARG, "the SQL text has a NUL character after %zu bytes",
                      (size_t)(nul - sql.data));
    }
    put_bytes(message, sql.data, sql.len);
    put_byte(message, 0);
}

static void put_count(builder *message, size_t count, const char *what)
{
    if (count > MAX_ENTRIES && message->status == HYL_OK) {
        message->status =
            hyl__fail(message->err, HYL_ERR_ARG, "%zu %s: a message can have at most %d", count,
                      what, MAX_ENTRIES);
    }
    put_u16(message, (uint16_t)count);
}

/* 'S' for a statement, 'P' for a portal. */
static void put_kind(builder *message, char kind)
{
    if (kind != 'S' && kind != 'P' && message->status == HYL_OK) {
        message->status = hyl__fail(message->err, HYL_ERR_ARG,
                                    "the kind must be 'S' (statement) or 'P' (portal)");
    }
    put_byte(message, (uint8_t)kind);
}

/* A message without a type byte, as the connection's first ones are. */
static builder begin_untyped(hyl_buf *out, hyl_error *err)
{
    builder message = {out, out->len, out->len, err, HYL_OK};
    put_u32(&message, 0);
    return message;
}

static builder begin(hyl_buf *out, char type, hyl_error *err)
{
    builder message = {out, out->len, out->len, err, HYL_OK};
    put_byte(&message, (uint8_t)type);
    message.length_at = message.start + 1;
    put_u32(&message, 0);
    return message;
}

static hyl_status finish(const builder *message)
{
    hyl_buf *out = message->out;
    if (message->status != HYL_OK) {
        out->len = message->start;
        return message->status;
    }
    hyl__store_be32(out->data + message->length_at, (uint32_t)(out->len - message->length_at));
    return HYL_OK;
}

static hyl_status encode_empty(hyl_buf *out, char type, hyl_error *err)
{
    builder message = begin(out, type, err);
    return finish(&message);
}

static hyl_status encode_string(hyl_buf *out, char type, const char *text, hyl_error *err)
{
    builder message = begin(out, type, err);
    put_string(&message, text);
    return finish(&message);
}

hyl_status hyl_enc_startup(hyl_buf *out, const hyl_pair *params, size_t count, hyl_error *err)
{
    builder message = begin_untyped(out, err);
    put_u32(&message, PROTOCOL_3_0);
    for (size_t i = 0; i < count; i++) {
        /* An empty key is the list's end. */
        if (params[i].key == NULL || params[i].key[0] == '\0' || params[i].value == NULL) {
            out->len = message.start;
            return hyl__fail(err, HYL_ERR_ARG, "startup parameter %zu has no key or no value",
                             i + 1);
        }
        put_string(&message, params[i].key);
        put_string(&message, params[i].value);
    }
    put_byte(&message, 0);
    return finish(&message);
}

hyl_status hyl_enc_ssl_request(hyl_buf *out, hyl_error *err)
{
    builder message = begin_untyped(out, err);
    put_u32(&message, SSL_REQUEST_CODE);
    return finish(&message);
}

hyl_status hyl_enc_cancel_request(hyl_buf *out, int32_t process_id, int32_t secret_key,
                                  hyl_error *err)
{
    builder message = begin_untyped(out, err);
    put_u32(&message, CANCEL_REQUEST_CODE);
    put_u32(&message, (uint32_t)process_id);
    put_u32(&message, (uint32_t)secret_key);
    return finish(&message);
}

hyl_status hyl_enc_password(hyl_buf *out, const char *password, hyl_error *err)
{
    return encode_string(out, 'p', password, err);
}

hyl_status hyl_enc_sasl_initial(hyl_buf *out, const char *mechanism, hyl_bytes response,
                                hyl_error *err)
{
    builder message = begin(out, 'p', err);
    put_string(&message, mechanism);
    /* No response at all is the length -1. */
    put_u32(&message, response.data != NULL ? (uint32_t)response.len : UINT32_MAX);
    put_bytes(&message, response.data, response.len);
    return finish(&message);
}

hyl_status hyl_enc_sasl_response(hyl_buf *out, hyl_bytes response, hyl_error *err)
{
    builder message = begin(out, 'p', err);
    put_bytes(&message, response.data, response.len);
    return finish(&message);
}

hyl_status hyl_enc_query(hyl_buf *out, hyl_str sql, hyl_error *err)
{
    builder message = begin(out, 'Q', err);
    put_sql(&message, sql);
    return finish(&message);
}

hyl_status hyl_enc_parse(hyl_buf *out, const char *name, hyl_str sql, const uint32_t *param_oids,
                         size_t count, hyl_error *err)
{
    builder message = begin(out, 'P', err);
    put_string(&message, name);
    put_sql(&message, sql);
    put_count(&message, count, "parameters");
    for (size_t i = 0; i < count && message.status == HYL_OK; i++) {
        put_u32(&message, param_oids[i]);
    }
    return finish(&message);
}

static void put_formats(builder *message, const int16_t *formats, size_t count, const char *what)
{
    put_count(message, count, what);
    for (size_t i = 0; i < count && message->status == HYL_OK; i++) {
        put_u16(message, (uint16_t)formats[i]);
    }
}

static void put_params(builder *message, const hyl_param_bytes *params, size_t count)
{
    put_count(message, count, "parameters");
    for (size_t i = 0; i < count && message->status == HYL_OK; i++) {
        if (params[i].data == NULL) {
            put_u32(message, UINT32_MAX);
        } else {
            put_u32(message, (uint32_t)params[i].len);
            put_bytes(message, params[i].data, params[i].len);
        }
    }
}

hyl_status hyl_enc_bind(hyl_buf *out, const hyl_bind *bind, hyl_error *err)
{
    builder message = begin(out, 'B', err);
    put_string(&message, bind->portal);
    put_string(&message, bind->statement);
    put_formats(&message, bind->param_formats, bind->param_format_count, "parameter formats");
    put_params(&message, bind->params, bind->param_count);
    put_formats(&message, bind->result_formats, bind->result_format_count, "result formats");
    return finish(&message);
}

hyl_status hyl_enc_describe(hyl_buf *out, char kind, const char *name, hyl_error *err)
{
    builder message = begin(out, 'D', err);
    put_kind(&message, kind);
    put_string(&message, name);
    return finish(&message);
}

hyl_status hyl_enc_execute(hyl_buf *out, const char *portal, int32_t max_rows, hyl_error *err)
{
    builder message = begin(out, 'E', err);
    put_string(&message, portal);
    put_u32(&message, (uint32_t)max_rows);
    return finish(&message);
}

hyl_status hyl_enc_close(hyl_buf *out, char kind, const char *name, hyl_error *err)
{
    builder message = begin(out, 'C', err);
    put_kind(&message, kind);
    put_string(&message, name);
    return finish(&message);
}

hyl_status hyl_enc_sync(hyl_buf *out, hyl_error *err)
{
    return encode_empty(out, 'S', err);
}

hyl_status hyl_enc_flush(hyl_buf *out, hyl_error *err)
{
    return encode_empty(out, 'H', err);
}

hyl_status hyl_enc_copy_data(hyl_buf *out, hyl_bytes data, hyl_error *err)
{
    builder message = begin(out, 'd', err);
    put_bytes(&message, data.data, data.len);
    return finish(&message);
}

hyl_status hyl__enc_copy_data_head(hyl_buf *out, size_t body_len, hyl_error *err)
{
    if (body_len > HYL__MAX_BODY) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "%zu bytes do not fit into one CopyData message (at most %u)", body_len,
                         HYL__MAX_BODY);
    }
    builder message = begin(out, 'd', err);
    HYL_TRY(finish(&message));
    hyl__store_be32(out->data + message.length_at, (uint32_t)body_len + 4);
    return HYL_OK;
}

hyl_status hyl_enc_copy_done(hyl_buf *out, hyl_error *err)
{
    return encode_empty(out, 'c', err);
}

hyl_status hyl_enc_copy_fail(hyl_buf *out, const char *reason, hyl_error *err)
{
    return encode_string(out, 'f', reason, err);
}

hyl_status hyl_enc_terminate(hyl_buf *out, hyl_error *err)
{
    return encode_empty(out, 'X', err);
}
