#include "data/arrow_types.h"

#include "support/test.h"

#include <hyperline/arrow.h>

static hyl_type numeric(int precision, int scale)
{
    return hyl_type_numeric(precision, scale);
}

/* A field of a format, in front of which are as many dictionaries (d) and runs (r) as `before` says. */
static void make_field(struct ArrowSchema *field, const char *format, const char *before)
{
    ArrowSchemaInit(field);
    if (*before == 'd') {
        assert_int_equal(ArrowSchemaSetFormat(field, "i"), 0);
        assert_int_equal(ArrowSchemaAllocateDictionary(field), 0);
        make_field(field->dictionary, format, before + 1);
    } else if (*before == 'r') {
        assert_int_equal(ArrowSchemaSetFormat(field, "+r"), 0);
        assert_int_equal(ArrowSchemaAllocateChildren(field, 2), 0);
        make_field(field->children[0], "i", "");
        make_field(field->children[1], format, before + 1);
    } else {
        assert_int_equal(ArrowSchemaSetFormat(field, format), 0);
    }
}

static void set_metadata(struct ArrowSchema *field, const char *key, const char *value)
{
    struct ArrowBuffer metadata;
    assert_int_equal(ArrowMetadataBuilderInit(&metadata, field->metadata), 0);
    assert_int_equal(ArrowMetadataBuilderSet(&metadata, ArrowCharView(key), ArrowCharView(value)),
                     0);
    assert_int_equal(ArrowSchemaSetMetadata(field, (const char *)metadata.data), 0);
    ArrowBufferReset(&metadata);
}

static void assert_type(hyl_type type, const char *name, const char *what)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_type_format(type, &text);
    hyl_buf_append_byte(&text, 0);
    if (strcmp((const char *)text.data, name) != 0) {
        fail_msg("%s: %s, not %s", what, (const char *)text.data, name);
    }
    hyl_buf_reset(&text);
}

static const char *const HOMES[][2] = {
    {"n", "text"},
    {"b", "boolean"},
    {"c", "smallint"},
    {"C", "smallint"},
    {"s", "smallint"},
    {"S", "integer"},
    {"i", "integer"},
    {"I", "bigint"},
    {"l", "bigint"},
    {"L", "numeric(20,0)"},
    {"e", "real"},
    {"f", "real"},
    {"g", "double precision"},
    {"d:9,2,32", "numeric(9,2)"},
    {"d:18,3,64", "numeric(18,3)"},
    {"d:38,10", "numeric(38,10)"},
    {"d:38,0,256", "numeric(38,0)"},
    {"d:5,-2", "numeric(7,0)"},
    {"d:2,5", "numeric(5,5)"},
    {"d:39,0,256", "unknown(0)"},
    {"u", "text"},
    {"U", "text"},
    {"vu", "text"},
    {"z", "bytes"},
    {"Z", "bytes"},
    {"vz", "bytes"},
    {"w:16", "bytes"},
    {"tdD", "date"},
    {"tdm", "date"},
    {"tts", "time"},
    {"ttn", "time"},
    {"tsn:", "timestamp"},
    {"tsu:UTC", "timestamp with time zone"},
    {"tDs", "interval"},
    {"tiM", "interval"},
    {"tiD", "interval"},
    {"tin", "interval"},
};

static void every_type_has_its_home_behind_anything(void **state)
{
    static const char *const before[] = {"", "d", "r", "rd", "dd"};
    (void)state;
    for (size_t i = 0; i < sizeof HOMES / sizeof *HOMES; i++) {
        for (size_t k = 0; k < sizeof before / sizeof *before; k++) {
            struct ArrowSchema field;
            make_field(&field, HOMES[i][0], before[k]);
            assert_type(hyl__arrow_home(&field, true), HOMES[i][1], HOMES[i][0]);
            ArrowSchemaRelease(&field);
        }
    }
}

static void reals_are_doubles_where_there_are_none(void **state)
{
    struct ArrowSchema field;
    (void)state;
    make_field(&field, "f", "d");
    assert_type(hyl__arrow_home(&field, false), "double precision", "f");
    ArrowSchemaRelease(&field);
}

