#include "support/arrow_text.h"

#include "support/test.h"

#include <hyperline/types.h>

const char *arrow_metadata(const struct ArrowSchema *field, const char *key)
{
    static char values[8][100];
    static unsigned turn;
    char *value = values[turn++ % 8];
    struct ArrowStringView found = {"", 0};
    if (field->metadata != NULL) {
        (void)ArrowMetadataGetValue(field->metadata, ArrowCharView(key), &found);
    }
    snprintf(value, sizeof values[0], "%.*s", (int)found.size_bytes, found.data);
    return value;
}

/* ---- A cell -------------------------------------------------------------------------------- */

static hyl_numeric decimal_of(const struct ArrowSchemaView *view,
                              const struct ArrowArrayView *column, int64_t row)
{
    struct ArrowDecimal decimal;
    ArrowDecimalInit(&decimal, 128, view->decimal_precision, view->decimal_scale);
    ArrowArrayViewGetDecimalUnsafe(column, row, &decimal);
    return (hyl_numeric){decimal.words[decimal.low_word_index],
                         (int64_t)decimal.words[decimal.high_word_index],
                         (uint8_t)view->decimal_precision, (uint8_t)view->decimal_scale};
}

static hyl_interval interval_of(const struct ArrowArrayView *column, int64_t row)
{
    struct ArrowInterval interval;
    ArrowIntervalInit(&interval, NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO);
    ArrowArrayViewGetIntervalUnsafe(column, row, &interval);
    assert_int_equal(interval.ns % 1000, 0);
    return (hyl_interval){interval.ns / 1000, interval.days, interval.months};
}

/* Fills in *value and returns its type; UNKNOWN for what is no single value. */
static hyl_type value_of(const struct ArrowSchemaView *view, const struct ArrowArrayView *column,
                         int64_t row, hyl_value *value)
{
    const int64_t epoch = HYL_UNIX_EPOCH_DAYS * HYL_MICROS_PER_DAY;
    hyl_type type = hyl_type_of(HYL_TYPE_UNKNOWN);
    switch (view->type) {
    case NANOARROW_TYPE_BOOL:
        type = hyl_type_of(HYL_TYPE_BOOL);
        value->as.boolean = ArrowArrayViewGetIntUnsafe(column, row) != 0;
        break;
    case NANOARROW_TYPE_INT16:
    case NANOARROW_TYPE_INT32:
    case NANOARROW_TYPE_INT64:
        type = hyl_type_of(HYL_TYPE_BIGINT);
        value->as.i64 = ArrowArrayViewGetIntUnsafe(column, row);
        break;
    case NANOARROW_TYPE_UINT32:
        type = hyl_type_of(HYL_TYPE_OID);
        value->as.u32 = (uint32_t)ArrowArrayViewGetUIntUnsafe(column, row);
        break;
    case NANOARROW_TYPE_FLOAT:
        type = hyl_type_of(HYL_TYPE_REAL);
        value->as.f32 = (float)ArrowArrayViewGetDoubleUnsafe(column, row);
        break;
    case NANOARROW_TYPE_DOUBLE:
        type = hyl_type_of(HYL_TYPE_DOUBLE);
        value->as.f64 = ArrowArrayViewGetDoubleUnsafe(column, row);
        break;
    case NANOARROW_TYPE_DECIMAL128:
        type = hyl_type_numeric(view->decimal_precision, view->decimal_scale);
        value->as.numeric = decimal_of(view, column, row);
        break;
    case NANOARROW_TYPE_DATE32:
        type = hyl_type_of(HYL_TYPE_DATE);
        value->as.i32 = (int32_t)ArrowArrayViewGetIntUnsafe(column, row) + HYL_UNIX_EPOCH_DAYS;
        break;
    case NANOARROW_TYPE_TIME64:
        type = hyl_type_of(HYL_TYPE_TIME);
        value->as.i64 = ArrowArrayViewGetIntUnsafe(column, row);
        break;
    case NANOARROW_TYPE_TIMESTAMP:
        type = hyl_type_of(view->timezone[0] != '\0' ? HYL_TYPE_TIMESTAMPTZ : HYL_TYPE_TIMESTAMP);
        value->as.i64 = ArrowArrayViewGetIntUnsafe(column, row) + epoch;
        break;
    case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
        type = hyl_type_of(HYL_TYPE_INTERVAL);
        value->as.interval = interval_of(column, row);
        break;
    default:
        break;
    }
    value->type = type.id;
    return type;
}

static void bytes_text(const struct ArrowSchemaView *view, const struct ArrowArrayView *column,
                       int64_t row, hyl_buf *out)
{
    struct ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(column, row);
    if (view->type == NANOARROW_TYPE_STRING) {
        hyl_buf_append(out, bytes.data.data, (size_t)bytes.size_bytes);
        return;
    }
    hyl_value value = {.type = HYL_TYPE_BYTES};
    value.as.bytes = (hyl_bytes){bytes.data.as_uint8, (size_t)bytes.size_bytes};
    if (view->type == NANOARROW_TYPE_FIXED_SIZE_BINARY) {
        assert_int_equal(bytes.size_bytes, 16);
        value.type = HYL_TYPE_UUID;
        memcpy(value.as.uuid, bytes.data.data, 16);
    }
    assert_int_equal(hyl_value_text(hyl_type_of(value.type), &value, out, NULL), HYL_OK);
}

