#include "support/test.h"

#include "cli/csv_reader.h"
#include "cli/csv_scan.h"
#include "support/random.h"

#include <stdlib.h>

/* A file in memory, given out in pieces of a fixed or random size. */
typedef struct text_source {
    const char *text;
    size_t len;
    size_t at;
    size_t piece;          /* 0: as much as is asked for */
    size_t split;          /* where the first piece ends, SIZE_MAX: nowhere */
    random_source *random; /* pieces of 1 to 7 bytes */
} text_source;

static hyl_status read_text(void *ctx, void *buf, size_t cap, size_t *got, hyl_error *err)
{
    (void)err;
    text_source *source = ctx;
    size_t len = source->len - source->at;
    len = len < cap ? len : cap;
    if (source->piece != 0 && len > source->piece) {
        len = source->piece;
    }
    if (source->at < source->split && source->at + len > source->split) {
        len = source->split - source->at;
    }
    if (source->random != NULL && len > 0) {
        size_t most = 1 + (size_t)random_below(source->random, 7);
        len = len < most ? len : most;
    }
    if (len > 0) {
        memcpy(buf, source->text + source->at, len);
    }
    source->at += len;
    *got = len;
    return HYL_OK;
}

static text_source source_of(const char *text, size_t len)
{
    return (text_source){.text = text, .len = len, .split = SIZE_MAX};
}

/* Writes rows as "line:[a|'b'];" so that they can be compared as text. */
static void describe_row(const csv_row *row, hyl_buf *out)
{
    hyl_buf_printf(out, "%llu:", (unsigned long long)row->line);
    for (size_t i = 0; i < row->count; i++) {
        const csv_field *field = &row->fields[i];
        hyl_buf_append_str(out, i > 0 ? "|" : "");
        hyl_buf_append_str(out, field->quoted ? "'" : "");
        hyl_buf_append(out, field->data, field->len);
        hyl_buf_append_str(out, field->quoted ? "'" : "");
    }
    hyl_buf_append_str(out, ";");
}

/* All rows, or what came before an error and then its message. */
static void describe(csv_dialect dialect, text_source *source, hyl_buf *out)
{
    hyl_error err = HYL_ERROR_INIT;
    csv_reader *reader = NULL;
    assert_ok(csv_reader_new(dialect, "f", read_text, source, &reader, &err), &err);
    csv_row row;
    hyl_status status;
    while ((status = csv_reader_next(reader, &row, &err)) == HYL_OK) {
        describe_row(&row, out);
    }
    if (status < 0) {
        hyl_buf_append_str(out, err.message);
    }
    csv_reader_free(reader);
    hyl_buf_append_byte(out, 0);
    assert_ok(hyl_buf_status(out), &err);
}

static void expect_with(csv_dialect dialect, const char *text, size_t len, const char *expected)
{
    hyl_buf out = HYL_BUF_INIT;
    text_source source = source_of(text, len);
    describe(dialect, &source, &out);
    assert_string_equal((const char *)out.data, expected);
    hyl_buf_reset(&out);
}

static void expect(const char *text, const char *expected)
{
    expect_with((csv_dialect)CSV_DIALECT_INIT, text, strlen(text), expected);
}

static void plain_rows(void **state)
{
    (void)state;
    expect("", "");
    expect("a", "1:a;");
    expect("a\n", "1:a;");
    expect("a,b\n1,2\n", "1:a|b;2:1|2;");
    expect("a,b\n1,2", "1:a|b;2:1|2;");
    expect("a,b\r\n1,2\r\n", "1:a|b;2:1|2;");
    expect("a,b\r\n1,2\r", "1:a|b;2:1|2;");
    expect(",\n,,", "1:|;2:||;");
    expect("\n\na\n\n", "1:;2:;3:a;4:;");
}

static void quoted_fields(void **state)
{
    (void)state;
    expect("\"a\",\"\"\n", "1:'a'|'';");
    expect("\"a,b\",c", "1:'a,b'|c;");
    expect("\"a\"\"b\"\"\",\"\"\"\"\nx", "1:'a\"b\"'|'\"';2:x;");
    expect("\"a\nb\",c\nd", "1:'a\nb'|c;3:d;");
    expect("\"a\r\nb\"\r\nd", "1:'a\r\nb';3:d;");
    expect("\"a\rb\"\nd", "1:'a\rb';2:d;");
    expect("\"a\"", "1:'a';");
    expect("1,\"\"", "1:1|'';");
}

