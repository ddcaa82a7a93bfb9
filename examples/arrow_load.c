/*
 * Loads an Arrow IPC file or stream, plain or compressed, from standard input into a table.
 *
 *     arrow_load flights.hyper flights < flights.arrow
 *     producer | arrow_load flights.hyper flights
 *
 * The table is made where it is missing. Columns are matched by name; all rows get in, or none.
 */
#include <hyperline/arrow.h>
#include <hyperline/server.h>

#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    hyl_error err = {.message = "usage: arrow_load FILE.hyper TABLE < FILE.arrow"};
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    hyl_insert_arrow_opts opts = HYL_INSERT_ARROW_OPTS_INIT;
    int64_t rows = 0;
    opts.mode = HYL_INSERT_ARROW_CREATE_IF_MISSING;
    int loaded =
        argc == 3 && hyl_arrow_ipc_open_fd(0, &stream, &err) == HYL_OK &&
        hyl_server_open_file(argv[1], "create_if_missing", &server, &conn, &err) == HYL_OK &&
        hyl_insert_arrow(conn, argv[2], &stream, &opts, &rows, &err) == HYL_OK;
    if (loaded) {
        printf("%" PRId64 " rows loaded into %s\n", rows, argv[2]);
    } else {
        fprintf(stderr, "arrow_load: %s\n", err.message);
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    hyl_conn_free(conn); /* NULL is fine, of both */
    hyl_server_free(server);
    return !loaded;
}
