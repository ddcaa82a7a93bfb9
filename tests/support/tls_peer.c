#include "support/tls_peer.h"

#if HYL_WITH_OPENSSL

#include "support/pki.h"
#include "support/test.h"

#include "base/error.h"

#include <openssl/err.h>

void tls_peer_init(tls_peer *peer, const char *name)
{
    memset(peer, 0, sizeof *peer);
    peer->context = SSL_CTX_new(TLS_server_method());
    assert_non_null(peer->context);
    /* It shows certificates too that nobody should. */
    SSL_CTX_set_security_level(peer->context, 0);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(peer->context, pki_cert(name)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(peer->context, pki_key(name), SSL_FILETYPE_PEM),
                     1);
    peer->ssl = SSL_new(peer->context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(peer->in, -1);
    BIO_set_mem_eof_return(peer->out, -1);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_accept_state(peer->ssl);
}

void tls_peer_reset(tls_peer *peer)
{
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    hyl_buf_reset(&peer->heard);
}

void tls_peer_work(tls_peer *peer)
{
    char bytes[4096];
    size_t got = 0;
    ERR_clear_error();
    if (BIO_ctrl_pending(peer->in) == 0 && !SSL_is_init_finished(peer->ssl)) {
        return;
    }
    if (!SSL_is_init_finished(peer->ssl) && SSL_do_handshake(peer->ssl) != 1) {
        ERR_clear_error();
        return;
    }
    while (SSL_read_ex(peer->ssl, bytes, sizeof bytes, &got) == 1) {
        hyl_buf_append(&peer->heard, bytes, got);
    }
    if (SSL_get_error(peer->ssl, 0) == SSL_ERROR_ZERO_RETURN) {
        peer->heard_alert = SSL_ERROR_ZERO_RETURN;
    }
    ERR_clear_error();
}

void tls_peer_say(tls_peer *peer, const void *data, size_t len)
{
    size_t put = 0;
    assert_int_equal(SSL_write_ex(peer->ssl, data, len, &put), 1);
    assert_int_equal(put, len);
}

void tls_peer_inject(tls_peer *peer, const void *data, size_t len)
{
    assert_int_equal(BIO_write(peer->out, data, (int)len), (int)len);
}

void tls_peer_end(tls_peer *peer, bool announced)
{
    if (announced) {
        (void)SSL_shutdown(peer->ssl);
        ERR_clear_error();
    }
    peer->ended = true;
}

/* ---- The client's end ------------------------------------------------------------------------- */

static bool stutters(tls_peer *peer)
{
    return peer->stutter && peer->turn++ % 2 == 0;
}

static size_t bounded(size_t size, size_t bound)
{
    return bound != 0 && size > bound ? bound : size;
}

static size_t room(const tls_peer *peer)
{
    size_t held = BIO_ctrl_pending(peer->in);
    return peer->hold == 0 ? SIZE_MAX : held < peer->hold ? peer->hold - held : 0;
}

static void work_unless_deaf(tls_peer *peer)
{
    if (!peer->deaf) {
        tls_peer_work(peer);
    }
}

static hyl_status peer_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *err)
{
    tls_peer *peer = self;
    (void)err;
    work_unless_deaf(peer);
    if (stutters(peer)) {
        return HYL_AGAIN;
    }
    int count = BIO_read(peer->out, dst, (int)bounded(cap, peer->read_max));
    if (count > 0) {
        *got = (size_t)count;
        return HYL_OK;
    }
    return peer->ended ? HYL_DONE : HYL_AGAIN;
}

/* Takes what belongs to the request off the front; says how much that was. */
static size_t take_request(tls_peer *peer, const void *data, size_t len)
{
    size_t missing = peer->greeting != NULL ? sizeof peer->request - peer->request_len : 0;
    size_t taken = bounded(len, missing);
    if (missing == 0) {
        return 0;
    }
    memcpy(peer->request + peer->request_len, data, taken);
    peer->request_len += taken;
    if (taken == missing) {
        tls_peer_inject(peer, peer->greeting, peer->greeting_len);
    }
    return taken;
}

static hyl_status peer_writev(void *self, const hyl_iovec *iov, int count, size_t *put,
                              hyl_error *err)
{
    tls_peer *peer = self;
    size_t total = 0;
    size_t most = bounded(room(peer), peer->write_max);
    if (peer->ended) {
        return hyl__fail(err, HYL_ERR_CLOSED, "the peer has gone");
    }
    if (stutters(peer) || most == 0) {
        return HYL_AGAIN;
    }
    for (int i = 0; i < count && total < most; i++) {
        size_t len = bounded(iov[i].len, most - total);
        size_t first = take_request(peer, iov[i].data, len);
        if (len > first) {
            const char *rest = (const char *)iov[i].data + first;
            assert_int_equal(BIO_write(peer->in, rest, (int)(len - first)), (int)(len - first));
        }
        total += len;
    }
    work_unless_deaf(peer);
    *put = total;
    return HYL_OK;
}

static hyl_status peer_wait(void *self, unsigned wants, int64_t deadline_ms, unsigned *ready,
                            hyl_error *err)
{
    tls_peer *peer = self;
    (void)deadline_ms;
    work_unless_deaf(peer);
    unsigned possible = BIO_ctrl_pending(peer->out) > 0 || peer->ended ? HYL_WANT_READ : 0;
    possible |= room(peer) > 0 ? HYL_WANT_WRITE : 0;
    *ready = possible & wants;
    return *ready != 0 ? HYL_OK : hyl__fail(err, HYL_ERR_TIMEOUT, "nothing comes");
}

static bool peer_pending(void *self)
{
    (void)self;
    return false;
}

static int peer_fd(void *self)
{
    (void)self;
    return -1;
}

static void peer_close(void *self)
{
    tls_peer_work(self);
}

static const hyl_transport_ops peer_ops = {
    .read = peer_read,
    .writev = peer_writev,
    .wait = peer_wait,
    .pending = peer_pending,
    .fd = peer_fd,
    .close = peer_close,
};

hyl_transport tls_peer_transport(tls_peer *peer)
{
    return (hyl_transport){&peer_ops, peer};
}

#else

/* ISO C wants a file to declare something. */
typedef int no_tls_peer;

#endif
