#include "support/test.h"

#include "support/alloc.h"
#include "support/hex.h"
#include "support/pbkdf2.h"

#include "net/crypto.h"
#include "wire/auth.h"
#include "wire/base64.h"

#include <hyperline/wire.h>

static hyl_error err;

static void require_openssl(void)
{
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
}

/* OpenSSL's hashes with a nonce that is always the same. */
static hyl_status same_random(uint8_t *out, size_t len, hyl_error *e)
{
    (void)e;
    memset(out, 'x', len);
    return HYL_OK;
}

#define NONCE "eHh4eHh4eHh4eHh4eHh4eHh4"

static hyl__crypto crypto;

static hyl__auth *new_auth(const char *password)
{
    hyl__auth *auth = NULL;
    crypto = *hyl__crypto_openssl();
    crypto.random = same_random;
    assert_int_equal(hyl__auth_new(&crypto, "postgres", password, &auth), HYL_OK);
    return auth;
}

static hyl_msg_auth message(int32_t kind, const char *data, size_t len)
{
    return (hyl_msg_auth){kind, {1, 2, 3, 4}, {(const uint8_t *)data, len}};
}

/* Gives the exchange one message; its reply replaces what is in `reply`. */
static hyl_status step(hyl__auth *auth, hyl_msg_auth asked, hyl_buf *reply, bool *done)
{
    hyl_buf_clear(reply);
    return hyl__auth_step(auth, &asked, reply, done, &err);
}

static void assert_bytes(const hyl_buf *buf, const char *wanted, size_t len)
{
    assert_int_equal(buf->len, len);
    assert_memory_equal(buf->data, wanted, len);
}

static const char scram_only[] = "SCRAM-SHA-256\0";
static const char scram_and_plus[] = "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0";

static hyl_msg_auth sasl(void)
{
    return message(HYL_AUTH_SASL, scram_only, sizeof scram_only);
}

/* ---- Without SASL ---- */

static void trust_needs_no_password(void **state)
{
    (void)state;
    hyl__auth *auth = new_auth(NULL);
    hyl_buf reply = HYL_BUF_INIT;
    bool done = false;
    assert_ok(step(auth, message(HYL_AUTH_OK, NULL, 0), &reply, &done), &err);
    assert_true(done);
    assert_int_equal(reply.len, 0);
    assert_string_equal(hyl__auth_method(auth), "trust");
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
}

static void cleartext_sends_the_password(void **state)
{
    (void)state;
    hyl__auth *auth = new_auth("secret");
    hyl_buf reply = HYL_BUF_INIT;
    bool done = true;
    assert_ok(step(auth, message(HYL_AUTH_CLEARTEXT, NULL, 0), &reply, &done), &err);
    assert_false(done);
    assert_bytes(&reply, "p\0\0\0\x0bsecret", 12);
    assert_string_equal(hyl__auth_method(auth), "password");
    assert_ok(step(auth, message(HYL_AUTH_OK, NULL, 0), &reply, &done), &err);
    assert_true(done);
    assert_int_equal(reply.len, 0);
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
}

static void md5_sends_a_salted_digest(void **state)
{
    (void)state;
    require_openssl();
    hyl__auth *auth = new_auth("secret");
    hyl_buf reply = HYL_BUF_INIT;
    bool done = true;
    assert_ok(step(auth, message(HYL_AUTH_MD5, NULL, 0), &reply, &done), &err);
    assert_false(done);
    assert_bytes(&reply, "p\0\0\0\x28md5bb41a296aab6baccb36ff243a562abff", 41);
    assert_string_equal(hyl__auth_method(auth), "md5");
    assert_ok(step(auth, message(HYL_AUTH_OK, NULL, 0), &reply, &done), &err);
    assert_true(done);
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
}

/* ---- SCRAM ---- */

#define SERVER_FIRST "r=" NONCE "server,s=c2FsdHNhbHQ=,i=4096"

/* What a server that knows the password "pencil", and has asked for so many iterations in
 * `server_first`, answers to the final message of `auth`. */
