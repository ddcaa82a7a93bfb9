/* What people and programs are told. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "measure.h"

/* Prints the table's head, then a workload's lines, to standard output. */
void report_head(void);
void report_workload(const measure_results *results);

/* Where and how was measured. */
typedef struct report_about {
    char machine[192];
    const char *hyper; /* the server's version */
    measure_runs runs;
    double load; /* before the start, below 0 where unknown */
} report_about;

/*
 * Writes {"results": [...], "bars": [...], "about": {...}}: an object for each reported client, for
 * each bar, and what belongs to all. The file is whole or not there. Errors: IO.
 */
HYL_NODISCARD hyl_status report_json(const measure_results *results, size_t count,
                                     const report_about *about, const char *path, hyl_error *err);

#endif
