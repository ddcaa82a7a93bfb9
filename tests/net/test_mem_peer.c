#include "support/test.h"

#include <hyperline/transport.h>

#include "base/mem.h"

typedef struct fixture {
    hyl_mem_peer *peer;
    hyl_transport transport;
} fixture;

static int make_peer(void **state)
{
    static fixture made;
    if (hyl_mem_peer_new(&made.peer) != HYL_OK) {
        return -1;
    }
    made.transport = hyl_mem_peer_transport(made.peer);
    *state = &made;
    return 0;
}

static int free_peer(void **state)
{
    fixture *f = *state;
    hyl_transport_close(&f->transport);
    hyl_mem_peer_free(f->peer);
    return 0;
}

static void reply(fixture *f, size_t after, const char *text)
{
    const hyl_bytes bytes = {(const uint8_t *)text, strlen(text)};
    assert_int_equal(hyl_mem_peer_reply(f->peer, after, bytes), HYL_OK);
}

static hyl_status read_some(fixture *f, char *text, size_t cap, hyl_error *err)
{
    size_t got = 0;
    hyl_status status = f->transport.ops->read(f->transport.self, text, cap - 1, &got, err);
    text[status == HYL_OK ? got : 0] = '\0';
    return status;
}

static void assert_reads(fixture *f, const char *expected)
{
    char text[64];
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(read_some(f, text, sizeof text, &err), &err);
    assert_string_equal(text, expected);
}

static void assert_read_gives(fixture *f, hyl_status expected)
{
    char text[64];
    hyl_error err = HYL_ERROR_INIT;
    assert_status(read_some(f, text, sizeof text, &err), expected, &err);
    assert_int_equal(err.status, expected < 0 ? expected : HYL_OK);
}

static hyl_status write_text(fixture *f, const char *text, size_t *put, hyl_error *err)
{
    const hyl_iovec piece = {text, strlen(text)};
    return f->transport.ops->writev(f->transport.self, &piece, 1, put, err);
}

static void assert_writes(fixture *f, const char *text)
{
    size_t put = 0;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(write_text(f, text, &put, &err), &err);
    assert_int_equal(put, strlen(text));
}

static hyl_status wait_for(fixture *f, unsigned wants, unsigned *ready)
{
    return f->transport.ops->wait(f->transport.self, wants, INT64_MAX, ready, NULL);
}

static void replies_come_when_enough_was_written(void **state)
{
    fixture *f = *state;
    reply(f, 0, "hello");
    reply(f, 4, "one");
    reply(f, 0, "two");
    reply(f, 3, "three");
    assert_reads(f, "hello");
    assert_read_gives(f, HYL_AGAIN);
    assert_writes(f, "abc");
    assert_read_gives(f, HYL_AGAIN);
    assert_writes(f, "d");
    assert_reads(f, "onetwo");
    assert_writes(f, "ef");
    assert_read_gives(f, HYL_AGAIN);
    assert_writes(f, "g");
    assert_reads(f, "three");
    assert_read_gives(f, HYL_AGAIN);
}

/* The script counts bytes, however the client cuts them: one write may reach several steps. */
static void one_write_may_reach_several_steps(void **state)
{
    fixture *f = *state;
    reply(f, 2, "one");
    reply(f, 2, "two");
    assert_writes(f, "abcd");
    assert_reads(f, "onetwo");
}

static void a_step_added_later_counts_from_the_one_before(void **state)
{
    fixture *f = *state;
    assert_writes(f, "abcdef");
    reply(f, 4, "now");
    assert_reads(f, "now");
    reply(f, 4, "later");
    assert_read_gives(f, HYL_AGAIN);
    assert_writes(f, "gh");
    assert_reads(f, "later");
    reply(f, 0, "at once");
    assert_reads(f, "at once");
}

static void an_empty_reply_is_no_read(void **state)
{
    fixture *f = *state;
    const hyl_bytes none = {NULL, 0};
    assert_int_equal(hyl_mem_peer_reply(f->peer, 0, none), HYL_OK);
    assert_read_gives(f, HYL_AGAIN);
    reply(f, 0, "x");
    assert_reads(f, "x");
}

