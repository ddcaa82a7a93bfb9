#include "table.h"

#include "base/error.h"
#include "base/mem.h"
#include "conn/conn.h"
#include "table_name.h"

/* ---- The question -------------------------------------------------------------------------- */

/*
 * The table by its name, as the server finds it on its search path, without an error where there is
 * none: inside a transaction that would fail it.
 */
static hyl_status append_search(const hyl_conn *conn, const hyl__table_name *name, hyl_buf *sql,
                                hyl_error *err)
{
    const bool is_hyper = !hyl__conn_is_postgresql(conn);
    hyl_buf quoted = HYL_BUF_INIT;
    hyl_status status = hyl__table_name_write(name, &quoted, err);
    hyl_buf_append_str(sql, is_hyper ? "c.oid = TRY_CAST(" : "c.oid = to_regclass(");
    if (status == HYL_OK) {
        status = hyl_quote_literal((hyl_str){(const char *)quoted.data, quoted.len}, sql, err);
    }
    hyl_buf_append_str(sql, is_hyper ? " AS regclass)" : ")");
    hyl_buf_reset(&quoted);
    return status;
}

/*
 * The same of a database that is named: its own catalog must be asked by hand, as regclass takes no
 * name of three parts, and the numbers of two databases may be the same.
 */
static hyl_status append_place(const hyl__table_name *name, hyl_str catalog, hyl_buf *sql,
                               hyl_error *err)
{
    hyl_buf_append_str(sql, "relname = ");
    HYL_TRY(hyl_quote_literal(name->parts[2], sql, err));
    hyl_buf_printf(sql, " AND relnamespace = (SELECT oid FROM %.*s.pg_namespace WHERE nspname = ",
                   (int)catalog.len, catalog.data);
    HYL_TRY(hyl_quote_literal(name->parts[1], sql, err));
    hyl_buf_append_byte(sql, ')');
    return HYL_OK;
}

/* A row for each column; of a table without one a row of NULLs; of no table none. */
static hyl_status write_question(const hyl_conn *conn, const hyl__table_name *name, hyl_buf *sql,
                                 hyl_error *err)
{
    const bool has_database = name->parts[0].len > 0;
    hyl_buf path = HYL_BUF_INIT;
    hyl_status status = has_database ? hyl_quote_ident(name->parts[0], &path, err) : HYL_OK;
    hyl_buf_append_str(&path, has_database ? ".pg_catalog" : "pg_catalog");
    const hyl_str catalog = {(const char *)path.data, path.len};
    hyl_buf_printf(sql,
                   "SELECT attname, atttypid, atttypmod, attnotnull FROM %.*s.pg_class c "
                   "LEFT JOIN %.*s.pg_attribute ON attrelid = c.oid AND attnum > 0 WHERE ",
                   (int)catalog.len, catalog.data, (int)catalog.len, catalog.data);
    if (status == HYL_OK) {
        status = has_database ? append_place(name, catalog, sql, err)
                              : append_search(conn, name, sql, err);
    }
    hyl_buf_append(sql, " ORDER BY attnum", sizeof " ORDER BY attnum");
    if (status == HYL_OK && (hyl_buf_status(sql) < 0 || hyl_buf_status(&path) < 0)) {
        status = hyl__fail_nomem(err);
    }
    hyl_buf_reset(&path);
    return status;
}

