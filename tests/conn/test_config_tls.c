#include "support/test.h"

#include "conn/config.h"

static hyl_error err;

static hyl_status settings_of(const char *text, hyl__settings *out, hyl_config **config)
{
    assert_ok(hyl_config_new(config, &err), &err);
    assert_ok(hyl_config_parse(*config, text, &err), &err);
    return hyl__config_settings(*config, out, &err);
}

static const struct {
    const char *text;
    hyl__tls_mode mode;
} modes[] = {
    {"endpoint=/tmp/socket", HYL__TLS_DISABLE},
    {"endpoint=/tmp/socket tls=prefer", HYL__TLS_DISABLE},
    {"endpoint=/tmp/socket tls=disable", HYL__TLS_DISABLE},
    {"endpoint=/tmp/socket tls_ca=/ca.pem", HYL__TLS_DISABLE},
    {"endpoint=localhost:1", HYL__TLS_DISABLE},
    {"endpoint=LocalHost:1", HYL__TLS_DISABLE},
    {"endpoint=127.0.0.1:1", HYL__TLS_DISABLE},
    {"endpoint=127.8.9.10:1", HYL__TLS_DISABLE},
    {"endpoint=[::1]:1", HYL__TLS_DISABLE},
    {"endpoint=[::ffff:127.0.0.1]:1", HYL__TLS_DISABLE},
    {"endpoint=[::ffff:8.0.0.1]:1", HYL__TLS_VERIFY_FULL},
    {"endpoint=[fe80::1%lo]:1", HYL__TLS_VERIFY_FULL},
    {"endpoint=128.0.0.1:1", HYL__TLS_VERIFY_FULL},
    {"endpoint=0.0.0.0:1", HYL__TLS_VERIFY_FULL},
    {"endpoint=localhost.example:1", HYL__TLS_VERIFY_FULL},
    {"endpoint=db.example:1", HYL__TLS_VERIFY_FULL},
    {"endpoint=db.example:1 tls=prefer", HYL__TLS_PREFER},
    {"endpoint=db.example:1 tls=disable", HYL__TLS_DISABLE},
    {"endpoint=localhost:1 tls=require", HYL__TLS_REQUIRE},
    {"endpoint=localhost:1 tls=verify-ca", HYL__TLS_VERIFY_CA},
    {"endpoint=localhost:1 tls=verify-full", HYL__TLS_VERIFY_FULL},
    /* Who names a certificate wants it used. */
    {"endpoint=localhost:1 tls_ca=/ca.pem", HYL__TLS_VERIFY_FULL},
    {"endpoint=localhost:1 tls_cert=/c.pem", HYL__TLS_VERIFY_FULL},
    {"endpoint=localhost:1 tls_server_name=db.example", HYL__TLS_VERIFY_FULL},
    {"endpoint=localhost:1 tls_negotiation=direct", HYL__TLS_VERIFY_FULL},
    {"endpoint=localhost:1 tls_ca=/ca.pem tls=disable", HYL__TLS_DISABLE},
};

static void the_mode_follows_from_the_endpoint(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        hyl_config *config = NULL;
        hyl__settings settings;
        assert_ok(settings_of(modes[i].text, &settings, &config), &err);
        if (settings.tls.mode != modes[i].mode) {
            fail_msg("%s: %d", modes[i].text, (int)settings.tls.mode);
        }
        hyl_config_free(config);
    }
}

static const struct {
    const char *text;
    const char *reason;
} contradictions[] = {
    {"endpoint=/tmp/socket tls=require", "unix socket"},
    {"endpoint=/tmp/socket tls=verify-full", "unix socket"},
    {"endpoint=h:1 tls_key=/k.pem", "tls_cert is not"},
    {"endpoint=h:1 tls=prefer tls_negotiation=direct", "tls=require"},
};

static void keys_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof contradictions / sizeof contradictions[0]; i++) {
        hyl_config *config = NULL;
        hyl__settings settings;
        assert_status(settings_of(contradictions[i].text, &settings, &config), HYL_ERR_ARG, &err);
        if (strstr(err.message, contradictions[i].reason) == NULL) {
            fail_msg("%s: %s", contradictions[i].text, err.message);
        }
        hyl_config_free(config);
    }
}

