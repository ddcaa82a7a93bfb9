#include "peers.h"

#include "cli/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* What of a peer lies where in the folder. */
static const struct {
    const char *file;   /* must be there */
    const char *script; /* the file's first argument, NULL for none */
} layout[] = {
    [BENCH_PEER_CLOSED] = {"closed/libtableauhyperapi.so", NULL},
    [BENCH_PEER_RUST] = {"rust/bench-peer", NULL},
    [BENCH_PEER_PANTAB] = {"pantab/bin/python", "pantab/client.py"},
};

static hyl_status join(const char *folder, const char *name, char out[PEERS_PATH_MAX],
                       hyl_error *err)
{
    int len = snprintf(out, PEERS_PATH_MAX, "%s/%s", folder, name);
    return len >= 0 && len < PEERS_PATH_MAX
               ? HYL_OK
               : cli_fail(err, HYL_ERR_ARG, "%s: the path is too long", folder);
}

bool peers_have(const char *folder, bench_peer peer)
{
    char path[PEERS_PATH_MAX];
    return folder[0] != '\0' && join(folder, layout[peer].file, path, NULL) == HYL_OK &&
           access(path, R_OK) == 0;
}

bool peers_is_apart(bench_peer peer)
{
    return peer == BENCH_PEER_PANTAB;
}

hyl_status peers_command_of(const bench_client *client, const bench_place *place,
                            peers_command *out, hyl_error *err)
{
    size_t count = 0;
    HYL_TRY(join(place->peers, layout[client->peer].file, out->program, err));
    snprintf(out->rows, sizeof out->rows, "%" PRId64, place->rows);
    out->words[count++] = out->program;
    if (layout[client->peer].script != NULL) {
        HYL_TRY(join(place->peers, layout[client->peer].script, out->script, err));
        out->words[count++] = out->script;
    }
    const char *const told[] = {client->workload, client->name, place->endpoint, place->database,
                                out->rows};
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        out->words[count++] = told[i];
    }
    out->words[count] = NULL;
    return HYL_OK;
}
