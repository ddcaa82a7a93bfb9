#include "support/pki.h"

#if HYL_WITH_OPENSSL

#include "support/hyperd.h"
#include "support/test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

const char *pki_cert(const char *name)
{
    char file[100];
    snprintf(file, sizeof file, "%s.crt", name);
    return test_path(file);
}

const char *pki_key(const char *name)
{
    char file[100];
    snprintf(file, sizeof file, "%s.key", name);
    return test_path(file);
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        fail_msg("%s: cannot be opened", path);
        abort();
    }
    return file;
}

static void write_files(const char *name, X509 *certificate, EVP_PKEY *key, const char *passphrase)
{
    FILE *file = open_file(pki_cert(name), "w");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    file = open_file(pki_key(name), "w");
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(PEM_write_PrivateKey(file, key, passphrase != NULL ? EVP_aes_256_cbc() : NULL,
                                          (const unsigned char *)passphrase,
                                          passphrase != NULL ? (int)strlen(passphrase) : 0, NULL,
                                          NULL),
                     1);
    fclose(file);
}

static X509 *read_certificate(const char *name)
{
    FILE *file = open_file(pki_cert(name), "r");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(certificate);
    return certificate;
}

static EVP_PKEY *read_key(const char *name)
{
    FILE *file = open_file(pki_key(name), "r");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(key);
    return key;
}

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void fill_in(X509 *certificate, const char *name, const pki_opts *opts, EVP_PKEY *key)
{
    enum { DAY = 86400 };
    static long serial = 1;
    X509_NAME *subject = X509_get_subject_name(certificate);
    const char *text = opts->subject != NULL ? opts->subject : name;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -30L * DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), opts->expired ? -DAY : 30L * DAY);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1,
                               0);
    X509_set_pubkey(certificate, key);
}

void pki_make(const char *name, const pki_opts *opts)
{
    EVP_PKEY *key = opts->ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    assert_non_null(certificate);
    fill_in(certificate, name, opts, key);
    X509 *issuer = opts->issuer != NULL ? read_certificate(opts->issuer) : certificate;
    EVP_PKEY *signer = opts->issuer != NULL ? read_key(opts->issuer) : key;
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    add_extension(certificate, issuer, NID_basic_constraints,
                  opts->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (opts->alt_names != NULL) {
        add_extension(certificate, issuer, NID_subject_alt_name, opts->alt_names);
    }
    bool no_hash = EVP_PKEY_get_id(signer) == EVP_PKEY_ED25519;
    const EVP_MD *hash = EVP_get_digestbyname(opts->hash != NULL ? opts->hash : "SHA256");
    assert_true(X509_sign(certificate, signer, no_hash ? NULL : hash) > 0);
    write_files(name, certificate, key, opts->passphrase);
    if (opts->issuer != NULL) {
        X509_free(issuer);
        EVP_PKEY_free(signer);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void pki_make_all(void)
{
    static const char here[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
    static const struct {
        const char *name;
        pki_opts opts;
    } cast[] = {
        {"ca", {.authority = true}},
        {"server", {.issuer = "ca", .alt_names = here}},
        {"sha384", {.issuer = "ca", .alt_names = here, .hash = "SHA384"}},
        {"ed25519-ca", {.authority = true, .ed25519 = true}},
        {"ed25519", {.issuer = "ed25519-ca", .alt_names = here, .ed25519 = true}},
        {"expired", {.issuer = "ca", .alt_names = here, .expired = true}},
        {"other-host", {.issuer = "ca", .alt_names = "DNS:db.example,IP:192.0.2.1"}},
        {"self-signed", {.alt_names = here}},
        {"between", {.issuer = "ca", .authority = true}},
        {"deep", {.issuer = "between", .alt_names = here}},
        {"by_cert", {.issuer = "ca"}},
        {"by_cert_locked", {.issuer = "ca", .subject = "by_cert", .passphrase = PKI_PASSPHRASE}},
        {"other-ca", {.authority = true}},
        {"stranger", {.issuer = "other-ca", .subject = "by_cert"}},
    };
    for (size_t i = 0; i < sizeof cast / sizeof cast[0]; i++) {
        pki_make(cast[i].name, &cast[i].opts);
    }
}

#else

/* ISO C wants a file to declare something. */
typedef int no_pki;

#endif
