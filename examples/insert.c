/*
 * Inserts a program's own data, row by row: each value is checked as it is given, and either all
 * rows are there at the end, or none.
 *
 *     insert readings.hyper 1000000
 */
#include <hyperline/insert.h>
#include <hyperline/server.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char create_sql[] = "CREATE TABLE readings (sensor text NOT NULL, at timestamp NOT "
                                 "NULL, value numeric(6,1))";

/* A row of made-up data, in the table's order. */
static hyl_status append_row(hyl_inserter *ins, int64_t i, hyl_error *err)
{
    const hyl_numeric tenths = {.lo = (uint64_t)(i % 1000), .scale = 1};
    HYL_TRY(hyl_inserter_str(ins, i % 2 == 0 ? HYL_STR("hall") : HYL_STR("yard"), err));
    HYL_TRY(hyl_inserter_timestamp(ins, i * 1000000, err)); /* from 2000-01-01 */
    HYL_TRY(i % 100 == 0 ? hyl_inserter_null(ins, err) : hyl_inserter_numeric(ins, &tenths, err));
    return hyl_inserter_end_row(ins, err);
}

static hyl_status insert(hyl_conn *conn, int64_t count, int64_t *inserted, hyl_error *err)
{
    hyl_inserter *ins = NULL;
    HYL_TRY(hyl_exec(conn, create_sql, NULL, err));
    HYL_TRY(hyl_inserter_open(conn, "readings", NULL, 0, NULL, &ins, err));
    hyl_status status = HYL_OK;
    for (int64_t i = 0; status == HYL_OK && i < count; i++) {
        status = append_row(ins, i, err);
    }
    if (status == HYL_OK) {
        status = hyl_inserter_finish(ins, inserted, err);
    }
    hyl_inserter_free(ins); /* one that is not finished inserts nothing */
    return status;
}

int main(int argc, char **argv)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    int64_t inserted = 0;
    const char *path = argc > 1 ? argv[1] : "readings.hyper";
    int64_t count = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;

    hyl_status status = hyl_server_open_file(path, "replace", &server, &conn, &err);
    if (status == HYL_OK) {
        status = insert(conn, count, &inserted, &err);
    }
    if (status < 0) {
        fprintf(stderr, "insert: %s\n", err.message);
    } else {
        printf("%" PRId64 " rows inserted into %s\n", inserted, path);
    }
    hyl_conn_free(conn);
    hyl_server_free(server);
    return status < 0;
}
