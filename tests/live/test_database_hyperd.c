#include "support/test.h"

#include "support/hyperd.h"
#include "support/live.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static hyl_error err;

/* ---- Helpers --------------------------------------------------------------------------------- */

static char *file_bytes(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *len = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *len, file), *len);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static hyl_status open_fails(const char *file, const char *settings)
{
    char all[700];
    snprintf(all, sizeof all, "database='%s' %s", test_path(file), settings);
    return live_connect_fails(all, &err);
}

/* Ends a session on a database under the alias "d"; the file is written out by then. */
static void leave(hyl_conn *conn)
{
    live_exec(conn, "DETACH DATABASE d");
    hyl_conn_free(conn);
}

/* A database with table t of one row, of this value, that nobody holds. */
static void make_database(const char *file, int value)
{
    char sql[60];
    hyl_conn *conn = live_open(file, "create=replace alias=d");
    live_exec(conn, "CREATE TABLE t (a int)");
    snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d)", value);
    live_exec(conn, sql);
    leave(conn);
}

/* A second server, whose sessions hold files against the first. */
static hyl_server *other_server(void)
{
    hyl_server *server = NULL;
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.working_dir = test_folder();
    assert_ok(hyl_server_launch(&opts, &server, &err), &err);
    return server;
}

static hyl_conn *hold(const hyl_server *server, const char *file)
{
    hyl_config *config = NULL;
    hyl_conn *conn = NULL;
    assert_ok(hyl_config_new(&config, &err), &err);
    assert_ok(hyl_server_configure(server, config, &err), &err);
    assert_ok(hyl_config_set(config, "database", test_path(file), &err), &err);
    assert_ok(hyl_connect(config, &conn, &err), &err);
    hyl_config_free(config);
    return conn;
}

/* ---- Create modes ---------------------------------------------------------------------------- */

static void open_wants_a_file(void **state)
{
    (void)state;
    make_database("open.hyper", 1);
    hyl_conn *conn = live_open("open.hyper", NULL);
    assert_int_equal(live_i64(conn, "SELECT a FROM t"), 1);
    hyl_conn_free(conn);
    assert_status(open_fails("missing.hyper", ""), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "58S01");
    assert_int_equal(access(test_path("missing.hyper"), F_OK), -1);
}