static void append_server_final_to(const char *server_first, uint32_t iterations,
                                   const hyl_buf *final_reply, hyl_buf *out)
{
    uint8_t salted[HYL__SHA256_LEN];
    uint8_t key[HYL__SHA256_LEN];
    uint8_t signature[HYL__SHA256_LEN];
    hyl_buf text = HYL_BUF_INIT;
    const char *bare = (const char *)final_reply->data + HYL_MESSAGE_HEADER_SIZE;
    size_t proof_len = strlen(",p=") + HYL__BASE64_LEN(HYL__SHA256_LEN);
    assert_true(final_reply->len > HYL_MESSAGE_HEADER_SIZE + proof_len);
    hyl_buf_append_str(&text, "n=,r=" NONCE ",");
    hyl_buf_append_str(&text, server_first);
    hyl_buf_append_byte(&text, ',');
    hyl_buf_append(&text, bare, final_reply->len - HYL_MESSAGE_HEADER_SIZE - proof_len);
    assert_ok(test_pbkdf2(&crypto, (hyl_bytes){(const uint8_t *)"pencil", 6},
                          (hyl_bytes){(const uint8_t *)"saltsalt", 8}, iterations, UINT32_MAX,
                          salted, &err),
              &err);
    assert_ok(crypto.hmac_sha256((hyl_bytes){salted, sizeof salted},
                                 (hyl_bytes){(const uint8_t *)"Server Key", 10}, key, &err),
              &err);
    assert_ok(crypto.hmac_sha256((hyl_bytes){key, sizeof key}, (hyl_bytes){text.data, text.len},
                                 signature, &err),
              &err);
    hyl_buf_append_str(out, "v=");
    hyl__base64_encode((hyl_bytes){signature, sizeof signature}, out);
    hyl_buf_reset(&text);
}

static void append_server_final(const hyl_buf *final_reply, hyl_buf *out)
{
    append_server_final_to(SERVER_FIRST, 4096, final_reply, out);
}

/* An exchange up to the client's final message, which is in `reply`. */
static hyl__auth *up_to_final(const char *password, hyl_buf *reply)
{
    hyl__auth *auth = new_auth(password);
    bool done = true;
    assert_ok(step(auth, sasl(), reply, &done), &err);
    assert_false(done);
    assert_bytes(reply,
                 "p\0\0\0\x36SCRAM-SHA-256\0\0\0\0\x20"
                 "n,,n=,r=" NONCE,
                 55);
    assert_ok(step(auth, message(HYL_AUTH_SASL_CONTINUE, SERVER_FIRST, strlen(SERVER_FIRST)), reply,
                   &done),
              &err);
    assert_false(done);
    return auth;
}

#define MUCH_WORK "r=" NONCE "server,s=c2FsdHNhbHQ=,i=100000"

/* An exchange whose final message is being worked on. */
static hyl__auth *up_to_work(hyl_buf *reply)
{
    hyl__auth *auth = new_auth("pencil");
    bool done = true;
    assert_ok(step(auth, sasl(), reply, &done), &err);
    assert_status(
        step(auth, message(HYL_AUTH_SASL_CONTINUE, MUCH_WORK, strlen(MUCH_WORK)), reply, &done),
        HYL_AGAIN, &err);
    assert_int_equal(reply->len, 0);
    return auth;
}

/* Its owner looks at the clock in between. */
static void much_work_is_done_by_the_piece(void **state)
{
    (void)state;
    require_openssl();
    hyl_buf reply = HYL_BUF_INIT;
    hyl_buf server_final = HYL_BUF_INIT;
    bool done = true;
    hyl__auth *auth = up_to_work(&reply);
    int pieces = 1;
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN) {
        assert_int_equal(reply.len, 0);
        status = hyl__auth_work(auth, &reply, &err);
        pieces++;
    }
    assert_ok(status, &err);
    assert_int_equal(pieces, 7); /* of HYL__SCRAM_SLICE iterations */
    append_server_final_to(MUCH_WORK, 100000, &reply, &server_final);
    hyl_msg_auth last = {HYL_AUTH_SASL_FINAL, {0}, {server_final.data, server_final.len}};
    assert_ok(step(auth, last, &reply, &done), &err);
    assert_status(hyl__auth_work(auth, &reply, &err), HYL_ERR_AUTH, &err);
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
    hyl_buf_reset(&server_final);
}

