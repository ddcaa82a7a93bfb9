#include "auth.h"

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "saslprep.h"
#include "scram.h"

static const char scram_sha_256[] = "SCRAM-SHA-256";
static const char scram_sha_256_plus[] = "SCRAM-SHA-256-PLUS";

/* What was sent last, and so what may come next. */
typedef enum auth_state {
    AUTH_START,         /* nothing was demanded yet */
    AUTH_PASSWORD_SENT, /* cleartext or MD5 */
    AUTH_FIRST_SENT,    /* SCRAM */
    AUTH_WORKING,       /* SCRAM: the final message is being made */
    AUTH_FINAL_SENT,    /* SCRAM */
    AUTH_VERIFIED,      /* SCRAM: the server has shown its signature */
    AUTH_DONE,
    AUTH_FAILED
} auth_state;

struct hyl__auth {
    const hyl__crypto *crypto;
    char *user;
    char *password; /* NULL where none is known */
    auth_state state;
    const char *method;
    hyl__auth_rules rules;
    hyl__scram scram;
};

hyl_status hyl__auth_new(const hyl__crypto *crypto, const char *user, const char *password,
                         hyl__auth **out)
{
    hyl__auth *auth = hyl__calloc(1, sizeof *auth);
    if (auth == NULL) {
        return HYL_ERR_NOMEM;
    }
    auth->crypto = crypto;
    auth->method = "trust";
    hyl__scram_init(&auth->scram, crypto);
    auth->user = hyl__strdup(user != NULL ? user : "");
    auth->password = password != NULL ? hyl__strdup(password) : NULL;
    if (auth->user == NULL || (password != NULL && auth->password == NULL)) {
        hyl__auth_free(auth);
        return HYL_ERR_NOMEM;
    }
    *out = auth;
    return HYL_OK;
}

void hyl__auth_set_rules(hyl__auth *auth, const hyl__auth_rules *rules)
{
    auth->rules = *rules;
}

static void free_secret(char *text)
{
    if (text != NULL) {
        hyl__wipe(text, strlen(text));
        hyl__free(text);
    }
}

void hyl__auth_free(hyl__auth *auth)
{
    if (auth != NULL) {
        free_secret(auth->user);
        free_secret(auth->password);
        hyl__scram_reset(&auth->scram);
        hyl__free(auth);
    }
}

const char *hyl__auth_method(const hyl__auth *auth)
{
    return auth->method;
}

static hyl_status out_of_order(const char *what, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_AUTH, "%s comes out of order", what);
}

static hyl_status check_rules(const hyl__auth *auth, unsigned method, hyl_error *err)
{
    const hyl__auth_rules *rules = &auth->rules;
    if (rules->allowed != 0 && (rules->allowed & method) == 0) {
        return hyl__fail(err, HYL_ERR_AUTH, "the server demands %s, which require_auth rules out",
                         method == HYL__AUTH_NONE ? "no authentication" : auth->method);
    }
    if (rules->binding == HYL__BINDING_REQUIRE && method != HYL__AUTH_SCRAM) {
        return hyl__fail(err, HYL_ERR_AUTH,
                         "channel_binding=require: the server demands %s, which has no channel "
                         "binding",
                         method == HYL__AUTH_NONE ? "no authentication" : auth->method);
    }
    if (rules->no_cleartext && method == HYL__AUTH_PASSWORD) {
        return hyl__fail(err, HYL_ERR_AUTH,
                         "the server demands the password as it is, on a connection that others "
                         "may read; use TLS, or set allow_cleartext=yes");
    }
    return HYL_OK;
}

/* A method starts: only as the first thing, and only with a password and its crypto at hand. */
static hyl_status start_method(hyl__auth *auth, unsigned method, const char *name, hyl_error *err)
{
    if (auth->state != AUTH_START) {
        return hyl__fail(err, HYL_ERR_AUTH, "the demand for %s authentication comes out of order",
                         name);
    }
    auth->method = name;
    HYL_TRY(check_rules(auth, method, err));
    if (auth->password == NULL) {
        return hyl__fail(err, HYL_ERR_AUTH, "the server demands a password (%s) and none was given",
                         name);
    }
    if (method != HYL__AUTH_PASSWORD && auth->crypto == NULL) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                         "%s authentication needs a build with HYL_WITH_OPENSSL=ON", name);
    }
    return HYL_OK;
}

