/*
 * Loads an Arrow IPC file or stream, plain or compressed, into a table.
 *
 *     arrow_load flights.hyper flights flights.arrow
 *     producer | arrow_load flights.hyper flights
 *
 * The table is made where it is missing. Columns are matched by name; all rows get in, or none.
 */
#include <hyperline/arrow.h>
#include <hyperline/server.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    hyl_error err = {.message = "usage: arrow_load FILE.hyper TABLE [FILE.arrow]"};
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    struct ArrowArrayStream stream = {.release = NULL};
    hyl_insert_arrow_opts opts = HYL_INSERT_ARROW_OPTS_INIT;
    int64_t rows = -1;
    int from = argc == 4 ? open(argv[3], O_RDONLY) : 0; /* standard input */
    opts.mode = HYL_INSERT_ARROW_CREATE_IF_MISSING;
    if (from < 0) {
        perror(argv[3]);
    } else if ((argc == 3 || argc == 4) && hyl_arrow_ipc_open_fd(from, &stream, &err) == HYL_OK &&
               hyl_server_open_file(argv[1], "create_if_missing", &server, &conn, &err) == HYL_OK &&
               hyl_insert_arrow(conn, argv[2], &stream, &opts, &rows, &err) == HYL_OK) {
        printf("%" PRId64 " rows loaded into %s\n", rows, argv[2]);
    } else {
        fprintf(stderr, "arrow_load: %s\n", err.message);
        rows = -1;
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    hyl_conn_free(conn); /* NULL is fine, of both */
    hyl_server_free(server);
    return rows < 0;
}
