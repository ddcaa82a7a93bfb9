#include "support/test.h"

#include "support/alloc.h"
#include "support/arrow_text.h"
#include "support/hex.h"

#include "data/arrow_columns.h"

static hyl_error err;

static hyl_column info_in(hyl_type type, hyl_format format)
{
    return (hyl_column){"x", 1, type, format};
}

static hyl_column info_of(hyl_type type)
{
    return info_in(type, HYL_FORMAT_HYPERBINARY);
}

static hyl_type array_of(hyl_type_id id)
{
    static const uint32_t oids[HYL_TYPE_COUNT] = {
#define ARRAY_OID(name, oid, array_oid, width, sql) [HYL_TYPE_##name] = (array_oid),
        HYL_TYPE_MAP(ARRAY_OID)
#undef ARRAY_OID
    };
    return hyl_type_from_oid(oids[id], -1);
}

/* Appends a cell of these bytes to a new column of the type in the format. */
static hyl_status append_hex_in(hyl_format format, hyl_type type, const char *hex)
{
    hyl_column info = info_in(type, format);
    hyl__column column;
    hyl_buf cell = HYL_BUF_INIT;
    hex_append(&cell, hex);
    assert_int_equal(hyl__column_init(&column, &info), HYL_OK);
    assert_int_equal(hyl__column_grow(&column, 1), HYL_OK);
    /* A copy of exactly its size, so that a byte too many is noticed. */
    uint8_t *copy = malloc(cell.len + 1);
    assert_non_null(copy);
    memcpy(copy + 1, cell.len > 0 ? cell.data : (const uint8_t *)"", cell.len);
    hyl_status status = hyl__column_append(&column, (hyl_bytes){copy + 1, cell.len});
    assert_int_equal(column.len, status == HYL_OK);
    free(copy);
    hyl__column_reset(&column);
    hyl_buf_reset(&cell);
    return status;
}

static hyl_status append_hex(hyl_type type, const char *hex)
{
    return append_hex_in(HYL_FORMAT_HYPERBINARY, type, hex);
}

static void cells_that_are_no_values_are_refused(void **state)
{
    (void)state;
    static const hyl_type_id fixed[] = {
        HYL_TYPE_BOOL,      HYL_TYPE_SMALLINT,    HYL_TYPE_INT,      HYL_TYPE_BIGINT, HYL_TYPE_REAL,
        HYL_TYPE_DOUBLE,    HYL_TYPE_NUMERIC,     HYL_TYPE_OID,      HYL_TYPE_DATE,   HYL_TYPE_TIME,
        HYL_TYPE_TIMESTAMP, HYL_TYPE_TIMESTAMPTZ, HYL_TYPE_INTERVAL, HYL_TYPE_UUID};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        static const char *const hex[] = {"", "00 00 00", "00 00 00 00 00",
                                          "00 00 00 00 00 00 00 00 00"};
        for (size_t j = 0; j < sizeof hex / sizeof hex[0]; j++) {
            assert_int_equal(append_hex(hyl_type_of(fixed[i]), hex[j]), HYL_ERR_PROTOCOL);
        }
    }
    assert_int_equal(append_hex(hyl_type_of(HYL_TYPE_BOOL), "02"), HYL_ERR_PROTOCOL);
    assert_int_equal(append_hex(hyl_type_of(HYL_TYPE_DATE), "00000000"), HYL_ERR_PROTOCOL);
    assert_int_equal(append_hex(hyl_type_of(HYL_TYPE_DATE), "ffffffff"), HYL_ERR_PROTOCOL);
    assert_int_equal(append_hex(hyl_type_of(HYL_TYPE_TIME), "ffffffffffffffff"), HYL_ERR_PROTOCOL);
    assert_int_equal(append_hex(hyl_type_of(HYL_TYPE_TIMESTAMP), "0000000000000000"),
                     HYL_ERR_PROTOCOL);
    assert_int_equal(append_hex(array_of(HYL_TYPE_INT), "000000"), HYL_ERR_PROTOCOL);
    assert_int_equal(append_hex(array_of(HYL_TYPE_TEXT), "ffffffff"), HYL_ERR_PROTOCOL);
}

/* The cell that DataRow has for a value. */
static hyl_status append_value(hyl_type type, hyl_value value)
{
    hyl_buf cell = HYL_BUF_INIT;
    hyl_buf hex = HYL_BUF_INIT;
    value.type = type.id;
    assert_ok(hyl_value_encode(type, &value, &cell, &err), &err);
    for (size_t i = 0; i < cell.len; i++) {
        hyl_buf_printf(&hex, "%02x", cell.data[i]);
    }
    hyl_buf_append_byte(&hex, 0);
    hyl_status status = append_hex(type, (const char *)hex.data);
    hyl_buf_reset(&cell);
    hyl_buf_reset(&hex);
    return status;
}

