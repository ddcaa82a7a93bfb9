#include "support/test.h"

#include "support/alloc.h"
#include "support/backend.h"
#include "support/random.h"
#include "wire/exchanges.h"

#include "net/crypto.h"
#include "wire/session.h"

/* A window so small that it has to grow in every test. */
enum { SMALL_WINDOW = 16 };

static hyl_error err;

/* ---- Helpers --------------------------------------------------------------------------------- */

static hyl__session new_session(void)
{
    hyl__session session;
    assert_int_equal(hyl__session_init(&session, SMALL_WINDOW, 0), HYL_OK);
    return session;
}

/* What is queued, and forgets it. */
static hyl_buf take_sent(hyl__session *session)
{
    hyl_buf sent = HYL_BUF_INIT;
    hyl_iovec iov[HYL__FRAME_MAX_IOVEC];
    int count = hyl__frame_send_window(&session->frame, iov);
    for (int i = 0; i < count; i++) {
        hyl_buf_append(&sent, iov[i].data, iov[i].len);
    }
    hyl__frame_send_commit(&session->frame, sent.len);
    return sent;
}

static void forget_sent(hyl__session *session)
{
    hyl_buf sent = take_sent(session);
    hyl_buf_reset(&sent);
}

/* A request has been sent by the time that its answer comes. */
static void send_request(hyl__session *session)
{
    if (session->phase > HYL__PHASE_IDLE && session->phase < HYL__PHASE_ROWS) {
        forget_sent(session);
    }
}

/* The bytes arrive; nothing is taken yet. */
static void receive(hyl__session *session, const void *bytes, size_t len)
{
    const uint8_t *from = bytes;
    send_request(session);
    while (len > 0) {
        uint8_t *at = NULL;
        size_t cap = 0;
        assert_int_equal(hyl__frame_recv_window(&session->frame, &at, &cap), HYL_OK);
        size_t piece = len < cap ? len : cap;
        memcpy(at, from, piece);
        hyl__frame_recv_commit(&session->frame, piece);
        from += piece;
        len -= piece;
    }
}

/* Receives what is in `messages` and empties it. */
static void receive_messages(hyl__session *session, hyl_buf *messages)
{
    receive(session, messages->data, messages->len);
    hyl_buf_reset(messages);
}

static void assert_next(hyl__session *session, hyl__event_type type)
{
    hyl__event event;
    assert_ok(hyl__session_next(session, &event, &err), &err);
    assert_int_equal(event.type, type);
}

/* Receives what is in `messages`, empties it, and takes these events, the last one HYL__EVENT_NONE. */
static void assert_events(hyl__session *session, hyl_buf *messages, const hyl__event_type *types)
{
    receive_messages(session, messages);
    for (; *types != HYL__EVENT_NONE; types++) {
        assert_next(session, *types);
    }
}

#define assert_gives(session, messages, ...) \
    assert_events(session, messages, (const hyl__event_type[]){__VA_ARGS__, HYL__EVENT_NONE})

static void assert_no_more(hyl__session *session)
{
    hyl__event event;
    assert_int_equal(hyl__session_next(session, &event, &err), HYL_AGAIN);
}

/* Broken for good: whatever comes, whatever is asked. */
static void assert_broken(hyl__session *session)
{
    hyl_buf more = HYL_BUF_INIT;
    hyl__event event;
    backend_ready(&more, 'I');
    receive_messages(session, &more);
    assert_int_equal(session->phase, HYL__PHASE_BROKEN);
    assert_status(hyl__session_next(session, &event, &err), HYL_ERR_PROTOCOL, &err);
    assert_status(hyl__session_query(session, HYL_STR("select 1"), HYL__STATEMENT_OTHER, &err),
                  HYL_ERR_STATE, &err);
}

static void assert_sent(hyl__session *session, const void *bytes, size_t len)
{
    hyl_buf sent = take_sent(session);
    assert_int_equal(sent.len, len);
    assert_memory_equal(sent.data, bytes, len);
    hyl_buf_reset(&sent);
}

static void start_with(hyl__session *session, const char *password)
{
    const hyl_pair params[] = {{"user", "ann"}};
    assert_ok(
        hyl__session_startup(session, hyl__crypto_openssl(), params, 1, "ann", password, &err),
        &err);
}

static void start(hyl__session *session)
{
    start_with(session, NULL);
}

/* A session that is logged in and idle, with a transaction status. */
static hyl__session idle_session(char tx_status)
{
    hyl__session session = new_session();
    hyl_buf login = HYL_BUF_INIT;
    start(&session);
    backend_auth_ok(&login);
    backend_ready(&login, tx_status);
    assert_gives(&session, &login, HYL__EVENT_READY);
    forget_sent(&session);
    return session;
}

static void query(hyl__session *session, hyl__statement_kind kind)
{
    assert_ok(hyl__session_query(session, HYL_STR("select 1"), kind, &err), &err);
}

static void execute(hyl__session *session)
{
    const int16_t formats[] = {2};
    assert_ok(hyl__session_execute(session, formats, 1, HYL__STATEMENT_OTHER, &err), &err);
}

/* ---- Startup --------------------------------------------------------------------------------- */

static void startup_sends_the_parameters_and_ends_at_ready(void **state)
{
    (void)state;
    hyl__session session = new_session();
    hyl_buf login = HYL_BUF_INIT;
    hyl__event event;
    start(&session);
    assert_sent(&session, "\0\0\0\x12\0\3\0\0user\0ann\0", 18);
    backend_login(&login);
    receive_messages(&session, &login);
    assert_ok(hyl__session_next(&session, &event, &err), &err);
    assert_int_equal(event.type, HYL__EVENT_PARAMETER);
    assert_memory_equal(event.message.as.parameter.name.data, "hyper_version", 14);
    assert_next(&session, HYL__EVENT_PARAMETER);
    assert_next(&session, HYL__EVENT_READY);
    assert_no_more(&session);
    assert_true(hyl__session_idle(&session));
    assert_true(session.has_key);
    assert_int_equal(session.process_id, 0);
    assert_int_equal(session.secret_key, 1234);
    assert_int_equal(session.tx_status, 'I');
    hyl__session_reset(&session);
}

static void startup_happens_once(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    const hyl_pair params[] = {{"user", "ann"}};
    assert_status(hyl__session_startup(&session, NULL, params, 1, "ann", NULL, &err), HYL_ERR_STATE,
                  &err);
    assert_sent(&session, "", 0);
    hyl__session_reset(&session);
}

static void a_startup_that_cannot_be_encoded_changes_nothing(void **state)
{
    (void)state;
    hyl__session session = new_session();
    const hyl_pair empty_key[] = {{"", "x"}};
    hyl_status status =
        hyl__session_startup(&session, hyl__crypto_openssl(), empty_key, 1, "ann", NULL, &err);
    assert_status(status, HYL_ERR_ARG, &err);
    assert_int_equal(session.phase, HYL__PHASE_NEW);
    assert_sent(&session, "", 0);
    start(&session);
    hyl__session_reset(&session);
}

static void a_password_is_sent_and_its_bytes_are_wiped(void **state)
{
    (void)state;
    hyl__session session = new_session();
    hyl_buf messages = HYL_BUF_INIT;
    start_with(&session, "sesame");
    forget_sent(&session);
    backend_message(&messages, 'R', "\0\0\0\3", 4);
    receive_messages(&session, &messages);
    assert_no_more(&session);
    assert_sent(&session, "p\0\0\0\x0bsesame\0", 12);
    backend_auth_ok(&messages);
    receive_messages(&session, &messages);
    assert_no_more(&session);
    for (size_t i = 0; i + 6 <= session.frame.out.cap; i++) {
        assert_memory_not_equal(session.frame.out.data + i, "sesame", 6);
    }
    hyl__session_reset(&session);
}

