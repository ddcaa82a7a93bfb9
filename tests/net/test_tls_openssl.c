#include "support/test.h"

#include "net/tls.h"

static hyl_error err;

#if HYL_WITH_OPENSSL

#include "support/alloc.h"
#include "support/hyperd.h"
#include "support/pki.h"
#include "support/sockets.h"
#include "support/tls_peer.h"

#include "base/clock.h"
#include "net/tls_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static tls_peer peer;
static hyl_transport client;

static int set_up(void **state)
{
    (void)state;
    pki_make_all();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

static hyl_tls_opts trusting(const char *ca)
{
    static char path[400]; /* those of pki_cert take turns */
    hyl_tls_opts opts = HYL_TLS_OPTS_INIT;
    snprintf(path, sizeof path, "%s", pki_cert(ca));
    opts.server_name = "localhost";
    opts.ca_file = path;
    return opts;
}

static hyl_status shake(const hyl_tls_opts *opts)
{
    client = tls_peer_transport(&peer);
    return hyl_transport_start_tls(&client, opts, HYL__NO_DEADLINE, &err);
}

/* Peer and client with the handshake behind them. */
static void meet(void)
{
    hyl_tls_opts opts = trusting("ca");
    tls_peer_init(&peer, "server");
    assert_ok(shake(&opts), &err);
}

static void part(void)
{
    hyl_transport_close(&client);
    tls_peer_reset(&peer);
}

static hyl_status read_once(char *dst, size_t cap, size_t *got)
{
    return client.ops->read(client.self, dst, cap, got, &err);
}

/* Reads exactly `len` bytes. */
static void read_all(char *dst, size_t len)
{
    while (len > 0) {
        size_t got = 0;
        unsigned ready = 0;
        hyl_status status = read_once(dst, len, &got);
        if (status == HYL_AGAIN) {
            status = client.ops->wait(client.self, HYL_WANT_READ, HYL__NO_DEADLINE, &ready, &err);
        }
        assert_ok(status, &err);
        dst += got;
        len -= got;
    }
}

/* Writes all of it, in pieces of two, and pushes it on until the peer has it. */
static void write_all(const char *data, size_t len)
{
    unsigned ready = 0;
    while (len > 0) {
        hyl_iovec iov[3] = {{data, len / 3}, {data, 0}, {data + len / 3, len - len / 3}};
        size_t put = 0;
        hyl_status status = client.ops->writev(client.self, iov, 3, &put, &err);
        if (status == HYL_AGAIN) {
            status = client.ops->wait(client.self, HYL_WANT_WRITE, HYL__NO_DEADLINE, &ready, &err);
        }
        assert_ok(status, &err);
        data += put;
        len -= put;
    }
    assert_ok(client.ops->wait(client.self, HYL_WANT_WRITE, HYL__NO_DEADLINE, &ready, &err), &err);
    tls_peer_work(&peer);
}

static void assert_heard(const char *data, size_t len)
{
    assert_int_equal(peer.heard.len, len);
    assert_memory_equal(peer.heard.data, data, len);
    hyl_buf_clear(&peer.heard);
}

/* Bytes that are nowhere the same for long. */
static char *make_data(size_t len)
{
    char *data = malloc(len);
    uint32_t x = 1;
    assert_non_null(data);
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525U + 1013904223U;
        data[i] = (char)(x >> 24);
    }
    return data;
}

/* ---- The handshake ---- */

static void a_handshake_tells_what_was_agreed_on(void **state)
{
    (void)state;
    hyl_tls_info info;
    hyl_transport plain = {NULL, NULL};
    meet();
    assert_true(hyl_transport_tls_info(&client, &info));
    assert_string_equal(info.version, "TLSv1.3");
    assert_non_null(strstr(info.cipher, "TLS_"));
    assert_string_equal(info.alpn, "");
    assert_true(info.verified);
    assert_string_equal(SSL_get_servername(peer.ssl, TLSEXT_NAMETYPE_host_name), "localhost");
    assert_false(hyl_transport_tls_info(&plain, &info));
    assert_int_equal(client.ops->fd(client.self), -1);
    part();
}

typedef struct trust_case {
    const char *server; /* its certificate */
    const char *ca;     /* whom the client trusts */
    hyl_tls_verify verify;
    const char *name;
    const char *refusal; /* NULL: none */
} trust_case;

