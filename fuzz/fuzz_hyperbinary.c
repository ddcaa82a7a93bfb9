/*
 * Rows as the result layer reads them. Input: a format, a number of columns, a type for each, and a
 * DataRow's body. What is decoded must be encodable and come back the same; its text must be one
 * that is read back.
 */
#include "fuzz.h"

#include "wire/row.h"

#include <hyperline/types.h>

enum { MAX_COLUMNS = 8, NUMERIC_ARRAY = 1231 };

/* ---- Types --------------------------------------------------------------------------------- */

static const uint32_t array_oids[] = {
#define ARRAY_OID(name, oid, array_oid, width, text) array_oid,
    HYL_TYPE_MAP(ARRAY_OID)
#undef ARRAY_OID
};

enum { ARRAY_COUNT = sizeof array_oids / sizeof array_oids[0] };

/* 0..63 a type without a modifier, 64..127 a numeric, 128.. an array, 192.. one without NULL. */
static hyl_type type_of(uint8_t choice)
{
    if (choice >= 128) {
        uint32_t oid = array_oids[choice % ARRAY_COUNT];
        int32_t modifier = oid == NUMERIC_ARRAY ? hyl_type_numeric(18, 2).typmod : -1;
        hyl_type type = hyl_type_from_oid(oid, modifier);
        type.element_not_null = choice >= 192;
        return type;
    }
    if (choice >= 64) {
        int precision = 1 + choice % 38;
        return hyl_type_numeric(precision, precision * (choice - 64) / 64);
    }
    return hyl_type_of((hyl_type_id)(choice % HYL_TYPE_ARRAY));
}

/* ---- One value ----------------------------------------------------------------------------- */

static void read_array(hyl_type type, const hyl_value *array)
{
    hyl_array_iter iter;
    hyl_value element;
    hyl_status status = hyl_array_iter_init(&iter, type, array, NULL);
    FUZZ_CHECK(status == HYL_OK);
    uint32_t count = 0;
    while ((status = hyl_array_iter_next(&iter, &element, NULL)) == HYL_OK) {
        count++;
    }
    FUZZ_CHECK(count <= iter.count && (status != HYL_DONE || count == iter.count));
}

/* Encoded, decoded and encoded again, the bytes are the same. */
static void check_encoding(hyl_type type, const hyl_value *value)
{
    hyl_buf first = HYL_BUF_INIT;
    hyl_buf second = HYL_BUF_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value again;
    if (hyl_value_encode(type, value, &first, NULL) == HYL_OK) {
        FUZZ_CHECK(hyl_value_decode(type, HYL_FORMAT_HYPERBINARY, fuzz_buf_bytes(&first), &scratch,
                                    &again, NULL) == HYL_OK);
        FUZZ_CHECK(hyl_value_encode(type, &again, &second, NULL) == HYL_OK);
        FUZZ_CHECK(fuzz_same(fuzz_buf_bytes(&first), fuzz_buf_bytes(&second)));
    }
    hyl_buf_reset(&first);
    hyl_buf_reset(&second);
    hyl_buf_reset(&scratch);
}

/* What is written as text is read back to what has the same text. */
static void check_text(hyl_type type, const hyl_value *value)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_buf again_text = HYL_BUF_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value again;
    if (hyl_value_text(type, value, &text, NULL) == HYL_OK &&
        hyl_value_decode(type, HYL_FORMAT_TEXT, fuzz_buf_bytes(&text), &scratch, &again, NULL) ==
            HYL_OK) {
        FUZZ_CHECK(hyl_value_text(type, &again, &again_text, NULL) == HYL_OK);
        FUZZ_CHECK(fuzz_same(fuzz_buf_bytes(&text), fuzz_buf_bytes(&again_text)));
    }
    hyl_buf_reset(&text);
    hyl_buf_reset(&again_text);
    hyl_buf_reset(&scratch);
}

/* The same value as a field of a COPY row, and back. */
static void check_copy_field(hyl_type type, const hyl_value *value)
{
    hyl_buf field = HYL_BUF_INIT;
    hyl_value again;
    size_t offset = 0;
    if (hyl_copy_field(type, true, value, &field, NULL) == HYL_OK) {
        hyl_bytes bytes = fuzz_buf_bytes(&field);
        FUZZ_CHECK(hyl_copy_field_decode(type, true, bytes, &offset, &again, NULL) == HYL_OK);
        FUZZ_CHECK(offset == field.len);
    }
    hyl_buf_reset(&field);
}

static void read_cell(hyl_type type, hyl_format format, hyl_bytes cell)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf scratch = HYL_BUF_INIT;
    hyl_value value;
    uint8_t *copy = fuzz_copy(cell);
    hyl_bytes bytes = {copy, cell.len};
    if (hyl_value_decode(type, format, bytes, &scratch, &value, &err) == HYL_OK) {
        if (value.type == HYL_TYPE_ARRAY) {
            read_array(type, &value);
        }
        check_encoding(type, &value);
        check_text(type, &value);
        check_copy_field(type, &value);
    } else {
        FUZZ_CHECK(err.message[0] != '\0');
    }
    hyl_buf_reset(&scratch);
    free(copy);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* COPY rows in HyperBinary have no count and no lengths but those of their fields. */
static void read_copy_row(const hyl_type *types, size_t count, hyl_bytes bytes)
{
    size_t offset = 0;
    hyl_value value;
    for (size_t i = 0; i < count; i++) {
        size_t before = offset;
        hyl_status status =
            hyl_copy_field_decode(types[i], i % 2 == 0, bytes, &offset, &value, NULL);
        if (status != HYL_OK) {
            FUZZ_CHECK(status != HYL_AGAIN || offset == before);
            return;
        }
        FUZZ_CHECK(offset > before || bytes.len == before || hyl_type_width(types[i]) == 0);
        FUZZ_CHECK(offset <= bytes.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hyl_bytes input = {data, size};
    hyl_format format = (hyl_format)(fuzz_byte(&input) % 3);
    size_t count = fuzz_byte(&input) % (MAX_COLUMNS + 1);
    hyl_type types[MAX_COLUMNS];
    hyl_bytes cells[MAX_COLUMNS];
    hyl_error err = HYL_ERROR_INIT;
    for (size_t i = 0; i < count; i++) {
        types[i] = type_of(fuzz_byte(&input));
    }
    hyl_bytes body = {fuzz_copy(input), input.len};
    if (hyl__row_view(body, cells, count)) {
        FUZZ_CHECK(hyl__row_cells(body, cells, count, &err) == HYL_OK);
        for (size_t i = 0; i < count; i++) {
            if (cells[i].data != NULL) {
                read_cell(types[i], format, cells[i]);
            }
        }
    } else {
        FUZZ_CHECK(hyl__row_cells(body, cells, count, &err) == HYL_ERR_PROTOCOL);
    }
    read_copy_row(types, count, body);
    free((void *)(uintptr_t)body.data);
    return 0;
}
