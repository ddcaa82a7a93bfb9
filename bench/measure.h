/* Runs the clients of a workload in turn and sums up what they took. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench.h"
#include "stage.h"

/* A client's runs, summed up. */
typedef struct measure_result {
    const bench_client *client;
    int64_t rows;     /* of one run */
    double wall_s;    /* median */
    double spread;    /* the interquartile range of wall_s, as a part of it */
    double cpu_s;     /* median */
    long peak_rss_kb; /* after the last run */
    double ratio;     /* wall_s as a multiple of the floor's */
} measure_result;

enum { MEASURE_MAX_CLIENTS = 16 };

/* A workload's clients, in the order of the table; the floor is the first. */
typedef struct measure_results {
    const bench_workload *workload;
    char plan[FLOOR_PLAN_TEXT_MAX]; /* how the floor sent rows; "": no rows were sent */
    measure_result items[MEASURE_MAX_CLIENTS];
    size_t count;
    double others; /* the part of the machine's time that other processes took, 0 to 1 */
} measure_results;

/* How often clients run; the peers may run less often, spread over the others' runs. */
typedef struct measure_runs {
    size_t own;
    size_t peers; /* at most as many */
} measure_runs;

/*
 * Measures a workload: each client in a process of its own, in turn, after one run that does not
 * count. Peers that are not there are left out.
 * Errors: those of the clients; RANGE (one has not moved the rows that there are, or its sum is
 * wrong).
 */
HYL_NODISCARD hyl_status measure_workload(bench_stage *stage, const bench_workload *workload,
                                          const measure_runs *runs, measure_results *out,
                                          hyl_error *err);

/* The result of the client of that name, NULL where there is none. */
const measure_result *measure_find(const measure_results *results, const char *client);

#endif
