#include "support/test.h"

#include "support/alloc.h"

#include "net/crypto.h"
#include "wire/scram.h"

static hyl_error err;

/* Skips the test in a build that has no hashes. */
static void require_openssl(void)
{
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
}

/* The exchange of RFC 7677, section 3. */
#define RFC_NONCE        "rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER_NONCE RFC_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_SALT         "W22ZaJ0SNY7soEsUEjb6gQ=="

static const char rfc_client_first[] = "n,,n=user,r=" RFC_NONCE;
static const char rfc_server_first[] = "r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=4096";
static const char rfc_client_final[] =
    "c=biws,r=" RFC_SERVER_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
static const char rfc_server_final[] = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

static hyl_bytes bytes_of(const char *text)
{
    return (hyl_bytes){(const uint8_t *)text, strlen(text)};
}

static void assert_text(const hyl_buf *buf, const char *wanted)
{
    assert_int_equal(buf->len, strlen(wanted));
    assert_memory_equal(buf->data, wanted, buf->len);
}

/* Starts an exchange with the nonce of the RFC. */
static void start(hyl__scram *scram, const char *user)
{
    hyl_buf out = HYL_BUF_INIT;
    hyl__scram_init(scram, hyl__crypto_openssl());
    assert_ok(hyl__scram_first(scram, hyl_str_of(user), HYL_STR(RFC_NONCE), &out, &err), &err);
    hyl_buf_reset(&out);
}

static hyl_status answer(hyl__scram *scram, const char *server_first, hyl_buf *out)
{
    hyl_buf_clear(out);
    return hyl__scram_final(scram, bytes_of("pencil"), hyl_str_of(server_first), out, &err);
}

static void the_exchange_of_the_rfc_holds(void **state)
{
    (void)state;
    require_openssl();
    hyl__scram scram;
    hyl_buf out = HYL_BUF_INIT;
    hyl__scram_init(&scram, hyl__crypto_openssl());
    assert_ok(hyl__scram_first(&scram, HYL_STR("user"), HYL_STR(RFC_NONCE), &out, &err), &err);
    assert_text(&out, rfc_client_first);
    assert_ok(answer(&scram, rfc_server_first, &out), &err);
    assert_text(&out, rfc_client_final);
    assert_ok(hyl__scram_verify(&scram, hyl_str_of(rfc_server_final), &err), &err);
    hyl__scram_reset(&scram);
    hyl_buf_reset(&out);
}

static void a_user_name_is_escaped(void **state)
{
    (void)state;
    hyl__scram scram;
    hyl_buf out = HYL_BUF_INIT;
    hyl__scram_init(&scram, hyl__crypto_openssl());
    assert_ok(hyl__scram_first(&scram, HYL_STR("a,b=c"), HYL_STR("nonce"), &out, &err), &err);
    assert_text(&out, "n,,n=a=2Cb=3Dc,r=nonce");
    hyl__scram_reset(&scram);
    hyl_buf_reset(&out);
}

static void a_server_may_use_any_printable_nonce(void **state)
{
    (void)state;
    require_openssl();
    hyl__scram scram;
    hyl_buf out = HYL_BUF_INIT;
    start(&scram, "");
    assert_ok(answer(&scram, "r=" RFC_NONCE "'\"\\=~!,s=" RFC_SALT ",i=4096,x=extension", &out),
              &err);
    assert_memory_equal(out.data, "c=biws,r=" RFC_NONCE "'\"\\=~!,p=", 38);
    hyl__scram_reset(&scram);
    hyl_buf_reset(&out);
}

