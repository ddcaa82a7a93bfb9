/*
 * Columns put as a whole leave the stage as their values put one by one do, up to the first that is
 * refused.
 */
#include "data/stage_columns.h"

#include "support/random.h"
#include "support/test.h"

static hyl_error err;

enum { COLUMNS = 3, MAX_ROWS = 400, MAX_TEXT = 20, UUID_SIZE = 16 };

/* ---- Random columns ------------------------------------------------------------------------ */

static hyl_type random_type(random_source *random)
{
    const hyl_type special[] = {hyl_type_numeric(5, 2), hyl_type_numeric(30, 0),
                                hyl_type_from_oid(1043, 4 + 3), hyl_type_from_oid(1042, 4 + 4)};
    const uint64_t n = random_below(random, HYL_TYPE_ARRAY - 1 + 4);
    return n < HYL_TYPE_ARRAY - 1 ? hyl_type_of((hyl_type_id)(n + 1))
                                  : special[n - (HYL_TYPE_ARRAY - 1)];
}

/* Mostly the column's own. */
static hyl_type_id element_type(random_source *random, hyl_type_id column)
{
    return random_below(random, 4) > 0
               ? column
               : (hyl_type_id)(1 + random_below(random, HYL_TYPE_ARRAY - 1));
}

static size_t element_size(hyl_type_id type)
{
    switch (type) {
    case HYL_TYPE_NUMERIC:
        return sizeof(hyl_numeric);
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
    case HYL_TYPE_BYTES:
    case HYL_TYPE_GEOGRAPHY:
        return sizeof(hyl_str);
    default:
        return hyl_type_width(hyl_type_of(type));
    }
}

static hyl_str random_text(random_source *random)
{
    static const char ascii[MAX_TEXT + 1] = "twenty characters...";
    const uint64_t kind = random_below(random, 400);
    if (kind == 0) {
        return HYL_STR("no \xff text");
    }
    if (kind < 10) {
        return HYL_STR("\xc3\xa9\xe2\x82\xac");
    }
    return (hyl_str){ascii, (size_t)random_below(random, 4)};
}

/* Fits its type mostly, and sometimes just does not. */
static hyl_value random_value(random_source *random, hyl_type_id type)
{
    hyl_value value;
    const bool wild = random_below(random, 300) == 0;
    memset(&value, 0, sizeof value);
    value.type = type;
    random_fill(random, &value.as, sizeof value.as);
    switch (type) {
    case HYL_TYPE_BOOL:
        value.as.boolean = random_below(random, 2) == 1;
        break;
    case HYL_TYPE_NUMERIC:
        value.as.numeric = (hyl_numeric){random_below(random, wild ? 10000000 : 100000), 0, 38,
                                         (uint8_t)(wild ? 3 : 2)};
        break;
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
        value.as.str = random_text(random);
        break;
    case HYL_TYPE_BYTES:
    case HYL_TYPE_GEOGRAPHY:
        value.as.bytes = (hyl_bytes){(const uint8_t *)"\0\xff\0\xff", random_below(random, 4)};
        break;
    case HYL_TYPE_DATE:
        value.as.i32 = wild ? HYL_DATE_MAX + 1 : (int32_t)random_below(random, HYL_DATE_MAX);
        break;
    case HYL_TYPE_TIME:
        value.as.i64 = HYL_MICROS_PER_DAY - 1 + (int64_t)(wild ? random_below(random, 3) : 0);
        break;
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        value.as.i64 = wild ? HYL__ARROW_TIMESTAMP_MAX + (int64_t)random_below(random, 2)
                            : (int64_t)random_below(random, HYL__ARROW_TIMESTAMP_MAX);
        break;
    default:
        break;
    }
    return value;
}

typedef struct block {
    hyl__table_column info[COLUMNS];
    hyl__table table;
    size_t rows;
    hyl_value values[COLUMNS][MAX_ROWS];
    uint8_t elements[COLUMNS][MAX_ROWS * sizeof(hyl_numeric)];
    bool nulls[COLUMNS][MAX_ROWS];
    hyl_colbuf columns[COLUMNS];
} block;

