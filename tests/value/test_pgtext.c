#include "expect.h"

#include "value/pgtext.h"

/* Values in binary form, and their texts, as PostgreSQL 15 has both. */
typedef struct sample {
    uint32_t oid;
    int32_t typmod;
    const char *bytes;
    const char *text;
} sample;

static const sample samples[] = {
    {16, -1, "01", "t"},
    {23, -1, "80000000", "-2147483648"},
    {701, -1, "44b52d02c7e14af6", "9.999999999999999e+22"},
    {701, -1, "3fb999999999999a", "0.1"},
    {700, -1, "4c0633d0", "3.5180352e+07"},
    {1700, -1, "0000 0000 0000 0000", "0"},
    {1700, -1, "0000 0000 0000 0003", "0.000"},
    {1700, -1, "0002 0000 4000 0002 0001 1388", "-1.50"},
    {1700, -1, "0001 0002 0000 0000 0001", "100000000"},
    {1700, -1, "0001 fffe 0000 0008 0001", "0.00000001"},
    {1700, -1, "0001 fffe 0000 0009 03e8", "0.000010000"},
    {1700, ((50 << 16) | 3) + 4, "0003 0001 0000 0003 0001 0002 1388", "10002.500"},
    {1700, -1, "0000 0000 c000 0000", "NaN"},
    {1700, -1, "0000 0014 d000 0020", "Infinity"},
    {1700, -1, "0000 0014 f000 0020", "-Infinity"},
    {1082, -1, "00000000", "2000-01-01"},
    {1082, -1, "ffda97a7", "4714-11-24 BC"},
    {1082, -1, "7fffffff", "infinity"},
    {1082, -1, "80000000", "-infinity"},
    {1114, -1, "7fffffffffffffff", "infinity"},
    {1184, -1, "8000000000000000", "-infinity"},
    {1184, -1, "00000000000f4241", "2000-01-01 00:00:01.000001+00"},
    {1186, -1, "0000000000000000 00000000 00000000", "PT0S"},
    {1186, -1, "ffffffffffe17b80 fffffffd 0000000e", "P1Y2M-3DT-2S"},
    {1186, -1, "fffffffffff85ee0 00000000 00000000", "PT-0.5S"},
    {17, -1, "", "\\x"},
    {17, -1, "00ff", "\\x00ff"},
    {3802, -1, "01 7b7d", "{}"},
    {2950, -1, "6ba7b8109dad11d180b400c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
    {1042, 8, "61202020", "a   "},
    {1007, -1, "00000000 00000000 00000017", "{}"},
    {1007, -1, "00000001 00000001 00000017 00000002 00000001 00000004 00000007 ffffffff",
     "{7,NULL}"},
    {1007, -1, "00000001 00000000 00000017 00000001 00000000 00000004 00000007", "[0:0]={7}"},
    {1007, -1,
     "00000002 00000000 00000017 00000002 00000001 00000001 fffffffe 00000004 00000007 00000004 "
     "00000008",
     "[1:2][-2:-2]={{7},{8}}"},
    {1009, -1,
     "00000001 00000000 00000019 00000007 00000001 00000000 00000004 4e756c6c 00000001 61 00000003 "
     "612062 00000002 225c 00000001 7b 00000002 c3a9",
     "{\"\",\"Null\",a,\"a b\",\"\\\"\\\\\",\"{\",é}"},
};

static void values_have_postgresql_s_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const sample *s = &samples[i];
        hyl_error err = HYL_ERROR_INIT;
        hyl_buf input = HYL_BUF_INIT;
        hyl_buf out = HYL_BUF_INIT;
        hyl_buf_append_byte(&out, '<');
        hex_append(&input, s->bytes);
        guarded copy = guard_bytes(input.data, input.len);
        assert_ok(hyl__pg_text(hyl_type_from_oid(s->oid, s->typmod), copy.bytes, &out, &err), &err);
        if (out.len - 1 != strlen(s->text) || memcmp(out.data + 1, s->text, out.len - 1) != 0) {
            fail_msg("%s: '%.*s' is not '%s'", s->bytes, (int)out.len - 1,
                     (const char *)out.data + 1, s->text);
        }
        guard_release(&copy);
        hyl_buf_reset(&input);
        hyl_buf_reset(&out);
    }
}

/* No beginning of a value's bytes is read beyond its end, and none leaves half a text. */
static void what_is_cut_short_is_refused_or_another_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        hyl_buf input = HYL_BUF_INIT;
        hex_append(&input, samples[i].bytes);
        for (size_t len = 0; len < input.len; len++) {
            hyl_error err = HYL_ERROR_INIT;
            hyl_buf out = HYL_BUF_INIT;
            guarded copy = guard_bytes(input.data, len);
            hyl_type type = hyl_type_from_oid(samples[i].oid, samples[i].typmod);
            hyl_status status = hyl__pg_text(type, copy.bytes, &out, &err);
            if (status < 0) {
                assert_int_equal(status, HYL_ERR_PROTOCOL);
                assert_int_equal(out.len, 0);
            } else {
                assert_int_equal(hyl_type_width(type) == 0 || type.id == HYL_TYPE_NUMERIC, 1);
            }
            guard_release(&copy);
            hyl_buf_reset(&out);
        }
        hyl_buf_reset(&input);
    }
}

static void expect_refused(uint32_t oid, const char *digits, hyl_status wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf input = HYL_BUF_INIT;
    hyl_buf out = HYL_BUF_INIT;
    hex_append(&input, digits);
    hyl_bytes bytes = {input.data, input.len};
    assert_status(hyl__pg_text(hyl_type_from_oid(oid, -1), bytes, &out, &err), wanted, &err);
    assert_int_equal(out.len, 0);
    hyl_buf_reset(&input);
    hyl_buf_reset(&out);
}

static void what_is_no_value_is_refused(void **state)
{
    (void)state;
    expect_refused(16, "02", HYL_ERR_PROTOCOL);
    expect_refused(1700, "0001 0000 0000 0002 2710", HYL_ERR_PROTOCOL);
    expect_refused(1700, "0000 0000 8000 0000", HYL_ERR_PROTOCOL);
    expect_refused(3802, "02 7b7d", HYL_ERR_PROTOCOL);
    /* Seven dimensions; a dimension of none beside another; more elements than bytes; a rest. */
    expect_refused(1007, "00000007 00000000 00000017", HYL_ERR_PROTOCOL);
    expect_refused(1007,
                   "00000002 00000000 00000017 00000000 00000001 00000001 00000001 00000004 "
                   "00000007",
                   HYL_ERR_PROTOCOL);
    expect_refused(1007, "00000001 00000000 00000017 00000003 00000001 ffffffff ffffffff",
                   HYL_ERR_PROTOCOL);
    expect_refused(1007, "00000001 00000000 00000017 00000001 00000001 ffffffff ffffffff",
                   HYL_ERR_PROTOCOL);
    expect_refused(600, "0000", HYL_ERR_TYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_postgresql_s_text),
        cmocka_unit_test(what_is_cut_short_is_refused_or_another_value),
        cmocka_unit_test(what_is_no_value_is_refused),
    };
    return cmocka_run_group_tests_name("value/pgtext", tests, NULL, NULL);
}