static void a_quote_inside_an_unquoted_field_is_text(void **state)
{
    (void)state;
    expect("5\" disk,a\"b\n x \"y\",z\"", "1:5\" disk|a\"b;2: x \"y\"|z\";");
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf", "");
    expect("\xef\xbb\xbf"
           "31,a",
           "1:31|a;");
    expect("\xef\xbb\xbf\"x\"", "1:'x';");
    expect("a\n\xef\xbb\xbf"
           "b",
           "1:a;2:\xef\xbb\xbf"
           "b;");
}

static void other_dialects(void **state)
{
    (void)state;
    const csv_dialect semicolon = {';', '\''};
    expect_with(semicolon, "a;'b;''c';\"d\n", 13, "1:a|'b;'c'|\"d;");
    const csv_dialect unquoted = {'\t', '\0'};
    expect_with(unquoted, "\"a\t\"b\"\n", 7, "1:\"a|\"b\";");
}

static void errors_name_line_and_column(void **state)
{
    (void)state;
    expect("a,b\n1,\"x",
           "1:a|b;f: line 2, column 2: the quote that opens here is not closed by the "
           "end of the file");
    expect("a,b\n\"p\nq\",\"x\"y\n", "1:a|b;f: line 3, column 2: text behind the closing quote; a "
                                     "quote inside quotes has to be doubled");
    expect("a,b\n1,2\rx\n", "1:a|b;f: line 2, column 2: a carriage return (CR) that no line feed "
                            "follows; text with line breaks has to be quoted");
    expect("a,b\r1,2\r", "f: line 1: the file's lines end with a carriage return (CR) alone; "
                         "convert it first: tr '\\r' '\\n'");
}

static void utf16_is_recognised(void **state)
{
    (void)state;
    const char message[] = "f: line 1: the file is in UTF-16, not in UTF-8; convert it first: "
                           "iconv -f UTF-16 -t UTF-8";
    const csv_dialect dialect = CSV_DIALECT_INIT;
    expect_with(dialect, "\xff\xfe\x61\x00\x0a\x00", 6, message);
    expect_with(dialect, "\xfe\xff\x00\x61\x00\x0a", 6, message);
    expect_with(dialect, "a\0,\0b\0\n\0", 8, message);
    expect_with(dialect, "\0a\0,\0b\0\n", 8, message);
}

/* However the bytes are cut, the rows and errors are the same. */
static void chunking_makes_no_difference(void **state)
{
    (void)state;
    const char *texts[] = {
        "a,b,c\n1,\"x\"\"y\",3\r\n\"m\nn\",,\"\"\nlast,\"e\",",
        "\xef\xbb\xbf\"a\"\r\n\"\"\"\"\r\n",
        "a\n\"open",
        "a\n\"x\"y",
        "a\rb",
        "a,b\r\n1,2\r",
    };
    random_source random = random_start("chunking", 0x5eed1);
    const csv_dialect dialect = CSV_DIALECT_INIT;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t len = strlen(texts[i]);
        hyl_buf whole = HYL_BUF_INIT;
        text_source source = source_of(texts[i], len);
        describe(dialect, &source, &whole);
        for (size_t split = 0; split <= len + 1; split++) {
            hyl_buf parts = HYL_BUF_INIT;
            source = source_of(texts[i], len);
            source.split = split == len + 1 ? SIZE_MAX : split;
            source.piece = split == len + 1 ? 1 : 0;
            source.random = split % 3 == 2 ? &random : NULL;
            describe(dialect, &source, &parts);
            assert_string_equal((const char *)parts.data, (const char *)whole.data);
            hyl_buf_reset(&parts);
        }
        hyl_buf_reset(&whole);
    }
}

/* ---- Random tables --------------------------------------------------------------------------- */

static void random_text(random_source *random, hyl_buf *out)
{
    static const char alphabet[] = "ab1,;\"\"\n\r\t '\xc3\xa9";
    size_t len = (size_t)random_below(random, 4) == 0 ? (size_t)random_below(random, 300)
                                                      : (size_t)random_below(random, 6);
    for (size_t i = 0; i < len; i++) {
        hyl_buf_append_byte(out, (uint8_t)alphabet[random_below(random, sizeof alphabet - 1)]);
    }
}

static bool needs_quotes(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ',' || text[i] == '\n' || text[i] == '\r') {
            return true;
        }
    }
    return len > 0 && text[0] == '"';
}

