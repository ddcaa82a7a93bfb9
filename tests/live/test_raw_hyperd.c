/* The raw connection on a real Hyper server, by TCP and by unix socket. */
#include "support/test.h"

#include "support/hyperd.h"

#include <hyperline/raw.h>

#include "base/clock.h"

#include <stdlib.h>
#include <unistd.h>

static hyl_error err;

/* Which of the server's endpoints a test uses; its initial state. */
typedef const hyl_endpoint *(*endpoint_fn)(void);

static endpoint_fn by_tcp = test_hyperd_endpoint;
static endpoint_fn by_socket = test_hyperd_socket;

static hyl_status open_transport(void *ctx, hyl_transport *out, hyl_error *e)
{
    return hyl_transport_open(ctx, hyl__deadline_in(10000), out, e);
}

static hyl_raw *new_raw(const hyl_endpoint *endpoint)
{
    hyl_raw_opts opts = HYL_RAW_OPTS_INIT;
    hyl_transport transport = {NULL, NULL};
    hyl_raw *raw = NULL;
    opts.timeout_ms = 60000;
    opts.open_second = open_transport;
    opts.open_ctx = (void *)(uintptr_t)endpoint;
    assert_ok(hyl_transport_open(endpoint, hyl__deadline_in(10000), &transport, &err), &err);
    assert_ok(hyl_raw_new(&transport, &opts, &raw, &err), &err);
    return raw;
}

static hyl_status log_in(hyl_raw *raw, const char *database, const char *password)
{
    const hyl_pair params[] = {{"user", "tableau_internal_user"}, {"database", database}};
    return hyl_raw_startup(raw, params, database != NULL ? 2 : 1, password, &err);
}

static hyl_raw *connect_to(void **state)
{
    hyl_raw *raw = new_raw((*(endpoint_fn *)*state)());
    assert_ok(log_in(raw, NULL, NULL), &err);
    return raw;
}

static void close_raw(hyl_raw *raw)
{
    assert_ok(hyl_raw_terminate(raw, &err), &err);
    hyl_raw_free(raw);
}

/* Runs a statement that must succeed. */
static hyl_raw_messages *query(hyl_raw *raw, const char *sql)
{
    hyl_raw_messages *messages = NULL;
    assert_ok(hyl_raw_simple_query(raw, hyl_str_of(sql), &messages, &err), &err);
    return messages;
}

static void execute(hyl_raw *raw, const char *sql)
{
    hyl_raw_messages_free(query(raw, sql));
}

static hyl_bytes first_cell(const hyl_msg *row)
{
    hyl_row_iter iter;
    hyl_bytes cell = {NULL, 0};
    assert_int_equal(row->type, HYL_MSG_DATA_ROW);
    hyl_row_iter_init(&iter, row);
    assert_true(hyl_row_iter_next(&iter, &cell));
    return cell;
}

/* The one value of a query's one row, as text. */
static int64_t number(hyl_raw *raw, const char *sql)
{
    char text[64] = "";
    hyl_msg message;
    hyl_raw_messages *messages = query(raw, sql);
    assert_true(hyl_raw_messages_get(messages, 1, &message));
    hyl_bytes cell = first_cell(&message);
    assert_in_range(cell.len, 1, sizeof text - 1);
    memcpy(text, cell.data, cell.len);
    hyl_raw_messages_free(messages);
    return strtoll(text, NULL, 10);
}

/* A query goes through and gets its own answer. */
static void in_step(hyl_raw *raw)
{
    static int asked;
    char sql[40];
    asked++;
    assert_true(hyl_raw_is_healthy(raw));
    snprintf(sql, sizeof sql, "SELECT %d", asked);
    assert_int_equal(number(raw, sql), asked);
}

/* ---- The session ---- */

