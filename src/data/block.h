/*
 * Blocks of memory that received data land in and that record batches point into: reference-counted
 * atomically, because batches are released on any thread, and reused through a small free list,
 * because the system takes longer to hand out fresh pages than the server to fill them.
 */
#ifndef HYL_DATA_BLOCK_H
#define HYL_DATA_BLOCK_H

#include <hyperline/base.h>

typedef struct hyl__block_pool hyl__block_pool;

typedef struct hyl__block {
    uint8_t *data; /* aligned to 64 bytes */
    size_t cap;
} hyl__block;

/* Errors: NOMEM. */
hyl_status hyl__block_pool_new(hyl__block_pool **out);
/* The pool goes when its last block has gone. */
void hyl__block_pool_release(hyl__block_pool *pool);

/* A block of at least `size` bytes with one reference. Errors: NOMEM. */
hyl_status hyl__block_new(hyl__block_pool *pool, size_t size, hyl__block **out);
/* Both may be called on any thread. */
void hyl__block_retain(hyl__block *block);
void hyl__block_release(hyl__block *block);

#endif
