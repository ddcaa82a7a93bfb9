/*
 * What a connection is made from: a set of keys and values, filled in from a URI, a key=value list,
 * the environment, single calls, or a server handle.
 */
#ifndef HYPERLINE_CONFIG_H
#define HYPERLINE_CONFIG_H

#include <hyperline/transport.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * X(key, default, help). The environment variable of a key is HYPERLINE_ and the key in capitals.
 * Durations are whole numbers with a unit: "500ms", "5s", "2min", or "none"; a bare number is
 * seconds. Sizes: bytes, or with kB, MB, GB (powers of 1024).
 */
#define HYL_CONFIG_MAP(X)                                                                      \
    X(endpoint, "",                                                                            \
      "where the server listens: host:port, tab.tcp://host:port, "                             \
      "tab.domain://DIR/domain/NAME or /path/to/socket")                                       \
    X(user, "tableau_internal_user", "user name")                                              \
    X(password, "", "password; never shown")                                                   \
    X(database, "", "the database file to attach; empty: none; of PostgreSQL: its name")       \
    X(alias, "", "the attached database's name in SQL; empty: the file's name without .hyper") \
    X(create, "open", "open | create | create_if_missing | replace")                           \
    X(database_version, "", "file version of a database that is created; empty: the server's") \
    X(dialect, "auto", "auto | hyper | postgresql: whose protocol the server speaks")          \
    X(application_name, "hyperline", "shown by the server in its logs")                        \
    X(tls, "auto",                                                                             \
      "auto | disable | prefer | require | verify-ca | verify-full; auto: disable on a unix "  \
      "socket and on this machine's own addresses, verify-full elsewhere")                     \
    X(tls_ca, "", "PEM file of the authorities to trust; empty: those of the system")          \
    X(tls_cert, "", "PEM file of the client's own certificate and its chain; empty: none")     \
    X(tls_key, "", "PEM file of its key; empty: tls_cert has it")                              \
    X(tls_key_passphrase, "", "passphrase of the key; never shown")                            \
    X(tls_min_version, "1.2", "1.2 | 1.3")                                                     \
    X(tls_server_name, "",                                                                     \
      "the name or address that the certificate must be for; empty: the endpoint's host")      \
    X(tls_negotiation, "postgres",                                                             \
      "postgres | direct: whether the server is asked for TLS "                                \
      "first")                                                                                 \
    X(channel_binding, "prefer",                                                               \
      "disable | prefer | require: whether a login by SCRAM is bound to the server's "         \
      "certificate")                                                                           \
    X(require_auth, "",                                                                        \
      "what the server may demand: a list of none, password, md5, scram-sha-256, or of what "  \
      "it may not, each with a !; empty: any")                                                 \
    X(allow_cleartext, "no",                                                                   \
      "no | yes: whether the password may go as it is over a connection that others may "      \
      "read")                                                                                  \
    X(connect_timeout, "30s", "deadline of hyl_connect, name resolution and login included")   \
    X(request_timeout, "none",                                                                 \
      "how long one call may wait for the server; then it cancels, for "                       \
      "half a second at most")                                                                 \
    X(idle_timeout, "none", "how long the server may send nothing while a call waits for it")  \
    X(busy_timeout, "10s", "how long to wait for a database file that another client holds")   \
    X(drain_timeout, "5s", "how long an abandoned result may take to be drained")              \
    X(drain_limit, "64MB", "how many bytes an abandoned result may still send")                \
    X(max_message, "1GB", "the largest message that the server may send")                      \
    X(max_unread, "256MB", "how many bytes may be held while the server takes none of ours")   \
    X(transfer, "auto", "auto | rows | arrow: how the rows of queries travel")

/*
 * How the rows of a query travel from Hyper: the key `transfer`, and an option of a query. What the
 * reader of rows gets is the same either way.
 *
 *   auto   in batches, as Arrow, where many rows may come: a SELECT or WITH with a FROM, a TABLE;
 *          no parameters, no LIMIT of 5000 or fewer. Where the server cannot send a result so, as
 *          rows. In a transaction, where such a refusal would fail it, the statement is described
 *          first, and types with values that Arrow lacks travel as rows.
 *   rows   one by one
 *   arrow  in batches, every SELECT, WITH, VALUES and TABLE; an error where the server cannot
 */
typedef enum hyl_transfer {
    HYL_TRANSFER_DEFAULT = 0, /* as the connection's config says */
    HYL_TRANSFER_AUTO = 1,
    HYL_TRANSFER_ROWS = 2,
    HYL_TRANSFER_ARROW = 3
} hyl_transfer;

