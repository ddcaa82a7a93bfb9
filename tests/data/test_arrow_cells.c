#include "data/arrow_cells.h"

#include "support/test.h"

#include "value/hyperbinary.h"

#include <nanoarrow/nanoarrow.h>

static hyl_error err;

/* ---- Batches --------------------------------------------------------------------------------- */

enum { MAX_COLUMNS = 4 };

/* A schema of columns "a", "b" ... of Arrow formats. */
static void make_schema(struct ArrowSchema *schema, const char *const *formats, size_t count)
{
    ArrowSchemaInit(schema);
    assert_int_equal(ArrowSchemaSetTypeStruct(schema, (int64_t)count), 0);
    for (size_t i = 0; i < count; i++) {
        const char name[2] = {(char)('a' + i), '\0'};
        struct ArrowSchema *field = schema->children[i];
        bool is_list = strcmp(formats[i], "+l") == 0;
        assert_int_equal(ArrowSchemaSetFormat(field, formats[i]), 0);
        assert_int_equal(ArrowSchemaSetName(field, name), 0);
        if (is_list) {
            assert_int_equal(ArrowSchemaAllocateChildren(field, 1), 0);
            ArrowSchemaInit(field->children[0]);
            assert_int_equal(ArrowSchemaSetType(field->children[0], NANOARROW_TYPE_INT32), 0);
            assert_int_equal(ArrowSchemaSetName(field->children[0], "element"), 0);
        }
    }
}

