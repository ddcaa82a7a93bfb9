/* What the parts of the benchmark share: workloads, clients, and what one run of a client gives. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <hyperline/hyperline.h>

/* A workload: work that every client of it does in the same way, measured against the floor. */
typedef struct bench_workload {
    const char *name;
    const char *title;    /* for people */
    const char *rows_sql; /* how many rows one run moves */
    /* The sum of all values; NULL where no client returns one. What a client returns must equal
     * it. */
    const char *check_sql;
    const char *verify_sql; /* must be 0 after the runs; NULL for none */
    double bar;             /* the most that `hyperline` may take, as a multiple of the floor */
    long peak_bar_kb;       /* the most memory it may take; 0 for none */
} bench_workload;

/* Where the work is done. */
typedef struct bench_place {
    const char *endpoint; /* host:port of the running server */
    const char *database; /* its database file, an absolute path */
    const char *csv;      /* the flights, an absolute path */
    int64_t rows;         /* what one run of the workload moves */
} bench_place;

/* One run. */
typedef struct bench_sample {
    double wall_s;
    double cpu_s;     /* of the client's process, user and system */
    long peak_rss_kb; /* VmHWM of the client's process, since it started */
    int64_t rows;
    int64_t check;   /* the sum of all values that were read, where the client returns it */
    int64_t repeats; /* how often the work was done within the run: cpu_s is of one of them */
} bench_sample;

/*
 * A client of a workload. It works in a process of its own, which opens once and runs often. `run`
 * fills in rows and check, and wall_s and repeats where it does the work several times; the rest is
 * measured around it (worker.c). A further client is a further line in workloads.c.
 */
typedef struct bench_client {
    const char *workload;
    const char *name;
    bool returns_check;
    bool is_reported; /* goes into the JSON file */
    hyl_status (*open)(const bench_place *place, void **state, hyl_error *err);
    /* What has to be done before each run and is not measured; may be NULL. */
    hyl_status (*prepare)(void *state, hyl_error *err);
    hyl_status (*run)(void *state, bench_sample *sample, hyl_error *err);
    void (*close)(void *state);
} bench_client;

extern const bench_workload bench_workloads[];
extern const size_t bench_workload_count;
/* Of one workload the floor comes first. */
extern const bench_client bench_clients[];
extern const size_t bench_client_count;

/* NULL where there is none. */
const bench_workload *bench_find_workload(const char *name);
const bench_client *bench_find_client(const char *workload, const char *name);

/* Connects to the place's server and database. Errors: those of hyl_connect. */
hyl_status bench_connect(const bench_place *place, hyl_conn **out, hyl_error *err);

/* Seconds on the monotonic clock. */
double bench_now(void);

#endif
