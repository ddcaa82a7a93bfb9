/* Several threads fill one COPY. */
#include "support/hyperd.h"
#include "support/live.h"
#include "support/test.h"

#include <hyperline/insert.h>

#include <pthread.h>

static hyl_conn *conn;
static hyl_error err;

enum { THREADS = 4 };

static hyl_inserter *open_small(const char *table, hyl_insert_format format)
{
    hyl_insert_opts opts = HYL_INSERT_OPTS_INIT;
    hyl_inserter *ins = NULL;
    opts.buffer_size = 4000;
    opts.format = format;
    assert_ok(hyl_inserter_open(conn, table, NULL, 0, &opts, &ins, &err), &err);
    return ins;
}

static hyl_inserter *open_part(hyl_inserter *ins)
{
    hyl_inserter *part = NULL;
    assert_ok(hyl_inserter_open_part(ins, &part, &err), &err);
    return part;
}

/* ---- A thread ------------------------------------------------------------------------------ */

typedef struct worker {
    pthread_t thread;
    hyl_inserter *part;
    int32_t number;
    int32_t rows;
    bool in_columns;
    int64_t sent; /* by finish */
    hyl_status status;
    hyl_error error;
} worker;

static hyl_status put_rows(worker *self)
{
    for (int32_t i = 0; i < self->rows; i++) {
        HYL_TRY(hyl_inserter_i32(self->part, self->number, &self->error));
        HYL_TRY(hyl_inserter_i32(self->part, i, &self->error));
        HYL_TRY(hyl_inserter_str(self->part, HYL_STR("some text"), &self->error));
        HYL_TRY(hyl_inserter_end_row(self->part, &self->error));
    }
    return HYL_OK;
}

static hyl_status put_columns(worker *self)
{
    enum { BLOCK = 500 };
    int32_t numbers[BLOCK];
    int32_t rows[BLOCK];
    hyl_str texts[BLOCK];
    const hyl_colbuf columns[] = {
        {HYL_TYPE_INT, numbers, NULL}, {HYL_TYPE_INT, rows, NULL}, {HYL_TYPE_TEXT, texts, NULL}};
    for (int32_t i = 0; i < self->rows; i += BLOCK) {
        for (int32_t k = 0; k < BLOCK; k++) {
            numbers[k] = self->number;
            rows[k] = i + k;
            texts[k] = HYL_STR("some text");
        }
        HYL_TRY(hyl_inserter_columns(self->part, columns, 3, BLOCK, &self->error));
    }
    return HYL_OK;
}

static void *work(void *arg)
{
    worker *self = arg;
    self->status = self->in_columns ? put_columns(self) : put_rows(self);
    if (self->status == HYL_OK) {
        self->status = hyl_inserter_finish(self->part, &self->sent, &self->error);
    }
    return NULL;
}

static void start(worker *self, hyl_inserter *ins, int32_t number, int32_t rows)
{
    *self = (worker){.number = number, .rows = rows, .in_columns = number % 2 == 1};
    self->error = (hyl_error)HYL_ERROR_INIT;
    self->part = open_part(ins);
    assert_int_equal(pthread_create(&self->thread, NULL, work, self), 0);
}

static void join(worker *self)
{
    assert_int_equal(pthread_join(self->thread, NULL), 0);
    hyl_inserter_free(self->part);
}

/* ---- All together -------------------------------------------------------------------------- */

static void threads_fill_one_copy_as(hyl_insert_format format)
{
    enum { ROWS = 20000, OWN = 1000 };
    worker workers[THREADS];
    worker own = {.number = THREADS, .rows = OWN};
    int64_t rows = 0;
    live_exec(conn, "CREATE TABLE p (number int NOT NULL, row int NOT NULL, t text)");
    own.part = open_small("p", format);
    for (int32_t i = 0; i < THREADS; i++) {
        start(&workers[i], own.part, i, ROWS);
    }
    /* The inserter itself takes rows meanwhile. */
    assert_ok(put_rows(&own), &own.error);
    for (int32_t i = 0; i < THREADS; i++) {
        join(&workers[i]);
        assert_ok(workers[i].status, &workers[i].error);
        assert_int_equal(workers[i].sent, ROWS);
    }
    assert_ok(hyl_inserter_finish(own.part, &rows, &err), &err);
    assert_int_equal(rows, THREADS * ROWS + OWN);
    hyl_inserter_free(own.part);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM (SELECT number, row FROM p WHERE "
                                    "t = 'some text' GROUP BY number, row HAVING count(*) = 1) x"),
                     THREADS * ROWS + OWN);
    live_exec(conn, "DROP TABLE p");
}