static void create_wants_none(void **state)
{
    (void)state;
    hyl_conn *conn = live_open("create.hyper", "create=create alias=d");
    live_exec(conn, "CREATE TABLE t (a int)");
    live_exec(conn, "INSERT INTO t VALUES (1)");
    leave(conn);
    size_t before_len = 0;
    size_t after_len = 0;
    char *before = file_bytes(test_path("create.hyper"), &before_len);
    assert_status(open_fails("create.hyper", "create=create"), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "42P04");
    char *after = file_bytes(test_path("create.hyper"), &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    free(before);
    free(after);
}

static void create_if_missing_takes_both(void **state)
{
    (void)state;
    hyl_conn *conn = live_open("maybe.hyper", "create=create_if_missing");
    live_exec(conn, "CREATE TABLE t (a int)");
    hyl_conn_free(conn);
    /* Just left by another session, where CREATE DATABASE IF NOT EXISTS would say 55006. */
    for (int i = 0; i < 20; i++) {
        conn = live_open("maybe.hyper", "create=create_if_missing busy_timeout=0");
        live_exec(conn, "INSERT INTO t VALUES (1)");
        hyl_conn_free(conn);
    }
    conn = live_open("maybe.hyper", NULL);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM t"), 20);
    hyl_conn_free(conn);
}

static void replace_takes_both_and_keeps_nothing(void **state)
{
    (void)state;
    hyl_conn *conn = live_open("replace.hyper", "create=replace");
    live_exec(conn, "CREATE TABLE t (a int)");
    hyl_conn_free(conn);
    conn = live_open("replace.hyper", "create=replace");
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM pg_tables WHERE tablename = 't'"), 0);
    hyl_conn_free(conn);
}

static int version_of(const char *file)
{
    size_t len = 0;
    char *bytes = file_bytes(test_path(file), &len);
    assert_true(len > 10);
    int version = bytes[10];
    free(bytes);
    return version;
}

/*
 * A file for each: main.0.0.26963 crashes now and then where a file is replaced while the session
 * before is still being ended.
 */
static void a_file_is_made_of_the_version_that_is_asked_for(void **state)
{
    (void)state;
    for (int version = 1; version <= 4; version++) {
        char file[30];
        char settings[60];
        snprintf(file, sizeof file, "version%d.hyper", version);
        snprintf(settings, sizeof settings, "create=replace database_version=%d", version);
        hyl_conn_free(live_open(file, settings));
        assert_int_equal(version_of(file), version);
    }
    hyl_conn_free(live_open("version.hyper", "create=replace"));
    assert_int_equal(version_of("version.hyper"), 2);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static void an_alias_is_the_databases_name_in_sql(void **state)
{
    (void)state;
    make_database("my flights.hyper", 5);
    hyl_conn *conn = live_open("my flights.hyper", NULL);
    assert_int_equal(live_i64(conn, "SELECT a FROM \"my flights\".public.t"), 5);
    assert_string_equal(live_text(conn, "SELECT current_database()"), "my flights");
    hyl_conn_free(conn);
    conn = live_open("my flights.hyper", "alias='a \"b\" c'");
    assert_int_equal(live_i64(conn, "SELECT a FROM \"a \"\"b\"\" c\".public.t"), 5);
    hyl_conn_free(conn);
}

static void files_may_have_any_name(void **state)
{
    (void)state;
    static const char *const names[] = {"no-suffix",   "qu\"ote.hyper",
                                        "it''s.hyper", "\xc3\xa9\xe2\x82\xac.hyper",
                                        "a;b.hyper",   "-- x.hyper"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        hyl_config *config = live_config("create=create");
        hyl_conn *conn = NULL;
        assert_ok(hyl_config_set(config, "database", test_path(names[i]), &err), &err);
        assert_ok(hyl_connect(config, &conn, &err), &err);
        live_exec(conn, "CREATE TABLE t (a int)");
        hyl_conn_free(conn);
        assert_int_equal(access(test_path(names[i]), F_OK), 0);
        hyl_config_free(config);
    }
}

static void two_spellings_are_one_database(void **state)
{
    (void)state;
    char old[1000];
    make_database("one.hyper", 7);
    assert_int_equal(symlink("one.hyper", test_path("two.hyper")), 0);
    assert_non_null(getcwd(old, sizeof old));
    assert_int_equal(chdir(test_folder()), 0);
    hyl_conn *first = live_connect("database=one.hyper");
    hyl_conn *second = live_connect("database=./one.hyper busy_timeout=0");
    hyl_conn *third = live_open("one.hyper", "busy_timeout=0");
    hyl_conn *fourth = live_open("two.hyper", "busy_timeout=0 alias=x");
    hyl_conn *fifth = live_connect_unix("database=./two.hyper busy_timeout=0");
    assert_int_equal(chdir(old), 0);
    live_exec(first, "INSERT INTO t VALUES (8)");
    hyl_conn *const others[] = {second, third, fourth, fifth};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(live_i64(others[i], "SELECT sum(a) FROM t"), 15);
        hyl_conn_free(others[i]);
    }
    hyl_conn_free(first);
}

/* ---- Files that cannot be had ---------------------------------------------------------------- */

/* Opening fails with this, in whichever mode that keeps files, and the file stays as it is. */
static void assert_untouched(const char *file, hyl_status status, const char *sqlstate,
                             const char *said)
{
    static const char *const modes[] = {"create=open busy_timeout=0",
                                        "create=create_if_missing busy_timeout=0"};
    size_t before_len = 0;
    char *before = file_bytes(test_path(file), &before_len);
    for (size_t i = 0; i < 2; i++) {
        size_t after_len = 0;
        assert_status(open_fails(file, modes[i]), status, &err);
        assert_string_equal(err.sqlstate, sqlstate);
        if (strstr(err.message, said) == NULL || strstr(err.message, file) == NULL) {
            fail_msg("%s", err.message);
        }
        char *after = file_bytes(test_path(file), &after_len);
        assert_int_equal(before_len, after_len);
        assert_memory_equal(before, after, before_len);
        free(after);
    }
    free(before);
}

static void four_errors_are_told_apart_and_leave_the_file_alone(void **state)
{
    (void)state;
    size_t len = 0;
    hyl_server *other = other_server();
    make_database("held.hyper", 1);
    hyl_conn *holder = hold(other, "held.hyper");
    assert_untouched("held.hyper", HYL_ERR_SERVER, "55006", "another process holds");
    assert_true(hyl_error_retryable(&err));
    assert_status(open_fails("held.hyper", "create=replace busy_timeout=0"), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "55006");
    assert_int_equal(live_i64(holder, "SELECT a FROM t"), 1);
    hyl_conn_free(holder);
    hyl_server_free(other);

    write_file(test_path("text.hyper"), "a,b\n1,2\n", 8);
    assert_untouched("text.hyper", HYL_ERR_SERVER, "42809", "not a Hyper database");
    write_file(test_path("empty.hyper"), "", 0);
    assert_untouched("empty.hyper", HYL_ERR_SERVER, "42809", "not a Hyper database");

    make_database("newer.hyper", 1);
    char *bytes = file_bytes(test_path("newer.hyper"), &len);
    bytes[10] = 9;
    write_file(test_path("newer.hyper"), bytes, len);
    assert_untouched("newer.hyper", HYL_ERR_UNSUPPORTED, "", "file version 9");
    bytes[10] = 2;
    write_file(test_path("newer.hyper"), bytes, len / 2);
    assert_untouched("newer.hyper", HYL_ERR_SERVER, "XX001", "damaged");
    free(bytes);

    assert_status(open_fails("nowhere.hyper", ""), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "58S01");
    assert_non_null(strstr(err.message, "no such database file"));
    assert_status(open_fails("no/folder/x.hyper", "create=create"), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "58S01");
}

/* ---- Waiting for a file ---------------------------------------------------------------------- */

static void a_held_file_is_waited_for_until_the_deadline(void **state)
{
    (void)state;
    hyl_server *other = other_server();
    make_database("waited.hyper", 1);
    hyl_conn *holder = hold(other, "waited.hyper");
    int64_t start = hyl__now_ms();
    assert_status(open_fails("waited.hyper", "busy_timeout=400ms"), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "55006");
    assert_true(hyl__now_ms() - start >= 400);
    hyl_conn_free(holder);
    hyl_server_free(other);
}

typedef struct waiting {
    hyl_config *config;
    hyl_conn *conn;
    hyl_status status;
    hyl_error err;
} waiting;

static void *connect_and_wait(void *ctx)
{
    waiting *self = ctx;
    self->status = hyl_connect(self->config, &self->conn, &self->err);
    return NULL;
}

/* The other server lets go while we wait. Were it let go before the first try, it would show less,
 * but never fail. */
static void a_file_that_is_let_go_is_had(void **state)
{
    (void)state;
    hyl_server *other = other_server();
    pthread_t thread;
    char settings[500];
    const struct timespec pause = {0, 150000000};
    make_database("let_go.hyper", 42);
    hyl_conn *holder = hold(other, "let_go.hyper");
    snprintf(settings, sizeof settings, "database='%s' busy_timeout=60s",
             test_path("let_go.hyper"));
    waiting work = {live_config(settings), NULL, HYL_OK, HYL_ERROR_INIT};
    assert_int_equal(pthread_create(&thread, NULL, connect_and_wait, &work), 0);
    nanosleep(&pause, NULL);
    hyl_conn_free(holder);
    pthread_join(thread, NULL);
    assert_ok(work.status, &work.err);
    assert_int_equal(live_i64(work.conn, "SELECT a FROM t"), 42);
    hyl_conn_free(work.conn);
    hyl_config_free(work.config);
    hyl_server_free(other);
}

/* ---- Leaving --------------------------------------------------------------------------------- */

/* A session that leaves, or is thrown out of a transaction, gives the file back as it should be. */
static void what_was_not_committed_is_gone(void **state)
{
    (void)state;
    make_database("tx.hyper", 1);
    hyl_conn *conn = live_open("tx.hyper", NULL);
    live_exec(conn, "BEGIN");
    live_exec(conn, "INSERT INTO t VALUES (2)");
    hyl_conn_free(conn);
    conn = live_open("tx.hyper", NULL);
    assert_int_equal(live_i64(conn, "SELECT sum(a) FROM t"), 1);
    hyl_conn_free(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_wants_a_file),
        cmocka_unit_test(create_wants_none),
        cmocka_unit_test(create_if_missing_takes_both),
        cmocka_unit_test(replace_takes_both_and_keeps_nothing),
        cmocka_unit_test(a_file_is_made_of_the_version_that_is_asked_for),
        cmocka_unit_test(an_alias_is_the_databases_name_in_sql),
        cmocka_unit_test(files_may_have_any_name),
        cmocka_unit_test(two_spellings_are_one_database),
        cmocka_unit_test(four_errors_are_told_apart_and_leave_the_file_alone),
        cmocka_unit_test(a_held_file_is_waited_for_until_the_deadline),
        cmocka_unit_test(a_file_that_is_let_go_is_had),
        cmocka_unit_test(what_was_not_committed_is_gone),
    };
    return cmocka_run_group_tests_name("live/database_hyperd", tests, test_hyperd_start,
                                       test_hyperd_stop);
}
