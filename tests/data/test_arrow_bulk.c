/* Blocks of Arrow values into the stage: at any offset, at the edges of types, and taken back. */
#include "data/arrow_bulk.h"

#include "support/alloc.h"
#include "support/arrow_rig.h"
#include "support/test.h"

/* ---- Slices -------------------------------------------------------------------------------- */

/* Every part of the array, which has `length` values, as a slice and from within. */
static void assert_parts_are_the_same(arrow_rig *r)
{
    const int64_t length = r->array.length;
    const bool has_nulls = ArrowArrayBuffer(&r->array, 0)->size_bytes > 0;
    for (int64_t offset = 0; offset < 20; offset++) {
        r->array.offset = offset;
        r->array.length = length - offset;
        r->array.null_count = has_nulls ? -1 : 0;
        ArrowArrayViewReset(&r->view);
        assert_int_equal(ArrowArrayViewInitFromSchema(&r->view, &r->schema, NULL), 0);
        assert_int_equal(ArrowArrayViewSetArray(&r->view, &r->array, NULL), 0);
        for (int64_t first = 0; first < 10; first += 3) {
            for (int64_t count = 0; count < 18; count++) {
                arrow_rig_same_part_singly(r, first, count);
            }
            arrow_rig_same_part_singly(r, first, length - offset - first);
        }
    }
    r->array.offset = 0;
    r->array.length = length;
}

static void bits_are_taken_from_any_offset(void **state)
{
    arrow_rig r;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_BOOL);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(i % 7 == 2 ? ArrowArrayAppendNull(&r.array, 1)
                                    : ArrowArrayAppendInt(&r.array, i * i % 3 == 1),
                         0);
    }
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_BOOL), true, 0);
    assert_parts_are_the_same(&r);
    arrow_rig_end(&r);
}

static void numbers_are_taken_from_any_offset(void **state)
{
    arrow_rig r;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_INT16);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(i % 11 == 2 ? ArrowArrayAppendNull(&r.array, 1)
                                     : ArrowArrayAppendInt(&r.array, i * 1000 - 30000),
                         0);
    }
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_BIGINT), true, 0);
    assert_parts_are_the_same(&r);
    arrow_rig_end(&r);
}

static void texts_are_taken_from_any_offset(void **state)
{
    static const enum ArrowType types[] = {NANOARROW_TYPE_STRING, NANOARROW_TYPE_LARGE_STRING,
                                           NANOARROW_TYPE_STRING_VIEW};
    static const char *const texts[] = {"", "a", "exactly12byt", "beyond twelve bytes", "Größe"};
    (void)state;
    for (size_t k = 0; k < 6; k++) {
        arrow_rig r;
        arrow_rig_start(&r, types[k % 3]);
        for (int i = 0; i < 60; i++) {
            assert_int_equal(k >= 3 && i % 7 == 2
                                 ? ArrowArrayAppendNull(&r.array, 1)
                                 : ArrowArrayAppendString(&r.array, ArrowCharView(texts[i % 5])),
                             0);
        }
        arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
        assert_parts_are_the_same(&r);
        arrow_rig_end(&r);
    }
}

/* ---- The edges of types -------------------------------------------------------------------- */

/* A value among others that fit is staged or refused as `status` says, in a block of them. */
static void assert_put(arrow_rig *r, int64_t value, hyl_type type, hyl_status status)
{
    int64_t done = -1;
    for (int i = 0; i < 9; i++) {
        assert_int_equal(ArrowArrayAppendInt(&r->array, i == 5 ? value : 0), 0);
    }
    arrow_rig_aim(r, type, true, 0);
    assert_non_null(r->source.bulk);
    if (arrow_rig_put(r, 0, 9, &done) != status) {
        fail_msg("%lld: %s", (long long)value, r->err.message);
    }
    assert_int_equal(r->stage.rows, status == HYL_OK ? 9 : 0);
    if (status < 0) {
        assert_int_equal(done, 5);
        /* What is left fits where it did before. */
        hyl__stage_clear(&r->stage);
        assert_ok(arrow_rig_put(r, 0, 5, &done), &r->err);
        assert_ok(arrow_rig_put(r, 6, 3, &done), &r->err);
    } else {
        hyl__stage_clear(&r->stage);
        arrow_rig_same_singly(r);
    }
    arrow_rig_end(r);
}

