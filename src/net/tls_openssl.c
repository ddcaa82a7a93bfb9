/*
 * TLS by OpenSSL as a transport on top of another one.
 *
 * OpenSSL hardly ever waits in order to write (tls_stream.h). Whether what it has received is of any
 * use to the reader is known only from trying: part of a record, a ticket or a KeyUpdate is not. So
 * `read_wants` keeps what the last read was short of, and a wait looks before it calls a stream
 * readable.
 */
#include "tls.h"

#include "base/error.h"

#if HYL_WITH_OPENSSL

#include "base/clock.h"
#include "base/mem.h"
#include "base/opts.h"
#include "tls_context.h"
#include "tls_stream.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

/* The payload of one full TLS record. */
enum { RECORD = 16384 };

typedef struct tls {
    hyl__tls_stream stream;
    SSL_CTX *context;
    SSL *ssl;
    bool verified;
    bool shaken;         /* the handshake is over */
    unsigned read_wants; /* what the last read waits for: HYL_WANT_READ or _WRITE; 0: nothing */
    hyl_status over;     /* DONE or an error: what every read from now on gives, with `why` */
    hyl_error why;
    char alpn[256];         /* what was agreed on */
    uint8_t gather[RECORD]; /* pieces of the caller's that share a record */
} tls;

static void free_tls(tls *self)
{
    SSL_free(self->ssl); /* frees the BIO too */
    SSL_CTX_free(self->context);
    hyl__tls_stream_reset(&self->stream);
    hyl__wipe(self, sizeof *self);
    hyl__free(self);
}

/* ---- What went wrong -------------------------------------------------------------------------- */

static hyl_status lost(hyl_error *err, hyl_status status)
{
    return hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
}

/* The transport below failed with `status`. */
static hyl_status fail_below(const tls *self, hyl_status status, hyl_error *err)
{
    if (err != NULL) {
        *err = self->stream.error;
    }
    return lost(err, status == HYL_ERR_NOMEM ? hyl__fail_nomem(err) : status);
}

static hyl_status fail_end(const tls *self, hyl_error *err)
{
    return lost(err, self->shaken
                         ? hyl__fail(err, HYL_ERR_CLOSED,
                                     "the connection was cut off: TLS announces an end, and this "
                                     "one was not announced")
                         : hyl__fail(err, HYL_ERR_CLOSED,
                                     "the server closed the connection during the TLS handshake"));
}

static hyl_status fail_certificate(long result, const char *server_name, hyl_error *err)
{
    ERR_clear_error();
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        return hyl__fail(err, HYL_ERR_TLS, "TLS: the server's certificate is not for '%.200s'",
                         server_name);
    }
    return hyl__fail(err, HYL_ERR_TLS, "TLS: the server's certificate is refused: %s",
                     X509_verify_cert_error_string(result));
}

/* What OpenSSL says of some failures, and what to do about them. */
static const struct {
    int reason;
    const char *text;
} known_reasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "what the server sends is not TLS"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "the server accepts no TLS version that we do"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the server speaks no TLS version that is allowed here"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "the server demands a client certificate"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "the server does not trust the client certificate's issuer"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "the server does not agree to the application protocol"},
};

static hyl_status fail_openssl(const char *doing, hyl_error *err)
{
    char reason[160];
    int code = ERR_GET_REASON(ERR_peek_error());
    hyl__tls_reason(reason, sizeof reason);
    for (size_t i = 0; i < sizeof known_reasons / sizeof known_reasons[0]; i++) {
        if (code != 0 && known_reasons[i].reason == code) {
            return lost(err, hyl__fail(err, HYL_ERR_TLS, "%s: %s (%s)", doing,
                                       known_reasons[i].text, reason));
        }
    }
    return lost(err, hyl__fail(err, HYL_ERR_TLS, "%s: %s", doing, reason));
}

/* Has the server said why it ends the stream? That is more telling than that we could not write. */
static bool has_alert(void)
{
    unsigned long code = ERR_peek_error();
    return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET;
}

