#include "data/arrow_align.h"

#include "support/test.h"

/* Text, whose buffers are of three kinds, in memory of any alignment. */
static struct ArrowArray make_texts(int64_t count)
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    ArrowSchemaInit(&schema);
    assert_int_equal(ArrowSchemaSetTypeStruct(&schema, 1), 0);
    assert_int_equal(ArrowSchemaSetType(schema.children[0], NANOARROW_TYPE_STRING), 0);
    assert_int_equal(ArrowArrayInitFromSchema(&array, &schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(&array), 0);
    for (int64_t i = 0; i < count; i++) {
        char text[24];
        snprintf(text, sizeof text, "text %d", (int)i);
        int code = i % 5 == 4 ? ArrowArrayAppendNull(array.children[0], 1)
                              : ArrowArrayAppendString(array.children[0], ArrowCharView(text));
        assert_int_equal(code, 0);
        assert_int_equal(ArrowArrayFinishElement(&array), 0);
    }
    assert_int_equal(ArrowArrayFinishBuildingDefault(&array, NULL), 0);
    schema.release(&schema);
    return array;
}

static void check_texts(const struct ArrowArray *array, int64_t count)
{
    const struct ArrowArray *texts = array->children[0];
    const int32_t *ends = texts->buffers[1];
    const char *bytes = texts->buffers[2];
    assert_int_equal(texts->length, count);
    for (int64_t i = 0; i < count; i++) {
        char text[24];
        int len = snprintf(text, sizeof text, "text %d", (int)i);
        if (i % 5 < 4) {
            assert_int_equal(ends[i + 1] - ends[i], len);
            assert_memory_equal(bytes + ends[i], text, (size_t)len);
        }
    }
}

static void every_buffer_is_aligned_and_the_same(void **state)
{
    (void)state;
    hyl__block_pool *pool = NULL;
    assert_int_equal(hyl__block_pool_new(&pool), HYL_OK);
    for (int64_t count = 0; count < 3000; count = count * 3 + 1) {
        struct ArrowArray array = make_texts(count);
        assert_int_equal(hyl__batch_align(&array, pool), HYL_OK);
        for (int i = 0; i < 3; i++) {
            assert_int_equal((uintptr_t)array.children[0]->buffers[i] % 64, 0);
        }
        check_texts(&array, count);
        /* Once more: there is nothing left to copy. */
        const void *bytes = array.children[0]->buffers[2];
        assert_int_equal(hyl__batch_align(&array, pool), HYL_OK);
        assert_ptr_equal(array.children[0]->buffers[2], bytes);
        array.release(&array);
    }
    hyl__block_pool_release(pool);
}

static void copies_outlive_their_pools_owner(void **state)
{
    (void)state;
    hyl__block_pool *pool = NULL;
    assert_int_equal(hyl__block_pool_new(&pool), HYL_OK);
    struct ArrowArray array = make_texts(100);
    assert_int_equal(hyl__batch_align(&array, pool), HYL_OK);
    hyl__block_pool_release(pool);
    check_texts(&array, 100);
    array.release(&array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_buffer_is_aligned_and_the_same),
        cmocka_unit_test(copies_outlive_their_pools_owner),
    };
    return cmocka_run_group_tests_name("data/arrow_align", tests, NULL, NULL);
}
