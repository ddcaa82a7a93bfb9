#include "expect.h"
#include "support/random.h"

static void expect_round_trip(hyl_type type, const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value array;
    guarded copy = guard_bytes(text, strlen(text));
    hyl_buf_append_str(&scratch, "before");
    assert_ok(hyl_value_decode(type, HYL_FORMAT_TEXT, copy.bytes, &scratch, &array, &err), &err);
    expect_value_text(type, &array, text);
    assert_memory_equal(scratch.data, "before", 6);
    guard_release(&copy);
    hyl_buf_reset(&scratch);
}

static void arrays_are_read_and_written_as_the_server_does(void **state)
{
    (void)state;
    expect_round_trip(hyl_type_from_oid(1007, -1), "[]");
    expect_round_trip(hyl_type_from_oid(1007, -1), "[1,NULL,-3]");
    expect_round_trip(hyl_type_from_oid(1000, -1), "[t,f,NULL]");
    expect_round_trip(hyl_type_from_oid(1022, -1), "[1.5,NaN,-Infinity,1e+20]");
    expect_round_trip(hyl_type_from_oid(1231, 131077), "[1.5,NULL,-9.9]");
    expect_round_trip(hyl_type_from_oid(1028, -1), "[\"1\",NULL]");
    expect_round_trip(hyl_type_from_oid(1182, -1), "[\"2024-01-01\",NULL,\"0001-01-01 BC\"]");
    expect_round_trip(hyl_type_from_oid(1187, -1), "[\"P1D\"]");
    expect_round_trip(hyl_type_from_oid(1009, -1), "[\"a\",NULL,\"\",\"NULL\",\",\",\"]\"]");
    expect_round_trip(hyl_type_from_oid(1009, -1), "[\"a\\\"b\",\"c\\\\d\",\"\\\\\",\"\n\"]");
    expect_round_trip(hyl_type_from_oid(1001, -1), "[\"\\\\x00ff\",NULL,\"\\\\x\"]");
    expect_round_trip(hyl_type_from_oid(199, -1), "[\"{\\\"a\\\": [1]}\"]");
    expect_round_trip(hyl_type_from_oid(1002, -1), "[\"a\",\" \",NULL,\"\xf0\x9f\x98\x80\"]");
    expect_round_trip(hyl_type_from_oid(2951, -1), "[\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"]");
}

static void what_is_no_array_is_refused(void **state)
{
    (void)state;
    static const char *const ints[] = {
        "",        "[",      "]",       "1",      "[1",      "1]",   "[,]",  "[1,]",
        "[,1]",    "[1,,2]", "[\"1\"]", "[null]", "[NUL]",   "[1 ]", "[ 1]", "[[1]]",
        "{1",      "[1]x",   "[1\"]",   "[1,\"]", "[NULLL]", "1}",   "{1]",  "[1}",
        "[0:1]={", "[0:1}",  "{,}",     "{1,}",   "{1x}",    "=}",   "[={"};
    static const char *const texts[] = {"[a]",           "[\"a]",    "[\"a\\\"]",
                                        "[\"a\"b]",      "[\"a\",]", "[\"a\"\"b\"]",
                                        "[\"a\" ,NULL]", "[\\]",     "[\"a\\]"};
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        expect_decode_text(hyl_type_from_oid(1007, -1), ints[i], HYL_ERR_PROTOCOL);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_decode_text(hyl_type_from_oid(1009, -1), texts[i], HYL_ERR_PROTOCOL);
    }
    expect_decode_text(hyl_type_from_oid(1005, -1), "[1,40000]", HYL_ERR_RANGE);
    expect_decode_text(hyl_type_from_oid(5004, -1), "[\"POINT(1 2)\"]", HYL_ERR_TYPE);
    expect_decode_text(hyl_type_from_oid(5004, -1), "[NULL]", HYL_OK);
}

static void expect_same_array(uint32_t oid, const char *postgresql, const char *hyper)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value array;
    hyl_type type = hyl_type_from_oid(oid, -1);
    hyl_bytes text = {(const uint8_t *)postgresql, strlen(postgresql)};
    assert_ok(hyl_value_decode(type, HYL_FORMAT_TEXT, text, &scratch, &array, &err), &err);
    expect_value_text(type, &array, hyper);
    hyl_buf_reset(&scratch);
}

static void arrays_of_postgresql_are_read(void **state)
{
    (void)state;
    expect_same_array(1007, "{}", "[]");
    expect_same_array(1007, "{1,NULL,-3}", "[1,NULL,-3]");
    expect_same_array(1007, "[0:1]={1,2}", "[1,2]");
    expect_same_array(1000, "{t,f}", "[t,f]");
    expect_same_array(1009, "{a,\"b c\",\"\",\"NULL\",NULL,\"\\\"\\\\\"}",
                      "[\"a\",\"b c\",\"\",\"NULL\",NULL,\"\\\"\\\\\"]");
    expect_same_array(1115, "{\"2024-02-29 12:00:00\"}", "[\"2024-02-29 12:00:00\"]");
    expect_decode_text(hyl_type_from_oid(1007, -1), "{{1},{2}}", HYL_ERR_UNSUPPORTED);
}

static void an_array_from_text_needs_a_buffer(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_value array;
    const hyl_bytes text = {(const uint8_t *)"[]", 2};
    assert_status(
        hyl_value_decode(hyl_type_from_oid(1007, -1), HYL_FORMAT_TEXT, text, NULL, &array, &err),
        HYL_ERR_ARG, &err);
}

/* Arrays of random texts, out and in again. */
static void random_texts_round_trip(void **state)
{
    (void)state;
    static const char alphabet[] = "a\"\\,[] N\n'";
    random_source random = random_start("array text", 0x5eed000b);
    hyl_error err = HYL_ERROR_INIT;
    for (int i = 0; i < 3000; i++) {
        hyl_buf text = HYL_BUF_INIT;
        hyl_buf scratch = HYL_BUF_INIT;
        hyl_buf again = HYL_BUF_INIT;
        hyl_value array;
        const hyl_type type = hyl_type_from_oid(1009, -1);
        const size_t count = random_below(&random, 12);
        hyl_buf_append_byte(&text, '[');
        for (size_t k = 0; k < count; k++) {
            hyl_buf_append_str(&text, k > 0 ? ",\"" : "\"");
            for (size_t left = random_below(&random, 6); left > 0; left--) {
                const char c = alphabet[random_below(&random, sizeof alphabet - 1)];
                if (c == '"' || c == '\\') {
                    hyl_buf_append_byte(&text, '\\');
                }
                hyl_buf_append_byte(&text, (uint8_t)c);
            }
            hyl_buf_append_byte(&text, '"');
        }
        hyl_buf_append_byte(&text, ']');
        assert_ok(hyl_value_decode(type, HYL_FORMAT_TEXT, (hyl_bytes){text.data, text.len},
                                   &scratch, &array, &err),
                  &err);
        assert_ok(hyl_value_text(type, &array, &again, &err), &err);
        assert_int_equal(again.len, text.len);
        assert_memory_equal(again.data, text.data, text.len);
        hyl_buf_reset(&text);
        hyl_buf_reset(&scratch);
        hyl_buf_reset(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_read_and_written_as_the_server_does),
        cmocka_unit_test(what_is_no_array_is_refused),
        cmocka_unit_test(arrays_of_postgresql_are_read),
        cmocka_unit_test(an_array_from_text_needs_a_buffer),
        cmocka_unit_test(random_texts_round_trip),
    };
    return cmocka_run_group_tests_name("array_text", tests, NULL, NULL);
}