/* A call of OpenSSL failed for good. */
static hyl_status fail_call(const tls *self, const char *doing, hyl_error *err)
{
    if (self->stream.read_error < 0) {
        ERR_clear_error();
        return fail_below(self, self->stream.read_error, err);
    }
    if (self->stream.read_end) {
        ERR_clear_error();
        return fail_end(self, err);
    }
    if (self->stream.write_error < 0 && !has_alert()) {
        ERR_clear_error();
        return fail_below(self, self->stream.write_error, err);
    }
    return fail_openssl(doing, err);
}

/* ---- The transport's functions ---------------------------------------------------------------- */

/* A read of OpenSSL's gave nothing: AGAIN, or what ends all reading, which is kept. */
static hyl_status nothing_read(tls *self)
{
    self->why = (hyl_error)HYL_ERROR_INIT;
    switch (SSL_get_error(self->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        self->read_wants = HYL_WANT_READ;
        return HYL_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        self->read_wants = HYL_WANT_WRITE;
        return HYL_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        self->over = HYL_DONE;
        break;
    default:
        self->over = fail_call(self, "reading by TLS failed", &self->why);
        break;
    }
    return self->over;
}

static hyl_status read_piece(tls *self, uint8_t *dst, size_t cap, size_t *got)
{
    ERR_clear_error();
    hyl__tls_stream_begin(&self->stream);
    if (SSL_read_ex(self->ssl, dst, cap, got) != 1) {
        return nothing_read(self);
    }
    self->read_wants = 0;
    return HYL_OK;
}

/* Finds out whether there is something for a reader. */
static void look(tls *self)
{
    uint8_t byte = 0;
    size_t got = 0;
    ERR_clear_error();
    hyl__tls_stream_begin(&self->stream);
    if (SSL_peek_ex(self->ssl, &byte, 1, &got) == 1) {
        self->read_wants = 0;
    } else {
        (void)nothing_read(self);
    }
}

static bool tls_pending(void *ctx)
{
    const tls *self = ctx;
    return self->over != HYL_OK || (self->read_wants == 0 && SSL_has_pending(self->ssl) == 1);
}

static hyl_status tls_read(void *ctx, void *dst, size_t cap, size_t *got, hyl_error *err)
{
    tls *self = ctx;
    size_t total = 0;
    hyl_status status = self->over;
    if (cap == 0) {
        return hyl__fail(err, HYL_ERR_ARG, "no room to read into");
    }
    /* A peer that waits for the rest of what we say does not answer. */
    (void)hyl__tls_stream_flush(&self->stream);
    while (status == HYL_OK && total < cap && (total == 0 || tls_pending(self))) {
        size_t piece = 0;
        status = read_piece(self, (uint8_t *)dst + total, cap - total, &piece);
        total += status == HYL_OK ? piece : 0;
    }
    /* Reading may have made something to say: the answer to a KeyUpdate, an alert. */
    (void)hyl__tls_stream_flush(&self->stream);
    if (total > 0) {
        *got = total;
        return HYL_OK;
    }
    if (status < 0 && err != NULL) {
        *err = self->why;
    }
    return status;
}

/* Encrypts one record's bytes. */
static hyl_status write_piece(tls *self, const void *data, size_t len, hyl_error *err)
{
    size_t taken = 0;
    ERR_clear_error();
    hyl__tls_stream_begin(&self->stream);
    if (SSL_write_ex(self->ssl, data, len, &taken) == 1) {
        return HYL_OK;
    }
    /* There was room for all of it: what it waits for can only be more than was agreed on. */
    return fail_call(self, "writing by TLS failed", err);
}

/* Where a writer stands in the caller's pieces. */
typedef struct cursor {
    const hyl_iovec *iov;
    int count;
    size_t pos; /* in iov[0] */
} cursor;

static void skip_empty(cursor *at)
{
    while (at->count > 0 && at->pos == at->iov->len) {
        at->iov++;
        at->count--;
        at->pos = 0;
    }
}

/* The next bytes for one record: a view of the caller's, or several pieces gathered. */
static hyl_bytes next_record(tls *self, cursor *at)
{
    skip_empty(at);
    const uint8_t *first = (const uint8_t *)at->iov->data + at->pos;
    size_t left = at->iov->len - at->pos;
    if (left >= RECORD || at->count == 1) {
        size_t len = left < RECORD ? left : RECORD;
        at->pos += len;
        return (hyl_bytes){first, len};
    }
    size_t len = 0;
    while (at->count > 0 && len < RECORD) {
        left = at->iov->len - at->pos;
        size_t piece = left < RECORD - len ? left : RECORD - len;
        memcpy(self->gather + len, (const uint8_t *)at->iov->data + at->pos, piece);
        len += piece;
        at->pos += piece;
        skip_empty(at);
    }
    return (hyl_bytes){self->gather, len};
}

static hyl_status tls_writev(void *ctx, const hyl_iovec *iov, int count, size_t *put,
                             hyl_error *err)
{
    tls *self = ctx;
    cursor at = {iov, count, 0};
    size_t total = 0;
    hyl_status status = hyl__tls_stream_flush(&self->stream);
    if (status < 0) {
        return fail_below(self, status, err);
    }
    if (status == HYL_AGAIN) {
        return HYL_AGAIN;
    }
    skip_empty(&at);
    while (at.count > 0 && total < HYL__TLS_WRITE_MAX) {
        hyl_bytes record = next_record(self, &at);
        HYL_TRY(write_piece(self, record.data, record.len, err));
        total += record.len;
        skip_empty(&at);
    }
    (void)hyl__tls_stream_flush(&self->stream);
    *put = total;
    return HYL_OK;
}

/* What of `wants` is possible now. `sent` is what the flush gave. */
static unsigned possible_now(const tls *self, unsigned wants, hyl_status sent)
{
    bool can_read = tls_pending((void *)(uintptr_t)self) ||
                    (self->read_wants == HYL_WANT_WRITE && sent != HYL_AGAIN);
    unsigned possible = can_read ? HYL_WANT_READ : 0;
    possible |= sent != HYL_AGAIN ? HYL_WANT_WRITE : 0;
    return possible & wants;
}

static hyl_status tls_wait(void *ctx, unsigned wants, int64_t deadline_ms, unsigned *ready,
                           hyl_error *err)
{
    tls *self = ctx;
    const hyl_transport *below = &self->stream.below;
    bool fruitless = false;
    for (;;) {
        hyl_status sent = hyl__tls_stream_flush(&self->stream);
        *ready = possible_now(self, wants, sent);
        if (*ready != 0) {
            return HYL_OK;
        }
        /* Records without anything for the reader must not carry it beyond its time. */
        if (fruitless && hyl__deadline_left(deadline_ms) == 0) {
            return hyl__fail(err, HYL_ERR_TIMEOUT,
                             "deadline passed: the server did not answer in time");
        }
        unsigned below_wants = sent == HYL_AGAIN ? HYL_WANT_WRITE : 0;
        below_wants |= self->read_wants != HYL_WANT_WRITE ? wants & HYL_WANT_READ : 0;
        unsigned below_ready = 0;
        HYL_TRY(below->ops->wait(below->self, below_wants, deadline_ms, &below_ready, err));
        if ((below_ready & HYL_WANT_READ) != 0) {
            look(self);
            fruitless = true;
        }
    }
}

static int tls_fd(void *ctx)
{
    const tls *self = ctx;
    return self->stream.below.ops->fd(self->stream.below.self);
}

static void tls_close(void *ctx)
{
    tls *self = ctx;
    hyl_transport below = self->stream.below;
    if (self->over >= 0 && self->stream.write_error == HYL_OK) {
        /* Says that this is the end. Its answer is not waited for. */
        ERR_clear_error();
        hyl__tls_stream_begin(&self->stream);
        (void)SSL_shutdown(self->ssl);
        ERR_clear_error();
        (void)hyl__tls_stream_flush(&self->stream);
    }
    free_tls(self);
    hyl_transport_close(&below);
}

static const hyl_transport_ops tls_ops = {
    .read = tls_read,
    .writev = tls_writev,
    .wait = tls_wait,
    .pending = tls_pending,
    .fd = tls_fd,
    .close = tls_close,
};

/* ---- The handshake ---------------------------------------------------------------------------- */

static bool is_address(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

enum { NAME_MAX_LEN = 255 };

/*
 * The name as certificates have it. A dot at its end makes it absolute for the resolver, and the zone
 * of an IPv6 address (%eth0) is this machine's own word. False where it is none.
 */
static bool certified_name(const char *given, char name[NAME_MAX_LEN + 1])
{
    size_t len = given != NULL ? strcspn(given, "%") : 0;
    len -= len > 0 && given[len - 1] == '.';
    if (len == 0 || len > NAME_MAX_LEN) {
        return false;
    }
    memcpy(name, given, len);
    name[len] = '\0';
    return true;
}

/* Says whom we want to talk to, and checks that the certificate is theirs. */
static bool set_server_name(tls *self, const hyl_tls_opts *opts)
{
    char name[NAME_MAX_LEN + 1];
    X509_VERIFY_PARAM *param = SSL_get0_param(self->ssl);
    bool check = opts->verify == HYL_TLS_VERIFY_FULL;
    if (!certified_name(opts->server_name, name)) {
        return !check;
    }
    if (is_address(name)) {
        return !check || X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(self->ssl, name) == 1 &&
           (!check || X509_VERIFY_PARAM_set1_host(param, name, 0) == 1);
}

static bool set_alpn(tls *self, const char *protocol)
{
    unsigned char list[256];
    size_t len = protocol != NULL ? strlen(protocol) : 0;
    if (len == 0) {
        return true;
    }
    if (len >= sizeof list) {
        return false;
    }
    list[0] = (unsigned char)len;
    memcpy(list + 1, protocol, len);
    return SSL_set_alpn_protos(self->ssl, list, (unsigned)len + 1) == 0;
}

static hyl_status prepare(tls *self, const hyl_transport *below, const hyl_tls_opts *opts,
                          hyl_error *err)
{
    BIO *bio = NULL;
    HYL_TRY(hyl__tls_context_new(opts, &self->context, err));
    self->ssl = SSL_new(self->context);
    if (self->ssl == NULL || hyl__tls_stream_init(&self->stream, below, &bio) < 0) {
        ERR_clear_error();
        return hyl__fail_nomem(err);
    }
    SSL_set_bio(self->ssl, bio, bio);
    if (!set_server_name(self, opts)) {
        ERR_clear_error();
        return hyl__fail(err, HYL_ERR_ARG,
                         "TLS: checking whom the certificate is for needs the server's name");
    }
    if (!set_alpn(self, opts->alpn)) {
        return hyl__fail(err, HYL_ERR_ARG, "TLS: the application protocol has no possible name");
    }
    return HYL_OK;
}

static hyl_status fail_handshake(const tls *self, const hyl_tls_opts *opts, hyl_error *err)
{
    long result = SSL_get_verify_result(self->ssl);
    if (opts->verify != HYL_TLS_VERIFY_NONE && result != X509_V_OK) {
        return lost(err, fail_certificate(result, opts->server_name, err));
    }
    return fail_call(self, "the TLS handshake failed", err);
}

static hyl_status shake_hands(tls *self, const hyl_tls_opts *opts, int64_t deadline_ms,
                              hyl_error *err)
{
    const hyl_transport *below = &self->stream.below;
    for (;;) {
        ERR_clear_error();
        hyl__tls_stream_begin(&self->stream);
        int result = SSL_connect(self->ssl);
        int reason = SSL_get_error(self->ssl, result);
        bool is_over = reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE;
        hyl_status failure = is_over && result != 1 ? fail_handshake(self, opts, err) : HYL_OK;
        /* Also an alert is sent, which tells the server why. */
        hyl_status sent = hyl__tls_stream_flush(&self->stream);
        if (is_over) {
            return failure;
        }
        unsigned wants = HYL_WANT_READ | (sent == HYL_AGAIN ? (unsigned)HYL_WANT_WRITE : 0);
        unsigned ready = 0;
        hyl_status status = below->ops->wait(below->self, wants, deadline_ms, &ready, err);
        /* Bytes that trickle in must not carry it beyond its time. */
        if (status == HYL_OK && hyl__deadline_left(deadline_ms) == 0) {
            status = HYL_ERR_TIMEOUT;
        }
        if (status == HYL_ERR_TIMEOUT) {
            return hyl__fail(err, status, "the TLS handshake was not over before the deadline");
        }
        HYL_TRY(status);
    }
}

static hyl_status check_alpn(tls *self, const hyl_tls_opts *opts, hyl_error *err)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(self->ssl, &chosen, &len);
    if (len > 0) {
        hyl__copy_text(self->alpn, sizeof self->alpn, (const char *)chosen, len);
    }
    if (opts->alpn_required && (opts->alpn == NULL || strcmp(self->alpn, opts->alpn) != 0)) {
        return hyl__fail(err, HYL_ERR_TLS,
                         "the TLS handshake failed: the server does not agree to the protocol "
                         "'%s'",
                         opts->alpn != NULL ? opts->alpn : "");
    }
    return HYL_OK;
}

static hyl_status start(tls *self, const hyl_transport *below, const hyl_tls_opts *opts,
                        int64_t deadline_ms, hyl_error *err)
{
    HYL_TRY(prepare(self, below, opts, err));
    HYL_TRY(shake_hands(self, opts, deadline_ms, err));
    HYL_TRY(check_alpn(self, opts, err));
    hyl__tls_context_forget_roots(self->context);
    self->verified = opts->verify != HYL_TLS_VERIFY_NONE;
    self->shaken = true;
    return HYL_OK;
}

hyl_status hyl_transport_start_tls(hyl_transport *transport, const hyl_tls_opts *opts,
                                   int64_t deadline_ms, hyl_error *err)
{
    hyl_tls_opts own = HYL_TLS_OPTS_INIT;
    HYL_TRY(hyl__opts_read(&own, sizeof own, opts, "HYL_TLS_OPTS_INIT", err));
    if (transport == NULL || transport->ops == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "TLS needs a transport to run on");
    }
    if (transport->ops->pending(transport->self)) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "there is something to read where the TLS handshake was to begin");
    }
    tls *self = hyl__calloc(1, sizeof *self);
    if (self == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl_status status = start(self, transport, &own, deadline_ms, err);
    if (status != HYL_OK) {
        free_tls(self);
        return status;
    }
    *transport = (hyl_transport){&tls_ops, self};
    return HYL_OK;
}