static void values_beyond_arrows_types_are_out_of_range(void **state)
{
    (void)state;
    const int64_t day = HYL_MICROS_PER_DAY;
    const int64_t epoch = HYL_UNIX_EPOCH_DAYS * HYL_MICROS_PER_DAY;
    const hyl_type time = hyl_type_of(HYL_TYPE_TIME);
    const hyl_type timestamp = hyl_type_of(HYL_TYPE_TIMESTAMP);
    const hyl_type interval = hyl_type_of(HYL_TYPE_INTERVAL);
    assert_int_equal(append_value(time, (hyl_value){.as.i64 = day - 1}), HYL_OK);
    assert_int_equal(append_value(time, (hyl_value){.as.i64 = day}), HYL_ERR_RANGE);
    assert_int_equal(append_value(timestamp, (hyl_value){.as.i64 = INT64_MAX + epoch}), HYL_OK);
    assert_int_equal(append_value(timestamp, (hyl_value){.as.i64 = INT64_MAX + epoch + 1}),
                     HYL_ERR_RANGE);
    assert_int_equal(append_value(timestamp, (hyl_value){.as.i64 = HYL_DATE_MIN * day}), HYL_OK);
    assert_int_equal(append_value(interval, (hyl_value){.as.interval = {INT64_MAX / 1000, 1, 1}}),
                     HYL_OK);
    assert_int_equal(
        append_value(interval, (hyl_value){.as.interval = {INT64_MAX / 1000 + 1, 0, 0}}),
        HYL_ERR_RANGE);
    assert_int_equal(
        append_value(interval, (hyl_value){.as.interval = {INT64_MIN / 1000 - 1, 0, 0}}),
        HYL_ERR_RANGE);
}

/* ---- PostgreSQL's binary format -------------------------------------------------------------- */

static hyl_status append_pg(hyl_type type, const char *hex)
{
    return append_hex_in(HYL_FORMAT_BINARY, type, hex);
}

static void binary_cells_that_are_no_values_are_refused(void **state)
{
    (void)state;
    static const hyl_type_id fixed[] = {
        HYL_TYPE_BOOL,        HYL_TYPE_SMALLINT, HYL_TYPE_INT,  HYL_TYPE_BIGINT, HYL_TYPE_REAL,
        HYL_TYPE_DOUBLE,      HYL_TYPE_OID,      HYL_TYPE_DATE, HYL_TYPE_TIME,   HYL_TYPE_TIMESTAMP,
        HYL_TYPE_TIMESTAMPTZ, HYL_TYPE_INTERVAL, HYL_TYPE_UUID};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        assert_int_equal(append_pg(hyl_type_of(fixed[i]), ""), HYL_ERR_PROTOCOL);
        assert_int_equal(append_pg(hyl_type_of(fixed[i]), "000000"), HYL_ERR_PROTOCOL);
        assert_int_equal(append_pg(hyl_type_of(fixed[i]), "000000000000000000"), HYL_ERR_PROTOCOL);
    }
    assert_int_equal(append_pg(hyl_type_of(HYL_TYPE_BOOL), "02"), HYL_ERR_PROTOCOL);
    assert_int_equal(append_pg(hyl_type_numeric(9, 2), "0001 0000 0000"), HYL_ERR_PROTOCOL);
    assert_int_equal(append_pg(hyl_type_numeric(9, 2), "0002 0000 0000 0002 0001"),
                     HYL_ERR_PROTOCOL);
    assert_int_equal(append_pg(hyl_type_from_oid(3802, -1), ""), HYL_ERR_PROTOCOL);
    assert_int_equal(append_pg(hyl_type_from_oid(3802, -1), "027b7d"), HYL_ERR_PROTOCOL);
    assert_int_equal(append_pg(array_of(HYL_TYPE_INT), "00000001 00000000 00000017"),
                     HYL_ERR_PROTOCOL);
    assert_int_equal(
        append_pg(array_of(HYL_TYPE_INT), "00000001 00000000 00000017 7fffffff 00000001"),
        HYL_ERR_PROTOCOL);
}

