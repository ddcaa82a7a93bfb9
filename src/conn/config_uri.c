/*
 * hyper://user:password@host:port/path/to/file.hyper?key=value&key=value
 *
 * The generic syntax is RFC 3986's; a host that starts with an encoded slash (%2F) is a unix
 * socket. No message quotes a part of the URI, but for an option in front of a secret one: with one
 * reserved character left unencoded, any other part may be a piece of the password.
 */
#include "config_parts.h"

#include "base/error.h"
#include "base/mem.h"

#include <string.h>

typedef struct uri_parts {
    hyl_str user;
    hyl_str password;
    hyl_str host; /* an IPv6 address with its brackets */
    hyl_str port;
    hyl_str path;
    hyl_str query;
    bool has_user;
    bool has_password;
} uri_parts;

/* Splits at the first `c`; false where there is none (then all is head). */
static bool split_first(hyl_str text, char c, hyl_str *head, hyl_str *tail)
{
    const char *at = text.len > 0 ? memchr(text.data, c, text.len) : NULL;
    *head = (hyl_str){text.data, at != NULL ? (size_t)(at - text.data) : text.len};
    *tail = at != NULL ? (hyl_str){at + 1, text.len - head->len - 1} : (hyl_str){NULL, 0};
    return at != NULL;
}

static void split_userinfo(hyl_str userinfo, uri_parts *parts)
{
    parts->has_user = true;
    parts->has_password = split_first(userinfo, ':', &parts->user, &parts->password);
}

static hyl_status split_host(hyl_str text, uri_parts *parts, hyl_error *err)
{
    if (text.len == 0) {
        return HYL_OK;
    }
    size_t host_len = 0;
    if (text.data[0] == '[') {
        const char *close = memchr(text.data, ']', text.len);
        if (close == NULL) {
            return hyl__fail(err, HYL_ERR_ARG, "the URI's address lacks its closing bracket");
        }
        host_len = (size_t)(close - text.data) + 1;
    } else {
        const char *colon = memchr(text.data, ':', text.len);
        host_len = colon != NULL ? (size_t)(colon - text.data) : text.len;
    }
    parts->host = (hyl_str){text.data, host_len};
    if (host_len < text.len && text.data[host_len] != ':') {
        return hyl__fail(err, HYL_ERR_ARG, "the URI has no : between address and port");
    }
    if (host_len < text.len) {
        parts->port = (hyl_str){text.data + host_len + 1, text.len - host_len - 1};
    }
    return HYL_OK;
}

/* Cuts the URI into its parts, still encoded. */
static hyl_status split_uri(const char *uri, uri_parts *parts, hyl_error *err)
{
    const char *authority = uri + sizeof "hyper://" - 1;
    size_t authority_len = strcspn(authority, "/?#");
    hyl_str rest = hyl_str_of(authority + authority_len);
    if (strpbrk(rest.data, "@#") != NULL) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "an @ or # stands behind the URI's host: inside of user, password, path "
                         "and options write %%40 for @, %%2F for /, %%3F for ? and %%23 for #");
    }
    hyl_str host_text = {authority, authority_len};
    const char *last_at = NULL;
    for (size_t i = 0; i < authority_len; i++) {
        last_at = authority[i] == '@' ? authority + i : last_at;
    }
    if (last_at != NULL) {
        size_t len = (size_t)(last_at - authority);
        split_userinfo((hyl_str){authority, len}, parts);
        host_text = (hyl_str){last_at + 1, authority_len - len - 1};
    }
    split_first(rest, '?', &parts->path, &parts->query);
    return split_host(host_text, parts, err);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Appends `text` with each %XX decoded. `what` names the part in messages. */
static hyl_status decode(hyl_str text, const char *what, hyl_buf *out, hyl_error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            hyl_buf_append_byte(out, (uint8_t)text.data[i]);
            continue;
        }
        int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
        if (low < 0) {
            return hyl__fail(err, HYL_ERR_ARG,
                             "%s: a %% is not followed by two hexadecimal digits (a %% itself is "
                             "written %%25)",
                             what);
        }
        if (high == 0 && low == 0) {
            return hyl__fail(err, HYL_ERR_ARG, "%s: %%00 is not allowed", what);
        }
        hyl_buf_append_byte(out, (uint8_t)(high * 16 + low));
        i += 2;
    }
    return hyl_buf_status(out) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}

static hyl_str view(const hyl_buf *buf)
{
    return (hyl_str){buf->data != NULL ? (const char *)buf->data : "", buf->len};
}

static void wipe(hyl_buf *buf)
{
    if (buf->data != NULL) {
        hyl__wipe(buf->data, buf->cap);
    }
    hyl_buf_reset(buf);
}

