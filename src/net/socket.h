/* Sockets: the options that every connection has, and the transport over a connected one. */
#ifndef HYL_NET_SOCKET_H
#define HYL_NET_SOCKET_H

#include <hyperline/transport.h>

/* Room for an endpoint as text, the NUL included: a host of 255 bytes, brackets, a port. */
enum { HYL__ENDPOINT_TEXT_MAX = 272 };

/* hyl_endpoint_format into a fixed buffer. */
void hyl__endpoint_text(const hyl_endpoint *endpoint, char text[HYL__ENDPOINT_TEXT_MAX]);

/* True for "localhost" and the loopback addresses: what is sent there never leaves this machine. */
bool hyl__is_loopback(const hyl_endpoint *endpoint);

/* Closes `fd` if it is one (0 or more); errno stays as it was. */
void hyl__close_fd(int fd);

/*
 * Waits until the descriptor is ready for `events` (POLLIN, POLLOUT), has failed or was hung up.
 * OK with *revents; TIMEOUT at the deadline and IO where poll fails, both without a message.
 */
hyl_status hyl__poll_fd(int fd, short events, int64_t deadline_ms, short *revents);

/*
 * A transport over a connected, non-blocking, close-on-exec stream socket. `name` is what messages
 * call the other side. Errors: NOMEM (the descriptor stays the caller's).
 */
hyl_status hyl__socket_transport(int fd, const char *name, hyl_transport *out, hyl_error *err);

/*
 * Says that at least so many bytes are sure to come. A wait for reading then may go on until they
 * are there, or enough of them, instead of waking for each piece; at its deadline it looks for
 * whatever has come. Holds until it is called again. 0 and 1: nothing is known. Of a transport that
 * is no socket it means nothing.
 */
void hyl__socket_expect(const hyl_transport *transport, size_t bytes);

/*
 * Connects to one kind of endpoint. *out gets a connected, non-blocking, close-on-exec descriptor.
 * Errors and blocking: those of hyl_transport_open.
 */
hyl_status hyl__tcp_connect(const hyl_endpoint *endpoint, int64_t deadline_ms, int *out,
                            hyl_error *err);
hyl_status hyl__unix_connect(const hyl_endpoint *endpoint, int64_t deadline_ms, int *out,
                             hyl_error *err);

#endif
