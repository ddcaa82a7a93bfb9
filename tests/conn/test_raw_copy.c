/* COPY in both directions, and each way that it can turn out otherwise. */
#include "support/test.h"

#include "support/backend.h"
#include "support/raw_rig.h"

#include "conn/raw.h"

static hyl_error err;

/* A connection in COPY from us; what was sent for that is forgotten. */
static raw_rig in_copy(const hyl_raw_opts *opts)
{
    raw_rig rig = raw_rig_started(opts);
    SAYS(&rig, M_COPY_IN);
    assert_ok(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("c"), &err), &err);
    hyl_mem_peer_forget(rig.peer);
    return rig;
}

/* ---- Starting ---- */

/* Asserts that the one message that was written is this query. */
static void wrote_query(raw_rig *rig, const char *sql)
{
    hyl_buf wanted = HYL_BUF_INIT;
    assert_ok(hyl_enc_query(&wanted, hyl_str_of(sql), &err), &err);
    raw_rig_wrote(rig, (hyl_bytes){wanted.data, wanted.len});
    hyl_buf_reset(&wanted);
}

static void column_names_are_quoted(void **state)
{
    (void)state;
    static const char *const columns[] = {"a", "b\"c", "Größe"};
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_COPY_IN);
    assert_ok(hyl_raw_start_copy_in(rig.raw, "public.t", columns, 3, &err), &err);
    wrote_query(&rig, "COPY public.t (\"a\", \"b\"\"c\", \"Größe\") FROM STDIN "
                      "WITH (FORMAT HYPERBINARY)");
    raw_rig_free(&rig);
}

static void no_columns_mean_no_list(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_COPY_IN);
    assert_ok(hyl_raw_start_copy_in(rig.raw, "\"my table\"", NULL, 0, &err), &err);
    wrote_query(&rig, "COPY \"my table\" FROM STDIN WITH (FORMAT HYPERBINARY)");
    raw_rig_free(&rig);
}

static void the_format_is_the_callers(void **state)
{
    (void)state;
    static const char *const columns[] = {"a"};
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_COPY_IN);
    assert_ok(hyl_raw_start_copy_in_with_format(rig.raw, "t", columns, 1, "ARROWSTREAM", &err),
              &err);
    wrote_query(&rig, "COPY t (\"a\") FROM STDIN WITH (FORMAT ARROWSTREAM)");
    raw_rig_free(&rig);
}

static void a_statement_of_ones_own_is_sent_as_it_is(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_NOTICE M_STATUS M_COPY_IN);
    assert_ok(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("copy t from stdin"), &err), &err);
    wrote_query(&rig, "copy t from stdin");
    raw_rig_free(&rig);
}

static void what_cannot_be_a_statement_is_arg(void **state)
{
    (void)state;
    static const char *const empty_column[] = {"a", ""};
    static const char *const bad_column[] = {"\xff"};
    raw_rig rig = raw_rig_started(NULL);
    assert_status(hyl_raw_start_copy_in(rig.raw, "", NULL, 0, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_raw_start_copy_in(rig.raw, NULL, NULL, 0, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_raw_start_copy_in_with_format(rig.raw, "t", NULL, 0, NULL, &err), HYL_ERR_ARG,
                  &err);
    assert_status(hyl_raw_start_copy_in(rig.raw, "t", bad_column, 1, &err), HYL_ERR_ARG, &err);
    assert_status(hyl_raw_start_copy_in(rig.raw, "t", empty_column, 2, &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "column 2"));
    assert_status(hyl_raw_start_copy_in_raw(rig.raw, (hyl_str){"a\0", 2}, &err), HYL_ERR_ARG, &err);
    WROTE(&rig, "");
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void an_error_instead_is_drained(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_ERROR M_READY);
    assert_status(hyl_raw_start_copy_in(rig.raw, "t", NULL, 0, &err), HYL_ERR_SERVER, &err);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void another_statement_instead_is_protocol_in_step(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_DESC M_ROW M_SELECT_1 M_READY);
    assert_status(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("q"), &err), HYL_ERR_PROTOCOL, &err);
    assert_int_equal(err.flags, 0);
    raw_rig_in_step(&rig);
    SAYS(&rig, "I\0\0\0\4" M_READY);
    assert_status(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("q"), &err), HYL_ERR_PROTOCOL, &err);
    assert_int_equal(err.flags, 0);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* One ReadyForQuery too many: what follows would be taken for the answer of the next request. */
static void no_answer_but_ready_is_out_of_step(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_READY M_COPY_IN);
    assert_status(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("q"), &err), HYL_ERR_PROTOCOL, &err);
    assert_int_equal(err.flags, HYL_ERROR_CONNECTION_LOST);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void a_copy_out_instead_is_given_up(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_COPY_OUT M_DATA M_COPY_DONE M_COPY_5 M_READY);
    assert_status(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("q"), &err), HYL_ERR_PROTOCOL, &err);
    assert_int_equal(err.flags, 0);
    raw_rig_in_step(&rig);

    /* One that does not end within its bounds marks. */
    SAYS(&rig, M_COPY_OUT M_DATA);
    assert_status(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("q"), &err), HYL_ERR_PROTOCOL, &err);
    assert_int_equal(err.flags, HYL_ERROR_CONNECTION_LOST);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

