/* PBKDF2 in one go, in pieces of `most` iterations. */
#ifndef HYL_TESTS_SUPPORT_PBKDF2_H
#define HYL_TESTS_SUPPORT_PBKDF2_H

#include "base/crypto.h"

static inline hyl_status test_pbkdf2(const hyl__crypto *crypto, hyl_bytes password, hyl_bytes salt,
                                     uint32_t iterations, uint32_t most, uint8_t *out,
                                     hyl_error *err)
{
    hyl__pbkdf2 *state = NULL;
    HYL_TRY(crypto->pbkdf2_new(password, salt, iterations, &state, err));
    hyl_status status = HYL_AGAIN;
    while (status == HYL_AGAIN) {
        status = crypto->pbkdf2_run(state, most, out, err);
    }
    crypto->pbkdf2_free(state);
    return status;
}

#endif
