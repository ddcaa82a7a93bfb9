/*
 * The client's side of SCRAM-SHA-256: the text of the messages and the proofs in them.
 * Source: RFC 5802 (SCRAM), RFC 7677 (SHA-256).
 */
#ifndef HYL_WIRE_SCRAM_H
#define HYL_WIRE_SCRAM_H

#include <hyperline/base.h>

#include "base/crypto.h"

enum {
    HYL__SCRAM_NONCE_BYTES = 18,
    /*
     * The fewest and the most iterations of PBKDF2 that a server may ask for. RFC 7677 wants 4096,
     * and PostgreSQL and Hyper ask for as many: with fewer, one who only pretends to be the server
     * could try passwords on the client's proof at less cost. The most are some seconds of work,
     * which a deadline may cut; without a bound a hostile server could keep a client that has none
     * busy for half an hour.
     */
    HYL__SCRAM_MIN_ITERATIONS = 4096,
    HYL__SCRAM_MAX_ITERATIONS = 10000000,
    HYL__SCRAM_SLICE = 16384, /* iterations of one call: some milliseconds */
    HYL__SCRAM_MAX_SALT = 1024,
    HYL__SCRAM_MAX_HEADER = 32,
    HYL__SCRAM_MAX_BINDING = 64
};

typedef struct hyl__scram {
    const hyl__crypto *crypto;
    /* What binds the exchange to its channel: the header in front of the first message ("n,,": no
     * binding), and, with the channel's own data behind it, as base64 in the last. */
    const char *gs2_header;
    uint8_t binding[HYL__SCRAM_MAX_BINDING];
    size_t binding_len;
    hyl_buf first_bare;  /* the client's first message without the header */
    size_t nonce_at;     /* where the client's nonce starts in it; it ends with it */
    hyl_buf signed_text; /* what both sides sign */
    size_t final_at;     /* where the client's final message starts in it, which is its end */
    hyl__pbkdf2 *work;   /* on the password, after the server's first message */
    uint8_t server_signature[HYL__SHA256_LEN];
} hyl__scram;

void hyl__scram_init(hyl__scram *scram, const hyl__crypto *crypto);
/* Wipes and frees. */
void hyl__scram_reset(hyl__scram *scram);

/*
 * Before the first message: the header is `gs2_header`, at most HYL__SCRAM_MAX_HEADER
 * bytes that live as long as `scram`; `binding`, at most HYL__SCRAM_MAX_BINDING bytes, is the data of the channel that it names.
 */
void hyl__scram_bind(hyl__scram *scram, const char *gs2_header, hyl_bytes binding);

/* A nonce of random printable characters, HYL__SCRAM_NONCE_BYTES of entropy. Errors: the crypto
 * table's, NOMEM. */
hyl_status hyl__scram_nonce(const hyl__crypto *crypto, hyl_buf *out, hyl_error *err);

/*
 * Appends the client's first message to `out`. PostgreSQL and Hyper take the user from the startup
 * message: `user` may be empty. `nonce`: printable, no comma. Errors: NOMEM.
 */
hyl_status hyl__scram_first(hyl__scram *scram, hyl_str user, hyl_str nonce, hyl_buf *out,
                            hyl_error *err);

/*
 * Answers the server's first message: appends the client's final message to `out`, or gives AGAIN:
 * hyl__scram_work is to be called then, as often as it gives AGAIN too. `password` is what the proof
 * is made from, already prepared. Errors: AUTH (the message is malformed, its nonce
 * does not go on from ours, its iterations are not HYL__SCRAM_MIN_ITERATIONS to
 * HYL__SCRAM_MAX_ITERATIONS, or it demands an extension), the crypto table's, NOMEM.
 */
hyl_status hyl__scram_final(hyl__scram *scram, hyl_bytes password, hyl_str server_first,
                            hyl_buf *out, hyl_error *err);

/* Goes on with the work that hyl__scram_final has begun: up to HYL__SCRAM_SLICE iterations. OK once
 * the final message is appended to `out`; AGAIN. Errors: the crypto table's, NOMEM. */
hyl_status hyl__scram_work(hyl__scram *scram, hyl_buf *out, hyl_error *err);

/* Checks the server's final message: only one who knows the password's verifier can sign it.
 * Errors: AUTH. */
hyl_status hyl__scram_verify(const hyl__scram *scram, hyl_str server_final, hyl_error *err);

#endif
