/*
 * Loads a program's own data into a table by COPY, the fastest way in: rows are encoded as
 * HyperBinary and sent in pieces. Either all rows are there at the end, or none.
 *
 *     copy_in readings.hyper 1000000
 */
#include <hyperline/server.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char create_sql[] = "CREATE TABLE readings (sensor int NOT NULL, at timestamp NOT "
                                 "NULL, value double precision)";

/* A row of made-up data. Columns come in the table's order, and are nullable where its are. */
static hyl_status append_row(int64_t i, hyl_buf *out, hyl_error *err)
{
    const hyl_value sensor = {.type = HYL_TYPE_INT, .as.i32 = (int32_t)(i % 8)};
    const hyl_value at = {.type = HYL_TYPE_TIMESTAMP, .as.i64 = i * 1000000}; /* from 2000-01-01 */
    const hyl_value value = {
        .type = HYL_TYPE_DOUBLE, .is_null = i % 100 == 0, .as.f64 = (double)(i % 1000) / 10};
    HYL_TRY(hyl_copy_field(hyl_type_of(HYL_TYPE_INT), false, &sensor, out, err));
    HYL_TRY(hyl_copy_field(hyl_type_of(HYL_TYPE_TIMESTAMP), false, &at, out, err));
    return hyl_copy_field(hyl_type_of(HYL_TYPE_DOUBLE), true, &value, out, err);
}

/* Small writes are gathered; an error of the server may come from a later one, or at the end. */
static hyl_status send_rows(hyl_copy *copy, int64_t count, hyl_error *err)
{
    hyl_buf row = HYL_BUF_INIT;
    hyl_copy_header(&row); /* goes out with the first row, or alone where there is none */
    hyl_status status = hyl_copy_write(copy, row.data, row.len, err);
    for (int64_t i = 0; status == HYL_OK && i < count; i++) {
        hyl_buf_clear(&row);
        status = append_row(i, &row, err);
        if (status == HYL_OK) {
            status = hyl_copy_write(copy, row.data, row.len, err);
        }
    }
    hyl_buf_reset(&row);
    return status;
}

static hyl_status load(hyl_conn *conn, int64_t count, int64_t *loaded, hyl_error *err)
{
    hyl_copy *copy = NULL;
    const char *copy_sql = "COPY readings FROM STDIN WITH (FORMAT hyperbinary)";
    HYL_TRY(hyl_exec(conn, create_sql, NULL, err));
    HYL_TRY(hyl_copy_in_open(conn, copy_sql, &copy, err));
    hyl_status status = send_rows(copy, count, err);
    if (status == HYL_OK) {
        status = hyl_copy_finish(copy, loaded, err);
    }
    hyl_copy_free(copy); /* one that is not finished is undone */
    return status;
}

int main(int argc, char **argv)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    int64_t loaded = 0;
    const char *path = argc > 1 ? argv[1] : "readings.hyper";
    int64_t count = argc > 2 ? strtoll(argv[2], NULL, 10) : 1000000;

    hyl_status status = hyl_server_open_file(path, "replace", &server, &conn, &err);
    if (status == HYL_OK) {
        status = load(conn, count, &loaded, &err);
    }
    if (status < 0) {
        fprintf(stderr, "copy_in: %s\n", err.message);
    } else {
        printf("%" PRId64 " rows loaded into %s\n", loaded, path);
    }
    hyl_conn_free(conn);
    hyl_server_free(server);
    return status < 0;
}
