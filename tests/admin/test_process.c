#include "support/test.h"

#include "admin/process.h"
#include "base/clock.h"
#include "support/hyperd.h"
#include "support/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 20000 };

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

static hyl_status start_in(const char *path, const char *folder, hyl__process **out, hyl_error *err)
{
    char *const argv[] = {(char *)(uintptr_t)path, (char[]){"argument"}, NULL};
    char *const envp[] = {(char[]){"PATH=/usr/bin:/bin"}, (char[]){"VARIABLE=value"}, NULL};
    const hyl__process_spec spec = {path, argv, envp, folder};
    return hyl__process_start(&spec, hyl__deadline_in(LONG_MS), out, err);
}

static hyl__process *start(const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl__process *process = NULL;
    assert_ok(start_in(test_script("program", 0700, text), NULL, &process, &err), &err);
    return process;
}

static void finish(hyl__process *process)
{
    hyl__process_end(process);
    hyl__process_release(process);
    assert_false(test_has_children());
}

static void assert_ends_with(hyl__process *process, const char *expected)
{
    char text[400] = "";
    assert_true(hyl__process_wait(process, hyl__deadline_in(LONG_MS)));
    assert_true(hyl__process_exit_text(process, text, sizeof text));
    assert_string_equal(text, expected);
}

static void status_and_output_are_kept(void **state)
{
    (void)state;
    hyl__process *process = start("#!/bin/sh\necho out $1 $VARIABLE\necho err >&2\nexit 3\n");
    assert_ends_with(process, "exit status 3, last output: out argument value | err");
    assert_true(hyl__process_failed(process));
    finish(process);
}

static void success_without_a_word(void **state)
{
    (void)state;
    hyl__process *process = start("#!/bin/sh\nexit 0\n");
    assert_ends_with(process, "exit status 0");
    assert_false(hyl__process_failed(process));
    finish(process);
}

static void a_signal_is_named(void **state)
{
    (void)state;
    hyl__process *process = start("#!/bin/sh\nkill -SEGV $$\n");
    assert_ends_with(process, "ended by SIGSEGV");
    assert_true(hyl__process_failed(process));
    finish(process);
    process = start("#!/bin/sh\nkill -USR2 $$\n");
    assert_ends_with(process, "ended by signal 12");
    finish(process);
}

/* Nobody but the library reads: more than a pipe holds must not stop the program. */
static void much_output_blocks_nobody(void **state)
{
    (void)state;
    hyl__process *process =
        start("#!/bin/sh\ni=0\nwhile [ $i -lt 20000 ]; do echo 0123456789012345678901234567890; "
              "i=$((i+1)); done\necho the last line\nexit 1\n");
    char text[400] = "";
    assert_true(hyl__process_wait(process, hyl__deadline_in(LONG_MS)));
    assert_true(hyl__process_exit_text(process, text, 70));
    assert_string_equal(text, "exit status 1, last output: the last line");
    finish(process);
}

static void it_runs_until_it_is_ended(void **state)
{
    (void)state;
    char text[400] = "";
    hyl__process *process = start("#!/bin/sh\nexec sleep 1000\n");
    struct pollfd one = {.fd = hyl__process_exit_fd(process), .events = POLLIN};
    assert_int_equal(poll(&one, 1, 0), 0);
    assert_false(hyl__process_wait(process, 0));
    assert_false(hyl__process_exit_text(process, text, sizeof text));
    assert_false(hyl__process_failed(process));
    hyl__process_end(process);
    assert_true(hyl__process_exit_text(process, text, sizeof text));
    assert_string_equal(text, "ended by SIGKILL");
    hyl__process_release(process);
    assert_false(test_has_children());
}

/* A wrapper and what it started are one group. */
static void children_of_the_program_are_ended_too(void **state)
{
    (void)state;
    const char *fifo = test_fifo("fifo");
    char text[500];
    snprintf(text, sizeof text, "#!/bin/sh\nsleep 1000 &\necho $! > %s\nwait\n", fifo);
    hyl__process *process = start(text);
    int pidfd = test_pidfd(test_read_fifo(fifo));
    finish(process);
    assert_true(test_wait_end(pidfd, LONG_MS));
    close(pidfd);
}

static void what_cannot_be_executed_is_an_error(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__process *process = NULL;
    assert_status(start_in(test_script("plain", 0600, ""), NULL, &process, &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "it is not executable"));
    assert_status(start_in("/nowhere/program", NULL, &process, &err), HYL_ERR_IO, &err);
    assert_string_equal(err.message, "cannot run /nowhere/program: there is no such file");
    assert_status(start_in("/bin/sh", "/nowhere", &process, &err), HYL_ERR_IO, &err);
    assert_string_equal(err.message,
                        "cannot run /bin/sh in the folder /nowhere: No such file or directory");
    assert_null(process);
    assert_false(test_has_children());
}

static void the_working_folder_is_set(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__process *process = NULL;
    char expected[500];
    const char *path = test_script("program", 0700, "#!/bin/sh\npwd\n");
    assert_ok(start_in(path, test_folder(), &process, &err), &err);
    snprintf(expected, sizeof expected, "exit status 0, last output: %s", test_folder());
    assert_ends_with(process, expected);
    finish(process);
}