static void a_binding_is_in_both_messages(void **state)
{
    (void)state;
    require_openssl();
    hyl__scram scram;
    hyl_buf out = HYL_BUF_INIT;
    uint8_t hash[48];
    memset(hash, 0xab, sizeof hash);
    hyl__scram_init(&scram, hyl__crypto_openssl());
    hyl__scram_bind(&scram, "p=tls-server-end-point,,", (hyl_bytes){hash, sizeof hash});
    assert_ok(hyl__scram_first(&scram, HYL_STR(""), HYL_STR(RFC_NONCE), &out, &err), &err);
    hyl_buf_append_byte(&out, '\0');
    assert_string_equal((const char *)out.data, "p=tls-server-end-point,,n=,r=" RFC_NONCE);
    hyl_buf_clear(&out);
    assert_ok(answer(&scram, rfc_server_first, &out), &err);
    /* base64 of the header and the hash. */
    static const char channel[] =
        "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsq6urq6urq6urq6urq6urq6urq6urq6ur"
        "q6urq6urq6urq6urq6urq6urq6urq6ur,r=" RFC_SERVER_NONCE ",p=";
    assert_true(out.len > sizeof channel);
    assert_memory_equal(out.data, channel, sizeof channel - 1);
    hyl__scram_reset(&scram);
    hyl_buf_reset(&out);
}

static const struct {
    const char *message;
    const char *reason;
} bad_challenges[] = {
    {"", "malformed"},
    {"r=" RFC_SERVER_NONCE, "malformed"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT, "malformed"},
    {"r=" RFC_SERVER_NONCE ",i=4096,s=" RFC_SALT, "malformed"},
    {"s=" RFC_SALT ",r=" RFC_SERVER_NONCE ",i=4096", "malformed"},
    {"m=1,r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=4096", "extension"},
    {"r=" RFC_NONCE ",s=" RFC_SALT ",i=4096", "nonce"}, /* nothing added */
    {"r=xOprNGfwEbeRWgbNEkqOmore,s=" RFC_SALT ",i=4096", "nonce"},
    {"r=,s=" RFC_SALT ",i=4096", "nonce"},
    {"r=" RFC_SERVER_NONCE ",s=,i=4096", "salt"},
    {"r=" RFC_SERVER_NONCE ",s=W22Z*J0S,i=4096", "salt"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=0", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=1", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=4095", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=-1", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=1x", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=10000001", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=2147483648", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=4294967297", "iteration"},
    {"r=" RFC_SERVER_NONCE ",s=" RFC_SALT ",i=99999999999999999999999", "iteration"},
};

static void a_bad_challenge_is_refused(void **state)
{
    (void)state;
    require_openssl();
    for (size_t i = 0; i < sizeof bad_challenges / sizeof bad_challenges[0]; i++) {
        hyl__scram scram;
        hyl_buf out = HYL_BUF_INIT;
        start(&scram, "user");
        assert_status(answer(&scram, bad_challenges[i].message, &out), HYL_ERR_AUTH, &err);
        if (strstr(err.message, bad_challenges[i].reason) == NULL) {
            fail_msg("%s: %s", bad_challenges[i].message, err.message);
        }
        assert_int_equal(out.len, 0);
        hyl__scram_reset(&scram);
        hyl_buf_reset(&out);
    }
}

static void a_salt_has_a_bound(void **state)
{
    (void)state;
    require_openssl();
    hyl__scram scram;
    hyl_buf out = HYL_BUF_INIT;
    hyl_buf message = HYL_BUF_INIT;
    hyl_buf_append_str(&message, "r=" RFC_SERVER_NONCE ",s=");
    for (int i = 0; i < 1028; i += 3) {
        hyl_buf_append_str(&message, "AAAA");
    }
    hyl_buf_append(&message, ",i=4096", 8);
    start(&scram, "user");
    assert_status(answer(&scram, (const char *)message.data, &out), HYL_ERR_AUTH, &err);
    hyl__scram_reset(&scram);
    hyl_buf_reset(&message);
    hyl_buf_reset(&out);
}

static const char *const bad_finals[] = {
    "",
    "v=",
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", /* not base64 */
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95Gw=", /* the last byte differs */
    "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", /* the first does */
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl9",     /* too short */
    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4A", /* too long */
    "p=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    "e=invalid-proof",
};

