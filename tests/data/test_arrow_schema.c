#include "support/test.h"

#include "support/arrow_text.h"

#include "data/arrow_schema.h"

static struct ArrowSchema schema;
static struct ArrowError why;

/* A struct of one field "x" of this format; its metadata are pairs of key and value, up to NULL. */
static struct ArrowSchema sent_schema(const char *format, const char *const *metadata)
{
    struct ArrowSchema sent;
    struct ArrowBuffer pairs;
    ArrowSchemaInit(&sent);
    assert_int_equal(ArrowSchemaSetTypeStruct(&sent, 1), 0);
    assert_int_equal(ArrowSchemaSetFormat(sent.children[0], format), 0);
    assert_int_equal(ArrowSchemaSetName(sent.children[0], "x"), 0);
    assert_int_equal(ArrowMetadataBuilderInit(&pairs, NULL), 0);
    for (size_t i = 0; metadata != NULL && metadata[i] != NULL; i += 2) {
        assert_int_equal(ArrowMetadataBuilderAppend(&pairs, ArrowCharView(metadata[i]),
                                                    ArrowCharView(metadata[i + 1])),
                         0);
    }
    assert_int_equal(ArrowSchemaSetMetadata(sent.children[0], (const char *)pairs.data), 0);
    ArrowBufferReset(&pairs);
    return sent;
}

/* A list of `format`, whose element is called "element". */
static struct ArrowSchema sent_list(const char *format)
{
    struct ArrowSchema sent = sent_schema("+l", NULL);
    assert_int_equal(ArrowSchemaAllocateChildren(sent.children[0], 1), 0);
    ArrowSchemaInit(sent.children[0]->children[0]);
    assert_int_equal(ArrowSchemaSetFormat(sent.children[0]->children[0], format), 0);
    assert_int_equal(ArrowSchemaSetName(sent.children[0]->children[0], "element"), 0);
    return sent;
}

/* ---- Schemas --------------------------------------------------------------------------------- */

static void assert_mended(const char *format, const char *const *metadata,
                          const char *wanted_format, const char *wanted_name, bool wanted_date64)
{
    struct ArrowSchema sent = sent_schema(format, metadata);
    bool has_date64 = !wanted_date64;
    assert_int_equal(hyl__schema_repair(&sent, &schema, &has_date64, &why), 0);
    assert_string_equal(schema.children[0]->format, wanted_format);
    assert_string_equal(arrow_metadata(schema.children[0], "hyper:type_name"), wanted_name);
    assert_int_equal(has_date64, wanted_date64);
    /* What was sent stays, and what it said of itself is passed on. */
    assert_string_equal(sent.children[0]->format, format);
    for (size_t i = 0; metadata != NULL && metadata[i] != NULL; i += 2) {
        assert_string_equal(arrow_metadata(schema.children[0], metadata[i]), metadata[i + 1]);
    }
    ArrowSchemaRelease(&schema);
    ArrowSchemaRelease(&sent);
}

#define METADATA(...) ((const char *const[]){__VA_ARGS__, NULL})

static void every_field_tells_its_hyper_type(void **state)
{
    (void)state;
    assert_mended("b", NULL, "b", "boolean", false);
    assert_mended("s", NULL, "s", "smallint", false);
    assert_mended("i", NULL, "i", "integer", false);
    assert_mended("l", NULL, "l", "bigint", false);
    assert_mended("f", NULL, "f", "real", false);
    assert_mended("g", NULL, "g", "double precision", false);
    assert_mended("d:18,2", NULL, "d:18,2", "numeric(18,2)", false);
    assert_mended("d:38,38", NULL, "d:38,38", "numeric(38,38)", false);
    assert_mended("I", METADATA("hyper:type", "Oid"), "I", "oid", false);
    assert_mended("u", NULL, "u", "text", false);
    assert_mended("u", METADATA("hyper:max_string_length", "10"), "u", "character varying(10)",
                  false);
    assert_mended("u", METADATA("hyper:type", "Char", "hyper:max_string_length", "5"), "u",
                  "character(5)", false);
    assert_mended("u", METADATA("hyper:type", "Char1"), "u", "character(1)", false);
    assert_mended("u", METADATA("hyper:type", "JSON"), "u", "json", false);
    assert_mended("z", NULL, "z", "bytes", false);
    assert_mended("z", METADATA("hyper:type", "Geography"), "z", "tableau.tabgeography", false);
    assert_mended("ttu", NULL, "ttu", "time", false);
    assert_mended("tsu:", NULL, "tsu:", "timestamp", false);
    /* What a later server may send. */
    assert_mended("u", METADATA("hyper:type", "Charm"), "u", "text", false);
    assert_mended("tdD", NULL, "tdD", "date", false);
    assert_mended("w:16", NULL, "w:16", "unknown", false);
}

