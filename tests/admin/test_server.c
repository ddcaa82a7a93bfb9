#include "support/test.h"

#include "support/hyperd.h"
#include "support/processes.h"
#include "support/sockets.h"

#include <hyperline/hyperline.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 20000 };

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

static hyl_server_opts in_folder(void)
{
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.working_dir = test_folder();
    opts.socket_dir = test_folder();
    return opts;
}

static hyl_server *launch(const hyl_server_opts *opts)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    assert_ok(hyl_server_launch(opts, &server, &err), &err);
    return server;
}

static hyl_status connect_to(const hyl_server *server, hyl_conn **out, hyl_error *err)
{
    hyl_config *config = NULL;
    HYL_TRY(hyl_config_new(&config, err));
    hyl_status status = hyl_server_configure(server, config, err);
    if (status == HYL_OK) {
        status = hyl_connect(config, out, err);
    }
    hyl_config_free(config);
    return status;
}

static hyl_conn *connected(const hyl_server *server)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_conn *conn = NULL;
    assert_ok(connect_to(server, &conn, &err), &err);
    return conn;
}

static void assert_answers(hyl_conn *conn)
{
    hyl_error err = HYL_ERROR_INIT;
    int64_t value = 0;
    assert_ok(hyl_query_i64(conn, "SELECT 42", &value, &err), &err);
    assert_int_equal(value, 42);
}

static void assert_reachable(const hyl_endpoint *endpoint)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf text = HYL_BUF_INIT;
    hyl_conn *conn = NULL;
    hyl_endpoint_format(endpoint, &text);
    hyl_buf_append_byte(&text, '\0');
    assert_ok(hyl_connect_uri((const char *)text.data, &conn, &err), &err);
    assert_answers(conn);
    hyl_conn_free(conn);
    hyl_buf_reset(&text);
}

static char *exit_text(hyl_server *server)
{
    static char text[600];
    hyl_buf out = HYL_BUF_INIT;
    assert_true(hyl_server_exit_text(server, &out));
    snprintf(text, sizeof text, "%.*s", (int)out.len, (const char *)out.data);
    hyl_buf_reset(&out);
    return text;
}

static int count_files(const char *folder)
{
    int count = 0;
    DIR *all = opendir(folder);
    assert_non_null(all);
    while (readdir(all) != NULL) {
        count++;
    }
    closedir(all);
    return count - 2; /* . and .. */
}

/* ---- A server that works --------------------------------------------------------------------- */

static void it_starts_answers_and_ends(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    hyl_buf out = HYL_BUF_INIT;
    hyl_server *server = launch(&opts);
    assert_true(hyl_server_running(server));
    assert_true(hyl_server_pid(server) > 1);
    assert_non_null(strstr(hyl_server_path(server), "hyperd"));
    assert_int_equal(hyl_server_endpoint(server)->kind, HYL_ENDPOINT_TCP);
    assert_null(hyl_server_socket_endpoint(server));
    assert_false(hyl_server_exit_text(server, &out));
    assert_int_equal(out.len, 0);
    assert_reachable(hyl_server_endpoint(server));
    assert_ok(hyl_server_shutdown(server, LONG_MS, &err), &err);
    assert_false(hyl_server_running(server));
    assert_memory_equal(exit_text(server), "exit status 0", 13);
    /* A second time changes nothing. */
    assert_ok(hyl_server_shutdown(server, LONG_MS, &err), &err);
    hyl_server_free(server);
    hyl_server_free(NULL);
    assert_false(test_has_children());
}

static void the_defaults_will_do(void **state)
{
    (void)state;
    hyl_server *server = launch(NULL);
    assert_reachable(hyl_server_endpoint(server));
    hyl_server_free(server);
}

