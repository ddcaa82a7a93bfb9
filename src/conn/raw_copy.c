#include "raw.h"

#include <hyperline/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "wire/encode.h"

/* ---- Into the server ---- */

static hyl_status append_columns(hyl_buf *sql, const char *const *columns, size_t count,
                                 hyl_error *err)
{
    for (size_t i = 0; i < count; i++) {
        hyl_buf_append_str(sql, i == 0 ? " (" : ", ");
        hyl_status status = hyl_quote_ident(hyl_str_of(columns[i]), sql, err);
        if (status != HYL_OK) {
            hyl__error_prefix(err, "column %zu", i + 1);
            return status;
        }
    }
    if (count > 0) {
        hyl_buf_append_byte(sql, ')');
    }
    return HYL_OK;
}

static hyl_status build_copy_in(const char *table, const char *const *columns, size_t column_count,
                                const char *format, hyl_buf *sql, hyl_error *err)
{
    if (table == NULL || table[0] == '\0' || format == NULL || format[0] == '\0') {
        return hyl__fail(err, HYL_ERR_ARG, "COPY needs a table and a format");
    }
    hyl_buf_append_str(sql, "COPY ");
    hyl_buf_append_str(sql, table);
    HYL_TRY(append_columns(sql, columns, column_count, err));
    hyl_buf_append_str(sql, " FROM STDIN WITH (FORMAT ");
    hyl_buf_append_str(sql, format);
    hyl_buf_append_byte(sql, ')');
    return hyl_buf_status(sql) == HYL_OK ? HYL_OK : hyl__fail_nomem(err);
}

hyl_status hyl_raw_start_copy_in_with_format(hyl_raw *raw, const char *table,
                                             const char *const *columns, size_t column_count,
                                             const char *format, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_status status = build_copy_in(table, columns, column_count, format, &sql, err);
    if (status == HYL_OK) {
        hyl_str text = {(const char *)sql.data, sql.len};
        status = hyl_raw_start_copy_in_raw(raw, text, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

hyl_status hyl_raw_start_copy_in(hyl_raw *raw, const char *table, const char *const *columns,
                                 size_t column_count, hyl_error *err)
{
    return hyl_raw_start_copy_in_with_format(raw, table, columns, column_count, "HYPERBINARY", err);
}

static hyl_status not_a_copy_in(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "the statement is no COPY FROM STDIN");
}

hyl_status hyl_raw_start_copy_in_raw(hyl_raw *raw, hyl_str sql, hyl_error *err)
{
    HYL_TRY(hyl__raw_check_free(raw, err));
    HYL_TRY(hyl__raw_send_query(raw, sql, err));
    for (;;) {
        hyl_msg message;
        HYL_TRY(hyl__raw_next_answer(raw, true, &message, err));
        switch (message.type) {
        case HYL_MSG_COPY_IN_RESPONSE:
            return HYL_OK;
        case HYL_MSG_READY_FOR_QUERY:
            return not_a_copy_in(err);
        case HYL_MSG_COPY_OUT_RESPONSE:
            return hyl__raw_give_up(raw, not_a_copy_in(err), err);
        default:
            break;
        }
    }
}

/* A COPY that nobody has started takes no data, and its end is never answered. */
static hyl_status check_under_way(const hyl_raw *raw, hyl_error *err)
{
    if (hyl__raw_is_idle(raw)) {
        return hyl__fail(err, HYL_ERR_STATE, "no COPY is under way");
    }
    return HYL_OK;
}

static hyl_status enter_send(hyl_raw *raw, size_t len, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter(raw, err));
    if (len > HYL__MAX_BODY) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "%zu bytes do not fit into one CopyData message",
                         len);
    }
    if (len > raw->opts.max_copy_data) {
        return hyl__fail(err, HYL_ERR_LIMIT,
                         "%zu bytes in one CopyData message: at most %llu are allowed", len,
                         (unsigned long long)raw->opts.max_copy_data);
    }
    return check_under_way(raw, err);
}

