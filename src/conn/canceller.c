/* Stopping a statement from outside of the thread that waits for it. */
#include "conn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

struct hyl_canceller {
    hyl__cancel_target target;
};

hyl_status hyl_canceller_new(const hyl_conn *conn, hyl_canceller **out, hyl_error *err)
{
    hyl__cancel_target target;
    HYL_TRY(hyl__conn_cancel_target(conn, &target, err));
    hyl_canceller *canceller = hyl__malloc(sizeof *canceller);
    if (canceller == NULL) {
        return hyl__fail_nomem(err);
    }
    canceller->target = target;
    *out = canceller;
    return HYL_OK;
}

hyl_status hyl_cancel(const hyl_canceller *canceller, int64_t timeout_ms, hyl_error *err)
{
    return hyl__cancel(&canceller->target, hyl__deadline_in(timeout_ms), NULL, err);
}

void hyl_canceller_free(hyl_canceller *canceller)
{
    hyl__free(canceller);
}
