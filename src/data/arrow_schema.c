#include "arrow_schema.h"

#include <hyperline/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Hyper's name of a field's type -------------------------------------------------------- */

/*
 * Arrow's types, and what Hyper calls them where the metadata say nothing else: X(nanoarrow's name,
 * SQL name).
 */
#define ARROW_TYPE_MAP(X)         \
    X(BOOL, "boolean")            \
    X(INT16, "smallint")          \
    X(INT32, "integer")           \
    X(INT64, "bigint")            \
    X(UINT32, "oid")              \
    X(FLOAT, "real")              \
    X(DOUBLE, "double precision") \
    X(STRING, "text")             \
    X(BINARY, "bytes")            \
    X(DATE32, "date")             \
    X(DATE64, "date")             \
    X(TIME64, "time")             \
    X(INTERVAL_MONTH_DAY_NANO, "interval")

/* The value of a key in a field's metadata; empty where there is none. */
static struct ArrowStringView metadata_value(const struct ArrowSchema *field, const char *key)
{
    struct ArrowStringView value = {NULL, 0};
    if (field->metadata != NULL) {
        (void)ArrowMetadataGetValue(field->metadata, ArrowCharView(key), &value);
    }
    return value;
}

static bool is_text(struct ArrowStringView value, const char *text)
{
    return value.size_bytes == (int64_t)strlen(text) && memcmp(value.data, text, strlen(text)) == 0;
}

/* The types that share Arrow's and are told apart by `hyper:type`: its value and the SQL name. */
static const char *name_by_metadata(const struct ArrowSchema *field)
{
    static const char *const names[][2] = {{"Oid", "oid"},
                                           {"JSON", "json"},
                                           {"Char1", "character(1)"},
                                           {"Geography", "tableau.tabgeography"}};
    struct ArrowStringView kind = metadata_value(field, "hyper:type");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (kind.data != NULL && is_text(kind, names[i][0])) {
            return names[i][1];
        }
    }
    return NULL;
}

static const char *name_by_type(enum ArrowType type)
{
    switch (type) {
#define ARROW_TYPE_CASE(arrow, sql) \
    case NANOARROW_TYPE_##arrow:    \
        return sql;
        ARROW_TYPE_MAP(ARROW_TYPE_CASE)
#undef ARROW_TYPE_CASE
    default:
        return "unknown";
    }
}

static void write_type_name(const struct ArrowSchema *field, const struct ArrowSchemaView *view,
                            char *out, size_t cap)
{
    struct ArrowStringView length = metadata_value(field, "hyper:max_string_length");
    struct ArrowStringView kind = metadata_value(field, "hyper:type");
    const char *named = name_by_metadata(field);
    if (named != NULL) {
        snprintf(out, cap, "%s", named);
    } else if (view->type == NANOARROW_TYPE_DECIMAL128) {
        snprintf(out, cap, "numeric(%d,%d)", (int)view->decimal_precision,
                 (int)view->decimal_scale);
    } else if (view->type == NANOARROW_TYPE_TIMESTAMP) {
        snprintf(out, cap, "%s",
                 view->timezone[0] != '\0' ? "timestamp with time zone" : "timestamp");
    } else if (view->type == NANOARROW_TYPE_STRING && length.data != NULL) {
        const char *name =
            kind.data != NULL && is_text(kind, "Char") ? "character" : "character varying";
        snprintf(out, cap, "%s(%.*s)", name, (int)length.size_bytes, length.data);
    } else {
        snprintf(out, cap, "%s", name_by_type(view->type));
    }
}

/* ---- Mending a field ----------------------------------------------------------------------- */

static int add_metadata(struct ArrowSchema *field, const char *key, const char *value)
{
    struct ArrowBuffer metadata;
    int code = ArrowMetadataBuilderInit(&metadata, field->metadata);
    if (code == NANOARROW_OK) {
        code = ArrowMetadataBuilderSet(&metadata, ArrowCharView(key), ArrowCharView(value));
    }
    if (code == NANOARROW_OK) {
        code = ArrowSchemaSetMetadata(field, (const char *)metadata.data);
    }
    ArrowBufferReset(&metadata);
    return code;
}

static int name_type(struct ArrowSchema *field, const struct ArrowSchemaView *view)
{
    char name[64];
    if (view->type == NANOARROW_TYPE_LIST) {
        struct ArrowStringView element = metadata_value(field->children[0], "hyper:type_name");
        snprintf(name, sizeof name, "array(%.*s)", (int)element.size_bytes, element.data);
    } else {
        write_type_name(field, view, name, sizeof name);
    }
    NANOARROW_RETURN_NOT_OK(add_metadata(field, "hyper:type_name", name));
    if (view->type == NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO) {
        return add_metadata(field, "hyper:type", "Interval");
    }
    return NANOARROW_OK;
}

