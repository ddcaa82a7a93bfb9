#include "support/test.h"

#include "support/alloc.h"

#include "base/mem.h"
#include "wire/saslprep.h"

static const struct {
    const char *password;
    const char *form; /* NULL: as it is */
} cases[] = {
    /* RFC 4013, section 3. */
    {"I\u00adX", "IX"},
    {"user", NULL},
    {"USER", NULL},
    {"\u00aa", "a"},
    {"\u2168", "IX"},
    {"\a", NULL},
    {"\u0627"
     "1",
     NULL},
    /* Spaces, and what is mapped to nothing. */
    {"", NULL},
    {"a\u00a0b\u3000c", "a b c"},
    {"\u1806\u200c\ufe0f\ufeff\u2060", NULL},
    {"a\u034fb", "ab"},
    /* Normalised, also what was composed by the mapping. */
    {"p\u00e4ssword", "p\u00e4ssword"},
    {"pa\u0308ssword", "p\u00e4ssword"},
    {"a\u00ad\u0308", "\u00e4"},
    {"\ufb01x", "fix"},
    {"\u1100\u1161\u11a8", "\uac01"},
    {"\U0001d400", "A"},
    /* Prohibited, some of it only until it is normalised. */
    {"a\xc2\x85"
     "b\u00a0",
     NULL},
    {"a\u2028", NULL},
    {"a\ue000", NULL},
    {"a\ufffd", NULL},
    {"a\u2ff0", NULL},
    {"a\u0340", NULL},
    {"a\u0341\u00a0", NULL},
    {"a\U000e0001", NULL},
    {"a\U0010ffff", NULL},
    {"\u00e4\x01", NULL},
    /* Unknown to Unicode 3.2. */
    {"\u0221", NULL},
    {"a\U0001f600", NULL},
    {"\u0378", NULL},
    /* Both directions. */
    {"\u0627\u0628", "\u0627\u0628"},
    {"\u0627"
     "1\u0628",
     "\u0627"
     "1\u0628"},
    {"\u0627a\u0628", NULL},
    {"1\u0628", NULL},
    {"\ufe76", " \u064e"}, /* a mark, which has no direction */
    /* No UTF-8. */
    {"\xff\u00ad", NULL},
    {"\xc0\x80", NULL},
    {"\xed\xa0\x80", NULL},
};

static void every_password_has_its_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *form = cases[i].form != NULL ? cases[i].form : cases[i].password;
        hyl_buf out = HYL_BUF_INIT;
        hyl_buf_append_str(&out, "<");
        assert_int_equal(hyl__saslprep(hyl_str_of(cases[i].password), &out), HYL_OK);
        hyl_buf_append_byte(&out, '\0');
        if (strcmp((const char *)out.data + 1, form) != 0) {
            fail_msg("%zu: '%s' became '%s'", i, cases[i].password, (const char *)out.data + 1);
        }
        hyl_buf_reset(&out);
    }
}

static void a_form_has_itself_as_its_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_buf once = HYL_BUF_INIT;
        hyl_buf twice = HYL_BUF_INIT;
        assert_int_equal(hyl__saslprep(hyl_str_of(cases[i].password), &once), HYL_OK);
        hyl_str form = {once.data != NULL ? (const char *)once.data : "", once.len};
        assert_int_equal(hyl__saslprep(form, &twice), HYL_OK);
        assert_int_equal(twice.len, once.len);
        if (once.len > 0) {
            assert_memory_equal(twice.data, once.data, once.len);
        }
        hyl_buf_reset(&once);
        hyl_buf_reset(&twice);
    }
}

static void hypers_form_is_mapped_alone(void **state)
{
    (void)state;
    static const struct {
        const char *password;
        const char *form;
        bool differs;
    } forms[] = {
        {"", "", false},
        {"plain", "plain", false},
        {"I\u00adX", "IX", false},
        {"p\u00e4ss\u00a0", "p\u00e4ss ", false},
        {"\u2168\u00a0", "\u2168 ", true},
        {"pa\u0308ss", "pa\u0308ss", true},
        {"\u00a0\u0221", " \u0221", true},
        {"\xff\u00ad", "\xff\u00ad", false},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        hyl_buf out = HYL_BUF_INIT;
        assert_int_equal(hyl__saslprep_mapped(hyl_str_of(forms[i].password), &out), HYL_OK);
        hyl_buf_append_byte(&out, '\0');
        assert_string_equal((const char *)out.data, forms[i].form);
        assert_int_equal(hyl__saslprep_forms_differ(hyl_str_of(forms[i].password)),
                         forms[i].differs);
        hyl_buf_reset(&out);
    }
}

static bool run_without_memory(size_t fail_at)
{
    hyl_buf out = HYL_BUF_INIT;
    alloc_start(fail_at);
    alloc_watch("rare password");
    hyl_status status = hyl__saslprep(HYL_STR("a\u00a0rare password \u2168"), &out);
    bool reached = alloc_failed();
    assert_int_equal(status, reached ? HYL_ERR_NOMEM : HYL_OK);
    assert_int_equal(alloc_secrets(), 0);
    hyl__wipe(out.data, out.cap);
    hyl_buf_reset(&out);
    alloc_stop();
    return reached;
}

static void every_allocation_may_fail_and_no_secret_is_left(void **state)
{
    (void)state;
    size_t fail_at = 1;
    while (run_without_memory(fail_at)) {
        fail_at++;
    }
    assert_int_equal(fail_at, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_password_has_its_form),
        cmocka_unit_test(a_form_has_itself_as_its_form),
        cmocka_unit_test(hypers_form_is_mapped_alone),
        cmocka_unit_test(every_allocation_may_fail_and_no_secret_is_left),
    };
    return cmocka_run_group_tests_name("wire/saslprep", tests, NULL, NULL);
}
