#include "support/test.h"

#include "admin/socket_folder.h"
#include "support/hyperd.h"
#include "support/processes.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

static void it_is_this_users_alone_and_leaves_nothing(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__socket_folder folder = HYL__SOCKET_FOLDER_NONE;
    struct stat made;
    assert_ok(hyl__socket_folder_make(&folder, test_folder(), &err), &err);
    assert_int_equal(stat(folder.path, &made), 0);
    assert_true(S_ISDIR(made.st_mode));
    assert_int_equal(made.st_mode & 0777, 0700);
    /* What a killed server leaves. */
    const char *name = strrchr(folder.path, '/') + 1;
    char file[64];
    snprintf(file, sizeof file, "%s/hyper", name);
    (void)test_script(file, 0600, "");
    snprintf(file, sizeof file, "%s/hyper.pid", name);
    (void)test_script(file, 0600, "");
    char path[HYL__SOCKET_FOLDER_MAX];
    memcpy(path, folder.path, sizeof path);
    hyl__socket_folder_remove(&folder);
    assert_int_equal(access(path, F_OK), -1);
    hyl__socket_folder_remove(&folder);
}

static void a_parent_that_cannot_be_is_refused(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__socket_folder folder = HYL__SOCKET_FOLDER_NONE;
    char parent[200];
    memset(parent, 'x', sizeof parent - 1);
    parent[0] = '/';
    parent[sizeof parent - 1] = '\0';
    assert_status(hyl__socket_folder_make(&folder, parent, &err), HYL_ERR_ARG, &err);
    assert_status(hyl__socket_folder_make(&folder, "relative", &err), HYL_ERR_ARG, &err);
    assert_status(hyl__socket_folder_make(&folder, "/tmp/a,b", &err), HYL_ERR_ARG, &err);
    assert_status(hyl__socket_folder_make(&folder, "/nowhere", &err), HYL_ERR_IO, &err);
    assert_string_equal(err.message,
                        "cannot make a folder for sockets in /nowhere: No such file or directory");
    assert_string_equal(folder.path, "");
}

static void assert_made_in(const char *parent)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl__socket_folder folder = HYL__SOCKET_FOLDER_NONE;
    assert_ok(hyl__socket_folder_make(&folder, NULL, &err), &err);
    assert_memory_equal(folder.path, parent, strlen(parent));
    assert_int_equal(folder.path[strlen(parent)], '/');
    hyl__socket_folder_remove(&folder);
}

static void the_default_parent_is_a_temporary_folder_that_will_do(void **state)
{
    (void)state;
    const char *named = getenv("TMPDIR");
    char *before = named != NULL ? strdup(named) : NULL;
    char long_path[200];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(setenv("TMPDIR", test_folder(), 1), 0);
    assert_made_in(test_folder());
    assert_int_equal(setenv("TMPDIR", long_path, 1), 0);
    assert_made_in("/tmp");
    assert_int_equal(setenv("TMPDIR", "relative", 1), 0);
    assert_made_in("/tmp");
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_made_in("/tmp");
    if (before != NULL) {
        assert_int_equal(setenv("TMPDIR", before, 1), 0);
    }
    free(before);
}

