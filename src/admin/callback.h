/*
 * The connection that hyperd makes to its launcher: it carries the endpoint that hyperd listens on,
 * and hyperd ends when it is closed. One frame comes: a byte with the length of what follows, the
 * endpoint as text, a NUL.
 */
#ifndef HYL_ADMIN_CALLBACK_H
#define HYL_ADMIN_CALLBACK_H

#include <hyperline/transport.h>

typedef struct hyl__callback {
    int listener; /* -1: none */
    int fd;       /* the accepted connection, -1: none */
    char url[160];
    char path[108]; /* of the unix socket, "" for TCP */
} hyl__callback;

#define HYL__CALLBACK_NONE \
    {                      \
        -1, -1, "", ""     \
    }

/*
 * Listens: in `folder` by unix socket, or on a free port of 127.0.0.1 where it is NULL. hyperd then
 * names the endpoint of the same kind, where it has one of each. Errors: IO, ARG (a path that is
 * too long).
 */
hyl_status hyl__callback_listen(hyl__callback *callback, const char *folder, hyl_error *err);

/*
 * Waits for the connection and reads its frame. A connection that sends no whole frame is dropped;
 * by unix socket one of another user's, too. (By TCP the first whole frame counts, whoever sent
 * it.) The listener is closed on success. `exit_fd` becomes readable when the server has ended.
 * Errors: CLOSED (exit_fd became readable), TIMEOUT, PROTOCOL (the frame has no endpoint), IO.
 */
hyl_status hyl__callback_accept(hyl__callback *callback, int exit_fd, int64_t deadline_ms,
                                hyl_endpoint *out, hyl_error *err);

/* Closes what is open, which ends the server, and removes the socket's file. */
void hyl__callback_close(hyl__callback *callback);
/* The same in a forked child: the file and the connection stay the parent's. */
void hyl__callback_forget(hyl__callback *callback);

#endif
