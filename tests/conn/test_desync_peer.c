/*
 * Every odd way in which a server can answer, followed by every call that can come next, with the
 * scripted peer: the call gives its own answer, or the connection was lost and nothing is sent.
 */
#include "support/test.h"

#include "support/mem_conn.h"
#include "support/raw_rig.h"

#include <stdlib.h>

static hyl_error err;

/* ---- Odd answers ----------------------------------------------------------------------------- */

/* What becomes of the connection. */
typedef enum outcome {
    GOES_ON,
    IS_LOST,
    /* The surplus comes after the answer: the next call finds it, and has no answer then. */
    IS_LOST_NEXT
} outcome;

typedef struct odd_answer {
    const char *name;
    void (*append)(hyl_buf *out);
    /* NULL, or what comes behind it before the next call: with it or, where `late`, after that call */
    void (*unasked)(hyl_buf *out);
    bool late;
    bool ends; /* the stream does, behind it */
    outcome then;
    outcome raw_then; /* the raw connection hands messages out in any order */
} odd_answer;

static void done(hyl_buf *out)
{
    backend_tag(out, "SELECT 1");
    backend_ready(out, 'I');
}

static void rows(hyl_buf *out)
{
    backend_int_description(out);
    backend_int_row(out, 1);
}

static void error(hyl_buf *out)
{
    backend_error(out, "22012", "division by zero");
}

static void an_answer(hyl_buf *out)
{
    rows(out);
    done(out);
}

static void an_error(hyl_buf *out)
{
    error(out);
    backend_ready(out, 'I');
}

static void an_error_among_rows(hyl_buf *out)
{
    rows(out);
    an_error(out);
}

static void an_empty_statement(hyl_buf *out)
{
    backend_message(out, 'I', NULL, 0);
    backend_ready(out, 'I');
}

static void append_asynchronous(hyl_buf *out)
{
    backend_notice(out, "by the way");
    backend_parameter(out, "alive", "?");
    backend_notification(out, "channel");
}

static void asynchronous_everywhere(hyl_buf *out)
{
    append_asynchronous(out);
    backend_int_description(out);
    append_asynchronous(out);
    backend_int_row(out, 1);
    append_asynchronous(out);
    backend_tag(out, "SELECT 1");
    append_asynchronous(out);
    backend_ready(out, 'I');
    append_asynchronous(out);
}

static void nothing(hyl_buf *out)
{
    (void)out;
}

static void rows_without_end(hyl_buf *out)
{
    rows(out);
}

static void an_error_without_ready(hyl_buf *out)
{
    error(out);
}

static void half_a_message(hyl_buf *out)
{
    rows(out);
    out->len -= 2;
}

static void ready_alone(hyl_buf *out)
{
    backend_ready(out, 'I');
}

static void ready_twice(hyl_buf *out)
{
    an_answer(out);
    backend_ready(out, 'I');
}

static void an_unknown_type(hyl_buf *out)
{
    backend_message(out, '!', "x", 1);
    done(out);
}

static void a_negative_length(hyl_buf *out)
{
    hyl_buf_append(out, "T\377\377\377\377xxxx", 9);
}

static void a_length_below_four(hyl_buf *out)
{
    hyl_buf_append(out, "C\0\0\0\3xxxx", 9);
}

static void parameters_without_an_end(hyl_buf *out)
{
    static char value[60000];
    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < 20; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        backend_parameter(out, name, value);
    }
    an_answer(out);
}

static void a_parameter_too_long(hyl_buf *out)
{
    static char value[70000];
    memset(value, 'v', sizeof value - 1);
    backend_parameter(out, "x", value);
    an_answer(out);
}

static void a_length_over_the_limit(hyl_buf *out)
{
    hyl_buf_append(out, "D\100\0\0\5xxxx", 9);
}

/* 1 GB is announced, which is allowed, and does not come. */
static void a_length_that_never_comes(hyl_buf *out)
{
    backend_int_description(out);
    hyl_buf_append(out, "D\77\377\377\377xxxx", 9);
}

static void a_row_without_description(hyl_buf *out)
{
    backend_int_row(out, 1);
    done(out);
}

