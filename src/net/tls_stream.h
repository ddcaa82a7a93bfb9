/*
 * What lies under OpenSSL: the transport below as an OpenSSL BIO. Its own socket BIO would raise
 * SIGPIPE and knows descriptors only.
 *
 * What OpenSSL writes is collected here and sent on when the transport below has room, so that
 * OpenSSL itself never waits in order to write. Everybody who reads, writes or waits pushes it on.
 */
#ifndef HYL_NET_TLS_STREAM_H
#define HYL_NET_TLS_STREAM_H

#include <hyperline/transport.h>

#include <openssl/bio.h>

enum {
    /* How much plaintext one write takes: four full records. */
    HYL__TLS_WRITE_MAX = 65536,
    /* How much may wait to be sent; only a peer that asks for answers and reads none gets there. */
    HYL__TLS_UNSENT_MAX = 262144,
    /* How much one call of OpenSSL's may take in: far more than a record. It works on as long as
     * more comes, where a peer sends nothing but what TLS passes over, and knows no deadline. */
    HYL__TLS_READ_MAX = 262144
};

typedef struct hyl__tls_stream {
    hyl_transport below;
    BIO_METHOD *method;
    hyl_buf unsent; /* ciphertext, from unsent_pos on */
    size_t unsent_pos;
    size_t may_read;       /* bytes, until hyl__tls_stream_begin is called again */
    bool read_end;         /* the stream below has ended */
    hyl_status read_error; /* below 0: reading below has failed, and `error` says why */
    hyl_status write_error;
    hyl_error error;
} hyl__tls_stream;

/*
 * The stream does not own `below`; its owner closes it. *bio is the caller's.
 * Errors: NOMEM.
 */
hyl_status hyl__tls_stream_init(hyl__tls_stream *stream, const hyl_transport *below, BIO **bio);
/* After the BIO was freed. */
void hyl__tls_stream_reset(hyl__tls_stream *stream);

/*
 * Before each call of OpenSSL's that reads. Where it has used up what it may take in, it is told that
 * nothing is there now, and the caller, which asks the stream below, can look at its deadline.
 */
static inline void hyl__tls_stream_begin(hyl__tls_stream *stream)
{
    stream->may_read = HYL__TLS_READ_MAX;
}

/*
 * Sends what waits. OK where nothing is left, AGAIN where the transport below has no room now.
 * Errors: what it said (in stream->error), for good.
 */
hyl_status hyl__tls_stream_flush(hyl__tls_stream *stream);

#endif
