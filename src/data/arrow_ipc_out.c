/* A query's result as the server's own Arrow IPC stream, byte by byte. */
#include <hyperline/arrow.h>

#include "base/error.h"
#include "copy_wrap.h"
#include "query.h"

#include <errno.h>
#include <unistd.h>

/* The end-of-stream marker, which the server leaves out. */
static const uint8_t end_marker[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};

static hyl_status pour(hyl_arrow_sink sink, void *ctx, hyl_bytes piece, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_status status = sink(ctx, piece, &error);
    if (status >= 0) {
        return HYL_OK;
    }
    status = hyl__fail_of_callback(&error, status, "the stream's receiver has failed");
    if (err != NULL) {
        *err = error;
    }
    return status;
}

/* Passes all data on. DONE: the server has ended them in good order. */
static hyl_status pour_all(hyl_copy *copy, hyl_arrow_sink sink, void *ctx, hyl_error *err)
{
    hyl_bytes piece;
    hyl_status status = hyl_copy_read(copy, &piece, err);
    while (status == HYL_OK) {
        status = pour(sink, ctx, piece, err);
        if (status < 0) {
            bool lost = hyl_copy_abort(copy, "", NULL) < 0;
            return hyl__error_flag(err, status, lost ? HYL_ERROR_CONNECTION_LOST : 0);
        }
        status = hyl_copy_read(copy, &piece, err);
    }
    return status;
}

static hyl_status copy_out(hyl_conn *conn, const char *wrapped, hyl_arrow_sink sink, void *ctx,
                           hyl_error *err)
{
    hyl_copy *copy = NULL;
    HYL_TRY(hyl_copy_out_open(conn, wrapped, &copy, err));
    hyl_status status = pour_all(copy, sink, ctx, err);
    hyl_copy_free(copy);
    HYL_TRY(status);
    return pour(sink, ctx, (hyl_bytes){end_marker, sizeof end_marker}, err);
}

hyl_status hyl_arrow_ipc_out(hyl_conn *conn, const char *sql, hyl_arrow_sink sink, void *ctx,
                             hyl_error *err)
{
    hyl_buf text = HYL_BUF_INIT;
    size_t chars = 0;
    if (!hyl__copy_takes(sql)) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "only SELECT, WITH, VALUES and TABLE can be written as an Arrow stream");
    }
    hyl_status status = hyl__copy_wrap(sql, &text, &chars, err);
    if (status == HYL_OK) {
        hyl_buf_append_byte(&text, 0);
        status = hyl_buf_status(&text) < 0
                     ? hyl__fail_nomem(err)
                     : copy_out(conn, (const char *)text.data, sink, ctx, err);
        if (status == HYL_ERR_SERVER || status == HYL_ERR_CANCELLED) {
            hyl__copy_unwrap_diag(conn, chars);
        }
        if (err != NULL) {
            hyl__query_blame(conn, sql, HYL__ADVICE_TEXT, HYL__ADVICE_TEXT, err);
        }
    }
    hyl_buf_reset(&text);
    return status;
}

/* ---- To a descriptor ----------------------------------------------------------------------- */

static hyl_status write_all(void *ctx, hyl_bytes piece, hyl_error *err)
{
    const int fd = *(const int *)ctx;
    while (piece.len > 0) {
        ssize_t written = write(fd, piece.data, piece.len);
        if (written >= 0) {
            piece.data += written;
            piece.len -= (size_t)written;
            continue;
        }
        if (errno != EINTR) {
            return hyl__fail_errno(err, HYL_ERR_IO, errno, "cannot write the Arrow stream");
        }
    }
    return HYL_OK;
}

hyl_status hyl_arrow_ipc_to_fd(hyl_conn *conn, const char *sql, int fd, hyl_error *err)
{
    return hyl_arrow_ipc_out(conn, sql, &write_all, &fd, err);
}
