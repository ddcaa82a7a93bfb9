/* Rows inserted by the library's inserter, one call for a value, as a user writes it. */
#include "batches.h"
#include "clients.h"

#include "cli/fail.h"

#include <hyperline/insert.h>

#include <stdio.h>
#include <stdlib.h>

enum { NAME_CAP = 16 };

typedef struct insert_client {
    hyl_conn *conn;
    int64_t rows;
    hyl_str names[BATCHES_NAMES];
    char texts[BATCHES_NAMES][NAME_CAP];
} insert_client;

typedef hyl_status (*row_writer)(const insert_client *client, hyl_inserter *ins, int64_t row,
                                 hyl_error *err);

static void make_names(insert_client *client)
{
    for (size_t i = 0; i < BATCHES_NAMES; i++) {
        int len = snprintf(client->texts[i], NAME_CAP, "item %zu", i);
        client->names[i] = (hyl_str){client->texts[i], (size_t)len};
    }
}

hyl_status insert_client_open(const bench_place *place, void **state, hyl_error *err)
{
    insert_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return cli_fail_nomem(err);
    }
    client->rows = place->rows;
    make_names(client);
    hyl_status status = bench_connect(place, &client->conn, err);
    if (status < 0) {
        free(client);
        return status;
    }
    *state = client;
    return HYL_OK;
}

void insert_client_close(void *state)
{
    insert_client *client = state;
    hyl_conn_free(client->conn);
    free(client);
}

/* ---- Rows ----------------------------------------------------------------------------------- */

static hyl_status write_measurement(const insert_client *client, hyl_inserter *ins, int64_t row,
                                    hyl_error *err)
{
    (void)client;
    HYL_TRY(hyl_inserter_i32(ins, (int32_t)row, err));
    HYL_TRY(hyl_inserter_i32(ins, (int32_t)(row % 1000), err));
    HYL_TRY(hyl_inserter_f64(ins, (double)row * 0.25, err));
    HYL_TRY(hyl_inserter_i64(ins, row * 100, err));
    return hyl_inserter_end_row(ins, err);
}

static hyl_status write_mixed(const insert_client *client, hyl_inserter *ins, int64_t row,
                              hyl_error *err)
{
    HYL_TRY(hyl_inserter_i32(ins, (int32_t)row, err));
    HYL_TRY(hyl_inserter_i64(ins, row * 100, err));
    if (row % 10 == 0) {
        HYL_TRY(hyl_inserter_null(ins, err));
    } else {
        HYL_TRY(hyl_inserter_f64(ins, (double)row * 0.25, err));
    }
    HYL_TRY(hyl_inserter_str(ins, client->names[row % BATCHES_NAMES], err));
    HYL_TRY(hyl_inserter_date(ins, (int32_t)(row % BATCHES_DAYS), err));
    HYL_TRY(hyl_inserter_timestamp(ins, row * 100000, err));
    return hyl_inserter_end_row(ins, err);
}

static hyl_status write_rows(const insert_client *client, hyl_inserter *ins, row_writer write,
                             int64_t rows, int64_t *inserted, hyl_error *err)
{
    for (int64_t row = 1; row <= rows; row++) {
        HYL_TRY(write(client, ins, row, err));
    }
    return hyl_inserter_finish(ins, inserted, err);
}

static hyl_status insert_rows(const insert_client *client, const char *table, row_writer write,
                              int64_t rows, int64_t *inserted, hyl_error *err)
{
    hyl_inserter *ins = NULL;
    HYL_TRY(hyl_inserter_open(client->conn, table, NULL, 0, NULL, &ins, err));
    hyl_status status = write_rows(client, ins, write, rows, inserted, err);
    hyl_inserter_free(ins);
    return status;
}

/* ---- The clients ---------------------------------------------------------------------------- */

hyl_status insert_client_measurements(void *state, bench_sample *sample, hyl_error *err)
{
    insert_client *client = state;
    return insert_rows(client, "measurements_in", write_measurement, client->rows, &sample->rows,
                       err);
}

hyl_status insert_client_tenths(void *state, bench_sample *sample, hyl_error *err)
{
    insert_client *client = state;
    for (size_t i = 0; i < BENCH_TENTHS; i++) {
        int64_t rows = 0;
        HYL_TRY(insert_rows(client, "measurements_in", write_measurement,
                            client->rows / BENCH_TENTHS, &rows, err));
        sample->rows += rows;
    }
    return HYL_OK;
}

hyl_status insert_client_mixed(void *state, bench_sample *sample, hyl_error *err)
{
    insert_client *client = state;
    return insert_rows(client, "mixed_in", write_mixed, client->rows, &sample->rows, err);
}
