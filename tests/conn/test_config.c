#include "support/test.h"

#include "conn/config.h"

#include <stdlib.h>

#define SECRET "Tr0ub4dor"

static hyl_config *new_config(void)
{
    hyl_config *config = NULL;
    assert_int_equal(hyl_config_new(&config, NULL), HYL_OK);
    return config;
}

static hyl_config *parsed(const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = new_config();
    assert_ok(hyl_config_parse(config, text, &err), &err);
    return config;
}

static void assert_key(const hyl_config *config, const char *key, const char *value)
{
    assert_non_null(hyl_config_get(config, key));
    assert_string_equal(hyl_config_get(config, key), value);
}

static char *described(const hyl_config *config)
{
    hyl_buf out = HYL_BUF_INIT;
    hyl_config_describe(config, &out);
    hyl_buf_append_byte(&out, '\0');
    assert_int_equal(hyl_buf_status(&out), HYL_OK);
    return (char *)out.data;
}

static void assert_described(const hyl_config *config, const char *text)
{
    char *got = described(config);
    assert_string_equal(got, text);
    hyl_free(got);
}

/* The text is refused with a message that has `part`, and the config stays as it was. */
static void assert_refused(const char *text, const char *part)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = parsed("user=before");
    assert_status(hyl_config_parse(config, text, &err), HYL_ERR_ARG, &err);
    if (strstr(err.message, part) == NULL) {
        fail_msg("'%s' is not in: %s", part, err.message);
    }
    assert_described(config, "user=before");
    hyl_config_free(config);
}

/* ---- Forms ---- */

static void every_key_has_its_default(void **state)
{
    (void)state;
    hyl_config *config = new_config();
#define ASSERT_DEFAULT(key, value, help) assert_key(config, #key, value);
    HYL_CONFIG_MAP(ASSERT_DEFAULT)
#undef ASSERT_DEFAULT
    assert_null(hyl_config_get(config, "no_such_key"));
    assert_null(hyl_config_get(config, "set.lc_time"));
    assert_described(config, "");
    hyl_config_free(config);
}

static void a_uri_says_everything(void **state)
{
    (void)state;
    hyl_config *config = parsed("hyper://ann:p%40s%3as@db.example:7483/data/my%20file.hyper"
                                "?connect_timeout=500ms&set.lc_time=de_DE&alias=a%26b");
    assert_key(config, "user", "ann");
    assert_key(config, "password", "p@s:s");
    assert_key(config, "endpoint", "db.example:7483");
    assert_key(config, "database", "/data/my file.hyper");
    assert_key(config, "connect_timeout", "500ms");
    assert_key(config, "alias", "a&b");
    assert_key(config, "set.lc_time", "de_DE");
    hyl_config_free(config);
}

static void a_uri_may_leave_parts_out(void **state)
{
    (void)state;
    hyl_config *config = parsed("hyper://localhost:7483");
    assert_described(config, "endpoint=localhost:7483");
    hyl_config_free(config);
    config = parsed("hyper://localhost:7483/");
    assert_described(config, "endpoint=localhost:7483");
    hyl_config_free(config);
    config = parsed("hyper://[::1]:7483//tmp/x.hyper?");
    assert_described(config, "endpoint=[::1]:7483 database=/tmp/x.hyper");
    hyl_config_free(config);
    config = parsed("hyper:///tmp/x.hyper?endpoint=localhost:1");
    assert_described(config, "endpoint=localhost:1 database=/tmp/x.hyper");
    hyl_config_free(config);
    config = parsed("hyper://bob@%2Frun%2Fhyper%2Fsock/tmp/x.hyper");
    assert_described(config, "endpoint=/run/hyper/sock user=bob database=/tmp/x.hyper");
    hyl_config_free(config);
    config = parsed("hyper://bob:@h:1");
    assert_key(config, "password", "");
    hyl_config_free(config);
}

