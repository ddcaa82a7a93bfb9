/* The tables that say what is measured. */
#include "batches.h"
#include "clients.h"

#include <string.h>

/* ---- Workloads ------------------------------------------------------------------------------ */

/* 0 of no rows. */
#define SUM_OF_MEASUREMENTS                                                                      \
    "SELECT COALESCE(CAST(sum(CAST(id AS bigint)) + sum(CAST(sensor AS bigint)) + sum(total) + " \
    "CAST(floor(sum(value)) AS bigint) AS bigint), 0) FROM "
/* A timestamp is id * 100 ms from the epoch. */
#define SUM_OF_MIXED                                                                         \
    "SELECT COALESCE(CAST(sum(CAST(id AS bigint)) + sum(total) + CAST(floor(sum(value)) AS " \
    "bigint) + "                                                                             \
    "sum(length(name)) + sum(day - date '2000-01-01') + sum(CAST(id AS bigint) * 100000) "   \
    "AS bigint), 0) FROM "
#define SUM_OF_THINGS(kind)                                                                  \
    "SELECT COALESCE(CAST(sum(CAST(id AS bigint)) + sum(total) + CAST(floor(sum(value)) AS " \
    "bigint) + "                                                                             \
    "sum(length(name)) + sum(length(" kind ")) AS bigint), 0) FROM "

#define HALF_OF_MEASUREMENTS "measurements WHERE id <= (SELECT count(*) / 2 FROM measurements)"
#define COUNT_MEASUREMENTS   "SELECT count(*) FROM measurements"
#define COUNT_HALF           "SELECT count(*) FROM mixed"

const bench_workload bench_workloads[] = {
    {
        .name = "arrow_measurements",
        .title = "4 numeric columns as Arrow, batches released unread",
        .rows_sql = COUNT_MEASUREMENTS,
    },
    {
        .name = "arrow_measurements_sum",
        .title = "the same, every value summed",
        .rows_sql = COUNT_MEASUREMENTS,
        .check_sql = SUM_OF_MEASUREMENTS "measurements",
    },
    {
        .name = "arrow_mixed",
        .title = "numbers with NULLs, text, date, timestamp as Arrow, released unread",
        .rows_sql = COUNT_HALF,
    },
    {
        .name = "arrow_measurements_datarow",
        .title = "arrow_measurements built out of DataRows; the floor receives DataRows",
        .rows_sql = COUNT_MEASUREMENTS,
    },
    {
        .name = "arrow_mixed_datarow",
        .title = "arrow_mixed built out of DataRows; the floor receives DataRows",
        .rows_sql = COUNT_HALF,
    },
    {
        .name = "rows_measurements",
        .title = "4 numeric columns by rows, every value read; the floor receives Arrow",
        .rows_sql = COUNT_MEASUREMENTS,
        .check_sql = SUM_OF_MEASUREMENTS "measurements",
    },
    {
        .name = "rows_mixed",
        .title = "6 columns by rows: numbers with NULLs, text, date, timestamp; the same floor",
        .rows_sql = COUNT_HALF,
        .check_sql = SUM_OF_MIXED "mixed",
    },
    {
        .name = "rows_measurements_datarow",
        .title = "rows_measurements with transfer=rows; the floor receives DataRows",
        .rows_sql = COUNT_MEASUREMENTS,
        .check_sql = SUM_OF_MEASUREMENTS "measurements",
    },
    {
        .name = "rows_mixed_datarow",
        .title = "rows_mixed with transfer=rows; the floor receives DataRows",
        .rows_sql = COUNT_HALF,
        .check_sql = SUM_OF_MIXED "mixed",
    },
    {
        .name = "insert_measurements",
        .title = "rows into a table, a call for each value; the floor sends encoded rows",
        .rows_sql = COUNT_HALF,
        .check_sql = SUM_OF_MEASUREMENTS HALF_OF_MEASUREMENTS,
        .after_sql = SUM_OF_MEASUREMENTS "measurements_in",
        .table = "measurements_in",
        .floor_kind = BATCHES_MEASUREMENTS,
    },
    {
        .name = "insert_mixed",
        .title = "the same with NULLs, text, date, timestamp",
        .rows_sql = COUNT_HALF,
        .check_sql = SUM_OF_MIXED "mixed",
        .after_sql = SUM_OF_MIXED "mixed_in",
        .table = "mixed_in",
        .floor_kind = BATCHES_MIXED,
    },
    {
        .name = "insert_arrow_plain",
        .title = "Arrow batches into a table of exactly their types",
        .rows_sql = COUNT_HALF,
        .check_sql = SUM_OF_THINGS("'kind of thing ' || (id % 100)") "mixed",
        .after_sql = SUM_OF_THINGS("kind") "arrow_in",
        .table = "arrow_in",
        .floor_kind = BATCHES_PLAIN,
    },
    {
        .name = "insert_arrow_normalised",
        .title = "the same rows as int32 for bigint, string_view and dictionary for text",
        .rows_sql = COUNT_HALF,
        .check_sql = SUM_OF_THINGS("'kind of thing ' || (id % 100)") "mixed",
        .after_sql = SUM_OF_THINGS("kind") "arrow_in",
        .table = "arrow_in",
        .floor_kind = BATCHES_PLAIN,
    },
    {
        .name = "growth_arrow",
        .title = "arrow_measurements_sum against ten times a tenth of the rows",
        .rows_sql = COUNT_MEASUREMENTS,
    },
    {
        .name = "growth_rows",
        .title = "rows_measurements against ten times a tenth of the rows",
        .rows_sql = COUNT_MEASUREMENTS,
    },
    {
        .name = "growth_insert",
        .title = "insert_measurements against ten times a tenth of the rows",
        .rows_sql = COUNT_HALF,
        .check_sql = COUNT_HALF,
        .after_sql = "SELECT count(*) FROM measurements_in",
        .table = "measurements_in",
    },
    {
        .name = "select1",
        .title = "one round trip, the median of many",
        .rows_sql = "SELECT 1",
        .check_sql = "SELECT 1",
    },
    {
        .name = "load_flights",
        .title = "a CSV file into a table; the floor is the server's own COPY FROM of it",
        .rows_sql = "SELECT count(*) FROM flights",
        .verify_sql = "SELECT (SELECT count(*) FROM (SELECT * FROM flights EXCEPT "
                      "SELECT * FROM flights_floor) AS missing) + "
                      "(SELECT count(*) FROM (SELECT * FROM flights_floor EXCEPT "
                      "SELECT * FROM flights) AS extra)",
    },
};
const size_t bench_workload_count = sizeof bench_workloads / sizeof bench_workloads[0];

