/*
 * hyperline-bench: how close the library comes to what the server and the socket allow.
 * See docs/benchmarks.md.
 */
#include "machine.h"
#include "measure.h"
#include "report.h"
#include "stage.h"
#include "worker.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, MAX_RUNS = 10000, MAX_WORKLOADS = 16 };

typedef struct bench_options {
    size_t runs;
    int64_t rows;
    const char *flights;
    const char *output;
    const char *only; /* a workload, NULL for all */
} bench_options;

/* ---- Options -------------------------------------------------------------------------------- */

static const char usage[] =
    "Usage: hyperline-bench [OPTION]...\n"
    "\n"
    "Starts a Hyper server and measures hyperline against the floor: a bare socket that receives\n"
    "the same answer and does not look at it. Prints a table and writes it as JSON.\n"
    "\n"
    "      --runs N         runs of each client, in turn; the median counts (15)\n"
    "      --rows N         rows of the table measurements; mixed has half of them (10000000)\n"
    "      --only WORKLOAD  measure this workload only\n"
    "      --flights FILE   the CSV file to load (.deps/data/flights.csv)\n"
    "      --output FILE    where the JSON goes (build/bench.json)\n"
    "  -h, --help           show this\n"
    "\n"
    "Workloads:\n";

static void print_usage(void)
{
    fputs(usage, stdout);
    for (size_t i = 0; i < bench_workload_count; i++) {
        printf("  %-17s  %s\n", bench_workloads[i].name, bench_workloads[i].title);
    }
}

/* A whole number from `least` to `most`. */
static bool read_number(const char *name, const char *text, long long least, long long most,
                        long long *out)
{
    char *end = NULL;
    *out = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || *out < least || *out > most) {
        fprintf(stderr, "hyperline-bench: --%s '%s' is no number from %lld to %lld\n", name, text,
                least, most);
        return false;
    }
    return true;
}

/* False where the program is over; *status is then its exit status. */
static bool read_options(int argc, char **argv, bench_options *out, int *status)
{
    static const struct option known[] = {
        {"runs", required_argument, NULL, 'r'},
        {"rows", required_argument, NULL, 'n'},
        {"only", required_argument, NULL, 'w'},
        {"flights", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    long long number = 0;
    int option = 0;
    *status = EXIT_USAGE;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 'r':
            if (!read_number("runs", optarg, 1, MAX_RUNS, &number)) {
                return false;
            }
            out->runs = (size_t)number;
            break;
        case 'n':
            if (!read_number("rows", optarg, 2, 2000000000, &number)) {
                return false;
            }
            out->rows = number;
            break;
        case 'w':
            out->only = optarg;
            break;
        case 'f':
            out->flights = optarg;
            break;
        case 'o':
            out->output = optarg;
            break;
        case 'h':
            print_usage();
            *status = EXIT_SUCCESS;
            return false;
        default:
            return false;
        }
    }
    if (optind < argc || (out->only != NULL && bench_find_workload(out->only) == NULL)) {
        fprintf(stderr, "hyperline-bench: there is no workload '%s'; see --help\n",
                optind < argc ? argv[optind] : out->only);
        return false;
    }
    return true;
}

/* ---- The course of things ------------------------------------------------------------------- */

static bool is_wanted(const bench_options *options, const bench_workload *workload)
{
    return options->only == NULL || strcmp(options->only, workload->name) == 0;
}

static hyl_status measure_all(bench_stage *stage, const bench_options *options,
                              measure_results *results, size_t *count, hyl_error *err)
{
    report_head();
    for (size_t i = 0; i < bench_workload_count; i++) {
        if (is_wanted(options, &bench_workloads[i])) {
            HYL_TRY(
                measure_workload(stage, &bench_workloads[i], options->runs, &results[*count], err));
            report_workload(&results[*count]);
            ++*count;
        }
    }
    return HYL_OK;
}

static void print_conditions(const bench_stage *stage, const bench_options *options, double load)
{
    char machine[192];
    const char *version = hyl_conn_parameter(stage->conn, "hyper_version");
    machine_describe(machine, sizeof machine);
    printf("%s; Hyper %s; median of %zu run%s\n", machine, version != NULL ? version : "unknown",
           options->runs, options->runs == 1 ? "" : "s");
    if (load > 0.5) {
        printf("noisy: the load was %.1f before the start; measure on a quiet machine\n", load);
    }
    putchar('\n');
}

static hyl_status run(const bench_options *options, hyl_error *err)
{
    bench_stage stage;
    size_t count = 0;
    double load = machine_load();
    measure_results *results = calloc(bench_workload_count, sizeof *results);
    if (results == NULL) {
        err->status = HYL_ERR_NOMEM;
        return HYL_ERR_NOMEM;
    }
    hyl_status status = stage_open(&stage, options->rows, options->flights, err);
    if (status == HYL_OK) {
        print_conditions(&stage, options, load);
        status = measure_all(&stage, options, results, &count, err);
        stage_close(&stage);
    }
    if (status == HYL_OK) {
        status = report_json(results, count, options->output, err);
    }
    free(results);
    return status;
}

/* A signal ends the clients, which share it, and so the measurement, in good order. */
static void ignore_signal(int number)
{
    (void)number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = ignore_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], WORKER_ARGUMENT) == 0) {
        return worker_main(argc, argv);
    }
    bench_options options = {15, 10000000, ".deps/data/flights.csv", "build/bench.json", NULL};
    hyl_error err = HYL_ERROR_INIT;
    int status = EXIT_SUCCESS;
    if (!read_options(argc, argv, &options, &status)) {
        return status;
    }
    catch_signals();
    if (run(&options, &err) < 0) {
        fprintf(stderr, "hyperline-bench: %s\n",
                err.message[0] != '\0' ? err.message : hyl_status_text(err.status));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
