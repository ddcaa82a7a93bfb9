#include "support/test.h"

#include "support/guard.h"
#include "support/random.h"

#include "wire/base64.h"

/* RFC 4648, section 10. */
static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void the_vectors_of_the_rfc_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        size_t len = strlen(vectors[i].bytes);
        guarded bytes = guard_bytes(vectors[i].bytes, len);
        guarded text = guard_bytes(vectors[i].text, strlen(vectors[i].text));
        hyl_buf out = HYL_BUF_INIT;
        uint8_t back[16];
        size_t back_len = 99;
        hyl__base64_encode(bytes.bytes, &out);
        assert_int_equal(out.len, text.bytes.len);
        assert_int_equal(out.len, HYL__BASE64_LEN(len));
        if (out.len > 0) {
            assert_memory_equal(out.data, text.bytes.data, out.len);
        }
        assert_true(hyl__base64_decode(guard_str(&text), back, sizeof back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, vectors[i].bytes, len);
        hyl_buf_reset(&out);
        guard_release(&text);
        guard_release(&bytes);
    }
}

static void every_length_comes_back(void **state)
{
    (void)state;
    random_source source = random_start("base64", 20250104);
    for (size_t len = 0; len <= 200; len++) {
        uint8_t bytes[200];
        uint8_t back[200];
        size_t back_len = 0;
        hyl_buf text = HYL_BUF_INIT;
        random_fill(&source, bytes, len);
        hyl__base64_encode((hyl_bytes){bytes, len}, &text);
        hyl_str str = {(const char *)text.data, text.len};
        assert_true(hyl__base64_decode(str, back, len, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
        if (len > 0) {
            assert_false(hyl__base64_decode(str, back, len - 1, &back_len));
        }
        hyl_buf_reset(&text);
    }
}

static const char *const not_base64[] = {
    "Z",    "Zg",    "Zg=",      "=",        "====",    "Z===",       "Zg=a",
    "=Zg=", "Zm9v=", "Zm9v====", "Zh==",     "Zm9=",    "Z g=",       "Zm9\n",
    "Zm-v", "Zm_v",  "Zg==Zg==", "Zm8=Zm8=", "Zm9vYg=", "Zm\xc3\xa9",
};

static void what_is_not_base64_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_base64 / sizeof not_base64[0]; i++) {
        uint8_t back[16];
        size_t len = 0;
        guarded text = guard_bytes(not_base64[i], strlen(not_base64[i]));
        if (hyl__base64_decode(guard_str(&text), back, sizeof back, &len)) {
            fail_msg("\"%s\" was taken", not_base64[i]);
        }
        guard_release(&text);
    }
}

static void a_nul_is_no_digit(void **state)
{
    (void)state;
    uint8_t back[3];
    size_t len = 0;
    assert_false(hyl__base64_decode((hyl_str){"Zm9\0", 4}, back, sizeof back, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_hold),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(a_nul_is_no_digit),
    };
    return cmocka_run_group_tests_name("wire/base64", tests, NULL, NULL);
}
