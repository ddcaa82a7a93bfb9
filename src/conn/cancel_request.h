/* CancelRequest over a transport of its own. The one place where such a transport is opened. */
#ifndef HYL_CONN_CANCEL_REQUEST_H
#define HYL_CONN_CANCEL_REQUEST_H

#include "config.h"

/*
 * Sends a CancelRequest and waits until the server ends the stream: from then on it can hit nothing
 * that is sent later. The transport stays the caller's. Errors: TIMEOUT, PROTOCOL (the server sends
 * data there, more than an error's text), IO, CLOSED, NOMEM.
 */
hyl_status hyl__cancel_request(hyl_transport *transport, int32_t process_id, int32_t secret_key,
                               int64_t deadline, hyl_error *err);

/* Whom to ask and what to show: nothing of it changes while a connection lives. */
typedef struct hyl__cancel_target {
    hyl_endpoint endpoint;
    hyl__tls_settings tls; /* views of the config's strings */
    int32_t process_id;
    int32_t secret_key;
} hyl__cancel_target;

/*
 * The same over a transport that is opened for it and closed. *unsettled (may be NULL) says of a
 * failure whether the request may be on its way and could still hit a later statement.
 * Errors: TIMEOUT, PROTOCOL, IO, CLOSED, TLS, NOMEM.
 */
hyl_status hyl__cancel(const hyl__cancel_target *target, int64_t deadline, bool *unsettled,
                       hyl_error *err);

#endif
