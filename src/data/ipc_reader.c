#include "ipc_reader.h"

#include "arrow_schema.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/mem.h"
#include "ipc_check.h"

#include <errno.h>

enum {
    IPC_ALIGNMENT = 8,
    IPC_PREFIX = 8, /* 0xffffffff, and the length of the header, 32 bits, little-endian */
    MAX_HEADER = 1 << 30,
};

hyl_status hyl__ipc_reader_init(hyl__ipc_reader *reader)
{
    memset(reader, 0, sizeof *reader);
    HYL_TRY(hyl__block_pool_new(&reader->pool));
    if (ArrowIpcDecoderInit(&reader->decoder) != NANOARROW_OK) {
        hyl__block_pool_release(reader->pool);
        reader->pool = NULL;
        return HYL_ERR_NOMEM;
    }
    return HYL_OK;
}

void hyl__ipc_reader_reset(hyl__ipc_reader *reader)
{
    if (reader->pool == NULL) {
        return;
    }
    ArrowIpcDecoderReset(&reader->decoder);
    if (reader->schema.release != NULL) {
        ArrowSchemaRelease(&reader->schema);
    }
    hyl__block_release(reader->block);
    if (reader->sent.release != NULL) {
        ArrowSchemaRelease(&reader->sent);
    }
    hyl__block_pool_release(reader->pool);
    memset(reader, 0, sizeof *reader);
}

/* nanoarrow's failures: no memory, or bytes that are no IPC stream. */
static hyl_status fail_arrow(int code, const struct ArrowError *why, hyl_error *err)
{
    if (code == ENOMEM) {
        return hyl__fail_nomem(err);
    }
    return hyl__fail(err, HYL_ERR_PROTOCOL, "the server's Arrow data cannot be read: %s",
                     why->message);
}

/* ---- Pieces -------------------------------------------------------------------------------- */

static size_t unread(const hyl__ipc_reader *reader)
{
    return reader->block != NULL ? reader->len - reader->pos : 0;
}

bool hyl__ipc_reader_is_inside(const hyl__ipc_reader *reader)
{
    return unread(reader) > 0;
}

static void put_block(hyl__ipc_reader *reader, hyl__block *block, size_t len)
{
    hyl__block_release(reader->block);
    reader->block = block;
    reader->pos = 0;
    reader->len = len;
}

/*
 * A message that is cut: its beginning and the next piece go into one block, which doubles, so that
 * a
 * message of many pieces is not copied again for each of them.
 */
static hyl_status join(hyl__ipc_reader *reader, const hyl__block *piece, size_t len)
{
    size_t have = unread(reader);
    size_t need = 0;
    if (!hyl__add_size(have, len, &need) || need > SIZE_MAX / 2) {
        return HYL_ERR_NOMEM;
    }
    if (reader->pos > 0 || reader->block->cap < need) {
        hyl__block *joined = NULL;
        HYL_TRY(hyl__block_new(reader->pool, need * 2, &joined));
        memcpy(joined->data, reader->block->data + reader->pos, have);
        put_block(reader, joined, have);
    }
    memcpy(reader->block->data + have, piece->data, len);
    reader->len = need;
    return HYL_OK;
}

