#include "support/test.h"

#include "cli/csv_error.h"
#include "cli/csv_rows.h"

#include <stdlib.h>
#include <unistd.h>

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/hyl-csv-rows-XXXXXX");
    int fd = mkstemp(path);
    return fd >= 0 ? close(fd) : -1;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static hyl_status open_text(csv_rows *rows, const char *text, bool has_header, hyl_error *err)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    return csv_rows_open(rows, path, (csv_dialect)CSV_DIALECT_INIT, has_header, true, err);
}

/* The message of an error without the file's name. */
static const char *message(const hyl_error *err)
{
    const char *text = strstr(err->message, path);
    assert_ptr_equal(text, err->message);
    return text + strlen(path);
}

static void expect_names(const char *text, bool has_header, const char *expected)
{
    csv_rows rows;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf names = HYL_BUF_INIT;
    assert_ok(open_text(&rows, text, has_header, &err), &err);
    for (size_t i = 0; i < rows.column_count; i++) {
        hyl_buf_printf(&names, "[%s]", rows.names[i]);
    }
    hyl_buf_append_byte(&names, '\0');
    assert_string_equal((const char *)names.data, expected);
    hyl_buf_reset(&names);
    csv_rows_close(&rows);
}

static void names_come_from_the_header(void **state)
{
    (void)state;
    expect_names("", true, "");
    expect_names("\xef\xbb\xbf", true, "");
    expect_names("a,b\n", true, "[a][b]");
    expect_names("\xef\xbb\xbf\"a,\"\"x\n\",\xc3\xa9\n", true, "[a,\"x\n][\xc3\xa9]");
    expect_names("a,a,a_2,a\n", true, "[a][a_3][a_2][a_4]");
    expect_names("a,,\n", true, "[a][column_2][column_3]");
    expect_names(",column_1\n", true, "[column_1][column_1_2]");
    expect_names("x,y,z\n1,2,3\n", false, "[column_1][column_2][column_3]");
}

static void expect_rows(const char *text, bool has_header, size_t count)
{
    csv_rows rows;
    csv_row row;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(open_text(&rows, text, has_header, &err), &err);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            assert_ok(csv_rows_next(&rows, &row, &err), &err);
            assert_int_equal(row.count, rows.column_count);
        }
        assert_status(csv_rows_next(&rows, &row, &err), HYL_DONE, &err);
        assert_ok(csv_rows_rewind(&rows, &err), &err);
    }
    csv_rows_close(&rows);
}

static void rows_are_read_twice(void **state)
{
    (void)state;
    expect_rows("", true, 0);
    expect_rows("", false, 0);
    expect_rows("a,b\n", true, 0);
    expect_rows("a,b\n1,2\n3,4", true, 2);
    expect_rows("a,b\n1,2\n3,4", false, 3);
    expect_rows("\xef\xbb\xbf"
                "1,2\n",
                false, 1);
    expect_rows("a,b\n1,2\n\n\r\n\n", true, 1);
    expect_rows("a\n1\n\n2\n\n", true, 4);
    expect_rows("a\n\"\\.\"\n", true, 1);
    expect_rows("a,b\n\\.,2\n", true, 1);
}

static void a_mark_without_header_is_no_part_of_the_value(void **state)
{
    (void)state;
    csv_rows rows;
    csv_row row;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(open_text(&rows,
                        "\xef\xbb\xbf"
                        "31,a,1.5\n",
                        false, &err),
              &err);
    assert_ok(csv_rows_next(&rows, &row, &err), &err);
    assert_int_equal(row.fields[0].len, 2);
    csv_rows_close(&rows);
}

/* Reads all rows; the error's message behind the file's name. */
static void expect_error(const char *text, const char *expected)
{
    csv_rows rows;
    csv_row row;
    hyl_error err = HYL_ERROR_INIT;
    hyl_status status = open_text(&rows, text, true, &err);
    if (status == HYL_OK) {
        while ((status = csv_rows_next(&rows, &row, &err)) == HYL_OK) {
        }
        csv_rows_close(&rows);
    }
    assert_status(status, HYL_ERR_ARG, &err);
    assert_string_equal(message(&err), expected);
}

static void bad_rows_are_named(void **state)
{
    (void)state;
    expect_error("a,b\n1\n", ": line 2: 1 column instead of 2");
    expect_error(
        "a,b\n\"x\ny\",1\n1,2,3\n",
        ": line 4: 3 columns instead of 2; text that holds the delimiter has to be quoted");
    expect_error("a,b\n1,2\n\n\n3,4\n", ": line 3: a blank line instead of 2 columns");
    expect_error("a,b\n1,2\n\\.\n",
                 ": line 3: '\\.' is psql's mark for the end of the data; remove "
                 "the line, or quote it if it is text");
    expect_error("a\n\\.\n", ": line 2: '\\.' is psql's mark for the end of the data; remove the "
                             "line, or quote it if it is text");
    expect_error("a;b\n1,5;2\n", ": line 2: 2 columns instead of 1; if ';' separates the columns: "
                                 "--delimiter ';'");
    expect_error("a\tb\n1,5\t2\n",
                 ": line 2: 2 columns instead of 1; if '\\t' separates the columns: "
                 "--delimiter '\\t'");
}

