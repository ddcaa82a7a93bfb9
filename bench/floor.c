#include "floor.h"

#include "cli/fail.h"

#include <hyperline/transport.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    /* The longest end of an answer that is looked for. */
    TAIL_MAX = 64,
    /* One recv takes up to this much: see docs/benchmarks.md for why. */
    WINDOW = 262144,
    /* The longest that the server may be silent. */
    SILENCE_S = 60,
    REQUEST_MAX = 4096,
};

struct floor_conn {
    int fd;
    /* The end of what came before, and then what one recv gave: an end may be cut in two. */
    uint8_t bytes[TAIL_MAX + WINDOW];
};

/* ---- Messages ------------------------------------------------------------------------------- */

static uint32_t load_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store_be32(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

/* Appends text and its NUL. False where there is no room. */
static bool put_text(uint8_t *message, size_t *len, const char *text)
{
    size_t size = strlen(text) + 1;
    if (size > REQUEST_MAX - *len) {
        return false;
    }
    memcpy(message + *len, text, size);
    *len += size;
    return true;
}

static hyl_status send_all(int fd, const uint8_t *bytes, size_t len, hyl_error *err)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0) {
            return cli_fail_errno(err, errno, "floor: sending failed");
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return HYL_OK;
}

static hyl_status receive(int fd, uint8_t *at, size_t cap, size_t *got, hyl_error *err)
{
    ssize_t count = recv(fd, at, cap, 0);
    if (count > 0) {
        *got = (size_t)count;
        return HYL_OK;
    }
    if (count == 0) {
        return cli_fail(err, HYL_ERR_CLOSED, "floor: the server closed the connection");
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return cli_fail(err, HYL_ERR_TIMEOUT, "floor: the answer does not end as expected");
    }
    return cli_fail_errno(err, errno, "floor: receiving failed");
}

/* ---- Login ---------------------------------------------------------------------------------- */

static hyl_status send_startup(int fd, const char *database, hyl_error *err)
{
    static const uint8_t version[] = {0, 3, 0, 0};
    const char *const params[] = {"user",     "tableau_internal_user",
                                  "options",  "-c result_format_code=HyperBinary",
                                  "database", database,
                                  ""};
    uint8_t message[REQUEST_MAX];
    size_t len = 4;
    memcpy(message + len, version, sizeof version);
    len += sizeof version;
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        if (!put_text(message, &len, params[i])) {
            return cli_fail(err, HYL_ERR_ARG, "floor: the database's path is too long");
        }
    }
    store_be32(message, len);
    return send_all(fd, message, len, err);
}

/* Walks the whole messages in bytes[0..len) and moves *at behind them. DONE: ReadyForQuery. */
static hyl_status read_login(const uint8_t *bytes, size_t len, size_t *at, hyl_error *err)
{
    while (len - *at >= 5) {
        uint8_t type = bytes[*at];
        size_t size = (size_t)load_be32(bytes + *at + 1) + 1;
        if (size > len - *at) {
            return HYL_AGAIN;
        }
        if (type == 'E') {
            return cli_fail(err, HYL_ERR_SERVER, "floor: the server refused the login");
        }
        *at += size;
        if (type == 'Z') {
            return HYL_DONE;
        }
    }
    return HYL_AGAIN;
}

static hyl_status log_in(floor_conn *conn, const char *database, hyl_error *err)
{
    size_t len = 0;
    size_t at = 0;
    hyl_status status = HYL_AGAIN;
    HYL_TRY(send_startup(conn->fd, database, err));
    while (status == HYL_AGAIN) {
        size_t got = 0;
        if (len == sizeof conn->bytes) {
            return cli_fail(err, HYL_ERR_LIMIT, "floor: the login's answer has no end");
        }
        HYL_TRY(receive(conn->fd, conn->bytes + len, sizeof conn->bytes - len, &got, err));
        len += got;
        status = read_login(conn->bytes, len, &at, err);
    }
    return status == HYL_DONE ? HYL_OK : status;
}

static hyl_status connect_to(const char *endpoint, int *out, hyl_error *err)
{
    hyl_endpoint parsed;
    struct sockaddr_in address = {.sin_family = AF_INET};
    HYL_TRY(hyl_endpoint_parse(endpoint, &parsed, err));
    address.sin_port = htons(parsed.port);
    if (parsed.kind != HYL_ENDPOINT_TCP ||
        inet_pton(AF_INET, parsed.host, &address.sin_addr) != 1) {
        return cli_fail(err, HYL_ERR_ARG, "floor: '%s' is no IPv4 address and port", endpoint);
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return cli_fail_errno(err, errno, "floor: no socket");
    }
    const int on = 1;
    const struct timeval silence = {.tv_sec = SILENCE_S};
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) < 0) {
        int saved = errno;
        close(fd);
        return cli_fail_errno(err, saved, "floor: connecting to %s failed", endpoint);
    }
    *out = fd;
    return HYL_OK;
}

