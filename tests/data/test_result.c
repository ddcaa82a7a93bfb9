#include "support/test.h"

#include "support/mem_conn.h"

static hyl_error err;

static hyl_result *opened(mem_conn *mem)
{
    hyl_result *result = NULL;
    assert_ok(hyl_query(mem->conn, "SELECT", &result, &err), &err);
    return result;
}

static void assert_int(const hyl_row *row, int32_t expected)
{
    int32_t value = 0;
    assert_ok(hyl_row_get_i32(row, 0, &value, &err), &err);
    assert_int_equal(value, expected);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static void columns_keep_their_names_and_types(void **state)
{
    (void)state;
    const backend_column columns[] = {
        {"a", hyl_type_of(HYL_TYPE_INT)},
        {"a", hyl_type_numeric(18, 2)},
        {"", hyl_type_from_oid(1043, 14)},
        {"sel\"ect", hyl_type_from_oid(1007, -1)},
        {"na\xc3\xafve", hyl_type_from_oid(99999, 7)},
    };
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    backend_description(&messages, columns, 5);
    mem_say(&mem, &messages);
    mem_say_done(&mem, "SELECT 0", 'I');
    hyl_result *result = opened(&mem);
    assert_int_equal(hyl_result_column_count(result), 5);
    for (size_t i = 0; i < 5; i++) {
        const hyl_column *column = hyl_result_column(result, i);
        assert_string_equal(column->name, columns[i].name);
        assert_int_equal(column->name_len, strlen(columns[i].name));
        assert_int_equal(column->type.id, columns[i].type.id);
        assert_int_equal(column->type.oid, columns[i].type.oid);
        assert_int_equal(column->type.typmod, columns[i].type.typmod);
        assert_int_equal(column->format, HYL_FORMAT_HYPERBINARY);
    }
    assert_null(hyl_result_column(result, 5));
    assert_null(hyl_result_column(result, SIZE_MAX));
    assert_int_equal(hyl_result_find(result, "a"), 0);
    assert_int_equal(hyl_result_find(result, ""), 2);
    assert_int_equal(hyl_result_find(result, "sel\"ect"), 3);
    assert_int_equal(hyl_result_find(result, "A"), -1);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_row_may_have_no_columns(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    const hyl_row *row = NULL;
    backend_description(&messages, NULL, 0);
    backend_row(&messages, NULL, 0);
    backend_row(&messages, NULL, 0);
    mem_say(&mem, &messages);
    mem_say_done(&mem, "SELECT 2", 'I');
    hyl_result *result = opened(&mem);
    assert_int_equal(hyl_result_column_count(result), 0);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_int_equal(hyl_row_column_count(row), 0);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static void rows_come_in_order_and_then_done(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    const hyl_row *row = NULL;
    mem_say_ints(&mem, 3);
    hyl_result *result = opened(&mem);
    for (int32_t i = 1; i <= 3; i++) {
        assert_int_equal(hyl_result_affected(result), -1);
        assert_string_equal(hyl_result_tag(result), "");
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_int(row, i);
    }
    for (int i = 0; i < 2; i++) {
        assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
        assert_int_equal(hyl_result_affected(result), 3);
        assert_string_equal(hyl_result_tag(result), "SELECT 3");
    }
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* A window of rows after another: what was received is moved, and read on. */
static void rows_outnumber_the_window(void **state)
{
    (void)state;
    enum { COUNT = 40000 };
    mem_conn mem = mem_conn_open(NULL);
    const hyl_row *row = NULL;
    mem_say_ints(&mem, COUNT);
    hyl_mem_peer_pace(mem.peer, 8191, 0, false);
    hyl_result *result = opened(&mem);
    for (int32_t i = 1; i <= COUNT; i++) {
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_int(row, i);
    }
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    assert_true(mem.conn->session.frame.cap <= 131072);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* ---- Rows of one layout, and others --------------------------------------------------------- */

static const uint8_t numbers[] = {7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0};

static void describe_numbers(hyl_buf *messages)
{
    const backend_column columns[] = {{"i", hyl_type_of(HYL_TYPE_INT)},
                                      {"b", hyl_type_of(HYL_TYPE_BIGINT)}};
    backend_description(messages, columns, 2);
}

/* Cells of these sizes; below 0: NULL. */
static void add_numbers(hyl_buf *messages, int first, int second)
{
    const hyl_bytes cells[] = {
        {first < 0 ? NULL : numbers, first < 0 ? 0 : (size_t)first},
        {second < 0 ? NULL : numbers + 4, second < 0 ? 0 : (size_t)second},
    };
    backend_row(messages, cells, 2);
}

static void assert_numbers(const hyl_row *row, bool has_first, bool has_second)
{
    int32_t first = 0;
    int64_t second = 0;
    assert_int_equal(hyl_row_is_null(row, 0), !has_first);
    assert_int_equal(hyl_row_is_null(row, 1), !has_second);
    assert_status(hyl_row_get_i32(row, 0, &first, &err), has_first ? HYL_OK : HYL_ERR_NULLVAL,
                  &err);
    assert_status(hyl_row_get_i64(row, 1, &second, &err), has_second ? HYL_OK : HYL_ERR_NULLVAL,
                  &err);
    assert_int_equal(first, has_first ? 7 : 0);
    assert_int_equal(second, has_second ? 9 : 0);
}

/* NULLs in all places, between rows without: however the bytes come. */
static void rows_with_and_without_null_take_turns(void **state)
{
    (void)state;
    enum { ROUNDS = 4 };
    const size_t paces[] = {0, 1, 7, 64};
    for (size_t pace = 0; pace < sizeof paces / sizeof paces[0]; pace++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_buf messages = HYL_BUF_INIT;
        const hyl_row *row = NULL;
        describe_numbers(&messages);
        for (int i = 0; i < ROUNDS * 4; i++) {
            add_numbers(&messages, i % 4 & 1 ? -1 : 4, i % 4 & 2 ? -1 : 8);
        }
        mem_say(&mem, &messages);
        mem_say_done(&mem, "SELECT 16", 'I');
        hyl_mem_peer_pace(mem.peer, paces[pace], 0, false);
        hyl_result *result = opened(&mem);
        for (int i = 0; i < ROUNDS * 4; i++) {
            assert_ok(hyl_result_next(result, &row, &err), &err);
            assert_numbers(row, !(i % 4 & 1), !(i % 4 & 2));
        }
        assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
        hyl_result_free(result);
        mem_conn_close(&mem);
    }
}

/* As long as the others, but with cells of other sizes: a row, whose values are none. */
static void a_row_of_the_right_length_may_have_wrong_cells(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    const hyl_row *row = NULL;
    int32_t value = 0;
    describe_numbers(&messages);
    add_numbers(&messages, 8, 4);
    add_numbers(&messages, 4, 8);
    mem_say(&mem, &messages);
    mem_say_done(&mem, "SELECT 2", 'I');
    hyl_result *result = opened(&mem);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_status(hyl_row_get_i32(row, 0, &value, &err), HYL_ERR_PROTOCOL, &err);
    assert_non_null(strstr(err.message, "column 1 \"i\""));
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_numbers(row, true, true);
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* As long as the others, but a cell's length does not fit: no row at all. */
static void a_row_of_the_right_length_may_be_malformed(void **state)
{
    (void)state;
    static const uint8_t body[] = {0, 2, 0, 0, 0, 4, 7, 0, 0, 0, 0,
                                   0, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0};
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    const hyl_row *row = NULL;
    describe_numbers(&messages);
    add_numbers(&messages, 4, 8);
    backend_message(&messages, 'D', body, sizeof body);
    mem_say(&mem, &messages);
    mem_say_done(&mem, "SELECT 2", 'I');
    hyl_result *result = opened(&mem);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    assert_numbers(row, true, true);
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_PROTOCOL, &err);
    assert_non_null(strstr(err.message, "column 2"));
    hyl_result_free(result);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    mem_conn_close(&mem);
}

/* ---- Large rows ----------------------------------------------------------------------------- */

static void a_row_may_be_larger_than_the_window(void **state)
{
    (void)state;
    enum { SIZE = 3000000 };
    static uint8_t bytes[SIZE];
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    const backend_column column = {"t", hyl_type_of(HYL_TYPE_TEXT)};
    const hyl_row *row = NULL;
    memset(bytes, 'x', SIZE);
    backend_description(&messages, &column, 1);
    for (size_t i = 0; i < 3; i++) {
        const hyl_bytes cell = {bytes, SIZE - i};
        backend_row(&messages, &cell, 1);
    }
    mem_say(&mem, &messages);
    mem_say_done(&mem, "SELECT 3", 'I');
    hyl_result *result = opened(&mem);
    for (size_t i = 0; i < 3; i++) {
        hyl_str str;
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_ok(hyl_row_get_str(row, 0, &str, &err), &err);
        assert_int_equal(str.len, SIZE - i);
        assert_memory_equal(str.data, bytes, SIZE - i);
    }
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_statement_may_fail_after_rows(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_buf messages = HYL_BUF_INIT;
    const hyl_row *row = NULL;
    backend_int_description(&messages);
    backend_int_row(&messages, 1);
    mem_say(&mem, &messages);
    mem_say_error(&mem, "22012", "division by zero", 'I');
    hyl_result *result = opened(&mem);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    for (int i = 0; i < 2; i++) {
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl_result_next(result, &row, &err), HYL_ERR_SERVER, &err);
        assert_string_equal(err.message, "division by zero");
        assert_status(hyl_result_finish(result, &err), HYL_ERR_SERVER, &err);
    }
    assert_string_equal(hyl_result_tag(result), "");
    mem_assert_in_step(&mem);
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_SERVER, &err);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_statement_that_fails_at_once_opens_no_result(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = (hyl_result *)&mem;
    mem_say_error(&mem, "42P01", "no such table", 'I');
    assert_status(hyl_query(mem.conn, "SELECT", &result, &err), HYL_ERR_SERVER, &err);
    assert_ptr_equal(result, &mem);
    assert_string_equal(err.sqlstate, "42P01");
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void a_statement_without_rows_is_a_result_without_columns(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    const hyl_row *row = NULL;
    mem_say_done(&mem, "INSERT 0 5", 'I');
    hyl_result *result = opened(&mem);
    assert_int_equal(hyl_conn_health(mem.conn), HYL_HEALTH_OK);
    assert_int_equal(hyl_result_column_count(result), 0);
    assert_int_equal(hyl_result_affected(result), 5);
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, 'I', NULL, 0);
    backend_ready(&messages, 'I');
    mem_say(&mem, &messages);
    result = opened(&mem);
    assert_string_equal(hyl_result_tag(result), "");
    assert_int_equal(hyl_result_affected(result), -1);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void a_long_tag_is_cut(void **state)
{
    (void)state;
    char tag[200];
    mem_conn mem = mem_conn_open(NULL);
    memset(tag, 'X', sizeof tag);
    tag[sizeof tag - 1] = '\0';
    mem_say_done(&mem, tag, 'I');
    hyl_result *result = opened(&mem);
    assert_int_equal(strlen(hyl_result_tag(result)), 63);
    hyl_result_free(result);
    mem_conn_close(&mem);
}

/* ---- COPY ------------------------------------------------------------------------------------ */

static void a_copy_is_refused_where_rows_are_asked_for(void **state)
{
    (void)state;
    static const char letters[] = {'G', 'H'};
    for (size_t i = 0; i < 2; i++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_buf messages = HYL_BUF_INIT;
        hyl_result *result = NULL;
        backend_copy_response(&messages, letters[i]);
        if (letters[i] == 'H') {
            backend_copy_data(&messages, "1\n", 2);
        }
        mem_say(&mem, &messages);
        mem_say_error(&mem, "57014", "canceled by user", 'I');
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl_query(mem.conn, "COPY", &result, &err), HYL_ERR_ARG, &err);
        assert_non_null(strstr(err.message, "nothing was copied"));
        assert_null(result);
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

/* ---- Described first ------------------------------------------------------------------------- */

static const hyl_query_opts as_text = {sizeof as_text, HYL_QUERY_TEXT, HYL_TRANSFER_DEFAULT};
static const hyl_query_opts geography_as_text = {sizeof geography_as_text, HYL_QUERY_GEOGRAPHY_TEXT,
                                                 HYL_TRANSFER_DEFAULT};

static void say_described(mem_conn *mem, const backend_column *columns, size_t count)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, '1', NULL, 0);
    backend_message(&messages, 't', "\0\0", 2);
    backend_description(&messages, columns, count);
    backend_ready(&messages, 'I');
    mem_say(mem, &messages);
}

/* The bytes of Parse, Describe and Sync of a statement, and of Bind, Execute and Sync. */
static hyl_buf described_request(const char *sql)
{
    hyl_buf request = HYL_BUF_INIT;
    assert_ok(hyl_enc_parse(&request, "", hyl_str_of(sql), NULL, 0, &err), &err);
    assert_ok(hyl_enc_describe(&request, 'S', "", &err), &err);
    assert_ok(hyl_enc_sync(&request, &err), &err);
    return request;
}

static hyl_buf executed_request(const int16_t *formats, size_t count)
{
    hyl_buf request = HYL_BUF_INIT;
    hyl_bind bind = {.result_formats = formats, .result_format_count = count};
    assert_ok(hyl_enc_bind(&request, &bind, &err), &err);
    assert_ok(hyl_enc_execute(&request, "", 0, &err), &err);
    assert_ok(hyl_enc_sync(&request, &err), &err);
    return request;
}

/* Says the answer to the second request once the client has written both. */
static void say_executed(mem_conn *mem, size_t first_size, size_t second_size, hyl_buf *messages)
{
    mem_say_after(mem, first_size + second_size, messages);
}

static void check_formats(const hyl_query_opts *opts, const int16_t formats[3])
{
    const backend_column columns[] = {{"i", hyl_type_of(HYL_TYPE_INT)},
                                      {"g", hyl_type_of(HYL_TYPE_GEOGRAPHY)},
                                      {"x", hyl_type_from_oid(99999, -1)}};
    const hyl_bytes cells[] = {
        {(const uint8_t *)"1234", 4}, {(const uint8_t *)"POINT(1 2)", 10}, {NULL, 0}};
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_buf first = described_request("SELECT");
    hyl_buf second = executed_request(formats, 3);
    hyl_buf answer = HYL_BUF_INIT;
    say_described(&mem, columns, 3);
    backend_message(&answer, '2', NULL, 0);
    backend_row(&answer, cells, 3);
    backend_row(&answer, cells, 3);
    backend_tag(&answer, "SELECT 2");
    backend_ready(&answer, 'I');
    say_executed(&mem, first.len, second.len, &answer);
    assert_ok(hyl_query_with(mem.conn, "SELECT", opts, &result, &err), &err);
    hyl_buf_append(&first, second.data, second.len);
    mem_assert_written(&mem, first.data, first.len);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(hyl_result_column(result, i)->format, formats[i]);
    }
    for (int i = 0; i < 2; i++) {
        hyl_str str;
        assert_ok(hyl_result_next(result, &row, &err), &err);
        assert_ok(hyl_row_get_str(row, 1, &str, &err), &err);
        assert_memory_equal(str.data, "POINT(1 2)", 10);
    }
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    assert_int_equal(hyl_result_affected(result), 2);
    hyl_result_free(result);
    hyl_buf_reset(&first);
    hyl_buf_reset(&second);
    mem_conn_close(&mem);
}

static void each_column_is_asked_for_in_its_format(void **state)
{
    (void)state;
    check_formats(&as_text, (const int16_t[]){0, 0, 0});
    check_formats(&geography_as_text, (const int16_t[]){2, 0, 0});
}

static void a_described_statement_may_return_no_rows(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_buf first = described_request("DELETE FROM t");
    hyl_buf second = executed_request(NULL, 0);
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, '1', NULL, 0);
    backend_message(&messages, 't', "\0\0", 2);
    backend_message(&messages, 'n', NULL, 0);
    backend_ready(&messages, 'I');
    mem_say(&mem, &messages);
    backend_message(&messages, '2', NULL, 0);
    backend_tag(&messages, "DELETE 4");
    backend_ready(&messages, 'I');
    say_executed(&mem, first.len, second.len, &messages);
    assert_ok(hyl_query_with(mem.conn, "DELETE FROM t", &as_text, &result, &err), &err);
    assert_int_equal(hyl_result_column_count(result), 0);
    assert_int_equal(hyl_result_affected(result), 4);
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
    hyl_buf_reset(&first);
    hyl_buf_reset(&second);
    mem_conn_close(&mem);
}

static void an_error_while_describing_is_the_querys(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    mem_say_error(&mem, "42601", "syntax error", 'I');
    assert_status(hyl_query_with(mem.conn, "SELECT", &as_text, &result, &err), HYL_ERR_SERVER,
                  &err);
    assert_string_equal(err.sqlstate, "42601");
    assert_null(result);
    hyl_buf request = described_request("SELECT");
    mem_assert_written(&mem, request.data, request.len);
    hyl_buf_reset(&request);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void an_error_while_executing_is_the_querys_too(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const backend_column column = {"n", hyl_type_of(HYL_TYPE_INT)};
    hyl_buf messages = HYL_BUF_INIT;
    say_described(&mem, &column, 1);
    backend_message(&messages, '2', NULL, 0);
    backend_error(&messages, "22012", "division by zero");
    backend_ready(&messages, 'I');
    hyl_buf first = described_request("SELECT");
    hyl_buf second = executed_request((const int16_t[]){0}, 1);
    say_executed(&mem, first.len, second.len, &messages);
    assert_status(hyl_query_with(mem.conn, "SELECT", &as_text, &result, &err), HYL_ERR_SERVER,
                  &err);
    assert_null(result);
    mem_assert_in_step(&mem);
    hyl_buf_reset(&first);
    hyl_buf_reset(&second);
    mem_conn_close(&mem);
}

/* Rows, and then neither the tag nor an error: never a result that looks whole. */
static void a_result_that_was_cut_short_is_cancelled(void **state)
{
    (void)state;
    const backend_column column = {"n", hyl_type_of(HYL_TYPE_INT)};
    for (int abandoned = 0; abandoned < 2; abandoned++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_result *result = NULL;
        const hyl_row *row = NULL;
        hyl_buf messages = HYL_BUF_INIT;
        hyl_buf first = described_request("SELECT");
        hyl_buf second = executed_request((const int16_t[]){0}, 1);
        say_described(&mem, &column, 1);
        backend_message(&messages, '2', NULL, 0);
        backend_int_row(&messages, 1);
        backend_ready(&messages, 'I');
        say_executed(&mem, first.len, second.len, &messages);
        assert_ok(hyl_query_with(mem.conn, "SELECT", &as_text, &result, &err), &err);
        assert_ok(hyl_result_next(result, &row, &err), &err);
        if (abandoned) {
            assert_ok(hyl_result_abandon(result, &err), &err);
        }
        for (int i = 0; i < 2; i++) {
            err = (hyl_error)HYL_ERROR_INIT;
            assert_status(hyl_result_next(result, &row, &err), HYL_ERR_CANCELLED, &err);
            assert_string_equal(err.sqlstate, abandoned ? "" : "57014");
        }
        hyl_result_free(result);
        mem_assert_in_step(&mem);
        hyl_buf_reset(&first);
        hyl_buf_reset(&second);
        mem_conn_close(&mem);
    }
}

/* A row where the description said that there are none. */
static void a_row_that_was_not_described_is_out_of_step(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_buf messages = HYL_BUF_INIT;
    backend_message(&messages, '1', NULL, 0);
    backend_message(&messages, 'n', NULL, 0);
    backend_ready(&messages, 'I');
    mem_say(&mem, &messages);
    hyl_buf first = described_request("DELETE");
    hyl_buf second = executed_request(NULL, 0);
    backend_message(&messages, '2', NULL, 0);
    backend_int_row(&messages, 1);
    say_executed(&mem, first.len, second.len, &messages);
    assert_ok(hyl_query_with(mem.conn, "DELETE", &as_text, &result, &err), &err);
    assert_status(hyl_result_next(result, &row, &err), HYL_ERR_PROTOCOL, &err);
    hyl_result_free(result);
    mem_assert_lost(&mem, HYL_ERR_DESYNC);
    hyl_buf_reset(&first);
    hyl_buf_reset(&second);
    mem_conn_close(&mem);
}

/* What cannot be described without running it is a simple query whatever is asked. */
static void other_statements_are_not_described(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    mem_say_done(&mem, "CREATE TABLE", 'I');
    assert_ok(hyl_query_with(mem.conn, "CREATE TABLE t (a int)", &as_text, &result, &err), &err);
    mem_assert_queried(&mem, "CREATE TABLE t (a int)");
    hyl_result_free(result);
    mem_conn_close(&mem);
}

static void no_options_are_the_defaults(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    hyl_result *result = NULL;
    const hyl_query_opts defaults = HYL_QUERY_OPTS_INIT;
    for (int i = 0; i < 2; i++) {
        mem_say_ints(&mem, 1);
        assert_ok(hyl_query_with(mem.conn, "SELECT", i == 0 ? NULL : &defaults, &result, &err),
                  &err);
        mem_assert_queried(&mem, "SELECT");
        hyl_result_free(result);
    }
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_keep_their_names_and_types),
        cmocka_unit_test(a_row_may_have_no_columns),
        cmocka_unit_test(rows_come_in_order_and_then_done),
        cmocka_unit_test(rows_outnumber_the_window),
        cmocka_unit_test(rows_with_and_without_null_take_turns),
        cmocka_unit_test(a_row_of_the_right_length_may_have_wrong_cells),
        cmocka_unit_test(a_row_of_the_right_length_may_be_malformed),
        cmocka_unit_test(a_row_may_be_larger_than_the_window),
        cmocka_unit_test(a_statement_may_fail_after_rows),
        cmocka_unit_test(a_statement_that_fails_at_once_opens_no_result),
        cmocka_unit_test(a_statement_without_rows_is_a_result_without_columns),
        cmocka_unit_test(a_long_tag_is_cut),
        cmocka_unit_test(a_copy_is_refused_where_rows_are_asked_for),
        cmocka_unit_test(each_column_is_asked_for_in_its_format),
        cmocka_unit_test(a_described_statement_may_return_no_rows),
        cmocka_unit_test(an_error_while_describing_is_the_querys),
        cmocka_unit_test(an_error_while_executing_is_the_querys_too),
        cmocka_unit_test(a_result_that_was_cut_short_is_cancelled),
        cmocka_unit_test(a_row_that_was_not_described_is_out_of_step),
        cmocka_unit_test(other_statements_are_not_described),
        cmocka_unit_test(no_options_are_the_defaults),
    };
    return cmocka_run_group_tests_name("data/result", tests, NULL, NULL);
}
