#include "support/test.h"

#include "support/hyperd.h"
#include "support/mem_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static hyl_error err;

/* ---- What is sent ---------------------------------------------------------------------------- */

/*
 * Says the answers, each once its statement has come: an SQLSTATE, or "" for success. `statements`:
 * those that are expected, each on a line of its own.
 */
static void say_answers(mem_conn *mem, const char *const *answers, const char *statements)
{
    size_t size = 0;
    for (; *answers != NULL; answers++) {
        hyl_buf messages = HYL_BUF_INIT;
        size_t len = strcspn(statements, "\n");
        if ((*answers)[0] != '\0') {
            backend_error(&messages, *answers, "said the server");
        } else {
            backend_tag(&messages, "OK");
        }
        backend_ready(&messages, 'I');
        size += len > 0 ? 5 + len + 1 : 0;
        mem_say_after(mem, size, &messages);
        statements += statements[len] == '\n' ? len + 1 : len;
    }
}

/* Attaches what the settings say; *sent gets the statements, each on a line of its own. */
static hyl_status attach(const char *settings, const char *const *answers, const char *statements,
                         hyl_buf *sent)
{
    mem_conn mem = mem_conn_open(settings);
    say_answers(&mem, answers, statements);
    err = (hyl_error)HYL_ERROR_INIT;
    hyl_status status = hyl__conn_attach(mem.conn, &err);
    hyl_bytes rest = hyl_mem_peer_written(mem.peer);
    hyl_buf_clear(sent);
    while (rest.len > 0) {
        size_t size = (size_t)hyl__load_be32(rest.data + 1) + 1;
        assert_int_equal(rest.data[0], 'Q');
        hyl_buf_printf(sent, "%s\n", (const char *)rest.data + 5);
        rest.data += size;
        rest.len -= size;
    }
    hyl_buf_append_byte(sent, 0);
    mem_conn_close(&mem);
    return status;
}

/* The same with just these statements. */
static hyl_status attach_by(const char *settings, const char *const *answers,
                            const char *statements)
{
    hyl_buf sent = HYL_BUF_INIT;
    hyl_status status = attach(settings, answers, statements, &sent);
    assert_string_equal((char *)sent.data, statements);
    hyl_buf_reset(&sent);
    return status;
}

/* A server elsewhere has its own files: its path is left as it is. */
#define REMOTE "endpoint=db.example:7483 "

static void assert_attached(const char *settings, const char *const *answers, const char *expected)
{
    assert_ok(attach_by(settings, answers, expected), &err);
}

#define ANSWERS(...) ((const char *const[]){__VA_ARGS__, NULL})

#define ATTACH_X "ATTACH DATABASE \"x.hyper\" AS \"x\"\n"
#define CREATE_X "CREATE DATABASE \"x.hyper\"\n"
#define DROP_X   "DROP DATABASE IF EXISTS \"x.hyper\"\n"

static void each_mode_has_its_statements(void **state)
{
    (void)state;
    assert_attached(REMOTE "database=a/flights.hyper", ANSWERS(""),
                    "ATTACH DATABASE \"a/flights.hyper\" AS \"flights\"\n");
    assert_attached(REMOTE "database=x.hyper create=create", ANSWERS("", ""), CREATE_X ATTACH_X);
    assert_attached(REMOTE "database=x.hyper create=create database_version=3", ANSWERS("", ""),
                    "CREATE DATABASE \"x.hyper\" WITH VERSION 3\n" ATTACH_X);
    assert_attached(REMOTE "database=x.hyper create=replace", ANSWERS("", "", ""),
                    DROP_X CREATE_X ATTACH_X);
    assert_attached(REMOTE "database=x.hyper create=create_if_missing", ANSWERS(""), ATTACH_X);
    assert_attached(REMOTE "database=x.hyper create=create_if_missing", ANSWERS("58S01", "", ""),
                    ATTACH_X CREATE_X ATTACH_X);
}

static void an_alias_is_the_files_name_or_what_is_asked(void **state)
{
    (void)state;
    assert_attached(REMOTE "database='/data/my \"best\".hyper'", ANSWERS(""),
                    "ATTACH DATABASE \"/data/my \"\"best\"\".hyper\" AS \"my \"\"best\"\"\"\n");
    assert_attached(REMOTE "database=/data/plain", ANSWERS(""),
                    "ATTACH DATABASE \"/data/plain\" AS \"plain\"\n");
    assert_attached(REMOTE "database=/data/a.hyper.bak", ANSWERS(""),
                    "ATTACH DATABASE \"/data/a.hyper.bak\" AS \"a.hyper.bak\"\n");
    assert_attached(REMOTE "database=/data/a.hyper alias='b \"c'", ANSWERS(""),
                    "ATTACH DATABASE \"/data/a.hyper\" AS \"b \"\"c\"\n");
}

