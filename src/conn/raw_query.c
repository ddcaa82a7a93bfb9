#include "raw.h"

#include "base/endian.h"
#include "base/error.h"
#include "base/mem.h"

enum { FORMAT_BINARY = 1, FORMAT_HYPERBINARY = 2 };

/* ---- Sending ---- */

hyl_status hyl__raw_send_query(hyl_raw *raw, hyl_str sql, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter_request(raw, false, err));
    HYL_TRY(hyl_enc_query(&raw->frame.out, sql, err));
    return hyl__raw_flush(raw, err);
}

hyl_status hyl_raw_start_simple_query(hyl_raw *raw, hyl_str sql, hyl_error *err)
{
    return hyl__raw_send_query(raw, sql, err);
}

static hyl_status encode_query_binary(hyl_buf *out, hyl_str sql, hyl_error *err)
{
    const int16_t format = FORMAT_HYPERBINARY;
    const hyl_bind bind = {.result_formats = &format, .result_format_count = 1};
    HYL_TRY(hyl_enc_parse(out, "", sql, NULL, 0, err));
    HYL_TRY(hyl_enc_bind(out, &bind, err));
    HYL_TRY(hyl_enc_describe(out, 'P', "", err));
    HYL_TRY(hyl_enc_execute(out, "", 0, err));
    return hyl_enc_sync(out, err);
}

/* Sends what was encoded behind `start`, or takes it back where encoding failed. */
static hyl_status send_or_take_back(hyl_raw *raw, size_t start, hyl_status encoded, hyl_error *err)
{
    if (encoded != HYL_OK) {
        raw->frame.out.len = start;
        return encoded;
    }
    return hyl__raw_flush(raw, err);
}

hyl_status hyl_raw_start_query_binary(hyl_raw *raw, hyl_str sql, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter_request(raw, true, err));
    size_t start = raw->frame.out.len;
    return send_or_take_back(raw, start, encode_query_binary(&raw->frame.out, sql, err), err);
}

/* Each result column gets a format of its own, so that a wrong number of columns is noticed by the
 * server. */
static hyl_status encode_execute(hyl_buf *out, hyl_bind *bind, size_t column_count, hyl_error *err)
{
    size_t size = 0;
    int16_t *formats =
        hyl__mul_size(column_count, sizeof *formats, &size) ? hyl__malloc(size) : NULL;
    if (formats == NULL) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < column_count; i++) {
        formats[i] = FORMAT_HYPERBINARY;
    }
    bind->result_formats = formats;
    bind->result_format_count = column_count;
    hyl_status status = hyl_enc_bind(out, bind, err);
    if (status == HYL_OK) {
        status = hyl_enc_execute(out, "", 0, err);
    }
    if (status == HYL_OK) {
        status = hyl_enc_sync(out, err);
    }
    hyl__free(formats);
    return status;
}

hyl_status hyl_raw_start_execute_prepared(hyl_raw *raw, const char *name,
                                          const hyl_param_bytes *params, size_t param_count,
                                          size_t column_count, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter_request(raw, true, err));
    const int16_t format = FORMAT_BINARY;
    hyl_bind bind = {
        .statement = name,
        .param_formats = &format,
        .param_format_count = param_count > 0 ? 1 : 0,
        .params = params,
        .param_count = param_count,
    };
    size_t start = raw->frame.out.len;
    hyl_status encoded = encode_execute(&raw->frame.out, &bind, column_count, err);
    return send_or_take_back(raw, start, encoded, err);
}

/* ---- The list of an answer's messages ---- */

/* The messages as they were received, one behind the other: header and body. */
struct hyl_raw_messages {
    hyl_buf bytes;
    size_t *offsets;
    size_t count;
    size_t cap;
};

size_t hyl_raw_messages_count(const hyl_raw_messages *messages)
{
    return messages->count;
}

