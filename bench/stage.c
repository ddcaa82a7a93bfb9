#include "stage.h"

#include "clients.h"

#include "cli/fail.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The server and its file ---------------------------------------------------------------- */

/* A file's absolute path as a NUL-terminated text. */
static hyl_status find_file(const char *path, hyl_buf *out, hyl_error *err)
{
    char *found = realpath(path, NULL);
    if (found == NULL) {
        return cli_fail_errno(err, errno, "%s", path);
    }
    hyl_buf_append(out, found, strlen(found) + 1);
    free(found);
    return hyl_buf_status(out) < 0 ? cli_fail_nomem(err) : HYL_OK;
}

static hyl_status make_folder(bench_stage *self, hyl_error *err)
{
    const char *parent = getenv("TMPDIR");
    hyl_buf found = HYL_BUF_INIT;
    char folder[sizeof self->folder];
    /* Absolute, and the same for every client: two spellings would be two databases. */
    hyl_status status = find_file(parent != NULL && *parent != '\0' ? parent : "/tmp", &found, err);
    if (status == HYL_OK) {
        int len = snprintf(folder, sizeof folder, "%s/hyperline-bench-XXXXXX", (char *)found.data);
        if (len < 0 || (size_t)len >= sizeof folder) {
            status = cli_fail(err, HYL_ERR_ARG, "the temporary folder's path is too long");
        } else if (mkdtemp(folder) == NULL) {
            status = cli_fail_errno(err, errno, "%s", folder);
        } else {
            memcpy(self->folder, folder, sizeof folder);
            snprintf(self->database, sizeof self->database, "%s/bench.hyper", folder);
            snprintf(self->copy, sizeof self->copy, "%s/copy.hyper", folder);
        }
    }
    hyl_buf_reset(&found);
    return status;
}

static hyl_status launch(bench_stage *self, hyl_error *err)
{
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.working_dir = self->folder;
    HYL_TRY(hyl_server_launch(&opts, &self->server, err));
    hyl_endpoint_format(hyl_server_endpoint(self->server), &self->endpoint);
    hyl_buf_append_byte(&self->endpoint, '\0');
    return hyl_buf_status(&self->endpoint) < 0 ? cli_fail_nomem(err) : HYL_OK;
}

static hyl_status create_database(bench_stage *self, hyl_error *err)
{
    hyl_config *config = NULL;
    hyl_status status = hyl_config_new(&config, err);
    if (status == HYL_OK) {
        status = hyl_server_configure(self->server, config, err);
    }
    if (status == HYL_OK) {
        status = hyl_config_set(config, "database", self->database, err);
    }
    if (status == HYL_OK) {
        status = hyl_config_set(config, "create", "create", err);
    }
    if (status == HYL_OK) {
        status = hyl_connect(config, &self->conn, err);
    }
    hyl_config_free(config);
    return status;
}

/* ---- Tables --------------------------------------------------------------------------------- */

static hyl_status run_format(hyl_conn *conn, hyl_error *err, const char *format, ...)
    HYL_PRINTF(3, 4);