/* Whatever becomes of the login, and however little of it was sent. */
static void no_password_is_left_in_memory_that_is_freed(void **state)
{
    (void)state;
    for (int said = 0; said < 3; said++) {
        hyl_buf messages = HYL_BUF_INIT;
        alloc_start(ALLOC_NEVER);
        alloc_watch("a rare password");
        hyl__session session = new_session();
        start_with(&session, "a rare password");
        forget_sent(&session);
        backend_message(&messages, 'R', "\0\0\0\3", 4);
        receive_messages(&session, &messages);
        assert_no_more(&session);
        if (said == 1) {
            backend_error(&messages, "28P01", "no");
            receive_messages(&session, &messages);
        } else if (said == 2) {
            backend_auth_ok(&messages);
            receive_messages(&session, &messages);
            assert_no_more(&session);
        }
        hyl__session_reset(&session);
        hyl_buf_reset(&messages);
        assert_int_equal(alloc_secrets(), 0);
        alloc_stop();
    }
}

/* The server says yes before it has the password: what is queued must still go out as it is. */
static void a_password_that_is_still_unsent_is_not_wiped(void **state)
{
    (void)state;
    hyl__session session = new_session();
    hyl_buf messages = HYL_BUF_INIT;
    start_with(&session, "sesame");
    forget_sent(&session);
    backend_message(&messages, 'R', "\0\0\0\3", 4);
    backend_auth_ok(&messages);
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_READY);
    assert_sent(&session, "p\0\0\0\x0bsesame\0", 12);
    hyl__session_reset(&session);
}

static void a_demand_that_cannot_be_met_breaks_the_session(void **state)
{
    (void)state;
    hyl__session session = new_session();
    hyl_buf messages = HYL_BUF_INIT;
    hyl__event event;
    start(&session);
    backend_message(&messages, 'R', "\0\0\0\3", 4);
    receive_messages(&session, &messages);
    assert_status(hyl__session_next(&session, &event, &err), HYL_ERR_AUTH, &err);
    assert_broken(&session);
    hyl__session_reset(&session);
}

static void a_refused_login_gives_the_error_and_then_nothing(void **state)
{
    (void)state;
    hyl__session session = new_session();
    hyl_buf messages = HYL_BUF_INIT;
    hyl__event event;
    start(&session);
    backend_error(&messages, "42501", "could not connect as 'ann'");
    receive_messages(&session, &messages);
    assert_ok(hyl__session_next(&session, &event, &err), &err);
    assert_int_equal(event.type, HYL__EVENT_ERROR);
    assert_memory_equal(event.message.as.diag.message.data, "could not", 9);
    assert_broken(&session);
    hyl__session_reset(&session);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void rows_come_between_their_description_and_the_tag(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    hyl__event event;
    query(&session, HYL__STATEMENT_OTHER);
    assert_sent(&session, "Q\0\0\0\x0dselect 1\0", 14);
    backend_int_description(&messages);
    backend_int_row(&messages, 41);
    backend_int_row(&messages, 42);
    backend_tag(&messages, "SELECT 2");
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_ROW_DESCRIPTION);
    assert_ok(hyl__session_next(&session, &event, &err), &err);
    assert_int_equal(event.type, HYL__EVENT_DATA_ROW);
    assert_int_equal(event.body.len, 10);
    assert_memory_equal(event.body.data, "\0\1\0\0\0\4\x29\0\0\0", 10);
    hyl_bytes body;
    assert_true(hyl__session_take_row(&session, &body));
    assert_memory_equal(body.data, "\0\1\0\0\0\4\x2a\0\0\0", 10);
    assert_false(hyl__session_take_row(&session, &body));
    assert_ok(hyl__session_next(&session, &event, &err), &err);
    assert_int_equal(event.type, HYL__EVENT_COMPLETE);
    assert_memory_equal(event.message.as.tag.data, "SELECT 2", 8);
    assert_false(hyl__session_idle(&session));
    assert_next(&session, HYL__EVENT_READY);
    assert_true(hyl__session_idle(&session));
    hyl__session_reset(&session);
}

/* The next row is not taken by the short way where a row may not come. */
static void a_row_is_taken_by_the_short_way_among_rows_only(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    hyl_bytes body;
    query(&session, HYL__STATEMENT_OTHER);
    backend_int_row(&messages, 1);
    receive_messages(&session, &messages);
    assert_false(hyl__session_take_row(&session, &body));
    hyl__event event;
    assert_status(hyl__session_next(&session, &event, &err), HYL_ERR_PROTOCOL, &err);
    hyl__session_reset(&session);
}

static void a_row_that_was_put_back_comes_again(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    hyl_bytes body;
    hyl__event event;
    execute(&session);
    backend_message(&messages, '2', NULL, 0);
    backend_int_row(&messages, 7);
    backend_int_row(&messages, 8);
    receive_messages(&session, &messages);
    assert_ok(hyl__session_next(&session, &event, &err), &err);
    assert_int_equal(event.type, HYL__EVENT_DATA_ROW);
    hyl__session_put_row_back(&session, event.body);
    assert_true(hyl__session_take_row(&session, &body));
    assert_memory_equal(body.data, "\0\1\0\0\0\4\7\0\0\0", 10);
    assert_true(hyl__session_take_row(&session, &body));
    assert_memory_equal(body.data, "\0\1\0\0\0\4\x08\0\0\0", 10);
    hyl__session_reset(&session);
}

static void assert_busy(hyl__session *session)
{
    const int16_t formats[] = {2};
    assert_status(hyl__session_query(session, HYL_STR("select 2"), HYL__STATEMENT_OTHER, &err),
                  HYL_ERR_STATE, &err);
    assert_status(hyl__session_query(session, HYL_STR("rollback"), HYL__STATEMENT_ROLLBACK, &err),
                  HYL_ERR_STATE, &err);
    assert_status(hyl__session_describe(session, HYL_STR("select 2"), &err), HYL_ERR_STATE, &err);
    assert_status(hyl__session_execute(session, formats, 1, HYL__STATEMENT_OTHER, &err),
                  HYL_ERR_STATE, &err);
    assert_sent(session, "", 0);
}

static void one_request_at_a_time(void **state)
{
    (void)state;
    hyl__session session = new_session();
    hyl_buf messages = HYL_BUF_INIT;
    assert_busy(&session);
    start(&session);
    forget_sent(&session);
    assert_busy(&session);
    backend_login(&messages);
    assert_gives(&session, &messages, HYL__EVENT_PARAMETER, HYL__EVENT_PARAMETER, HYL__EVENT_READY);
    query(&session, HYL__STATEMENT_OTHER);
    forget_sent(&session);
    assert_busy(&session);
    backend_tag(&messages, "SET");
    assert_gives(&session, &messages, HYL__EVENT_COMPLETE);
    assert_busy(&session);
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_READY);
    query(&session, HYL__STATEMENT_OTHER);
    hyl__session_reset(&session);
}

static void a_statement_with_a_nul_is_not_sent(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_str sql = {"select\0 1", 9};
    assert_status(hyl__session_query(&session, sql, HYL__STATEMENT_OTHER, &err), HYL_ERR_ARG, &err);
    assert_status(hyl__session_describe(&session, sql, &err), HYL_ERR_ARG, &err);
    assert_sent(&session, "", 0);
    query(&session, HYL__STATEMENT_OTHER);
    hyl__session_reset(&session);
}

static void a_statement_is_described_and_then_executed(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    const int16_t formats[] = {0, 2};
    assert_ok(hyl__session_describe(&session, HYL_STR("table t"), &err), &err);
    assert_sent(&session,
                "P\0\0\0\x0f\0table t\0\0\0"
                "D\0\0\0\6S\0"
                "S\0\0\0\4",
                28);
    backend_message(&messages, '1', NULL, 0);
    backend_message(&messages, 't', "\0\0", 2);
    backend_int_description(&messages);
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_PARSE_COMPLETE, HYL__EVENT_ROW_DESCRIPTION,
                 HYL__EVENT_READY);
    assert_ok(hyl__session_execute(&session, formats, 2, HYL__STATEMENT_OTHER, &err), &err);
    assert_sent(&session,
                "B\0\0\0\x10\0\0\0\0\0\0\0\2\0\0\0\2"
                "E\0\0\0\x09\0\0\0\0\0"
                "S\0\0\0\4",
                32);
    backend_message(&messages, '2', NULL, 0);
    backend_int_row(&messages, 1);
    backend_tag(&messages, "SELECT 1");
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_DATA_ROW, HYL__EVENT_COMPLETE, HYL__EVENT_READY);
    hyl__session_reset(&session);
}

