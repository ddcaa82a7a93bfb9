#include "block.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    ALIGNMENT = 64,
    MAX_FREE = 4, /* kept for reuse: what one reader holds at a time, and some */
};

typedef struct pooled_block {
    hyl__block block; /* first: a hyl__block is a pooled_block */
    atomic_size_t refs;
    hyl__block_pool *pool;
    struct pooled_block *next;
} pooled_block;

struct hyl__block_pool {
    atomic_size_t refs; /* the owner's, and one for each block that is out */
    pthread_mutex_t lock;
    pooled_block *free_list;
    size_t free_count;
};

hyl_status hyl__block_pool_new(hyl__block_pool **out)
{
    hyl__block_pool *pool = hyl__calloc(1, sizeof *pool);
    if (pool == NULL) {
        return HYL_ERR_NOMEM;
    }
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        hyl__free(pool);
        return HYL_ERR_NOMEM;
    }
    atomic_init(&pool->refs, 1);
    *out = pool;
    return HYL_OK;
}

void hyl__block_pool_release(hyl__block_pool *pool)
{
    if (pool == NULL || atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    while (pool->free_list != NULL) {
        pooled_block *block = pool->free_list;
        pool->free_list = block->next;
        hyl__free(block);
    }
    pthread_mutex_destroy(&pool->lock);
    hyl__free(pool);
}

/* A free block that is large enough and not wastefully so. */
static pooled_block *take_free(hyl__block_pool *pool, size_t size)
{
    pooled_block *found = NULL;
    pthread_mutex_lock(&pool->lock);
    for (pooled_block **at = &pool->free_list; *at != NULL; at = &(*at)->next) {
        if ((*at)->block.cap >= size && (*at)->block.cap / 4 <= size) {
            found = *at;
            *at = found->next;
            pool->free_count--;
            break;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

static pooled_block *make_block(size_t size)
{
    size_t total = 0;
    if (!hyl__add_size(size, sizeof(pooled_block) + ALIGNMENT, &total)) {
        return NULL;
    }
    pooled_block *made = hyl__malloc(total);
    if (made != NULL) {
        uintptr_t start = (uintptr_t)(made + 1);
        uintptr_t aligned = (start + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        made->block.data = (uint8_t *)(made + 1) + (aligned - start);
        made->block.cap = size;
    }
    return made;
}

hyl_status hyl__block_new(hyl__block_pool *pool, size_t size, hyl__block **out)
{
    pooled_block *made = take_free(pool, size);
    if (made == NULL) {
        made = make_block(size);
    }
    if (made == NULL) {
        return HYL_ERR_NOMEM;
    }
    atomic_init(&made->refs, 1);
    made->pool = pool;
    atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
    *out = &made->block;
    return HYL_OK;
}

void hyl__block_retain(hyl__block *block)
{
    atomic_fetch_add_explicit(&((pooled_block *)block)->refs, 1, memory_order_relaxed);
}

void hyl__block_release(hyl__block *block)
{
    pooled_block *made = (pooled_block *)block;
    if (made == NULL || atomic_fetch_sub_explicit(&made->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    hyl__block_pool *pool = made->pool;
    pthread_mutex_lock(&pool->lock);
    bool keep = pool->free_count < MAX_FREE;
    if (keep) {
        made->next = pool->free_list;
        pool->free_list = made;
        pool->free_count++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!keep) {
        hyl__free(made);
    }
    hyl__block_pool_release(pool);
}
