#include <hyperline/server.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/opts.h"
#include "callback.h"
#include "conn/config.h"
#include "find_hyperd.h"
#include "process.h"
#include "server_args.h"
#include "socket_folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    START_TIMEOUT_MS = 20000,
    /* From the closed callback to the end of a server that obeys. */
    END_TIMEOUT_MS = 2000,
    EXIT_TEXT_MAX = 400,
    /* From the end of a connection to what is known of the server's own end. */
    WHY_GONE_TIMEOUT_MS = 250,
};

extern char **environ;

struct hyl_server {
    hyl__process *process; /* NULL until it is started */
    hyl__callback callback;
    hyl__socket_folder folder;
    char *path; /* of hyperd */
    char *user;
    char *password; /* NULL where none is asked for */
    hyl_endpoint endpoint;
    hyl_endpoint socket_endpoint; /* of kind NONE where there is none */
    bool speaks_tls;
};

/* ---- Launching ------------------------------------------------------------------------------- */

/* The caller's options, or the defaults. */
static hyl_status read_options(const hyl_server_opts *given, hyl_server_opts *out, hyl_error *err)
{
    const hyl_server_opts defaults = HYL_SERVER_OPTS_INIT;
    *out = defaults;
    HYL_TRY(hyl__opts_read(out, sizeof *out, given, "HYL_SERVER_OPTS_INIT", err));
    if ((out->listen & ~(unsigned)(HYL_LISTEN_TCP | HYL_LISTEN_UNIX)) != 0) {
        return hyl__fail(err, HYL_ERR_ARG, "the option listen has unknown bits: 0x%x", out->listen);
    }
    out->listen = out->listen != 0 ? out->listen : HYL_LISTEN_TCP;
    out->start_timeout_ms = out->start_timeout_ms != 0 ? out->start_timeout_ms : START_TIMEOUT_MS;
    return HYL_OK;
}

/* Keeps what a connection will need. */
static hyl_status keep_credentials(hyl_server *server, const hyl_server_opts *opts, hyl_error *err)
{
    server->user = hyl__strdup(opts->user != NULL ? opts->user : HYL__DEFAULT_USER);
    server->password = opts->password != NULL ? hyl__strdup(opts->password) : NULL;
    bool kept = server->user != NULL && (opts->password == NULL || server->password != NULL);
    return kept ? HYL_OK : hyl__fail_nomem(err);
}

/* Makes what the server needs to be there before it starts. */
static hyl_status prepare(hyl_server *server, const hyl_server_opts *opts, hyl_error *err)
{
    const char *callback_folder = NULL;
    server->speaks_tls = hyl__server_speaks_tls(opts);
    HYL_TRY(keep_credentials(server, opts, err));
    hyl_status found = hyl__find_hyperd(opts->hyperd_path, &server->path, err);
    if (found < 0) {
        return hyl__error_flag(err, found, found == HYL_ERR_IO ? HYL_ERROR_NO_PROGRAM : 0);
    }
    if ((opts->listen & HYL_LISTEN_UNIX) != 0) {
        HYL_TRY(hyl__socket_folder_make(&server->folder, opts->socket_dir, err));
    }
    if ((opts->listen & HYL_LISTEN_TCP) == 0) {
        callback_folder = server->folder.path;
    }
    return hyl__callback_listen(&server->callback, callback_folder, err);
}

static hyl_status start_process(hyl_server *server, const hyl_server_opts *opts,
                                int64_t deadline_ms, hyl_error *err)
{
    static char *const empty[] = {NULL};
    const hyl__server_place place = {
        .hyperd = server->path,
        .callback_url = server->callback.url,
        .socket_dir = server->folder.path[0] != '\0' ? server->folder.path : NULL,
        .socket_name = HYL__SOCKET_NAME,
    };
    hyl__strings argv = {0};
    hyl__strings envp = {0};
    hyl_status status = hyl__server_argv(opts, &place, &argv, err);
    if (status == HYL_OK) {
        status = hyl__server_envp(opts, environ, &envp, err);
    }
    if (status == HYL_OK) {
        const hyl__process_spec spec = {server->path, argv.items,
                                        envp.items != NULL ? envp.items : empty, opts->working_dir};
        status = hyl__process_start(&spec, deadline_ms, &server->process, err);
    }
    hyl__strings_reset(&argv);
    hyl__strings_reset(&envp);
    return status;
}

