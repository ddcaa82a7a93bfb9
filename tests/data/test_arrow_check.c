/* Arrays and schemas that lie about themselves are refused before nanoarrow reads them. */
#include "data/arrow_check.h"

#include "support/test.h"

static hyl_error err;

/* ---- An array that may be tampered with ---------------------------------------------------- */

typedef struct rig {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView view;
} rig;

static void start(rig *r, const char *format)
{
    memset(r, 0, sizeof *r);
    ArrowSchemaInit(&r->schema);
    assert_int_equal(ArrowSchemaSetFormat(&r->schema, format), 0);
}

static void fill(rig *r)
{
    assert_int_equal(ArrowArrayInitFromSchema(&r->array, &r->schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(&r->array), 0);
}

static void finish(rig *r)
{
    assert_int_equal(ArrowArrayFinishBuildingDefault(&r->array, NULL), 0);
    assert_int_equal(ArrowArrayViewInitFromSchema(&r->view, &r->schema, NULL), 0);
    assert_ok(hyl__arrow_view_set(&r->view, &r->array, &err), &err);
}

static void end(rig *r)
{
    ArrowArrayViewReset(&r->view);
    ArrowArrayRelease(&r->array);
    ArrowSchemaRelease(&r->schema);
}

/* Four texts, the third NULL. */
static void start_texts(rig *r, const char *format)
{
    start(r, format);
    fill(r);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            i == 2 ? ArrowArrayAppendNull(&r->array, 1)
                   : ArrowArrayAppendString(&r->array, ArrowCharView("a text of twenty bytes")),
            0);
    }
    finish(r);
}

static void assert_refused(rig *r, const char *part)
{
    assert_status(hyl__arrow_view_set(&r->view, &r->array, &err), HYL_ERR_ARG, &err);
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", err.message, part);
    }
}

/* ---- Arrays -------------------------------------------------------------------------------- */

static void lengths_that_no_memory_has_are_refused(void **state)
{
    static const int64_t bad[][2] = {{-1, 0},        {4, -1},        {INT64_MAX, 0},
                                     {4, INT64_MAX}, {INT64_MAX, 1}, {INT64_MAX / 64, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rig r;
        start_texts(&r, "u");
        r.array.length = bad[i][0];
        r.array.offset = bad[i][1];
        assert_refused(&r, "length");
        end(&r);
    }
}

static void buffers_are_as_many_as_the_type_has(void **state)
{
    static const char *const formats[] = {"u", "vu"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        rig r;
        start_texts(&r, formats[i]);
        const int64_t n_buffers = r.array.n_buffers;
        const void **buffers = r.array.buffers;
        r.array.n_buffers = 0;
        assert_refused(&r, "the array has 0 buffers");
        r.array.n_buffers = 2;
        assert_refused(&r, "the array has 2 buffers");
        r.array.n_buffers = n_buffers;
        r.array.buffers = NULL;
        assert_refused(&r, "buffers");
        r.array.buffers = buffers;
        end(&r);
    }
}

static void buffers_of_views_have_sizes(void **state)
{
    rig r;
    (void)state;
    start_texts(&r, "vu");
    const void **buffers = r.array.buffers;
    const int64_t n_buffers = r.array.n_buffers;
    int64_t negative[4] = {-1, -1, -1, -1};
    const void *tampered[4] = {buffers[0], buffers[1], buffers[2], NULL};
    assert_int_equal(n_buffers, 4);
    r.array.buffers = tampered;
    assert_refused(&r, "no buffer 2");
    tampered[3] = negative;
    assert_refused(&r, "no buffer 2");
    tampered[2] = NULL;
    tampered[3] = buffers[3];
    assert_refused(&r, "no buffer 2");
    r.array.buffers = buffers;
    end(&r);
}

static void released_arrays_and_missing_parts_are_refused(void **state)
{
    rig r;
    (void)state;
    start_texts(&r, "u");
    void (*release)(struct ArrowArray *) = r.array.release;
    r.array.release = NULL;
    assert_refused(&r, "was released");
    r.array.release = release;
    struct ArrowArray child = r.array;
    struct ArrowArray *one[1] = {&child};
    r.array.n_children = 1;
    r.array.children = one;
    assert_refused(&r, "the array has 1 children where 0 are needed");
    r.array.children = NULL;
    r.array.n_children = 0;
    end(&r);

    start(&r, "+s");
    assert_int_equal(ArrowSchemaAllocateChildren(&r.schema, 1), 0);
    ArrowSchemaInit(r.schema.children[0]);
    assert_int_equal(ArrowSchemaSetType(r.schema.children[0], NANOARROW_TYPE_INT32), 0);
    fill(&r);
    finish(&r);
    struct ArrowArray **children = r.array.children;
    struct ArrowArray *none[1] = {NULL};
    r.array.children = NULL;
    assert_refused(&r, "the array lacks the children that it announces");
    r.array.children = none;
    assert_refused(&r, "not there");
    r.array.children = children;
    end(&r);
}

static void offsets_of_nulls_decrease_no_more_than_others(void **state)
{
    static const char *const formats[] = {"u", "Z"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        rig r;
        start_texts(&r, formats[i]);
        const void **buffers = r.array.buffers;
        const void *tampered[3] = {buffers[0], NULL, buffers[2]};
        const int32_t ends[] = {0, 22, 44, 43, 66};
        const int64_t large_ends[] = {0, 22, 44, 43, 66};
        tampered[1] = i == 0 ? (const void *)ends : (const void *)large_ends;
        r.array.buffers = tampered;
        assert_refused(&r, "offsets decrease");
        r.array.buffers = buffers;
        end(&r);
    }
}

static void runs_end_one_behind_the_other(void **state)
{
    static const int32_t bad[][3] = {{2, 2, 9}, {5, 3, 9}, {2, -1, 9}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rig r;
        memset(&r, 0, sizeof r);
        assert_int_equal(ArrowSchemaInitFromType(&r.schema, NANOARROW_TYPE_UNINITIALIZED), 0);
        assert_int_equal(ArrowSchemaSetTypeRunEndEncoded(&r.schema, NANOARROW_TYPE_INT32), 0);
        assert_int_equal(ArrowSchemaSetType(r.schema.children[1], NANOARROW_TYPE_INT32), 0);
        fill(&r);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(ArrowArrayAppendInt(r.array.children[0], k * 3 + 3), 0);
            assert_int_equal(ArrowArrayAppendInt(r.array.children[1], k), 0);
        }
        r.array.length = 9;
        finish(&r);
        const void **buffers = r.array.children[0]->buffers;
        const void *tampered[2] = {NULL, bad[i]};
        r.array.children[0]->buffers = tampered;
        assert_refused(&r, "run 2 ends at");
        r.array.children[0]->buffers = buffers;
        end(&r);
    }
}