static void bad_names_are_told(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    csv_rows rows;
    assert_status(open_text(&rows, "a,caf\xe9\n1,2\n", true, &err), HYL_ERR_ARG, &err);
    assert_non_null(strstr(message(&err), ": line 1, column 2: the name 'caf\\xe9' is not UTF-8"));
}

static void excerpts_are_short_and_printable(void **state)
{
    (void)state;
    const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"a\nb\te", "a\\nb\\te"},
        {"\xe9", "\\xe9"},
        {"123456789012345", "123456789012345"},
        {"1234567890123456", "123456789012..."},
        {"12345678901\xc3\xa9\xc3\xa9\xc3\xa9", "12345678901..."},
        {"1234567890\xc3\xa9\xc3\xa9\xc3\xa9", "1234567890\xc3\xa9..."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[16];
        csv_excerpt(hyl_str_of(cases[i].text), out, sizeof out);
        assert_string_equal(out, cases[i].expected);
    }
}

static void expect_misfit(const char *text, bool quoted, hyl_type type, csv_misfit_kind kind,
                          const char *expected)
{
    csv_column column;
    csv_column_init(&column, type, true, true);
    const csv_field fields[] = {{"x\ny", 3, true, false},
                                {text, (uint32_t)strlen(text), quoted, false}};
    const csv_row row = {fields, 2, 16, 0, true};
    const csv_place place = {"data.csv", &row, 1, HYL_STR("price")};
    hyl_error err = HYL_ERROR_INIT;
    assert_int_equal(csv_fail_misfit(&place, &column, kind, false, &err), HYL_ERR_TYPE);
    const char prefix[] = "data.csv: line 17, column 2 \"price\": ";
    assert_memory_equal(err.message, prefix, sizeof prefix - 1);
    assert_string_equal(err.message + sizeof prefix - 1, expected);
}

static void misfits_say_what_and_where(void **state)
{
    (void)state;
    const hyl_type integer = hyl_type_of(HYL_TYPE_INT);
    expect_misfit("abc", false, integer, CSV_MISFIT_VALUE, "'abc' is no integer");
    expect_misfit("NA", false, integer, CSV_MISFIT_VALUE,
                  "'NA' is no integer; if it stands for NULL: --null 'NA'");
    expect_misfit("", true, integer, CSV_MISFIT_VALUE,
                  "'' is no integer; if it stands for NULL: --null '' --force-null");
    expect_misfit("1,5", false, hyl_type_numeric(5, 2), CSV_MISFIT_VALUE,
                  "'1,5' is no number; if the comma is a decimal comma: --decimal-comma");
    expect_misfit("NaN", false, hyl_type_numeric(5, 2), CSV_MISFIT_VALUE,
                  "'NaN' is no number; numeric has no NaN, double precision has");
    expect_misfit("01/02/2024", false, hyl_type_of(HYL_TYPE_DATE), CSV_MISFIT_VALUE,
                  "'01/02/2024' is no date; dates are written year-month-day: 2024-02-29");
    expect_misfit("3000000000", false, integer, CSV_MISFIT_RANGE,
                  "'3000000000' is out of range for integer");
    expect_misfit("1.555", false, hyl_type_numeric(5, 2), CSV_MISFIT_RANGE,
                  "'1.555' is out of range for numeric(5,2)");
    expect_misfit("abcd", false, hyl_type_from_oid(1043, 7), CSV_MISFIT_RANGE,
                  "'abcd' is too long for character varying(3)");
    expect_misfit("", false, integer, CSV_MISFIT_NULL, "NULL ('') in a column that is NOT NULL");
    expect_misfit("caf\xe9", false, hyl_type_of(HYL_TYPE_TEXT), CSV_MISFIT_ENCODING,
                  "'caf\\xe9' is not UTF-8; if the file is in Latin-1 (Windows-1252), convert it "
                  "first: iconv -f WINDOWS-1252 -t UTF-8 'data.csv'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_from_the_header),
        cmocka_unit_test(rows_are_read_twice),
        cmocka_unit_test(a_mark_without_header_is_no_part_of_the_value),
        cmocka_unit_test(bad_rows_are_named),
        cmocka_unit_test(bad_names_are_told),
        cmocka_unit_test(excerpts_are_short_and_printable),
        cmocka_unit_test(misfits_say_what_and_where),
    };
    return cmocka_run_group_tests_name("cli/csv_rows", tests, make_path, remove_path);
}