/* ---- Bars ----------------------------------------------------------------------------------- */

#define MB(n) ((n)*1024.0)

/* At most so many times what another client takes. */
#define WALL_OF(workload, of, limit)           \
    {                                          \
        workload, BENCH_WALL, of, limit, false \
    }
#define CPU_OF(workload, of, limit)           \
    {                                         \
        workload, BENCH_CPU, of, limit, false \
    }
#define PEAK_OF(workload, of, limit)           \
    {                                          \
        workload, BENCH_PEAK, of, limit, false \
    }
/* At least so many times as fast as another client. */
#define AS_FAST_AS(workload, of, limit)       \
    {                                         \
        workload, BENCH_WALL, of, limit, true \
    }

/* Ten times the rows: ten times the time, give or take a twentieth, and the same memory. */
#define GROWTH(workload) WALL_OF(workload, "tenth", 1.05), PEAK_OF(workload, "tenth", 1.05)

#define INSERTER(workload)                                                 \
    WALL_OF(workload, "floor", 1.05), AS_FAST_AS(workload, "rust", 1.25),  \
        AS_FAST_AS(workload, "closed", 1.25), CPU_OF(workload, "rust", 1), \
        PEAK_OF(workload, "rust", 1)

const bench_bar bench_bars[] = {
    WALL_OF("arrow_measurements", "floor", 1.05),
    {"arrow_measurements", BENCH_CPU, NULL, 0.06, false},
    {"arrow_measurements", BENCH_PEAK, NULL, MB(8), false},
    AS_FAST_AS("arrow_measurements", "rust-arrow", 1.3),
    PEAK_OF("arrow_measurements", "rust-arrow", 0.05),
    WALL_OF("arrow_measurements_sum", "floor", 1.4),
    AS_FAST_AS("arrow_measurements_sum", "closed", 4.5),
    AS_FAST_AS("arrow_measurements_sum", "rust", 7),
    WALL_OF("arrow_mixed", "floor", 1.05),
    WALL_OF("arrow_measurements_datarow", "floor", 1.2),
    WALL_OF("arrow_mixed_datarow", "floor", 1.2),
    WALL_OF("rows_measurements", "floor", 1.8),
    {"rows_measurements", BENCH_PEAK, NULL, MB(10), false},
    AS_FAST_AS("rows_measurements", "closed", 3.5),
    AS_FAST_AS("rows_measurements", "rust", 5.5),
    WALL_OF("rows_mixed", "floor", 1.8),
    {"rows_mixed", BENCH_PEAK, NULL, MB(10), false},
    AS_FAST_AS("rows_mixed", "closed", 3.5),
    AS_FAST_AS("rows_mixed", "rust", 5.5),
    WALL_OF("rows_measurements_datarow", "floor", 1.15),
    {"rows_measurements_datarow", BENCH_PEAK, NULL, MB(10), false},
    WALL_OF("rows_mixed_datarow", "floor", 1.15),
    {"rows_mixed_datarow", BENCH_PEAK, NULL, MB(10), false},
    INSERTER("insert_measurements"),
    INSERTER("insert_mixed"),
    WALL_OF("insert_arrow_normalised", "plain", 1.15),
    GROWTH("growth_arrow"),
    GROWTH("growth_rows"),
    GROWTH("growth_insert"),
    WALL_OF("select1", "floor", 1.05),
    WALL_OF("load_flights", "floor", 1.2),
};
const size_t bench_bar_count = sizeof bench_bars / sizeof bench_bars[0];

