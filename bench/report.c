#include "report.h"

#include "bars.h"

#include "cli/fail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* From where on noise is to be spoken of. */
#define NOISY_FLOOR  0.05 /* two floors that lie so far apart */
#define NOISY_OTHERS 0.10 /* that part of the machine taken by others */

/* ---- For people ----------------------------------------------------------------------------- */

/* 1234567 as 1,234,567. */
static void format_count(int64_t count, char *out, size_t cap)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, count);
    size_t at = 0;
    for (int i = 0; i < len && at + 2 < cap; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

static void format_time(double seconds, char *out, size_t cap)
{
    if (seconds < 0.001) {
        snprintf(out, cap, "%.1f us", seconds * 1e6);
    } else if (seconds < 0.1) {
        snprintf(out, cap, "%.2f ms", seconds * 1e3);
    } else {
        snprintf(out, cap, "%.3f s", seconds);
    }
}

#define ROW_FORMAT "%-26s  %-11s  %11s  %9s  %6s  %9s  %8s  %7s"

void report_head(void)
{
    printf(ROW_FORMAT "\n", "workload", "client", "rows", "wall", "spread", "CPU", "peak",
           "x floor");
}

static void print_result(const bench_workload *workload, const measure_result *result)
{
    char rows[32];
    char wall[32];
    char cpu[32];
    char spread[16];
    char peak[16];
    char ratio[16];
    format_count(result->rows, rows, sizeof rows);
    format_time(result->wall_s, wall, sizeof wall);
    format_time(result->cpu_s, cpu, sizeof cpu);
    snprintf(spread, sizeof spread, "%.1f %%", result->spread * 100);
    snprintf(peak, sizeof peak, "%.1f MB", (double)result->peak_rss_kb / 1024);
    snprintf(ratio, sizeof ratio, "%.3f", result->ratio);
    printf(ROW_FORMAT "\n", workload->name, result->client->name, rows, wall, spread, cpu, peak,
           ratio);
}

static void print_bars(const measure_results *results)
{
    const bench_bar *bar = NULL;
    while ((bar = bars_next(results->workload, bar)) != NULL) {
        char text[BARS_TEXT_MAX];
        char figure[BARS_TEXT_MAX] = "";
        double number = 0;
        bars_verdict verdict = bars_judge(bar, results, &number);
        bars_describe(bar, text);
        if (verdict != BARS_NOT_MEASURED) {
            bars_format_figure(bar, number, figure);
        }
        printf("  bar: %s: %s%s%s\n", text, figure, figure[0] != '\0' ? ", " : "",
               bars_verdict_text(verdict));
    }
}

/* Says so where the figures cannot be trusted. */
static void print_noise(const measure_results *results)
{
    for (size_t i = 1; i < results->count; i++) {
        const measure_result *result = &results->items[i];
        double apart = result->ratio > 1 ? result->ratio - 1 : 1 - result->ratio;
        if (strcmp(result->client->name, "floor again") == 0 && apart > NOISY_FLOOR) {
            printf("  noisy: the floor is %.1f %% from itself\n", apart * 100);
        }
    }
    if (results->others > NOISY_OTHERS) {
        printf("  noisy: other processes took %.0f %% of the machine\n", results->others * 100);
    }
}

void report_workload(const measure_results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        print_result(results->workload, &results->items[i]);
    }
    if (results->plan[0] != '\0') {
        printf("  floor: %s\n", results->plan);
    }
    print_bars(results);
    print_noise(results);
    fflush(stdout);
}

/* ---- For programs --------------------------------------------------------------------------- */

static void write_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20) {
            fprintf(file, "\\u%04x", (unsigned)*text);
        } else {
            if (*text == '"' || *text == '\\') {
                fputc('\\', file);
            }
            fputc(*text, file);
        }
    }
    fputc('"', file);
}

static void write_result(FILE *file, const measure_result *result, bool is_first)
{
    fputs(is_first ? "\n    {\"workload\": " : ",\n    {\"workload\": ", file);
    write_string(file, result->client->workload);
    fputs(", \"client\": ", file);
    write_string(file, result->client->name);
    fprintf(file,
            ", \"rows\": %" PRId64 ", \"wall_s\": %.9f, \"cpu_s\": %.9f, \"peak_rss_kb\": %ld, "
            "\"ratio_to_floor\": %.4f, \"spread\": %.4f}",
            result->rows, result->wall_s, result->cpu_s, result->peak_rss_kb, result->ratio,
            result->spread);
}

