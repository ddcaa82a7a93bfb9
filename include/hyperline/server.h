/*
 * A Hyper server of one's own: started by this process, ended with it.
 *
 *     hyl_server *server = NULL;
 *     hyl_error err = HYL_ERROR_INIT;
 *     if (hyl_server_launch(NULL, &server, &err) < 0) ...
 *     if (hyl_server_configure(server, config, &err) < 0) ...
 *     if (hyl_connect(config, &conn, &err) < 0) ...
 *     ...
 *     hyl_server_free(server);
 *
 * The server ends with the process that launched it, however that ends: hyperd keeps a connection
 * to it, and the kernel ends hyperd where that connection was copied into a forked child. Where
 * the program that is started is a script, it must `exec` hyperd.
 *
 * SIGCHLD stays the program's own: the library waits for its own child alone. A program that
 * ignores SIGCHLD or waits for every child only makes the exit status unknown.
 */
#ifndef HYPERLINE_SERVER_H
#define HYPERLINE_SERVER_H

#include <hyperline/hyperline.h>
#include <hyperline/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hyl_server hyl_server;

/* Where a server listens; several are added up. */
enum {
    /* A port of 127.0.0.1. Every user of this machine can connect to it, and the server reads and
     * writes files as its own user: where others work on the machine, set a password or listen on
     * a unix socket alone. */
    HYL_LISTEN_TCP = 1,
    /* A unix socket in a folder of its own that other users cannot enter. */
    HYL_LISTEN_UNIX = 2,
};

/* How to launch. Zero and NULL mean the default everywhere. Nothing is kept: the strings need to
 * live during the launch only. */
typedef struct hyl_server_opts {
    size_t struct_size;
    /*
     * The program. NULL: what the environment's HYPERD_PATH names; else the first of
     * .deps/hyper/hyperd (in the folder of the running program or of this library, or one or two
     * folders above), hyperd beside the program or the library, libexec/hyperline/hyperd of the
     * installation, hyperd in the PATH.
     */
    const char *hyperd_path;
    /* HYL_LISTEN_...; default TCP. */
    unsigned listen;
    /* TCP: default a free one. */
    uint16_t port;
    /* UNIX: the folder in which the socket's own folder (hyl-......) is made; absolute. Default:
     * $TMPDIR, else /tmp. The launch removes there what processes of the same user left when they
     * were killed. */
    const char *socket_dir;
    /* Default "tableau_internal_user". */
    const char *user;
    /* Default: none is asked for. It reaches the server by its environment, which only its own user
     * can read, and is in no message. */
    const char *password;
    /* An existing folder for the server's log. Default: no log. */
    const char *log_dir;
    /* As the server reads it: "80%", "500m", "2g". Default: the server's (80 % of the memory). */
    const char *memory_limit;
    /* The file version of new databases, 1 to 4. Default 2, the newest that every Tableau reads. */
    int database_version;
    /* Further settings of the server, as in {"query_total_time_limit", "10s"}; those of a session
     * alone (lc_time, timezone) are not among them. */
    const hyl_pair *settings;
    size_t setting_count;
    /* The server's working folder: what relative paths in SQL start from. Default: this process's.
     */
    const char *working_dir;
    /* How long the start may take; negative: for ever. Default 20,000 (20 s). */
    int64_t start_timeout_ms;
} hyl_server_opts;

#define HYL_SERVER_OPTS_INIT                                                                   \
    {                                                                                          \
        sizeof(hyl_server_opts), NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, NULL, 0 \
    }

/*
 * Starts a server and waits until it listens. `opts` NULL means the defaults.
 * Errors: ARG (an option that cannot be), IO (no hyperd, with the places that were looked at; it
 * cannot be executed, with the reason; it ended before it listened, with its exit status and its
 * last words), TIMEOUT, PROTOCOL (it reports an endpoint that is none), NOMEM.
 * Blocks: until the server listens, 0.1 s as a rule, at most start_timeout_ms.
 */
HYL_API HYL_NODISCARD hyl_status hyl_server_launch(const hyl_server_opts *opts, hyl_server **out,
                                                   hyl_error *err);

/* Where it listens: by TCP, where it does, else by unix socket. Lifetime: the server's. */
HYL_API const hyl_endpoint *hyl_server_endpoint(const hyl_server *server);
/* The unix socket, NULL where there is none. Lifetime: the server's. */
HYL_API const hyl_endpoint *hyl_server_socket_endpoint(const hyl_server *server);
HYL_API int32_t hyl_server_pid(const hyl_server *server);
/* The program that was started. Lifetime: the server's. */
HYL_API const char *hyl_server_path(const hyl_server *server);

/* These two may be called from any thread. */
HYL_API bool hyl_server_running(hyl_server *server);
/*
 * Appends how the server ended, and the last lines that it printed: "exit status 1, last output:
 * ..." or "ended by SIGKILL". False, and nothing appended, while it runs.
 */
HYL_API bool hyl_server_exit_text(hyl_server *server, hyl_buf *out);

/*
 * Sets the config's endpoint (that of hyl_server_endpoint), user and password, and lets connections
 * made from it tell how the server ended where they lose it. tls=auto becomes tls=disable, unless
 * the server was launched with the setting ssl_certificate. What else the config says stays.
 * Errors: NOMEM. Lifetime: the config and its connections may outlive the server's handle.
 */
HYL_API HYL_NODISCARD hyl_status hyl_server_configure(const hyl_server *server, hyl_config *config,
                                                      hyl_error *err);

/*
 * Starts a server with the default options and connects to the database file `path` on it: for a
 * program that works with one file. `create` is the config's key of that name: "open" (NULL means
 * it), "create", "create_if_missing" or "replace".
 * Errors: those of hyl_server_launch and hyl_connect; nothing is left running then.
 * A second connection to the file: hyl_server_configure(server, config, err), then
 * hyl_config_set(config, "database", path, err), `path` absolute, and hyl_connect(config, ...).
 * Lifetime: free the connections first, then the server.
 * Blocks: as both.
 */
HYL_API HYL_NODISCARD hyl_status hyl_server_open_file(const char *path, const char *create,
                                                      hyl_server **server, hyl_conn **conn,
                                                      hyl_error *err);

/*
 * Asks the server to end in good order, and waits. Connections are cut, running statements too;
 * what was committed is kept. A server that has ended already is OK. Errors: TIMEOUT (it still
 * runs: hyl_server_free kills it), IO (it ended in another way than exit status 0), STATE (in a
 * forked child of the process that launched it). Blocks: 0.05 s as a rule, at most `timeout_ms`
 * (negative: for ever).
 */
HYL_API HYL_NODISCARD hyl_status hyl_server_shutdown(hyl_server *server, int64_t timeout_ms,
                                                     hyl_error *err);
/*
 * Ends the server and frees the handle. In a forked child of the process that launched it only the
 * child's copy is freed, and the server runs on.
 * Blocks: as a rule 0.05 s, at most 2 s; what still runs then is killed.
 */
HYL_API void hyl_server_free(hyl_server *server);

#ifdef __cplusplus
}
#endif

#endif
