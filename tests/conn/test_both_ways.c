/*
 * 64 MB in each direction at once between two peers with small socket buffers that both write before
 * they read: it finishes, because what arrives is taken in while a send is blocked.
 */
#include "support/test.h"

#include "support/backend.h"
#include "support/mem_conn.h"

#include <hyperline/raw.h>

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TOTAL = 64 << 20, PIECE = 1 << 20, SMALL_BUFFER = 16384 };

static hyl_error err;

/*
 * A server that says all it has to say, once it has been asked, and only then reads what it is sent, to
 * a CopyDone.
 */
typedef struct stubborn {
    int fd;
    hyl_buf login;
    const char *request; /* how what it is asked ends */
    hyl_buf first;       /* before it reads */
    hyl_buf second;      /* after that */
    size_t got;
} stubborn;

static void write_all(int fd, const hyl_buf *bytes)
{
    for (size_t at = 0; at < bytes->len;) {
        ssize_t put = send(fd, bytes->data + at, bytes->len - at, MSG_NOSIGNAL);
        if (put <= 0) {
            return;
        }
        at += (size_t)put;
    }
}

/* Reads, byte by byte, to the end of the request. */
static void hear_request(const stubborn *self)
{
    size_t matched = 0;
    char byte = 0;
    while (self->request != NULL && matched <= strlen(self->request) &&
           recv(self->fd, &byte, 1, 0) == 1) {
        matched = byte == self->request[matched] ? matched + 1 : 0;
    }
}

static void *be_stubborn(void *ctx)
{
    static uint8_t drop[65536];
    stubborn *self = ctx;
    enum { TAIL = 5 };
    size_t kept = 0; /* the last bytes of what came before, in front of what comes */
    write_all(self->fd, &self->login);
    hear_request(self);
    write_all(self->fd, &self->first);
    while (kept < TAIL || memcmp(drop, "c\0\0\0\4", TAIL) != 0) {
        ssize_t got = recv(self->fd, drop + kept, sizeof drop - kept, 0);
        if (got <= 0) {
            return NULL;
        }
        self->got += (size_t)got;
        size_t have = kept + (size_t)got;
        kept = have < TAIL ? have : TAIL;
        memmove(drop, drop + have - kept, kept);
    }
    write_all(self->fd, &self->second);
    return NULL;
}

static void small_pair(int fds[2])
{
    const int size = SMALL_BUFFER;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
        assert_int_equal(setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    }
}

/* Notices of `size` bytes in all, about. */
static void append_notices(hyl_buf *out, size_t size)
{
    static char text[100000];
    memset(text, 'n', sizeof text - 1);
    for (size_t end = out->len + size; out->len < end;) {
        backend_notice(out, text);
    }
}

static void a_copy_in_against_notices(void **state)
{
    (void)state;
    int fds[2];
    pthread_t thread;
    hyl_conn *conn = NULL;
    hyl_copy *copy = NULL;
    hyl_transport transport;
    stubborn server = {.got = 0};
    hyl_config *config = mem_config("request_timeout=60s");
    uint8_t *piece = calloc(1, PIECE);
    int64_t rows = 0;
    assert_non_null(piece);
    small_pair(fds);
    server.fd = fds[1];
    /* All that it will ever say before the data are in; the client sees it as it comes. */
    server.request = "COPY";
    backend_login(&server.login);
    backend_copy_response(&server.first, 'G');
    append_notices(&server.first, TOTAL);
    backend_tag(&server.second, "COPY 64");
    backend_ready(&server.second, 'I');
    assert_int_equal(pthread_create(&thread, NULL, be_stubborn, &server), 0);
    assert_ok(hyl_transport_from_fd(fds[0], &transport, &err), &err);
    assert_ok(hyl__conn_open(config, &transport, INT64_MAX, &conn, &err), &err);
    assert_ok(hyl_copy_in_open(conn, "COPY", &copy, &err), &err);
    for (int i = 0; i < TOTAL / PIECE; i++) {
        assert_ok(hyl_copy_write(copy, piece, PIECE, &err), &err);
    }
    assert_ok(hyl_copy_finish(copy, &rows, &err), &err);
    assert_int_equal(rows, 64);
    hyl_copy_free(copy);
    hyl_conn_free(conn);
    pthread_join(thread, NULL);
    close(fds[1]);
    hyl_config_free(config);
    hyl_buf_reset(&server.login);
    hyl_buf_reset(&server.first);
    hyl_buf_reset(&server.second);
    free(piece);
}

static void a_raw_pipeline_against_its_answers(void **state)
{
    (void)state;
    int fds[2];
    pthread_t thread;
    hyl_transport transport;
    hyl_raw *raw = NULL;
    stubborn server = {.got = 0};
    uint8_t *piece = calloc(1, PIECE);
    assert_non_null(piece);
    small_pair(fds);
    server.fd = fds[1];
    append_notices(&server.first, TOTAL);
    backend_ready(&server.first, 'I');
    assert_int_equal(pthread_create(&thread, NULL, be_stubborn, &server), 0);
    assert_ok(hyl_transport_from_fd(fds[0], &transport, &err), &err);
    assert_ok(hyl_raw_new(&transport, NULL, &raw, &err), &err);
    hyl_raw_set_timeout(raw, 60000);
    for (int i = 0; i < TOTAL / PIECE; i++) {
        assert_ok(hyl_raw_send_copy_data_direct(raw, (hyl_bytes){piece, PIECE}, &err), &err);
    }
    assert_true(hyl_raw_drain_until_ready(raw));
    hyl_raw_free(raw);
    pthread_join(thread, NULL);
    assert_true(server.got >= TOTAL);
    close(fds[1]);
    hyl_buf_reset(&server.first);
    free(piece);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_in_against_notices),
        cmocka_unit_test(a_raw_pipeline_against_its_answers),
    };
    return cmocka_run_group_tests_name("conn/both_ways", tests, NULL, NULL);
}
