/* The closed C library: values read from its chunks, rows given to its inserter's buffer. */
#include "batches.h"
#include "clients.h"
#include "closed_api.h"

#include "cli/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its dates and times count from Julian day 0. */
#define JULIAN_DAY_2000 2451545
#define JULIAN_2000_US  (INT64_C(86400000000) * JULIAN_DAY_2000)

enum { NAME_CAP = 16 };

typedef struct closed_client {
    closed_api api;
    closed_conn *conn;
    int64_t rows;
    char names[BATCHES_NAMES][NAME_CAP];
    size_t lens[BATCHES_NAMES];
} closed_client;

#define CHECK(client, call) HYL_TRY(closed_api_check(&(client)->api, (client)->api.call, err))

/* ---- Start and end -------------------------------------------------------------------------- */

static hyl_status fill_params(closed_client *client, closed_params *params,
                              const bench_place *place, hyl_error *err)
{
    char endpoint[128];
    snprintf(endpoint, sizeof endpoint, "tab.tcp://%s", place->endpoint);
    CHECK(client, params_set(params, "endpoint", endpoint));
    CHECK(client, params_set(params, "dbname", place->database));
    CHECK(client, connect(params, &client->conn, CLOSED_DO_NOT_CREATE));
    /* Rows as they come, in constant memory. */
    client->api.set_chunked(client->conn, true);
    return HYL_OK;
}

static hyl_status open_connection(closed_client *client, const bench_place *place, hyl_error *err)
{
    closed_params *params = NULL;
    HYL_TRY(closed_api_open(&client->api, place->peers, err));
    CHECK(client, params_new(NULL, &params));
    hyl_status status = fill_params(client, params, place, err);
    client->api.params_free(params);
    return status;
}

static void make_names(closed_client *client)
{
    for (size_t i = 0; i < BATCHES_NAMES; i++) {
        client->lens[i] = (size_t)snprintf(client->names[i], NAME_CAP, "item %zu", i);
    }
}

hyl_status closed_client_open(const bench_place *place, void **state, hyl_error *err)
{
    closed_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return cli_fail_nomem(err);
    }
    client->rows = place->rows;
    make_names(client);
    hyl_status status = open_connection(client, place, err);
    if (status < 0) {
        free(client);
        return status;
    }
    *state = client;
    return HYL_OK;
}

/* The library stays loaded: it has threads of its own. */
void closed_client_close(void *state)
{
    closed_client *client = state;
    client->api.disconnect(client->conn);
    free(client);
}

/* ---- Rows out ------------------------------------------------------------------------------- */

typedef struct closed_sums {
    int64_t whole;
    double decimal;
} closed_sums;

/* A row's cells: pointers to the values, NULL for NULL, and their sizes. */
typedef void (*row_reader)(const uint8_t *const *cells, const size_t *sizes, closed_sums *sums);

static int32_t load_i32(const uint8_t *at)
{
    int32_t value = 0;
    memcpy(&value, at, sizeof value);
    return value;
}

static int64_t load_i64(const uint8_t *at)
{
    int64_t value = 0;
    memcpy(&value, at, sizeof value);
    return value;
}

static double load_f64(const uint8_t *at)
{
    double value = 0;
    memcpy(&value, at, sizeof value);
    return value;
}

static void read_measurement(const uint8_t *const *cells, const size_t *sizes, closed_sums *sums)
{
    (void)sizes;
    sums->whole += load_i32(cells[0]) + load_i32(cells[1]) + load_i64(cells[3]);
    sums->decimal += load_f64(cells[2]);
}

static void read_mixed(const uint8_t *const *cells, const size_t *sizes, closed_sums *sums)
{
    sums->whole += load_i32(cells[0]) + load_i64(cells[1]) + (int64_t)sizes[3] +
                   (load_i32(cells[4]) - JULIAN_DAY_2000) + (load_i64(cells[5]) - JULIAN_2000_US);
    if (cells[2] != NULL) {
        sums->decimal += load_f64(cells[2]);
    }
}

static int64_t read_chunk(const closed_client *client, closed_chunk *chunk, row_reader read,
                          closed_sums *sums)
{
    size_t columns = 0;
    size_t rows = 0;
    const uint8_t *const *cells = NULL;
    const size_t *sizes = NULL;
    client->api.chunk_values(chunk, &columns, &rows, &cells, &sizes);
    for (size_t row = 0; row < rows; row++) {
        read(cells + row * columns, sizes + row * columns, sums);
    }
    return (int64_t)rows;
}