static hyl_status query_columns(hyl_conn *conn, const hyl__table_name *name, hyl_result **out,
                                hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_status status = write_question(conn, name, &sql, err);
    if (status == HYL_OK) {
        const hyl_query_opts few = {sizeof few, 0, HYL_TRANSFER_ROWS};
        status = hyl_query_with(conn, (const char *)sql.data, &few, out, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

/* ---- The answer ---------------------------------------------------------------------------- */

static hyl_status add_column(hyl__table *table, const hyl_row *row, hyl_error *err)
{
    hyl_str name;
    int64_t oid = 0;
    int32_t typmod = 0;
    bool not_null = false;
    HYL_TRY(hyl_row_get_str(row, 0, &name, err));
    HYL_TRY(hyl_row_get_i64(row, 1, &oid, err));
    HYL_TRY(hyl_row_get_i32(row, 2, &typmod, err));
    HYL_TRY(hyl_row_get_bool(row, 3, &not_null, err));
    hyl__table_column *columns = hyl__realloc(table->columns, (table->count + 1) * sizeof *columns);
    if (columns == NULL) {
        return hyl__fail_nomem(err);
    }
    table->columns = columns;
    char *copy = hyl__strndup(name.data, name.len);
    if (copy == NULL) {
        return hyl__fail_nomem(err);
    }
    columns[table->count++] =
        (hyl__table_column){copy, hyl_type_from_oid((uint32_t)oid, typmod), !not_null};
    return HYL_OK;
}

static hyl_status fail_no_column(const hyl__table *table, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_ARG, "table %s has no columns", table->sql_name);
}

static hyl_status read_columns(hyl_result *result, hyl__table *table, hyl_error *err)
{
    const hyl_row *row = NULL;
    hyl_status status = hyl_result_next(result, &row, err);
    while (status == HYL_OK) {
        status = hyl_row_is_null(row, 0) ? fail_no_column(table, err) : add_column(table, row, err);
        if (status == HYL_OK) {
            status = hyl_result_next(result, &row, err);
        }
    }
    return status == HYL_DONE ? HYL_OK : status;
}

static hyl_status fail_no_table(const hyl__table *table, hyl_error *err)
{
    hyl_status status = hyl__fail(err, HYL_ERR_SERVER, "table %s does not exist", table->sql_name);
    if (err != NULL) {
        memcpy(err->sqlstate, "42P01", sizeof err->sqlstate);
    }
    return status;
}

static hyl_status keep_sql_name(const hyl__table_name *name, hyl__table *table, hyl_error *err)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = hyl__table_name_write(name, &text, err);
    hyl_buf_append_byte(&text, 0);
    if (status == HYL_OK && hyl_buf_status(&text) < 0) {
        status = hyl__fail_nomem(err);
    }
    if (status < 0) {
        hyl_buf_reset(&text);
        return status;
    }
    table->sql_name = (char *)text.data;
    return HYL_OK;
}

static hyl_status read_table(hyl_conn *conn, const hyl__table_name *name, hyl__table *table,
                             hyl_error *err)
{
    hyl_result *result = NULL;
    HYL_TRY(keep_sql_name(name, table, err));
    HYL_TRY(query_columns(conn, name, &result, err));
    hyl_status status = read_columns(result, table, err);
    hyl_result_free(result);
    return status == HYL_OK && table->count == 0 ? fail_no_table(table, err) : status;
}

hyl_status hyl__table_read(hyl_conn *conn, const char *name, hyl__table *out, hyl_error *err)
{
    hyl__table_name parsed;
    memset(out, 0, sizeof *out);
    HYL_TRY(hyl__table_name_read(name, &parsed, err));
    hyl_status status = read_table(conn, &parsed, out, err);
    hyl__table_name_reset(&parsed);
    if (status < 0) {
        hyl__table_reset(out);
    }
    return status;
}

void hyl__table_reset(hyl__table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        hyl__free(table->columns[i].name);
    }
    hyl__free(table->columns);
    hyl__free(table->sql_name);
    memset(table, 0, sizeof *table);
}

/* ---- Columns by name ----------------------------------------------------------------------- */

ptrdiff_t hyl__table_find(const hyl__table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

/* Moves the named columns to `chosen`; a column that was moved has no name left. */
static hyl_status move_columns(hyl__table *table, const char *const *names, size_t count,
                               hyl__table *chosen, hyl_error *err)
{
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t found = hyl__table_find(table, names[i]);
        if (found < 0) {
            bool twice = hyl__table_find(chosen, names[i]) >= 0;
            return hyl__fail(err, HYL_ERR_ARG, "table %s has %s column \"%s\"", table->sql_name,
                             twice ? "only one" : "no", names[i]);
        }
        chosen->columns[chosen->count++] = table->columns[found];
        table->columns[found] = table->columns[--table->count];
    }
    return HYL_OK;
}

/* COPY fills no default in, and refuses at its start what would be NULL in a NOT NULL column. */
static hyl_status check_left_out(const hyl__table *table, hyl_error *err)
{
    for (size_t i = 0; i < table->count; i++) {
        if (!table->columns[i].nullable) {
            return hyl__fail(err, HYL_ERR_ARG,
                             "column \"%s\" of table %s is NOT NULL: rows need it",
                             table->columns[i].name, table->sql_name);
        }
    }
    return HYL_OK;
}

hyl_status hyl__table_select(hyl__table *table, const char *const *names, size_t count,
                             hyl_error *err)
{
    hyl__table chosen = {NULL, NULL, 0};
    chosen.columns = hyl__calloc(count > 0 ? count : 1, sizeof *chosen.columns);
    if (chosen.columns == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl_status status = move_columns(table, names, count, &chosen, err);
    if (status == HYL_OK) {
        status = check_left_out(table, err);
    }
    if (status < 0) {
        hyl__table_reset(&chosen);
        return status;
    }
    chosen.sql_name = table->sql_name;
    table->sql_name = NULL;
    hyl__table_reset(table);
    *table = chosen;
    return HYL_OK;
}

hyl_status hyl__table_copy_sql(const hyl__table *table, const char *format, hyl_buf *out,
                               hyl_error *err)
{
    hyl_buf_printf(out, "COPY %s (", table->sql_name);
    for (size_t i = 0; i < table->count; i++) {
        hyl_buf_append_str(out, i > 0 ? ", " : "");
        HYL_TRY(hyl_quote_ident(hyl_str_of(table->columns[i].name), out, err));
    }
    hyl_buf_printf(out, ") FROM STDIN WITH (FORMAT %s)", format);
    hyl_buf_append_byte(out, 0);
    return hyl_buf_status(out) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}