bool hyl_raw_messages_get(const hyl_raw_messages *messages, size_t index, hyl_msg *out)
{
    if (index >= messages->count) {
        return false;
    }
    const uint8_t *head = messages->bytes.data + messages->offsets[index];
    hyl_bytes body = {head + HYL_MESSAGE_HEADER_SIZE, hyl__load_be32(head + 1) - 4};
    /* It was parsed before it was added. */
    return hyl_msg_parse(head[0], body, out, NULL) == HYL_OK;
}

void hyl_raw_messages_free(hyl_raw_messages *messages)
{
    if (messages != NULL) {
        hyl_buf_reset(&messages->bytes);
        hyl__free(messages->offsets);
        hyl__free(messages);
    }
}

static hyl_status add_offset(hyl_raw_messages *messages, size_t offset)
{
    if (messages->count == messages->cap) {
        size_t cap = messages->cap != 0 ? messages->cap * 2 : 16;
        size_t size = 0;
        size_t *grown = NULL;
        if (hyl__mul_size(cap, sizeof *grown, &size)) {
            grown = hyl__realloc(messages->offsets, size);
        }
        if (grown == NULL) {
            return HYL_ERR_NOMEM;
        }
        messages->offsets = grown;
        messages->cap = cap;
    }
    messages->offsets[messages->count++] = offset;
    return HYL_OK;
}

static hyl_status add_message(hyl_raw_messages *messages, uint8_t type, hyl_bytes body,
                              uint64_t limit, hyl_error *err)
{
    size_t size = body.len + HYL_MESSAGE_HEADER_SIZE;
    if (size > limit || messages->bytes.len > limit - size) {
        return hyl__fail(err, HYL_ERR_LIMIT, "the answer is larger than %llu bytes",
                         (unsigned long long)limit);
    }
    uint8_t head[HYL_MESSAGE_HEADER_SIZE] = {type};
    hyl__store_be32(head + 1, (uint32_t)body.len + 4);
    if (hyl_buf_reserve(&messages->bytes, size) != HYL_OK ||
        add_offset(messages, messages->bytes.len) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    hyl_buf_append(&messages->bytes, head, sizeof head);
    hyl_buf_append(&messages->bytes, body.data, body.len);
    return HYL_OK;
}

/* ---- Whole queries ---- */

static hyl_status collect(hyl_raw *raw, hyl_raw_messages *messages, hyl_error *err)
{
    hyl_msg message;
    do {
        HYL_TRY(hyl__raw_next_answer(raw, false, &message, err));
        hyl_status status =
            add_message(messages, (uint8_t)message.type, raw->body, raw->opts.max_result, err);
        if (status != HYL_OK) {
            return hyl__raw_give_up(raw, status, err);
        }
    } while (message.type != HYL_MSG_READY_FOR_QUERY);
    return HYL_OK;
}

typedef hyl_status (*start_fn)(hyl_raw *raw, hyl_str sql, hyl_error *err);

static hyl_status run_query(hyl_raw *raw, start_fn start, hyl_str sql, hyl_raw_messages **out,
                            hyl_error *err)
{
    HYL_TRY(hyl__raw_check_free(raw, err));
    hyl_raw_messages *messages = hyl__calloc(1, sizeof *messages);
    if (messages == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl_status status = start(raw, sql, err);
    if (status == HYL_OK) {
        status = collect(raw, messages, err);
    }
    if (status != HYL_OK) {
        hyl_raw_messages_free(messages);
        return status;
    }
    *out = messages;
    return HYL_OK;
}

hyl_status hyl_raw_simple_query(hyl_raw *raw, hyl_str sql, hyl_raw_messages **out, hyl_error *err)
{
    return run_query(raw, hyl_raw_start_simple_query, sql, out, err);
}

hyl_status hyl_raw_query_binary(hyl_raw *raw, hyl_str sql, hyl_raw_messages **out, hyl_error *err)
{
    return run_query(raw, hyl_raw_start_query_binary, sql, out, err);
}
