/*
 * Computed columns: rows that the server reads from the connection and puts through expressions on
 * their way into the table, by one statement:
 *
 *     INSERT INTO "table" ("column", ...) SELECT (expression), ...
 *     FROM external(STDIN, COLUMNS => DESCRIPTOR("field" type, ...), FORMAT => 'arrowstream')
 *
 * The server answers it as it answers COPY FROM STDIN, and takes the data in the same way.
 */
#include "inserter.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/opts.h"
#include "conn/conn.h"
#include "table_name.h"
#include "value/lexer.h"

/* ---- The rows ------------------------------------------------------------------------------ */

static hyl_status add_field(hyl__table *rows, const hyl_insert_field *field, hyl_error *err)
{
    if (field->name == NULL || field->name[0] == '\0') {
        return hyl__fail(err, HYL_ERR_ARG, "field %zu of the rows has no name", rows->count + 1);
    }
    if (hyl__table_find(rows, field->name) >= 0) {
        return hyl__fail(err, HYL_ERR_ARG, "the rows have two fields \"%s\"", field->name);
    }
    char *name = hyl__strdup(field->name);
    if (name == NULL) {
        return hyl__fail_nomem(err);
    }
    rows->columns[rows->count++] = (hyl__table_column){name, field->type, !field->not_null};
    return HYL_OK;
}

static hyl_status make_rows(const hyl_insert_field *fields, size_t count, hyl__table *rows,
                            hyl_error *err)
{
    memset(rows, 0, sizeof *rows);
    if (count == 0) {
        return hyl__fail(err, HYL_ERR_ARG, "the rows need at least one field");
    }
    rows->columns = hyl__calloc(count, sizeof *rows->columns);
    if (rows->columns == NULL) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        HYL_TRY(add_field(rows, &fields[i], err));
    }
    return HYL_OK;
}

/* ---- The statement ------------------------------------------------------------------------- */

static hyl_status write_table(const char *table, hyl_buf *sql, hyl_error *err)
{
    hyl__table_name name;
    HYL_TRY(hyl__table_name_read(table, &name, err));
    hyl_status status = hyl__table_name_write(&name, sql, err);
    hyl__table_name_reset(&name);
    return status;
}

/* `what` and number `index` from 1 say whose name it is where it cannot be one. */
static hyl_status write_name(const char *name, const char *what, size_t index, hyl_buf *sql,
                             hyl_error *err)
{
    hyl_status status = hyl_quote_ident(hyl_str_of(name), sql, err);
    if (status < 0) {
        hyl__error_prefix(err, "%s %zu", what, index + 1);
    }
    return status;
}

static hyl_status write_columns(const hyl_insert_mapping *mappings, size_t count, hyl_buf *sql,
                                hyl_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (mappings[i].column == NULL) {
            return hyl__fail(err, HYL_ERR_ARG, "mapping %zu has no column", i + 1);
        }
        hyl_buf_append_str(sql, i > 0 ? ", " : "");
        HYL_TRY(write_name(mappings[i].column, "the column of mapping", i, sql, err));
    }
    return HYL_OK;
}

/*
 * One expression, with its parentheses matched and its quotes and comments closed, so that it ends
 * where it is meant to.
 */
static hyl_status write_expression(const hyl_insert_mapping *mapping, hyl_buf *sql, hyl_error *err)
{
    hyl_str expression;
    hyl_status status = hyl__sql_one_statement(hyl_str_of(mapping->expression), &expression, err);
    if (status < 0) {
        hyl__error_prefix(err, "the expression of column \"%s\"", mapping->column);
        return status;
    }
    hyl_buf_append_str(sql, "(\n");
    hyl_buf_append(sql, expression.data, expression.len);
    hyl_buf_append_str(sql, "\n)");
    return HYL_OK;
}

