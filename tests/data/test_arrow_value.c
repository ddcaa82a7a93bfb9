/* Values of Arrow arrays that are read here and not by nanoarrow. */
#include "data/arrow_value.h"

#include "support/test.h"

#include <math.h>

/* By the definition: (-1)^sign * 2^(exponent - 15) * 1.fraction; 0.fraction where the exponent is 0. */
static double by_definition(uint16_t half)
{
    const int exponent = (half >> 10) & 31;
    const int fraction = half & 1023;
    double magnitude = 0;
    if (exponent == 31) {
        magnitude = fraction == 0 ? (double)INFINITY : (double)NAN;
    } else if (exponent == 0) {
        magnitude = ldexp(fraction, -24);
    } else {
        magnitude = ldexp(1024 + fraction, exponent - 25);
    }
    return half >> 15 ? -magnitude : magnitude;
}

static void every_half_is_the_number_that_it_is(void **state)
{
    (void)state;
    for (uint32_t half = 0; half <= UINT16_MAX; half++) {
        const double wanted = by_definition((uint16_t)half);
        const double got = (double)hyl__half_to_float((uint16_t)half);
        if (isnan(wanted) ? !isnan(got) : memcmp(&got, &wanted, sizeof got) != 0) {
            fail_msg("0x%04x is %.17g, not %.17g", (unsigned)half, got, wanted);
        }
    }
}

static void doubles_are_those_of_the_array(void **state)
{
    static const uint16_t halves[] = {0, 0x3c00, 0x0001};
    static const int32_t integers[] = {0, -7};
    struct ArrowArrayView view;
    (void)state;
    ArrowArrayViewInitFromType(&view, NANOARROW_TYPE_HALF_FLOAT);
    view.buffer_views[1].data.as_uint16 = halves;
    view.offset = 1;
    assert_true(hyl__arrow_double_at(&view, 0) == 1.0);
    assert_true(hyl__arrow_double_at(&view, 1) == 0x1p-24);
    ArrowArrayViewInitFromType(&view, NANOARROW_TYPE_INT32);
    view.buffer_views[1].data.as_int32 = integers;
    assert_true(hyl__arrow_double_at(&view, 1) == -7.0);
}

static void indices_have_any_integer_type(void **state)
{
    static const uint8_t bytes[16] = {1,   0,   0,   0,   0,   0,   0,   0,
                                      255, 255, 255, 255, 255, 255, 255, 255};
    (void)state;
    assert_int_equal(hyl__arrow_index_at(NANOARROW_TYPE_INT8, bytes, 8), -1);
    assert_int_equal(hyl__arrow_index_at(NANOARROW_TYPE_UINT8, bytes, 8), 255);
    assert_int_equal(hyl__arrow_index_at(NANOARROW_TYPE_INT16, bytes, 4), -1);
    assert_int_equal(hyl__arrow_index_at(NANOARROW_TYPE_UINT16, bytes, 4), 65535);
    assert_int_equal(hyl__arrow_index_at(NANOARROW_TYPE_INT32, bytes, 2), -1);
    assert_int_equal(hyl__arrow_index_at(NANOARROW_TYPE_UINT32, bytes, 2), UINT32_MAX);
    assert_int_equal(hyl__arrow_index_at(NANOARROW_TYPE_INT64, bytes, 0), 1);
    assert_true(hyl__arrow_index_at(NANOARROW_TYPE_UINT64, bytes, 1) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_the_number_that_it_is),
        cmocka_unit_test(doubles_are_those_of_the_array),
        cmocka_unit_test(indices_have_any_integer_type),
    };
    return cmocka_run_group_tests_name("data/arrow_value", tests, NULL, NULL);
}
