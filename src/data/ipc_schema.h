/* The schema of an Arrow IPC stream or file, from its message. */
#ifndef HYL_DATA_IPC_SCHEMA_H
#define HYL_DATA_IPC_SCHEMA_H

#include "flatbuf.h"

#include <nanoarrow/nanoarrow.h>

/* A dictionary-encoded field, and the number that its dictionary's messages have. */
typedef struct hyl__ipc_encoding {
    const struct ArrowSchema *field;
    int64_t id;
} hyl__ipc_encoding;

typedef struct hyl__ipc_schema {
    struct ArrowSchema root;
    hyl__ipc_encoding *encodings; /* in the order in which a walk meets their fields */
    size_t encoding_count;
} hyl__ipc_schema;

/*
 * Reads a Schema table. All of Arrow's types are known, views, run-end encoding and dictionaries
 * too.
 * Errors: ARG (no schema), UNSUPPORTED (of the other byte order; a type that is not known), NOMEM.
 */
HYL_NODISCARD hyl_status hyl__ipc_schema_read(const hyl__fb_table *table, hyl__ipc_schema *out,
                                              hyl_error *err);
void hyl__ipc_schema_reset(hyl__ipc_schema *schema);

/*
 * A dictionary-encoded field's number. *hint is where the search begins, and where to begin the next:
 * a walk in order finds each at once.
 */
int64_t hyl__ipc_schema_find(const hyl__ipc_schema *schema, const struct ArrowSchema *field,
                             size_t *hint);

#endif
