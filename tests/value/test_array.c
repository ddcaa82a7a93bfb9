#include "expect.h"
#include "support/random.h"
#include "value/array.h"

static const hyl_format format = HYL_FORMAT_HYPERBINARY;

static hyl_value array_value(const hyl_buf *payload, bool no_null_bits)
{
    hyl_value value = {.type = HYL_TYPE_ARRAY, .no_null_bits = no_null_bits};
    value.as.bytes = (hyl_bytes){payload->data, payload->len};
    return value;
}

static void elements_come_in_order(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf payload = HYL_BUF_INIT;
    hyl_array_iter iter;
    hyl_value element;
    hex_append(&payload, "01000000 00000000 03000000 02");
    const hyl_type type = hyl_type_from_oid(1007, -1);
    const hyl_value array = array_value(&payload, false);
    assert_ok(hyl_array_iter_init(&iter, type, &array, &err), &err);
    assert_int_equal(iter.count, 3);
    assert_ok(hyl_array_iter_next(&iter, &element, &err), &err);
    assert_true(!element.is_null && element.type == HYL_TYPE_INT && element.as.i32 == 1);
    assert_ok(hyl_array_iter_next(&iter, &element, &err), &err);
    assert_true(element.is_null && element.type == HYL_TYPE_INT);
    assert_ok(hyl_array_iter_next(&iter, &element, &err), &err);
    assert_true(!element.is_null && element.as.i32 == 3);
    assert_int_equal(hyl_array_iter_next(&iter, &element, &err), HYL_DONE);
    assert_int_equal(hyl_array_iter_next(&iter, &element, &err), HYL_DONE);
    hyl_buf_reset(&payload);
}

static void payloads_that_are_none_are_refused(void **state)
{
    (void)state;
    const hyl_type ints = hyl_type_from_oid(1007, -1);
    const hyl_type texts = hyl_type_from_oid(1009, -1);
    expect_decode_hex(ints, format, "", HYL_OK);
    expect_decode_hex(ints, format, "01", HYL_ERR_PROTOCOL);
    expect_decode_hex(ints, format, "01000000", HYL_ERR_PROTOCOL);
    expect_decode_hex(ints, format, "01000000 00", HYL_OK);
    expect_decode_hex(ints, format, "01000000 0000", HYL_ERR_PROTOCOL);
    expect_decode_hex(texts, format, "", HYL_OK);
    expect_decode_hex(texts, format, "00", HYL_ERR_PROTOCOL);
    expect_decode_hex(texts, format, "00000000", HYL_OK);
    expect_decode_hex(texts, format, "01000000 01000000 00", HYL_ERR_PROTOCOL);
    expect_decode_hex(texts, format, "01000000 01000000 00 61", HYL_OK);
    expect_decode_hex(texts, format, "01000000 01000000 00 6161", HYL_ERR_PROTOCOL);
    expect_decode_hex(texts, format, "02000000 02000000 01000000 00 61", HYL_ERR_PROTOCOL);
    expect_decode_hex(texts, format, "ffffffff 00000000", HYL_ERR_PROTOCOL);
    expect_decode_hex(texts, format, "ffffff7f 00000000", HYL_ERR_PROTOCOL);
}

/* The count of fixed-width elements follows from the length alone: for every count. */
static void every_count_of_elements_is_read(void **state)
{
    (void)state;
    static const hyl_type_id elements[] = {HYL_TYPE_BOOL, HYL_TYPE_SMALLINT, HYL_TYPE_INT,
                                           HYL_TYPE_BIGINT, HYL_TYPE_UUID};
    static const uint8_t zeros[4096];
    for (size_t e = 0; e < sizeof elements / sizeof elements[0]; e++) {
        hyl_type type = hyl_type_of(HYL_TYPE_ARRAY);
        type.element = elements[e];
        const size_t width = hyl_type_width(hyl_type_of(elements[e]));
        for (size_t count = 0; count < 200; count++) {
            hyl_value array = {.type = HYL_TYPE_ARRAY};
            hyl_array_iter iter;
            array.as.bytes = (hyl_bytes){zeros, count * width + (count + 7) / 8};
            assert_int_equal(hyl_array_iter_init(&iter, type, &array, NULL), HYL_OK);
            assert_int_equal(iter.count, count);
            array.no_null_bits = true;
            array.as.bytes.len = count * width;
            assert_int_equal(hyl_array_iter_init(&iter, type, &array, NULL), HYL_OK);
            assert_int_equal(iter.count, count);
        }
    }
}

static void only_arrays_are_iterated(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_array_iter iter;
    hyl_value value = {.type = HYL_TYPE_INT};
    assert_status(hyl_array_iter_init(&iter, hyl_type_from_oid(1007, -1), &value, &err),
                  HYL_ERR_TYPE, &err);
    value.type = HYL_TYPE_ARRAY;
    assert_status(hyl_array_iter_init(&iter, hyl_type_of(HYL_TYPE_INT), &value, &err), HYL_ERR_TYPE,
                  &err);
    value.is_null = true;
    assert_status(hyl_array_iter_init(&iter, hyl_type_from_oid(1007, -1), &value, &err),
                  HYL_ERR_NULLVAL, &err);
}