static void nulls_that_are_not_counted_are_none_without_a_bitmap(void **state)
{
    rig r;
    (void)state;
    start(&r, "i");
    fill(&r);
    assert_int_equal(ArrowArrayAppendInt(&r.array, 1), 0);
    finish(&r);
    r.array.null_count = -1;
    assert_ok(hyl__arrow_view_set(&r.view, &r.array, &err), &err);
    assert_int_equal(r.array.null_count, 0);
    end(&r);
}

/* ---- Schemas ------------------------------------------------------------------------------- */

static void schemas_have_what_they_announce(void **state)
{
    rig r;
    (void)state;
    start(&r, "w:16");
    assert_ok(hyl__arrow_check_schema(&r.schema, &err), &err);
    assert_int_equal(ArrowSchemaSetFormat(&r.schema, "w:99999999999"), 0);
    assert_status(hyl__arrow_check_schema(&r.schema, &err), HYL_ERR_ARG, &err);
    assert_int_equal(ArrowSchemaSetFormat(&r.schema, "+w:4294967297"), 0);
    assert_status(hyl__arrow_check_schema(&r.schema, &err), HYL_ERR_ARG, &err);
    assert_int_equal(ArrowSchemaSetFormat(&r.schema, "+s"), 0);
    r.schema.n_children = 1;
    assert_status(hyl__arrow_check_schema(&r.schema, &err), HYL_ERR_ARG, &err);
    struct ArrowSchema *none[1] = {NULL};
    r.schema.children = none;
    assert_status(hyl__arrow_check_schema(&r.schema, &err), HYL_ERR_ARG, &err);
    r.schema.children = NULL;
    r.schema.n_children = -1;
    assert_status(hyl__arrow_check_schema(&r.schema, &err), HYL_ERR_ARG, &err);
    r.schema.n_children = 0;
    ArrowSchemaRelease(&r.schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_that_no_memory_has_are_refused),
        cmocka_unit_test(buffers_are_as_many_as_the_type_has),
        cmocka_unit_test(buffers_of_views_have_sizes),
        cmocka_unit_test(released_arrays_and_missing_parts_are_refused),
        cmocka_unit_test(offsets_of_nulls_decrease_no_more_than_others),
        cmocka_unit_test(runs_end_one_behind_the_other),
        cmocka_unit_test(nulls_that_are_not_counted_are_none_without_a_bitmap),
        cmocka_unit_test(schemas_have_what_they_announce),
    };
    return cmocka_run_group_tests_name("data/arrow_check", tests, NULL, NULL);
}