static void the_stream_ends_where_it_was_told_to(void **state)
{
    fixture *f = *state;
    reply(f, 2, "last");
    assert_int_equal(hyl_mem_peer_end(f->peer), HYL_OK);
    assert_read_gives(f, HYL_AGAIN);
    assert_writes(f, "ab");
    assert_reads(f, "last");
    assert_read_gives(f, HYL_DONE);
    assert_read_gives(f, HYL_DONE);
    assert_writes(f, "still taken");
}

static void reads_fail_after_what_was_added(void **state)
{
    fixture *f = *state;
    reply(f, 0, "some");
    assert_int_equal(hyl_mem_peer_fail_read(f->peer, HYL_ERR_CLOSED), HYL_OK);
    reply(f, 0, "never seen");
    assert_reads(f, "some");
    assert_read_gives(f, HYL_ERR_CLOSED);
    assert_read_gives(f, HYL_ERR_CLOSED);
    assert_int_equal(hyl_mem_peer_fail_read(f->peer, HYL_OK), HYL_ERR_ARG);
}

static void writes_fail_after_what_was_allowed(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    size_t put = 0;
    assert_writes(f, "ab");
    hyl_mem_peer_fail_write(f->peer, 3, HYL_ERR_IO);
    assert_ok(write_text(f, "cdefg", &put, &err), &err);
    assert_int_equal(put, 3);
    assert_status(write_text(f, "fg", &put, &err), HYL_ERR_IO, &err);
    assert_int_equal(err.status, HYL_ERR_IO);
    assert_memory_equal(hyl_mem_peer_written(f->peer).data, "abcde", 5);
}

static void several_pieces_are_gathered(void **state)
{
    fixture *f = *state;
    const hyl_iovec pieces[] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    size_t put = 0;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(f->transport.ops->writev(f->transport.self, pieces, 3, &put, &err), &err);
    assert_int_equal(put, 5);
    hyl_bytes written = hyl_mem_peer_written(f->peer);
    assert_int_equal(written.len, 5);
    assert_memory_equal(written.data, "abcde", 5);
    hyl_mem_peer_forget(f->peer);
    assert_int_equal(hyl_mem_peer_written(f->peer).len, 0);
    assert_writes(f, "f");
    assert_int_equal(hyl_mem_peer_written(f->peer).len, 1);
}

static void the_pace_bounds_and_stutters(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    size_t put = 0;
    reply(f, 0, "abc");
    reply(f, 0, "de");
    hyl_mem_peer_pace(f->peer, 2, 3, true);
    assert_read_gives(f, HYL_AGAIN);
    assert_reads(f, "ab");
    assert_read_gives(f, HYL_AGAIN);
    assert_reads(f, "cd");
    assert_int_equal(write_text(f, "wxyz", &put, &err), HYL_AGAIN);
    assert_ok(write_text(f, "wxyz", &put, &err), &err);
    assert_int_equal(put, 3);
    assert_int_equal(write_text(f, "z", &put, &err), HYL_AGAIN);
    hyl_mem_peer_pace(f->peer, 0, 0, false);
    assert_reads(f, "e");
    assert_writes(f, "zzzzzz");
}