/* PostgreSQL's description of a portal says how each column comes. */
static void postgresql_describes_what_it_executes(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    const int16_t formats[] = {1};
    session.postgresql = true;
    assert_ok(hyl__session_execute(&session, formats, 1, HYL__STATEMENT_OTHER, &err), &err);
    assert_sent(&session,
                "B\0\0\0\x0e\0\0\0\0\0\0\0\1\0\1"
                "D\0\0\0\6P\0"
                "E\0\0\0\x09\0\0\0\0\0"
                "S\0\0\0\4",
                37);
    backend_message(&messages, '2', NULL, 0);
    backend_int_description(&messages);
    backend_int_row(&messages, 1);
    backend_tag(&messages, "SELECT 1");
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_ROW_DESCRIPTION, HYL__EVENT_DATA_ROW,
                 HYL__EVENT_COMPLETE, HYL__EVENT_READY);

    assert_ok(hyl__session_execute(&session, NULL, 0, HYL__STATEMENT_OTHER, &err), &err);
    backend_message(&messages, '2', NULL, 0);
    backend_message(&messages, 'n', NULL, 0);
    backend_tag(&messages, "DELETE 3");
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_COMPLETE, HYL__EVENT_READY);

    /* Rows whose description is missing are not believed. */
    assert_ok(hyl__session_execute(&session, formats, 1, HYL__STATEMENT_OTHER, &err), &err);
    backend_message(&messages, '2', NULL, 0);
    backend_int_row(&messages, 1);
    receive_messages(&session, &messages);
    hyl__event event;
    assert_status(hyl__session_next(&session, &event, &err), HYL_ERR_PROTOCOL, &err);
    hyl__session_reset(&session);
}

static void a_described_statement_may_have_no_rows(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    assert_ok(hyl__session_describe(&session, HYL_STR("delete from t"), &err), &err);
    backend_message(&messages, '1', NULL, 0);
    backend_message(&messages, 't', "\0\0", 2);
    backend_message(&messages, 'n', NULL, 0);
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_PARSE_COMPLETE, HYL__EVENT_NO_DATA,
                 HYL__EVENT_READY);
    assert_ok(hyl__session_execute(&session, NULL, 0, HYL__STATEMENT_OTHER, &err), &err);
    backend_message(&messages, '2', NULL, 0);
    backend_tag(&messages, "DELETE 3");
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_COMPLETE, HYL__EVENT_READY);
    hyl__session_reset(&session);
}

/* As hyperd does where it is cancelled when the last row has just gone out. */
static void an_execute_may_end_without_a_word(void **state)
{
    (void)state;
    static const char before[] = {'I', 'T'};
    static const char after[] = {'I', 'T', 'E'};
    for (size_t i = 0; i < 6; i++) {
        hyl__session session = idle_session(before[i % 2]);
        hyl_buf messages = HYL_BUF_INIT;
        execute(&session);
        backend_message(&messages, '2', NULL, 0);
        backend_int_row(&messages, 1);
        backend_ready(&messages, after[i / 2]);
        receive_messages(&session, &messages);
        assert_next(&session, HYL__EVENT_DATA_ROW);
        assert_false(session.cut_short);
        assert_next(&session, HYL__EVENT_READY);
        assert_true(session.cut_short);
        assert_true(hyl__session_idle(&session));
        /* What was cancelled inside a transaction has failed it, whatever is said. */
        assert_int_equal(session.tx_failed,
                         after[i / 2] == 'E' || (before[i % 2] == 'T' && after[i / 2] == 'T'));
        if (!session.tx_failed) {
            query(&session, HYL__STATEMENT_OTHER);
            assert_false(session.cut_short);
        }
        hyl__session_reset(&session);
    }
}

/* A simple query has no Sync whose answer this could be. */
static void a_simple_query_may_not(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    hyl__event event;
    query(&session, HYL__STATEMENT_OTHER);
    backend_int_description(&messages);
    backend_int_row(&messages, 1);
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_ROW_DESCRIPTION, HYL__EVENT_DATA_ROW);
    assert_status(hyl__session_next(&session, &event, &err), HYL_ERR_PROTOCOL, &err);
    assert_broken(&session);
    hyl__session_reset(&session);
}

static void terminate_and_flush_may_be_sent_in_every_phase(void **state)
{
    (void)state;
    hyl__session session = new_session();
    assert_ok(hyl__session_flush(&session, &err), &err);
    assert_sent(&session, "H\0\0\0\4", 5);
    assert_ok(hyl__session_terminate(&session, &err), &err);
    assert_sent(&session, "X\0\0\0\4", 5);
    hyl__session_reset(&session);
    session = idle_session('T');
    query(&session, HYL__STATEMENT_OTHER);
    assert_ok(hyl__session_terminate(&session, &err), &err);
    assert_sent(&session, "Q\0\0\0\x0dselect 1\0X\0\0\0\4", 19);
    hyl__session_reset(&session);
}

/* ---- The latch ------------------------------------------------------------------------------- */

/* Runs a request to its ReadyForQuery. */
static void answer(hyl__session *session, const char *sqlstate, char tx_status)
{
    hyl_buf messages = HYL_BUF_INIT;
    if (sqlstate != NULL) {
        backend_error(&messages, sqlstate, "no");
    } else {
        backend_tag(&messages, "OK");
    }
    backend_ready(&messages, tx_status);
    receive_messages(session, &messages);
    assert_next(session, sqlstate != NULL ? HYL__EVENT_ERROR : HYL__EVENT_COMPLETE);
    assert_next(session, HYL__EVENT_READY);
    hyl_buf sent = take_sent(session);
    hyl_buf_reset(&sent);
}

static void assert_latched(hyl__session *session)
{
    const int16_t formats[] = {2};
    const hyl__statement_kind kinds[] = {HYL__STATEMENT_OTHER, HYL__STATEMENT_COMMIT};
    assert_true(session->tx_failed);
    for (size_t i = 0; i < 2; i++) {
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl__session_query(session, HYL_STR("x"), kinds[i], &err), HYL_ERR_STATE,
                      &err);
        assert_string_equal(err.sqlstate, "25P02");
        err = (hyl_error)HYL_ERROR_INIT;
        assert_status(hyl__session_execute(session, formats, 1, kinds[i], &err), HYL_ERR_STATE,
                      &err);
        assert_string_equal(err.sqlstate, "25P02");
    }
    err = (hyl_error)HYL_ERROR_INIT;
    assert_status(hyl__session_describe(session, HYL_STR("x"), &err), HYL_ERR_STATE, &err);
    assert_string_equal(err.sqlstate, "25P02");
    assert_sent(session, "", 0);
}

static void an_error_inside_a_transaction_latches(void **state)
{
    (void)state;
    hyl__session session = idle_session('T');
    query(&session, HYL__STATEMENT_OTHER);
    answer(&session, "22012", 'E');
    assert_latched(&session);
    hyl__session_reset(&session);
}

/* After a Sync hyperd says that the transaction is open again, and would commit it. */
static void a_server_that_forgets_the_failure_does_not_release_the_latch(void **state)
{
    (void)state;
    hyl__session session = idle_session('T');
    query(&session, HYL__STATEMENT_OTHER);
    answer(&session, "22012", 'T');
    assert_int_equal(session.tx_status, 'T');
    assert_latched(&session);
    hyl__session_reset(&session);
}

