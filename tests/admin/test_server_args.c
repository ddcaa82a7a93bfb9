#include "support/test.h"

#include "admin/server_args.h"
#include "base/mem.h"

#include <stdlib.h>

static const hyl__server_place place = {"/bin/hyperd", "tab.tcp://127.0.0.1:1", NULL, "hyper"};

static void assert_args(const hyl_server_opts *opts, const hyl__server_place *where,
                        const char *expected)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl__strings argv = {0};
    hyl_buf joined = HYL_BUF_INIT;
    assert_ok(hyl__server_argv(opts, where, &argv, &err), &err);
    for (size_t i = 0; i < argv.count; i++) {
        hyl_buf_printf(&joined, "%s%s", i > 0 ? "\n" : "", argv.items[i]);
    }
    assert_null(argv.items[argv.count]);
    hyl_buf_append_byte(&joined, '\0');
    assert_string_equal((const char *)joined.data, expected);
    hyl_buf_reset(&joined);
    hyl__strings_reset(&argv);
    assert_null(argv.items);
}

static void the_defaults_are_safe(void **state)
{
    (void)state;
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.listen = HYL_LISTEN_TCP;
    assert_args(&opts, &place,
                "/bin/hyperd\nrun\n--listen-connection\ntab.tcp://127.0.0.1:0\n"
                "--callback-connection\ntab.tcp://127.0.0.1:1\n--init-user=tableau_internal_user\n"
                "--skip-license\n--no-password\n--default-database-version=2\n--log-config=");
}

static void every_option_has_its_place(void **state)
{
    (void)state;
    const hyl_pair settings[] = {{"query_total_time_limit", "10s"}, {"log-config", "a, b"}};
    const hyl__server_place both = {"/bin/hyperd", "tab.tcp://127.0.0.1:1", "/tmp/x", "hyper"};
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.listen = HYL_LISTEN_TCP | HYL_LISTEN_UNIX;
    opts.port = 7483;
    opts.user = "me";
    opts.password = "secret";
    opts.log_dir = "/tmp/log";
    opts.memory_limit = "2g";
    opts.database_version = 4;
    opts.settings = settings;
    opts.setting_count = 2;
    assert_args(&opts, &both,
                "/bin/hyperd\nrun\n--listen-connection\n"
                "tab.tcp://127.0.0.1:7483,tab.domain:///tmp/x/domain/hyper\n"
                "--callback-connection\ntab.tcp://127.0.0.1:1\n--init-user=me\n--skip-license\n"
                "--default-database-version=4\n--log-dir\n/tmp/log\n--memory-limit=2g\n"
                "--query-total-time-limit=10s\n--log-config=a, b");
    opts = (hyl_server_opts)HYL_SERVER_OPTS_INIT;
    opts.listen = HYL_LISTEN_UNIX;
    assert_args(&opts, &both,
                "/bin/hyperd\nrun\n--listen-connection\ntab.domain:///tmp/x/domain/hyper\n"
                "--callback-connection\ntab.tcp://127.0.0.1:1\n--init-user=tableau_internal_user\n"
                "--skip-license\n--no-password\n--default-database-version=2\n--log-config=");
}

static void assert_refused(const hyl_server_opts *opts, const char *message)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl__strings argv = {0};
    assert_status(hyl__server_argv(opts, &place, &argv, &err), HYL_ERR_ARG, &err);
    assert_string_equal(err.message, message);
    assert_null(argv.items);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.listen = 8;
    assert_refused(&opts, "listen has an unknown bit: 0x8");
    opts.listen = HYL_LISTEN_TCP;
    opts.database_version = 5;
    assert_refused(&opts, "database version 5 is not from 1 to 4");
    opts.database_version = -1;
    assert_refused(&opts, "database version -1 is not from 1 to 4");
    opts.database_version = 0;
    opts.user = "";
    assert_refused(&opts, "the user name is empty");
    opts.user = NULL;
    opts.password = "";
    assert_refused(&opts, "the password is empty");
}