static void a_list_quotes_and_escapes(void **state)
{
    (void)state;
    hyl_config *config = parsed("  endpoint=h:1\tuser='o\\'neil \\\\ x'\n database=C:\\a=b alias=''"
                                " set.search_path='a, b' ");
    assert_key(config, "endpoint", "h:1");
    assert_key(config, "user", "o'neil \\ x");
    assert_key(config, "database", "C:\\a=b");
    assert_key(config, "alias", "");
    assert_key(config, "set.search_path", "a, b");
    hyl_config_free(config);
}

static void every_form_of_endpoint_is_taken(void **state)
{
    (void)state;
    static const char *const forms[] = {"localhost:7483", "tab.tcp://127.0.0.1:7483", "[::1]:7483",
                                        "tab.domain:///tmp/dir/domain/name", "/tmp/dir/socket"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        hyl_config *config = parsed(forms[i]);
        assert_key(config, "endpoint", forms[i]);
        hyl_config_free(config);
    }
}

static void later_texts_add_to_earlier_ones(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = parsed("endpoint=a:1 user=ann set.x=1 set.y=2");
    assert_ok(hyl_config_parse(config, "b:2", &err), &err);
    assert_ok(hyl_config_parse(config, "set.x=3", &err), &err);
    assert_ok(hyl_config_parse(config, "", &err), &err);
    assert_described(config, "endpoint=b:2 user=ann set.y=2 set.x=3");
    assert_ok(hyl_config_set(config, "user", NULL, &err), &err);
    assert_ok(hyl_config_set(config, "set.y", NULL, &err), &err);
    assert_ok(hyl_config_set(config, "set.never_set", NULL, &err), &err);
    assert_described(config, "endpoint=b:2 set.x=3");
    assert_ok(hyl_config_set(config, "user", "", &err), &err);
    assert_key(config, "user", "");
    hyl_config_free(config);
}

static void what_is_described_parses_to_the_same(void **state)
{
    (void)state;
    hyl_config *config = parsed("hyper://o'n%5Ce%20il@h:1/a%20b%27.hyper?set.a=%5C&set.b=&create="
                                "replace&drain_limit=1kB&max_message=2000");
    char *first = described(config);
    hyl_config *again = parsed(first);
    assert_described(again, first);
    assert_key(again, "user", "o'n\\e il");
    assert_key(again, "set.b", "");
    hyl_free(first);
    hyl_config_free(again);
    hyl_config_free(config);
}

/* ---- Wrong forms ---- */

static void unknown_keys_are_named(void **state)
{
    (void)state;
    assert_refused("user=a conect_timeout=5s", "unknown key 'conect_timeout'; did you mean "
                                               "'connect_timeout'?");
    assert_refused("host=h", "unknown key 'host'; did you mean 'endpoint'?");
    assert_refused("USER=h", "unknown key 'USER'; did you mean 'user'?");
    assert_refused("bogus_thing=1", "unknown key 'bogus_thing'");
    assert_refused("hyper://h:1/?bogus=1", "unknown key 'bogus'");
    assert_refused("user=a =1", "a key is missing");
    assert_refused("set.=1", "setting's name");
    assert_refused("set.a;b=1", "setting's name");
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = new_config();
    assert_status(hyl_config_set(config, "pasword", SECRET, &err), HYL_ERR_ARG, &err);
    assert_string_equal(err.message, "unknown key 'pasword'; did you mean 'password'?");
    assert_status(hyl_config_set(config, "", "x", NULL), HYL_ERR_ARG, &err);
    hyl_config_free(config);
}

