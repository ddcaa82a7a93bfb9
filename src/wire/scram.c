#include "scram.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base64.h"

void hyl__scram_init(hyl__scram *scram, const hyl__crypto *crypto)
{
    memset(scram, 0, sizeof *scram);
    scram->crypto = crypto;
    scram->gs2_header = "n,,";
}

void hyl__scram_reset(hyl__scram *scram)
{
    hyl_buf_reset(&scram->first_bare);
    hyl_buf_reset(&scram->signed_text);
    if (scram->work != NULL) {
        scram->crypto->pbkdf2_free(scram->work);
    }
    hyl__wipe(scram, sizeof *scram);
}

void hyl__scram_bind(hyl__scram *scram, const char *gs2_header, hyl_bytes binding)
{
    scram->gs2_header = gs2_header;
    scram->binding_len = binding.len < sizeof scram->binding ? binding.len : sizeof scram->binding;
    if (scram->binding_len > 0) {
        memcpy(scram->binding, binding.data, scram->binding_len);
    }
}

hyl_status hyl__scram_nonce(const hyl__crypto *crypto, hyl_buf *out, hyl_error *err)
{
    uint8_t bytes[HYL__SCRAM_NONCE_BYTES];
    HYL_TRY(crypto->random(bytes, sizeof bytes, err));
    hyl__base64_encode((hyl_bytes){bytes, sizeof bytes}, out);
    return hyl_buf_status(out) == HYL_OK ? HYL_OK : hyl__fail_nomem(err);
}

/* A name as SCRAM writes it: the comma and the equals sign have a meaning of their own. */
static void append_saslname(hyl_buf *out, hyl_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == ',') {
            hyl_buf_append_str(out, "=2C");
        } else if (name.data[i] == '=') {
            hyl_buf_append_str(out, "=3D");
        } else {
            hyl_buf_append_byte(out, (uint8_t)name.data[i]);
        }
    }
}

hyl_status hyl__scram_first(hyl__scram *scram, hyl_str user, hyl_str nonce, hyl_buf *out,
                            hyl_error *err)
{
    hyl_buf *bare = &scram->first_bare;
    hyl_buf_clear(bare);
    hyl_buf_append_str(bare, "n=");
    append_saslname(bare, user);
    hyl_buf_append_str(bare, ",r=");
    scram->nonce_at = bare->len;
    hyl_buf_append(bare, nonce.data, nonce.len);
    hyl_buf_append_str(out, scram->gs2_header);
    hyl_buf_append(out, bare->data, bare->len);
    if (hyl_buf_status(bare) != HYL_OK || hyl_buf_status(out) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    return HYL_OK;
}

/* Takes the attribute `name` from the front of a comma-separated message, and the comma behind. */
static bool take_attribute(hyl_str *rest, char name, hyl_str *value)
{
    if (rest->len < 2 || rest->data[0] != name || rest->data[1] != '=') {
        return false;
    }
    const char *comma = memchr(rest->data, ',', rest->len);
    size_t len = comma != NULL ? (size_t)(comma - rest->data) : rest->len;
    *value = (hyl_str){rest->data + 2, len - 2};
    size_t taken = comma != NULL ? len + 1 : len;
    rest->data += taken;
    rest->len -= taken;
    return true;
}

/* What the server's first message says. */
typedef struct challenge {
    hyl_str nonce;
    uint8_t salt[HYL__SCRAM_MAX_SALT];
    size_t salt_len;
    uint32_t iterations;
} challenge;

static bool parse_iterations(hyl_str text, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > HYL__SCRAM_MAX_ITERATIONS) {
            return false;
        }
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    *out = value;
    return value >= HYL__SCRAM_MIN_ITERATIONS && value <= HYL__SCRAM_MAX_ITERATIONS;
}

static bool nonce_goes_on(const hyl__scram *scram, hyl_str nonce)
{
    const uint8_t *ours = scram->first_bare.data + scram->nonce_at;
    size_t len = scram->first_bare.len - scram->nonce_at;
    return nonce.len > len && memcmp(nonce.data, ours, len) == 0;
}

