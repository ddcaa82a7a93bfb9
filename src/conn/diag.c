#include "conn.h"

#include "wire/diag.h"

void hyl__conn_clear_diag(hyl_conn *conn)
{
    conn->has_diag = false;
    hyl_buf_clear(&conn->diag_text);
}

static const char *or_default(hyl_str text, const char *fallback)
{
    return text.len > 0 ? text.data : fallback;
}

/* A diagnosis for the user, its texts in `texts`; without memory it has the defaults only. */
static hyl_diag make_diag(const hyl_msg_diag *message, hyl_buf *texts, const char *severity,
                          const char *text)
{
    hyl_msg_diag copy;
    (void)hyl__diag_copy(message, texts, &copy);
    return (hyl_diag){
        .severity = or_default(copy.severity, severity),
        .sqlstate = or_default(copy.sqlstate, "00000"),
        .message = or_default(copy.message, text),
        .detail = or_default(copy.detail, ""),
        .hint = or_default(copy.hint, ""),
        .blame = or_default(copy.blame, ""),
        .position = copy.position,
    };
}

void hyl__conn_set_diag(hyl_conn *conn, const hyl_msg_diag *message)
{
    conn->diag = make_diag(message, &conn->diag_text, "ERROR", "unknown error");
    conn->has_diag = true;
}

hyl_status hyl__conn_fail_server(const hyl_conn *conn, hyl_error *err)
{
    const hyl_diag *diag = &conn->diag;
    const hyl_msg_diag message = {
        .severity = hyl_str_of(diag->severity),
        .sqlstate = hyl_str_of(diag->sqlstate),
        .message = hyl_str_of(diag->message),
    };
    hyl_status status = hyl__fail_server(err, &message);
    if (strcmp(diag->sqlstate, "57014") == 0) {
        status = HYL_ERR_CANCELLED;
        if (err != NULL) {
            err->status = status;
        }
    }
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
    hyl_diag notice = make_diag(diag, &texts, "NOTICE", "");
    conn->notice_fn(conn->notice_ctx, &notice);
    hyl_buf_reset(&texts);
}