static void fill_column(block *self, size_t i, random_source *random)
{
    const hyl_type_id type = element_type(random, self->info[i].type.id);
    const size_t size = element_size(type);
    const bool has_nulls = random_below(random, 2) == 1;
    /* Of a column that is NOT NULL hardly any. */
    const uint64_t one_in = self->info[i].nullable ? 5 : 300;
    for (size_t row = 0; row < self->rows; row++) {
        hyl_value *value = &self->values[i][row];
        *value = random_value(random, type);
        value->is_null = has_nulls && random_below(random, one_in) == 0;
        self->nulls[i][row] = value->is_null;
        if (value->is_null) {
            /* What is behind a NULL is not to be looked at. */
            memset(self->elements[i] + row * size, 0xff, size);
        } else {
            memcpy(self->elements[i] + row * size, &value->as, size);
        }
    }
    self->columns[i] = (hyl_colbuf){type, self->elements[i], has_nulls ? self->nulls[i] : NULL};
}

static void make_block(block *self, random_source *random)
{
    static char names[COLUMNS][2] = {"a", "b", "c"};
    self->rows = (size_t)random_below(random, MAX_ROWS);
    for (size_t i = 0; i < COLUMNS; i++) {
        self->info[i] =
            (hyl__table_column){names[i], random_type(random), random_below(random, 2) == 1};
        fill_column(self, i, random);
    }
    self->table = (hyl__table){NULL, self->info, COLUMNS};
}

/* ---- One by one ---------------------------------------------------------------------------- */

static hyl_status put_row(const block *self, size_t row, hyl__stage *stage, size_t *column)
{
    for (*column = 0; *column < COLUMNS; ++*column) {
        HYL_TRY(hyl__put_value(stage, &stage->columns[*column], &self->values[*column][row], &err));
    }
    hyl__stage_end_row(stage);
    return HYL_OK;
}

static void assert_same_rows(const hyl__stage *stage, const hyl__stage *twin)
{
    hyl_buf got = HYL_BUF_INIT;
    hyl_buf expected = HYL_BUF_INIT;
    assert_int_equal(stage->rows, twin->rows);
    assert_int_equal(stage->bytes, twin->bytes);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_int_equal(stage->columns[i].null_count, twin->columns[i].null_count);
    }
    assert_int_equal(hyl__stage_hyperbinary(stage, &got), HYL_OK);
    assert_int_equal(hyl__stage_hyperbinary(twin, &expected), HYL_OK);
    assert_int_equal(got.len, expected.len);
    if (got.len > 0) {
        assert_memory_equal(got.data, expected.data, got.len);
    }
    hyl_buf_reset(&got);
    hyl_buf_reset(&expected);
}

/* Appends the block's rows from `first` on to both. Returns how far it came. */
static size_t put_both(const block *self, size_t first, hyl__stage *stage, hyl__stage *twin)
{
    size_t done = 0;
    size_t column = 0;
    size_t twin_column = 0;
    hyl_error failure = HYL_ERROR_INIT;
    hyl_status status = hyl__stage_put_columns(stage, self->columns, first, self->rows - first,
                                               &done, &column, &failure);
    for (size_t k = 0; k < done; k++) {
        assert_ok(put_row(self, first + k, twin, &twin_column), &err);
    }
    if (status < 0) {
        assert_status(put_row(self, first + done, twin, &twin_column), status, &err);
        assert_string_equal(failure.message, err.message);
        assert_int_equal(column, twin_column);
        hyl__stage_drop_row(twin);
        done++;
    } else {
        assert_true(first + done == self->rows || hyl__stage_is_full(stage));
    }
    assert_same_rows(stage, twin);
    return first + done;
}

static void columns_are_as_their_values(void **state)
{
    (void)state;
    static block self;
    random_source random = random_start("stage columns", 20);
    for (int run = 0; run < 1000; run++) {
        hyl__stage stage;
        hyl__stage twin;
        make_block(&self, &random);
        const size_t target = (size_t)random_below(&random, 3000);
        assert_ok(hyl__stage_init(&stage, &self.table, target, &err), &err);
        assert_ok(hyl__stage_init(&twin, &self.table, target, &err), &err);
        for (size_t row = 0; row < self.rows;) {
            row = put_both(&self, row, &stage, &twin);
            if (hyl__stage_is_full(&stage)) {
                hyl__stage_clear(&stage);
                hyl__stage_clear(&twin);
            }
        }
        hyl__stage_reset(&stage);
        hyl__stage_reset(&twin);
    }
}

/* ---- Edges --------------------------------------------------------------------------------- */