static void char1_elements_are_code_points(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf payload = HYL_BUF_INIT;
    hyl_buf again = HYL_BUF_INIT;
    const hyl_type type = hyl_type_from_oid(1002, -1);
    const char *const digits = "61000000 e9000000 ac200000 00f60100 00000000 00000000 20";
    hex_append(&payload, digits);
    hyl_value array = array_value(&payload, false);
    expect_value_text(type, &array,
                      "[\"a\",\"\xc3\xa9\",\"\xe2\x82\xac\",\"\xf0\x9f\x98\x80\",\" \",NULL]");
    assert_ok(hyl_value_encode(type, &array, &again, &err), &err);
    expect_hex(&again, digits);
    hyl_buf_reset(&payload);
    /* Surrogates and what lies beyond Unicode are no characters. */
    const char *const bad[] = {"00d80000 00", "ffdf0000 00", "00001100 00", "ffffffff 00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        hyl_array_iter iter;
        hyl_value element;
        hex_append(&payload, bad[i]);
        array = array_value(&payload, false);
        assert_ok(hyl_array_iter_init(&iter, type, &array, &err), &err);
        assert_status(hyl_array_iter_next(&iter, &element, &err), HYL_ERR_PROTOCOL, &err);
        hyl_buf_reset(&payload);
    }
}

static void an_array_is_checked_against_its_type(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf payload = HYL_BUF_INIT;
    hyl_buf out = HYL_BUF_INIT;
    hyl_type type = hyl_type_from_oid(1015, 6); /* varchar(2) */
    hex_append(&payload, "01000000 03000000 00 616161");
    hyl_value array = array_value(&payload, false);
    hyl_buf_append_str(&out, "kept");
    assert_status(hyl_value_encode(type, &array, &out, &err), HYL_ERR_RANGE, &err);
    expect_text(&out, "kept");
    assert_ok(hyl_value_encode(hyl_type_from_oid(1015, 7), &array, &out, &err), &err);
    expect_hex(&out, "01000000 03000000 00 616161");
    hyl_buf_reset(&payload);
    hex_append(&payload, "01000000 01000000 00 ff");
    array = array_value(&payload, false);
    assert_status(hyl_value_encode(type, &array, &out, &err), HYL_ERR_ARG, &err);
    hyl_buf_reset(&payload);
    hex_append(&payload, "01000000 05000000 00 61");
    array = array_value(&payload, false);
    assert_status(hyl_value_encode(type, &array, &out, &err), HYL_ERR_PROTOCOL, &err);
    assert_status(hyl_value_text(type, &array, &out, &err), HYL_ERR_PROTOCOL, &err);
    assert_int_equal(out.len, 0);
    hyl_buf_reset(&payload);
    hyl_buf_reset(&out);
}

static void null_bits_come_and_go_with_the_type(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf payload = HYL_BUF_INIT;
    hyl_buf out = HYL_BUF_INIT;
    hyl_type type = hyl_type_from_oid(1007, -1);
    hex_append(&payload, "01000000 03000000");
    hyl_value array = array_value(&payload, true);
    expect_value_text(type, &array, "[1,3]");
    assert_ok(hyl_value_encode(type, &array, &out, &err), &err);
    expect_hex(&out, "01000000 03000000 00");
    type.element_not_null = true;
    assert_ok(hyl_copy_field(type, false, &array, &out, &err), &err);
    expect_hex(&out, "08000000 01000000 03000000");
    hyl_buf_reset(&payload);
    hex_append(&payload, "01000000 00000000 02");
    array = array_value(&payload, false);
    assert_status(hyl_copy_field(type, false, &array, &out, &err), HYL_ERR_NULLVAL, &err);
    assert_int_equal(out.len, 0);
    hyl_buf_reset(&payload);
    hyl_buf_reset(&out);
}

static void char_elements_lose_their_padding(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value array;
    const hyl_type type = hyl_type_from_oid(1014, 7);
    const char *const text = "[\"a  \",NULL,\"   \",\" b \"]";
    const hyl_bytes bytes = {(const uint8_t *)text, strlen(text)};
    assert_ok(hyl_value_decode(type, HYL_FORMAT_TEXT, bytes, &scratch, &array, &err), &err);
    expect_value_text(type, &array, text);
    expect_hex(&scratch, "04000000 01000000 01000000 01000000 03000000 02 61 2062");
}

/* Damaged payloads: any status, no over-read. */
static void damaged_payloads_do_no_harm(void **state)
{
    (void)state;
    random_source random = random_start("array", 0x5eed000a);
    hyl_buf whole = HYL_BUF_INIT;
    hex_append(&whole, "03000000 01000000 01000000 03000000 02 61 6263");
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[64];
        const size_t len = random_below(&random, whole.len + 1);
        memcpy(bytes, whole.data, len);
        if (len > 0 && i % 2 != 0) {
            bytes[random_below(&random, len)] ^= (uint8_t)(1 << random_below(&random, 8));
        }
        guarded copy = guard_bytes(bytes, len);
        static const uint32_t oids[] = {1009, 1007, 1002, 1231, 1182, 1001};
        const hyl_type type = hyl_type_from_oid(oids[i % 6], -1);
        hyl_value array;
        if (hyl_value_decode(type, format, copy.bytes, NULL, &array, NULL) == HYL_OK) {
            hyl_buf out = HYL_BUF_INIT;
            hyl_status status = hyl_value_text(type, &array, &out, NULL);
            assert_true(status == HYL_OK || out.len == 0);
            hyl_buf_reset(&out);
        }
        guard_release(&copy);
    }
    hyl_buf_reset(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_in_order),
        cmocka_unit_test(payloads_that_are_none_are_refused),
        cmocka_unit_test(every_count_of_elements_is_read),
        cmocka_unit_test(only_arrays_are_iterated),
        cmocka_unit_test(char1_elements_are_code_points),
        cmocka_unit_test(an_array_is_checked_against_its_type),
        cmocka_unit_test(null_bits_come_and_go_with_the_type),
        cmocka_unit_test(char_elements_lose_their_padding),
        cmocka_unit_test(damaged_payloads_do_no_harm),
    };
    return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}
