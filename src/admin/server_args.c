#include "server_args.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* Where hyperd takes the password of its first user from. */
#define PASSWORD_VARIABLE "HYPER_INITIAL_USER_PASSWORD="

/* ---- Lists of strings ------------------------------------------------------------------------ */

void hyl__strings_reset(hyl__strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        hyl__wipe(strings->items[i], strlen(strings->items[i]));
        hyl__free(strings->items[i]);
    }
    hyl__free(strings->items);
    memset(strings, 0, sizeof *strings);
}

/* Takes `item`, which is NULL where there was no memory for it. */
static void add_owned(hyl__strings *strings, char *item)
{
    if (item != NULL && strings->count + 2 > strings->cap) {
        size_t cap = strings->cap == 0 ? 16 : 2 * strings->cap;
        char **items = hyl__realloc(strings->items, cap * sizeof *items);
        if (items == NULL) {
            hyl__wipe(item, strlen(item));
            hyl__free(item);
            item = NULL;
        } else {
            strings->items = items;
            strings->cap = cap;
        }
    }
    if (item == NULL) {
        strings->failed = true;
        return;
    }
    strings->items[strings->count++] = item;
    strings->items[strings->count] = NULL;
}

/* Adds the two texts as one string. */
static void add_joined(hyl__strings *strings, const char *head, const char *tail)
{
    size_t head_len = strlen(head);
    size_t tail_len = strlen(tail);
    char *item = hyl__malloc(head_len + tail_len + 1);
    if (item != NULL) {
        memcpy(item, head, head_len);
        memcpy(item + head_len, tail, tail_len + 1);
    }
    add_owned(strings, item);
}

static void add(hyl__strings *strings, const char *text)
{
    add_joined(strings, text, "");
}

static hyl_status finish(hyl__strings *strings, hyl_error *err)
{
    if (strings->failed) {
        hyl__strings_reset(strings);
        return hyl__fail_nomem(err);
    }
    return HYL_OK;
}

/* ---- The command line ------------------------------------------------------------------------ */

/* Settings that are options of their own here, or would break the launch. */
static const char *const reserved_settings[] = {
    "listen-connection", "callback-connection",      "init-user",    "no-password",
    "log-dir",           "default-database-version", "memory-limit", "skip-license",
};

static hyl_status check_setting(const hyl_pair *setting, hyl_error *err)
{
    const char *key = setting->key != NULL ? setting->key : "";
    if (key[0] == '\0' || key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_-")] != '\0' ||
        key[0] == '-') {
        return hyl__fail(err, HYL_ERR_ARG,
                         "'%s' is no name of a setting: letters a to z, digits and _ only", key);
    }
    if (setting->value == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "the setting %s has no value", key);
    }
    return HYL_OK;
}

/* "log_config" as "--log-config=". */
static void setting_flag(const char *key, char *flag, size_t cap)
{
    snprintf(flag, cap, "--%s=", key);
    for (char *c = flag; *c != '\0'; c++) {
        *c = *c == '_' ? '-' : *c;
    }
}

static hyl_status add_setting(hyl__strings *out, const hyl_pair *setting, hyl_error *err)
{
    char flag[128];
    HYL_TRY(check_setting(setting, err));
    if (strlen(setting->key) + 4 > sizeof flag) {
        return hyl__fail(err, HYL_ERR_ARG, "the name of a setting is too long: %s", setting->key);
    }
    setting_flag(setting->key, flag, sizeof flag);
    for (size_t i = 0; i < sizeof reserved_settings / sizeof reserved_settings[0]; i++) {
        size_t len = strlen(reserved_settings[i]);
        if (strncmp(flag + 2, reserved_settings[i], len) == 0 && flag[2 + len] == '=') {
            return hyl__fail(err, HYL_ERR_ARG,
                             "the setting %s cannot be given: use the launch's own options",
                             setting->key);
        }
    }
    add_joined(out, flag, setting->value);
    return HYL_OK;
}

