/*
 * Arrow batches as text, value by value, so that they can be compared with each other and with what
 * the server writes.
 */
#ifndef HYL_TESTS_SUPPORT_ARROW_TEXT_H
#define HYL_TESTS_SUPPORT_ARROW_TEXT_H

#include <hyperline/base.h>
#include <nanoarrow/nanoarrow.h>

/*
 * Appends the cell's text as the server writes it; "NULL" where it is NULL. An array is its elements
 * in brackets, as the server has it.
 */
void arrow_cell_text(const struct ArrowSchema *field, const struct ArrowArrayView *column,
                     int64_t row, hyl_buf *out);

/* Appends "name:format:nullable:hyper type" of each field. */
void arrow_schema_text(const struct ArrowSchema *schema, hyl_buf *out);
/* Appends one line a row, cells apart by "|". Fails the test where the batch is not sound. */
void arrow_batch_text(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                      hyl_buf *out);

/* The value of a key of a field's metadata, "" where there is none; in one of eight buffers. */
const char *arrow_metadata(const struct ArrowSchema *field, const char *key);

#endif
