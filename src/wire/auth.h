/*
 * The client's side of authentication, without I/O: it takes Authentication messages and gives
 * replies to send. Source: PostgreSQL documentation, "Start-up" and "SASL Authentication"; RFC
 * 5802, RFC 7677 for SCRAM-SHA-256.
 */
#ifndef HYL_WIRE_AUTH_H
#define HYL_WIRE_AUTH_H

#include <hyperline/wire.h>

#include "base/crypto.h"

typedef struct hyl__auth hyl__auth;

/*
 * `password` NULL: none is known. Both strings are copied and wiped by free.
 * Errors: NOMEM.
 */
hyl_status hyl__auth_new(const hyl__crypto *crypto, const char *user, const char *password,
                         hyl__auth **out);
void hyl__auth_free(hyl__auth *auth);

/*
 * Takes one Authentication message and appends the reply, if it wants one, to `reply`. *done
 * becomes true at AuthenticationOk.
 * Errors: AUTH (a password is demanded and none is known: names the method; no mechanism that we
 * speak: lists what was offered; messages out of order; a server signature that is wrong or
 * missing; a method that we do not speak), UNSUPPORTED (crypto is NULL), NOMEM.
 */
hyl_status hyl__auth_step(hyl__auth *auth, const hyl_msg_auth *message, hyl_buf *reply, bool *done,
                          hyl_error *err);

/*
 * The method that the server asked for ("SCRAM-SHA-256", "md5", "password", "trust"), for logs.
 * Never NULL.
 */
const char *hyl__auth_method(const hyl__auth *auth);

#endif