static const trust_case trust_cases[] = {
    {"server", "ca", HYL_TLS_VERIFY_FULL, "localhost", NULL},
    {"server", "ca", HYL_TLS_VERIFY_FULL, "LOCALHOST.", NULL},
    {"server", "ca", HYL_TLS_VERIFY_FULL, "127.0.0.1", NULL},
    {"server", "ca", HYL_TLS_VERIFY_FULL, "::1", NULL},
    {"server", "ca", HYL_TLS_VERIFY_FULL, "::1%lo", NULL},
    {"server", "ca", HYL_TLS_VERIFY_FULL, "127.0.0.2", "is not for '127.0.0.2'"},
    {"server", "ca", HYL_TLS_VERIFY_FULL, "example.org", "is not for 'example.org'"},
    {"server", "ca", HYL_TLS_VERIFY_CA, "example.org", NULL},
    {"server", "ca", HYL_TLS_VERIFY_CA, NULL, NULL},
    {"other-host", "ca", HYL_TLS_VERIFY_FULL, "localhost", "is not for 'localhost'"},
    {"other-host", "ca", HYL_TLS_VERIFY_FULL, "192.0.2.1", NULL},
    {"other-host", "ca", HYL_TLS_VERIFY_CA, "localhost", NULL},
    {"expired", "ca", HYL_TLS_VERIFY_FULL, "localhost", "certificate has expired"},
    {"expired", "ca", HYL_TLS_VERIFY_CA, "localhost", "certificate has expired"},
    {"self-signed", "ca", HYL_TLS_VERIFY_FULL, "localhost", "self-signed certificate"},
    {"self-signed", "ca", HYL_TLS_VERIFY_CA, "localhost", "self-signed certificate"},
    {"self-signed", "self-signed", HYL_TLS_VERIFY_FULL, "localhost", NULL},
    {"deep", "ca", HYL_TLS_VERIFY_FULL, "localhost", "unable to get local issuer certificate"},
    {"server", "other-ca", HYL_TLS_VERIFY_FULL, "localhost", "unable to get local issuer"},
    {"server", NULL, HYL_TLS_VERIFY_FULL, "localhost", "unable to get local issuer"},
    {"ed25519", "ed25519-ca", HYL_TLS_VERIFY_FULL, "localhost", NULL},
    {"expired", NULL, HYL_TLS_VERIFY_NONE, NULL, NULL},
    {"self-signed", NULL, HYL_TLS_VERIFY_NONE, "example.org", NULL},
};

static void certificates_are_checked_as_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trust_cases / sizeof trust_cases[0]; i++) {
        const trust_case *one = &trust_cases[i];
        hyl_tls_opts opts = HYL_TLS_OPTS_INIT;
        hyl_tls_info info;
        opts.verify = one->verify;
        opts.ca_file = one->ca != NULL ? pki_cert(one->ca) : NULL;
        opts.server_name = one->name;
        tls_peer_init(&peer, one->server);
        hyl_status status = shake(&opts);
        if (one->refusal == NULL) {
            assert_ok(status, &err);
            assert_true(hyl_transport_tls_info(&client, &info));
            assert_int_equal(info.verified, one->verify != HYL_TLS_VERIFY_NONE);
        } else {
            assert_status(status, HYL_ERR_TLS, &err);
            if (strstr(err.message, one->refusal) == NULL) {
                fail_msg("%zu: '%s' is not in: %s", i, one->refusal, err.message);
            }
            assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
        }
        part();
    }
}

static void the_systems_authorities_are_the_default(void **state)
{
    (void)state;
    hyl_tls_opts opts = HYL_TLS_OPTS_INIT;
    opts.server_name = "localhost";
    assert_int_equal(setenv("SSL_CERT_FILE", pki_cert("ca"), 1), 0);
    tls_peer_init(&peer, "server");
    hyl_status status = shake(&opts);
    unsetenv("SSL_CERT_FILE");
    assert_ok(status, &err);
    part();
}

static void a_full_check_needs_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, "", "."};
    for (size_t i = 0; i < 3; i++) {
        hyl_tls_opts opts = trusting("ca");
        opts.server_name = names[i];
        tls_peer_init(&peer, "server");
        assert_status(shake(&opts), HYL_ERR_ARG, &err);
        part();
    }
}

