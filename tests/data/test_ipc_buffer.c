/* Buffers of a message's body: where they lie, compressed ones, and lies about either. */
#include "data/ipc_buffer.h"

#include "base/endian.h"
#include "support/hex.h"
#include "support/test.h"

#include <nanoarrow/nanoarrow_ipc.h>

static hyl_error err;

/* "abcabcabc..." (300 bytes) in an lz4 and a zstd frame, as their programs write them. */
static const char lz4_frame[] = "04224d186040820e0000003f6162630300ff1250626361626300000000";
static const char zstd_frame[] = "28b52ffd602c0055000018616263010026aa6e08";

enum { PLAIN_SIZE = 300, BODY = 256 };

/* A shared body of bytes 0, 1, 2, ... */
static struct ArrowBuffer make_body(int64_t size)
{
    struct ArrowBuffer buffer;
    struct ArrowBuffer body;
    ArrowBufferInit(&buffer);
    for (int64_t i = 0; i < size; i++) {
        assert_int_equal(ArrowBufferAppendUInt8(&buffer, (uint8_t)i), 0);
    }
    assert_int_equal(ArrowSharedBufferInit(&body, &buffer), 0);
    return body;
}

static hyl_status read_buffer(struct ArrowBuffer *body, int64_t offset, int64_t len, int codec,
                              struct ArrowBuffer *out)
{
    err = (hyl_error)HYL_ERROR_INIT;
    return hyl__ipc_buffer_read(body, offset, len, codec, out, &err);
}

/* ---- Plain --------------------------------------------------------------------------------- */

static void aligned_buffers_are_not_copied(void **state)
{
    (void)state;
    struct ArrowBuffer body = make_body(BODY);
    struct ArrowBuffer out;
    assert_ok(read_buffer(&body, 16, 24, HYL__IPC_PLAIN, &out), &err);
    assert_ptr_equal(out.data, body.data + 16);
    assert_int_equal(out.size_bytes, 24);
    ArrowBufferReset(&out);
    assert_ok(read_buffer(&body, 17, 24, HYL__IPC_PLAIN, &out), &err);
    assert_true(out.data != body.data + 17);
    assert_int_equal((uintptr_t)out.data % 8, 0);
    assert_memory_equal(out.data, body.data + 17, 24);
    ArrowBufferReset(&out);
    ArrowBufferReset(&body);
}

/* The bytes stay when the body's own reference is gone. */
static void a_buffer_outlives_its_body(void **state)
{
    (void)state;
    struct ArrowBuffer body = make_body(BODY);
    struct ArrowBuffer out;
    assert_ok(read_buffer(&body, 8, 8, HYL__IPC_PLAIN, &out), &err);
    ArrowBufferReset(&body);
    assert_int_equal(out.data[0], 8);
    assert_int_equal(out.data[7], 15);
    ArrowBufferReset(&out);
}

static void what_lies_beyond_the_body_is_refused(void **state)
{
    static const struct {
        int64_t offset;
        int64_t len;
    } cases[] = {{-1, 1},         {0, -1},        {INT64_MIN, 8},         {8, INT64_MIN},
                 {0, BODY + 1},   {BODY, 1},      {BODY - 8, 9},          {BODY + 1, 0},
                 {8, INT64_MAX},  {INT64_MAX, 8}, {INT64_MAX, INT64_MAX}, {-8, BODY},
                 {BODY / 2, BODY}};
    (void)state;
    struct ArrowBuffer body = make_body(BODY);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int codec = HYL__IPC_PLAIN; codec <= HYL__IPC_ZSTD; codec++) {
            struct ArrowBuffer out;
            assert_status(read_buffer(&body, cases[i].offset, cases[i].len, codec, &out),
                          HYL_ERR_ARG, &err);
        }
    }
    ArrowBufferReset(&body);
}

static void empty_buffers_are_nowhere(void **state)
{
    (void)state;
    struct ArrowBuffer body = make_body(BODY);
    for (int codec = HYL__IPC_PLAIN; codec <= HYL__IPC_ZSTD; codec++) {
        struct ArrowBuffer out;
        assert_ok(read_buffer(&body, BODY, 0, codec, &out), &err);
        assert_int_equal(out.size_bytes, 0);
        ArrowBufferReset(&out);
    }
    ArrowBufferReset(&body);
}

/* ---- Compressed ---------------------------------------------------------------------------- */

static const char *frame_of(int codec)
{
    return codec == HYL__IPC_LZ4 ? lz4_frame : zstd_frame;
}

static bool has(int codec)
{
    return (codec == HYL__IPC_LZ4 ? ArrowIpcGetLZ4DecompressionFunction()
                                  : ArrowIpcGetZstdDecompressionFunction()) != NULL;
}

/* A body of one buffer: the size that it claims to have, and the frame, or a part of it. */
static struct ArrowBuffer make_compressed(int codec, int64_t size, size_t cut)
{
    hyl_buf bytes = HYL_BUF_INIT;
    struct ArrowBuffer buffer;
    struct ArrowBuffer body;
    uint8_t prefix[8];
    hyl__store_le64(prefix, (uint64_t)size);
    hyl_buf_append(&bytes, prefix, sizeof prefix);
    hex_append(&bytes, frame_of(codec));
    ArrowBufferInit(&buffer);
    assert_int_equal(ArrowBufferAppend(&buffer, bytes.data, (int64_t)(bytes.len - cut)), 0);
    assert_int_equal(ArrowSharedBufferInit(&body, &buffer), 0);
    hyl_buf_reset(&bytes);
    return body;
}

