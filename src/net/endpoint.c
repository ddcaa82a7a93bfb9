/* Endpoints as text. No message repeats what could be a password that was put in a wrong place. */
#include "socket.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TCP_SCHEME    "tab.tcp://"
#define DOMAIN_SCHEME "tab.domain://"
#define DOMAIN_PART   "/domain/"

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

/* ---- TCP ------------------------------------------------------------------------------------ */

static hyl_status parse_port(const char *text, uint16_t *out, hyl_error *err)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0') {
        return hyl__fail(err, HYL_ERR_ARG, "the port is no number from 1 to 65535");
    }
    unsigned long port = digits <= 5 ? strtoul(text, NULL, 10) : 0;
    if (port < 1 || port > UINT16_MAX) {
        return hyl__fail(err, HYL_ERR_ARG, "port %s is not from 1 to 65535", text);
    }
    *out = (uint16_t)port;
    return HYL_OK;
}

static hyl_status set_host(hyl_endpoint *out, const char *host, size_t len, hyl_error *err)
{
    if (len == 0) {
        return hyl__fail(err, HYL_ERR_ARG, "there is no host before the port");
    }
    if (len >= sizeof out->host) {
        return hyl__fail(err, HYL_ERR_ARG, "the host name is longer than %zu bytes",
                         sizeof out->host - 1);
    }
    memcpy(out->host, host, len);
    out->host[len] = '\0';
    return HYL_OK;
}

/* The address in brackets, which may end in a zone (%eth0). */
static hyl_status check_ipv6(const char *host, hyl_error *err)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(host, "%");
    struct in6_addr parsed;
    bool fits = len < sizeof address && (host[len] == '\0' || host[len + 1] != '\0');
    if (fits) {
        memcpy(address, host, len);
        address[len] = '\0';
    }
    if (!fits || inet_pton(AF_INET6, address, &parsed) != 1) {
        return hyl__fail(err, HYL_ERR_ARG, "what is in brackets is no IPv6 address");
    }
    return HYL_OK;
}

static hyl_status parse_bracketed(const char *text, hyl_endpoint *out, hyl_error *err)
{
    const char *close = strchr(text, ']');
    if (close == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "the bracket around the address is not closed");
    }
    HYL_TRY(set_host(out, text + 1, (size_t)(close - text - 1), err));
    HYL_TRY(check_ipv6(out->host, err));
    if (close[1] != ':') {
        return hyl__fail(err, HYL_ERR_ARG, "there is no port: write [%s]:port", out->host);
    }
    return parse_port(close + 2, &out->port, err);
}

static hyl_status parse_host_port(const char *text, hyl_endpoint *out, hyl_error *err)
{
    size_t len = 0;
    while (is_host_char(text[len])) {
        len++;
    }
    if (text[len] == '\0') {
        return hyl__fail(err, HYL_ERR_ARG, "there is no port: write %s:port",
                         len > 0 ? text : "host");
    }
    if (text[len] != ':') {
        return hyl__fail(err, HYL_ERR_ARG, "a host name cannot have the character at position %zu",
                         len + 1);
    }
    if (strchr(text + len + 1, ':') != NULL) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "there are several colons: write host:port, or [address]:port for IPv6");
    }
    HYL_TRY(set_host(out, text, len, err));
    return parse_port(text + len + 1, &out->port, err);
}

static hyl_status parse_tcp(const char *text, hyl_endpoint *out, hyl_error *err)
{
    out->kind = HYL_ENDPOINT_TCP;
    if (strchr(text, '@') != NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "an endpoint has no user and no password");
    }
    return text[0] == '[' ? parse_bracketed(text, out, err) : parse_host_port(text, out, err);
}

/* ---- Unix sockets --------------------------------------------------------------------------- */

static hyl_status set_path(hyl_endpoint *out, const char *folder, size_t folder_len,
                           const char *name, hyl_error *err)
{
    out->kind = HYL_ENDPOINT_UNIX;
    size_t len = folder_len + strlen(name);
    if (len >= sizeof out->path) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "the socket's path has %zu bytes; the system allows %zu: use a folder "
                         "with a shorter path",
                         len, sizeof out->path - 1);
    }
    memcpy(out->path, folder, folder_len);
    memcpy(out->path + folder_len, name, len - folder_len + 1);
    return HYL_OK;
}

