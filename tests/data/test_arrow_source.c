/* Columns of Arrow arrays into the stage: in blocks, one by one, and what they refuse. */
#include "data/arrow_source.h"

#include "data/arrow_types.h"
#include "support/test.h"

#include <hyperline/arrow.h>

static hyl_error err;

/* ---- A column on its way into the stage ---------------------------------------------------- */

typedef struct rig {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView view;
    hyl__table_column info;
    hyl__table table;
    hyl__stage stage;
    hyl__arrow_source source;
} rig;

static char column_name[] = "x";

static void start(rig *r, enum ArrowType type)
{
    memset(r, 0, sizeof *r);
    ArrowSchemaInit(&r->schema);
    assert_int_equal(ArrowSchemaSetType(&r->schema, type), 0);
    assert_int_equal(ArrowArrayInitFromSchema(&r->array, &r->schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(&r->array), 0);
}

/* The array is complete: it goes to a column of this type. */
static void aim(rig *r, hyl_type type, bool nullable, unsigned lossy)
{
    assert_int_equal(ArrowArrayFinishBuildingDefault(&r->array, NULL), 0);
    assert_int_equal(ArrowArrayViewInitFromSchema(&r->view, &r->schema, NULL), 0);
    assert_int_equal(ArrowArrayViewSetArray(&r->view, &r->array, NULL), 0);
    r->info = (hyl__table_column){column_name, type, nullable};
    r->table = (hyl__table){NULL, &r->info, 1};
    assert_ok(hyl__stage_init(&r->stage, &r->table, 100000, &err), &err);
    assert_true(hyl__arrow_fits(&r->schema, type, lossy));
    hyl__arrow_source_init(&r->source, &r->schema, &r->view, &r->stage.columns[0], lossy);
}

static hyl_status put(rig *r, int64_t first, int64_t count, int64_t *done)
{
    hyl_status status = hyl__arrow_source_put(&r->source, first, count, &r->stage,
                                              &r->stage.columns[0], done, &err);
    r->stage.rows += status == HYL_OK ? (size_t)count : 0;
    return status;
}

static void put_all(rig *r)
{
    int64_t done = 0;
    assert_ok(put(r, 0, r->array.length, &done), &err);
}

static void end(rig *r)
{
    hyl__stage_reset(&r->stage);
    ArrowArrayViewReset(&r->view);
    ArrowArrayRelease(&r->array);
    ArrowSchemaRelease(&r->schema);
}

/* The same array without its block loop: what both make of it is the same. */
static void assert_single_values_are_the_same(rig *r)
{
    hyl_buf in_blocks = HYL_BUF_INIT;
    hyl_buf singly = HYL_BUF_INIT;
    assert_non_null(r->source.bulk);
    put_all(r);
    assert_int_equal(hyl__stage_hyperbinary(&r->stage, &in_blocks), HYL_OK);
    hyl__stage_clear(&r->stage);
    hyl__arrow_source_rewind(&r->source);
    r->source.bulk = NULL;
    put_all(r);
    assert_int_equal(hyl__stage_hyperbinary(&r->stage, &singly), HYL_OK);
    assert_int_equal(in_blocks.len, singly.len);
    assert_memory_equal(in_blocks.data, singly.data, singly.len);
    hyl_buf_reset(&in_blocks);
    hyl_buf_reset(&singly);
}

/* ---- Blocks -------------------------------------------------------------------------------- */

static void append_integers(rig *r, int64_t least)
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
            rig r;
            start(&r, pairs[i].from);
            append_integers(&r, pairs[i].least);
            aim(&r, hyl_type_of(pairs[i].to[k]), true, 0);
            assert_single_values_are_the_same(&r);
            end(&r);
        }
    }
}

static void append_texts(rig *r, bool nulls)
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
        rig r;
        start(&r, types[i % 3]);
        append_texts(&r, i >= 3);
        aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
        assert_single_values_are_the_same(&r);
        end(&r);
    }
}