/* ---- Data ---- */

static void data_wait_in_the_write_buffer(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    assert_ok(hyl_raw_send_copy_data(rig.raw, LITERAL("ab"), &err), &err);
    assert_ok(hyl_raw_send_copy_data(rig.raw, (hyl_bytes){NULL, 0}, &err), &err);
    WROTE(&rig, "");
    assert_ok(hyl_raw_flush_stream(rig.raw, &err), &err);
    WROTE(&rig, "");
    assert_ok(hyl_raw_flush(rig.raw, &err), &err);
    WROTE(&rig, "d\0\0\0\6ab"
                "d\0\0\0\4");
    raw_rig_free(&rig);
}

static void direct_data_go_behind_what_waits(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    assert_ok(hyl_raw_send_copy_data(rig.raw, LITERAL("ab"), &err), &err);
    assert_ok(hyl_raw_send_copy_data_direct(rig.raw, LITERAL("cde"), &err), &err);
    WROTE(&rig, "d\0\0\0\6ab"
                "d\0\0\0\7cde");
    assert_ok(hyl_raw_send_copy_data_direct(rig.raw, (hyl_bytes){NULL, 0}, &err), &err);
    WROTE(&rig, "d\0\0\0\4");
    raw_rig_free(&rig);
}

/* Every split of what is sent at once. */
static void direct_data_survive_short_writes(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 20; piece++) {
        raw_rig rig = in_copy(NULL);
        hyl_mem_peer_pace(rig.peer, 0, piece, piece % 2 == 0);
        assert_ok(hyl_raw_send_copy_data(rig.raw, LITERAL("ab"), &err), &err);
        assert_ok(hyl_raw_send_copy_data_direct(rig.raw, LITERAL("cde"), &err), &err);
        WROTE(&rig, "d\0\0\0\6ab"
                    "d\0\0\0\7cde");
        raw_rig_free(&rig);
    }
}

typedef hyl_status (*send_fn)(hyl_raw *raw, hyl_bytes data, hyl_error *err);

static const send_fn sends[] = {hyl_raw_send_copy_data, hyl_raw_send_copy_data_direct};

static void too_much_data_are_refused_before_anything_is_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        raw_rig rig = in_copy(NULL);
        const uint8_t byte = 0;
        assert_ok(hyl_raw_send_copy_data(rig.raw, LITERAL("ab"), &err), &err);
        assert_status(sends[i](rig.raw, (hyl_bytes){&byte, 157286401}, &err), HYL_ERR_LIMIT, &err);
        assert_status(sends[i](rig.raw, (hyl_bytes){&byte, (size_t)UINT32_MAX - 3}, &err),
                      HYL_ERR_PROTOCOL, &err);
        assert_int_equal(err.flags, 0);
        WROTE(&rig, "");
        assert_true(hyl_raw_is_healthy(rig.raw));
        assert_int_equal(hyl_raw_write_buffer(rig.raw)->len, 7);
        raw_rig_free(&rig);
    }
}

static void the_limit_of_data_can_be_set(void **state)
{
    (void)state;
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    opts.max_copy_data = 3;
    for (size_t i = 0; i < 2; i++) {
        raw_rig rig = in_copy(&opts);
        assert_ok(sends[i](rig.raw, LITERAL("abc"), &err), &err);
        assert_status(sends[i](rig.raw, LITERAL("abcd"), &err), HYL_ERR_LIMIT, &err);
        raw_rig_free(&rig);
    }
    /* Even without a limit of one's own a message has one. */
    opts.max_copy_data = UINT64_MAX;
    const uint8_t byte = 0;
    raw_rig rig = in_copy(&opts);
    assert_status(hyl_raw_send_copy_data(rig.raw, (hyl_bytes){&byte, (size_t)UINT32_MAX - 3}, &err),
                  HYL_ERR_PROTOCOL, &err);
    raw_rig_free(&rig);
}

