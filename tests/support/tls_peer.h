/*
 * A TLS server in memory: a transport whose other end is OpenSSL in the same thread. It works when
 * the client reads or writes; no descriptor, no thread, no clock. A wait for something that will
 * not come is TIMEOUT at once. Not there in a build without OpenSSL.
 */
#ifndef HYL_TESTS_SUPPORT_TLS_PEER_H
#define HYL_TESTS_SUPPORT_TLS_PEER_H

#include <hyperline/transport.h>

#if HYL_WITH_OPENSSL

#include <openssl/ssl.h>

typedef struct tls_peer {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in;         /* what the client has written */
    BIO *out;        /* what it will read */
    hyl_buf heard;   /* decrypted */
    size_t read_max; /* the most that one call gives or takes; 0: no bound */
    size_t write_max;
    size_t hold;  /* how many bytes it takes in before it is full; 0: no bound */
    bool deaf;    /* takes nothing in from its own buffer: `hold` fills up */
    bool stutter; /* every other call gives AGAIN */
    unsigned turn;
    /* What it answers to the first eight bytes, an SSLRequest, which it keeps; NULL: TLS begins at
     * once. */
    const char *greeting;
    size_t greeting_len;
    uint8_t request[8];
    size_t request_len;
    bool ended;      /* the stream ends once all was read */
    int heard_alert; /* SSL_ERROR_ZERO_RETURN came: the client has said that it ends */
} tls_peer;

/* With the certificate `name` of the pki. */
void tls_peer_init(tls_peer *peer, const char *name);
void tls_peer_reset(tls_peer *peer);
/* The client's end. One at a time; closing it leaves the peer. */
hyl_transport tls_peer_transport(tls_peer *peer);

/* Encrypts and sends; after the handshake only. */
void tls_peer_say(tls_peer *peer, const void *data, size_t len);
/* Sends bytes that are no TLS. */
void tls_peer_inject(tls_peer *peer, const void *data, size_t len);
/* Decrypts what the client has sent so far into peer->heard. */
void tls_peer_work(tls_peer *peer);
/* Ends the stream, after saying so, or without a word. */
void tls_peer_end(tls_peer *peer, bool announced);

#endif

#endif