static void a_session_has_a_key_and_parameters(void **state)
{
    hyl_raw *raw = connect_to(state);
    assert_true(hyl_raw_has_key(raw));
    assert_non_null(hyl_raw_parameter_status(raw, "hyper_version"));
    assert_string_equal(hyl_raw_parameter_status(raw, "client_encoding"), "UTF8");
    assert_null(hyl_raw_parameter_status(raw, "no such parameter"));
    in_step(raw);
    close_raw(raw);
}

static void a_login_that_fails_is_the_servers_error(void **state)
{
    hyl_raw *raw = new_raw((*(endpoint_fn *)*state)());
    assert_status(log_in(raw, test_path("missing.hyper"), NULL), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "58S01");
    assert_false(hyl_raw_is_healthy(raw));
    hyl_raw_free(raw);

    const hyl_pair nobody[] = {{"user", "nobody"}};
    raw = new_raw((*(endpoint_fn *)*state)());
    assert_status(hyl_raw_startup(raw, nobody, 1, NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42501");
    hyl_raw_free(raw);
}

/* ---- Queries ---- */

static void a_simple_query_gives_its_messages(void **state)
{
    static const hyl_msg_type types[] = {HYL_MSG_ROW_DESCRIPTION, HYL_MSG_DATA_ROW,
                                         HYL_MSG_DATA_ROW, HYL_MSG_COMMAND_COMPLETE,
                                         HYL_MSG_READY_FOR_QUERY};
    hyl_raw *raw = connect_to(state);
    hyl_raw_messages *messages = query(raw, "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) t");
    assert_int_equal(hyl_raw_messages_count(messages), 5);
    hyl_msg message;
    for (size_t i = 0; i < 5; i++) {
        assert_true(hyl_raw_messages_get(messages, i, &message));
        assert_int_equal(message.type, types[i]);
    }
    hyl_raw_messages_free(messages);
    close_raw(raw);
}

static void a_binary_query_gives_little_endian_values(void **state)
{
    hyl_raw *raw = connect_to(state);
    hyl_raw_messages *messages = NULL;
    hyl_msg message;
    assert_ok(hyl_raw_query_binary(raw, HYL_STR("SELECT 258"), &messages, &err), &err);
    assert_int_equal(hyl_raw_messages_count(messages), 6);
    assert_true(hyl_raw_messages_get(messages, 3, &message));
    hyl_bytes cell = first_cell(&message);
    assert_int_equal(cell.len, 4);
    assert_memory_equal(cell.data, "\2\1\0\0", 4);
    hyl_raw_messages_free(messages);
    in_step(raw);
    close_raw(raw);
}

static void an_error_has_its_fields_and_leaves_the_session_in_step(void **state)
{
    hyl_raw *raw = connect_to(state);
    hyl_raw_messages *messages = NULL;
    assert_status(hyl_raw_simple_query(raw, HYL_STR("SELECT * FROM nope"), &messages, &err),
                  HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P01");
    assert_string_equal(err.severity, "ERROR");
    const hyl_msg_diag *diag = hyl_raw_diag(raw);
    assert_non_null(diag);
    assert_int_equal(diag->position, 15);
    assert_int_equal(diag->blame.len, 4);
    assert_memory_equal(diag->blame.data, "User", 4);
    in_step(raw);
    assert_null(hyl_raw_diag(raw));

    assert_status(hyl_raw_query_binary(raw, HYL_STR("SELECT 1/0"), &messages, &err), HYL_ERR_SERVER,
                  &err);
    assert_string_equal(err.sqlstate, "22012");
    in_step(raw);
    /* After rows have been sent. */
    assert_status(hyl_raw_simple_query(
                      raw, HYL_STR("SELECT 1/(900000 - x) FROM generate_series(1, 1000000) t(x)"),
                      &messages, &err),
                  HYL_ERR_SERVER, &err);
    in_step(raw);
    close_raw(raw);
}

/* Reads on to a message of this type, which must come before ReadyForQuery. */
static void read_to(hyl_raw *raw, hyl_msg_type type, hyl_msg *message)
{
    do {
        assert_ok(hyl_raw_read_message(raw, message, &err), &err);
        assert_int_not_equal(message->type, HYL_MSG_READY_FOR_QUERY);
    } while (message->type != type);
}

/* Parses a statement by bytes of the test's own. */
static void prepare(hyl_raw *raw, const char *name, const char *sql, uint32_t oid)
{
    hyl_buf *out = hyl_raw_write_buffer(raw);
    hyl_msg message;
    assert_ok(hyl_enc_parse(out, name, hyl_str_of(sql), &oid, 1, &err), &err);
    assert_ok(hyl_enc_sync(out, &err), &err);
    assert_ok(hyl_raw_flush(raw, &err), &err);
    assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
    assert_int_equal(message.type, HYL_MSG_PARSE_COMPLETE);
    assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
    assert_int_equal(message.type, HYL_MSG_READY_FOR_QUERY);
}

static void a_prepared_statement_is_executed_again_and_again(void **state)
{
    hyl_raw *raw = connect_to(state);
    hyl_msg message;
    prepare(raw, "add", "SELECT $1 + 1, 'x'", 23);
    for (uint8_t i = 0; i < 5; i++) {
        const uint8_t big_endian[] = {0, 0, 1, i};
        const hyl_param_bytes params[] = {{big_endian, 4}};
        assert_ok(hyl_raw_start_execute_prepared(raw, "add", params, 1, 2, &err), &err);
        assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
        assert_int_equal(message.type, HYL_MSG_BIND_COMPLETE);
        assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
        const uint8_t little_endian[] = {(uint8_t)(i + 1), 1, 0, 0};
        hyl_bytes cell = first_cell(&message);
        assert_int_equal(cell.len, 4);
        assert_memory_equal(cell.data, little_endian, 4);
        assert_true(hyl_raw_drain_until_ready(raw));
    }
    in_step(raw);
    close_raw(raw);
}

static void no_columns_mean_text_and_a_wrong_number_is_an_error(void **state)
{
    hyl_raw *raw = connect_to(state);
    hyl_msg message;
    const hyl_param_bytes null[] = {{NULL, 0}};
    prepare(raw, "two", "SELECT coalesce($1, 41), 'x'", 23);
    assert_ok(hyl_raw_start_execute_prepared(raw, "two", null, 1, 0, &err), &err);
    assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
    assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
    hyl_bytes cell = first_cell(&message);
    assert_int_equal(cell.len, 2);
    assert_memory_equal(cell.data, "41", 2);
    assert_true(hyl_raw_drain_until_ready(raw));

    assert_ok(hyl_raw_start_execute_prepared(raw, "two", null, 1, 3, &err), &err);
    read_to(raw, HYL_MSG_ERROR_RESPONSE, &message);
    assert_status(hyl_raw_consume_error(raw, &message, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42601");
    in_step(raw);
    close_raw(raw);
}

/* More than both sides' sockets hold, in both directions, before a byte of it is read. */
static void a_long_pipeline_does_not_deadlock(void **state)
{
    enum { QUERIES = 4000 };
    static const char head[] = "SELECT repeat('x', 10000) ";
    static char sql[4000];
    hyl_raw *raw = connect_to(state);
    hyl_buf *out = hyl_raw_write_buffer(raw);
    memset(sql, '-', sizeof sql); /* a comment behind the statement */
    memcpy(sql, head, sizeof head - 1);
    for (int i = 0; i < QUERIES; i++) {
        assert_ok(hyl_enc_query(out, (hyl_str){sql, sizeof sql}, &err), &err);
    }
    assert_ok(hyl_raw_flush(raw, &err), &err);
    for (int i = 0; i < QUERIES; i++) {
        assert_true(hyl_raw_drain_until_ready_bounded(raw, 8));
    }
    in_step(raw);
    close_raw(raw);
}

static void a_running_query_is_given_up_at_once(void **state)
{
    hyl_raw *raw = connect_to(state);
    hyl_msg message;
    int64_t start = hyl__now_ms();
    assert_ok(hyl_raw_start_simple_query(
                  raw, HYL_STR("SELECT x FROM generate_series(1, 100000000) t(x)"), &err),
              &err);
    for (int i = 0; i < 1000; i++) {
        assert_ok(hyl_raw_read_message(raw, &message, &err), &err);
    }
    assert_ok(hyl_raw_abandon(raw, &err), &err);
    assert_true(hyl__now_ms() - start < 10000);
    in_step(raw);
    close_raw(raw);
}

static void a_deadline_marks_the_session(void **state)
{
    hyl_raw *raw = connect_to(state);
    hyl_raw_messages *messages = NULL;
    const hyl_str slow = HYL_STR("SELECT count(*) FROM generate_series(1, 1000000) a(x), "
                                 "generate_series(1, 1000000) b(y) WHERE x % 7 = y % 11");
    hyl_raw_set_timeout(raw, 100);
    assert_status(hyl_raw_simple_query(raw, slow, &messages, &err), HYL_ERR_TIMEOUT, &err);
    assert_false(hyl_raw_is_healthy(raw));
    assert_status(hyl_raw_simple_query(raw, HYL_STR("SELECT 1"), &messages, &err), HYL_ERR_DESYNC,
                  &err);
    /* The query must not go on burning the server's time. */
    hyl_transport second = {NULL, NULL};
    hyl_buf cancel = HYL_BUF_INIT;
    size_t put = 0;
    assert_ok(
        hyl_transport_open((*(endpoint_fn *)*state)(), hyl__deadline_in(10000), &second, &err),
        &err);
    assert_ok(
        hyl_enc_cancel_request(&cancel, hyl_raw_process_id(raw), hyl_raw_secret_key(raw), &err),
        &err);
    hyl_iovec iov = {cancel.data, cancel.len};
    assert_ok(second.ops->writev(second.self, &iov, 1, &put, &err), &err);
    assert_int_equal(put, cancel.len);
    hyl_raw_set_timeout(raw, 60000);
    assert_true(hyl_raw_drain_until_ready(raw));
    assert_false(hyl_raw_is_healthy(raw));
    hyl_transport_close(&second);
    hyl_buf_reset(&cancel);
    close_raw(raw);
}

/* ---- COPY into the server ---- */

/* A temporary table of an int that is NOT NULL and a text. */
static hyl_raw *with_table(void **state)
{
    hyl_raw *raw = connect_to(state);
    execute(raw, "CREATE TEMPORARY TABLE \"T t\" (a int NOT NULL, \"b\"\"c\" text)");
    return raw;
}

static const char *const both_columns[] = {"a", "b\"c"};

/* Two rows of HyperBinary: (1, 'x'), (2, NULL). */
#define TWO_ROWS "\1\0\0\0\0\1\0\0\0x\2\0\0\0\1"

static hyl_bytes literal(const char *text, size_t len)
{
    return (hyl_bytes){(const uint8_t *)text, len};
}

static void assert_two_rows(hyl_raw *raw)
{
    assert_int_equal(number(raw, "SELECT sum(a) FROM \"T t\""), 3);
    assert_int_equal(number(raw, "SELECT count(\"b\"\"c\") FROM \"T t\""), 1);
}

static void copy_in_of_hyperbinary(void **state)
{
    hyl_raw *raw = with_table(state);
    hyl_buf header = HYL_BUF_INIT;
    uint64_t rows = 0;
    hyl_copy_header(&header);
    assert_ok(hyl_raw_start_copy_in(raw, "\"T t\"", both_columns, 2, &err), &err);
    assert_ok(hyl_raw_send_copy_data(raw, (hyl_bytes){header.data, header.len}, &err), &err);
    assert_ok(hyl_raw_send_copy_data_direct(raw, literal(TWO_ROWS, sizeof TWO_ROWS - 1), &err),
              &err);
    assert_ok(hyl_raw_flush_stream(raw, &err), &err);
    assert_ok(hyl_raw_finish_copy(raw, &rows, &err), &err);
    assert_int_equal(rows, 2);
    assert_two_rows(raw);
    hyl_buf_reset(&header);
    close_raw(raw);
}

static void copy_in_of_another_format(void **state)
{
    hyl_raw *raw = with_table(state);
    uint64_t rows = 0;
    assert_ok(hyl_raw_start_copy_in_with_format(raw, "\"T t\"", both_columns, 2, "CSV", &err),
              &err);
    assert_ok(hyl_raw_send_copy_data(raw, literal("1,x\n", 4), &err), &err);
    assert_ok(hyl_raw_flush(raw, &err), &err);
    assert_ok(hyl_raw_send_copy_data(raw, literal("2,\n", 3), &err), &err);
    assert_ok(hyl_raw_finish_copy(raw, &rows, &err), &err);
    assert_int_equal(rows, 2);
    assert_two_rows(raw);
    close_raw(raw);
}

static void copy_in_by_a_statement_of_ones_own(void **state)
{
    hyl_raw *raw = with_table(state);
    uint64_t rows = 0;
    assert_ok(hyl_raw_start_copy_in_raw(
                  raw, HYL_STR("COPY \"T t\" FROM STDIN WITH (FORMAT csv, DELIMITER ';')"), &err),
              &err);
    for (const char *at = "1;x\n2;\n"; *at != '\0'; at++) {
        assert_ok(hyl_raw_send_copy_data_direct(raw, literal(at, 1), &err), &err);
    }
    assert_ok(hyl_raw_finish_copy(raw, &rows, &err), &err);
    assert_int_equal(rows, 2);
    assert_two_rows(raw);
    close_raw(raw);
}

static void a_cancelled_copy_leaves_nothing(void **state)
{
    hyl_raw *raw = with_table(state);
    assert_ok(hyl_raw_start_copy_in_with_format(raw, "\"T t\"", NULL, 0, "CSV", &err), &err);
    assert_ok(hyl_raw_send_copy_data_direct(raw, literal("1,x\n", 4), &err), &err);
    assert_ok(hyl_raw_cancel_copy(raw, "changed my mind", &err), &err);
    assert_int_equal(number(raw, "SELECT count(*) FROM \"T t\""), 0);
    assert_ok(hyl_raw_start_copy_in_with_format(raw, "\"T t\"", NULL, 0, "CSV", &err), &err);
    assert_ok(hyl_raw_abandon(raw, &err), &err);
    in_step(raw);
    close_raw(raw);
}

static void bad_data_are_told_at_the_end(void **state)
{
    hyl_raw *raw = with_table(state);
    assert_ok(hyl_raw_start_copy_in_with_format(raw, "\"T t\"", NULL, 0, "CSV", &err), &err);
    assert_ok(hyl_raw_send_copy_data_direct(raw, literal("1,x\nno,y\n", 9), &err), &err);
    assert_status(hyl_raw_finish_copy(raw, NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22P02");
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, 0);
    assert_int_equal(number(raw, "SELECT count(*) FROM \"T t\""), 0);
    close_raw(raw);
}

/* The server says so long before the end, while data still come. */
static void bad_data_in_a_long_copy_too(void **state)
{
    enum { PIECE = 1 << 20, PIECES = 32 };
    hyl_raw *raw = with_table(state);
    char *piece = malloc(PIECE);
    assert_non_null(piece);
    for (size_t i = 0; i < PIECE; i += 4) {
        memcpy(piece + i, "1,x\n", 4);
    }
    assert_ok(hyl_raw_start_copy_in_with_format(raw, "\"T t\"", NULL, 0, "CSV", &err), &err);
    assert_ok(hyl_raw_send_copy_data_direct(raw, literal("no,y\n", 5), &err), &err);
    for (int i = 0; i < PIECES; i++) {
        assert_ok(hyl_raw_send_copy_data_direct(raw, literal(piece, PIECE), &err), &err);
    }
    assert_status(hyl_raw_finish_copy(raw, NULL, &err), HYL_ERR_SERVER, &err);
    assert_int_equal(number(raw, "SELECT count(*) FROM \"T t\""), 0);
    free(piece);
    close_raw(raw);
}

static void other_statements_than_expected_leave_the_session_in_step(void **state)
{
    hyl_raw *raw = with_table(state);
    hyl_raw_messages *messages = NULL;
    hyl_buf out = HYL_BUF_INIT;
    const hyl_str copy_in = HYL_STR("COPY \"T t\" FROM STDIN WITH (FORMAT csv)");
    const hyl_str copy_out =
        HYL_STR("COPY (SELECT * FROM generate_series(1, 100000000)) TO STDOUT WITH (FORMAT csv)");

    assert_status(hyl_raw_simple_query(raw, copy_in, &messages, &err), HYL_ERR_PROTOCOL, &err);
    in_step(raw);
    assert_status(hyl_raw_query_binary(raw, copy_in, &messages, &err), HYL_ERR_PROTOCOL, &err);
    in_step(raw);
    assert_status(hyl_raw_copy_out(raw, copy_in, &out, &err), HYL_ERR_PROTOCOL, &err);
    in_step(raw);
    assert_status(hyl_raw_copy_out(raw, HYL_STR("SELECT 1"), &out, &err), HYL_ERR_PROTOCOL, &err);
    in_step(raw);
    assert_status(hyl_raw_start_copy_in_raw(raw, HYL_STR("SELECT 1"), &err), HYL_ERR_PROTOCOL,
                  &err);
    in_step(raw);
    assert_status(hyl_raw_start_copy_in_raw(raw, copy_out, &err), HYL_ERR_PROTOCOL, &err);
    in_step(raw);
    assert_ok(hyl_raw_start_simple_query(raw, copy_in, &err), &err);
    assert_true(hyl_raw_drain_until_ready(raw));
    in_step(raw);
    assert_int_equal(number(raw, "SELECT count(*) FROM \"T t\""), 0);
    close_raw(raw);
}

static void an_extended_copy_in_can_be_finished_and_cancelled(void **state)
{
    hyl_raw *raw = with_table(state);
    const hyl_str sql = HYL_STR("COPY \"T t\" FROM STDIN WITH (FORMAT csv)");
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        hyl_msg message;
        uint64_t rows = 0;
        assert_ok(hyl_raw_start_query_binary(raw, sql, &err), &err);
        read_to(raw, HYL_MSG_COPY_IN_RESPONSE, &message);
        assert_ok(hyl_raw_send_copy_data(raw, literal("1,x\n", 4), &err), &err);
        if (cancelled) {
            assert_ok(hyl_raw_cancel_copy(raw, "no", &err), &err);
        } else {
            assert_ok(hyl_raw_finish_copy(raw, &rows, &err), &err);
            assert_int_equal(rows, 1);
        }
        in_step(raw);
    }
    assert_int_equal(number(raw, "SELECT count(*) FROM \"T t\""), 1);
    close_raw(raw);
}

/* ---- COPY out of the server ---- */

static void copy_out_gives_all_data(void **state)
{
    hyl_raw *raw = connect_to(state);
    hyl_buf out = HYL_BUF_INIT;
    assert_ok(hyl_raw_copy_out(raw, HYL_STR("COPY (SELECT 1, 'a') TO STDOUT WITH (FORMAT csv)"),
                               &out, &err),
              &err);
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.data, "1,a\n", 4);
    in_step(raw);
    assert_status(hyl_raw_copy_out(raw, HYL_STR("COPY (SELECT 1) TO STDOUT"), &out, &err),
                  HYL_ERR_SERVER, &err);
    assert_int_equal(out.len, 4);
    in_step(raw);
    hyl_buf_reset(&out);
    close_raw(raw);
}

static hyl_status count_until(void *ctx, hyl_bytes piece, hyl_error *e)
{
    int64_t *left = ctx;
    *left -= (int64_t)piece.len;
    if (*left < 0) {
        e->status = HYL_ERR_LIMIT;
        return HYL_ERR_LIMIT;
    }
    return HYL_OK;
}

static void a_writer_sees_every_byte_or_stops_early(void **state)
{
    hyl_raw *raw = connect_to(state);
    const hyl_str million =
        HYL_STR("COPY (SELECT * FROM generate_series(100001, 200000)) TO STDOUT "
                "WITH (FORMAT csv)");
    const hyl_str endless = HYL_STR("COPY (SELECT * FROM generate_series(1, 1000000000)) TO STDOUT "
                                    "WITH (FORMAT csv)");
    int64_t left = INT64_MAX;
    uint64_t written = 0;
    assert_ok(hyl_raw_copy_out_to_writer(raw, million, count_until, &left, &written, &err), &err);
    assert_int_equal(written, 700000);
    assert_true(INT64_MAX - left == 700000);
    in_step(raw);

    int64_t start = hyl__now_ms();
    left = 1000000;
    assert_status(hyl_raw_copy_out_to_writer(raw, endless, count_until, &left, &written, &err),
                  HYL_ERR_LIMIT, &err);
    assert_true(hyl__now_ms() - start < 10000);
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, 0);
    in_step(raw);
    close_raw(raw);
}

/* ---- Big values ---- */

/* 200 MB in one Bind and in one DataRow. */
static void a_value_of_200_mb_goes_there_and_back(void **state)
{
    enum { SIZE = 200000000 };
    hyl_raw *raw = connect_to(state);
    hyl_msg message;
    uint8_t *value = malloc(SIZE);
    assert_non_null(value);
    for (size_t i = 0; i < SIZE; i++) {
        value[i] = (uint8_t)('a' + i % 23);
    }
    const hyl_param_bytes params[] = {{value, SIZE}};
    prepare(raw, "big", "SELECT $1", 25);
    assert_ok(hyl_raw_start_execute_prepared(raw, "big", params, 1, 1, &err), &err);
    read_to(raw, HYL_MSG_DATA_ROW, &message);
    hyl_bytes cell = first_cell(&message);
    assert_int_equal(cell.len, SIZE);
    assert_int_equal(memcmp(cell.data, value, SIZE), 0);
    assert_true(hyl_raw_drain_until_ready(raw));
    free(value);
    in_step(raw);
    close_raw(raw);
}

static void a_value_of_200_mb_goes_by_copy(void **state)
{
    enum { PIECE = 1 << 20, PIECES = 200 };
    hyl_raw *raw = with_table(state);
    hyl_buf head = HYL_BUF_INIT;
    const uint8_t row[] = {1, 0, 0, 0, 0, 0, 0, 0x80, 0x0c}; /* 1, then 200 MiB of text */
    char *piece = malloc(PIECE);
    uint64_t rows = 0;
    assert_non_null(piece);
    memset(piece, 'z', PIECE);
    hyl_copy_header(&head);
    hyl_buf_append(&head, row, sizeof row);
    assert_ok(hyl_raw_start_copy_in(raw, "\"T t\"", both_columns, 2, &err), &err);
    assert_ok(hyl_raw_send_copy_data(raw, (hyl_bytes){head.data, head.len}, &err), &err);
    for (int i = 0; i < PIECES; i++) {
        assert_ok(hyl_raw_send_copy_data_direct(raw, literal(piece, PIECE), &err), &err);
    }
    assert_ok(hyl_raw_finish_copy(raw, &rows, &err), &err);
    assert_int_equal(rows, 1);
    assert_int_equal(number(raw, "SELECT length(\"b\"\"c\") FROM \"T t\""), PIECE * PIECES);
    free(piece);
    hyl_buf_reset(&head);
    close_raw(raw);
}

/* ---- With a password ---- */

static void scram_lets_in_who_knows_the_password(void **state)
{
    (void)state;
    if (!HYL_WITH_OPENSSL) {
        skip();
    }
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    hyl_server *server = NULL;
    opts.listen = HYL_LISTEN_TCP | HYL_LISTEN_UNIX;
    opts.password = "pässword, with =signs";
    assert_ok(hyl_server_launch(&opts, &server, &err), &err);
    const hyl_endpoint *const endpoints[] = {hyl_server_endpoint(server),
                                             hyl_server_socket_endpoint(server)};
    for (size_t i = 0; i < 2; i++) {
        hyl_raw *raw = new_raw(endpoints[i]);
        assert_ok(log_in(raw, NULL, opts.password), &err);
        in_step(raw);
        close_raw(raw);

        raw = new_raw(endpoints[i]);
        assert_status(log_in(raw, NULL, "another"), HYL_ERR_SERVER, &err);
        assert_string_equal(err.sqlstate, "42501");
        assert_false(hyl_raw_is_healthy(raw));
        hyl_raw_free(raw);

        raw = new_raw(endpoints[i]);
        assert_status(log_in(raw, NULL, NULL), HYL_ERR_AUTH, &err);
        assert_non_null(strstr(err.message, "SCRAM-SHA-256"));
        hyl_raw_free(raw);
    }
    hyl_server_free(server);
}

static void a_server_that_ends_is_closed(void **state)
{
    (void)state;
    hyl_server *server = NULL;
    hyl_raw_messages *messages = NULL;
    assert_ok(hyl_server_launch(NULL, &server, &err), &err);
    hyl_raw *raw = new_raw(hyl_server_endpoint(server));
    assert_ok(log_in(raw, NULL, NULL), &err);
    hyl_server_free(server);
    hyl_status status = hyl_raw_simple_query(raw, HYL_STR("SELECT 1"), &messages, &err);
    if (status != HYL_ERR_CLOSED && status != HYL_ERR_IO) {
        fail_msg("%s: %s", hyl_status_name(status), err.message);
    }
    assert_false(hyl_raw_is_healthy(raw));
    hyl_raw_free(raw);
}

#define ON_BOTH(test)                                   \
    {#test " (tcp)", test, NULL, NULL, &by_tcp},        \
    {                                                   \
#test " (socket)", test, NULL, NULL, &by_socket \
    }
#define ON_SOCKET(test)                     \
    {                                       \
#test, test, NULL, NULL, &by_socket \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_session_has_a_key_and_parameters),
        ON_BOTH(a_login_that_fails_is_the_servers_error),
        ON_BOTH(a_simple_query_gives_its_messages),
        ON_BOTH(a_binary_query_gives_little_endian_values),
        ON_BOTH(an_error_has_its_fields_and_leaves_the_session_in_step),
        ON_BOTH(a_prepared_statement_is_executed_again_and_again),
        ON_BOTH(no_columns_mean_text_and_a_wrong_number_is_an_error),
        ON_BOTH(a_long_pipeline_does_not_deadlock),
        ON_BOTH(a_running_query_is_given_up_at_once),
        ON_BOTH(a_deadline_marks_the_session),
        ON_BOTH(copy_in_of_hyperbinary),
        ON_BOTH(copy_in_of_another_format),
        ON_BOTH(copy_in_by_a_statement_of_ones_own),
        ON_BOTH(a_cancelled_copy_leaves_nothing),
        ON_BOTH(bad_data_are_told_at_the_end),
        ON_BOTH(bad_data_in_a_long_copy_too),
        ON_BOTH(other_statements_than_expected_leave_the_session_in_step),
        ON_BOTH(an_extended_copy_in_can_be_finished_and_cancelled),
        ON_BOTH(copy_out_gives_all_data),
        ON_BOTH(a_writer_sees_every_byte_or_stops_early),
        ON_SOCKET(a_value_of_200_mb_goes_there_and_back),
        ON_SOCKET(a_value_of_200_mb_goes_by_copy),
        cmocka_unit_test(scram_lets_in_who_knows_the_password),
        cmocka_unit_test(a_server_that_ends_is_closed),
    };
    return cmocka_run_group_tests_name("live/raw_hyperd", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
