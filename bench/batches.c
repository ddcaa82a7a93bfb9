#include "batches.h"

#include "cli/fail.h"

#include <nanoarrow/nanoarrow.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Arrow counts from 1970, the tables' values from 2000-01-01. */
#define DAYS_TO_2000   10957
#define MICROS_TO_2000 (INT64_C(86400000000) * DAYS_TO_2000)

static hyl_status fail_arrow(hyl_error *err, int code)
{
    return code == ENOMEM ? cli_fail_nomem(err)
                          : cli_fail_errno(err, code, "an Arrow batch cannot be made");
}

/* ---- Schemas -------------------------------------------------------------------------------- */

typedef struct batches_field {
    const char *name;
    enum ArrowType type;
    bool is_required;
} batches_field;

enum { MAX_FIELDS = 6 };

static const batches_field fields[][MAX_FIELDS] = {
    [BATCHES_MEASUREMENTS] =
        {
            {"id", NANOARROW_TYPE_INT32, true},
            {"sensor", NANOARROW_TYPE_INT32, false},
            {"value", NANOARROW_TYPE_DOUBLE, false},
            {"total", NANOARROW_TYPE_INT64, false},
        },
    [BATCHES_MIXED] =
        {
            {"id", NANOARROW_TYPE_INT32, false},
            {"total", NANOARROW_TYPE_INT64, false},
            {"value", NANOARROW_TYPE_DOUBLE, false},
            {"name", NANOARROW_TYPE_STRING, false},
            {"day", NANOARROW_TYPE_DATE32, false},
            {"at", NANOARROW_TYPE_TIMESTAMP, false},
        },
    [BATCHES_PLAIN] =
        {
            {"id", NANOARROW_TYPE_INT64, false},
            {"total", NANOARROW_TYPE_INT64, false},
            {"value", NANOARROW_TYPE_DOUBLE, false},
            {"name", NANOARROW_TYPE_STRING, false},
            {"kind", NANOARROW_TYPE_STRING, false},
        },
    [BATCHES_NORMALISED] =
        {
            {"id", NANOARROW_TYPE_INT32, false},
            {"total", NANOARROW_TYPE_INT64, false},
            {"value", NANOARROW_TYPE_DOUBLE, false},
            {"name", NANOARROW_TYPE_STRING_VIEW, false},
            {"kind", NANOARROW_TYPE_DICTIONARY, false},
        },
};

static int set_type(struct ArrowSchema *field, enum ArrowType type)
{
    switch (type) {
    case NANOARROW_TYPE_TIMESTAMP:
        return ArrowSchemaSetTypeDateTime(field, type, NANOARROW_TIME_UNIT_MICRO, NULL);
    case NANOARROW_TYPE_DICTIONARY:
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(field, NANOARROW_TYPE_INT32));
        NANOARROW_RETURN_NOT_OK(ArrowSchemaAllocateDictionary(field));
        return ArrowSchemaInitFromType(field->dictionary, NANOARROW_TYPE_STRING);
    default:
        return ArrowSchemaSetType(field, type);
    }
}

static int make_schema(batches_kind kind, struct ArrowSchema *out)
{
    int64_t count = 0;
    while (count < MAX_FIELDS && fields[kind][count].name != NULL) {
        count++;
    }
    ArrowSchemaInit(out);
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(out, count));
    for (int64_t i = 0; i < count; i++) {
        NANOARROW_RETURN_NOT_OK(set_type(out->children[i], fields[kind][i].type));
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(out->children[i], fields[kind][i].name));
        out->children[i]->flags = fields[kind][i].is_required ? 0 : ARROW_FLAG_NULLABLE;
    }
    return NANOARROW_OK;
}

hyl_status batches_schema(batches_kind kind, struct ArrowSchema *out, hyl_error *err)
{
    int code = make_schema(kind, out);
    if (code != NANOARROW_OK) {
        if (out->release != NULL) {
            ArrowSchemaRelease(out);
        }
        return fail_arrow(err, code);
    }
    return HYL_OK;
}

/* ---- Values --------------------------------------------------------------------------------- */

static int append_text(struct ArrowArray *array, const char *format, int64_t number)
{
    char text[48];
    int len = snprintf(text, sizeof text, format, (int)number);
    return ArrowArrayAppendString(array, (struct ArrowStringView){text, len});
}

/* Every tenth is NULL. */
static int append_decimal(struct ArrowArray *array, int64_t row)
{
    return row % 10 == 0 ? ArrowArrayAppendNull(array, 1)
                         : ArrowArrayAppendDouble(array, (double)row * 0.25);
}

#define NAME_FORMAT "item %d"
#define KIND_FORMAT "kind of thing %d"

static int append_measurement(struct ArrowArray **columns, int64_t row)
{
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(columns[0], row));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(columns[1], row % 1000));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendDouble(columns[2], (double)row * 0.25));
    return ArrowArrayAppendInt(columns[3], row * 100);
}

static int append_mixed(struct ArrowArray **columns, int64_t row)
{
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(columns[0], row));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(columns[1], row * 100));
    NANOARROW_RETURN_NOT_OK(append_decimal(columns[2], row));
    NANOARROW_RETURN_NOT_OK(append_text(columns[3], NAME_FORMAT, row % BATCHES_NAMES));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(columns[4], row % BATCHES_DAYS + DAYS_TO_2000));
    return ArrowArrayAppendInt(columns[5], row * 100000 + MICROS_TO_2000);
}