static void wrong_texts_say_what_is_wrong(void **state)
{
    (void)state;
    assert_refused("postgres://h:1/x", "'postgres'");
    assert_refused("hyper://h", "port");
    assert_refused("hyper://h:", "port");
    assert_refused("hyper://h:0", "port");
    assert_refused("hyper://h:65536", "port");
    assert_refused("hyper://h:123456789", "port");
    assert_refused("hyper://h:1x", "port");
    assert_refused("hyper://:1", "host");
    assert_refused("hyper://[::1:7", "bracket");
    assert_refused("hyper://[::1]7", ":");
    assert_refused("hyper://[zz]:7", "host");
    assert_refused("hyper://%2Fsock:7/", "unix socket");
    assert_refused("hyper://h:1/a@b", "%40");
    assert_refused("hyper://h:1/a#b", "%23");
    assert_refused("hyper://h:1/%", "%25");
    assert_refused("hyper://h:1/%4", "the URI's path");
    assert_refused("hyper://h:1/%4g", "two hexadecimal digits");
    assert_refused("hyper://h:1/%00", "%00");
    assert_refused("hyper://h:1/%ff", "UTF-8");
    assert_refused("hyper://h:1/?create", "no value");
    assert_refused("hyper://h:1/?%zz=1", "option");
    assert_refused("hyper://h:1/?create=maybe", "create: 'maybe'");
    assert_refused("user=a b", "behind the value of user");
    assert_refused("user='a", "user: the value's quote is not closed");
    assert_refused("user='a\\", "not closed");
    assert_refused("user='a'b", "closing quote");
    assert_refused("password=a b=c", "behind the value of password");
    assert_refused("tls_key_passphrase=a b c", "behind the value of tls_key_passphrase");
    assert_refused("password=a b=c",
                   "put quotes around a value with spaces, or write password last");
    assert_refused("b=c password=a", "unknown key 'b'");
    assert_refused("password='a", "password: the value's quote is not closed");
    assert_refused("hyper://h:1/?password=a&b=c", "write %26 for an & inside");
    assert_refused("hyper://ann:a@h:1/?b=c&password=a", "unknown key 'b'");
    assert_refused("just words", "endpoint");
    assert_refused("localhost", "endpoint");
    assert_refused("user@host:1", "endpoint");
}

static void wrong_values_name_their_key(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"endpoint", "x"},
        {"create", "Open"},
        {"create", ""},
        {"database_version", "0"},
        {"database_version", "-1"},
        {"database_version", "2x"},
        {"database_version", "256"},
        {"connect_timeout", "5 s"},
        {"connect_timeout", ""},
        {"connect_timeout", "5m"},
        {"connect_timeout", "-5s"},
        {"connect_timeout", "0"},
        {"request_timeout", "0ms"},
        {"busy_timeout", "1.5s"},
        {"busy_timeout", "NONE"},
        {"drain_timeout", "9223372036854775807"},
        {"drain_limit", "64mb"},
        {"drain_limit", "none"},
        {"drain_limit", "17179869184GB"},
        {"drain_limit", "18446744073709551616"},
        {"max_message", "2GB"},
        {"max_message", "1023"},
        {"max_unread", "65535"},
        {"idle_timeout", "0"},
        {"transfer", ""},
        {"transfer", "Rows"},
        {"transfer", "default"},
        {"user", "\xff"},
        {"set.a", "\xc3"},
    };
    hyl_config *config = new_config();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        hyl_error err = HYL_ERROR_INIT;
        hyl_status status = hyl_config_set(config, wrong[i][0], wrong[i][1], &err);
        if (status != HYL_ERR_ARG || strncmp(err.message, wrong[i][0], strlen(wrong[i][0])) != 0) {
            fail_msg("%s='%s': %s", wrong[i][0], wrong[i][1], err.message);
        }
    }
    assert_described(config, "");
    hyl_config_free(config);
}

/* ---- Passwords ---- */

static void assert_secret(const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = new_config();
    assert_status(hyl_config_parse(config, text, &err), HYL_ERR_ARG, &err);
    if (strstr(err.message, SECRET) != NULL) {
        fail_msg("the password is in: %s", err.message);
    }
    assert_true(err.message[0] != '\0');
    hyl_config_free(config);
}

