/* The two tables that say what is measured. */
#include "bench.h"
#include "clients.h"

#include <string.h>

/* What the library may take at most while it streams rows. */
enum { ROWS_PEAK_BAR_KB = 10240 };

const bench_workload bench_workloads[] = {
    {
        .name = "rows_measurements",
        .title = "every value of 4 numeric columns",
        .rows_sql = "SELECT count(*) FROM measurements",
        .check_sql = "SELECT CAST(sum(CAST(id AS bigint)) + sum(CAST(sensor AS bigint)) + "
                     "sum(total) + CAST(floor(sum(value)) AS bigint) AS bigint) FROM measurements",
        .bar = 1.15,
        .peak_bar_kb = ROWS_PEAK_BAR_KB,
    },
    {
        .name = "rows_mixed",
        .title = "every value of 6 columns: numbers with NULLs, text, date, timestamp",
        .rows_sql = "SELECT count(*) FROM mixed",
        /* A timestamp is id * 100 ms from the epoch. */
        .check_sql = "SELECT CAST(sum(CAST(id AS bigint)) + sum(total) + "
                     "CAST(floor(sum(value)) AS bigint) + sum(length(name)) + sum(day - date "
                     "'2000-01-01') + "
                     "sum(CAST(id AS bigint) * 100000) AS bigint) FROM mixed",
        .bar = 1.15,
        .peak_bar_kb = ROWS_PEAK_BAR_KB,
    },
    {
        .name = "select1",
        .title = "one round trip, the median of many",
        .rows_sql = "SELECT 1",
        .check_sql = "SELECT 1",
        .bar = 1.05,
    },
    {
        .name = "load_flights",
        .title = "a CSV file into a table; the floor is the server's own COPY FROM of it",
        .rows_sql = "SELECT count(*) FROM flights",
        .verify_sql = "SELECT (SELECT count(*) FROM (SELECT * FROM flights EXCEPT "
                      "SELECT * FROM flights_floor) AS missing) + "
                      "(SELECT count(*) FROM (SELECT * FROM flights_floor EXCEPT "
                      "SELECT * FROM flights) AS extra)",
        .bar = 1.2,
    },
};
const size_t bench_workload_count = sizeof bench_workloads / sizeof bench_workloads[0];

/* The floor runs twice, in two processes: how far the two lie apart is what noise alone does. */
#define FLOOR_CLIENTS(workload_name, prepare_fn, run_fn)                             \
    {.workload = workload_name,                                                      \
     .name = "floor",                                                                \
     .is_reported = true,                                                            \
     .open = floor_client_open,                                                      \
     .prepare = prepare_fn,                                                          \
     .run = run_fn,                                                                  \
     .close = floor_client_close},                                                   \
    {                                                                                \
        .workload = workload_name, .name = "floor again", .open = floor_client_open, \
        .prepare = prepare_fn, .run = run_fn, .close = floor_client_close            \
    }

#define HYPERLINE_CLIENT(workload_name, run_fn)                                \
    {                                                                          \
        .workload = workload_name, .name = "hyperline", .returns_check = true, \
        .is_reported = true, .open = hyperline_client_open, .run = run_fn,     \
        .close = hyperline_client_close                                        \
    }

const bench_client bench_clients[] = {
    FLOOR_CLIENTS("rows_measurements", NULL, floor_client_measurements),
    HYPERLINE_CLIENT("rows_measurements", hyperline_client_measurements),
    FLOOR_CLIENTS("rows_mixed", NULL, floor_client_mixed),
    HYPERLINE_CLIENT("rows_mixed", hyperline_client_mixed),
    FLOOR_CLIENTS("select1", NULL, floor_client_select1),
    HYPERLINE_CLIENT("select1", hyperline_client_select1),
    FLOOR_CLIENTS("load_flights", floor_client_empty_flights, floor_client_load),
    {
        .workload = "load_flights",
        .name = "hyperline",
        .is_reported = true,
        .open = load_client_open,
        .run = load_client_run,
        .close = load_client_close,
    },
};
const size_t bench_client_count = sizeof bench_clients / sizeof bench_clients[0];

const bench_workload *bench_find_workload(const char *name)
{
    for (size_t i = 0; i < bench_workload_count; i++) {
        if (strcmp(bench_workloads[i].name, name) == 0) {
            return &bench_workloads[i];
        }
    }
    return NULL;
}

const bench_client *bench_find_client(const char *workload, const char *name)
{
    for (size_t i = 0; i < bench_client_count; i++) {
        if (strcmp(bench_clients[i].workload, workload) == 0 &&
            strcmp(bench_clients[i].name, name) == 0) {
            return &bench_clients[i];
        }
    }
    return NULL;
}
