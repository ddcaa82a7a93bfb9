#if HYL_WITH_OPENSSL

#include "tls_context.h"

#include "base/error.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void hyl__tls_reason(char *text, size_t cap)
{
    unsigned long code = ERR_get_error();
    const char *reason =
        ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
    reason = reason != NULL ? reason : "OpenSSL gives no reason";
    hyl__copy_text(text, cap, reason, strlen(reason));
    ERR_clear_error();
}

static hyl_status fail_file(const char *what, const char *file, hyl_error *err)
{
    char reason[160];
    hyl__tls_reason(reason, sizeof reason);
    return hyl__fail(err, HYL_ERR_TLS, "the %s file '%.200s' cannot be used: %s", what, file,
                     reason);
}

/* ---- Whom it trusts -------------------------------------------------------------------------- */

static hyl_status load_roots(SSL_CTX *context, const hyl_tls_opts *opts, hyl_error *err)
{
    if (opts->verify == HYL_TLS_VERIFY_NONE) {
        return HYL_OK;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (opts->ca_file != NULL) {
        return SSL_CTX_load_verify_file(context, opts->ca_file) == 1
                   ? HYL_OK
                   : fail_file("CA", opts->ca_file, err);
    }
    if (SSL_CTX_set_default_verify_paths(context) != 1) {
        char reason[160];
        hyl__tls_reason(reason, sizeof reason);
        return hyl__fail(err, HYL_ERR_TLS, "the system's trusted certificates cannot be read: %s",
                         reason);
    }
    return HYL_OK;
}

void hyl__tls_context_forget_roots(SSL_CTX *context)
{
    X509_STORE *empty = X509_STORE_new();
    if (empty != NULL) {
        SSL_CTX_set_cert_store(context, empty);
    }
}

/* ---- Who it is ------------------------------------------------------------------------------- */

typedef struct passphrase {
    const char *text; /* NULL: none */
    bool wanted;      /* the key is encrypted */
} passphrase;

/* OpenSSL's own would ask on the terminal. */
static int give_passphrase(char *buf, int size, int for_writing, void *ctx)
{
    passphrase *secret = ctx;
    (void)for_writing;
    secret->wanted = true;
    size_t len = secret->text != NULL ? strlen(secret->text) : 0;
    if (len == 0 || len > (size_t)size) {
        return -1;
    }
    memcpy(buf, secret->text, len);
    return (int)len;
}

/* A key that others can read is no secret any more; one of root's may be shared with a group. */
static hyl_status check_key_file(const char *file, hyl_error *err)
{
    struct stat there;
    if (stat(file, &there) != 0) {
        return hyl__fail_errno(err, HYL_ERR_TLS, errno, "the key file '%.200s' cannot be used",
                               file);
    }
    if (!S_ISREG(there.st_mode)) {
        return hyl__fail(err, HYL_ERR_TLS, "the key file '%.200s' is no regular file", file);
    }
    mode_t refused = there.st_uid == 0 && geteuid() != 0 ? (mode_t)(S_IWGRP | S_IXGRP | S_IRWXO)
                                                         : (mode_t)(S_IRWXG | S_IRWXO);
    if ((there.st_mode & refused) != 0) {
        return hyl__fail(err, HYL_ERR_TLS,
                         "the key file '%.200s' is open to other users: give it the mode 0600",
                         file);
    }
    return HYL_OK;
}

static bool is_of_another_certificate(unsigned long code)
{
    return ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH;
}

/* The certificate is loaded already. */
static hyl_status load_key(SSL_CTX *context, const char *file, const char *cert_file,
                           const passphrase *secret, hyl_error *err)
{
    HYL_TRY(check_key_file(file, err));
    bool loaded = SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) == 1;
    /* A key of another algorithm than the certificate's goes beside it: OpenSSL would then show no
     * certificate at all. */
    if (loaded && SSL_CTX_check_private_key(context) == 1) {
        return HYL_OK;
    }
    if (loaded || is_of_another_certificate(ERR_peek_error())) {
        ERR_clear_error();
        return hyl__fail(err, HYL_ERR_TLS,
                         "the key in the file '%.200s' is not that of the certificate in '%.200s'",
                         file, cert_file);
    }
    if (secret->wanted) {
        ERR_clear_error();
        return hyl__fail(err, HYL_ERR_TLS, "the key file '%.200s' is encrypted, and %s", file,
                         secret->text != NULL ? "the passphrase is not the right one"
                                              : "no passphrase is given");
    }
    return fail_file("key", file, err);
}

static hyl_status load_identity(SSL_CTX *context, const hyl_tls_opts *opts, hyl_error *err)
{
    if (opts->cert_file == NULL) {
        return opts->key_file == NULL
                   ? HYL_OK
                   : hyl__fail(err, HYL_ERR_ARG, "TLS: a key is of no use without a certificate");
    }
    if (SSL_CTX_use_certificate_chain_file(context, opts->cert_file) != 1) {
        return fail_file("certificate", opts->cert_file, err);
    }
    const char *key_file = opts->key_file != NULL ? opts->key_file : opts->cert_file;
    passphrase secret = {opts->key_passphrase, false};
    SSL_CTX_set_default_passwd_cb(context, give_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &secret);
    hyl_status status = load_key(context, key_file, opts->cert_file, &secret, err);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    SSL_CTX_set_default_passwd_cb(context, NULL);
    return status;
}

/* ---- What it accepts ------------------------------------------------------------------------- */

static hyl_status set_rules(SSL_CTX *context, const hyl_tls_opts *opts, hyl_error *err)
{
    int version = opts->min_version == HYL_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* Several records by one system call. */
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, HYL__TLS_READ_AHEAD);
    if (SSL_CTX_set_min_proto_version(context, version) != 1) {
        char reason[160];
        hyl__tls_reason(reason, sizeof reason);
        return hyl__fail(err, HYL_ERR_TLS, "TLS cannot be set up: %s", reason);
    }
    return HYL_OK;
}

hyl_status hyl__tls_context_new(const hyl_tls_opts *opts, SSL_CTX **out, hyl_error *err)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        ERR_clear_error();
        return hyl__fail_nomem(err);
    }
    hyl_status status = set_rules(context, opts, err);
    if (status == HYL_OK) {
        status = load_roots(context, opts, err);
    }
    if (status == HYL_OK) {
        status = load_identity(context, opts, err);
    }
    if (status != HYL_OK) {
        SSL_CTX_free(context);
        return status;
    }
    *out = context;
    return HYL_OK;
}

#else

/* ISO C wants a file to declare something. */
typedef int hyl__no_tls_context;

#endif