static void nothing_is_accepted_while_there_is_work(void **state)
{
    (void)state;
    require_openssl();
    const hyl_msg_auth messages[] = {message(HYL_AUTH_OK, NULL, 0),
                                     message(HYL_AUTH_CLEARTEXT, NULL, 0), sasl(),
                                     message(HYL_AUTH_SASL_CONTINUE, MUCH_WORK, strlen(MUCH_WORK)),
                                     message(HYL_AUTH_SASL_FINAL, "v=AAAA", 6)};
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        hyl_buf reply = HYL_BUF_INIT;
        bool done = true;
        hyl__auth *auth = up_to_work(&reply);
        assert_status(step(auth, messages[i], &reply, &done), HYL_ERR_AUTH, &err);
        assert_false(done);
        assert_status(hyl__auth_work(auth, &reply, &err), HYL_ERR_AUTH, &err);
        assert_int_equal(reply.len, 0);
        hyl__auth_free(auth);
        hyl_buf_reset(&reply);
    }
}

static void scram_goes_through(void **state)
{
    (void)state;
    require_openssl();
    hyl_buf reply = HYL_BUF_INIT;
    hyl_buf server_final = HYL_BUF_INIT;
    bool done = true;
    hyl__auth *auth = up_to_final("pencil", &reply);
    append_server_final(&reply, &server_final);
    hyl_msg_auth last = {HYL_AUTH_SASL_FINAL, {0}, {server_final.data, server_final.len}};
    assert_ok(step(auth, last, &reply, &done), &err);
    assert_false(done);
    assert_int_equal(reply.len, 0);
    assert_ok(step(auth, message(HYL_AUTH_OK, NULL, 0), &reply, &done), &err);
    assert_true(done);
    assert_string_equal(hyl__auth_method(auth), "SCRAM-SHA-256");
    hyl__auth_free(auth);
    hyl_buf_reset(&server_final);
    hyl_buf_reset(&reply);
}

static void scram_is_chosen_among_others(void **state)
{
    (void)state;
    require_openssl();
    hyl_buf reply = HYL_BUF_INIT;
    bool done = false;
    hyl__auth *auth = new_auth("pencil");
    assert_ok(
        step(auth, message(HYL_AUTH_SASL, scram_and_plus, sizeof scram_and_plus), &reply, &done),
        &err);
    assert_memory_equal(reply.data + HYL_MESSAGE_HEADER_SIZE, "SCRAM-SHA-256", 14);
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
}

static void a_server_that_does_not_know_the_password_is_refused(void **state)
{
    (void)state;
    require_openssl();
    hyl_buf reply = HYL_BUF_INIT;
    hyl_buf server_final = HYL_BUF_INIT;
    bool done = false;
    hyl__auth *auth = up_to_final("another", &reply);
    append_server_final(&reply, &server_final);
    hyl_msg_auth last = {HYL_AUTH_SASL_FINAL, {0}, {server_final.data, server_final.len}};
    assert_status(step(auth, last, &reply, &done), HYL_ERR_AUTH, &err);
    assert_non_null(strstr(err.message, "signature"));
    assert_status(step(auth, message(HYL_AUTH_OK, NULL, 0), &reply, &done), HYL_ERR_AUTH, &err);
    assert_false(done);
    hyl__auth_free(auth);
    hyl_buf_reset(&server_final);
    hyl_buf_reset(&reply);
}

static void acceptance_without_proof_is_refused(void **state)
{
    (void)state;
    require_openssl();
    hyl_buf reply = HYL_BUF_INIT;
    bool done = true;
    hyl__auth *auth = up_to_final("pencil", &reply);
    assert_status(step(auth, message(HYL_AUTH_OK, NULL, 0), &reply, &done), HYL_ERR_AUTH, &err);
    assert_false(done);
    hyl__auth_free(auth);

    auth = new_auth("pencil");
    assert_ok(step(auth, sasl(), &reply, &done), &err);
    assert_status(step(auth, message(HYL_AUTH_OK, NULL, 0), &reply, &done), HYL_ERR_AUTH, &err);
    assert_false(done);
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
}

/* ---- Refusals ---- */

static const struct {
    int32_t kind;
    const char *method;
} demands[] = {
    {HYL_AUTH_CLEARTEXT, "(password)"},
    {HYL_AUTH_MD5, "(md5)"},
    {HYL_AUTH_SASL, "(SCRAM-SHA-256)"},
};

