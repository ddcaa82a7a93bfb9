/* The server and the tables that everything is measured on. */
#ifndef BENCH_STAGE_H
#define BENCH_STAGE_H

#include "bench.h"

#include <hyperline/server.h>

typedef struct bench_stage {
    hyl_server *server;
    hyl_conn *conn;
    char folder[512];
    char database[544];
    hyl_buf endpoint;
    hyl_buf csv;
} bench_stage;

/*
 * Starts a server, makes a database in a folder of its own in $TMPDIR or /tmp, and fills it:
 * measurements with `rows` rows, mixed with half as many, flights and an empty flights_floor from
 * the CSV file. Errors: those of a launch and of statements; IO.
 */
HYL_NODISCARD hyl_status stage_open(bench_stage *self, int64_t rows, const char *csv,
                                    hyl_error *err);
/* Ends the server and removes the folder. */
void stage_close(bench_stage *self);

/* What clients of a workload are told, the number of its rows among it. Lifetime: the stage's. */
HYL_NODISCARD hyl_status stage_place(bench_stage *self, const bench_workload *workload,
                                     bench_place *out, hyl_error *err);

#endif
