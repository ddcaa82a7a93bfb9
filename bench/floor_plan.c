#include "floor_plan.h"

#include "cli/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* 64 kB to 8 MB, each twice the one before. */
    SIZES = 8,
    LEAST_SIZE = 65536,
    PLANS = 2 * SIZES,
    /* Each plan runs so often: the server's first runs are slow. Of few rows once will do. */
    ROUNDS = 3,
    /* Enough to tell plans apart, and a fraction of the time of all. */
    MOST_ROWS = 500000,
};

/* ---- Plans as text -------------------------------------------------------------------------- */

void floor_plan_format(const encode_plan *plan, char text[FLOOR_PLAN_TEXT_MAX])
{
    snprintf(text, FLOOR_PLAN_TEXT_MAX, "%s, messages of %zu kB", encode_format_name(plan->format),
             plan->message_bytes / 1024);
}

hyl_status floor_plan_parse(const char *text, encode_plan *out, hyl_error *err)
{
    char again[FLOOR_PLAN_TEXT_MAX];
    const char *number = strpbrk(text, "0123456789");
    bool is_arrow = strncmp(text, encode_format_name(ENCODE_ARROW), 5) == 0;
    *out = (encode_plan){
        .format = is_arrow ? ENCODE_ARROW : ENCODE_HYPERBINARY,
        .message_bytes = number != NULL ? strtoul(number, NULL, 10) * 1024 : 0,
    };
    floor_plan_format(out, again);
    return strcmp(text, again) == 0
               ? HYL_OK
               : cli_fail(err, HYL_ERR_ARG, "floor: there is no plan '%s'", text);
}

/* ---- Filling a table ------------------------------------------------------------------------ */

hyl_status floor_empty(floor_conn *conn, const char *table, hyl_error *err)
{
    char sql[128];
    snprintf(sql, sizeof sql, "TRUNCATE TABLE %s", table);
    return floor_query(conn, sql, "TRUNCATE TABLE", err);
}

hyl_status floor_fill(floor_conn *conn, const char *table, encode_format format, hyl_bytes messages,
                      int64_t rows, hyl_error *err)
{
    char sql[128];
    char tag[32];
    snprintf(sql, sizeof sql, "COPY %s FROM STDIN WITH (FORMAT %s)", table,
             encode_format_name(format));
    snprintf(tag, sizeof tag, "COPY %" PRId64, rows);
    return floor_copy_in(conn, sql, messages, tag, err);
}

/* ---- The search ----------------------------------------------------------------------------- */

typedef struct candidate {
    encode_plan plan;
    hyl_buf messages;
    double best_s; /* 0: it has not run */
} candidate;

typedef struct search {
    floor_conn *conn;
    const char *table;
    int64_t rows;
    candidate candidates[PLANS];
} search;

static hyl_status encode_candidates(search *self, batches_kind kind, hyl_error *err)
{
    for (size_t i = 0; i < PLANS; i++) {
        candidate *one = &self->candidates[i];
        one->plan = (encode_plan){
            .format = i < SIZES ? ENCODE_ARROW : ENCODE_HYPERBINARY,
            .message_bytes = (size_t)LEAST_SIZE << (i % SIZES),
        };
        HYL_TRY(encode_rows(kind, self->rows, &one->plan, &one->messages, err));
    }
    return HYL_OK;
}

static hyl_status run_candidate(search *self, candidate *one, hyl_error *err)
{
    const hyl_bytes messages = {one->messages.data, one->messages.len};
    HYL_TRY(floor_empty(self->conn, self->table, err));
    double start = bench_now();
    HYL_TRY(floor_fill(self->conn, self->table, one->plan.format, messages, self->rows, err));
    double elapsed = bench_now() - start;
    if (one->best_s == 0 || elapsed < one->best_s) {
        one->best_s = elapsed;
    }
    return HYL_OK;
}

static hyl_status run_candidates(search *self, hyl_error *err)
{
    size_t rounds = self->rows < MOST_ROWS ? 1 : ROUNDS;
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < PLANS; i++) {
            HYL_TRY(run_candidate(self, &self->candidates[i], err));
        }
    }
    return HYL_OK;
}

static const encode_plan *fastest(const search *self)
{
    const candidate *found = &self->candidates[0];
    for (size_t i = 1; i < PLANS; i++) {
        if (self->candidates[i].best_s < found->best_s) {
            found = &self->candidates[i];
        }
    }
    return &found->plan;
}

hyl_status floor_plan_search(const bench_place *place, const char *table, batches_kind kind,
                             encode_plan *out, hyl_error *err)
{
    search self = {
        .table = table,
        .rows = place->rows < MOST_ROWS ? place->rows : MOST_ROWS,
    };
    HYL_TRY(floor_open(place->endpoint, place->database, &self.conn, err));
    hyl_status status = encode_candidates(&self, kind, err);
    if (status == HYL_OK) {
        status = run_candidates(&self, err);
    }
    if (status == HYL_OK) {
        *out = *fastest(&self);
    }
    for (size_t i = 0; i < PLANS; i++) {
        hyl_buf_reset(&self.candidates[i].messages);
    }
    floor_close(self.conn);
    return status;
}
