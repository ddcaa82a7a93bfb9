/* Columns of Arrow arrays into the stage: in blocks, one by one, and what they refuse. */
#include "data/arrow_source.h"

#include "support/arrow_rig.h"
#include "support/test.h"

/* ---- Blocks -------------------------------------------------------------------------------- */

static void append_integers(arrow_rig *r, int64_t least)
{
    for (int64_t i = 0; i < 1000; i++) {
        const bool null = i % 7 == 3;
        assert_int_equal(null ? ArrowArrayAppendNull(&r->array, 1)
                              : ArrowArrayAppendInt(&r->array, i % 100 + (i % 2 ? least : 0)),
                         0);
    }
}

static void integers_widen_alike_in_blocks_and_singly(void **state)
{
    static const struct {
        enum ArrowType from;
        hyl_type_id to[4];
        int64_t least;
    } pairs[] = {
        {NANOARROW_TYPE_INT8,
         {HYL_TYPE_SMALLINT, HYL_TYPE_INT, HYL_TYPE_BIGINT, HYL_TYPE_DOUBLE},
         -128},
        {NANOARROW_TYPE_UINT8,
         {HYL_TYPE_SMALLINT, HYL_TYPE_INT, HYL_TYPE_BIGINT, HYL_TYPE_DOUBLE},
         100},
        {NANOARROW_TYPE_INT16,
         {HYL_TYPE_SMALLINT, HYL_TYPE_INT, HYL_TYPE_BIGINT, HYL_TYPE_DOUBLE},
         -32768},
        {NANOARROW_TYPE_UINT16,
         {HYL_TYPE_INT, HYL_TYPE_BIGINT, HYL_TYPE_DOUBLE, HYL_TYPE_INT},
         60000},
        {NANOARROW_TYPE_INT32,
         {HYL_TYPE_INT, HYL_TYPE_BIGINT, HYL_TYPE_DOUBLE, HYL_TYPE_INT},
         INT32_MIN},
        {NANOARROW_TYPE_UINT32,
         {HYL_TYPE_BIGINT, HYL_TYPE_DOUBLE, HYL_TYPE_OID, HYL_TYPE_BIGINT},
         UINT32_MAX - 100},
        {NANOARROW_TYPE_INT64,
         {HYL_TYPE_BIGINT, HYL_TYPE_BIGINT, HYL_TYPE_BIGINT, HYL_TYPE_BIGINT},
         INT64_MIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        for (size_t k = 0; k < 4; k++) {
            arrow_rig r;
            arrow_rig_start(&r, pairs[i].from);
            append_integers(&r, pairs[i].least);
            arrow_rig_aim(&r, hyl_type_of(pairs[i].to[k]), true, 0);
            arrow_rig_same_singly(&r);
            arrow_rig_end(&r);
        }
    }
}

static void append_texts(arrow_rig *r, bool nulls)
{
    static const char *const texts[] = {"", "a", "exactly12byt", "beyond twelve", "Größe", "€ 😀"};
    for (int i = 0; i < 1000; i++) {
        const bool null = nulls && i % 5 == 2;
        assert_int_equal(null ? ArrowArrayAppendNull(&r->array, 1)
                              : ArrowArrayAppendString(&r->array, ArrowCharView(texts[i % 6])),
                         0);
    }
}

static void texts_are_alike_in_blocks_and_singly(void **state)
{
    static const enum ArrowType types[] = {NANOARROW_TYPE_STRING, NANOARROW_TYPE_LARGE_STRING,
                                           NANOARROW_TYPE_STRING_VIEW};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        arrow_rig r;
        arrow_rig_start(&r, types[i % 3]);
        append_texts(&r, i >= 3);
        arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
        arrow_rig_same_singly(&r);
        arrow_rig_end(&r);
    }
}

static void blocks_end_where_the_stage_is_full(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        arrow_rig r;
        arrow_rig_start(&r, i == 0 ? NANOARROW_TYPE_STRING : NANOARROW_TYPE_STRING_VIEW);
        for (int k = 0; k < 10; k++) {
            assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView("ten bytes!")), 0);
        }
        arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
        assert_int_equal(hyl__arrow_source_measure(&r.source, 0, 10, 1000), 10);
        assert_int_equal(hyl__arrow_source_measure(&r.source, 0, 10, 100), 10);
        assert_int_equal(hyl__arrow_source_measure(&r.source, 0, 10, 99), 9);
        assert_int_equal(hyl__arrow_source_measure(&r.source, 8, 2, 5), 1);
        arrow_rig_end(&r);
    }
}

