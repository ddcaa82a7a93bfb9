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
                            const hyl_insert_opts *opts, hyl_error *err)
{
    const size_t asked = opts != NULL ? opts->buffer_size : 0;
    memset(loader, 0, sizeof *loader);
    loader->format = opts != NULL ? opts->format : HYL_INSERT_AUTO;
    loader->table = *table;
    memset(table, 0, sizeof *table);
    hyl_status status = hyl__stage_init(&loader->stage, &loader->table,
                                        asked > 0 ? asked : HYL__LOADER_BUFFER, err);
    if (status < 0) {
        hyl__table_reset(&loader->table);
        return status;
    }
    loader->conn = conn;
    hyl__conn_retain(conn);
    conn->child = loading;
    return HYL_OK;
}

static hyl_status open_copy(hyl__loader *loader, const char *format, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    let_go(loader);
    hyl_status status = hyl__table_copy_sql(&loader->table, format, &sql, err);
    if (status == HYL_OK) {
        status = hyl_copy_in_open(loader->conn, (const char *)sql.data, &loader->copy, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

static hyl_status write_message(hyl__loader *loader, const hyl__ipc_message *message,
                                hyl_error *err)
{
    for (size_t i = 0; i < message->count; i++) {
        HYL_TRY(hyl_copy_write(loader->copy, message->pieces[i].data, message->pieces[i].len, err));
    }
    return HYL_OK;
}

static hyl_status begin_arrow(hyl__loader *loader, hyl_error *err)
{
    hyl__ipc_message schema;
    HYL_TRY(hyl__ipc_writer_new(&loader->stage, &loader->writer, err));
    for (size_t i = 0; i < loader->stage.count; i++) {
        loader->stage.columns[i].no_far = true;
    }
    HYL_TRY(open_copy(loader, "arrowstream", err));
    HYL_TRY(hyl__ipc_writer_schema(loader->writer, &schema, err));
    return write_message(loader, &schema, err);
}

static hyl_status begin_hyperbinary(hyl__loader *loader, hyl_error *err)
{
    HYL_TRY(open_copy(loader, "hyperbinary", err));
    hyl_copy_header(&loader->message);
    return hyl_buf_status(&loader->message) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}

static hyl_status send_arrow(hyl__loader *loader, hyl_error *err)
{
    hyl__ipc_message batch;
    HYL_TRY(hyl__ipc_writer_batch(loader->writer, &loader->stage, &batch, err));
    return write_message(loader, &batch, err);
}

static hyl_status send_hyperbinary(hyl__loader *loader, hyl_error *err)
{
    if (hyl__stage_hyperbinary(&loader->stage, &loader->message) < 0) {
        return hyl__fail_nomem(err);
    }
    hyl_status status =
        hyl_copy_write(loader->copy, loader->message.data, loader->message.len, err);
    hyl_buf_clear(&loader->message);
    return status;
}

hyl_status hyl__loader_send(hyl__loader *loader, hyl_error *err)
{
    if (loader->stage.rows == 0) {
        return HYL_OK;
    }
    if (loader->copy == NULL) {
        bool as_arrow = loader->format == HYL_INSERT_AUTO && hyl__ipc_suits(&loader->stage);
        HYL_TRY(as_arrow ? begin_arrow(loader, err) : begin_hyperbinary(loader, err));
    }
    hyl_status status =
        loader->writer != NULL ? send_arrow(loader, err) : send_hyperbinary(loader, err);
    hyl__stage_clear(&loader->stage);
    return status;
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
    hyl__ipc_writer_free(loader->writer);
    hyl__stage_reset(&loader->stage);
    hyl__table_reset(&loader->table);
    hyl_buf_reset(&loader->message);
    hyl__conn_release(loader->conn);
    memset(loader, 0, sizeof *loader);
}