hyl_status hyl_raw_send_copy_data(hyl_raw *raw, hyl_bytes data, hyl_error *err)
{
    hyl_buf *out = &raw->frame.out;
    HYL_TRY(enter_send(raw, data.len, err));
    if (hyl_buf_reserve(out, HYL_MESSAGE_HEADER_SIZE + data.len) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    HYL_TRY(hyl__enc_copy_data_head(out, data.len, err));
    hyl_buf_append(out, data.data, data.len);
    return HYL_OK;
}

hyl_status hyl_raw_send_copy_data_direct(hyl_raw *raw, hyl_bytes data, hyl_error *err)
{
    HYL_TRY(enter_send(raw, data.len, err));
    HYL_TRY(hyl__enc_copy_data_head(&raw->frame.out, data.len, err));
    hyl__frame_send_borrow(&raw->frame, data);
    return hyl__raw_flush(raw, err);
}

hyl_status hyl_raw_flush_stream(hyl_raw *raw, hyl_error *err)
{
    /* A transport's writev hands everything to the system: nothing is kept back that could wait. */
    return hyl__raw_enter(raw, err);
}

static bool has_prefix(hyl_str text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

/* The rows of the tag "COPY n"; 0 for any other. */
static uint64_t copied_rows(hyl_str tag)
{
    int64_t rows = has_prefix(tag, "COPY ") ? hyl_tag_rows(tag) : 0;
    return rows > 0 ? (uint64_t)rows : 0;
}

hyl_status hyl_raw_finish_copy(hyl_raw *raw, uint64_t *rows, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter(raw, err));
    HYL_TRY(check_under_way(raw, err));
    HYL_TRY(hyl__raw_end_copy_in(raw, NULL, err));
    uint64_t copied = 0;
    hyl_msg message;
    do {
        /* A CopyInResponse that was not waited for may still come. */
        HYL_TRY(hyl__raw_next_answer(raw, true, &message, err));
        if (message.type == HYL_MSG_COMMAND_COMPLETE) {
            copied = copied_rows(message.as.tag);
        }
    } while (message.type != HYL_MSG_READY_FOR_QUERY);
    if (rows != NULL) {
        *rows = copied;
    }
    return HYL_OK;
}

hyl_status hyl_raw_cancel_copy(hyl_raw *raw, const char *reason, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter(raw, err));
    HYL_TRY(check_under_way(raw, err));
    HYL_TRY(hyl__raw_end_copy_in(raw, reason != NULL ? reason : "", err));
    bool kept = false;
    hyl_msg message;
    do {
        HYL_TRY(hyl__raw_next(raw, &message, err));
        kept = kept || message.type == HYL_MSG_COMMAND_COMPLETE;
    } while (message.type != HYL_MSG_READY_FOR_QUERY);
    return kept ? hyl__fail(err, HYL_ERR_STATE,
                            "the server had completed the COPY before it could be given up")
                : HYL_OK;
}

/* ---- Out of the server ---- */

static hyl_status not_a_copy_out(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "the statement is no COPY TO STDOUT");
}

/* Gives one piece to the writer; a failure of the writer ends the copy. */
static hyl_status write_piece(hyl_raw *raw, hyl_bytes piece, hyl_raw_writer_fn writer, void *ctx,
                              hyl_error *err)
{
    hyl_error why = HYL_ERROR_INIT;
    hyl_status status = writer(ctx, piece, &why);
    if (status >= 0) {
        return HYL_OK;
    }
    if (why.status != status) {
        hyl__fail(&why, status, "the writer of the copied data failed: %s",
                  hyl_status_text(status));
    }
    if (err != NULL) {
        *err = why;
    }
    return hyl__raw_give_up(raw, status, err);
}

static hyl_status run_copy_out(hyl_raw *raw, hyl_str sql, hyl_raw_writer_fn writer, void *ctx,
                               uint64_t *written, hyl_error *err)
{
    bool started = false;
    uint64_t total = 0;
    HYL_TRY(hyl__raw_check_free(raw, err));
    HYL_TRY(hyl__raw_send_query(raw, sql, err));
    for (;;) {
        hyl_msg message;
        HYL_TRY(hyl__raw_next_answer(raw, false, &message, err));
        if (message.type == HYL_MSG_COPY_OUT_RESPONSE) {
            started = true;
        } else if (message.type == HYL_MSG_COPY_DATA && started) {
            HYL_TRY(write_piece(raw, message.as.data, writer, ctx, err));
            total += message.as.data.len;
        } else if (message.type == HYL_MSG_READY_FOR_QUERY) {
            *written = total;
            return started ? HYL_OK : not_a_copy_out(err);
        }
    }
}

hyl_status hyl_raw_copy_out_to_writer(hyl_raw *raw, hyl_str sql, hyl_raw_writer_fn writer,
                                      void *ctx, uint64_t *written, hyl_error *err)
{
    uint64_t total = 0;
    HYL_TRY(run_copy_out(raw, sql, writer, ctx, &total, err));
    if (written != NULL) {
        *written = total;
    }
    return HYL_OK;
}

/* Where hyl_raw_copy_out puts the data, and how much of it there may be. */
typedef struct collector {
    hyl_buf *out;
    size_t start;
    uint64_t limit;
} collector;

static hyl_status append_piece(void *ctx, hyl_bytes piece, hyl_error *err)
{
    const collector *into = ctx;
    size_t have = into->out->len - into->start;
    if (piece.len > into->limit || have > into->limit - piece.len) {
        return hyl__fail(err, HYL_ERR_LIMIT, "the copied data are larger than %llu bytes",
                         (unsigned long long)into->limit);
    }
    if (hyl_buf_reserve(into->out, piece.len) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    hyl_buf_append(into->out, piece.data, piece.len);
    return hyl_buf_status(into->out) == HYL_OK ? HYL_OK : hyl__fail_nomem(err);
}

hyl_status hyl_raw_copy_out(hyl_raw *raw, hyl_str sql, hyl_buf *out, hyl_error *err)
{
    collector into = {out, out->len, raw->opts.max_result};
    uint64_t total = 0;
    hyl_status status = run_copy_out(raw, sql, append_piece, &into, &total, err);
    if (status != HYL_OK) {
        out->len = into.start;
    }
    return status;
}
