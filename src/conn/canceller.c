/* Stopping a statement from outside of the thread that waits for it. */
#include "conn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

struct hyl_canceller {
    hyl__cancel_target target;
    hyl_config *config; /* own copy: the target views it */
};

/* Makes the views of the target those of a copy of the config, which outlives the connection's. */
static hyl_status own_config(hyl_canceller *canceller, const hyl_conn *conn, hyl_error *err)
{
    hyl__settings settings;
    HYL_TRY(hyl__config_copy(conn->config, &canceller->config, err));
    /* Not for other threads. */
    hyl__config_set_why_gone(canceller->config, NULL, NULL, NULL, NULL);
    HYL_TRY(hyl__config_settings(canceller->config, &settings, err));
    settings.tls.mode = conn->settings.tls.mode;
    canceller->target.tls = settings.tls;
    return HYL_OK;
}

hyl_status hyl_canceller_new(const hyl_conn *conn, hyl_canceller **out, hyl_error *err)
{
    hyl__cancel_target target;
    HYL_TRY(hyl__conn_cancel_target(conn, &target, err));
    hyl_canceller *canceller = hyl__calloc(1, sizeof *canceller);
    if (canceller == NULL) {
        return hyl__fail_nomem(err);
    }
    canceller->target = target;
    hyl_status status = own_config(canceller, conn, err);
    if (status < 0) {
        hyl_canceller_free(canceller);
        return status;
    }
    *out = canceller;
    return HYL_OK;
}

hyl_status hyl_cancel(const hyl_canceller *canceller, int64_t timeout_ms, hyl_error *err)
{
    return hyl__cancel(&canceller->target, hyl__deadline_in(timeout_ms), NULL, err);
}

void hyl_canceller_free(hyl_canceller *canceller)
{
    if (canceller != NULL) {
        hyl_config_free(canceller->config);
        hyl__free(canceller);
    }
}
