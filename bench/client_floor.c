/* The workloads as the floor does them. */
#include "clients.h"
#include "floor_plan.h"
#include "stats.h"

#include "cli/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COPY_AS_ARROW(sql) "COPY (" sql ") TO STDOUT WITH (FORMAT arrowstream)"

typedef struct floor_client {
    floor_conn *conn;
    int64_t rows;
    const char *csv;
    /* Of inserts. */
    const char *table;
    encode_format format;
    hyl_buf messages;
    double round_trips[BENCH_ROUND_TRIPS];
} floor_client;

hyl_status floor_client_open(const bench_place *place, void **state, hyl_error *err)
{
    floor_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return cli_fail_nomem(err);
    }
    client->rows = place->rows;
    client->csv = place->csv;
    hyl_status status = floor_open(place->endpoint, place->database, &client->conn, err);
    if (status < 0) {
        free(client);
        return status;
    }
    *state = client;
    return HYL_OK;
}

void floor_client_close(void *state)
{
    floor_client *client = state;
    floor_close(client->conn);
    hyl_buf_reset(&client->messages);
    free(client);
}

/* ---- Queries -------------------------------------------------------------------------------- */

/* Runs a statement whose tag is `verb` and the number of rows. */
static hyl_status run_counted(floor_client *client, const char *sql, const char *verb,
                              bench_sample *sample, hyl_error *err)
{
    char tag[32];
    snprintf(tag, sizeof tag, "%s %" PRId64, verb, client->rows);
    HYL_TRY(floor_query(client->conn, sql, tag, err));
    sample->rows = client->rows;
    return HYL_OK;
}

hyl_status floor_client_measurements(void *state, bench_sample *sample, hyl_error *err)
{
    return run_counted(state, BENCH_MEASUREMENTS_SQL, "SELECT", sample, err);
}

hyl_status floor_client_mixed(void *state, bench_sample *sample, hyl_error *err)
{
    return run_counted(state, BENCH_MIXED_SQL, "SELECT", sample, err);
}

hyl_status floor_client_arrow_measurements(void *state, bench_sample *sample, hyl_error *err)
{
    return run_counted(state, COPY_AS_ARROW(BENCH_MEASUREMENTS_SQL), "COPY", sample, err);
}

hyl_status floor_client_arrow_mixed(void *state, bench_sample *sample, hyl_error *err)
{
    return run_counted(state, COPY_AS_ARROW(BENCH_MIXED_SQL), "COPY", sample, err);
}

hyl_status floor_client_select1(void *state, bench_sample *sample, hyl_error *err)
{
    floor_client *client = state;
    for (size_t i = 0; i < BENCH_ROUND_TRIPS; i++) {
        double start = bench_now();
        HYL_TRY(floor_query(client->conn, BENCH_SELECT1_SQL, "SELECT 1", err));
        client->round_trips[i] = bench_now() - start;
    }
    sample->wall_s = stats_median(client->round_trips, BENCH_ROUND_TRIPS);
    sample->repeats = BENCH_ROUND_TRIPS;
    sample->rows = 1;
    return HYL_OK;
}

/* ---- Inserts -------------------------------------------------------------------------------- */

static hyl_status open_insert(const bench_place *place, const char *table, batches_kind kind,
                              void **state, hyl_error *err)
{
    encode_plan plan;
    HYL_TRY(floor_plan_parse(place->plan, &plan, err));
    HYL_TRY(floor_client_open(place, state, err));
    floor_client *client = *state;
    client->table = table;
    client->format = plan.format;
    hyl_status status = encode_rows(kind, place->rows, &plan, &client->messages, err);
    if (status < 0) {
        floor_client_close(client);
    }
    return status;
}

hyl_status floor_insert_open_measurements(const bench_place *place, void **state, hyl_error *err)
{
    return open_insert(place, "measurements_in", BATCHES_MEASUREMENTS, state, err);
}

hyl_status floor_insert_open_mixed(const bench_place *place, void **state, hyl_error *err)
{
    return open_insert(place, "mixed_in", BATCHES_MIXED, state, err);
}

hyl_status floor_insert_open_plain(const bench_place *place, void **state, hyl_error *err)
{
    return open_insert(place, "arrow_in", BATCHES_PLAIN, state, err);
}

hyl_status floor_insert_run(void *state, bench_sample *sample, hyl_error *err)
{
    floor_client *client = state;
    const hyl_bytes messages = {client->messages.data, client->messages.len};
    sample->rows = client->rows;
    return floor_fill(client->conn, client->table, client->format, messages, client->rows, err);
}

/* ---- Loading -------------------------------------------------------------------------------- */

hyl_status floor_client_empty_flights(void *state, hyl_error *err)
{
    floor_client *client = state;
    return floor_query(client->conn, "TRUNCATE TABLE flights_floor", "TRUNCATE TABLE", err);
}

hyl_status floor_client_load(void *state, bench_sample *sample, hyl_error *err)
{
    floor_client *client = state;
    hyl_buf sql = HYL_BUF_INIT;
    hyl_status status = HYL_OK;
    hyl_buf_append_str(&sql, "COPY flights_floor FROM ");
    status = hyl_quote_literal(hyl_str_of(client->csv), &sql, err);
    hyl_buf_append_str(&sql, " WITH (FORMAT csv, HEADER, NULL 'NA')");
    hyl_buf_append_byte(&sql, '\0');
    if (status == HYL_OK && hyl_buf_status(&sql) < 0) {
        status = cli_fail_nomem(err);
    }
    if (status == HYL_OK) {
        status = run_counted(client, (const char *)sql.data, "COPY", sample, err);
    }
    hyl_buf_reset(&sql);
    return status;
}