static void a_demand_without_a_password_names_the_method(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof demands / sizeof demands[0]; i++) {
        hyl_buf reply = HYL_BUF_INIT;
        bool done = true;
        hyl__auth *auth = new_auth(NULL);
        assert_status(
            step(auth, message(demands[i].kind, scram_only, sizeof scram_only), &reply, &done),
            HYL_ERR_AUTH, &err);
        assert_non_null(strstr(err.message, demands[i].method));
        assert_false(done);
        assert_int_equal(reply.len, 0);
        hyl__auth_free(auth);
        hyl_buf_reset(&reply);
    }
}

static void a_list_without_scram_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        size_t len;
        const char *shown;
    } lists[] = {
        {"OAUTHBEARER\0SCRAM-SHA-256-PLUS\0", 32, "\"OAUTHBEARER,SCRAM-SHA-256-PLUS\""},
        {"", 1, "\"\""},
        {"A\x01\xff\0", 5, "\"A??\""},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        hyl_buf reply = HYL_BUF_INIT;
        bool done = true;
        hyl__auth *auth = new_auth("pencil");
        assert_status(
            step(auth, message(HYL_AUTH_SASL, lists[i].list, lists[i].len), &reply, &done),
            HYL_ERR_AUTH, &err);
        assert_non_null(strstr(err.message, lists[i].shown));
        hyl__auth_free(auth);
        hyl_buf_reset(&reply);
    }
}

static void a_long_list_is_cut(void **state)
{
    (void)state;
    char list[1001];
    hyl_buf reply = HYL_BUF_INIT;
    bool done = true;
    memset(list, 'M', sizeof list);
    list[499] = '\0';
    list[999] = '\0';
    list[1000] = '\0';
    hyl__auth *auth = new_auth("pencil");
    assert_status(step(auth, message(HYL_AUTH_SASL, list, sizeof list), &reply, &done),
                  HYL_ERR_AUTH, &err);
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
}