/* The server has ended, or must: tells why it did not come up. */
static hyl_status fail_start(hyl_server *server, hyl_status status, hyl_error *err)
{
    char text[EXIT_TEXT_MAX];
    if (status == HYL_ERR_CLOSED && hyl__process_wait(server->process, HYL__NO_DEADLINE) &&
        hyl__process_exit_text(server->process, text, sizeof text)) {
        hyl__fail(err, HYL_ERR_IO, "%s did not start: %s", server->path, text);
        return hyl__error_flag(err, HYL_ERR_IO, HYL_ERROR_NO_PROGRAM);
    }
    hyl__error_prefix(err, "%s did not start", server->path);
    return status;
}

static hyl_status await_callback(hyl_server *server, const hyl_server_opts *opts,
                                 int64_t deadline_ms, hyl_error *err)
{
    hyl_status status =
        hyl__callback_accept(&server->callback, hyl__process_exit_fd(server->process), deadline_ms,
                             &server->endpoint, err);
    if (status != HYL_OK) {
        return fail_start(server, status, err);
    }
    if ((opts->listen & HYL_LISTEN_UNIX) != 0) {
        server->socket_endpoint.kind = HYL_ENDPOINT_UNIX;
        snprintf(server->socket_endpoint.path, sizeof server->socket_endpoint.path, "%s/%s",
                 server->folder.path, HYL__SOCKET_NAME);
    }
    return HYL_OK;
}

static void log_started(const hyl_server *server)
{
    if (hyl__log_wanted(HYL_LOG_INFO)) {
        char pid[16];
        hyl_buf endpoint = HYL_BUF_INIT;
        snprintf(pid, sizeof pid, "%d", (int)hyl_server_pid(server));
        hyl_endpoint_format(&server->endpoint, &endpoint);
        hyl_buf_append_byte(&endpoint, '\0');
        const hyl_log_field fields[] = {
            {"path", server->path},
            {"pid", pid},
            {"endpoint", endpoint.failed ? "" : (const char *)endpoint.data},
        };
        hyl__log(HYL_LOG_INFO, "server-started", fields, 3);
        hyl_buf_reset(&endpoint);
    }
}

hyl_status hyl_server_launch(const hyl_server_opts *opts, hyl_server **out, hyl_error *err)
{
    hyl_server_opts given;
    HYL_TRY(read_options(opts, &given, err));
    int64_t deadline_ms = hyl__deadline_in(given.start_timeout_ms);
    hyl_server *server = hyl__calloc(1, sizeof *server);
    if (server == NULL) {
        return hyl__fail_nomem(err);
    }
    const hyl__callback none = HYL__CALLBACK_NONE;
    const hyl__socket_folder no_folder = HYL__SOCKET_FOLDER_NONE;
    server->callback = none;
    server->folder = no_folder;
    hyl_status status = prepare(server, &given, err);
    if (status == HYL_OK) {
        status = start_process(server, &given, deadline_ms, err);
    }
    if (status == HYL_OK) {
        status = await_callback(server, &given, deadline_ms, err);
    }
    if (status != HYL_OK) {
        hyl_server_free(server);
        return status;
    }
    log_started(server);
    *out = server;
    return HYL_OK;
}

/* ---- What is known of it --------------------------------------------------------------------- */

const hyl_endpoint *hyl_server_endpoint(const hyl_server *server)
{
    return &server->endpoint;
}

const hyl_endpoint *hyl_server_socket_endpoint(const hyl_server *server)
{
    bool has_one = server->socket_endpoint.kind != HYL_ENDPOINT_NONE;
    return has_one ? &server->socket_endpoint : NULL;
}

int32_t hyl_server_pid(const hyl_server *server)
{
    return hyl__process_pid(server->process);
}

const char *hyl_server_path(const hyl_server *server)
{
    return server->path;
}

bool hyl_server_running(hyl_server *server)
{
    return !hyl__process_wait(server->process, 0);
}

