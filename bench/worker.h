/*
 * A client at work in a process of its own, so that memory and CPU time are its own too. Its
 * parent writes a line to its standard input for each run and reads a line with the sample from its
 * standard output: a client that is no part of this program can do the same.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "bench.h"

#include <stdio.h>
#include <sys/types.h>

/* ---- In the parent ---- */

typedef struct worker {
    const bench_client *client;
    pid_t pid; /* 0: there is none */
    FILE *to;
    FILE *from;
} worker;

/* Starts a process for the client. Errors: IO, NOMEM. */
HYL_NODISCARD hyl_status worker_start(worker *self, const bench_client *client,
                                      const bench_place *place, hyl_error *err);
/* Lets it run once. Errors: CLOSED (it has ended: it has said why on standard error), IO. */
HYL_NODISCARD hyl_status worker_run(worker *self, bench_sample *sample, hyl_error *err);
/* Ends it and waits for it. */
void worker_stop(worker *self);

/* ---- In the child ---- */

/* The arguments that worker_start gives to this program begin with this one. */
#define WORKER_ARGUMENT "--worker"

/* The process's main, for arguments that begin with WORKER_ARGUMENT. Returns the exit status. */
int worker_main(int argc, char **argv);

#endif