hyl_status floor_open(const char *endpoint, const char *database, floor_conn **out, hyl_error *err)
{
    floor_conn *conn = malloc(sizeof *conn);
    if (conn == NULL) {
        return cli_fail_nomem(err);
    }
    hyl_status status = connect_to(endpoint, &conn->fd, err);
    if (status < 0) {
        free(conn);
        return status;
    }
    status = log_in(conn, database, err);
    if (status < 0) {
        floor_close(conn);
        return status;
    }
    *out = conn;
    return HYL_OK;
}

void floor_close(floor_conn *conn)
{
    if (conn != NULL) {
        static const uint8_t terminate[] = {'X', 0, 0, 0, 4};
        (void)send_all(conn->fd, terminate, sizeof terminate, NULL);
        close(conn->fd);
        free(conn);
    }
}

/* ---- Queries -------------------------------------------------------------------------------- */

static hyl_status send_query(int fd, const char *sql, hyl_error *err)
{
    uint8_t message[REQUEST_MAX] = {'Q'};
    size_t len = 5;
    if (!put_text(message, &len, sql)) {
        return cli_fail(err, HYL_ERR_ARG, "floor: the statement is too long");
    }
    store_be32(message + 1, len - 1);
    return send_all(fd, message, len, err);
}

/* The bytes that the answer ends with. Returns their number. */
static size_t make_tail(const char *tag, uint8_t tail[TAIL_MAX])
{
    static const uint8_t ready[] = {'Z', 0, 0, 0, 5, 'I'};
    size_t tag_size = strlen(tag) + 1;
    tail[0] = 'C';
    store_be32(tail + 1, tag_size + 4);
    memcpy(tail + 5, tag, tag_size);
    memcpy(tail + 5 + tag_size, ready, sizeof ready);
    return 5 + tag_size + sizeof ready;
}

/* Receives until the last bytes are those of `tail`. */
static hyl_status receive_to(floor_conn *conn, const uint8_t *tail, size_t tail_len, hyl_error *err)
{
    uint8_t *window = conn->bytes + TAIL_MAX;
    const uint8_t *end = NULL;
    memset(conn->bytes, 0, TAIL_MAX);
    do {
        size_t got = 0;
        if (end != NULL) {
            memmove(conn->bytes, end - TAIL_MAX, TAIL_MAX);
        }
        HYL_TRY(receive(conn->fd, window, WINDOW, &got, err));
        end = window + got;
    } while (memcmp(end - tail_len, tail, tail_len) != 0);
    return HYL_OK;
}

hyl_status floor_query(floor_conn *conn, const char *sql, const char *tag, hyl_error *err)
{
    uint8_t tail[TAIL_MAX];
    if (strlen(tag) + 1 + 11 > TAIL_MAX) {
        return cli_fail(err, HYL_ERR_ARG, "floor: the tag is too long");
    }
    size_t tail_len = make_tail(tag, tail);
    HYL_TRY(send_query(conn->fd, sql, err));
    return receive_to(conn, tail, tail_len, err);
}

/* ---- COPY ----------------------------------------------------------------------------------- */

/* The server's first message: CopyInResponse, or what went wrong. */
static hyl_status receive_agreement(floor_conn *conn, hyl_error *err)
{
    size_t len = 0;
    while (len < 5 || len < (size_t)load_be32(conn->bytes + 1) + 1) {
        size_t got = 0;
        if (len == sizeof conn->bytes) {
            return cli_fail(err, HYL_ERR_LIMIT, "floor: the answer to COPY has no end");
        }
        HYL_TRY(receive(conn->fd, conn->bytes + len, sizeof conn->bytes - len, &got, err));
        len += got;
    }
    return conn->bytes[0] == 'G'
               ? HYL_OK
               : cli_fail(err, HYL_ERR_PROTOCOL, "floor: the server refused the COPY");
}

hyl_status floor_copy_in(floor_conn *conn, const char *sql, hyl_bytes messages, const char *tag,
                         hyl_error *err)
{
    static const uint8_t done[] = {'c', 0, 0, 0, 4};
    uint8_t tail[TAIL_MAX];
    if (strlen(tag) + 1 + 11 > TAIL_MAX) {
        return cli_fail(err, HYL_ERR_ARG, "floor: the tag is too long");
    }
    size_t tail_len = make_tail(tag, tail);
    HYL_TRY(send_query(conn->fd, sql, err));
    HYL_TRY(receive_agreement(conn, err));
    HYL_TRY(send_all(conn->fd, messages.data, messages.len, err));
    HYL_TRY(send_all(conn->fd, done, sizeof done, err));
    return receive_to(conn, tail, tail_len, err);
}
