#include "expect.h"
#include "support/random.h"
#include "value/lexer.h"

/* ---- Splitting ------------------------------------------------------------------------------- */

/* The statements of the script, one after another, are `wanted`, joined by "|". */
static void expect_split_as(hyl__sql_grammar grammar, const char *script, const char *wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf joined = HYL_BUF_INIT;
    guarded copy = guard_bytes(script, strlen(script));
    size_t offset = 0;
    hyl_str statement;
    hyl_status status;
    while ((status = hyl__sql_next(grammar, guard_str(&copy), &offset, &statement, &err)) ==
           HYL_OK) {
        if (joined.len > 0) {
            hyl_buf_append_byte(&joined, '|');
        }
        hyl_buf_append(&joined, statement.data, statement.len);
    }
    assert_status(status, HYL_DONE, &err);
    assert_int_equal(offset, strlen(script));
    expect_text(&joined, wanted);
    guard_release(&copy);
}

static void expect_split(const char *script, const char *wanted)
{
    expect_split_as(HYL__SQL_HYPER, script, wanted);
}

static void scripts_are_split_at_semicolons(void **state)
{
    (void)state;
    expect_split("", "");
    expect_split("  \n\t;;; ;", "");
    expect_split("select 1", "select 1");
    expect_split("select 1;", "select 1");
    expect_split("  select 1 ; select 2;; select\n3 \v\f\r\n", "select 1|select 2|select\n3");
    expect_split("\xef\xbb\xbfselect 1;select 2", "select 1|select 2");
}

static void comments_are_passed_over(void **state)
{
    (void)state;
    expect_split("-- only; a comment", "");
    expect_split("/* ; */ select 1 -- ; end\n;/* x */", "select 1");
    expect_split("select 1 --;\r+1;select 2", "select 1 --;\r+1|select 2");
    expect_split("select 1 /* a /* b */; select 2", "select 1|select 2"); /* they do not nest */
    expect_split("select /*/ ; */ 2", "select /*/ ; */ 2");
    expect_split("select 1 - -2;", "select 1 - -2");
    expect_split("select 4 / 2 * 3;", "select 4 / 2 * 3");
}

static void quotes_hide_semicolons(void **state)
{
    (void)state;
    expect_split("select 'a;b''c;';x", "select 'a;b''c;'|x");
    expect_split("select \"a;\"\"b;\";x", "select \"a;\"\"b;\"|x");
    expect_split("select U&\"a;\\\";x", "select U&\"a;\\\"|x");
    expect_split("select 'a\\';x", "select 'a\\'|x");
    expect_split("select U&'a;\\';x", "select U&'a;\\'|x");
    expect_split("select '--';x", "select '--'|x");
    expect_split("select '/*';x", "select '/*'|x");
    expect_split("select \"'\";x", "select \"'\"|x");
}

static void e_strings_take_backslashes(void **state)
{
    (void)state;
    expect_split("select E'a\\';b';x", "select E'a\\';b'|x");
    expect_split("select e'a\\\\';x", "select e'a\\\\'|x");
    expect_split("select e'a''\\';';x", "select e'a''\\';'|x");
    /* A string on the next line goes on as the first began. */
    expect_split("select E'a'\n'b\\';c';x", "select E'a'\n'b\\';c'|x");
    expect_split("select E'a' -- c\n'b\\';c';x", "select E'a' -- c\n'b\\';c'|x");
    expect_split("select E'a' 'b\\';x", "select E'a' 'b\\'|x");
    expect_split("select 'a'\n'b\\';x", "select 'a'\n'b\\'|x");
    /* Only an E of its own: not the end of a word, but after a number. */
    expect_split("select xE'a\\';x", "select xE'a\\'|x");
    expect_split("select _e'a\\';x", "select _e'a\\'|x");
    expect_split("select \xc3\xa4"
                 "E'a\\';x",
                 "select \xc3\xa4"
                 "E'a\\'|x");
    expect_split("select 1E'a\\';';x", "select 1E'a\\';'|x");
    expect_split("select 1e5E'a\\';';x", "select 1e5E'a\\';'|x");
    expect_split("select 1e-5 'a\\';x", "select 1e-5 'a\\'|x");
    expect_split("select N'a\\';x", "select N'a\\'|x");
    expect_split("select u& 'a\\';x", "select u& 'a\\'|x");
}