static hyl_status read_chunks(const closed_client *client, closed_rows *rows, row_reader read,
                              bench_sample *sample, hyl_error *err)
{
    closed_sums sums = {0, 0};
    closed_chunk *chunk = NULL;
    for (;;) {
        CHECK(client, next_chunk(rows, &chunk));
        if (chunk == NULL) {
            break;
        }
        sample->rows += read_chunk(client, chunk, read, &sums);
        client->api.chunk_free(chunk);
    }
    sample->check = sums.whole + (int64_t)sums.decimal;
    return HYL_OK;
}

static hyl_status read_rows(const closed_client *client, const char *sql, row_reader read,
                            bench_sample *sample, hyl_error *err)
{
    closed_rows *rows = NULL;
    CHECK(client, query(client->conn, sql, &rows));
    hyl_status status = read_chunks(client, rows, read, sample, err);
    client->api.rows_free(rows);
    return status;
}

hyl_status closed_client_measurements(void *state, bench_sample *sample, hyl_error *err)
{
    return read_rows(state, BENCH_MEASUREMENTS_SQL, read_measurement, sample, err);
}

hyl_status closed_client_mixed(void *state, bench_sample *sample, hyl_error *err)
{
    return read_rows(state, BENCH_MIXED_SQL, read_mixed, sample, err);
}

/* ---- Rows in -------------------------------------------------------------------------------- */

typedef hyl_status (*row_writer)(const closed_client *client, closed_buffer *buffer, int64_t row,
                                 hyl_error *err);

static hyl_status write_measurement(const closed_client *client, closed_buffer *buffer, int64_t row,
                                    hyl_error *err)
{
    CHECK(client, add_i32(buffer, (int32_t)row));
    CHECK(client, add_i32(buffer, (int32_t)(row % 1000)));
    CHECK(client, add_f64(buffer, (double)row * 0.25));
    CHECK(client, add_i64(buffer, row * 100));
    return HYL_OK;
}

static hyl_status write_mixed(const closed_client *client, closed_buffer *buffer, int64_t row,
                              hyl_error *err)
{
    int64_t name = row % BATCHES_NAMES;
    CHECK(client, add_i32(buffer, (int32_t)row));
    CHECK(client, add_i64(buffer, row * 100));
    if (row % 10 == 0) {
        CHECK(client, add_null(buffer));
    } else {
        CHECK(client, add_f64(buffer, (double)row * 0.25));
    }
    CHECK(client, add_bytes(buffer, (const uint8_t *)client->names[name], client->lens[name]));
    CHECK(client, add_i32(buffer, (int32_t)(row % BATCHES_DAYS) + JULIAN_DAY_2000));
    CHECK(client, add_i64(buffer, row * 100000 + JULIAN_2000_US));
    return HYL_OK;
}

static hyl_status write_rows(const closed_client *client, closed_buffer *buffer, row_writer write,
                             hyl_error *err)
{
    for (int64_t row = 1; row <= client->rows; row++) {
        HYL_TRY(write(client, buffer, row, err));
    }
    CHECK(client, buffer_flush(buffer));
    return HYL_OK;
}

static hyl_status insert_by(const closed_client *client, const closed_table *table,
                            const char *columns, row_writer write, hyl_error *err)
{
    closed_inserter *inserter = NULL;
    closed_buffer *buffer = NULL;
    CHECK(client, inserter_new(client->conn, table, &inserter));
    hyl_status status = closed_api_check(
        &client->api, client->api.buffer_new(inserter, table, columns, &buffer), err);
    if (status == HYL_OK) {
        status = write_rows(client, buffer, write, err);
        client->api.buffer_free(buffer);
    }
    closed_error *ended = client->api.inserter_close(inserter, status == HYL_OK);
    hyl_status end = closed_api_check(&client->api, ended, status == HYL_OK ? err : NULL);
    return status == HYL_OK ? end : status;
}

static hyl_status insert_rows(const closed_client *client, const char *name, const char *columns,
                              row_writer write, bench_sample *sample, hyl_error *err)
{
    closed_table *table = NULL;
    CHECK(client, table_new(client->conn, "", "public", name, &table));
    hyl_status status = insert_by(client, table, columns, write, err);
    client->api.table_free(table);
    /* It does not tell: what is in the table is checked afterwards. */
    sample->rows = client->rows;
    return status;
}

hyl_status closed_client_insert_measurements(void *state, bench_sample *sample, hyl_error *err)
{
    return insert_rows(state, "measurements_in", "\"id\", \"sensor\", \"value\", \"total\"",
                       write_measurement, sample, err);
}

hyl_status closed_client_insert_mixed(void *state, bench_sample *sample, hyl_error *err)
{
    return insert_rows(state, "mixed_in", "\"id\", \"total\", \"value\", \"name\", \"day\", \"at\"",
                       write_mixed, sample, err);
}