static void threads_fill_one_copy(void **state)
{
    (void)state;
    threads_fill_one_copy_as(HYL_INSERT_AUTO);
    threads_fill_one_copy_as(HYL_INSERT_HYPERBINARY);
}

/* An error of the server ends every thread. */
static void an_error_comes_to_every_part(void **state)
{
    (void)state;
    enum { ROWS = 100000000 };
    worker workers[THREADS];
    const hyl_insert_field fields[] = {{"number", hyl_type_of(HYL_TYPE_INT), true},
                                       {"row", hyl_type_of(HYL_TYPE_INT), true},
                                       {"t", hyl_type_of(HYL_TYPE_TEXT), false}};
    const hyl_insert_mapping mapping = {"n", "1 / (row - 5000)"};
    hyl_inserter *ins = NULL;
    live_exec(conn, "CREATE TABLE e (n int)");
    assert_ok(hyl_inserter_open_mapped(conn, "e", fields, 3, &mapping, 1, NULL, &ins, &err), &err);
    for (int32_t i = 0; i < THREADS; i++) {
        start(&workers[i], ins, i, ROWS);
    }
    for (int32_t i = 0; i < THREADS; i++) {
        join(&workers[i]);
        assert_status(workers[i].status, HYL_ERR_SERVER, &workers[i].error);
        assert_string_equal(workers[i].error.sqlstate, "22012");
    }
    assert_status(hyl_inserter_finish(ins, NULL, &err), HYL_ERR_SERVER, &err);
    assert_string_equal(err.sqlstate, "22012");
    hyl_inserter_free(ins);
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM e"), 0);
    live_exec(conn, "DROP TABLE e");
}

/* ---- One after the other ------------------------------------------------------------------- */

static void put_int(hyl_inserter *ins, int32_t value)
{
    assert_ok(hyl_inserter_i32(ins, value, &err), &err);
    assert_ok(hyl_inserter_end_row(ins, &err), &err);
}

static void a_part_counts_its_own_rows(void **state)
{
    (void)state;
    live_exec(conn, "CREATE TABLE n (i int NOT NULL)");
    hyl_inserter *ins = open_small("n", HYL_INSERT_AUTO);
    put_int(ins, 1);
    put_int(ins, 2);
    hyl_inserter *part = open_part(ins);
    assert_int_equal(hyl_inserter_column_count(part), 1);
    assert_string_equal(hyl_inserter_column(part, 0)->name, "i");
    assert_status(hyl_inserter_null(part, &err), HYL_ERR_NULLVAL, &err);
    assert_string_equal(err.message, "row 1, column 1 \"i\": NULL in a column that is NOT NULL");
    hyl_inserter_drop_row(part);
    put_int(part, 3);
    assert_int_equal(hyl_inserter_rows(part), 1);
    hyl_inserter *none = NULL;
    assert_status(hyl_inserter_open_part(part, &none, &err), HYL_ERR_STATE, &err);
    assert_status(hyl_inserter_finish(ins, NULL, &err), HYL_ERR_STATE, &err);
    assert_string_equal(err.message, "1 parts of the inserter are not finished");
    assert_ok(hyl_inserter_finish(part, NULL, &err), &err);
    assert_status(hyl_inserter_i32(part, 1, &err), HYL_ERR_STATE, &err);
    int64_t rows = 0;
    assert_ok(hyl_inserter_finish(ins, &rows, &err), &err);
    assert_int_equal(rows, 3);
    assert_status(hyl_inserter_open_part(ins, &none, &err), HYL_ERR_STATE, &err);
    hyl_inserter_free(ins);
    hyl_inserter_free(part); /* in any order */
    assert_int_equal(live_i64(conn, "SELECT CAST(sum(i) AS bigint) FROM n"), 6);
    live_exec(conn, "DROP TABLE n");
}