static void a_row_of_more_columns(hyl_buf *out)
{
    const hyl_bytes cells[] = {{(const uint8_t *)"\1\0\0\0", 4}, {(const uint8_t *)"\1\0\0\0", 4}};
    backend_int_description(out);
    backend_row(out, cells, 2);
    done(out);
}

static void a_row_cut_short(hyl_buf *out)
{
    backend_int_description(out);
    backend_message(out, 'D', "\0\1\0\0\0\4\1\0", 8);
    done(out);
}

static void two_descriptions(hyl_buf *out)
{
    backend_int_description(out);
    an_answer(out);
}

static void two_tags(hyl_buf *out)
{
    rows(out);
    backend_tag(out, "SELECT 1");
    done(out);
}

static void a_row_behind_the_tag(hyl_buf *out)
{
    rows(out);
    backend_tag(out, "SELECT 1");
    backend_int_row(out, 2);
    backend_ready(out, 'I');
}

static void a_tag_without_end(hyl_buf *out)
{
    backend_message(out, 'C', "SELECT 1", 8);
    backend_ready(out, 'I');
}

static void a_status_that_is_none(hyl_buf *out)
{
    rows(out);
    backend_tag(out, "SELECT 1");
    backend_ready(out, '?');
}

static void a_ready_too_long(hyl_buf *out)
{
    rows(out);
    backend_tag(out, "SELECT 1");
    backend_message(out, 'Z', "II", 2);
}

static void a_copy_in(hyl_buf *out)
{
    backend_copy_response(out, 'G');
    backend_error(out, "57014", "COPY failed");
    backend_ready(out, 'I');
}

static void a_copy_out(hyl_buf *out)
{
    backend_copy_response(out, 'H');
    backend_copy_data(out, "1\n", 2);
    backend_message(out, 'c', NULL, 0);
    backend_tag(out, "COPY 1");
    backend_ready(out, 'I');
}

static void copied_data_without_a_copy(hyl_buf *out)
{
    backend_copy_data(out, "1\n", 2);
    done(out);
}

static void an_authentication(hyl_buf *out)
{
    backend_auth_ok(out);
    done(out);
}

static void a_key(hyl_buf *out)
{
    backend_key(out, 1, 2);
    done(out);
}

static void an_extended_answer(hyl_buf *out)
{
    backend_message(out, '1', NULL, 0);
    backend_message(out, '2', NULL, 0);
    an_answer(out);
}

static void a_portal_suspended(hyl_buf *out)
{
    rows(out);
    backend_message(out, 's', NULL, 0);
    backend_ready(out, 'I');
}

static void a_lone_row(hyl_buf *out)
{
    backend_int_row(out, 666);
}

static void a_first_byte(hyl_buf *out)
{
    hyl_buf_append(out, "C", 1);
}

static void a_goodbye(hyl_buf *out)
{
    backend_fatal(out, "57P01", "shutting down");
}

static void notices_and_an_answer(hyl_buf *out)
{
    append_asynchronous(out);
    an_answer(out);
}

static void ten_thousand_columns(hyl_buf *out)
{
    enum { COUNT = 10000 };
    backend_column *columns = calloc(COUNT, sizeof *columns);
    hyl_bytes *cells = calloc(COUNT, sizeof *cells);
    assert_true(columns != NULL && cells != NULL);
    for (size_t i = 0; i < COUNT; i++) {
        columns[i] = (backend_column){"a column", hyl_type_of(HYL_TYPE_INT)};
        cells[i] = (hyl_bytes){(const uint8_t *)"\7\0\0\0", i % 2 == 0 ? 4 : 0};
        cells[i].data = i % 2 == 0 ? cells[i].data : NULL;
    }
    backend_description(out, columns, COUNT);
    backend_row(out, cells, COUNT);
    done(out);
    free(columns);
    free(cells);
}

static void more_columns_than_there_are(hyl_buf *out)
{
    backend_message(out, 'T', "\177\377n\0", 4);
    done(out);
}

