#include "ipc_buffer.h"

#include "base/endian.h"
#include "base/error.h"

#include <nanoarrow/nanoarrow_ipc.h>

#include <errno.h>

enum {
    ALIGNMENT = 8,
    PREFIX = 8,  /* of a compressed buffer: how long it was before, little-endian */
    STORED = -1, /* in its place: this buffer is not compressed */
};

/*
 * The most that one compressed byte can stand for: in lz4 a length's byte is at most 255; the
 * shortest zstd block, of 4 bytes, is at most 128 kB. A size beyond that is a lie, and no memory is
 * asked for it.
 */
enum { LZ4_RATIO = 255, ZSTD_RATIO = 131072 / 4 };

static hyl_status fail_damaged(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_ARG, "a buffer is not where the message says");
}

/* ---- Compression --------------------------------------------------------------------------- */

static hyl_status fail_codec(int codec, hyl_error *err)
{
    const char *name = codec == HYL__IPC_LZ4 ? "lz4" : "zstd";
    const char *option = codec == HYL__IPC_LZ4 ? "HYL_WITH_LZ4" : "HYL_WITH_ZSTD";
    if (codec != HYL__IPC_LZ4 && codec != HYL__IPC_ZSTD) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED, "compressed by codec %d, which is unknown",
                         codec);
    }
    return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                     "compressed with %s, which this build does not have (%s)", name, option);
}

static hyl_status check_size(int64_t size, int64_t len, int codec, hyl_error *err)
{
    const int64_t ratio = codec == HYL__IPC_LZ4 ? LZ4_RATIO : ZSTD_RATIO;
    return size >= 0 && size / ratio <= len
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_ARG,
                           "a buffer of %lld compressed bytes claims to hold %lld", (long long)len,
                           (long long)size);
}

static hyl_status decompress(struct ArrowBufferView from, int64_t size, int codec,
                             struct ArrowBuffer *out, hyl_error *err)
{
    struct ArrowError why = {""};
    ArrowIpcDecompressFunction function = codec == HYL__IPC_LZ4
                                              ? ArrowIpcGetLZ4DecompressionFunction()
                                              : ArrowIpcGetZstdDecompressionFunction();
    if (function == NULL || (codec != HYL__IPC_LZ4 && codec != HYL__IPC_ZSTD)) {
        return fail_codec(codec, err);
    }
    HYL_TRY(check_size(size, from.size_bytes, codec, err));
    ArrowBufferInit(out);
    if (ArrowBufferReserve(out, size + 1) != NANOARROW_OK) {
        return hyl__fail_nomem(err);
    }
    out->size_bytes = size;
    if (function(from, out->data, size, &why) != NANOARROW_OK) {
        ArrowBufferReset(out);
        return hyl__fail(err, HYL_ERR_ARG, "a compressed buffer is damaged: %s", why.message);
    }
    return HYL_OK;
}

/* ---- As it is ------------------------------------------------------------------------------ */

static int share(struct ArrowBuffer *body, int64_t offset, int64_t len, struct ArrowBuffer *out)
{
    NANOARROW_RETURN_NOT_OK(ArrowSharedBufferClone(body, out));
    out->data += offset;
    out->size_bytes = len;
    return NANOARROW_OK;
}

static hyl_status read_plain(struct ArrowBuffer *body, int64_t offset, int64_t len,
                             struct ArrowBuffer *out, hyl_error *err)
{
    int code = 0;
    ArrowBufferInit(out);
    if (len == 0) {
        return HYL_OK;
    }
    if ((uintptr_t)(body->data + offset) % ALIGNMENT == 0) {
        code = share(body, offset, len, out);
    } else {
        code = ArrowBufferAppend(out, body->data + offset, len);
    }
    if (code != NANOARROW_OK) {
        ArrowBufferReset(out);
        return hyl__fail_nomem(err);
    }
    return HYL_OK;
}

hyl_status hyl__ipc_buffer_read(struct ArrowBuffer *body, int64_t offset, int64_t len, int codec,
                                struct ArrowBuffer *out, hyl_error *err)
{
    if (offset < 0 || len < 0 || offset > body->size_bytes || len > body->size_bytes - offset) {
        return fail_damaged(err);
    }
    if (codec == HYL__IPC_PLAIN || len == 0) {
        return read_plain(body, offset, len, out, err);
    }
    if (len < PREFIX) {
        return fail_damaged(err);
    }
    const int64_t size = (int64_t)hyl__load_le64(body->data + offset);
    if (size == STORED) {
        return read_plain(body, offset + PREFIX, len - PREFIX, out, err);
    }
    struct ArrowBufferView from = {{body->data + offset + PREFIX}, len - PREFIX};
    return decompress(from, size, codec, out, err);
}
