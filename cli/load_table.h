/*
 * The table that `load` fills.
 *
 * DDL is not undone by ROLLBACK on this server (tests/cli/test_load.py watches that), so a
 * transaction cannot make a load atomic. A new table is filled under a name of its own in the same
 * schema and renamed when it is whole: a table of the asked name is there whole or not at all,
 * whenever the program or the server ends. To replace a table, it is renamed away first and dropped
 * last; between two of these statements it is there under its other name, which has its own in it,
 * so that a later load can put it back.
 */
#ifndef HYPERLINE_CLI_LOAD_TABLE_H
#define HYPERLINE_CLI_LOAD_TABLE_H

#include "table_name.h"

#include <hyperline/hyperline.h>

typedef enum load_mode {
    LOAD_NEW,     /* the table must not exist */
    LOAD_REPLACE, /* one that exists is replaced */
    LOAD_APPEND   /* the rows are added to one that exists */
} load_mode;

/* A column that is there, or one to be made. */
typedef struct load_column {
    const char *name;
    hyl_type type;
    bool nullable;
} load_column;

typedef struct load_table {
    hyl_conn *conn;
    const table_name *name;
    char *sql;     /* "schema"."name" */
    char *staging; /* "schema"."hyperline-load-..." */
    char *shown;   /* the name for people */
    char tag[24];  /* what makes staging's name unique */
    bool exists;
    bool staged;         /* staging is there */
    bool schema_created; /* by us */
    /* The columns that it has, if it exists. */
    load_column *columns;
    size_t column_count;
    hyl_buf names;
} load_table;

/*
 * Looks whether the table is there and which columns it has. `alone`: nobody else can be loading, as
 * with an own server; then what loads into this schema that were killed have left is cleaned up
 * first: tables that were being replaced are put back where their names are vacant, and everything
 * else is dropped. Lifetime: `name` outlives the table.
 * Errors: those of a statement, ARG (a name that is not UTF-8), NOMEM.
 */
HYL_NODISCARD hyl_status load_table_open(load_table *table, hyl_conn *conn, const table_name *name,
                                         bool alone, hyl_error *err);
/* Frees; leaves the database as it is. */
void load_table_close(load_table *table);

/* May the table be loaded into in this mode? Errors: STATE (it exists, or does not). */
HYL_NODISCARD hyl_status load_table_check_mode(const load_table *table, load_mode mode,
                                               hyl_error *err);

/*
 * Makes the schema where it is missing. The caller makes the staging table, which is taken to be
 * there from now on. Errors: those of a statement.
 */
HYL_NODISCARD hyl_status load_table_stage_elsewhere(load_table *table, hyl_error *err);
/* Makes the table's columns those of the staging table. Errors: those of a statement, NOMEM. */
HYL_NODISCARD hyl_status load_table_read_staged(load_table *table, hyl_error *err);

/* Makes the staging table, and the schema where it is missing. Errors: those of a statement; for a
 * type that needs a newer file the message has the column and the version. */
HYL_NODISCARD hyl_status load_table_stage(load_table *table, const load_column *columns,
                                          size_t count, hyl_error *err);
/* Drops the staging table and the schema that was made for it. Does nothing without them. */
HYL_NODISCARD hyl_status load_table_unstage(load_table *table, hyl_error *err);
/* The same after a failure, perhaps by a signal: its error `err` gets the name of a table that is
 * left over. */
void load_table_give_up(load_table *table, hyl_error *err);
/*
 * Gives the staging table the table's name; what had it is dropped. On failure everything is as
 * before, the staging table still there.
 */
HYL_NODISCARD hyl_status load_table_publish(load_table *table, hyl_error *err);

/* Empties the table that exists. */
HYL_NODISCARD hyl_status load_table_empty(load_table *table, hyl_error *err);

/* Writes COPY "s"."t" ("a", "b") FROM STDIN WITH (FORMAT hyperbinary) into `out`, for the staging
 * table or the one that exists. Errors: NOMEM, ARG. */
HYL_NODISCARD hyl_status load_table_copy_sql(const load_table *table, bool staging,
                                             const load_column *columns, size_t count, hyl_buf *out,
                                             hyl_error *err);

#endif
