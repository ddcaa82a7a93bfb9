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
#include <stdlib.h>
#include <unistd.h>

static hyl_status load(hyl_conn *conn, const char *table, int fd, int64_t *rows, hyl_error *err)
{
    struct ArrowArrayStream stream;
    hyl_insert_arrow_opts opts = HYL_INSERT_ARROW_OPTS_INIT;
    opts.mode = HYL_INSERT_ARROW_CREATE_IF_MISSING;
    HYL_TRY(hyl_arrow_ipc_open_fd(fd, &stream, err));
    hyl_status status = hyl_insert_arrow(conn, table, &stream, &opts, rows, err);
    stream.release(&stream);
    return status;
}

int main(int argc, char **argv)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    int64_t rows = 0;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: arrow_load FILE.hyper TABLE [FILE.arrow]\n");
        return 2;
    }
    int fd = argc == 4 ? open(argv[3], O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (fd < 0) {
        perror(argv[3]);
        return 1;
    }
    hyl_status status = hyl_server_open_file(argv[1], "create_if_missing", &server, &conn, &err);
    if (status == HYL_OK) {
        status = load(conn, argv[2], fd, &rows, &err);
    }
    if (status == HYL_OK) {
        printf("%" PRId64 " rows loaded into %s\n", rows, argv[2]);
    } else {
        fprintf(stderr, "arrow_load: %s\n", err.message);
    }
    hyl_conn_free(conn);
    hyl_server_free(server);
    close(fd);
    return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
