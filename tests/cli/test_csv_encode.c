#include "support/test.h"

#include "cli/csv_encode.h"
#include "support/guard.h"
#include "support/random.h"

#include <math.h>
#include <stdlib.h>

static const char *const null_texts[] = {"", "NA"};

/* An encoder of one column. */
static csv_encoder encoder_of(csv_column *column, hyl_type type, bool nullable)
{
    csv_column_init(column, type, nullable, true);
    return (csv_encoder){
        .columns = column, .column_count = 1, .nulls = csv_nulls_of(null_texts, 2, false)};
}

static hyl_status encode_text(csv_encoder *encoder, hyl_str text, bool quoted, csv_misfit *misfit)
{
    hyl_error err = HYL_ERROR_INIT;
    csv_field field = {text.data, (uint32_t)text.len, quoted, false};
    csv_row row = {&field, 1, 1, text.len, quoted};
    return csv_encode_row(encoder, &row, misfit, &err);
}

/* What hyl_copy_field makes of the value, which is what encoding its text has to give. */
static void expect_like_library(hyl_type type, bool nullable, const hyl_value *value, hyl_str text)
{
    csv_column column;
    csv_encoder encoder = encoder_of(&column, type, nullable);
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf expected = HYL_BUF_INIT;
    csv_misfit misfit;
    guarded copy = guard_bytes(text.data, text.len);
    assert_ok(hyl_copy_field(type, nullable, value, &expected, &err), &err);
    if (encode_text(&encoder, guard_str(&copy), true, &misfit) != HYL_OK) {
        fail_msg("'%.*s' is no %s", (int)text.len, text.data, hyl_type_name(type.id));
    }
    assert_int_equal(encoder.out.len, expected.len);
    assert_memory_equal(encoder.out.data, expected.data, expected.len);
    guard_release(&copy);
    hyl_buf_reset(&expected);
    csv_encoder_reset(&encoder);
}

static void random_number(random_source *random, hyl_type type, hyl_value *value)
{
    int64_t bits = (int64_t)random_any_size(random) * (random_below(random, 2) == 0 ? 1 : -1);
    switch (type.id) {
    case HYL_TYPE_SMALLINT:
        value->as.i16 = (int16_t)bits;
        break;
    case HYL_TYPE_INT:
        value->as.i32 = (int32_t)bits;
        break;
    case HYL_TYPE_OID:
        value->as.u32 = (uint32_t)bits;
        break;
    case HYL_TYPE_REAL:
        value->as.f32 = (float)bits / 1024;
        break;
    case HYL_TYPE_DOUBLE:
        memcpy(&value->as.f64, &bits, sizeof bits);
        value->as.f64 = isfinite(value->as.f64) ? value->as.f64 : (double)NAN;
        break;
    case HYL_TYPE_NUMERIC:
        bits %= 100000;
        value->as.numeric =
            (hyl_numeric){(uint64_t)bits, bits < 0 ? -1 : 0, (uint8_t)hyl_type_precision(type),
                          (uint8_t)hyl_type_scale(type)};
        break;
    case HYL_TYPE_BIGINT:
    default:
        value->as.i64 = bits;
        break;
    }
}

static void random_value(random_source *random, hyl_type type, char text[32], hyl_value *value)
{
    static const char alphabet[] = "abc ,\"\n\t";
    *value = (hyl_value){.type = type.id};
    switch (type.id) {
    case HYL_TYPE_BOOL:
        value->as.boolean = random_below(random, 2) == 0;
        break;
    case HYL_TYPE_DATE:
        value->as.i32 = (int32_t)random_below(random, 4000000) - 1000000;
        break;
    case HYL_TYPE_TIME:
        value->as.i64 = (int64_t)random_below(random, HYL_MICROS_PER_DAY + 1);
        break;
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        value->as.i64 = (int64_t)(random_u64(random) >> 5) - (INT64_C(1) << 57);
        break;
    case HYL_TYPE_INTERVAL:
        value->as.interval = (hyl_interval){(int64_t)random_below(random, 1000000000), 3, 14};
        break;
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
        value->as.str = (hyl_str){text, (size_t)random_below(random, 20)};
        for (size_t i = 0; i < value->as.str.len; i++) {
            text[i] = alphabet[random_below(random, sizeof alphabet - 1)];
        }
        if (value->as.str.len > 3 && random_below(random, 2) == 0) {
            memcpy(text + 1, "\xc3\xa9", 2);
        }
        break;
    default:
        random_number(random, type, value);
        break;
    }
}