static void binary_values_without_a_place_are_told_apart(void **state)
{
    (void)state;
    const hyl_type date = hyl_type_of(HYL_TYPE_DATE);
    assert_int_equal(append_pg(date, "7fffffff"), HYL_ERR_RANGE); /* infinity */
    assert_int_equal(append_pg(date, "80000000"), HYL_ERR_RANGE);
    assert_int_equal(append_pg(hyl_type_of(HYL_TYPE_TIME), "000000141dd76000"), HYL_ERR_RANGE);
    assert_int_equal(append_pg(hyl_type_of(HYL_TYPE_TIMESTAMP), "7fffffffffffffff"), HYL_ERR_RANGE);
    assert_int_equal(append_pg(hyl_type_numeric(9, 2), "0000 0000 c000 0000"), HYL_ERR_RANGE);
    assert_int_equal(append_pg(array_of(HYL_TYPE_INT),
                               "00000002 00000000 00000017 00000001 00000001 00000001 00000001 "
                               "00000004 00000007"),
                     HYL_ERR_UNSUPPORTED);
}

/* One value as a column of a batch, written out. */
static void assert_cell(hyl_type type, const char *hex, const char *format, const char *text)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    hyl_column info = info_in(type, HYL_FORMAT_BINARY);
    hyl__column column;
    hyl_buf cell = HYL_BUF_INIT;
    hyl_buf read = HYL_BUF_INIT;
    hex_append(&cell, hex);
    assert_int_equal(hyl__column_init(&column, &info), HYL_OK);
    assert_int_equal(hyl__column_grow(&column, 2), HYL_OK);
    assert_int_equal(hyl__column_append(&column, (hyl_bytes){NULL, 0}), HYL_OK);
    assert_int_equal(hyl__column_append(&column, (hyl_bytes){cell.data, cell.len}), HYL_OK);
    assert_int_equal(hyl__columns_schema(&info, 1, &schema), 0);
    assert_string_equal(schema.children[0]->format, format);
    assert_int_equal(ArrowArrayInitFromSchema(&batch, &schema, NULL), 0);
    assert_int_equal(hyl__column_finish(&column, batch.children[0]), 0);
    batch.length = 2;
    assert_int_equal(ArrowArrayFinishBuilding(&batch, NANOARROW_VALIDATION_LEVEL_FULL, NULL), 0);
    arrow_batch_text(&schema, &batch, &read);
    hyl_buf_append_byte(&read, 0);
    assert_memory_equal(read.data, "NULL\n", 5);
    assert_string_equal((char *)read.data + 5, text);
    hyl__column_reset(&column);
    ArrowArrayRelease(&batch);
    ArrowSchemaRelease(&schema);
    hyl_buf_reset(&cell);
    hyl_buf_reset(&read);
}

static void binary_values_are_read_in_their_byte_order(void **state)
{
    (void)state;
    assert_cell(hyl_type_of(HYL_TYPE_BOOL), "01", "b", "t\n");
    assert_cell(hyl_type_of(HYL_TYPE_SMALLINT), "0102", "s", "258\n");
    assert_cell(hyl_type_of(HYL_TYPE_INT), "01020304", "i", "16909060\n");
    assert_cell(hyl_type_of(HYL_TYPE_BIGINT), "fffffffffffffffe", "l", "-2\n");
    assert_cell(hyl_type_of(HYL_TYPE_OID), "00000010", "I", "16\n");
    assert_cell(hyl_type_of(HYL_TYPE_REAL), "3fc00000", "f", "1.5\n");
    assert_cell(hyl_type_of(HYL_TYPE_DOUBLE), "3ff8000000000000", "g", "1.5\n");
    assert_cell(hyl_type_numeric(9, 2), "0002 0000 4000 0002 0001 1388", "d:9,2", "-1.50\n");
    assert_cell(hyl_type_numeric(38, 0), "0001 0009 0000 0000 0001", "d:38,0",
                "1000000000000000000000000000000000000\n");
    assert_cell(hyl_type_of(HYL_TYPE_NUMERIC), "0002 0000 0000 0003 0001 1388", "u", "1.500\n");
    assert_cell(hyl_type_of(HYL_TYPE_DATE), "00000001", "tdD", "2000-01-02\n");
    assert_cell(hyl_type_of(HYL_TYPE_TIME), "0000000000000001", "ttu", "00:00:00.000001\n");
    assert_cell(hyl_type_of(HYL_TYPE_TIMESTAMP), "0000000000000001",
                "tsu:", "2000-01-01 00:00:00.000001\n");
    assert_cell(hyl_type_of(HYL_TYPE_INTERVAL), "00000000000f4240 00000002 00000001", "tin",
                "P1M2DT1S\n");
    assert_cell(hyl_type_of(HYL_TYPE_UUID), "0123456789abcdef0123456789abcdef", "w:16",
                "01234567-89ab-cdef-0123-456789abcdef\n");
    assert_cell(hyl_type_of(HYL_TYPE_TEXT), "6162", "u", "ab\n");
    assert_cell(hyl_type_of(HYL_TYPE_BYTES), "00ff", "z", "\\x00ff\n");
    assert_cell(hyl_type_from_oid(3802, -1), "017b7d", "u", "{}\n");
    assert_cell(array_of(HYL_TYPE_INT), "00000000 00000000 00000017", "+l", "[]\n");
    assert_cell(array_of(HYL_TYPE_INT),
                "00000001 00000001 00000017 00000002 00000001 00000004 00000102 ffffffff", "+l",
                "[258,NULL]\n");
    assert_cell(array_of(HYL_TYPE_NUMERIC),
                "00000001 00000000 000006a4 00000001 00000001 0000000a 0001 0000 0000 0000 0007",
                "u", "{7}\n");
    assert_cell(hyl_type_from_oid(987654, -1), "0102", "z", "\\x0102\n");
}

