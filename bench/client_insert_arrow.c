/* Record batches that are in memory already, inserted by hyl_insert_arrow. */
#include "batches.h"
#include "clients.h"

#include "cli/fail.h"

#include <stdlib.h>

typedef struct insert_arrow_client {
    hyl_conn *conn;
    batches batches;
} insert_arrow_client;

static hyl_status open_kind(const bench_place *place, batches_kind kind, void **state,
                            hyl_error *err)
{
    insert_arrow_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return cli_fail_nomem(err);
    }
    hyl_status status = bench_connect(place, &client->conn, err);
    if (status == HYL_OK) {
        status = batches_init(&client->batches, kind, place->rows, err);
    }
    if (status < 0) {
        hyl_conn_free(client->conn);
        free(client);
        return status;
    }
    *state = client;
    return HYL_OK;
}

hyl_status insert_arrow_open_plain(const bench_place *place, void **state, hyl_error *err)
{
    return open_kind(place, BATCHES_PLAIN, state, err);
}

hyl_status insert_arrow_open_normalised(const bench_place *place, void **state, hyl_error *err)
{
    return open_kind(place, BATCHES_NORMALISED, state, err);
}

void insert_arrow_close(void *state)
{
    insert_arrow_client *client = state;
    hyl_conn_free(client->conn);
    batches_reset(&client->batches);
    free(client);
}

hyl_status insert_arrow_run(void *state, bench_sample *sample, hyl_error *err)
{
    insert_arrow_client *client = state;
    struct ArrowArrayStream stream;
    HYL_TRY(batches_stream(&client->batches, &stream, err));
    hyl_status status =
        hyl_insert_arrow(client->conn, "arrow_in", &stream, NULL, &sample->rows, err);
    stream.release(&stream);
    return status;
}
