/* The crypto table filled in from OpenSSL. */
#ifndef HYL_NET_CRYPTO_H
#define HYL_NET_CRYPTO_H

#include "base/crypto.h"

/*
 * Never NULL. In a build without HYL_WITH_OPENSSL every function gives UNSUPPORTED and names that
 * option. Safe to use from any thread.
 */
const hyl__crypto *hyl__crypto_openssl(void);

#endif