static void metadata_are_found_at_the_field_and_behind_it(void **state)
{
    static const char *const kinds[][4] = {
        {"u", "JSON", NULL, "json"},
        {"u", "Char1", NULL, "character(1)"},
        {"u", "Char", "4", "character(4)"},
        {"u", NULL, "9", "character varying(9)"},
        {"u", NULL, "9x", "text"},
        {"I", "Oid", NULL, "oid"},
        {"z", "Geography", NULL, "tableau.tabgeography"},
        {"w:16", "Uuid", NULL, "uuid"},
        {"w:15", "Uuid", NULL, "bytes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (int at_values = 0; at_values < 2; at_values++) {
            struct ArrowSchema field;
            make_field(&field, kinds[i][0], "d");
            struct ArrowSchema *at = at_values ? field.dictionary : &field;
            if (kinds[i][1] != NULL) {
                set_metadata(at, "hyper:type", kinds[i][1]);
            }
            if (kinds[i][2] != NULL) {
                set_metadata(at, "hyper:max_string_length", kinds[i][2]);
            }
            assert_type(hyl__arrow_home(&field, true), kinds[i][3], kinds[i][0]);
            ArrowSchemaRelease(&field);
        }
    }
}

static bool fits(const char *format, hyl_type type, unsigned lossy)
{
    struct ArrowSchema field;
    make_field(&field, format, "r");
    bool answer = hyl__arrow_fits(&field, type, lossy);
    ArrowSchemaRelease(&field);
    return answer;
}

static void what_fits_widens_without_loss(void **state)
{
    (void)state;
    assert_true(fits("i", hyl_type_of(HYL_TYPE_BIGINT), 0));
    assert_true(fits("i", numeric(12, 2), 0));
    assert_false(fits("i", numeric(12, 3), 0));
    assert_true(fits("L", numeric(20, 0), 0));
    assert_false(fits("L", hyl_type_of(HYL_TYPE_BIGINT), 0));
    assert_true(fits("I", hyl_type_of(HYL_TYPE_OID), 0));
    assert_false(fits("l", hyl_type_of(HYL_TYPE_DOUBLE), 0));
    assert_true(fits("f", hyl_type_of(HYL_TYPE_DOUBLE), 0));
    assert_false(fits("g", hyl_type_of(HYL_TYPE_REAL), 0));
    assert_true(fits("d:5,2", numeric(6, 3), 0));
    assert_false(fits("d:5,2", numeric(5, 3), 0));
    assert_true(fits("tdD", hyl_type_of(HYL_TYPE_TIMESTAMP), 0));
    assert_false(fits("tsu:UTC", hyl_type_of(HYL_TYPE_TIMESTAMP), 0));
    assert_true(fits("n", hyl_type_of(HYL_TYPE_UUID), 0));
}

static void what_may_change_fits_on_request_alone(void **state)
{
    (void)state;
    assert_true(fits("g", hyl_type_of(HYL_TYPE_REAL), HYL_LOSSY_NUMBERS));
    assert_true(fits("l", hyl_type_of(HYL_TYPE_SMALLINT), HYL_LOSSY_NUMBERS));
    assert_true(fits("d:76,10,256", numeric(3, 1), HYL_LOSSY_NUMBERS));
    assert_false(fits("g", hyl_type_of(HYL_TYPE_REAL), HYL_LOSSY_TIMES));
    assert_false(fits("b", hyl_type_of(HYL_TYPE_INT), HYL_LOSSY_NUMBERS));
    assert_false(fits("u", hyl_type_of(HYL_TYPE_INT), HYL_LOSSY_NUMBERS));
    assert_true(fits("tsu:", hyl_type_of(HYL_TYPE_DATE), HYL_LOSSY_TIMES));
    assert_false(fits("tsu:UTC", hyl_type_of(HYL_TYPE_DATE), HYL_LOSSY_TIMES));
    assert_false(fits("tsu:", hyl_type_of(HYL_TYPE_DATE), HYL_LOSSY_NUMBERS));
}

static void nested_types_fit_nothing(void **state)
{
    static const char *const formats[] = {"+s", "+l"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ArrowSchema field;
        ArrowSchemaInit(&field);
        assert_int_equal(ArrowSchemaSetFormat(&field, formats[i]), 0);
        assert_int_equal(ArrowSchemaAllocateChildren(&field, 1), 0);
        make_field(field.children[0], "i", "");
        assert_int_equal(hyl__arrow_home(&field, true).id, HYL_TYPE_UNKNOWN);
        assert_false(hyl__arrow_fits(&field, hyl_type_of(HYL_TYPE_INT), HYL_LOSSY_NUMBERS));
        ArrowSchemaRelease(&field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_home_behind_anything),
        cmocka_unit_test(reals_are_doubles_where_there_are_none),
        cmocka_unit_test(metadata_are_found_at_the_field_and_behind_it),
        cmocka_unit_test(what_fits_widens_without_loss),
        cmocka_unit_test(what_may_change_fits_on_request_alone),
        cmocka_unit_test(nested_types_fit_nothing),
    };
    return cmocka_run_group_tests_name("data/arrow_types", tests, NULL, NULL);
}
