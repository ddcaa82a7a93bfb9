/* What is asked of `hyperline`, and whether it was met. */
#ifndef BENCH_BARS_H
#define BENCH_BARS_H

#include "measure.h"

typedef enum bars_verdict {
    BARS_MET,
    BARS_MISSED,
    BARS_NOT_MEASURED, /* the client that it is compared with was not there */
} bars_verdict;

enum { BARS_TEXT_MAX = 96 };

/* The next bar of the workload behind `bar`; NULL begins, and ends. */
const bench_bar *bars_next(const bench_workload *workload, const bench_bar *bar);

/* What was measured, in the unit of the bar's limit: seconds, kB, or a multiple. */
bars_verdict bars_judge(const bench_bar *bar, const measure_results *results, double *figure);

/* "wall at most 1.05 x floor", without what was measured. */
void bars_describe(const bench_bar *bar, char out[BARS_TEXT_MAX]);
/* What was measured: "1.02 x", "3.4 MB". */
void bars_format_figure(const bench_bar *bar, double figure, char out[BARS_TEXT_MAX]);
/* "met", "MISSED", "not measured". */
const char *bars_verdict_text(bars_verdict verdict);

#endif
