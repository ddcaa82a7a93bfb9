#include "support/test.h"

#include "support/alloc.h"
#include "support/hex.h"

#include "wire/encode.h"

static hyl_error err;

/* Asserts that `out` holds exactly these bytes, and empties it. */
static void assert_bytes(hyl_buf *out, const char *hex)
{
    hyl_buf wanted = HYL_BUF_INIT;
    hex_append(&wanted, hex);
    assert_int_equal(out->len, wanted.len);
    if (wanted.len > 0) {
        assert_memory_equal(out->data, wanted.data, wanted.len);
    }
    hyl_buf_reset(&wanted);
    hyl_buf_reset(out);
}

static const hyl_pair user_and_database[] = {{"user", "tableau_internal_user"},
                                             {"database", "a.hyper"}};

/* One encoder with arguments that give `hex`. */
typedef hyl_status (*encode_fn)(hyl_buf *out, hyl_error *err);

static hyl_status startup(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_startup(out, user_and_database, 2, e);
}

static hyl_status startup_empty(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_startup(out, NULL, 0, e);
}

static hyl_status cancel_request(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_cancel_request(out, 7, -2, e);
}

static hyl_status password(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_password(out, "secret", e);
}

static const uint8_t some_bytes[] = {'a', 'b', 0};

static hyl_status sasl_initial(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_sasl_initial(out, "X", (hyl_bytes){some_bytes, 3}, e);
}

static hyl_status sasl_initial_without_response(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_sasl_initial(out, "X", (hyl_bytes){NULL, 0}, e);
}

static hyl_status sasl_response(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_sasl_response(out, (hyl_bytes){some_bytes, 3}, e);
}

static hyl_status query(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_query(out, HYL_STR("select 1/0"), e);
}

static hyl_status query_empty(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_query(out, (hyl_str){NULL, 0}, e);
}

static hyl_status parse(hyl_buf *out, hyl_error *e)
{
    const uint32_t oids[] = {23, 25};
    return hyl_enc_parse(out, "s", HYL_STR("select $1,$2"), oids, 2, e);
}

static hyl_status bind(hyl_buf *out, hyl_error *e)
{
    const int16_t param_formats[] = {0, 1};
    const hyl_param_bytes params[] = {{some_bytes, 2}, {NULL, 0}, {some_bytes, 0}};
    const int16_t result_formats[] = {2};
    const hyl_bind all = {"p", "s", param_formats, 2, params, 3, result_formats, 1};
    return hyl_enc_bind(out, &all, e);
}

static hyl_status bind_nothing(hyl_buf *out, hyl_error *e)
{
    const hyl_bind none = {0};
    return hyl_enc_bind(out, &none, e);
}

static hyl_status describe(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_describe(out, 'S', "s", e);
}

static hyl_status execute(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_execute(out, NULL, 2, e);
}

static hyl_status close_portal(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_close(out, 'P', "p", e);
}

static hyl_status copy_data(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_copy_data(out, (hyl_bytes){some_bytes, 3}, e);
}

static hyl_status copy_fail(hyl_buf *out, hyl_error *e)
{
    return hyl_enc_copy_fail(out, "no", e);
}

static hyl_status copy_data_head(hyl_buf *out, hyl_error *e)
{
    return hyl__enc_copy_data_head(out, 258, e);
}

static const struct {
    encode_fn encode;
    const char *hex;
} messages[] = {
    {startup, "00000035 00030000 7573657200 7461626c6561755f696e7465726e616c5f7573657200"
              "646174616261736500 612e687970657200 00"},
    {startup_empty, "00000009 00030000 00"},
    {hyl_enc_ssl_request, "00000008 04d2162f"},
    {cancel_request, "00000010 04d2162e 00000007 fffffffe"},
    {password, "70 0000000b 73656372657400"},
    {sasl_initial, "70 0000000d 5800 00000003 616200"},
    {sasl_initial_without_response, "70 0000000a 5800 ffffffff"},
    {sasl_response, "70 00000007 616200"},
    {query, "51 0000000f 73656c65637420312f3000"},
    {query_empty, "51 00000005 00"},
    {parse, "50 0000001d 7300 73656c6563742024312c243200 0002 00000017 00000019"},
    {bind, "42 00000022 7000 7300 0002 0000 0001 0003 00000002 6162 ffffffff 00000000 0001 0002"},
    {bind_nothing, "42 0000000c 00 00 0000 0000 0000"},
    {describe, "44 00000007 53 7300"},
    {execute, "45 00000009 00 00000002"},
    {close_portal, "43 00000007 50 7000"},
    {hyl_enc_sync, "53 00000004"},
    {hyl_enc_flush, "48 00000004"},
    {copy_data, "64 00000007 616200"},
    {hyl_enc_copy_done, "63 00000004"},
    {copy_fail, "66 00000007 6e6f00"},
    {hyl_enc_terminate, "58 00000004"},
    {copy_data_head, "64 00000106"},
};

enum { MESSAGE_COUNT = sizeof messages / sizeof messages[0] };

static void every_message_has_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        hyl_buf out = HYL_BUF_INIT;
        assert_ok(messages[i].encode(&out, &err), &err);
        assert_bytes(&out, messages[i].hex);
    }
}

static void messages_are_appended(void **state)
{
    (void)state;
    hyl_buf out = HYL_BUF_INIT;
    assert_ok(hyl_enc_sync(&out, &err), &err);
    assert_ok(query(&out, &err), &err);
    assert_ok(hyl_enc_terminate(&out, &err), &err);
    assert_bytes(&out, "5300000004 510000000f73656c65637420312f3000 5800000004");
}

