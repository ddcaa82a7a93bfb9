#include "bars.h"

#include <stdio.h>
#include <string.h>

static const char *const measure_names[] = {
    [BENCH_WALL] = "wall",
    [BENCH_CPU] = "CPU",
    [BENCH_PEAK] = "peak",
};

const bench_bar *bars_next(const bench_workload *workload, const bench_bar *bar)
{
    const bench_bar *end = bench_bars + bench_bar_count;
    for (bar = bar == NULL ? bench_bars : bar + 1; bar < end; bar++) {
        if (strcmp(bar->workload, workload->name) == 0) {
            return bar;
        }
    }
    return NULL;
}

static double measured(const bench_bar *bar, const measure_result *result)
{
    switch (bar->measure) {
    case BENCH_WALL:
        return result->wall_s;
    case BENCH_CPU:
        return result->cpu_s;
    default:
        return (double)result->peak_rss_kb;
    }
}

bars_verdict bars_judge(const bench_bar *bar, const measure_results *results, double *figure)
{
    const measure_result *ours = measure_find(results, "hyperline");
    const measure_result *of = bar->of != NULL ? measure_find(results, bar->of) : NULL;
    *figure = 0;
    if (ours == NULL || (bar->of != NULL && of == NULL)) {
        return BARS_NOT_MEASURED;
    }
    *figure = measured(bar, ours);
    if (of != NULL) {
        *figure /= measured(bar, of);
    }
    if (bar->is_speed_up) {
        *figure = 1 / *figure;
        return *figure >= bar->limit ? BARS_MET : BARS_MISSED;
    }
    return *figure <= bar->limit ? BARS_MET : BARS_MISSED;
}

void bars_describe(const bench_bar *bar, char out[BARS_TEXT_MAX])
{
    if (bar->is_speed_up) {
        snprintf(out, BARS_TEXT_MAX, "at least %.2f x as fast as %s", bar->limit, bar->of);
    } else if (bar->of != NULL) {
        snprintf(out, BARS_TEXT_MAX, "%s at most %.2f x %s", measure_names[bar->measure],
                 bar->limit, bar->of);
    } else if (bar->measure == BENCH_PEAK) {
        snprintf(out, BARS_TEXT_MAX, "peak at most %.0f MB", bar->limit / 1024);
    } else {
        snprintf(out, BARS_TEXT_MAX, "%s at most %.2f s", measure_names[bar->measure], bar->limit);
    }
}

void bars_format_figure(const bench_bar *bar, double figure, char out[BARS_TEXT_MAX])
{
    if (bar->of != NULL) {
        snprintf(out, BARS_TEXT_MAX, "%.3f x", figure);
    } else if (bar->measure == BENCH_PEAK) {
        snprintf(out, BARS_TEXT_MAX, "%.1f MB", figure / 1024);
    } else {
        snprintf(out, BARS_TEXT_MAX, "%.3f s", figure);
    }
}

const char *bars_verdict_text(bars_verdict verdict)
{
    return verdict == BARS_MET ? "met" : verdict == BARS_MISSED ? "MISSED" : "not measured";
}
