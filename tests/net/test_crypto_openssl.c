/* Known answers: FIPS 180-2, RFC 4231, RFC 7677, RFC 7914, RFC 1321. */
#include "support/test.h"

#include "support/pbkdf2.h"

#include "net/crypto.h"

#include <stdlib.h>

#if HYL_WITH_OPENSSL

static hyl_bytes bytes_of(const char *text)
{
    hyl_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

static void assert_hex(const uint8_t *actual, size_t len, const char *expected)
{
    char text[2 * HYL__SHA256_LEN + 1];
    for (size_t i = 0; i < len; i++) {
        snprintf(text + 2 * i, 3, "%02x", actual[i]);
    }
    assert_string_equal(text, expected);
}

static void sha256_gives_the_known_digests(void **state)
{
    (void)state;
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    uint8_t out[HYL__SHA256_LEN];
    const hyl_bytes none = {NULL, 0};
    assert_ok(crypto->sha256(bytes_of("abc"), out, &err), &err);
    assert_hex(out, sizeof out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(crypto->sha256(none, out, &err), &err);
    assert_hex(out, sizeof out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void hmac_gives_the_digests_of_rfc_4231(void **state)
{
    (void)state;
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    uint8_t out[HYL__SHA256_LEN];
    uint8_t key[131];
    uint8_t data[50];

    memset(key, 0x0b, 20);
    assert_ok(crypto->hmac_sha256((hyl_bytes){key, 20}, bytes_of("Hi There"), out, &err), &err);
    assert_hex(out, sizeof out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");

    assert_ok(
        crypto->hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"), out, &err),
        &err);
    assert_hex(out, sizeof out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    assert_ok(crypto->hmac_sha256((hyl_bytes){key, 20}, (hyl_bytes){data, 50}, out, &err), &err);
    assert_hex(out, sizeof out, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");

    /* A key that is longer than a block. */
    assert_ok(crypto->hmac_sha256(
                  (hyl_bytes){key, 131},
                  bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"), out, &err),
              &err);
    assert_hex(out, sizeof out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void an_empty_key_is_a_key(void **state)
{
    (void)state;
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    uint8_t out[HYL__SHA256_LEN];
    const hyl_bytes none = {NULL, 0};
    assert_ok(crypto->hmac_sha256(none, none, out, &err), &err);
    assert_hex(out, sizeof out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* The exchange of RFC 7677, section 3: user "user", password "pencil". */
static void pbkdf2_gives_the_proof_of_rfc_7677(void **state)
{
    (void)state;
    static const uint8_t salt[] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
                                   0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};
    static const char auth_message[] =
        "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    uint8_t salted[HYL__SHA256_LEN];
    uint8_t server_key[HYL__SHA256_LEN];
    uint8_t signature[HYL__SHA256_LEN];
    assert_ok(test_pbkdf2(crypto, bytes_of("pencil"), (hyl_bytes){salt, sizeof salt}, 4096, 1000,
                          salted, &err),
              &err);
    assert_ok(crypto->hmac_sha256((hyl_bytes){salted, sizeof salted}, bytes_of("Server Key"),
                                  server_key, &err),
              &err);
    assert_ok(crypto->hmac_sha256((hyl_bytes){server_key, sizeof server_key},
                                  bytes_of(auth_message), signature, &err),
              &err);
    /* v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4= */
    assert_hex(signature, sizeof signature,
               "eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e");
}

/* However the work is cut. */
static void pbkdf2_in_pieces_gives_the_second_vector_of_rfc_7914(void **state)
{
    (void)state;
    static const uint32_t pieces[] = {1, 7, 16384, 79998, 79999, 80000, UINT32_MAX};
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        uint8_t out[HYL__SHA256_LEN];
        assert_ok(test_pbkdf2(crypto, bytes_of("Password"), bytes_of("NaCl"), 80000, pieces[i], out,
                              &err),
                  &err);
        assert_hex(out, sizeof out,
                   "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
    }
}

static void pbkdf2_gives_the_first_block_of_rfc_7914(void **state)
{
    (void)state;
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    uint8_t out[HYL__SHA256_LEN];
    assert_ok(test_pbkdf2(crypto, bytes_of("passwd"), bytes_of("salt"), 1, 1, out, &err), &err);
    assert_hex(out, sizeof out, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    assert_status(test_pbkdf2(crypto, bytes_of("p"), bytes_of("s"), 0, 1, out, &err), HYL_ERR_LIMIT,
                  &err);
    assert_status(test_pbkdf2(crypto, bytes_of("p"), bytes_of("s"), UINT32_MAX, 1, out, &err),
                  HYL_ERR_LIMIT, &err);
}

static void md5_gives_the_digests_of_rfc_1321(void **state)
{
    (void)state;
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    uint8_t out[HYL__MD5_LEN];
    const hyl_bytes none = {NULL, 0};
    assert_ok(crypto->md5(none, out, &err), &err);
    assert_hex(out, sizeof out, "d41d8cd98f00b204e9800998ecf8427e");
    assert_ok(crypto->md5(bytes_of("message digest"), out, &err), &err);
    assert_hex(out, sizeof out, "f96b697d7cb7938d525a2f31aaf161d0");
    assert_ok(crypto->md5(bytes_of("123456789012345678901234567890123456789012345678901234567890"
                                   "12345678901234567890"),
                          out, &err),
              &err);
    assert_hex(out, sizeof out, "57edf4a22be3c955ac49da2e2107b67a");
}

static void random_bytes_differ(void **state)
{
    (void)state;
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    uint8_t one[24] = {0};
    uint8_t two[24] = {0};
    assert_ok(crypto->random(one, sizeof one, &err), &err);
    assert_ok(crypto->random(two, sizeof two, &err), &err);
    assert_memory_not_equal(one, two, sizeof one);
}

static void lengths_that_openssl_cannot_take_are_refused(void **state)
{
    (void)state;
    const hyl__crypto *crypto = hyl__crypto_openssl();
    hyl_error err = HYL_ERROR_INIT;
    uint8_t out[HYL__SHA256_LEN];
    /* Never read: the length alone is refused. */
    const hyl_bytes huge = {out, (size_t)INT32_MAX + 1};
    const hyl_bytes none = {NULL, 0};
    assert_status(crypto->hmac_sha256(huge, none, out, &err), HYL_ERR_LIMIT, &err);
    assert_status(test_pbkdf2(crypto, huge, none, 1, 1, out, &err), HYL_ERR_LIMIT, &err);
    assert_status(test_pbkdf2(crypto, none, huge, 1, 1, out, &err), HYL_ERR_LIMIT, &err);
    assert_status(crypto->random(out, huge.len, &err), HYL_ERR_LIMIT, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_known_digests),
        cmocka_unit_test(hmac_gives_the_digests_of_rfc_4231),
        cmocka_unit_test(an_empty_key_is_a_key),
        cmocka_unit_test(pbkdf2_gives_the_proof_of_rfc_7677),
        cmocka_unit_test(pbkdf2_gives_the_first_block_of_rfc_7914),
        cmocka_unit_test(pbkdf2_in_pieces_gives_the_second_vector_of_rfc_7914),
        cmocka_unit_test(md5_gives_the_digests_of_rfc_1321),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(lengths_that_openssl_cannot_take_are_refused),
    };
    return cmocka_run_group_tests_name("net/crypto_openssl", tests, NULL, NULL);
}

#else

static void without_openssl_everything_names_the_build_option(void **state)
{
    (void)state;
    const hyl__crypto *crypto = hyl__crypto_openssl();
    const hyl_bytes none = {NULL, 0};
    uint8_t out[HYL__SHA256_LEN];
    hyl_error errs[5];
    memset(errs, 0, sizeof errs);
    assert_int_equal(crypto->sha256(none, out, &errs[0]), HYL_ERR_UNSUPPORTED);
    assert_int_equal(crypto->hmac_sha256(none, none, out, &errs[1]), HYL_ERR_UNSUPPORTED);
    assert_int_equal(test_pbkdf2(crypto, none, none, 1, 1, out, &errs[2]), HYL_ERR_UNSUPPORTED);
    assert_int_equal(crypto->md5(none, out, &errs[3]), HYL_ERR_UNSUPPORTED);
    assert_int_equal(crypto->random(out, sizeof out, &errs[4]), HYL_ERR_UNSUPPORTED);
    for (size_t i = 0; i < 5; i++) {
        assert_non_null(strstr(errs[i].message, "HYL_WITH_OPENSSL"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_openssl_everything_names_the_build_option),
    };
    return cmocka_run_group_tests_name("net/crypto_openssl", tests, NULL, NULL);
}

#endif