static void what_readers_refuse_is_mended(void **state)
{
    (void)state;
    assert_mended("tdm", NULL, "tdD", "date", true);
    assert_mended("tsu:Utc", NULL, "tsu:UTC", "timestamp with time zone", false);
    assert_mended("tsu:UTC", NULL, "tsu:UTC", "timestamp with time zone", false);
    assert_mended("tin", NULL, "tin", "interval", false);
}

static void intervals_say_so(void **state)
{
    (void)state;
    struct ArrowSchema sent = sent_schema("tin", NULL);
    bool has_date64 = false;
    assert_int_equal(hyl__schema_repair(&sent, &schema, &has_date64, &why), 0);
    assert_string_equal(arrow_metadata(schema.children[0], "hyper:type"), "Interval");
    ArrowSchemaRelease(&schema);
    ArrowSchemaRelease(&sent);
}

static void arrays_are_mended_inside(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        const char *format;
        const char *name;
        bool has_date64;
    } cases[] = {{"i", "i", "array(integer)", false},
                 {"d:5,2", "d:5,2", "array(numeric(5,2))", false},
                 {"tdm", "tdD", "array(date)", true},
                 {"tsu:Utc", "tsu:UTC", "array(timestamp with time zone)", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ArrowSchema sent = sent_list(cases[i].sent);
        bool has_date64 = false;
        assert_int_equal(hyl__schema_repair(&sent, &schema, &has_date64, &why), 0);
        const struct ArrowSchema *list = schema.children[0];
        assert_string_equal(list->format, "+l");
        assert_string_equal(arrow_metadata(list, "hyper:type_name"), cases[i].name);
        assert_string_equal(list->children[0]->format, cases[i].format);
        assert_string_equal(list->children[0]->name, "element");
        assert_int_equal(has_date64, cases[i].has_date64);
        ArrowSchemaRelease(&schema);
        ArrowSchemaRelease(&sent);
    }
}

/* ---- Dates ----------------------------------------------------------------------------------- */

enum { DATES = 9 };

static const int64_t millis[DATES] = {0,
                                      86400000,
                                      -86400000,
                                      INT64_C(-210866803200000),     /* far before Christ */
                                      INT64_C(253402214400000),      /* 9999-12-31 */
                                      INT64_C(106762939) * 86400000, /* 294276-12-31 */
                                      INT64_MIN,                     /* of a NULL */
                                      -1,                            /* of a NULL */
                                      INT64_MAX /* of a NULL */};
static const uint8_t valid[2] = {0x3f, 0x00};

/* An array of those dates in date64, with NULLs at its end. */
static void build_dates(struct ArrowArray *array)
{
    assert_int_equal(ArrowArrayInitFromType(array, NANOARROW_TYPE_DATE64), 0);
    assert_int_equal(ArrowBufferAppend(ArrowArrayBuffer(array, 1), millis, sizeof millis), 0);
    assert_int_equal(ArrowBufferAppend(ArrowArrayBuffer(array, 0), valid, sizeof valid), 0);
    array->length = DATES;
    array->null_count = 3;
    assert_int_equal(ArrowArrayFinishBuilding(array, NANOARROW_VALIDATION_LEVEL_MINIMAL, &why), 0);
}

static void assert_days(const struct ArrowArray *array)
{
    const int32_t *days = array->buffers[1];
    for (int i = 0; i < 6; i++) {
        assert_int_equal(days[i], millis[i] / 86400000);
    }
    /* Slots of NULLs are zero, whatever stood in them. */
    for (int i = 6; i < DATES; i++) {
        assert_int_equal(days[i], 0);
    }
    assert_memory_equal(array->buffers[0], valid, sizeof valid);
    assert_int_equal(array->null_count, 3);
}

