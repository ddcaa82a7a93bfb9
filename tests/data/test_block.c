#include "support/test.h"

#include "support/alloc.h"

#include "data/block.h"

#include <pthread.h>

static hyl__block *new_block(hyl__block_pool *pool, size_t size)
{
    hyl__block *block = NULL;
    assert_int_equal(hyl__block_new(pool, size, &block), HYL_OK);
    assert_true(block->cap >= size);
    assert_int_equal((uintptr_t)block->data % 64, 0);
    memset(block->data, 0x5a, size);
    return block;
}

static void blocks_are_aligned_and_large_enough(void **state)
{
    (void)state;
    hyl__block_pool *pool = NULL;
    alloc_start(ALLOC_NEVER);
    assert_int_equal(hyl__block_pool_new(&pool), HYL_OK);
    for (size_t size = 0; size < 300; size++) {
        hyl__block_release(new_block(pool, size));
    }
    hyl__block_pool_release(pool);
    alloc_stop();
}

static void a_released_block_is_used_again(void **state)
{
    (void)state;
    hyl__block_pool *pool = NULL;
    assert_int_equal(hyl__block_pool_new(&pool), HYL_OK);
    hyl__block *first = new_block(pool, 1000);
    hyl__block_release(first);
    hyl__block *second = new_block(pool, 900);
    assert_ptr_equal(second, first);
    hyl__block_release(second);
    /* Not where most of it would lie idle, nor where it is too small. */
    hyl__block *small = new_block(pool, 10);
    hyl__block *large = new_block(pool, 1001);
    assert_ptr_not_equal(small, first);
    assert_ptr_not_equal(large, first);
    hyl__block_release(small);
    hyl__block_release(large);
    hyl__block_pool_release(pool);
}

static void few_free_blocks_are_kept(void **state)
{
    (void)state;
    enum { COUNT = 20, SIZE = 100000 };
    hyl__block_pool *pool = NULL;
    hyl__block *blocks[COUNT];
    alloc_start(ALLOC_NEVER);
    assert_int_equal(hyl__block_pool_new(&pool), HYL_OK);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            blocks[i] = new_block(pool, SIZE);
        }
        for (int i = 0; i < COUNT; i++) {
            hyl__block_release(blocks[i]);
        }
    }
    /* What is kept between rounds is not in the way of the next: the peak is one round's. */
    assert_true(alloc_peak() < (size_t)(COUNT + 1) * SIZE);
    hyl__block_pool_release(pool);
    alloc_stop();
}

static void blocks_outlive_their_pool_and_each_reference(void **state)
{
    (void)state;
    hyl__block_pool *pool = NULL;
    alloc_start(ALLOC_NEVER);
    assert_int_equal(hyl__block_pool_new(&pool), HYL_OK);
    hyl__block *block = new_block(pool, 100);
    hyl__block *other = new_block(pool, 100);
    hyl__block_retain(block);
    hyl__block_pool_release(pool);
    hyl__block_release(block);
    assert_int_equal(block->data[99], 0x5a);
    hyl__block_release(other);
    assert_int_equal(block->data[99], 0x5a);
    hyl__block_release(block);
    hyl__block_release(NULL);
    hyl__block_pool_release(NULL);
    alloc_stop();
}

static void without_memory_there_is_no_block(void **state)
{
    (void)state;
    hyl__block_pool *pool = NULL;
    hyl__block *block = NULL;
    alloc_start(1);
    assert_int_equal(hyl__block_pool_new(&pool), HYL_ERR_NOMEM);
    alloc_stop();
    alloc_start(2);
    assert_int_equal(hyl__block_pool_new(&pool), HYL_OK);
    assert_int_equal(hyl__block_new(pool, 10, &block), HYL_ERR_NOMEM);
    assert_int_equal(hyl__block_new(pool, SIZE_MAX, &block), HYL_ERR_NOMEM);
    hyl__block_release(new_block(pool, 10));
    hyl__block_pool_release(pool);
    alloc_stop();
}

/* ---- Threads ------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 2000 };

/* Takes blocks of one pool, marks them, and finds nobody else's mark in them. */
static void *use_blocks(void *arg)
{
    hyl__block_pool *pool = arg;
    uint8_t mark = (uint8_t)(uintptr_t)&pool;
    bool sound = true;
    for (int i = 0; i < ROUNDS && sound; i++) {
        hyl__block *block = NULL;
        sound = hyl__block_new(pool, 4096, &block) == HYL_OK;
        memset(block->data, mark, 4096);
        hyl__block_retain(block);
        hyl__block_release(block);
        for (int at = 0; at < 4096; at++) {
            sound = sound && block->data[at] == mark;
        }
        hyl__block_release(block);
    }
    return sound ? arg : NULL;
}

static void a_pool_serves_several_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    hyl__block_pool *pool = NULL;
    assert_int_equal(hyl__block_pool_new(&pool), HYL_OK);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_blocks, pool), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *sound = NULL;
        assert_int_equal(pthread_join(threads[i], &sound), 0);
        assert_ptr_equal(sound, pool);
    }
    hyl__block_pool_release(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_large_enough),
        cmocka_unit_test(a_released_block_is_used_again),
        cmocka_unit_test(few_free_blocks_are_kept),
        cmocka_unit_test(blocks_outlive_their_pool_and_each_reference),
        cmocka_unit_test(without_memory_there_is_no_block),
        cmocka_unit_test(a_pool_serves_several_threads),
    };
    return cmocka_run_group_tests_name("data/block", tests, NULL, NULL);
}
