/* A table's columns, as the catalog has them. */
#ifndef HYL_DATA_TABLE_H
#define HYL_DATA_TABLE_H

#include <hyperline/hyperline.h>

typedef struct hyl__table_column {
    char *name; /* NUL-terminated */
    hyl_type type;
    bool nullable;
} hyl__table_column;

typedef struct hyl__table {
    char *sql_name; /* all its parts quoted */
    hyl__table_column *columns;
    size_t count;
} hyl__table;

/*
 * Reads the table's columns, in their order. `name` as in hyl__table_name_read.
 * Errors: those of a statement; SERVER with SQLSTATE 42P01 where there is no such table, which fails
 * no transaction; ARG (no name; a table without columns).
 * Blocks: for one statement.
 */
HYL_NODISCARD hyl_status hyl__table_read(hyl_conn *conn, const char *name, hyl__table *out,
                                         hyl_error *err);
void hyl__table_reset(hyl__table *table);

/*
 * Keeps the named columns only, in the order of the names.
 * Errors: ARG (a column that is not there, is named twice, or is left out though it is NOT NULL),
 * NOMEM.
 */
HYL_NODISCARD hyl_status hyl__table_select(hyl__table *table, const char *const *names,
                                           size_t count, hyl_error *err);

/* The index of a column, -1 where there is none. */
ptrdiff_t hyl__table_find(const hyl__table *table, const char *name);

/* COPY table (columns) FROM STDIN WITH (FORMAT format) */
HYL_NODISCARD hyl_status hyl__table_copy_sql(const hyl__table *table, const char *format,
                                             hyl_buf *out, hyl_error *err);

#endif
