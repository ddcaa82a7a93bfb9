/*
 * What is quoted comes back from the server as it was: as the value of a literal, as the name of a
 * column, as a table's name in the catalog. Every code point of Unicode but NUL at least once, and
 * texts made of what might end a quote.
 */
#include "support/test.h"

#include "support/hyperd.h"
#include "support/live.h"
#include "support/random.h"

#include <hyperline/types.h>

enum {
    LAST_CODE_POINT = 0x10ffff,
    LITERAL_POINTS = 20000, /* of one literal */
    NAME_POINTS = 40,       /* of one name */
    NAMES = 50,             /* of one statement */
    RANDOM_STATEMENTS = 400
};

static hyl_conn *conn;
static hyl_error err;

/* ---- Texts ------------------------------------------------------------------------------------ */

static void append_code_point(hyl_buf *out, uint32_t point)
{
    if (point < 0x80) {
        hyl_buf_append_byte(out, (uint8_t)point);
    } else if (point < 0x800) {
        hyl_buf_append_byte(out, (uint8_t)(0xc0 | point >> 6));
    } else if (point < 0x10000) {
        hyl_buf_append_byte(out, (uint8_t)(0xe0 | point >> 12));
        hyl_buf_append_byte(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
    } else {
        hyl_buf_append_byte(out, (uint8_t)(0xf0 | point >> 18));
        hyl_buf_append_byte(out, (uint8_t)(0x80 | (point >> 12 & 0x3f)));
        hyl_buf_append_byte(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
    }
    if (point >= 0x80) {
        hyl_buf_append_byte(out, (uint8_t)(0x80 | (point & 0x3f)));
    }
}

/* Appends `count` code points from *next on, surrogates left out, and moves it on. */
static size_t append_range(hyl_buf *out, uint32_t *next, size_t count)
{
    size_t appended = 0;
    for (; appended < count && *next <= LAST_CODE_POINT; (*next)++) {
        if (*next < 0xd800 || *next > 0xdfff) {
            append_code_point(out, *next);
            appended++;
        }
    }
    return appended;
}

/* What ends or begins something in SQL, and code points of every length. */
static void append_random(hyl_buf *out, random_source *random)
{
    static const char *const pieces[] = {"'",    "''",  "\"",  "\"\"", "\\",   "\\'", "E'",
                                         "U&'",  "$$",  "$x$", "--",   "/*",   "*/",  ";",
                                         "\n",   "\r",  "\t",  "\x01", "\x7f", " ",   "\\\"",
                                         ") --", "{x}", "%s",  "?",    "$1",   ":a"};
    size_t count = 1 + random_below(random, 12);
    for (size_t i = 0; i < count; i++) {
        if (random_below(random, 3) > 0) {
            hyl_buf_append_str(out, pieces[random_below(random, sizeof pieces / sizeof pieces[0])]);
            continue;
        }
        uint32_t point = 1 + (uint32_t)(random_any_size(random) % LAST_CODE_POINT);
        append_code_point(out, point >= 0xd800 && point <= 0xdfff ? 0xe000 : point);
    }
}

static hyl_str str_of(const hyl_buf *buf)
{
    return (hyl_str){(const char *)buf->data, buf->len};
}

static void assert_same(hyl_str got, const hyl_buf *wanted)
{
    if (got.len != wanted->len || memcmp(got.data, wanted->data, got.len) != 0) {
        fail_msg("'%.*s' came back as '%.*s'", (int)wanted->len, (const char *)wanted->data,
                 (int)got.len, got.data);
    }
}

/* ---- Literals --------------------------------------------------------------------------------- */

/* SELECT 'a', 'b', ...: each comes back. */
static void assert_literals(const hyl_buf *texts, size_t count)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_str got;
    for (size_t i = 0; i < count; i++) {
        hyl_buf_append_str(&sql, i == 0 ? "SELECT " : ", ");
        assert_ok(hyl_quote_literal(str_of(&texts[i]), &sql, &err), &err);
    }
    hyl_buf_append_byte(&sql, 0);
    assert_ok(hyl_query(conn, (char *)sql.data, &result, &err), &err);
    assert_ok(hyl_result_next(result, &row, &err), &err);
    for (size_t i = 0; i < count; i++) {
        assert_ok(hyl_row_get_str(row, i, &got, &err), &err);
        assert_same(got, &texts[i]);
    }
    assert_status(hyl_result_next(result, &row, &err), HYL_DONE, &err);
    hyl_result_free(result);
    hyl_buf_reset(&sql);
}

static void any_code_point_in_a_literal_comes_back(void **state)
{
    (void)state;
    size_t points = 0;
    for (uint32_t next = 1; next <= LAST_CODE_POINT;) {
        hyl_buf text = HYL_BUF_INIT;
        points += append_range(&text, &next, LITERAL_POINTS);
        assert_literals(&text, 1);
        hyl_buf_reset(&text);
    }
    assert_int_equal(points, LAST_CODE_POINT - 2048);
}

static void any_text_in_a_literal_comes_back(void **state)
{
    (void)state;
    random_source random = random_start("literals", 0x911e7a1);
    for (int i = 0; i < RANDOM_STATEMENTS; i++) {
        hyl_buf texts[NAMES];
        for (size_t j = 0; j < NAMES; j++) {
            texts[j] = (hyl_buf)HYL_BUF_INIT;
            append_random(&texts[j], &random);
        }
        assert_literals(texts, NAMES);
        for (size_t j = 0; j < NAMES; j++) {
            hyl_buf_reset(&texts[j]);
        }
    }
}

/* ---- Identifiers ------------------------------------------------------------------------------ */

/* SELECT 0 AS "a", 1 AS "b", ...: each is a column's name. */
static void assert_names(const hyl_buf *names, size_t count)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_result *result = NULL;
    for (size_t i = 0; i < count; i++) {
        hyl_buf_printf(&sql, "%s%zu AS ", i == 0 ? "SELECT " : ", ", i);
        assert_ok(hyl_quote_ident(str_of(&names[i]), &sql, &err), &err);
    }
    hyl_buf_append_byte(&sql, 0);
    assert_ok(hyl_query(conn, (char *)sql.data, &result, &err), &err);
    assert_int_equal(hyl_result_column_count(result), count);
    for (size_t i = 0; i < count; i++) {
        assert_same(hyl_str_of(hyl_result_column(result, i)->name), &names[i]);
    }
    assert_ok(hyl_result_finish(result, &err), &err);
    hyl_result_free(result);
    hyl_buf_reset(&sql);
}

