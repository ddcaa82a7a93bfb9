#include "measure.h"

#include "machine.h"
#include "peers.h"
#include "stats.h"
#include "worker.h"

#include "cli/fail.h"

#include <inttypes.h>
#include <stdio.h>
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
    const measure_runs *runs;
    bench_stage *stage;
    bench_place place;
    int64_t check; /* what clients that return a sum must return */
    track tracks[MEASURE_MAX_CLIENTS];
    size_t count;
    pid_t pids[MEASURE_MAX_CLIENTS + 2]; /* the clients', the server's and ours */
} session;

/* ---- Start and end -------------------------------------------------------------------------- */

static hyl_status start_track(session *self, const bench_client *client, hyl_error *err)
{
    bench_place place = self->place;
    if (self->count == MEASURE_MAX_CLIENTS) {
        return cli_fail(err, HYL_ERR_LIMIT, "%s has too many clients", self->workload->name);
    }
    track *one = &self->tracks[self->count++];
    one->walls = calloc(self->runs->own, sizeof *one->walls);
    one->cpus = calloc(self->runs->own, sizeof *one->cpus);
    if (one->walls == NULL || one->cpus == NULL) {
        return cli_fail_nomem(err);
    }
    if (peers_is_apart(client->peer)) {
        HYL_TRY(stage_place_apart(self->stage, &place, err));
    }
    return worker_start(&one->worker, client, &place, err);
}

static bool is_there(const session *self, const bench_client *client)
{
    return client->peer == BENCH_PEER_NONE || peers_have(self->place.peers, client->peer);
}

static hyl_status start_session(session *self, bench_stage *stage, const bench_workload *workload,
                                const measure_runs *runs, hyl_error *err)
{
    *self = (session){.workload = workload, .runs = runs, .stage = stage};
    HYL_TRY(stage_place(stage, workload, &self->place, err));
    if (workload->check_sql != NULL) {
        HYL_TRY(hyl_query_i64(stage->conn, workload->check_sql, &self->check, err));
    }
    for (size_t i = 0; i < bench_client_count; i++) {
        const bench_client *client = &bench_clients[i];
        if (strcmp(client->workload, workload->name) == 0 && is_there(self, client)) {
            HYL_TRY(start_track(self, client, err));
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

/* What is in the table now must be what should have come into it. */
static hyl_status check_table(const session *self, const bench_client *client, hyl_error *err)
{
    int64_t sum = 0;
    if (self->workload->after_sql == NULL || peers_is_apart(client->peer)) {
        return HYL_OK;
    }
    HYL_TRY(hyl_query_i64(self->stage->conn, self->workload->after_sql, &sum, err));
    if (sum != self->check) {
        return cli_fail(err, HYL_ERR_RANGE,
                        "%s, %s: the sum of the table is %" PRId64 ", but should be %" PRId64,
                        client->workload, client->name, sum, self->check);
    }
    return HYL_OK;
}

static hyl_status empty_table(const session *self, hyl_error *err)
{
    char sql[128];
    if (self->workload->table == NULL) {
        return HYL_OK;
    }
    snprintf(sql, sizeof sql, "TRUNCATE TABLE %s", self->workload->table);
    return hyl_exec(self->stage->conn, sql, NULL, err);
}

static hyl_status run_track(session *self, track *one, bool counts, hyl_error *err)
{
    HYL_TRY(empty_table(self, err));
    HYL_TRY(worker_run(&one->worker, &one->last, err));
    HYL_TRY(check_sample(self, one->worker.client, &one->last, err));
    HYL_TRY(check_table(self, one->worker.client, err));
    if (counts) {
        one->walls[one->count] = one->last.wall_s;
        one->cpus[one->count] = one->last.cpu_s;
        one->count++;
    }
    return HYL_OK;
}

/* Peers that run less often do so in rounds that lie evenly among all. */
static bool takes_part(const session *self, const track *one, size_t round)
{
    const measure_runs *runs = self->runs;
    return one->worker.client->peer == BENCH_PEER_NONE ||
           round * runs->peers / runs->own != (round + 1) * runs->peers / runs->own;
}

/* Every client once. Another one begins each time, so that none always follows the same one. */
static hyl_status run_round(session *self, size_t round, bool counts, hyl_error *err)
{
    for (size_t i = 0; i < self->count; i++) {
        track *one = &self->tracks[(round + i) % self->count];
        if (!counts || takes_part(self, one, round)) {
            HYL_TRY(run_track(self, one, counts, err));
        }
    }
    return HYL_OK;
}

static hyl_status run_rounds(session *self, double *others, hyl_error *err)
{
    machine_watch watch;
    HYL_TRY(run_round(self, 0, false, err));
    machine_watch_start(&watch, self->pids, self->count + 2);
    for (size_t round = 0; round < self->runs->own; round++) {
        HYL_TRY(run_round(self, round, true, err));
    }
    *others = machine_watch_others(&watch);
    return HYL_OK;
}

/* ---- Results -------------------------------------------------------------------------------- */

static void sum_up(session *self, measure_results *out)
{
    out->workload = self->workload;
    snprintf(out->plan, sizeof out->plan, "%s", self->place.plan);
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

hyl_status measure_workload(bench_stage *stage, const bench_workload *workload,
                            const measure_runs *runs, measure_results *out, hyl_error *err)
{
    session self;
    *out = (measure_results){0};
    hyl_status status = start_session(&self, stage, workload, runs, err);
    if (status == HYL_OK) {
        status = run_rounds(&self, &out->others, err);
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

const measure_result *measure_find(const measure_results *results, const char *client)
{
    for (size_t i = 0; i < results->count; i++) {
        if (strcmp(results->items[i].client->name, client) == 0) {
            return &results->items[i];
        }
    }
    return NULL;
}
