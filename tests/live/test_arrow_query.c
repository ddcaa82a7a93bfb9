/*
 * hyl_query_arrow on the real server: every type against the same rows read as rows, the shapes of
 * results, and what becomes of stream and connection when something ends early or goes wrong.
 */
#include "support/alloc.h"
#include "support/arrow_live.h"
#include "support/arrow_text.h"
#include "support/hyperd.h"
#include "support/live.h"
#include "support/random.h"
#include "support/test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

static hyl_error err;

static void assert_same_as_rows(const char *sql)
{
    hyl_buf names = HYL_BUF_INIT;
    hyl_buf wanted = arrow_rows_text(arrow_conn, sql, &names);
    arrow_contents read = arrow_read_query(sql);
    if (strcmp((char *)read.rows.data, (char *)wanted.data) != 0) {
        fail_msg("%s\n%s\nbut\n%s", sql, (char *)read.rows.data, (char *)wanted.data);
    }
    arrow_contents_free(&read);
    hyl_buf_reset(&wanted);
    hyl_buf_reset(&names);
}

/* ---- Every type ------------------------------------------------------------------------------ */

static void every_type_with_nulls_anywhere_is_as_its_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARROW_TYPE_COUNT; i++) {
        for (unsigned nulls = 0; nulls < 8; nulls++) {
            hyl_buf sql = arrow_three_rows(i, nulls);
            assert_same_as_rows((char *)sql.data);
            hyl_buf_reset(&sql);
        }
    }
}

static void every_type_has_its_format_and_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARROW_TYPE_COUNT; i++) {
        char wanted[200];
        hyl_buf sql = arrow_three_rows(i, 2);
        hyl_buf names = HYL_BUF_INIT;
        hyl_buf rows = arrow_rows_text(arrow_conn, (char *)sql.data, &names);
        arrow_contents read = arrow_read_query((char *)sql.data);
        snprintf(wanted, sizeof wanted, "x:%s:null:%s", arrow_types[i].format, arrow_types[i].name);
        assert_string_equal((char *)read.schema.data, wanted);
        assert_string_equal((char *)names.data, arrow_types[i].name);
        arrow_contents_free(&read);
        hyl_buf_reset(&rows);
        hyl_buf_reset(&names);
        hyl_buf_reset(&sql);
    }
}

static void columns_that_cannot_be_null_say_so(void **state)
{
    (void)state;
    assert_ok(hyl_exec(arrow_conn, "CREATE TEMP TABLE n(a int NOT NULL, b int)", NULL, &err), &err);
    arrow_contents read = arrow_read_query("SELECT a, b, 1 AS c FROM n");
    assert_string_equal((char *)read.schema.data,
                        "a:i:not null:integer b:i:null:integer c:i:not null:integer");
    arrow_contents_free(&read);
}

static void metadata_of_the_server_is_passed_on(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    struct ArrowArrayStream stream =
        arrow_open("SELECT CAST('a' AS char(5)), CAST('b' AS varchar(7)), CAST(1 AS oid), "
                   "CAST('PT1S' AS interval), CAST('1' AS json), CAST('POINT(1 2)' AS geography)");
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(arrow_metadata(schema.children[0], "hyper:type"), "Char");
    assert_string_equal(arrow_metadata(schema.children[0], "hyper:max_string_length"), "5");
    assert_string_equal(arrow_metadata(schema.children[1], "hyper:max_string_length"), "7");
    assert_string_equal(arrow_metadata(schema.children[2], "hyper:type"), "Oid");
    assert_string_equal(arrow_metadata(schema.children[3], "hyper:type"), "Interval");
    assert_string_equal(arrow_metadata(schema.children[4], "hyper:type"), "JSON");
    assert_string_equal(arrow_metadata(schema.children[5], "hyper:type"), "Geography");
    schema.release(&schema);
    stream.release(&stream);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static void any_number_of_rows_arrives(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 2, 10239, 10240, 10241, 20480, 1000000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char sql[200];
        snprintf(sql, sizeof sql,
                 "SELECT i, i * 0.5::double precision AS half FROM generate_series(1, %lld) g(i)",
                 (long long)counts[i]);
        struct ArrowArrayStream stream = arrow_open(sql);
        arrow_contents read = arrow_read(&stream, false);
        assert_int_equal(read.row_count, counts[i]);
        assert_true(read.batch_count >= (counts[i] + 10239) / 10240);
        arrow_contents_free(&read);
    }
    live_assert_in_step(arrow_conn);
}