/* Before the answer is known, whether the transaction has failed is not: a COMMIT is held back. */
static void a_commit_behind_an_unanswered_statement_is_held_back(void **state)
{
    (void)state;
    const int16_t formats[] = {2};
    for (int extended = 0; extended < 2; extended++) {
        hyl__session session = idle_session('T');
        extended ? execute(&session) : query(&session, HYL__STATEMENT_OTHER);
        size_t queued = hyl__frame_unsent(&session.frame);
        assert_status(hyl__session_query(&session, HYL_STR("COMMIT"), HYL__STATEMENT_COMMIT, &err),
                      HYL_ERR_STATE, &err);
        assert_status(hyl__session_execute(&session, formats, 1, HYL__STATEMENT_COMMIT, &err),
                      HYL_ERR_STATE, &err);
        assert_int_equal(hyl__frame_unsent(&session.frame), queued);
        /* And it stays back, for the statement has failed, whatever the status says. */
        answer(&session, "22012", 'T');
        assert_latched(&session);
        hyl__session_reset(&session);
    }
}

static void an_error_while_describing_latches_too(void **state)
{
    (void)state;
    hyl__session session = idle_session('T');
    assert_ok(hyl__session_describe(&session, HYL_STR("x"), &err), &err);
    answer(&session, "42601", 'T');
    assert_latched(&session);
    hyl__session_reset(&session);
}

static void an_error_outside_of_a_transaction_does_not_latch(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    query(&session, HYL__STATEMENT_OTHER);
    answer(&session, "22012", 'I');
    assert_false(session.tx_failed);
    query(&session, HYL__STATEMENT_OTHER);
    hyl__session_reset(&session);
}

static void a_failed_status_latches_without_an_error(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    query(&session, HYL__STATEMENT_OTHER);
    answer(&session, NULL, 'E');
    assert_latched(&session);
    hyl__session_reset(&session);
}

static void the_answer_to_a_rollback_releases(void **state)
{
    (void)state;
    static const char after[] = {'I', 'T'}; /* T: ROLLBACK AND CHAIN */
    for (size_t i = 0; i < sizeof after; i++) {
        hyl__session session = idle_session('T');
        query(&session, HYL__STATEMENT_OTHER);
        answer(&session, "22012", 'E');
        query(&session, HYL__STATEMENT_ROLLBACK);
        assert_true(session.tx_failed);
        answer(&session, NULL, after[i]);
        assert_false(session.tx_failed);
        query(&session, HYL__STATEMENT_OTHER);
        hyl__session_reset(&session);
    }
}

static void a_rollback_by_the_extended_protocol_releases_too(void **state)
{
    (void)state;
    hyl__session session = idle_session('T');
    hyl_buf messages = HYL_BUF_INIT;
    query(&session, HYL__STATEMENT_OTHER);
    answer(&session, "22012", 'E');
    assert_ok(hyl__session_execute(&session, NULL, 0, HYL__STATEMENT_ROLLBACK, &err), &err);
    backend_message(&messages, '2', NULL, 0);
    receive_messages(&session, &messages);
    assert_no_more(&session);
    answer(&session, NULL, 'I');
    assert_false(session.tx_failed);
    hyl__session_reset(&session);
}

/* Hyper has no savepoints; PostgreSQL's transaction goes on from one. */
static void a_savepoint_releases_where_there_are_savepoints(void **state)
{
    (void)state;
    for (int postgresql = 0; postgresql < 2; postgresql++) {
        hyl__session session = idle_session('T');
        session.postgresql = postgresql != 0;
        query(&session, HYL__STATEMENT_OTHER);
        answer(&session, "22012", 'E');
        hyl_status status = hyl__session_query(&session, HYL_STR("rollback to s"),
                                               HYL__STATEMENT_ROLLBACK_TO, &err);
        if (postgresql) {
            assert_ok(status, &err);
            answer(&session, NULL, 'T');
            query(&session, HYL__STATEMENT_OTHER);
        } else {
            assert_status(status, HYL_ERR_STATE, &err);
            assert_latched(&session);
        }
        hyl__session_reset(&session);
    }
}

static void a_rollback_that_fails_does_not_release(void **state)
{
    (void)state;
    hyl__session session = idle_session('T');
    query(&session, HYL__STATEMENT_OTHER);
    answer(&session, "22012", 'E');
    query(&session, HYL__STATEMENT_ROLLBACK);
    answer(&session, "XX000", 'T');
    assert_latched(&session);
    /* Nor does the statement after it, once a later rollback is answered, inherit its right. */
    query(&session, HYL__STATEMENT_ROLLBACK);
    answer(&session, NULL, 'E');
    assert_latched(&session);
    hyl__session_reset(&session);
}

static void a_server_that_is_idle_again_releases(void **state)
{
    (void)state;
    hyl__session session = idle_session('T');
    query(&session, HYL__STATEMENT_OTHER);
    answer(&session, "40001", 'I');
    assert_false(session.tx_failed);
    hyl__session_reset(&session);
}

/* ---- COPY ------------------------------------------------------------------------------------ */

/* A session to which the server has said that it waits for data. */
static hyl__session copying_in(char tx_status)
{
    hyl__session session = idle_session(tx_status);
    hyl_buf messages = HYL_BUF_INIT;
    query(&session, HYL__STATEMENT_OTHER);
    forget_sent(&session);
    backend_copy_response(&messages, 'G');
    assert_gives(&session, &messages, HYL__EVENT_COPY_IN);
    return session;
}

static void copied_data_is_framed_without_a_copy(void **state)
{
    (void)state;
    hyl__session session = copying_in('I');
    hyl_buf messages = HYL_BUF_INIT;
    hyl_bytes data = {(const uint8_t *)"1,2\n", 4};
    hyl_iovec iov[HYL__FRAME_MAX_IOVEC];
    assert_ok(hyl__session_copy_data(&session, data, &err), &err);
    assert_int_equal(hyl__frame_send_window(&session.frame, iov), 2);
    assert_ptr_equal(iov[1].data, data.data);
    /* One at a time: its bytes are the caller's. */
    assert_status(hyl__session_copy_data(&session, data, &err), HYL_ERR_STATE, &err);
    assert_sent(&session,
                "d\0\0\0\x08"
                "1,2\n",
                9);
    assert_ok(hyl__session_copy_done(&session, &err), &err);
    assert_sent(&session, "c\0\0\0\4", 5);
    assert_status(hyl__session_copy_data(&session, data, &err), HYL_ERR_STATE, &err);
    assert_status(hyl__session_copy_done(&session, &err), HYL_ERR_STATE, &err);
    assert_status(hyl__session_copy_fail(&session, "x", &err), HYL_ERR_STATE, &err);
    backend_tag(&messages, "COPY 1");
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_COMPLETE, HYL__EVENT_READY);
    hyl__session_reset(&session);
}

static void copied_data_has_a_largest_message(void **state)
{
    (void)state;
    hyl__session session = copying_in('I');
    uint8_t *bytes = calloc(1, HYL__COPY_CHUNK + 1);
    assert_non_null(bytes);
    hyl_bytes data = {bytes, HYL__COPY_CHUNK + 1};
    assert_status(hyl__session_copy_data(&session, data, &err), HYL_ERR_STATE, &err);
    assert_int_equal(hyl__frame_unsent(&session.frame), 0);
    data.len--;
    assert_ok(hyl__session_copy_data(&session, data, &err), &err);
    assert_int_equal(hyl__frame_unsent(&session.frame), HYL__COPY_CHUNK + 5);
    hyl__session_reset(&session);
    free(bytes);
}

static void a_copy_in_can_be_failed(void **state)
{
    (void)state;
    hyl__session session = copying_in('I');
    assert_ok(hyl__session_copy_fail(&session, "no more", &err), &err);
    assert_sent(&session, "f\0\0\0\x0cno more\0", 13);
    answer(&session, "57014", 'I');
    query(&session, HYL__STATEMENT_OTHER);
    hyl__session_reset(&session);
}

