#include "config_parts.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

static const char set_prefix[] = "set.";
enum { SET_PREFIX_LEN = sizeof set_prefix - 1 };

/* ---- Memory ---------------------------------------------------------------------------------- */

static void free_secret(char *text)
{
    if (text != NULL) {
        hyl__wipe(text, strlen(text));
        hyl__free(text);
    }
}

static void free_pair(hyl_pair *pair)
{
    hyl__free((void *)pair->key);
    hyl__free((void *)pair->value);
}

static void release_contents(hyl_config *config)
{
    for (size_t i = 0; i < HYL__KEY_COUNT; i++) {
        free_secret(config->values[i]);
    }
    for (size_t i = 0; i < config->session_setting_count; i++) {
        free_pair(&config->session_settings[i]);
    }
    hyl__free(config->session_settings);
    if (config->why_gone_release != NULL) {
        config->why_gone_release(config->why_gone_ctx);
    }
}

hyl_status hyl_config_new(hyl_config **out, hyl_error *err)
{
    hyl_config *config = hyl__calloc(1, sizeof *config);
    if (config == NULL) {
        return hyl__fail_nomem(err);
    }
    *out = config;
    return HYL_OK;
}

void hyl_config_free(hyl_config *config)
{
    if (config != NULL) {
        release_contents(config);
        hyl__free(config);
    }
}

void hyl__config_move(hyl_config *to, hyl_config *from)
{
    release_contents(to);
    *to = *from;
    hyl__free(from);
}

void hyl__config_map_password(hyl_config *config)
{
    config->mapped_password = true;
}

void hyl__config_forget_password(hyl_config *config)
{
    free_secret(config->values[HYL__KEY_password]);
    config->values[HYL__KEY_password] = NULL;
}

void hyl__config_set_why_gone(hyl_config *config, hyl__why_gone_fn fn, void *ctx,
                              void (*retain)(void *ctx), void (*release)(void *ctx))
{
    if (retain != NULL) {
        retain(ctx);
    }
    if (config->why_gone_release != NULL) {
        config->why_gone_release(config->why_gone_ctx);
    }
    config->why_gone = fn;
    config->why_gone_ctx = ctx;
    config->why_gone_retain = retain;
    config->why_gone_release = release;
}

static hyl_status copy_values(hyl_config *to, const hyl_config *from)
{
    for (size_t i = 0; i < HYL__KEY_COUNT; i++) {
        if (from->values[i] == NULL) {
            continue;
        }
        to->values[i] = hyl__strdup(from->values[i]);
        if (to->values[i] == NULL) {
            return HYL_ERR_NOMEM;
        }
    }
    return HYL_OK;
}

/* Appends a pair of copies. */
static hyl_status add_session_setting(hyl_config *config, hyl_str name, hyl_str value)
{
    size_t size = (config->session_setting_count + 1) * sizeof(hyl_pair);
    hyl_pair *grown = hyl__realloc(config->session_settings, size);
    if (grown == NULL) {
        return HYL_ERR_NOMEM;
    }
    config->session_settings = grown;
    hyl_pair pair = {hyl__strndup(name.data, name.len), hyl__strndup(value.data, value.len)};
    if (pair.key == NULL || pair.value == NULL) {
        free_pair(&pair);
        return HYL_ERR_NOMEM;
    }
    grown[config->session_setting_count++] = pair;
    return HYL_OK;
}

static hyl_status copy_session_settings(hyl_config *to, const hyl_config *from)
{
    for (size_t i = 0; i < from->session_setting_count; i++) {
        const hyl_pair *pair = &from->session_settings[i];
        HYL_TRY(add_session_setting(to, hyl_str_of(pair->key), hyl_str_of(pair->value)));
    }
    return HYL_OK;
}

hyl_status hyl__config_copy(const hyl_config *config, hyl_config **out, hyl_error *err)
{
    hyl_config *copy = NULL;
    HYL_TRY(hyl_config_new(&copy, err));
    if (copy_values(copy, config) < 0 || copy_session_settings(copy, config) < 0) {
        hyl_config_free(copy);
        return hyl__fail_nomem(err);
    }
    copy->mapped_password = config->mapped_password;
    hyl__config_set_why_gone(copy, config->why_gone, config->why_gone_ctx, config->why_gone_retain,
                             config->why_gone_release);
    *out = copy;
    return HYL_OK;
}

/* ---- One key --------------------------------------------------------------------------------- */

static bool has_set_prefix(hyl_str key)
{
    return key.len >= SET_PREFIX_LEN && memcmp(key.data, set_prefix, SET_PREFIX_LEN) == 0;
}

