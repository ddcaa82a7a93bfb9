#include "support/test.h"

#include "cli/csv_encode.h"
#include "cli/csv_infer.h"
#include "support/guard.h"
#include "support/random.h"

/* The name of the type that values (ended by NULL) give. */
static const char *infer(const char *const *values, char out[64])
{
    csv_inference column;
    csv_inference_init(&column);
    for (; *values != NULL; values++) {
        guarded copy = guard_bytes(*values, strlen(*values));
        (void)csv_infer_value(&column, guard_str(&copy), false);
        guard_release(&copy);
    }
    hyl_buf name = HYL_BUF_INIT;
    hyl_type_format(csv_infer_sql_type(&column, csv_inferred_type(&column)), &name);
    snprintf(out, 64, "%.*s", (int)name.len, (const char *)name.data);
    hyl_buf_reset(&name);
    return out;
}

static void types_of_columns(void **state)
{
    (void)state;
    const struct {
        const char *values[6];
        const char *type;
    } cases[] = {
        {{NULL}, "text"},
        {{"true", "f", "FALSE", NULL}, "boolean"},
        {{"t", "1", NULL}, "text"},
        {{"F", "M", NULL}, "text"},
        {{"yes", "no", NULL}, "text"},
        {{"0", "-12", "2147483647", NULL}, "integer"},
        {{"1", "2147483648", NULL}, "bigint"},
        {{"-2147483649", NULL}, "bigint"},
        {{"9223372036854775807", NULL}, "bigint"},
        {{"9223372036854775808", NULL}, "text"},
        {{"007", NULL}, "text"},
        {{"7", "07", NULL}, "text"},
        {{"02134", "10001", NULL}, "text"},
        {{"+49", NULL}, "text"},
        {{"1", "+1", NULL}, "text"},
        {{" 1", "2 ", NULL}, "integer"},
        {{" ", "1", NULL}, "text"},
        {{"1", "", NULL}, "text"},
        {{"1.5", "2", NULL}, "double precision"},
        {{"1.5", NULL}, "double precision"},
        {{"1.5", "2.25", NULL}, "double precision"},
        {{"-0", "1", NULL}, "double precision"},
        {{"1e3", NULL}, "double precision"},
        {{"1", "NaN", NULL}, "double precision"},
        {{"inf", "-Infinity", "0.5", NULL}, "double precision"},
        {{"1e400", NULL}, "text"},
        {{"12.50", "3.99", "-0.05", NULL}, "numeric(18,2)"},
        {{"12.500", "3.990", NULL}, "numeric(18,3)"},
        {{"12.5000", NULL}, "numeric(18,4)"},
        {{"12.50000", NULL}, "double precision"},
        {{"12.50", "3", NULL}, "double precision"},
        {{"12.50", "3.9", NULL}, "double precision"},
        {{"9999999999999999.99", NULL}, "numeric(18,2)"},
        {{"10000000000000000.00", NULL}, "double precision"},
        {{"10000000000000000.01", NULL}, "numeric(38,2)"},
        {{"0.123456789012345678", NULL}, "numeric(38,18)"},
        {{"1.5", "0.123456789012345678", "7", NULL}, "numeric(38,18)"},
        {{"-0.123456789012345678", "12345678901234567890.5", NULL}, "numeric(38,18)"},
        {{"0.123456789012345678", "123456789012345678901.5", NULL}, "text"},
        {{"0.123456789012345678", "NaN", NULL}, "text"},
        {{"0.123456789012345678", "1e3", NULL}, "text"},
        {{"0.12345678901234567890123456789012345678", NULL}, "numeric(38,38)"},
        {{"0.123456789012345678901234567890123456789", NULL}, "text"},
        {{"1.234567890123456789e+02", "1.5", NULL}, "double precision"},
        {{"0.1234567890123456700", NULL}, "double precision"},
        {{"1,5", NULL}, "text"},
        {{"1.234,56", NULL}, "text"},
        {{"2024-02-29", NULL}, "date"},
        {{"2024-02-30", NULL}, "text"},
        {{"01/02/2024", NULL}, "text"},
        {{"2024-02-29", "2024-02-29 12:00:00", NULL}, "timestamp"},
        {{"2024-02-29T12:00", "2024-02-29 12:00:00.123456", NULL}, "timestamp"},
        {{"2024-02-29T12:00:00.1234567", NULL}, "text"},
        {{"2024-02-29T12:00:00Z", "2024-02-29 12:00:00+02:00", NULL}, "timestamp with time zone"},
        {{"2024-02-29T12:00:00Z", "2024-02-29T12:00:00", NULL}, "text"},
        {{"2024-02-29T12:00:00Z", "2024-02-29", NULL}, "text"},
        {{"12:34", "12:34:56.5", NULL}, "time"},
        {{"25:00", NULL}, "text"},
        {{"20240229", NULL}, "integer"},
        {{"2024-02-29", "1", NULL}, "text"},
        {{"abc", NULL}, "text"},
        {{"NA", "1", NULL}, "text"},
        {{"caf\xc3\xa9", NULL}, "text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char got[64];
        if (strcmp(infer(cases[i].values, got), cases[i].type) != 0) {
            fail_msg("case %zu (\"%s\"): %s instead of %s", i, cases[i].values[0], got,
                     cases[i].type);
        }
    }
}

static void a_decimal_comma_is_a_point_where_asked_for(void **state)
{
    (void)state;
    assert_true(csv_classify(HYL_STR("1,5"), true) & CSV_INFER_BIT(DOUBLE));
    assert_true(csv_classify(HYL_STR("-,50"), true) & CSV_INFER_BIT(NUMERIC_2));
    assert_int_equal(csv_classify(HYL_STR("1.234,5"), true), CSV_INFER_BIT(TEXT));
    assert_int_equal(csv_classify(HYL_STR("1,2,3"), true), CSV_INFER_BIT(TEXT));
    assert_int_equal(csv_classify(HYL_STR("1,5"), false), CSV_INFER_BIT(TEXT));
}

static void what_made_a_column_text_is_kept(void **state)
{
    (void)state;
    csv_inference column;
    csv_inference_init(&column);
    assert_false(csv_infer_value(&column, HYL_STR("1"), false));
    assert_false(csv_infer_value(&column, HYL_STR("2.5"), false));
    assert_true(csv_infer_value(&column, HYL_STR("NA"), false));
    assert_false(csv_infer_value(&column, HYL_STR("x"), false));
    assert_int_equal(column.before, CSV_INFER_DOUBLE);
    assert_int_equal(column.values, 4);
    assert_false(column.comma_number);

    csv_inference_init(&column);
    assert_false(csv_infer_value(&column, HYL_STR("1,5"), false));
    assert_true(column.comma_number);

    csv_inference_init(&column);
    assert_false(csv_infer_value(&column, HYL_STR("0.1234567890123456700"), false));
    assert_false(column.long_digits);
    assert_false(csv_infer_value(&column, HYL_STR("1.23456789012345678e1"), false));
    assert_true(column.long_digits);
}

static void rows_count_nulls_and_lines(void **state)
{
    (void)state;
    const char *texts[] = {"NA"};
    csv_nulls nulls = csv_nulls_of(texts, 1, false);
    csv_inference columns[2];
    csv_inference_init(&columns[0]);
    csv_inference_init(&columns[1]);
    const csv_field first[] = {{"a\nb", 3, true, false}, {"1", 1, false, false}};
    const csv_field second[] = {{"a\nb", 3, true, false}, {"NA", 2, true, false}};
    const csv_field third[] = {{"NA", 2, false, false}, {"NA", 2, false, false}};
    csv_infer_row(columns, &(csv_row){first, 2, 10, 0, true}, &nulls, false);
    csv_infer_row(columns, &(csv_row){second, 2, 12, 0, true}, &nulls, false);
    csv_infer_row(columns, &(csv_row){third, 2, 14, 0, false}, &nulls, false);
    assert_int_equal(columns[0].nulls, 1);
    assert_int_equal(columns[1].nulls, 1);
    assert_int_equal(columns[1].text_line, 13);
    assert_string_equal(columns[1].text_sample, "NA");
}

/* ---- Properties ------------------------------------------------------------------------------ */

static size_t random_value(random_source *random, char *out)
{
    static const char *const samples[] = {"1",
                                          "-7",
                                          "0",
                                          "-0",
                                          "007",
                                          "+3",
                                          "3000000000",
                                          "1.5",
                                          "1.50",
                                          "2.250",
                                          "true",
                                          "f",
                                          "NaN",
                                          "inf",
                                          "1e5",
                                          "2024-02-29",
                                          "x",
                                          "",
                                          "12:30",
                                          "2024-02-29 10:00",
                                          "2024-02-29T10:00:00Z",
                                          " 5",
                                          "99999999999999999999",
                                          "0.123456789012345678",
                                          "-1.1234567890123456789012345678901234",
                                          "1234567890123456.25",
                                          "12345678901234567890.125",
                                          "1.0000000000000000000",
                                          "-0.0000000000000000000001",
                                          "-0.0",
                                          "1,5",
                                          "T",
                                          "-",
                                          ".",
                                          "1.",
                                          ".25",
                                          "2024-02-30",
                                          "12345-01-01"};
    static const char alphabet[] = "0123456789.-+eE:TZ tfnai,";
    if (random_below(random, 2) == 0) {
        const char *sample = samples[random_below(random, sizeof samples / sizeof samples[0])];
        memcpy(out, sample, strlen(sample));
        return strlen(sample);
    }
    size_t len = (size_t)random_below(random, 12);
    for (size_t i = 0; i < len; i++) {
        out[i] = alphabet[random_below(random, sizeof alphabet - 1)];
    }
    return len;
}

/* Encodes one value of a column that may not be NULL. */
static hyl_status encode(const csv_inference *inference, csv_infer_type type, hyl_str text,
                         bool lenient)
{
    static const char *const no_text[] = {"NULL"};
    csv_column column;
    csv_column_init(&column, csv_infer_sql_type(inference, type), true, lenient);
    csv_encoder encoder = {
        .columns = &column, .column_count = 1, .nulls = csv_nulls_of(no_text, 0, false)};
    csv_field field = {text.data, (uint32_t)text.len, false, false};
    csv_row row = {&field, 1, 1, text.len, false};
    csv_misfit misfit;
    hyl_error err = HYL_ERROR_INIT;
    hyl_status status = csv_encode_row(&encoder, &row, &misfit, &err);
    csv_encoder_reset(&encoder);
    return status;
}

/* A type is inferred for a text exactly where the encoder accepts it, or loading would fail. */
static void inference_and_encoding_agree(void **state)
{
    (void)state;
    random_source random = random_start("agree", 0xa62ee);
    for (int i = 0; i < 60000; i++) {
        char text[64];
        guarded copy = guard_bytes(text, random_value(&random, text));
        hyl_str str = guard_str(&copy);
        csv_inference inference;
        csv_inference_init(&inference);
        (void)csv_infer_value(&inference, str, false);
        unsigned types = inference.types;
        for (unsigned type = 0; type < CSV_INFER_COUNT; type++) {
            bool fits = encode(&inference, (csv_infer_type)type, str, false) == HYL_OK;
            if (fits != ((types >> type & 1) != 0)) {
                fail_msg("'%.*s' as type %u: inferred %d, encoded %d", (int)str.len, str.data, type,
                         !fits, fits);
            }
            if (fits) {
                assert_int_equal(encode(&inference, (csv_infer_type)type, str, true), HYL_OK);
            }
        }
        guard_release(&copy);
    }
}

/* The types of a beginning are those of the whole where the rest fits: the claim of csv_infer.h. */
static void a_fitting_beginning_decides(void **state)
{
    (void)state;
    random_source random = random_start("beginning", 0xbe61);
    int decided = 0;
    for (int i = 0; i < 40000; i++) {
        csv_inference column;
        csv_inference_init(&column);
        size_t total = 2 + (size_t)random_below(&random, 4);
        size_t beginning = 1 + (size_t)random_below(&random, total - 1);
        csv_inference part = {0};
        csv_infer_type first = CSV_INFER_TEXT;
        bool fits = true;
        for (size_t k = 0; k < total; k++) {
            char text[64];
            hyl_str str = {text, random_value(&random, text)};
            fits = fits && (k < beginning || encode(&part, first, str, false) == HYL_OK);
            (void)csv_infer_value(&column, str, false);
            if (k + 1 == beginning) {
                part = column;
                first = csv_inferred_type(&part);
            }
        }
        if (fits) {
            assert_int_equal(csv_inferred_type(&column), first);
            decided++;
        }
        bool same = csv_inferred_type(&column) == first &&
                    (first != CSV_INFER_WIDE || column.decimals == part.decimals);
        assert_int_equal(same, fits);
        assert_true(csv_inferred_type(&column) >= first);
    }
    assert_in_range(decided, 1000, 39000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_of_columns),
        cmocka_unit_test(a_decimal_comma_is_a_point_where_asked_for),
        cmocka_unit_test(what_made_a_column_text_is_kept),
        cmocka_unit_test(rows_count_nulls_and_lines),
        cmocka_unit_test(inference_and_encoding_agree),
        cmocka_unit_test(a_fitting_beginning_decides),
    };
    return cmocka_run_group_tests_name("cli/csv_infer", tests, NULL, NULL);
}
