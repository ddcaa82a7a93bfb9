#include "ipc_header.h"

#include "base/endian.h"
#include "base/mem.h"

/*
 * Where everything is, counted from the message's first byte. The flatbuffer begins behind the
 * continuation mark and its own size; offsets within it are relative to where they stand. A table
 * begins with the distance back to its vtable, which has the sizes of both and each field's place.
 */
enum {
    FLATBUFFER = 8,

    MESSAGE_VTABLE = FLATBUFFER + 4,
    MESSAGE = FLATBUFFER + 16,
    MESSAGE_SIZE = 24,
    MESSAGE_HEADER = 4, /* fields' places in their table */
    MESSAGE_BODY_LENGTH = 8,
    MESSAGE_VERSION = 16,
    MESSAGE_HEADER_TYPE = 18,

    BATCH_VTABLE = FLATBUFFER + 40,
    BATCH = FLATBUFFER + 56,
    BATCH_SIZE = 20,
    BATCH_NODES = 4,
    BATCH_LENGTH = 8,
    BATCH_BUFFERS = 16,

    NODE_COUNT = BATCH + BATCH_SIZE, /* a vector: the number of its elements, then these */
    NODES = NODE_COUNT + 4,
    ELEMENT_SIZE = 16, /* of both vectors: two 64-bit numbers */

    VERSION_V5 = 4,
    RECORD_BATCH = 3, /* of the union MessageHeader */
};

static void put_u16(uint8_t *at, size_t value)
{
    hyl__store_le16(at, (uint16_t)value);
}

static void put_u32(uint8_t *at, size_t value)
{
    hyl__store_le32(at, (uint32_t)value);
}

static void put_u64(uint8_t *at, size_t value)
{
    hyl__store_le64(at, value);
}

/* An offset at `from` that points to `to`. */
static void put_offset(uint8_t *bytes, size_t from, size_t to)
{
    put_u32(bytes + from, to - from);
}

/* A vtable's sizes and fields, and in its table the way back to it. */
static void put_vtable(uint8_t *bytes, size_t vtable, size_t table, size_t table_size,
                       const size_t *fields, size_t count)
{
    put_u16(bytes + vtable, 4 + 2 * count);
    put_u16(bytes + vtable + 2, table_size);
    for (size_t i = 0; i < count; i++) {
        put_u16(bytes + vtable + 4 + 2 * i, fields[i]);
    }
    put_u32(bytes + table, table - vtable);
}

static size_t buffer_count_at(size_t columns)
{
    return NODES + ELEMENT_SIZE * columns + 4; /* so that the buffers behind it are aligned */
}

/* All that stays the same. */
static void put_shape(uint8_t *bytes, size_t size, size_t columns, size_t buffers)
{
    const size_t message_fields[] = {MESSAGE_VERSION, MESSAGE_HEADER_TYPE, MESSAGE_HEADER,
                                     MESSAGE_BODY_LENGTH};
    const size_t batch_fields[] = {BATCH_LENGTH, BATCH_NODES, BATCH_BUFFERS};
    put_u32(bytes, UINT32_MAX);
    put_u32(bytes + 4, size - FLATBUFFER);
    put_offset(bytes, FLATBUFFER, MESSAGE);
    put_vtable(bytes, MESSAGE_VTABLE, MESSAGE, MESSAGE_SIZE, message_fields, 4);
    put_offset(bytes, MESSAGE + MESSAGE_HEADER, BATCH);
    put_u16(bytes + MESSAGE + MESSAGE_VERSION, VERSION_V5);
    bytes[MESSAGE + MESSAGE_HEADER_TYPE] = RECORD_BATCH;
    put_vtable(bytes, BATCH_VTABLE, BATCH, BATCH_SIZE, batch_fields, 3);
    put_offset(bytes, BATCH + BATCH_NODES, NODE_COUNT);
    put_offset(bytes, BATCH + BATCH_BUFFERS, buffer_count_at(columns));
    put_u32(bytes + NODE_COUNT, columns);
    put_u32(bytes + buffer_count_at(columns), buffers);
}

hyl_status hyl__ipc_header_init(hyl__ipc_header *header, size_t columns, size_t buffers)
{
    memset(header, 0, sizeof *header);
    const size_t size = buffer_count_at(columns) + 4 + ELEMENT_SIZE * buffers;
    header->bytes = hyl__calloc(1, size);
    if (header->bytes == NULL) {
        return HYL_ERR_NOMEM;
    }
    header->size = size;
    put_shape(header->bytes, size, columns, buffers);
    return HYL_OK;
}

void hyl__ipc_header_reset(hyl__ipc_header *header)
{
    hyl__free(header->bytes);
    memset(header, 0, sizeof *header);
}

void hyl__ipc_header_begin(hyl__ipc_header *header, size_t rows)
{
    const size_t columns = hyl__load_le32(header->bytes + NODE_COUNT);
    put_u64(header->bytes + BATCH + BATCH_LENGTH, rows);
    header->next_node = NODES;
    header->next_buffer = buffer_count_at(columns) + 4;
    header->body_size = 0;
}

void hyl__ipc_header_node(hyl__ipc_header *header, size_t rows, size_t null_count)
{
    put_u64(header->bytes + header->next_node, rows);
    put_u64(header->bytes + header->next_node + 8, null_count);
    header->next_node += ELEMENT_SIZE;
}

void hyl__ipc_header_buffer(hyl__ipc_header *header, size_t size)
{
    put_u64(header->bytes + header->next_buffer, header->body_size);
    put_u64(header->bytes + header->next_buffer + 8, size);
    header->next_buffer += ELEMENT_SIZE;
    header->body_size += hyl__ipc_padded(size);
}

void hyl__ipc_header_end(hyl__ipc_header *header)
{
    put_u64(header->bytes + MESSAGE + MESSAGE_BODY_LENGTH, header->body_size);
}
