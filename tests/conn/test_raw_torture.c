/*
 * Each allocation of each call fails once. Whatever it was: the call says NOMEM (or what it would
 * have said anyway), nothing leaks, and the connection is in step or marked.
 */
#include "support/test.h"

#include "support/alloc.h"
#include "support/raw_rig.h"

static hyl_error err;

typedef hyl_status (*step_fn)(raw_rig *rig);

static hyl_status do_startup(raw_rig *rig)
{
    const hyl_pair params[] = {{"user", "u"}};
    return hyl_raw_startup(rig->raw, params, 1, "secret", &err);
}

static hyl_status do_simple_query(raw_rig *rig)
{
    hyl_raw_messages *messages = NULL;
    hyl_status status = hyl_raw_simple_query(rig->raw, HYL_STR("q"), &messages, &err);
    hyl_raw_messages_free(messages);
    return status;
}

static hyl_status do_query_binary(raw_rig *rig)
{
    hyl_raw_messages *messages = NULL;
    hyl_status status = hyl_raw_query_binary(rig->raw, HYL_STR("q"), &messages, &err);
    hyl_raw_messages_free(messages);
    return status;
}

static hyl_status do_execute_prepared(raw_rig *rig)
{
    const hyl_param_bytes params[] = {{(const uint8_t *)"abc", 3}};
    HYL_TRY(hyl_raw_start_execute_prepared(rig->raw, "s", params, 1, 3, &err));
    return hyl_raw_drain_until_ready(rig->raw) ? HYL_OK : HYL_ERR_NOMEM;
}

static hyl_status do_copy_in(raw_rig *rig)
{
    static const char *const columns[] = {"a", "b"};
    static uint8_t data[100000];
    const hyl_bytes big = {data, sizeof data};
    HYL_TRY(hyl_raw_start_copy_in(rig->raw, "t", columns, 2, &err));
    hyl_status status = hyl_raw_send_copy_data(rig->raw, big, &err);
    if (status == HYL_OK) {
        status = hyl_raw_send_copy_data_direct(rig->raw, big, &err);
    }
    if (status != HYL_OK) {
        /* What was not sent can be ended like what was. */
        (void)!hyl_raw_cancel_copy(rig->raw, "out of memory", NULL);
        return status;
    }
    return hyl_raw_finish_copy(rig->raw, NULL, &err);
}

static hyl_status do_copy_out(raw_rig *rig)
{
    hyl_buf out = HYL_BUF_INIT;
    hyl_status status = hyl_raw_copy_out(rig->raw, HYL_STR("q"), &out, &err);
    hyl_buf_reset(&out);
    return status;
}

static hyl_status count_piece(void *ctx, hyl_bytes piece, hyl_error *e)
{
    (void)e;
    *(size_t *)ctx += piece.len;
    return HYL_OK;
}

static hyl_status do_copy_out_to_writer(raw_rig *rig)
{
    size_t total = 0;
    return hyl_raw_copy_out_to_writer(rig->raw, HYL_STR("q"), count_piece, &total, NULL, &err);
}

static hyl_status do_abandon(raw_rig *rig)
{
    HYL_TRY(hyl_raw_start_simple_query(rig->raw, HYL_STR("q"), &err));
    return hyl_raw_abandon(rig->raw, &err);
}

static hyl_status do_terminate(raw_rig *rig)
{
    return hyl_raw_terminate(rig->raw, &err);
}

/* A DataRow of 200,000 bytes, larger than the window. */
static hyl_bytes big_row(void)
{
    enum { CELL = 200000 };
    static uint8_t row[11 + CELL] = "D\0\3\015\112\0\1\0\3\015\100";
    return (hyl_bytes){row, sizeof row};
}

typedef enum answer_size { SMALL, BIG } answer_size;