static void a_version_that_is_too_old_is_refused(void **state)
{
    (void)state;
    hyl_tls_opts opts = trusting("ca");
    tls_peer_init(&peer, "server");
    SSL_set_max_proto_version(peer.ssl, TLS1_2_VERSION);
    hyl_tls_info info;
    assert_ok(shake(&opts), &err);
    assert_true(hyl_transport_tls_info(&client, &info));
    assert_string_equal(info.version, "TLSv1.2");
    part();
    opts.min_version = HYL_TLS_1_3;
    tls_peer_init(&peer, "server");
    SSL_set_max_proto_version(peer.ssl, TLS1_2_VERSION);
    assert_status(shake(&opts), HYL_ERR_TLS, &err);
    assert_non_null(strstr(err.message, "the server accepts no TLS version that we do"));
    part();
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *len,
                           const unsigned char *offered, unsigned offered_len, void *ctx)
{
    (void)ssl;
    assert_int_equal(offered_len, 11);
    assert_memory_equal(offered, "\012postgresql", 11);
    *out = offered + 1;
    *len = offered[0];
    return ctx == NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static void the_protocol_is_offered_and_can_be_demanded(void **state)
{
    (void)state;
    hyl_tls_opts opts = trusting("ca");
    hyl_tls_info info;
    opts.alpn = "postgresql";
    tls_peer_init(&peer, "server");
    SSL_CTX_set_alpn_select_cb(peer.context, choose_protocol, NULL);
    assert_ok(shake(&opts), &err);
    assert_true(hyl_transport_tls_info(&client, &info));
    assert_string_equal(info.alpn, "postgresql");
    part();
    for (int required = 0; required < 2; required++) {
        opts.alpn_required = required != 0;
        tls_peer_init(&peer, "server");
        SSL_CTX_set_alpn_select_cb(peer.context, choose_protocol, &err);
        assert_status(shake(&opts), required ? HYL_ERR_TLS : HYL_OK, &err);
        part();
    }
    assert_non_null(strstr(err.message, "'postgresql'"));
}

static void a_handshake_that_goes_wrong_is_told(void **state)
{
    (void)state;
    hyl_tls_opts opts = trusting("ca");
    tls_peer_init(&peer, "server");
    static const char plaintext[] = "E\0\0\0\x0fSFATAL\0\0\0\0";
    tls_peer_inject(&peer, plaintext, sizeof plaintext);
    assert_status(shake(&opts), HYL_ERR_TLS, &err);
    assert_non_null(strstr(err.message, "is not TLS"));
    assert_non_null(strstr(err.message, "is not TLS"));
    part();

    tls_peer_init(&peer, "server");
    peer.deaf = true;
    peer.ended = true;
    client = tls_peer_transport(&peer);
    assert_status(hyl_transport_start_tls(&client, &opts, HYL__NO_DEADLINE, &err), HYL_ERR_CLOSED,
                  &err);
    assert_ptr_equal(client.self, &peer);
    part();

    tls_peer_init(&peer, "server");
    peer.deaf = true;
    assert_status(shake(&opts), HYL_ERR_TIMEOUT, &err);
    part();
}

/* A peer that sends its part of the handshake byte by byte for ever must not outlast the deadline. */
static hyl_status trickle_wait(void *self, unsigned wants, int64_t deadline_ms, unsigned *ready,
                               hyl_error *e)
{
    (void)self;
    (void)deadline_ms;
    (void)e;
    *ready = wants;
    return HYL_OK;
}

static hyl_status trickle_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *e)
{
    (void)cap;
    (void)e;
    size_t *count = self;
    /* A record of 16 kB of handshake, and a message in it that is longer still. */
    static const char head[] = "\x16\x03\x03\x3f\xff\x02\x00\xff\xff";
    *(char *)dst = *count < sizeof head - 1 ? head[*count] : 0;
    (*count)++;
    *got = 1;
    return *count % 2 == 0 ? HYL_OK : ((*count)--, HYL_AGAIN);
}

static hyl_status swallow(void *self, const hyl_iovec *iov, int count, size_t *put, hyl_error *e)
{
    (void)self;
    (void)count;
    (void)e;
    *put = iov[0].len;
    return HYL_OK;
}

static bool never_pending(void *self)
{
    (void)self;
    return false;
}

static void close_nothing(void *self)
{
    (void)self;
}

static void a_trickling_peer_does_not_outlast_the_deadline(void **state)
{
    (void)state;
    static const hyl_transport_ops ops = {.read = trickle_read,
                                          .writev = swallow,
                                          .wait = trickle_wait,
                                          .pending = never_pending,
                                          .close = close_nothing};
    size_t count = 0;
    hyl_transport transport = {&ops, &count};
    hyl_tls_opts opts = trusting("ca");
    int64_t before = hyl__now_ms();
    assert_status(hyl_transport_start_tls(&transport, &opts, hyl__deadline_in(100), &err),
                  HYL_ERR_TIMEOUT, &err);
    assert_true(hyl__now_ms() - before >= 100);
}

/*
 * Records of HelloRequests, which a client passes over, without a pause: OpenSSL would go on for
 * ever. It ends, lest a test that fails hangs.
 */
typedef struct endless {
    int64_t end;
    size_t said;
} endless;