static void by_unix_socket_alone(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    opts.listen = HYL_LISTEN_UNIX;
    int before = count_files(test_folder());
    hyl_server *server = launch(&opts);
    assert_int_equal(hyl_server_endpoint(server)->kind, HYL_ENDPOINT_UNIX);
    assert_string_equal(hyl_server_endpoint(server)->path,
                        hyl_server_socket_endpoint(server)->path);
    assert_memory_equal(hyl_server_endpoint(server)->path, test_folder(), strlen(test_folder()));
    assert_reachable(hyl_server_endpoint(server));
    assert_ok(hyl_server_shutdown(server, LONG_MS, &err), &err);
    hyl_server_free(server);
    assert_int_equal(count_files(test_folder()), before);
}

static void by_both(void **state)
{
    (void)state;
    hyl_server_opts opts = in_folder();
    opts.listen = HYL_LISTEN_TCP | HYL_LISTEN_UNIX;
    int before = count_files(test_folder());
    hyl_server *server = launch(&opts);
    assert_int_equal(hyl_server_endpoint(server)->kind, HYL_ENDPOINT_TCP);
    assert_reachable(hyl_server_endpoint(server));
    assert_reachable(hyl_server_socket_endpoint(server));
    hyl_server_free(server);
    assert_int_equal(count_files(test_folder()), before);
}

static void two_servers_live_side_by_side(void **state)
{
    (void)state;
    hyl_server_opts opts = in_folder();
    hyl_server *one = launch(&opts);
    hyl_server *two = launch(&opts);
    assert_int_not_equal(hyl_server_endpoint(one)->port, hyl_server_endpoint(two)->port);
    hyl_server_free(one);
    assert_true(hyl_server_running(two));
    assert_reachable(hyl_server_endpoint(two));
    hyl_server_free(two);
    assert_false(test_has_children());
}

static void a_config_is_filled_in(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = NULL;
    hyl_server_opts opts = in_folder();
    char endpoint[64];
    opts.user = "someone";
    hyl_server *server = launch(&opts);
    assert_ok(hyl_config_new(&config, &err), &err);
    assert_ok(hyl_config_set(config, "application_name", "kept", &err), &err);
    /* As the environment may say it of servers elsewhere: not of this one. */
    assert_ok(hyl_config_set(config, "tls_ca", "/no/such/ca.pem", &err), &err);
    assert_ok(hyl_server_configure(server, config, &err), &err);
    assert_string_equal(hyl_config_get(config, "tls"), "disable");
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u",
             (unsigned)hyl_server_endpoint(server)->port);
    assert_string_equal(hyl_config_get(config, "endpoint"), endpoint);
    assert_string_equal(hyl_config_get(config, "user"), "someone");
    assert_string_equal(hyl_config_get(config, "password"), "");
    assert_string_equal(hyl_config_get(config, "application_name"), "kept");
    hyl_conn *conn = NULL;
    assert_ok(hyl_connect(config, &conn, &err), &err);
    assert_answers(conn);
    hyl_conn_free(conn);
    hyl_server_free(server);
    /* The config goes last. */
    hyl_config_free(config);
}

/* ---- Options --------------------------------------------------------------------------------- */

static void no_log_is_left_unless_asked_for(void **state)
{
    (void)state;
    hyl_server_opts opts = in_folder();
    char program[4096];
    hyl_server *server = launch(&opts);
    snprintf(program, sizeof program, "%s", hyl_server_path(server));
    *strrchr(program, '/') = '\0';
    int beside = count_files(program);
    int here = count_files(test_folder());
    assert_reachable(hyl_server_endpoint(server));
    hyl_server_free(server);
    assert_int_equal(count_files(program), beside);
    assert_int_equal(count_files(test_folder()), here);

    assert_int_equal(mkdir(test_path("log"), 0700), 0);
    opts.log_dir = test_path("log");
    server = launch(&opts);
    hyl_server_free(server);
    assert_true(count_files(test_path("log")) > 0);
}