static void no_message_has_a_password(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "hyper://ann:" SECRET "@h",
        "hyper://ann:" SECRET "@h:x",
        "hyper://ann:" SECRET "@:1",
        "hyper://ann:" SECRET "@[::1",
        "hyper://ann:" SECRET "@h:1/%",
        "hyper://ann:" SECRET "@h:1/?bogus=1",
        "hyper://ann:" SECRET "%@h:1",
        "hyper://ann:" SECRET "%00@h:1",
        "hyper://ann:" SECRET "%ff@h:1",
        "hyper://ann:x/" SECRET "@h:1",
        "hyper://ann:1/" SECRET "@h:1",
        "hyper://ann:x?" SECRET "@h:1",
        "hyper://ann:x?" SECRET "=@h:1",
        "hyper://ann:x#" SECRET "@h:1",
        "hyper://ann:x#" SECRET,
        "hyper://ann:" SECRET,
        "hyper://ann:1@" SECRET "/x",
        "hyper://ann:x@" SECRET ":y@h:1x",
        "hyper://h:1/?password=" SECRET "%",
        "hyper://h:1/?password=" SECRET "@",
        "hyper://h:1/?password=" SECRET "&bogus=1",
        "hyper://h:1/?password=" SECRET "&x",
        "hyper://h:1/?password=x&" SECRET "!=",
        "hyper://h:1/?endpoint=hyper://ann:" SECRET "%40h:1",
        "postgres://ann:" SECRET "@h:1/x",
        "tab.tcp://ann:" SECRET "@h:1",
        "tab.tcp://ann:" SECRET "%40h:1",
        "ann:" SECRET "@h:1",
        "ann:" SECRET,
        "password=" SECRET " x",
        "password=x " SECRET,
        "password=x " SECRET "!=y",
        "password='" SECRET,
        "password='" SECRET "'x",
        "password='x'" SECRET,
        "password=" SECRET " bogus=1",
        "password=" SECRET " create=1",
        "password=my " SECRET "=word",
        "password=my user=x " SECRET "=word",
        "password=my set." SECRET "=a b",
        "password=my set." SECRET "='x",
        "password=my create=" SECRET,
        "password=my " SECRET "= =",
        "password='it' " SECRET "=word'",
        "tls_key_passphrase=my " SECRET "=word",
        "hyper://h:1/?password=x&" SECRET "=b",
        "hyper://h:1/?password=x&&user=y&" SECRET "=b",
        "hyper://h:1/?password=x&create=" SECRET,
        "hyper://h:1/?tls_key_passphrase=x&" SECRET "=b",
        "hyper://h:1/?p%61ssword=x&" SECRET "=b",
        "pasword=" SECRET,
        "endpoint=hyper://ann:" SECRET "@h:1",
        "endpoint=tab.tcp://ann:" SECRET "@h:1",
        "endpoint=ann:" SECRET,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_secret(texts[i]);
    }
}

static void a_description_hides_the_password(void **state)
{
    (void)state;
    hyl_config *config = parsed("hyper://ann:" SECRET "@h:1");
    assert_described(config, "endpoint=h:1 user=ann password=***");
    assert_key(config, "password", SECRET);
    hyl_config_free(config);
}

/* ---- Environment ---- */

static const char *const variables[] = {
    "HYPERLINE_URI",      "HYPERLINE_USER",    "HYPERLINE_PASSWORD", "HYPERLINE_CONNECT_TIMEOUT",
    "HYPERLINE_DATABASE", "HYPERLINE_DATABSE", "HYPERLINE_user",     "HYPERLINE_TEST_SOMETHING",
    "HYPERLINE_",         "HYPERLINE_BENCH_X"};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        unsetenv(variables[i]);
    }
    return 0;
}

static void the_environment_adds_its_variables(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = parsed("alias=kept");
    setenv("HYPERLINE_URI", "hyper://ann@h:1/uri.hyper", 1);
    setenv("HYPERLINE_DATABASE", "/env.hyper", 1);
    setenv("HYPERLINE_PASSWORD", SECRET, 1);
    setenv("HYPERLINE_CONNECT_TIMEOUT", "", 1);
    setenv("HYPERLINE_TEST_SOMETHING", "1", 1);
    setenv("HYPERLINE_BENCH_X", "1", 1);
    assert_ok(hyl_config_load_env(config, &err), &err);
    assert_described(config, "endpoint=h:1 user=ann password=*** database=/env.hyper alias=kept");
    hyl_config_free(config);
}