static void no_rows_have_a_schema(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARROW_TYPE_COUNT; i++) {
        char sql[200];
        char wanted[200];
        snprintf(sql, sizeof sql, "SELECT CAST(NULL AS %s) AS x WHERE false", arrow_types[i].type);
        arrow_contents read = arrow_read_query(sql);
        snprintf(wanted, sizeof wanted, "x:%s:null:%s", arrow_types[i].format, arrow_types[i].name);
        assert_string_equal((char *)read.schema.data, wanted);
        assert_int_equal(read.row_count, 0);
        arrow_contents_free(&read);
    }
}

static void names_are_exact(void **state)
{
    (void)state;
    arrow_contents read =
        arrow_read_query("SELECT 1 AS a, 2 AS a, 3 AS \"select\", 4 AS \"a\"\"b\", "
                         "5 AS \"gr\xc3\xb6\xc3\x9f\x65\"");
    assert_string_equal((char *)read.schema.data,
                        "a:i:not null:integer a:i:not null:integer select:i:not null:integer "
                        "a\"b:i:not null:integer gr\xc3\xb6\xc3\x9f\x65:i:not null:integer");
    assert_string_equal((char *)read.rows.data, "1|2|3|4|5\n");
    arrow_contents_free(&read);
}

/* A message of over 16 MiB comes in several CopyData. */
static void values_of_any_size_arrive(void **state)
{
    (void)state;
    /* The server repeats to 16 MB at most. */
    static const struct {
        int repeats;
        int times;
    } cases[] = {{1, 1}, {7000000, 1}, {4500000, 2}, {7000000, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[300];
        int32_t size = cases[i].repeats * cases[i].times * 2;
        struct ArrowArray batch;
        int len = snprintf(sql, sizeof sql, "SELECT ''");
        for (int j = 0; j < cases[i].times; j++) {
            len += snprintf(sql + len, sizeof sql - (size_t)len, " || repeat('ab', %d)",
                            cases[i].repeats);
        }
        snprintf(sql + len, sizeof sql - (size_t)len, " AS x, 7 AS y FROM generate_series(1, 3)");
        struct ArrowArrayStream stream = arrow_open(sql);
        int64_t rows = 0;
        arrow_next(&stream, &batch);
        while (batch.release != NULL) {
            const int32_t *offsets = batch.children[0]->buffers[1];
            const char *text = batch.children[0]->buffers[2];
            const int32_t *sevens = batch.children[1]->buffers[1];
            for (int64_t row = 0; row < batch.length; row++) {
                assert_int_equal(offsets[row + 1] - offsets[row], size);
                assert_memory_equal(text + offsets[row + 1] - 2, "ab", 2);
                assert_int_equal(sevens[row], 7);
            }
            rows += batch.length;
            batch.release(&batch);
            arrow_next(&stream, &batch);
        }
        assert_int_equal(rows, 3);
        stream.release(&stream);
    }
    live_assert_in_step(arrow_conn);
}

/* ---- What may be asked ----------------------------------------------------------------------- */

static void comments_and_semicolons_do_no_harm(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "SELECT 1 -- x", "SELECT 1;",  "SELECT 1 ; -- x\n",
        "(SELECT 1)",    "VALUES (1)", "WITH t AS (SELECT 1) SELECT * FROM t"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        arrow_contents read = arrow_read_query(cases[i]);
        assert_string_equal((char *)read.rows.data, "1\n");
        arrow_contents_free(&read);
    }
}

static void the_parenthesis_cannot_be_left(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = NULL};
    char sql[600];
    struct stat found;
    const char *path = test_path("stolen");
    snprintf(sql, sizeof sql, "SELECT 1) TO '%s' WITH (FORMAT csv) --", path);
    assert_int_equal(hyl_query_arrow(arrow_conn, sql, NULL, &stream, &err), HYL_ERR_ARG);
    assert_null(stream.release);
    assert_int_equal(stat(path, &found), -1);
    assert_int_equal(hyl_query_arrow(arrow_conn, "SELECT (1", NULL, &stream, &err), HYL_ERR_ARG);
    live_assert_in_step(arrow_conn);
}

