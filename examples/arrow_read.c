/*
 * Sums a column, or any expression of whole numbers, batch by batch as Arrow.
 *
 *     arrow_read flights.hyper distance flights
 */
#include <hyperline/arrow.h>
#include <hyperline/server.h>

#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    hyl_error err = {.message = "usage: arrow_read FILE EXPRESSION TABLE"};
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    char sql[1000];
    int64_t sum = 0;
    int failed = 1;
    if (argc == 4 && hyl_server_open_file(argv[1], "open", &server, &conn, &err) == HYL_OK &&
        snprintf(sql, sizeof sql, "SELECT CAST(%s AS bigint) FROM %s", argv[2], argv[3]) < 1000 &&
        hyl_query_arrow(conn, sql, NULL, &stream, &err) == HYL_OK) {
        while ((failed = stream.get_next(&stream, &batch)) == 0 && batch.release != NULL) {
            const struct ArrowArray *column = batch.children[0];
            const uint8_t *valid =
                column->buffers[0]; /* a bit for each value; NULL: all are there */
            const int64_t *values = column->buffers[1];
            for (int64_t i = column->offset; i < column->offset + column->length; i++) {
                sum += valid == NULL || (valid[i / 8] >> i % 8 & 1) != 0 ? values[i] : 0;
            }
            batch.release(&batch);
        }
        err = failed ? *hyl_stream_error(&stream) : err; /* in the middle: never fewer rows */
        stream.release(&stream);
    }
    if (failed) {
        fprintf(stderr, "arrow_read: %s\n", err.message);
    } else {
        printf("%" PRId64 "\n", sum);
    }
    hyl_conn_free(conn); /* NULL is fine, of both */
    hyl_server_free(server);
    return failed != 0;
}
