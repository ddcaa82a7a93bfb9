#include "conn.h"

#include "base/error.h"
#include "base/mem.h"

void hyl__conn_clear_diag(hyl_conn *conn)
{
    conn->has_diag = false;
    hyl_buf_clear(&conn->diag_text);
}

/* Copies a text to the end of `texts` and returns where it starts; "" where there is no memory. */
static size_t keep_text(hyl_buf *texts, hyl_str text)
{
    size_t at = texts->len;
    hyl_buf_append(texts, text.data, text.len);
    hyl_buf_append_byte(texts, 0);
    return at;
}

static const char *or_default(hyl_str text, const char *fallback)
{
    return text.len > 0 ? text.data : fallback;
}

/* The texts of a diagnosis, NUL-terminated in `texts`, with the defaults of missing fields. */
static hyl_diag make_diag(const hyl_msg_diag *diag, hyl_buf *texts)
{
    const hyl_str fields[] = {
        {or_default(diag->severity, "ERROR"), diag->severity.len ? diag->severity.len : 5},
        {or_default(diag->sqlstate, "00000"), diag->sqlstate.len ? diag->sqlstate.len : 5},
        {or_default(diag->message, "unknown error"), diag->message.len ? diag->message.len : 13},
        diag->detail,
        diag->hint,
        diag->blame,
    };
    enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };
    size_t offsets[FIELD_COUNT];
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        offsets[i] = keep_text(texts, fields[i]);
    }
    const char *text[FIELD_COUNT];
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        text[i] = texts->failed ? "" : (const char *)texts->data + offsets[i];
    }
    return (hyl_diag){text[0], text[1], text[2], text[3], text[4], text[5], diag->position};
}

void hyl__conn_set_diag(hyl_conn *conn, const hyl_msg_diag *diag)
{
    hyl_buf_clear(&conn->diag_text);
    conn->diag = make_diag(diag, &conn->diag_text);
    conn->has_diag = true;
}

static bool retryable(const char *sqlstate)
{
    return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "55006") == 0;
}

hyl_status hyl__conn_fail_server(const hyl_conn *conn, hyl_error *err)
{
    const hyl_diag *diag = &conn->diag;
    hyl_status status = strcmp(diag->sqlstate, "57014") == 0 ? HYL_ERR_CANCELLED : HYL_ERR_SERVER;
    if (err == NULL) {
        return status;
    }
    hyl_error_clear(err);
    err->status = status;
    err->flags = HYL_ERROR_FROM_SERVER;
    err->flags |= retryable(diag->sqlstate) ? (unsigned)HYL_ERROR_RETRYABLE : 0;
    hyl__copy_text(err->sqlstate, sizeof err->sqlstate, diag->sqlstate, strlen(diag->sqlstate));
    hyl__copy_text(err->severity, sizeof err->severity, diag->severity, strlen(diag->severity));
    hyl__copy_text(err->message, sizeof err->message, diag->message, strlen(diag->message));
    return status;
}

const hyl_diag *hyl_conn_diag(const hyl_conn *conn)
{
    return conn->has_diag ? &conn->diag : NULL;
}

void hyl_conn_on_notice(hyl_conn *conn, hyl_notice_fn fn, void *ctx)
{
    conn->notice_fn = fn;
    conn->notice_ctx = ctx;
}

void hyl__conn_notice(hyl_conn *conn, const hyl_msg_diag *diag)
{
    if (conn->notice_fn == NULL) {
        return;
    }
    hyl_buf texts = HYL_BUF_INIT;
    hyl_diag notice = make_diag(diag, &texts);
    conn->notice_fn(conn->notice_ctx, &notice);
    hyl_buf_reset(&texts);
}