static char *file_of_process(int32_t pid, const char *name)
{
    static char text[65536];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    for (ssize_t i = 0; i < len; i++) {
        text[i] = text[i] == '\0' ? '\n' : text[i];
    }
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void a_password_is_asked_for_and_told_to_nobody(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    hyl_conn *conn = NULL;
    opts.password = "s3cret word";
    hyl_server *server = launch(&opts);
    assert_null(strstr(file_of_process(hyl_server_pid(server), "cmdline"), "s3cret"));
    assert_non_null(strstr(file_of_process(hyl_server_pid(server), "environ"),
                           "HYPER_INITIAL_USER_PASSWORD=s3cret word\n"));
    /* The config that the server fills in has it; one without it is turned away. */
    if (HYL_WITH_OPENSSL) {
        conn = connected(server);
        assert_answers(conn);
        hyl_conn_free(conn);
        conn = NULL;
    } else {
        assert_status(connect_to(server, &conn, &err), HYL_ERR_UNSUPPORTED, &err);
    }
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u",
             (unsigned)hyl_server_endpoint(server)->port);
    assert_status(hyl_connect_uri(endpoint, &conn, &err), HYL_ERR_AUTH, &err);
    assert_null(conn);
    hyl_server_free(server);
}

static int database_version(const char *path)
{
    unsigned char head[11] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, head, sizeof head), sizeof head);
    close(fd);
    return head[10];
}

static void assert_makes_version(int asked, int expected)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    char name[32];
    char sql[64];
    opts.database_version = asked;
    hyl_server *server = launch(&opts);
    hyl_conn *conn = connected(server);
    snprintf(name, sizeof name, "version%d.hyper", asked);
    snprintf(sql, sizeof sql, "CREATE DATABASE \"%s\"", name);
    assert_ok(hyl_exec(conn, sql, NULL, &err), &err);
    hyl_conn_free(conn);
    hyl_server_free(server);
    /* A relative name: it is in the server's working folder. */
    assert_int_equal(database_version(test_path(name)), expected);
}

static void the_database_version_and_the_working_folder_are_set(void **state)
{
    (void)state;
    assert_makes_version(0, 2);
    assert_makes_version(3, 3);
}

static void settings_reach_the_server(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    const hyl_pair settings[] = {{"date_style", "DMY"}};
    hyl_server_opts opts = in_folder();
    char *value = NULL;
    opts.settings = settings;
    opts.setting_count = 1;
    opts.memory_limit = "1g";
    hyl_server *server = launch(&opts);
    hyl_conn *conn = connected(server);
    assert_ok(hyl_query_text(conn, "SHOW date_style", &value, &err), &err);
    assert_string_equal(value, "ISO, DMY");
    hyl_free(value);
    hyl_conn_free(conn);
    hyl_server_free(server);
}

static void options_of_an_older_caller_are_shorter(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    hyl_server *server = NULL;
    opts.struct_size = offsetof(hyl_server_opts, socket_dir);
    opts.listen = HYL_LISTEN_UNIX;
    opts.user = (const char *)1; /* beyond the size: not to be touched */
    opts.settings = (const hyl_pair *)1;
    opts.setting_count = 1;
    server = launch(&opts);
    assert_non_null(hyl_server_socket_endpoint(server));
    hyl_server_free(server);
    server = NULL;
    opts.struct_size = 0;
    assert_status(hyl_server_launch(&opts, &server, &err), HYL_ERR_ARG, &err);
    assert_null(server);
}

/* ---- A server that does not come up ---------------------------------------------------------- */

static void assert_fails(const hyl_server_opts *opts, hyl_status expected, const char *part)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    int before = count_files(test_folder());
    assert_status(hyl_server_launch(opts, &server, &err), expected, &err);
    if (strstr(err.message, part) == NULL) {
        fail_msg("'%s' is not in: %s", part, err.message);
    }
    assert_null(server);
    assert_int_equal(hyl_server_launch(opts, &server, NULL), expected);
    assert_int_equal(count_files(test_folder()), before);
    assert_false(test_has_children());
}

static void assert_program_fails(const char *path, const char *part)
{
    hyl_server_opts opts = in_folder();
    opts.hyperd_path = path;
    assert_fails(&opts, HYL_ERR_IO, part);
    opts.listen = HYL_LISTEN_UNIX;
    assert_fails(&opts, HYL_ERR_IO, part);
}