/*
 * Nothing of the host is inherited: no descriptor, no blocked or ignored signal, no terminal. Signals
 * 32 and 33 do not count: they are glibc's own, whose posix_spawn leaves them ignored (so a test run
 * by make has them), and it lets nobody change them.
 */
static void nothing_is_inherited(void **state)
{
    (void)state;
    int open_one = open("/dev/null", O_RDONLY);
    assert_true(open_one > 2);
    struct sigaction ignore;
    struct sigaction before;
    sigset_t term;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    assert_int_equal(sigaction(SIGPIPE, &ignore, &before), 0);
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &term, NULL), 0);
    hyl__process *process =
        start("#!/bin/sh\ngrep -E '^Sig(Blk|Ign)' /proc/self/status | "
              "sed -E '/^SigIgn/s/^(.{15})[01][08]/\\100/'\nfor f in /proc/$$/fd/*; do\n"
              "case ${f##*/} in 0|1|2|10) ;; *) test -e $f && echo descriptor $f ;; esac\ndone\n"
              "cut -d' ' -f5,6 /proc/$$/stat | grep -qx \"$$ $$\" && echo own session\n");
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &term, NULL), 0);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
    close(open_one);
    assert_ends_with(process, "exit status 0, last output: SigBlk:?0000000000000000 | "
                              "SigIgn:?0000000000000000 | own session");
    finish(process);
}

static hyl__process *started_by_thread;

static void *start_and_leave(void *arg)
{
    (void)arg;
    started_by_thread = start("#!/bin/sh\nexec sleep 1000\n");
    return NULL;
}

/* The kernel's signal at the parent's death goes by threads. */
static void the_end_of_the_thread_that_started_it_is_not_its_end(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, start_and_leave, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(hyl__process_wait(started_by_thread, hyl__deadline_in(200)));
    finish(started_by_thread);
}

static volatile sig_atomic_t children_ended;

static void count_child(int number)
{
    (void)number;
    children_ended = children_ended + 1;
}

static void the_hosts_own_children_stay_its_own(void **state)
{
    (void)state;
    struct sigaction action;
    struct sigaction before;
    struct sigaction after;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_child;
    assert_int_equal(sigaction(SIGCHLD, &action, &before), 0);
    pid_t own = fork();
    assert_true(own >= 0);
    if (own == 0) {
        _exit(42);
    }
    hyl__process *process = start("#!/bin/sh\nexit 7\n");
    assert_ends_with(process, "exit status 7");
    int status = 0;
    hyl__process_end(process);
    hyl__process_release(process);
    pid_t got = 0;
    do {
        got = waitpid(own, &status, 0);
    } while (got < 0 && errno == EINTR);
    assert_int_equal(got, own);
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_int_equal(sigaction(SIGCHLD, &before, &after), 0);
    assert_ptr_equal(after.sa_handler, count_child);
    assert_true(children_ended > 0);
}

static void a_host_that_ignores_sigchld_makes_the_status_unknown(void **state)
{
    (void)state;
    struct sigaction ignore;
    struct sigaction before;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
    hyl__process *process = start("#!/bin/sh\necho word\nexit 7\n");
    assert_true(hyl__process_wait(process, hyl__deadline_in(LONG_MS)));
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
    assert_ends_with(process, "exit status not known (this program ignores SIGCHLD or waits for "
                              "every child), last output: word");
    assert_false(hyl__process_failed(process));
    finish(process);
}

static void the_text_outlives_the_end_by_a_reference(void **state)
{
    (void)state;
    char text[400] = "";
    hyl__process *process = start("#!/bin/sh\nexit 5\n");
    assert_true(hyl__process_wait(process, hyl__deadline_in(LONG_MS)));
    hyl__process_retain(process);
    hyl__process_end(process);
    hyl__process_release(process);
    assert_true(hyl__process_exit_text(process, text, sizeof text));
    assert_string_equal(text, "exit status 5");
    hyl__process_release(process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_and_output_are_kept),
        cmocka_unit_test(success_without_a_word),
        cmocka_unit_test(a_signal_is_named),
        cmocka_unit_test(much_output_blocks_nobody),
        cmocka_unit_test(it_runs_until_it_is_ended),
        cmocka_unit_test(children_of_the_program_are_ended_too),
        cmocka_unit_test(what_cannot_be_executed_is_an_error),
        cmocka_unit_test(the_working_folder_is_set),
        cmocka_unit_test(nothing_is_inherited),
        cmocka_unit_test(the_end_of_the_thread_that_started_it_is_not_its_end),
        cmocka_unit_test(the_hosts_own_children_stay_its_own),
        cmocka_unit_test(a_host_that_ignores_sigchld_makes_the_status_unknown),
        cmocka_unit_test(the_text_outlives_the_end_by_a_reference),
    };
    return cmocka_run_group_tests_name("admin/process", tests, NULL, remove_folder);
}
