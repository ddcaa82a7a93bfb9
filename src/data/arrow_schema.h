/*
 * What is mended of the server's Arrow: the time zone "Utc", which no other reader knows, becomes
 * "UTC"; date64 becomes date32; every field tells its Hyper type. And what is mended of any IPC:
 * arrays of no values get their offset.
 */
#ifndef HYL_DATA_ARROW_SCHEMA_H
#define HYL_DATA_ARROW_SCHEMA_H

#include <nanoarrow/nanoarrow.h>

#include <stdbool.h>

/*
 * Makes *out the mended copy of `sent`. *has_date64: batches need hyl__batch_repair.
 * Returns an errno number, as nanoarrow does.
 */
int hyl__schema_repair(const struct ArrowSchema *sent, struct ArrowSchema *out, bool *has_date64,
                       struct ArrowError *why);

/* Brings what is date64 in `sent` to date32, in arrays too. Returns an errno number. */
int hyl__batch_repair(struct ArrowArray *batch, const struct ArrowSchema *sent);

/*
 * Of arrays without a value IPC may leave the offsets out. The C data interface demands one, which
 * they get here; children too. Returns an errno number.
 */
int hyl__batch_add_offsets(struct ArrowArray *batch);

#endif
