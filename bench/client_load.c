/*
 * `hyperline load` within this process, so that its memory and its time can be read here. Measured
 * is what the program reports as its time: the file opened, types inferred, a staging table made
 * and filled, put in place of the one that is there. Left out are the program's start and the
 * connection.
 */
#include "clients.h"

#include "cli/fail.h"
#include "cli/load.h"

#include <stdlib.h>

static hyl_status load_once(hyl_conn *conn, const char *csv, bench_sample *sample, hyl_error *err)
{
    static const char *const nulls[] = {"NA"};
    const load_options options = {
        .path = csv,
        .dialect = CSV_DIALECT_INIT,
        .has_header = true,
        .nulls = csv_nulls_of(nulls, 1, false),
        .mode = LOAD_REPLACE,
    };
    char schema[] = "public";
    char table[] = "flights";
    const table_name name = {schema, table};
    load self;
    HYL_TRY(load_open(&self, &options, err));
    hyl_status status = load_into(&self, conn, &name, false, err);
    sample->rows = (int64_t)self.row_count;
    load_close(&self);
    return status;
}

typedef struct load_client {
    hyl_conn *conn;
    const char *csv;
} load_client;

hyl_status load_client_open(const bench_place *place, void **state, hyl_error *err)
{
    load_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return cli_fail_nomem(err);
    }
    client->csv = place->csv;
    hyl_status status = bench_connect(place, &client->conn, err);
    if (status < 0) {
        free(client);
        return status;
    }
    *state = client;
    return HYL_OK;
}

hyl_status load_client_run(void *state, bench_sample *sample, hyl_error *err)
{
    const load_client *client = state;
    return load_once(client->conn, client->csv, sample, err);
}

void load_client_close(void *state)
{
    load_client *client = state;
    hyl_conn_free(client->conn);
    free(client);
}
