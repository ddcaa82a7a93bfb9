/* The transport of a connection or of a cancel: opened, and encrypted where that is wanted. */
#ifndef HYL_CONN_OPEN_H
#define HYL_CONN_OPEN_H

#include "config.h"

/*
 * Errors and blocking: those of hyl_config_open.
 */
hyl_status hyl__open(const hyl_endpoint *endpoint, const hyl__tls_settings *tls, int64_t deadline,
                     hyl_transport *out, hyl_error *err);

/*
 * Starts TLS on a transport that is open, as hyl__open does: asks the server, unless it is to begin
 * at once. `host`: whom the certificate must be for where the settings do not say.
 * Errors: those of hyl_config_open. The transport stays the caller's.
 */
hyl_status hyl__negotiate_tls(hyl_transport *transport, const char *host,
                              const hyl__tls_settings *tls, int64_t deadline, hyl_error *err);

/* Fills in what the transport is for a login: encrypted or not, and what a login can be bound to. */
void hyl__channel_rules(const hyl_transport *transport, hyl__auth_rules *rules);

#endif
