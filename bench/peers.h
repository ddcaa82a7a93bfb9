/* Other clients of Hyper: programs that bench/peers/setup puts into a folder. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "bench.h"

/* Is the peer in the folder? False where the folder is "". */
bool peers_have(const char *folder, bench_peer peer);

/* It works on its own server and file: nobody else can look into the tables that it fills. */
bool peers_is_apart(bench_peer peer);

enum { PEERS_PATH_MAX = 4096, PEERS_WORDS = 9 };

/* A peer's program and its arguments; the texts are the struct's and the caller's. */
typedef struct peers_command {
    char program[PEERS_PATH_MAX];
    char script[PEERS_PATH_MAX];
    char rows[24];
    const char *words[PEERS_WORDS];
} peers_command;

/* For clients that are a program of their own. Errors: ARG (a path is too long). */
HYL_NODISCARD hyl_status peers_command_of(const bench_client *client, const bench_place *place,
                                          peers_command *out, hyl_error *err);

#endif