static void every_key_reaches_the_settings(void **state)
{
    (void)state;
    hyl_config *config = NULL;
    hyl__settings settings;
    hyl_buf text = HYL_BUF_INIT;
    assert_ok(settings_of("hyper://u@db.example:5432/x.hyper?tls=verify-ca&tls_ca=/ca.pem&"
                          "tls_cert=/c.pem&tls_key=/k.pem&tls_key_passphrase=Sesame%20open&"
                          "tls_min_version=1.3&tls_server_name=other.example&"
                          "tls_negotiation=direct&channel_binding=require&"
                          "require_auth=scram-sha-256,md5&allow_cleartext=yes",
                          &settings, &config),
              &err);
    assert_int_equal(settings.tls.mode, HYL__TLS_VERIFY_CA);
    assert_string_equal(settings.tls.ca, "/ca.pem");
    assert_string_equal(settings.tls.cert, "/c.pem");
    assert_string_equal(settings.tls.key, "/k.pem");
    assert_string_equal(settings.tls.key_passphrase, "Sesame open");
    assert_string_equal(settings.tls.server_name, "other.example");
    assert_int_equal(settings.tls.min_version, HYL_TLS_1_3);
    assert_true(settings.tls.direct);
    assert_int_equal(settings.channel_binding, HYL__BINDING_REQUIRE);
    assert_int_equal(settings.allowed_auth, HYL__AUTH_SCRAM | HYL__AUTH_MD5);
    assert_true(settings.allow_cleartext);
    hyl_config_describe(config, &text);
    hyl_buf_append_byte(&text, '\0');
    assert_non_null(strstr((const char *)text.data, "tls_key_passphrase=***"));
    assert_null(strstr((const char *)text.data, "Sesame"));
    hyl_buf_reset(&text);
    hyl_config_free(config);

    assert_ok(settings_of("endpoint=localhost:1", &settings, &config), &err);
    assert_null(settings.tls.ca);
    assert_null(settings.tls.key_passphrase);
    assert_int_equal(settings.tls.min_version, HYL_TLS_1_2);
    assert_int_equal(settings.channel_binding, HYL__BINDING_PREFER);
    assert_int_equal(settings.allowed_auth, 0);
    assert_false(settings.allow_cleartext);
    hyl_config_free(config);
}

static const struct {
    const char *list;
    unsigned allowed; /* 0: refused */
} lists[] = {
    {"none", HYL__AUTH_NONE},
    {"password,md5", HYL__AUTH_PASSWORD | HYL__AUTH_MD5},
    {"scram-sha-256,none", HYL__AUTH_SCRAM | HYL__AUTH_NONE},
    {"gss,sspi,creds", HYL__AUTH_GSS | HYL__AUTH_SSPI | HYL__AUTH_CREDS},
    {"!password", HYL__AUTH_ANY & ~HYL__AUTH_PASSWORD},
    {"!none,!md5", HYL__AUTH_ANY & ~(HYL__AUTH_NONE | HYL__AUTH_MD5)},
    {"!none,!password,!md5,!scram-sha-256,!gss,!sspi,!creds", 0},
    {"md5,!password", 0},
    {"!md5,password", 0},
    {"md5,md5", 0},
    {"md5,", 0},
    {",md5", 0},
    {"md5,,none", 0},
    {"!", 0},
    {"!!md5", 0},
    {"MD5", 0},
    {"scram-sha-256-plus", 0},
    {"md5, none", 0},
};

static void lists_of_methods_are_those_of_libpq(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        hyl_config *config = NULL;
        hyl__settings settings;
        assert_ok(hyl_config_new(&config, &err), &err);
        assert_ok(hyl_config_set(config, "endpoint", "localhost:1", &err), &err);
        hyl_status status = hyl_config_set(config, "require_auth", lists[i].list, &err);
        if (lists[i].allowed == 0) {
            assert_status(status, HYL_ERR_ARG, &err);
            assert_non_null(strstr(err.message, "require_auth: '"));
        } else {
            assert_ok(status, &err);
            assert_ok(hyl__config_settings(config, &settings, &err), &err);
            assert_int_equal(settings.allowed_auth, lists[i].allowed);
        }
        hyl_config_free(config);
    }
}

static void words_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"tls", "on"},
        {"tls", "verify_full"},
        {"tls_min_version", "1.1"},
        {"tls_min_version", "TLSv1.3"},
        {"tls_negotiation", "none"},
        {"channel_binding", "yes"},
        {"allow_cleartext", "1"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        hyl_config *config = NULL;
        assert_ok(hyl_config_new(&config, &err), &err);
        assert_status(hyl_config_set(config, pairs[i][0], pairs[i][1], &err), HYL_ERR_ARG, &err);
        assert_non_null(strstr(err.message, pairs[i][0]));
        hyl_config_free(config);
    }
    hyl_config *config = NULL;
    assert_ok(hyl_config_new(&config, &err), &err);
    assert_status(hyl_config_set(config, "sslmode", "require", &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "did you mean 'tls'?"));
    hyl_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mode_follows_from_the_endpoint),
        cmocka_unit_test(keys_that_contradict_each_other_are_refused),
        cmocka_unit_test(every_key_reaches_the_settings),
        cmocka_unit_test(lists_of_methods_are_those_of_libpq),
        cmocka_unit_test(words_that_are_none_are_refused),
    };
    return cmocka_run_group_tests_name("conn/config_tls", tests, NULL, NULL);
}