static void other_methods_are_named(void **state)
{
    (void)state;
    static const struct {
        int32_t kind;
        const char *name;
    } kinds[] = {
        {HYL_AUTH_KERBEROS, "Kerberos"},
        {HYL_AUTH_SCM, "SCM"},
        {HYL_AUTH_GSS, "GSSAPI"},
        {HYL_AUTH_GSS_CONTINUE, "GSS"},
        {HYL_AUTH_SSPI, "SSPI"},
        {99, "request 99"},
        {-1, "request -1"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        hyl_buf reply = HYL_BUF_INIT;
        bool done = true;
        hyl__auth *auth = new_auth("pencil");
        assert_status(step(auth, message(kinds[i].kind, NULL, 0), &reply, &done), HYL_ERR_AUTH,
                      &err);
        assert_non_null(strstr(err.message, kinds[i].name));
        hyl__auth_free(auth);
    }
}

/* Every two messages that may not follow one another. */
static void messages_out_of_order_are_refused(void **state)
{
    (void)state;
    require_openssl();
    static const struct {
        int32_t first; /* -1: none */
        int32_t second;
    } orders[] = {
        {-1, HYL_AUTH_SASL_CONTINUE},
        {-1, HYL_AUTH_SASL_FINAL},
        {HYL_AUTH_SASL, HYL_AUTH_SASL},
        {HYL_AUTH_SASL, HYL_AUTH_SASL_FINAL},
        {HYL_AUTH_SASL, HYL_AUTH_CLEARTEXT},
        {HYL_AUTH_SASL, HYL_AUTH_MD5},
        {HYL_AUTH_MD5, HYL_AUTH_CLEARTEXT},
        {HYL_AUTH_MD5, HYL_AUTH_MD5},
        {HYL_AUTH_MD5, HYL_AUTH_SASL},
        {HYL_AUTH_CLEARTEXT, HYL_AUTH_CLEARTEXT},
        {HYL_AUTH_CLEARTEXT, HYL_AUTH_SASL_CONTINUE},
        {HYL_AUTH_OK, HYL_AUTH_OK},
        {HYL_AUTH_OK, HYL_AUTH_CLEARTEXT},
        {HYL_AUTH_OK, HYL_AUTH_SASL},
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        hyl_buf reply = HYL_BUF_INIT;
        bool done = true;
        hyl__auth *auth = new_auth("pencil");
        if (orders[i].first >= 0) {
            assert_ok(
                step(auth, message(orders[i].first, scram_only, sizeof scram_only), &reply, &done),
                &err);
        }
        assert_status(
            step(auth, message(orders[i].second, scram_only, sizeof scram_only), &reply, &done),
            HYL_ERR_AUTH, &err);
        assert_non_null(strstr(err.message, "out of order"));
        assert_false(done);
        /* Once failed, it stays so. */
        assert_status(step(auth, message(HYL_AUTH_OK, NULL, 0), &reply, &done), HYL_ERR_AUTH, &err);
        assert_false(done);
        hyl__auth_free(auth);
        hyl_buf_reset(&reply);
    }
}

static void without_crypto_the_build_option_is_named(void **state)
{
    (void)state;
    hyl_buf reply = HYL_BUF_INIT;
    bool done = true;
    hyl__auth *auth = NULL;
    assert_int_equal(hyl__auth_new(NULL, "u", "p", &auth), HYL_OK);
    assert_status(step(auth, sasl(), &reply, &done), HYL_ERR_UNSUPPORTED, &err);
    assert_non_null(strstr(err.message, "HYL_WITH_OPENSSL"));
    hyl__auth_free(auth);
    assert_int_equal(hyl__auth_new(NULL, "u", "p", &auth), HYL_OK);
    assert_status(step(auth, message(HYL_AUTH_MD5, NULL, 0), &reply, &done), HYL_ERR_UNSUPPORTED,
                  &err);
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
}

/* ---- Rules ---- */

static hyl__auth_rules bound_rules(hyl__channel_binding binding)
{
    hyl__auth_rules rules = {.encrypted = true, .binding = binding, .end_point_len = 32};
    memset(rules.end_point, 0x5a, rules.end_point_len);
    return rules;
}

static const char plus_only[] = "SCRAM-SHA-256-PLUS\0";

#define PLAIN "p\0\0\0\x36SCRAM-SHA-256\0\0\0\0\x20"
#define PLUS  "p\0\0\0\x50SCRAM-SHA-256-PLUS\0\0\0\0\x35"

static const struct {
    bool encrypted;
    bool has_end_point;
    hyl__channel_binding binding;
    const char *offer;
    size_t offer_len;
    const char *reply; /* NULL: refused, as `refusal` says */
    const char *refusal;
} bindings[] = {
#define ONLY scram_only, sizeof scram_only
#define BOTH scram_and_plus, sizeof scram_and_plus
#define BARE plus_only, sizeof plus_only
    {true, true, HYL__BINDING_PREFER, BOTH, PLUS "p=tls-server-end-point,,n=,r=" NONCE, NULL},
    {true, true, HYL__BINDING_PREFER, BARE, PLUS "p=tls-server-end-point,,n=,r=" NONCE, NULL},
    /* "We could, and you did not offer it": a server that did knows that somebody stands between. */
    {true, true, HYL__BINDING_PREFER, ONLY, PLAIN "y,,n=,r=" NONCE, NULL},
    {true, true, HYL__BINDING_DISABLE, BOTH, PLAIN "n,,n=,r=" NONCE, NULL},
    {true, true, HYL__BINDING_DISABLE, BARE, NULL, "\"SCRAM-SHA-256-PLUS\""},
    {true, true, HYL__BINDING_REQUIRE, BOTH, PLUS "p=tls-server-end-point,,n=,r=" NONCE, NULL},
    {true, true, HYL__BINDING_REQUIRE, ONLY, NULL, "does not offer it"},
    {true, false, HYL__BINDING_PREFER, BOTH, PLAIN "n,,n=,r=" NONCE, NULL},
    {true, false, HYL__BINDING_REQUIRE, BOTH, NULL, "certificate"},
    {false, false, HYL__BINDING_PREFER, ONLY, PLAIN "n,,n=,r=" NONCE, NULL},
    {false, false, HYL__BINDING_PREFER, BOTH, NULL, "somebody may have taken it away"},
    {false, false, HYL__BINDING_DISABLE, BOTH, PLAIN "n,,n=,r=" NONCE, NULL},
    {false, false, HYL__BINDING_REQUIRE, ONLY, NULL, "not encrypted"},
#undef ONLY
#undef BOTH
#undef BARE
};

static void the_mechanism_is_bound_where_it_can_be(void **state)
{
    (void)state;
    require_openssl();
    for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++) {
        hyl_buf reply = HYL_BUF_INIT;
        bool done = false;
        hyl__auth *auth = new_auth("pencil");
        hyl__auth_rules rules = bound_rules(bindings[i].binding);
        rules.encrypted = bindings[i].encrypted;
        rules.end_point_len = bindings[i].has_end_point ? 32 : 0;
        hyl__auth_set_rules(auth, &rules);
        hyl_status status = step(
            auth, message(HYL_AUTH_SASL, bindings[i].offer, bindings[i].offer_len), &reply, &done);
        if (bindings[i].reply != NULL) {
            assert_ok(status, &err);
            /* Behind the type and the length, which say how much there is. */
            assert_int_equal(reply.len, (size_t)reply.data[4] + 1);
            assert_memory_equal(reply.data, bindings[i].reply, reply.len);
        } else {
            assert_status(status, HYL_ERR_AUTH, &err);
            if (strstr(err.message, bindings[i].refusal) == NULL) {
                fail_msg("%zu: %s", i, err.message);
            }
            assert_int_equal(reply.len, 0);
        }
        hyl__auth_free(auth);
        hyl_buf_reset(&reply);
    }
}