/* A string that is valid only together with its neighbour, and one too long, are refused by name. */
static void a_block_with_a_bad_value_is_taken_back(void **state)
{
    arrow_rig r;
    int64_t done = -1;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_STRING);
    for (int i = 0; i < 20; i++) {
        const char *text = i == 11 ? "\xc3" : (i == 12 ? "\xa4" : "ok");
        assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView(text)), 0);
    }
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
    assert_status(arrow_rig_put(&r, 0, 20, &done), HYL_ERR_ARG, &r.err);
    assert_int_equal(done, 11);
    hyl__stage_clear(&r.stage);
    assert_ok(arrow_rig_put(&r, 0, 11, &done), &r.err);
    assert_int_equal(r.stage.columns[0].bytes.len, 22);
    arrow_rig_end(&r);

    arrow_rig_start(&r, NANOARROW_TYPE_INT32);
    append_integers(&r, 0);
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_BIGINT), false, 0);
    assert_status(arrow_rig_put(&r, 0, 1000, &done), HYL_ERR_NULLVAL, &r.err);
    assert_int_equal(done, 3);
    assert_int_equal(r.stage.columns[0].null_count, 0);
    arrow_rig_end(&r);
}

/* ---- Dictionaries -------------------------------------------------------------------------- */

static void start_dictionary(arrow_rig *r, bool null_value)
{
    memset(r, 0, sizeof *r);
    ArrowSchemaInit(&r->schema);
    assert_int_equal(ArrowSchemaSetType(&r->schema, NANOARROW_TYPE_INT8), 0);
    assert_int_equal(ArrowSchemaAllocateDictionary(&r->schema), 0);
    ArrowSchemaInit(r->schema.dictionary);
    assert_int_equal(ArrowSchemaSetType(r->schema.dictionary, NANOARROW_TYPE_STRING), 0);
    assert_int_equal(ArrowArrayInitFromSchema(&r->array, &r->schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(&r->array), 0);
    assert_int_equal(ArrowArrayAppendString(r->array.dictionary, ArrowCharView("zero")), 0);
    assert_int_equal(null_value ? ArrowArrayAppendNull(r->array.dictionary, 1)
                                : ArrowArrayAppendString(r->array.dictionary, ArrowCharView("one")),
                     0);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(i % 4 == 3 ? ArrowArrayAppendNull(&r->array, 1)
                                    : ArrowArrayAppendInt(&r->array, i % 2),
                         0);
    }
}

static void dictionaries_are_alike_in_blocks_and_singly(void **state)
{
    (void)state;
    for (int null_value = 0; null_value < 2; null_value++) {
        arrow_rig r;
        start_dictionary(&r, null_value != 0);
        arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
        arrow_rig_same_singly(&r);
        arrow_rig_put_all(&r);
        assert_int_equal(r.stage.columns[0].null_count, null_value ? 7 + 8 : 7);
        arrow_rig_end(&r);
    }
}

static void an_index_of_no_value_is_an_error(void **state)
{
    arrow_rig r;
    int64_t done = -1;
    (void)state;
    start_dictionary(&r, false);
    assert_int_equal(ArrowArrayAppendInt(&r.array, 2), 0);
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
    assert_int_equal(hyl__arrow_source_measure(&r.source, 0, 31, 1000), 31);
    assert_status(arrow_rig_put(&r, 0, 31, &done), HYL_ERR_ARG, &r.err);
    assert_int_equal(done, 30);
    arrow_rig_end(&r);
}

/* ---- Changes ------------------------------------------------------------------------------- */

static void changes_are_counted(void **state)
{
    static const double values[] = {1.0, 1.5, -2.5, 2.4999, 0.0};
    static const int32_t wanted[] = {1, 2, -3, 2, 0};
    arrow_rig r;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_DOUBLE);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ArrowArrayAppendDouble(&r.array, values[i]), 0);
    }
    arrow_rig_aim(&r, hyl_type_of(HYL_TYPE_INT), true, HYL_LOSSY_NUMBERS);
    assert_null(r.source.bulk);
    arrow_rig_put_all(&r);
    assert_memory_equal(r.stage.columns[0].values, wanted, sizeof wanted);
    assert_int_equal(r.source.changed, 3);
    arrow_rig_end(&r);
}

static void rounding_carries_through_nines(void **state)
{
    arrow_rig r;
    (void)state;
    arrow_rig_start(&r, NANOARROW_TYPE_DOUBLE);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 999.95), 0);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 0.06), 0);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 0.004), 0);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 1e-300), 0);
    arrow_rig_aim(&r, hyl_type_numeric(5, 1), true, HYL_LOSSY_NUMBERS);
    arrow_rig_put_all(&r);
    const int64_t wanted[] = {10000, 0, 1, 0, 0, 0, 0, 0};
    assert_memory_equal(r.stage.columns[0].values, wanted, sizeof wanted);
    assert_int_equal(r.source.changed, 4);
    arrow_rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_widen_alike_in_blocks_and_singly),
        cmocka_unit_test(texts_are_alike_in_blocks_and_singly),
        cmocka_unit_test(blocks_end_where_the_stage_is_full),
        cmocka_unit_test(a_block_with_a_bad_value_is_taken_back),
        cmocka_unit_test(dictionaries_are_alike_in_blocks_and_singly),
        cmocka_unit_test(an_index_of_no_value_is_an_error),
        cmocka_unit_test(changes_are_counted),
        cmocka_unit_test(rounding_carries_through_nines),
    };
    return cmocka_run_group_tests_name("data/arrow_source", tests, NULL, NULL);
}
