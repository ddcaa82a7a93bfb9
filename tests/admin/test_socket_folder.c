#include "support/test.h"

#include "admin/socket_folder.h"
#include "support/hyperd.h"
#include "support/processes.h"

#include <stdlib.h>
#include <sys/stat.h>
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
    hyl__socket_folder folder = {""};
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
    hyl__socket_folder folder = {""};
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
    hyl__socket_folder folder = {""};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_this_users_alone_and_leaves_nothing),
        cmocka_unit_test(a_parent_that_cannot_be_is_refused),
        cmocka_unit_test(the_default_parent_is_a_temporary_folder_that_will_do),
    };
    return cmocka_run_group_tests_name("admin/socket_folder", tests, NULL, remove_folder);
}
