/*
 * Connects to a running server and prints the rows of a query, whatever their types.
 *
 *     query hyper://localhost:7483/data/flights.hyper "SELECT * FROM flights LIMIT 5"
 */
#include <hyperline/hyperline.h>

#include <stdio.h>

static hyl_status print_row(const hyl_row *row, hyl_buf *line, hyl_error *err)
{
    hyl_buf_clear(line);
    for (size_t i = 0; i < hyl_row_column_count(row); i++) {
        hyl_buf_append_str(line, i > 0 ? "\t" : "");
        if (hyl_row_is_null(row, i)) {
            hyl_buf_append_str(line, "NULL");
        } else {
            HYL_TRY(hyl_row_text(row, i, line, err));
        }
    }
    HYL_TRY(hyl_buf_status(line));
    printf("%.*s\n", (int)line->len, (const char *)line->data);
    return HYL_OK;
}

/* Rows are streamed: memory does not grow with their number. */
static hyl_status print_query(hyl_conn *conn, const char *sql, hyl_error *err)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    hyl_buf line = HYL_BUF_INIT;
    HYL_TRY(hyl_query(conn, sql, &result, err));
    for (size_t i = 0; i < hyl_result_column_count(result); i++) {
        printf("%s%s", i > 0 ? "\t" : "", hyl_result_column(result, i)->name);
    }
    putchar('\n');
    hyl_status status = HYL_OK;
    while (status == HYL_OK && (status = hyl_result_next(result, &row, err)) == HYL_OK) {
        status = print_row(row, &line, err);
    }
    hyl_buf_reset(&line);
    hyl_result_free(result);
    return status == HYL_DONE ? HYL_OK : status; /* DONE: there was no row left */
}

int main(int argc, char **argv)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_conn *conn = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: query URI SQL\n");
        return 2;
    }
    hyl_status status = hyl_connect_uri(argv[1], &conn, &err);
    if (status == HYL_OK) {
        status = print_query(conn, argv[2], &err);
    }
    if (status < 0) {
        const hyl_diag *diag = conn != NULL ? hyl_conn_diag(conn) : NULL;
        fprintf(stderr, "query: %s\n", err.message);
        if (diag != NULL) { /* what else the server said: where in the statement, what to do */
            fprintf(stderr, "SQLSTATE %s%s\n%s\n", diag->sqlstate, diag->detail, diag->hint);
        }
    }
    hyl_conn_free(conn); /* NULL is fine */
    return status < 0;
}
