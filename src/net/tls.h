/* TLS from the inside: what authentication binds itself to. */
#ifndef HYL_NET_TLS_H
#define HYL_NET_TLS_H

#include <hyperline/transport.h>

enum { HYL__TLS_END_POINT_MAX = 64 };

/*
 * The channel binding tls-server-end-point (RFC 5929): the hash of the server's certificate. *len
 * is 0 where there is none: the transport is no TLS, or the certificate's signature names no hash
 * (Ed25519), for which the RFC defines none.
 */
void hyl__tls_server_end_point(const hyl_transport *transport, uint8_t out[HYL__TLS_END_POINT_MAX],
                               size_t *len);

#endif
