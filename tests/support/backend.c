#include "support/backend.h"

#include "base/endian.h"

#include <stdlib.h>
#include <string.h>

static void put_16(hyl_buf *out, uint16_t value)
{
    uint8_t bytes[2];
    hyl__store_be16(bytes, value);
    hyl_buf_append(out, bytes, sizeof bytes);
}

static void put_32(hyl_buf *out, uint32_t value)
{
    uint8_t bytes[4];
    hyl__store_be32(bytes, value);
    hyl_buf_append(out, bytes, sizeof bytes);
}

static void put_string(hyl_buf *out, const char *text)
{
    hyl_buf_append(out, text, strlen(text) + 1);
}

/* Appends the message whose body is in `body`, and frees it. A test without memory ends here. */
static void put_message(hyl_buf *out, char type, hyl_buf *body)
{
    hyl_buf_append_byte(out, (uint8_t)type);
    put_32(out, (uint32_t)body->len + 4);
    if (body->len > 0) {
        hyl_buf_append(out, body->data, body->len);
    }
    if (body->failed || out->failed) {
        abort();
    }
    hyl_buf_reset(body);
}

void backend_message(hyl_buf *out, char type, const void *bytes, size_t len)
{
    hyl_buf body = HYL_BUF_INIT;
    if (len > 0) {
        hyl_buf_append(&body, bytes, len);
    }
    put_message(out, type, &body);
}

void backend_auth_ok(hyl_buf *out)
{
    backend_message(out, 'R', "\0\0\0", 4);
}

void backend_key(hyl_buf *out, int32_t process_id, int32_t secret_key)
{
    hyl_buf body = HYL_BUF_INIT;
    put_32(&body, (uint32_t)process_id);
    put_32(&body, (uint32_t)secret_key);
    put_message(out, 'K', &body);
}

void backend_parameter(hyl_buf *out, const char *name, const char *value)
{
    hyl_buf body = HYL_BUF_INIT;
    put_string(&body, name);
    put_string(&body, value);
    put_message(out, 'S', &body);
}

void backend_ready(hyl_buf *out, char tx_status)
{
    backend_message(out, 'Z', &tx_status, 1);
}

void backend_tag(hyl_buf *out, const char *tag)
{
    backend_message(out, 'C', tag, strlen(tag) + 1);
}

void backend_diag(hyl_buf *out, char type, const char *const *fields)
{
    hyl_buf body = HYL_BUF_INIT;
    for (; fields[0] != NULL; fields += 2) {
        hyl_buf_append_byte(&body, (uint8_t)fields[0][0]);
        put_string(&body, fields[1]);
    }
    hyl_buf_append_byte(&body, 0);
    put_message(out, type, &body);
}

void backend_error(hyl_buf *out, const char *sqlstate, const char *message)
{
    const char *fields[] = {"S", "ERROR", "C", sqlstate, "M", message, NULL};
    backend_diag(out, 'E', fields);
}

void backend_fatal(hyl_buf *out, const char *sqlstate, const char *message)
{
    const char *const fields[] = {"S", "FATAL", "C", sqlstate, "M", message, NULL};
    backend_diag(out, 'E', fields);
}

void backend_notice(hyl_buf *out, const char *message)
{
    const char *fields[] = {"S", "WARNING", "C", "25P01", "M", message, NULL};
    backend_diag(out, 'N', fields);
}

void backend_notification(hyl_buf *out, const char *channel)
{
    hyl_buf body = HYL_BUF_INIT;
    put_32(&body, 7);
    put_string(&body, channel);
    put_string(&body, "payload");
    put_message(out, 'A', &body);
}

void backend_description(hyl_buf *out, const backend_column *columns, size_t count)
{
    hyl_buf body = HYL_BUF_INIT;
    put_16(&body, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        put_string(&body, columns[i].name);
        put_32(&body, 0);
        put_16(&body, 0);
        put_32(&body, columns[i].type.oid);
        put_16(&body, UINT16_MAX);
        put_32(&body, (uint32_t)columns[i].type.typmod);
        put_16(&body, 0);
    }
    put_message(out, 'T', &body);
}

void backend_row(hyl_buf *out, const hyl_bytes *cells, size_t count)
{
    hyl_buf body = HYL_BUF_INIT;
    put_16(&body, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        put_32(&body, cells[i].data != NULL ? (uint32_t)cells[i].len : UINT32_MAX);
        if (cells[i].len > 0) {
            hyl_buf_append(&body, cells[i].data, cells[i].len);
        }
    }
    put_message(out, 'D', &body);
}

void backend_int_description(hyl_buf *out)
{
    const backend_column column = {"n", hyl_type_of(HYL_TYPE_INT)};
    backend_description(out, &column, 1);
}

void backend_int_row(hyl_buf *out, int32_t value)
{
    uint8_t bytes[4];
    hyl__store_le32(bytes, (uint32_t)value);
    const hyl_bytes cell = {bytes, sizeof bytes};
    backend_row(out, &cell, 1);
}

void backend_copy_response(hyl_buf *out, char type)
{
    backend_message(out, type, "\0\0\1\0", 5);
}

void backend_copy_data(hyl_buf *out, const void *bytes, size_t len)
{
    backend_message(out, 'd', bytes, len);
}

void backend_login(hyl_buf *out)
{
    backend_auth_ok(out);
    backend_parameter(out, "hyper_version", "main.0.0.1");
    backend_parameter(out, "result_format_code", "HyperBinary");
    backend_key(out, 0, 1234);
    backend_ready(out, 'I');
}

size_t backend_query_size(const char *sql)
{
    return 5 + strlen(sql) + 1;
}
