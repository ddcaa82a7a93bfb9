#include "support/test.h"

#include "support/alloc.h"
#include "support/guard.h"
#include "support/logs.h"

#include "wire/diag.h"

/* A field list as text in which ~ stands for NUL, parsed as an ErrorResponse; at a page's end. */
static guarded body;

static hyl_msg_diag parse(const char *fields)
{
    char bytes[512];
    size_t len = strlen(fields);
    assert_true(len <= sizeof bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = fields[i];
        if (fields[i] == '~') {
            bytes[i] = '\0';
        }
    }
    if (body.map != NULL) {
        guard_release(&body);
    }
    body = guard_bytes(bytes, len);
    hyl_msg message;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(hyl_msg_parse('E', body.bytes, &message, &err), &err);
    return message.as.diag;
}

static int release(void **state)
{
    (void)state;
    if (body.map != NULL) {
        guard_release(&body);
    }
    body.map = NULL;
    logs_stop();
    return 0;
}

static void assert_text(hyl_str text, const char *wanted)
{
    assert_int_equal(text.len, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.len);
}

static void every_field_is_read(void **state)
{
    (void)state;
    logs_start(HYL_LOG_TRACE);
    hyl_msg_diag diag = parse("SERROR~C42P01~Mno such table~Ddetail~Hhint~P15~BUser~Fa.c~L3~~");
    assert_text(diag.severity, "ERROR");
    assert_text(diag.sqlstate, "42P01");
    assert_text(diag.message, "no such table");
    assert_text(diag.detail, "detail");
    assert_text(diag.hint, "hint");
    assert_text(diag.blame, "User");
    assert_int_equal(diag.position, 15);
    assert_int_equal(logs_total(), 0);
}

static void of_two_severities_the_later_wins(void **state)
{
    (void)state;
    assert_text(parse("SFEHLER~VERROR~~").severity, "ERROR");
    assert_text(parse("VERROR~SFATAL~~").severity, "FATAL");
}

static void a_missing_field_is_empty(void **state)
{
    (void)state;
    hyl_msg_diag diag = parse("~");
    assert_int_equal(diag.severity.len, 0);
    assert_int_equal(diag.sqlstate.len, 0);
    assert_int_equal(diag.message.len, 0);
    assert_int_equal(diag.position, 0);
}

/* A bad field is logged under this line, and the message behind it is still read. */
static const struct {
    const char *fields;
    const char *line;
} bad[] = {
    {"C4201~Mtext~~", "trace error-field-dropped field=C reason=not five characters"},
    {"C~Mtext~~", "trace error-field-dropped field=C reason=not five characters"},
    {"P0~Mtext~~", "trace error-field-dropped field=P reason=not a position"},
    {"P~Mtext~~", "trace error-field-dropped field=P reason=not a position"},
    {"P-1~Mtext~~", "trace error-field-dropped field=P reason=not a position"},
    {"P1x~Mtext~~", "trace error-field-dropped field=P reason=not a position"},
    {"P2147483648~Mtext~~", "trace error-field-dropped field=P reason=not a position"},
    {"P99999999999999999999999999~Mtext~~",
     "trace error-field-dropped field=P reason=not a position"},
    {"D\xff~Mtext~~", "trace error-field-dropped field=D reason=not UTF-8"},
    {"Zwhat~Mtext~~", "trace error-field-dropped field=Z reason=unknown"},
    {"\x01what~Mtext~~", "trace error-field-dropped field=0x01 reason=unknown"},
    {"Mtext~Dcut", "trace error-field-dropped field=D reason=cut"},
    {"Mtext~D", "trace error-field-dropped field=D reason=cut"},
    {"Mtext~", "trace error-field-dropped field=0x00 reason=no end of fields"},
    {"Mtext~~more", "trace error-field-dropped field=0x00 reason=bytes after the end of fields"},
};

static void a_bad_field_is_skipped_and_logged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        logs_start(HYL_LOG_TRACE);
        hyl_msg_diag diag = parse(bad[i].fields);
        assert_text(diag.message, "text");
        assert_int_equal(diag.sqlstate.len, 0);
        assert_int_equal(diag.detail.len, 0);
        assert_int_equal(diag.position, 0);
        assert_int_equal(logs_count(bad[i].line), 1);
        assert_int_equal(logs_total(), 1);
        logs_stop();
    }
}

