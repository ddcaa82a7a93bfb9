/*
 * Opening a transport to the server, and agreeing on TLS. Source: PostgreSQL documentation, "SSL
 * Session Encryption". The context of OpenSSL is made only once the server has said yes.
 */
#include "open.h"

#include "base/error.h"
#include "net/tls.h"
#include "write_all.h"

#include <hyperline/wire.h>

/* Nobody but TLS may have the bytes behind the answer: exactly one is read. */
static hyl_status read_answer(hyl_transport *transport, int64_t deadline, uint8_t *answer,
                              hyl_error *err)
{
    for (;;) {
        size_t got = 0;
        unsigned ready = 0;
        hyl_status status = transport->ops->read(transport->self, answer, 1, &got, err);
        if (status == HYL_OK) {
            return HYL_OK;
        }
        if (status == HYL_DONE) {
            return hyl__fail(err, HYL_ERR_CLOSED,
                             "the server closed the connection when it was asked for TLS");
        }
        if (status == HYL_AGAIN) {
            status = transport->ops->wait(transport->self, HYL_WANT_READ, deadline, &ready, err);
        }
        HYL_TRY(status);
    }
}

static hyl_status ask_for_tls(hyl_transport *transport, int64_t deadline, uint8_t *answer,
                              hyl_error *err)
{
    hyl_buf request = HYL_BUF_INIT;
    hyl_status status = hyl_enc_ssl_request(&request, err);
    if (status == HYL_OK) {
        status = hyl__write_all(transport, (hyl_bytes){request.data, request.len}, deadline, err);
    }
    hyl_buf_reset(&request);
    return status == HYL_OK ? read_answer(transport, deadline, answer, err) : status;
}

/* What the server's text says is not shown: anybody between may have written it. */
static hyl_status fail_answer(uint8_t answer, hyl_error *err)
{
    if (answer == 'N') {
        return hyl__fail(err, HYL_ERR_TLS,
                         "the server speaks no TLS, which is demanded here (tls=disable does "
                         "without)");
    }
    if (answer == HYL_MSG_ERROR_RESPONSE) {
        return hyl__fail(err, HYL_ERR_TLS, "the server answers with an error when asked for TLS");
    }
    return hyl__fail(err, HYL_ERR_PROTOCOL,
                     "the server answers with byte 0x%02x when asked for TLS, as no server of this "
                     "protocol does",
                     answer);
}

static hyl_tls_verify what_to_verify(const hyl__tls_settings *tls)
{
    if (tls->mode == HYL__TLS_VERIFY_FULL) {
        return HYL_TLS_VERIFY_FULL;
    }
    return tls->mode == HYL__TLS_VERIFY_CA || tls->ca != NULL ? HYL_TLS_VERIFY_CA
                                                              : HYL_TLS_VERIFY_NONE;
}

static hyl_status start_tls(hyl_transport *transport, const char *host,
                            const hyl__tls_settings *tls, int64_t deadline, hyl_error *err)
{
    hyl_tls_opts opts = HYL_TLS_OPTS_INIT;
    opts.verify = what_to_verify(tls);
    opts.min_version = tls->min_version;
    opts.server_name = tls->server_name != NULL ? tls->server_name : host;
    opts.ca_file = tls->ca;
    opts.cert_file = tls->cert;
    opts.key_file = tls->key;
    opts.key_passphrase = tls->key_passphrase;
    opts.alpn = "postgresql";
    /* Who was not asked whether it is PostgreSQL's protocol that follows must say so here. */
    opts.alpn_required = tls->direct;
    return hyl_transport_start_tls(transport, &opts, deadline, err);
}

static hyl_status start_direct(hyl_transport *transport, const char *host,
                               const hyl__tls_settings *tls, int64_t deadline, hyl_error *err)
{
    hyl_status status = start_tls(transport, host, tls, deadline, err);
    if (status == HYL_ERR_CLOSED) {
        hyl__fail(err, status,
                  "the server closed the connection on tls_negotiation=direct, which Hyper and "
                  "PostgreSQL before 17 do not know; use tls_negotiation=postgres");
    }
    return status;
}

/* Builds without OpenSSL say so before they ask the server for what they cannot do. */
static hyl_status check_build(const hyl__tls_settings *tls, hyl_error *err)
{
    if (HYL_WITH_OPENSSL || tls->mode < HYL__TLS_REQUIRE) {
        return HYL_OK;
    }
    return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                     "TLS is demanded (on a server beyond this machine it is unless tls=disable "
                     "is set) and not available: this library was built with HYL_WITH_OPENSSL "
                     "off");
}

hyl_status hyl__negotiate_tls(hyl_transport *transport, const char *host,
                              const hyl__tls_settings *tls, int64_t deadline, hyl_error *err)
{
    uint8_t answer = 0;
    HYL_TRY(check_build(tls, err));
    if (tls->mode == HYL__TLS_DISABLE || (tls->mode == HYL__TLS_PREFER && !HYL_WITH_OPENSSL)) {
        return HYL_OK;
    }
    if (tls->direct) {
        return start_direct(transport, host, tls, deadline, err);
    }
    HYL_TRY(ask_for_tls(transport, deadline, &answer, err));
    if (answer == 'S') {
        return start_tls(transport, host, tls, deadline, err);
    }
    return answer == 'N' && tls->mode == HYL__TLS_PREFER ? HYL_OK : fail_answer(answer, err);
}

hyl_status hyl__open(const hyl_endpoint *endpoint, const hyl__tls_settings *tls, int64_t deadline,
                     hyl_transport *out, hyl_error *err)
{
    hyl_transport transport = {NULL, NULL};
    HYL_TRY(check_build(tls, err));
    HYL_TRY(hyl_transport_open(endpoint, deadline, &transport, err));
    hyl_status status = hyl__negotiate_tls(&transport, endpoint->host, tls, deadline, err);
    if (status < 0) {
        hyl_transport_close(&transport);
        return hyl__error_flag(err, status, status == HYL_ERR_TIMEOUT ? HYL_ERROR_RETRYABLE : 0);
    }
    *out = transport;
    return HYL_OK;
}

hyl_status hyl_config_open(const hyl_config *config, int64_t deadline_ms, hyl_transport *out,
                           hyl_error *err)
{
    hyl__settings settings;
    HYL_TRY(hyl__config_settings(config, &settings, err));
    return hyl__open(&settings.endpoint, &settings.tls, deadline_ms, out, err);
}

_Static_assert((int)HYL__END_POINT_MAX >= (int)HYL__TLS_END_POINT_MAX, "room for every hash");

void hyl__channel_rules(const hyl_transport *transport, hyl__auth_rules *rules)
{
    hyl_tls_info info;
    rules->encrypted = hyl_transport_tls_info(transport, &info);
    hyl__tls_server_end_point(transport, rules->end_point, &rules->end_point_len);
}