static void start_batch(struct ArrowArray *batch, const struct ArrowSchema *schema)
{
    assert_int_equal(ArrowArrayInitFromSchema(batch, schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(batch), 0);
}

static void end_row(struct ArrowArray *batch)
{
    assert_int_equal(ArrowArrayFinishElement(batch), 0);
}

static void end_batch(struct ArrowArray *batch)
{
    assert_int_equal(ArrowArrayFinishBuildingDefault(batch, NULL), 0);
}

/* What the cells are shown in. */
static hyl_bytes shown[MAX_COLUMNS];
static hyl__cell_shape shapes[MAX_COLUMNS];

static void take(hyl__arrow_cells *cells, struct ArrowArray *batch)
{
    assert_ok(hyl__arrow_cells_take(cells, batch, shown, shapes, &err), &err);
    assert_null(batch->release);
}

static void next(hyl__arrow_cells *cells)
{
    assert_true(hyl__arrow_cells_has_next(cells));
    cells->row++;
    hyl__arrow_cells_look_up(cells);
}

static hyl_bytes cell_of(const hyl__arrow_cells *cells, size_t column)
{
    return hyl__cell_behind(shown[column], shapes[column], cells->row);
}

static void assert_cell(hyl_bytes cell, const void *bytes, size_t len)
{
    assert_non_null(cell.data);
    assert_int_equal(cell.len, len);
    assert_memory_equal(cell.data, bytes, len);
}

static void assert_null_cell(hyl_bytes cell)
{
    assert_null(cell.data);
    assert_int_equal(cell.len, 0);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void numbers_and_text_are_viewed(void **state)
{
    (void)state;
    static const char *const formats[] = {"i", "u", "l"};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    hyl__arrow_cells cells;
    make_schema(&schema, formats, 3);
    assert_ok(hyl__arrow_cells_init(&cells, &schema, &err), &err);
    assert_int_equal(cells.columns[0].type.id, HYL_TYPE_INT);
    assert_int_equal(cells.columns[1].type.id, HYL_TYPE_TEXT);
    assert_int_equal(cells.columns[2].type.id, HYL_TYPE_BIGINT);
    /* The first batch has no NULL, the second some, the third none again. */
    for (int round = 0; round < 3; round++) {
        start_batch(&batch, &schema);
        for (int32_t i = 0; i < 20; i++) {
            bool null = round == 1 && i % 3 == 0;
            char text[16];
            snprintf(text, sizeof text, "t%d", i);
            assert_int_equal(null ? ArrowArrayAppendNull(batch.children[0], 1)
                                  : ArrowArrayAppendInt(batch.children[0], i),
                             0);
            assert_int_equal(null ? ArrowArrayAppendNull(batch.children[1], 1)
                                  : ArrowArrayAppendString(batch.children[1], ArrowCharView(text)),
                             0);
            assert_int_equal(ArrowArrayAppendInt(batch.children[2], -i), 0);
            end_row(&batch);
        }
        end_batch(&batch);
        const void *values = batch.children[2]->buffers[1];
        take(&cells, &batch);
        assert_ptr_equal(cell_of(&cells, 2).data, values);
        assert_int_equal(shapes[0].stride, round == 1 ? 0 : 4);
        assert_int_equal(shapes[1].stride, 0);
        assert_int_equal(shapes[2].stride, 8);
        for (int32_t i = 0; i < 20; i++) {
            char text[16];
            const int64_t whole = -i;
            snprintf(text, sizeof text, "t%d", i);
            assert_int_equal(cells.row, i);
            if (round == 1 && i % 3 == 0) {
                assert_null_cell(cell_of(&cells, 0));
                assert_null_cell(cell_of(&cells, 1));
            } else {
                assert_cell(cell_of(&cells, 0), &i, sizeof i);
                assert_cell(cell_of(&cells, 1), text, strlen(text));
            }
            assert_cell(cell_of(&cells, 2), &whole, sizeof whole);
            if (i < 19) {
                next(&cells);
            }
        }
    }
    hyl__arrow_cells_reset(&cells);
    schema.release(&schema);
}

static void what_lies_otherwise_is_rewritten(void **state)
{
    (void)state;
    static const char *const formats[] = {"b", "tdm", "tsu:", "d:5,2"};
    static const int32_t day = 2451545;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    struct ArrowDecimal decimal;
    hyl__arrow_cells cells;
    make_schema(&schema, formats, 4);
    assert_ok(hyl__arrow_cells_init(&cells, &schema, &err), &err);
    ArrowDecimalInit(&decimal, 128, 5, 2);
    start_batch(&batch, &schema);
    for (int64_t i = 0; i < 10; i++) {
        ArrowDecimalSetInt(&decimal, i * -125);
        assert_int_equal(ArrowArrayAppendInt(batch.children[0], i % 2), 0);
        /* 2000-01-01 and the days behind it. */
        assert_int_equal(ArrowArrayAppendInt(batch.children[1], (10957 + i) * 86400000), 0);
        assert_int_equal(ArrowArrayAppendInt(batch.children[2], (10957 + i) * 86400000000), 0);
        assert_int_equal(ArrowArrayAppendDecimal(batch.children[3], &decimal), 0);
        end_row(&batch);
    }
    end_batch(&batch);
    take(&cells, &batch);
    for (int64_t i = 0; i < 10; i++) {
        const uint8_t truth = (uint8_t)(i % 2);
        const int32_t date = day + (int32_t)i;
        const uint64_t at = (uint64_t)date * UINT64_C(86400000000);
        const int64_t low = i * -125;
        assert_cell(cell_of(&cells, 0), &truth, 1);
        assert_cell(cell_of(&cells, 1), &date, sizeof date);
        assert_cell(cell_of(&cells, 2), &at, sizeof at);
        assert_cell(cell_of(&cells, 3), &low, sizeof low);
        if (i < 9) {
            next(&cells);
        }
    }
    assert_false(hyl__arrow_cells_has_next(&cells));
    hyl__arrow_cells_reset(&cells);
    schema.release(&schema);
}

/* Lists become the payload that a DataRow has: the values, then the null bits. */
static void lists_become_arrays(void **state)
{
    (void)state;
    static const char *const formats[] = {"+l"};
    static const uint8_t two_and_null[] = {7, 0, 0, 0, 0, 0, 0, 0, 2};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    hyl__arrow_cells cells;
    make_schema(&schema, formats, 1);
    assert_ok(hyl__arrow_cells_init(&cells, &schema, &err), &err);
    assert_int_equal(cells.columns[0].type.id, HYL_TYPE_ARRAY);
    assert_int_equal(cells.columns[0].type.element, HYL_TYPE_INT);
    start_batch(&batch, &schema);
    assert_int_equal(ArrowArrayAppendInt(batch.children[0]->children[0], 7), 0);
    assert_int_equal(ArrowArrayAppendNull(batch.children[0]->children[0], 1), 0);
    assert_int_equal(ArrowArrayFinishElement(batch.children[0]), 0);
    end_row(&batch);
    assert_int_equal(ArrowArrayAppendNull(batch.children[0], 1), 0);
    end_row(&batch);
    assert_int_equal(ArrowArrayFinishElement(batch.children[0]), 0); /* an empty one */
    end_row(&batch);
    end_batch(&batch);
    take(&cells, &batch);
    assert_cell(cell_of(&cells, 0), two_and_null, sizeof two_and_null);
    next(&cells);
    assert_null_cell(cell_of(&cells, 0));
    next(&cells);
    assert_non_null(cell_of(&cells, 0).data);
    assert_int_equal(cell_of(&cells, 0).len, 0);
    assert_false(hyl__arrow_cells_has_next(&cells));
    hyl__arrow_cells_reset(&cells);
    schema.release(&schema);
}

/* An empty value is no NULL, though there be no bytes in the whole batch. */
static void empty_is_not_null(void **state)
{
    (void)state;
    static const char *const formats[] = {"u"};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    hyl__arrow_cells cells;
    make_schema(&schema, formats, 1);
    assert_ok(hyl__arrow_cells_init(&cells, &schema, &err), &err);
    start_batch(&batch, &schema);
    assert_int_equal(ArrowArrayAppendString(batch.children[0], ArrowCharView("")), 0);
    end_row(&batch);
    end_batch(&batch);
    batch.children[0]->buffers[2] = NULL;
    take(&cells, &batch);
    assert_non_null(cell_of(&cells, 0).data);
    assert_int_equal(cell_of(&cells, 0).len, 0);
    hyl__arrow_cells_reset(&cells);
    schema.release(&schema);
}

static void a_format_that_the_server_does_not_send_is_refused(void **state)
{
    (void)state;
    static const char *const unknown[] = {"c",    "C",   "L",    "U", "vu",         "tdD", "tsn:",
                                          "tss:", "ttn", "w:16", "n", "d:76,2,256", "tDu", "I"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        const char *const formats[] = {"i", unknown[i]};
        struct ArrowSchema schema;
        hyl__arrow_cells cells;
        make_schema(&schema, formats, 2);
        if (hyl__arrow_cells_init(&cells, &schema, &err) != HYL_ERR_UNSUPPORTED) {
            fail_msg("%s was taken", unknown[i]);
        }
        assert_non_null(strstr(err.message, "column 2 \"b\""));
        hyl__arrow_cells_reset(&cells);
        schema.release(&schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_text_are_viewed),
        cmocka_unit_test(what_lies_otherwise_is_rewritten),
        cmocka_unit_test(lists_become_arrays),
        cmocka_unit_test(empty_is_not_null),
        cmocka_unit_test(a_format_that_the_server_does_not_send_is_refused),
    };
    return cmocka_run_group_tests_name("data/arrow_cells", tests, NULL, NULL);
}