static hyl_str without_set_prefix(hyl_str key)
{
    return (hyl_str){key.data + SET_PREFIX_LEN, key.len - SET_PREFIX_LEN};
}

/* The index of a session setting, the count where there is none. */
static size_t find_session_setting(const hyl_config *config, hyl_str name)
{
    size_t i = 0;
    for (; i < config->session_setting_count; i++) {
        const char *key = config->session_settings[i].key;
        if (strlen(key) == name.len && memcmp(key, name.data, name.len) == 0) {
            break;
        }
    }
    return i;
}

static void remove_session_setting(hyl_config *config, size_t index)
{
    free_pair(&config->session_settings[index]);
    config->session_setting_count--;
    memmove(&config->session_settings[index], &config->session_settings[index + 1],
            (config->session_setting_count - index) * sizeof(hyl_pair));
}

static bool is_setting_name(hyl_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.'))) {
            return false;
        }
    }
    return name.len > 0;
}

static hyl_status set_session_setting(hyl_config *config, hyl_str name, hyl_str value,
                                      hyl_error *err)
{
    if (!is_setting_name(name)) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "a key that starts with set. goes on with a setting's name (letters, "
                         "digits and _), as in set.lc_time");
    }
    if (value.data != NULL && !hyl__utf8_valid(value.data, value.len)) {
        return hyl__fail(err, HYL_ERR_ARG, "set.%.*s: the value is not valid UTF-8", (int)name.len,
                         name.data);
    }
    size_t old = find_session_setting(config, name);
    if (value.data != NULL && add_session_setting(config, name, value) < 0) {
        return hyl__fail_nomem(err);
    }
    bool was_there = old < config->session_setting_count - (value.data != NULL);
    if (was_there) {
        remove_session_setting(config, old);
    }
    return HYL_OK;
}

static hyl_status set_key(hyl_config *config, hyl__config_key key, hyl_str value, hyl_error *err)
{
    char *copy = NULL;
    if (value.data != NULL) {
        copy = hyl__strndup(value.data, value.len);
        if (copy == NULL) {
            return hyl__fail_nomem(err);
        }
        hyl_status status = hyl__config_check(key, copy, err);
        if (status < 0) {
            free_secret(copy);
            return status;
        }
    }
    free_secret(config->values[key]);
    config->values[key] = copy;
    return HYL_OK;
}

hyl_status hyl__config_set_str(hyl_config *config, hyl_str key, hyl_str value, hyl_error *err)
{
    if (has_set_prefix(key)) {
        return set_session_setting(config, without_set_prefix(key), value, err);
    }
    hyl__config_key known = hyl__config_key_find(key);
    return known != HYL__KEY_NONE ? set_key(config, known, value, err)
                                  : hyl__config_key_unknown(key, err);
}

hyl_status hyl_config_set(hyl_config *config, const char *key, const char *value, hyl_error *err)
{
    return hyl__config_set_str(config, hyl_str_of(key), hyl_str_of(value), err);
}

const char *hyl__config_value(const hyl_config *config, hyl__config_key key)
{
    const char *value = config->values[key];
    return value != NULL ? value : hyl__config_key_default(key);
}

const char *hyl_config_get(const hyl_config *config, const char *key)
{
    hyl_str name = hyl_str_of(key);
    if (has_set_prefix(name)) {
        size_t at = find_session_setting(config, without_set_prefix(name));
        return at < config->session_setting_count ? config->session_settings[at].value : NULL;
    }
    hyl__config_key known = hyl__config_key_find(name);
    return known != HYL__KEY_NONE ? hyl__config_value(config, known) : NULL;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static bool needs_quotes(const char *value)
{
    return value[0] == '\0' || strpbrk(value, " \t\r\n\f\v'\\") != NULL;
}

static void describe_value(hyl_buf *out, const char *value)
{
    if (!needs_quotes(value)) {
        hyl_buf_append_str(out, value);
        return;
    }
    hyl_buf_append_byte(out, '\'');
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\') {
            hyl_buf_append_byte(out, '\\');
        }
        hyl_buf_append_byte(out, (uint8_t)*value);
    }
    hyl_buf_append_byte(out, '\'');
}

static void describe_pair(hyl_buf *out, bool *first, const char *prefix, hyl_pair pair)
{
    if (!*first) {
        hyl_buf_append_byte(out, ' ');
    }
    *first = false;
    hyl_buf_append_str(out, prefix);
    hyl_buf_append_str(out, pair.key);
    hyl_buf_append_byte(out, '=');
    describe_value(out, pair.value);
}