/* What each step does, what the peer says to it, and how it ends where nothing fails. */
static const struct {
    step_fn run;
    hyl_bytes said;
    answer_size size; /* BIG: a big row comes before it */
    hyl_status status;
} steps[] = {
#define SAID(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
    {do_startup, SAID(M_CLEARTEXT M_AUTH_OK M_STATUS M_KEY M_READY), SMALL, HYL_OK},
    {do_startup, SAID(M_AUTH_OK M_ERROR M_READY), SMALL, HYL_ERR_SERVER},
    {do_simple_query, SAID(M_DESC M_ROW M_STATUS M_SELECT_1 M_READY), SMALL, HYL_OK},
    {do_simple_query, SAID(M_SELECT_1 M_READY), BIG, HYL_OK},
    {do_simple_query, SAID(M_DESC M_ROW M_ERROR M_READY), SMALL, HYL_ERR_SERVER},
    {do_simple_query, SAID(M_COPY_IN M_ERROR M_READY), SMALL, HYL_ERR_PROTOCOL},
    {do_query_binary, SAID(M_PARSED M_BOUND M_DESC M_ROW M_SELECT_1 M_READY), SMALL, HYL_OK},
    {do_execute_prepared, SAID(M_BOUND M_ROW M_SELECT_1 M_READY), SMALL, HYL_OK},
    {do_copy_in, SAID(M_COPY_IN M_COPY_5 M_READY), SMALL, HYL_OK},
    {do_copy_in, SAID(M_COPY_OUT M_DATA M_COPY_DONE M_READY), SMALL, HYL_ERR_PROTOCOL},
    {do_copy_out, SAID(M_COPY_OUT M_DATA M_DATA M_COPY_DONE M_READY), SMALL, HYL_OK},
    {do_copy_out_to_writer, SAID(M_COPY_OUT M_DATA M_DATA M_COPY_DONE M_READY), SMALL, HYL_OK},
    {do_abandon, SAID(M_ROW M_READY), SMALL, HYL_OK},
    {do_terminate, SAID(""), SMALL, HYL_OK},
#undef SAID
};

enum { STEP_COUNT = sizeof steps / sizeof steps[0] };

/* Runs one step with its nth allocation failing; false where it has fewer. */
static bool step_without_memory(size_t step, size_t fail_in)
{
    alloc_start(ALLOC_NEVER);
    bool first = steps[step].run == do_startup;
    raw_rig rig = first ? raw_rig_new(NULL) : raw_rig_started(NULL);
    if (steps[step].size == BIG) {
        assert_int_equal(hyl_mem_peer_reply(rig.peer, 1, big_row()), HYL_OK);
    }
    assert_int_equal(
        hyl_mem_peer_reply(rig.peer, steps[step].size == BIG ? 0 : 1, steps[step].said), HYL_OK);
    hyl_error_clear(&err);
    alloc_arm(fail_in);
    hyl_status status = steps[step].run(&rig);
    bool reached = alloc_failed();
    alloc_arm(ALLOC_NEVER);
    if (!reached) {
        assert_status(status, steps[step].status, &err);
    } else if (status != steps[step].status) {
        /* An allocation may be one that can be done without. */
        assert_status(status, HYL_ERR_NOMEM, &err);
    }
    bool asked = hyl_mem_peer_written(rig.peer).len > 0;
    if (!hyl_raw_is_healthy(rig.raw)) {
        assert_true(reached || status != HYL_OK || steps[step].run == do_terminate);
    } else if (asked) {
        raw_rig_in_step(&rig);
    }
    raw_rig_free(&rig);
    alloc_stop();
    return reached;
}

static void every_allocation_of_every_call_may_fail(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t step = 0; step < STEP_COUNT; step++) {
        size_t fail_in = 1;
        while (step_without_memory(step, fail_in)) {
            fail_in++;
        }
        failures += fail_in - 1;
    }
    printf("%zu allocations failed\n", failures);
    assert_true(failures > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_every_call_may_fail),
    };
    return cmocka_run_group_tests_name("conn/raw_torture", tests, NULL, NULL);
}