/* ---- Clients -------------------------------------------------------------------------------- */

/* The floor runs twice, in two processes: how far the two lie apart is what noise alone does. */
#define FLOOR_CLIENTS(workload_name, open_fn, prepare_fn, run_fn)                                 \
    {.workload = workload_name,                                                                   \
     .name = "floor",                                                                             \
     .is_reported = true,                                                                         \
     .open = open_fn,                                                                             \
     .prepare = prepare_fn,                                                                       \
     .run = run_fn,                                                                               \
     .close = floor_client_close},                                                                \
    {                                                                                             \
        .workload = workload_name, .name = "floor again", .open = open_fn, .prepare = prepare_fn, \
        .run = run_fn, .close = floor_client_close                                                \
    }

#define READ_FLOOR(workload_name, run_fn) \
    FLOOR_CLIENTS(workload_name, floor_client_open, NULL, run_fn)
#define INSERT_FLOOR(workload_name, open_fn) \
    FLOOR_CLIENTS(workload_name, open_fn, NULL, floor_insert_run)

/* A client of this program that queries. */
#define READER(workload_name, client_name, sums, run_fn)                       \
    {                                                                          \
        .workload = workload_name, .name = client_name, .returns_check = sums, \
        .is_reported = true, .open = hyperline_client_open, .run = run_fn,     \
        .close = hyperline_client_close                                        \
    }

#define INSERTER_CLIENT(workload_name, client_name, run_fn)                     \
    {                                                                           \
        .workload = workload_name, .name = client_name, .is_reported = true,    \
        .open = insert_client_open, .run = run_fn, .close = insert_client_close \
    }

#define ARROW_INSERTER(workload_name, client_name, open_fn)                                   \
    {                                                                                         \
        .workload = workload_name, .name = client_name, .is_reported = true, .open = open_fn, \
        .run = insert_arrow_run, .close = insert_arrow_close                                  \
    }

#define CLOSED(workload_name, sums, run_fn)                                                    \
    {                                                                                          \
        .workload = workload_name, .name = "closed", .peer = BENCH_PEER_CLOSED,                \
        .returns_check = sums, .is_reported = true, .open = closed_client_open, .run = run_fn, \
        .close = closed_client_close                                                           \
    }

/* A program of its own. */
#define PEER(workload_name, client_name, peer_id, sums)                                         \
    {                                                                                           \
        .workload = workload_name, .name = client_name, .peer = peer_id, .returns_check = sums, \
        .is_reported = true                                                                     \
    }
#define RUST(workload_name, sums)       PEER(workload_name, "rust", BENCH_PEER_RUST, sums)
#define RUST_ARROW(workload_name, sums) PEER(workload_name, "rust-arrow", BENCH_PEER_RUST, sums)
#define PANTAB(workload_name, sums)     PEER(workload_name, "pantab", BENCH_PEER_PANTAB, sums)

