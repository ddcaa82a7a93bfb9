/*
 * Arrow streams into tables of the in-memory peer: what is refused before a byte of a row is sent, and
 * what is undone. What arrives is tests/live/test_insert_arrow.c and tests/arrow.
 */
#include "support/mem_table.h"
#include "support/test.h"

#include <hyperline/arrow.h>
#include <nanoarrow/nanoarrow.h>

#include <errno.h>

static hyl_error err;

/* ---- Streams --------------------------------------------------------------------------------- */

/* A stream of `count` batches of its columns, that then ends, or fails. */
typedef struct source {
    struct ArrowSchema schema;
    struct ArrowArray batches[3];
    int count;
    int next;
    int schema_code; /* what get_schema returns */
    int end_code;    /* what get_next returns behind the last batch */
} source;

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const source *from = stream->private_data;
    return from->schema_code != 0 ? from->schema_code : ArrowSchemaDeepCopy(&from->schema, out);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    source *from = stream->private_data;
    if (from->next == from->count) {
        out->release = NULL;
        return from->end_code;
    }
    ArrowArrayMove(&from->batches[from->next++], out);
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the well is dry";
}

static void release(struct ArrowArrayStream *stream)
{
    source *from = stream->private_data;
    for (int i = from->next; i < from->count; i++) {
        ArrowArrayRelease(&from->batches[i]);
    }
    ArrowSchemaRelease(&from->schema);
    stream->release = NULL;
}

static struct ArrowArrayStream stream_of(source *from)
{
    return (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, from};
}

typedef struct field {
    const char *name;
    enum ArrowType type;
} field;

static source source_of(const field *fields, int64_t count)
{
    source made = {.count = 0};
    ArrowSchemaInit(&made.schema);
    assert_int_equal(ArrowSchemaSetTypeStruct(&made.schema, count), 0);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(ArrowSchemaSetType(made.schema.children[i], fields[i].type), 0);
        assert_int_equal(ArrowSchemaSetName(made.schema.children[i], fields[i].name), 0);
    }
    return made;
}

/* A batch of one column, of numbers; `null_at` is NULL, -1: none is. */
static void add_batch(source *to, int64_t rows, int64_t null_at)
{
    struct ArrowArray *batch = &to->batches[to->count++];
    assert_int_equal(ArrowArrayInitFromSchema(batch, &to->schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(batch), 0);
    for (int64_t i = 0; i < rows; i++) {
        assert_int_equal(i == null_at ? ArrowArrayAppendNull(batch->children[0], 1)
                                      : ArrowArrayAppendDouble(batch->children[0], 0.5 + (double)i),
                         0);
        assert_int_equal(ArrowArrayFinishElement(batch), 0);
    }
    assert_int_equal(ArrowArrayFinishBuildingDefault(batch, NULL), 0);
}

static const field one_double[] = {{"x", NANOARROW_TYPE_DOUBLE}};

/* ---- The peer -------------------------------------------------------------------------------- */

static char x_name[] = "x";
static char y_name[] = "y";
static char z_name[] = "z";

/* How often a text is in what was written. */
static int written(const mem_conn *mem, const char *text)
{
    const hyl_bytes all = hyl_mem_peer_written(mem->peer);
    const size_t len = strlen(text);
    int count = 0;
    for (size_t i = 0; i + len <= all.len; i++) {
        count += memcmp(all.data + i, text, len) == 0;
    }
    return count;
}

/* How many bytes were written up to the end of a message. */
static size_t written_until(const mem_conn *mem, const void *message, size_t len)
{
    const hyl_bytes all = hyl_mem_peer_written(mem->peer);
    for (size_t i = 0; i + len <= all.len; i++) {
        if (memcmp(all.data + i, message, len) == 0) {
            return i + len;
        }
    }
    fail_msg("the message was not written");
    return 0;
}

static hyl_status insert(mem_conn *mem, source *from, const hyl_insert_arrow_opts *opts,
                         int64_t *rows)
{
    struct ArrowArrayStream stream = stream_of(from);
    err = (hyl_error)HYL_ERROR_INIT;
    hyl_status status = hyl_insert_arrow(mem->conn, "t", &stream, opts, rows, &err);
    assert_non_null(stream.release); /* it stays the caller's */
    stream.release(&stream);
    return status;
}

/* Into a table of one column x of this type. Nothing of it may reach the peer. */
static void assert_refused(source *from, hyl_type type, bool nullable, hyl_status status,
                           const char *part)
{
    mem_conn mem = mem_conn_open(NULL);
    const hyl__table_column column = {x_name, type, nullable};
    int64_t rows = -1;
    mem_say_table(&mem, &column, 1);
    assert_status(insert(&mem, from, NULL, &rows), status, &err);
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", err.message, part);
    }
    assert_int_equal(rows, -1);
    assert_int_equal(written(&mem, "COPY"), 0);
    mem_conn_close(&mem);
}