static hyl_status read_compressed(int codec, int64_t size, size_t cut, struct ArrowBuffer *out)
{
    struct ArrowBuffer body = make_compressed(codec, size, cut);
    hyl_status status = read_buffer(&body, 0, body.size_bytes, codec, out);
    ArrowBufferReset(&body);
    return status;
}

static void compressed_buffers_are_decompressed(void **state)
{
    (void)state;
    for (int codec = HYL__IPC_LZ4; codec <= HYL__IPC_ZSTD; codec++) {
        struct ArrowBuffer out;
        hyl_status status = read_compressed(codec, PLAIN_SIZE, 0, &out);
        assert_status(status, has(codec) ? HYL_OK : HYL_ERR_UNSUPPORTED, &err);
        if (status == HYL_OK) {
            assert_int_equal(out.size_bytes, PLAIN_SIZE);
            for (int i = 0; i < PLAIN_SIZE; i++) {
                assert_int_equal(out.data[i], "abc"[i % 3]);
            }
            ArrowBufferReset(&out);
        } else {
            assert_non_null(strstr(err.message, codec == HYL__IPC_LZ4 ? "lz4" : "zstd"));
        }
    }
}

/* Sizes that are not the frame's. The greatest are refused before memory is asked for. */
static void sizes_that_lie_are_refused(void **state)
{
    static const int64_t sizes[] = {
        0,  1,         PLAIN_SIZE - 1, PLAIN_SIZE + 1, 100000,
        -2, INT64_MIN, INT64_MAX,      INT64_MAX - 1,  INT64_C(1) << 40};
    (void)state;
    for (int codec = HYL__IPC_LZ4; codec <= HYL__IPC_ZSTD; codec++) {
        for (size_t i = 0; has(codec) && i < sizeof sizes / sizeof *sizes; i++) {
            struct ArrowBuffer out;
            if (read_compressed(codec, sizes[i], 0, &out) != HYL_ERR_ARG) {
                fail_msg("codec %d, %lld: %s", codec, (long long)sizes[i], err.message);
            }
        }
    }
}

static void frames_that_are_cut_or_damaged_are_refused(void **state)
{
    (void)state;
    for (int codec = HYL__IPC_LZ4; codec <= HYL__IPC_ZSTD; codec++) {
        const size_t len = strlen(frame_of(codec)) / 2;
        for (size_t cut = 1; has(codec) && cut < len; cut++) {
            struct ArrowBuffer out;
            assert_status(read_compressed(codec, PLAIN_SIZE, cut, &out), HYL_ERR_ARG, &err);
        }
        struct ArrowBuffer body = make_compressed(codec, PLAIN_SIZE, 0);
        struct ArrowBuffer out;
        body.data[8] ^= 0xff; /* the frame's magic number */
        assert_status(read_buffer(&body, 0, body.size_bytes, codec, &out),
                      has(codec) ? HYL_ERR_ARG : HYL_ERR_UNSUPPORTED, &err);
        ArrowBufferReset(&body);
    }
}

static void no_room_for_the_size_is_refused(void **state)
{
    (void)state;
    struct ArrowBuffer body = make_body(BODY);
    for (int64_t len = 1; len < 8; len++) {
        struct ArrowBuffer out;
        assert_status(read_buffer(&body, 0, len, HYL__IPC_ZSTD, &out), HYL_ERR_ARG, &err);
    }
    ArrowBufferReset(&body);
}

/* A size of -1 says that the buffer is stored as it is. */
static void what_is_stored_is_not_decompressed(void **state)
{
    (void)state;
    struct ArrowBuffer out;
    assert_ok(read_compressed(HYL__IPC_ZSTD, -1, 0, &out), &err);
    assert_int_equal(out.size_bytes, strlen(zstd_frame) / 2);
    ArrowBufferReset(&out);
    struct ArrowBuffer body = make_compressed(HYL__IPC_LZ4, -1, strlen(lz4_frame) / 2);
    assert_ok(read_buffer(&body, 0, 8, HYL__IPC_LZ4, &out), &err);
    assert_int_equal(out.size_bytes, 0);
    ArrowBufferReset(&out);
    ArrowBufferReset(&body);
}

static void codecs_that_are_none_are_named(void **state)
{
    (void)state;
    struct ArrowBuffer body = make_body(BODY);
    static const int codecs[] = {2, 127, -2, -128};
    for (size_t i = 0; i < 4; i++) {
        struct ArrowBuffer out;
        assert_status(read_buffer(&body, 0, 16, codecs[i], &out), HYL_ERR_UNSUPPORTED, &err);
        assert_non_null(strstr(err.message, "unknown"));
    }
    ArrowBufferReset(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligned_buffers_are_not_copied),
        cmocka_unit_test(a_buffer_outlives_its_body),
        cmocka_unit_test(what_lies_beyond_the_body_is_refused),
        cmocka_unit_test(empty_buffers_are_nowhere),
        cmocka_unit_test(compressed_buffers_are_decompressed),
        cmocka_unit_test(sizes_that_lie_are_refused),
        cmocka_unit_test(frames_that_are_cut_or_damaged_are_refused),
        cmocka_unit_test(no_room_for_the_size_is_refused),
        cmocka_unit_test(what_is_stored_is_not_decompressed),
        cmocka_unit_test(codecs_that_are_none_are_named),
    };
    return cmocka_run_group_tests_name("data/ipc_buffer", tests, NULL, NULL);
}
