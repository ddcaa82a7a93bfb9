#include "stats.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The value at `part` (0..1) of the sorted values, between two of them by their weights. */
static double quantile(const double *sorted, size_t count, double part)
{
    double place = part * (double)(count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (sorted[above] - sorted[below]) * (place - (double)below);
}

double stats_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return quantile(values, count, 0.5);
}

double stats_spread(double *values, size_t count)
{
    double median = stats_median(values, count);
    double range = quantile(values, count, 0.75) - quantile(values, count, 0.25);
    return median > 0 ? range / median : 0;
}