static void dollar_quotes_end_at_their_tag(void **state)
{
    (void)state;
    expect_split("select $$a;'b$$;x", "select $$a;'b$$|x");
    expect_split("select $t$a;$$;$T$;$t$;x", "select $t$a;$$;$T$;$t$|x");
    expect_split("select $a b$c;$a b$;x", "select $a b$c;$a b$|x");
    expect_split("select a$b$c;$b$;x", "select a$b$c;$b$|x"); /* a word ends at the $ */
    expect_split("select $1;select $2+$3;x", "select $1|select $2+$3|x");
    expect_split("select $1$$;$$;x", "select $1$$;$$|x");
    expect_split("select $$a$b;$$;x", "select $$a$b;$$|x");
}

/* Each as the servers read it: one that ends a statement elsewhere runs another. */
static void the_grammars_differ(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        const char *hyper; /* NULL: something is not closed */
        const char *postgresql;
    } cases[] = {
        /* A $ inside of an identifier. */
        {"select 1 as foo$x$; select 2 as bar$x$", "select 1 as foo$x$; select 2 as bar$x$",
         "select 1 as foo$x$|select 2 as bar$x$"},
        {"select a$$;b$$", "select a$$;b$$", "select a$$|b$$"},
        {"select \u00e4$x$;_$x$", "select \u00e4$x$;_$x$", "select \u00e4$x$|_$x$"},
        {"select a1$b$;a1$b$", "select a1$b$;a1$b$", "select a1$b$|a1$b$"},
        {"select x$e'a\\';y", NULL, "select x$e'a\\'|y"},
        {"select x$U&';'", NULL, "select x$U&';'"},
        /* It begins none, and follows neither a number, a parameter nor a quote. */
        {"select 1$x$;$x$;y", "select 1$x$;$x$|y", "select 1$x$;$x$|y"},
        {"select 1.5$x$;$x$;y", "select 1.5$x$;$x$|y", "select 1.5$x$;$x$|y"},
        {"select $1$x$;$x$;y", "select $1$x$;$x$|y", "select $1$x$;$x$|y"},
        {"select \"a\"$x$;$x$;y", "select \"a\"$x$;$x$|y", "select \"a\"$x$;$x$|y"},
        {"select 'a'$x$;$x$;y", "select 'a'$x$;$x$|y", "select 'a'$x$;$x$|y"},
        {"select e'\\''$x$;$x$;y", "select e'\\''$x$;$x$|y", "select e'\\''$x$;$x$|y"},
        {"select +$x$;$x$;y", "select +$x$;$x$|y", "select +$x$;$x$|y"},
        /* The tag. */
        {"select $\u00e4_1$;$\u00e4_1$;y", "select $\u00e4_1$;$\u00e4_1$|y",
         "select $\u00e4_1$;$\u00e4_1$|y"},
        {"select $a b$c;$a b$", "select $a b$c;$a b$", "select $a b$c|$a b$"},
        {"select $a-$;$a-$", "select $a-$;$a-$", "select $a-$|$a-$"},
        {"select $ ;$ ", NULL, "select $|$"},
        {"select $a;$b;$c", NULL, "select $a|$b|$c"},
        {"select $a$;$$;$a$;y", "select $a$;$$;$a$|y", "select $a$;$$;$a$|y"},
        /* Comments. */
        {"select 1 /* /* */ ; select 2 */;", "select 1|select 2 */", "select 1"},
        {"/* /* */ ' */; select 2 -- '", "' */; select 2 -- '", "select 2"},
        {"select /*/**/*/ 1;y", "select /*/**/*/ 1|y", "select /*/**/*/ 1|y"},
        {"select /*/ ; */ 2", "select /*/ ; */ 2", "select /*/ ; */ 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t offset = 0;
        hyl_str statement;
        if (cases[i].hyper != NULL) {
            expect_split_as(HYL__SQL_HYPER, cases[i].script, cases[i].hyper);
        } else {
            assert_int_equal(hyl__sql_next(HYL__SQL_HYPER, hyl_str_of(cases[i].script), &offset,
                                           &statement, NULL),
                             HYL_ERR_ARG);
        }
        expect_split_as(HYL__SQL_POSTGRESQL, cases[i].script, cases[i].postgresql);
    }
}

static void expect_unclosed(const char *script, const char *message)
{
    hyl_error err = HYL_ERROR_INIT;
    guarded copy = guard_bytes(script, strlen(script));
    size_t offset = 0;
    hyl_str statement;
    assert_status(hyl_sql_next(guard_str(&copy), &offset, &statement, &err), HYL_ERR_ARG, &err);
    assert_string_equal(err.message, message);
    assert_int_equal(offset, 0);
    guard_release(&copy);
}