hyl_status hyl__ipc_reader_feed(hyl__ipc_reader *reader, hyl__block *block, size_t len)
{
    if (reader->at_end) {
        hyl__block_release(block);
        return HYL_OK;
    }
    if (unread(reader) == 0) {
        put_block(reader, block, len);
        return HYL_OK;
    }
    hyl_status status = join(reader, block, len);
    hyl__block_release(block);
    return status;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static struct ArrowBufferView view_unread(const hyl__ipc_reader *reader)
{
    struct ArrowBufferView view;
    view.data.as_uint8 = reader->block != NULL ? reader->block->data + reader->pos : NULL;
    view.size_bytes = (int64_t)unread(reader);
    return view;
}

/* What is unread, copied so that its byte `aligned` lies where any type of Arrow's may. */
static hyl_status realign(hyl__ipc_reader *reader, size_t aligned, hyl_error *err)
{
    hyl__block *copy = NULL;
    size_t have = unread(reader);
    size_t shift = (IPC_ALIGNMENT - aligned % IPC_ALIGNMENT) % IPC_ALIGNMENT;
    if (((uintptr_t)reader->block->data + reader->pos + aligned) % IPC_ALIGNMENT == 0) {
        return HYL_OK;
    }
    if (hyl__block_new(reader->pool, have + shift, &copy) < 0) {
        return hyl__fail_nomem(err);
    }
    memcpy(copy->data + shift, reader->block->data + reader->pos, have);
    put_block(reader, copy, have + shift);
    reader->pos = shift;
    return HYL_OK;
}

/*
 * Checks what stands before a message's header. nanoarrow would take the framing of old as well,
 * and for it any text, and adds to the length without a look.
 */
static hyl_status check_prefix(const hyl__ipc_reader *reader, hyl_error *err)
{
    const uint8_t *at = reader->block->data + reader->pos;
    if (hyl__load_le32(at) != UINT32_MAX || hyl__load_le32(at + 4) > MAX_HEADER) {
        return hyl__fail(
            err, HYL_ERR_PROTOCOL,
            "the server's Arrow data cannot be read: no message begins where one must");
    }
    return HYL_OK;
}

/*
 * Reads the header of the next message. OK: it is whole, its body too. AGAIN, DONE or an error
 * otherwise.
 */
static hyl_status next_header(hyl__ipc_reader *reader, hyl_error *err)
{
    struct ArrowError why = {""};
    if (reader->at_end) {
        return HYL_DONE;
    }
    if (unread(reader) < IPC_PREFIX) {
        return HYL_AGAIN;
    }
    HYL_TRY(check_prefix(reader, err));
    HYL_TRY(realign(reader, 0, err));
    struct ArrowBufferView view = view_unread(reader);
    int code = ArrowIpcDecoderVerifyHeader(&reader->decoder, view, &why);
    if (code == ESPIPE) {
        return HYL_AGAIN;
    }
    if (code == ENODATA) {
        reader->at_end = true;
        put_block(reader, NULL, 0);
        return HYL_DONE;
    }
    if (code == NANOARROW_OK && !hyl__ipc_header_is_sound(view.data.as_uint8 + IPC_PREFIX)) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "the server's Arrow data cannot be read: a header is not sound");
    }
    if (code == NANOARROW_OK) {
        code = ArrowIpcDecoderDecodeHeader(&reader->decoder, view, &why);
    }
    if (code != NANOARROW_OK) {
        return fail_arrow(code, &why, err);
    }
    int64_t need = 0;
    if (reader->decoder.body_size_bytes < 0 ||
        __builtin_add_overflow(reader->decoder.header_size_bytes, reader->decoder.body_size_bytes,
                               &need)) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "an Arrow message of an impossible size");
    }
    return need <= view.size_bytes ? HYL_OK : HYL_AGAIN;
}

static void skip_message(hyl__ipc_reader *reader)
{
    reader->pos += (size_t)(reader->decoder.header_size_bytes + reader->decoder.body_size_bytes);
    if (reader->pos >= reader->len) {
        put_block(reader, NULL, 0);
    }
}

/* ---- The schema ---------------------------------------------------------------------------- */

static hyl_status take_schema(hyl__ipc_reader *reader, hyl_error *err)
{
    struct ArrowError why = {""};
    int code = ArrowIpcDecoderDecodeSchema(&reader->decoder, &reader->sent, &why);
    if (code == NANOARROW_OK) {
        code = ArrowIpcDecoderSetSchema(&reader->decoder, &reader->sent, &why);
    }
    if (code == NANOARROW_OK) {
        code = ArrowIpcDecoderSetEndianness(&reader->decoder, reader->decoder.endianness);
    }
    if (code == NANOARROW_OK) {
        code = hyl__schema_repair(&reader->sent, &reader->schema, &reader->has_date64, &why);
    }
    return code == NANOARROW_OK ? HYL_OK : fail_arrow(code, &why, err);
}

hyl_status hyl__ipc_reader_schema(hyl__ipc_reader *reader, hyl_error *err)
{
    hyl_status status = next_header(reader, err);
    if (status != HYL_OK) {
        return status;
    }
    if (reader->decoder.message_type != NANOARROW_IPC_MESSAGE_TYPE_SCHEMA) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "the server's Arrow data begin without a schema");
    }
    HYL_TRY(take_schema(reader, err));
    skip_message(reader);
    return HYL_OK;
}

