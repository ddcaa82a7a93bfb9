#include "encode.h"

#include "cli/fail.h"

#include <nanoarrow/nanoarrow_ipc.h>

#include <errno.h>
#include <string.h>

/* Arrow counts from 1970-01-01, HyperBinary from Julian day 0. */
#define JULIAN_DAY_1970 2440588
#define MICROS_PER_DAY  INT64_C(86400000000)

const char *encode_format_name(encode_format format)
{
    return format == ENCODE_ARROW ? "arrowstream" : "hyperbinary";
}

/* ---- CopyData ------------------------------------------------------------------------------- */

static void begin_message(hyl_buf *out, size_t *at)
{
    *at = out->len;
    hyl_buf_append(out, "d\0\0\0\0", 5);
}

static void end_message(hyl_buf *out, size_t at)
{
    if (hyl_buf_status(out) == HYL_OK) {
        size_t len = out->len - at - 1;
        for (int i = 0; i < 4; i++) {
            out->data[at + 1 + (size_t)i] = (uint8_t)(len >> (24 - 8 * i));
        }
    }
}

/* ---- HyperBinary ---------------------------------------------------------------------------- */

static void append_le(hyl_buf *out, uint64_t value, int bytes)
{
    uint8_t text[8];
    for (int i = 0; i < bytes; i++) {
        text[i] = (uint8_t)(value >> (8 * i));
    }
    hyl_buf_append(out, text, (size_t)bytes);
}

static void append_double(hyl_buf *out, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    append_le(out, bits, 8);
}

static void append_text(hyl_buf *out, struct ArrowStringView text)
{
    append_le(out, (uint64_t)text.size_bytes, 4);
    hyl_buf_append(out, text.data, (size_t)text.size_bytes);
}

/* The value of a column, of which the batches have no other types. */
static void append_value(hyl_buf *out, const struct ArrowArrayView *column, const char *format,
                         int64_t row)
{
    switch (column->storage_type) {
    case NANOARROW_TYPE_INT32: {
        bool is_date = strcmp(format, "tdD") == 0;
        int64_t value = ArrowArrayViewGetIntUnsafe(column, row);
        append_le(out, (uint64_t)(value + (is_date ? JULIAN_DAY_1970 : 0)), 4);
        break;
    }
    case NANOARROW_TYPE_INT64: {
        bool is_time = strncmp(format, "ts", 2) == 0;
        int64_t value = ArrowArrayViewGetIntUnsafe(column, row);
        append_le(out, (uint64_t)(value + (is_time ? JULIAN_DAY_1970 * MICROS_PER_DAY : 0)), 8);
        break;
    }
    case NANOARROW_TYPE_DOUBLE:
        append_double(out, ArrowArrayViewGetDoubleUnsafe(column, row));
        break;
    default:
        append_text(out, ArrowArrayViewGetStringUnsafe(column, row));
    }
}

static void append_row(hyl_buf *out, const struct ArrowArrayView *view,
                       const struct ArrowSchema *schema, int64_t row)
{
    for (int64_t i = 0; i < view->n_children; i++) {
        const struct ArrowArrayView *column = view->children[i];
        bool is_null = ArrowArrayViewIsNull(column, row);
        if (schema->children[i]->flags & ARROW_FLAG_NULLABLE) {
            hyl_buf_append_byte(out, is_null ? 1 : 0);
        }
        if (!is_null) {
            append_value(out, column, schema->children[i]->format, row);
        }
    }
}

/* A batch's rows, the message that is being made ended where it has its size. */
static void append_rows(hyl_buf *out, const struct ArrowArrayView *view,
                        const struct ArrowSchema *schema, size_t message_bytes, size_t *at)
{
    for (int64_t row = 0; row < view->length; row++) {
        append_row(out, view, schema, row);
        if (out->len - *at >= message_bytes) {
            end_message(out, *at);
            begin_message(out, at);
        }
    }
}

/* ---- Arrow ---------------------------------------------------------------------------------- */

static int append_encoded(hyl_buf *out, struct ArrowIpcEncoder *encoder,
                          const struct ArrowBuffer *body)
{
    struct ArrowBuffer header;
    ArrowBufferInit(&header);
    int code = ArrowIpcEncoderFinalizeBuffer(encoder, 1, &header);
    if (code == NANOARROW_OK) {
        hyl_buf_append(out, header.data, (size_t)header.size_bytes);
        if (body != NULL) {
            hyl_buf_append(out, body->data, (size_t)body->size_bytes);
        }
    }
    ArrowBufferReset(&header);
    return code;
}

static int append_schema(hyl_buf *out, struct ArrowIpcEncoder *encoder,
                         const struct ArrowSchema *schema)
{
    size_t at = 0;
    NANOARROW_RETURN_NOT_OK(ArrowIpcEncoderEncodeSchema(encoder, schema, NULL));
    begin_message(out, &at);
    NANOARROW_RETURN_NOT_OK(append_encoded(out, encoder, NULL));
    end_message(out, at);
    return NANOARROW_OK;
}

