/*
 * Transports: a byte stream to a server behind one small table of functions. TCP, unix socket, TLS
 * on top of any of them and an in-memory scripted peer come with the library; an own one is a
 * hyl_transport_ops and a pointer.
 */
#ifndef HYPERLINE_TRANSPORT_H
#define HYPERLINE_TRANSPORT_H

#include <hyperline/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HYL_WANT_READ = 1,
    HYL_WANT_WRITE = 2,
};

/* A piece of what is to be sent. */
typedef struct hyl_iovec {
    const void *data;
    size_t len;
} hyl_iovec;

/* No function blocks but `wait`. After any error but TIMEOUT the stream is unusable. */
typedef struct hyl_transport_ops {
    /*
     * OK: 1..cap bytes are in dst. DONE: the peer has ended the stream. AGAIN: nothing now.
     * Errors: IO, CLOSED, TLS.
     */
    hyl_status (*read)(void *self, void *dst, size_t cap, size_t *got, hyl_error *err);
    /*
     * OK: at least one byte was taken (*put says how many). AGAIN: no room now.
     * Errors: IO, CLOSED, TLS. Never raises SIGPIPE.
     */
    hyl_status (*writev)(void *self, const hyl_iovec *iov, int count, size_t *put, hyl_error *err);
    /*
     * Waits until one of `wants` (HYL_WANT_...) is possible, or the end of the stream or an error
     * can be read. `deadline_ms` is a point on CLOCK_MONOTONIC in milliseconds; INT64_MAX means for
     * ever. *ready gets what is possible.
     * Errors: TIMEOUT, IO.
     */
    hyl_status (*wait)(void *self, unsigned wants, int64_t deadline_ms, unsigned *ready,
                       hyl_error *err);
    /* True where bytes can be read although the descriptor may not be readable. */
    bool (*pending)(void *self);
    /* The descriptor to poll, -1 where there is none. */
    int (*fd)(void *self);
    /* Closes and frees `self`. */
    void (*close)(void *self);
} hyl_transport_ops;

/* A transport, owned by whoever holds it. Zeroed memory is none. */
typedef struct hyl_transport {
    const hyl_transport_ops *ops;
    void *self;
} hyl_transport;

/* Closes and forgets; none and a second time are allowed. */
HYL_API void hyl_transport_close(hyl_transport *transport);

/* ---- Endpoints ----------------------------------------------------------------------------- */

typedef enum hyl_endpoint_kind {
    HYL_ENDPOINT_NONE = 0,
    HYL_ENDPOINT_TCP = 1,
    HYL_ENDPOINT_UNIX = 2
} hyl_endpoint_kind;

/* Where a server listens. */
typedef struct hyl_endpoint {
    hyl_endpoint_kind kind;
    uint16_t port;  /* TCP */
    char host[256]; /* TCP: a name, an IPv4 address, or an IPv6 address without brackets */
    char path[108]; /* UNIX: the socket's path, as long as the system allows */
} hyl_endpoint;

/*
 * Parses `host:port`, `[::1]:port`, `tab.tcp://host:port`, `tab.domain://DIR/domain/NAME` (the
 * socket is DIR/NAME) or `/path/to/socket`.
 * Errors: ARG, naming what is wrong.
 */
HYL_API HYL_NODISCARD hyl_status hyl_endpoint_parse(const char *text, hyl_endpoint *out,
                                                    hyl_error *err);
/* Appends the endpoint as hyl_endpoint_parse reads it: `host:port` or the socket's path. */
HYL_API void hyl_endpoint_format(const hyl_endpoint *endpoint, hyl_buf *out);

/* ---- Opening ------------------------------------------------------------------------------- */

/*
 * Connects. All addresses of a name are tried in turn until one answers. TCP: no delay, keepalive.
 * The descriptor is close-on-exec. `deadline_ms` is a point on CLOCK_MONOTONIC in milliseconds,
 * INT64_MAX for none.
 * Errors: IO (refused, no such host or socket; the message has the endpoint), TIMEOUT, ARG.
 * Blocks: until connected or the deadline; the resolution of a name that is no address blocks too,
 * and cannot be interrupted.
 */
HYL_API HYL_NODISCARD hyl_status hyl_transport_open(const hyl_endpoint *endpoint,
                                                    int64_t deadline_ms, hyl_transport *out,
                                                    hyl_error *err);

/*
 * Wraps a connected stream socket, which becomes non-blocking and close-on-exec; the transport owns
 * it from then on.
 * Errors: IO (no stream socket), NOMEM (the descriptor stays the caller's).
 */
HYL_API HYL_NODISCARD hyl_status hyl_transport_from_fd(int fd, hyl_transport *out, hyl_error *err);

/* ---- TLS ----------------------------------------------------------------------------------- */

/* What the server's certificate must prove. */
typedef enum hyl_tls_verify {
    HYL_TLS_VERIFY_FULL = 0, /* that a trusted authority made it for `server_name` */
    HYL_TLS_VERIFY_CA = 1,   /* that a trusted authority made it, for whomever */
    HYL_TLS_VERIFY_NONE = 2  /* nothing: whoever stands between can read and change everything */
} hyl_tls_verify;

