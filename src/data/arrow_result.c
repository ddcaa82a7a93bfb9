#include "arrow_result.h"

#include "base/error.h"

#if HYL_WITH_ARROW

#include "arrow_copy.h"
#include "base/mem.h"
#include "transfer.h"

static hyl_status fail_as_copy(const hyl__arrow_result *arrow, hyl_status status, hyl_error *err)
{
    if (err != NULL) {
        *err = arrow->copy->stream.error;
    }
    return status;
}

/* The next batch that has rows. */
static hyl_status read_batch(hyl__arrow_result *arrow, struct ArrowArray *batch, hyl_error *err)
{
    hyl_status status = hyl__arrow_copy_next(arrow->copy, batch);
    while (status == HYL_OK && batch->length == 0) {
        batch->release(batch);
        status = hyl__arrow_copy_next(arrow->copy, batch);
    }
    if (status == HYL_DONE) {
        arrow->rows = arrow->copy->rows;
    }
    return status < 0 ? fail_as_copy(arrow, status, err) : status;
}

static hyl_status fail_batch(hyl__arrow_result *arrow, const hyl_error *why, hyl_error *err)
{
    arrow->copy->stream.error = *why;
    hyl__arrow_copy_fail(arrow->copy, why->status);
    return fail_as_copy(arrow, why->status, err);
}

static hyl_status start(hyl__arrow_result *arrow, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    arrow->copy->reader.has_date64 = false; /* cells are made of the server's dates as they are */
    if (hyl__arrow_cells_init(&arrow->cells, &arrow->copy->reader.sent, &error) < 0) {
        return fail_batch(arrow, &error, err);
    }
    HYL_TRY(read_batch(arrow, &arrow->first, err));
    arrow->copy->advice = HYL__ADVICE_ROWS;
    return HYL_OK;
}

hyl_status hyl__arrow_result_open(hyl_conn *conn, const char *sql, hyl__arrow_result **out,
                                  hyl_error *err)
{
    hyl__arrow_result *arrow = hyl__calloc(1, sizeof *arrow);
    if (arrow == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl_status status = hyl__arrow_copy_open(conn, sql, "a result", &arrow->copy, err);
    if (status == HYL_OK) {
        status = start(arrow, err);
    }
    if (status < 0) {
        hyl__arrow_result_free(arrow);
        return status;
    }
    *out = arrow;
    return HYL_OK;
}

const char *hyl__arrow_result_name(const hyl__arrow_result *arrow, size_t column)
{
    return arrow->copy->reader.sent.children[column]->name;
}

hyl_status hyl__arrow_result_next(hyl__arrow_result *arrow, hyl_bytes *cells,
                                  hyl__cell_shape *shapes, hyl_error *err)
{
    hyl_error error = HYL_ERROR_INIT;
    struct ArrowArray batch = arrow->first;
    arrow->first.release = NULL;
    if (batch.release == NULL) {
        hyl_status status = read_batch(arrow, &batch, err);
        if (status != HYL_OK) {
            return status;
        }
    }
    if (hyl__arrow_cells_take(&arrow->cells, &batch, cells, shapes, &error) < 0) {
        return fail_batch(arrow, &error, err);
    }
    return HYL_OK;
}

void hyl__arrow_result_leave(hyl__arrow_result *arrow)
{
    arrow->cells.rows = 0;
    hyl__arrow_copy_leave(arrow->copy);
}

void hyl__arrow_result_free(hyl__arrow_result *arrow)
{
    if (arrow == NULL) {
        return;
    }
    if (arrow->first.release != NULL) {
        arrow->first.release(&arrow->first);
    }
    hyl__arrow_cells_reset(&arrow->cells);
    hyl__arrow_copy_free(arrow->copy);
    hyl__free(arrow);
}

#else

hyl_status hyl__arrow_result_open(hyl_conn *conn, const char *sql, hyl__arrow_result **out,
                                  hyl_error *err)
{
    (void)conn;
    (void)sql;
    (void)out;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

const char *hyl__arrow_result_name(const hyl__arrow_result *arrow, size_t column)
{
    (void)arrow;
    (void)column;
    return "";
}

hyl_status hyl__arrow_result_next(hyl__arrow_result *arrow, hyl_bytes *cells,
                                  hyl__cell_shape *shapes, hyl_error *err)
{
    (void)arrow;
    (void)cells;
    (void)shapes;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

void hyl__arrow_result_leave(hyl__arrow_result *arrow)
{
    (void)arrow;
}

void hyl__arrow_result_free(hyl__arrow_result *arrow)
{
    (void)arrow;
}

#endif
