#include "data/transfer.h"

#include "support/test.h"

#include "support/mem_conn.h"

typedef struct statement_case {
    const char *sql;
    bool takes;
    bool pays;
} statement_case;

static const statement_case statements[] = {
    /* Nothing to read from: a row, or as many as the text is long. */
    {"select 1", true, false},
    {"VALUES (1), (2)", true, false},
    {"((values(1)))", true, false},
    {"SELECT (SELECT max(x) FROM t)", true, false},
    {"SELECT extract(year FROM date '2024-01-01')", true, false},
    {"SELECT a IS DISTINCT FROM b", true, false},
    {"SELECT ' FROM t', \"FROM\" -- FROM t", true, false},
    /* A table. */
    {"SELECT a FROM t", true, true},
    {"  select a\nfrom t;", true, true},
    {"/* x */ SELECT a FROM t WHERE b = ' LIMIT 1'", true, true},
    {"TABLE t", true, true},
    {"WITH x AS (SELECT 1 AS a) SELECT a FROM x", true, true},
    {"WITH x AS (SELECT a FROM t) SELECT 1", true, false},
    {"(SELECT a FROM t)", true, true},
    {"(SELECT a FROM t) UNION ALL (SELECT a FROM u)", true, true},
    {"SELECT a FROM (SELECT b FROM t LIMIT 10) v", true, true},
    {"SELECT a FROM t ORDER BY a NULLS FIRST", true, true},
    {"SELECT a FROM t WHERE b IS DISTINCT FROM c", true, true},
    /* Few rows. */
    {"SELECT a FROM t LIMIT 1", true, false},
    {"SELECT a FROM t LIMIT 5000", true, false},
    {"SELECT a FROM t LIMIT 5001", true, true},
    {"SELECT a FROM t LIMIT 99999999999999999999", true, true},
    {"SELECT a FROM t LIMIT 1e9", true, true},
    {"SELECT a FROM t LIMIT ALL", true, true},
    {"SELECT a FROM t LIMIT (SELECT 1)", true, true},
    {"SELECT a FROM t LIMIT /* few */ 7 OFFSET 100000", true, false},
    {"SELECT a FROM t FETCH FIRST 10 ROWS ONLY", true, false},
    {"SELECT a FROM t FETCH NEXT ROW ONLY", true, false},
    {"SELECT a FROM t FETCH FIRST 10000 ROWS ONLY", true, true},
    {"TABLE t LIMIT 3", true, false},
    {"(SELECT a FROM t LIMIT 5)", true, false},
    /* What COPY has no place for. */
    {"SELECT a FROM t WHERE b = $1", true, false},
    {"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", false, false},
    {"WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x", false, false},
    {"SELECT a INTO u FROM t", false, false},
    {"INSERT INTO t SELECT a FROM u RETURNING a", false, false},
    {"UPDATE t SET a = 1", false, false},
    {"SHOW timezone", false, false},
    {"EXPLAIN SELECT a FROM t", false, false},
    {"EXECUTE p", false, false},
    {"selected FROM t", false, false},
    {"COPY (SELECT a FROM t) TO STDOUT", false, false},
    {"", false, false},
    {"-- nothing", false, false},
    /* Not SQL: what is read before the mistake decides, and the server tells of it. */
    {"SELECT a FROM t WHERE b = 'open", true, true},
    {"SELECT 'open FROM t", true, false},
};

static void the_text_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        const statement_case *want = &statements[i];
        if (hyl__copy_takes(want->sql) != want->takes || hyl__copy_pays(want->sql) != want->pays) {
            fail_msg("%s: takes %d, pays %d", want->sql, hyl__copy_takes(want->sql),
                     hyl__copy_pays(want->sql));
        }
    }
}

static void types_decide(void **state)
{
    (void)state;
    for (int id = HYL_TYPE_UNKNOWN; id < HYL_TYPE_ARRAY; id++) {
        hyl_type type = hyl_type_of((hyl_type_id)id);
        hyl_type array = hyl_type_of(HYL_TYPE_ARRAY);
        array.element = type.id;
        bool no_type = id == HYL_TYPE_UUID || id == HYL_TYPE_UNKNOWN;
        bool no_values = id == HYL_TYPE_TIME || id == HYL_TYPE_TIMESTAMP ||
                         id == HYL_TYPE_TIMESTAMPTZ || id == HYL_TYPE_INTERVAL;
        assert_int_equal(hyl__arrow_lacks_type(type), no_type);
        assert_int_equal(hyl__arrow_lacks_type(array), no_type);
        assert_int_equal(hyl__arrow_lacks_values(type), no_values);
        assert_int_equal(hyl__arrow_lacks_values(array), no_values);
    }
}

/* ---- A second try ---------------------------------------------------------------------------- */

static hyl_error server_error(const char *sqlstate)
{
    hyl_error error = HYL_ERROR_INIT;
    error.status = HYL_ERR_SERVER;
    snprintf(error.sqlstate, sizeof error.sqlstate, "%s", sqlstate);
    return error;
}

