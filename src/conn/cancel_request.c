#include "cancel_request.h"

#include <hyperline/wire.h>

static hyl_status write_all(hyl_transport *transport, hyl_bytes bytes, int64_t deadline,
                            hyl_error *err)
{
    while (bytes.len > 0) {
        hyl_iovec iov = {bytes.data, bytes.len};
        size_t put = 0;
        unsigned ready = 0;
        hyl_status status = transport->ops->writev(transport->self, &iov, 1, &put, err);
        if (status == HYL_AGAIN) {
            status = transport->ops->wait(transport->self, HYL_WANT_WRITE, deadline, &ready, err);
        }
        HYL_TRY(status);
        bytes.data += put;
        bytes.len -= put;
    }
    return HYL_OK;
}

/* The server sends nothing; that it closes the stream is its answer. */
static hyl_status wait_for_end(hyl_transport *transport, int64_t deadline, hyl_error *err)
{
    for (;;) {
        uint8_t bytes[16];
        size_t got = 0;
        unsigned ready = 0;
        hyl_status status = transport->ops->read(transport->self, bytes, sizeof bytes, &got, err);
        /* A reset says the same as an orderly end. */
        if (status == HYL_DONE || status == HYL_ERR_CLOSED || status == HYL_ERR_IO) {
            return HYL_OK;
        }
        if (status == HYL_AGAIN) {
            status = transport->ops->wait(transport->self, HYL_WANT_READ, deadline, &ready, err);
        }
        HYL_TRY(status);
    }
}

hyl_status hyl__cancel_request(hyl_transport *transport, int32_t process_id, int32_t secret_key,
                               int64_t deadline, hyl_error *err)
{
    hyl_buf request = HYL_BUF_INIT;
    hyl_status status = hyl_enc_cancel_request(&request, process_id, secret_key, err);
    if (status == HYL_OK) {
        status = write_all(transport, (hyl_bytes){request.data, request.len}, deadline, err);
    }
    if (status == HYL_OK) {
        status = wait_for_end(transport, deadline, err);
    }
    hyl_buf_reset(&request);
    return status;
}

hyl_status hyl__cancel(const hyl__cancel_target *target, int64_t deadline, bool *unsettled,
                       hyl_error *err)
{
    hyl_transport transport = {NULL, NULL};
    HYL_TRY(hyl_transport_open(&target->endpoint, deadline, &transport, err));
    hyl_status status =
        hyl__cancel_request(&transport, target->process_id, target->secret_key, deadline, err);
    hyl_transport_close(&transport);
    if (unsettled != NULL && status < 0) {
        *unsettled = true;
    }
    return status;
}