static void dates_have_a_range(void **state)
{
    static const struct {
        int64_t days;
        hyl_status status;
    } cases[] = {{HYL_DATE_MIN - HYL_UNIX_EPOCH_DAYS, HYL_OK},
                 {HYL_DATE_MIN - HYL_UNIX_EPOCH_DAYS - 1, HYL_ERR_RANGE},
                 {HYL_DATE_MAX - HYL_UNIX_EPOCH_DAYS, HYL_OK},
                 {HYL_DATE_MAX - HYL_UNIX_EPOCH_DAYS + 1, HYL_ERR_RANGE},
                 {INT32_MIN, HYL_ERR_RANGE},
                 {INT32_MAX, HYL_ERR_RANGE}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrow_rig r;
        arrow_rig_start(&r, NANOARROW_TYPE_DATE32);
        assert_put(&r, cases[i].days, hyl_type_of(HYL_TYPE_DATE), cases[i].status);
    }
}

#define NEAR (INT64_C(2000000) * HYL_MICROS_PER_DAY)

/* The first second of Hyper's timestamps, and the first behind them, from 1970. */
#define FIRST_SECOND ((int64_t)(HYL_DATE_MIN - HYL_UNIX_EPOCH_DAYS) * 86400)
#define END_SECOND   ((int64_t)(HYL_DATE_MAX + 1 - HYL_UNIX_EPOCH_DAYS) * 86400)

/* What is too far for the loop may be none of Hyper's either, or go value by value. */
static void timestamps_of_every_unit_have_a_range(void **state)
{
    static const struct {
        enum ArrowTimeUnit unit;
        int64_t value;
        hyl_status status;
    } cases[] = {
        {NANOARROW_TIME_UNIT_SECOND, NEAR / 1000000 - 1, HYL_OK},
        {NANOARROW_TIME_UNIT_SECOND, NEAR / 1000000, HYL_OK},
        {NANOARROW_TIME_UNIT_SECOND, -(NEAR / 1000000), HYL_OK},
        {NANOARROW_TIME_UNIT_SECOND, INT64_MAX / 1000000 + 1, HYL_OK},
        {NANOARROW_TIME_UNIT_SECOND, END_SECOND - 1, HYL_OK},
        {NANOARROW_TIME_UNIT_SECOND, END_SECOND, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_SECOND, FIRST_SECOND, HYL_OK},
        {NANOARROW_TIME_UNIT_SECOND, FIRST_SECOND - 1, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_SECOND, INT64_MAX, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_SECOND, INT64_MIN, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_MILLI, NEAR / 1000, HYL_OK},
        {NANOARROW_TIME_UNIT_MILLI, -(NEAR / 1000), HYL_OK},
        {NANOARROW_TIME_UNIT_MILLI, INT64_MAX / 1000 + 1, HYL_OK},
        {NANOARROW_TIME_UNIT_MILLI, END_SECOND * 1000 - 1, HYL_OK},
        {NANOARROW_TIME_UNIT_MILLI, END_SECOND * 1000, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_MILLI, FIRST_SECOND * 1000, HYL_OK},
        {NANOARROW_TIME_UNIT_MILLI, FIRST_SECOND * 1000 - 1, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_MILLI, INT64_MAX, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_MILLI, INT64_MIN, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_MICRO, NEAR, HYL_OK},
        {NANOARROW_TIME_UNIT_MICRO, -NEAR, HYL_OK},
        {NANOARROW_TIME_UNIT_MICRO, INT64_MAX, HYL_OK},
        {NANOARROW_TIME_UNIT_MICRO, FIRST_SECOND * 1000000, HYL_OK},
        {NANOARROW_TIME_UNIT_MICRO, FIRST_SECOND * 1000000 - 1, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_MICRO, INT64_MIN, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_NANO, 1000, HYL_OK},
        {NANOARROW_TIME_UNIT_NANO, -1000, HYL_OK},
        {NANOARROW_TIME_UNIT_NANO, 1, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_NANO, -1, HYL_ERR_RANGE},
        {NANOARROW_TIME_UNIT_NANO, INT64_MAX - INT64_MAX % 1000, HYL_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrow_rig r;
        arrow_rig_start_time(&r, NANOARROW_TYPE_TIMESTAMP, cases[i].unit);
        assert_put(&r, cases[i].value, hyl_type_of(HYL_TYPE_TIMESTAMP), cases[i].status);
    }
}

static void times_end_before_midnight(void **state)
{
    static const struct {
        int64_t micros;
        hyl_status status;
    } cases[] = {{HYL_MICROS_PER_DAY - 1, HYL_OK},
                 {HYL_MICROS_PER_DAY, HYL_OK}, /* Hyper has it, value by value */
                 {HYL_MICROS_PER_DAY + 1, HYL_ERR_RANGE},
                 {-1, HYL_ERR_RANGE}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrow_rig r;
        arrow_rig_start_time(&r, NANOARROW_TYPE_TIME64, NANOARROW_TIME_UNIT_MICRO);
        assert_put(&r, cases[i].micros, hyl_type_of(HYL_TYPE_TIME), cases[i].status);
    }
}

/* decimal128(5,2) that holds more digits than it says. */
static void decimals_keep_to_the_columns_digits(void **state)
{
    static const struct {
        int64_t digits;
        hyl_status status;
    } cases[] = {
        {99999, HYL_OK}, {-99999, HYL_OK}, {100000, HYL_ERR_RANGE}, {-100000, HYL_ERR_RANGE}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrow_rig r;
        int64_t done = -1;
        struct ArrowDecimal decimal;
        arrow_rig_start_decimal(&r, NANOARROW_TYPE_DECIMAL128, 5, 2);
        ArrowDecimalInit(&decimal, 128, 5, 2);
        ArrowDecimalSetInt(&decimal, cases[i].digits);
        assert_int_equal(ArrowArrayAppendNull(&r.array, 1), 0);
        assert_int_equal(ArrowArrayAppendDecimal(&r.array, &decimal), 0);
        arrow_rig_aim(&r, hyl_type_numeric(5, 2), true, 0);
        assert_non_null(r.source.bulk);
        assert_status(arrow_rig_put(&r, 0, 2, &done), cases[i].status, &r.err);
        assert_int_equal(r.stage.columns[0].null_count, 1);
        arrow_rig_end(&r);
    }
}

/* The most negative of 128 bits has no magnitude there. */
static void the_least_decimal_is_out_of_range(void **state)
{
    arrow_rig r;
    int64_t done = -1;
    (void)state;
    arrow_rig_start_decimal(&r, NANOARROW_TYPE_DECIMAL128, 38, 0);
    struct ArrowDecimal decimal;
    ArrowDecimalInit(&decimal, 128, 38, 0);
    decimal.words[decimal.low_word_index] = 0;
    decimal.words[decimal.high_word_index] = UINT64_C(0x8000000000000000);
    assert_int_equal(ArrowArrayAppendDecimal(&r.array, &decimal), 0);
    arrow_rig_aim(&r, hyl_type_numeric(38, 0), true, 0);
    assert_status(arrow_rig_put(&r, 0, 1, &done), HYL_ERR_RANGE, &r.err);
    arrow_rig_end(&r);
}

/* Characters count, not bytes. */
static void long_texts_are_counted_in_characters(void **state)
{
    static const struct {
        const char *text;
        hyl_status status;
    } cases[] = {{"abc", HYL_OK},
                 {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", HYL_OK}, /* three, of nine bytes */
                 {"abcd", HYL_ERR_RANGE},
                 {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", HYL_ERR_RANGE}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrow_rig r;
        int64_t done = -1;
        arrow_rig_start(&r, NANOARROW_TYPE_STRING);
        assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView("ab")), 0);
        assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView(cases[i].text)), 0);
        arrow_rig_aim(&r, hyl_type_from_oid(1043, 4 + 3), true, 0);
        assert_status(arrow_rig_put(&r, 0, 2, &done), cases[i].status, &r.err);
        arrow_rig_end(&r);
    }
}

