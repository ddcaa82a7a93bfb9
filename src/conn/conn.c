#include "conn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "dialect.h"
#include "net/crypto.h"
#include "open.h"
#include "wire/saslprep.h"

/* ---- Life ---------------------------------------------------------------------------------- */

/*
 * Rows stream through a window of this size. Larger ones save few system calls and fall out of the
 * processor's cache.
 */
enum { RECEIVE_WINDOW = 131072 };

void hyl__conn_retain(hyl_conn *conn)
{
    conn->refs++;
}

void hyl__conn_release(hyl_conn *conn)
{
    if (--conn->refs > 0) {
        return;
    }
    hyl_transport_close(&conn->transport);
    hyl__session_reset(&conn->session);
    hyl_config_free(conn->config);
    hyl_buf_reset(&conn->diag_text);
    hyl__parameters_reset(&conn->parameters);
    hyl__free(conn);
}

/* Takes the transport over, also where it fails. */
static hyl_status make_conn(const hyl_config *config, hyl_transport *transport, hyl_conn **out,
                            hyl_error *err)
{
    hyl_conn *conn = hyl__calloc(1, sizeof *conn);
    if (conn == NULL) {
        hyl_transport_close(transport);
        return hyl__fail_nomem(err);
    }
    conn->refs = 1;
    conn->receive_limit = UINT64_MAX;
    conn->transport = *transport;
    *transport = (hyl_transport){NULL, NULL};
    hyl_status status = hyl__config_copy(config, &conn->config, err);
    if (status == HYL_OK) {
        status = hyl__config_settings(conn->config, &conn->settings, err);
    }
    if (status == HYL_OK &&
        hyl__session_init(&conn->session, RECEIVE_WINDOW, conn->settings.max_message) < 0) {
        status = hyl__fail_nomem(err);
    }
    if (status < 0) {
        hyl__conn_release(conn);
        return status;
    }
    *out = conn;
    return HYL_OK;
}

/* ---- Login --------------------------------------------------------------------------------- */

static void set_auth_rules(hyl_conn *conn)
{
    const hyl__settings *settings = &conn->settings;
    hyl__auth_rules rules = {.allowed = settings->allowed_auth,
                             .mapped_password = settings->mapped_password,
                             .binding = settings->channel_binding};
    hyl__channel_rules(&conn->transport, &rules);
    /* What goes over a unix socket nobody else reads. On a loopback port another user may listen,
     * where the server does not. */
    bool is_private = rules.encrypted || settings->endpoint.kind == HYL_ENDPOINT_UNIX;
    rules.no_cleartext = !is_private && !settings->allow_cleartext;
    hyl__session_set_auth_rules(&conn->session, &rules);
}

static hyl_status send_startup(hyl_conn *conn, hyl_error *err)
{
    const hyl__settings *settings = &conn->settings;
    hyl__startup startup;
    hyl_status status = hyl__startup_make(settings, &startup, err);
    if (status == HYL_OK) {
        status = hyl__session_startup(&conn->session, hyl__crypto_openssl(), startup.params,
                                      startup.count, settings->user, settings->password, err);
    }
    if (status == HYL_OK) {
        set_auth_rules(conn);
    }
    hyl__startup_reset(&startup);
    return status;
}

static hyl_status wait_for_login(hyl_conn *conn, hyl_error *err)
{
    hyl__event event;
    do {
        HYL_TRY(hyl__conn_event(conn, &event, err));
        if (event.type == HYL__EVENT_ERROR) {
            hyl_status status = hyl__conn_fail_server(conn, err);
            return hyl__conn_mark_closed(conn, status);
        }
    } while (event.type != HYL__EVENT_READY);
    return HYL_OK;
}

/* A cancel goes the connection's way: where that is encrypted, nothing less will do. */
static void keep_tls_mode(hyl_conn *conn)
{
    hyl__tls_mode *mode = &conn->settings.tls.mode;
    hyl_tls_info info;
    if (!hyl_transport_tls_info(&conn->transport, &info)) {
        *mode = HYL__TLS_DISABLE;
    } else if (*mode < HYL__TLS_REQUIRE) {
        *mode = HYL__TLS_REQUIRE;
    }
}