static int append_thing(struct ArrowArray **columns, int64_t row)
{
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(columns[0], row));
    NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(columns[1], row * 100));
    NANOARROW_RETURN_NOT_OK(append_decimal(columns[2], row));
    return append_text(columns[3], NAME_FORMAT, row % BATCHES_NAMES);
}

static int append_plain(struct ArrowArray **columns, int64_t row)
{
    NANOARROW_RETURN_NOT_OK(append_thing(columns, row));
    return append_text(columns[4], KIND_FORMAT, row % BATCHES_KINDS);
}

static int append_normalised(struct ArrowArray **columns, int64_t row)
{
    NANOARROW_RETURN_NOT_OK(append_thing(columns, row));
    return ArrowArrayAppendInt(columns[4], row % BATCHES_KINDS);
}

static int fill_dictionary(struct ArrowArray *dictionary)
{
    for (int64_t i = 0; i < BATCHES_KINDS; i++) {
        NANOARROW_RETURN_NOT_OK(append_text(dictionary, KIND_FORMAT, i));
    }
    return NANOARROW_OK;
}

static int fill(batches_kind kind, struct ArrowArray *array, int64_t first, int64_t rows)
{
    static int (*const append[])(struct ArrowArray **, int64_t) = {
        [BATCHES_MEASUREMENTS] = append_measurement,
        [BATCHES_MIXED] = append_mixed,
        [BATCHES_PLAIN] = append_plain,
        [BATCHES_NORMALISED] = append_normalised,
    };
    NANOARROW_RETURN_NOT_OK(ArrowArrayStartAppending(array));
    NANOARROW_RETURN_NOT_OK(ArrowArrayReserve(array, rows));
    if (kind == BATCHES_NORMALISED) {
        NANOARROW_RETURN_NOT_OK(fill_dictionary(array->children[4]->dictionary));
    }
    for (int64_t i = 0; i < rows; i++) {
        NANOARROW_RETURN_NOT_OK(append[kind](array->children, first + i));
        NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(array));
    }
    return ArrowArrayFinishBuildingDefault(array, NULL);
}

static int make(batches_kind kind, int64_t first, int64_t rows, struct ArrowArray *out)
{
    struct ArrowSchema schema = {.release = NULL};
    int code = make_schema(kind, &schema);
    out->release = NULL;
    if (code == NANOARROW_OK) {
        code = ArrowArrayInitFromSchema(out, &schema, NULL);
    }
    if (code == NANOARROW_OK) {
        code = fill(kind, out, first, rows);
    }
    if (code != NANOARROW_OK && out->release != NULL) {
        ArrowArrayRelease(out);
    }
    if (schema.release != NULL) {
        ArrowSchemaRelease(&schema);
    }
    return code;
}

hyl_status batches_make(batches_kind kind, int64_t first, int64_t rows, struct ArrowArray *out,
                        hyl_error *err)
{
    int code = make(kind, first, rows, out);
    return code == NANOARROW_OK ? HYL_OK : fail_arrow(err, code);
}

hyl_status batches_init(batches *self, batches_kind kind, int64_t rows, hyl_error *err)
{
    size_t wanted = (size_t)((rows + BATCHES_ROWS - 1) / BATCHES_ROWS);
    *self = (batches){.items = calloc(wanted, sizeof *self->items)};
    if (self->items == NULL) {
        return cli_fail_nomem(err);
    }
    hyl_status status = batches_schema(kind, &self->schema, err);
    for (int64_t first = 1; status == HYL_OK && first <= rows; first += BATCHES_ROWS) {
        int64_t left = rows - first + 1;
        status = batches_make(kind, first, left < BATCHES_ROWS ? left : BATCHES_ROWS,
                              &self->items[self->count], err);
        self->count += status == HYL_OK;
    }
    if (status < 0) {
        batches_reset(self);
    }
    return status;
}

void batches_reset(batches *self)
{
    for (size_t i = 0; i < self->count; i++) {
        ArrowArrayRelease(&self->items[i]);
    }
    if (self->schema.release != NULL) {
        ArrowSchemaRelease(&self->schema);
    }
    free(self->items);
    *self = (batches){.items = NULL};
}

/* ---- The stream ----------------------------------------------------------------------------- */

typedef struct replay {
    const batches *of;
    size_t next;
} replay;

static int replay_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const replay *self = stream->private_data;
    return ArrowSchemaDeepCopy(&self->of->schema, out);
}

/* A view has nothing to free: marking it as released is all. */
static void release_view(struct ArrowArray *array)
{
    array->release = NULL;
}

static int replay_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    replay *self = stream->private_data;
    if (self->next == self->of->count) {
        out->release = NULL;
        return NANOARROW_OK;
    }
    *out = self->of->items[self->next++];
    out->release = release_view;
    return NANOARROW_OK;
}

static const char *replay_get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void replay_release(struct ArrowArrayStream *stream)
{
    free(stream->private_data);
    stream->release = NULL;
}

hyl_status batches_stream(const batches *self, struct ArrowArrayStream *out, hyl_error *err)
{
    replay *state = malloc(sizeof *state);
    if (state == NULL) {
        return cli_fail_nomem(err);
    }
    *state = (replay){self, 0};
    out->get_schema = replay_get_schema;
    out->get_next = replay_get_next;
    out->get_last_error = replay_get_last_error;
    out->release = replay_release;
    out->private_data = state;
    return HYL_OK;
}
