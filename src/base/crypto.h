/*
 * The crypto that authentication needs, as a table: the protocol engine calls it and knows no
 * library; the network layer fills it from OpenSSL (hyl__crypto_openssl), tests may fill it
 * otherwise.
 */
#ifndef HYL_BASE_CRYPTO_H
#define HYL_BASE_CRYPTO_H

#include <hyperline/base.h>

enum { HYL__SHA256_LEN = 32, HYL__MD5_LEN = 16 };

/* PBKDF2 under way. */
typedef struct hyl__pbkdf2 hyl__pbkdf2;

typedef struct hyl__crypto {
    /*
     * Each returns OK or ERR_UNSUPPORTED / ERR_NOMEM / ERR_IO with a message. `out` has the
     * digest's length.
     */
    hyl_status (*sha256)(hyl_bytes data, uint8_t *out, hyl_error *err);
    hyl_status (*hmac_sha256)(hyl_bytes key, hyl_bytes data, uint8_t *out, hyl_error *err);
    /*
     * PBKDF2 with HMAC-SHA-256, one block, in pieces: ten million iterations take seconds, and who
     * waits for them has a deadline. `run` makes up to `most` iterations: AGAIN, or OK with the key.
     * `free` (NULL is allowed) wipes.
     */
    hyl_status (*pbkdf2_new)(hyl_bytes password, hyl_bytes salt, uint32_t iterations,
                             hyl__pbkdf2 **state, hyl_error *err);
    hyl_status (*pbkdf2_run)(hyl__pbkdf2 *state, uint32_t most, uint8_t *out, hyl_error *err);
    void (*pbkdf2_free)(hyl__pbkdf2 *state);
    hyl_status (*md5)(hyl_bytes data, uint8_t *out, hyl_error *err);
    hyl_status (*random)(uint8_t *out, size_t len, hyl_error *err);
} hyl__crypto;

#endif
