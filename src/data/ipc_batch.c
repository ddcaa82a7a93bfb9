#include "ipc_batch.h"

#include "arrow_check.h"
#include "arrow_schema.h"
#include "arrow_value.h"
#include "base/error.h"
#include "base/mem.h"
#include "ipc_buffer.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Fields of the tables of Arrow's Message.fbs, in their order there
 * (https://github.com/apache/arrow/blob/main/format/Message.fbs).
 */
enum { BATCH_LENGTH, BATCH_NODES, BATCH_BUFFERS, BATCH_COMPRESSION, BATCH_VARIADIC };
enum { DICTIONARY_ID, DICTIONARY_DATA, DICTIONARY_DELTA };
enum { COMPRESSION_CODEC };

/* Its structs of two 64-bit numbers: FieldNode {length, null_count} and Buffer {offset, length}. */
enum { PAIR = 16, SECOND = 8 };

enum { VIEW_FIXED_BUFFERS = 2, VIEW_WIDTH = 16, VIEW_INLINE = 12 };

/* A walk over the columns and their children, in the order in which nodes and buffers come. */
typedef struct batch_reader {
    const hyl__ipc_batches *batches;
    struct ArrowBuffer *body;
    hyl_error *err;
    hyl__fb_vector nodes;
    hyl__fb_vector buffers;
    hyl__fb_vector variadic;
    size_t node;
    size_t buffer;
    size_t view;
    int codec;
    size_t hint; /* of the next dictionary */
} batch_reader;

static hyl_status fail_damaged(const batch_reader *reader)
{
    return hyl__fail(reader->err, HYL_ERR_ARG, "a batch does not have what its columns need");
}

/* nanoarrow's failures: no memory, or arrays that are none. */
static hyl_status fail_arrow(int code, const struct ArrowError *why, hyl_error *err)
{
    return code == ENOMEM ? hyl__fail_nomem(err) : hyl__fail(err, HYL_ERR_ARG, "%s", why->message);
}

/* ---- The walk ------------------------------------------------------------------------------ */

static hyl_status next_buffer(batch_reader *reader, struct ArrowBuffer *out)
{
    if (reader->buffer >= reader->buffers.count) {
        return fail_damaged(reader);
    }
    const size_t i = reader->buffer++;
    struct ArrowBuffer buffer;
    HYL_TRY(hyl__ipc_buffer_read(reader->body, hyl__fb_item_int(&reader->buffers, i, 0, 8),
                                 hyl__fb_item_int(&reader->buffers, i, SECOND, 8), reader->codec,
                                 &buffer, reader->err));
    ArrowBufferReset(out);
    ArrowBufferMove(&buffer, out);
    return HYL_OK;
}

static bool is_view(enum ArrowType type)
{
    return type == NANOARROW_TYPE_STRING_VIEW || type == NANOARROW_TYPE_BINARY_VIEW;
}

/* Views point into any number of buffers; how many is told apart from the nodes. */
static hyl_status add_variadic(batch_reader *reader, struct ArrowArray *array)
{
    if (reader->view >= reader->variadic.count) {
        return fail_damaged(reader);
    }
    const int64_t count = hyl__fb_item_int(&reader->variadic, reader->view++, 0, 8);
    if (count < 0 || count > (int64_t)(reader->buffers.count - reader->buffer)) {
        return fail_damaged(reader);
    }
    if (count == 0) {
        return HYL_OK;
    }
    return ArrowArrayAddVariadicBuffers(array, (int32_t)count) == NANOARROW_OK
               ? HYL_OK
               : hyl__fail_nomem(reader->err);
}

static int64_t count_buffers(const struct ArrowArray *array)
{
    const struct ArrowArrayPrivateData *own = array->private_data;
    int64_t count = 0;
    if (is_view(own->storage_type)) {
        return VIEW_FIXED_BUFFERS + own->n_variadic_buffers;
    }
    while (count < NANOARROW_MAX_FIXED_BUFFERS &&
           own->layout.buffer_type[count] != NANOARROW_BUFFER_TYPE_NONE) {
        count++;
    }
    return count;
}

static bool is_length(const struct ArrowArray *array, int64_t length)
{
    const struct ArrowArrayPrivateData *own = array->private_data;
    return hyl__arrow_is_length(&own->layout, length);
}

static hyl_status read_node(batch_reader *reader, struct ArrowArray *array)
{
    const struct ArrowArrayPrivateData *own = array->private_data;
    if (reader->node >= reader->nodes.count) {
        return fail_damaged(reader);
    }
    const size_t i = reader->node++;
    array->length = hyl__fb_item_int(&reader->nodes, i, 0, 8);
    array->null_count = hyl__fb_item_int(&reader->nodes, i, SECOND, 8);
    if (!is_length(array, array->length) || array->null_count < -1 ||
        array->null_count > array->length) {
        return fail_damaged(reader);
    }
    if (is_view(own->storage_type)) {
        HYL_TRY(add_variadic(reader, array));
    }
    const int64_t count = count_buffers(array);
    for (int64_t k = 0; k < count; k++) {
        HYL_TRY(next_buffer(reader, ArrowArrayBuffer(array, k)));
    }
    return HYL_OK;
}

/* Dictionaries are put in later: they have been checked when they came. */
static void drop_dictionary(struct ArrowArray *array)
{
    if (array->dictionary != NULL) {
        ArrowArrayRelease(array->dictionary);
        ArrowFree(array->dictionary);
        array->dictionary = NULL;
    }
}

static hyl_status read_array(batch_reader *reader, struct ArrowArray *array)
{
    drop_dictionary(array);
    HYL_TRY(read_node(reader, array));
    for (int64_t i = 0; i < array->n_children; i++) {
        HYL_TRY(read_array(reader, array->children[i]));
    }
    return HYL_OK;
}

/* ---- What nanoarrow does not check, and dictionaries --------------------------------------- */

static bool view_fits(const struct ArrowArray *array, const uint8_t *view)
{
    int32_t part[4]; /* length, four bytes of the text, buffer, offset */
    struct ArrowArrayPrivateData *own = array->private_data;
    memcpy(part, view, sizeof part);
    if (part[0] <= VIEW_INLINE) {
        return part[0] >= 0;
    }
    return part[2] >= 0 && part[2] < own->n_variadic_buffers && part[3] >= 0 &&
           (int64_t)part[3] + part[0] <= own->variadic_buffers[part[2]].size_bytes;
}

static bool is_null(struct ArrowArray *array, int64_t i)
{
    const uint8_t *validity = ArrowArrayBuffer(array, 0)->data;
    return array->null_count != 0 && validity != NULL && !ArrowBitGet(validity, i);
}

static hyl_status check_views(const batch_reader *reader, struct ArrowArray *array)
{
    const uint8_t *views = ArrowArrayBuffer(array, 1)->data;
    for (int64_t i = 0; i < array->length; i++) {
        if (!is_null(array, i) && !view_fits(array, views + i * VIEW_WIDTH)) {
            return hyl__fail(reader->err, HYL_ERR_ARG, "a text is not where the batch says");
        }
    }
    return HYL_OK;
}

static hyl__ipc_dictionary *find_dictionary(const hyl__ipc_batches *batches, int64_t id)
{
    for (size_t low = 0, high = batches->dictionary_count; low < high;) {
        const size_t middle = low + (high - low) / 2;
        if (batches->dictionaries[middle].id == id) {
            return &batches->dictionaries[middle];
        }
        if (batches->dictionaries[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static hyl_status check_indices(const batch_reader *reader, struct ArrowArray *array, int64_t count)
{
    const struct ArrowArrayPrivateData *own = array->private_data;
    const void *indices = ArrowArrayBuffer(array, 1)->data;
    for (int64_t i = 0; i < array->length; i++) {
        if (is_null(array, i)) {
            continue;
        }
        const int64_t index = hyl__arrow_index_at(own->storage_type, indices, i);
        if (index < 0 || index >= count) {
            return hyl__fail(reader->err, HYL_ERR_ARG, "index %lld of a dictionary of %lld values",
                             (long long)index, (long long)count);
        }
    }
    return HYL_OK;
}

/* Gives the array its dictionary: a reference to the values as they are now. */
static hyl_status put_dictionary(batch_reader *reader, const struct ArrowSchema *field,
                                 struct ArrowArray *array)
{
    const int64_t id = hyl__ipc_schema_find(reader->batches->schema, field, &reader->hint);
    hyl__ipc_dictionary *dictionary = find_dictionary(reader->batches, id);
    if (dictionary == NULL || dictionary->array.release == NULL) {
        return hyl__fail(reader->err, HYL_ERR_ARG,
                         "column \"%s\" refers to a dictionary that has not come", field->name);
    }
    HYL_TRY(check_indices(reader, array, dictionary->array.length));
    if (ArrowArrayAllocateDictionary(array) != NANOARROW_OK ||
        ArrowArrayCloneShared(&dictionary->array, array->dictionary) != NANOARROW_OK) {
        return hyl__fail_nomem(reader->err);
    }
    return HYL_OK;
}

static hyl_status finish_array(batch_reader *reader, const struct ArrowSchema *field,
                               struct ArrowArray *array)
{
    const struct ArrowArrayPrivateData *own = array->private_data;
    if (is_view(own->storage_type)) {
        HYL_TRY(check_views(reader, array));
    }
    if (field->dictionary != NULL) {
        return put_dictionary(reader, field, array);
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        HYL_TRY(finish_array(reader, field->children[i], array->children[i]));
    }
    return HYL_OK;
}

/* ---- Batches ------------------------------------------------------------------------------- */

static hyl_status init_reader(batch_reader *reader, const hyl__ipc_batches *batches,
                              const hyl__fb_table *table, struct ArrowBuffer *body, hyl_error *err)
{
    memset(reader, 0, sizeof *reader);
    reader->batches = batches;
    reader->body = body;
    reader->err = err;
    reader->nodes = hyl__fb_items(table, BATCH_NODES, PAIR);
    reader->buffers = hyl__fb_items(table, BATCH_BUFFERS, PAIR);
    reader->variadic = hyl__fb_items(table, BATCH_VARIADIC, 8);
    const hyl__fb_table compression = hyl__fb_child(table, BATCH_COMPRESSION);
    reader->codec = compression.at != 0
                        ? (int)hyl__fb_int(&compression, COMPRESSION_CODEC, 1, HYL__IPC_LZ4)
                        : HYL__IPC_PLAIN;
    return table->fb->broken ? fail_damaged(reader) : HYL_OK;
}

/* All that the message has must have been asked for. */
static hyl_status check_used(const batch_reader *reader)
{
    return reader->node == reader->nodes.count && reader->buffer == reader->buffers.count &&
                   reader->view == reader->variadic.count
               ? HYL_OK
               : fail_damaged(reader);
}

static hyl_status finish(batch_reader *reader, const struct ArrowSchema *field,
                         struct ArrowArray *array)
{
    struct ArrowError why = {""};
    HYL_TRY(check_used(reader));
    int code = ArrowArrayFinishBuilding(array, NANOARROW_VALIDATION_LEVEL_FULL, &why);
    if (code != NANOARROW_OK) {
        return fail_arrow(code, &why, reader->err);
    }
    if (hyl__batch_add_offsets(array) != NANOARROW_OK) {
        return hyl__fail_nomem(reader->err);
    }
    return finish_array(reader, field, array);
}

static hyl_status make_array(const struct ArrowSchema *field, struct ArrowArray *out,
                             hyl_error *err)
{
    struct ArrowError why = {""};
    int code = ArrowArrayInitFromSchema(out, field, &why);
    return code == NANOARROW_OK ? HYL_OK : fail_arrow(code, &why, err);
}

static hyl_status read_columns(batch_reader *reader, const struct ArrowSchema *root,
                               struct ArrowArray *batch)
{
    for (int64_t i = 0; i < batch->n_children; i++) {
        HYL_TRY(read_array(reader, batch->children[i]));
    }
    return finish(reader, root, batch);
}

hyl_status hyl__ipc_batch_read(const hyl__ipc_batches *batches, const hyl__fb_table *table,
                               struct ArrowBuffer *body, struct ArrowArray *out, hyl_error *err)
{
    batch_reader reader;
    struct ArrowArray batch;
    HYL_TRY(init_reader(&reader, batches, table, body, err));
    HYL_TRY(make_array(&batches->schema->root, &batch, err));
    batch.length = hyl__fb_int(table, BATCH_LENGTH, 8, 0);
    hyl_status status = is_length(&batch, batch.length)
                            ? read_columns(&reader, &batches->schema->root, &batch)
                            : fail_damaged(&reader);
    if (status < 0) {
        ArrowArrayRelease(&batch);
        return status;
    }
    ArrowArrayMove(&batch, out);
    return HYL_OK;
}

/* ---- Dictionaries -------------------------------------------------------------------------- */

/* The number of rows is told twice. */
static hyl_status read_values(batch_reader *reader, const struct ArrowSchema *field, int64_t length,
                              struct ArrowArray *values)
{
    HYL_TRY(read_array(reader, values));
    return values->length == length ? finish(reader, field, values) : fail_damaged(reader);
}

static hyl_status replace_values(batch_reader *reader, const hyl__fb_table *data,
                                 hyl__ipc_dictionary *dictionary)
{
    struct ArrowArray values;
    struct ArrowArray shared;
    HYL_TRY(make_array(dictionary->values, &values, reader->err));
    hyl_status status =
        read_values(reader, dictionary->values, hyl__fb_int(data, BATCH_LENGTH, 8, 0), &values);
    if (status < 0) {
        ArrowArrayRelease(&values);
        return status;
    }
    shared.release = NULL;
    if (ArrowArrayMoveShared(&values, &shared) != NANOARROW_OK) {
        return hyl__fail_nomem(reader->err);
    }
    if (dictionary->array.release != NULL) {
        ArrowArrayRelease(&dictionary->array);
    }
    ArrowArrayMove(&shared, &dictionary->array);
    return HYL_OK;
}

hyl_status hyl__ipc_dictionary_read(hyl__ipc_batches *batches, const hyl__fb_table *table,
                                    struct ArrowBuffer *body, hyl_error *err)
{
    batch_reader reader;
    const int64_t id = hyl__fb_int(table, DICTIONARY_ID, 8, 0);
    const hyl__fb_table data = hyl__fb_child(table, DICTIONARY_DATA);
    hyl__ipc_dictionary *dictionary = find_dictionary(batches, id);
    HYL_TRY(init_reader(&reader, batches, &data, body, err));
    if (dictionary == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "dictionary %lld is of no column", (long long)id);
    }
    if (hyl__fb_int(table, DICTIONARY_DELTA, 1, 0) != 0) {
        return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                         "dictionary %lld goes on in a delta, which is not read: write whole "
                         "dictionaries",
                         (long long)id);
    }
    return replace_values(&reader, &data, dictionary);
}

/* ---- All dictionaries ---------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const hyl__ipc_dictionary *x = a;
    const hyl__ipc_dictionary *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Fields may share a dictionary, where their values are of one type. */
static hyl_status merge_dictionaries(hyl__ipc_batches *batches, hyl_error *err)
{
    hyl__ipc_dictionary *all = batches->dictionaries;
    size_t kept = 0;
    for (size_t i = 0; i < batches->dictionary_count; i++) {
        if (kept == 0 || all[kept - 1].id != all[i].id) {
            all[kept++] = all[i];
        } else if (strcmp(all[kept - 1].values->format, all[i].values->format) != 0 ||
                   all[i].values->n_children != 0) {
            return hyl__fail(err, HYL_ERR_ARG, "dictionary %lld is of two types",
                             (long long)all[i].id);
        }
    }
    batches->dictionary_count = kept;
    return HYL_OK;
}

hyl_status hyl__ipc_batches_init(hyl__ipc_batches *batches, const hyl__ipc_schema *schema,
                                 hyl_error *err)
{
    memset(batches, 0, sizeof *batches);
    batches->schema = schema;
    if (schema->encoding_count == 0) {
        return HYL_OK;
    }
    batches->dictionaries = hyl__calloc(schema->encoding_count, sizeof *batches->dictionaries);
    if (batches->dictionaries == NULL) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < schema->encoding_count; i++) {
        batches->dictionaries[i].id = schema->encodings[i].id;
        batches->dictionaries[i].values = schema->encodings[i].field->dictionary;
    }
    batches->dictionary_count = schema->encoding_count;
    qsort(batches->dictionaries, batches->dictionary_count, sizeof *batches->dictionaries, by_id);
    return merge_dictionaries(batches, err);
}

void hyl__ipc_batches_reset(hyl__ipc_batches *batches)
{
    for (size_t i = 0; i < batches->dictionary_count; i++) {
        if (batches->dictionaries[i].array.release != NULL) {
            ArrowArrayRelease(&batches->dictionaries[i].array);
        }
    }
    hyl__free(batches->dictionaries);
    memset(batches, 0, sizeof *batches);
}
