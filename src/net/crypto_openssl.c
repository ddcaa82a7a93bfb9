#include "crypto.h"

#include "base/error.h"

#if HYL_WITH_OPENSSL

#include "base/mem.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
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

/* One block: the sum (by XOR) of a chain in which each is the HMAC of the one before. */
struct hyl__pbkdf2 {
    EVP_MAC *mac;
    EVP_MAC_CTX *keyed; /* with the password */
    uint32_t left;
    uint8_t last[HYL__SHA256_LEN];
    uint8_t sum[HYL__SHA256_LEN];
};

static void pbkdf2_free(hyl__pbkdf2 *state)
{
    if (state != NULL) {
        EVP_MAC_CTX_free(state->keyed);
        EVP_MAC_free(state->mac);
        hyl__wipe(state, sizeof *state);
        hyl__free(state);
    }
}

/* Adds the next of the chain, whose HMAC has taken in its data. */
static bool end_iteration(hyl__pbkdf2 *state)
{
    size_t len = 0;
    if (EVP_MAC_final(state->keyed, state->last, &len, sizeof state->last) != 1) {
        return false;
    }
    for (size_t i = 0; i < sizeof state->sum; i++) {
        state->sum[i] ^= state->last[i];
    }
    state->left--;
    return true;
}

/* Keys it, and makes the first iteration: of the salt and the block's number. */
static bool begin_chain(hyl__pbkdf2 *state, hyl_bytes password, hyl_bytes salt)
{
    static const uint8_t block[] = {0, 0, 0, 1};
    char name[] = "SHA256";
    const OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    state->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    state->keyed = state->mac != NULL ? EVP_MAC_CTX_new(state->mac) : NULL;
    return state->keyed != NULL &&
           EVP_MAC_init(state->keyed, never_null(password), password.len, digest) == 1 &&
           EVP_MAC_update(state->keyed, never_null(salt), salt.len) == 1 &&
           EVP_MAC_update(state->keyed, block, sizeof block) == 1 && end_iteration(state);
}

static hyl_status pbkdf2_new(hyl_bytes password, hyl_bytes salt, uint32_t iterations,
                             hyl__pbkdf2 **out, hyl_error *err)
{
    HYL_TRY(check_length(password.len, err));
    HYL_TRY(check_length(salt.len, err));
    if (iterations == 0 || iterations > INT_MAX) {
        return hyl__fail(err, HYL_ERR_LIMIT, "an iteration count of %u is out of range",
                         (unsigned)iterations);
    }
    hyl__pbkdf2 *state = hyl__calloc(1, sizeof *state);
    if (state == NULL) {
        return hyl__fail_nomem(err);
    }
    state->left = iterations;
    if (!begin_chain(state, password, salt)) {
        pbkdf2_free(state);
        return fail_openssl(err, HYL_ERR_IO, "PBKDF2");
    }
    *out = state;
    return HYL_OK;
}

static hyl_status pbkdf2_run(hyl__pbkdf2 *state, uint32_t most, uint8_t *out, hyl_error *err)
{
    for (; most > 0 && state->left > 0; most--) {
        if (EVP_MAC_init(state->keyed, NULL, 0, NULL) != 1 || /* the key as before */
            EVP_MAC_update(state->keyed, state->last, sizeof state->last) != 1 ||
            !end_iteration(state)) {
            return fail_openssl(err, HYL_ERR_IO, "PBKDF2");
        }
    }
    if (state->left > 0) {
        return HYL_AGAIN;
    }
    memcpy(out, state->sum, sizeof state->sum);
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

static hyl_status pbkdf2_new(hyl_bytes password, hyl_bytes salt, uint32_t iterations,
                             hyl__pbkdf2 **out, hyl_error *err)
{
    (void)password;
    (void)salt;
    (void)iterations;
    (void)out;
    return unsupported(err, "PBKDF2");
}

static hyl_status pbkdf2_run(hyl__pbkdf2 *state, uint32_t most, uint8_t *out, hyl_error *err)
{
    (void)state;
    (void)most;
    (void)out;
    return unsupported(err, "PBKDF2");
}

static void pbkdf2_free(hyl__pbkdf2 *state)
{
    (void)state;
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
    .pbkdf2_new = pbkdf2_new,
    .pbkdf2_run = pbkdf2_run,
    .pbkdf2_free = pbkdf2_free,
    .md5 = md5,
    .random = random_bytes,
};

const hyl__crypto *hyl__crypto_openssl(void)
{
    return &openssl_crypto;
}
