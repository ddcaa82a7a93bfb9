#include "cancel_request.h"

#include "base/clock.h"
#include "base/error.h"
#include "open.h"
#include "write_all.h"

#include <hyperline/wire.h>

/* An error's text may come before the end, as from a pooler that stands between. */
enum { WORDS_MAX = 4096 };

/* Bytes have come. A peer that never pauses is never waited for: the deadline holds for it too. */
static hyl_status check_words(size_t total, int64_t deadline, hyl_error *err)
{
    if (total > WORDS_MAX) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "the server sends data on a connection for a cancel, where nothing but "
                         "its end is to come");
    }
    if (hyl__deadline_left(deadline) == 0) {
        return hyl__fail(err, HYL_ERR_TIMEOUT,
                         "the server did not end the connection for a cancel before the deadline");
    }
    return HYL_OK;
}

/* The server sends nothing; that it closes the stream is its answer. */
static hyl_status wait_for_end(hyl_transport *transport, int64_t deadline, hyl_error *err)
{
    size_t total = 0;
    for (;;) {
        uint8_t bytes[512];
        size_t got = 0;
        unsigned ready = 0;
        hyl_status status = transport->ops->read(transport->self, bytes, sizeof bytes, &got, err);
        /* A reset says the same as an orderly end. */
        if (status == HYL_DONE || status == HYL_ERR_CLOSED || status == HYL_ERR_IO) {
            return HYL_OK;
        }
        if (status == HYL_AGAIN) {
            status = transport->ops->wait(transport->self, HYL_WANT_READ, deadline, &ready, err);
        } else if (status == HYL_OK) {
            total += got;
            status = check_words(total, deadline, err);
        }
        HYL_TRY(status);
    }
}

static hyl_status send_and_wait(hyl_transport *transport, const hyl_buf *request, int64_t deadline,
                                hyl_error *err)
{
    HYL_TRY(hyl__write_all(transport, (hyl_bytes){request->data, request->len}, deadline, err));
    return wait_for_end(transport, deadline, err);
}

hyl_status hyl__cancel_request(hyl_transport *transport, int32_t process_id, int32_t secret_key,
                               int64_t deadline, hyl_error *err)
{
    hyl_buf request = HYL_BUF_INIT;
    hyl_status status = hyl_enc_cancel_request(&request, process_id, secret_key, err);
    if (status == HYL_OK) {
        status = send_and_wait(transport, &request, deadline, err);
    }
    hyl_buf_reset(&request);
    return status;
}

hyl_status hyl__cancel(const hyl__cancel_target *target, int64_t deadline, bool *unsettled,
                       hyl_error *err)
{
    hyl_transport transport = {NULL, NULL};
    hyl_buf request = HYL_BUF_INIT;
    /* Made first: from here on a failure may mean that it is on its way. */
    HYL_TRY(hyl_enc_cancel_request(&request, target->process_id, target->secret_key, err));
    hyl_status status = hyl__open(&target->endpoint, &target->tls, deadline, &transport, err);
    if (status == HYL_OK) {
        status = send_and_wait(&transport, &request, deadline, err);
        if (unsettled != NULL && status < 0) {
            *unsettled = true;
        }
    }
    hyl_transport_close(&transport);
    hyl_buf_reset(&request);
    return status;
}