/* Without one part there are no rows: before and within the COPY. */
static void a_part_that_is_given_up_takes_all_with_it(void **state)
{
    (void)state;
    live_exec(conn, "CREATE TABLE g (i int NOT NULL)");
    for (int i = 0; i < 4; i++) {
        hyl_inserter *ins = open_small("g", HYL_INSERT_AUTO);
        hyl_inserter *part = open_part(ins);
        for (int32_t k = 0; k < (i < 2 ? 1 : 3000); k++) {
            put_int(ins, k);
            put_int(part, k);
        }
        if (i % 2 == 0) {
            assert_ok(hyl_inserter_abort(part, "enough", &err), &err);
            assert_status(hyl_inserter_finish(part, NULL, &err), HYL_ERR_CANCELLED, &err);
        }
        hyl_inserter_free(part);
        assert_status(hyl_inserter_finish(ins, NULL, &err), HYL_ERR_CANCELLED, &err);
        assert_string_equal(err.message, "a part of the inserter was given up");
        live_assert_in_step(conn);
        hyl_inserter_free(ins);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM g"), 0);
    }
    live_exec(conn, "DROP TABLE g");
}

static void parts_outlive_the_inserter(void **state)
{
    (void)state;
    live_exec(conn, "CREATE TABLE o (i int NOT NULL)");
    for (int i = 0; i < 2; i++) {
        hyl_inserter *ins = open_small("o", HYL_INSERT_AUTO);
        hyl_inserter *part = open_part(ins);
        put_int(part, 1);
        if (i == 1) {
            assert_ok(hyl_inserter_abort(ins, "enough", &err), &err);
        }
        hyl_inserter_free(ins);
        put_int(part, 2);
        assert_status(hyl_inserter_finish(part, NULL, &err), HYL_ERR_CANCELLED, &err);
        hyl_inserter_free(part);
        assert_int_equal(live_i64(conn, "SELECT count(*) FROM o"), 0);
    }
    live_exec(conn, "DROP TABLE o");
}

/* Once there are parts all rows travel in one way, which what came before decides. */
static void parts_travel_as_the_inserter_does(void **state)
{
    (void)state;
    live_exec(conn, "CREATE TABLE f (t time)");
    for (int i = HYL_WITH_ARROW ? 0 : 1; i < 2; i++) {
        hyl_inserter *ins = open_small("f", HYL_INSERT_AUTO);
        if (i == 1) {
            assert_ok(hyl_inserter_time(ins, HYL_MICROS_PER_DAY, &err), &err);
            assert_ok(hyl_inserter_end_row(ins, &err), &err);
        }
        hyl_inserter *part = open_part(ins);
        assert_status(hyl_inserter_time(part, HYL_MICROS_PER_DAY, &err),
                      i == 0 ? HYL_ERR_RANGE : HYL_OK, &err);
        if (i == 0) {
            hyl_inserter_drop_row(part);
        } else {
            assert_ok(hyl_inserter_end_row(part, &err), &err);
        }
        assert_ok(hyl_inserter_finish(part, NULL, &err), &err);
        hyl_inserter_free(part);
        assert_ok(hyl_inserter_finish(ins, NULL, &err), &err);
        hyl_inserter_free(ins);
    }
    assert_int_equal(live_i64(conn, "SELECT count(*) FROM f WHERE t = time '24:00:00'"), 2);
    live_exec(conn, "DROP TABLE f");
}

/* ---- The program --------------------------------------------------------------------------- */

static int open_connection(void **state)
{
    if (test_hyperd_start(state) != 0) {
        return -1;
    }
    conn = live_open("parts.hyper", "create=create");
    return 0;
}

static int close_connection(void **state)
{
    hyl_conn_free(conn);
    conn = NULL;
    return test_hyperd_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_fill_one_copy),
        cmocka_unit_test(an_error_comes_to_every_part),
        cmocka_unit_test(a_part_counts_its_own_rows),
        cmocka_unit_test(a_part_that_is_given_up_takes_all_with_it),
        cmocka_unit_test(parts_outlive_the_inserter),
        cmocka_unit_test(parts_travel_as_the_inserter_does),
    };
    return cmocka_run_group_tests_name("live/inserter_parts", tests, open_connection,
                                       close_connection);
}
