/* What is made of many numbers. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>

/* These sort `values`; `count` is at least 1. */
double stats_median(double *values, size_t count);
/* The interquartile range as a part of the median. */
double stats_spread(double *values, size_t count);

#endif
