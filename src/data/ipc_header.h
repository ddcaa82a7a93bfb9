/*
 * The header of a record batch in an Arrow IPC stream: a flatbuffer whose shape follows from the
 * number of columns and buffers, so that only numbers change from batch to batch. Written here, and
 * not by nanoarrow, because its encoder copies all values into one body.
 * Formats: arrow.apache.org/docs/format/Columnar.html (encapsulated messages; Message.fbs) and
 * flatbuffers.dev/internals.
 */
#ifndef HYL_DATA_IPC_HEADER_H
#define HYL_DATA_IPC_HEADER_H

#include <hyperline/base.h>

typedef struct hyl__ipc_header {
    uint8_t *bytes;
    size_t size;
    size_t next_node;   /* where the next column's node is written */
    size_t next_buffer; /* where the next buffer's place is */
    size_t body_size;   /* of the buffers so far, each rounded up to 8 bytes */
} hyl__ipc_header;

/*
 * For batches of so many columns and, in all of them together, buffers.
 * Errors: NOMEM.
 */
HYL_NODISCARD hyl_status hyl__ipc_header_init(hyl__ipc_header *header, size_t columns,
                                              size_t buffers);
void hyl__ipc_header_reset(hyl__ipc_header *header);

/*
 * One batch: begin; for each column its node and its buffers in the order that they have in the
 * body, as many as were announced; then header->bytes is the header of a body of
 * header->body_size bytes, once hyl__ipc_header_end was called.
 */
void hyl__ipc_header_begin(hyl__ipc_header *header, size_t rows);
void hyl__ipc_header_node(hyl__ipc_header *header, size_t rows, size_t null_count);
void hyl__ipc_header_buffer(hyl__ipc_header *header, size_t size);
void hyl__ipc_header_end(hyl__ipc_header *header);

/* A size rounded up to the 8 bytes that the buffers of a body are aligned to. */
static inline size_t hyl__ipc_padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

#endif
