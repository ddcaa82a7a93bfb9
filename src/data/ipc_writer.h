/*
 * The stage's rows as an Arrow IPC stream, as the server wants it: fields of exactly the table's
 * names, types and nullability.
 */
#ifndef HYL_DATA_IPC_WRITER_H
#define HYL_DATA_IPC_WRITER_H

#include "stage.h"

typedef struct hyl__ipc_writer hyl__ipc_writer;

/*
 * True where Arrow has what is in the stage and may come: no uuid, no value too far. False in a
 * build without Arrow.
 */
bool hyl__ipc_suits(const hyl__stage *stage);

/* Errors: NOMEM, UNSUPPORTED (without Arrow). */
HYL_NODISCARD hyl_status hyl__ipc_writer_new(const hyl__stage *stage, hyl__ipc_writer **out,
                                             hyl_error *err);
void hyl__ipc_writer_free(hyl__ipc_writer *writer);

/* One message: its bytes, which lie where they are. */
typedef struct hyl__ipc_message {
    const hyl_bytes *pieces;
    size_t count;
} hyl__ipc_message;

/*
 * The message that the stream starts with.
 * Errors: NOMEM. Lifetime: until the next call of this function.
 */
HYL_NODISCARD hyl_status hyl__ipc_writer_schema(hyl__ipc_writer *writer, hyl__ipc_message *out,
                                                hyl_error *err);
/*
 * A record batch of the stage's rows. Its pieces are the stage's own arrays, whose values become
 * Arrow's in place: the stage is to be cleared when they are sent.
 * Errors: NOMEM. Lifetime: until the next call of this function, or of the stage.
 */
HYL_NODISCARD hyl_status hyl__ipc_writer_batch(hyl__ipc_writer *writer, hyl__stage *stage,
                                               hyl__ipc_message *out, hyl_error *err);

#endif