#define ODD(append, ends, then, raw_then)                  \
    {                                                      \
#append, append, NULL, false, ends, then, raw_then \
    }
/* An answer in good order, and then something that nobody has asked for, with it or later. */
#define UNASKED(append, then, raw_then)                                     \
    {#append " with it", an_answer, append, false, false, then, raw_then},  \
    {                                                                       \
#append " after it", an_answer, append, true, false, then, raw_then \
    }

static const odd_answer odd_answers[] = {
    ODD(an_answer, false, GOES_ON, GOES_ON),
    ODD(an_error, false, GOES_ON, GOES_ON),
    ODD(an_error_among_rows, false, GOES_ON, GOES_ON),
    ODD(an_empty_statement, false, GOES_ON, GOES_ON),
    ODD(asynchronous_everywhere, false, GOES_ON, GOES_ON),
    ODD(nothing, false, IS_LOST, IS_LOST),
    ODD(nothing, true, IS_LOST, IS_LOST),
    ODD(rows_without_end, false, IS_LOST, IS_LOST),
    ODD(rows_without_end, true, IS_LOST, IS_LOST),
    ODD(an_error_without_ready, false, IS_LOST, IS_LOST),
    ODD(an_error_without_ready, true, IS_LOST, IS_LOST),
    ODD(half_a_message, false, IS_LOST, IS_LOST),
    ODD(half_a_message, true, IS_LOST, IS_LOST),
    ODD(ready_alone, false, IS_LOST, IS_LOST),
    ODD(ready_twice, false, IS_LOST_NEXT, IS_LOST_NEXT),
    ODD(an_unknown_type, false, IS_LOST, IS_LOST),
    ODD(a_negative_length, false, IS_LOST, IS_LOST),
    ODD(a_length_below_four, false, IS_LOST, IS_LOST),
    ODD(a_length_over_the_limit, false, IS_LOST, IS_LOST),
    ODD(parameters_without_an_end, false, IS_LOST, IS_LOST),
    ODD(a_parameter_too_long, false, IS_LOST, IS_LOST),
    ODD(a_length_that_never_comes, false, IS_LOST, IS_LOST),
    ODD(a_row_without_description, false, IS_LOST, GOES_ON),
    ODD(a_row_of_more_columns, false, IS_LOST, GOES_ON),
    ODD(a_row_cut_short, false, IS_LOST, IS_LOST),
    ODD(two_descriptions, false, IS_LOST, GOES_ON),
    ODD(two_tags, false, IS_LOST, GOES_ON),
    ODD(a_row_behind_the_tag, false, IS_LOST, GOES_ON),
    ODD(a_tag_without_end, false, IS_LOST, IS_LOST),
    ODD(a_status_that_is_none, false, IS_LOST, IS_LOST),
    ODD(a_ready_too_long, false, IS_LOST, IS_LOST),
    ODD(a_copy_in, false, GOES_ON, GOES_ON),
    ODD(a_copy_out, false, GOES_ON, GOES_ON),
    ODD(copied_data_without_a_copy, false, IS_LOST, GOES_ON),
    ODD(an_authentication, false, IS_LOST, GOES_ON),
    ODD(a_key, false, IS_LOST, GOES_ON),
    ODD(an_extended_answer, false, IS_LOST, GOES_ON),
    ODD(a_portal_suspended, false, IS_LOST, GOES_ON),
    ODD(ten_thousand_columns, false, GOES_ON, GOES_ON),
    ODD(more_columns_than_there_are, false, IS_LOST, IS_LOST),
    UNASKED(an_answer, IS_LOST, IS_LOST),
    UNASKED(an_error, IS_LOST, IS_LOST),
    UNASKED(an_empty_statement, IS_LOST, IS_LOST),
    UNASKED(a_copy_in, IS_LOST, IS_LOST),
    UNASKED(a_copy_out, IS_LOST, IS_LOST),
    UNASKED(ready_alone, IS_LOST, IS_LOST),
    UNASKED(a_lone_row, IS_LOST, IS_LOST),
    UNASKED(half_a_message, IS_LOST, IS_LOST),
    UNASKED(a_first_byte, IS_LOST, IS_LOST),
    UNASKED(an_unknown_type, IS_LOST, IS_LOST),
    UNASKED(a_negative_length, IS_LOST, IS_LOST),
    UNASKED(an_authentication, IS_LOST, IS_LOST),
    UNASKED(a_goodbye, IS_LOST, IS_LOST),
    UNASKED(notices_and_an_answer, IS_LOST, IS_LOST),
    UNASKED(append_asynchronous, GOES_ON, GOES_ON),
};

enum { ODD_COUNT = sizeof odd_answers / sizeof odd_answers[0] };

/* ---- The user's connection ------------------------------------------------------------------- */

static void say_number(mem_conn *mem, int32_t number)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_int_description(&messages);
    backend_int_row(&messages, number);
    done(&messages);
    mem_say(mem, &messages);
}