static hyl_status flood_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *e)
{
    static const char record[] = {0x16, 3, 3, 0, 4, 0, 0, 0, 0};
    endless *stream = self;
    (void)e;
    if (hyl__now_ms() >= stream->end) {
        return HYL_DONE;
    }
    for (size_t i = 0; i < cap; i++) {
        ((char *)dst)[i] = record[stream->said++ % sizeof record];
    }
    *got = cap;
    return HYL_OK;
}

static void a_flooding_peer_does_not_outlast_the_deadline(void **state)
{
    (void)state;
    static const hyl_transport_ops ops = {.read = flood_read,
                                          .writev = swallow,
                                          .wait = trickle_wait,
                                          .pending = never_pending,
                                          .close = close_nothing};
    endless stream = {hyl__now_ms() + 5000, 0};
    hyl_transport transport = {&ops, &stream};
    hyl_tls_opts opts = trusting("ca");
    assert_status(hyl_transport_start_tls(&transport, &opts, hyl__deadline_in(100), &err),
                  HYL_ERR_TIMEOUT, &err);
    assert_true(hyl__now_ms() < stream.end);
}

static bool always_pending(void *self)
{
    (void)self;
    return true;
}

static void bytes_in_front_of_the_handshake_are_refused(void **state)
{
    (void)state;
    static const hyl_transport_ops ops = {.pending = always_pending, .close = close_nothing};
    hyl_transport transport = {&ops, NULL};
    hyl_tls_opts opts = trusting("ca");
    assert_status(hyl_transport_start_tls(&transport, &opts, HYL__NO_DEADLINE, &err),
                  HYL_ERR_PROTOCOL, &err);
    hyl_transport none = {NULL, NULL};
    assert_status(hyl_transport_start_tls(&none, &opts, HYL__NO_DEADLINE, &err), HYL_ERR_ARG, &err);
}

/* ---- Files ---- */

static void fails_with(const hyl_tls_opts *opts, hyl_status status, const char *part_of_message)
{
    tls_peer_init(&peer, "server");
    assert_status(shake(opts), status, &err);
    if (strstr(err.message, part_of_message) == NULL) {
        fail_msg("'%s' is not in: %s", part_of_message, err.message);
    }
    assert_null(strstr(err.message, PKI_PASSPHRASE));
    part();
}

static void files_that_cannot_be_used_are_named(void **state)
{
    (void)state;
    hyl_tls_opts opts = trusting("ca");
    opts.ca_file = "/no/such/ca.pem";
    fails_with(&opts, HYL_ERR_TLS, "CA file '/no/such/ca.pem'");
    opts = trusting("ca");
    opts.cert_file = "/no/such/cert.pem";
    fails_with(&opts, HYL_ERR_TLS, "certificate file '/no/such/cert.pem'");
    opts.cert_file = pki_key("ca");
    fails_with(&opts, HYL_ERR_TLS, "certificate file");
    opts = trusting("ca");
    opts.key_file = pki_key("by_cert");
    fails_with(&opts, HYL_ERR_ARG, "without a certificate");
    opts.cert_file = pki_cert("by_cert");
    opts.key_file = "/no/such/key.pem";
    fails_with(&opts, HYL_ERR_TLS, "key file '/no/such/key.pem'");
    opts.key_file = "/dev/null";
    fails_with(&opts, HYL_ERR_TLS, "is no regular file");
    opts.key_file = pki_cert("by_cert");
    assert_int_equal(chmod(opts.key_file, 0600), 0);
    fails_with(&opts, HYL_ERR_TLS, "key file");
    opts.cert_file = pki_cert("by_cert");
    opts.key_file = pki_key("by_cert");
    assert_int_equal(chmod(opts.key_file, 0644), 0);
    fails_with(&opts, HYL_ERR_TLS, "mode 0600");
    assert_int_equal(chmod(opts.key_file, 0600), 0);
    opts = trusting("ca");
    opts.cert_file = pki_cert("by_cert_locked");
    opts.key_file = pki_key("by_cert_locked");
    fails_with(&opts, HYL_ERR_TLS, "no passphrase is given");
    opts.key_passphrase = "open, Barley";
    fails_with(&opts, HYL_ERR_TLS, "the passphrase is not the right one");
}

/* A key of another algorithm too, which OpenSSL keeps beside the certificate. */
static void a_key_that_is_not_the_certificate_s_is_refused(void **state)
{
    (void)state;
    static const char *const others[] = {"stranger", "ed25519"};
    for (size_t i = 0; i < 2; i++) {
        char wanted[600];
        hyl_tls_opts opts = trusting("ca");
        opts.cert_file = pki_cert("by_cert");
        opts.key_file = pki_key(others[i]);
        snprintf(wanted, sizeof wanted,
                 "the key in the file '%s' is not that of the certificate in '%s'", opts.key_file,
                 opts.cert_file);
        fails_with(&opts, HYL_ERR_TLS, wanted);
    }
}