static hyl_status write_source(const hyl_insert_mapping *mapping, const hyl__table *rows,
                               hyl_buf *sql, hyl_error *err)
{
    if (mapping->expression != NULL) {
        return write_expression(mapping, sql, err);
    }
    if (hyl__table_find(rows, mapping->column) < 0) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "column \"%s\" has no expression, and the rows have no such field",
                         mapping->column);
    }
    return hyl_quote_ident(hyl_str_of(mapping->column), sql, err);
}

static hyl_status write_fields(const hyl__table *rows, hyl_buf *sql, hyl_error *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        const hyl__table_column *field = &rows->columns[i];
        hyl_buf_append_str(sql, i > 0 ? ", " : "");
        HYL_TRY(write_name(field->name, "field", i, sql, err));
        hyl_buf_append_byte(sql, ' ');
        hyl_type_format(field->type, sql);
        hyl_buf_append_str(sql, field->nullable ? "" : " NOT NULL");
    }
    return HYL_OK;
}

/* All but the format's name. */
static hyl_status write_insert(const char *table, const hyl__table *rows,
                               const hyl_insert_mapping *mappings, size_t count, hyl_buf *sql,
                               hyl_error *err)
{
    hyl_buf_append_str(sql, "INSERT INTO ");
    HYL_TRY(write_table(table, sql, err));
    hyl_buf_append_str(sql, " (");
    HYL_TRY(write_columns(mappings, count, sql, err));
    hyl_buf_append_str(sql, ") SELECT ");
    for (size_t i = 0; i < count; i++) {
        hyl_buf_append_str(sql, i > 0 ? ", " : "");
        HYL_TRY(write_source(&mappings[i], rows, sql, err));
    }
    hyl_buf_append_str(sql, " FROM external(STDIN, COLUMNS => DESCRIPTOR(");
    HYL_TRY(write_fields(rows, sql, err));
    hyl_buf_append_str(sql, "), FORMAT => ");
    hyl_buf_append_byte(sql, 0);
    return hyl_buf_status(sql) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* Has the server look at the statement, which says now what would come with the first rows. */
static hyl_status explain(hyl_conn *conn, const char *insert_sql, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, "EXPLAIN ");
    hyl_buf_append_str(&sql, insert_sql);
    hyl_buf_append(&sql, "'hyperbinary')", sizeof "'hyperbinary')");
    hyl_status status = hyl_buf_status(&sql) < 0
                            ? hyl__fail_nomem(err)
                            : hyl_exec(conn, (const char *)sql.data, NULL, err);
    /* A position in a text that the caller has not written says nothing. */
    conn->diag.position = 0;
    hyl_buf_reset(&sql);
    return status;
}

static hyl_status prepare(hyl_conn *conn, const char *table, const hyl__table *rows,
                          const hyl_insert_mapping *mappings, size_t mapping_count, hyl_buf *sql,
                          hyl_error *err)
{
    if (mapping_count == 0) {
        return hyl__fail(err, HYL_ERR_ARG, "an inserter needs at least one column");
    }
    HYL_TRY(write_insert(table, rows, mappings, mapping_count, sql, err));
    return explain(conn, (const char *)sql->data, err);
}

hyl_status hyl_inserter_open_mapped(hyl_conn *conn, const char *table,
                                    const hyl_insert_field *fields, size_t field_count,
                                    const hyl_insert_mapping *mappings, size_t mapping_count,
                                    const hyl_insert_opts *opts, hyl_inserter **out, hyl_error *err)
{
    hyl_insert_opts read;
    hyl_buf sql = HYL_BUF_INIT;
    hyl__table rows;
    HYL_TRY(hyl__insert_opts_read(opts, &read, err));
    hyl_status status = make_rows(fields, field_count, &rows, err);
    if (status == HYL_OK) {
        status = prepare(conn, table, &rows, mappings, mapping_count, &sql, err);
    }
    if (status < 0) {
        hyl_buf_reset(&sql);
        hyl__table_reset(&rows);
        return status;
    }
    return hyl__inserter_new(conn, &rows, (char *)sql.data, &read, out, err);
}
