/* What the TLS keys of a config come to. */
#include "config_parts.h"

#include "base/error.h"
#include "net/socket.h"

#include <string.h>

static const char *text_of(const hyl_config *config, hyl__config_key key)
{
    const char *value = hyl__config_value(config, key);
    return value[0] != '\0' ? value : NULL;
}

/* On this machine there is nobody between; but who names a certificate wants it used. */
static hyl__tls_mode automatic(const hyl_endpoint *endpoint, const hyl__tls_settings *tls)
{
    bool asked = tls->ca != NULL || tls->cert != NULL || tls->server_name != NULL || tls->direct;
    if (endpoint->kind == HYL_ENDPOINT_UNIX || (hyl__is_loopback(endpoint) && !asked)) {
        return HYL__TLS_DISABLE;
    }
    return HYL__TLS_VERIFY_FULL;
}

static hyl_status check(const hyl_endpoint *endpoint, const hyl__tls_settings *tls, hyl_error *err)
{
    if (tls->mode == HYL__TLS_DISABLE) {
        return HYL_OK;
    }
    if (endpoint->kind == HYL_ENDPOINT_UNIX && tls->mode != HYL__TLS_PREFER) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "tls: a unix socket has no TLS, and needs none; leave tls out, or write "
                         "tls=disable");
    }
    if (tls->key != NULL && tls->cert == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "tls_key is set, and tls_cert is not");
    }
    if (tls->direct && tls->mode == HYL__TLS_PREFER) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "tls_negotiation=direct leaves no way back: use tls=require or above");
    }
    return HYL_OK;
}

hyl_status hyl__config_tls(const hyl_config *config, const hyl_endpoint *endpoint,
                           hyl__tls_settings *out, hyl_error *err)
{
    hyl__tls_settings tls = {
        .ca = text_of(config, HYL__KEY_tls_ca),
        .cert = text_of(config, HYL__KEY_tls_cert),
        .key = text_of(config, HYL__KEY_tls_key),
        .key_passphrase = text_of(config, HYL__KEY_tls_key_passphrase),
        .server_name = text_of(config, HYL__KEY_tls_server_name),
    };
    if (!hyl__parse_tls_mode(hyl__config_value(config, HYL__KEY_tls), &tls.mode) ||
        !hyl__parse_tls_version(hyl__config_value(config, HYL__KEY_tls_min_version),
                                &tls.min_version) ||
        !hyl__parse_tls_negotiation(hyl__config_value(config, HYL__KEY_tls_negotiation),
                                    &tls.direct)) {
        return hyl__fail(err, HYL_ERR_ARG, "the config has a value that it cannot have");
    }
    if (tls.mode == HYL__TLS_AUTO) {
        tls.mode = automatic(endpoint, &tls);
    }
    HYL_TRY(check(endpoint, &tls, err));
    if (endpoint->kind == HYL_ENDPOINT_UNIX) {
        tls.mode = HYL__TLS_DISABLE;
    }
    *out = tls;
    return HYL_OK;
}