typedef enum hyl_tls_version { HYL_TLS_1_2 = 0, HYL_TLS_1_3 = 1 } hyl_tls_version;

/* Zero and NULL mean the default everywhere. Nothing is kept: the strings need to live during
 * hyl_transport_start_tls only. */
typedef struct hyl_tls_opts {
    size_t struct_size;
    hyl_tls_verify verify;
    hyl_tls_version min_version;
    /* The host name or IP address that the certificate must be for; a name is also sent to the
     * server (SNI). VERIFY_FULL needs one. */
    const char *server_name;
    const char *ca_file;        /* PEM: whom to trust; NULL: whom the system trusts */
    const char *cert_file;      /* PEM: the client's own certificate and its chain; NULL: none */
    const char *key_file;       /* PEM: its key; NULL: cert_file has it */
    const char *key_passphrase; /* NULL: none; it is never asked for on a terminal */
    const char *alpn;           /* the one protocol to offer, as in "postgresql"; NULL: none */
    bool alpn_required;         /* a server that does not agree to it is refused */
} hyl_tls_opts;

#define HYL_TLS_OPTS_INIT                                                                     \
    {                                                                                         \
        sizeof(hyl_tls_opts), HYL_TLS_VERIFY_FULL, HYL_TLS_1_2, NULL, NULL, NULL, NULL, NULL, \
            NULL, false                                                                       \
    }

/*
 * Starts TLS as its client on any transport: shakes hands, checks the server's certificate, and
 * makes *transport the encrypted stream, which owns the one below. Server and client agree
 * beforehand that TLS comes now (hyl_config_open does that as PostgreSQL wants it). The end of the
 * stream is DONE where the peer announced it, and CLOSED where the stream was cut off. At most
 * 64 kB that a write has taken may still wait for the next call.
 * Errors: TLS (the handshake failed; the certificate is refused, with the reason; a file cannot be
 * used, and its name), TIMEOUT, CLOSED, IO, ARG, NOMEM, UNSUPPORTED (a build without OpenSSL). Then
 * *transport is as it was, and the stream is good for nothing but closing.
 * Blocks: until the handshake is over, at most to `deadline_ms`.
 */
HYL_API HYL_NODISCARD hyl_status hyl_transport_start_tls(hyl_transport *transport,
                                                         const hyl_tls_opts *opts,
                                                         int64_t deadline_ms, hyl_error *err);

/* What was agreed on. Lifetime of the strings: the transport's. */
typedef struct hyl_tls_info {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
    const char *alpn;    /* "" where the server chose none */
    bool verified;       /* the server's certificate was checked: its chain at least */
} hyl_tls_info;

/* False, and nothing is said, where the transport is not one of hyl_transport_start_tls. */
HYL_API bool hyl_transport_tls_info(const hyl_transport *transport, hyl_tls_info *out);

/* ---- The in-memory peer -------------------------------------------------------------------- */

/*
 * A peer that says what it was told to say, for tests: no descriptor, no thread, no clock. It
 * outlives its transport; a wait for something that will never come is TIMEOUT at once.
 */
typedef struct hyl_mem_peer hyl_mem_peer;

HYL_API HYL_NODISCARD hyl_status hyl_mem_peer_new(hyl_mem_peer **out);
HYL_API void hyl_mem_peer_free(hyl_mem_peer *peer);
/* The client's side. One at a time. */
HYL_API hyl_transport hyl_mem_peer_transport(hyl_mem_peer *peer);
/*
 * Adds bytes that the client can read once it has written `after` bytes more than at the point
 * where the step before this one was reached (0: at once after it). The bytes are copied. A
 * connection on which an answer can be read before the request was sent is out of step: let a
 * server's answers come after their requests.
 */
HYL_API HYL_NODISCARD hyl_status hyl_mem_peer_reply(hyl_mem_peer *peer, size_t after,
                                                    hyl_bytes bytes);
/* After what was added so far the stream ends (DONE). */
HYL_API HYL_NODISCARD hyl_status hyl_mem_peer_end(hyl_mem_peer *peer);
/* After what was added so far reads fail with `status`. */
HYL_API HYL_NODISCARD hyl_status hyl_mem_peer_fail_read(hyl_mem_peer *peer, hyl_status status);
/* Writes fail with `status` after `after` more bytes. */
HYL_API void hyl_mem_peer_fail_write(hyl_mem_peer *peer, size_t after, hyl_status status);
/*
 * The most that one read gives and one write takes; 0 means no bound. Every other call gives AGAIN
 * where `stutter`.
 */
HYL_API void hyl_mem_peer_pace(hyl_mem_peer *peer, size_t read_max, size_t write_max, bool stutter);
/*
 * All that the client has written since the peer was made or last asked to forget.
 * Lifetime: until the next write.
 */
HYL_API hyl_bytes hyl_mem_peer_written(const hyl_mem_peer *peer);
HYL_API void hyl_mem_peer_forget(hyl_mem_peer *peer);

#ifdef __cplusplus
}
#endif

#endif
