/*
 * Record batches and dictionaries of an Arrow IPC stream or file, from their messages: arrays whose
 * buffers point into the message's body, or, where that is compressed, into memory of their own.
 * The bytes come from anywhere: what is handed out has been checked in full, so that no reader of
 * the arrays can be led out of their buffers.
 */
#ifndef HYL_DATA_IPC_BATCH_H
#define HYL_DATA_IPC_BATCH_H

#include "ipc_schema.h"

/* The values of a dictionary, as the last message of its number has brought them. */
typedef struct hyl__ipc_dictionary {
    const struct ArrowSchema *values; /* their type */
    int64_t id;
    struct ArrowArray array; /* release == NULL: they have not come */
} hyl__ipc_dictionary;

typedef struct hyl__ipc_batches {
    const hyl__ipc_schema *schema;
    hyl__ipc_dictionary *dictionaries; /* one for each number, in their order */
    size_t dictionary_count;
} hyl__ipc_batches;

/* The schema must outlive them. Errors: ARG (two types for one dictionary), NOMEM. */
HYL_NODISCARD hyl_status hyl__ipc_batches_init(hyl__ipc_batches *batches,
                                               const hyl__ipc_schema *schema, hyl_error *err);
void hyl__ipc_batches_reset(hyl__ipc_batches *batches);

/*
 * A record batch. `table`: a RecordBatch. `body`: the message's, a shared buffer.
 * Errors: ARG (damaged), UNSUPPORTED (a compression that this build does not have), NOMEM.
 */
HYL_NODISCARD hyl_status hyl__ipc_batch_read(const hyl__ipc_batches *batches,
                                             const hyl__fb_table *table, struct ArrowBuffer *body,
                                             struct ArrowArray *out, hyl_error *err);
/*
 * A DictionaryBatch: takes its values in, in place of those before.
 * Errors: as above; UNSUPPORTED (a delta).
 */
HYL_NODISCARD hyl_status hyl__ipc_dictionary_read(hyl__ipc_batches *batches,
                                                  const hyl__fb_table *table,
                                                  struct ArrowBuffer *body, hyl_error *err);

#endif
