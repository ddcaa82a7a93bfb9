/* Queries: what they send, what they collect, and what ends them. */
#include "support/test.h"

#include "support/raw_rig.h"

static hyl_error err;

#define C_QUERY_BINARY                \
    "P\0\0\0\011\0q\0\0\0"            \
    "B\0\0\0\016\0\0\0\0\0\0\0\1\0\2" \
    "D\0\0\0\6P\0"                    \
    "E\0\0\0\011\0\0\0\0\0"           \
    "S\0\0\0\4"

typedef hyl_status (*query_fn)(hyl_raw *raw, hyl_str sql, hyl_raw_messages **out, hyl_error *err);

/* ---- Sending ---- */

static void a_simple_query_is_one_message(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("SELECT 1"), &err), &err);
    WROTE(&rig, "Q\0\0\0\015SELECT 1\0");
    raw_rig_free(&rig);
}

static void a_binary_query_is_five_in_one_write(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_ok(hyl_raw_start_query_binary(rig.raw, HYL_STR("q"), &err), &err);
    WROTE(&rig, C_QUERY_BINARY);
    raw_rig_free(&rig);
}

static void a_prepared_statement_is_bound_and_executed(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    const hyl_param_bytes params[] = {{(const uint8_t *)"\0\0\0\051", 4}, {NULL, 0}};
    assert_ok(hyl_raw_start_execute_prepared(rig.raw, "s", params, 2, 2, &err), &err);
    WROTE(&rig, "B\0\0\0\037\0s\0\0\1\0\1\0\2\0\0\0\4\0\0\0\051\377\377\377\377\0\2\0\2\0\2"
                "E\0\0\0\011\0\0\0\0\0" C_SYNC);
    raw_rig_free(&rig);
}

static void no_columns_mean_text_results(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_ok(hyl_raw_start_execute_prepared(rig.raw, "s", NULL, 0, 0, &err), &err);
    WROTE(&rig, "B\0\0\0\015\0s\0\0\0\0\0\0\0"
                "E\0\0\0\011\0\0\0\0\0" C_SYNC);
    raw_rig_free(&rig);
}