static void the_bytes_are_those_of_the_library(void **state)
{
    (void)state;
    const hyl_type types[] = {
        hyl_type_of(HYL_TYPE_BOOL),      hyl_type_of(HYL_TYPE_SMALLINT),
        hyl_type_of(HYL_TYPE_INT),       hyl_type_of(HYL_TYPE_BIGINT),
        hyl_type_of(HYL_TYPE_REAL),      hyl_type_of(HYL_TYPE_DOUBLE),
        hyl_type_numeric(5, 2),          hyl_type_numeric(18, 6),
        hyl_type_numeric(38, 4),         hyl_type_of(HYL_TYPE_OID),
        hyl_type_of(HYL_TYPE_TEXT),      hyl_type_of(HYL_TYPE_VARCHAR),
        hyl_type_of(HYL_TYPE_DATE),      hyl_type_of(HYL_TYPE_TIME),
        hyl_type_of(HYL_TYPE_TIMESTAMP), hyl_type_of(HYL_TYPE_TIMESTAMPTZ),
        hyl_type_of(HYL_TYPE_INTERVAL),
    };
    random_source random = random_start("encode", 0xe7c0de);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (int k = 0; k < 2000; k++) {
            char bytes[32];
            hyl_value value;
            hyl_buf text = HYL_BUF_INIT;
            hyl_error err = HYL_ERROR_INIT;
            random_value(&random, types[i], bytes, &value);
            assert_ok(hyl_value_text(types[i], &value, &text, &err), &err);
            hyl_str str = {text.data != NULL ? (char *)text.data : "", text.len};
            expect_like_library(types[i], k % 2 == 0, &value, str);
            hyl_buf_reset(&text);
        }
    }
}

static void expect_misfit(hyl_type type, bool nullable, const char *text, bool quoted,
                          csv_misfit_kind kind)
{
    csv_column column;
    csv_encoder encoder = encoder_of(&column, type, nullable);
    csv_misfit misfit = {99, CSV_MISFIT_VALUE};
    hyl_buf_append_str(&encoder.out, "before");
    assert_int_equal(encode_text(&encoder, hyl_str_of(text), quoted, &misfit), HYL_DONE);
    assert_int_equal(misfit.column, 0);
    assert_int_equal(misfit.kind, kind);
    assert_int_equal(encoder.out.len, 6);
    csv_encoder_reset(&encoder);
}

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    hyl_type varchar = hyl_type_from_oid(1043, 3 + 4);
    expect_misfit(hyl_type_of(HYL_TYPE_INT), true, "abc", false, CSV_MISFIT_VALUE);
    expect_misfit(hyl_type_of(HYL_TYPE_INT), true, "3000000000", false, CSV_MISFIT_RANGE);
    expect_misfit(hyl_type_of(HYL_TYPE_SMALLINT), true, "40000", false, CSV_MISFIT_RANGE);
    expect_misfit(hyl_type_of(HYL_TYPE_BIGINT), true, "1e3", false, CSV_MISFIT_VALUE);
    expect_misfit(hyl_type_of(HYL_TYPE_INT), true, "", true, CSV_MISFIT_VALUE);
    expect_misfit(hyl_type_of(HYL_TYPE_INT), true, "NA", true, CSV_MISFIT_VALUE);
    expect_misfit(hyl_type_of(HYL_TYPE_INT), false, "NA", false, CSV_MISFIT_NULL);
    expect_misfit(hyl_type_of(HYL_TYPE_TEXT), false, "", false, CSV_MISFIT_NULL);
    expect_misfit(hyl_type_of(HYL_TYPE_TEXT), true, "caf\xe9", false, CSV_MISFIT_ENCODING);
    expect_misfit(varchar, true, "abcd", false, CSV_MISFIT_RANGE);
    expect_misfit(varchar, true, "a\xe9", false, CSV_MISFIT_ENCODING);
    expect_misfit(hyl_type_of(HYL_TYPE_JSON), true, "{\"a\":}", false, CSV_MISFIT_VALUE);
    expect_misfit(hyl_type_of(HYL_TYPE_BYTES), true, "00ff", false, CSV_MISFIT_VALUE);
    expect_misfit(hyl_type_numeric(5, 2), true, "1234.5", false, CSV_MISFIT_RANGE);
    expect_misfit(hyl_type_numeric(5, 2), true, "NaN", false, CSV_MISFIT_VALUE);
    expect_misfit(hyl_type_numeric(38, 2), true, "1,5", false, CSV_MISFIT_VALUE);
    expect_misfit(hyl_type_of(HYL_TYPE_DATE), true, "01/02/2024", false, CSV_MISFIT_VALUE);
}

static void null_and_the_empty_string_differ(void **state)
{
    (void)state;
    csv_column column;
    csv_encoder encoder = encoder_of(&column, hyl_type_of(HYL_TYPE_TEXT), true);
    csv_misfit misfit;
    assert_int_equal(encode_text(&encoder, HYL_STR(""), false, &misfit), HYL_OK);
    assert_int_equal(encode_text(&encoder, HYL_STR(""), true, &misfit), HYL_OK);
    assert_int_equal(encode_text(&encoder, HYL_STR("NA"), false, &misfit), HYL_OK);
    assert_int_equal(encode_text(&encoder, HYL_STR("NA"), true, &misfit), HYL_OK);
    assert_int_equal(column.nulls, 2);
    assert_int_equal(encoder.out.len, 1 + 5 + 1 + 7);
    assert_memory_equal(encoder.out.data,
                        "\1"
                        "\0\0\0\0\0"
                        "\1"
                        "\0\2\0\0\0NA",
                        14);
    encoder.nulls.also_quoted = true;
    assert_int_equal(encode_text(&encoder, HYL_STR("NA"), true, &misfit), HYL_OK);
    assert_int_equal(column.nulls, 3);
    csv_encoder_reset(&encoder);
}

