#include "report.h"

#include "cli/fail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* The bars of `hyperline`, and whether they are met. */
static void format_bar(const bench_workload *workload, const measure_result *result, char *out,
                       size_t cap)
{
    bool fast = result->ratio <= workload->bar;
    bool small = workload->peak_bar_kb == 0 || result->peak_rss_kb < workload->peak_bar_kb;
    int len = snprintf(out, cap, "at most %.2f", workload->bar);
    if (workload->peak_bar_kb != 0) {
        len +=
            snprintf(out + len, cap - (size_t)len, ", under %ld MB", workload->peak_bar_kb / 1024);
    }
    snprintf(out + len, cap - (size_t)len, ": %s", fast && small ? "met" : "MISSED");
}

#define ROW_FORMAT "%-17s  %-11s  %11s  %9s  %6s  %9s  %8s  %7s"

void report_head(void)
{
    printf(ROW_FORMAT "  %s\n", "workload", "client", "rows", "wall", "spread", "CPU", "peak",
           "x floor", "bar");
}

static void print_result(const bench_workload *workload, const measure_result *result)
{
    char rows[32];
    char wall[32];
    char cpu[32];
    char spread[16];
    char peak[16];
    char ratio[16];
    char bar[64] = "";
    format_count(result->rows, rows, sizeof rows);
    format_time(result->wall_s, wall, sizeof wall);
    format_time(result->cpu_s, cpu, sizeof cpu);
    snprintf(spread, sizeof spread, "%.1f %%", result->spread * 100);
    snprintf(peak, sizeof peak, "%.1f MB", (double)result->peak_rss_kb / 1024);
    snprintf(ratio, sizeof ratio, "%.3f", result->ratio);
    if (strcmp(result->client->name, "hyperline") == 0) {
        format_bar(workload, result, bar, sizeof bar);
    }
    printf(ROW_FORMAT "%s%s\n", workload->name, result->client->name, rows, wall, spread, cpu, peak,
           ratio, bar[0] != '\0' ? "  " : "", bar);
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
            "\"ratio_to_floor\": %.4f}",
            result->rows, result->wall_s, result->cpu_s, result->peak_rss_kb, result->ratio);
}

static void write_results(FILE *file, const measure_results *results, size_t count)
{
    bool is_first = true;
    fputs("{\"results\": [", file);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < results[i].count; k++) {
            if (results[i].items[k].client->is_reported) {
                write_result(file, &results[i].items[k], is_first);
                is_first = false;
            }
        }
    }
    fputs("\n]}\n", file);
}

hyl_status report_json(const measure_results *results, size_t count, const char *path,
                       hyl_error *err)
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
    write_results(file, results, count);
    bool written = ferror(file) == 0;
    if (fclose(file) != 0 || !written || rename(unfinished, path) < 0) {
        int saved = errno;
        (void)remove(unfinished);
        return cli_fail_errno(err, saved, "writing %s failed", path);
    }
    return HYL_OK;
}