/* ---- Arrays without elements ----------------------------------------------------------------- */

/* One value of an array type, NULL or without an element: its elements are an array all the same. */
static void assert_no_elements(hyl_type type, hyl_bytes cell)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    const hyl_column info = info_of(type);
    hyl__column column;
    assert_int_equal(hyl__column_init(&column, &info), HYL_OK);
    assert_int_equal(hyl__columns_schema(&info, 1, &schema), 0);
    for (int turn = 0; turn < 2; turn++) { /* the builder's memory was given away in between */
        assert_int_equal(hyl__column_grow(&column, 1), HYL_OK);
        assert_int_equal(hyl__column_append(&column, cell), HYL_OK);
        assert_int_equal(ArrowArrayInitFromSchema(&batch, &schema, NULL), 0);
        assert_int_equal(hyl__column_finish(&column, batch.children[0]), 0);
        batch.length = 1;
        assert_int_equal(ArrowArrayFinishBuilding(&batch, NANOARROW_VALIDATION_LEVEL_FULL, NULL),
                         0);
        struct ArrowArray *elements = batch.children[0]->children[0];
        assert_int_equal(elements->length, 0);
        if (strchr("uz", schema.children[0]->children[0]->format[0]) != NULL) {
            const int32_t *offsets = elements->buffers[1];
            assert_int_equal(ArrowArrayBuffer(elements, 1)->size_bytes, sizeof *offsets);
            assert_int_equal(offsets[0], 0);
        }
        ArrowArrayRelease(&batch);
    }
    ArrowSchemaRelease(&schema);
    hyl__column_reset(&column);
}

static void arrays_without_elements_have_an_offset(void **state)
{
    (void)state;
    for (int id = HYL_TYPE_BOOL; id < HYL_TYPE_ARRAY; id++) {
        const hyl_type type = array_of((hyl_type_id)id);
        if (type.id == HYL_TYPE_ARRAY) {
            assert_no_elements(type, (hyl_bytes){NULL, 0});
            assert_no_elements(type, (hyl_bytes){(const uint8_t *)"", 0});
        }
    }
}

/* ---- Schemas --------------------------------------------------------------------------------- */

static void types_that_only_rows_have_say_what_they_are(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    const hyl_column columns[] = {info_of(hyl_type_of(HYL_TYPE_UUID)),
                                  info_of(hyl_type_from_oid(987654, -1)),
                                  {"", 0, hyl_type_of(HYL_TYPE_INT), HYL_FORMAT_TEXT},
                                  info_of(array_of(HYL_TYPE_UUID))};
    assert_int_equal(hyl__columns_schema(columns, 4, &schema), 0);
    assert_string_equal(schema.children[0]->format, "w:16");
    assert_string_equal(arrow_metadata(schema.children[0], "hyper:type"), "Uuid");
    assert_string_equal(arrow_metadata(schema.children[0], "hyper:type_name"), "uuid");
    assert_string_equal(schema.children[1]->format, "z");
    assert_string_equal(arrow_metadata(schema.children[1], "hyper:oid"), "987654");
    assert_string_equal(schema.children[2]->format, "u");
    assert_string_equal(schema.children[2]->name, "");
    assert_string_equal(arrow_metadata(schema.children[2], "hyper:type_name"), "integer");
    assert_string_equal(schema.children[3]->format, "+l");
    assert_string_equal(schema.children[3]->children[0]->format, "w:16");
    ArrowSchemaRelease(&schema);
}

