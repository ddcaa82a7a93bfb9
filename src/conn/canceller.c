/* Stopping a statement from outside of the thread that waits for it. */
#include "conn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "cancel_request.h"

/* All that a CancelRequest needs; nothing of it changes while the connection lives. */
struct hyl_canceller {
    hyl_endpoint endpoint;
    int32_t process_id;
    int32_t secret_key;
};

hyl_status hyl_canceller_new(const hyl_conn *conn, hyl_canceller **out, hyl_error *err)
{
    if (!conn->session.has_key || conn->settings.endpoint.kind == HYL_ENDPOINT_NONE) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED, "this connection cannot be cancelled");
    }
    hyl_canceller *canceller = hyl__malloc(sizeof *canceller);
    if (canceller == NULL) {
        return hyl__fail_nomem(err);
    }
    *canceller = (hyl_canceller){conn->settings.endpoint, conn->session.process_id,
                                 conn->session.secret_key};
    *out = canceller;
    return HYL_OK;
}

hyl_status hyl_cancel(const hyl_canceller *canceller, int64_t timeout_ms, hyl_error *err)
{
    int64_t deadline = hyl__deadline_in(timeout_ms);
    hyl_transport transport = {NULL, NULL};
    HYL_TRY(hyl_transport_open(&canceller->endpoint, deadline, &transport, err));
    hyl_status status = hyl__cancel_request(&transport, canceller->process_id,
                                            canceller->secret_key, deadline, err);
    hyl_transport_close(&transport);
    return status;
}

void hyl_canceller_free(hyl_canceller *canceller)
{
    hyl__free(canceller);
}