/* The server's position and words are those of the text as it was given. */
static void positions_are_those_of_the_text(void **state)
{
    (void)state;
    static const char *const cases[] = {"SELECT nosuch", "SELECT 1,\n  nosuch",
                                        "/* c */ SELECT 1 FROM nosuch", "SELECT 1 +",
                                        "SELECT '\xc3\xa9', nosuch"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ArrowArrayStream stream = {.release = NULL};
        char detail[500];
        assert_int_equal(hyl_exec(arrow_conn, cases[i], NULL, &err), HYL_ERR_SERVER);
        hyl_error wanted = err;
        int32_t position = hyl_conn_diag(arrow_conn)->position;
        snprintf(detail, sizeof detail, "%s", hyl_conn_diag(arrow_conn)->detail);
        assert_int_equal(hyl_query_arrow(arrow_conn, cases[i], NULL, &stream, &err),
                         HYL_ERR_SERVER);
        assert_null(stream.release);
        assert_string_equal(err.sqlstate, wanted.sqlstate);
        assert_int_equal(hyl_conn_diag(arrow_conn)->position, position);
        if (position != 0) {
            assert_string_equal(hyl_conn_diag(arrow_conn)->detail, detail);
        }
        live_assert_in_step(arrow_conn);
    }
}

/* ---- Ends that come early -------------------------------------------------------------------- */

#define MANY "SELECT i::bigint AS i, i::bigint * 2 AS j FROM generate_series(1, 20000000) g(i)"

static void a_stream_may_be_released_at_any_time(void **state)
{
    (void)state;
    for (int batches = 0; batches < 4; batches++) {
        struct ArrowArrayStream stream = arrow_open(MANY);
        for (int i = 0; i < batches; i++) {
            struct ArrowArray batch;
            arrow_next(&stream, &batch);
            assert_non_null(batch.release);
            batch.release(&batch);
        }
        stream.release(&stream);
        live_assert_in_step(arrow_conn);
        assert_int_equal(hyl_conn_health(arrow_conn), HYL_HEALTH_OK);
    }
}

static void streams_dropped_at_random_points_lose_and_leak_nothing(void **state)
{
    (void)state;
    random_source source = random_start("drops", 20250105);
    hyl_conn_free(arrow_conn);
    alloc_start(ALLOC_NEVER);
    arrow_conn = arrow_connect(test_hyperd(), "drain_timeout=30s");
    for (int round = 0; round < 1000; round++) {
        char sql[100];
        int64_t rows = (int64_t)random_below(&source, 60000);
        uint64_t batches = random_below(&source, 7);
        snprintf(sql, sizeof sql, "SELECT i, %d AS round FROM generate_series(1, %lld) g(i)", round,
                 (long long)rows);
        struct ArrowArrayStream stream = arrow_open(sql);
        for (uint64_t i = 0; i < batches; i++) {
            struct ArrowArray batch;
            arrow_next(&stream, &batch);
            if (batch.release != NULL) {
                /* No row of an earlier statement. */
                assert_int_equal(((const int32_t *)batch.children[1]->buffers[1])[0], round);
                batch.release(&batch);
            }
        }
        stream.release(&stream);
    }
    live_assert_in_step(arrow_conn);
    hyl_conn_free(arrow_conn);
    arrow_conn = NULL;
    alloc_stop();
}

static void while_a_stream_is_open_the_connection_is_busy(void **state)
{
    (void)state;
    struct ArrowArrayStream other = {.release = NULL};
    struct ArrowArrayStream stream = arrow_open(MANY);
    assert_int_equal(hyl_conn_health(arrow_conn), HYL_HEALTH_BUSY);
    assert_int_equal(hyl_exec(arrow_conn, "SELECT 1", NULL, &err), HYL_ERR_BUSY);
    assert_non_null(strstr(err.message, "an Arrow stream"));
    assert_int_equal(hyl_query_arrow(arrow_conn, "SELECT 1", NULL, &other, &err), HYL_ERR_BUSY);
    assert_null(other.release);
    stream.release(&stream);
    live_assert_in_step(arrow_conn);
    /* Read to its end the stream is in nobody's way. */
    stream = arrow_open("SELECT 1");
    struct ArrowArray batch;
    arrow_next(&stream, &batch);
    batch.release(&batch);
    arrow_next(&stream, &batch);
    assert_null(batch.release);
    live_assert_in_step(arrow_conn);
    stream.release(&stream);
}