/* Who reads the schema takes hyper:type for what the values are; texts of them are texts. */
static void what_came_as_text_is_of_no_other_kind(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    const hyl_column columns[] = {info_in(hyl_type_of(HYL_TYPE_GEOGRAPHY), HYL_FORMAT_TEXT),
                                  info_in(hyl_type_of(HYL_TYPE_UUID), HYL_FORMAT_TEXT),
                                  info_in(hyl_type_of(HYL_TYPE_JSON), HYL_FORMAT_TEXT)};
    assert_int_equal(hyl__columns_schema(columns, 3, &schema), 0);
    assert_string_equal(arrow_metadata(schema.children[0], "hyper:type"), "");
    assert_string_equal(arrow_metadata(schema.children[1], "hyper:type"), "");
    assert_string_equal(arrow_metadata(schema.children[1], "hyper:type_name"), "uuid");
    assert_string_equal(arrow_metadata(schema.children[2], "hyper:type"), "JSON");
    ArrowSchemaRelease(&schema);
}

static void no_columns_have_a_schema(void **state)
{
    (void)state;
    struct ArrowSchema schema;
    assert_int_equal(hyl__columns_schema(NULL, 0, &schema), 0);
    assert_string_equal(schema.format, "+s");
    assert_int_equal(schema.n_children, 0);
    ArrowSchemaRelease(&schema);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Rows of texts, some NULL, in a column that grows as it goes. */
static hyl_status build_texts(struct ArrowArray *out)
{
    const hyl_column info = info_of(hyl_type_of(HYL_TYPE_TEXT));
    hyl__column column;
    hyl_status status = hyl__column_init(&column, &info);
    for (int i = 0; status == HYL_OK && i < 100; i++) {
        hyl_bytes cell = {i % 7 == 3 ? NULL : (const uint8_t *)"abcdefghij", (size_t)i % 11};
        if (column.len == column.cap) {
            status = hyl__column_grow(&column, column.cap * 2 + 1);
        }
        if (status == HYL_OK) {
            status = hyl__column_append(&column, cell);
        }
    }
    if (status == HYL_OK) {
        assert_int_equal(ArrowArrayInitFromType(out, NANOARROW_TYPE_STRING), 0);
        assert_int_equal(hyl__column_finish(&column, out), 0);
        assert_int_equal(ArrowArrayFinishBuilding(out, NANOARROW_VALIDATION_LEVEL_FULL, NULL), 0);
        assert_int_equal(column.len, 0);
    }
    hyl__column_reset(&column);
    return status;
}

static void assert_texts(const struct ArrowArray *array)
{
    struct ArrowArrayView view;
    ArrowArrayViewInitFromType(&view, NANOARROW_TYPE_STRING);
    assert_int_equal(ArrowArrayViewSetArray(&view, array, NULL), 0);
    assert_int_equal(array->length, 100);
    assert_int_equal(array->null_count, 14);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ArrowArrayViewIsNull(&view, i), i % 7 == 3);
        if (i % 7 != 3) {
            struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(&view, i);
            assert_int_equal(text.size_bytes, i % 11);
            assert_memory_equal(text.data, "abcdefghij", (size_t)text.size_bytes);
        }
    }
    ArrowArrayViewReset(&view);
}

static void without_memory_building_fails_cleanly(void **state)
{
    (void)state;
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct ArrowArray array = {.release = NULL};
        alloc_start(n);
        hyl_status status = build_texts(&array);
        failed = alloc_failed();
        assert_int_equal(status, failed ? HYL_ERR_NOMEM : HYL_OK);
        if (status == HYL_OK) {
            assert_texts(&array);
            ArrowArrayRelease(&array);
        }
        alloc_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_that_are_no_values_are_refused),
        cmocka_unit_test(values_beyond_arrows_types_are_out_of_range),
        cmocka_unit_test(binary_cells_that_are_no_values_are_refused),
        cmocka_unit_test(binary_values_without_a_place_are_told_apart),
        cmocka_unit_test(binary_values_are_read_in_their_byte_order),
        cmocka_unit_test(arrays_without_elements_have_an_offset),
        cmocka_unit_test(what_came_as_text_is_of_no_other_kind),
        cmocka_unit_test(types_that_only_rows_have_say_what_they_are),
        cmocka_unit_test(no_columns_have_a_schema),
        cmocka_unit_test(without_memory_building_fails_cleanly),
    };
    return cmocka_run_group_tests_name("data/arrow_columns", tests, NULL, NULL);
}
