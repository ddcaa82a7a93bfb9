/*
 * The config's inside, for the connection that is made from it and for the server handle that fills
 * it in.
 */
#ifndef HYL_CONN_CONFIG_H
#define HYL_CONN_CONFIG_H

#include <hyperline/config.h>
#include <hyperline/wire.h>

#include "wire/auth.h"

/*
 * Tells why the server is gone, where its owner knows: writes a short text (exit status, last
 * words) into `text` and returns true.
 */
typedef bool (*hyl__why_gone_fn)(void *ctx, char *text, size_t cap);

typedef enum hyl__create_mode {
    HYL__CREATE_OPEN,
    HYL__CREATE_CREATE,
    HYL__CREATE_IF_MISSING,
    HYL__CREATE_REPLACE
} hyl__create_mode;

typedef enum hyl__tls_mode {
    HYL__TLS_AUTO, /* in a config only: settings have what it comes to */
    HYL__TLS_DISABLE,
    HYL__TLS_PREFER,
    HYL__TLS_REQUIRE,
    HYL__TLS_VERIFY_CA,
    HYL__TLS_VERIFY_FULL
} hyl__tls_mode;

typedef struct hyl__tls_settings {
    hyl__tls_mode mode;
    const char *ca; /* NULL in each string: none is set */
    const char *cert;
    const char *key;
    const char *key_passphrase;
    const char *server_name;
    hyl_tls_version min_version;
    bool direct; /* TLS begins at once, without asking */
} hyl__tls_settings;

/* Whose protocol the server speaks. AUTO is what the config may say; a connection knows. */
typedef enum hyl__dialect {
    HYL__DIALECT_AUTO,
    HYL__DIALECT_HYPER,
    HYL__DIALECT_POSTGRESQL
} hyl__dialect;

/* The config's values in the form that a connection works with. Strings are views of the config. */
typedef struct hyl__settings {
    hyl_endpoint endpoint;
    const char *user;
    const char *password; /* NULL where none is set */
    const char *database; /* NULL where none is set */
    const char *alias;    /* NULL where none is set */
    hyl__create_mode create;
    int database_version; /* 0: the server's default */
    hyl__dialect dialect;
    const char *application_name;
    hyl__tls_settings tls;
    hyl__channel_binding channel_binding;
    unsigned allowed_auth; /* as in hyl__auth_rules */
    bool allow_cleartext;
    bool mapped_password;       /* as in hyl__auth_rules */
    int64_t connect_timeout_ms; /* durations: -1 means none */
    int64_t request_timeout_ms;
    int64_t busy_timeout_ms;
    int64_t drain_timeout_ms;
    int64_t idle_timeout_ms;
    uint64_t drain_limit;
    uint64_t max_unread;
    uint32_t max_message;
    hyl_transfer transfer;            /* not DEFAULT */
    const hyl_pair *session_settings; /* set.NAME, without the prefix */
    size_t session_setting_count;
    hyl__why_gone_fn why_gone;
    void *why_gone_ctx;
} hyl__settings;

/*
 * Errors: ARG where there is no endpoint, or where keys contradict each other.
 * Lifetime: until the config is changed or freed.
 */
hyl_status hyl__config_settings(const hyl_config *config, hyl__settings *out, hyl_error *err);

/*
 * A deep copy.
 * Errors: NOMEM.
 */
hyl_status hyl__config_copy(const hyl_config *config, hyl_config **out, hyl_error *err);

/* A login from this config prepares the password as Hyper does. */
void hyl__config_map_password(hyl_config *config);

/* Wipes and forgets the password: after the login nobody needs it. */
void hyl__config_forget_password(hyl_config *config);

/*
 * The hook that a server handle sets. `ctx` must outlive every connection made from the config, or
 * be reference-counted by retain and release.
 */
void hyl__config_set_why_gone(hyl_config *config, hyl__why_gone_fn fn, void *ctx,
                              void (*retain)(void *ctx), void (*release)(void *ctx));

#endif
