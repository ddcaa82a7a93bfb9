#include "loader.h"

#include "base/error.h"
#include "base/mem.h"
#include "conn/conn.h"

/* What the connection is busy with while there is no COPY yet. */
static const char loading[] = "an inserter";

static void let_go(const hyl__loader *loader)
{
    if (loader->conn->child == loading) {
        loader->conn->child = NULL;
    }
}

hyl_status hyl__loader_init(hyl__loader *loader, hyl_conn *conn, hyl__table *table,
                            size_t buffer_size, hyl_error *err)
{
    memset(loader, 0, sizeof *loader);
    loader->table = *table;
    memset(table, 0, sizeof *table);
    hyl_status status = hyl__stage_init(&loader->stage, &loader->table,
                                        buffer_size > 0 ? buffer_size : HYL__LOADER_BUFFER, err);
    if (status < 0) {
        hyl__table_reset(&loader->table);
        return status;
    }
    loader->conn = conn;
    hyl__conn_retain(conn);
    conn->child = loading;
    return HYL_OK;
}

static hyl_status begin_copy(hyl__loader *loader, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    let_go(loader);
    hyl_status status = hyl__table_copy_sql(&loader->table, "hyperbinary", &sql, err);
    if (status == HYL_OK) {
        status = hyl_copy_in_open(loader->conn, (const char *)sql.data, &loader->copy, err);
    }
    hyl_buf_reset(&sql);
    hyl_copy_header(&loader->message);
    return status;
}

hyl_status hyl__loader_send(hyl__loader *loader, hyl_error *err)
{
    if (loader->stage.rows == 0) {
        return HYL_OK;
    }
    hyl_buf_clear(&loader->message);
    if (loader->copy == NULL) {
        HYL_TRY(begin_copy(loader, err));
    }
    if (loader->message.failed || hyl__stage_hyperbinary(&loader->stage, &loader->message) < 0) {
        return hyl__fail_nomem(err);
    }
    hyl__stage_clear(&loader->stage);
    return hyl_copy_write(loader->copy, loader->message.data, loader->message.len, err);
}

hyl_status hyl__loader_finish(hyl__loader *loader, int64_t *rows, hyl_error *err)
{
    HYL_TRY(hyl__loader_send(loader, err));
    let_go(loader);
    if (loader->copy == NULL) {
        HYL_TRY(hyl__conn_check(loader->conn, err));
        *rows = 0;
        return HYL_OK;
    }
    return hyl_copy_finish(loader->copy, rows, err);
}

hyl_status hyl__loader_abort(hyl__loader *loader, const char *reason, hyl_error *err)
{
    let_go(loader);
    return loader->copy != NULL ? hyl_copy_abort(loader->copy, reason, err)
                                : hyl__conn_check(loader->conn, err);
}

void hyl__loader_reset(hyl__loader *loader)
{
    if (loader->conn == NULL) {
        return;
    }
    let_go(loader);
    hyl_copy_free(loader->copy);
    hyl__stage_reset(&loader->stage);
    hyl__table_reset(&loader->table);
    hyl_buf_reset(&loader->message);
    hyl__conn_release(loader->conn);
    memset(loader, 0, sizeof *loader);
}
