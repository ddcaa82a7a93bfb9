#include "row.h"

#include "base/error.h"
#include "decode.h"

static hyl_status bad_cell(size_t column, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL,
                     "malformed DataRow: the length of column %zu does not fit its body",
                     column + 1);
}

static hyl_status bad_end(size_t left, size_t count, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed DataRow: %zu bytes after its %zu columns",
                     left, count);
}

hyl_status hyl__row_cells(hyl_bytes body, hyl_bytes *cells, size_t count, hyl_error *err)
{
    if (body.len < 2 || hyl__load_be16(body.data) != count) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "malformed DataRow: %d columns, where the result has %zu",
                         body.len < 2 ? 0 : hyl__load_be16(body.data), count);
    }
    hyl_bytes rest = {body.data + 2, body.len - 2};
    for (size_t i = 0; i < count; i++) {
        if (!hyl__row_take_cell(&rest, &cells[i])) {
            return bad_cell(i, err);
        }
    }
    return rest.len == 0 ? HYL_OK : bad_end(rest.len, count, err);
}

hyl_status hyl__row_parse(hyl_bytes body, hyl_msg *out, hyl_error *err)
{
    if (body.len < 2) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed DataRow: no column count");
    }
    uint16_t count = hyl__load_be16(body.data);
    hyl_bytes rest = {body.data + 2, body.len - 2};
    out->as.row.column_count = count;
    out->as.row.cells = rest;
    for (size_t i = 0; i < count; i++) {
        hyl_bytes cell;
        if (!hyl__row_take_cell(&rest, &cell)) {
            return bad_cell(i, err);
        }
    }
    return rest.len == 0 ? HYL_OK : bad_end(rest.len, count, err);
}

void hyl_row_iter_init(hyl_row_iter *iter, const hyl_msg *row)
{
    iter->rest = row->as.row.cells;
    iter->left = row->as.row.column_count;
}

bool hyl_row_iter_next(hyl_row_iter *iter, hyl_bytes *cell)
{
    if (iter->left == 0) {
        return false;
    }
    iter->left--;
    uint32_t len = hyl__load_be32(iter->rest.data);
    iter->rest.data += 4;
    iter->rest.len -= 4;
    if (len == UINT32_MAX) {
        *cell = (hyl_bytes){NULL, 0};
        return true;
    }
    *cell = (hyl_bytes){iter->rest.data, len};
    iter->rest.data += len;
    iter->rest.len -= len;
    return true;
}