/* ---- Batches ------------------------------------------------------------------------------- */

static void give_block_back(struct ArrowBufferAllocator *allocator, uint8_t *ptr, int64_t size)
{
    (void)ptr;
    (void)size;
    hyl__block_release(allocator->private_data);
}

/*
 * The body as a buffer that the arrays of the batch share, and that holds a reference to the block.
 */
static int share_body(hyl__ipc_reader *reader, struct ArrowBuffer *shared)
{
    struct ArrowBuffer body;
    ArrowBufferInit(&body);
    hyl__block_retain(reader->block);
    body.data = reader->block->data + reader->pos + reader->decoder.header_size_bytes;
    body.size_bytes = reader->decoder.body_size_bytes;
    body.capacity_bytes = body.size_bytes;
    body.allocator = ArrowBufferDeallocator(&give_block_back, reader->block);
    int code = ArrowSharedBufferInit(shared, &body);
    if (code != NANOARROW_OK) {
        ArrowBufferReset(&body);
    }
    return code;
}

static bool is_aligned(const struct ArrowArrayView *view)
{
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        const struct ArrowBufferView *buffer = &view->buffer_views[i];
        if (buffer->size_bytes > 0 && (uintptr_t)buffer->data.data % IPC_ALIGNMENT != 0) {
            return false;
        }
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        if (!is_aligned(view->children[i])) {
            return false;
        }
    }
    return true;
}

/* Inside a message the format demands alignment, and the arrays' readers rely on it. */
static int check_alignment(hyl__ipc_reader *reader, const struct ArrowBuffer *body,
                           struct ArrowError *why)
{
    struct ArrowBufferView bytes = {{body->data}, body->size_bytes};
    struct ArrowArrayView *view = NULL;
    NANOARROW_RETURN_NOT_OK(
        ArrowIpcDecoderDecodeArrayView(&reader->decoder, bytes, -1, &view, why));
    if (!is_aligned(view)) {
        ArrowErrorSet(why, "a buffer is not aligned");
        return EINVAL;
    }
    return NANOARROW_OK;
}

static int decode_body(hyl__ipc_reader *reader, struct ArrowArray *batch, struct ArrowError *why)
{
    struct ArrowBuffer body;
    NANOARROW_RETURN_NOT_OK(share_body(reader, &body));
    int code = check_alignment(reader, &body, why);
    if (code == NANOARROW_OK) {
        /* FULL: offsets are checked too, so that a hostile server cannot lead a reader astray. */
        code = ArrowIpcDecoderDecodeArrayFromShared(&reader->decoder, &body, -1, batch,
                                                    NANOARROW_VALIDATION_LEVEL_FULL, why);
    }
    ArrowBufferReset(&body);
    return code;
}

static hyl_status decode_batch(hyl__ipc_reader *reader, struct ArrowArray *out, hyl_error *err)
{
    struct ArrowError why = {""};
    struct ArrowArray batch = {.release = NULL};
    int code = decode_body(reader, &batch, &why);
    if (code == NANOARROW_OK && reader->has_date64) {
        code = hyl__batch_repair(&batch, &reader->sent);
    }
    if (code == NANOARROW_OK) {
        code = hyl__batch_add_offsets(&batch);
    }
    if (code != NANOARROW_OK) {
        if (batch.release != NULL) {
            ArrowArrayRelease(&batch);
        }
        return fail_arrow(code, &why, err);
    }
    ArrowArrayMove(&batch, out);
    return HYL_OK;
}

hyl_status hyl__ipc_reader_batch(hyl__ipc_reader *reader, struct ArrowArray *out, hyl_error *err)
{
    hyl_status status = next_header(reader, err);
    if (status != HYL_OK) {
        return status;
    }
    if (reader->decoder.message_type != NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "the server's Arrow data hold a message of type %d",
                         (int)reader->decoder.message_type);
    }
    /* The decoder reads on in the header, where it was, though the body moves. */
    hyl__block *header = reader->block;
    hyl__block_retain(header);
    status = realign(reader, (size_t)reader->decoder.header_size_bytes, err);
    if (status == HYL_OK) {
        status = decode_batch(reader, out, err);
    }
    if (status == HYL_OK) {
        skip_message(reader);
    }
    hyl__block_release(header);
    return status;
}