static void any_code_point_in_an_identifier_comes_back(void **state)
{
    (void)state;
    size_t points = 0;
    for (uint32_t next = 1; next <= LAST_CODE_POINT;) {
        hyl_buf names[NAMES];
        size_t count = 0;
        while (count < NAMES && next <= LAST_CODE_POINT) {
            names[count] = (hyl_buf)HYL_BUF_INIT;
            points += append_range(&names[count++], &next, NAME_POINTS);
        }
        assert_names(names, count);
        for (size_t i = 0; i < count; i++) {
            hyl_buf_reset(&names[i]);
        }
    }
    assert_int_equal(points, LAST_CODE_POINT - 2048);
}

static void any_text_in_an_identifier_comes_back(void **state)
{
    (void)state;
    random_source random = random_start("names", 0x1de17);
    for (int i = 0; i < RANDOM_STATEMENTS; i++) {
        hyl_buf names[NAMES];
        for (size_t j = 0; j < NAMES; j++) {
            names[j] = (hyl_buf)HYL_BUF_INIT;
            append_random(&names[j], &random);
        }
        assert_names(names, NAMES);
        for (size_t j = 0; j < NAMES; j++) {
            hyl_buf_reset(&names[j]);
        }
    }
}

/* A table of that name and column, in the catalog's words, by a literal. */
static void a_table_of_any_name_is_found_by_it(void **state)
{
    (void)state;
    random_source random = random_start("tables", 0x7ab1e5);
    for (int i = 0; i < 60; i++) {
        hyl_buf name = HYL_BUF_INIT;
        hyl_buf sql = HYL_BUF_INIT;
        append_random(&name, &random);
        hyl_buf_append_str(&sql, "CREATE TABLE ");
        assert_ok(hyl_quote_ident(str_of(&name), &sql, &err), &err);
        hyl_buf_append_str(&sql, " (");
        assert_ok(hyl_quote_ident(str_of(&name), &sql, &err), &err);
        hyl_buf_append_str(&sql, " INT)");
        hyl_buf_append_byte(&sql, 0);
        live_exec(conn, (char *)sql.data);
        hyl_buf_clear(&sql);
        hyl_buf_append_str(&sql, "SELECT count(*) FROM pg_catalog.pg_class WHERE relname = ");
        assert_ok(hyl_quote_literal(str_of(&name), &sql, &err), &err);
        hyl_buf_append_byte(&sql, 0);
        assert_int_equal(live_i64(conn, (char *)sql.data), 1);
        hyl_buf_clear(&sql);
        hyl_buf_append_str(&sql, "DROP TABLE ");
        assert_ok(hyl_quote_ident(str_of(&name), &sql, &err), &err);
        hyl_buf_append_byte(&sql, 0);
        live_exec(conn, (char *)sql.data);
        hyl_buf_reset(&name);
        hyl_buf_reset(&sql);
    }
}

/* ---- The program ------------------------------------------------------------------------------ */

static int start(void **state)
{
    if (test_hyperd_start(state) != 0) {
        return -1;
    }
    conn = live_open("quote.hyper", "create=create");
    return 0;
}

static int stop(void **state)
{
    hyl_conn_free(conn);
    return test_hyperd_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_code_point_in_a_literal_comes_back),
        cmocka_unit_test(any_text_in_a_literal_comes_back),
        cmocka_unit_test(any_code_point_in_an_identifier_comes_back),
        cmocka_unit_test(any_text_in_an_identifier_comes_back),
        cmocka_unit_test(a_table_of_any_name_is_found_by_it),
    };
    return cmocka_run_group_tests_name("live/quote_hyperd", tests, start, stop);
}
