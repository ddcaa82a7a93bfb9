/* What the files of the config share. */
#ifndef HYL_CONN_CONFIG_PARTS_H
#define HYL_CONN_CONFIG_PARTS_H

#include "conn/config.h"

typedef enum hyl__config_key {
#define HYL__CONFIG_KEY(key, value, help) HYL__KEY_##key,
    HYL_CONFIG_MAP(HYL__CONFIG_KEY)
#undef HYL__CONFIG_KEY
        HYL__KEY_COUNT,
    HYL__KEY_NONE = HYL__KEY_COUNT
} hyl__config_key;

struct hyl_config {
    char *values[HYL__KEY_COUNT]; /* NULL: the default */
    hyl_pair *session_settings;   /* keys and values are owned */
    size_t session_setting_count;
    bool mapped_password;
    hyl__why_gone_fn why_gone;
    void *why_gone_ctx;
    void (*why_gone_retain)(void *ctx);
    void (*why_gone_release)(void *ctx);
};

/* KEY_NONE where there is no such key. */
hyl__config_key hyl__config_key_find(hyl_str name);
const char *hyl__config_key_name(hyl__config_key key);
const char *hyl__config_key_default(hyl__config_key key);
/* Is it a key whose value is never shown? */
bool hyl__config_key_is_secret(hyl__config_key key);
/* The key that a misspelt one may have meant, NULL where none comes near. */
const char *hyl__config_key_suggest(hyl_str name);
/* ARG with a message that names the unknown key, unless it does not look like one and may be
 * something secret. */
hyl_status hyl__config_key_unknown(hyl_str name, hyl_error *err);

/*
 * ARG for a text that goes wrong behind the value of `secret`, whatever the reason: what stands
 * there may be the rest of that value, so nothing of it is told. `separator`: how the text's form
 * writes a value that holds its separator.
 */
hyl_status hyl__config_fail_behind(hyl__config_key secret, const char *separator, hyl_error *err);

/* hyl_config_set with views. */
hyl_status hyl__config_set_str(hyl_config *config, hyl_str key, hyl_str value, hyl_error *err);

/* One parser for each form. They change the config as they go: hyl_config_parse gives them a copy.
 */
hyl_status hyl__config_parse_text(hyl_config *config, const char *text, hyl_error *err);
hyl_status hyl__config_parse_uri(hyl_config *config, const char *uri, hyl_error *err);
hyl_status hyl__config_parse_list(hyl_config *config, const char *list, hyl_error *err);

/* The value as set, or the default. */
const char *hyl__config_value(const hyl_config *config, hyl__config_key key);

/*
 * What the TLS keys come to for this endpoint (config_tls.c).
 * Errors: ARG.
 */
hyl_status hyl__config_tls(const hyl_config *config, const hyl_endpoint *endpoint,
                           hyl__tls_settings *out, hyl_error *err);

/* Moves everything from one config to another and frees what the other had. */
void hyl__config_move(hyl_config *to, hyl_config *from);

/* Is `value` one that the key can have? Errors: ARG with a message that starts with the key. */
hyl_status hyl__config_check(hyl__config_key key, const char *value, hyl_error *err);

/* The values' readers; the text has passed hyl__config_check where a config has it. */
bool hyl__parse_duration(const char *text, int64_t *ms);
bool hyl__parse_size(const char *text, uint64_t *bytes);
bool hyl__parse_create_mode(const char *text, hyl__create_mode *mode);
bool hyl__parse_tls_mode(const char *text, hyl__tls_mode *mode);
bool hyl__parse_tls_version(const char *text, hyl_tls_version *version);
bool hyl__parse_tls_negotiation(const char *text, bool *direct);
bool hyl__parse_dialect(const char *text, hyl__dialect *dialect);
bool hyl__parse_channel_binding(const char *text, hyl__channel_binding *binding);
/* *allowed: HYL__AUTH_... bits, 0 for any. */
bool hyl__parse_require_auth(const char *text, unsigned *allowed);
bool hyl__parse_yes_no(const char *text, bool *yes);
bool hyl__parse_transfer(const char *text, hyl_transfer *transfer);
bool hyl__parse_database_version(const char *text, int *version);

#endif
