#include "crypto.h"

#include "base/error.h"

#if HYL_WITH_OPENSSL

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

/* OpenSSL's reason for the last failure; its queue is left empty. Never carries input. */
static hyl_status fail_openssl(hyl_error *err, hyl_status status, const char *what)
{
    char reason[160];
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) {
        return hyl__fail(err, status, "%s failed in OpenSSL", what);
    }
    ERR_error_string_n(code, reason, sizeof reason);
    return hyl__fail(err, status, "%s failed in OpenSSL: %s", what, reason);
}

/* OpenSSL takes lengths as int. */
static hyl_status check_length(size_t len, hyl_error *err)
{
    if (len > INT_MAX) {
        return hyl__fail(err, HYL_ERR_LIMIT, "%zu bytes are too many to hash", len);
    }
    return HYL_OK;
}

/* A NULL pointer means "as before" to some functions of OpenSSL, even with a length of 0. */
static const void *never_null(hyl_bytes bytes)
{
    return bytes.data != NULL ? (const void *)bytes.data : "";
}

static hyl_status sha256(hyl_bytes data, uint8_t *out, hyl_error *err)
{
    if (EVP_Digest(never_null(data), data.len, out, NULL, EVP_sha256(), NULL) != 1) {
        return fail_openssl(err, HYL_ERR_IO, "SHA-256");
    }
    return HYL_OK;
}

static hyl_status hmac_sha256(hyl_bytes key, hyl_bytes data, uint8_t *out, hyl_error *err)
{
    HYL_TRY(check_length(key.len, err));
    if (HMAC(EVP_sha256(), never_null(key), (int)key.len, never_null(data), data.len, out, NULL) ==
        NULL) {
        return fail_openssl(err, HYL_ERR_IO, "HMAC-SHA-256");
    }
    return HYL_OK;
}

static hyl_status pbkdf2_sha256(hyl_bytes password, hyl_bytes salt, uint32_t iterations,
                                uint8_t *out, hyl_error *err)
{
    HYL_TRY(check_length(password.len, err));
    HYL_TRY(check_length(salt.len, err));
    if (iterations == 0 || iterations > INT_MAX) {
        return hyl__fail(err, HYL_ERR_LIMIT, "an iteration count of %u is out of range",
                         (unsigned)iterations);
    }
    if (PKCS5_PBKDF2_HMAC(never_null(password), (int)password.len, never_null(salt), (int)salt.len,
                          (int)iterations, EVP_sha256(), HYL__SHA256_LEN, out) != 1) {
        return fail_openssl(err, HYL_ERR_IO, "PBKDF2");
    }
    return HYL_OK;
}

static hyl_status md5(hyl_bytes data, uint8_t *out, hyl_error *err)
{
    if (EVP_Digest(never_null(data), data.len, out, NULL, EVP_md5(), NULL) != 1) {
        /* A system in FIPS mode has no MD5. */
        return fail_openssl(err, HYL_ERR_UNSUPPORTED, "MD5");
    }
    return HYL_OK;
}

static hyl_status random_bytes(uint8_t *out, size_t len, hyl_error *err)
{
    HYL_TRY(check_length(len, err));
    if (RAND_bytes(out, (int)len) != 1) {
        return fail_openssl(err, HYL_ERR_IO, "drawing random bytes");
    }
    return HYL_OK;
}

#else

static hyl_status unsupported(hyl_error *err, const char *what)
{
    return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                     "%s is not available: this library was built with HYL_WITH_OPENSSL off", what);
}

static hyl_status sha256(hyl_bytes data, uint8_t *out, hyl_error *err)
{
    (void)data;
    (void)out;
    return unsupported(err, "SHA-256");
}

static hyl_status hmac_sha256(hyl_bytes key, hyl_bytes data, uint8_t *out, hyl_error *err)
{
    (void)key;
    (void)data;
    (void)out;
    return unsupported(err, "HMAC-SHA-256");
}

static hyl_status pbkdf2_sha256(hyl_bytes password, hyl_bytes salt, uint32_t iterations,
                                uint8_t *out, hyl_error *err)
{
    (void)password;
    (void)salt;
    (void)iterations;
    (void)out;
    return unsupported(err, "PBKDF2");
}

static hyl_status md5(hyl_bytes data, uint8_t *out, hyl_error *err)
{
    (void)data;
    (void)out;
    return unsupported(err, "MD5");
}

static hyl_status random_bytes(uint8_t *out, size_t len, hyl_error *err)
{
    (void)out;
    (void)len;
    return unsupported(err, "the random generator");
}

#endif

static const hyl__crypto openssl_crypto = {
    .sha256 = sha256,
    .hmac_sha256 = hmac_sha256,
    .pbkdf2_sha256 = pbkdf2_sha256,
    .md5 = md5,
    .random = random_bytes,
};

const hyl__crypto *hyl__crypto_openssl(void)
{
    return &openssl_crypto;
}
