#include "raw.h"

#include "base/error.h"
#include "base/mem.h"
#include "net/crypto.h"
#include "open.h"
#include "wire/auth.h"

/* Sends what may hold a password, and leaves no copy of it in the write buffer. */
static hyl_status flush_secret(hyl_raw *raw, hyl_error *err)
{
    hyl_buf *out = &raw->frame.out;
    size_t used = out->len;
    hyl_status status = hyl__raw_flush(raw, err);
    hyl__wipe(out->data, used);
    return status;
}

/* Takes an Authentication message and answers it. *accepted becomes true at AuthenticationOk. */
static hyl_status authenticate(hyl_raw *raw, hyl__auth *auth, const hyl_msg_auth *message,
                               bool *accepted, hyl_error *err)
{
    bool done = false;
    hyl_status status = hyl__auth_step(auth, message, &raw->frame.out, &done, err);
    while (status == HYL_AGAIN) {
        HYL_TRY(hyl__raw_check_deadline(raw, err));
        status = hyl__auth_work(auth, &raw->frame.out, err);
    }
    HYL_TRY(status);
    *accepted = *accepted || done;
    return flush_secret(raw, err);
}

/* Reads to ReadyForQuery. Only what the server says after it has accepted may end the startup. */
static hyl_status shake_hands(hyl_raw *raw, hyl__auth *auth, hyl_error *err)
{
    bool accepted = false;
    for (;;) {
        hyl_msg message;
        HYL_TRY(hyl__raw_next(raw, &message, err));
        switch (message.type) {
        case HYL_MSG_AUTHENTICATION:
            HYL_TRY(authenticate(raw, auth, &message.as.auth, &accepted, err));
            continue;
        case HYL_MSG_ERROR_RESPONSE:
            return hyl__raw_consume_error(raw, &message.as.diag, err);
        case HYL_MSG_NOTICE_RESPONSE:
        case HYL_MSG_PARAMETER_STATUS:
        case HYL_MSG_NOTIFICATION_RESPONSE:
            continue;
        case HYL_MSG_BACKEND_KEY_DATA:
            if (accepted) {
                continue;
            }
            break;
        case HYL_MSG_READY_FOR_QUERY:
            if (accepted) {
                return HYL_OK;
            }
            break;
        default:
            break;
        }
        return hyl__fail(err, HYL_ERR_PROTOCOL, "unexpected %s during startup",
                         hyl_msg_name((uint8_t)message.type));
    }
}

/* Where the caller did not say, a login is bound to the channel that can be bound to. */
static void set_rules(const hyl_raw *raw, hyl__auth *auth)
{
    hyl__auth_rules rules = raw->rules;
    hyl__channel_rules(&raw->transport, &rules);
    if (raw->default_binding && rules.encrypted) {
        rules.binding = HYL__BINDING_PREFER;
    }
    hyl__auth_set_rules(auth, &rules);
}

static const char *find_user(const hyl_pair *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (params[i].key != NULL && strcmp(params[i].key, "user") == 0) {
            return params[i].value;
        }
    }
    return NULL;
}

hyl_status hyl_raw_startup(hyl_raw *raw, const hyl_pair *params, size_t count, const char *password,
                           hyl_error *err)
{
    hyl__auth *auth = NULL;
    HYL_TRY(hyl__raw_enter_request(raw, false, err));
    if (raw->started) {
        return hyl__fail(err, HYL_ERR_STATE, "the connection was started before");
    }
    HYL_TRY(hyl_enc_startup(&raw->frame.out, params, count, err));
    if (hyl__auth_new(hyl__crypto_openssl(), find_user(params, count), password, &auth) != HYL_OK) {
        hyl_buf_clear(&raw->frame.out);
        return hyl__fail_nomem(err);
    }
    set_rules(raw, auth);
    raw->started = true;
    hyl_status status = hyl__raw_flush(raw, err);
    if (status == HYL_OK) {
        status = shake_hands(raw, auth, err);
    }
    hyl__auth_free(auth);
    raw->counted = true;
    raw->pending = 0;
    return status == HYL_OK ? HYL_OK : hyl__raw_mark(raw, status, err);
}