static void a_bad_signature_is_refused(void **state)
{
    (void)state;
    require_openssl();
    hyl__scram scram;
    hyl_buf out = HYL_BUF_INIT;
    start(&scram, "user");
    assert_ok(answer(&scram, rfc_server_first, &out), &err);
    for (size_t i = 0; i < sizeof bad_finals / sizeof bad_finals[0]; i++) {
        assert_status(hyl__scram_verify(&scram, hyl_str_of(bad_finals[i]), &err), HYL_ERR_AUTH,
                      &err);
    }
    assert_string_equal(err.message, "SCRAM: the server says: invalid-proof");
    assert_status(hyl__scram_verify(&scram, HYL_STR("e=\xff"), &err), HYL_ERR_AUTH, &err);
    assert_string_equal(err.message, "SCRAM: the server says: ?");
    assert_ok(hyl__scram_verify(&scram, hyl_str_of(rfc_server_final), &err), &err);
    hyl__scram_reset(&scram);
    hyl_buf_reset(&out);
}

static void another_password_gives_another_signature(void **state)
{
    (void)state;
    require_openssl();
    hyl__scram scram;
    hyl_buf out = HYL_BUF_INIT;
    start(&scram, "user");
    assert_ok(
        hyl__scram_final(&scram, bytes_of("pencil2"), hyl_str_of(rfc_server_first), &out, &err),
        &err);
    assert_status(hyl__scram_verify(&scram, hyl_str_of(rfc_server_final), &err), HYL_ERR_AUTH,
                  &err);
    hyl__scram_reset(&scram);
    hyl_buf_reset(&out);
}

static void nonces_are_printable_and_differ(void **state)
{
    (void)state;
    require_openssl();
    hyl_buf one = HYL_BUF_INIT;
    hyl_buf two = HYL_BUF_INIT;
    assert_ok(hyl__scram_nonce(hyl__crypto_openssl(), &one, &err), &err);
    assert_ok(hyl__scram_nonce(hyl__crypto_openssl(), &two, &err), &err);
    assert_int_equal(one.len, 24);
    assert_int_equal(two.len, 24);
    assert_memory_not_equal(one.data, two.data, 24);
    for (size_t i = 0; i < one.len; i++) {
        assert_in_range(one.data[i], 0x21, 0x7e);
        assert_true(one.data[i] != ',');
    }
    hyl_buf_reset(&one);
    hyl_buf_reset(&two);
}

/* The whole exchange; true where the chosen allocation was reached. */
static bool exchange_without_memory(size_t fail_at)
{
    hyl__scram scram;
    hyl_buf out = HYL_BUF_INIT;
    alloc_start(fail_at);
    hyl__scram_init(&scram, hyl__crypto_openssl());
    hyl_status status = hyl__scram_first(&scram, HYL_STR("user"), HYL_STR(RFC_NONCE), &out, &err);
    if (status == HYL_OK) {
        hyl_buf_reset(&out);
        status = answer(&scram, rfc_server_first, &out);
    }
    bool reached = alloc_failed();
    assert_int_equal(status, reached ? HYL_ERR_NOMEM : HYL_OK);
    hyl__scram_reset(&scram);
    hyl_buf_reset(&out);
    alloc_stop();
    return reached;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    require_openssl();
    size_t fail_at = 1;
    while (exchange_without_memory(fail_at)) {
        fail_at++;
    }
    assert_true(fail_at > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exchange_of_the_rfc_holds),
        cmocka_unit_test(a_user_name_is_escaped),
        cmocka_unit_test(a_server_may_use_any_printable_nonce),
        cmocka_unit_test(a_binding_is_in_both_messages),
        cmocka_unit_test(a_bad_challenge_is_refused),
        cmocka_unit_test(a_salt_has_a_bound),
        cmocka_unit_test(a_bad_signature_is_refused),
        cmocka_unit_test(another_password_gives_another_signature),
        cmocka_unit_test(nonces_are_printable_and_differ),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("wire/scram", tests, NULL, NULL);
}
