/* The text of the commonest cells, written straight into the output: results of ten million rows
 * are to be held up by the server alone. */
#ifndef CLI_FAST_TEXT_H
#define CLI_FAST_TEXT_H

#include <hyperline/hyperline.h>

/* Appends one byte. */
static inline void put_byte(hyl_buf *out, char byte)
{
    if (out->len < out->cap && !out->failed) {
        out->data[out->len++] = (uint8_t)byte;
    } else {
        hyl_buf_append_byte(out, (uint8_t)byte);
    }
}

/* Appends a whole number in decimal. */
void put_integer(hyl_buf *out, int64_t value);

/* Is the type one of those of put_integer_cell? */
bool is_integer_type(hyl_type_id id);
/* Appends a cell of a whole number type, which is not NULL. Errors: those of hyl_row_get_i64. */
hyl_status put_integer_cell(hyl_buf *out, const hyl_row *row, size_t column, hyl_error *err);

#endif
