#include "row.h"

#include "base/endian.h"
#include "base/error.h"
#include "decode.h"

static hyl_status bad_cell(size_t column, hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL,
                     "malformed DataRow: the length of column %zu does not fit its body",
                     column + 1);
}

/*
 * Checks `count` cells from `at` on; views go to `cells` where it is not NULL. A length is signed:
 * -1 is NULL, and nothing else below 0 is allowed.
 */
static inline hyl_status scan_cells(const uint8_t *at, const uint8_t *end, hyl_bytes *cells,
                                    size_t count, hyl_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (end - at < 4) {
            return bad_cell(i, err);
        }
        uint32_t len = hyl__load_be32(at);
        at += 4;
        hyl_bytes cell = {NULL, 0};
        if (len != UINT32_MAX) {
            if (len > (size_t)(end - at)) {
                return bad_cell(i, err);
            }
            cell = (hyl_bytes){at, len};
            at += len;
        }
        if (cells != NULL) {
            cells[i] = cell;
        }
    }
    if (at != end) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "malformed DataRow: %zu bytes after its %zu columns", (size_t)(end - at),
                         count);
    }
    return HYL_OK;
}

hyl_status hyl__row_cells(hyl_bytes body, hyl_bytes *cells, size_t count, hyl_error *err)
{
    if (body.len < 2 || hyl__load_be16(body.data) != count) {
        return hyl__fail(err, HYL_ERR_PROTOCOL,
                         "malformed DataRow: %d columns, where the result has %zu",
                         body.len < 2 ? 0 : hyl__load_be16(body.data), count);
    }
    return scan_cells(body.data + 2, body.data + body.len, cells, count, err);
}

hyl_status hyl__row_parse(hyl_bytes body, hyl_msg *out, hyl_error *err)
{
    if (body.len < 2) {
        return hyl__fail(err, HYL_ERR_PROTOCOL, "malformed DataRow: no column count");
    }
    uint16_t count = hyl__load_be16(body.data);
    out->as.row.column_count = count;
    out->as.row.cells = (hyl_bytes){body.data + 2, body.len - 2};
    return scan_cells(body.data + 2, body.data + body.len, NULL, count, err);
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