static void write_results(FILE *file, const measure_results *results, size_t count)
{
    bool is_first = true;
    fputs("\"results\": [", file);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < results[i].count; k++) {
            if (results[i].items[k].client->is_reported) {
                write_result(file, &results[i].items[k], is_first);
                is_first = false;
            }
        }
    }
    fputs("\n]", file);
}

static void write_bar(FILE *file, const bench_bar *bar, const measure_results *results,
                      bool is_first)
{
    char text[BARS_TEXT_MAX];
    char figure[BARS_TEXT_MAX];
    double number = 0;
    bars_verdict verdict = bars_judge(bar, results, &number);
    bars_describe(bar, text);
    bars_format_figure(bar, number, figure);
    fputs(is_first ? "\n    {\"workload\": " : ",\n    {\"workload\": ", file);
    write_string(file, bar->workload);
    fputs(", \"bar\": ", file);
    write_string(file, text);
    if (verdict == BARS_NOT_MEASURED) {
        fputs(", \"measured\": null, \"met\": null}", file);
    } else {
        fputs(", \"measured\": ", file);
        write_string(file, figure);
        fprintf(file, ", \"met\": %s}", verdict == BARS_MET ? "true" : "false");
    }
}

static void write_bars(FILE *file, const measure_results *results, size_t count)
{
    bool is_first = true;
    fputs("\"bars\": [", file);
    for (size_t i = 0; i < count; i++) {
        const bench_bar *bar = NULL;
        while ((bar = bars_next(results[i].workload, bar)) != NULL) {
            write_bar(file, bar, &results[i], is_first);
            is_first = false;
        }
    }
    fputs("\n]", file);
}

static void write_workload(FILE *file, const measure_results *results, bool is_first)
{
    fputs(is_first ? "\n        {\"name\": " : ",\n        {\"name\": ", file);
    write_string(file, results->workload->name);
    fputs(", \"title\": ", file);
    write_string(file, results->workload->title);
    fputs(", \"floor_sends\": ", file);
    write_string(file, results->plan);
    fprintf(file, ", \"taken_by_others\": %.3f, \"floor_again\": ", results->others);
    const measure_result *again = measure_find(results, "floor again");
    if (again != NULL) {
        fprintf(file, "%.4f}", again->ratio);
    } else {
        fputs("null}", file);
    }
}

static void write_about(FILE *file, const measure_results *results, size_t count,
                        const report_about *about)
{
    char date[16];
    time_t now = time(NULL);
    struct tm today;
    strftime(date, sizeof date, "%Y-%m-%d", localtime_r(&now, &today));
    fprintf(file, "\"about\": {\n    \"date\": \"%s\",\n    \"machine\": ", date);
    write_string(file, about->machine);
    fputs(",\n    \"hyper\": ", file);
    write_string(file, about->hyper);
    fprintf(file, ",\n    \"runs\": %zu,\n    \"peer_runs\": %zu,\n    \"load\": %.2f,\n",
            about->runs.own, about->runs.peers, about->load);
    fputs("    \"workloads\": [", file);
    for (size_t i = 0; i < count; i++) {
        write_workload(file, &results[i], i == 0);
    }
    fputs("\n    ]\n}", file);
}

hyl_status report_json(const measure_results *results, size_t count, const report_about *about,
                       const char *path, hyl_error *err)
{
    char unfinished[4096];
    int len = snprintf(unfinished, sizeof unfinished, "%s.unfinished", path);
    if (len < 0 || (size_t)len >= sizeof unfinished) {
        return cli_fail(err, HYL_ERR_ARG, "%s: the path is too long", path);
    }
    FILE *file = fopen(unfinished, "we");
    if (file == NULL) {
        return cli_fail_errno(err, errno, "%s", unfinished);
    }
    fputc('{', file);
    write_results(file, results, count);
    fputs(",\n", file);
    write_bars(file, results, count);
    fputs(",\n", file);
    write_about(file, results, count, about);
    fputs("}\n", file);
    bool written = ferror(file) == 0;
    if (fclose(file) != 0 || !written || rename(unfinished, path) < 0) {
        int saved = errno;
        (void)remove(unfinished);
        return cli_fail_errno(err, saved, "writing %s failed", path);
    }
    return HYL_OK;
}
