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

/* Tenths of the tables and of their halves are to be whole. */
enum { ROWS_STEP = 20 };

enum { EXIT_USAGE = 2, MAX_RUNS = 10000, MAX_ONLY = 32 };

typedef struct bench_options {
    measure_runs runs; /* of peers 0: as often as the others */
    int64_t rows;
    const char *flights;
    const char *output;
    const char *peers; /* their folder, NULL for none */
    const bench_workload *only[MAX_ONLY];
    size_t only_count; /* 0 for all workloads */
} bench_options;

/* ---- Options -------------------------------------------------------------------------------- */

static const char usage[] =
    "Usage: hyperline-bench [OPTION]...\n"
    "\n"
    "Starts a Hyper server and measures hyperline against the floor: a bare socket that receives\n"
    "the same answer and does not look at it, or sends the same rows encoded beforehand; and\n"
    "against other clients of Hyper. Prints a table and writes it as JSON.\n"
    "\n"
    "      --runs N         runs of each client, in turn; the median counts (15)\n"
    "      --peer-runs N    runs of each other client, at most as many (as --runs)\n"
    "      --rows N         rows of the table measurements, a multiple of 20; the other tables "
    "have\n"
    "                       half of them (10000000)\n"
    "      --only WORKLOAD  measure this workload only; may be given again\n"
    "      --peers FOLDER   measure the other clients too, which bench/peers/setup has put there\n"
    "      --flights FILE   the CSV file to load (.deps/data/flights.csv)\n"
    "      --output FILE    where the JSON goes (build/bench.json)\n"
    "  -h, --help           show this\n"
    "\n"
    "Workloads:\n";

static void print_usage(void)
{
    fputs(usage, stdout);
    for (size_t i = 0; i < bench_workload_count; i++) {
        printf("  %-26s  %s\n", bench_workloads[i].name, bench_workloads[i].title);
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

static bool read_only(const char *name, bench_options *out)
{
    const bench_workload *workload = bench_find_workload(name);
    if (workload == NULL || out->only_count == MAX_ONLY) {
        fprintf(stderr, "hyperline-bench: there is no workload '%s'; see --help\n", name);
        return false;
    }
    out->only[out->only_count++] = workload;
    return true;
}

static bool read_rows(const char *text, bench_options *out)
{
    long long number = 0;
    if (!read_number("rows", text, ROWS_STEP, 2000000000, &number)) {
        return false;
    }
    if (number % ROWS_STEP != 0) {
        fprintf(stderr, "hyperline-bench: --rows '%s' is no multiple of %d\n", text, ROWS_STEP);
        return false;
    }
    out->rows = number;
    return true;
}

/* One option. False where it is wrong. */
static bool read_option(int option, bench_options *out)
{
    long long number = 0;
    switch (option) {
    case 'r':
    case 'p':
        if (!read_number(option == 'r' ? "runs" : "peer-runs", optarg, 1, MAX_RUNS, &number)) {
            return false;
        }
        *(option == 'r' ? &out->runs.own : &out->runs.peers) = (size_t)number;
        return true;
    case 'n':
        return read_rows(optarg, out);
    case 'w':
        return read_only(optarg, out);
    case 'P':
        out->peers = optarg;
        return true;
    case 'f':
        out->flights = optarg;
        return true;
    case 'o':
        out->output = optarg;
        return true;
    default:
        return false;
    }
}

/* False where the program is over; *status is then its exit status. */
static bool read_options(int argc, char **argv, bench_options *out, int *status)
{
    static const struct option known[] = {
        {"runs", required_argument, NULL, 'r'},
        {"peer-runs", required_argument, NULL, 'p'},
        {"rows", required_argument, NULL, 'n'},
        {"only", required_argument, NULL, 'w'},
        {"peers", required_argument, NULL, 'P'},
        {"flights", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option = 0;
    *status = EXIT_USAGE;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (option == 'h') {
            print_usage();
            *status = EXIT_SUCCESS;
            return false;
        }
        if (!read_option(option, out)) {
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "hyperline-bench: '%s' is no option; see --help\n", argv[optind]);
        return false;
    }
    if (out->runs.peers == 0 || out->runs.peers > out->runs.own) {
        out->runs.peers = out->runs.own;
    }
    return true;
}

/* ---- The course of things ------------------------------------------------------------------- */

static bool is_wanted(const bench_options *options, const bench_workload *workload)
{
    for (size_t i = 0; i < options->only_count; i++) {
        if (options->only[i] == workload) {
            return true;
        }
    }
    return options->only_count == 0;
}

static hyl_status measure_all(bench_stage *stage, const bench_options *options,
                              measure_results *results, size_t *count, hyl_error *err)
{
    report_head();
    for (size_t i = 0; i < bench_workload_count; i++) {
        if (is_wanted(options, &bench_workloads[i])) {
            HYL_TRY(measure_workload(stage, &bench_workloads[i], &options->runs, &results[*count],
                                     err));
            report_workload(&results[*count]);
            ++*count;
        }
    }
    return HYL_OK;
}

static void print_conditions(const report_about *about, const char *peers)
{
    printf("%s; Hyper %s; median of %zu run%s", about->machine, about->hyper, about->runs.own,
           about->runs.own == 1 ? "" : "s");
    if (peers != NULL && about->runs.peers < about->runs.own) {
        printf(", of other clients %zu", about->runs.peers);
    }
    putchar('\n');
    if (peers == NULL) {
        puts("without the other clients: `make bench PEERS=1` sets them up and measures them too");
    }
    if (about->load > 0.5) {
        printf("noisy: the load was %.1f before the start; measure on a quiet machine\n",
               about->load);
    }
    putchar('\n');
    fflush(stdout);
}

static hyl_status measure_and_report(bench_stage *stage, const bench_options *options,
                                     report_about *about, hyl_error *err)
{
    size_t count = 0;
    const char *version = hyl_conn_parameter(stage->conn, "hyper_version");
    measure_results *results = calloc(bench_workload_count, sizeof *results);
    if (results == NULL) {
        err->status = HYL_ERR_NOMEM;
        return HYL_ERR_NOMEM;
    }
    about->hyper = version != NULL ? version : "unknown";
    print_conditions(about, options->peers);
    hyl_status status = measure_all(stage, options, results, &count, err);
    if (status == HYL_OK) {
        status = report_json(results, count, about, options->output, err);
    }
    free(results);
    return status;
}

static hyl_status run(const bench_options *options, hyl_error *err)
{
    bench_stage stage;
    report_about about = {.runs = options->runs, .load = machine_load()};
    machine_describe(about.machine, sizeof about.machine);
    HYL_TRY(stage_open(&stage, options->rows, options->flights, options->peers, err));
    hyl_status status = measure_and_report(&stage, options, &about, err);
    stage_close(&stage);
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
    bench_options options = {
        .runs = {15, 0},
        .rows = 10000000,
        .flights = ".deps/data/flights.csv",
        .output = "build/bench.json",
    };
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