static void what_is_no_program_is_told(void **state)
{
    (void)state;
    assert_program_fails("/nowhere/hyperd", "cannot run /nowhere/hyperd, named by the option "
                                            "hyperd_path: No such file or directory");
    assert_program_fails(test_script("plain", 0600, ""), "plain: it is not executable");
    assert_program_fails(test_script("text", 0700, "text"), "text: it is no program");
    assert_program_fails(test_folder(), "it is a folder");
}

static void the_last_words_are_told(void **state)
{
    (void)state;
    assert_program_fails(test_script("fails", 0700, "#!/bin/sh\necho one\necho two >&2\nexit 9\n"),
                         "fails did not start: exit status 9, last output: one | two");
    assert_program_fails(test_script("silent", 0700, "#!/bin/sh\n"),
                         "silent did not start: exit status 0");
    assert_program_fails(test_script("killed", 0700, "#!/bin/sh\nkill -KILL $$\n"),
                         "killed did not start: ended by SIGKILL");
}

static void a_setting_that_is_not_known_is_told(void **state)
{
    (void)state;
    const hyl_pair settings[] = {{"no_such_setting", "1"}};
    hyl_server_opts opts = in_folder();
    opts.settings = settings;
    opts.setting_count = 1;
    assert_fails(&opts, HYL_ERR_IO, "no_such_setting");
    opts.setting_count = 0;
    opts.memory_limit = "much";
    assert_fails(&opts, HYL_ERR_IO, "did not start: exit status 1, last output: ");
}

static void a_port_that_is_taken_is_told(void **state)
{
    (void)state;
    hyl_server_opts opts = in_folder();
    int listener = test_tcp_listener(AF_INET, 4, &opts.port);
    assert_fails(&opts, HYL_ERR_IO, "did not start: exit status 1, last output: ");
    close(listener);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    hyl_server_opts opts = in_folder();
    opts.database_version = 9;
    assert_fails(&opts, HYL_ERR_ARG, "database version 9");
    opts = in_folder();
    opts.listen = HYL_LISTEN_UNIX;
    opts.socket_dir = "relative";
    assert_fails(&opts, HYL_ERR_ARG, "must be an absolute path");
    opts = in_folder();
    opts.working_dir = "/nowhere";
    assert_fails(&opts, HYL_ERR_IO, "in the folder /nowhere: No such file or directory");
}

static void a_server_that_never_reports_runs_into_the_deadline(void **state)
{
    (void)state;
    hyl_server_opts opts = in_folder();
    opts.hyperd_path = test_script("slow", 0700, "#!/bin/sh\nexec sleep 1000\n");
    opts.start_timeout_ms = 100;
    assert_fails(&opts, HYL_ERR_TIMEOUT, "slow did not start: deadline passed");
}

/* ---- The end --------------------------------------------------------------------------------- */