/* ---- Schemas --------------------------------------------------------------------------------- */

static void a_stream_without_columns_is_refused(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    source none = source_of(NULL, 0);
    assert_status(insert(&mem, &none, NULL, NULL), HYL_ERR_ARG, &err);
    source plain = {.count = 0};
    ArrowSchemaInit(&plain.schema);
    assert_int_equal(ArrowSchemaSetType(&plain.schema, NANOARROW_TYPE_INT64), 0);
    assert_status(insert(&mem, &plain, NULL, NULL), HYL_ERR_ARG, &err);
    source failing = source_of(one_double, 1);
    failing.schema_code = EIO;
    assert_status(insert(&mem, &failing, NULL, NULL), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "the well is dry"));
    assert_int_equal(err.sys_errno, EIO);
    mem_assert_written(&mem, "", 0);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void every_column_that_does_not_fit_is_listed_at_once(void **state)
{
    (void)state;
    static const field fields[] = {{"x", NANOARROW_TYPE_STRING},
                                   {"more", NANOARROW_TYPE_INT32},
                                   {"y", NANOARROW_TYPE_INT64},
                                   {"X", NANOARROW_TYPE_INT32},
                                   {"x", NANOARROW_TYPE_STRING}};
    const hyl__table_column columns[] = {{x_name, hyl_type_of(HYL_TYPE_INT), true},
                                         {y_name, hyl_type_of(HYL_TYPE_SMALLINT), true},
                                         {z_name, hyl_type_of(HYL_TYPE_TEXT), true}};
    static const char *const parts[] = {"missing: \"z\"",
                                        "not in the table: \"more\", \"X\", \"x\" again",
                                        "of another type: \"x\" is string, the table's integer",
                                        ", \"y\" is int64, the table's smallint"};
    mem_conn mem = mem_conn_open(NULL);
    source from = source_of(fields, 5);
    mem_say_table(&mem, columns, 3);
    assert_status(insert(&mem, &from, NULL, NULL), HYL_ERR_ARG, &err);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(err.message, parts[i]) == NULL) {
            fail_msg("\"%s\" does not contain \"%s\"", err.message, parts[i]);
        }
    }
    assert_int_equal(written(&mem, "COPY"), 0);
    mem_assert_in_step(&mem);
    mem_conn_close(&mem);
}