/* Encodes with the allocation number `fail_at` failing, behind what is there already. */
static bool encode_without_memory(encode_fn encode, size_t fail_at)
{
    hyl_buf out = HYL_BUF_INIT;
    alloc_start(fail_at);
    hyl_status status = encode(&out, &err);
    bool reached = alloc_failed();
    if (reached) {
        assert_int_equal(status, HYL_ERR_NOMEM);
        assert_int_equal(out.len, 0);
        assert_false(out.failed);
    } else {
        assert_int_equal(status, HYL_OK);
    }
    hyl_buf_reset(&out);
    alloc_stop();
    return reached;
}

static void without_memory_the_buffer_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        assert_true(encode_without_memory(messages[i].encode, 1));
        assert_false(encode_without_memory(messages[i].encode, 2));
    }
}

static void a_buffer_that_has_failed_takes_nothing(void **state)
{
    (void)state;
    hyl_buf out = HYL_BUF_INIT;
    out.failed = true;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        assert_int_equal(messages[i].encode(&out, NULL), HYL_ERR_NOMEM);
        assert_int_equal(out.len, 0);
    }
}

/* Asserts that the encoder refuses with ARG and leaves five bytes that were there before. */
static void assert_refused(hyl_status status, hyl_buf *out)
{
    assert_status(status, HYL_ERR_ARG, &err);
    assert_true(err.message[0] != '\0');
    assert_int_equal(out->len, 5);
    assert_memory_equal(out->data, "S\0\0\0\4", 5);
}

static void what_cannot_be_written_leaves_the_buffer(void **state)
{
    (void)state;
    static const uint32_t oids[65536] = {0};
    static const int16_t formats[65536] = {0};
    static const hyl_param_bytes params[65536] = {{NULL, 0}};
    const hyl_param_bytes huge = {some_bytes, (size_t)INT32_MAX};
    const hyl_bind many_param_formats = {.param_formats = formats, .param_format_count = 65536};
    const hyl_bind many_params = {.params = params, .param_count = 65536};
    const hyl_bind many_result_formats = {.result_formats = formats, .result_format_count = 65536};
    const hyl_bind huge_param = {.params = &huge, .param_count = 1};
    const hyl_pair no_value[] = {{"user", "u"}, {"database", NULL}};
    const hyl_pair empty_key[] = {{"", "u"}};
    hyl_buf out = HYL_BUF_INIT;
    assert_ok(hyl_enc_sync(&out, &err), &err);

    assert_refused(hyl_enc_query(&out, (hyl_str){"a\0b", 3}, &err), &out);
    assert_non_null(strstr(err.message, "after 1 bytes"));
    assert_refused(hyl_enc_parse(&out, "", (hyl_str){"a\0b", 3}, NULL, 0, &err), &out);
    assert_refused(hyl_enc_parse(&out, "", HYL_STR(""), oids, 65536, &err), &out);
    assert_refused(hyl_enc_bind(&out, &many_param_formats, &err), &out);
    assert_refused(hyl_enc_bind(&out, &many_params, &err), &out);
    assert_refused(hyl_enc_bind(&out, &many_result_formats, &err), &out);
    assert_refused(hyl_enc_bind(&out, &huge_param, &err), &out);
    assert_refused(hyl_enc_copy_data(&out, huge, &err), &out);
    assert_refused(hyl_enc_sasl_response(&out, huge, &err), &out);
    assert_refused(hyl_enc_startup(&out, no_value, 2, &err), &out);
    assert_refused(hyl_enc_startup(&out, empty_key, 1, &err), &out);
    assert_refused(hyl_enc_describe(&out, 'X', "", &err), &out);
    assert_refused(hyl_enc_close(&out, 's', "", &err), &out);
    hyl_buf_reset(&out);
}

static void the_most_entries_are_taken(void **state)
{
    (void)state;
    static const int16_t formats[65535] = {0};
    const hyl_bind most = {.result_formats = formats, .result_format_count = 65535};
    hyl_buf out = HYL_BUF_INIT;
    assert_ok(hyl_enc_bind(&out, &most, &err), &err);
    assert_int_equal(out.len, 1 + 4 + 2 + 2 + 2 + 2 + 2 * 65535);
    hyl_buf_reset(&out);
}

static void a_copy_data_head_has_its_own_bound(void **state)
{
    (void)state;
    hyl_buf out = HYL_BUF_INIT;
    assert_ok(hyl__enc_copy_data_head(&out, HYL__MAX_BODY, &err), &err);
    assert_bytes(&out, "64 ffffffff");
    assert_status(hyl__enc_copy_data_head(&out, (size_t)HYL__MAX_BODY + 1, &err), HYL_ERR_PROTOCOL,
                  &err);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_has_its_bytes),
        cmocka_unit_test(messages_are_appended),
        cmocka_unit_test(without_memory_the_buffer_stays),
        cmocka_unit_test(a_buffer_that_has_failed_takes_nothing),
        cmocka_unit_test(what_cannot_be_written_leaves_the_buffer),
        cmocka_unit_test(the_most_entries_are_taken),
        cmocka_unit_test(a_copy_data_head_has_its_own_bound),
    };
    return cmocka_run_group_tests_name("wire/encode", tests, NULL, NULL);
}