void hyl_config_describe(const hyl_config *config, hyl_buf *out)
{
    bool first = true;
    for (size_t i = 0; i < HYL__KEY_COUNT; i++) {
        hyl__config_key key = (hyl__config_key)i;
        const char *value = hyl__config_value(config, key);
        if (strcmp(value, hyl__config_key_default(key)) != 0) {
            const char *shown = hyl__config_key_is_secret(key) ? "***" : value;
            describe_pair(out, &first, "", (hyl_pair){hyl__config_key_name(key), shown});
        }
    }
    for (size_t i = 0; i < config->session_setting_count; i++) {
        describe_pair(out, &first, set_prefix, config->session_settings[i]);
    }
}

static const char *null_if_empty(const char *value)
{
    return value[0] != '\0' ? value : NULL;
}

static bool read_login(const hyl_config *config, hyl__settings *out)
{
    const char *binding = hyl__config_value(config, HYL__KEY_channel_binding);
    const char *methods = hyl__config_value(config, HYL__KEY_require_auth);
    const char *cleartext = hyl__config_value(config, HYL__KEY_allow_cleartext);
    return hyl__parse_channel_binding(binding, &out->channel_binding) &&
           hyl__parse_require_auth(methods, &out->allowed_auth) &&
           hyl__parse_yes_no(cleartext, &out->allow_cleartext);
}

/* False where a value is none of its kind, which hyl__config_check has ruled out. */
static bool read_values(const hyl_config *config, hyl__settings *out)
{
    uint64_t max_message = 0;
    bool ok = hyl__parse_create_mode(hyl__config_value(config, HYL__KEY_create), &out->create) &&
              hyl__parse_database_version(hyl__config_value(config, HYL__KEY_database_version),
                                          &out->database_version) &&
              hyl__parse_dialect(hyl__config_value(config, HYL__KEY_dialect), &out->dialect) &&
              hyl__parse_duration(hyl__config_value(config, HYL__KEY_connect_timeout),
                                  &out->connect_timeout_ms) &&
              hyl__parse_duration(hyl__config_value(config, HYL__KEY_request_timeout),
                                  &out->request_timeout_ms) &&
              hyl__parse_duration(hyl__config_value(config, HYL__KEY_idle_timeout),
                                  &out->idle_timeout_ms) &&
              hyl__parse_duration(hyl__config_value(config, HYL__KEY_busy_timeout),
                                  &out->busy_timeout_ms) &&
              hyl__parse_duration(hyl__config_value(config, HYL__KEY_drain_timeout),
                                  &out->drain_timeout_ms) &&
              hyl__parse_size(hyl__config_value(config, HYL__KEY_drain_limit), &out->drain_limit) &&
              hyl__parse_size(hyl__config_value(config, HYL__KEY_max_unread), &out->max_unread) &&
              hyl__parse_size(hyl__config_value(config, HYL__KEY_max_message), &max_message) &&
              hyl__parse_transfer(hyl__config_value(config, HYL__KEY_transfer), &out->transfer);
    out->max_message = (uint32_t)max_message;
    return ok;
}

hyl_status hyl__config_settings(const hyl_config *config, hyl__settings *out, hyl_error *err)
{
    hyl__settings settings = {
        .user = hyl__config_value(config, HYL__KEY_user),
        .password = config->values[HYL__KEY_password],
        .database = null_if_empty(hyl__config_value(config, HYL__KEY_database)),
        .alias = null_if_empty(hyl__config_value(config, HYL__KEY_alias)),
        .application_name = hyl__config_value(config, HYL__KEY_application_name),
        .session_settings = config->session_settings,
        .session_setting_count = config->session_setting_count,
        .mapped_password = config->mapped_password,
        .why_gone = config->why_gone,
        .why_gone_ctx = config->why_gone_ctx,
    };
    const char *endpoint = hyl__config_value(config, HYL__KEY_endpoint);
    if (endpoint[0] == '\0') {
        return hyl__fail(err, HYL_ERR_ARG,
                         "no endpoint: say where the server listens, as in host:port");
    }
    HYL_TRY(hyl_endpoint_parse(endpoint, &settings.endpoint, err));
    HYL_TRY(hyl__config_tls(config, &settings.endpoint, &settings.tls, err));
    if (!read_values(config, &settings) || !read_login(config, &settings)) {
        return hyl__fail(err, HYL_ERR_ARG, "the config has a value that it cannot have");
    }
    *out = settings;
    return HYL_OK;
}