static hyl_status parse_challenge(const hyl__scram *scram, hyl_str message, challenge *out,
                                  hyl_error *err)
{
    hyl_str ignored;
    hyl_str salt;
    hyl_str iterations;
    if (take_attribute(&message, 'm', &ignored)) {
        return hyl__fail(err, HYL_ERR_AUTH, "SCRAM: the server demands an extension");
    }
    if (!take_attribute(&message, 'r', &out->nonce) || !take_attribute(&message, 's', &salt) ||
        !take_attribute(&message, 'i', &iterations)) {
        return hyl__fail(err, HYL_ERR_AUTH, "SCRAM: the server's first message is malformed");
    }
    if (!nonce_goes_on(scram, out->nonce)) {
        return hyl__fail(err, HYL_ERR_AUTH, "SCRAM: the server's nonce does not continue ours");
    }
    if (!hyl__base64_decode(salt, out->salt, sizeof out->salt, &out->salt_len) ||
        out->salt_len == 0) {
        return hyl__fail(err, HYL_ERR_AUTH,
                         "SCRAM: the server's salt is not base64 of 1 to %d bytes",
                         HYL__SCRAM_MAX_SALT);
    }
    if (!parse_iterations(iterations, &out->iterations)) {
        return hyl__fail(err, HYL_ERR_AUTH, "SCRAM: the server's iteration count is not %d to %d",
                         HYL__SCRAM_MIN_ITERATIONS, HYL__SCRAM_MAX_ITERATIONS);
    }
    return HYL_OK;
}

static hyl_status hmac(const hyl__crypto *crypto, const uint8_t *key, hyl_bytes data, uint8_t *out,
                       hyl_error *err)
{
    return crypto->hmac_sha256((hyl_bytes){key, HYL__SHA256_LEN}, data, out, err);
}

static hyl_status hmac_text(const hyl__crypto *crypto, const uint8_t *key, const char *text,
                            uint8_t *out, hyl_error *err)
{
    return hmac(crypto, key, (hyl_bytes){(const uint8_t *)text, strlen(text)}, out, err);
}

/* proof = client key XOR HMAC(SHA-256(client key), message). */
static hyl_status client_proof(const hyl__crypto *crypto, const uint8_t *salted, hyl_bytes message,
                               uint8_t *proof, hyl_error *err)
{
    uint8_t key[HYL__SHA256_LEN];
    uint8_t stored[HYL__SHA256_LEN];
    hyl_status status = hmac_text(crypto, salted, "Client Key", key, err);
    if (status == HYL_OK) {
        status = crypto->sha256((hyl_bytes){key, sizeof key}, stored, err);
    }
    if (status == HYL_OK) {
        status = hmac(crypto, stored, message, proof, err);
    }
    for (size_t i = 0; status == HYL_OK && i < sizeof key; i++) {
        proof[i] ^= key[i];
    }
    hyl__wipe(key, sizeof key);
    hyl__wipe(stored, sizeof stored);
    return status;
}

static hyl_status expect_signature(hyl__scram *scram, const uint8_t *salted, hyl_bytes message,
                                   hyl_error *err)
{
    uint8_t key[HYL__SHA256_LEN];
    hyl_status status = hmac_text(scram->crypto, salted, "Server Key", key, err);
    if (status == HYL_OK) {
        status = hmac(scram->crypto, key, message, scram->server_signature, err);
    }
    hyl__wipe(key, sizeof key);
    return status;
}

/* Makes the proof, and the signature that the server must answer it with. */
static hyl_status make_proof(hyl__scram *scram, const uint8_t *salted, uint8_t *proof,
                             hyl_error *err)
{
    hyl_bytes message = {scram->signed_text.data, scram->signed_text.len};
    HYL_TRY(client_proof(scram->crypto, salted, message, proof, err));
    return expect_signature(scram, salted, message, err);
}