static void what_a_null_hides_is_not_kept(void **state)
{
    (void)state;
    static char name[] = "x";
    hyl__table_column info = {name, hyl_type_of(HYL_TYPE_BIGINT), true};
    const hyl__table table = {NULL, &info, 1};
    const int64_t values[] = {1, INT64_C(0x5ec2e75ec2e75ec2), 3};
    const bool nulls[] = {false, true, false};
    const hyl_colbuf column = {HYL_TYPE_BIGINT, values, nulls};
    const int64_t expected[] = {1, 0, 3};
    hyl__stage stage;
    size_t done = 0;
    size_t refused = 0;
    assert_ok(hyl__stage_init(&stage, &table, 1000, &err), &err);
    assert_ok(hyl__stage_put_columns(&stage, &column, 0, 3, &done, &refused, &err), &err);
    assert_int_equal(done, 3);
    assert_memory_equal(stage.columns[0].values, expected, sizeof expected);
    hyl__stage_reset(&stage);
}

static void a_column_of_nulls_needs_no_values(void **state)
{
    (void)state;
    static char name[] = "x";
    const hyl_type_id types[] = {HYL_TYPE_INT, HYL_TYPE_TEXT};
    const bool nulls[] = {true, true};
    for (size_t i = 0; i < 2; i++) {
        hyl__table_column info = {name, hyl_type_of(types[i]), true};
        const hyl__table table = {NULL, &info, 1};
        const hyl_colbuf column = {types[i], NULL, nulls};
        hyl__stage stage;
        size_t done = 0;
        size_t refused = 0;
        assert_ok(hyl__stage_init(&stage, &table, 1000, &err), &err);
        assert_ok(hyl__stage_put_columns(&stage, &column, 0, 2, &done, &refused, &err), &err);
        assert_int_equal(done, 2);
        assert_int_equal(stage.columns[0].null_count, 2);
        hyl__stage_reset(&stage);
    }
}

static void without_values_all_must_be_null(void **state)
{
    (void)state;
    static char name[] = "x";
    const hyl_type_id types[] = {HYL_TYPE_INT, HYL_TYPE_TEXT};
    const bool nulls[] = {true, true, false};
    for (size_t i = 0; i < 4; i++) {
        hyl__table_column info = {name, hyl_type_of(types[i % 2]), true};
        const hyl__table table = {NULL, &info, 1};
        const hyl_colbuf column = {types[i % 2], NULL, i < 2 ? nulls : NULL};
        hyl__stage stage;
        size_t done = 9;
        size_t refused = 9;
        assert_ok(hyl__stage_init(&stage, &table, 1000, &err), &err);
        assert_status(hyl__stage_put_columns(&stage, &column, 0, 3, &done, &refused, &err),
                      HYL_ERR_ARG, &err);
        assert_int_equal(done, i < 2 ? 2 : 0);
        assert_int_equal(refused, 0);
        hyl__stage_reset(&stage);
    }
}

/* Text stops with the value that makes the stage full, one row at least. */
static void long_text_fills_the_stage(void **state)
{
    (void)state;
    static char name[] = "x";
    static char text[5000];
    hyl__table_column info = {name, hyl_type_of(HYL_TYPE_TEXT), true};
    const hyl__table table = {NULL, &info, 1};
    const hyl_str values[] = {{text, 600}, {text, 400}, {text, 5000}, {text, 1}};
    const hyl_colbuf column = {HYL_TYPE_TEXT, values, NULL};
    hyl__stage stage;
    size_t done = 0;
    size_t refused = 0;
    memset(text, 't', sizeof text);
    assert_ok(hyl__stage_init(&stage, &table, 1000, &err), &err);
    for (size_t first = 0; first < 4; first += done) {
        assert_ok(hyl__stage_put_columns(&stage, &column, first, 4 - first, &done, &refused, &err),
                  &err);
        assert_int_equal(done, first == 0 ? 2 : 1);
        assert_int_equal(hyl__stage_is_full(&stage), first < 3);
        hyl__stage_clear(&stage);
    }
    hyl__stage_reset(&stage);
}

static void only_values_have_elements(void **state)
{
    (void)state;
    for (int id = HYL_TYPE_BOOL; id < HYL_TYPE_ARRAY; id++) {
        assert_true(hyl__colbuf_has_elements((hyl_type_id)id));
    }
    assert_false(hyl__colbuf_has_elements(HYL_TYPE_UNKNOWN));
    assert_false(hyl__colbuf_has_elements(HYL_TYPE_ARRAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_their_values),
        cmocka_unit_test(what_a_null_hides_is_not_kept),
        cmocka_unit_test(a_column_of_nulls_needs_no_values),
        cmocka_unit_test(without_values_all_must_be_null),
        cmocka_unit_test(long_text_fills_the_stage),
        cmocka_unit_test(only_values_have_elements),
    };
    return cmocka_run_group_tests_name("data/stage_columns", tests, NULL, NULL);
}
