/* A statement's result as a stream of Arrow record batches: a COPY's, or rows and arrays of them. */
#include <hyperline/arrow.h>

#include "base/error.h"

#if HYL_WITH_ARROW

#include "arrow_copy.h"
#include "arrow_rows.h"
#include "base/opts.h"
#include "query.h"
#include "transfer.h"

/* A statement and how its stream is to be. */
typedef struct request {
    hyl_conn *conn;
    const char *sql;
    hyl_transfer transfer; /* not DEFAULT */
    bool realign;
} request;

/* ---- Rows ------------------------------------------------------------------------------------ */

static hyl_status stream_rows(const request *req, hyl_result *result, struct ArrowArrayStream *out,
                              hyl_error *err)
{
    hyl_status status = hyl__result_to_arrow(result, req->realign, out, err);
    if (status < 0) {
        hyl_result_free(result);
    }
    return status;
}

static hyl_status open_rows(const request *req, struct ArrowArrayStream *out, hyl_error *err)
{
    hyl_result *result = NULL;
    hyl_query_opts opts = HYL_QUERY_OPTS_INIT;
    opts.transfer = HYL_TRANSFER_ROWS;
    HYL_TRY(hyl_query_with(req->conn, req->sql, &opts, &result, err));
    return stream_rows(req, result, out, err);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static hyl_status open_copy(const request *req, struct ArrowArrayStream *out, hyl_error *err)
{
    hyl__arrow_copy *copy = NULL;
    HYL_TRY(hyl__arrow_copy_open(req->conn, req->sql, "an Arrow stream", &copy, err));
    if (req->realign && hyl__stream_want_aligned(&copy->stream) < 0) {
        hyl__arrow_copy_free(copy);
        return hyl__fail_nomem(err);
    }
    copy->advice = HYL__ADVICE_TEXT;
    hyl__stream_export(&copy->stream, out);
    return HYL_OK;
}

/* Sends the error on, which a COPY may have because of what Arrow lacks. */
static hyl_status end_copy(const request *req, hyl_status status, hyl_error *error, hyl_error *err)
{
    hyl__query_blame(req->conn, req->sql, HYL__ADVICE_ROWS, HYL__ADVICE_TEXT, error);
    if (status < 0 && err != NULL) {
        *err = *error;
    }
    return status;
}

static hyl_status open_copy_or_rows(const request *req, struct ArrowArrayStream *out,
                                    hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_status status = open_copy(req, out, &error);
    if (status < 0 && hyl__transfer_may_change(req->conn, req->transfer, &error)) {
        return open_rows(req, out, err);
    }
    return end_copy(req, status, &error, err);
}

/*
 * What Arrow lacks must not fail the transaction. Rows lack no value, and the arrays that are made
 * of them fail alone.
 */
static hyl_status open_in_transaction(const request *req, struct ArrowArrayStream *out,
                                      hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    hyl_result *result = NULL;
    HYL_TRY(hyl__query_lacking(req->conn, req->sql, &result, err));
    if (result != NULL) {
        return stream_rows(req, result, out, err);
    }
    return end_copy(req, open_copy(req, out, &error), &error, err);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static hyl_status read_request(hyl_conn *conn, const char *sql, const hyl_arrow_opts *given,
                               request *out, hyl_error *err)
{
    hyl_arrow_opts opts = HYL_ARROW_OPTS_INIT;
    HYL_TRY(hyl__opts_read(&opts, sizeof opts, given, "HYL_ARROW_OPTS_INIT", err));
    *out = (request){conn, sql, opts.transfer, opts.realign};
    HYL_TRY(hyl__transfer_choose(conn, opts.transfer, &out->transfer, err));
    if (!hyl__conn_is_postgresql(conn) && hyl__copy_takes(sql)) {
        return HYL_OK;
    }
    if (opts.transfer == HYL_TRANSFER_ARROW) {
        return hyl__fail(
            err, HYL_ERR_ARG,
            "only Hyper sends Arrow, and only what SELECT, WITH, VALUES and TABLE return");
    }
    out->transfer = HYL_TRANSFER_ROWS;
    return HYL_OK;
}

hyl_status hyl_query_arrow(hyl_conn *conn, const char *sql, const hyl_arrow_opts *opts,
                           struct ArrowArrayStream *out, hyl_error *err)
{
    request req;
    HYL_TRY(read_request(conn, sql, opts, &req, err));
    if (req.transfer == HYL_TRANSFER_ROWS) {
        return open_rows(&req, out, err);
    }
    HYL_TRY(hyl__conn_begin(conn, err));
    return req.transfer == HYL_TRANSFER_AUTO && hyl_conn_tx(conn) != HYL_TX_IDLE
               ? open_in_transaction(&req, out, err)
               : open_copy_or_rows(&req, out, err);
}

#else

hyl_status hyl_query_arrow(hyl_conn *conn, const char *sql, const hyl_arrow_opts *opts,
                           struct ArrowArrayStream *out, hyl_error *err)
{
    (void)conn;
    (void)sql;
    (void)opts;
    (void)out;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

hyl_status hyl_result_to_arrow(hyl_result *result, struct ArrowArrayStream *out, hyl_error *err)
{
    (void)result;
    (void)out;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

const hyl_error *hyl_stream_error(const struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

#endif
