#include "conn/dialect.h"

#include "support/mem_conn.h"
#include "support/test.h"

static hyl_error err;

/* The login's parameters for a config, as "key=value|key=value|". */
static const char *startup_of(const char *text)
{
    static hyl_buf out;
    hyl__settings settings;
    hyl__startup startup;
    hyl_config *config = mem_config(text);
    assert_ok(hyl__config_settings(config, &settings, &err), &err);
    assert_ok(hyl__startup_make(&settings, &startup, &err), &err);
    hyl_buf_reset(&out);
    for (size_t i = 0; i < startup.count; i++) {
        hyl_buf_printf(&out, "%s=%s|", startup.params[i].key, startup.params[i].value);
    }
    hyl_buf_append_byte(&out, '\0');
    hyl__startup_reset(&startup);
    hyl_config_free(config);
    return (const char *)out.data;
}

static void hyper_is_asked_for_binary_rows(void **state)
{
    (void)state;
    static const char *const texts[] = {"user=ann database=/x.hyper set.lc_time='a\\'b\\\\'",
                                        "user=ann dialect=hyper set.lc_time='a\\'b\\\\'"};
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(startup_of(texts[i]),
                            "user=ann|application_name=hyperline|options=-c "
                            "result_format_code=HyperBinary -c lc_time='a\\'b\\\\'|");
    }
}

#define POSTGRESQL_SETTINGS                                                   \
    "client_encoding=UTF8|DateStyle=ISO|IntervalStyle=iso_8601|TimeZone=UTC|" \
    "extra_float_digits=3|"

/* Of two settings of one name it takes the last: the user's. */
static void postgresql_is_asked_for_text_that_can_be_read(void **state)
{
    (void)state;
    assert_string_equal(startup_of("user=ann dialect=postgresql"),
                        "user=ann|application_name=hyperline|" POSTGRESQL_SETTINGS);
    assert_string_equal(startup_of("user=ann dialect=postgresql database=sales set.TimeZone=CET"),
                        "user=ann|application_name=hyperline|database=sales|" POSTGRESQL_SETTINGS
                        "TimeZone=CET|");
}

static void postgresql_s_databases_are_not_made(void **state)
{
    (void)state;
    hyl__settings settings;
    hyl__startup startup;
    hyl_config *config = mem_config("dialect=postgresql create=replace database=x");
    assert_ok(hyl__config_settings(config, &settings, &err), &err);
    assert_status(hyl__startup_make(&settings, &startup, &err), HYL_ERR_UNSUPPORTED, &err);
    hyl__startup_reset(&startup);
    hyl_config_free(config);
}

static void only_two_refusals_mean_postgresql(void **state)
{
    (void)state;
    hyl_error refused = {.status = HYL_ERR_SERVER, .sqlstate = "42704"};
    assert_true(hyl__dialect_refused(HYL__DIALECT_AUTO, &refused));
    assert_false(hyl__dialect_refused(HYL__DIALECT_HYPER, &refused));
    assert_false(hyl__dialect_refused(HYL__DIALECT_POSTGRESQL, &refused));
    memcpy(refused.sqlstate, "3D000", 6);
    assert_true(hyl__dialect_refused(HYL__DIALECT_AUTO, &refused));
    memcpy(refused.sqlstate, "42601", 6);
    assert_false(hyl__dialect_refused(HYL__DIALECT_AUTO, &refused));
    memcpy(refused.sqlstate, "42704", 6);
    refused.status = HYL_ERR_IO;
    assert_false(hyl__dialect_refused(HYL__DIALECT_AUTO, &refused));
}

/* NULL: the server does not report it. */
static hyl_status settle(hyl__dialect asked, const char *version, const char *format,
                         hyl__dialect *dialect, bool *hyper_rows)
{
    hyl__parameters reported = {NULL, 0, 0};
    if (version != NULL) {
        assert_int_equal(
            hyl__parameters_set(&reported, HYL_STR("hyper_version"), hyl_str_of(version), NULL),
            HYL_OK);
    }
    if (format != NULL) {
        assert_int_equal(
            hyl__parameters_set(&reported, HYL_STR("result_format_code"), hyl_str_of(format), NULL),
            HYL_OK);
    }
    hyl_status status = hyl__dialect_settle(asked, &reported, dialect, hyper_rows, &err);
    hyl__parameters_reset(&reported);
    return status;
}

static void hyper_has_to_confirm_its_format(void **state)
{
    (void)state;
    const hyl__dialect asked[] = {HYL__DIALECT_AUTO, HYL__DIALECT_HYPER};
    hyl__dialect dialect = HYL__DIALECT_AUTO;
    bool hyper_rows = false;
    for (size_t i = 0; i < 2; i++) {
        assert_ok(settle(asked[i], "main.0.0.1", "HyperBinary", &dialect, &hyper_rows), &err);
        assert_int_equal(dialect, HYL__DIALECT_HYPER);
        assert_true(hyper_rows);
        assert_status(settle(asked[i], "main.0.0.1", "Text", &dialect, &hyper_rows),
                      HYL_ERR_UNSUPPORTED, &err);
        assert_status(settle(asked[i], "main.0.0.1", "PGBinary", &dialect, &hyper_rows),
                      HYL_ERR_UNSUPPORTED, &err);
        assert_status(settle(asked[i], "main.0.0.1", NULL, &dialect, &hyper_rows),
                      HYL_ERR_UNSUPPORTED, &err);
    }
    assert_status(settle(HYL__DIALECT_HYPER, NULL, NULL, &dialect, &hyper_rows),
                  HYL_ERR_UNSUPPORTED, &err);
}

static void any_other_server_is_taken_at_its_row_description(void **state)
{
    (void)state;
    const hyl__dialect asked[] = {HYL__DIALECT_AUTO, HYL__DIALECT_POSTGRESQL};
    for (size_t i = 0; i < 2; i++) {
        hyl__dialect dialect = HYL__DIALECT_AUTO;
        bool hyper_rows = true;
        assert_ok(settle(asked[i], NULL, NULL, &dialect, &hyper_rows), &err);
        assert_int_equal(dialect, HYL__DIALECT_POSTGRESQL);
        assert_false(hyper_rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hyper_is_asked_for_binary_rows),
        cmocka_unit_test(postgresql_is_asked_for_text_that_can_be_read),
        cmocka_unit_test(postgresql_s_databases_are_not_made),
        cmocka_unit_test(only_two_refusals_mean_postgresql),
        cmocka_unit_test(hyper_has_to_confirm_its_format),
        cmocka_unit_test(any_other_server_is_taken_at_its_row_description),
    };
    return cmocka_run_group_tests_name("conn/dialect", tests, NULL, NULL);
}