/* ---- Ending ---- */

static void finish_counts_the_rows_of_the_tag(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        size_t len;
        uint64_t rows;
    } tags[] = {
        {M_COPY_5, sizeof M_COPY_5 - 1, 5},
        {M_SELECT_1, sizeof M_SELECT_1 - 1, 0},
        {"C\0\0\0\011COPY\0", 10, 0},
        {"C\0\0\0\015COPY abc\0", 14, 0},
        {"C\0\0\0\035COPY 9223372036854775807\0", 30, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        raw_rig rig = in_copy(NULL);
        uint64_t rows = 99;
        raw_rig_says(&rig, (hyl_bytes){(const uint8_t *)tags[i].tag, tags[i].len});
        SAYS(&rig, M_READY);
        assert_ok(hyl_raw_finish_copy(rig.raw, &rows, &err), &err);
        assert_true(rows == tags[i].rows);
        WROTE(&rig, C_COPY_DONE);
        raw_rig_in_step(&rig);
        raw_rig_free(&rig);
    }
}

static void finish_sends_what_waits_first(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    assert_ok(hyl_raw_send_copy_data(rig.raw, LITERAL("ab"), &err), &err);
    SAYS(&rig, M_NOTICE M_STATUS M_COPY_5 M_READY);
    assert_ok(hyl_raw_finish_copy(rig.raw, NULL, &err), &err);
    WROTE(&rig, "d\0\0\0\6ab" C_COPY_DONE);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void an_error_at_the_end_is_drained(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    uint64_t rows = 99;
    SAYS(&rig, M_ERROR M_READY);
    assert_status(hyl_raw_finish_copy(rig.raw, &rows, &err), HYL_ERR_SERVER, &err);
    assert_int_equal(rows, 99);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* The server gave up in the middle; it ignores what still comes. */
static void an_error_during_the_data_is_met_at_the_end(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    SAYS(&rig, M_ERROR M_READY);
    assert_ok(hyl_raw_send_copy_data_direct(rig.raw, LITERAL("ab"), &err), &err);
    assert_ok(hyl_raw_send_copy_data_direct(rig.raw, LITERAL("cd"), &err), &err);
    assert_status(hyl_raw_finish_copy(rig.raw, NULL, &err), HYL_ERR_SERVER, &err);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void cancel_swallows_the_error_that_it_provokes(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    assert_ok(hyl_raw_send_copy_data(rig.raw, LITERAL("ab"), &err), &err);
    SAYS(&rig, M_ERROR M_READY);
    assert_ok(hyl_raw_cancel_copy(rig.raw, "no", &err), &err);
    WROTE(&rig, "d\0\0\0\6ab"
                "f\0\0\0\7no\0");
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* As hyperd does at the end marker of an Arrow stream. */
static void what_the_server_had_completed_cannot_be_given_up(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    backend_tag(&messages, "COPY 3");
    backend_ready(&messages, 'I');
    assert_int_equal(hyl_mem_peer_reply(rig.peer, 0, (hyl_bytes){messages.data, messages.len}),
                     HYL_OK);
    hyl_buf_reset(&messages);
    assert_status(hyl_raw_cancel_copy(rig.raw, "no", &err), HYL_ERR_STATE, &err);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* A server that overlooks CopyFail looks again when something more comes. */
static void a_cancel_that_is_overlooked_is_followed_by_flush(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    size_t before = sizeof "LENGTHS.user\0u" + 1 + sizeof "LENG.c"; /* startup, Query */
    size_t copy_fail = 5 + sizeof "no";
    assert_int_equal(
        hyl_mem_peer_reply(rig.peer, before + copy_fail + 2 * 5, LITERAL(M_ERROR M_READY)), HYL_OK);
    assert_ok(hyl_raw_cancel_copy(rig.raw, "no", &err), &err);
    WROTE(&rig, "f\0\0\0\7no\0"
                "H\0\0\0\4"
                "H\0\0\0\4");
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

/* Not for ever, and within the deadline. */
static void a_cancel_that_is_never_answered_is_a_timeout(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    assert_status(hyl_raw_cancel_copy(rig.raw, "no", &err), HYL_ERR_TIMEOUT, &err);
    assert_in_range(hyl_mem_peer_written(rig.peer).len, 8 + 5, 8 + 20 * 5);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
    rig = in_copy(NULL);
    hyl_raw_set_timeout(rig.raw, 1);
    assert_status(hyl_raw_cancel_copy(rig.raw, "no", &err), HYL_ERR_TIMEOUT, &err);
    WROTE(&rig, "f\0\0\0\7no\0");
    raw_rig_free(&rig);
}

static void a_cancel_that_is_not_answered_marks(void **state)
{
    (void)state;
    raw_rig rig = in_copy(NULL);
    SAYS(&rig, M_ERROR);
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_status(hyl_raw_cancel_copy(rig.raw, NULL, &err), HYL_ERR_CLOSED, &err);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

static void without_a_copy_there_is_nothing_to_send_or_end(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    assert_status(hyl_raw_finish_copy(rig.raw, NULL, &err), HYL_ERR_STATE, &err);
    assert_status(hyl_raw_cancel_copy(rig.raw, "no", &err), HYL_ERR_STATE, &err);
    assert_status(hyl_raw_send_copy_data(rig.raw, LITERAL("x"), &err), HYL_ERR_STATE, &err);
    assert_status(hyl_raw_send_copy_data_direct(rig.raw, LITERAL("x"), &err), HYL_ERR_STATE, &err);
    WROTE(&rig, "");
    raw_rig_in_step(&rig);

    /* Nor after an error that was read. */
    SAYS(&rig, M_COPY_IN M_ERROR M_READY);
    assert_ok(hyl_raw_start_copy_in_raw(rig.raw, HYL_STR("c"), &err), &err);
    hyl_mem_peer_forget(rig.peer);
    raw_rig_reads(&rig, HYL_MSG_ERROR_RESPONSE);
    raw_rig_reads(&rig, HYL_MSG_READY_FOR_QUERY);
    assert_status(hyl_raw_finish_copy(rig.raw, NULL, &err), HYL_ERR_STATE, &err);
    WROTE(&rig, "");
    raw_rig_free(&rig);
}

/* A COPY by bytes of one's own, whose CopyInResponse nobody has read. */
static void a_copy_of_ones_own_can_be_finished(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    uint64_t rows = 0;
    assert_ok(hyl_enc_query(hyl_raw_write_buffer(rig.raw), HYL_STR("c"), &err), &err);
    assert_ok(hyl_raw_send_copy_data(rig.raw, LITERAL("ab"), &err), &err);
    SAYS(&rig, M_COPY_IN M_COPY_5 M_READY);
    assert_ok(hyl_raw_finish_copy(rig.raw, &rows, &err), &err);
    assert_int_equal(rows, 5);
    WROTE(&rig, "Q\0\0\0\6c\0"
                "d\0\0\0\6ab" C_COPY_DONE);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void a_copy_in_of_the_extended_protocol_ends_with_sync(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        assert_ok(hyl_raw_start_query_binary(rig.raw, HYL_STR("c"), &err), &err);
        SAYS(&rig, M_PARSED M_BOUND M_NO_DATA M_COPY_IN);
        raw_rig_reads(&rig, HYL_MSG_PARSE_COMPLETE);
        raw_rig_reads(&rig, HYL_MSG_BIND_COMPLETE);
        raw_rig_reads(&rig, HYL_MSG_NO_DATA);
        raw_rig_reads(&rig, HYL_MSG_COPY_IN_RESPONSE);
        hyl_mem_peer_forget(rig.peer);
        if (cancelled) {
            SAYS(&rig, M_ERROR M_READY);
            assert_ok(hyl_raw_cancel_copy(rig.raw, "no", &err), &err);
            WROTE(&rig, "f\0\0\0\7no\0" C_SYNC);
        } else {
            SAYS(&rig, M_COPY_5 M_READY);
            assert_ok(hyl_raw_finish_copy(rig.raw, NULL, &err), &err);
            WROTE(&rig, C_COPY_DONE C_SYNC);
        }
        raw_rig_in_step(&rig);
    }
    raw_rig_free(&rig);
}

/* ---- Out of the server ---- */

static void copy_out_gives_all_bytes(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_buf out = HYL_BUF_INIT;
    hyl_buf_append_str(&out, "before ");
    SAYS(&rig, M_COPY_OUT M_DATA M_STATUS M_DATA M_COPY_DONE M_COPY_5 M_READY);
    assert_ok(hyl_raw_copy_out(rig.raw, HYL_STR("q"), &out, &err), &err);
    assert_int_equal(out.len, 13);
    assert_memory_equal(out.data, "before abcabc", 13);
    WROTE(&rig, "Q\0\0\0\6q\0");
    raw_rig_in_step(&rig);
    hyl_buf_reset(&out);
    raw_rig_free(&rig);
}

static void nothing_copied_is_no_error(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    hyl_buf out = HYL_BUF_INIT;
    SAYS(&rig, M_COPY_OUT M_COPY_DONE M_COPY_5 M_READY);
    assert_ok(hyl_raw_copy_out(rig.raw, HYL_STR("q"), &out, &err), &err);
    assert_int_equal(out.len, 0);
    raw_rig_free(&rig);
}

/* A failing copy_out leaves the buffer as it was. */
static void copy_out_fails(raw_rig *rig, hyl_status status)
{
    hyl_buf out = HYL_BUF_INIT;
    hyl_buf_append_str(&out, "kept");
    assert_status(hyl_raw_copy_out(rig->raw, HYL_STR("q"), &out, &err), status, &err);
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.data, "kept", 4);
    hyl_buf_reset(&out);
}

static void errors_before_and_within_the_data_are_drained(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_ERROR M_READY);
    copy_out_fails(&rig, HYL_ERR_SERVER);
    raw_rig_in_step(&rig);
    SAYS(&rig, M_COPY_OUT M_DATA M_ERROR M_READY);
    copy_out_fails(&rig, HYL_ERR_SERVER);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void no_copy_out_is_protocol_in_step(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    SAYS(&rig, M_DESC M_ROW M_SELECT_1 M_READY);
    copy_out_fails(&rig, HYL_ERR_PROTOCOL);
    raw_rig_in_step(&rig);
    SAYS(&rig, M_DATA M_READY); /* data that nobody announced */
    copy_out_fails(&rig, HYL_ERR_PROTOCOL);
    raw_rig_in_step(&rig);
    hyl_mem_peer_forget(rig.peer);
    SAYS(&rig, M_COPY_IN M_ERROR M_READY);
    copy_out_fails(&rig, HYL_ERR_PROTOCOL);
    WROTE(&rig, "Q\0\0\0\6q\0"
                "f\0\0\0\034abandoned by the client\0");
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void data_beyond_the_limit_are_given_up(void **state)
{
    (void)state;
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_buf out = HYL_BUF_INIT;
    opts.max_result = 6;
    raw_rig rig = raw_rig_started(&opts);
    SAYS(&rig, M_COPY_OUT M_DATA M_DATA M_COPY_DONE M_READY);
    assert_ok(hyl_raw_copy_out(rig.raw, HYL_STR("q"), &out, &err), &err);
    SAYS(&rig, M_COPY_OUT M_DATA M_DATA M_DATA M_DATA M_COPY_DONE M_READY);
    copy_out_fails(&rig, HYL_ERR_LIMIT);
    hyl_buf_reset(&out);
    assert_true(hyl_raw_is_healthy(rig.raw));
    raw_rig_free(&rig);
}

/* A writer that fails at a piece. */
typedef struct test_writer {
    size_t pieces;
    size_t fail_at;
    hyl_status status;
    bool tells; /* fills in the error itself */
} test_writer;

static hyl_status write_piece(void *ctx, hyl_bytes data, hyl_error *e)
{
    test_writer *writer = ctx;
    assert_int_equal(data.len, 3);
    assert_memory_equal(data.data, "abc", 3);
    if (++writer->pieces != writer->fail_at) {
        return HYL_OK;
    }
    if (writer->tells) {
        e->status = writer->status;
        strcpy(e->message, "the disk is full");
    }
    return writer->status;
}

static void a_writer_gets_piece_by_piece(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    test_writer writer = {0};
    uint64_t written = 0;
    SAYS(&rig, M_COPY_OUT M_DATA M_DATA M_COPY_DONE M_COPY_5 M_READY);
    assert_ok(
        hyl_raw_copy_out_to_writer(rig.raw, HYL_STR("q"), write_piece, &writer, &written, &err),
        &err);
    assert_int_equal(writer.pieces, 2);
    assert_int_equal(written, 6);
    raw_rig_in_step(&rig);
    raw_rig_free(&rig);
}

static void a_failing_writer_leaves_the_connection_in_step(void **state)
{
    (void)state;
    for (size_t fail_at = 1; fail_at <= 3; fail_at++) {
        for (int tells = 0; tells < 2; tells++) {
            raw_rig rig = raw_rig_started(NULL);
            test_writer writer = {0, fail_at, HYL_ERR_RANGE, tells != 0};
            uint64_t written = 99;
            SAYS(&rig, M_COPY_OUT M_DATA M_DATA M_DATA M_COPY_DONE M_COPY_5 M_READY);
            assert_status(hyl_raw_copy_out_to_writer(rig.raw, HYL_STR("q"), write_piece, &writer,
                                                     &written, &err),
                          HYL_ERR_RANGE, &err);
            assert_non_null(strstr(err.message, tells ? "the disk is full" : "writer"));
            assert_int_equal(writer.pieces, fail_at);
            assert_int_equal(written, 99);
            assert_int_equal(err.flags, 0);
            raw_rig_in_step(&rig);
            raw_rig_free(&rig);
        }
    }
}

static void a_failing_writer_that_cannot_be_drained_marks(void **state)
{
    (void)state;
    raw_rig rig = raw_rig_started(NULL);
    test_writer writer = {0, 1, HYL_ERR_IO, true};
    SAYS(&rig, M_COPY_OUT M_DATA M_DATA);
    assert_int_equal(hyl_mem_peer_end(rig.peer), HYL_OK);
    assert_status(
        hyl_raw_copy_out_to_writer(rig.raw, HYL_STR("q"), write_piece, &writer, NULL, &err),
        HYL_ERR_IO, &err);
    assert_string_equal(err.message, "the disk is full");
    assert_int_equal(err.flags, HYL_ERROR_CONNECTION_LOST);
    raw_rig_marked(&rig);
    raw_rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(column_names_are_quoted),
        cmocka_unit_test(no_columns_mean_no_list),
        cmocka_unit_test(the_format_is_the_callers),
        cmocka_unit_test(a_statement_of_ones_own_is_sent_as_it_is),
        cmocka_unit_test(what_cannot_be_a_statement_is_arg),
        cmocka_unit_test(an_error_instead_is_drained),
        cmocka_unit_test(another_statement_instead_is_protocol_in_step),
        cmocka_unit_test(no_answer_but_ready_is_out_of_step),
        cmocka_unit_test(a_copy_out_instead_is_given_up),
        cmocka_unit_test(data_wait_in_the_write_buffer),
        cmocka_unit_test(direct_data_go_behind_what_waits),
        cmocka_unit_test(direct_data_survive_short_writes),
        cmocka_unit_test(too_much_data_are_refused_before_anything_is_sent),
        cmocka_unit_test(the_limit_of_data_can_be_set),
        cmocka_unit_test(finish_counts_the_rows_of_the_tag),
        cmocka_unit_test(finish_sends_what_waits_first),
        cmocka_unit_test(an_error_at_the_end_is_drained),
        cmocka_unit_test(an_error_during_the_data_is_met_at_the_end),
        cmocka_unit_test(cancel_swallows_the_error_that_it_provokes),
        cmocka_unit_test(what_the_server_had_completed_cannot_be_given_up),
        cmocka_unit_test(a_cancel_that_is_overlooked_is_followed_by_flush),
        cmocka_unit_test(a_cancel_that_is_never_answered_is_a_timeout),
        cmocka_unit_test(a_cancel_that_is_not_answered_marks),
        cmocka_unit_test(without_a_copy_there_is_nothing_to_send_or_end),
        cmocka_unit_test(a_copy_of_ones_own_can_be_finished),
        cmocka_unit_test(a_copy_in_of_the_extended_protocol_ends_with_sync),
        cmocka_unit_test(copy_out_gives_all_bytes),
        cmocka_unit_test(nothing_copied_is_no_error),
        cmocka_unit_test(errors_before_and_within_the_data_are_drained),
        cmocka_unit_test(no_copy_out_is_protocol_in_step),
        cmocka_unit_test(data_beyond_the_limit_are_given_up),
        cmocka_unit_test(a_writer_gets_piece_by_piece),
        cmocka_unit_test(a_failing_writer_leaves_the_connection_in_step),
        cmocka_unit_test(a_failing_writer_that_cannot_be_drained_marks),
    };
    return cmocka_run_group_tests_name("conn/raw_copy", tests, NULL, NULL);
}