static void blocks_end_where_the_stage_is_full(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        rig r;
        start(&r, i == 0 ? NANOARROW_TYPE_STRING : NANOARROW_TYPE_STRING_VIEW);
        for (int k = 0; k < 10; k++) {
            assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView("ten bytes!")), 0);
        }
        aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
        assert_int_equal(hyl__arrow_source_measure(&r.source, 0, 10, 1000), 10);
        assert_int_equal(hyl__arrow_source_measure(&r.source, 0, 10, 100), 10);
        assert_int_equal(hyl__arrow_source_measure(&r.source, 0, 10, 99), 9);
        assert_int_equal(hyl__arrow_source_measure(&r.source, 8, 2, 5), 1);
        end(&r);
    }
}

/* A string that is valid only together with its neighbour, and one too long, are refused by name. */
static void a_block_with_a_bad_value_is_taken_back(void **state)
{
    rig r;
    int64_t done = -1;
    (void)state;
    start(&r, NANOARROW_TYPE_STRING);
    for (int i = 0; i < 20; i++) {
        const char *text = i == 11 ? "\xc3" : (i == 12 ? "\xa4" : "ok");
        assert_int_equal(ArrowArrayAppendString(&r.array, ArrowCharView(text)), 0);
    }
    aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
    assert_status(put(&r, 0, 20, &done), HYL_ERR_ARG, &err);
    assert_int_equal(done, 11);
    hyl__stage_clear(&r.stage);
    assert_ok(put(&r, 0, 11, &done), &err);
    assert_int_equal(r.stage.columns[0].bytes.len, 22);
    end(&r);

    start(&r, NANOARROW_TYPE_INT32);
    append_integers(&r, 0);
    aim(&r, hyl_type_of(HYL_TYPE_BIGINT), false, 0);
    assert_status(put(&r, 0, 1000, &done), HYL_ERR_NULLVAL, &err);
    assert_int_equal(done, 3);
    assert_int_equal(r.stage.columns[0].null_count, 0);
    end(&r);
}

/* ---- Dictionaries -------------------------------------------------------------------------- */

static void start_dictionary(rig *r, bool null_value)
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
        rig r;
        start_dictionary(&r, null_value != 0);
        aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
        assert_single_values_are_the_same(&r);
        assert_int_equal(r.stage.columns[0].null_count, null_value ? 7 + 8 : 7);
        end(&r);
    }
}

static void an_index_of_no_value_is_an_error(void **state)
{
    rig r;
    int64_t done = -1;
    (void)state;
    start_dictionary(&r, false);
    assert_int_equal(ArrowArrayAppendInt(&r.array, 2), 0);
    aim(&r, hyl_type_of(HYL_TYPE_TEXT), true, 0);
    assert_int_equal(hyl__arrow_source_measure(&r.source, 0, 31, 1000), 31);
    assert_status(put(&r, 0, 31, &done), HYL_ERR_ARG, &err);
    assert_int_equal(done, 30);
    end(&r);
}

/* ---- Changes ------------------------------------------------------------------------------- */

static void changes_are_counted(void **state)
{
    static const double values[] = {1.0, 1.5, -2.5, 2.4999, 0.0};
    static const int32_t wanted[] = {1, 2, -3, 2, 0};
    rig r;
    (void)state;
    start(&r, NANOARROW_TYPE_DOUBLE);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ArrowArrayAppendDouble(&r.array, values[i]), 0);
    }
    aim(&r, hyl_type_of(HYL_TYPE_INT), true, HYL_LOSSY_NUMBERS);
    assert_null(r.source.bulk);
    put_all(&r);
    assert_memory_equal(r.stage.columns[0].values, wanted, sizeof wanted);
    assert_int_equal(r.source.changed, 3);
    end(&r);
}

static void rounding_carries_through_nines(void **state)
{
    rig r;
    (void)state;
    start(&r, NANOARROW_TYPE_DOUBLE);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 999.95), 0);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 0.06), 0);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 0.004), 0);
    assert_int_equal(ArrowArrayAppendDouble(&r.array, 1e-300), 0);
    aim(&r, hyl_type_numeric(5, 1), true, HYL_LOSSY_NUMBERS);
    put_all(&r);
    const int64_t wanted[] = {10000, 0, 1, 0, 0, 0, 0, 0};
    assert_memory_equal(r.stage.columns[0].values, wanted, sizeof wanted);
    assert_int_equal(r.source.changed, 4);
    end(&r);
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