static void a_stream_outlives_its_connection_and_fails(void **state)
{
    (void)state;
    struct ArrowArray batch;
    struct ArrowSchema schema;
    struct ArrowArrayStream stream = arrow_open(MANY);
    arrow_next(&stream, &batch);
    hyl_conn_free(arrow_conn);
    arrow_conn = NULL;
    assert_true(batch.length > 0);
    batch.release(&batch);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    schema.release(&schema);
    assert_int_equal(stream.get_next(&stream, &batch), EIO);
    assert_null(batch.release);
    assert_non_null(stream.get_last_error(&stream));
    assert_int_equal(hyl_stream_error(&stream)->status, HYL_ERR_CLOSED);
    assert_int_equal(stream.get_next(&stream, &batch), EIO);
    stream.release(&stream);
}

static void a_stream_may_be_released_after_its_connection(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = arrow_open(MANY);
    hyl_conn_free(arrow_conn);
    arrow_conn = NULL;
    stream.release(&stream);
}

static void *release_batches(void *arg)
{
    struct ArrowArray *batches = arg;
    for (int i = 0; i < 10; i++) {
        batches[i].release(&batches[i]);
    }
    return NULL;
}

static void batches_outlive_everything_on_any_thread(void **state)
{
    (void)state;
    struct ArrowArray batches[20];
    struct ArrowArrayStream stream = arrow_open(MANY);
    for (int i = 0; i < 20; i++) {
        arrow_next(&stream, &batches[i]);
    }
    stream.release(&stream);
    hyl_conn_free(arrow_conn);
    arrow_conn = NULL;
    for (int i = 0; i < 20; i++) {
        const int64_t *first = batches[i].children[0]->buffers[1];
        const int64_t *second = batches[i].children[1]->buffers[1];
        for (int64_t row = 0; row < batches[i].length; row++) {
            assert_true(second[row] == 2 * first[row]);
        }
    }
    /* A child may be moved out and outlive its batch. */
    struct ArrowArray child = *batches[0].children[1];
    batches[0].children[1]->release = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, release_batches, batches), 0);
    release_batches(batches + 10);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(((const int64_t *)child.buffers[1])[0] > 0);
    child.release(&child);
}

/* A batch on its way from the thread that reads to the one that uses and releases it. */
typedef struct handover {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct ArrowArray batch; /* release is NULL while there is none */
    bool over;
    bool sound;   /* whether every row was right, and */
    int64_t rows; /* how many there were */
} handover;

static void *use_batches(void *arg)
{
    handover *from = arg;
    for (;;) {
        pthread_mutex_lock(&from->lock);
        while (from->batch.release == NULL && !from->over) {
            pthread_cond_wait(&from->changed, &from->lock);
        }
        struct ArrowArray batch = from->batch;
        from->batch.release = NULL;
        pthread_cond_signal(&from->changed);
        pthread_mutex_unlock(&from->lock);
        if (batch.release == NULL) {
            return NULL;
        }
        const int64_t *first = batch.children[0]->buffers[1];
        const int64_t *second = batch.children[1]->buffers[1];
        for (int64_t row = 0; row < batch.length; row++) {
            from->sound = from->sound && second[row] == 2 * first[row];
        }
        from->rows += batch.length;
        batch.release(&batch);
    }
}

/* An empty batch ends it. */
static void hand_over(handover *to, const struct ArrowArray *batch)
{
    pthread_mutex_lock(&to->lock);
    while (to->batch.release != NULL) {
        pthread_cond_wait(&to->changed, &to->lock);
    }
    to->batch = *batch;
    to->over = batch->release == NULL;
    pthread_cond_signal(&to->changed);
    pthread_mutex_unlock(&to->lock);
}