static void what_is_not_closed_is_named_with_its_line(void **state)
{
    (void)state;
    expect_unclosed("select 'a", "line 1: a string is not closed");
    expect_unclosed("select\n\n'a''", "line 3: a string is not closed");
    expect_unclosed("select E'\\", "line 1: a string is not closed");
    expect_unclosed("select E'\\'", "line 1: a string is not closed");
    expect_unclosed("select \"a\n", "line 1: a quoted identifier is not closed");
    expect_unclosed("select\n1 /* a", "line 2: a comment is not closed");
    expect_unclosed("select 1 /*", "line 1: a comment is not closed");
    expect_unclosed("select 1 /*/", "line 1: a comment is not closed");
    expect_unclosed("select $a$b$", "line 1: a dollar quote is not closed");
    expect_unclosed("select $", "line 1: a dollar quote is not closed");
    expect_unclosed("select $$", "line 1: a dollar quote is not closed");
}

/* Bytes of all kinds end in a statement, DONE or ARG, and the offset goes on. */
static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char alphabet[] = "'\"$;-/*\\eEuU&(1a \n\xc3";
    random_source random = random_start("lexer", 0x5eed0007);
    for (int i = 0; i < 20000; i++) {
        char script[24];
        const size_t len = random_below(&random, sizeof script + 1);
        for (size_t k = 0; k < len; k++) {
            script[k] = alphabet[random_below(&random, sizeof alphabet)];
        }
        guarded copy = guard_bytes(script, len);
        size_t offset = 0;
        size_t before = 0;
        hyl_str statement;
        while (hyl_sql_next(guard_str(&copy), &offset, &statement, NULL) == HYL_OK) {
            assert_true(offset > before && offset <= len);
            assert_true(statement.len > 0 && statement.len <= offset - before);
            before = offset;
        }
        guard_release(&copy);
    }
}

/* ---- Keywords -------------------------------------------------------------------------------- */

static void expect_keyword(const char *sql, const char *wanted)
{
    char keyword[12];
    guarded copy = guard_bytes(sql, strlen(sql));
    hyl__sql_keyword(HYL__SQL_HYPER, guard_str(&copy), keyword, sizeof keyword);
    assert_string_equal(keyword, wanted);
    guard_release(&copy);
}

static void the_first_keyword_is_found(void **state)
{
    (void)state;
    expect_keyword("select 1", "SELECT");
    expect_keyword("/* x */ ( -- y\n ((With a as (select 1) select 1", "WITH");
    expect_keyword(";; Copy t from stdin", "COPY");
    expect_keyword("", "");
    expect_keyword("'a'", "");
    expect_keyword("\"select\"", "");
    expect_keyword("42", "");
    expect_keyword("/* not closed", "");
    expect_keyword("averyveryverylongword", "AVERYVERYVE");
    expect_keyword("values(1)", "VALUES");
}

static void transactions_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        hyl__sql_transaction wanted;
    } cases[] = {
        {"BEGIN", HYL__TRANSACTION_BEGIN},
        {"begin isolation level serializable", HYL__TRANSACTION_BEGIN},
        {"/* x */ Begin;", HYL__TRANSACTION_BEGIN},
        {"start transaction read only", HYL__TRANSACTION_BEGIN},
        {"start /* x */ transaction", HYL__TRANSACTION_BEGIN},
        {"start work", HYL__TRANSACTION_OTHER},
        {"commit", HYL__TRANSACTION_COMMIT},
        {"commit work;", HYL__TRANSACTION_COMMIT},
        {"; commit", HYL__TRANSACTION_COMMIT},
        {"END", HYL__TRANSACTION_COMMIT},
        {"end transaction", HYL__TRANSACTION_COMMIT},
        {"rollback", HYL__TRANSACTION_ROLLBACK},
        {"rollback -- to\n", HYL__TRANSACTION_ROLLBACK},
        {"abort work", HYL__TRANSACTION_ROLLBACK},
        {"rollback work to s", HYL__TRANSACTION_ROLLBACK_TO},
        {"ROLLBACK TRANSACTION /**/ TO SAVEPOINT s", HYL__TRANSACTION_ROLLBACK_TO},
        {"rollback work", HYL__TRANSACTION_ROLLBACK},
        {"rollback to savepoint a", HYL__TRANSACTION_ROLLBACK_TO},
        {"commit prepared 'a'", HYL__TRANSACTION_OTHER},
        {"rollback prepared 'a'", HYL__TRANSACTION_OTHER},
        {"select 'commit'", HYL__TRANSACTION_OTHER},
        {"\"commit\"", HYL__TRANSACTION_OTHER},
        {"(commit)", HYL__TRANSACTION_OTHER},
        {"committed", HYL__TRANSACTION_OTHER},
        {"", HYL__TRANSACTION_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (hyl__sql_transaction_of(HYL__SQL_HYPER, hyl_str_of(cases[i].sql)) != cases[i].wanted) {
            fail_msg("%s", cases[i].sql);
        }
    }
}

