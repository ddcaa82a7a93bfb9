#include "support/test.h"

#include <hyperline/transport.h>

#include "base/clock.h"
#include "conn/cancel_request.h"

static hyl_error err;

/* Sends a cancel to a peer that does `script` with it. */
static hyl_status cancel_until(hyl_mem_peer *peer, int64_t deadline)
{
    hyl_transport transport = hyl_mem_peer_transport(peer);
    return hyl__cancel_request(&transport, 1, 2, deadline, &err);
}

static hyl_status cancel(hyl_mem_peer *peer)
{
    return cancel_until(peer, INT64_MAX);
}

static hyl_mem_peer *new_peer(void)
{
    hyl_mem_peer *peer = NULL;
    assert_int_equal(hyl_mem_peer_new(&peer), HYL_OK);
    return peer;
}

static void it_is_sent_and_the_end_awaited(void **state)
{
    (void)state;
    hyl_mem_peer *peer = new_peer();
    hyl_mem_peer_pace(peer, 0, 3, true);
    assert_int_equal(hyl_mem_peer_end(peer), HYL_OK);
    assert_ok(cancel(peer), &err);
    hyl_bytes written = hyl_mem_peer_written(peer);
    assert_int_equal(written.len, 16);
    assert_memory_equal(written.data, "\0\0\0\020\004\322\026\056\0\0\0\1\0\0\0\2", 16);
    hyl_mem_peer_free(peer);
}

static void a_reset_is_an_end_too(void **state)
{
    (void)state;
    static const hyl_status resets[] = {HYL_ERR_IO, HYL_ERR_CLOSED};
    for (size_t i = 0; i < 2; i++) {
        hyl_mem_peer *peer = new_peer();
        assert_int_equal(hyl_mem_peer_fail_read(peer, resets[i]), HYL_OK);
        assert_ok(cancel(peer), &err);
        hyl_mem_peer_free(peer);
    }
}

static void what_the_server_says_is_passed_over(void **state)
{
    (void)state;
    static const uint8_t words[40];
    hyl_mem_peer *peer = new_peer();
    assert_int_equal(hyl_mem_peer_reply(peer, 0, (hyl_bytes){words, sizeof words}), HYL_OK);
    assert_int_equal(hyl_mem_peer_end(peer), HYL_OK);
    assert_ok(cancel(peer), &err);
    hyl_mem_peer_free(peer);
}

/* It never pauses, so that nobody waits: the deadline holds all the same. */
static void words_do_not_outlast_the_deadline(void **state)
{
    (void)state;
    static const uint8_t words[40];
    hyl_mem_peer *peer = new_peer();
    hyl_mem_peer_pace(peer, 1, 0, false);
    assert_int_equal(hyl_mem_peer_reply(peer, 0, (hyl_bytes){words, sizeof words}), HYL_OK);
    assert_int_equal(hyl_mem_peer_end(peer), HYL_OK);
    assert_status(cancel_until(peer, hyl__now_ms()), HYL_ERR_TIMEOUT, &err);
    hyl_mem_peer_free(peer);
}

static void endless_words_are_not_read_to_their_end(void **state)
{
    (void)state;
    static const uint8_t words[100000];
    uint8_t byte = 0;
    size_t got = 0;
    hyl_mem_peer *peer = new_peer();
    assert_int_equal(hyl_mem_peer_reply(peer, 0, (hyl_bytes){words, sizeof words}), HYL_OK);
    assert_int_equal(hyl_mem_peer_end(peer), HYL_OK);
    assert_status(cancel(peer), HYL_ERR_PROTOCOL, &err);
    hyl_transport transport = hyl_mem_peer_transport(peer);
    assert_ok(transport.ops->read(transport.self, &byte, 1, &got, &err), &err);
    hyl_mem_peer_free(peer);
}

static void without_an_end_it_is_a_timeout(void **state)
{
    (void)state;
    hyl_mem_peer *peer = new_peer();
    assert_status(cancel(peer), HYL_ERR_TIMEOUT, &err);
    hyl_mem_peer_free(peer);
}

static void what_cannot_be_sent_is_told(void **state)
{
    (void)state;
    hyl_mem_peer *peer = new_peer();
    hyl_mem_peer_fail_write(peer, 4, HYL_ERR_IO);
    assert_status(cancel(peer), HYL_ERR_IO, &err);
    hyl_mem_peer_fail_write(peer, 0, HYL_AGAIN);
    assert_status(cancel(peer), HYL_ERR_TIMEOUT, &err);
    hyl_mem_peer_free(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_sent_and_the_end_awaited),
        cmocka_unit_test(a_reset_is_an_end_too),
        cmocka_unit_test(what_the_server_says_is_passed_over),
        cmocka_unit_test(words_do_not_outlast_the_deadline),
        cmocka_unit_test(endless_words_are_not_read_to_their_end),
        cmocka_unit_test(without_an_end_it_is_a_timeout),
        cmocka_unit_test(what_cannot_be_sent_is_told),
    };
    return cmocka_run_group_tests_name("conn/cancel_request", tests, NULL, NULL);
}
