/* A few bytes in front of or beside a conversation. */
#ifndef HYL_CONN_WRITE_ALL_H
#define HYL_CONN_WRITE_ALL_H

#include <hyperline/transport.h>

/*
 * Writes all of it, waiting where the peer has no room.
 * Errors: TIMEOUT, and the transport's.
 */
hyl_status hyl__write_all(hyl_transport *transport, hyl_bytes bytes, int64_t deadline,
                          hyl_error *err);

#endif