static void another_thread_uses_batches_while_the_stream_goes_on(void **state)
{
    (void)state;
    handover between = {.sound = true};
    struct ArrowArrayStream stream = arrow_open(
        "SELECT i::bigint AS i, i::bigint * 2 AS j FROM generate_series(1, 3000000) g(i)");
    struct ArrowArray batch;
    pthread_t user;
    assert_int_equal(pthread_mutex_init(&between.lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&between.changed, NULL), 0);
    assert_int_equal(pthread_create(&user, NULL, use_batches, &between), 0);
    do {
        arrow_next(&stream, &batch);
        hand_over(&between, &batch);
    } while (batch.release != NULL);
    stream.release(&stream);
    assert_int_equal(pthread_join(user, NULL), 0);
    assert_true(between.sound);
    assert_int_equal(between.rows, 3000000);
    pthread_cond_destroy(&between.changed);
    pthread_mutex_destroy(&between.lock);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

#define FAILS_LATE                                                     \
    "SELECT i, 1000 / (CASE WHEN i = 3000000 THEN 0 ELSE 1 END) AS q " \
    "FROM generate_series(1, 4000000) g(i)"

static void an_error_in_the_middle_tells_the_servers_words(void **state)
{
    (void)state;
    int64_t rows = 0;
    struct ArrowArray batch;
    assert_int_equal(
        hyl_exec(arrow_conn, "SELECT 1 / (i - 1) FROM generate_series(1, 1) g(i)", NULL, &err),
        HYL_ERR_SERVER);
    hyl_error wanted = err;
    struct ArrowArrayStream stream = arrow_open(FAILS_LATE);
    assert_null(stream.get_last_error(&stream));
    assert_null(hyl_stream_error(&stream));
    assert_int_equal(arrow_read_to_error(&stream, &rows), EINVAL);
    assert_true(rows > 0);
    assert_string_equal(stream.get_last_error(&stream), wanted.message);
    const hyl_error *told = hyl_stream_error(&stream);
    assert_int_equal(told->status, HYL_ERR_SERVER);
    assert_string_equal(told->sqlstate, "22012");
    assert_string_equal(told->severity, "ERROR");
    assert_int_equal(told->flags & HYL_ERROR_FROM_SERVER, HYL_ERROR_FROM_SERVER);
    assert_string_equal(hyl_conn_diag(arrow_conn)->sqlstate, "22012");
    /* It stays, and the connection is free. */
    live_assert_in_step(arrow_conn);
    assert_int_equal(stream.get_next(&stream, &batch), EINVAL);
    assert_string_equal(stream.get_last_error(&stream), wanted.message);
    stream.release(&stream);
}

static void a_stream_of_others_has_no_error_of_ours(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = NULL};
    assert_null(hyl_stream_error(&stream));
}

static void an_error_in_a_transaction_closes_it(void **state)
{
    (void)state;
    int64_t rows = 0;
    struct ArrowArrayStream other = {.release = NULL};
    assert_ok(hyl_exec(arrow_conn, "BEGIN", NULL, &err), &err);
    struct ArrowArrayStream stream = arrow_open(FAILS_LATE);
    assert_int_equal(arrow_read_to_error(&stream, &rows), EINVAL);
    stream.release(&stream);
    assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_FAILED);
    assert_int_equal(hyl_query_arrow(arrow_conn, "SELECT 1", NULL, &other, &err), HYL_ERR_STATE);
    assert_string_equal(err.sqlstate, "25P02");
    assert_null(other.release);
    assert_ok(hyl_exec(arrow_conn, "ROLLBACK", NULL, &err), &err);
    live_assert_in_step(arrow_conn);
}

static void a_transaction_lives_on_after_a_stream(void **state)
{
    (void)state;
    assert_ok(hyl_exec(arrow_conn, "CREATE TEMP TABLE t(a int)", NULL, &err), &err);
    assert_ok(hyl_exec(arrow_conn, "BEGIN", NULL, &err), &err);
    assert_ok(hyl_exec(arrow_conn, "INSERT INTO t VALUES (1), (2)", NULL, &err), &err);
    arrow_contents read = arrow_read_query("SELECT a FROM t ORDER BY a");
    assert_string_equal((char *)read.rows.data, "1\n2\n");
    arrow_contents_free(&read);
    assert_int_equal(hyl_conn_tx(arrow_conn), HYL_TX_OPEN);
    assert_ok(hyl_exec(arrow_conn, "COMMIT", NULL, &err), &err);
    read = arrow_read_query("TABLE t ORDER BY a");
    assert_string_equal((char *)read.rows.data, "1\n2\n");
    arrow_contents_free(&read);
}

static void *cancel(void *arg)
{
    return hyl_cancel(arg, 5000, NULL) == HYL_OK ? arg : NULL;
}