static void nothing_is_logged_below_trace(void **state)
{
    (void)state;
    logs_start(HYL_LOG_DEBUG);
    (void)parse("C4201~Mtext~~");
    assert_int_equal(logs_total(), 0);
}

static void an_empty_body_is_an_empty_error(void **state)
{
    (void)state;
    hyl_msg_diag diag = parse("");
    assert_int_equal(diag.message.len, 0);
}

static void an_error_has_the_fields(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_msg_diag diag = parse("SFATAL~C40001~Mconflict~~");
    assert_int_equal(hyl__fail_server(&err, &diag), HYL_ERR_SERVER);
    assert_int_equal(err.status, HYL_ERR_SERVER);
    assert_string_equal(err.severity, "FATAL");
    assert_string_equal(err.sqlstate, "40001");
    assert_string_equal(err.message, "conflict");
    assert_int_equal(err.flags, HYL_ERROR_FROM_SERVER | HYL_ERROR_RETRYABLE);
    assert_int_equal(hyl__fail_server(NULL, &diag), HYL_ERR_SERVER);
}

static void an_error_has_defaults(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_msg_diag diag = parse("~");
    assert_int_equal(hyl__fail_server(&err, &diag), HYL_ERR_SERVER);
    assert_string_equal(err.severity, "ERROR");
    assert_string_equal(err.sqlstate, "00000");
    assert_string_equal(err.message, "unknown error");
    assert_int_equal(err.flags, HYL_ERROR_FROM_SERVER);
}

static void only_what_passes_is_retryable(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_msg_diag diag = parse("C55006~~");
    (void)hyl__fail_server(&err, &diag);
    assert_true(hyl_error_retryable(&err));
    diag = parse("C42601~~");
    (void)hyl__fail_server(&err, &diag);
    assert_false(hyl_error_retryable(&err));
}

static void a_copy_outlives_the_body(void **state)
{
    (void)state;
    hyl_buf texts = HYL_BUF_INIT;
    hyl_msg_diag copy;
    hyl_msg_diag diag = parse("SERROR~C42601~Mmessage~Hhint~P7~~");
    assert_int_equal(hyl__diag_copy(&diag, &texts, &copy), HYL_OK);
    guard_release(&body);
    body.map = NULL;
    assert_text(copy.severity, "ERROR");
    assert_text(copy.sqlstate, "42601");
    assert_text(copy.message, "message");
    assert_text(copy.detail, "");
    assert_text(copy.hint, "hint");
    assert_text(copy.blame, "");
    assert_int_equal(copy.position, 7);
    hyl_buf_reset(&texts);
}

static void without_memory_a_copy_is_empty(void **state)
{
    (void)state;
    hyl_buf texts = HYL_BUF_INIT;
    hyl_msg_diag copy;
    hyl_msg_diag diag = parse("Mmessage~P7~~");
    alloc_start(1);
    assert_int_equal(hyl__diag_copy(&diag, &texts, &copy), HYL_ERR_NOMEM);
    assert_int_equal(copy.message.len, 0);
    assert_int_equal(copy.position, 0);
    alloc_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_field_is_read, release),
        cmocka_unit_test_teardown(of_two_severities_the_later_wins, release),
        cmocka_unit_test_teardown(a_missing_field_is_empty, release),
        cmocka_unit_test_teardown(a_bad_field_is_skipped_and_logged, release),
        cmocka_unit_test_teardown(nothing_is_logged_below_trace, release),
        cmocka_unit_test_teardown(an_empty_body_is_an_empty_error, release),
        cmocka_unit_test_teardown(an_error_has_the_fields, release),
        cmocka_unit_test_teardown(an_error_has_defaults, release),
        cmocka_unit_test_teardown(only_what_passes_is_retryable, release),
        cmocka_unit_test_teardown(a_copy_outlives_the_body, release),
        cmocka_unit_test_teardown(without_memory_a_copy_is_empty, release),
    };
    return cmocka_run_group_tests_name("wire/diag", tests, NULL, NULL);
}