static const struct {
    hyl__auth_rules rules;
    int32_t demand;
    const char *refusal; /* NULL: none */
} ruled[] = {
    {{.allowed = HYL__AUTH_SCRAM}, HYL_AUTH_OK, "no authentication"},
    {{.allowed = HYL__AUTH_SCRAM}, HYL_AUTH_CLEARTEXT, "demands password, which require_auth"},
    {{.allowed = HYL__AUTH_SCRAM}, HYL_AUTH_MD5, "demands md5, which require_auth"},
    {{.allowed = HYL__AUTH_SCRAM}, HYL_AUTH_SASL, NULL},
    {{.allowed = HYL__AUTH_NONE}, HYL_AUTH_OK, NULL},
    {{.allowed = HYL__AUTH_NONE}, HYL_AUTH_SASL, "demands SCRAM-SHA-256, which"},
    {{.allowed = HYL__AUTH_PASSWORD | HYL__AUTH_MD5}, HYL_AUTH_CLEARTEXT, NULL},
    {{.allowed = HYL__AUTH_PASSWORD | HYL__AUTH_MD5}, HYL_AUTH_MD5, NULL},
    {{.allowed = HYL__AUTH_ANY & ~HYL__AUTH_PASSWORD}, HYL_AUTH_CLEARTEXT, "require_auth"},
    {{.allowed = HYL__AUTH_ANY & ~HYL__AUTH_PASSWORD}, HYL_AUTH_OK, NULL},
    {{.no_cleartext = true}, HYL_AUTH_CLEARTEXT, "allow_cleartext=yes"},
    {{.no_cleartext = true}, HYL_AUTH_MD5, NULL},
    {{.no_cleartext = true}, HYL_AUTH_SASL, NULL},
    {{.binding = HYL__BINDING_REQUIRE}, HYL_AUTH_OK, "channel_binding=require"},
    {{.binding = HYL__BINDING_REQUIRE}, HYL_AUTH_CLEARTEXT, "channel_binding=require"},
    {{.binding = HYL__BINDING_REQUIRE}, HYL_AUTH_MD5, "channel_binding=require"},
    {{.binding = HYL__BINDING_REQUIRE}, HYL_AUTH_SASL, "channel_binding=require"},
};

static void what_the_rules_rule_out_is_not_answered(void **state)
{
    (void)state;
    require_openssl();
    for (size_t i = 0; i < sizeof ruled / sizeof ruled[0]; i++) {
        hyl_buf reply = HYL_BUF_INIT;
        bool done = false;
        hyl__auth *auth = new_auth("pencil");
        hyl__auth_set_rules(auth, &ruled[i].rules);
        hyl_status status =
            step(auth, message(ruled[i].demand, scram_only, sizeof scram_only), &reply, &done);
        if (ruled[i].refusal == NULL) {
            assert_ok(status, &err);
        } else {
            assert_status(status, HYL_ERR_AUTH, &err);
            if (strstr(err.message, ruled[i].refusal) == NULL) {
                fail_msg("%zu: %s", i, err.message);
            }
            assert_int_equal(reply.len, 0);
            assert_false(done);
        }
        hyl__auth_free(auth);
        hyl_buf_reset(&reply);
    }
}