static void assert_variable_refused(const char *name, const char *value, const char *part)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = parsed("user=before");
    setenv(name, value, 1);
    assert_status(hyl_config_load_env(config, &err), HYL_ERR_ARG, &err);
    if (strncmp(err.message, name, strlen(name)) != 0 || strstr(err.message, part) == NULL ||
        strstr(err.message, SECRET) != NULL) {
        fail_msg("%s=%s: %s", name, value, err.message);
    }
    assert_described(config, "user=before");
    unsetenv(name);
    hyl_config_free(config);
}

static void wrong_variables_are_named(void **state)
{
    (void)state;
    assert_variable_refused("HYPERLINE_DATABSE", SECRET, "'database'");
    assert_variable_refused("HYPERLINE_user", SECRET, "no key");
    assert_variable_refused("HYPERLINE_", SECRET, "no key");
    assert_variable_refused("HYPERLINE_CONNECT_TIMEOUT", "5x", "connect_timeout: '5x'");
    assert_variable_refused("HYPERLINE_URI", "hyper://ann:" SECRET "@h", "port");
    assert_variable_refused("HYPERLINE_URI", "bogus=1", "unknown key 'bogus'");
}

/* ---- What the connection reads ---- */

static void settings_have_the_defaults(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = parsed("localhost:7483");
    hyl__settings settings;
    assert_ok(hyl__config_settings(config, &settings, &err), &err);
    assert_int_equal(settings.endpoint.kind, HYL_ENDPOINT_TCP);
    assert_string_equal(settings.endpoint.host, "localhost");
    assert_int_equal(settings.endpoint.port, 7483);
    assert_string_equal(settings.user, "tableau_internal_user");
    assert_null(settings.password);
    assert_null(settings.database);
    assert_null(settings.alias);
    assert_int_equal(settings.create, HYL__CREATE_OPEN);
    assert_int_equal(settings.database_version, 0);
    assert_string_equal(settings.application_name, "hyperline");
    assert_int_equal(settings.connect_timeout_ms, 30000);
    assert_int_equal(settings.request_timeout_ms, -1);
    assert_int_equal(settings.busy_timeout_ms, 10000);
    assert_int_equal(settings.drain_timeout_ms, 5000);
    assert_int_equal(settings.drain_limit, 64 << 20);
    assert_int_equal(settings.idle_timeout_ms, -1);
    assert_int_equal(settings.max_message, 1 << 30);
    assert_int_equal(settings.transfer, HYL_TRANSFER_AUTO);
    assert_int_equal(settings.max_unread, 256 << 20);
    assert_int_equal(settings.session_setting_count, 0);
    assert_null(settings.why_gone);
    hyl_config_free(config);
}

static void settings_have_what_was_set(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = parsed(
        "endpoint=/tmp/sock password='' database=/d.hyper alias=d create=create_if_missing "
        "database_version=4 connect_timeout=none request_timeout=2min busy_timeout=0 "
        "drain_timeout=7 drain_limit=3GB max_message=2147483647 transfer=arrow idle_timeout=20s "
        "max_unread=64kB set.a=1 set.b='2 3'");
    hyl__settings settings;
    assert_ok(hyl__config_settings(config, &settings, &err), &err);
    assert_int_equal(settings.endpoint.kind, HYL_ENDPOINT_UNIX);
    assert_string_equal(settings.password, "");
    assert_string_equal(settings.database, "/d.hyper");
    assert_string_equal(settings.alias, "d");
    assert_int_equal(settings.create, HYL__CREATE_IF_MISSING);
    assert_int_equal(settings.database_version, 4);
    assert_int_equal(settings.connect_timeout_ms, -1);
    assert_int_equal(settings.request_timeout_ms, 120000);
    assert_int_equal(settings.busy_timeout_ms, 0);
    assert_int_equal(settings.drain_timeout_ms, 7000);
    assert_true(settings.drain_limit == UINT64_C(3) << 30);
    assert_int_equal(settings.max_message, INT32_MAX);
    assert_int_equal(settings.transfer, HYL_TRANSFER_ARROW);
    assert_int_equal(settings.idle_timeout_ms, 20000);
    assert_int_equal(settings.max_unread, 65536);
    assert_int_equal(settings.session_setting_count, 2);
    assert_string_equal(settings.session_settings[1].key, "b");
    assert_string_equal(settings.session_settings[1].value, "2 3");
    hyl_config_free(config);
}

