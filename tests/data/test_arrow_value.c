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

/* ---- Text and bytes ------------------------------------------------------------------------ */

static bool has(const struct ArrowArrayView *view, int64_t i, const char *wanted)
{
    hyl_bytes got;
    return hyl__arrow_bytes_at(view, i, &got) && got.len == strlen(wanted) &&
           memcmp(got.data, wanted, got.len) == 0;
}

static bool is_outside(const struct ArrowArrayView *view, int64_t i)
{
    hyl_bytes got;
    return !hyl__arrow_bytes_at(view, i, &got);
}

static void texts_are_within_their_offsets(void **state)
{
    static const int32_t ends[] = {0, 2, 2, 5, 4, -1, 1000, 6};
    static const int64_t large_ends[] = {0, 2, 2, 5, 4, -1, INT64_MAX, 6};
    struct ArrowArrayView view;
    (void)state;
    for (int large = 0; large < 2; large++) {
        ArrowArrayViewInitFromType(&view,
                                   large ? NANOARROW_TYPE_LARGE_BINARY : NANOARROW_TYPE_STRING);
        view.buffer_views[1].data.data = large ? (const void *)large_ends : (const void *)ends;
        view.buffer_views[2].data.as_char = "abcdef";
        view.buffer_views[2].size_bytes = 6;
        assert_true(has(&view, 0, "ab"));
        assert_true(has(&view, 1, ""));
        assert_true(has(&view, 2, "cde"));
        assert_true(is_outside(&view, 3)); /* 5 to 4 */
        assert_true(is_outside(&view, 4)); /* 4 to -1 */
        assert_true(is_outside(&view, 5)); /* -1 to far away */
        assert_true(is_outside(&view, 6));
        view.offset = 2;
        assert_true(has(&view, 0, "cde"));
    }
}

static void views_are_within_their_buffers(void **state)
{
    static const char twenty[] = "twenty bytes of text";
    static const int32_t views[][4] = {
        {20, 0, 1, 0},  {13, 0, 1, 7}, {13, 0, 1, 8},         {20, 0, 2, 0}, {20, 0, -1, 0},
        {20, 0, 1, -1}, {-1, 0, 0, 0}, {INT32_MAX, 0, 1, 20}, {13, 0, 0, 0},
    };
    const void *buffers[] = {NULL, twenty};
    int64_t sizes[] = {0, 20};
    struct ArrowArrayView view;
    (void)state;
    ArrowArrayViewInitFromType(&view, NANOARROW_TYPE_STRING_VIEW);
    view.buffer_views[1].data.data = views;
    view.n_variadic_buffers = 2;
    view.variadic_buffers = buffers;
    view.variadic_buffer_sizes = sizes;
    assert_true(has(&view, 0, twenty));
    assert_true(has(&view, 1, "bytes of text"));
    for (int64_t i = 2; i < 9; i++) {
        assert_true(is_outside(&view, i));
    }
}

static void short_views_hold_their_text(void **state)
{
    uint8_t bytes[32] = {12, 0, 0, 0, 't', 'w', 'e', 'l', 'v', 'e', ' ', 'b', 'y', 't', 'e', 's'};
    struct ArrowArrayView view;
    (void)state;
    ArrowArrayViewInitFromType(&view, NANOARROW_TYPE_BINARY_VIEW);
    view.buffer_views[1].data.data = bytes;
    assert_true(has(&view, 0, "twelve bytes"));
    assert_true(has(&view, 1, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_the_number_that_it_is),
        cmocka_unit_test(doubles_are_those_of_the_array),
        cmocka_unit_test(indices_have_any_integer_type),
        cmocka_unit_test(texts_are_within_their_offsets),
        cmocka_unit_test(views_are_within_their_buffers),
        cmocka_unit_test(short_views_hold_their_text),
    };
    return cmocka_run_group_tests_name("data/arrow_value", tests, NULL, NULL);
}
