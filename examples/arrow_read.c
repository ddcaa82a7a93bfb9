/*
 * Sums a query's first column, a bigint, batch by batch as Arrow.
 *
 *     arrow_read flights.hyper "SELECT CAST(distance AS bigint) FROM flights"
 */
#include <hyperline/arrow.h>
#include <hyperline/server.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Where a column may be NULL its first buffer has a bit for each value that is there. */
static int64_t sum_column(const struct ArrowArray *column)
{
    const uint8_t *valid = column->buffers[0];
    const int64_t *values = column->buffers[1];
    int64_t sum = 0;
    for (int64_t i = column->offset; i < column->offset + column->length; i++) {
        sum += valid == NULL || (valid[i / 8] >> i % 8 & 1) != 0 ? values[i] : 0;
    }
    return sum;
}

static hyl_status sum_stream(struct ArrowArrayStream *stream, int64_t *sum, hyl_error *err)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    if (stream->get_schema(stream, &schema) != 0) {
        return HYL_ERR_NOMEM;
    }
    bool is_bigint = schema.n_children > 0 && strcmp(schema.children[0]->format, "l") == 0;
    schema.release(&schema);
    if (!is_bigint) {
        snprintf(err->message, sizeof err->message, "the first column is no bigint");
        return HYL_ERR_TYPE;
    }
    while (stream->get_next(stream, &batch) == 0) {
        if (batch.release == NULL) {
            return HYL_OK; /* the end */
        }
        *sum += sum_column(batch.children[0]);
        batch.release(&batch);
    }
    *err = *hyl_stream_error(stream); /* in the middle: all of the server's words */
    return err->status;
}

static hyl_status sum_query(hyl_conn *conn, const char *sql, int64_t *sum, hyl_error *err)
{
    struct ArrowArrayStream stream;
    HYL_TRY(hyl_query_arrow(conn, sql, NULL, &stream, err));
    hyl_status status = sum_stream(&stream, sum, err);
    stream.release(&stream);
    return status;
}

int main(int argc, char **argv)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    int64_t sum = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: arrow_read FILE SQL\n");
        return 2;
    }
    hyl_status status = hyl_server_open_file(argv[1], "open", &server, &conn, &err);
    if (status == HYL_OK) {
        status = sum_query(conn, argv[2], &sum, &err);
    }
    if (status < 0) {
        fprintf(stderr, "arrow_read: %s\n", err.message);
    } else {
        printf("%" PRId64 "\n", sum);
    }
    hyl_conn_free(conn); /* NULL is fine, of both */
    hyl_server_free(server);
    return status < 0;
}