static hyl_status run_format(hyl_conn *conn, hyl_error *err, const char *format, ...)
{
    char sql[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(sql, sizeof sql, format, args);
    va_end(args);
    return len >= 0 && (size_t)len < sizeof sql
               ? hyl_exec(conn, sql, NULL, err)
               : cli_fail(err, HYL_ERR_LIMIT, "a statement is too long");
}

/* A table with rows made from the numbers 1 to `rows`, and an empty one to insert into. */
static hyl_status fill(hyl_conn *conn, const char *table, const char *columns, const char *values,
                       int64_t rows, hyl_error *err)
{
    HYL_TRY(run_format(conn, err, "CREATE TABLE %s (%s)", table, columns));
    HYL_TRY(run_format(conn, err, "CREATE TABLE %s_in (%s)", table, columns));
    return run_format(conn, err,
                      "INSERT INTO %s SELECT %s FROM generate_series(1, %" PRId64 ") AS series(i)",
                      table, values, rows);
}

/* Decimals are multiples of 1/4, so that their sum is exact; every tenth is NULL in `mixed`. */
static hyl_status make_tables(hyl_conn *conn, int64_t rows, hyl_error *err)
{
    HYL_TRY(fill(conn, "measurements",
                 "id int NOT NULL, sensor int, value double precision, total bigint",
                 "i, i % 1000, i * 0.25, CAST(i AS bigint) * 100", rows, err));
    HYL_TRY(run_format(conn, err,
                       "CREATE TABLE measurements_tenth AS (SELECT * FROM measurements "
                       "WHERE id <= %" PRId64 ")",
                       rows / 10));
    HYL_TRY(run_format(conn, err,
                       "CREATE TABLE arrow_in (id bigint, total bigint, value double precision, "
                       "name text, kind text)"));
    return fill(conn, "mixed",
                "id int, total bigint, value double precision, name text, day date, at timestamp",
                "i, CAST(i AS bigint) * 100, CASE WHEN i % 10 = 0 THEN NULL ELSE i * 0.25 END, "
                "'item ' || (i % 100000), date '2000-01-01' + (i % 3650), "
                "timestamp '2000-01-01 00:00:00' + i * interval '100 milliseconds'",
                rows / 2, err);
}

/* The floor loads into a table that has the columns of the one that `hyperline load` made. */
static hyl_status make_flights(bench_stage *self, hyl_error *err)
{
    const bench_place place = {
        .endpoint = (const char *)self->endpoint.data,
        .database = self->database,
        .csv = (const char *)self->csv.data,
    };
    bench_sample sample = {.repeats = 1};
    void *client = NULL;
    HYL_TRY(load_client_open(&place, &client, err));
    hyl_status status = load_client_run(client, &sample, err);
    load_client_close(client);
    HYL_TRY(status);
    return hyl_exec(self->conn,
                    "CREATE TABLE flights_floor AS (SELECT * FROM flights) WITH NO DATA", NULL,
                    err);
}

hyl_status stage_open(bench_stage *self, int64_t rows, const char *csv, const char *peers,
                      hyl_error *err)
{
    *self = (bench_stage){0};
    hyl_status status = find_file(csv, &self->csv, err);
    if (status == HYL_OK && peers != NULL) {
        status = find_file(peers, &self->peers, err);
    }
    if (status == HYL_OK) {
        status = make_folder(self, err);
    }
    if (status == HYL_OK) {
        status = launch(self, err);
    }
    if (status == HYL_OK) {
        status = create_database(self, err);
    }
    if (status == HYL_OK) {
        status = make_tables(self->conn, rows, err);
    }
    if (status == HYL_OK) {
        status = make_flights(self, err);
    }
    if (status < 0) {
        stage_close(self);
    }
    return status;
}

void stage_close(bench_stage *self)
{
    hyl_conn_free(self->conn);
    hyl_server_free(self->server);
    if (self->folder[0] != '\0') {
        (void)unlink(self->database);
        (void)unlink(self->copy);
        if (rmdir(self->folder) < 0) {
            fprintf(stderr, "hyperline-bench: %s is left over: %s\n", self->folder,
                    strerror(errno));
        }
    }
    hyl_buf_reset(&self->endpoint);
    hyl_buf_reset(&self->csv);
    hyl_buf_reset(&self->peers);
    *self = (bench_stage){0};
}

/* ---- Places --------------------------------------------------------------------------------- */

/* Inserts have a floor of their own, which is looked for once, on the very table. */
static hyl_status find_plan(bench_stage *self, const bench_workload *workload, bench_place *place,
                            hyl_error *err)
{
    char *found = self->plans[workload->floor_kind];
    encode_plan plan;
    if (workload->floor_kind != BATCHES_NONE && found[0] == '\0') {
        HYL_TRY(floor_plan_search(place, workload->table, (batches_kind)workload->floor_kind, &plan,
                                  err));
        floor_plan_format(&plan, found);
    }
    place->plan = found;
    return HYL_OK;
}

hyl_status stage_place(bench_stage *self, const bench_workload *workload, bench_place *out,
                       hyl_error *err)
{
    *out = (bench_place){
        .endpoint = (const char *)self->endpoint.data,
        .database = self->database,
        .csv = (const char *)self->csv.data,
        .peers = self->peers.len > 0 ? (const char *)self->peers.data : "",
    };
    HYL_TRY(hyl_query_i64(self->conn, workload->rows_sql, &out->rows, err));
    return find_plan(self, workload, out, err);
}

/* With two databases attached, names need theirs; `bench` is called after its file. */
static hyl_status copy_tables(bench_stage *self, hyl_error *err)
{
    static const char *const tables[] = {"measurements", "mixed"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        HYL_TRY(run_format(self->conn, err,
                           "CREATE TABLE apart.public.%s AS (SELECT * FROM bench.public.%s)",
                           tables[i], tables[i]));
    }
    return HYL_OK;
}

static hyl_status make_copy(bench_stage *self, hyl_error *err)
{
    HYL_TRY(run_format(self->conn, err, "CREATE DATABASE \"%s\"", self->copy));
    HYL_TRY(run_format(self->conn, err, "ATTACH DATABASE \"%s\" AS apart", self->copy));
    hyl_status status = copy_tables(self, err);
    hyl_status detached =
        run_format(self->conn, status == HYL_OK ? err : NULL, "DETACH DATABASE apart");
    return status == HYL_OK ? detached : status;
}

hyl_status stage_place_apart(bench_stage *self, bench_place *place, hyl_error *err)
{
    if (!self->has_copy) {
        HYL_TRY(make_copy(self, err));
        self->has_copy = true;
    }
    place->database = self->copy;
    return HYL_OK;
}
