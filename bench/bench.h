/* What the parts of the benchmark share: workloads, clients, and what one run of a client gives. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <hyperline/hyperline.h>

/* A workload: work that every client of it does in the same way. */
typedef struct bench_workload {
    const char *name;
    const char *title;    /* for people */
    const char *rows_sql; /* how many rows one run moves */
    /* The sum of all values; NULL where there is none to compare with. What a client returns must
     * equal it. */
    const char *check_sql;
    /* What must equal it after every run: the sum of all values in the table that was filled. */
    const char *after_sql;
    const char *verify_sql; /* must be 0 after all runs; NULL for none */
    const char *table;      /* of inserts: it is emptied before every run; NULL for other work */
    /* Of inserts with a floor: its rows' kind (batches.h). The best way to send them is searched
     * for before the runs. 0 for other work. */
    int floor_kind;
} bench_workload;

/* Where the work is done. */
typedef struct bench_place {
    const char *endpoint; /* host:port of the running server */
    const char *database; /* its database file, an absolute path */
    const char *csv;      /* the flights, an absolute path */
    const char *peers;    /* the folder of the peers, "" where there are none */
    const char *plan; /* how the floor sends rows, as floor_plan_format writes it; "": no rows */
    int64_t rows;     /* what one run of the workload moves */
} bench_place;

/* Other clients of Hyper, which bench/peers/setup brings. */
typedef enum bench_peer {
    BENCH_PEER_NONE, /* no peer: a part of this program */
    BENCH_PEER_CLOSED,
    BENCH_PEER_RUST,
    BENCH_PEER_PANTAB,
} bench_peer;

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
    bench_peer peer; /* measured where the peers are there */
    bool returns_check;
    bool is_reported; /* goes into the JSON file */
    /* NULL for a program of its own, which the peer's folder has (peers.h). */
    hyl_status (*open)(const bench_place *place, void **state, hyl_error *err);
    /* What has to be done before each run and is not measured; may be NULL. */
    hyl_status (*prepare)(void *state, hyl_error *err);
    hyl_status (*run)(void *state, bench_sample *sample, hyl_error *err);
    void (*close)(void *state);
} bench_client;

/* What is said of `hyperline`'s figures in a workload. */
typedef enum bench_measure { BENCH_WALL, BENCH_CPU, BENCH_PEAK } bench_measure;

typedef struct bench_bar {
    const char *workload;
    bench_measure measure;
    const char *of; /* as a multiple of that client's; NULL: in seconds or kB */
    double limit;
    bool is_speed_up; /* of: that client's as a multiple of hyperline's, and at least so much */
} bench_bar;

extern const bench_bar bench_bars[];
extern const size_t bench_bar_count;

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