/* ---- One statement --------------------------------------------------------------------------- */

static void expect_one(const char *sql, const char *wanted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_str statement;
    hyl_status status = hyl__sql_one_statement(hyl_str_of(sql), &statement, &err);
    if (wanted == NULL) {
        assert_status(status, HYL_ERR_ARG, &err);
        assert_true(err.message[0] != '\0');
        return;
    }
    assert_ok(status, &err);
    assert_int_equal(statement.len, strlen(wanted));
    assert_memory_equal(statement.data, wanted, statement.len);
}

static void one_statement_is_one_with_matching_parentheses(void **state)
{
    (void)state;
    expect_one(" select (1), '(' ; -- end", "select (1), '('");
    expect_one("select 1 -- x", "select 1");
    expect_one("SELECT 1) TO '/file' WITH (FORMAT csv) --", NULL);
    expect_one("select 1) from (select 2", NULL);
    expect_one("select (1", NULL);
    expect_one("select 1; select 2", NULL);
    expect_one("select 1; 'x", NULL);
    expect_one(" ; ", NULL);
    expect_one("select 'a", NULL);
}

static void an_unmatched_parenthesis_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *message;
    } cases[] = {
        {"select 1)", "syntax error: the parenthesis \")\" at character 9 closes none"},
        {"select '\xc3\xa9(', 1)",
         "syntax error: the parenthesis \")\" at character 15 closes none"},
        {"/* ( */ select ((1)",
         "syntax error: the parenthesis \"(\" at character 16 is not closed"},
        {"select (1), (2", "syntax error: the parenthesis \"(\" at character 13 is not closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_error err = HYL_ERROR_INIT;
        hyl_str statement;
        assert_status(hyl__sql_one_statement(hyl_str_of(cases[i].sql), &statement, &err),
                      HYL_ERR_ARG, &err);
        assert_string_equal(err.message, cases[i].message);
        assert_string_equal(err.sqlstate, "42601");
    }
    hyl_str statement;
    assert_int_equal(hyl__sql_one_statement(HYL_STR("select ("), &statement, NULL), HYL_ERR_ARG);
}

static void tokens_have_their_kinds(void **state)
{
    (void)state;
    static const struct {
        hyl__sql_kind kind;
        const char *text;
    } wanted[] = {
        {HYL__SQL_WORD, "select"},     {HYL__SQL_NUMBER, "1"},     {HYL__SQL_SYMBOL, "."},
        {HYL__SQL_NUMBER, "5e-3"},     {HYL__SQL_SYMBOL, ","},     {HYL__SQL_PARAMETER, "$12"},
        {HYL__SQL_IDENT, "\"a\"\"\""}, {HYL__SQL_STRING, "U&'x'"}, {HYL__SQL_STRING, "$$b$$"},
        {HYL__SQL_IDENT, "u&\"c\""},   {HYL__SQL_END, ""},
    };
    const hyl_str sql = hyl_str_of("select 1.5e-3,$12 \"a\"\"\" U&'x' $$b$$ u&\"c\" ");
    size_t offset = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        hyl__sql_token token;
        assert_int_equal(hyl__sql_token_next(HYL__SQL_HYPER, sql, &offset, &token, NULL), HYL_OK);
        assert_int_equal(token.kind, wanted[i].kind);
        assert_int_equal(token.text.len, strlen(wanted[i].text));
        if (token.text.len > 0) {
            assert_memory_equal(token.text.data, wanted[i].text, token.text.len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_are_split_at_semicolons),
        cmocka_unit_test(comments_are_passed_over),
        cmocka_unit_test(quotes_hide_semicolons),
        cmocka_unit_test(e_strings_take_backslashes),
        cmocka_unit_test(dollar_quotes_end_at_their_tag),
        cmocka_unit_test(the_grammars_differ),
        cmocka_unit_test(what_is_not_closed_is_named_with_its_line),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(the_first_keyword_is_found),
        cmocka_unit_test(transactions_are_told_apart),
        cmocka_unit_test(one_statement_is_one_with_matching_parentheses),
        cmocka_unit_test(an_unmatched_parenthesis_has_its_place),
        cmocka_unit_test(tokens_have_their_kinds),
    };
    return cmocka_run_group_tests_name("lexer", tests, NULL, NULL);
}
