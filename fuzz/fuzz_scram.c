/*
 * Authentication by a hostile server. Input: whether a password is known, then the bodies of
 * Authentication messages, each with its length in one byte in front (255: all that is left). The
 * client is never let in by a server that was asked for its signature and has not shown it, and what
 * it sends holds the password only where it was asked for in the clear.
 */
#include "fuzz.h"

#include "net/crypto.h"
#include "wire/auth.h"

static const char password[] = "correct horse battery";

/* ---- Crypto that is quick and always the same ---------------------------------------------- */

static hyl_status quick_pbkdf2(hyl_bytes secret, hyl_bytes salt, uint32_t iterations,
                               hyl__pbkdf2 **state, hyl_error *err)
{
    uint32_t bounded = iterations < 2 ? iterations : 2;
    return hyl__crypto_openssl()->pbkdf2_new(secret, salt, bounded, state, err);
}

/* So that an input can go on from the client's nonce. */
static hyl_status known_random(uint8_t *out, size_t len, hyl_error *err)
{
    (void)err;
    memset(out, 'A', len);
    return HYL_OK;
}

/* ---- One input ----------------------------------------------------------------------------- */

typedef struct login {
    hyl__auth *auth;
    bool in_the_clear; /* the server may see the password */
    bool sasl;         /* an exchange was begun, */
    bool signature;    /* and the server's part of it accepted */
} login;

static bool holds_password(const void *data, size_t size)
{
    const char *at = data;
    size_t len = sizeof password - 1;
    for (size_t i = 0; i + len <= size; i++) {
        if (memcmp(at + i, password, len) == 0) {
            return true;
        }
    }
    return false;
}

/* What the server itself has said may be told. */
static void check_secrecy(const login *now, hyl_bytes said, const hyl_buf *reply,
                          const hyl_error *err)
{
    FUZZ_CHECK(now->in_the_clear || !holds_password(reply->data, reply->len));
    FUZZ_CHECK(holds_password(said.data, said.len) ||
               !holds_password(err->message, strlen(err->message)));
}

/* False where the exchange is over. */
static bool take_message(login *now, hyl_bytes body)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf reply = HYL_BUF_INIT;
    hyl_msg message;
    bool done = false;
    if (hyl_msg_parse(HYL_MSG_AUTHENTICATION, body, &message, &err) != HYL_OK) {
        return false;
    }
    int32_t kind = message.as.auth.kind;
    now->in_the_clear |= kind == HYL_AUTH_CLEARTEXT;
    hyl_status status = hyl__auth_step(now->auth, &message.as.auth, &reply, &done, &err);
    now->sasl |= status == HYL_OK && kind == HYL_AUTH_SASL;
    now->signature |= status == HYL_OK && kind == HYL_AUTH_SASL_FINAL;
    FUZZ_CHECK(status == HYL_OK || (err.message[0] != '\0' && !done));
    FUZZ_CHECK(!done || !now->sasl || now->signature);
    check_secrecy(now, body, &reply, &err);
    hyl_buf_reset(&reply);
    return status == HYL_OK && !done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hyl_bytes input = {data, size};
    hyl__crypto crypto = *hyl__crypto_openssl();
    login now = {.auth = NULL};
    bool going = true;
    crypto.pbkdf2_new = quick_pbkdf2;
    crypto.random = known_random;
    bool known = fuzz_byte(&input) % 2 == 1;
    FUZZ_CHECK(hyl__auth_new(&crypto, "ann", known ? password : NULL, &now.auth) == HYL_OK);
    while (going && input.len > 0) {
        size_t len = fuzz_byte(&input);
        len = len == 255 || len > input.len ? input.len : len;
        uint8_t *copy = fuzz_copy((hyl_bytes){input.data, len});
        going = take_message(&now, (hyl_bytes){copy, len});
        free(copy);
        input.data += len;
        input.len -= len;
    }
    hyl__auth_free(now.auth);
    return 0;
}