bool hyl_server_exit_text(hyl_server *server, hyl_buf *out)
{
    char text[EXIT_TEXT_MAX];
    bool ended = hyl__process_exit_text(server->process, text, sizeof text);
    if (ended) {
        hyl_buf_append_str(out, text);
    }
    return ended;
}

/* ---- For connections ------------------------------------------------------------------------- */

static bool why_gone(void *ctx, char *text, size_t cap)
{
    hyl__process *process = ctx;
    /* The connection's end is seen a moment before the process's. */
    (void)hyl__process_wait(process, hyl__deadline_in(WHY_GONE_TIMEOUT_MS));
    return hyl__process_exit_text(process, text, cap);
}

static void retain_process(void *ctx)
{
    hyl__process_retain(ctx);
}

static void release_process(void *ctx)
{
    hyl__process_release(ctx);
}

/* The environment may ask for TLS with a server elsewhere: this one is asked only if it speaks it. */
static hyl_status configure_tls(const hyl_server *server, hyl_config *config, hyl_error *err)
{
    const char *tls = hyl_config_get(config, "tls");
    if (server->speaks_tls || tls == NULL || strcmp(tls, "auto") != 0) {
        return HYL_OK;
    }
    return hyl_config_set(config, "tls", "disable", err);
}

hyl_status hyl_server_configure(const hyl_server *server, hyl_config *config, hyl_error *err)
{
    hyl_buf endpoint = HYL_BUF_INIT;
    hyl_endpoint_format(&server->endpoint, &endpoint);
    hyl_buf_append_byte(&endpoint, '\0');
    hyl_status status = hyl_buf_status(&endpoint);
    if (status != HYL_OK) {
        return hyl__fail_nomem(err);
    }
    status = hyl_config_set(config, "endpoint", (const char *)endpoint.data, err);
    hyl_buf_reset(&endpoint);
    HYL_TRY(status);
    HYL_TRY(hyl_config_set(config, "user", server->user, err));
    HYL_TRY(hyl_config_set(config, "password", server->password, err));
    HYL_TRY(configure_tls(server, config, err));
    hyl__config_set_why_gone(config, why_gone, server->process, retain_process, release_process);
    return HYL_OK;
}

/* ---- The end --------------------------------------------------------------------------------- */

hyl_status hyl_server_shutdown(hyl_server *server, int64_t timeout_ms, hyl_error *err)
{
    char text[EXIT_TEXT_MAX];
    if (!hyl__process_is_ours(server->process)) {
        return hyl__fail(err, HYL_ERR_STATE, "the server belongs to the parent process");
    }
    hyl__callback_close(&server->callback);
    if (!hyl__process_wait(server->process, hyl__deadline_in(timeout_ms))) {
        return hyl__fail(err, HYL_ERR_TIMEOUT,
                         "deadline passed: the server (process %d) still runs",
                         (int)hyl_server_pid(server));
    }
    if (hyl__process_failed(server->process) &&
        hyl__process_exit_text(server->process, text, sizeof text)) {
        return hyl__fail(err, HYL_ERR_IO, "the server ended badly: %s", text);
    }
    return HYL_OK;
}

static void free_memory(hyl_server *server)
{
    hyl__process_release(server->process);
    if (server->password != NULL) {
        hyl__wipe(server->password, strlen(server->password));
    }
    hyl__free(server->password);
    hyl__free(server->user);
    hyl__free(server->path);
    hyl__free(server);
}

void hyl_server_free(hyl_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->process != NULL && !hyl__process_is_ours(server->process)) {
        /* What a forked child has are copies. */
        hyl__callback_forget(&server->callback);
        hyl__socket_folder_forget(&server->folder);
        free_memory(server);
        return;
    }
    /* Only a server that has reported knows what the closed connection means; one that was asked to
     * end before has had its time. */
    bool will_obey = server->callback.fd >= 0;
    hyl__callback_close(&server->callback);
    if (server->process != NULL) {
        (void)hyl__process_wait(server->process, hyl__deadline_in(will_obey ? END_TIMEOUT_MS : 0));
        hyl__process_end(server->process);
    }
    hyl__socket_folder_remove(&server->folder);
    free_memory(server);
}