static hyl_status next_exec(mem_conn *mem)
{
    int64_t affected = 0;
    mem_say_done(mem, "INSERT 0 4711", 'I');
    HYL_TRY(hyl_exec(mem->conn, "q", &affected, &err));
    assert_int_equal(affected, 4711);
    return HYL_OK;
}

static hyl_status next_script(mem_conn *mem)
{
    size_t count = 0;
    mem_say_done(mem, "SET", 'I');
    mem_say_done(mem, "SET", 'I');
    hyl_status status = hyl_exec_script(mem->conn, "a; b", &count, &err);
    assert_int_equal(count, status == HYL_OK ? 2 : 0);
    return status;
}

static hyl_status next_i64(mem_conn *mem)
{
    int64_t value = 0;
    say_number(mem, 123456);
    HYL_TRY(hyl_query_i64(mem->conn, "q", &value, &err));
    assert_int_equal(value, 123456);
    return HYL_OK;
}

static hyl_status next_f64(mem_conn *mem)
{
    double value = 0;
    say_number(mem, 123457);
    HYL_TRY(hyl_query_f64(mem->conn, "q", &value, &err));
    assert_true(value == 123457.0);
    return HYL_OK;
}

static hyl_status next_text(mem_conn *mem)
{
    char *text = NULL;
    say_number(mem, 123458);
    HYL_TRY(hyl_query_text(mem->conn, "q", &text, &err));
    assert_string_equal(text, "123458");
    hyl_free(text);
    return HYL_OK;
}

static hyl_status next_rows(mem_conn *mem)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    mem_say_ints(mem, 3);
    HYL_TRY(hyl_query(mem->conn, "q", &result, &err));
    for (int32_t i = 1; i <= 3; i++) {
        int32_t value = 0;
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_ok(hyl_row_get_i32(row, 0, &value, &err), &err);
        assert_int_equal(value, i);
    }
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
    return HYL_OK;
}

/* Described first, then executed. */
static hyl_status next_described(mem_conn *mem)
{
    const hyl_query_opts opts = {.struct_size = sizeof opts, .flags = HYL_QUERY_GEOGRAPHY_TEXT};
    hyl_result *result = NULL;
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, '1', NULL, 0);
    backend_message(&messages, 't', "\0\0", 2);
    backend_int_description(&messages);
    backend_ready(&messages, 'I');
    backend_message(&messages, '2', NULL, 0);
    backend_int_row(&messages, 5);
    done(&messages);
    mem_say(mem, &messages);
    HYL_TRY(hyl_query_with(mem->conn, "SELECT 5", &opts, &result, &err));
    assert_ok(hyl_result_finish(result, &err), &err);
    assert_string_equal(hyl_result_tag(result), "SELECT 1");
    hyl_result_free(result);
    return HYL_OK;
}

static hyl_status next_ping(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    an_empty_statement(&messages);
    mem_say(mem, &messages);
    return hyl_ping(mem->conn, &err);
}

static hyl_status next_error(mem_conn *mem)
{
    mem_say_error(mem, "42P01", "no such 4713", 'I');
    hyl_status status = hyl_exec(mem->conn, "q", NULL, &err);
    if (status != HYL_ERR_SERVER) {
        return status;
    }
    assert_non_null(strstr(err.message, "4713"));
    return HYL_OK;
}