static void types_alone_are_an_error_of_types(void **state)
{
    (void)state;
    source from = source_of(one_double, 1);
    assert_refused(&from, hyl_type_of(HYL_TYPE_INT), true, HYL_ERR_TYPE, "\"x\" is double");
    from = source_of(one_double, 1);
    assert_refused(&from, hyl_type_of(HYL_TYPE_REAL), true, HYL_ERR_TYPE, "the table's real");
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void no_rows_are_no_copy(void **state)
{
    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        mem_conn mem = mem_conn_open(NULL);
        const hyl__table_column column = {x_name, hyl_type_of(HYL_TYPE_DOUBLE), false};
        source from = source_of(one_double, 1);
        int64_t rows = -1;
        for (int i = 0; i < 3 * empty; i++) {
            add_batch(&from, 0, -1);
        }
        mem_say_table(&mem, &column, 1);
        assert_ok(insert(&mem, &from, NULL, &rows), &err);
        assert_int_equal(rows, 0);
        assert_int_equal(written(&mem, "COPY"), 0);
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

static void a_row_is_counted_over_all_batches(void **state)
{
    (void)state;
    source from = source_of(one_double, 1);
    add_batch(&from, 4, -1);
    add_batch(&from, 0, -1);
    add_batch(&from, 3, 1);
    assert_refused(&from, hyl_type_of(HYL_TYPE_DOUBLE), false, HYL_ERR_NULLVAL,
                   "row 6, column 1 \"x\": ");
}

static void rows_that_are_null_as_a_whole_are_refused(void **state)
{
    (void)state;
    source from = source_of(one_double, 1);
    add_batch(&from, 2, -1);
    struct ArrowArray *batch = &from.batches[from.count++];
    assert_int_equal(ArrowArrayInitFromSchema(batch, &from.schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(batch), 0);
    assert_int_equal(ArrowArrayAppendNull(batch, 1), 0);
    assert_int_equal(ArrowArrayFinishBuildingDefault(batch, NULL), 0);
    assert_refused(&from, hyl_type_of(HYL_TYPE_DOUBLE), true, HYL_ERR_ARG, "behind row 2");
}

/* Of a batch with another number of columns than the schema says nothing is read. */
static void a_batch_of_another_shape_is_refused(void **state)
{
    (void)state;
    static const field two[] = {{"x", NANOARROW_TYPE_DOUBLE}, {"y", NANOARROW_TYPE_DOUBLE}};
    source from = source_of(one_double, 1);
    source other = source_of(two, 2);
    struct ArrowArray *batch = &from.batches[from.count++];
    assert_int_equal(ArrowArrayInitFromSchema(batch, &other.schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(batch), 0);
    assert_int_equal(ArrowArrayFinishBuildingDefault(batch, NULL), 0);
    ArrowSchemaRelease(&other.schema);
    assert_refused(&from, hyl_type_of(HYL_TYPE_DOUBLE), true, HYL_ERR_ARG, "cannot be read");
}

static void a_stream_that_fails_inserts_nothing(void **state)
{
    (void)state;
    source from = source_of(one_double, 1);
    add_batch(&from, 5, -1);
    from.end_code = ENOSPC;
    assert_refused(&from, hyl_type_of(HYL_TYPE_DOUBLE), true, HYL_ERR_IO, "the well is dry");
    assert_int_equal(err.sys_errno, ENOSPC);
}

static const char copy_fail[] = "f\0\0\0\40the rows cannot be inserted";
static const char copy_done[] = "c\0\0\0\4";

/*
 * Inserts 400,000 rows, of which the last part is sent at the end, from a stream that ends with `code`.
 * The peer answers the COPY behind so many bytes; 0: never.
 */
static hyl_status insert_many(mem_conn *mem, int code, size_t behind, hyl_buf *answer,
                              const hyl_insert_arrow_opts *opts, hyl_type type, int64_t *rows)
{
    const hyl__table_column column = {x_name, type, true};
    source from = source_of(one_double, 1);
    add_batch(&from, 399990, 1);
    add_batch(&from, 10, 2);
    from.end_code = code;
    mem_say_table(mem, &column, 1);
    mem_say_copy_in(mem);
    if (behind > 0) {
        mem_say_after(mem, behind, answer);
    }
    return insert(mem, &from, opts, rows);
}

/* What was sent before is taken back. */
static void a_stream_that_fails_behind_sent_rows_aborts_the_copy(void **state)
{
    (void)state;
    const hyl_type type = hyl_type_of(HYL_TYPE_DOUBLE);
    size_t behind = 0;
    for (int answered = 0; answered < 2; answered++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_buf answer = HYL_BUF_INIT;
        int64_t rows = -1;
        backend_error(&answer, "57014", "COPY failed");
        backend_ready(&answer, 'I');
        assert_status(insert_many(&mem, EIO, behind, &answer, NULL, type, &rows), HYL_ERR_IO, &err);
        assert_int_equal(rows, -1);
        assert_non_null(strstr(err.message, "the well is dry"));
        behind = written_until(&mem, copy_fail, sizeof copy_fail);
        assert_true(behind > 2000000);
        if (answered) {
            mem_assert_in_step(&mem);
        } else {
            mem_assert_lost(&mem, HYL_ERR_DESYNC);
        }
        hyl_buf_reset(&answer);
        mem_conn_close(&mem);
    }
}

static void changes_are_counted_over_all_batches(void **state)
{
    (void)state;
    const hyl_type type = hyl_type_of(HYL_TYPE_INT);
    size_t behind = 0;
    for (int answered = 0; answered < 2; answered++) {
        mem_conn mem = mem_conn_open(NULL);
        hyl_buf answer = HYL_BUF_INIT;
        int64_t changed = -1;
        int64_t rows = -1;
        hyl_insert_arrow_opts opts = HYL_INSERT_ARROW_OPTS_INIT;
        opts.lossy = HYL_LOSSY_NUMBERS;
        opts.changed = &changed;
        backend_tag(&answer, "COPY 400000");
        backend_ready(&answer, 'I');
        hyl_status status = insert_many(&mem, 0, behind, &answer, &opts, type, &rows);
        assert_status(status, answered ? HYL_OK : HYL_ERR_TIMEOUT, &err);
        behind = written_until(&mem, copy_done, 5);
        assert_int_equal(rows, answered ? 400000 : -1);
        assert_int_equal(changed, answered ? 399998 : -1); /* all halves, but two NULLs */
        hyl_buf_reset(&answer);
        mem_conn_close(&mem);
    }
}

/* ---- New tables ------------------------------------------------------------------------------ */

static const hyl_insert_arrow_opts create = {sizeof create, HYL_INSERT_ARROW_CREATE, 0, NULL};
static const hyl_insert_arrow_opts create_if_missing = {
    sizeof create_if_missing, HYL_INSERT_ARROW_CREATE_IF_MISSING, 0, NULL};

static void a_new_table_is_dropped_where_its_rows_fail(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        mem_conn mem = mem_conn_open(NULL);
        const hyl__table_column column = {x_name, hyl_type_of(HYL_TYPE_DOUBLE), true};
        source from = source_of(one_double, 1);
        add_batch(&from, 5, -1);
        from.end_code = EIO;
        mem_say_done(&mem, "CREATE TABLE", 'I');
        mem_say_table(&mem, &column, 1);
        if (fails) {
            mem_say_error(&mem, "57014", "canceled", 'I');
        } else {
            mem_say_done(&mem, "DROP TABLE", 'I');
        }
        assert_status(insert(&mem, &from, &create, NULL), HYL_ERR_IO, &err);
        assert_int_equal(written(&mem, "CREATE TABLE \"t\" (\"x\" double precision)"), 1);
        assert_int_equal(written(&mem, "DROP TABLE \"t\""), 1);
        assert_int_equal(strstr(err.message, "could not be dropped") != NULL, fails);
        assert_non_null(strstr(err.message, "the well is dry"));
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

static void a_missing_table_is_made_where_that_is_asked_for(void **state)
{
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        mem_conn mem = mem_conn_open(NULL);
        const hyl__table_column column = {x_name, hyl_type_of(HYL_TYPE_DOUBLE), true};
        source from = source_of(one_double, 1);
        int64_t rows = -1;
        mem_say_table(&mem, NULL, 0);
        if (asked) {
            mem_say_done(&mem, "CREATE TABLE", 'I');
            mem_say_table(&mem, &column, 1);
        }
        assert_status(insert(&mem, &from, asked ? &create_if_missing : NULL, &rows),
                      asked ? HYL_OK : HYL_ERR_SERVER, &err);
        assert_int_equal(written(&mem, "CREATE TABLE"), asked);
        assert_int_equal(written(&mem, "DROP TABLE"), 0);
        mem_assert_in_step(&mem);
        mem_conn_close(&mem);
    }
}

static void floats_are_double_where_the_file_has_no_real(void **state)
{
    (void)state;
    static const field fields[] = {{"x", NANOARROW_TYPE_FLOAT}};
    mem_conn mem = mem_conn_open(NULL);
    const hyl__table_column column = {x_name, hyl_type_of(HYL_TYPE_DOUBLE), true};
    source from = source_of(fields, 1);
    mem_say_error(&mem, "0A000", "real needs version 4", 'I');
    mem_say_done(&mem, "CREATE TABLE", 'I');
    mem_say_table(&mem, &column, 1);
    assert_ok(insert(&mem, &from, &create, NULL), &err);
    assert_int_equal(written(&mem, "(\"x\" real)"), 1);
    assert_int_equal(written(&mem, "(\"x\" double precision)"), 1);
    mem_conn_close(&mem);
}

static void types_without_a_home_are_listed_before_anything_is_made(void **state)
{
    (void)state;
    static const field fields[] = {
        {"x", NANOARROW_TYPE_INT32}, {"a", NANOARROW_TYPE_LIST}, {"b", NANOARROW_TYPE_STRUCT}};
    mem_conn mem = mem_conn_open(NULL);
    source from = source_of(fields, 3);
    assert_int_equal(ArrowSchemaSetType(from.schema.children[1]->children[0], NANOARROW_TYPE_INT32),
                     0);
    assert_status(insert(&mem, &from, &create, NULL), HYL_ERR_UNSUPPORTED, &err);
    assert_non_null(strstr(err.message, "\"a\" is list"));
    assert_non_null(strstr(err.message, "\"b\" is struct"));
    mem_assert_written(&mem, "", 0);
    mem_conn_close(&mem);
}

static void no_table_is_made_in_a_transaction(void **state)
{
    (void)state;
    mem_conn mem = mem_conn_open(NULL);
    source from = source_of(one_double, 1);
    mem_say_done(&mem, "BEGIN", 'T');
    assert_ok(hyl_exec(mem.conn, "BEGIN", NULL, &err), &err);
    mem_forget(&mem);
    assert_status(insert(&mem, &from, &create, NULL), HYL_ERR_STATE, &err);
    mem_assert_written(&mem, "", 0);
    mem_conn_close(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_without_columns_is_refused),
        cmocka_unit_test(every_column_that_does_not_fit_is_listed_at_once),
        cmocka_unit_test(types_alone_are_an_error_of_types),
        cmocka_unit_test(no_rows_are_no_copy),
        cmocka_unit_test(a_row_is_counted_over_all_batches),
        cmocka_unit_test(rows_that_are_null_as_a_whole_are_refused),
        cmocka_unit_test(a_batch_of_another_shape_is_refused),
        cmocka_unit_test(a_stream_that_fails_inserts_nothing),
        cmocka_unit_test(a_stream_that_fails_behind_sent_rows_aborts_the_copy),
        cmocka_unit_test(changes_are_counted_over_all_batches),
        cmocka_unit_test(a_new_table_is_dropped_where_its_rows_fail),
        cmocka_unit_test(a_missing_table_is_made_where_that_is_asked_for),
        cmocka_unit_test(floats_are_double_where_the_file_has_no_real),
        cmocka_unit_test(types_without_a_home_are_listed_before_anything_is_made),
        cmocka_unit_test(no_table_is_made_in_a_transaction),
    };
    return cmocka_run_group_tests_name("data/insert_arrow", tests, NULL, NULL);
}
