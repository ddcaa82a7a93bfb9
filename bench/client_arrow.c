/* Queries read as Arrow by the library: batches released as they come, or every value summed. */
#include "client_hyperline.h"

#include "cli/fail.h"

#include <hyperline/arrow.h>

/* Whole numbers, and decimals whose sum has no error: they are multiples of 1/4. */
typedef struct batch_sums {
    int64_t whole;
    double decimal;
} batch_sums;

typedef hyl_status (*batch_reader)(const struct ArrowArray *batch, batch_sums *sums,
                                   hyl_error *err);

static hyl_status fail_stream(const struct ArrowArrayStream *stream, hyl_error *err)
{
    const hyl_error *failed = hyl_stream_error(stream);
    if (failed == NULL) {
        return cli_fail(err, HYL_ERR_PROTOCOL, "the stream failed and does not say why");
    }
    *err = *failed;
    return failed->status;
}

/* `read` may be NULL. */
static hyl_status read_stream(struct ArrowArrayStream *stream, batch_reader read,
                              bench_sample *sample, hyl_error *err)
{
    batch_sums sums = {0, 0};
    int64_t rows = 0;
    hyl_status status = HYL_OK;
    while (status == HYL_OK) {
        struct ArrowArray batch;
        if (stream->get_next(stream, &batch) != 0) {
            return fail_stream(stream, err);
        }
        if (batch.release == NULL) {
            break;
        }
        rows += batch.length;
        if (read != NULL) {
            status = read(&batch, &sums, err);
        }
        batch.release(&batch);
    }
    sample->rows = rows;
    sample->check = sums.whole + (int64_t)sums.decimal;
    return status;
}

static hyl_status read_arrow(hyl_conn *conn, const char *sql, hyl_transfer transfer,
                             batch_reader read, bench_sample *sample, hyl_error *err)
{
    struct ArrowArrayStream stream;
    hyl_arrow_opts opts = HYL_ARROW_OPTS_INIT;
    opts.transfer = transfer;
    HYL_TRY(hyl_query_arrow(conn, sql, &opts, &stream, err));
    hyl_status status = read_stream(&stream, read, sample, err);
    stream.release(&stream);
    return status;
}

/* ---- Unread --------------------------------------------------------------------------------- */

hyl_status arrow_client_measurements(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_arrow(client->conn, BENCH_MEASUREMENTS_SQL, HYL_TRANSFER_DEFAULT, NULL, sample,
                      err);
}

hyl_status arrow_client_mixed(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_arrow(client->conn, BENCH_MIXED_SQL, HYL_TRANSFER_DEFAULT, NULL, sample, err);
}

/* Built by the library out of the rows that the server sends. */

hyl_status arrow_client_measurements_datarow(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_arrow(client->conn, BENCH_MEASUREMENTS_SQL, HYL_TRANSFER_ROWS, NULL, sample, err);
}

hyl_status arrow_client_mixed_datarow(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_arrow(client->conn, BENCH_MIXED_SQL, HYL_TRANSFER_ROWS, NULL, sample, err);
}

/* ---- Summed --------------------------------------------------------------------------------- */

static int64_t sum_i32(const struct ArrowArray *column)
{
    const int32_t *values = (const int32_t *)column->buffers[1] + column->offset;
    int64_t sum = 0;
    for (int64_t i = 0; i < column->length; i++) {
        sum += values[i];
    }
    return sum;
}

static int64_t sum_i64(const struct ArrowArray *column)
{
    const int64_t *values = (const int64_t *)column->buffers[1] + column->offset;
    int64_t sum = 0;
    for (int64_t i = 0; i < column->length; i++) {
        sum += values[i];
    }
    return sum;
}

/* In four parts: an addition need not wait for the one before. */
static double sum_f64(const struct ArrowArray *column)
{
    const double *values = (const double *)column->buffers[1] + column->offset;
    double parts[4] = {0, 0, 0, 0};
    int64_t i = 0;
    for (; i + 4 <= column->length; i += 4) {
        for (int j = 0; j < 4; j++) {
            parts[j] += values[i + j];
        }
    }
    for (; i < column->length; i++) {
        parts[0] += values[i];
    }
    return parts[0] + parts[1] + parts[2] + parts[3];
}

static hyl_status sum_measurements(const struct ArrowArray *batch, batch_sums *sums, hyl_error *err)
{
    for (int64_t i = 0; i < batch->n_children; i++) {
        if (batch->children[i]->null_count != 0) {
            return cli_fail(err, HYL_ERR_NULLVAL, "column %d has NULLs", (int)i + 1);
        }
    }
    sums->whole +=
        sum_i32(batch->children[0]) + sum_i32(batch->children[1]) + sum_i64(batch->children[3]);
    sums->decimal += sum_f64(batch->children[2]);
    return HYL_OK;
}

hyl_status arrow_client_sum(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    return read_arrow(client->conn, BENCH_MEASUREMENTS_SQL, HYL_TRANSFER_DEFAULT, sum_measurements,
                      sample, err);
}

hyl_status arrow_client_sum_tenths(void *state, bench_sample *sample, hyl_error *err)
{
    hyperline_client *client = state;
    int64_t rows = 0;
    for (size_t i = 0; i < BENCH_TENTHS; i++) {
        HYL_TRY(read_arrow(client->conn, BENCH_TENTH_SQL, HYL_TRANSFER_DEFAULT, sum_measurements,
                           sample, err));
        rows += sample->rows;
    }
    sample->rows = rows;
    return HYL_OK;
}