static void what_cannot_be_encoded_leaves_the_write_buffer(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    const hyl_str nul = {"a\0b", 3};
    hyl_buf *out = hyl_raw_write_buffer(rig.raw);
    assert_ok(hyl_enc_flush(out, &err), &err);
    assert_status(hyl_raw_start_simple_query(rig.raw, nul, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_raw_simple_query(rig.raw, nul, &messages, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_raw_start_query_binary(rig.raw, nul, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_raw_query_binary(rig.raw, nul, &messages, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_raw_start_execute_prepared(rig.raw, "s", NULL, 0, 65536, &err), HYL_ERR_ARG,
                  &err);
    assert_int_equal(out->len, 5);
    assert_memory_equal(out->data, "H\0\0\0\4", 5);
    WROTE(&rig, "");
    assert_int_equal(err.flags, 0);
    hyl_buf_clear(out);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* ---- Collecting ---- */

static void assert_types(const hyl_raw_messages *messages, const char *types)
{
    hyl_msg message;
    assert_int_equal(hyl_raw_messages_count(messages), strlen(types));
    for (size_t i = 0; types[i] != '\0'; i++) {
        assert_true(hyl_raw_messages_get(messages, i, &message));
        assert_int_equal(message.type, (uint8_t)types[i]);
    }
    assert_false(hyl_raw_messages_get(messages, strlen(types), &message));
}

static void an_answer_is_all_its_messages(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    hyl_msg message;
    SAYS(&rig, M_DESC M_NOTICE M_ROW M_STATUS M_ROW M_SELECT_1 M_READY);
    assert_ok(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), &err);
    assert_types(messages, "TNDSDCZ");
    /* The list is its own: what the connection does later does not touch it. */
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
    assert_true(hyl_raw_messages_get(messages, 2, &message));
    hyl_row_iter iter;
    hyl_bytes cell;
    hyl_row_iter_init(&iter, &message);
    assert_true(hyl_row_iter_next(&iter, &cell));
    assert_int_equal(cell.data[0], 'x');
    assert_true(hyl_raw_messages_get(messages, 6, &message));
    assert_int_equal(message.as.ready, 'I');
    hyl_raw_messages_free(messages);
    hyl_raw_messages_free(NULL);
}

static void a_binary_answer_too(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    SAYS(&rig, M_PARSED M_BOUND M_DESC M_ROW M_SELECT_1 M_READY);
    assert_ok(hyl_raw_query_binary(rig.raw, HYL_STR("q"), &messages, &err), &err);
    WROTE(&rig, C_QUERY_BINARY);
    assert_types(messages, "12TDCZ");
    hyl_raw_messages_free(messages);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void a_long_answer_is_kept_whole(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    for (int i = 0; i < 20000; i++) {
        SAYS(&rig, M_ROW);
    }
    SAYS(&rig, M_SELECT_1 M_READY);
    assert_ok(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), &err);
    assert_int_equal(hyl_raw_messages_count(messages), 20002);
    hyl_raw_messages_free(messages);
    raw_rig_free(&rig);
}

static void a_copy_out_is_collected_as_it_is(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    SAYS(&rig, M_COPY_OUT M_DATA M_COPY_DONE M_COPY_5 M_READY);
    assert_ok(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), &err);
    assert_types(messages, "HdcCZ");
    hyl_raw_messages_free(messages);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* ---- Ending early ---- */

static const query_fn queries[] = {hyl_raw_simple_query, hyl_raw_query_binary};

static void an_error_is_drained(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        raw_rig rig = raw_rig_started(NULL);
        hyl_raw_messages *messages = NULL;
        SAYS(&rig, M_DESC M_ROW M_ERROR M_READY);
        assert_status(queries[i](rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_SERVER, &err);
        assert_null(messages);
        assert_string_equal(err.sqlstate, "42601");
        assert_int_equal(err.flags, HYL_ERROR_FROM_SERVER);
        assert_non_null(hyl_raw_diag(rig.raw));
        raw_rig_in_step(&rig);
        raw_rig_free(&rig);
    }
}

static void an_error_that_cannot_be_drained_marks(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    SAYS(&rig, M_ERROR);
    for (int i = 0; i < 1024; i++) {
        SAYS(&rig, M_NOTICE);
    }
    SAYS(&rig, M_READY);
    assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_SERVER,
                  &err);
    assert_int_equal(err.flags, HYL_ERROR_FROM_SERVER | HYL_ERROR_CONNECTION_LOST);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void an_answer_beyond_the_limit_is_given_up(void **state)
{
    (void)state;
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_raw_messages *messages = NULL;
    opts.max_result = 12 + 14 + 6; /* a row, the tag, ReadyForQuery */
    raw_rig rig = raw_rig_started(&opts);
    SAYS(&rig, M_ROW M_SELECT_1 M_READY);
    assert_ok(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), &err);
    hyl_raw_messages_free(messages);
    messages = NULL;

    SAYS(&rig, M_ROW M_ROW M_ROW M_ROW M_SELECT_1 M_READY);
    assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_LIMIT,
                  &err);
    assert_null(messages);
    assert_non_null(strstr(err.message, "32 bytes"));
    assert_int_equal(err.flags, 0);
    raw_rig_in_step(&rig);

    /* It is ReadyForQuery itself that is one too many. */
    SAYS(&rig, M_ROW M_ROW M_READY);
    opts.max_result = 24;
    raw_rig_free(&rig);
    rig = raw_rig_started(&opts);
    SAYS(&rig, M_ROW M_ROW M_READY);
    assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_LIMIT,
                  &err);
    assert_true(hyl_raw_is_healthy(rig.raw));
    raw_rig_free(&rig);
}

static void an_answer_that_cannot_be_given_up_marks(void **state)
{
    (void)state;
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_raw_messages *messages = NULL;
    opts.max_result = 12;
    raw_rig rig = raw_rig_started(&opts);
    SAYS(&rig, M_ROW M_ROW M_ROW);
    assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_LIMIT,
                  &err);
    assert_int_equal(err.flags, HYL_ERROR_CONNECTION_LOST);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void a_copy_in_is_failed_instead_of_hanging(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    SAYS(&rig, M_COPY_IN M_ERROR M_READY);
    assert_status(hyl_raw_simple_query(rig.raw, HYL_STR("c"), &messages, &err), HYL_ERR_PROTOCOL,
                  &err);
    assert_non_null(strstr(err.message, "COPY FROM STDIN"));
    assert_int_equal(err.flags, 0);
    assert_null(messages);
    WROTE(&rig, "Q\0\0\0\6c\0"
                "f\0\0\0\034abandoned by the client\0");
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* The server has swallowed the Sync that came with the query: it needs another. */
static void an_extended_copy_in_is_failed_with_a_sync(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_raw_messages *messages = NULL;
    const hyl_bytes end = LITERAL(M_ERROR M_READY);
    SAYS(&rig, M_PARSED M_BOUND M_NO_DATA M_COPY_IN);
    /* Behind the Sync: no sooner is there a ReadyForQuery. */
    enum { STARTUP_SIZE = 16, COPY_FAIL_SIZE = 5 + sizeof "abandoned by the client" };
    size_t all = STARTUP_SIZE + sizeof C_QUERY_BINARY - 1 + COPY_FAIL_SIZE + sizeof C_SYNC - 1;
    assert_int_equal(hyl_mem_peer_reply(rig.peer, all, end), HYL_OK);
    assert_status(hyl_raw_query_binary(rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_PROTOCOL,
                  &err);
    WROTE(&rig, C_QUERY_BINARY "f\0\0\0\034abandoned by the client\0" C_SYNC);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void a_broken_stream_marks(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        raw_rig rig = raw_rig_started(NULL);
        hyl_raw_messages *messages = NULL;
        SAYS(&rig, M_PARSED);
        assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
        assert_status(queries[i](rig.raw, HYL_STR("q"), &messages, &err), HYL_ERR_CLOSED, &err);
        assert_null(messages);
        raw_rig_marked(&rig);
        raw_rig_free(&rig);
    }
}

/* ---- One whole answer at a time -------------------------------------------------------------- */

static hyl_status note_nothing(void *ctx, hyl_bytes piece, hyl_error *e)
{
    (void)ctx;
    (void)piece;
    (void)e;
    return HYL_OK;
}

/* Every call that reads a whole answer is refused, names what is open, and sends nothing. */
static void assert_busy(raw_rig *rig, const char *what)
{
    hyl_raw_messages *messages = NULL;
    hyl_buf out = HYL_BUF_INIT;
    const hyl_str q = HYL_STR("q");
    hyl_mem_peer_forget(rig->peer);
    assert_status(hyl_raw_simple_query(rig->raw, q, &messages, &err), HYL_ERR_BUSY, &err);
    assert_non_null(strstr(err.message, what));
    assert_int_equal(err.flags, 0);
    assert_status(hyl_raw_query_binary(rig->raw, q, &messages, &err), HYL_ERR_BUSY, &err);
    assert_status(hyl_raw_start_copy_in(rig->raw, "t", NULL, 0, &err), HYL_ERR_BUSY, &err);
    assert_status(hyl_raw_start_copy_in_raw(rig->raw, q, &err), HYL_ERR_BUSY, &err);
    assert_status(hyl_raw_copy_out(rig->raw, q, &out, &err), HYL_ERR_BUSY, &err);
    assert_status(hyl_raw_copy_out_to_writer(rig->raw, q, note_nothing, NULL, NULL, &err),
                  HYL_ERR_BUSY, &err);
    assert_null(messages);
    WROTE(rig, "");
}

static void an_answer_that_was_not_read_is_not_taken_for_the_next(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_DESC M_ROW M_SELECT_1 M_READY M_DESC M_ROW M_SELECT_1 M_READY);
    assert_ok(hyl_raw_start_simple_query(rig.raw, HYL_STR("a"), &err), &err);
    assert_busy(&rig, "earlier request");
    raw_rig_reads(&rig, HYL_MSG_ROW_DESCRIPTION);
    assert_busy(&rig, "earlier request");
    /* Two in flight: after the first answer there is the second. */
    assert_ok(hyl_raw_start_query_binary(rig.raw, HYL_STR("b"), &err), &err);
    assert_true(hyl_raw_drain_until_ready(rig.raw));
    assert_busy(&rig, "earlier request");
    assert_true(hyl_raw_drain_until_ready(rig.raw));
    raw_rig_in_step(&rig);
    /* One that waits to be sent counts too. */
    assert_ok(hyl_enc_query(hyl_raw_write_buffer(rig.raw), HYL_STR("c"), &err), &err);
    assert_busy(&rig, "earlier request");
    raw_rig_free(&rig);
}

static void an_open_copy_is_named(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_COPY_IN);
    assert_ok(hyl_raw_start_copy_in(rig.raw, "t", NULL, 0, &err), &err);
    assert_busy(&rig, "COPY FROM STDIN");
    SAYS(&rig, M_COPY_5 M_READY);
    assert_ok(hyl_raw_finish_copy(rig.raw, NULL, &err), &err);
    raw_rig_in_step(&rig);
    /* By the extended protocol the Sync before the data is swallowed. */
    SAYS(&rig, M_PARSED M_BOUND M_NO_DATA M_COPY_IN);
    assert_ok(hyl_raw_start_query_binary(rig.raw, HYL_STR("c"), &err), &err);
    raw_rig_reads(&rig, HYL_MSG_PARSE_COMPLETE);
    raw_rig_reads(&rig, HYL_MSG_BIND_COMPLETE);
    raw_rig_reads(&rig, HYL_MSG_NO_DATA);
    raw_rig_reads(&rig, HYL_MSG_COPY_IN_RESPONSE);
    assert_busy(&rig, "COPY FROM STDIN");
    SAYS(&rig, M_COPY_5 M_READY);
    assert_ok(hyl_raw_finish_copy(rig.raw, NULL, &err), &err);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* A ReadyForQuery too many is no answer: the true one would be the next request's. */
static void ready_alone_is_no_answer(void **state)
{
    (void)state;
    hyl_raw_messages *messages = NULL;
    for (int binary = 0; binary < 2; binary++) {
        raw_rig rig = raw_rig_started(NULL);
        SAYS(&rig, M_READY M_DESC M_ROW M_SELECT_1 M_READY);
        assert_status(binary ? hyl_raw_query_binary(rig.raw, HYL_STR("q"), &messages, &err)
                             : hyl_raw_simple_query(rig.raw, HYL_STR("q"), &messages, &err),
                      HYL_ERR_PROTOCOL, &err);
        assert_int_equal(err.flags, HYL_ERROR_CONNECTION_LOST);
        raw_rig_marked(&rig);
        raw_rig_free(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_simple_query_is_one_message),
        cmocka_unit_test(a_binary_query_is_five_in_one_write),
        cmocka_unit_test(a_prepared_statement_is_bound_and_executed),
        cmocka_unit_test(no_columns_mean_text_results),
        cmocka_unit_test(what_cannot_be_encoded_leaves_the_write_buffer),
        cmocka_unit_test(an_answer_is_all_its_messages),
        cmocka_unit_test(a_binary_answer_too),
        cmocka_unit_test(a_long_answer_is_kept_whole),
        cmocka_unit_test(a_copy_out_is_collected_as_it_is),
        cmocka_unit_test(an_error_is_drained),
        cmocka_unit_test(an_error_that_cannot_be_drained_marks),
        cmocka_unit_test(an_answer_beyond_the_limit_is_given_up),
        cmocka_unit_test(an_answer_that_cannot_be_given_up_marks),
        cmocka_unit_test(a_copy_in_is_failed_instead_of_hanging),
        cmocka_unit_test(an_extended_copy_in_is_failed_with_a_sync),
        cmocka_unit_test(a_broken_stream_marks),
        cmocka_unit_test(an_answer_that_was_not_read_is_not_taken_for_the_next),
        cmocka_unit_test(an_open_copy_is_named),
        cmocka_unit_test(ready_alone_is_no_answer),
    };
    return cmocka_run_group_tests_name("conn/raw_query", tests, NULL, NULL);
}
