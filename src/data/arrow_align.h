/* Buffers of a batch aligned as some readers want them, to 64 bytes; Arrow asks for 8. */
#ifndef HYL_DATA_ARROW_ALIGN_H
#define HYL_DATA_ARROW_ALIGN_H

#include <nanoarrow/nanoarrow.h>

#include "block.h"

/*
 * Copies every buffer of the batch that is not aligned to 64 bytes into a block of the pool.
 * Errors: NOMEM; the batch is then whole, and still the caller's.
 */
hyl_status hyl__batch_align(struct ArrowArray *batch, hyl__block_pool *pool);

#endif
