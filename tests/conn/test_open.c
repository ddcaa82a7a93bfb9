#include "support/test.h"

#include "base/clock.h"
#include "base/mem.h"
#include "conn/open.h"

static hyl_error err;

enum { SSL_REQUEST_SIZE = 8 };

static hyl__tls_settings settings_of(hyl__tls_mode mode)
{
    return (hyl__tls_settings){.mode = mode};
}

/* ---- Servers without TLS ---- */

static const char server_error[] = "E\0\0\0\x20SFATAL\0MOh, Mr. Server!\0\0";

static const struct {
    const char *answer; /* NULL: the end of the stream */
    size_t len;
    hyl_status prefer;
    hyl_status require;
    const char *reason; /* of require's refusal */
} answers[] = {
    {"N", 1, HYL_OK, HYL_ERR_TLS, "speaks no TLS"},
    {server_error, sizeof server_error, HYL_ERR_TLS, HYL_ERR_TLS, "with an error"},
    {"H", 1, HYL_ERR_PROTOCOL, HYL_ERR_PROTOCOL, "0x48"},
    {"\0", 1, HYL_ERR_PROTOCOL, HYL_ERR_PROTOCOL, "0x00"},
    {NULL, 0, HYL_ERR_CLOSED, HYL_ERR_CLOSED, "asked for TLS"},
    {"", 0, HYL_ERR_TIMEOUT, HYL_ERR_TIMEOUT, ""},
};

static hyl_status negotiate_with(size_t which, hyl__tls_mode mode, hyl_bytes *written)
{
    static uint8_t copy[64];
    hyl_mem_peer *peer = NULL;
    hyl__tls_settings tls = settings_of(mode);
    assert_int_equal(hyl_mem_peer_new(&peer), HYL_OK);
    if (answers[which].answer == NULL) {
        assert_int_equal(hyl_mem_peer_end(peer), HYL_OK);
    } else if (answers[which].len > 0) {
        hyl_bytes bytes = {(const uint8_t *)answers[which].answer, answers[which].len};
        assert_int_equal(hyl_mem_peer_reply(peer, SSL_REQUEST_SIZE, bytes), HYL_OK);
    }
    hyl_transport transport = hyl_mem_peer_transport(peer);
    hyl_status status = hyl__negotiate_tls(&transport, "localhost", &tls, HYL__NO_DEADLINE, &err);
    *written = hyl_mem_peer_written(peer);
    assert_true(written->len <= sizeof copy);
    if (written->len > 0) {
        memcpy(copy, written->data, written->len);
    }
    written->data = copy;
    hyl_transport_close(&transport);
    hyl_mem_peer_free(peer);
    return status;
}

static void no_tls_asks_for_nothing(void **state)
{
    (void)state;
    hyl_bytes written;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_ok(negotiate_with(i, HYL__TLS_DISABLE, &written), &err);
        assert_int_equal(written.len, 0);
    }
}

#if HYL_WITH_OPENSSL

static const uint8_t ssl_request[SSL_REQUEST_SIZE] = {0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f};

static void assert_asked(hyl_bytes written)
{
    assert_int_equal(written.len, sizeof ssl_request);
    assert_memory_equal(written.data, ssl_request, sizeof ssl_request);
}

static void only_an_n_is_taken_for_no(void **state)
{
    (void)state;
    hyl_bytes written;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_status(negotiate_with(i, HYL__TLS_PREFER, &written), answers[i].prefer, &err);
        assert_asked(written);
        for (int mode = HYL__TLS_REQUIRE; mode <= HYL__TLS_VERIFY_FULL; mode++) {
            assert_status(negotiate_with(i, (hyl__tls_mode)mode, &written), answers[i].require,
                          &err);
            assert_asked(written);
            assert_non_null(strstr(err.message, answers[i].reason));
            /* Anybody between may have written it. */
            assert_null(strstr(err.message, "Mr. Server"));
        }
    }
}

/* ---- Servers with TLS ---- */

#include "support/hyperd.h"
#include "support/pki.h"
#include "support/tls_peer.h"

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

static tls_peer peer;
static hyl_transport client;

