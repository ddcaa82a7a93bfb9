#include "load_table.h"

#include "fail.h"
#include "interrupt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char staging_prefix[] = "hyperline-load-";
static const char old_prefix[] = "hyperline-old-"; /* then the tag, a hyphen, and the old name */
enum { TAG_LEN = 16, STAGING_CAP = 64 };

/* For the catalog's answers. */
static const hyl_query_opts few_rows = {sizeof few_rows, 0, HYL_TRANSFER_ROWS};

/* ---- SQL ------------------------------------------------------------------------------------- */

/* Ends the text in `sql` with a NUL and runs it. */
static hyl_status run(hyl_conn *conn, hyl_buf *sql, hyl_error *err)
{
    hyl_buf_append_byte(sql, '\0');
    if (hyl_buf_status(sql) != HYL_OK) {
        return cli_fail_nomem(err);
    }
    return hyl_exec(conn, (const char *)sql->data, NULL, err);
}

/* Runs `before` name `behind`; the name is a whole one. */
static hyl_status run_on(hyl_conn *conn, const char *before, const char *name, const char *behind,
                         hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_printf(&sql, "%s%s%s", before, name, behind);
    hyl_status status = run(conn, &sql, err);
    hyl_buf_reset(&sql);
    return status;
}

/* Renames a table within its schema. */
static hyl_status rename_to(hyl_conn *conn, const char *from, const char *to, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_printf(&sql, "ALTER TABLE %s RENAME TO ", from);
    hyl_status status = hyl_quote_ident(hyl_str_of(to), &sql, err);
    if (status == HYL_OK) {
        status = run(conn, &sql, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

/* Takes the text out of the buffer, NUL-terminated, the caller's to free with hyl_free. */
static char *take_text(hyl_buf *buf)
{
    hyl_buf_append_byte(buf, '\0');
    if (hyl_buf_status(buf) != HYL_OK) {
        hyl_buf_reset(buf);
        return NULL;
    }
    char *text = (char *)buf->data;
    *buf = (hyl_buf)HYL_BUF_INIT;
    return text;
}

/* A table's name within the schema as SQL, the caller's to free with hyl_free. */
static hyl_status sibling_sql(const load_table *table, const char *relation, char **out,
                              hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_status status = table_name_sql(table->name->schema, relation, &sql, err);
    if (status < 0) {
        hyl_buf_reset(&sql);
        return status;
    }
    *out = take_text(&sql);
    return *out != NULL ? HYL_OK : cli_fail_nomem(err);
}

/* The staging table's name within the schema. */
static const char *name_staging(const load_table *table, char name[STAGING_CAP])
{
    snprintf(name, STAGING_CAP, "%s%s", staging_prefix, table->tag);
    return name;
}

static hyl_status make_names(load_table *table, hyl_error *err)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        return cli_fail_errno(err, errno, "no random number for a table's name");
    }
    snprintf(table->tag, sizeof table->tag, "%016llx", (unsigned long long)number);
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf shown = HYL_BUF_INIT;
    hyl_status status = table_name_sql(table->name->schema, table->name->name, &sql, err);
    if (status == HYL_OK) {
        status = table_name_show(table->name, &shown, err);
    }
    if (status < 0) {
        hyl_buf_reset(&sql);
        hyl_buf_reset(&shown);
        return status;
    }
    table->sql = take_text(&sql);
    table->shown = take_text(&shown);
    if (table->sql == NULL || table->shown == NULL) {
        return cli_fail_nomem(err);
    }
    char staging[STAGING_CAP];
    return sibling_sql(table, name_staging(table, staging), &table->staging, err);
}

/* ---- What is there --------------------------------------------------------------------------- */

/* The catalog's rows for the tables of the schema. */
static hyl_status append_tables_of_schema(const load_table *table, hyl_buf *sql, hyl_error *err)
{
    hyl_buf_append_str(sql, "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                            "ON n.oid = c.relnamespace WHERE n.nspname = ");
    return hyl_quote_literal(hyl_str_of(table->name->schema), sql, err);
}

static hyl_status write_exists_sql(const load_table *table, const char *relation, hyl_buf *sql,
                                   hyl_error *err)
{
    hyl_buf_append_str(sql, "SELECT count(*) FROM ");
    HYL_TRY(append_tables_of_schema(table, sql, err));
    hyl_buf_append_str(sql, " AND c.relname = ");
    HYL_TRY(hyl_quote_literal(hyl_str_of(relation), sql, err));
    hyl_buf_append_byte(sql, '\0');
    return hyl_buf_status(sql) == HYL_OK ? HYL_OK : cli_fail_nomem(err);
}

static hyl_status relation_exists(const load_table *table, const char *relation, bool *exists,
                                  hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    int64_t count = 0;
    hyl_status status = write_exists_sql(table, relation, &sql, err);
    if (status == HYL_OK) {
        status = hyl_query_i64(table->conn, (const char *)sql.data, &count, err);
    }
    hyl_buf_reset(&sql);
    *exists = count > 0;
    return status;
}

static hyl_status write_columns_sql(const load_table *table, const char *relation, hyl_buf *sql,
                                    hyl_error *err)
{
    hyl_buf_append_str(sql, "SELECT a.attname, a.atttypid, a.atttypmod, a.attnotnull FROM "
                            "pg_catalog.pg_attribute a JOIN ");
    hyl_buf_append_str(sql, "pg_catalog.pg_class c ON c.oid = a.attrelid JOIN "
                            "pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                            "WHERE a.attnum > 0 AND n.nspname = ");
    HYL_TRY(hyl_quote_literal(hyl_str_of(table->name->schema), sql, err));
    hyl_buf_append_str(sql, " AND c.relname = ");
    HYL_TRY(hyl_quote_literal(hyl_str_of(relation), sql, err));
    hyl_buf_append_str(sql, " ORDER BY a.attnum");
    hyl_buf_append_byte(sql, '\0');
    return hyl_buf_status(sql) == HYL_OK ? HYL_OK : cli_fail_nomem(err);
}

static hyl_status add_column(load_table *table, const hyl_row *row, hyl_error *err)
{
    hyl_str name;
    uint32_t oid;
    int32_t typmod;
    bool not_null;
    HYL_TRY(hyl_row_get_str(row, 0, &name, err));
    HYL_TRY(hyl_row_get_u32(row, 1, &oid, err));
    HYL_TRY(hyl_row_get_i32(row, 2, &typmod, err));
    HYL_TRY(hyl_row_get_bool(row, 3, &not_null, err));
    load_column *grown =
        realloc(table->columns, (table->column_count + 1) * sizeof *table->columns);
    if (grown == NULL) {
        return cli_fail_nomem(err);
    }
    table->columns = grown;
    table->columns[table->column_count++] =
        (load_column){NULL, hyl_type_from_oid(oid, typmod), !not_null};
    hyl_buf_append(&table->names, name.data, name.len);
    hyl_buf_append_byte(&table->names, '\0');
    return HYL_OK;
}

/* The names' places are known only when all of them are there. */
static hyl_status set_names(load_table *table, hyl_error *err)
{
    if (hyl_buf_status(&table->names) != HYL_OK) {
        return cli_fail_nomem(err);
    }
    const char *at = (const char *)table->names.data;
    for (size_t i = 0; i < table->column_count; i++) {
        table->columns[i].name = at;
        at += strlen(at) + 1;
    }
    return HYL_OK;
}

static hyl_status read_columns(load_table *table, const char *sql, hyl_error *err)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_status status = hyl_query_with(table->conn, sql, &few_rows, &result, err);
    while (status == HYL_OK && (status = hyl_result_next(result, &row, err)) == HYL_OK) {
        status = add_column(table, row, err);
    }
    hyl_result_free(result);
    return status < 0 ? status : set_names(table, err);
}

static hyl_status look(load_table *table, hyl_buf *sql, hyl_error *err)
{
    HYL_TRY(relation_exists(table, table->name->name, &table->exists, err));
    if (!table->exists) {
        return HYL_OK;
    }
    HYL_TRY(write_columns_sql(table, table->name->name, sql, err));
    return read_columns(table, (const char *)sql->data, err);
}

void load_table_close(load_table *table)
{
    hyl_free(table->sql);
    hyl_free(table->staging);
    hyl_free(table->shown);
    free(table->columns);
    hyl_buf_reset(&table->names);
    *table = (load_table){0};
}

/* ---- Leftovers ------------------------------------------------------------------------------- */

static hyl_status write_leftovers_sql(const load_table *table, hyl_buf *sql, hyl_error *err)
{
    hyl_buf_append_str(sql, "SELECT c.relname FROM ");
    HYL_TRY(append_tables_of_schema(table, sql, err));
    hyl_buf_printf(sql, " AND (c.relname LIKE '%s%%' OR c.relname LIKE '%s%%')", staging_prefix,
                   old_prefix);
    hyl_buf_append_byte(sql, '\0');
    return hyl_buf_status(sql) == HYL_OK ? HYL_OK : cli_fail_nomem(err);
}

/* Collects the names, each ended by a NUL: nothing can be dropped while the result is open. */
static hyl_status list_leftovers(load_table *table, hyl_buf *names, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_status status = write_leftovers_sql(table, &sql, err);
    if (status == HYL_OK) {
        status = hyl_query_with(table->conn, (const char *)sql.data, &few_rows, &result, err);
    }
    while (status == HYL_OK && (status = hyl_result_next(result, &row, err)) == HYL_OK) {
        hyl_str name;
        status = hyl_row_get_str(row, 0, &name, err);
        if (status == HYL_OK) {
            hyl_buf_append(names, name.data, name.len);
            hyl_buf_append_byte(names, '\0');
        }
    }
    hyl_result_free(result);
    hyl_buf_reset(&sql);
    if (status < 0) {
        return status;
    }
    return hyl_buf_status(names) == HYL_OK ? HYL_OK : cli_fail_nomem(err);
}

static hyl_status drop_sibling(load_table *table, const char *relation, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, "DROP TABLE ");
    hyl_status status = table_name_sql(table->name->schema, relation, &sql, err);
    if (status == HYL_OK) {
        status = run(table->conn, &sql, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

/* What a table under its other name was called: behind the prefix, the tag and a hyphen. */
static const char *name_before(const char *relation)
{
    size_t prefix = sizeof old_prefix - 1;
    if (strncmp(relation, old_prefix, prefix) != 0 ||
        strspn(relation + prefix, "0123456789abcdef") != TAG_LEN ||
        relation[prefix + TAG_LEN] != '-' || relation[prefix + TAG_LEN + 1] == '\0') {
        return NULL;
    }
    return relation + prefix + TAG_LEN + 1;
}

static hyl_status put_back(load_table *table, const char *relation, const char *name,
                           hyl_error *err)
{
    char *sql = NULL;
    HYL_TRY(sibling_sql(table, relation, &sql, err));
    hyl_status status = rename_to(table->conn, sql, name, err);
    hyl_free(sql);
    return status;
}

static hyl_status clean_leftover(load_table *table, const char *relation, hyl_error *err)
{
    bool taken = true;
    const char *name = name_before(relation);
    if (name != NULL) {
        HYL_TRY(relation_exists(table, name, &taken, err));
    } else if (strncmp(relation, staging_prefix, sizeof staging_prefix - 1) != 0) {
        return HYL_OK; /* not of this program's making */
    }
    return taken ? drop_sibling(table, relation, err) : put_back(table, relation, name, err);
}

static hyl_status clean(load_table *table, hyl_error *err)
{
    hyl_buf names = HYL_BUF_INIT;
    hyl_status status = list_leftovers(table, &names, err);
    for (size_t at = 0; status == HYL_OK && at < names.len;) {
        const char *name = (const char *)names.data + at;
        status = clean_leftover(table, name, err);
        at += strlen(name) + 1;
    }
    hyl_buf_reset(&names);
    return status;
}

hyl_status load_table_open(load_table *table, hyl_conn *conn, const table_name *name, bool alone,
                           hyl_error *err)
{
    *table = (load_table){.conn = conn, .name = name};
    hyl_buf sql = HYL_BUF_INIT;
    hyl_status status = make_names(table, err);
    if (status == HYL_OK && alone) {
        status = clean(table, err);
    }
    if (status == HYL_OK) {
        status = look(table, &sql, err);
    }
    hyl_buf_reset(&sql);
    if (status < 0) {
        load_table_close(table);
    }
    return status;
}

/* ---- Staging --------------------------------------------------------------------------------- */

static hyl_status schema_exists(load_table *table, bool *exists, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    int64_t count = 0;
    hyl_buf_append_str(&sql, "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = ");
    hyl_status status = hyl_quote_literal(hyl_str_of(table->name->schema), &sql, err);
    hyl_buf_append_byte(&sql, '\0');
    if (status == HYL_OK && hyl_buf_status(&sql) != HYL_OK) {
        status = cli_fail_nomem(err);
    }
    if (status == HYL_OK) {
        status = hyl_query_i64(table->conn, (const char *)sql.data, &count, err);
    }
    hyl_buf_reset(&sql);
    *exists = count > 0;
    return status;
}

static hyl_status run_on_schema(load_table *table, const char *verb, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, verb);
    hyl_status status = hyl_quote_ident(hyl_str_of(table->name->schema), &sql, err);
    if (status == HYL_OK) {
        status = run(table->conn, &sql, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

static hyl_status ensure_schema(load_table *table, hyl_error *err)
{
    bool exists = false;
    HYL_TRY(schema_exists(table, &exists, err));
    if (exists) {
        return HYL_OK;
    }
    HYL_TRY(run_on_schema(table, "CREATE SCHEMA ", err));
    table->schema_created = true;
    return HYL_OK;
}

static hyl_status append_columns(const load_column *columns, size_t count, hyl_buf *sql,
                                 hyl_error *err)
{
    for (size_t i = 0; i < count; i++) {
        hyl_buf_append_str(sql, i > 0 ? ", " : "");
        HYL_TRY(hyl_quote_ident(hyl_str_of(columns[i].name), sql, err));
        hyl_buf_append_byte(sql, ' ');
        hyl_type_format(columns[i].type, sql);
        hyl_buf_append_str(sql, columns[i].nullable ? "" : " NOT NULL");
    }
    return HYL_OK;
}

/* The file version that a type needs; 0: any. */
static int needed_version(hyl_type type)
{
    if (type.id == HYL_TYPE_REAL) {
        return 4;
    }
    return type.id == HYL_TYPE_NUMERIC && hyl_type_precision(type) > 18 ? 3 : 0;
}

/* The server says that the file's version has no such type, but not which column's. */
static void explain_version(const load_column *columns, size_t count, hyl_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int version = needed_version(columns[i].type);
        if (version != 0) {
            hyl_buf name = HYL_BUF_INIT;
            hyl_type_format(columns[i].type, &name);
            hyl_buf_append_byte(&name, '\0');
            cli_error_prefix(err,
                             "column \"%s\": %s needs a database file of version %d "
                             "(--database-version %d when the file is made): ",
                             columns[i].name,
                             hyl_buf_status(&name) == HYL_OK ? (const char *)name.data : "the type",
                             version, version);
            hyl_buf_reset(&name);
            return;
        }
    }
}

hyl_status load_table_check_mode(const load_table *table, load_mode mode, hyl_error *err)
{
    if (mode == LOAD_NEW && table->exists) {
        return cli_fail(err, HYL_ERR_STATE,
                        "table %s exists; --replace replaces it, --append adds to it, --table "
                        "names another",
                        table->shown);
    }
    if (mode == LOAD_APPEND && !table->exists) {
        return cli_fail(err, HYL_ERR_STATE, "table %s does not exist; without --append it is made",
                        table->shown);
    }
    return HYL_OK;
}

hyl_status load_table_stage_elsewhere(load_table *table, hyl_error *err)
{
    HYL_TRY(ensure_schema(table, err));
    table->staged = true;
    return HYL_OK;
}

hyl_status load_table_read_staged(load_table *table, hyl_error *err)
{
    char name[STAGING_CAP];
    hyl_buf sql = HYL_BUF_INIT;
    table->column_count = 0;
    hyl_buf_clear(&table->names);
    hyl_status status = write_columns_sql(table, name_staging(table, name), &sql, err);
    if (status == HYL_OK) {
        status = read_columns(table, (const char *)sql.data, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

hyl_status load_table_stage(load_table *table, const load_column *columns, size_t count,
                            hyl_error *err)
{
    HYL_TRY(ensure_schema(table, err));
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_printf(&sql, "CREATE TABLE %s (", table->staging);
    hyl_status status = append_columns(columns, count, &sql, err);
    hyl_buf_append_str(&sql, ")");
    if (status == HYL_OK) {
        status = run(table->conn, &sql, err);
        if (status == HYL_ERR_SERVER && err != NULL && strcmp(err->sqlstate, "0A000") == 0) {
            explain_version(columns, count, err);
        }
    }
    hyl_buf_reset(&sql);
    /* What was cancelled may have been done all the same. */
    table->staged = status == HYL_OK || (err != NULL && strcmp(err->sqlstate, "57014") == 0);
    return status;
}

hyl_status load_table_unstage(load_table *table, hyl_error *err)
{
    if (table->staged) {
        HYL_TRY(run_on(table->conn, "DROP TABLE IF EXISTS ", table->staging, "", err));
        table->staged = false;
    }
    if (table->schema_created) {
        HYL_TRY(run_on_schema(table, "DROP SCHEMA ", err));
        table->schema_created = false;
    }
    return HYL_OK;
}

/* The cancel that stopped the load must not hit this as well, nor that of a signal that comes only
 * now. */
void load_table_give_up(load_table *table, hyl_error *err)
{
    interrupt_settle();
    hyl_status status = load_table_unstage(table, NULL);
    if (status < 0 && interrupted()) {
        interrupt_settle();
        status = load_table_unstage(table, NULL);
    }
    if (status < 0 && table->staged) {
        cli_error_append(err, "; the table %s is left over", table->staging);
    }
}

/* ---- Publishing ------------------------------------------------------------------------------ */

/* old_name: what the table is called meanwhile, and old_sql the same as a whole name. */
static hyl_status replace(load_table *table, const char *old_name, const char *old_sql,
                          hyl_error *err)
{
    HYL_TRY(rename_to(table->conn, table->sql, old_name, err));
    hyl_status status = rename_to(table->conn, table->staging, table->name->name, err);
    if (status < 0) {
        hyl_error undo = HYL_ERROR_INIT;
        if (rename_to(table->conn, old_sql, table->name->name, &undo) < 0) {
            cli_error_append(err, "; the old table is now called %s", old_sql);
        }
        return status;
    }
    table->staged = false;
    status = run_on(table->conn, "DROP TABLE ", old_sql, "", err);
    if (status < 0) {
        cli_error_prefix(err,
                         "the new table is in place, but the old one, now called %s, cannot "
                         "be dropped: ",
                         old_sql);
    }
    return status;
}

hyl_status load_table_publish(load_table *table, hyl_error *err)
{
    if (!table->exists) {
        HYL_TRY(rename_to(table->conn, table->staging, table->name->name, err));
        table->staged = false;
        table->schema_created = false;
        return HYL_OK;
    }
    hyl_buf text = HYL_BUF_INIT;
    char *old_sql = NULL;
    hyl_buf_printf(&text, "%s%s-%s", old_prefix, table->tag, table->name->name);
    char *old_name = take_text(&text);
    hyl_status status =
        old_name != NULL ? sibling_sql(table, old_name, &old_sql, err) : cli_fail_nomem(err);
    if (status == HYL_OK) {
        status = replace(table, old_name, old_sql, err);
    }
    hyl_free(old_name);
    hyl_free(old_sql);
    return status;
}

hyl_status load_table_empty(load_table *table, hyl_error *err)
{
    return run_on(table->conn, "DELETE FROM ", table->sql, "", err);
}

hyl_status load_table_copy_sql(const load_table *table, bool staging, const load_column *columns,
                               size_t count, hyl_buf *out, hyl_error *err)
{
    hyl_buf_printf(out, "COPY %s (", staging ? table->staging : table->sql);
    for (size_t i = 0; i < count; i++) {
        hyl_buf_append_str(out, i > 0 ? ", " : "");
        HYL_TRY(hyl_quote_ident(hyl_str_of(columns[i].name), out, err));
    }
    hyl_buf_append_str(out, ") FROM STDIN WITH (FORMAT hyperbinary)");
    hyl_buf_append_byte(out, '\0');
    return hyl_buf_status(out) == HYL_OK ? HYL_OK : cli_fail_nomem(err);
}