/* A folder whose owner is killed, with what its server may leave. */
static void leave_a_folder(char *path, bool with_child, pid_t *child)
{
    int ends[2];
    int status = 0;
    char file[HYL__SOCKET_FOLDER_MAX + 40];
    assert_int_equal(pipe(ends), 0);
    pid_t owner = fork();
    assert_true(owner >= 0);
    if (owner == 0) {
        hyl__socket_folder folder = HYL__SOCKET_FOLDER_NONE;
        if (hyl__socket_folder_make(&folder, test_folder(), NULL) != HYL_OK) {
            _exit(1);
        }
        pid_t forked = with_child ? fork() : 0;
        if (with_child && forked == 0) {
            for (;;) {
                pause();
            }
        }
        bool told = write(ends[1], folder.path, sizeof folder.path) == sizeof folder.path &&
                    write(ends[1], &forked, sizeof forked) == sizeof forked;
        while (told) {
            pause();
        }
        _exit(1);
    }
    assert_int_equal(read(ends[0], path, HYL__SOCKET_FOLDER_MAX), HYL__SOCKET_FOLDER_MAX);
    assert_int_equal(read(ends[0], child, sizeof *child), sizeof *child);
    snprintf(file, sizeof file, "%s/hyper", strrchr(path, '/') + 1);
    (void)test_script(file, 0600, "");
    assert_int_equal(kill(owner, SIGKILL), 0);
    assert_int_equal(waitpid(owner, &status, 0), owner);
    close(ends[0]);
    close(ends[1]);
}

/* What a launch in the test folder leaves of the path. */
static bool outlives_a_launch(const char *path)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl__socket_folder next = HYL__SOCKET_FOLDER_NONE;
    assert_ok(hyl__socket_folder_make(&next, test_folder(), &err), &err);
    hyl__socket_folder_remove(&next);
    return access(path, F_OK) == 0;
}

static void what_a_killed_owner_left_is_removed(void **state)
{
    (void)state;
    char path[HYL__SOCKET_FOLDER_MAX];
    pid_t child = 0;
    leave_a_folder(path, false, &child);
    assert_int_equal(access(path, F_OK), 0);
    assert_false(outlives_a_launch(path));
    /* A forked child may still use the server. */
    leave_a_folder(path, true, &child);
    int watched = test_pidfd(child);
    assert_true(outlives_a_launch(path));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_true(test_wait_end(watched, 20000));
    close(watched);
    assert_false(outlives_a_launch(path));
}

static void other_folders_are_left_alone(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__socket_folder used = HYL__SOCKET_FOLDER_NONE;
    assert_ok(hyl__socket_folder_make(&used, test_folder(), &err), &err);
    assert_true(outlives_a_launch(used.path));
    /* The lock goes with the last copy. */
    hyl__socket_folder copy = used;
    copy.lock = dup(used.lock);
    hyl__socket_folder_forget(&copy);
    assert_true(outlives_a_launch(used.path));
    hyl__socket_folder_remove(&used);
    /* Without a lock; open to others; a link to one that was left; with something more in it. */
    char path[400];
    char lock[420];
    char left[HYL__SOCKET_FOLDER_MAX];
    pid_t child = 0;
    snprintf(path, sizeof path, "%s/hyl-aaaaaa", test_folder());
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(outlives_a_launch(path));
    (void)test_script("hyl-aaaaaa/lock", 0600, "");
    assert_int_equal(chmod(path, 0755), 0);
    assert_true(outlives_a_launch(path));
    snprintf(lock, sizeof lock, "%s/lock", path);
    assert_int_equal(access(lock, F_OK), 0);
    assert_int_equal(chmod(path, 0700), 0);
    (void)test_script("hyl-aaaaaa/mine", 0600, "");
    assert_true(outlives_a_launch(path));
    leave_a_folder(left, false, &child);
    snprintf(path, sizeof path, "%s/hyl-bbbbbb", test_folder());
    char elsewhere[400];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", test_folder());
    assert_int_equal(rename(left, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    assert_true(outlives_a_launch(elsewhere));
    snprintf(lock, sizeof lock, "%s/lock", elsewhere);
    assert_int_equal(access(lock, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_this_users_alone_and_leaves_nothing),
        cmocka_unit_test(a_parent_that_cannot_be_is_refused),
        cmocka_unit_test(what_a_killed_owner_left_is_removed),
        cmocka_unit_test(other_folders_are_left_alone),
        cmocka_unit_test(the_default_parent_is_a_temporary_folder_that_will_do),
    };
    return cmocka_run_group_tests_name("admin/socket_folder", tests, NULL, remove_folder);
}
