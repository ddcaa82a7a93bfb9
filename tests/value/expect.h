/* What the tests of values share: comparing buffers, decoding from guarded memory. */
#ifndef HYL_TESTS_VALUE_EXPECT_H
#define HYL_TESTS_VALUE_EXPECT_H

#include "support/guard.h"
#include "support/hex.h"
#include "support/test.h"

#include <hyperline/types.h>

/* The buffer holds just this text; it is reset. */
static inline void expect_text(hyl_buf *buf, const char *text)
{
    assert_int_equal(hyl_buf_status(buf), HYL_OK);
    if (buf->len != strlen(text) || (buf->len > 0 && memcmp(buf->data, text, buf->len) != 0)) {
        fail_msg("'%.*s' is not '%s'", (int)buf->len, (const char *)buf->data, text);
    }
    hyl_buf_reset(buf);
}

/* The buffer holds just these bytes, as hexadecimal digits; it is reset. */
static inline void expect_hex(hyl_buf *buf, const char *digits)
{
    hyl_buf want = HYL_BUF_INIT;
    hex_append(&want, digits);
    assert_int_equal(buf->len, want.len);
    if (want.len > 0) {
        assert_memory_equal(buf->data, want.data, want.len);
    }
    hyl_buf_reset(&want);
    hyl_buf_reset(buf);
}

/* The value's text is this. */
static inline void expect_value_text(hyl_type type, const hyl_value *value, const char *text)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf buf = HYL_BUF_INIT;
    assert_ok(hyl_value_text(type, value, &buf, &err), &err);
    expect_text(&buf, text);
}

/* Decoding these bytes, at the end of memory, gives this status. */
static inline void expect_decode_bytes(hyl_type type, hyl_format format, hyl_bytes bytes,
                                       hyl_status wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value value;
    guarded copy = guard_bytes(bytes.data, bytes.len);
    hyl_status status = hyl_value_decode(type, format, copy.bytes, &scratch, &value, &err);
    if (status != wanted) {
        fail_msg("%s from format %d '%.*s': expected %s, got %s: %s", hyl_type_name(type.id),
                 (int)format, (int)bytes.len, bytes.len > 0 ? (const char *)bytes.data : "",
                 hyl_status_name(wanted), hyl_status_name(status), err.message);
    }
    if (status != HYL_OK) {
        assert_int_equal(scratch.len, 0);
        assert_int_equal(err.status, status);
        assert_true(err.message[0] != '\0');
    }
    guard_release(&copy);
    hyl_buf_reset(&scratch);
}

static inline void expect_decode_text(hyl_type type, const char *text, hyl_status wanted)
{
    hyl_bytes bytes = {(const uint8_t *)text, strlen(text)};
    expect_decode_bytes(type, HYL_FORMAT_TEXT, bytes, wanted);
}

static inline void expect_decode_hex(hyl_type type, hyl_format format, const char *digits,
                                     hyl_status wanted)
{
    hyl_buf input = HYL_BUF_INIT;
    hex_append(&input, digits);
    expect_decode_bytes(type, format, (hyl_bytes){input.data, input.len}, wanted);
    hyl_buf_reset(&input);
}

/* A value of the type with the text given; from literals, which outlive it. */
static inline hyl_value string_value(hyl_type_id id, const char *text)
{
    hyl_value value = {.type = id};
    value.as.str = hyl_str_of(text);
    return value;
}

#endif