static void a_wait_says_what_is_possible(void **state)
{
    fixture *f = *state;
    unsigned ready = 0;
    assert_int_equal(wait_for(f, HYL_WANT_READ, &ready), HYL_ERR_TIMEOUT);
    assert_int_equal(wait_for(f, HYL_WANT_READ | HYL_WANT_WRITE, &ready), HYL_OK);
    assert_int_equal(ready, HYL_WANT_WRITE);
    assert_false(f->transport.ops->pending(f->transport.self));
    reply(f, 2, "x");
    assert_int_equal(wait_for(f, HYL_WANT_READ, &ready), HYL_ERR_TIMEOUT);
    assert_writes(f, "ab");
    assert_int_equal(wait_for(f, HYL_WANT_READ, &ready), HYL_OK);
    assert_int_equal(ready, HYL_WANT_READ);
    assert_int_equal(wait_for(f, HYL_WANT_READ | HYL_WANT_WRITE, &ready), HYL_OK);
    assert_int_equal(ready, HYL_WANT_READ | HYL_WANT_WRITE);
    assert_true(f->transport.ops->pending(f->transport.self));
    assert_reads(f, "x");
    assert_int_equal(wait_for(f, HYL_WANT_READ, &ready), HYL_ERR_TIMEOUT);
    assert_int_equal(hyl_mem_peer_end(f->peer), HYL_OK);
    assert_int_equal(wait_for(f, HYL_WANT_READ, &ready), HYL_OK);
    assert_int_equal(f->transport.ops->fd(f->transport.self), -1);
}

static void a_peer_that_takes_no_more_is_waited_for_in_vain(void **state)
{
    fixture *f = *state;
    hyl_error err = HYL_ERROR_INIT;
    unsigned ready = 0;
    size_t put = 0;
    hyl_mem_peer_fail_write(f->peer, 0, HYL_AGAIN);
    assert_int_equal(write_text(f, "x", &put, &err), HYL_AGAIN);
    assert_int_equal(wait_for(f, HYL_WANT_WRITE, &ready), HYL_ERR_TIMEOUT);
}

static void the_peer_outlives_its_transport(void **state)
{
    fixture *f = *state;
    assert_writes(f, "first");
    hyl_transport_close(&f->transport);
    assert_null(f->transport.ops);
    hyl_transport_close(&f->transport);
    hyl_transport_close(NULL);
    assert_int_equal(hyl_mem_peer_written(f->peer).len, 5);
    f->transport = hyl_mem_peer_transport(f->peer);
    reply(f, 5, "again");
    assert_reads(f, "again");
}

static void *no_realloc(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)ptr;
    (void)size;
    return NULL;
}

static void no_free(void *ctx, void *ptr)
{
    (void)ctx;
    (void)ptr;
}

static void without_memory_every_function_says_so(void **state)
{
    fixture *f = *state;
    const hyl_allocator none = {no_realloc, no_free, NULL};
    const hyl_bytes bytes = {(const uint8_t *)"x", 1};
    hyl_mem_peer *other = NULL;
    hyl_error err = HYL_ERROR_INIT;
    size_t put = 0;
    hyl_set_allocator(&none);
    hyl_status statuses[] = {
        hyl_mem_peer_new(&other),
        hyl_mem_peer_reply(f->peer, 0, bytes),
        hyl_mem_peer_end(f->peer),
        write_text(f, "x", &put, &err),
    };
    hyl_set_allocator(NULL);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_int_equal(statuses[i], HYL_ERR_NOMEM);
    }
    assert_null(other);
    assert_int_equal(err.status, HYL_ERR_NOMEM);
}

int main(void)
{
#define PEER_TEST(name) cmocka_unit_test_setup_teardown(name, make_peer, free_peer)
    const struct CMUnitTest tests[] = {
        PEER_TEST(replies_come_when_enough_was_written),
        PEER_TEST(one_write_may_reach_several_steps),
        PEER_TEST(a_step_added_later_counts_from_the_one_before),
        PEER_TEST(an_empty_reply_is_no_read),
        PEER_TEST(the_stream_ends_where_it_was_told_to),
        PEER_TEST(reads_fail_after_what_was_added),
        PEER_TEST(writes_fail_after_what_was_allowed),
        PEER_TEST(several_pieces_are_gathered),
        PEER_TEST(the_pace_bounds_and_stutters),
        PEER_TEST(a_wait_says_what_is_possible),
        PEER_TEST(a_peer_that_takes_no_more_is_waited_for_in_vain),
        PEER_TEST(the_peer_outlives_its_transport),
        PEER_TEST(without_memory_every_function_says_so),
    };
    return cmocka_run_group_tests_name("net/mem_peer", tests, NULL, NULL);
}