/* ---- What it knows ---------------------------------------------------------------------------- */

bool hyl_transport_tls_info(const hyl_transport *transport, hyl_tls_info *out)
{
    if (transport->ops != &tls_ops) {
        return false;
    }
    const tls *self = transport->self;
    *out = (hyl_tls_info){SSL_get_version(self->ssl), SSL_get_cipher_name(self->ssl), self->alpn,
                          self->verified};
    return true;
}

/* RFC 5929, section 4.1: the signature's hash, and SHA-256 in place of the two weak ones. */
static const EVP_MD *end_point_hash(X509 *certificate)
{
    int hash = NID_undef;
    if (X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1 || hash == NID_undef) {
        return NULL;
    }
    return hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
}

void hyl__tls_server_end_point(const hyl_transport *transport, uint8_t out[HYL__TLS_END_POINT_MAX],
                               size_t *len)
{
    unsigned written = 0;
    *len = 0;
    if (transport->ops != &tls_ops) {
        return;
    }
    const tls *self = transport->self;
    X509 *certificate = SSL_get1_peer_certificate(self->ssl);
    const EVP_MD *hash = certificate != NULL ? end_point_hash(certificate) : NULL;
    if (hash != NULL && X509_digest(certificate, hash, out, &written) == 1) {
        *len = written;
    }
    X509_free(certificate);
    ERR_clear_error();
}

#else

hyl_status hyl_transport_start_tls(hyl_transport *transport, const hyl_tls_opts *opts,
                                   int64_t deadline_ms, hyl_error *err)
{
    (void)transport;
    (void)opts;
    (void)deadline_ms;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                     "TLS is not available: this library was built with HYL_WITH_OPENSSL off");
}

bool hyl_transport_tls_info(const hyl_transport *transport, hyl_tls_info *out)
{
    (void)transport;
    (void)out;
    return false;
}

void hyl__tls_server_end_point(const hyl_transport *transport, uint8_t out[HYL__TLS_END_POINT_MAX],
                               size_t *len)
{
    (void)transport;
    (void)out;
    *len = 0;
}

#endif