/* Of one workload the floor comes first. */
const bench_client bench_clients[] = {
    READ_FLOOR("arrow_measurements", floor_client_arrow_measurements),
    READER("arrow_measurements", "hyperline", false, arrow_client_measurements),
    RUST_ARROW("arrow_measurements", false),

    READ_FLOOR("arrow_measurements_sum", floor_client_arrow_measurements),
    READER("arrow_measurements_sum", "hyperline", true, arrow_client_sum),
    CLOSED("arrow_measurements_sum", true, closed_client_measurements),
    RUST("arrow_measurements_sum", true),
    RUST_ARROW("arrow_measurements_sum", true),
    PANTAB("arrow_measurements_sum", true),

    READ_FLOOR("arrow_mixed", floor_client_arrow_mixed),
    READER("arrow_mixed", "hyperline", false, arrow_client_mixed),
    RUST_ARROW("arrow_mixed", false),
    PANTAB("arrow_mixed", false),

    READ_FLOOR("arrow_measurements_datarow", floor_client_measurements),
    READER("arrow_measurements_datarow", "hyperline", false, arrow_client_measurements_datarow),

    READ_FLOOR("arrow_mixed_datarow", floor_client_mixed),
    READER("arrow_mixed_datarow", "hyperline", false, arrow_client_mixed_datarow),

    READ_FLOOR("rows_measurements", floor_client_arrow_measurements),
    READER("rows_measurements", "hyperline", true, hyperline_client_measurements),
    CLOSED("rows_measurements", true, closed_client_measurements),
    RUST("rows_measurements", true),

    READ_FLOOR("rows_mixed", floor_client_arrow_mixed),
    READER("rows_mixed", "hyperline", true, hyperline_client_mixed),
    CLOSED("rows_mixed", true, closed_client_mixed),
    RUST("rows_mixed", true),

    READ_FLOOR("rows_measurements_datarow", floor_client_measurements),
    READER("rows_measurements_datarow", "hyperline", true, hyperline_client_measurements_datarow),

    READ_FLOOR("rows_mixed_datarow", floor_client_mixed),
    READER("rows_mixed_datarow", "hyperline", true, hyperline_client_mixed_datarow),

    INSERT_FLOOR("insert_measurements", floor_insert_open_measurements),
    INSERTER_CLIENT("insert_measurements", "hyperline", insert_client_measurements),
    CLOSED("insert_measurements", false, closed_client_insert_measurements),
    RUST("insert_measurements", false),

    INSERT_FLOOR("insert_mixed", floor_insert_open_mixed),
    INSERTER_CLIENT("insert_mixed", "hyperline", insert_client_mixed),
    CLOSED("insert_mixed", false, closed_client_insert_mixed),
    RUST("insert_mixed", false),
    PANTAB("insert_mixed", true),

    INSERT_FLOOR("insert_arrow_plain", floor_insert_open_plain),
    ARROW_INSERTER("insert_arrow_plain", "hyperline", insert_arrow_open_plain),
    RUST_ARROW("insert_arrow_plain", false),
    PANTAB("insert_arrow_plain", true),

    INSERT_FLOOR("insert_arrow_normalised", floor_insert_open_plain),
    ARROW_INSERTER("insert_arrow_normalised", "hyperline", insert_arrow_open_normalised),
    ARROW_INSERTER("insert_arrow_normalised", "plain", insert_arrow_open_plain),

    READER("growth_arrow", "tenth", false, arrow_client_sum_tenths),
    READER("growth_arrow", "hyperline", false, arrow_client_sum),

    READER("growth_rows", "tenth", false, hyperline_client_tenths),
    READER("growth_rows", "hyperline", false, hyperline_client_measurements),

    INSERTER_CLIENT("growth_insert", "tenth", insert_client_tenths),
    INSERTER_CLIENT("growth_insert", "hyperline", insert_client_measurements),

    READ_FLOOR("select1", floor_client_select1),
    READER("select1", "hyperline", true, hyperline_client_select1),

    FLOOR_CLIENTS("load_flights", floor_client_open, floor_client_empty_flights, floor_client_load),
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