/* ---- A file that is held --------------------------------------------------------------------- */

static void a_held_file_is_tried_again(void **state)
{
    (void)state;
    assert_attached(REMOTE "database=x.hyper", ANSWERS("55006", "55006", "55006", ""),
                    ATTACH_X ATTACH_X ATTACH_X ATTACH_X);
    assert_attached(REMOTE "database=x.hyper create=replace",
                    ANSWERS("55006", "", "55006", "", "55006", ""),
                    DROP_X DROP_X CREATE_X CREATE_X ATTACH_X ATTACH_X);
}

static void until_busy_timeout(void **state)
{
    (void)state;
    assert_status(attach_by(REMOTE "database=x.hyper busy_timeout=0", ANSWERS("55006"), ATTACH_X),
                  HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "55006");
    assert_true(hyl_error_retryable(&err));
}

/* ---- What goes wrong ------------------------------------------------------------------------- */

static void an_error_names_the_file_and_what_it_means(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        const char *message;
    } cases[] = {
        {"58S01", "'x.hyper': there is no such database file: said the server"},
        {"42809", "'x.hyper': this is not a Hyper database file: said the server"},
        {"XX001", "'x.hyper': the database file is damaged: said the server"},
        {"42P04", "'x.hyper': the database file exists already: said the server"},
        {"58P01", "'x.hyper': the database file cannot be written: said the server"},
        {"0A000", "'x.hyper': said the server"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(attach_by(REMOTE "database=x.hyper", ANSWERS(cases[i].sqlstate), ATTACH_X),
                      HYL_ERR_SERVER, &err);
        assert_string_equal(err.message, cases[i].message);
        assert_string_equal(err.sqlstate, cases[i].sqlstate);
    }
}

/* Only a file that is missing is made; everything else is an error as it is. */
static void no_other_error_creates_a_file(void **state)
{
    (void)state;
    static const char *const sqlstates[] = {"42809", "XX001", "58P01"};
    for (size_t i = 0; i < 3; i++) {
        assert_status(attach_by(REMOTE "database=x.hyper create=create_if_missing",
                                ANSWERS(sqlstates[i]), ATTACH_X),
                      HYL_ERR_SERVER, &err);
    }
}

static void a_step_that_fails_is_the_last(void **state)
{
    (void)state;
    assert_status(attach_by(REMOTE "database=x.hyper create=create", ANSWERS("42P04"), CREATE_X),
                  HYL_ERR_SERVER, &err);
    assert_status(attach_by(REMOTE "database=x.hyper create=replace", ANSWERS("42809"), DROP_X),
                  HYL_ERR_SERVER, &err);
    assert_status(attach_by(REMOTE "database=x.hyper create=create_if_missing",
                            ANSWERS("58S01", "58P01"), ATTACH_X CREATE_X),
                  HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "58P01");
}

/* ---- Files of this machine ------------------------------------------------------------------- */

/* Attaches a file of the test folder; *path gets what the server was told. */
static hyl_status attach_local(const char *settings, const char *given, char path[400])
{
    char all[900];
    hyl_buf sent = HYL_BUF_INIT;
    snprintf(all, sizeof all, "database='%s' %s", given, settings);
    hyl_status status = attach(all, ANSWERS(""), "", &sent);
    path[0] = '\0';
    if (sent.len > 1) {
        assert_int_equal(sscanf((char *)sent.data, "ATTACH DATABASE \"%399[^\"]\"", path), 1);
    }
    hyl_buf_reset(&sent);
    return status;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void every_spelling_of_a_path_is_the_same_to_the_server(void **state)
{
    (void)state;
    static const char *const local[] = {"endpoint=/no/such/socket", "endpoint=localhost:1",
                                        "endpoint=127.0.0.1:1", "endpoint=127.1.2.3:1",
                                        "endpoint=[::1]:1"};
    char folder[300];
    char real[500];
    char path[400];
    char old[1000];
    assert_non_null(getcwd(old, sizeof old));
    assert_non_null(realpath(test_folder(), folder));
    snprintf(real, sizeof real, "%s/data.hyper", folder);
    write_file(test_path("data.hyper"), "x", 1);
    assert_int_equal(symlink("data.hyper", test_path("link.hyper")), 0);
    assert_int_equal(mkdir(test_path("sub"), 0700), 0);
    assert_int_equal(symlink("..", test_path("sub/up")), 0);
    assert_int_equal(chdir(test_folder()), 0);
    const char *const spellings[] = {"data.hyper",
                                     "./data.hyper",
                                     "sub/../data.hyper",
                                     "sub/up/data.hyper",
                                     "link.hyper",
                                     "sub//up/./link.hyper",
                                     test_path("data.hyper"),
                                     test_path("sub/up/link.hyper")};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        for (size_t j = 0; j < sizeof spellings / sizeof spellings[0]; j++) {
            assert_ok(attach_local(local[i], spellings[j], path), &err);
            assert_string_equal(path, real);
        }
        /* Of a file that is to be made it is the folder that counts. */
        assert_ok(attach_local(local[i], "sub/up/new.hyper", path), &err);
        char made[400];
        snprintf(made, sizeof made, "%s/new.hyper", folder);
        assert_string_equal(path, made);
    }
    /* What has no folder is the server's to refuse, and a server elsewhere is told what was said. */
    assert_ok(attach_local("endpoint=localhost:1", "no/folder/x.hyper", path), &err);
    assert_string_equal(path, "no/folder/x.hyper");
    assert_ok(attach_local("endpoint=db.example:1", "./data.hyper", path), &err);
    assert_string_equal(path, "./data.hyper");
    assert_int_equal(chdir(old), 0);
}