static void copy_messages_belong_into_a_copy_in(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_bytes data = {(const uint8_t *)"x", 1};
    for (int i = 0; i < 2; i++) {
        assert_status(hyl__session_copy_data(&session, data, &err), HYL_ERR_STATE, &err);
        assert_status(hyl__session_copy_done(&session, &err), HYL_ERR_STATE, &err);
        assert_status(hyl__session_copy_fail(&session, "x", &err), HYL_ERR_STATE, &err);
        assert_sent(&session, "", 0);
        query(&session, HYL__STATEMENT_OTHER);
        hyl_buf sent = take_sent(&session);
        hyl_buf_reset(&sent);
        if (i == 0) {
            answer(&session, NULL, 'I');
        }
    }
    hyl__session_reset(&session);
}

/* The rest of a message that has begun goes out, although the server has refused it by then. */
static void an_error_in_the_middle_of_a_copy_in_leaves_the_message_whole(void **state)
{
    (void)state;
    hyl__session session = copying_in('T');
    hyl_bytes data = {(const uint8_t *)"123456789\n", 10};
    hyl_buf messages = HYL_BUF_INIT;
    assert_ok(hyl__session_copy_data(&session, data, &err), &err);
    hyl__frame_send_commit(&session.frame, 8);
    backend_error(&messages, "22P02", "bad");
    assert_gives(&session, &messages, HYL__EVENT_ERROR);
    assert_status(hyl__session_copy_data(&session, data, &err), HYL_ERR_STATE, &err);
    assert_status(hyl__session_copy_done(&session, &err), HYL_ERR_STATE, &err);
    assert_sent(&session, "456789\n", 7);
    backend_ready(&messages, 'E');
    assert_gives(&session, &messages, HYL__EVENT_READY);
    assert_latched(&session);
    hyl__session_reset(&session);
}

static void copied_data_comes_out_piece_by_piece(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    hyl__event event;
    query(&session, HYL__STATEMENT_OTHER);
    backend_copy_response(&messages, 'H');
    backend_copy_data(&messages, "a,b\n", 4);
    backend_copy_data(&messages, "", 0);
    backend_message(&messages, 'c', NULL, 0);
    backend_tag(&messages, "COPY 1");
    backend_ready(&messages, 'I');
    assert_gives(&session, &messages, HYL__EVENT_COPY_OUT);
    assert_ok(hyl__session_next(&session, &event, &err), &err);
    assert_int_equal(event.type, HYL__EVENT_COPY_DATA);
    assert_int_equal(event.body.len, 4);
    assert_memory_equal(event.body.data, "a,b\n", 4);
    assert_ok(hyl__session_next(&session, &event, &err), &err);
    assert_int_equal(event.type, HYL__EVENT_COPY_DATA);
    assert_int_equal(event.body.len, 0);
    assert_next(&session, HYL__EVENT_COPY_DONE);
    assert_next(&session, HYL__EVENT_COMPLETE);
    assert_next(&session, HYL__EVENT_READY);
    hyl__session_reset(&session);
}

/* As hyperd does where it is cancelled at the start. */
static void a_copy_out_may_be_announced_twice(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    query(&session, HYL__STATEMENT_OTHER);
    backend_copy_response(&messages, 'H');
    backend_copy_response(&messages, 'H');
    assert_gives(&session, &messages, HYL__EVENT_COPY_OUT);
    assert_no_more(&session);
    answer(&session, "57014", 'I');
    hyl__session_reset(&session);
}

static void a_copy_out_may_fail_in_the_middle(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    query(&session, HYL__STATEMENT_OTHER);
    backend_copy_response(&messages, 'H');
    backend_copy_data(&messages, "a,b\n", 4);
    assert_gives(&session, &messages, HYL__EVENT_COPY_OUT, HYL__EVENT_COPY_DATA);
    answer(&session, "57014", 'I');
    hyl__session_reset(&session);
}

/* A large CopyData that has begun: its owner is asked, once, where the body shall go. */
static void a_large_body_goes_where_its_owner_says(void **state)
{
    (void)state;
    enum { SIZE = HYL__FRAME_LARGE_BODY };
    static uint8_t body[SIZE];
    static uint8_t landing[SIZE];
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    hyl__event event;
    memset(body, 'x', SIZE);
    query(&session, HYL__STATEMENT_OTHER);
    hyl__session_want_bodies(&session);
    backend_copy_response(&messages, 'H');
    assert_gives(&session, &messages, HYL__EVENT_COPY_OUT);
    for (int round = 0; round < 2; round++) {
        backend_copy_data(&messages, body, SIZE);
        receive(&session, messages.data, 100);
        assert_ok(hyl__session_next(&session, &event, &err), &err);
        assert_int_equal(event.type, HYL__EVENT_COPY_BODY);
        assert_int_equal(event.body_len, SIZE);
        assert_no_more(&session);
        if (round == 0) {
            hyl__session_body_into(&session, landing);
        }
        receive(&session, messages.data + 100, messages.len - 100);
        assert_ok(hyl__session_next(&session, &event, &err), &err);
        assert_int_equal(event.type, HYL__EVENT_COPY_DATA);
        assert_int_equal(event.body.data == landing, round == 0);
        assert_int_equal(event.body.len, SIZE);
        assert_memory_equal(event.body.data, body, SIZE);
        hyl_buf_reset(&messages);
    }
    hyl__session_reset(&session);
}

/* Nobody is asked who did not want to be, nor about what is not data copied out. */
static void a_body_is_offered_to_who_wants_it(void **state)
{
    (void)state;
    enum { SIZE = HYL__FRAME_LARGE_BODY };
    static uint8_t body[SIZE];
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    for (int round = 0; round < 2; round++) {
        query(&session, HYL__STATEMENT_OTHER);
        backend_copy_response(&messages, 'H');
        receive_messages(&session, &messages);
        assert_next(&session, HYL__EVENT_COPY_OUT);
        if (round == 0) {
            hyl__session_want_bodies(&session);
        }
        const char *fields[] = {"C", "XX000", "M", (char *)memset(body, 'x', SIZE - 1), NULL};
        backend_diag(&messages, 'E', fields);
        receive(&session, messages.data, 100);
        assert_no_more(&session);
        receive(&session, messages.data + 100, messages.len - 100);
        hyl_buf_reset(&messages);
        assert_next(&session, HYL__EVENT_ERROR);
        backend_ready(&messages, 'I');
        receive_messages(&session, &messages);
        assert_next(&session, HYL__EVENT_READY);
    }
    query(&session, HYL__STATEMENT_OTHER);
    backend_copy_response(&messages, 'H');
    backend_copy_data(&messages, body, SIZE);
    receive(&session, messages.data, 100);
    assert_next(&session, HYL__EVENT_COPY_OUT);
    assert_no_more(&session);
    hyl_buf_reset(&messages);
    hyl__session_reset(&session);
}

/* ---- Which message may come when ------------------------------------------------------------- */

/*
 * What the protocol allows, written down apart from the engine's table: the letters of the messages
 * that may come in each phase. N, S and A may come everywhere.
 * Source: PostgreSQL documentation, "Message Flow"; and hyperd, which completes a COPY IN at the end
 * marker of an Arrow stream.
 */
static const struct {
    hyl__phase phase;
    const char *allowed;
} flow[] = {
    {HYL__PHASE_STARTUP, "RE"},       {HYL__PHASE_SETUP, "KZE"},
    {HYL__PHASE_IDLE, "E"},           {HYL__PHASE_QUERY, "TCIGHE"},
    {HYL__PHASE_PARSE, "1E"},         {HYL__PHASE_DESCRIBE, "tTnE"},
    {HYL__PHASE_BIND, "2E"},          {HYL__PHASE_EXECUTE, "DCIHZE"},
    {HYL__PHASE_ROWS, "DCE"},         {HYL__PHASE_COPY_IN, "CE"},
    {HYL__PHASE_COPY_IN_DONE, "CE"},  {HYL__PHASE_COPY_OUT, "dcHE"},
    {HYL__PHASE_COPY_OUT_DONE, "CE"}, {HYL__PHASE_SYNC, "ZE"},
    {HYL__PHASE_FAILED, "ZE"},
};

