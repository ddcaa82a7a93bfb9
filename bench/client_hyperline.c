/* The workloads as a user of the library writes them. */
#include "client_hyperline.h"
#include "stats.h"

#include "cli/fail.h"

#include <stdlib.h>

hyl_status hyperline_client_open(const bench_place *place, void **state, hyl_error *err)
{
    hyperline_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return cli_fail_nomem(err);
    }
    hyl_status status = bench_connect(place, &client->conn, err);
    if (status < 0) {
        free(client);
        return status;
    }
    *state = client;
    return HYL_OK;
}

void hyperline_client_close(void *state)
{
    hyperline_client *client = state;
    hyl_conn_free(client->conn);
    free(client);
}

/* ---- Rows ----------------------------------------------------------------------------------- */

/* Whole numbers, and decimals whose sum has no error: they are multiples of 1/4. */
typedef struct row_sums {
    int64_t whole;
    double decimal;
} row_sums;

typedef hyl_status (*row_reader)(const hyl_row *row, row_sums *sums, hyl_error *err);

/* There are no NULLs: one would be an error. */
static hyl_status read_measurement(const hyl_row *row, row_sums *sums, hyl_error *err)
{
    int32_t id = 0;
    int32_t sensor = 0;
    double value = 0;
    int64_t total = 0;
    HYL_TRY(hyl_row_get_i32(row, 0, &id, err));
    HYL_TRY(hyl_row_get_i32(row, 1, &sensor, err));
    HYL_TRY(hyl_row_get_f64(row, 2, &value, err));
    HYL_TRY(hyl_row_get_i64(row, 3, &total, err));
    sums->whole += id + sensor + total;
    sums->decimal += value;
    return HYL_OK;
}

static hyl_status read_mixed(const hyl_row *row, row_sums *sums, hyl_error *err)
{
    int32_t id = 0;
    int64_t total = 0;
    double value = 0;
    hyl_str name = {NULL, 0};
    int32_t day = 0;
    int64_t at = 0;
    HYL_TRY(hyl_row_get_i32(row, 0, &id, err));
    HYL_TRY(hyl_row_get_i64(row, 1, &total, err));
    if (!hyl_row_is_null(row, 2)) {
        HYL_TRY(hyl_row_get_f64(row, 2, &value, err));
    }
    HYL_TRY(hyl_row_get_str(row, 3, &name, err));
    HYL_TRY(hyl_row_get_date(row, 4, &day, err));
    HYL_TRY(hyl_row_get_timestamp(row, 5, &at, err));
    sums->whole += id + total + (int64_t)name.len + day + at;
    sums->decimal += value;
    return HYL_OK;
}

/* Inlined with its reader, so that each is the one loop that a program has. */
static inline hyl_status __attribute__((always_inline))
read_rows(hyl_conn *conn, const char *sql, hyl_transfer transfer, row_reader read,
          bench_sample *sample, hyl_error *err)
{
    hyl_query_opts opts = HYL_QUERY_OPTS_INIT;
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    row_sums sums = {0, 0};
    int64_t rows = 0;
    opts.transfer = transfer;
    HYL_TRY(hyl_query_with(conn, sql, &opts, &result, err));
    hyl_status status = HYL_OK;
    while (status == HYL_OK && (status = hyl_result_next(result, &row, err)) == HYL_OK) {
        rows++;
        status = read(row, &sums, err);
    }
    hyl_result_free(result);
    sample->rows = rows;
    sample->check = sums.whole + (int64_t)sums.decimal;
    return status == HYL_DONE ? HYL_OK : status;
}

hyl_status hyperline_client_measurements(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_rows(client->conn, BENCH_MEASUREMENTS_SQL, HYL_TRANSFER_DEFAULT, read_measurement,
                     sample, err);
}

hyl_status hyperline_client_mixed(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_rows(client->conn, BENCH_MIXED_SQL, HYL_TRANSFER_DEFAULT, read_mixed, sample, err);
}

hyl_status hyperline_client_measurements_datarow(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_rows(client->conn, BENCH_MEASUREMENTS_SQL, HYL_TRANSFER_ROWS, read_measurement,
                     sample, err);
}

hyl_status hyperline_client_mixed_datarow(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_rows(client->conn, BENCH_MIXED_SQL, HYL_TRANSFER_ROWS, read_mixed, sample, err);
}

hyl_status hyperline_client_tenths(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    int64_t rows = 0;
    for (size_t i = 0; i < BENCH_TENTHS; i++) {
        HYL_TRY(read_rows(client->conn, BENCH_TENTH_SQL, HYL_TRANSFER_DEFAULT, read_measurement,
                          sample, err));
        rows += sample->rows;
    }
    sample->rows = rows;
    return HYL_OK;
}

/* ---- One value ------------------------------------------------------------------------------ */

hyl_status hyperline_client_select1(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    for (size_t i = 0; i < BENCH_ROUND_TRIPS; i++) {
        double start = bench_now();
        HYL_TRY(hyl_query_i64(client->conn, BENCH_SELECT1_SQL, &sample->check, err));
        client->round_trips[i] = bench_now() - start;
    }
    sample->wall_s = stats_median(client->round_trips, BENCH_ROUND_TRIPS);
    sample->repeats = BENCH_ROUND_TRIPS;
    sample->rows = 1;
    return HYL_OK;
}