static hyl_status next_copy_in(mem_conn *mem)
{
    hyl_copy *copy = NULL;
    int64_t count = 0;
    hyl_buf messages = HYL_BUF_INIT;
    backend_copy_response(&messages, 'G');
    mem_say(mem, &messages);
    HYL_TRY(hyl_copy_in_open(mem->conn, "q", &copy, &err));
    assert_ok(hyl_copy_write(copy, "1\n", 2, &err), &err);
    backend_tag(&messages, "COPY 815");
    backend_ready(&messages, 'I');
    mem_say_after(mem, 5 + 2 + 5, &messages); /* CopyData, CopyDone */
    assert_ok(hyl_copy_finish(copy, &count, &err), &err);
    assert_int_equal(count, 815);
    hyl_copy_free(copy);
    return HYL_OK;
}

static hyl_status next_copy_in_aborted(mem_conn *mem)
{
    hyl_copy *copy = NULL;
    hyl_buf messages = HYL_BUF_INIT;
    backend_copy_response(&messages, 'G');
    mem_say(mem, &messages);
    HYL_TRY(hyl_copy_in_open(mem->conn, "q", &copy, &err));
    mem_say_error(mem, "57014", "copy failed", 'I');
    assert_ok(hyl_copy_abort(copy, "no", &err), &err);
    hyl_copy_free(copy);
    return HYL_OK;
}

static hyl_status next_copy_out(mem_conn *mem)
{
    hyl_copy *copy = NULL;
    hyl_bytes piece;
    hyl_buf messages = HYL_BUF_INIT;
    backend_copy_response(&messages, 'H');
    backend_copy_data(&messages, "4714\n", 5);
    backend_message(&messages, 'c', NULL, 0);
    backend_tag(&messages, "COPY 1");
    backend_ready(&messages, 'I');
    mem_say(mem, &messages);
    HYL_TRY(hyl_copy_out_open(mem->conn, "q", &copy, &err));
    assert_ok(hyl_copy_read(copy, &piece, &err), &err);
    assert_memory_equal(piece.data, "4714\n", 5);
    assert_ok(hyl_copy_finish(copy, NULL, &err), &err);
    hyl_copy_free(copy);
    return HYL_OK;
}

static hyl_status next_copy_error(mem_conn *mem)
{
    hyl_copy *copy = NULL;
    mem_say_error(mem, "42P01", "no such 4715", 'I');
    hyl_status status = hyl_copy_in_open(mem->conn, "q", &copy, &err);
    if (status != HYL_ERR_SERVER) {
        return status;
    }
    assert_non_null(strstr(err.message, "4715"));
    return HYL_OK;
}

static hyl_status next_freed(mem_conn *mem)
{
    hyl_result *result = NULL;
    mem_say_ints(mem, 100);
    HYL_TRY(hyl_query(mem->conn, "q", &result, &err));
    hyl_result_free(result);
    return next_exec(mem);
}

static hyl_status next_abandoned(mem_conn *mem)
{
    hyl_result *result = NULL;
    mem_say_ints(mem, 100);
    HYL_TRY(hyl_query(mem->conn, "q", &result, &err));
    hyl_status status = hyl_result_abandon(result, &err);
    hyl_result_free(result);
    return status;
}

static hyl_status next_begin(mem_conn *mem)
{
    mem_say_done(mem, "BEGIN", 'T');
    HYL_TRY(hyl_exec(mem->conn, "BEGIN", NULL, &err));
    assert_int_equal(hyl_conn_tx(mem->conn), HYL_TX_OPEN);
    return HYL_OK;
}

typedef hyl_status (*conn_call)(mem_conn *mem);

static const conn_call conn_calls[] = {
    next_exec,
    next_script,
    next_i64,
    next_f64,
    next_text,
    next_rows,
    next_described,
    next_ping,
    next_error,
    next_copy_in,
    next_copy_in_aborted,
    next_copy_out,
    next_copy_error,
    next_freed,
    next_abandoned,
    next_begin,
};