static const char *find_last(const char *text, const char *part)
{
    const char *last = NULL;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        last = at;
    }
    return last;
}

/* tab.domain://DIR/domain/NAME, without the scheme. The socket is DIR/NAME. */
static hyl_status parse_domain(const char *text, hyl_endpoint *out, hyl_error *err)
{
    const char *part = find_last(text, DOMAIN_PART);
    const char *name = part != NULL ? part + strlen(DOMAIN_PART) : "";
    if (name[0] == '\0' || strchr(name, '/') != NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "write tab.domain://DIR/domain/NAME");
    }
    if (text[0] != '/') {
        return hyl__fail(err, HYL_ERR_ARG,
                         "the folder in tab.domain://DIR/domain/NAME must be "
                         "an absolute path");
    }
    /* With the slash after DIR. */
    return set_path(out, text, (size_t)(part - text) + 1, name, err);
}

/* ---- Both ----------------------------------------------------------------------------------- */

static hyl_status parse(const char *text, hyl_endpoint *out, hyl_error *err)
{
    if (text == NULL || text[0] == '\0') {
        return hyl__fail(err, HYL_ERR_ARG, "the endpoint is empty");
    }
    if (text[0] == '/') {
        return set_path(out, "", 0, text, err);
    }
    if (starts_with(text, DOMAIN_SCHEME)) {
        return parse_domain(text + strlen(DOMAIN_SCHEME), out, err);
    }
    if (starts_with(text, TCP_SCHEME)) {
        return parse_tcp(text + strlen(TCP_SCHEME), out, err);
    }
    const char *scheme_end = strstr(text, "://");
    if (scheme_end != NULL) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "the endpoint's scheme is neither " TCP_SCHEME " nor " DOMAIN_SCHEME);
    }
    return parse_tcp(text, out, err);
}

hyl_status hyl_endpoint_parse(const char *text, hyl_endpoint *out, hyl_error *err)
{
    hyl_endpoint parsed;
    memset(&parsed, 0, sizeof parsed);
    hyl_status status = parse(text, &parsed, err);
    if (status == HYL_OK) {
        *out = parsed;
    }
    return status;
}

void hyl__endpoint_text(const hyl_endpoint *endpoint, char text[HYL__ENDPOINT_TEXT_MAX])
{
    bool is_ipv6 = strchr(endpoint->host, ':') != NULL;
    text[0] = '\0';
    if (endpoint->kind == HYL_ENDPOINT_TCP) {
        snprintf(text, HYL__ENDPOINT_TEXT_MAX, is_ipv6 ? "[%s]:%u" : "%s:%u", endpoint->host,
                 (unsigned)endpoint->port);
    } else if (endpoint->kind == HYL_ENDPOINT_UNIX) {
        snprintf(text, HYL__ENDPOINT_TEXT_MAX, "%s", endpoint->path);
    }
}

void hyl_endpoint_format(const hyl_endpoint *endpoint, hyl_buf *out)
{
    char text[HYL__ENDPOINT_TEXT_MAX];
    hyl__endpoint_text(endpoint, text);
    hyl_buf_append_str(out, text);
}

bool hyl__is_loopback(const hyl_endpoint *endpoint)
{
    struct in_addr in4;
    struct in6_addr in6;
    if (endpoint->kind != HYL_ENDPOINT_TCP) {
        return false;
    }
    if (inet_pton(AF_INET, endpoint->host, &in4) == 1) {
        return ntohl(in4.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (inet_pton(AF_INET6, endpoint->host, &in6) == 1) {
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in6) && in6.s6_addr[12] == IN_LOOPBACKNET;
        return mapped || IN6_IS_ADDR_LOOPBACK(&in6);
    }
    return strcasecmp(endpoint->host, "localhost") == 0;
}