static void only_what_rows_may_do_better_is_tried_again(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    static const char *const again[] = {"0A000", "22008", "42601"};
    static const char *const final[] = {"22012", "42P01", "57014", ""};
    for (size_t i = 0; i < 3; i++) {
        hyl_error error = server_error(again[i]);
        assert_true(hyl__transfer_may_change(mem.conn, HYL_TRANSFER_AUTO, &error));
        assert_false(hyl__transfer_may_change(mem.conn, HYL_TRANSFER_ARROW, &error));
        error.status = HYL_ERR_PROTOCOL;
        assert_false(hyl__transfer_may_change(mem.conn, HYL_TRANSFER_AUTO, &error));
    }
    for (size_t i = 0; i < sizeof final / sizeof final[0]; i++) {
        hyl_error error = server_error(final[i]);
        assert_false(hyl__transfer_may_change(mem.conn, HYL_TRANSFER_AUTO, &error));
    }
    hyl_error error = server_error("0A000");
    mem.conn->session.tx_status = 'T';
    assert_false(hyl__transfer_may_change(mem.conn, HYL_TRANSFER_AUTO, &error));
    mem.conn->session.tx_status = 'I';
    hyl_conn_close(mem.conn);
    assert_false(hyl__transfer_may_change(mem.conn, HYL_TRANSFER_AUTO, &error));
    mem_conn_close(&mem);
}

/* ---- Suspects -------------------------------------------------------------------------------- */

static void assert_blamed(const char *const *names, size_t count, const char *advice,
                          const char *wanted)
{
    hyl__suspects suspects = HYL__SUSPECTS_INIT;
    hyl_error error = server_error("22008");
    snprintf(error.message, sizeof error.message, "out of range");
    for (size_t i = 0; i < count; i++) {
        hyl__suspects_add(&suspects, i, names[i]);
    }
    hyl__suspects_blame(&suspects, &error, advice);
    assert_string_equal(error.message, wanted);
    assert_string_equal(error.sqlstate, "22008");
    hyl__suspects_reset(&suspects);
}

static void the_columns_are_named(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "", "c d", "e", "f"};
    assert_blamed(names, 0, "read it otherwise", "out of range; read it otherwise");
    assert_blamed(names, 1, "read it otherwise", "column 1 \"a\": out of range; read it otherwise");
    assert_blamed(names, 3, "try",
                  "one of the columns 1 \"a\", 2 \"\", 3 \"c d\": out of range; try");
    assert_blamed(names, 5, "try",
                  "one of the columns 1 \"a\", 2 \"\", 3 \"c d\", 4 \"e\", ...: out of range; try");
}

static void a_full_stop_ends_no_sentence_that_goes_on(void **state)
{
    (void)state;
    hyl__suspects suspects = HYL__SUSPECTS_INIT;
    hyl_error error = server_error("0A000");
    snprintf(error.message, sizeof error.message, "No such type.");
    hyl__suspects_add(&suspects, 0, "a");
    hyl__suspects_blame(&suspects, &error, "try");
    assert_string_equal(error.message, "column 1 \"a\": No such type; try");
    hyl__suspects_reset(&suspects);
}

/* The server has both states for other things too. */
static void only_arrows_refusals_are_arrows(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        const char *message;
        bool is_arrows;
    } cases[] = {
        {"0A000", "Encountered unsupported SQL type during conversion to Arrow.", true},
        {"22008", "encountered time that is too large and cannot be converted to Arrow", true},
        {"0A000", "BIT data type not implemented yet", false},
        {"22008", "timestamp out of range", false},
        {"42P01", "table \"Arrow\" does not exist", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_error error = server_error(cases[i].sqlstate);
        snprintf(error.message, sizeof error.message, "%s", cases[i].message);
        assert_int_equal(hyl__arrow_refused(&error), cases[i].is_arrows);
        error.status = HYL_ERR_PROTOCOL;
        assert_false(hyl__arrow_refused(&error));
    }
}

static void long_names_and_words_leave_room_for_the_advice(void **state)
{
    (void)state;
    char name[400];
    hyl__suspects suspects = HYL__SUSPECTS_INIT;
    hyl_error error = server_error("22008");
    memset(error.message, 'm', sizeof error.message - 1);
    for (size_t i = 0; i + 2 < sizeof name; i += 2) {
        memcpy(name + i, "\xc3\xa9", 3);
    }
    name[sizeof name - 2] = '\0';
    for (size_t i = 0; i < 4; i++) {
        hyl__suspects_add(&suspects, i, name);
    }
    hyl__suspects_blame(&suspects, &error, "advice");
    const size_t len = strlen(error.message);
    assert_true(len < sizeof error.message);
    assert_string_equal(error.message + len - 8, "; advice");
    assert_null(strstr(error.message, "\xc3\"")); /* no half of a character */
    hyl__suspects_reset(&suspects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_decides),
        cmocka_unit_test(types_decide),
        cmocka_unit_test(only_what_rows_may_do_better_is_tried_again),
        cmocka_unit_test(the_columns_are_named),
        cmocka_unit_test(a_full_stop_ends_no_sentence_that_goes_on),
        cmocka_unit_test(only_arrows_refusals_are_arrows),
        cmocka_unit_test(long_names_and_words_leave_room_for_the_advice),
    };
    return cmocka_run_group_tests_name("data/transfer", tests, NULL, NULL);
}