enum { CONN_CALL_COUNT = sizeof conn_calls / sizeof conn_calls[0] };

static void check_status(const odd_answer *odd, size_t call, outcome then, hyl_status status)
{
    bool lost = status == HYL_ERR_DESYNC || status == HYL_ERR_CLOSED ||
                (then == IS_LOST_NEXT && status == HYL_ERR_PROTOCOL);
    if (then == GOES_ON ? status != HYL_OK : !lost) {
        fail_msg("%s, then call %zu: %s: %s", odd->name, call, hyl_status_name(status),
                 err.message);
    }
    assert_true(then == GOES_ON || (err.flags & HYL_ERROR_CONNECTION_LOST) != 0);
}

static void say(hyl_mem_peer *peer, void (*append)(hyl_buf *out))
{
    hyl_buf messages = HYL_BUF_INIT;
    append(&messages);
    if (messages.len > 0) {
        mem_peer_say(peer, 0, &messages);
    }
}

/* Before the odd request: what the peer says to it, and what it adds at once. */
static void say_oddly(hyl_mem_peer *peer, gate *between, const odd_answer *odd)
{
    say(peer, odd->append);
    if (odd->unasked != NULL && !odd->late) {
        gate_loosen(between, true);
        say(peer, odd->unasked);
    }
    if (odd->ends) {
        assert_int_equal(hyl_mem_peer_end(peer), HYL_OK);
    }
}

/* After it: what the peer adds later. From here on it answers what it is asked. */
static void say_more(hyl_mem_peer *peer, gate *between, const odd_answer *odd)
{
    if (odd->unasked != NULL) {
        if (odd->late) {
            say(peer, odd->unasked);
        }
        gate_loosen(between, false);
        gate_let_by(between);
    }
}

static void answer_oddly(mem_conn *mem, const odd_answer *odd)
{
    say_oddly(mem->peer, mem->gate, odd);
    hyl_status status = hyl_exec(mem->conn, "odd", NULL, &err);
    if (odd->unasked != NULL) {
        assert_ok(status, &err);
        say_more(mem->peer, mem->gate, odd);
    }
    mem_forget(mem);
}

static void whatever_the_server_answers_the_next_call_has_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ODD_COUNT; i++) {
        for (size_t j = 0; j < CONN_CALL_COUNT; j++) {
            mem_conn mem = mem_conn_open("drain_timeout=400ms");
            answer_oddly(&mem, &odd_answers[i]);
            err = (hyl_error)HYL_ERROR_INIT;
            hyl_status status = conn_calls[j](&mem);
            check_status(&odd_answers[i], j, odd_answers[i].then, status);
            assert_true(odd_answers[i].then != IS_LOST || hyl_mem_peer_written(mem.peer).len == 0);
            mem_conn_close(&mem);
        }
    }
    printf("%d odd answers x %d calls = %d cells\n", (int)ODD_COUNT, (int)CONN_CALL_COUNT,
           (int)(ODD_COUNT * CONN_CALL_COUNT));
}

/* ---- The raw connection ---------------------------------------------------------------------- */

static hyl_status raw_query(raw_rig *rig, bool binary)
{
    hyl_raw_messages *messages = NULL;
    hyl_msg message;
    SAYS(rig, "C\0\0\0\015SELECT 7\0" M_READY);
    HYL_TRY(binary ? hyl_raw_query_binary(rig->raw, HYL_STR("q"), &messages, &err)
                   : hyl_raw_simple_query(rig->raw, HYL_STR("q"), &messages, &err));
    /* In front of it may be what the server said on its own. */
    size_t count = hyl_raw_messages_count(messages);
    assert_true(count == 2 || count == 2 + 3);
    assert_true(hyl_raw_messages_get(messages, count - 2, &message));
    assert_int_equal(hyl_tag_rows(message.as.tag), 7);
    hyl_raw_messages_free(messages);
    return HYL_OK;
}

static hyl_status raw_simple(raw_rig *rig)
{
    return raw_query(rig, false);
}

static hyl_status raw_binary(raw_rig *rig)
{
    return raw_query(rig, true);
}