/* ---- What lies behind ---------------------------------------------------------------------- */

static void what_is_behind_a_null_may_be_anything(void **state)
{
    arrow_rig r;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_DATE32);
    assert_int_equal(ArrowArrayAppendInt(&r.array, 1), 0);
    assert_int_equal(ArrowArrayAppendNull(&r.array, 1), 0);
    ((int32_t *)(void *)ArrowArrayBuffer(&r.array, 1)->data)[1] = INT32_MAX;
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_DATE), true, 0);
    arrow_rig_same_singly(&r);
    arrow_rig_end(&r);

    /* A text behind a NULL is not kept. */
    arrow_rig_start(&r, NANOARROW_TYPE_STRING);
    assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView("\xff\xff")), 0);
    assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView("b")), 0);
    assert_int_equal(ArrowArrayAppendNull(&r.array, 1), 0);
    ArrowBitClear(ArrowArrayBuffer(&r.array, 0)->data, 0);
    r.array.null_count = 2;
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
    arrow_rig_same_singly(&r);
    arrow_rig_put_all(&r);
    assert_int_equal(r.stage.columns[0].bytes.len, 1);
    assert_int_equal(r.stage.columns[0].null_count, 2);
    arrow_rig_end(&r);
}

/* Offsets that go back would copy what is no text of the array's. */
static void texts_that_run_backwards_are_not_taken_as_a_block(void **state)
{
    arrow_rig r;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_STRING);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView("abcd")), 0);
    }
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
    int32_t *offsets = (int32_t *)(void *)ArrowArrayBuffer(&r.array, 1)->data;
    offsets[2] = 3;
    assert_false(hyl__arrow_bulk_put(&r.source, 0, 4, &r.stage, &r.stage.columns[0]));
    assert_int_equal(r.stage.columns[0].bytes.len, 0);
    offsets[2] = 8;
    offsets[4] = -1;
    assert_false(hyl__arrow_bulk_put(&r.source, 0, 4, &r.stage, &r.stage.columns[0]));
    offsets[4] = 16;
    assert_true(hyl__arrow_bulk_put(&r.source, 0, 4, &r.stage, &r.stage.columns[0]));
    arrow_rig_end(&r);
}