static hyl_status set_decoded(hyl_config *config, const char *key, hyl_str value, const char *what,
                              hyl_error *err)
{
    hyl_buf decoded = HYL_BUF_INIT;
    hyl_status status = decode(value, what, &decoded, err);
    if (status >= 0) {
        status = hyl__config_set_str(config, hyl_str_of(key), view(&decoded), err);
    }
    wipe(&decoded);
    return status;
}

static bool is_port(hyl_str text)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i > 4) {
            return false;
        }
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    return port > 0 && port <= UINT16_MAX;
}

/* Appends the endpoint as hyl_endpoint_parse takes it. */
static hyl_status write_endpoint(const uri_parts *parts, hyl_buf *endpoint, hyl_error *err)
{
    HYL_TRY(decode(parts->host, "the URI's host", endpoint, err));
    bool is_socket = endpoint->len > 0 && endpoint->data[0] == '/';
    if (is_socket && parts->port.data != NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "the URI has a port behind a unix socket");
    }
    if (!is_socket && !is_port(parts->port)) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "the URI needs a port from 1 to 65535: hyper://user@host:port/path");
    }
    if (!is_socket) {
        hyl_buf_append_byte(endpoint, ':');
        hyl_buf_append(endpoint, parts->port.data, parts->port.len);
    }
    return hyl_buf_status(endpoint) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}

static hyl_status set_endpoint(hyl_config *config, const uri_parts *parts, hyl_error *err)
{
    if (parts->host.len == 0 && parts->port.data == NULL) {
        return HYL_OK;
    }
    hyl_buf endpoint = HYL_BUF_INIT;
    hyl_status status = write_endpoint(parts, &endpoint, err);
    if (status >= 0) {
        /* Its own message would quote the host. */
        status = hyl__config_set_str(config, HYL_STR("endpoint"), view(&endpoint), NULL);
        if (status == HYL_ERR_ARG) {
            hyl__fail(err, status, "the URI's host is not a name, an address or a socket's path");
        } else if (status < 0) {
            hyl__fail_nomem(err);
        }
    }
    hyl_buf_reset(&endpoint);
    return status;
}

static hyl_status set_database(hyl_config *config, hyl_str path, hyl_error *err)
{
    while (path.len > 1 && path.data[0] == '/' && path.data[1] == '/') {
        path = (hyl_str){path.data + 1, path.len - 1};
    }
    return path.len > 1 ? set_decoded(config, "database", path, "the URI's path", err) : HYL_OK;
}

/* *is gets the option's key. */
static hyl_status set_option(hyl_config *config, hyl_str option, hyl__config_key *is,
                             hyl_error *err)
{
    hyl_str name;
    hyl_str value;
    bool has_value = split_first(option, '=', &name, &value);
    hyl_buf key = HYL_BUF_INIT;
    hyl_status status = decode(name, "the name of an option of the URI", &key, err);
    hyl_buf_append_byte(&key, '\0');
    if (status >= 0 && hyl_buf_status(&key) < 0) {
        status = hyl__fail_nomem(err);
    }
    if (status >= 0 && !has_value) {
        status = hyl__fail(err, HYL_ERR_ARG, "an option of the URI has no value: ?key=value&...");
    }
    if (status >= 0) {
        const char *text = (const char *)key.data;
        *is = hyl__config_key_find(hyl_str_of(text));
        status = set_decoded(config, text, value, "the value of an option of the URI", err);
    }
    wipe(&key);
    return status;
}

static hyl_status set_options(hyl_config *config, hyl_str query, hyl_error *err)
{
    hyl__config_key secret = HYL__KEY_NONE; /* one whose value has been read */
    while (query.len > 0) {
        hyl_str option;
        hyl_str rest;
        split_first(query, '&', &option, &rest);
        query = rest;
        if (option.len == 0) {
            continue;
        }
        hyl__config_key key = HYL__KEY_NONE;
        hyl_status status = set_option(config, option, &key, err);
        if (status == HYL_ERR_ARG && secret != HYL__KEY_NONE) {
            return hyl__config_fail_behind(secret, "write %26 for an & inside", err);
        }
        HYL_TRY(status);
        secret = hyl__config_key_is_secret(key) ? key : secret;
    }
    return HYL_OK;
}

hyl_status hyl__config_parse_uri(hyl_config *config, const char *uri, hyl_error *err)
{
    uri_parts parts = {0};
    HYL_TRY(split_uri(uri, &parts, err));
    if (parts.has_user && parts.user.len > 0) {
        HYL_TRY(set_decoded(config, "user", parts.user, "the URI's user", err));
    }
    if (parts.has_password) {
        HYL_TRY(set_decoded(config, "password", parts.password, "the URI's password", err));
    }
    HYL_TRY(set_endpoint(config, &parts, err));
    HYL_TRY(set_database(config, parts.path, err));
    return set_options(config, parts.query, err);
}
