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

/* The size of a DataRow with these values, SIZE_MAX where sizes vary or there are none. */
static size_t fixed_size(const hyl_bytes *values, size_t count)
{
    size_t size = HYL_MESSAGE_HEADER_SIZE + 2;
    for (size_t i = 0; i < count; i++) {
        if (values[i].len == 0) {
            return SIZE_MAX;
        }
        size += 4 + values[i].len;
    }
    return count > 0 ? size : SIZE_MAX;
}

void hyl__row_layout_set(hyl__row_layout *layout, const hyl_bytes *values, size_t count,
                         uint32_t max_body)
{
    uint8_t head[8] = {HYL_MSG_DATA_ROW};
    size_t at = HYL_MESSAGE_HEADER_SIZE + 2;
    layout->size = fixed_size(values, count);
    if (layout->size == SIZE_MAX || layout->size - HYL_MESSAGE_HEADER_SIZE > max_body) {
        layout->size = SIZE_MAX;
        return;
    }
    hyl__store_be32(head + 1, (uint32_t)layout->size - 1);
    hyl__store_be16(head + HYL_MESSAGE_HEADER_SIZE, (uint16_t)count);
    layout->head = hyl__row_head(head);
    layout->count = count;
    for (size_t i = 0; i < count; i++) {
        at += 4;
        layout->cells[i].offset = (uint32_t)at;
        hyl__store_be32(&layout->cells[i].length, (uint32_t)values[i].len);
        at += values[i].len;
    }
}
