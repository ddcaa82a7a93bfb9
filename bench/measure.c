#include "measure.h"

#include "machine.h"
#include "stats.h"
#include "worker.h"

#include "cli/fail.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One client under measurement. */
typedef struct track {
    worker worker;
    double *walls; /* of each run that counts */
    double *cpus;
    size_t count;
    bench_sample last;
} track;

typedef struct session {
    const bench_workload *workload;
    bench_place place;
    int64_t check; /* what clients that return a sum must return */
    track tracks[MEASURE_MAX_CLIENTS];
    size_t count;
    pid_t pids[MEASURE_MAX_CLIENTS + 2]; /* the clients', the server's and ours */
} session;

/* ---- Start and end -------------------------------------------------------------------------- */

static hyl_status start_track(session *self, const bench_client *client, size_t runs,
                              hyl_error *err)
{
    if (self->count == MEASURE_MAX_CLIENTS) {
        return cli_fail(err, HYL_ERR_LIMIT, "%s has too many clients", self->workload->name);
    }
    track *one = &self->tracks[self->count++];
    one->walls = calloc(runs, sizeof *one->walls);
    one->cpus = calloc(runs, sizeof *one->cpus);
    if (one->walls == NULL || one->cpus == NULL) {
        return cli_fail_nomem(err);
    }
    return worker_start(&one->worker, client, &self->place, err);
}

static hyl_status start_session(session *self, bench_stage *stage, const bench_workload *workload,
                                size_t runs, hyl_error *err)
{
    *self = (session){.workload = workload};
    HYL_TRY(stage_place(stage, workload, &self->place, err));
    if (workload->check_sql != NULL) {
        HYL_TRY(hyl_query_i64(stage->conn, workload->check_sql, &self->check, err));
    }
    for (size_t i = 0; i < bench_client_count; i++) {
        if (strcmp(bench_clients[i].workload, workload->name) == 0) {
            HYL_TRY(start_track(self, &bench_clients[i], runs, err));
        }
    }
    for (size_t i = 0; i < self->count; i++) {
        self->pids[i] = self->tracks[i].worker.pid;
    }
    self->pids[self->count] = hyl_server_pid(stage->server);
    self->pids[self->count + 1] = getpid();
    return HYL_OK;
}

static void end_session(session *self)
{
    for (size_t i = 0; i < self->count; i++) {
        worker_stop(&self->tracks[i].worker);
        free(self->tracks[i].walls);
        free(self->tracks[i].cpus);
    }
}

/* ---- Runs ----------------------------------------------------------------------------------- */

static hyl_status check_sample(const session *self, const bench_client *client,
                               const bench_sample *sample, hyl_error *err)
{
    if (sample->rows != self->place.rows) {
        return cli_fail(err, HYL_ERR_RANGE,
                        "%s, %s: %" PRId64 " rows were moved, but there are %" PRId64,
                        client->workload, client->name, sample->rows, self->place.rows);
    }
    if (client->returns_check && sample->check != self->check) {
        return cli_fail(err, HYL_ERR_RANGE,
                        "%s, %s: the values' sum is %" PRId64 ", but should be %" PRId64,
                        client->workload, client->name, sample->check, self->check);
    }
    return HYL_OK;
}

static hyl_status run_track(session *self, track *one, bool counts, hyl_error *err)
{
    HYL_TRY(worker_run(&one->worker, &one->last, err));
    HYL_TRY(check_sample(self, one->worker.client, &one->last, err));
    if (counts) {
        one->walls[one->count] = one->last.wall_s;
        one->cpus[one->count] = one->last.cpu_s;
        one->count++;
    }
    return HYL_OK;
}

/* Every client once. Another one begins each time, so that none always follows the same one. */
static hyl_status run_round(session *self, size_t round, bool counts, hyl_error *err)
{
    for (size_t i = 0; i < self->count; i++) {
        HYL_TRY(run_track(self, &self->tracks[(round + i) % self->count], counts, err));
    }
    return HYL_OK;
}

static hyl_status run_rounds(session *self, size_t runs, double *others, hyl_error *err)
{
    machine_watch watch;
    HYL_TRY(run_round(self, 0, false, err));
    machine_watch_start(&watch, self->pids, self->count + 2);
    for (size_t round = 0; round < runs; round++) {
        HYL_TRY(run_round(self, round, true, err));
    }
    *others = machine_watch_others(&watch);
    return HYL_OK;
}

/* ---- Results -------------------------------------------------------------------------------- */

static void sum_up(session *self, measure_results *out)
{
    out->workload = self->workload;
    out->count = self->count;
    for (size_t i = 0; i < self->count; i++) {
        track *one = &self->tracks[i];
        out->items[i] = (measure_result){
            .client = one->worker.client,
            .rows = one->last.rows,
            .spread = stats_spread(one->walls, one->count),
            .wall_s = stats_median(one->walls, one->count),
            .cpu_s = stats_median(one->cpus, one->count),
            .peak_rss_kb = one->last.peak_rss_kb,
        };
        out->items[i].ratio = out->items[i].wall_s / out->items[0].wall_s;
    }
}

static hyl_status verify(bench_stage *stage, const bench_workload *workload, hyl_error *err)
{
    int64_t wrong = 0;
    if (workload->verify_sql == NULL) {
        return HYL_OK;
    }
    HYL_TRY(hyl_query_i64(stage->conn, workload->verify_sql, &wrong, err));
    return wrong == 0
               ? HYL_OK
               : cli_fail(err, HYL_ERR_RANGE, "%s: the clients' results differ in %" PRId64 " rows",
                          workload->name, wrong);
}

hyl_status measure_workload(bench_stage *stage, const bench_workload *workload, size_t runs,
                            measure_results *out, hyl_error *err)
{
    session self;
    *out = (measure_results){0};
    hyl_status status = start_session(&self, stage, workload, runs, err);
    if (status == HYL_OK) {
        status = run_rounds(&self, runs, &out->others, err);
    }
    if (status == HYL_OK) {
        status = verify(stage, workload, err);
    }
    if (status == HYL_OK) {
        sum_up(&self, out);
    }
    end_session(&self);
    return status;
}