static void a_client_shows_its_certificate(void **state)
{
    (void)state;
    hyl_tls_opts opts = trusting("ca");
    opts.cert_file = pki_cert("by_cert_locked");
    opts.key_file = pki_key("by_cert_locked");
    opts.key_passphrase = PKI_PASSPHRASE;
    tls_peer_init(&peer, "server");
    SSL_set_verify(peer.ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(SSL_CTX_load_verify_file(peer.context, pki_cert("ca")), 1);
    assert_ok(shake(&opts), &err);
    tls_peer_work(&peer);
    X509 *shown = SSL_get1_peer_certificate(peer.ssl);
    assert_non_null(shown);
    X509_free(shown);
    part();
}

static void a_demand_for_a_certificate_is_told(void **state)
{
    (void)state;
    hyl_tls_opts opts = trusting("ca");
    char byte;
    size_t got = 0;
    tls_peer_init(&peer, "server");
    SSL_set_verify(peer.ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    /* TLS 1.3: for the client the handshake is over before the server has looked. */
    assert_ok(shake(&opts), &err);
    for (int i = 0; i < 2; i++) {
        assert_status(read_once(&byte, 1, &got), HYL_ERR_TLS, &err);
        assert_non_null(strstr(err.message, "the server demands a client certificate"));
    }
    part();
}

/* The server has said why and is gone before we have sent more: that it is gone is not what is told. */
static void a_write_that_fails_does_not_hide_why(void **state)
{
    (void)state;
    hyl_tls_opts opts = trusting("ca");
    const hyl_iovec more = {"SELECT", 6};
    char byte;
    size_t got = 0;
    tls_peer_init(&peer, "server");
    SSL_set_verify(peer.ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_ok(shake(&opts), &err);
    peer.ended = true;
    (void)client.ops->writev(client.self, &more, 1, &got, NULL);
    assert_status(read_once(&byte, 1, &got), HYL_ERR_TLS, &err);
    assert_non_null(strstr(err.message, "the server demands a client certificate"));
    part();
}

/* ---- The stream ---- */

static void bytes_go_both_ways_however_they_are_cut(void **state)
{
    (void)state;
    enum { SIZE = 300000, SMALL = 40000 };
    static const size_t paces[][2] = {{0, 0}, {1, 1}, {7, 16500}, {16411, 3}, {100000, 100000}};
    char *data = make_data(SIZE);
    char *back = malloc(SIZE);
    assert_non_null(back);
    for (size_t i = 0; i < 2 * sizeof paces / sizeof paces[0]; i++) {
        size_t size = paces[i / 2][0] == 1 ? SMALL : SIZE;
        meet();
        peer.read_max = paces[i / 2][0];
        peer.write_max = paces[i / 2][1];
        peer.stutter = i % 2 == 1;
        tls_peer_say(&peer, data, size);
        write_all(data, size);
        assert_heard(data, size);
        read_all(back, size);
        assert_memory_equal(back, data, size);
        part();
    }
    free(data);
    free(back);
}

static void a_peer_that_takes_nothing_holds_writes_back(void **state)
{
    (void)state;
    enum { SIZE = 400000 };
    char *data = make_data(SIZE);
    size_t sent = 0;
    unsigned ready = 0;
    hyl_status status = HYL_OK;
    meet();
    peer.deaf = true;
    peer.hold = 100000;
    while (status == HYL_OK) {
        hyl_iovec iov = {data + sent, SIZE - sent};
        size_t put = 0;
        status = client.ops->writev(client.self, &iov, 1, &put, &err);
        sent += put;
    }
    assert_int_equal(status, HYL_AGAIN);
    assert_true(sent >= 100000 - 1000 && sent <= 100000 + 2 * 65536);
    assert_status(client.ops->wait(client.self, HYL_WANT_WRITE, HYL__NO_DEADLINE, &ready, &err),
                  HYL_ERR_TIMEOUT, &err);
    /* What was not taken was not sent: something else may come in its place. */
    peer.deaf = false;
    write_all("something else", 14);
    assert_int_equal(peer.heard.len, sent + 14);
    assert_memory_equal(peer.heard.data, data, sent);
    assert_memory_equal(peer.heard.data + sent, "something else", 14);
    part();
    free(data);
}

static void reading_goes_on_while_writing_is_blocked(void **state)
{
    (void)state;
    char bytes[100];
    size_t got = 0;
    size_t put = 0;
    unsigned ready = 0;
    char *data = make_data(200000);
    hyl_iovec iov = {data, 200000};
    meet();
    tls_peer_say(&peer, "meanwhile", 9);
    peer.deaf = true;
    peer.hold = 1;
    while (client.ops->writev(client.self, &iov, 1, &put, &err) == HYL_OK) {
    }
    assert_ok(client.ops->wait(client.self, HYL_WANT_READ | HYL_WANT_WRITE, HYL__NO_DEADLINE,
                               &ready, &err),
              &err);
    assert_int_equal(ready, HYL_WANT_READ);
    assert_ok(read_once(bytes, sizeof bytes, &got), &err);
    assert_int_equal(got, 9);
    assert_int_equal(read_once(bytes, sizeof bytes, &got), HYL_AGAIN);
    part();
    free(data);
}

static void a_stream_is_readable_only_where_there_is_something(void **state)
{
    (void)state;
    char bytes[100];
    size_t got = 0;
    unsigned ready = 0;
    meet();
    /* The server's tickets have come, which are nothing for the reader. */
    assert_true(BIO_ctrl_pending(peer.out) > 0);
    assert_status(client.ops->wait(client.self, HYL_WANT_READ, HYL__NO_DEADLINE, &ready, &err),
                  HYL_ERR_TIMEOUT, &err);
    assert_false(client.ops->pending(client.self));
    tls_peer_say(&peer, "one", 3);
    tls_peer_say(&peer, "two", 3);
    assert_ok(client.ops->wait(client.self, HYL_WANT_READ, HYL__NO_DEADLINE, &ready, &err), &err);
    assert_int_equal(ready, HYL_WANT_READ);
    assert_true(client.ops->pending(client.self));
    assert_ok(read_once(bytes, 2, &got), &err);
    assert_int_equal(got, 2);
    assert_true(client.ops->pending(client.self));
    assert_ok(client.ops->wait(client.self, HYL_WANT_READ, HYL__NO_DEADLINE, &ready, &err), &err);
    assert_ok(read_once(bytes + 2, sizeof bytes - 2, &got), &err);
    assert_int_equal(got, 4);
    assert_memory_equal(bytes, "onetwo", 6);
    assert_false(client.ops->pending(client.self));
    assert_status(read_once(bytes, 0, &got), HYL_ERR_ARG, &err);
    part();
}

static void an_announced_end_is_done_and_another_is_an_error(void **state)
{
    (void)state;
    char bytes[100];
    size_t got = 0;
    for (int announced = 0; announced < 2; announced++) {
        meet();
        tls_peer_say(&peer, "last words", 10);
        tls_peer_end(&peer, announced != 0);
        assert_ok(read_once(bytes, sizeof bytes, &got), &err);
        assert_int_equal(got, 10);
        for (int i = 0; i < 2; i++) {
            unsigned ready = 0;
            assert_ok(client.ops->wait(client.self, HYL_WANT_READ, HYL__NO_DEADLINE, &ready, &err),
                      &err);
            hyl_status status = read_once(bytes, sizeof bytes, &got);
            if (announced) {
                assert_int_equal(status, HYL_DONE);
            } else {
                assert_status(status, HYL_ERR_CLOSED, &err);
                assert_non_null(strstr(err.message, "cut off"));
                assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
            }
        }
        part();
    }
}

static void closing_announces_the_end(void **state)
{
    (void)state;
    meet();
    hyl_transport_close(&client);
    tls_peer_work(&peer);
    assert_int_equal(peer.heard_alert, SSL_ERROR_ZERO_RETURN);
    tls_peer_reset(&peer);
}

static void a_forged_record_ends_the_stream(void **state)
{
    (void)state;
    char bytes[100];
    size_t got = 0;
    meet();
    tls_peer_say(&peer, "true", 4);
    static const char forged[] = "\x17\x03\x03\0\x20 this is not encrypted by anyone";
    tls_peer_inject(&peer, forged, sizeof forged);
    assert_ok(read_once(bytes, sizeof bytes, &got), &err);
    assert_int_equal(got, 4);
    for (int i = 0; i < 2; i++) {
        assert_status(read_once(bytes, sizeof bytes, &got), HYL_ERR_TLS, &err);
        assert_true(err.flags & HYL_ERROR_CONNECTION_LOST);
    }
    hyl_iovec iov = {"x", 1};
    assert_true(client.ops->writev(client.self, &iov, 1, &got, &err) < 0);
    part();
}

static void keys_are_changed_in_mid_stream(void **state)
{
    (void)state;
    char back[1000];
    char *data = make_data(sizeof back);
    meet();
    for (int i = 0; i < 20; i++) {
        /* The client must answer with one of its own, and can only do so by writing. */
        assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        tls_peer_say(&peer, data, sizeof back);
        read_all(back, sizeof back);
        assert_memory_equal(back, data, sizeof back);
        write_all(data, sizeof back);
        assert_heard(data, sizeof back);
    }
    part();
    free(data);
}

/* One who asks for ever and reads no answer must not make us hold more and more. */
static void endless_key_changes_end_in_a_deadline(void **state)
{
    (void)state;
    char byte = 0;
    size_t got = 0;
    unsigned ready = 0;
    hyl_status status = HYL_AGAIN;
    meet();
    peer.hold = 1;
    peer.deaf = true;
    for (int i = 0; i < 20000 && status == HYL_AGAIN; i++) {
        assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(peer.ssl), 1);
        status = read_once(&byte, 1, &got);
    }
    if (status == HYL_AGAIN) {
        status = client.ops->wait(client.self, HYL_WANT_READ, HYL__NO_DEADLINE, &ready, &err);
    }
    assert_true(status == HYL_ERR_TIMEOUT || status == HYL_ERR_TLS);
    part();
}

/* One call takes in so much at most of what is of no use to the reader, who looks at the clock. */
static void endless_records_without_data_are_read_by_the_piece(void **state)
{
    (void)state;
    char byte = 0;
    size_t got = 0;
    unsigned ready = 0;
    meet();
    assert_status(read_once(&byte, 1, &got), HYL_AGAIN, &err); /* the tickets */
    while (BIO_ctrl_pending(peer.out) < 4 * HYL__TLS_READ_MAX) {
        assert_int_equal(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(peer.ssl), 1);
    }
    tls_peer_say(&peer, "!", 1);
    size_t before = BIO_ctrl_pending(peer.out);
    assert_status(read_once(&byte, 1, &got), HYL_AGAIN, &err);
    assert_int_equal(before - BIO_ctrl_pending(peer.out), HYL__TLS_READ_MAX);
    before = BIO_ctrl_pending(peer.out);
    assert_status(client.ops->wait(client.self, HYL_WANT_READ, hyl__now_ms(), &ready, &err),
                  HYL_ERR_TIMEOUT, &err);
    assert_int_equal(before - BIO_ctrl_pending(peer.out), HYL__TLS_READ_MAX);
    assert_ok(client.ops->wait(client.self, HYL_WANT_READ, HYL__NO_DEADLINE, &ready, &err), &err);
    read_all(&byte, 1);
    assert_int_equal(byte, '!');
    part();
}

/* ---- Memory ---- */

static bool run_without_memory(size_t fail_at)
{
    hyl_tls_opts opts = trusting("ca");
    tls_peer_init(&peer, "server");
    client = tls_peer_transport(&peer);
    alloc_start(fail_at);
    hyl_status status = hyl_transport_start_tls(&client, &opts, HYL__NO_DEADLINE, &err);
    bool reached = alloc_failed();
    assert_status(status, reached ? HYL_ERR_NOMEM : HYL_OK, &err);
    hyl_transport_close(&client);
    alloc_stop();
    tls_peer_reset(&peer);
    return reached;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    size_t fail_at = 1;
    while (run_without_memory(fail_at)) {
        fail_at++;
    }
    assert_true(fail_at > 2);
}

/* ---- On sockets ---- */

static void *shake_and_leave(void *ctx)
{
    const int *fd = ctx;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context, pki_cert("server"));
    SSL_CTX_use_PrivateKey_file(context, pki_key("server"), SSL_FILETYPE_PEM);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, *fd);
    (void)SSL_accept(ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
    test_close_with_reset(*fd);
    return NULL;
}

static void a_peer_that_is_gone_raises_no_signal(void **state)
{
    (void)state;
    uint16_t port = 0;
    int listener = test_tcp_listener(AF_INET, 1, &port);
    int fd = test_tcp_client(port);
    int accepted = test_accept(listener);
    pthread_t thread;
    hyl_tls_opts opts = trusting("ca"); /* before the thread asks for the names of files too */
    assert_int_equal(pthread_create(&thread, NULL, shake_and_leave, &accepted), 0);
    assert_ok(hyl_transport_from_fd(fd, &client, &err), &err);
    assert_ok(hyl_transport_start_tls(&client, &opts, hyl__deadline_in(10000), &err), &err);
    assert_true(client.ops->fd(client.self) == fd);
    pthread_join(thread, NULL);
    hyl_status status = HYL_OK;
    while (status >= 0) {
        hyl_iovec iov = {"is there anybody?", 17};
        size_t put = 0;
        status = client.ops->writev(client.self, &iov, 1, &put, &err);
    }
    assert_int_equal(status, HYL_ERR_CLOSED);
    char byte;
    size_t got = 0;
    assert_true(read_once(&byte, 1, &got) < 0);
    hyl_transport_close(&client);
    close(listener);
}

/* ---- Channel binding ---- */

static void the_end_point_is_the_certificates_hash(void **state)
{
    (void)state;
    static const struct {
        const char *server;
        const char *ca;
        const char *hash; /* NULL: there is none */
    } cases[] = {{"server", "ca", "SHA256"},
                 {"sha384", "ca", "SHA384"},
                 {"sha1", "ca", "SHA256"},
                 {"ed25519", "ed25519-ca", NULL}};
    pki_make("sha1", &(pki_opts){.issuer = "ca", .alt_names = "DNS:localhost", .hash = "SHA1"});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t end_point[HYL__TLS_END_POINT_MAX];
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned hash_len = 0;
        size_t len = 1;
        hyl_tls_opts opts = trusting(cases[i].ca);
        opts.verify = HYL_TLS_VERIFY_NONE; /* SHA-1 is trusted by nobody */
        tls_peer_init(&peer, cases[i].server);
        assert_ok(shake(&opts), &err);
        hyl__tls_server_end_point(&client, end_point, &len);
        if (cases[i].hash != NULL) {
            X509_digest(SSL_get_certificate(peer.ssl), EVP_get_digestbyname(cases[i].hash), hash,
                        &hash_len);
        }
        assert_int_equal(len, hash_len);
        assert_memory_equal(end_point, hash, len);
        part();
    }
    hyl_mem_peer *plain = NULL;
    uint8_t none[HYL__TLS_END_POINT_MAX];
    size_t len = 1;
    assert_int_equal(hyl_mem_peer_new(&plain), HYL_OK);
    client = hyl_mem_peer_transport(plain);
    hyl__tls_server_end_point(&client, none, &len);
    assert_int_equal(len, 0);
    hyl_transport_close(&client);
    hyl_mem_peer_free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_tells_what_was_agreed_on),
        cmocka_unit_test(certificates_are_checked_as_asked),
        cmocka_unit_test(the_systems_authorities_are_the_default),
        cmocka_unit_test(a_full_check_needs_a_name),
        cmocka_unit_test(a_version_that_is_too_old_is_refused),
        cmocka_unit_test(the_protocol_is_offered_and_can_be_demanded),
        cmocka_unit_test(a_handshake_that_goes_wrong_is_told),
        cmocka_unit_test(a_trickling_peer_does_not_outlast_the_deadline),
        cmocka_unit_test(a_flooding_peer_does_not_outlast_the_deadline),
        cmocka_unit_test(bytes_in_front_of_the_handshake_are_refused),
        cmocka_unit_test(files_that_cannot_be_used_are_named),
        cmocka_unit_test(a_key_that_is_not_the_certificate_s_is_refused),
        cmocka_unit_test(a_client_shows_its_certificate),
        cmocka_unit_test(a_demand_for_a_certificate_is_told),
        cmocka_unit_test(a_write_that_fails_does_not_hide_why),
        cmocka_unit_test(bytes_go_both_ways_however_they_are_cut),
        cmocka_unit_test(a_peer_that_takes_nothing_holds_writes_back),
        cmocka_unit_test(reading_goes_on_while_writing_is_blocked),
        cmocka_unit_test(a_stream_is_readable_only_where_there_is_something),
        cmocka_unit_test(an_announced_end_is_done_and_another_is_an_error),
        cmocka_unit_test(closing_announces_the_end),
        cmocka_unit_test(a_forged_record_ends_the_stream),
        cmocka_unit_test(keys_are_changed_in_mid_stream),
        cmocka_unit_test(endless_key_changes_end_in_a_deadline),
        cmocka_unit_test(endless_records_without_data_are_read_by_the_piece),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_peer_that_is_gone_raises_no_signal),
        cmocka_unit_test(the_end_point_is_the_certificates_hash),
    };
    return cmocka_run_group_tests_name("net/tls_openssl", tests, set_up, tear_down);
}

#else

static void without_openssl_the_build_option_is_named(void **state)
{
    (void)state;
    hyl_transport transport = {NULL, NULL};
    hyl_tls_info info;
    uint8_t none[HYL__TLS_END_POINT_MAX];
    size_t len = 1;
    assert_status(hyl_transport_start_tls(&transport, NULL, INT64_MAX, &err), HYL_ERR_UNSUPPORTED,
                  &err);
    assert_non_null(strstr(err.message, "HYL_WITH_OPENSSL"));
    assert_false(hyl_transport_tls_info(&transport, &info));
    hyl__tls_server_end_point(&transport, none, &len);
    assert_int_equal(len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_openssl_the_build_option_is_named),
    };
    return cmocka_run_group_tests_name("net/tls_openssl", tests, NULL, NULL);
}

#endif