enum { FLOW_COUNT = sizeof flow / sizeof flow[0] };

/* One well-formed message of each type. */
static void append_sample(hyl_buf *out, char type)
{
    switch (type) {
    case 'R':
        backend_auth_ok(out);
        break;
    case 'K':
        backend_key(out, 1, 2);
        break;
    case 'S':
        backend_parameter(out, "alive", "?");
        break;
    case 'A':
        backend_notification(out, "channel");
        break;
    case 'N':
        backend_notice(out, "well");
        break;
    case 'E':
        backend_error(out, "XX000", "no");
        break;
    case 'T':
        backend_int_description(out);
        break;
    case 'D':
        backend_int_row(out, 1);
        break;
    case 'C':
        backend_tag(out, "SELECT 1");
        break;
    case 'G':
    case 'H':
        backend_copy_response(out, type);
        break;
    case 'd':
        backend_copy_data(out, "x", 1);
        break;
    case 't':
        backend_message(out, 't', "\0\0", 2);
        break;
    case 'Z':
        backend_ready(out, 'I');
        break;
    default: /* I 1 2 3 n s c */
        backend_message(out, type, NULL, 0);
    }
}

static const char all_messages[] = {
#define LETTER(name, byte, text) (byte),
    HYL_BACKEND_MESSAGE_MAP(LETTER)
#undef LETTER
};

static void receive_sample(hyl__session *session, char type)
{
    hyl_buf message = HYL_BUF_INIT;
    append_sample(&message, type);
    receive_messages(session, &message);
}

/* Receives one message of each letter and takes what comes of it. */
static void receive_letters(hyl__session *session, const char *letters)
{
    hyl__event event;
    for (; *letters != '\0'; letters++) {
        receive_sample(session, *letters);
        while (hyl__session_next(session, &event, &err) == HYL_OK) {
        }
    }
}

/* Brings a session that is logged in into a phase of a request. */
static void begin(hyl__session *session, hyl__phase phase)
{
    switch (phase) {
    case HYL__PHASE_PARSE:
    case HYL__PHASE_DESCRIBE:
        assert_ok(hyl__session_describe(session, HYL_STR("x"), &err), &err);
        receive_letters(session, phase == HYL__PHASE_DESCRIBE ? "1" : "");
        break;
    case HYL__PHASE_BIND:
    case HYL__PHASE_EXECUTE:
        execute(session);
        receive_letters(session, phase == HYL__PHASE_EXECUTE ? "2" : "");
        break;
    case HYL__PHASE_IDLE:
        break;
    default:
        query(session, HYL__STATEMENT_OTHER);
    }
}

static hyl__session session_in(hyl__phase phase)
{
    hyl__session session;
    if (phase == HYL__PHASE_STARTUP || phase == HYL__PHASE_SETUP) {
        session = new_session();
        start(&session);
        receive_letters(&session, phase == HYL__PHASE_SETUP ? "R" : "");
        return session;
    }
    session = idle_session('I');
    begin(&session, phase);
    switch (phase) {
    case HYL__PHASE_ROWS:
        receive_letters(&session, "T");
        break;
    case HYL__PHASE_COPY_IN:
    case HYL__PHASE_COPY_IN_DONE:
        receive_letters(&session, "G");
        if (phase == HYL__PHASE_COPY_IN_DONE) {
            assert_ok(hyl__session_copy_done(&session, &err), &err);
        }
        break;
    case HYL__PHASE_COPY_OUT:
    case HYL__PHASE_COPY_OUT_DONE:
        receive_letters(&session, phase == HYL__PHASE_COPY_OUT ? "H" : "Hc");
        break;
    case HYL__PHASE_SYNC:
        receive_letters(&session, "C");
        break;
    case HYL__PHASE_FAILED:
        receive_letters(&session, "E");
        break;
    default:
        break;
    }
    assert_int_equal(session.phase, phase);
    return session;
}

static void assert_message_refused(hyl__phase phase, char type)
{
    hyl__session session = session_in(phase);
    hyl__event event;
    receive_sample(&session, type);
    hyl_status status = hyl__session_next(&session, &event, &err);
    if (status != HYL_ERR_PROTOCOL || strstr(err.message, hyl_msg_name((uint8_t)type)) == NULL) {
        fail_msg("phase %d, message %c: got %s: %s", phase, type, hyl_status_name(status),
                 err.message);
    }
    assert_broken(&session);
    hyl__session_reset(&session);
}

static void assert_message_taken(hyl__phase phase, char type)
{
    hyl__session session = session_in(phase);
    hyl__event event;
    receive_sample(&session, type);
    hyl_status status = hyl__session_next(&session, &event, &err);
    if (status < 0) {
        fail_msg("phase %d, message %c: got %s: %s", phase, type, hyl_status_name(status),
                 err.message);
    }
    hyl__session_reset(&session);
}

static void what_may_not_come_breaks_the_session_for_good(void **state)
{
    (void)state;
    size_t refused = 0;
    size_t taken = 0;
    for (size_t i = 0; i < FLOW_COUNT; i++) {
        for (size_t j = 0; j < sizeof all_messages; j++) {
            char type = all_messages[j];
            if (strchr(flow[i].allowed, type) != NULL || strchr("NSA", type) != NULL) {
                assert_message_taken(flow[i].phase, type);
                taken++;
            } else {
                assert_message_refused(flow[i].phase, type);
                refused++;
            }
        }
    }
    assert_int_equal(taken + refused, FLOW_COUNT * 21);
    assert_int_equal(taken, 43 + FLOW_COUNT * 3);
}

/* ---- Answers before the request was sent to its end --------------------------------------------- */

/* Takes the first `count` bytes of what is queued as sent. */
static void send_bytes(hyl__session *session, size_t count)
{
    assert_true(count <= hyl__frame_unsent(&session->frame));
    hyl__frame_send_commit(&session->frame, count);
}

/* The same as assert_gives, with what is queued still unsent. */
static hyl_status next_unsent(hyl__session *session, hyl_buf *messages, hyl__event *event)
{
    hyl__phase phase = session->phase;
    session->phase = HYL__PHASE_SYNC; /* lest it is taken as sent */
    receive_messages(session, messages);
    session->phase = phase;
    return hyl__session_next(session, event, &err);
}

static void an_answer_to_half_a_query_is_not_its_own(void **state)
{
    (void)state;
    const size_t whole = 14; /* of "select 1" */
    for (size_t sent = 0; sent <= whole; sent++) {
        for (int lost = 0; lost < 2; lost++) {
            hyl__session session = idle_session('I');
            hyl_buf messages = HYL_BUF_INIT;
            hyl__event event;
            query(&session, HYL__STATEMENT_OTHER);
            send_bytes(&session, sent);
            session.unsendable = lost != 0;
            backend_tag(&messages, "SELECT 0");
            bool own = sent == whole && lost == 0;
            assert_status(next_unsent(&session, &messages, &event), own ? HYL_OK : HYL_ERR_PROTOCOL,
                          &err);
            hyl__session_reset(&session);
        }
    }
}

/* What has been read of a request may be refused; but nothing ends before all of it was read. */
static void an_error_may_come_early_and_its_end_may_not(void **state)
{
    (void)state;
    for (int extended = 0; extended < 2; extended++) {
        hyl__session session = idle_session('I');
        hyl_buf messages = HYL_BUF_INIT;
        hyl__event event;
        extended ? execute(&session) : query(&session, HYL__STATEMENT_OTHER);
        backend_error(&messages, "08P01", "too long");
        assert_ok(next_unsent(&session, &messages, &event), &err);
        assert_int_equal(event.type, HYL__EVENT_ERROR);
        backend_ready(&messages, 'I');
        assert_status(next_unsent(&session, &messages, &event), HYL_ERR_PROTOCOL, &err);
        assert_broken(&session);
        hyl__session_reset(&session);
    }
}