static void a_stream_can_be_cancelled(void **state)
{
    (void)state;
    hyl_canceller *canceller = NULL;
    pthread_t thread;
    void *done = NULL;
    int64_t rows = 0;
    assert_ok(hyl_canceller_new(arrow_conn, &canceller, &err), &err);
    struct ArrowArrayStream stream =
        arrow_open("SELECT i FROM generate_series(1, 100000000000) g(i)");
    assert_int_equal(pthread_create(&thread, NULL, cancel, canceller), 0);
    assert_int_equal(arrow_read_to_error(&stream, &rows), ECANCELED);
    assert_int_equal(pthread_join(thread, &done), 0);
    assert_ptr_equal(done, canceller);
    assert_int_equal(hyl_stream_error(&stream)->status, HYL_ERR_CANCELLED);
    assert_string_equal(hyl_stream_error(&stream)->sqlstate, "57014");
    stream.release(&stream);
    live_assert_in_step(arrow_conn);
    hyl_canceller_free(canceller);
}

static void a_deadline_ends_a_query_that_gives_nothing(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = NULL};
    hyl_conn_free(arrow_conn);
    arrow_conn = arrow_connect(test_hyperd(), "request_timeout=1s");
    assert_int_equal(hyl_query_arrow(arrow_conn,
                                     "SELECT count(*) FROM generate_series(1, 100000000000) g(i)",
                                     NULL, &stream, &err),
                     HYL_ERR_TIMEOUT);
    assert_null(stream.release);
    assert_int_equal(err.flags & HYL_ERROR_CONNECTION_LOST, 0);
    live_assert_in_step(arrow_conn);
}

/* The server would close a connection that is cancelled while it is blocked for over ten seconds. */
static void what_was_not_read_for_long_can_be_given_up(void **state)
{
    (void)state;
    const struct timespec pause = {11, 0};
    struct ArrowArrayStream stream =
        arrow_open("SELECT i, 'text number ' || i FROM generate_series(1, 5000000) g(i)");
    nanosleep(&pause, NULL);
    stream.release(&stream);
    live_assert_in_step(arrow_conn);
}

static void a_server_that_dies_is_an_error_not_an_end(void **state)
{
    (void)state;
    hyl_server *server = NULL;
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    int64_t rows = 0;
    opts.working_dir = test_folder();
    assert_ok(hyl_server_launch(&opts, &server, &err), &err);
    hyl_conn_free(arrow_conn);
    arrow_conn = arrow_connect(server, "");
    struct ArrowArrayStream stream =
        arrow_open("SELECT i FROM generate_series(1, 100000000000) g(i)");
    assert_int_equal(kill(hyl_server_pid(server), SIGKILL), 0);
    assert_int_equal(arrow_read_to_error(&stream, &rows), EIO);
    assert_int_equal(hyl_stream_error(&stream)->status, HYL_ERR_CLOSED);
    assert_int_equal(hyl_stream_error(&stream)->flags & HYL_ERROR_CONNECTION_LOST,
                     HYL_ERROR_CONNECTION_LOST);
    stream.release(&stream);
    assert_int_equal(hyl_conn_health(arrow_conn), HYL_HEALTH_CLOSED);
    hyl_server_free(server);
}

/* ---- Options --------------------------------------------------------------------------------- */

static void assert_aligned(const struct ArrowArray *array, uintptr_t alignment)
{
    for (int64_t i = 0; i < array->n_buffers; i++) {
        assert_int_equal((uintptr_t)array->buffers[i] % alignment, 0);
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        assert_aligned(array->children[i], alignment);
    }
}

/* Buffers of every kind: bits, offsets, dates that are narrowed, lists. */
static const char many_buffers[] =
    "SELECT nullif(i, 7) AS i, i % 2 = 0 AS b, nullif('text ' || i, 'text 9') AS t, "
    "date '2024-01-01' + i AS d, array[i, null] AS a, cast(i as numeric(30,2)) AS n "
    "FROM generate_series(1, 25001) g(i) ORDER BY i";

