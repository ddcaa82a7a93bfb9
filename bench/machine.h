/* The machine that is measured on: what it is, and whether others are at work on it. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>
#include <sys/types.h>

/* The processor's name and number of cores, as text. */
void machine_describe(char *out, size_t cap);
/* How many processes wanted to run, on average over the last minute; below 0 where unknown. */
double machine_load(void);

/* What of the machine's time a set of processes takes, and what others do. */
typedef struct machine_watch {
    const pid_t *pids; /* the caller's */
    size_t count;
    double started;
    double busy_s; /* of all processors, up to the start */
    double own_s;  /* of the processes, up to the start */
} machine_watch;

void machine_watch_start(machine_watch *watch, const pid_t *pids, size_t count);
/* The part of the machine's time that others have taken since the start, 0 to 1. */
double machine_watch_others(const machine_watch *watch);

#endif