/* Opens a result that the server can never have sent to its end. */
static hyl_result *endless_result(hyl_conn *conn)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    assert_ok(hyl_query(conn, "SELECT * FROM generate_series(1, 2000000000)", &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    return result;
}

static void a_busy_server_shuts_down_too(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    hyl_server *server = launch(&opts);
    hyl_conn *conn = connected(server);
    hyl_result *result = endless_result(conn);
    assert_ok(hyl_server_shutdown(server, LONG_MS, &err), &err);
    hyl_result_free(result);
    hyl_conn_free(conn);
    hyl_server_free(server);
}

static void a_lost_connection_tells_how_the_server_ended(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    hyl_server *server = launch(&opts);
    hyl_conn *conn = connected(server);
    int64_t value = 0;
    assert_int_equal(kill(hyl_server_pid(server), SIGKILL), 0);
    assert_status(hyl_query_i64(conn, "SELECT 1", &value, &err), HYL_ERR_CLOSED, &err);
    assert_non_null(strstr(err.message, "ended by SIGKILL"));
    assert_status(hyl_server_shutdown(server, LONG_MS, &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "the server ended badly: ended by SIGKILL"));
    /* The connection goes last. */
    hyl_server_free(server);
    hyl_conn_free(conn);
}

static void a_server_that_does_not_obey_is_killed(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    hyl_server *server = launch(&opts);
    pid_t pid = hyl_server_pid(server);
    int pidfd = test_pidfd(pid);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_status(hyl_server_shutdown(server, 50, &err), HYL_ERR_TIMEOUT, &err);
    hyl_server_free(server);
    assert_true(test_wait_end(pidfd, 0));
    close(pidfd);
    assert_false(test_has_children());
}

/* What was committed is in the file, however the handle is let go. */
static void what_was_committed_is_kept(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_server_opts opts = in_folder();
    int64_t rows = 0;
    hyl_server *server = launch(&opts);
    hyl_conn *conn = connected(server);
    assert_ok(hyl_exec(conn, "CREATE DATABASE \"kept.hyper\"", NULL, &err), &err);
    assert_ok(hyl_exec(conn, "ATTACH DATABASE \"kept.hyper\" AS k", NULL, &err), &err);
    assert_ok(hyl_exec(conn, "CREATE TABLE k.public.t AS SELECT * FROM generate_series(1, 100000)",
                       NULL, &err),
              &err);
    hyl_server_free(server);
    hyl_conn_free(conn);
    server = launch(&opts);
    conn = connected(server);
    assert_ok(hyl_exec(conn, "ATTACH DATABASE \"kept.hyper\" AS k", NULL, &err), &err);
    assert_ok(hyl_query_i64(conn, "SELECT count(*) FROM k.public.t", &rows, &err), &err);
    assert_int_equal(rows, 100000);
    hyl_conn_free(conn);
    hyl_server_free(server);
}

/* ---- The owner's end ------------------------------------------------------------------------- */

/* What an owner, a forked child of this program, tells about what it started. */
typedef struct report {
    pid_t server;
    pid_t child;
} report;

static _Noreturn void pause_for_ever(void)
{
    for (;;) {
        pause();
    }
}

static _Noreturn void own_a_server(const char *user, int pipe_fd, bool fork_a_child, bool busy)
{
    hyl_server_opts opts = in_folder();
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    report told = {0, 0};
    opts.user = user;
    if (hyl_server_launch(&opts, &server, &err) < 0) {
        _exit(1);
    }
    if (busy && (connect_to(server, &conn, &err) < 0 || endless_result(conn) == NULL)) {
        _exit(2);
    }
    told.server = hyl_server_pid(server);
    if (fork_a_child) {
        told.child = fork();
        if (told.child == 0) {
            pause_for_ever();
        }
    }
    if (write(pipe_fd, &told, sizeof told) != (ssize_t)sizeof told) {
        _exit(3);
    }
    pause_for_ever();
}

/* Starts an owner, kills it once it has a server, and waits for the server's end. */
static report kill_owner_of_a_server(bool fork_a_child, bool busy)
{
    int ends[2];
    int status = 0;
    report told = {0, 0};
    /* A user's name that tells this server's command line from all others. */
    char user[32];
    char argument[64];
    snprintf(user, sizeof user, "owner_test_%d", (int)getpid());
    snprintf(argument, sizeof argument, "--init-user=%s ", user);
    assert_int_equal(pipe(ends), 0);
    pid_t owner = fork();
    assert_true(owner >= 0);
    if (owner == 0) {
        close(ends[0]);
        own_a_server(user, ends[1], fork_a_child, busy);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &told, sizeof told), sizeof told);
    int server = test_pidfd(told.server);
    assert_int_equal(test_count_processes(argument), 1);
    assert_int_equal(kill(owner, SIGKILL), 0);
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_true(test_wait_end(server, LONG_MS));
    assert_int_equal(test_count_processes(argument), 0);
    close(server);
    close(ends[0]);
    return told;
}

static void a_killed_owner_takes_its_server_along(void **state)
{
    (void)state;
    (void)kill_owner_of_a_server(false, false);
    (void)kill_owner_of_a_server(false, true);
}