bool hyl__server_speaks_tls(const hyl_server_opts *opts)
{
    char flag[128];
    bool speaks = false;
    for (size_t i = 0; i < opts->setting_count; i++) {
        const char *key = opts->settings[i].key;
        if (key != NULL && strlen(key) + 4 <= sizeof flag) {
            setting_flag(key, flag, sizeof flag);
            speaks |= strcmp(flag, "--ssl-certificate=") == 0;
        }
    }
    return speaks;
}

static hyl_status check_options(const hyl_server_opts *opts, hyl_error *err)
{
    if ((opts->listen & ~(unsigned)(HYL_LISTEN_TCP | HYL_LISTEN_UNIX)) != 0) {
        return hyl__fail(err, HYL_ERR_ARG, "listen has an unknown bit: %#x", opts->listen);
    }
    if (opts->database_version < 0 || opts->database_version > 4) {
        return hyl__fail(err, HYL_ERR_ARG, "database version %d is not from 1 to 4",
                         opts->database_version);
    }
    if (opts->user != NULL && opts->user[0] == '\0') {
        return hyl__fail(err, HYL_ERR_ARG, "the user name is empty");
    }
    if (opts->password != NULL && opts->password[0] == '\0') {
        return hyl__fail(err, HYL_ERR_ARG, "the password is empty");
    }
    return HYL_OK;
}

/* "tab.tcp://127.0.0.1:0,tab.domain://DIR/domain/NAME". */
static void add_listen(hyl__strings *out, const hyl_server_opts *opts,
                       const hyl__server_place *place)
{
    hyl_buf list = HYL_BUF_INIT;
    if ((opts->listen & HYL_LISTEN_TCP) != 0) {
        hyl_buf_printf(&list, "tab.tcp://127.0.0.1:%u", (unsigned)opts->port);
    }
    if (place->socket_dir != NULL) {
        hyl_buf_printf(&list, "%stab.domain://%s/domain/%s", list.len > 0 ? "," : "",
                       place->socket_dir, place->socket_name);
    }
    hyl_buf_append_byte(&list, '\0');
    out->failed = out->failed || list.failed;
    if (!list.failed) {
        add(out, "--listen-connection");
        add(out, (const char *)list.data);
    }
    hyl_buf_reset(&list);
}

static void add_options(hyl__strings *out, const hyl_server_opts *opts)
{
    char version[16];
    snprintf(version, sizeof version, "%d",
             opts->database_version != 0 ? opts->database_version : 2);
    add_joined(out, "--init-user=", opts->user != NULL ? opts->user : HYL__DEFAULT_USER);
    add(out, "--skip-license");
    if (opts->password == NULL) {
        add(out, "--no-password");
    }
    add_joined(out, "--default-database-version=", version);
    if (opts->log_dir != NULL) {
        add(out, "--log-dir");
        add(out, opts->log_dir);
    } else {
        /* Without it the log goes beside the program, hundreds of MB a day. */
        add(out, "--log-config=");
    }
    if (opts->memory_limit != NULL) {
        add_joined(out, "--memory-limit=", opts->memory_limit);
    }
}

hyl_status hyl__server_argv(const hyl_server_opts *opts, const hyl__server_place *place,
                            hyl__strings *out, hyl_error *err)
{
    HYL_TRY(check_options(opts, err));
    add(out, place->hyperd);
    add(out, "run");
    add_listen(out, opts, place);
    add(out, "--callback-connection");
    add(out, place->callback_url);
    add_options(out, opts);
    for (size_t i = 0; i < opts->setting_count; i++) {
        hyl_status status = add_setting(out, &opts->settings[i], err);
        if (status != HYL_OK) {
            hyl__strings_reset(out);
            return status;
        }
    }
    return finish(out, err);
}

/* ---- The environment ------------------------------------------------------------------------- */

hyl_status hyl__server_envp(const hyl_server_opts *opts, char *const *environment,
                            hyl__strings *out, hyl_error *err)
{
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, PASSWORD_VARIABLE, strlen(PASSWORD_VARIABLE)) != 0) {
            add(out, *environment);
        }
    }
    if (opts->password != NULL) {
        add_joined(out, PASSWORD_VARIABLE, opts->password);
    }
    return finish(out, err);
}
