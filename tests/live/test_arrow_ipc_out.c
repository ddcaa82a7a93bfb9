/* Results as Arrow IPC bytes on the real server. */
#include "support/arrow_live.h"
#include "support/arrow_text.h"
#include "support/hyperd.h"
#include "support/live.h"
#include "support/test.h"

#include "data/ipc_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static hyl_error err;

/* ---- Sinks ----------------------------------------------------------------------------------- */

typedef struct collector {
    hyl_buf bytes;
    size_t calls;
    size_t fail_at; /* the call that fails; 0: none does */
    bool silent;    /* it fails without a word */
} collector;

static hyl_status collect(void *ctx, hyl_bytes piece, hyl_error *error)
{
    collector *to = ctx;
    if (++to->calls == to->fail_at) {
        if (!to->silent) {
            error->status = to->calls % 3 == 0 ? HYL_ERR_IO : HYL_OK; /* the words are enough */
            snprintf(error->message, sizeof error->message, "the disk is full");
        }
        return HYL_ERR_IO;
    }
    hyl_buf_append(&to->bytes, piece.data, piece.len);
    return hyl_buf_status(&to->bytes);
}

/* What the server sends for the wrapped query, by the COPY of everyone. */
static hyl_buf copy_out(const char *sql)
{
    char wrapped[500];
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    hyl_buf bytes = HYL_BUF_INIT;
    snprintf(wrapped, sizeof wrapped, "COPY (%s) TO STDOUT WITH (FORMAT arrowstream)", sql);
    assert_ok(hyl_copy_out_open(arrow_conn, wrapped, &copy, &err), &err);
    while (hyl_copy_read(copy, &piece, &err) == HYL_OK) {
        hyl_buf_append(&bytes, piece.data, piece.len);
    }
    assert_ok(hyl_copy_finish(copy, NULL, &err), &err);
    hyl_copy_free(copy);
    return bytes;
}

#define SMALL \
    "SELECT i, CAST(i AS text) AS t, CAST('2024-02-29' AS date) AS d FROM (VALUES (1), (2)) v(i)"

static void the_servers_bytes_and_an_end_marker_come_out(void **state)
{
    (void)state;
    static const char *const cases[] = {SMALL, SMALL " WHERE false"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        collector to = {HYL_BUF_INIT, 0, 0, false};
        hyl_buf wanted = copy_out(cases[i]);
        assert_ok(hyl_arrow_ipc_out(arrow_conn, cases[i], collect, &to, &err), &err);
        assert_int_equal(to.bytes.len, wanted.len + 8);
        assert_memory_equal(to.bytes.data, wanted.data, wanted.len);
        assert_memory_equal(to.bytes.data + wanted.len, "\xff\xff\xff\xff\0\0\0\0", 8);
        hyl_buf_reset(&wanted);
        hyl_buf_reset(&to.bytes);
    }
    live_assert_in_step(arrow_conn);
}

static void what_came_out_is_a_whole_stream(void **state)
{
    (void)state;
    collector to = {HYL_BUF_INIT, 0, 0, false};
    hyl__ipc_reader reader;
    hyl__block *block = NULL;
    struct ArrowArray batch;
    int64_t rows = 0;
    hyl_status status;
    assert_ok(hyl_arrow_ipc_out(arrow_conn, "SELECT i FROM generate_series(1, 1000000) g(i)",
                                collect, &to, &err),
              &err);
    assert_int_equal(hyl__ipc_reader_init(&reader), HYL_OK);
    assert_int_equal(hyl__block_new(reader.pool, to.bytes.len, &block), HYL_OK);
    memcpy(block->data, to.bytes.data, to.bytes.len);
    assert_int_equal(hyl__ipc_reader_feed(&reader, block, to.bytes.len), HYL_OK);
    assert_ok(hyl__ipc_reader_schema(&reader, &err), &err);
    while ((status = hyl__ipc_reader_batch(&reader, &batch, &err)) == HYL_OK) {
        rows += batch.length;
        ArrowArrayRelease(&batch);
    }
    assert_status(status, HYL_DONE, &err);
    assert_int_equal(rows, 1000000);
    hyl__ipc_reader_reset(&reader);
    hyl_buf_reset(&to.bytes);
}

static void a_sink_that_fails_ends_it(void **state)
{
    (void)state;
    for (size_t fail_at = 1; fail_at < 5; fail_at++) {
        collector to = {HYL_BUF_INIT, 0, fail_at, fail_at % 2 == 0};
        assert_int_equal(hyl_arrow_ipc_out(arrow_conn,
                                           "SELECT i FROM generate_series(1, 100000000) g(i)",
                                           collect, &to, &err),
                         HYL_ERR_IO);
        assert_int_equal(err.status, HYL_ERR_IO);
        assert_string_equal(err.message,
                            to.silent ? "the stream's receiver has failed" : "the disk is full");
        assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, 0);
        assert_int_equal(to.calls, fail_at);
        hyl_buf_reset(&to.bytes);
        live_assert_in_step(arrow_conn);
    }
}

