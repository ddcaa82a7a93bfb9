#include "data/stage.h"

#include "support/alloc.h"
#include "support/test.h"

static hyl_error err;

/* A table of two columns: x as asked, nullable, and text s, not. */
static hyl__table make_table(hyl__table_column columns[2], hyl_type type)
{
    static char x[] = "x";
    static char s[] = "s";
    columns[0] = (hyl__table_column){x, type, true};
    columns[1] = (hyl__table_column){s, hyl_type_of(HYL_TYPE_TEXT), false};
    return (hyl__table){NULL, columns, 2};
}

static void put_row(hyl__stage *stage, int16_t x, const char *s)
{
    assert_ok(hyl__put_i16(stage, &stage->columns[0], x, &err), &err);
    assert_ok(hyl__put_str(stage, &stage->columns[1], hyl_str_of(s), &err), &err);
    hyl__stage_end_row(stage);
}

/* What the codec of single fields makes of the stage's rows. */
static void encode_by_fields(hyl_value values[][2], size_t rows, const hyl__table *table,
                             hyl_buf *out)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < 2; i++) {
            assert_ok(hyl_copy_field(table->columns[i].type, table->columns[i].nullable,
                                     &values[row][i], out, &err),
                      &err);
        }
    }
}

static hyl_value any_value(hyl_type type, uint8_t fill)
{
    hyl_value value;
    memset(&value, fill, sizeof value);
    value.type = type.id;
    value.is_null = false;
    switch (type.id) {
    case HYL_TYPE_BOOL:
        value.as.boolean = true;
        break;
    case HYL_TYPE_NUMERIC:
        value.as.numeric = (hyl_numeric){(uint64_t)-fill, -1, 18, (uint8_t)hyl_type_scale(type)};
        break;
    case HYL_TYPE_TIME:
        value.as.i64 = fill * INT64_C(1000000);
        break;
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        value.as.i64 = -fill * INT64_C(123456789012);
        break;
    case HYL_TYPE_DATE:
        value.as.i32 = -fill * 1000;
        break;
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
        value.as.str = HYL_STR("1");
        break;
    case HYL_TYPE_BYTES:
    case HYL_TYPE_GEOGRAPHY:
        value.as.bytes = (hyl_bytes){(const uint8_t *)"\0\xff", 2};
        break;
    default:
        break;
    }
    return value;
}

static void hyperbinary_is_that_of_single_fields(void **state)
{
    (void)state;
    const hyl_type types[] = {hyl_type_numeric(18, 3), hyl_type_numeric(19, 3),
                              hyl_type_of(HYL_TYPE_UUID)};
    for (int id = HYL_TYPE_BOOL; id < HYL_TYPE_ARRAY + 3; id++) {
        hyl_type type =
            id < HYL_TYPE_ARRAY ? hyl_type_of((hyl_type_id)id) : types[id - HYL_TYPE_ARRAY];
        hyl__table_column columns[2];
        hyl__table table = make_table(columns, type);
        hyl__stage stage;
        hyl_value values[3][2];
        hyl_buf expected = HYL_BUF_INIT;
        hyl_buf got = HYL_BUF_INIT;
        assert_ok(hyl__stage_init(&stage, &table, 1000, &err), &err);
        for (size_t row = 0; row < 3; row++) {
            values[row][0] = any_value(type, (uint8_t)(row * 7 + 1));
            values[row][0].is_null = row == 1;
            values[row][1] = any_value(hyl_type_of(HYL_TYPE_TEXT), 0);
            for (size_t i = 0; i < 2; i++) {
                assert_ok(hyl__put_value(&stage, &stage.columns[i], &values[row][i], &err), &err);
            }
            hyl__stage_end_row(&stage);
        }
        encode_by_fields(values, 3, &table, &expected);
        assert_ok(hyl__stage_hyperbinary(&stage, &got), &err);
        assert_int_equal(got.len, expected.len);
        assert_memory_equal(got.data, expected.data, got.len);
        hyl_buf_reset(&expected);
        hyl_buf_reset(&got);
        hyl__stage_reset(&stage);
    }
}

