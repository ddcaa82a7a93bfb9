#include "expect.h"

static void expect_name(hyl_type type, const char *name)
{
    hyl_buf buf = HYL_BUF_INIT;
    hyl_type_format(type, &buf);
    expect_text(&buf, name);
}

static void each_type_of_the_table_is_found_by_its_oids(void **state)
{
    (void)state;
#define CHECK(name, scalar_oid, array_oid, width, sql)                             \
    {                                                                              \
        hyl_type scalar = hyl_type_from_oid(scalar_oid, -1);                       \
        assert_int_equal(scalar.id, HYL_TYPE_##name);                              \
        assert_int_equal(scalar.element, HYL_TYPE_UNKNOWN);                        \
        assert_int_equal(hyl_type_of(HYL_TYPE_##name).oid, scalar_oid);            \
        assert_string_equal(hyl_type_name(HYL_TYPE_##name), sql);                  \
        hyl_type array = hyl_type_from_oid(array_oid, -1);                         \
        assert_int_equal(array.id, HYL_TYPE_ARRAY);                                \
        assert_int_equal(array.element, HYL_TYPE_##name);                          \
        assert_int_equal(hyl_type_element(array).id, HYL_TYPE_##name);             \
        assert_int_equal(hyl_type_width(array), 0);                                \
        if (HYL_TYPE_##name != HYL_TYPE_NUMERIC) {                                 \
            assert_int_equal(hyl_type_width(hyl_type_of(HYL_TYPE_##name)), width); \
        }                                                                          \
    }
    HYL_TYPE_MAP(CHECK)
#undef CHECK
}

static void an_unknown_oid_keeps_its_number(void **state)
{
    (void)state;
    hyl_type type = hyl_type_from_oid(705, -1);
    assert_int_equal(type.id, HYL_TYPE_UNKNOWN);
    assert_int_equal(type.oid, 705);
    expect_name(type, "unknown(705)");
    assert_string_equal(hyl_type_name(HYL_TYPE_UNKNOWN), "unknown");
    assert_string_equal(hyl_type_name((hyl_type_id)9999), "unknown");
    assert_string_equal(hyl_type_name((hyl_type_id)-1), "unknown");
    assert_string_equal(hyl_type_name(HYL_TYPE_ARRAY), "array");
    assert_int_equal(hyl_type_of((hyl_type_id)9999).oid, 0);
    assert_int_equal(hyl_type_width(type), 0);
}

static void numeric_has_precision_scale_and_width(void **state)
{
    (void)state;
    for (int precision = 1; precision <= 38; precision++) {
        for (int scale = 0; scale <= precision; scale++) {
            hyl_type type = hyl_type_numeric(precision, scale);
            assert_int_equal(hyl_type_precision(type), precision);
            assert_int_equal(hyl_type_scale(type), scale);
            assert_int_equal(hyl_type_width(type), precision <= 18 ? 8 : 16);
        }
    }
    assert_int_equal(hyl_type_numeric(5, 2).typmod, 327686);
    expect_name(hyl_type_numeric(18, 2), "numeric(18,2)");
}

static void numeric_without_a_sound_modifier_is_38_0(void **state)
{
    (void)state;
    const int32_t typmods[] = {-1,
                               0,
                               3,
                               4,                    /* precision 0 */
                               ((39 << 16) | 0) + 4, /* precision 39 */
                               ((5 << 16) | 6) + 4,  /* scale over precision */
                               ((5 << 16) | 0xffff) + 4,
                               INT32_MAX,
                               INT32_MIN};
    for (size_t i = 0; i < sizeof typmods / sizeof typmods[0]; i++) {
        hyl_type type = hyl_type_from_oid(1700, typmods[i]);
        assert_int_equal(hyl_type_precision(type), 38);
        assert_int_equal(hyl_type_scale(type), 0);
        assert_int_equal(hyl_type_width(type), 16);
        expect_name(type, "numeric");
    }
}

static void lengths_are_those_of_varchar_and_char(void **state)
{
    (void)state;
    assert_int_equal(hyl_type_max_length(hyl_type_from_oid(1043, 14)), 10);
    assert_int_equal(hyl_type_max_length(hyl_type_from_oid(1042, 9)), 5);
    assert_int_equal(hyl_type_max_length(hyl_type_from_oid(1043, -1)), 0);
    assert_int_equal(hyl_type_max_length(hyl_type_from_oid(1043, 4)), 0);
    assert_int_equal(hyl_type_max_length(hyl_type_from_oid(25, 14)), 0);
    assert_int_equal(hyl_type_precision(hyl_type_of(HYL_TYPE_INT)), 0);
    assert_int_equal(hyl_type_scale(hyl_type_from_oid(23, 327686)), 0);
    expect_name(hyl_type_from_oid(1043, 14), "character varying(10)");
    expect_name(hyl_type_from_oid(1042, 9), "character(5)");
    expect_name(hyl_type_of(HYL_TYPE_VARCHAR), "character varying");
    expect_name(hyl_type_of(HYL_TYPE_CHAR1), "character(1)");
}

static void an_array_has_its_elements_modifier(void **state)
{
    (void)state;
    hyl_type type = hyl_type_from_oid(1231, 327686);
    assert_int_equal(hyl_type_precision(hyl_type_element(type)), 5);
    assert_int_equal(hyl_type_scale(hyl_type_element(type)), 2);
    assert_int_equal(hyl_type_precision(type), 0);
    expect_name(type, "array(numeric(5,2))");
    type.element_not_null = true;
    expect_name(type, "array(numeric(5,2) not null)");
    assert_int_equal(hyl_type_element(hyl_type_of(HYL_TYPE_INT)).id, HYL_TYPE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_of_the_table_is_found_by_its_oids),
        cmocka_unit_test(an_unknown_oid_keeps_its_number),
        cmocka_unit_test(numeric_has_precision_scale_and_width),
        cmocka_unit_test(numeric_without_a_sound_modifier_is_38_0),
        cmocka_unit_test(lengths_are_those_of_varchar_and_char),
        cmocka_unit_test(an_array_has_its_elements_modifier),
    };
    return cmocka_run_group_tests_name("type", tests, NULL, NULL);
}