static void a_copy_in_may_end_early(void **state)
{
    (void)state;
    hyl__session session = idle_session('I');
    hyl_buf messages = HYL_BUF_INIT;
    hyl__event event;
    query(&session, HYL__STATEMENT_OTHER);
    backend_copy_response(&messages, 'G');
    assert_gives(&session, &messages, HYL__EVENT_COPY_IN);
    assert_ok(hyl__session_copy_data(&session, (hyl_bytes){(const uint8_t *)"1", 1}, &err), &err);
    backend_error(&messages, "22P02", "no number");
    backend_ready(&messages, 'I');
    assert_ok(next_unsent(&session, &messages, &event), &err);
    assert_int_equal(event.type, HYL__EVENT_ERROR);
    assert_next(&session, HYL__EVENT_READY);
    assert_true(hyl__session_idle(&session));
    /* And does not excuse the next request. */
    forget_sent(&session);
    query(&session, HYL__STATEMENT_OTHER);
    backend_tag(&messages, "SELECT 0");
    assert_status(next_unsent(&session, &messages, &event), HYL_ERR_PROTOCOL, &err);
    hyl__session_reset(&session);
}

static void a_malformed_message_breaks_the_session(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } malformed[] = {
        {"Z\0\0\0\5X", 6},        /* a status that there is not */
        {"Z\0\0\0\6II", 7},       /* longer than it may be */
        {"C\0\0\0\7abc", 8},      /* a tag without its NUL */
        {"Z\0\0\0\3", 5},         /* a length below its own size */
        {"?\0\0\0\4", 5},         /* no message of a server */
        {"Z\x7f\xff\xff\xff", 5}, /* over the limit */
        {"T\0\0\0\6\0\1", 7},     /* fewer columns than counted */
        {"S\0\0\0\6a\0", 7},      /* a name without a value */
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        hyl__session session = session_in(HYL__PHASE_QUERY);
        hyl__event event;
        receive(&session, malformed[i].bytes, malformed[i].len);
        assert_status(hyl__session_next(&session, &event, &err), HYL_ERR_PROTOCOL, &err);
        assert_broken(&session);
        hyl__session_reset(&session);
    }
}

/* ---- Event lists ----------------------------------------------------------------------------- */

/* X(event, name in the list) */
#define EVENT_NAME_MAP(X)             \
    X(READY, "ready")                 \
    X(PARSE_COMPLETE, "parsed")       \
    X(ROW_DESCRIPTION, "description") \
    X(NO_DATA, "no data")             \
    X(DATA_ROW, "row")                \
    X(COMPLETE, "complete")           \
    X(EMPTY, "empty")                 \
    X(ERROR, "error")                 \
    X(NOTICE, "notice")               \
    X(PARAMETER, "parameter")         \
    X(NOTIFICATION, "notification")   \
    X(COPY_IN, "copy in")             \
    X(COPY_OUT, "copy out")           \
    X(COPY_DATA, "data")              \
    X(COPY_DONE, "done")

static const char *event_name(hyl__event_type type)
{
    switch (type) {
#define NAME(event, name)    \
    case HYL__EVENT_##event: \
        return name;
        EVENT_NAME_MAP(NAME)
#undef NAME
    default:
        return "none";
    }
}

typedef struct event_list {
    hyl_buf text; /* "row 0001...;" for each that concerns the request */
    size_t asynchronous;
    hyl_status end; /* how the last call ended */
} event_list;

static void list_event(event_list *list, const hyl__event *event)
{
    bool asynchronous = event->type == HYL__EVENT_NOTICE || event->type == HYL__EVENT_PARAMETER ||
                        event->type == HYL__EVENT_NOTIFICATION;
    if (asynchronous) {
        list->asynchronous++;
        return;
    }
    hyl_buf_printf(&list->text, "%s ", event_name(event->type));
    bool has_body = event->type == HYL__EVENT_DATA_ROW || event->type == HYL__EVENT_COPY_DATA;
    for (size_t i = 0; has_body && i < event->body.len; i++) {
        hyl_buf_printf(&list->text, "%02x", event->body.data[i]);
    }
    hyl_buf_append_str(&list->text, "; ");
}

/* Takes all events there are. */
static void list_events(event_list *list, hyl__session *session)
{
    hyl__event event;
    if (list->end < 0) {
        return;
    }
    while ((list->end = hyl__session_next(session, &event, &err)) == HYL_OK) {
        list_event(list, &event);
    }
}

/* Which request each recorded exchange answers. */
static hyl__session session_for(const char *name)
{
    if (strncmp(name, "startup", 7) == 0) {
        hyl__session session = new_session();
        start(&session);
        return session;
    }
    if (strcmp(name, "describe statement") == 0) {
        return session_in(HYL__PHASE_PARSE);
    }
    if (strcmp(name, "copy in hyperbinary, data") == 0) {
        return session_in(HYL__PHASE_COPY_IN_DONE);
    }
    if (strncmp(name, "ext ", 4) == 0 || strcmp(name, "row limit") == 0 ||
        strcmp(name, "pipeline with error") == 0) {
        return session_in(HYL__PHASE_BIND);
    }
    return session_in(HYL__PHASE_QUERY);
}

/* The events of one exchange, cut at the places that `next_cut` gives. */
static event_list events_of(const exchange *recorded, const hyl_buf *received,
                            size_t (*next_cut)(void *ctx, size_t left), void *ctx)
{
    hyl__session session = session_for(recorded->name);
    event_list list = {HYL_BUF_INIT, 0, HYL_AGAIN};
    size_t at = 0;
    while (at < received->len) {
        size_t piece = next_cut(ctx, received->len - at);
        receive(&session, received->data + at, piece);
        at += piece;
        list_events(&list, &session);
    }
    hyl_buf_append_byte(&list.text, 0);
    hyl__session_reset(&session);
    return list;
}

static size_t cut_nowhere(void *ctx, size_t left)
{
    (void)ctx;
    return left;
}

static size_t cut_everywhere(void *ctx, size_t left)
{
    (void)ctx;
    (void)left;
    return 1;
}

static size_t cut_at_random(void *ctx, size_t left)
{
    size_t piece = 1 + (size_t)random_any_size(ctx) % 40;
    return piece < left ? piece : left;
}

static void assert_same_events(const exchange *recorded, const hyl_buf *received,
                               const event_list *whole, size_t (*next_cut)(void *, size_t),
                               void *ctx)
{
    event_list cut = events_of(recorded, received, next_cut, ctx);
    assert_string_equal((char *)cut.text.data, (char *)whole->text.data);
    assert_int_equal(cut.asynchronous, whole->asynchronous);
    assert_int_equal(cut.end, whole->end);
    hyl_buf_reset(&cut.text);
}

static void however_the_stream_is_cut_the_events_are_the_same(void **state)
{
    (void)state;
    random_source random = random_start("splits", 0x5e5510);
    for (size_t i = 0; i < EXCHANGE_COUNT; i++) {
        hyl_buf received = HYL_BUF_INIT;
        hex_append(&received, exchanges[i].received);
        event_list whole = events_of(&exchanges[i], &received, cut_nowhere, NULL);
        assert_true(whole.text.len > 1 || whole.end == HYL_ERR_PROTOCOL);
        assert_same_events(&exchanges[i], &received, &whole, cut_everywhere, NULL);
        for (int round = 0; round < 200; round++) {
            assert_same_events(&exchanges[i], &received, &whole, cut_at_random, &random);
        }
        hyl_buf_reset(&whole.text);
        hyl_buf_reset(&received);
    }
}