static hyl_status raw_copy_in(raw_rig *rig)
{
    uint64_t count = 0;
    SAYS(rig, M_COPY_IN);
    HYL_TRY(hyl_raw_start_copy_in(rig->raw, "t", NULL, 0, &err));
    SAYS(rig, M_COPY_5 M_READY);
    assert_ok(hyl_raw_finish_copy(rig->raw, &count, &err), &err);
    assert_int_equal(count, 5);
    return HYL_OK;
}

static hyl_status raw_copy_cancelled(raw_rig *rig)
{
    SAYS(rig, M_COPY_IN);
    HYL_TRY(hyl_raw_start_copy_in(rig->raw, "t", NULL, 0, &err));
    SAYS(rig, M_ERROR M_READY);
    return hyl_raw_cancel_copy(rig->raw, "no", &err);
}

static hyl_status raw_copy_out(raw_rig *rig)
{
    hyl_buf out = HYL_BUF_INIT;
    SAYS(rig, M_COPY_OUT M_DATA M_COPY_DONE M_COPY_5 M_READY);
    HYL_TRY(hyl_raw_copy_out(rig->raw, HYL_STR("q"), &out, &err));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "abc", 3);
    hyl_buf_reset(&out);
    return HYL_OK;
}

static hyl_status raw_error(raw_rig *rig)
{
    hyl_raw_messages *messages = NULL;
    SAYS(rig, M_ERROR M_READY);
    hyl_status status = hyl_raw_simple_query(rig->raw, HYL_STR("q"), &messages, &err);
    return status == HYL_ERR_SERVER && strcmp(err.sqlstate, "42601") == 0 ? HYL_OK : status;
}

/* Nothing is under way: it says so, and sends nothing. */
static hyl_status raw_stray_copy(raw_rig *rig)
{
    hyl_status status = hyl_raw_finish_copy(rig->raw, NULL, &err);
    return status == HYL_ERR_STATE ? raw_simple(rig) : status;
}

static hyl_status raw_abandon(raw_rig *rig)
{
    HYL_TRY(hyl_raw_abandon(rig->raw, &err));
    return raw_simple(rig);
}

typedef hyl_status (*raw_call)(raw_rig *rig);

static const raw_call raw_calls[] = {raw_simple,   raw_binary, raw_copy_in,    raw_copy_cancelled,
                                     raw_copy_out, raw_error,  raw_stray_copy, raw_abandon};

enum { RAW_CALL_COUNT = sizeof raw_calls / sizeof raw_calls[0] };

static void answer_raw_oddly(raw_rig *rig, const odd_answer *odd)
{
    hyl_raw_messages *messages = NULL;
    say_oddly(rig->peer, rig->gate, odd);
    if (hyl_raw_simple_query(rig->raw, HYL_STR("odd"), &messages, &err) == HYL_OK) {
        hyl_raw_messages_free(messages);
        say_more(rig->peer, rig->gate, odd);
    } else {
        assert_null(odd->unasked);
    }
    hyl_mem_peer_forget(rig->peer);
}

static void so_it_is_with_the_raw_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < ODD_COUNT; i++) {
        for (size_t j = 0; j < RAW_CALL_COUNT; j++) {
            raw_rig rig = raw_rig_started(NULL);
            answer_raw_oddly(&rig, &odd_answers[i]);
            err = (hyl_error)HYL_ERROR_INIT;
            hyl_status status = raw_calls[j](&rig);
            check_status(&odd_answers[i], j, odd_answers[i].raw_then, status);
            assert_true(odd_answers[i].raw_then != IS_LOST ||
                        hyl_mem_peer_written(rig.peer).len == 0);
            raw_rig_free(&rig);
        }
    }
    printf("%d odd answers x %d raw calls = %d cells\n", (int)ODD_COUNT, (int)RAW_CALL_COUNT,
           (int)(ODD_COUNT * RAW_CALL_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_server_answers_the_next_call_has_its_own),
        cmocka_unit_test(so_it_is_with_the_raw_connection),
    };
    return cmocka_run_group_tests_name("conn/desync_peer", tests, NULL, NULL);
}