/* The child has a copy of the callback connection, which alone would keep the server. */
static void a_forked_child_does_not_keep_the_server(void **state)
{
    (void)state;
    for (int busy = 0; busy < 2; busy++) {
        report told = kill_owner_of_a_server(true, busy == 1);
        int child = test_pidfd(told.child);
        assert_int_equal(kill(told.child, 0), 0);
        assert_false(test_wait_end(child, 0));
        assert_int_equal(kill(told.child, SIGKILL), 0);
        assert_true(test_wait_end(child, LONG_MS));
        close(child);
    }
}

/* Launches a program that tells its number through a FIFO before it goes on, kills the owner in
 * that very moment, and waits for the program's end. */
static void kill_owner_while_it_starts(const char *go_on)
{
    char text[5000];
    const char *fifo = test_fifo("fifo");
    snprintf(text, sizeof text, "#!/bin/sh\necho $$ > %s\n%s\n", fifo, go_on);
    const char *program = test_script("starting", 0700, text);
    pid_t owner = fork();
    assert_true(owner >= 0);
    if (owner == 0) {
        hyl_server_opts opts = in_folder();
        hyl_server *server = NULL;
        opts.hyperd_path = program;
        opts.start_timeout_ms = -1;
        if (hyl_server_launch(&opts, &server, NULL) < 0) {
            _exit(1);
        }
        pause_for_ever();
    }
    int status = 0;
    int started = test_pidfd(test_read_fifo(fifo));
    assert_int_equal(kill(owner, SIGKILL), 0);
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_true(test_wait_end(started, LONG_MS));
    close(started);
}

static void an_owner_killed_before_the_callback_takes_its_server_along(void **state)
{
    (void)state;
    char real[5000];
    hyl_server *server = launch(NULL);
    snprintf(real, sizeof real, "exec %s \"$@\"", hyl_server_path(server));
    hyl_server_free(server);
    /* One that never reports, and a real one anywhere in its start. */
    kill_owner_while_it_starts("exec sleep 1000");
    for (int i = 0; i < 5; i++) {
        kill_owner_while_it_starts(real);
    }
}

static void a_forked_child_leaves_its_parents_server_alone(void **state)
{
    (void)state;
    hyl_server_opts opts = in_folder();
    opts.listen = HYL_LISTEN_UNIX;
    hyl_server *server = launch(&opts);
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        hyl_error err = HYL_ERROR_INIT;
        bool refused = hyl_server_shutdown(server, 0, &err) == HYL_ERR_STATE;
        hyl_server_free(server);
        _exit(refused ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(hyl_server_running(server));
    assert_reachable(hyl_server_endpoint(server));
    hyl_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_answers_and_ends),
        cmocka_unit_test(the_defaults_will_do),
        cmocka_unit_test(by_unix_socket_alone),
        cmocka_unit_test(by_both),
        cmocka_unit_test(two_servers_live_side_by_side),
        cmocka_unit_test(a_config_is_filled_in),
        cmocka_unit_test(no_log_is_left_unless_asked_for),
        cmocka_unit_test(a_password_is_asked_for_and_told_to_nobody),
        cmocka_unit_test(the_database_version_and_the_working_folder_are_set),
        cmocka_unit_test(settings_reach_the_server),
        cmocka_unit_test(options_of_an_older_caller_are_shorter),
        cmocka_unit_test(what_is_no_program_is_told),
        cmocka_unit_test(the_last_words_are_told),
        cmocka_unit_test(a_setting_that_is_not_known_is_told),
        cmocka_unit_test(a_port_that_is_taken_is_told),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_server_that_never_reports_runs_into_the_deadline),
        cmocka_unit_test(a_busy_server_shuts_down_too),
        cmocka_unit_test(a_lost_connection_tells_how_the_server_ended),
        cmocka_unit_test(a_server_that_does_not_obey_is_killed),
        cmocka_unit_test(what_was_committed_is_kept),
        cmocka_unit_test(a_killed_owner_takes_its_server_along),
        cmocka_unit_test(a_forked_child_does_not_keep_the_server),
        cmocka_unit_test(an_owner_killed_before_the_callback_takes_its_server_along),
        cmocka_unit_test(a_forked_child_leaves_its_parents_server_alone),
    };
    return cmocka_run_group_tests_name("admin/server", tests, NULL, remove_folder);
}