static hyl_status meet(const char *server, const char *greeting, size_t len,
                       const hyl__tls_settings *tls, const char *host)
{
    tls_peer_init(&peer, server);
    peer.greeting = greeting;
    peer.greeting_len = len;
    client = tls_peer_transport(&peer);
    return hyl__negotiate_tls(&client, host, tls, HYL__NO_DEADLINE, &err);
}

static void part(void)
{
    hyl_transport_close(&client);
    tls_peer_reset(&peer);
}

static const struct {
    const char *server;
    hyl__tls_mode mode;
    const char *ca;
    const char *name;
    hyl_status status;
    bool verified;
} modes[] = {
    {"server", HYL__TLS_PREFER, NULL, NULL, HYL_OK, false},
    {"server", HYL__TLS_REQUIRE, NULL, NULL, HYL_OK, false},
    {"server", HYL__TLS_REQUIRE, "ca", NULL, HYL_OK, true},
    {"server", HYL__TLS_VERIFY_CA, "ca", NULL, HYL_OK, true},
    {"server", HYL__TLS_VERIFY_FULL, "ca", NULL, HYL_OK, true},
    {"server", HYL__TLS_VERIFY_FULL, NULL, NULL, HYL_ERR_TLS, false},
    {"other-host", HYL__TLS_VERIFY_CA, "ca", NULL, HYL_OK, true},
    {"other-host", HYL__TLS_VERIFY_FULL, "ca", NULL, HYL_ERR_TLS, false},
    {"other-host", HYL__TLS_VERIFY_FULL, "ca", "db.example", HYL_OK, true},
    {"self-signed", HYL__TLS_REQUIRE, NULL, NULL, HYL_OK, false},
    /* Whom to trust was said: then who is not trusted is refused, and nothing falls back. */
    {"self-signed", HYL__TLS_REQUIRE, "ca", NULL, HYL_ERR_TLS, false},
    {"self-signed", HYL__TLS_PREFER, "ca", NULL, HYL_ERR_TLS, false},
};

static void a_yes_starts_tls_as_the_mode_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        hyl__tls_settings tls = settings_of(modes[i].mode);
        hyl_tls_info info;
        tls.ca = modes[i].ca != NULL ? pki_cert(modes[i].ca) : NULL;
        tls.server_name = modes[i].name;
        assert_status(meet(modes[i].server, "S", 1, &tls, "127.0.0.1"), modes[i].status, &err);
        assert_memory_equal(peer.request, ssl_request, sizeof ssl_request);
        if (modes[i].status == HYL_OK) {
            assert_true(hyl_transport_tls_info(&client, &info));
            assert_int_equal(info.verified, modes[i].verified);
        }
        part();
    }
}

static void what_was_sent_ahead_of_tls_is_never_read(void **state)
{
    (void)state;
    static const char injected[] = "SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
    hyl__tls_settings tls = settings_of(HYL__TLS_REQUIRE);
    assert_status(meet("server", injected, sizeof injected - 1, &tls, "localhost"), HYL_ERR_TLS,
                  &err);
    assert_non_null(strstr(err.message, "is not TLS"));
    part();
}

static void a_peer_that_leaves_or_stalls_in_the_handshake_is_told(void **state)
{
    (void)state;
    hyl__tls_settings tls = settings_of(HYL__TLS_PREFER);
    tls_peer_init(&peer, "server");
    peer.greeting = "S";
    peer.greeting_len = 1;
    peer.deaf = true;
    client = tls_peer_transport(&peer);
    assert_status(hyl__negotiate_tls(&client, "localhost", &tls, HYL__NO_DEADLINE, &err),
                  HYL_ERR_TIMEOUT, &err);
    part();
}

static int choose_postgresql(SSL *ssl, const unsigned char **out, unsigned char *len,
                             const unsigned char *offered, unsigned offered_len, void *ctx)
{
    (void)ssl;
    (void)ctx;
    assert_int_equal(offered_len, 11);
    *out = offered + 1;
    *len = offered[0];
    return SSL_TLSEXT_ERR_OK;
}