static void the_files_version_is_checked_first(void **state)
{
    (void)state;
    char path[400];
    uint8_t head[12] = "Hyper\x08\0\0\1\0\2";
    char real[400];
    const char *file = test_path("version.hyper");
    assert_non_null(realpath(test_folder(), real));
    assert_true(strlen(real) < 300);
    strcat(real, "/version.hyper");
    for (int version = 0; version <= 255; version++) {
        head[10] = (uint8_t)version;
        write_file(file, head, sizeof head);
        hyl_status status = attach_local("endpoint=/no/such/socket", file, path);
        if (version <= 4) {
            assert_ok(status, &err);
            continue;
        }
        char expected[60];
        snprintf(expected, sizeof expected,
                 "has file version %d; the newest that is supported is 4", version);
        assert_status(status, HYL_ERR_UNSUPPORTED, &err);
        assert_non_null(strstr(err.message, expected));
        assert_non_null(strstr(err.message, "version.hyper"));
        assert_string_equal(path, ""); /* nothing was sent */
    }
    /* What replaces the file does not mind it. */
    char settings[600];
    char statements[1500];
    snprintf(settings, sizeof settings, "endpoint=/no/such/socket create=replace database='%s'",
             file);
    snprintf(statements, sizeof statements,
             "DROP DATABASE IF EXISTS \"%s\"\nCREATE DATABASE \"%s\"\n"
             "ATTACH DATABASE \"%s\" AS \"version\"\n",
             real, real, real);
    assert_ok(attach_by(settings, ANSWERS("", "", ""), statements), &err);
    /* Of a server elsewhere there is no file to look at. */
    assert_ok(attach_local("endpoint=db.example:1", file, path), &err);
}

/* A file that is no database, or that cannot be read, is for the server to judge. */
static void what_is_no_database_is_left_to_the_server(void **state)
{
    (void)state;
    char path[400];
    const char *file = test_path("garbage.hyper");
    write_file(file, "Hyper", 5);
    assert_ok(attach_local("endpoint=/no/such/socket", file, path), &err);
    write_file(file, "", 0);
    assert_ok(attach_local("endpoint=/no/such/socket", file, path), &err);
    write_file(file, "HYPER\x08\0\0\1\0\x63\0", 12);
    assert_ok(attach_local("endpoint=/no/such/socket", file, path), &err);
    assert_ok(attach_local("endpoint=/no/such/socket", test_path("missing.hyper"), path), &err);
    assert_ok(attach_local("endpoint=db.example:1", test_folder(), path), &err);
}

static void a_directory_is_called_one(void **state)
{
    (void)state;
    char path[400];
    assert_status(attach_local("endpoint=/no/such/socket", test_folder(), path), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "is a directory"));
    assert_string_equal(path, ""); /* nothing was sent */
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mode_has_its_statements),
        cmocka_unit_test(an_alias_is_the_files_name_or_what_is_asked),
        cmocka_unit_test(a_held_file_is_tried_again),
        cmocka_unit_test(until_busy_timeout),
        cmocka_unit_test(an_error_names_the_file_and_what_it_means),
        cmocka_unit_test(no_other_error_creates_a_file),
        cmocka_unit_test(a_step_that_fails_is_the_last),
        cmocka_unit_test(every_spelling_of_a_path_is_the_same_to_the_server),
        cmocka_unit_test(the_files_version_is_checked_first),
        cmocka_unit_test(what_is_no_database_is_left_to_the_server),
        cmocka_unit_test(a_directory_is_called_one),
    };
    return cmocka_run_group_tests_name("conn/database", tests, NULL, remove_folder);
}
