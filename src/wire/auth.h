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

/* What a server may demand: X(NAME, bit, the name that require_auth has for it). */
#define HYL__AUTH_METHOD_MAP(X)  \
    X(NONE, 1, "none")           \
    X(PASSWORD, 2, "password")   \
    X(MD5, 4, "md5")             \
    X(SCRAM, 8, "scram-sha-256") \
    X(GSS, 16, "gss")            \
    X(SSPI, 32, "sspi")          \
    X(CREDS, 64, "creds")

enum {
#define HYL__AUTH_METHOD(name, bit, text) HYL__AUTH_##name = (bit),
    HYL__AUTH_METHOD_MAP(HYL__AUTH_METHOD)
#undef HYL__AUTH_METHOD
        HYL__AUTH_ANY = 127
};

typedef enum hyl__channel_binding {
    HYL__BINDING_DISABLE,
    HYL__BINDING_PREFER,
    HYL__BINDING_REQUIRE
} hyl__channel_binding;

enum { HYL__END_POINT_MAX = 64 };

/* What the client agrees to. Zeroed: everything, without channel binding. */
typedef struct hyl__auth_rules {
    unsigned allowed;     /* HYL__AUTH_... bits; 0: any */
    bool no_cleartext;    /* others may read the channel: a password does not go there as it is */
    bool encrypted;       /* it is TLS */
    bool mapped_password; /* SCRAM: the password's form is Hyper's (saslprep.h) */
    hyl__channel_binding binding;
    /* tls-server-end-point (RFC 5929) of the channel; no bytes: it has none */
    uint8_t end_point[HYL__END_POINT_MAX];
    size_t end_point_len;
} hyl__auth_rules;

/*
 * `password` NULL: none is known. Both strings are copied and wiped by free.
 * Errors: NOMEM.
 */
hyl_status hyl__auth_new(const hyl__crypto *crypto, const char *user, const char *password,
                         hyl__auth **out);
void hyl__auth_free(hyl__auth *auth);

/* Before the first step; copied. */
void hyl__auth_set_rules(hyl__auth *auth, const hyl__auth_rules *rules);

/*
 * Takes one Authentication message and appends the reply, if it wants one, to `reply`. *done
 * becomes true at AuthenticationOk. AGAIN: the reply takes long to make; hyl__auth_work is to be
 * called until it gives something else.
 * Errors: AUTH (a password is demanded and none is known: names the method; no mechanism that we
 * speak: lists what was offered; messages out of order; a server signature that is wrong or
 * missing; a method that we do not speak, or that the rules do not allow), UNSUPPORTED (crypto is NULL), NOMEM.
 */
hyl_status hyl__auth_step(hyl__auth *auth, const hyl_msg_auth *message, hyl_buf *reply, bool *done,
                          hyl_error *err);

/*
 * Works some milliseconds on the reply. OK once it is appended; AGAIN.
 * Errors: AUTH, NOMEM.
 */
hyl_status hyl__auth_work(hyl__auth *auth, hyl_buf *reply, hyl_error *err);

/*
 * The method that the server asked for ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "md5", "password",
 * "trust"), for logs.
 * Never NULL.
 */
const char *hyl__auth_method(const hyl__auth *auth);

#endif