/* Puts a backslash before each quote and backslash from `at` on. */
static void escape_from(hyl_buf *out, size_t at)
{
    hyl_buf plain = HYL_BUF_INIT;
    hyl_buf_append(&plain, out->data + at, out->len - at);
    out->len = at;
    for (size_t i = 0; i < plain.len; i++) {
        if (plain.data[i] == '"' || plain.data[i] == '\\') {
            hyl_buf_append_byte(out, '\\');
        }
        hyl_buf_append_byte(out, plain.data[i]);
    }
    hyl_buf_reset(&plain);
}

static void list_text(const struct ArrowSchema *field, const struct ArrowArrayView *column,
                      int64_t row, hyl_buf *out)
{
    int64_t at = ArrowArrayViewListChildOffset(column, row);
    int64_t end = ArrowArrayViewListChildOffset(column, row + 1);
    hyl_buf_append_byte(out, '[');
    /* As the server does: all but numbers and booleans are quoted, and an oid is none. */
    bool is_text = strchr("uztwI", field->children[0]->format[0]) != NULL;
    for (int64_t i = at; i < end; i++) {
        const char *quote = is_text && !ArrowArrayViewIsNull(column->children[0], i) ? "\"" : "";
        hyl_buf_append_str(out, i > at ? "," : "");
        hyl_buf_append_str(out, quote);
        size_t from = out->len;
        arrow_cell_text(field->children[0], column->children[0], i, out);
        escape_from(out, from);
        hyl_buf_append_str(out, quote);
    }
    hyl_buf_append_byte(out, ']');
}

void arrow_cell_text(const struct ArrowSchema *field, const struct ArrowArrayView *column,
                     int64_t row, hyl_buf *out)
{
    hyl_error err = HYL_ERROR_INIT;
    struct ArrowSchemaView view;
    hyl_value value = {.is_null = false};
    assert_int_equal(ArrowSchemaViewInit(&view, field, NULL), NANOARROW_OK);
    if (ArrowArrayViewIsNull(column, row)) {
        hyl_buf_append_str(out, "NULL");
        return;
    }
    hyl_type type = value_of(&view, column, row, &value);
    if (type.id != HYL_TYPE_UNKNOWN) {
        assert_ok(hyl_value_text(type, &value, out, &err), &err);
    } else if (view.type == NANOARROW_TYPE_LIST) {
        list_text(field, column, row, out);
    } else {
        bytes_text(&view, column, row, out);
    }
}

/* ---- Batches ------------------------------------------------------------------------------- */

void arrow_schema_text(const struct ArrowSchema *schema, hyl_buf *out)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        hyl_buf_printf(out, "%s%s:%s:%s:%s", i > 0 ? " " : "", field->name, field->format,
                       (field->flags & ARROW_FLAG_NULLABLE) != 0 ? "null" : "not null",
                       arrow_metadata(field, "hyper:type_name"));
    }
}

/* Arrays of offsets have one even where they have no value, children too. */
static void assert_offsets(const struct ArrowSchema *field, const struct ArrowArray *array)
{
    struct ArrowSchemaView view;
    assert_int_equal(ArrowSchemaViewInit(&view, field, NULL), NANOARROW_OK);
    if (view.layout.buffer_type[1] == NANOARROW_BUFFER_TYPE_DATA_OFFSET) {
        int32_t first = -1;
        assert_non_null(array->buffers[1]);
        memcpy(&first, array->buffers[1], sizeof first);
        assert_int_equal(first, 0);
    }
    for (int64_t i = 0; i < field->n_children; i++) {
        assert_offsets(field->children[i], array->children[i]);
    }
}

void arrow_batch_text(const struct ArrowSchema *schema, const struct ArrowArray *batch,
                      hyl_buf *out)
{
    struct ArrowArrayView view;
    struct ArrowError why = {""};
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, schema, &why), NANOARROW_OK);
    if (ArrowArrayViewSetArray(&view, batch, &why) != NANOARROW_OK ||
        ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, &why) != NANOARROW_OK) {
        fail_msg("the batch is not sound: %s", why.message);
    }
    assert_offsets(schema, batch);
    for (int64_t row = 0; row < batch->length; row++) {
        for (int64_t i = 0; i < schema->n_children; i++) {
            hyl_buf_append_str(out, i > 0 ? "|" : "");
            arrow_cell_text(schema->children[i], view.children[i], row, out);
        }
        hyl_buf_append_byte(out, '\n');
    }
    ArrowArrayViewReset(&view);
}