static void direct_tls_begins_without_asking(void **state)
{
    (void)state;
    hyl__tls_settings tls = settings_of(HYL__TLS_VERIFY_FULL);
    hyl_tls_info info;
    tls.ca = pki_cert("ca");
    tls.direct = true;
    tls_peer_init(&peer, "server");
    SSL_CTX_set_alpn_select_cb(peer.context, choose_postgresql, NULL);
    client = tls_peer_transport(&peer);
    assert_ok(hyl__negotiate_tls(&client, "localhost", &tls, HYL__NO_DEADLINE, &err), &err);
    assert_true(hyl_transport_tls_info(&client, &info));
    assert_string_equal(info.alpn, "postgresql");
    part();

    /* Somebody else's TLS: no agreement on the protocol. */
    assert_status(meet("server", NULL, 0, &tls, "localhost"), HYL_ERR_TLS, &err);
    assert_non_null(strstr(err.message, "'postgresql'"));
    part();

    hyl_mem_peer *old = NULL;
    assert_int_equal(hyl_mem_peer_new(&old), HYL_OK);
    /* It leaves once the handshake has begun. */
    assert_int_equal(hyl_mem_peer_reply(old, 1, (hyl_bytes){NULL, 0}), HYL_OK);
    assert_int_equal(hyl_mem_peer_end(old), HYL_OK);
    client = hyl_mem_peer_transport(old);
    assert_status(hyl__negotiate_tls(&client, "localhost", &tls, HYL__NO_DEADLINE, &err),
                  HYL_ERR_CLOSED, &err);
    assert_non_null(strstr(err.message, "tls_negotiation=postgres"));
    hyl_transport_close(&client);
    hyl_mem_peer_free(old);
}

static void a_login_can_be_bound_to_the_certificate(void **state)
{
    (void)state;
    hyl__tls_settings tls = settings_of(HYL__TLS_REQUIRE);
    hyl__auth_rules rules = {0};
    assert_ok(meet("sha384", "S", 1, &tls, "localhost"), &err);
    hyl__channel_rules(&client, &rules);
    assert_true(rules.encrypted);
    assert_int_equal(rules.end_point_len, 48);
    part();
}

#define TESTS_WITH_TLS                                                           \
    cmocka_unit_test(only_an_n_is_taken_for_no),                                 \
        cmocka_unit_test(a_yes_starts_tls_as_the_mode_says),                     \
        cmocka_unit_test(what_was_sent_ahead_of_tls_is_never_read),              \
        cmocka_unit_test(a_peer_that_leaves_or_stalls_in_the_handshake_is_told), \
        cmocka_unit_test(direct_tls_begins_without_asking),                      \
        cmocka_unit_test(a_login_can_be_bound_to_the_certificate)

#else

#define set_up    NULL
#define tear_down NULL

static void without_openssl_nothing_is_asked_for(void **state)
{
    (void)state;
    hyl_bytes written;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        assert_ok(negotiate_with(i, HYL__TLS_PREFER, &written), &err);
        assert_int_equal(written.len, 0);
        for (int mode = HYL__TLS_REQUIRE; mode <= HYL__TLS_VERIFY_FULL; mode++) {
            assert_status(negotiate_with(i, (hyl__tls_mode)mode, &written), HYL_ERR_UNSUPPORTED,
                          &err);
            assert_int_equal(written.len, 0);
            assert_non_null(strstr(err.message, "HYL_WITH_OPENSSL"));
        }
    }
}

#define TESTS_WITH_TLS cmocka_unit_test(without_openssl_nothing_is_asked_for)

#endif

static void a_plain_channel_binds_nothing(void **state)
{
    (void)state;
    hyl_mem_peer *plain = NULL;
    hyl__auth_rules rules = {.encrypted = true, .end_point_len = 1};
    assert_int_equal(hyl_mem_peer_new(&plain), HYL_OK);
    hyl_transport transport = hyl_mem_peer_transport(plain);
    hyl__channel_rules(&transport, &rules);
    assert_false(rules.encrypted);
    assert_int_equal(rules.end_point_len, 0);
    hyl_transport_close(&transport);
    hyl_mem_peer_free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_tls_asks_for_nothing),
        TESTS_WITH_TLS,
        cmocka_unit_test(a_plain_channel_binds_nothing),
    };
    return cmocka_run_group_tests_name("conn/open", tests, set_up, tear_down);
}