static int mend_format(struct ArrowSchema *field, const struct ArrowSchemaView *view)
{
    if (view->type == NANOARROW_TYPE_DATE64) {
        return ArrowSchemaSetFormat(field, "tdD");
    }
    if (view->type == NANOARROW_TYPE_TIMESTAMP && strcmp(view->timezone, "Utc") == 0) {
        return ArrowSchemaSetFormat(field, "tsu:UTC");
    }
    return NANOARROW_OK;
}

static int mend_field(struct ArrowSchema *field, struct ArrowError *why)
{
    struct ArrowSchemaView view;
    for (int64_t i = 0; i < field->n_children; i++) {
        NANOARROW_RETURN_NOT_OK(mend_field(field->children[i], why));
    }
    NANOARROW_RETURN_NOT_OK(ArrowSchemaViewInit(&view, field, why));
    NANOARROW_RETURN_NOT_OK(name_type(field, &view));
    return mend_format(field, &view);
}

static bool is_date64(const struct ArrowSchema *field)
{
    return strcmp(field->format, "tdm") == 0;
}

static bool contains_date64(const struct ArrowSchema *field)
{
    for (int64_t i = 0; i < field->n_children; i++) {
        if (contains_date64(field->children[i])) {
            return true;
        }
    }
    return is_date64(field);
}

int hyl__schema_repair(const struct ArrowSchema *sent, struct ArrowSchema *out, bool *has_date64,
                       struct ArrowError *why)
{
    *has_date64 = contains_date64(sent);
    NANOARROW_RETURN_NOT_OK(ArrowSchemaDeepCopy(sent, out));
    for (int64_t i = 0; i < out->n_children; i++) {
        NANOARROW_RETURN_NOT_OK(mend_field(out->children[i], why));
    }
    return NANOARROW_OK;
}

/* ---- Mending a batch ----------------------------------------------------------------------- */

enum { MILLIS_PER_DAY = 86400000 };

static bool is_null(const uint8_t *validity, int64_t i)
{
    return validity != NULL && (validity[i >> 3] >> (i & 7) & 1) == 0;
}

/*
 * Days from the Unix epoch instead of milliseconds. The server leaves anything in the slots of
 * NULLs.
 */
static int narrow_dates(struct ArrowArray *array)
{
    const uint8_t *validity = array->buffers[0];
    const int64_t *millis = array->buffers[1];
    struct ArrowBuffer days;
    ArrowBufferInit(&days);
    int code = ArrowBufferResize(&days, array->length * (int64_t)sizeof(int32_t), 0);
    if (code != NANOARROW_OK) {
        return code;
    }
    int32_t *out = (int32_t *)(void *)days.data;
    for (int64_t i = 0; i < array->length; i++) {
        out[i] = is_null(validity, i) ? 0 : (int32_t)(millis[i] / MILLIS_PER_DAY);
    }
    return ArrowArraySetBuffer(array, 1, &days);
}

int hyl__batch_repair(struct ArrowArray *batch, const struct ArrowSchema *sent)
{
    for (int64_t i = 0; i < batch->n_children && i < sent->n_children; i++) {
        NANOARROW_RETURN_NOT_OK(hyl__batch_repair(batch->children[i], sent->children[i]));
    }
    return is_date64(sent) ? narrow_dates(batch) : NANOARROW_OK;
}

/* ---- Offsets ------------------------------------------------------------------------------- */

static bool has_offsets(const struct ArrowArray *array)
{
    const struct ArrowArrayPrivateData *own = array->private_data;
    return own->layout.buffer_type[1] == NANOARROW_BUFFER_TYPE_DATA_OFFSET;
}

int hyl__batch_add_offsets(struct ArrowArray *batch)
{
    for (int64_t i = 0; i < batch->n_children; i++) {
        NANOARROW_RETURN_NOT_OK(hyl__batch_add_offsets(batch->children[i]));
    }
    if (batch->length != 0 || !has_offsets(batch) || ArrowArrayBuffer(batch, 1)->size_bytes > 0) {
        return NANOARROW_OK;
    }
    struct ArrowBuffer first;
    ArrowBufferInit(&first);
    NANOARROW_RETURN_NOT_OK(ArrowBufferAppendInt64(&first, 0)); /* as wide as any offset */
    return ArrowArraySetBuffer(batch, 1, &first);
}
