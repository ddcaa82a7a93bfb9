/*
 * Headers as the server sends them are sound. Of those that are damaged in one place and are still
 * flatbuffers, the ones that nanoarrow would stumble over are refused.
 */
#include "support/test.h"

#include "support/hex.h"

#include "base/endian.h"
#include "data/ipc_check.h"

#include <nanoarrow/nanoarrow_ipc.h>

static const char *const streams[] = {
#define ARROW_STREAM(sql, hex) hex,
#include "arrow_streams.inc"
#undef ARROW_STREAM
};

enum { STREAM_COUNT = sizeof streams / sizeof streams[0], PREFIX = 8 };

/* ---- Headers ---------------------------------------------------------------------------------- */

/* Calls `visit` with each header of each stream, prefix included: the schema's and the batch's. */
static void for_each_header(void (*visit)(hyl_buf *header, void *ctx), void *ctx)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        hyl_buf stream = HYL_BUF_INIT;
        hex_append(&stream, streams[i]);
        size_t at = 0;
        for (int message = 0; message < 2 && at < stream.len; message++) {
            hyl_buf header = HYL_BUF_INIT;
            size_t len = PREFIX + hyl__load_le32(stream.data + at + 4);
            hyl_buf_append(&header, stream.data + at, len);
            visit(&header, ctx);
            hyl_buf_reset(&header);
            at += len;
        }
        hyl_buf_reset(&stream);
    }
}

static bool is_flatbuffer(const hyl_buf *header)
{
    struct ArrowIpcDecoder decoder;
    struct ArrowBufferView view = {{header->data}, (int64_t)header->len};
    assert_int_equal(ArrowIpcDecoderInit(&decoder), NANOARROW_OK);
    int code = ArrowIpcDecoderVerifyHeader(&decoder, view, NULL);
    ArrowIpcDecoderReset(&decoder);
    return code == NANOARROW_OK;
}

/* ---- Tests ------------------------------------------------------------------------------------ */

static void assert_sound(hyl_buf *header, void *ctx)
{
    (void)ctx;
    assert_true(is_flatbuffer(header));
    assert_true(hyl__ipc_header_is_sound(header->data + PREFIX));
}

static void what_the_server_sends_is_sound(void **state)
{
    (void)state;
    for_each_header(assert_sound, NULL);
}

typedef struct damage {
    const uint8_t *bytes; /* put everywhere in turn */
    size_t size;
    size_t refused;
    size_t passed;
} damage;

static void damage_everywhere(hyl_buf *header, void *ctx)
{
    damage *by = ctx;
    for (size_t at = PREFIX; at + by->size <= header->len; at += 2) {
        uint8_t before[8];
        memcpy(before, header->data + at, by->size);
        memcpy(header->data + at, by->bytes, by->size);
        if (is_flatbuffer(header)) {
            bool sound = hyl__ipc_header_is_sound(header->data + PREFIX);
            by->refused += !sound;
            by->passed += sound;
        }
        memcpy(header->data + at, before, by->size);
    }
}

/* Fields that are left out: a message's content, a field's type, a key of metadata. */
static void what_is_left_out_is_missed(void **state)
{
    (void)state;
    static const uint8_t zero[2] = {0, 0};
    damage by = {zero, sizeof zero, 0, 0};
    for_each_header(damage_everywhere, &by);
    assert_true(by.refused > STREAM_COUNT);
    assert_true(by.passed > STREAM_COUNT);
}

/* Lengths and offsets that no body has. */
static void numbers_that_are_too_large_are_refused(void **state)
{
    (void)state;
    static const uint8_t largest[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    static const uint8_t negative[8] = {0, 0, 0, 0, 0, 0, 0, 0x80};
    damage by_largest = {largest, sizeof largest, 0, 0};
    damage by_negative = {negative, sizeof negative, 0, 0};
    for_each_header(damage_everywhere, &by_largest);
    for_each_header(damage_everywhere, &by_negative);
    assert_true(by_largest.refused > STREAM_COUNT);
    assert_true(by_negative.refused > STREAM_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_server_sends_is_sound),
        cmocka_unit_test(what_is_left_out_is_missed),
        cmocka_unit_test(numbers_that_are_too_large_are_refused),
    };
    return cmocka_run_group_tests_name("data/ipc_check", tests, NULL, NULL);
}