/*
 * What `tls` means. Connecting fails where the server does not do what is wanted.
 *
 *   disable      no TLS
 *   prefer       TLS if the server says that it speaks it, else none. Nobody's certificate is
 *                checked, and who stands between can make it none: no protection, only habit
 *   require      TLS; whose, is not asked
 *   verify-ca    and the certificate was made by a trusted authority. With the system's
 *                authorities anybody can have such a one: name your own in tls_ca
 *   verify-full  and for the host that was asked for (tls_server_name where that is set)
 *   auto         (the default) disable on a unix socket; disable on loopback addresses and
 *                "localhost", unless tls_ca, tls_cert, tls_server_name or tls_negotiation=direct
 *                asks for TLS; verify-full elsewhere
 *
 * Where tls_ca is set, prefer and require check the certificate as verify-ca does. A unix socket
 * has no TLS: with require and above it is refused. A cancel goes the way of its connection.
 */

/*
 * What a login may be like. With SCRAM-SHA-256 the password never leaves the client, and the server
 * proves that it knows it too. Bound to a channel (SCRAM-SHA-256-PLUS, on TLS, where the server
 * offers it; PostgreSQL does, Hyper does not) it also proves that nobody decrypts in between.
 * channel_binding=require takes nothing else; prefer notices where somebody took the offer away;
 * disable does without.
 *
 * require_auth has the names that libpq has: none, password, md5, scram-sha-256, gss, sspi, creds.
 * A login by a client certificate alone counts as none. What the list rules out fails before
 * anything of the password is sent. A password as it is (the method `password`) goes over TLS and
 * unix sockets only, unless allow_cleartext=yes.
 */

typedef struct hyl_config hyl_config;

HYL_API HYL_NODISCARD hyl_status hyl_config_new(hyl_config **out, hyl_error *err);
HYL_API void hyl_config_free(hyl_config *config);

/*
 * Adds what `text` says to the config; what it does not say stays. Forms:
 *
 *   hyper://user:password@host:port/path/to/file.hyper?key=value&key=value
 *   key=value key='a value' ...
 *   any form of hyl_endpoint_parse
 *
 * In a URI each part is percent-encoded (an @ behind the host always: %40); the path is the
 * database and is absolute; the host may be a unix socket's path (hyper://user@%2Ftmp%2Fsocket) or
 * missing (hyper:///data/x.hyper). In a list a backslash escapes ' and \ inside quotes. A key
 * `set.NAME` is a session setting of the server ("set.lc_time=de_DE"). A text that is wrong changes
 * nothing.
 * Errors: ARG naming the key that is not known, or the value that is not understood; never a
 * password, nor what stands behind a key with a password or a passphrase, which may be the rest of
 * it. NOMEM.
 */
HYL_API HYL_NODISCARD hyl_status hyl_config_parse(hyl_config *config, const char *text,
                                                  hyl_error *err);
/*
 * Sets one key; value "" is the empty string, NULL goes back to the default.
 * Errors: as hyl_config_parse.
 */
HYL_API HYL_NODISCARD hyl_status hyl_config_set(hyl_config *config, const char *key,
                                                const char *value, hyl_error *err);
/*
 * The value as set, or the default; NULL for a key that is not known.
 * Lifetime: until the config is changed or freed.
 */
HYL_API const char *hyl_config_get(const hyl_config *config, const char *key);
/*
 * Adds what the environment's HYPERLINE_* variables say. HYPERLINE_URI is taken first, as
 * hyl_config_parse would; an empty variable counts as none; HYPERLINE_TEST_* and HYPERLINE_BENCH_*
 * are left alone.
 * Errors: ARG naming the variable that is not known or not understood (nothing is changed then).
 */
HYL_API HYL_NODISCARD hyl_status hyl_config_load_env(hyl_config *config, hyl_error *err);
/*
 * Appends the keys that differ from their defaults as a key=value list; a password and a passphrase
 * are shown as ***.
 */
HYL_API void hyl_config_describe(const hyl_config *config, hyl_buf *out);

/*
 * Connects to the config's endpoint and starts TLS as the config says: a transport for hyl_raw_new,
 * or for a cancel. `deadline_ms` is a point on CLOCK_MONOTONIC in milliseconds, INT64_MAX for none.
 * Errors: those of hyl_transport_open and hyl_transport_start_tls; TLS also where the server speaks
 * none; CLOSED (it ends the connection instead of answering); PROTOCOL (it answers with something
 * else); ARG (no endpoint; keys that contradict each other).
 * Blocks: as hyl_transport_open, and until the handshake is over, at most to `deadline_ms`.
 */
HYL_API HYL_NODISCARD hyl_status hyl_config_open(const hyl_config *config, int64_t deadline_ms,
                                                 hyl_transport *out, hyl_error *err);

#ifdef __cplusplus
}
#endif

#endif
