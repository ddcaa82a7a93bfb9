/* What people and programs are told. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "measure.h"

/* Prints the table's head, then a workload's lines, to standard output. */
void report_head(void);
void report_workload(const measure_results *results);

/*
 * Writes {"results": [...]} with one object for each reported client. The file is whole or not
 * there. Errors: IO.
 */
HYL_NODISCARD hyl_status report_json(const measure_results *results, size_t count, const char *path,
                                     hyl_error *err);

#endif