static void dates_become_days(void **state)
{
    (void)state;
    struct ArrowSchema sent = sent_schema("tdm", NULL);
    struct ArrowArray batch;
    assert_int_equal(ArrowArrayInitFromType(&batch, NANOARROW_TYPE_STRUCT), 0);
    assert_int_equal(ArrowArrayAllocateChildren(&batch, 1), 0);
    build_dates(batch.children[0]);
    batch.length = DATES;
    assert_int_equal(hyl__batch_repair(&batch, &sent), 0);
    assert_days(batch.children[0]);
    ArrowArrayRelease(&batch);
    ArrowSchemaRelease(&sent);
}

static void dates_in_arrays_become_days(void **state)
{
    (void)state;
    static const int32_t offsets[] = {0, 4, DATES};
    struct ArrowSchema sent = sent_list("tdm");
    struct ArrowArray batch;
    assert_int_equal(ArrowArrayInitFromType(&batch, NANOARROW_TYPE_STRUCT), 0);
    assert_int_equal(ArrowArrayAllocateChildren(&batch, 1), 0);
    struct ArrowArray *list = batch.children[0];
    assert_int_equal(ArrowArrayInitFromType(list, NANOARROW_TYPE_LIST), 0);
    assert_int_equal(ArrowArrayAllocateChildren(list, 1), 0);
    assert_int_equal(ArrowBufferAppend(ArrowArrayBuffer(list, 1), offsets, sizeof offsets), 0);
    build_dates(list->children[0]);
    list->length = 2;
    batch.length = 2;
    assert_int_equal(hyl__batch_repair(&batch, &sent), 0);
    assert_days(list->children[0]);
    ArrowArrayRelease(&batch);
    ArrowSchemaRelease(&sent);
}

static void a_batch_of_no_rows_is_mended(void **state)
{
    (void)state;
    struct ArrowSchema sent = sent_schema("tdm", NULL);
    struct ArrowArray batch;
    assert_int_equal(ArrowArrayInitFromType(&batch, NANOARROW_TYPE_STRUCT), 0);
    assert_int_equal(ArrowArrayAllocateChildren(&batch, 1), 0);
    assert_int_equal(ArrowArrayInitFromType(batch.children[0], NANOARROW_TYPE_DATE64), 0);
    assert_int_equal(ArrowArrayFinishBuildingDefault(batch.children[0], &why), 0);
    assert_int_equal(hyl__batch_repair(&batch, &sent), 0);
    assert_int_equal(batch.children[0]->length, 0);
    ArrowArrayRelease(&batch);
    ArrowSchemaRelease(&sent);
}

/* An array of texts in a list, both without a value or a buffer: as the server sends NULL. */
static void arrays_without_values_get_their_offset(void **state)
{
    (void)state;
    struct ArrowArray list;
    assert_int_equal(ArrowArrayInitFromType(&list, NANOARROW_TYPE_LIST), 0);
    assert_int_equal(ArrowArrayAllocateChildren(&list, 1), 0);
    assert_int_equal(ArrowArrayInitFromType(list.children[0], NANOARROW_TYPE_LARGE_STRING), 0);
    assert_int_equal(ArrowBufferAppendFill(ArrowArrayBuffer(&list, 1), 0, 8), 0);
    list.length = 1;
    const void *kept = ArrowArrayBuffer(&list, 1)->data;
    assert_int_equal(ArrowArrayFinishBuildingDefault(&list, &why), 0);
    assert_int_equal(ArrowArrayBuffer(list.children[0], 1)->size_bytes, 0);
    assert_int_equal(hyl__batch_add_offsets(&list), 0);
    assert_int_equal(ArrowArrayBuffer(list.children[0], 1)->size_bytes, 8);
    assert_int_equal(*(const int64_t *)list.children[0]->buffers[1], 0);
    assert_ptr_equal(list.buffers[1], kept);
    assert_int_equal(hyl__batch_add_offsets(list.children[0]), 0); /* it has one now */
    ArrowArrayRelease(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_tells_its_hyper_type),
        cmocka_unit_test(what_readers_refuse_is_mended),
        cmocka_unit_test(intervals_say_so),
        cmocka_unit_test(arrays_are_mended_inside),
        cmocka_unit_test(dates_become_days),
        cmocka_unit_test(dates_in_arrays_become_days),
        cmocka_unit_test(a_batch_of_no_rows_is_mended),
        cmocka_unit_test(arrays_without_values_get_their_offset),
    };
    return cmocka_run_group_tests_name("data/arrow_schema", tests, NULL, NULL);
}
