#include "support/test.h"

#include "admin/find_hyperd.h"
#include "base/mem.h"
#include "support/hyperd.h"
#include "support/processes.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* FOLDER/a/b/c, in which the program is. */
static char program_dir[300];

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(test_path(name), 0700), 0);
}

static int make_tree(void **state)
{
    (void)state;
    static const char *const folders[] = {
        "a",
        "a/b",
        "a/b/c",
        "lib",
        "lib/triplet",
        "libexec",
        "libexec/hyperline",
        "fixed",
        "path1",
        "path2",
        "a/.deps",
        "a/.deps/hyper",
        "a/libexec",
        "a/libexec/hyperline",
        "a/b/libexec",
        "a/b/libexec/hyperline",
    };
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        make_folder(folders[i]);
    }
    snprintf(program_dir, sizeof program_dir, "%s", test_path("a/b/c"));
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

static void assert_found(const hyl__hyperd_places *places, const char *name)
{
    hyl_error err = HYL_ERROR_INIT;
    char *found = NULL;
    assert_ok(hyl__find_hyperd_in(places, &found, &err), &err);
    assert_string_equal(found, test_path(name));
    hyl__free(found);
}

static hyl_status find(const hyl__hyperd_places *places, hyl_error *err)
{
    char *found = NULL;
    hyl_status status = hyl__find_hyperd_in(places, &found, err);
    hyl__free(found);
    return status;
}

/* Each place is found once those before it have nothing. */
static void the_places_are_tried_in_order(void **state)
{
    (void)state;
    static const char *const in_order[] = {
        "a/.deps/hyper/hyperd",
        "a/b/c/hyperd",
        "lib/triplet/hyperd",
        "a/b/libexec/hyperline/hyperd",
        "a/libexec/hyperline/hyperd",
        "libexec/hyperline/hyperd",
        "fixed/hyperd",
        "path1/hyperd",
        "path2/hyperd",
    };
    const size_t count = sizeof in_order / sizeof in_order[0];
    char library_dir[300];
    char libexec_dir[300];
    char path[1000];
    snprintf(library_dir, sizeof library_dir, "%s", test_path("lib/triplet"));
    snprintf(libexec_dir, sizeof libexec_dir, "%s", test_path("fixed"));
    snprintf(path, sizeof path, "%s::relative:%s/", test_path("path1"), test_path("path2"));
    const hyl__hyperd_places places = {
        .program_dir = program_dir,
        .library_dir = library_dir,
        .libexec_dir = libexec_dir,
        .path = path,
    };
    for (size_t i = 0; i < count; i++) {
        (void)test_script(in_order[i], 0700, "#!/bin/sh\n");
    }
    for (size_t i = 0; i < count; i++) {
        assert_found(&places, in_order[i]);
        assert_int_equal(unlink(test_path(in_order[i])), 0);
    }
    hyl_error err = HYL_ERROR_INIT;
    assert_status(find(&places, &err), HYL_ERR_IO, &err);
}

static void what_was_looked_at_is_listed(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    const hyl__hyperd_places places = {.program_dir = "/nowhere/bin",
                                       .library_dir = "/nowhere/lib",
                                       .libexec_dir = "/usr/libexec/none",
                                       .path = "/none:.:/none2/"};
    assert_status(find(&places, &err), HYL_ERR_IO, &err);
    assert_string_equal(
        err.message,
        "no hyperd found: set HYPERD_PATH to it. Looked at /nowhere/bin/.deps/hyper/hyperd, "
        "/nowhere/.deps/hyper/hyperd, /.deps/hyper/hyperd, /nowhere/lib/.deps/hyper/hyperd, "
        "/nowhere/bin/hyperd, /nowhere/lib/hyperd, /nowhere/libexec/hyperline/hyperd, "
        "/libexec/hyperline/hyperd, /usr/libexec/none/hyperd, /none/hyperd, /none2/hyperd");
}

static void what_cannot_be_executed_is_passed_over(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    const hyl__hyperd_places places = {.program_dir = program_dir};
    (void)test_script("a/b/c/hyperd", 0600, "#!/bin/sh\n");
    assert_status(find(&places, &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "/a/b/c/hyperd (not an executable file)"));
    assert_int_equal(unlink(test_path("a/b/c/hyperd")), 0);
    /* A folder is no program either. */
    make_folder("a/b/c/hyperd");
    assert_status(find(&places, &err), HYL_ERR_IO, &err);
    assert_int_equal(rmdir(test_path("a/b/c/hyperd")), 0);
}

static void what_is_named_is_taken_or_nothing(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl__hyperd_places places = {.given_by = "HYPERD_PATH", .program_dir = program_dir};
    (void)test_script("a/b/c/hyperd", 0700, "#!/bin/sh\n");
    (void)test_script("named", 0700, "#!/bin/sh\n");
    places.given = test_path("named");
    assert_found(&places, "named");
    places.given = "/nowhere/hyperd";
    assert_status(find(&places, &err), HYL_ERR_IO, &err);
    assert_string_equal(err.message, "cannot run /nowhere/hyperd, named by HYPERD_PATH: No such "
                                     "file or directory");
    places.given = "";
    assert_status(find(&places, &err), HYL_ERR_IO, &err);
    assert_int_equal(unlink(test_path("a/b/c/hyperd")), 0);
}

static void a_relative_name_becomes_absolute(void **state)
{
    (void)state;
    char before[4096];
    const hyl__hyperd_places places = {.given = "./named", .given_by = "HYPERD_PATH"};
    (void)test_script("named", 0700, "#!/bin/sh\n");
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(test_folder()), 0);
    assert_found(&places, "named");
    assert_int_equal(chdir(before), 0);
}

static void the_environment_names_it(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    char *found = NULL;
    const char *named = getenv("HYPERD_PATH");
    char *before = named != NULL ? strdup(named) : NULL;
    (void)test_script("named", 0700, "#!/bin/sh\n");
    assert_int_equal(setenv("HYPERD_PATH", test_path("named"), 1), 0);
    assert_ok(hyl__find_hyperd(NULL, &found, &err), &err);
    assert_string_equal(found, test_path("named"));
    hyl__free(found);
    /* The option goes before it. */
    assert_ok(hyl__find_hyperd("/bin/sh", &found, &err), &err);
    assert_string_equal(found, "/bin/sh");
    hyl__free(found);
    if (before != NULL) {
        assert_int_equal(setenv("HYPERD_PATH", before, 1), 0);
    } else {
        assert_int_equal(unsetenv("HYPERD_PATH"), 0);
    }
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_places_are_tried_in_order),
        cmocka_unit_test(what_was_looked_at_is_listed),
        cmocka_unit_test(what_cannot_be_executed_is_passed_over),
        cmocka_unit_test(what_is_named_is_taken_or_nothing),
        cmocka_unit_test(a_relative_name_becomes_absolute),
        cmocka_unit_test(the_environment_names_it),
    };
    return cmocka_run_group_tests_name("admin/find_hyperd", tests, make_tree, remove_tree);
}