static bool write_field(random_source *random, const hyl_buf *text, hyl_buf *csv)
{
    bool quote = needs_quotes(text->data, text->len) || random_below(random, 3) == 0;
    if (!quote) {
        hyl_buf_append(csv, text->data, text->len);
        return false;
    }
    hyl_buf_append_byte(csv, '"');
    for (size_t i = 0; i < text->len; i++) {
        hyl_buf_append_str(csv, text->data[i] == '"' ? "\"" : "");
        hyl_buf_append_byte(csv, text->data[i]);
    }
    hyl_buf_append_byte(csv, '"');
    return true;
}

/* Writes a random table both as CSV and as describe would show it. */
static void random_table(random_source *random, hyl_buf *csv, hyl_buf *expected)
{
    unsigned long long line = 1;
    size_t rows = (size_t)random_below(random, 30);
    for (size_t r = 0; r < rows; r++) {
        size_t columns = 1 + (size_t)random_below(random, 8);
        hyl_buf_printf(expected, "%llu:", line);
        for (size_t c = 0; c < columns; c++) {
            hyl_buf text = HYL_BUF_INIT;
            random_text(random, &text);
            hyl_buf_append_str(csv, c > 0 ? "," : "");
            bool quoted = write_field(random, &text, csv);
            hyl_buf_append_str(expected, c > 0 ? "|" : "");
            hyl_buf_append_str(expected, quoted ? "'" : "");
            hyl_buf_append(expected, text.data, text.len);
            hyl_buf_append_str(expected, quoted ? "'" : "");
            for (size_t i = 0; i < text.len; i++) {
                line += text.data[i] == '\n';
            }
            hyl_buf_reset(&text);
        }
        hyl_buf_append_str(expected, ";");
        hyl_buf_append_str(csv, random_below(random, 2) == 0 ? "\n" : "\r\n");
        line++;
    }
    hyl_buf_append_byte(expected, 0);
}

static void random_tables_come_back(void **state)
{
    (void)state;
    random_source random = random_start("tables", 0x7ab1e);
    const csv_dialect dialect = CSV_DIALECT_INIT;
    for (int i = 0; i < 400; i++) {
        hyl_buf csv = HYL_BUF_INIT;
        hyl_buf expected = HYL_BUF_INIT;
        hyl_buf got = HYL_BUF_INIT;
        random_table(&random, &csv, &expected);
        text_source source = source_of((const char *)csv.data, csv.len);
        source.random = i % 2 == 0 ? &random : NULL;
        describe(dialect, &source, &got);
        assert_int_equal(got.len, expected.len);
        assert_memory_equal(got.data, expected.data, got.len);
        hyl_buf_reset(&csv);
        hyl_buf_reset(&expected);
        hyl_buf_reset(&got);
    }
}

/* ---- Large rows, holding, lines -------------------------------------------------------------- */

static void rows_larger_than_the_window(void **state)
{
    (void)state;
    enum { LEN = 3 * 1024 * 1024 };
    char *text = malloc(LEN + 32);
    assert_non_null(text);
    memcpy(text, "a,b\n\"", 5);
    memset(text + 5, 'x', LEN);
    memcpy(text + 5 + LEN, "\n\"\"\",2\n3,4\n", 11);
    text_source source = source_of(text, LEN + 16);
    hyl_error err = HYL_ERROR_INIT;
    csv_reader *reader = NULL;
    csv_row row;
    assert_ok(csv_reader_new((csv_dialect)CSV_DIALECT_INIT, "f", read_text, &source, &reader, &err),
              &err);
    assert_ok(csv_reader_next(reader, &row, &err), &err);
    assert_ok(csv_reader_next(reader, &row, &err), &err);
    assert_int_equal(row.count, 2);
    assert_int_equal(row.fields[0].len, LEN + 2);
    assert_memory_equal(row.fields[0].data + LEN, "\n\"", 2);
    assert_int_equal(csv_row_field_line(&row, 0), 2);
    assert_int_equal(csv_row_field_line(&row, 1), 3);
    assert_ok(csv_reader_next(reader, &row, &err), &err);
    assert_int_equal(row.line, 4);
    assert_int_equal(row.fields[1].len, 1);
    assert_status(csv_reader_next(reader, &row, &err), HYL_DONE, &err);
    csv_reader_free(reader);
    free(text);
}

