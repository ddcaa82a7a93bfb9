/* Names of tables, as options give them and as SQL wants them. */
#ifndef HYPERLINE_CLI_TABLE_NAME_H
#define HYPERLINE_CLI_TABLE_NAME_H

#include <hyperline/base.h>

typedef struct table_name {
    char *schema; /* "public" where none was given */
    char *name;
} table_name;

/*
 * Reads TABLE or SCHEMA.TABLE. A part with a dot, a blank at an end or a quote in it is written in
 * double quotes, quotes inside doubled. Upper and lower case stay as they are, quoted or not.
 * Errors: ARG, NOMEM.
 */
HYL_NODISCARD hyl_status table_name_parse(const char *text, table_name *out, hyl_error *err);

/* The table's name for a file: its name without folder, .gz, and .csv, .tsv, .txt, .arrow, .arrows,
 * .feather or .ipc. Errors: NOMEM. */
HYL_NODISCARD hyl_status table_name_from_file(const char *path, table_name *out, hyl_error *err);

void table_name_reset(table_name *name);

/* Appends a table's name for SQL: "schema"."name". Errors: ARG (no UTF-8), NOMEM. */
HYL_NODISCARD hyl_status table_name_sql(const char *schema, const char *name, hyl_buf *out,
                                        hyl_error *err);
/* Appends the name for people: "name" or "schema"."name". Errors: ARG, NOMEM. */
HYL_NODISCARD hyl_status table_name_show(const table_name *name, hyl_buf *out, hyl_error *err);

#endif