/* Reads `many_buffers` and looks at every buffer of every batch; the batches' text. */
static hyl_buf read_aligned(const hyl_arrow_opts *opts, uintptr_t alignment)
{
    struct ArrowArrayStream stream = {.release = NULL};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    hyl_buf text = HYL_BUF_INIT;
    assert_ok(hyl_query_arrow(arrow_conn, many_buffers, opts, &stream, &err), &err);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    arrow_next(&stream, &batch);
    while (batch.release != NULL) {
        assert_aligned(&batch, alignment);
        arrow_batch_text(&schema, &batch, &text);
        batch.release(&batch);
        arrow_next(&stream, &batch);
    }
    schema.release(&schema);
    stream.release(&stream);
    return text;
}

static void buffers_are_aligned_as_asked_for(void **state)
{
    (void)state;
    static const hyl_transfer transfers[] = {HYL_TRANSFER_ARROW, HYL_TRANSFER_ROWS};
    hyl_buf wanted = read_aligned(NULL, 8);
    for (size_t i = 0; i < 2; i++) {
        hyl_arrow_opts opts = HYL_ARROW_OPTS_INIT;
        opts.transfer = transfers[i];
        hyl_buf plain = read_aligned(&opts, 8);
        opts.realign = true;
        hyl_buf aligned = read_aligned(&opts, 64);
        assert_int_equal(plain.len, wanted.len);
        assert_memory_equal(plain.data, wanted.data, wanted.len);
        assert_int_equal(aligned.len, wanted.len);
        assert_memory_equal(aligned.data, wanted.data, wanted.len);
        hyl_buf_reset(&plain);
        hyl_buf_reset(&aligned);
    }
    hyl_buf_reset(&wanted);
    live_assert_in_step(arrow_conn);
}

static void a_transfer_as_arrow_alone_takes_no_other_way(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = NULL};
    hyl_arrow_opts opts = HYL_ARROW_OPTS_INIT;
    opts.transfer = HYL_TRANSFER_ARROW;
    assert_int_equal(hyl_query_arrow(arrow_conn, "SHOW timezone", &opts, &stream, &err),
                     HYL_ERR_ARG);
    assert_int_equal(hyl_query_arrow(arrow_conn, "SELECT cast(null as uuid)", &opts, &stream, &err),
                     HYL_ERR_SERVER);
    assert_string_equal(err.sqlstate, "0A000");
    assert_memory_equal(err.message, "column 1 \"", 10);
    assert_non_null(strstr(err.message, "; it can be read with transfer=rows"));
    assert_int_equal(
        hyl_query_arrow(arrow_conn,
                        "SELECT 1 AS a, array[time '24:00'] AS late, interval 'P1D' AS b", &opts,
                        &stream, &err),
        HYL_ERR_SERVER);
    assert_string_equal(err.sqlstate, "22008");
    assert_memory_equal(err.message, "one of the columns 2 \"late\", 3 \"b\": ", 36);
    assert_non_null(strstr(err.message, "; select it as text: CAST(... AS text)"));
    assert_null(stream.release);
    live_assert_in_step(arrow_conn);
}

/* Also behind the first batches, and where no one was asked. */
static void a_value_without_a_place_names_its_column_and_a_way(void **state)
{
    (void)state;
    int64_t rows = 0;
    struct ArrowArrayStream stream =
        arrow_open("SELECT i, CASE WHEN i < 900000 THEN NULL ELSE time '24:00:00' END AS late "
                   "FROM generate_series(1, 1000000) g(i)");
    assert_int_equal(arrow_read_to_error(&stream, &rows), EINVAL);
    assert_true(rows > 0);
    assert_string_equal(hyl_stream_error(&stream)->sqlstate, "22008");
    assert_memory_equal(hyl_stream_error(&stream)->message, "column 2 \"late\": ", 17);
    assert_non_null(strstr(hyl_stream_error(&stream)->message, "; select it as text: "));
    stream.release(&stream);
    arrow_contents read = arrow_read_query("SELECT CAST(time '24:00:00' AS text) AS late");
    assert_string_equal((char *)read.rows.data, "24:00:00\n");
    arrow_contents_free(&read);
}

static void an_unmatched_parenthesis_has_its_place_and_state(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = NULL};
    assert_int_equal(hyl_query_arrow(arrow_conn, "SELECT '\xc3\xa9' )", NULL, &stream, &err),
                     HYL_ERR_ARG);
    assert_string_equal(err.sqlstate, "42601");
    assert_non_null(strstr(err.message, "\")\" at character 12 "));
    assert_null(stream.release);
}

