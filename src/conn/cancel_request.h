/* CancelRequest over a transport of its own. */
#ifndef HYL_CONN_CANCEL_REQUEST_H
#define HYL_CONN_CANCEL_REQUEST_H

#include <hyperline/transport.h>

/*
 * Sends a CancelRequest and waits until the server ends the stream: from then on it can hit nothing
 * that is sent later. The transport stays the caller's. Errors: TIMEOUT, IO, CLOSED, NOMEM.
 */
hyl_status hyl__cancel_request(hyl_transport *transport, int32_t process_id, int32_t secret_key,
                               int64_t deadline, hyl_error *err);

#endif