static void settings_need_an_endpoint(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_config *config = new_config();
    hyl__settings settings;
    assert_status(hyl__config_settings(config, &settings, &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "no endpoint"));
    hyl_config_free(config);
}

static bool says_gone(void *ctx, char *text, size_t cap)
{
    (void)ctx;
    snprintf(text, cap, "gone");
    return true;
}

static void count_up(void *ctx)
{
    ++*(int *)ctx;
}

static void count_down(void *ctx)
{
    --*(int *)ctx;
}

static void a_copy_is_deep_and_holds_the_hook(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    int refs = 0;
    int others = 0;
    hyl_config *config = parsed("endpoint=h:1 password=" SECRET " set.a=1");
    hyl__config_set_why_gone(config, says_gone, &refs, count_up, count_down);
    hyl_config *copy = NULL;
    assert_ok(hyl__config_copy(config, &copy, &err), &err);
    assert_int_equal(refs, 2);
    assert_ok(hyl_config_parse(config, "user=x", &err), &err);
    assert_int_equal(refs, 2);
    hyl__config_set_why_gone(config, says_gone, &others, count_up, count_down);
    assert_int_equal(refs, 1);
    hyl_config_free(config);
    assert_int_equal(others, 0);
    assert_described(copy, "endpoint=h:1 password=*** set.a=1");
    hyl__settings settings;
    assert_ok(hyl__config_settings(copy, &settings, &err), &err);
    assert_string_equal(settings.password, SECRET);
    assert_ptr_equal(settings.why_gone_ctx, &refs);
    assert_true(settings.why_gone == says_gone);
    hyl_config_free(copy);
    assert_int_equal(refs, 0);
    hyl_config_free(NULL);
}

/* ---- Memory ---- */

static size_t allocations_left;

static void *failing_realloc(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left--;
    return realloc(ptr, size);
}

static void plain_free(void *ctx, void *ptr)
{
    (void)ctx;
    free(ptr);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const texts[] = {"hyper://a:b@h:1/d?set.x=1&alias=y",
                                        "endpoint=h:1 user='a b' set.x=1", "h:1"};
    const hyl_allocator failing = {failing_realloc, plain_free, NULL};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hyl_status status = HYL_ERR_NOMEM;
        for (size_t n = 0; status == HYL_ERR_NOMEM; n++) {
            hyl_config *config = parsed("user=u set.y=2");
            allocations_left = n;
            hyl_set_allocator(&failing);
            status = hyl_config_parse(config, texts[i], NULL);
            hyl_set_allocator(NULL);
            if (status == HYL_ERR_NOMEM) {
                assert_described(config, "user=u set.y=2");
            }
            hyl_config_free(config);
        }
        assert_int_equal(status, HYL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_its_default),
        cmocka_unit_test(a_uri_says_everything),
        cmocka_unit_test(a_uri_may_leave_parts_out),
        cmocka_unit_test(a_list_quotes_and_escapes),
        cmocka_unit_test(every_form_of_endpoint_is_taken),
        cmocka_unit_test(later_texts_add_to_earlier_ones),
        cmocka_unit_test(what_is_described_parses_to_the_same),
        cmocka_unit_test(unknown_keys_are_named),
        cmocka_unit_test(wrong_texts_say_what_is_wrong),
        cmocka_unit_test(wrong_values_name_their_key),
        cmocka_unit_test(no_message_has_a_password),
        cmocka_unit_test(a_description_hides_the_password),
        cmocka_unit_test_setup_teardown(the_environment_adds_its_variables, clear_environment,
                                        clear_environment),
        cmocka_unit_test_setup_teardown(wrong_variables_are_named, clear_environment,
                                        clear_environment),
        cmocka_unit_test(settings_have_the_defaults),
        cmocka_unit_test(settings_have_what_was_set),
        cmocka_unit_test(settings_need_an_endpoint),
        cmocka_unit_test(a_copy_is_deep_and_holds_the_hook),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("conn/config", tests, NULL, NULL);
}