/* ---- Memory ---- */

/* Runs a whole exchange; true where the chosen allocation was reached. */
static bool run_without_memory(bool scram, size_t fail_at)
{
    hyl__auth *auth = NULL;
    hyl_buf reply = HYL_BUF_INIT;
    bool done = false;
    hyl_msg_auth first = scram ? sasl() : message(HYL_AUTH_MD5, NULL, 0);
    hyl_msg_auth second = message(HYL_AUTH_SASL_CONTINUE, SERVER_FIRST, strlen(SERVER_FIRST));
    crypto = *hyl__crypto_openssl();
    crypto.random = same_random;
    alloc_start(fail_at);
    hyl_status status = hyl__auth_new(&crypto, "u", "p", &auth);
    if (status == HYL_OK) {
        status = hyl__auth_step(auth, &first, &reply, &done, &err);
    }
    if (status == HYL_OK && scram) {
        hyl_buf_reset(&reply);
        status = hyl__auth_step(auth, &second, &reply, &done, &err);
    }
    bool reached = alloc_failed();
    assert_int_equal(status, reached ? HYL_ERR_NOMEM : HYL_OK);
    hyl__auth_free(auth);
    hyl_buf_reset(&reply);
    alloc_stop();
    return reached;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    require_openssl();
    for (int scram = 0; scram < 2; scram++) {
        size_t fail_at = 1;
        while (run_without_memory(scram != 0, fail_at)) {
            fail_at++;
        }
        assert_true(fail_at > 4);
    }
}

static void secrets_are_wiped_before_memory_is_freed(void **state)
{
    (void)state;
    require_openssl();
    static const int32_t kinds[] = {HYL_AUTH_CLEARTEXT, HYL_AUTH_MD5, HYL_AUTH_SASL};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        hyl_buf reply = HYL_BUF_INIT; /* the caller's to wipe */
        bool done = false;
        assert_int_equal(hyl_buf_reserve(&reply, 256), HYL_OK);
        alloc_start(ALLOC_NEVER);
        alloc_watch("a rare password");
        hyl__auth *auth = new_auth("a rare password");
        hyl_msg_auth first = message(kinds[i], scram_only, sizeof scram_only);
        hyl_msg_auth second = message(HYL_AUTH_SASL_CONTINUE, SERVER_FIRST, strlen(SERVER_FIRST));
        assert_ok(hyl__auth_step(auth, &first, &reply, &done, &err), &err);
        if (kinds[i] == HYL_AUTH_SASL) {
            assert_ok(hyl__auth_step(auth, &second, &reply, &done, &err), &err);
        }
        hyl__auth_free(auth);
        assert_int_equal(alloc_secrets(), 0);
        alloc_stop();
        hyl_buf_reset(&reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trust_needs_no_password),
        cmocka_unit_test(cleartext_sends_the_password),
        cmocka_unit_test(md5_sends_a_salted_digest),
        cmocka_unit_test(much_work_is_done_by_the_piece),
        cmocka_unit_test(nothing_is_accepted_while_there_is_work),
        cmocka_unit_test(scram_goes_through),
        cmocka_unit_test(scram_is_chosen_among_others),
        cmocka_unit_test(a_server_that_does_not_know_the_password_is_refused),
        cmocka_unit_test(acceptance_without_proof_is_refused),
        cmocka_unit_test(a_demand_without_a_password_names_the_method),
        cmocka_unit_test(a_list_without_scram_is_told),
        cmocka_unit_test(a_long_list_is_cut),
        cmocka_unit_test(other_methods_are_named),
        cmocka_unit_test(messages_out_of_order_are_refused),
        cmocka_unit_test(without_crypto_the_build_option_is_named),
        cmocka_unit_test(the_mechanism_is_bound_where_it_can_be),
        cmocka_unit_test(what_the_rules_rule_out_is_not_answered),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(secrets_are_wiped_before_memory_is_freed),
    };
    return cmocka_run_group_tests_name("wire/auth", tests, NULL, NULL);
}