static void values_askew_go_one_by_one(void **state)
{
    arrow_rig r;
    static uint8_t memory[4 * 8 + 8];
    uint8_t *askew = memory + 8 - (uintptr_t)memory % 8 + 4;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_INT32);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ArrowArrayAppendInt(&r.array, 1000 * i), 0);
    }
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_INT), true, 0);
    memcpy(askew, ArrowArrayBuffer(&r.array, 1)->data, 4 * sizeof(int32_t));
    r.view.buffer_views[1].data.as_uint8 = askew;
    assert_false(hyl__arrow_bulk_put(&r.source, 0, 4, &r.stage, &r.stage.columns[0]));
    arrow_rig_put_all(&r);
    const int32_t wanted[] = {0, 1000, 2000, 3000};
    assert_memory_equal(r.stage.columns[0].values, wanted, sizeof wanted);
    arrow_rig_end(&r);
}

static void without_memory_for_its_texts_a_block_is_taken_back(void **state)
{
    arrow_rig r;
    int64_t done = -1;
    (void)state;
    for (int view = 0; view < 2; view++) {
        arrow_rig_start(&r, view ? NANOARROW_TYPE_STRING_VIEW : NANOARROW_TYPE_STRING);
        for (int i = 0; i < 50; i++) {
            assert_int_equal(
                ArrowArrayAppendString(&r.array, ArrowCharView("a text of twenty-five byte")), 0);
        }
        alloc_start(ALLOC_NEVER);
        arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
        alloc_arm(1);
        assert_false(hyl__arrow_bulk_put(&r.source, 0, 50, &r.stage, &r.stage.columns[0]));
        assert_true(alloc_failed());
        assert_int_equal(r.stage.columns[0].bytes.len, 0);
        assert_int_equal(r.stage.bytes, 0);
        assert_ok(arrow_rig_put(&r, 0, 50, &done), &r.err);
        assert_int_equal(r.stage.columns[0].bytes.len, 50 * 26);
        hyl__stage_reset(&r.stage);
        alloc_stop();
        arrow_rig_end(&r);
    }
}

/* ---- Choosing ------------------------------------------------------------------------------ */

static void what_has_no_loop_goes_one_by_one(void **state)
{
    arrow_rig r;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_UINT64);
    assert_int_equal(ArrowArrayAppendUInt(&r.array, UINT64_MAX), 0);
    arrow_rig_aim(&r, hyl_type_numeric(20, 0), true, 0);
    assert_null(r.source.bulk);
    assert_int_equal(hyl__arrow_bulk_measure(&r.source, 0, 1, 0), -1);
    assert_false(hyl__arrow_bulk_put(&r.source, 0, 1, &r.stage, &r.stage.columns[0]));
    arrow_rig_put_all(&r);
    arrow_rig_end(&r);
    /* Decimals of another scale are multiplied one by one. */
    arrow_rig_start_decimal(&r, NANOARROW_TYPE_DECIMAL128, 5, 2);
    arrow_rig_aim(&r, hyl_type_numeric(9, 4), true, 0);
    assert_null(r.source.bulk);
    arrow_rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_taken_from_any_offset),
        cmocka_unit_test(numbers_are_taken_from_any_offset),
        cmocka_unit_test(texts_are_taken_from_any_offset),
        cmocka_unit_test(dates_have_a_range),
        cmocka_unit_test(timestamps_of_every_unit_have_a_range),
        cmocka_unit_test(times_end_before_midnight),
        cmocka_unit_test(decimals_keep_to_the_columns_digits),
        cmocka_unit_test(the_least_decimal_is_out_of_range),
        cmocka_unit_test(long_texts_are_counted_in_characters),
        cmocka_unit_test(what_is_behind_a_null_may_be_anything),
        cmocka_unit_test(texts_that_run_backwards_are_not_taken_as_a_block),
        cmocka_unit_test(values_askew_go_one_by_one),
        cmocka_unit_test(without_memory_for_its_texts_a_block_is_taken_back),
        cmocka_unit_test(what_has_no_loop_goes_one_by_one),
    };
    return cmocka_run_group_tests_name("data/arrow_bulk", tests, NULL, NULL);
}
