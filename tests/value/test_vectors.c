/* Every value of vectors.inc, which were recorded from the server, through every codec. */
#include "support/guard.h"
#include "support/hex.h"
#include "support/test.h"

#include <hyperline/types.h>

typedef struct vector {
    const char *sql;
    uint32_t oid;
    int32_t typmod;
    const char *text; /* all of these as hexadecimal digits, NULL for none */
    const char *binary;
    const char *hyperbinary;
    const char *copy_row;
} vector;

static const vector vectors[] = {
#define VECTOR(sql, oid, typmod, text, binary, hyperbinary, copy_row) \
    {sql, oid, typmod, text, binary, hyperbinary, copy_row},
#include "vectors.inc"
#undef VECTOR
};

enum { VECTOR_COUNT = sizeof vectors / sizeof vectors[0] };

static hyl_buf bytes_of(const char *digits)
{
    hyl_buf buf = HYL_BUF_INIT;
    hex_append(&buf, digits);
    return buf;
}

static void assert_same_bytes(const char *what, const hyl_buf *have, const char *digits)
{
    hyl_buf want = bytes_of(digits);
    if (have->len != want.len || (want.len > 0 && memcmp(have->data, want.data, want.len) != 0)) {
        fail_msg("%s: '%.*s' is not '%.*s'", what, (int)have->len, (const char *)have->data,
                 (int)want.len, (const char *)want.data);
    }
    hyl_buf_reset(&want);
}

/* Whether the text is or holds well-known text ("POINT(...)", quoted inside an array), which only
 * the server can make. */
static bool has_wkt(const vector *v)
{
    const hyl_type type = hyl_type_from_oid(v->oid, v->typmod);
    return type.id == HYL_TYPE_GEOGRAPHY ||
           (type.element == HYL_TYPE_GEOGRAPHY && strncmp(v->text, "5b22", 4) == 0);
}

static void assert_text(const char *what, const vector *v, hyl_type type, const hyl_value *value)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = hyl_value_text(type, value, &text, &err);
    if (has_wkt(v)) {
        assert_status(status, HYL_ERR_TYPE, &err);
        assert_int_equal(text.len, 0);
    } else {
        assert_ok(status, &err);
        assert_same_bytes(what, &text, v->text);
    }
    hyl_buf_reset(&text);
}

/* Decodes from one format; the text and, where asked, the HyperBinary of the value are the
 * server's. */
static void check_format(const vector *v, hyl_format format, const char *digits)
{
    const hyl_type type = hyl_type_from_oid(v->oid, v->typmod);
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf input = bytes_of(digits);
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_buf encoded = HYL_BUF_INIT;
    hyl_value value;
    guarded copy = guard_bytes(input.data, input.len);
    hyl_status status = hyl_value_decode(type, format, copy.bytes, &scratch, &value, &err);
    if (has_wkt(v) && format == HYL_FORMAT_TEXT) {
        assert_status(status, HYL_ERR_TYPE, &err);
    } else {
        assert_ok(status, &err);
        assert_false(value.is_null);
        assert_int_equal(value.type, type.id);
        assert_text("text", v, type, &value);
        assert_ok(hyl_value_encode(type, &value, &encoded, &err), &err);
        assert_same_bytes("hyperbinary", &encoded, v->hyperbinary);
    }
    guard_release(&copy);
    hyl_buf_reset(&input);
    hyl_buf_reset(&scratch);
    hyl_buf_reset(&encoded);
}

/* Reads the COPY row as a column of this nullability and writes it again; false where the row is
 * not of this shape. */
static bool copy_row_passes(const vector *v, hyl_type type, bool nullable)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf row = bytes_of(v->copy_row);
    hyl_buf again = HYL_BUF_INIT;
    guarded copy = guard_bytes(row.data, row.len);
    hyl_value value;
    size_t offset = 0;
    bool passes =
        hyl_copy_field_decode(type, nullable, copy.bytes, &offset, &value, &err) == HYL_OK &&
        offset == row.len && value.is_null == (v->text == NULL);
    if (passes && !value.is_null) {
        assert_text("text from COPY", v, type, &value);
    }
    if (passes) {
        assert_ok(hyl_copy_field(type, nullable, &value, &again, &err), &err);
        assert_same_bytes("COPY row", &again, v->copy_row);
    }
    guard_release(&copy);
    hyl_buf_reset(&row);
    hyl_buf_reset(&again);
    return passes;
}

/* The row does not say of which nullability its column was: one must fit. */
static void check_copy_row(const vector *v)
{
    bool fits = false;
    for (int shape = 0; shape < 4 && !fits; shape++) {
        hyl_type type = hyl_type_from_oid(v->oid, v->typmod);
        type.element_not_null = shape >= 2;
        if (shape < 2 || type.id == HYL_TYPE_ARRAY) {
            fits = copy_row_passes(v, type, (shape & 1) != 0);
        }
    }
    assert_true(fits);
}

static void vector_passes_every_codec(void **state)
{
    const vector *v = *state;
    assert_int_not_equal(hyl_type_from_oid(v->oid, v->typmod).id, HYL_TYPE_UNKNOWN);
    if (v->text != NULL) {
        check_format(v, HYL_FORMAT_TEXT, v->text);
        check_format(v, HYL_FORMAT_HYPERBINARY, v->hyperbinary);
    }
    if (v->binary != NULL) {
        check_format(v, HYL_FORMAT_BINARY, v->binary);
    }
    check_copy_row(v);
}

int main(void)
{
    static struct CMUnitTest tests[VECTOR_COUNT];
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        tests[i] = (struct CMUnitTest){vectors[i].sql, vector_passes_every_codec, NULL, NULL,
                                       (void *)(uintptr_t)&vectors[i]};
    }
    return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
