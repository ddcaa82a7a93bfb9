#include "arrow_align.h"

#include <string.h>

enum { ALIGNMENT = 64 };

static void give_block_back(struct ArrowBufferAllocator *allocator, uint8_t *data, int64_t size)
{
    (void)data;
    (void)size;
    hyl__block_release(allocator->private_data);
}

static hyl_status align_buffer(struct ArrowArray *array, int64_t index, hyl__block_pool *pool)
{
    const struct ArrowBuffer *buffer = ArrowArrayBuffer(array, index);
    hyl__block *block = NULL;
    if ((uintptr_t)buffer->data % ALIGNMENT == 0) {
        return HYL_OK;
    }
    /* One that is empty has a place too. */
    HYL_TRY(hyl__block_new(pool, (size_t)buffer->size_bytes + 1, &block));
    memcpy(block->data, buffer->data, (size_t)buffer->size_bytes);
    struct ArrowBuffer copy = {block->data, buffer->size_bytes, buffer->size_bytes,
                               ArrowBufferDeallocator(&give_block_back, block)};
    return ArrowArraySetBuffer(array, index, &copy) == NANOARROW_OK ? HYL_OK : HYL_ERR_NOMEM;
}

hyl_status hyl__batch_align(struct ArrowArray *batch, hyl__block_pool *pool)
{
    for (int64_t i = 0; i < batch->n_buffers; i++) {
        HYL_TRY(align_buffer(batch, i, pool));
    }
    for (int64_t i = 0; i < batch->n_children; i++) {
        HYL_TRY(hyl__batch_align(batch->children[i], pool));
    }
    return HYL_OK;
}