static int append_batch(hyl_buf *out, struct ArrowIpcEncoder *encoder,
                        const struct ArrowArrayView *view)
{
    size_t at = 0;
    struct ArrowBuffer body;
    ArrowBufferInit(&body);
    int code = ArrowIpcEncoderEncodeSimpleRecordBatch(encoder, view, &body, NULL);
    if (code == NANOARROW_OK) {
        begin_message(out, &at);
        code = append_encoded(out, encoder, &body);
        end_message(out, at);
    }
    ArrowBufferReset(&body);
    return code;
}

/* ---- Both ----------------------------------------------------------------------------------- */

typedef struct encoding {
    batches_kind kind;
    const encode_plan *plan;
    struct ArrowSchema schema;
    struct ArrowArrayView view;
    struct ArrowIpcEncoder encoder;
    hyl_buf *out;
    size_t message_at; /* HyperBinary: where the message began */
} encoding;

static int encode_batch(encoding *self, struct ArrowArray *array)
{
    NANOARROW_RETURN_NOT_OK(ArrowArrayViewSetArray(&self->view, array, NULL));
    if (self->plan->format == ENCODE_ARROW) {
        return append_batch(self->out, &self->encoder, &self->view);
    }
    append_rows(self->out, &self->view, &self->schema, self->plan->message_bytes,
                &self->message_at);
    return NANOARROW_OK;
}

static hyl_status fail_encoding(hyl_error *err, int code)
{
    return code == ENOMEM ? cli_fail_nomem(err)
                          : cli_fail_errno(err, code, "the floor's rows cannot be encoded");
}

/* The next rows, made and encoded. */
static hyl_status encode_part(encoding *self, int64_t first, int64_t rows, hyl_error *err)
{
    struct ArrowArray array;
    HYL_TRY(batches_make(self->kind, first, rows, &array, err));
    int code = encode_batch(self, &array);
    ArrowArrayRelease(&array);
    return code == NANOARROW_OK ? HYL_OK : fail_encoding(err, code);
}

/* How many rows are about a message: what is left out is the size of their headers. */
static hyl_status rows_of_message(encoding *self, int64_t *rows, hyl_error *err)
{
    enum { SAMPLE = 1000 };
    hyl_buf sample = HYL_BUF_INIT;
    hyl_buf *out = self->out;
    self->out = &sample;
    hyl_status status = encode_part(self, 1, SAMPLE, err);
    self->out = out;
    if (status == HYL_OK) {
        status = hyl_buf_status(&sample) < 0 ? cli_fail_nomem(err) : HYL_OK;
    }
    if (status == HYL_OK) {
        *rows = (int64_t)(self->plan->message_bytes * SAMPLE / sample.len);
        *rows = *rows > 0 ? *rows : 1;
    }
    hyl_buf_reset(&sample);
    return status;
}

static hyl_status encode_all(encoding *self, int64_t rows, hyl_error *err)
{
    static const uint8_t header[19] = {'H', 'P', 'R', 'C', 'P', 'Y'};
    int64_t step = BATCHES_ROWS;
    if (self->plan->format == ENCODE_ARROW) {
        HYL_TRY(rows_of_message(self, &step, err));
        int code = append_schema(self->out, &self->encoder, &self->schema);
        if (code != NANOARROW_OK) {
            return fail_encoding(err, code);
        }
    } else {
        begin_message(self->out, &self->message_at);
        hyl_buf_append(self->out, header, sizeof header);
    }
    for (int64_t first = 1; first <= rows; first += step) {
        int64_t left = rows - first + 1;
        HYL_TRY(encode_part(self, first, left < step ? left : step, err));
    }
    if (self->plan->format == ENCODE_HYPERBINARY) {
        end_message(self->out, self->message_at);
    }
    return hyl_buf_status(self->out) < 0 ? cli_fail_nomem(err) : HYL_OK;
}

hyl_status encode_rows(batches_kind kind, int64_t rows, const encode_plan *plan, hyl_buf *out,
                       hyl_error *err)
{
    encoding self = {.kind = kind, .plan = plan, .out = out};
    HYL_TRY(batches_schema(kind, &self.schema, err));
    hyl_status status = HYL_OK;
    int code = ArrowArrayViewInitFromSchema(&self.view, &self.schema, NULL);
    if (code == NANOARROW_OK) {
        code = ArrowIpcEncoderInit(&self.encoder);
        if (code == NANOARROW_OK) {
            status = encode_all(&self, rows, err);
            ArrowIpcEncoderReset(&self.encoder);
        }
        ArrowArrayViewReset(&self.view);
    }
    ArrowSchemaRelease(&self.schema);
    return code == NANOARROW_OK ? status : fail_encoding(err, code);
}