static void a_setting_needs_a_good_name_and_a_value(void **state)
{
    (void)state;
    static const struct {
        hyl_pair setting;
        const char *message;
    } cases[] = {
        {{"", "1"}, "'' is no name of a setting: letters a to z, digits and _ only"},
        {{NULL, "1"}, "'' is no name of a setting: letters a to z, digits and _ only"},
        {{"a=b", "1"}, "'a=b' is no name of a setting: letters a to z, digits and _ only"},
        {{"--x", "1"}, "'--x' is no name of a setting: letters a to z, digits and _ only"},
        {{"A", "1"}, "'A' is no name of a setting: letters a to z, digits and _ only"},
        {{"x", NULL}, "the setting x has no value"},
        {{"no_password", "1"},
         "the setting no_password cannot be given: use the launch's own options"},
        {{"listen-connection", "1"},
         "the setting listen-connection cannot be given: use the launch's own options"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
        opts.listen = HYL_LISTEN_TCP;
        opts.settings = &cases[i].setting;
        opts.setting_count = 1;
        assert_refused(&opts, cases[i].message);
    }
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const hyl_pair setting = {name, "1"};
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    hyl_error err = HYL_ERROR_INIT;
    hyl__strings argv = {0};
    opts.settings = &setting;
    opts.setting_count = 1;
    assert_status(hyl__server_argv(&opts, &place, &argv, &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "too long"));
}

static void a_certificate_makes_a_server_speak_tls(void **state)
{
    (void)state;
    const hyl_pair other[] = {{"query_total_time_limit", "10s"}};
    const hyl_pair with_one[] = {{"query_total_time_limit", "10s"},
                                 {"ssl_certificate", "server.crt"}};
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    assert_false(hyl__server_speaks_tls(&opts));
    opts.settings = other;
    opts.setting_count = 1;
    assert_false(hyl__server_speaks_tls(&opts));
    opts.settings = with_one;
    opts.setting_count = 2;
    assert_true(hyl__server_speaks_tls(&opts));
}

static void the_password_goes_into_the_environment_alone(void **state)
{
    (void)state;
    char *environment[] = {(char[]){"A=1"}, (char[]){"HYPER_INITIAL_USER_PASSWORD=old"},
                           (char[]){"B=2"}, NULL};
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    hyl_error err = HYL_ERROR_INIT;
    hyl__strings envp = {0};
    assert_ok(hyl__server_envp(&opts, environment, &envp, &err), &err);
    assert_int_equal(envp.count, 2);
    assert_string_equal(envp.items[1], "B=2");
    assert_null(envp.items[2]);
    hyl__strings_reset(&envp);
    opts.password = "secret";
    assert_ok(hyl__server_envp(&opts, environment, &envp, &err), &err);
    assert_int_equal(envp.count, 3);
    assert_string_equal(envp.items[2], "HYPER_INITIAL_USER_PASSWORD=secret");
    hyl__strings_reset(&envp);

    hyl__strings argv = {0};
    assert_ok(hyl__server_argv(&opts, &place, &argv, &err), &err);
    for (size_t i = 0; i < argv.count; i++) {
        assert_null(strstr(argv.items[i], "secret"));
        assert_string_not_equal(argv.items[i], "--no-password");
    }
    hyl__strings_reset(&argv);
}

/* ---- Lack of memory -------------------------------------------------------------------------- */

static int allocations_left;

static void *limited_realloc(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    return allocations_left-- > 0 ? realloc(ptr, size) : NULL;
}

static void plain_free(void *ctx, void *ptr)
{
    (void)ctx;
    free(ptr);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const hyl_allocator limited = {limited_realloc, plain_free, NULL};
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    hyl_error err = HYL_ERROR_INIT;
    hyl__strings argv = {0};
    hyl_status status = HYL_ERR_NOMEM;
    int allowed = 0;
    opts.listen = HYL_LISTEN_TCP;
    hyl_set_allocator(&limited);
    for (; status == HYL_ERR_NOMEM && allowed < 100; allowed++) {
        allocations_left = allowed;
        status = hyl__server_argv(&opts, &place, &argv, &err);
        if (status == HYL_ERR_NOMEM && argv.items != NULL) {
            break;
        }
    }
    hyl_set_allocator(NULL);
    assert_ok(status, &err);
    assert_true(allowed > 10);
    hyl__strings_reset(&argv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_safe),
        cmocka_unit_test(every_option_has_its_place),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_setting_needs_a_good_name_and_a_value),
        cmocka_unit_test(a_certificate_makes_a_server_speak_tls),
        cmocka_unit_test(the_password_goes_into_the_environment_alone),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("admin/server_args", tests, NULL, NULL);
}