/* The end marker is written last, and may fail too. */
static void a_sink_may_fail_at_the_end_marker(void **state)
{
    (void)state;
    collector to = {HYL_BUF_INIT, 0, 0, false};
    assert_ok(hyl_arrow_ipc_out(arrow_conn, SMALL, collect, &to, &err), &err);
    collector again = {HYL_BUF_INIT, 0, to.calls, false};
    assert_int_equal(hyl_arrow_ipc_out(arrow_conn, SMALL, collect, &again, &err), HYL_ERR_IO);
    assert_int_equal(again.bytes.len, to.bytes.len - 8);
    hyl_buf_reset(&to.bytes);
    hyl_buf_reset(&again.bytes);
    live_assert_in_step(arrow_conn);
}

static void errors_are_those_of_the_query(void **state)
{
    (void)state;
    collector to = {HYL_BUF_INIT, 0, 0, false};
    assert_int_equal(hyl_arrow_ipc_out(arrow_conn, "SELECT nosuch", collect, &to, &err),
                     HYL_ERR_SERVER);
    assert_string_equal(err.sqlstate, "42703");
    assert_int_equal(hyl_conn_diag(arrow_conn)->position, 8);
    assert_int_equal(hyl_arrow_ipc_out(arrow_conn, "SHOW timezone", collect, &to, &err),
                     HYL_ERR_ARG);
    assert_int_equal(hyl_arrow_ipc_out(arrow_conn, "SELECT 1) TO '/tmp/x' --", collect, &to, &err),
                     HYL_ERR_ARG);
    assert_int_equal(hyl_arrow_ipc_out(arrow_conn, "SELECT CAST(NULL AS uuid)", collect, &to, &err),
                     HYL_ERR_SERVER);
    assert_string_equal(err.sqlstate, "0A000");
    assert_memory_equal(err.message, "column 1 \"", 10);
    assert_non_null(strstr(err.message, "; select it as text: CAST(... AS text)"));
    assert_int_equal(to.calls, 0);
    assert_int_equal(
        hyl_arrow_ipc_out(arrow_conn,
                          "SELECT 1000 / (CASE WHEN i = 3000000 THEN 0 ELSE 1 END) AS q "
                          "FROM generate_series(1, 4000000) g(i)",
                          collect, &to, &err),
        HYL_ERR_SERVER);
    assert_string_equal(err.sqlstate, "22012");
    /* Without an end marker, so that nobody takes it for whole. */
    assert_true(to.bytes.len > 8);
    assert_memory_not_equal(to.bytes.data + to.bytes.len - 8, "\xff\xff\xff\xff\0\0\0\0", 8);
    hyl_buf_reset(&to.bytes);
    live_assert_in_step(arrow_conn);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

static void a_file_gets_the_same_bytes(void **state)
{
    (void)state;
    collector to = {HYL_BUF_INIT, 0, 0, false};
    const char *path = test_path("out.arrows");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_ok(hyl_arrow_ipc_to_fd(arrow_conn, SMALL, fd, &err), &err);
    assert_ok(hyl_arrow_ipc_out(arrow_conn, SMALL, collect, &to, &err), &err);
    char found[10000];
    assert_int_equal(pread(fd, found, sizeof found, 0), to.bytes.len);
    assert_memory_equal(found, to.bytes.data, to.bytes.len);
    close(fd);
    hyl_buf_reset(&to.bytes);
}

static void a_descriptor_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(hyl_arrow_ipc_to_fd(arrow_conn, SMALL, fd, &err), HYL_ERR_IO);
    assert_int_equal(err.sys_errno, ENOSPC);
    close(fd);
    live_assert_in_step(arrow_conn);
    assert_int_equal(hyl_arrow_ipc_to_fd(arrow_conn, SMALL, -1, &err), HYL_ERR_IO);
    assert_int_equal(err.sys_errno, EBADF);
    live_assert_in_step(arrow_conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARROW_TEST(the_servers_bytes_and_an_end_marker_come_out),
        ARROW_TEST(what_came_out_is_a_whole_stream),
        ARROW_TEST(a_sink_that_fails_ends_it),
        ARROW_TEST(a_sink_may_fail_at_the_end_marker),
        ARROW_TEST(errors_are_those_of_the_query),
        ARROW_TEST(a_file_gets_the_same_bytes),
        ARROW_TEST(a_descriptor_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests_name("live/arrow_ipc_out", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