static void assert_exchange(const char *name, const char *events, hyl_status end)
{
    for (size_t i = 0; i < EXCHANGE_COUNT; i++) {
        if (strcmp(exchanges[i].name, name) != 0) {
            continue;
        }
        hyl_buf received = HYL_BUF_INIT;
        hex_append(&received, exchanges[i].received);
        event_list list = events_of(&exchanges[i], &received, cut_nowhere, NULL);
        assert_string_equal((char *)list.text.data, events);
        assert_int_equal(list.end, end);
        hyl_buf_reset(&list.text);
        hyl_buf_reset(&received);
        return;
    }
    fail_msg("no exchange '%s' was recorded", name);
}

static void recorded_exchanges_give_their_events(void **state)
{
    (void)state;
    assert_exchange("startup, no password", "ready ; ", HYL_AGAIN);
    assert_exchange("simple select",
                    "description ; row 000300000001310000000178ffffffff; complete ; ready ; ",
                    HYL_AGAIN);
    assert_exchange("empty query", "empty ; ready ; ", HYL_AGAIN);
    assert_exchange("error", "error ; ready ; ", HYL_AGAIN);
    assert_exchange("notice", "complete ; ready ; ", HYL_AGAIN);
    assert_exchange("describe statement", "parsed ; description ; ready ; ", HYL_AGAIN);
    assert_exchange("copy in hyperbinary", "copy in ; ", HYL_AGAIN);
    assert_exchange("copy in hyperbinary, data", "complete ; ready ; ", HYL_AGAIN);
    /* A pipeline is not what this engine asked for. */
    assert_exchange("pipeline with error", "", HYL_ERR_PROTOCOL);
}

/* What the server may say on its own at any time, in front of every message of every exchange. */
static void append_asynchronous(hyl_buf *out)
{
    append_sample(out, 'N');
    append_sample(out, 'S');
    append_sample(out, 'A');
}

/* A copy of the stream with asynchronous messages in front of each message; *count of messages. */
static hyl_buf with_asynchronous(const hyl_buf *stream, size_t *count)
{
    hyl_buf out = HYL_BUF_INIT;
    hyl_bytes rest = {stream->data, stream->len};
    *count = 0;
    while (rest.len > 0) {
        hyl_msg_head head;
        assert_ok(hyl_msg_peek(rest, HYL_MAX_MESSAGE, &head, &err), &err);
        size_t size = (size_t)head.body_len + HYL_MESSAGE_HEADER_SIZE;
        append_asynchronous(&out);
        hyl_buf_append(&out, rest.data, size);
        rest.data += size;
        rest.len -= size;
        (*count)++;
    }
    append_asynchronous(&out);
    return out;
}

static void asynchronous_messages_may_come_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXCHANGE_COUNT; i++) {
        hyl_buf received = HYL_BUF_INIT;
        size_t count = 0;
        hex_append(&received, exchanges[i].received);
        event_list plain = events_of(&exchanges[i], &received, cut_nowhere, NULL);
        hyl_buf mixed = with_asynchronous(&received, &count);
        event_list list = events_of(&exchanges[i], &mixed, cut_nowhere, NULL);
        assert_string_equal((char *)list.text.data, (char *)plain.text.data);
        assert_int_equal(list.end, plain.end);
        if (plain.end >= 0) {
            assert_int_equal(count, exchanges[i].message_count);
            assert_int_equal(list.asynchronous, plain.asynchronous + 3 * (count + 1));
        }
        hyl_buf_reset(&list.text);
        hyl_buf_reset(&plain.text);
        hyl_buf_reset(&mixed);
        hyl_buf_reset(&received);
    }
}

/* The same in the phases and before the messages that were not recorded. */
static void asynchronous_messages_change_no_phase(void **state)
{
    (void)state;
    for (size_t i = 0; i < FLOW_COUNT; i++) {
        for (const char *letter = flow[i].allowed; *letter != '\0'; letter++) {
            hyl__session plain = session_in(flow[i].phase);
            hyl__session mixed = session_in(flow[i].phase);
            receive_letters(&plain, (char[]){*letter, '\0'});
            receive_letters(&mixed, (char[]){'N', 'S', 'A', *letter, '\0'});
            assert_int_equal(mixed.phase, plain.phase);
            assert_int_equal(mixed.tx_failed, plain.tx_failed);
            hyl__session_reset(&plain);
            hyl__session_reset(&mixed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(startup_sends_the_parameters_and_ends_at_ready),
        cmocka_unit_test(startup_happens_once),
        cmocka_unit_test(a_startup_that_cannot_be_encoded_changes_nothing),
        cmocka_unit_test(a_password_is_sent_and_its_bytes_are_wiped),
        cmocka_unit_test(no_password_is_left_in_memory_that_is_freed),
        cmocka_unit_test(a_password_that_is_still_unsent_is_not_wiped),
        cmocka_unit_test(a_demand_that_cannot_be_met_breaks_the_session),
        cmocka_unit_test(a_refused_login_gives_the_error_and_then_nothing),
        cmocka_unit_test(rows_come_between_their_description_and_the_tag),
        cmocka_unit_test(a_row_is_taken_by_the_short_way_among_rows_only),
        cmocka_unit_test(a_row_that_was_put_back_comes_again),
        cmocka_unit_test(one_request_at_a_time),
        cmocka_unit_test(a_statement_with_a_nul_is_not_sent),
        cmocka_unit_test(a_statement_is_described_and_then_executed),
        cmocka_unit_test(postgresql_describes_what_it_executes),
        cmocka_unit_test(a_described_statement_may_have_no_rows),
        cmocka_unit_test(an_execute_may_end_without_a_word),
        cmocka_unit_test(a_simple_query_may_not),
        cmocka_unit_test(terminate_and_flush_may_be_sent_in_every_phase),
        cmocka_unit_test(an_error_inside_a_transaction_latches),
        cmocka_unit_test(a_server_that_forgets_the_failure_does_not_release_the_latch),
        cmocka_unit_test(a_commit_behind_an_unanswered_statement_is_held_back),
        cmocka_unit_test(an_error_while_describing_latches_too),
        cmocka_unit_test(an_error_outside_of_a_transaction_does_not_latch),
        cmocka_unit_test(a_failed_status_latches_without_an_error),
        cmocka_unit_test(the_answer_to_a_rollback_releases),
        cmocka_unit_test(a_rollback_by_the_extended_protocol_releases_too),
        cmocka_unit_test(a_savepoint_releases_where_there_are_savepoints),
        cmocka_unit_test(a_rollback_that_fails_does_not_release),
        cmocka_unit_test(a_server_that_is_idle_again_releases),
        cmocka_unit_test(copied_data_is_framed_without_a_copy),
        cmocka_unit_test(copied_data_has_a_largest_message),
        cmocka_unit_test(a_copy_in_can_be_failed),
        cmocka_unit_test(copy_messages_belong_into_a_copy_in),
        cmocka_unit_test(an_error_in_the_middle_of_a_copy_in_leaves_the_message_whole),
        cmocka_unit_test(copied_data_comes_out_piece_by_piece),
        cmocka_unit_test(a_copy_out_may_be_announced_twice),
        cmocka_unit_test(a_copy_out_may_fail_in_the_middle),
        cmocka_unit_test(a_large_body_goes_where_its_owner_says),
        cmocka_unit_test(a_body_is_offered_to_who_wants_it),
        cmocka_unit_test(what_may_not_come_breaks_the_session_for_good),
        cmocka_unit_test(an_answer_to_half_a_query_is_not_its_own),
        cmocka_unit_test(an_error_may_come_early_and_its_end_may_not),
        cmocka_unit_test(a_copy_in_may_end_early),
        cmocka_unit_test(a_malformed_message_breaks_the_session),
        cmocka_unit_test(recorded_exchanges_give_their_events),
        cmocka_unit_test(however_the_stream_is_cut_the_events_are_the_same),
        cmocka_unit_test(asynchronous_messages_may_come_anywhere),
        cmocka_unit_test(asynchronous_messages_change_no_phase),
    };
    return cmocka_run_group_tests_name("wire/session", tests, NULL, NULL);
}
