#include "loader.h"

#include "base/error.h"
#include "base/mem.h"
#include "conn/conn.h"
#include "copy.h"

/* What the connection is busy with while there is no COPY yet. */
static const char loading[] = "an inserter";

static void let_go(const hyl__loader *loader)
{
    if (loader->conn != NULL && loader->conn->child == loading) {
        loader->conn->child = NULL;
    }
}

hyl_status hyl__loader_init(hyl__loader *loader, hyl_conn *conn, hyl__table *table,
                            const hyl_insert_opts *opts, hyl_error *err)
{
    const size_t asked = opts != NULL ? opts->buffer_size : 0;
    memset(loader, 0, sizeof *loader);
    loader->asked = opts != NULL ? opts->format : HYL_INSERT_AUTO;
    loader->buffer_size = asked > 0 ? asked : HYL__LOADER_BUFFER;
    loader->table = *table;
    memset(table, 0, sizeof *table);
    hyl_status status = hyl__stage_init(&loader->stage, &loader->table, loader->buffer_size, err);
    if (status < 0) {
        hyl__table_reset(&loader->table);
        return status;
    }
    loader->conn = conn;
    hyl__conn_retain(conn);
    conn->child = loading;
    return HYL_OK;
}

/* ---- The format ---------------------------------------------------------------------------- */

static void refuse_far(hyl__stage *stage)
{
    for (size_t i = 0; i < stage->count; i++) {
        stage->columns[i].no_far = true;
    }
}

void hyl__loader_decide(hyl__loader *loader)
{
    if (loader->format != HYL__LOAD_UNDECIDED) {
        return;
    }
    loader->format = HYL__LOAD_HYPERBINARY;
    if (loader->asked == HYL_INSERT_AUTO && hyl__ipc_suits(&loader->stage)) {
        loader->format = HYL__LOAD_ARROW;
        refuse_far(&loader->stage);
    }
}

hyl_status hyl__loader_add_stage(const hyl__loader *loader, hyl__stage *stage, hyl_error *err)
{
    HYL_TRY(hyl__stage_init(stage, &loader->table, loader->buffer_size, err));
    if (loader->format == HYL__LOAD_ARROW) {
        refuse_far(stage);
    }
    return HYL_OK;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static hyl_status encode_hyperbinary(hyl__encoder *encoder, const hyl__stage *stage,
                                     hyl__ipc_message *message, hyl_error *err)
{
    hyl_buf_clear(&encoder->rows);
    if (hyl__stage_hyperbinary(stage, &encoder->rows) < 0) {
        return hyl__fail_nomem(err);
    }
    encoder->piece = (hyl_bytes){encoder->rows.data, encoder->rows.len};
    message->pieces = &encoder->piece;
    message->count = 1;
    return HYL_OK;
}

hyl_status hyl__loader_encode(const hyl__loader *loader, hyl__encoder *encoder, hyl__stage *stage,
                              hyl__ipc_message *message, hyl_error *err)
{
    if (loader->format != HYL__LOAD_ARROW) {
        return encode_hyperbinary(encoder, stage, message, err);
    }
    if (encoder->writer == NULL) {
        HYL_TRY(hyl__ipc_writer_new(stage, &encoder->writer, err));
    }
    return hyl__ipc_writer_batch(encoder->writer, stage, message, err);
}

void hyl__encoder_reset(hyl__encoder *encoder)
{
    hyl__ipc_writer_free(encoder->writer);
    hyl_buf_reset(&encoder->rows);
    memset(encoder, 0, sizeof *encoder);
}

/* ---- Sending ------------------------------------------------------------------------------- */

static hyl_status write_sql(const hyl__loader *loader, const char *format, hyl_buf *sql,
                            hyl_error *err)
{
    if (loader->insert_sql == NULL) {
        return hyl__table_copy_sql(&loader->table, format, sql, err);
    }
    hyl_buf_append_str(sql, loader->insert_sql);
    hyl_buf_printf(sql, "'%s')", format);
    hyl_buf_append_byte(sql, 0);
    return hyl_buf_status(sql) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}

static hyl_status open_copy(hyl__loader *loader, const char *format, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    let_go(loader);
    hyl_status status = write_sql(loader, format, &sql, err);
    if (status == HYL_OK) {
        status = hyl_copy_in_open(loader->conn, (const char *)sql.data, &loader->copy, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

static hyl_status write_pieces(const hyl__loader *loader, const hyl__ipc_message *message,
                               hyl_error *err)
{
    return hyl__copy_write_pieces(loader->copy, message->pieces, message->count, err);
}

static hyl_status begin_arrow(hyl__loader *loader, hyl__encoder *encoder, hyl_error *err)
{
    hyl__ipc_message schema;
    HYL_TRY(open_copy(loader, "arrowstream", err));
    HYL_TRY(hyl__ipc_writer_schema(encoder->writer, &schema, err));
    return write_pieces(loader, &schema, err);
}

static hyl_status begin_hyperbinary(hyl__loader *loader, hyl_error *err)
{
    hyl_buf header = HYL_BUF_INIT;
    HYL_TRY(open_copy(loader, "hyperbinary", err));
    hyl_copy_header(&header);
    hyl_status status = hyl_buf_status(&header) < 0
                            ? hyl__fail_nomem(err)
                            : hyl_copy_write(loader->copy, header.data, header.len, err);
    hyl_buf_reset(&header);
    return status;
}

hyl_status hyl__loader_write(hyl__loader *loader, hyl__encoder *encoder,
                             const hyl__ipc_message *message, hyl_error *err)
{
    if (loader->copy == NULL) {
        HYL_TRY(loader->format == HYL__LOAD_ARROW ? begin_arrow(loader, encoder, err)
                                                  : begin_hyperbinary(loader, err));
    }
    return write_pieces(loader, message, err);
}

hyl_status hyl__loader_send(hyl__loader *loader, hyl_error *err)
{
    hyl__ipc_message message;
    if (loader->stage.rows == 0) {
        return HYL_OK;
    }
    hyl__loader_decide(loader);
    HYL_TRY(hyl__loader_encode(loader, &loader->encoder, &loader->stage, &message, err));
    hyl_status status = hyl__loader_write(loader, &loader->encoder, &message, err);
    hyl__stage_clear(&loader->stage);
    return status;
}

/* ---- The end ------------------------------------------------------------------------------- */

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

void hyl__loader_close(hyl__loader *loader)
{
    if (loader->conn == NULL) {
        return;
    }
    let_go(loader);
    hyl_copy_free(loader->copy);
    hyl__conn_release(loader->conn);
    loader->copy = NULL;
    loader->conn = NULL;
}

void hyl__loader_reset(hyl__loader *loader)
{
    hyl__loader_close(loader);
    hyl__encoder_reset(&loader->encoder);
    hyl__stage_reset(&loader->stage);
    hyl__table_reset(&loader->table);
    hyl__free(loader->insert_sql);
    memset(loader, 0, sizeof *loader);
}