static hyl_status cleartext(hyl__auth *auth, hyl_buf *reply, hyl_error *err)
{
    HYL_TRY(start_method(auth, HYL__AUTH_PASSWORD, "password", err));
    HYL_TRY(hyl_enc_password(reply, auth->password, err));
    auth->state = AUTH_PASSWORD_SENT;
    return HYL_OK;
}

enum { MD5_HEX_LEN = 2 * HYL__MD5_LEN };

/* The MD5 of two pieces, one after the other, in hexadecimal and NUL-terminated. */
static hyl_status md5_hex(const hyl__crypto *crypto, hyl_bytes first, hyl_bytes second, char *hex,
                          hyl_error *err)
{
    uint8_t digest[HYL__MD5_LEN];
    hyl_buf joined = HYL_BUF_INIT;
    if (hyl_buf_reserve(&joined, first.len + second.len) != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    hyl_buf_append(&joined, first.data, first.len);
    hyl_buf_append(&joined, second.data, second.len);
    hyl_status status = crypto->md5((hyl_bytes){joined.data, joined.len}, digest, err);
    for (size_t i = 0; status == HYL_OK && i < sizeof digest; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[MD5_HEX_LEN] = '\0';
    hyl__wipe(digest, sizeof digest);
    hyl__wipe(joined.data, joined.len);
    hyl_buf_reset(&joined);
    return status;
}

static hyl_bytes bytes_of(const char *text)
{
    return (hyl_bytes){(const uint8_t *)text, strlen(text)};
}

/* "md5" and the MD5 of (the MD5 of password and user) and salt. */
static hyl_status md5(hyl__auth *auth, const uint8_t salt[4], hyl_buf *reply, hyl_error *err)
{
    char answer[3 + MD5_HEX_LEN + 1] = "md5";
    char inner[MD5_HEX_LEN + 1];
    HYL_TRY(start_method(auth, HYL__AUTH_MD5, "md5", err));
    hyl_status status =
        md5_hex(auth->crypto, bytes_of(auth->password), bytes_of(auth->user), inner, err);
    if (status == HYL_OK) {
        status = md5_hex(auth->crypto, bytes_of(inner), (hyl_bytes){salt, 4}, answer + 3, err);
    }
    if (status == HYL_OK) {
        status = hyl_enc_password(reply, answer, err);
    }
    if (status == HYL_OK) {
        auth->state = AUTH_PASSWORD_SENT;
    }
    hyl__wipe(inner, sizeof inner);
    hyl__wipe(answer, sizeof answer);
    return status;
}

static bool offers(hyl_bytes list, const char *mechanism)
{
    hyl_str offered;
    while (hyl_sasl_next(&list, &offered)) {
        if (offered.len == strlen(mechanism) && memcmp(offered.data, mechanism, offered.len) == 0) {
            return true;
        }
    }
    return false;
}

/* The offered names as a list for people; what cannot be shown is a question mark. */
static void list_mechanisms(hyl_bytes list, char *names, size_t cap)
{
    size_t used = 0;
    hyl_str offered;
    while (hyl_sasl_next(&list, &offered) && used + 2 < cap) {
        for (size_t i = 0; i < offered.len && used + 3 < cap; i++) {
            char c = offered.data[i];
            names[used++] = c > ' ' && c < 0x7f ? c : '?';
        }
        names[used++] = ',';
    }
    names[used > 0 ? used - 1 : 0] = '\0';
}

static hyl_status no_mechanism(hyl_bytes list, hyl_error *err)
{
    char names[256];
    list_mechanisms(list, names, sizeof names);
    return hyl__fail(err, HYL_ERR_AUTH, "the server offers the SASL mechanisms \"%s\", not %s",
                     names, scram_sha_256);
}

static bool can_bind(const hyl__auth_rules *rules)
{
    return rules->encrypted && rules->end_point_len > 0 && rules->binding != HYL__BINDING_DISABLE;
}

static hyl_status fail_binding(const hyl__auth_rules *rules, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_AUTH, "channel_binding=require: %s",
                     !rules->encrypted ? "the connection is not encrypted"
                     : rules->end_point_len == 0
                         ? "the server's certificate has a signature that none is defined for"
                         : "the server does not offer it");
}

/*
 * Chooses the mechanism, and says in the exchange's header what we could do, so that a server whose
 * offer was changed on its way finds out (RFC 5802, section 6).
 */
static hyl_status choose_mechanism(hyl__auth *auth, hyl_bytes mechanisms, const char **chosen,
                                   hyl_error *err)
{
    const hyl__auth_rules *rules = &auth->rules;
    bool plus = offers(mechanisms, scram_sha_256_plus);
    if (plus && !rules->encrypted && rules->binding != HYL__BINDING_DISABLE) {
        return hyl__fail(err, HYL_ERR_AUTH,
                         "the server offers to bind the login to TLS, and there is none here: "
                         "somebody may have taken it away (channel_binding=disable does not look)");
    }
    if (plus && can_bind(rules)) {
        hyl_bytes end_point = {rules->end_point, rules->end_point_len};
        hyl__scram_bind(&auth->scram, "p=tls-server-end-point,,", end_point);
        *chosen = scram_sha_256_plus;
        return HYL_OK;
    }
    if (rules->binding == HYL__BINDING_REQUIRE) {
        return fail_binding(rules, err);
    }
    if (!offers(mechanisms, scram_sha_256)) {
        return no_mechanism(mechanisms, err);
    }
    hyl__scram_bind(&auth->scram, can_bind(rules) ? "y,," : "n,,", (hyl_bytes){NULL, 0});
    *chosen = scram_sha_256;
    return HYL_OK;
}

static hyl_status sasl_start(hyl__auth *auth, hyl_bytes mechanisms, hyl_buf *reply, hyl_error *err)
{
    hyl_buf nonce = HYL_BUF_INIT;
    hyl_buf first = HYL_BUF_INIT;
    const char *mechanism = scram_sha_256;
    if (auth->state == AUTH_START) {
        HYL_TRY(choose_mechanism(auth, mechanisms, &mechanism, err));
    }
    HYL_TRY(start_method(auth, HYL__AUTH_SCRAM, mechanism, err));
    hyl_status status = hyl__scram_nonce(auth->crypto, &nonce, err);
    if (status == HYL_OK) {
        /* The user is in the startup message; the servers ignore this one. */
        hyl_str text = {(const char *)nonce.data, nonce.len};
        status = hyl__scram_first(&auth->scram, HYL_STR(""), text, &first, err);
    }
    if (status == HYL_OK) {
        status = hyl_enc_sasl_initial(reply, mechanism, (hyl_bytes){first.data, first.len}, err);
    }
    if (status == HYL_OK) {
        auth->state = AUTH_FIRST_SENT;
    }
    hyl_buf_reset(&nonce);
    hyl_buf_reset(&first);
    return status;
}

/* The final message, from the form of the password that SCRAM wants. */
static hyl_status make_final(hyl__auth *auth, hyl_str server_first, hyl_buf *out, hyl_error *err)
{
    hyl_buf password = HYL_BUF_INIT;
    hyl_str typed = hyl_str_of(auth->password);
    hyl_status status = auth->rules.mapped_password ? hyl__saslprep_mapped(typed, &password)
                                                    : hyl__saslprep(typed, &password);
    if (status == HYL_OK) {
        hyl_bytes bytes = {password.data, password.len};
        status = hyl__scram_final(&auth->scram, bytes, server_first, out, err);
    } else {
        hyl__fail_nomem(err);
    }
    hyl__wipe(password.data, password.len);
    hyl_buf_reset(&password);
    return status;
}

/* The final message is made, or is still being made. */
static hyl_status take_final(hyl__auth *auth, hyl_status status, const hyl_buf *final,
                             hyl_buf *reply, hyl_error *err)
{
    if (status == HYL_OK) {
        status = hyl_enc_sasl_response(reply, (hyl_bytes){final->data, final->len}, err);
    }
    if (status >= 0) {
        auth->state = status == HYL_AGAIN ? AUTH_WORKING : AUTH_FINAL_SENT;
    }
    return status;
}

static hyl_status sasl_continue(hyl__auth *auth, hyl_bytes data, hyl_buf *reply, hyl_error *err)
{
    if (auth->state != AUTH_FIRST_SENT) {
        return out_of_order("AuthenticationSASLContinue", err);
    }
    hyl_buf final = HYL_BUF_INIT;
    hyl_status status = make_final(auth, (hyl_str){(const char *)data.data, data.len}, &final, err);
    status = take_final(auth, status, &final, reply, err);
    hyl_buf_reset(&final);
    return status;
}

hyl_status hyl__auth_work(hyl__auth *auth, hyl_buf *reply, hyl_error *err)
{
    if (auth->state != AUTH_WORKING) {
        return hyl__fail(err, HYL_ERR_AUTH, "there is no reply to work on");
    }
    hyl_buf final = HYL_BUF_INIT;
    hyl_status status = hyl__scram_work(&auth->scram, &final, err);
    status = take_final(auth, status, &final, reply, err);
    hyl_buf_reset(&final);
    if (status < 0) {
        auth->state = AUTH_FAILED;
    }
    return status;
}

static hyl_status sasl_final(hyl__auth *auth, hyl_bytes data, hyl_error *err)
{
    if (auth->state != AUTH_FINAL_SENT) {
        return out_of_order("AuthenticationSASLFinal", err);
    }
    HYL_TRY(hyl__scram_verify(&auth->scram, (hyl_str){(const char *)data.data, data.len}, err));
    auth->state = AUTH_VERIFIED;
    return HYL_OK;
}

static hyl_status accepted(hyl__auth *auth, bool *done, hyl_error *err)
{
    if (auth->state == AUTH_FIRST_SENT || auth->state == AUTH_WORKING ||
        auth->state == AUTH_FINAL_SENT) {
        return hyl__fail(err, HYL_ERR_AUTH,
                         "the server accepts the login without proof that it knows the password");
    }
    if (auth->state == AUTH_DONE) {
        return out_of_order("AuthenticationOk", err);
    }
    if (auth->state == AUTH_START) {
        HYL_TRY(check_rules(auth, HYL__AUTH_NONE, err));
    }
    auth->state = AUTH_DONE;
    *done = true;
    return HYL_OK;
}

static hyl_status unknown_method(int32_t kind, hyl_error *err)
{
    const char *name = kind == HYL_AUTH_KERBEROS       ? "Kerberos 5"
                       : kind == HYL_AUTH_SCM          ? "SCM credentials"
                       : kind == HYL_AUTH_GSS          ? "GSSAPI"
                       : kind == HYL_AUTH_GSS_CONTINUE ? "GSSAPI"
                       : kind == HYL_AUTH_SSPI         ? "SSPI"
                                                       : "an unknown method";
    return hyl__fail(err, HYL_ERR_AUTH,
                     "the server demands %s (authentication request %d), which is not supported",
                     name, (int)kind);
}

static hyl_status take(hyl__auth *auth, const hyl_msg_auth *message, hyl_buf *reply, bool *done,
                       hyl_error *err)
{
    switch (message->kind) {
    case HYL_AUTH_OK:
        return accepted(auth, done, err);
    case HYL_AUTH_CLEARTEXT:
        return cleartext(auth, reply, err);
    case HYL_AUTH_MD5:
        return md5(auth, message->salt, reply, err);
    case HYL_AUTH_SASL:
        return sasl_start(auth, message->data, reply, err);
    case HYL_AUTH_SASL_CONTINUE:
        return sasl_continue(auth, message->data, reply, err);
    case HYL_AUTH_SASL_FINAL:
        return sasl_final(auth, message->data, err);
    default:
        return unknown_method(message->kind, err);
    }
}

/* The message that names the method, as against the later ones of an exchange. */
static bool is_demand(int32_t kind)
{
    return kind != HYL_AUTH_OK && kind != HYL_AUTH_SASL_CONTINUE && kind != HYL_AUTH_SASL_FINAL;
}

hyl_status hyl__auth_step(hyl__auth *auth, const hyl_msg_auth *message, hyl_buf *reply, bool *done,
                          hyl_error *err)
{
    *done = false;
    if (auth->state == AUTH_FAILED) {
        return hyl__fail(err, HYL_ERR_AUTH, "the authentication has already failed");
    }
    hyl_status status = take(auth, message, reply, done, err);
    if (is_demand(message->kind)) {
        const hyl_log_field fields[] = {{"method", hyl__auth_method(auth)}};
        hyl__log(HYL_LOG_DEBUG, "connection-auth-method", fields, 1);
    }
    if (status < 0) {
        auth->state = AUTH_FAILED;
    } else if (*done) {
        hyl__log(HYL_LOG_INFO, "connection-auth-success", NULL, 0);
    }
    return status;
}
