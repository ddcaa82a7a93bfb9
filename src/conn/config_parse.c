/* hyl_config_parse: which form a text has, and the key=value list. */
#include "config_parts.h"

#include "base/error.h"
#include "base/mem.h"

#include <string.h>

static const char uri_scheme[] = "hyper://";

/* Runs one of the parsers on a copy, so that a text that is wrong changes nothing. */
hyl_status hyl_config_parse(hyl_config *config, const char *text, hyl_error *err)
{
    hyl_config *copy = NULL;
    HYL_TRY(hyl__config_copy(config, &copy, err));
    hyl_status status = hyl__config_parse_text(copy, text, err);
    if (status < 0) {
        hyl_config_free(copy);
        return status;
    }
    hyl__config_move(config, copy);
    return HYL_OK;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static size_t word_len(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+");
}

static bool is_space(char c)
{
    return c != '\0' && strchr(" \t\r\n\f\v", c) != NULL;
}

/* A key, = and anything: neither a path nor host:port can look like that. */
static bool is_list(const char *text)
{
    return text[0] == '\0' || text[strcspn(text, "=/: \t\r\n")] == '=';
}

static hyl_status check_scheme(const char *text, hyl_error *err)
{
    size_t len = word_len(text);
    bool has_scheme = len > 0 && starts_with(text + len, "://");
    if (!has_scheme || starts_with(text, "tab.tcp://") || starts_with(text, "tab.domain://")) {
        return HYL_OK;
    }
    return hyl__fail(err, HYL_ERR_ARG,
                     "the scheme '%.*s' is not known; write hyper://, tab.tcp:// or tab.domain://",
                     len < 40 ? (int)len : 40, text);
}

hyl_status hyl__config_parse_text(hyl_config *config, const char *text, hyl_error *err)
{
    while (is_space(*text)) {
        text++;
    }
    if (starts_with(text, uri_scheme)) {
        return hyl__config_parse_uri(config, text, err);
    }
    if (is_list(text)) {
        return hyl__config_parse_list(config, text, err);
    }
    HYL_TRY(check_scheme(text, err));
    return hyl__config_set_str(config, HYL_STR("endpoint"), hyl_str_of(text), err);
}

/* ---- The key=value list ---------------------------------------------------------------------- */

/* Reads a value up to the closing quote; *text points behind the opening one. */
static hyl_status read_quoted(const char **text, hyl_str key, hyl_buf *value, hyl_error *err)
{
    const char *at = *text;
    for (; *at != '\0' && *at != '\''; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        }
        hyl_buf_append_byte(value, (uint8_t)*at);
    }
    if (*at == '\0') {
        return hyl__fail(err, HYL_ERR_ARG, "%.*s: the value's quote is not closed", (int)key.len,
                         key.data);
    }
    at++;
    if (*at != '\0' && !is_space(*at)) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "%.*s: a space is missing behind the value's closing quote (a quote "
                         "inside is written \\')",
                         (int)key.len, key.data);
    }
    *text = at;
    return HYL_OK;
}

static void read_bare(const char **text, hyl_buf *value)
{
    const char *at = *text;
    while (*at != '\0' && !is_space(*at)) {
        hyl_buf_append_byte(value, (uint8_t)*at);
        at++;
    }
    *text = at;
}

/* Reads key=, *text points to the key. Errors name what came before, as what stands here may be the
 * rest of a password with spaces. */
static hyl_status read_key(const char **text, hyl_str *key, hyl_error *err)
{
    const char *start = *text;
    size_t len = strcspn(start, "= \t\r\n\f\v");
    if (start[len] != '=') {
        return key->len == 0
                   ? hyl__fail(err, HYL_ERR_ARG, "expected key=value, with no spaces around the =")
                   : hyl__fail(err, HYL_ERR_ARG,
                               "expected key=value behind the value of %.*s; put quotes around a "
                               "value with spaces",
                               (int)key->len, key->data);
    }
    *key = (hyl_str){start, len};
    *text = start + len + 1;
    return HYL_OK;
}

static bool is_known(hyl_str key)
{
    return hyl__config_key_find(key) != HYL__KEY_NONE ||
           (key.len >= 4 && starts_with(key.data, "set."));
}

/* One pair of the list. `value` is scratch and may hold a password afterwards. */
static hyl_status parse_pair(hyl_config *config, const char **text, hyl_str *key, hyl_buf *value,
                             hyl_error *err)
{
    HYL_TRY(read_key(text, key, err));
    if (!is_known(*key)) {
        return hyl__config_key_unknown(*key, err);
    }
    if (**text == '\'') {
        (*text)++;
        HYL_TRY(read_quoted(text, *key, value, err));
    } else {
        read_bare(text, value);
    }
    hyl_buf_append_byte(value, '\0');
    if (hyl_buf_status(value) < 0) {
        return hyl__fail_nomem(err);
    }
    return hyl__config_set_str(config, *key, (hyl_str){(const char *)value->data, value->len - 1},
                               err);
}

hyl_status hyl__config_parse_list(hyl_config *config, const char *list, hyl_error *err)
{
    hyl_status status = HYL_OK;
    hyl_str key = {list, 0};
    hyl__config_key secret = HYL__KEY_NONE; /* one whose value has been read */
    while (status >= 0) {
        while (is_space(*list)) {
            list++;
        }
        if (*list == '\0') {
            break;
        }
        hyl_buf value = HYL_BUF_INIT;
        status = parse_pair(config, &list, &key, &value, err);
        if (value.data != NULL) {
            hyl__wipe(value.data, value.cap);
        }
        hyl_buf_reset(&value);
        if (status == HYL_ERR_ARG && secret != HYL__KEY_NONE) {
            return hyl__config_fail_behind(secret, "put quotes around a value with spaces", err);
        }
        hyl__config_key known = hyl__config_key_find(key);
        secret = hyl__config_key_is_secret(known) ? known : secret;
    }
    return status;
}