static void what_is_held_is_read_again(void **state)
{
    (void)state;
    hyl_buf csv = HYL_BUF_INIT;
    for (int i = 0; i < 200000; i++) {
        hyl_buf_printf(&csv, "%d,\"%d\"\n", i, i);
    }
    text_source source = source_of((const char *)csv.data, csv.len);
    hyl_error err = HYL_ERROR_INIT;
    csv_reader *reader = NULL;
    csv_row row;
    assert_ok(csv_reader_new((csv_dialect)CSV_DIALECT_INIT, "f", read_text, &source, &reader, &err),
              &err);
    assert_ok(csv_reader_next(reader, &row, &err), &err);
    csv_reader_hold(reader);
    while (csv_reader_held(reader) < 1000000) {
        assert_ok(csv_reader_next(reader, &row, &err), &err);
    }
    csv_reader_replay(reader);
    for (int i = 1; i < 200000; i++) {
        char want[16];
        snprintf(want, sizeof want, "%d", i);
        assert_ok(csv_reader_next(reader, &row, &err), &err);
        assert_int_equal(row.line, i + 1);
        assert_int_equal(row.fields[1].len, strlen(want));
        assert_memory_equal(row.fields[1].data, want, row.fields[1].len);
    }
    assert_status(csv_reader_next(reader, &row, &err), HYL_DONE, &err);
    csv_reader_free(reader);
    hyl_buf_reset(&csv);
}

static void many_columns(void **state)
{
    (void)state;
    hyl_buf csv = HYL_BUF_INIT;
    for (int i = 0; i < 5000; i++) {
        hyl_buf_printf(&csv, "%s%d", i > 0 ? "," : "", i);
    }
    text_source source = source_of((const char *)csv.data, csv.len);
    hyl_error err = HYL_ERROR_INIT;
    csv_reader *reader = NULL;
    csv_row row;
    assert_ok(csv_reader_new((csv_dialect)CSV_DIALECT_INIT, "f", read_text, &source, &reader, &err),
              &err);
    assert_ok(csv_reader_next(reader, &row, &err), &err);
    assert_int_equal(row.count, 5000);
    assert_memory_equal(row.fields[4999].data, "4999", 4);
    csv_reader_free(reader);
    hyl_buf_reset(&csv);
}

static hyl_status failing_read(void *ctx, void *buf, size_t cap, size_t *got, hyl_error *err)
{
    (void)ctx;
    (void)buf;
    (void)cap;
    (void)got;
    snprintf(err->message, sizeof err->message, "broken");
    return err->status = HYL_ERR_IO;
}

static void a_read_error_is_passed_on(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    csv_reader *reader = NULL;
    csv_row row;
    assert_ok(csv_reader_new((csv_dialect)CSV_DIALECT_INIT, "f", failing_read, NULL, &reader, &err),
              &err);
    assert_status(csv_reader_next(reader, &row, &err), HYL_ERR_IO, &err);
    assert_string_equal(err.message, "broken");
    csv_reader_free(reader);
}

static void both_scanners_find_the_same(void **state)
{
    (void)state;
    random_source random = random_start("scan", 0x5ca9);
    const csv_needles needles = {';', '"'};
    for (int i = 0; i < 2000; i++) {
        static const char alphabet[] = "a;\"\n\r\x80\xbb\x8a z";
        uint8_t block[CSV_BLOCK];
        for (size_t k = 0; k < sizeof block; k++) {
            block[k] = (uint8_t)alphabet[random_below(&random, sizeof alphabet - 1)];
        }
        assert_int_equal(csv_scan_block(block, needles), csv_scan_block_portable(block, needles));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_rows),
        cmocka_unit_test(quoted_fields),
        cmocka_unit_test(a_quote_inside_an_unquoted_field_is_text),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(other_dialects),
        cmocka_unit_test(errors_name_line_and_column),
        cmocka_unit_test(utf16_is_recognised),
        cmocka_unit_test(chunking_makes_no_difference),
        cmocka_unit_test(random_tables_come_back),
        cmocka_unit_test(rows_larger_than_the_window),
        cmocka_unit_test(what_is_held_is_read_again),
        cmocka_unit_test(many_columns),
        cmocka_unit_test(a_read_error_is_passed_on),
        cmocka_unit_test(both_scanners_find_the_same),
    };
    return cmocka_run_group_tests_name("cli/csv_reader", tests, NULL, NULL);
}
