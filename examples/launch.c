/*
 * Starts a server of its own, makes a database file with a table, and reads it back by typed
 * getters. The server ends with this program, whichever way that ends.
 *
 *     launch orders.hyper
 */
#include <hyperline/server.h>

#include <inttypes.h>
#include <stdio.h>

/* Connects to the file, which is made new where it is there already. */
static hyl_status create_file(const hyl_server *server, const char *path, hyl_conn **conn,
                              hyl_error *err)
{
    hyl_config *config = NULL;
    HYL_TRY(hyl_config_new(&config, err));
    hyl_status status = hyl_server_configure(server, config, err);
    if (status == HYL_OK && (status = hyl_config_set(config, "database", path, err)) == HYL_OK &&
        (status = hyl_config_set(config, "create", "replace", err)) == HYL_OK) {
        status = hyl_connect(config, conn, err);
    }
    hyl_config_free(config);
    return status;
}

static hyl_status print_order(const hyl_row *row, hyl_error *err)
{
    int32_t id = 0;
    hyl_str item = {NULL, 0}; /* a view, valid until the next row */
    hyl_numeric price;
    HYL_TRY(hyl_row_get_i32(row, 0, &id, err)); /* NULL would be an error, as another type is */
    HYL_TRY(hyl_row_get_str(row, 1, &item, err));
    printf("%" PRId32 " %.*s ", id, (int)item.len, item.data);
    if (hyl_row_is_null(row, 2)) {
        printf("has no price\n");
        return HYL_OK;
    }
    HYL_TRY(hyl_row_get_numeric(row, 2, &price, err));
    printf("costs %.2f\n", hyl_numeric_to_double(&price));
    return HYL_OK;
}

static hyl_status fill_and_print(hyl_conn *conn, hyl_error *err)
{
    hyl_result *result = NULL;
    const hyl_row *row = NULL;
    HYL_TRY(hyl_exec_script(conn,
                            "CREATE TABLE orders (id int NOT NULL, item text, price numeric(9, 2));"
                            "INSERT INTO orders VALUES (1, 'lamp', 24.90), (2, 'desk', NULL)",
                            NULL, err));
    HYL_TRY(hyl_query(conn, "SELECT id, item, price FROM orders ORDER BY id", &result, err));
    hyl_status status = HYL_OK;
    while (status == HYL_OK && (status = hyl_result_next(result, &row, err)) == HYL_OK) {
        status = print_order(row, err);
    }
    hyl_result_free(result);
    return status == HYL_DONE ? HYL_OK : status;
}

int main(int argc, char **argv)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_server *server = NULL;
    hyl_conn *conn = NULL;
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.listen = HYL_LISTEN_UNIX; /* other users of this machine cannot come in */
    opts.memory_limit = "1g";

    hyl_status status = hyl_server_launch(&opts, &server, &err);
    if (status == HYL_OK) {
        status = create_file(server, argc > 1 ? argv[1] : "orders.hyper", &conn, &err);
    }
    if (status == HYL_OK) {
        status = fill_and_print(conn, &err);
    }
    if (status < 0) {
        fprintf(stderr, "launch: %s\n", err.message);
    }
    hyl_conn_free(conn);
    hyl_server_free(server);
    return status < 0;
}