/* The login is over. */
static void forget_password(hyl_conn *conn)
{
    conn->settings.password = NULL;
    hyl__config_forget_password(conn->config);
}

hyl_status hyl__conn_open(const hyl_config *config, hyl_transport *transport, int64_t deadline,
                          hyl_conn **out, hyl_error *err)
{
    hyl_conn *conn = NULL;
    HYL_TRY(make_conn(config, transport, &conn, err));
    conn->deadline = deadline;
    conn->login_deadline = deadline;
    keep_tls_mode(conn);
    hyl_status status = send_startup(conn, err);
    if (status == HYL_OK) {
        status = wait_for_login(conn, err);
    }
    forget_password(conn);
    if (status == HYL_OK && conn->parameter_lost) {
        status = hyl__fail_nomem(err); /* what follows goes by them */
    }
    if (status == HYL_OK) {
        status = hyl__dialect_settle(conn->settings.dialect, &conn->parameters,
                                     &conn->settings.dialect, &conn->hyper_rows, err);
        conn->session.postgresql = hyl__conn_is_postgresql(conn);
    }
    if (status < 0) {
        hyl__conn_release(conn);
        return hyl__error_flag(err, status, status == HYL_ERR_TIMEOUT ? HYL_ERROR_RETRYABLE : 0);
    }
    *out = conn;
    return HYL_OK;
}

static hyl_status attempt(const hyl_config *config, int64_t deadline, hyl_conn **out,
                          hyl_error *err)
{
    hyl__settings settings;
    hyl_transport transport = {NULL, NULL};
    HYL_TRY(hyl__config_settings(config, &settings, err));
    HYL_TRY(hyl__open(&settings.endpoint, &settings.tls, deadline, &transport, err));
    return hyl__conn_open(config, &transport, deadline, out, err);
}

/* Hyper has refused a password that it may keep in another form than SASLprep's. */
static bool may_be_another_form(const hyl_config *config, const hyl_error *why)
{
    const char *password = hyl_config_get(config, "password");
    return why->status == HYL_ERR_SERVER && strcmp(why->sqlstate, "42501") == 0 &&
           hyl__saslprep_forms_differ(hyl_str_of(password));
}

static hyl_status attempt_mapped(const hyl_config *config, int64_t deadline, hyl_conn **out,
                                 hyl_error *err)
{
    hyl_config *copy = NULL;
    HYL_TRY(hyl__config_copy(config, &copy, err));
    hyl__config_map_password(copy);
    hyl_status status = attempt(copy, deadline, out, err);
    hyl_config_free(copy);
    return status;
}

static hyl_status open_and_log_in(const hyl_config *config, int64_t deadline, hyl_conn **out,
                                  hyl_error *err)
{
    hyl_error why = HYL_ERROR_INIT;
    hyl_status status = attempt(config, deadline, out, &why);
    bool in_time = hyl__deadline_left(deadline) != 0;
    if (status < 0 && in_time && may_be_another_form(config, &why)) {
        status = attempt_mapped(config, deadline, out, &why);
    }
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status;
}

/* The same in PostgreSQL's way. A Hyper that takes it all the same is none the wiser: NULL. */
static hyl_status log_in_to_postgresql(const hyl_config *config, int64_t deadline, hyl_conn **out,
                                       hyl_error *err)
{
    hyl_config *copy = NULL;
    HYL_TRY(hyl__config_copy(config, &copy, err));
    hyl_status status = hyl_config_set(copy, "dialect", "postgresql", err);
    if (status == HYL_OK) {
        status = open_and_log_in(copy, deadline, out, err);
    }
    if (status == HYL_OK && hyl_conn_parameter(*out, "hyper_version") != NULL) {
        hyl_conn_free(*out);
        *out = NULL;
    }
    hyl_config_free(copy);
    return status;
}

