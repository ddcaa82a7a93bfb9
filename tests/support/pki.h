/*
 * A throw-away public key infrastructure: certificates and keys as PEM files in the test folder
 * (support/hyperd.h), signed by each other. Made in the process, with elliptic keys, in a moment.
 * Not there in a build without OpenSSL.
 */
#ifndef HYL_TESTS_SUPPORT_PKI_H
#define HYL_TESTS_SUPPORT_PKI_H

#include <stdbool.h>

typedef struct pki_opts {
    const char *issuer;     /* the name of one that was made before; NULL: itself */
    const char *subject;    /* the common name; NULL: `name` */
    const char *alt_names;  /* as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"; NULL: none */
    bool authority;         /* may sign others */
    bool expired;           /* since yesterday */
    const char *hash;       /* of its signature; NULL: "SHA256" */
    bool ed25519;           /* its key is one of Ed25519, whose signatures name no hash */
    const char *passphrase; /* of its key's file; NULL: none */
} pki_opts;

/* Makes NAME.crt and NAME.key. Fails the test rather than return an error. */
void pki_make(const char *name, const pki_opts *opts);

/* The paths of the files, in buffers that take turns. */
const char *pki_cert(const char *name);
const char *pki_key(const char *name);

/*
 * The usual cast:
 *   ca            the authority that the client trusts
 *   server        of ca, for localhost, 127.0.0.1 and ::1
 *   sha384        the same, signed with SHA-384
 *   ed25519       the same, of a key and a signature of Ed25519 (its own authority: ed25519-ca)
 *   expired       of ca, expired
 *   other-host    of ca, for db.example and 192.0.2.1
 *   self-signed   of nobody, for localhost
 *   deep          of an authority in between, which the server does not show; for localhost
 *   by_cert       of ca: a client
 *   by_cert_locked  the same, with the passphrase PKI_PASSPHRASE on its key
 *   stranger      a client of an authority that nobody trusts
 */
#define PKI_PASSPHRASE "open, Sesame"
void pki_make_all(void);

#endif
