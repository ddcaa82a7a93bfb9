/* The clients' functions, for the table in workloads.c. */
#ifndef BENCH_CLIENTS_H
#define BENCH_CLIENTS_H

#include "bench.h"

/* The statements of the workloads, the same for each of their clients. */
#define BENCH_MEASUREMENTS_SQL "SELECT id, sensor, value, total FROM measurements"
#define BENCH_TENTH_SQL        "SELECT id, sensor, value, total FROM measurements_tenth"
#define BENCH_MIXED_SQL        "SELECT id, total, value, name, day, at FROM mixed"
#define BENCH_SELECT1_SQL      "SELECT 1"

/* Round trips in one run of `select1`; the run's time is their median. */
enum { BENCH_ROUND_TRIPS = 2000 };
/* The growth workloads: as many runs of a tenth of the rows are one run. */
enum { BENCH_TENTHS = 10 };

/* A bare socket that only receives, or only sends (client_floor.c). */
hyl_status floor_client_open(const bench_place *place, void **state, hyl_error *err);
hyl_status floor_client_measurements(void *state, bench_sample *sample, hyl_error *err);
hyl_status floor_client_mixed(void *state, bench_sample *sample, hyl_error *err);
hyl_status floor_client_arrow_measurements(void *state, bench_sample *sample, hyl_error *err);
hyl_status floor_client_arrow_mixed(void *state, bench_sample *sample, hyl_error *err);
hyl_status floor_client_select1(void *state, bench_sample *sample, hyl_error *err);
hyl_status floor_insert_open_measurements(const bench_place *place, void **state, hyl_error *err);
hyl_status floor_insert_open_mixed(const bench_place *place, void **state, hyl_error *err);
hyl_status floor_insert_open_plain(const bench_place *place, void **state, hyl_error *err);
hyl_status floor_insert_run(void *state, bench_sample *sample, hyl_error *err);
/* The server reads the file itself. */
hyl_status floor_client_empty_flights(void *state, hyl_error *err);
hyl_status floor_client_load(void *state, bench_sample *sample, hyl_error *err);
void floor_client_close(void *state);

/* The library's hyl_query, every value read by a typed getter (client_hyperline.c). */
hyl_status hyperline_client_open(const bench_place *place, void **state, hyl_error *err);
hyl_status hyperline_client_measurements(void *state, bench_sample *sample, hyl_error *err);
hyl_status hyperline_client_mixed(void *state, bench_sample *sample, hyl_error *err);
hyl_status hyperline_client_tenths(void *state, bench_sample *sample, hyl_error *err);
/* The same with transfer=rows. */
hyl_status hyperline_client_measurements_datarow(void *state, bench_sample *sample, hyl_error *err);
hyl_status hyperline_client_mixed_datarow(void *state, bench_sample *sample, hyl_error *err);
hyl_status hyperline_client_select1(void *state, bench_sample *sample, hyl_error *err);
void hyperline_client_close(void *state);

/* hyl_query_arrow, with the state of the clients above (client_arrow.c). */
hyl_status arrow_client_measurements(void *state, bench_sample *sample, hyl_error *err);
hyl_status arrow_client_mixed(void *state, bench_sample *sample, hyl_error *err);
hyl_status arrow_client_sum(void *state, bench_sample *sample, hyl_error *err);
hyl_status arrow_client_sum_tenths(void *state, bench_sample *sample, hyl_error *err);
/* Batches that are built out of DataRows: transfer=rows. */
hyl_status arrow_client_measurements_datarow(void *state, bench_sample *sample, hyl_error *err);
hyl_status arrow_client_mixed_datarow(void *state, bench_sample *sample, hyl_error *err);

/* hyl_inserter, one call for a value (client_insert.c). */
hyl_status insert_client_open(const bench_place *place, void **state, hyl_error *err);
hyl_status insert_client_measurements(void *state, bench_sample *sample, hyl_error *err);
hyl_status insert_client_tenths(void *state, bench_sample *sample, hyl_error *err);
hyl_status insert_client_mixed(void *state, bench_sample *sample, hyl_error *err);
void insert_client_close(void *state);

/* hyl_insert_arrow (client_insert_arrow.c). */
hyl_status insert_arrow_open_plain(const bench_place *place, void **state, hyl_error *err);
hyl_status insert_arrow_open_normalised(const bench_place *place, void **state, hyl_error *err);
hyl_status insert_arrow_run(void *state, bench_sample *sample, hyl_error *err);
void insert_arrow_close(void *state);

/* What `hyperline load` does once its options are read (client_load.c). */
hyl_status load_client_open(const bench_place *place, void **state, hyl_error *err);
hyl_status load_client_run(void *state, bench_sample *sample, hyl_error *err);
void load_client_close(void *state);

/* The closed C library (client_closed.c). */
hyl_status closed_client_open(const bench_place *place, void **state, hyl_error *err);
hyl_status closed_client_measurements(void *state, bench_sample *sample, hyl_error *err);
hyl_status closed_client_mixed(void *state, bench_sample *sample, hyl_error *err);
hyl_status closed_client_insert_measurements(void *state, bench_sample *sample, hyl_error *err);
hyl_status closed_client_insert_mixed(void *state, bench_sample *sample, hyl_error *err);
void closed_client_close(void *state);

#endif