static hyl_status log_in(const hyl_config *config, const hyl__settings *settings, hyl_conn **out,
                         hyl_error *err)
{
    hyl_error why = HYL_ERROR_INIT;
    int64_t deadline = hyl__deadline_in(settings->connect_timeout_ms);
    hyl_status status = open_and_log_in(config, deadline, out, &why);
    bool in_time = hyl__deadline_left(deadline) != 0;
    if (status < 0 && in_time && hyl__dialect_refused(settings->dialect, &why)) {
        HYL_TRY(log_in_to_postgresql(config, deadline, out, err));
        status = *out != NULL ? HYL_OK : status;
    }
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status;
}

hyl_status hyl_connect(const hyl_config *config, hyl_conn **out, hyl_error *err)
{
    hyl__settings settings;
    hyl_conn *conn = NULL;
    HYL_TRY(hyl__config_settings(config, &settings, err));
    HYL_TRY(log_in(config, &settings, &conn, err));
    if (settings.database != NULL && conn->settings.dialect == HYL__DIALECT_HYPER) {
        hyl_status status = hyl__conn_attach(conn, err);
        if (status < 0) {
            hyl_conn_free(conn);
            return status;
        }
    }
    *out = conn;
    return HYL_OK;
}

hyl_status hyl_connect_uri(const char *text, hyl_conn **out, hyl_error *err)
{
    hyl_config *config = NULL;
    HYL_TRY(hyl_config_new(&config, err));
    hyl_status status = hyl_config_parse(config, text, err);
    if (status == HYL_OK) {
        status = hyl_connect(config, out, err);
    }
    hyl_config_free(config);
    return status;
}

/* ---- The end ------------------------------------------------------------------------------- */

void hyl_conn_close(hyl_conn *conn)
{
    if (conn->closed) {
        return;
    }
    /* The server reads Terminate only after what runs, and would work on for nobody. */
    hyl__conn_abandon_later(conn);
    hyl__conn_stop_abandoned(conn);
    conn->deadline = hyl__now_ms();
    if (!conn->desync && hyl__frame_unsent(&conn->session.frame) == 0 &&
        hyl__session_terminate(&conn->session, NULL) == HYL_OK) {
        (void)hyl__conn_flush(conn, NULL);
    }
    conn->closed = true;
    conn->session.phase =
        HYL__PHASE_BROKEN; /* rows that are still in the window are not handed out */
    hyl_transport_close(&conn->transport);
}

void hyl_conn_free(hyl_conn *conn)
{
    if (conn != NULL) {
        hyl_conn_close(conn);
        hyl__conn_release(conn);
    }
}

/* ---- What it knows ------------------------------------------------------------------------- */

hyl_health hyl_conn_health(const hyl_conn *conn)
{
    if (conn->closed) {
        return HYL_HEALTH_CLOSED;
    }
    if (conn->desync) {
        return HYL_HEALTH_DESYNC;
    }
    if (conn->child != NULL) {
        return HYL_HEALTH_BUSY;
    }
    return conn->session.tx_failed ? HYL_HEALTH_TX_FAILED : HYL_HEALTH_OK;
}

bool hyl_conn_made_database(const hyl_conn *conn)
{
    return conn->made_database;
}

hyl_tx hyl_conn_tx(const hyl_conn *conn)
{
    if (conn->session.tx_failed) {
        return HYL_TX_FAILED;
    }
    return conn->session.tx_status == 'T' ? HYL_TX_OPEN : HYL_TX_IDLE;
}

bool hyl_conn_tls_info(const hyl_conn *conn, hyl_tls_info *out)
{
    return !conn->closed && hyl_transport_tls_info(&conn->transport, out);
}

int32_t hyl_conn_backend_pid(const hyl_conn *conn)
{
    return conn->session.process_id;
}

const char *hyl_conn_parameter(const hyl_conn *conn, const char *name)
{
    return hyl__parameters_get(&conn->parameters, name);
}
