/* The server and the tables that everything is measured on. */
#ifndef BENCH_STAGE_H
#define BENCH_STAGE_H

#include "bench.h"
#include "floor_plan.h"

#include <hyperline/server.h>

typedef struct bench_stage {
    hyl_server *server;
    hyl_conn *conn;
    char folder[512];
    char database[544];
    char copy[544]; /* a second database, for peers that have a server of their own */
    bool has_copy;
    hyl_buf endpoint;
    hyl_buf csv;
    hyl_buf peers;
    char plans[BATCHES_KIND_COUNT][FLOOR_PLAN_TEXT_MAX]; /* "": not looked for yet */
} bench_stage;

/*
 * Starts a server, makes a database in a folder of its own in $TMPDIR or /tmp, and fills it:
 * measurements with `rows` rows, measurements_tenth with their tenth, mixed with half as many,
 * flights and an empty flights_floor from the CSV file, and empty tables for what is inserted.
 * `peers` is the folder of the peers, NULL for none.
 * Errors: those of a launch and of statements; IO.
 */
HYL_NODISCARD hyl_status stage_open(bench_stage *self, int64_t rows, const char *csv,
                                    const char *peers, hyl_error *err);
/* Ends the server and removes the folder. */
void stage_close(bench_stage *self);

/* What clients of a workload are told, the number of its rows among it. Lifetime: the stage's. */
HYL_NODISCARD hyl_status stage_place(bench_stage *self, const bench_workload *workload,
                                     bench_place *out, hyl_error *err);
/*
 * The same for a peer with a server of its own: a copy of the tables, made when it is first asked
 * for, in a file that our server has let go.
 */
HYL_NODISCARD hyl_status stage_place_apart(bench_stage *self, bench_place *place, hyl_error *err);

#endif