static void a_dropped_row_leaves_nothing(void **state)
{
    (void)state;
    hyl__table_column columns[2];
    hyl__table table = make_table(columns, hyl_type_of(HYL_TYPE_SMALLINT));
    hyl__stage stage;
    hyl__stage twin;
    hyl_buf got = HYL_BUF_INIT;
    hyl_buf expected = HYL_BUF_INIT;
    assert_ok(hyl__stage_init(&stage, &table, 1000, &err), &err);
    assert_ok(hyl__stage_init(&twin, &table, 1000, &err), &err);
    put_row(&stage, 1, "first");
    assert_ok(hyl__put_null(&stage, &stage.columns[0], &err), &err);
    hyl__stage_drop_row(&stage);
    assert_ok(hyl__put_null(&stage, &stage.columns[0], &err), &err);
    assert_ok(hyl__put_str(&stage, &stage.columns[1], HYL_STR("dropped"), &err), &err);
    hyl__stage_drop_row(&stage);
    put_row(&stage, 2, "");
    put_row(&twin, 1, "first");
    put_row(&twin, 2, "");
    assert_int_equal(stage.bytes, twin.bytes);
    assert_int_equal(stage.columns[0].null_count, 0);
    assert_ok(hyl__stage_hyperbinary(&stage, &got), &err);
    assert_ok(hyl__stage_hyperbinary(&twin, &expected), &err);
    assert_int_equal(got.len, expected.len);
    assert_memory_equal(got.data, expected.data, got.len);
    hyl__stage_clear(&stage);
    assert_int_equal(stage.rows, 0);
    assert_int_equal(stage.bytes, 0);
    hyl_buf_reset(&got);
    hyl_buf_reset(&expected);
    hyl__stage_reset(&stage);
    hyl__stage_reset(&twin);
}

static void it_is_full_by_rows_or_by_bytes(void **state)
{
    (void)state;
    hyl__table_column columns[2];
    hyl__table table = make_table(columns, hyl_type_of(HYL_TYPE_SMALLINT));
    hyl__stage stage;
    assert_ok(hyl__stage_init(&stage, &table, 6000, &err), &err);
    assert_int_equal(stage.cap, 1000);
    for (int i = 0; i < 999; i++) {
        put_row(&stage, 1, "");
    }
    assert_false(hyl__stage_is_full(&stage));
    put_row(&stage, 1, "");
    assert_true(hyl__stage_is_full(&stage));
    hyl__stage_drop_row(&stage);
    assert_int_equal(stage.rows, 1000);
    hyl__stage_clear(&stage);
    char text[6001];
    memset(text, 't', sizeof text - 1);
    text[6000] = '\0';
    put_row(&stage, 1, text);
    assert_true(hyl__stage_is_full(&stage));
    hyl__stage_reset(&stage);
}

static void wrong_types_name_both(void **state)
{
    (void)state;
    hyl__table_column columns[2];
    hyl__table table = make_table(columns, hyl_type_numeric(5, 2));
    hyl__stage stage;
    assert_ok(hyl__stage_init(&stage, &table, 100, &err), &err);
    assert_status(hyl__put_f64(&stage, &stage.columns[0], 1, &err), HYL_ERR_TYPE, &err);
    assert_string_equal(err.message,
                        "a value of type double precision where numeric(5,2) is wanted");
    hyl__stage_name_value(&stage, &stage.columns[0], 7, HYL_ERR_TYPE, &err);
    assert_string_equal(err.message, "row 7, column 1 \"x\": a value of type double precision "
                                     "where numeric(5,2) is wanted");
    hyl__stage_reset(&stage);
}

static void no_type_no_stage(void **state)
{
    (void)state;
    hyl__table_column columns[2];
    hyl__table table = make_table(columns, hyl_type_from_oid(1007, -1));
    hyl__stage stage;
    assert_status(hyl__stage_init(&stage, &table, 100, &err), HYL_ERR_UNSUPPORTED, &err);
    assert_non_null(strstr(err.message, "\"x\""));
    assert_non_null(strstr(err.message, "array(integer)"));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    hyl__table_column columns[2];
    hyl__table table = make_table(columns, hyl_type_of(HYL_TYPE_BIGINT));
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        hyl__stage stage;
        alloc_start(n);
        hyl_status status = hyl__stage_init(&stage, &table, 100, &err);
        if (status == HYL_OK) {
            status = hyl__put_str(&stage, &stage.columns[1], HYL_STR("a"), &err);
            hyl__stage_reset(&stage);
        }
        failed = alloc_failed();
        assert_int_equal(status, failed ? HYL_ERR_NOMEM : HYL_OK);
        alloc_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hyperbinary_is_that_of_single_fields),
        cmocka_unit_test(a_dropped_row_leaves_nothing),
        cmocka_unit_test(it_is_full_by_rows_or_by_bytes),
        cmocka_unit_test(wrong_types_name_both),
        cmocka_unit_test(no_type_no_stage),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("data/stage", tests, NULL, NULL);
}
