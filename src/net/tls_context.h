/* What a TLS connection is made from: whom it trusts, who it is, what it accepts. */
#ifndef HYL_NET_TLS_CONTEXT_H
#define HYL_NET_TLS_CONTEXT_H

#include <hyperline/transport.h>

#include <openssl/ssl.h>

/* How much is received by one call. */
enum { HYL__TLS_READ_AHEAD = 65536 };

/*
 * Reads the files that the options name. The certificates that a system trusts take some MB until
 * hyl__tls_context_forget_roots.
 * Errors: TLS (a file cannot be used: its name and why), ARG, NOMEM.
 */
hyl_status hyl__tls_context_new(const hyl_tls_opts *opts, SSL_CTX **out, hyl_error *err);

/* Frees whom it trusts: after the handshake nobody is asked any more. */
void hyl__tls_context_forget_roots(SSL_CTX *context);

/* OpenSSL's reason for the first failure since ERR_clear_error, in words; empties its queue. */
void hyl__tls_reason(char *text, size_t cap);

#endif