/* Only Arrow tells that a column cannot be NULL. */
static bool is_nullable(const hyl_arrow_opts *opts)
{
    struct ArrowArrayStream stream = {.release = NULL};
    struct ArrowSchema schema;
    assert_ok(hyl_query_arrow(arrow_conn, "SELECT 1 AS a", opts, &stream, &err), &err);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    bool nullable = (schema.children[0]->flags & ARROW_FLAG_NULLABLE) != 0;
    schema.release(&schema);
    stream.release(&stream);
    return nullable;
}

static void the_connections_transfer_counts_where_no_other_is_asked_for(void **state)
{
    (void)state;
    hyl_arrow_opts opts = HYL_ARROW_OPTS_INIT;
    assert_false(is_nullable(NULL));
    hyl_conn_free(arrow_conn);
    arrow_conn = arrow_connect(test_hyperd(), "transfer=rows");
    assert_true(is_nullable(NULL));
    assert_true(is_nullable(&opts));
    opts.transfer = HYL_TRANSFER_AUTO;
    assert_false(is_nullable(&opts));
    opts.transfer = HYL_TRANSFER_ARROW;
    assert_false(is_nullable(&opts));
    live_assert_in_step(arrow_conn);
}

static void options_without_a_size_are_refused(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = NULL};
    hyl_arrow_opts opts = {0};
    assert_int_equal(hyl_query_arrow(arrow_conn, "SELECT 1", &opts, &stream, &err), HYL_ERR_ARG);
    assert_null(stream.release);
    /* A caller that knows no `realign` yet. */
    opts.struct_size = offsetof(hyl_arrow_opts, realign);
    opts.realign = true;
    assert_ok(hyl_query_arrow(arrow_conn, "SELECT 1", &opts, &stream, &err), &err);
    stream.release(&stream);
    live_assert_in_step(arrow_conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARROW_TEST(every_type_with_nulls_anywhere_is_as_its_rows),
        ARROW_TEST(every_type_has_its_format_and_name),
        ARROW_TEST(columns_that_cannot_be_null_say_so),
        ARROW_TEST(metadata_of_the_server_is_passed_on),
        ARROW_TEST(any_number_of_rows_arrives),
        ARROW_TEST(no_rows_have_a_schema),
        ARROW_TEST(names_are_exact),
        ARROW_TEST(values_of_any_size_arrive),
        ARROW_TEST(comments_and_semicolons_do_no_harm),
        ARROW_TEST(the_parenthesis_cannot_be_left),
        ARROW_TEST(positions_are_those_of_the_text),
        ARROW_TEST(a_stream_may_be_released_at_any_time),
        ARROW_TEST(streams_dropped_at_random_points_lose_and_leak_nothing),
        ARROW_TEST(while_a_stream_is_open_the_connection_is_busy),
        ARROW_TEST(a_stream_outlives_its_connection_and_fails),
        ARROW_TEST(a_stream_may_be_released_after_its_connection),
        ARROW_TEST(batches_outlive_everything_on_any_thread),
        ARROW_TEST(another_thread_uses_batches_while_the_stream_goes_on),
        ARROW_TEST(an_error_in_the_middle_tells_the_servers_words),
        ARROW_TEST(a_stream_of_others_has_no_error_of_ours),
        ARROW_TEST(an_error_in_a_transaction_closes_it),
        ARROW_TEST(a_transaction_lives_on_after_a_stream),
        ARROW_TEST(a_stream_can_be_cancelled),
        ARROW_TEST(a_deadline_ends_a_query_that_gives_nothing),
        ARROW_TEST(what_was_not_read_for_long_can_be_given_up),
        ARROW_TEST(a_server_that_dies_is_an_error_not_an_end),
        ARROW_TEST(buffers_are_aligned_as_asked_for),
        ARROW_TEST(a_transfer_as_arrow_alone_takes_no_other_way),
        ARROW_TEST(a_value_without_a_place_names_its_column_and_a_way),
        ARROW_TEST(an_unmatched_parenthesis_has_its_place_and_state),
        ARROW_TEST(the_connections_transfer_counts_where_no_other_is_asked_for),
        ARROW_TEST(options_without_a_size_are_refused),
    };
    return cmocka_run_group_tests_name("live/arrow_query", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