/* The final message up to the proof. */
static void append_final_bare(const hyl__scram *scram, hyl_str nonce, hyl_buf *out)
{
    uint8_t channel[HYL__SCRAM_MAX_HEADER + HYL__SCRAM_MAX_BINDING];
    size_t len = strlen(scram->gs2_header);
    memcpy(channel, scram->gs2_header, len);
    memcpy(channel + len, scram->binding, scram->binding_len);
    hyl_buf_append_str(out, "c=");
    hyl__base64_encode((hyl_bytes){channel, len + scram->binding_len}, out);
    hyl_buf_append_str(out, ",r=");
    hyl_buf_append(out, nonce.data, nonce.len);
}

static hyl_status append_final(const hyl__scram *scram, const uint8_t *proof, hyl_buf *out,
                               hyl_error *err)
{
    const hyl_buf *text = &scram->signed_text;
    hyl_buf_append(out, text->data + scram->final_at, text->len - scram->final_at);
    hyl_buf_append_str(out, ",p=");
    hyl__base64_encode((hyl_bytes){proof, HYL__SHA256_LEN}, out);
    return hyl_buf_status(out) == HYL_OK ? HYL_OK : hyl__fail_nomem(err);
}

hyl_status hyl__scram_work(hyl__scram *scram, hyl_buf *out, hyl_error *err)
{
    uint8_t salted[HYL__SHA256_LEN];
    uint8_t proof[HYL__SHA256_LEN];
    hyl_status status = scram->crypto->pbkdf2_run(scram->work, HYL__SCRAM_SLICE, salted, err);
    if (status == HYL_OK) {
        status = make_proof(scram, salted, proof, err);
    }
    if (status == HYL_OK) {
        status = append_final(scram, proof, out, err);
    }
    if (status != HYL_AGAIN) {
        scram->crypto->pbkdf2_free(scram->work);
        scram->work = NULL;
    }
    hyl__wipe(salted, sizeof salted);
    return status;
}

hyl_status hyl__scram_final(hyl__scram *scram, hyl_bytes password, hyl_str server_first,
                            hyl_buf *out, hyl_error *err)
{
    challenge asked;
    hyl_buf *text = &scram->signed_text;
    HYL_TRY(parse_challenge(scram, server_first, &asked, err));
    hyl_buf_clear(text);
    hyl_buf_append(text, scram->first_bare.data, scram->first_bare.len);
    hyl_buf_append_byte(text, ',');
    hyl_buf_append(text, server_first.data, server_first.len);
    hyl_buf_append_byte(text, ',');
    scram->final_at = text->len;
    append_final_bare(scram, asked.nonce, text);
    if (hyl_buf_status(text) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    HYL_TRY(scram->crypto->pbkdf2_new(password, (hyl_bytes){asked.salt, asked.salt_len},
                                      asked.iterations, &scram->work, err));
    return hyl__scram_work(scram, out, err);
}

/* Takes as long for a difference in the first byte as for one in the last. */
static bool equal_in_constant_time(const uint8_t *a, const uint8_t *b, size_t len)
{
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < len; i++) {
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    }
    return difference == 0;
}

hyl_status hyl__scram_verify(const hyl__scram *scram, hyl_str server_final, hyl_error *err)
{
    hyl_str value;
    if (take_attribute(&server_final, 'e', &value)) {
        bool readable = hyl__utf8_valid(value.data, value.len);
        size_t shown = value.len < 200 ? value.len : hyl__utf8_cut(value.data, value.len, 200);
        return hyl__fail(err, HYL_ERR_AUTH, "SCRAM: the server says: %.*s",
                         readable ? (int)shown : 1, readable ? value.data : "?");
    }
    uint8_t signature[HYL__SHA256_LEN];
    size_t len = 0;
    if (!take_attribute(&server_final, 'v', &value) ||
        !hyl__base64_decode(value, signature, sizeof signature, &len) || len != sizeof signature) {
        return hyl__fail(err, HYL_ERR_AUTH, "SCRAM: the server's final message is malformed");
    }
    if (!equal_in_constant_time(signature, scram->server_signature, sizeof signature)) {
        return hyl__fail(err, HYL_ERR_AUTH,
                         "SCRAM: the server's signature is wrong: it does not know the password");
    }
    return HYL_OK;
}