static void null_texts_of_any_length(void **state)
{
    (void)state;
    char longest[201];
    memset(longest, 'x', 200);
    longest[200] = '\0';
    const char *texts[] = {longest, "a"};
    csv_nulls nulls = csv_nulls_of(texts, 2, false);
    csv_field field = {longest, 200, false, false};
    assert_true(csv_is_null(&nulls, &field));
    field.len = 199;
    assert_false(csv_is_null(&nulls, &field));
    field = (csv_field){"a", 1, false, false};
    assert_true(csv_is_null(&nulls, &field));
    field = (csv_field){"", 0, false, false};
    assert_false(csv_is_null(&nulls, &field));
}

static void an_unknown_column_takes_only_null(void **state)
{
    (void)state;
    csv_column column;
    csv_encoder encoder = encoder_of(&column, hyl_type_of(HYL_TYPE_TEXT), true);
    csv_misfit misfit;
    column.encoding = CSV_ENCODE_NOTHING;
    assert_int_equal(encode_text(&encoder, HYL_STR(""), false, &misfit), HYL_OK);
    assert_int_equal(encode_text(&encoder, HYL_STR("x"), false, &misfit), HYL_DONE);
    csv_encoder_reset(&encoder);
}

/* Columns that go through the library stand between others: the room in the buffer is kept right. */
static void rows_of_all_kinds(void **state)
{
    (void)state;
    enum { COLUMNS = 60 };
    csv_column columns[COLUMNS];
    csv_field fields[COLUMNS];
    char text[3000];
    memset(text, 'y', sizeof text);
    memcpy(text, "\xc3\xa9", 2);
    size_t expected = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        bool is_text = i % 3 == 0;
        csv_column_init(&columns[i], hyl_type_of(is_text ? HYL_TYPE_TEXT : HYL_TYPE_INT),
                        i % 2 == 0, true);
        size_t len = i * 50;
        fields[i] = is_text ? (csv_field){text, (uint32_t)len, true, false}
                            : (csv_field){"12", 2, false, false};
        expected += (i % 2 == 0 ? 1U : 0U) + 4 + (is_text ? fields[i].len : 0);
    }
    csv_encoder encoder = {
        .columns = columns, .column_count = COLUMNS, .nulls = csv_nulls_of(null_texts, 2, false)};
    csv_row row = {fields, COLUMNS, 1, 0, true};
    csv_misfit misfit;
    hyl_error err = HYL_ERROR_INIT;
    for (int i = 0; i < 10; i++) {
        assert_ok(csv_encode_row(&encoder, &row, &misfit, &err), &err);
        assert_int_equal(encoder.out.len, expected * (size_t)(i + 1));
        assert_memory_equal(encoder.out.data, encoder.out.data + expected * (size_t)i, expected);
    }
    csv_encoder_reset(&encoder);
}

static void blanks_count_in_text_only(void **state)
{
    (void)state;
    hyl_value value = {.type = HYL_TYPE_INT, .as.i32 = 12};
    expect_like_library(hyl_type_of(HYL_TYPE_INT), true, &value, HYL_STR("  12 "));
    value = (hyl_value){.type = HYL_TYPE_TEXT, .as.str = HYL_STR(" a ")};
    expect_like_library(hyl_type_of(HYL_TYPE_TEXT), true, &value, HYL_STR(" a "));
    value = (hyl_value){.type = HYL_TYPE_VARCHAR, .as.str = HYL_STR(" a ")};
    expect_like_library(hyl_type_of(HYL_TYPE_VARCHAR), true, &value, HYL_STR(" a "));
}

static void decimal_commas(void **state)
{
    (void)state;
    const hyl_type types[] = {hyl_type_numeric(5, 2), hyl_type_numeric(38, 2)};
    for (size_t i = 0; i < 2; i++) {
        csv_column column;
        csv_encoder encoder = encoder_of(&column, types[i], false);
        csv_misfit misfit;
        encoder.decimal_comma = true;
        assert_int_equal(encode_text(&encoder, HYL_STR("1,5"), false, &misfit), HYL_OK);
        assert_int_equal(encoder.out.data[0], 150);
        assert_int_equal(encode_text(&encoder, HYL_STR("1.5"), false, &misfit), HYL_OK);
        assert_int_equal(encode_text(&encoder, HYL_STR("1.000,5"), false, &misfit), HYL_DONE);
        csv_encoder_reset(&encoder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_the_library),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(null_and_the_empty_string_differ),
        cmocka_unit_test(null_texts_of_any_length),
        cmocka_unit_test(an_unknown_column_takes_only_null),
        cmocka_unit_test(rows_of_all_kinds),
        cmocka_unit_test(blanks_count_in_text_only),
        cmocka_unit_test(decimal_commas),
    };
    return cmocka_run_group_tests_name("cli/csv_encode", tests, NULL, NULL);
}
