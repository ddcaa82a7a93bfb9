/* Record batches and dictionaries of Arrow IPC: sound ones, and each number of theirs as a lie. */
#include "data/ipc_batch.h"

#include "support/fb_build.h"
#include "support/test.h"

static hyl_error err;

/* Fields of Message.fbs, in their order there. */
enum { LENGTH, NODES, BUFFERS, COMPRESSION, VARIADIC };
enum { ID, DATA, DELTA };
enum { PAIR = 16, SECOND = 8 };

/* ---- A batch to be --------------------------------------------------------------------------- */

enum { MOST = 8 };

/* What a RecordBatch says, and its body: each buffer begins at a multiple of 64. */
typedef struct batch_build {
    int64_t length;
    int64_t nodes[MOST][2];
    uint32_t node_count;
    int64_t buffers[MOST][2];
    uint32_t buffer_count;
    int64_t variadic[MOST];
    uint32_t variadic_count;
    struct ArrowBuffer body; /* until it is shared */
} batch_build;

static void add_node(batch_build *batch, int64_t length, int64_t null_count)
{
    batch->nodes[batch->node_count][0] = length;
    batch->nodes[batch->node_count++][1] = null_count;
}

static void add_buffer(batch_build *batch, const void *bytes, int64_t len)
{
    batch->buffers[batch->buffer_count][0] = batch->body.size_bytes;
    batch->buffers[batch->buffer_count++][1] = len;
    if (len > 0) {
        assert_int_equal(ArrowBufferAppend(&batch->body, bytes, len), 0);
        assert_int_equal(ArrowBufferAppendFill(&batch->body, 0, 64 - len % 64), 0);
    }
}

static size_t put_batch(fb_build *fb, const batch_build *batch)
{
    const size_t table = fb_table(fb);
    fb_set_int(fb, table, LENGTH, batch->length);
    const size_t nodes = fb_set_vector(fb, table, NODES, batch->node_count, PAIR);
    for (size_t i = 0; i < batch->node_count; i++) {
        fb_put_int(fb, nodes, i * PAIR, batch->nodes[i][0]);
        fb_put_int(fb, nodes, i * PAIR + SECOND, batch->nodes[i][1]);
    }
    const size_t buffers = fb_set_vector(fb, table, BUFFERS, batch->buffer_count, PAIR);
    for (size_t i = 0; i < batch->buffer_count; i++) {
        fb_put_int(fb, buffers, i * PAIR, batch->buffers[i][0]);
        fb_put_int(fb, buffers, i * PAIR + SECOND, batch->buffers[i][1]);
    }
    const size_t variadic = fb_set_vector(fb, table, VARIADIC, batch->variadic_count, 8);
    for (size_t i = 0; i < batch->variadic_count; i++) {
        fb_put_int(fb, variadic, i * 8, batch->variadic[i]);
    }
    return table;
}

/* The body, of exactly its size, and shared; the batch keeps what it has. */
static struct ArrowBuffer share_body(const batch_build *batch)
{
    struct ArrowBuffer copy;
    struct ArrowBuffer body;
    ArrowBufferInit(&copy);
    assert_int_equal(ArrowBufferAppend(&copy, batch->body.data, batch->body.size_bytes), 0);
    assert_int_equal(ArrowSharedBufferInit(&body, &copy), 0);
    return body;
}

static hyl_status read_batch(const hyl__ipc_batches *batches, const batch_build *batch,
                             struct ArrowArray *out)
{
    fb_build built = fb_start();
    put_batch(&built, batch);
    struct ArrowBuffer body = share_body(batch);
    hyl__fb fb = fb_view(&built);
    const hyl__fb_table table = hyl__fb_root(&fb);
    err = (hyl_error)HYL_ERROR_INIT;
    hyl_status status = hyl__ipc_batch_read(batches, &table, &body, out, &err);
    ArrowBufferReset(&body);
    fb_free(&built);
    return status;
}

static hyl_status read_dictionary(hyl__ipc_batches *batches, int64_t id, bool delta,
                                  const batch_build *batch)
{
    fb_build built = fb_start();
    const size_t dictionary = fb_table(&built);
    fb_set_int(&built, dictionary, ID, id);
    fb_set_int(&built, dictionary, DELTA, delta);
    fb_set_ref(&built, dictionary, DATA, put_batch(&built, batch));
    struct ArrowBuffer body = share_body(batch);
    hyl__fb fb = fb_view(&built);
    const hyl__fb_table table = hyl__fb_root(&fb);
    err = (hyl_error)HYL_ERROR_INIT;
    hyl_status status = hyl__ipc_dictionary_read(batches, &table, &body, &err);
    ArrowBufferReset(&body);
    fb_free(&built);
    return status;
}

/* ---- Schemas --------------------------------------------------------------------------------- */

typedef struct rig {
    hyl__ipc_schema schema;
    hyl__ipc_encoding encodings[2];
    hyl__ipc_batches batches;
    batch_build batch;
} rig;

/* One column of a type; of NANOARROW_TYPE_LIST one of int32. */
static void start(rig *r, enum ArrowType type)
{
    memset(r, 0, sizeof *r);
    ArrowBufferInit(&r->batch.body);
    ArrowSchemaInit(&r->schema.root);
    assert_int_equal(ArrowSchemaSetTypeStruct(&r->schema.root, 1), 0);
    assert_int_equal(ArrowSchemaSetType(r->schema.root.children[0], type), 0);
    assert_int_equal(ArrowSchemaSetName(r->schema.root.children[0], "x"), 0);
    if (type == NANOARROW_TYPE_LIST) {
        assert_int_equal(
            ArrowSchemaSetType(r->schema.root.children[0]->children[0], NANOARROW_TYPE_INT32), 0);
    }
    assert_ok(hyl__ipc_batches_init(&r->batches, &r->schema, &err), &err);
}

static void end(rig *r)
{
    hyl__ipc_batches_reset(&r->batches);
    ArrowBufferReset(&r->batch.body);
    ArrowSchemaRelease(&r->schema.root);
}

/* Reads the batch and lets it go. */
static hyl_status try_batch(rig *r)
{
    struct ArrowArray array = {.release = NULL};
    hyl_status status = read_batch(&r->batches, &r->batch, &array);
    if (status == HYL_OK) {
        ArrowArrayRelease(&array);
    } else {
        assert_null(array.release);
        assert_true(err.message[0] != '\0');
    }
    return status;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static void start_numbers(rig *r)
{
    static const int64_t values[] = {1, 2, 3, 4, 5};
    static const uint8_t validity[] = {0x1d};
    start(r, NANOARROW_TYPE_INT64);
    r->batch.length = 5;
    add_node(&r->batch, 5, 1);
    add_buffer(&r->batch, validity, 1);
    add_buffer(&r->batch, values, sizeof values);
}

static void a_batch_points_into_its_body(void **state)
{
    (void)state;
    rig r;
    struct ArrowArray array;
    start_numbers(&r);
    assert_ok(read_batch(&r.batches, &r.batch, &array), &err);
    assert_int_equal(array.length, 5);
    assert_int_equal(array.children[0]->null_count, 1);
    assert_int_equal(((const int64_t *)array.children[0]->buffers[1])[4], 5);
    end(&r);
    /* It outlives all that it was made of. */
    assert_int_equal(((const int64_t *)array.children[0]->buffers[1])[0], 1);
    ArrowArrayRelease(&array);
}

static void no_rows_are_a_batch(void **state)
{
    (void)state;
    rig r;
    start(&r, NANOARROW_TYPE_INT64);
    add_node(&r.batch, 0, 0);
    add_buffer(&r.batch, NULL, 0);
    add_buffer(&r.batch, NULL, 0);
    assert_ok(try_batch(&r), &err);
    end(&r);
}

/* Whoever wrote the message may have left out the offsets of no values; who reads the array needs one. */
static void no_values_have_an_offset(void **state)
{
    static const enum ArrowType types[] = {NANOARROW_TYPE_STRING, NANOARROW_TYPE_LARGE_BINARY,
                                           NANOARROW_TYPE_LIST};
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        rig r;
        struct ArrowArray array;
        int32_t first = -1;
        start(&r, types[i]);
        add_node(&r.batch, 0, 0);
        add_buffer(&r.batch, NULL, 0);
        add_buffer(&r.batch, NULL, 0);
        if (types[i] == NANOARROW_TYPE_LIST) {
            add_node(&r.batch, 0, 0);
            add_buffer(&r.batch, NULL, 0);
        }
        add_buffer(&r.batch, NULL, 0);
        assert_ok(read_batch(&r.batches, &r.batch, &array), &err);
        assert_true(ArrowArrayBuffer(array.children[0], 1)->size_bytes >= 4);
        memcpy(&first, array.children[0]->buffers[1], sizeof first);
        assert_int_equal(first, 0);
        ArrowArrayRelease(&array);
        end(&r);
    }
}

static void lengths_that_lie_are_refused(void **state)
{
    static const int64_t lengths[] = {6,
                                      -1,
                                      INT64_MIN,
                                      INT64_MAX,
                                      INT64_MAX / 8,
                                      100,
                                      INT64_MAX - 1,
                                      INT64_MAX / 64,
                                      (INT64_C(1) << 32) + 5};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        rig r;
        start_numbers(&r);
        r.batch.nodes[0][0] = lengths[i];
        r.batch.length = lengths[i];
        assert_status(try_batch(&r), HYL_ERR_ARG, &err);
        r.batch.nodes[0][0] = 5;
        assert_status(try_batch(&r), HYL_ERR_ARG, &err);
        end(&r);
    }
}

static void counts_of_nulls_that_lie_are_refused(void **state)
{
    static const int64_t counts[] = {6, -2, INT64_MIN, INT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        rig r;
        start_numbers(&r);
        r.batch.nodes[0][1] = counts[i];
        assert_status(try_batch(&r), HYL_ERR_ARG, &err);
        end(&r);
    }
}

static void buffers_beyond_the_body_are_refused(void **state)
{
    static const struct {
        int64_t offset;
        int64_t len;
    } cases[] = {{128, 40}, {-8, 40},        {0, -1},  {64, INT64_MAX}, {INT64_MAX, 40}, {64, 39},
                 {64, 0},   {INT64_MIN, 40}, {96, 40}, {127, 40},       {64, INT64_MIN}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig r;
        start_numbers(&r);
        r.batch.buffers[1][0] = cases[i].offset;
        r.batch.buffers[1][1] = cases[i].len;
        hyl_status status = try_batch(&r);
        assert_status(status, HYL_ERR_ARG, &err);
        end(&r);
    }
}

static void all_that_is_told_must_be_used(void **state)
{
    (void)state;
    for (int k = 0; k < 5; k++) {
        rig r;
        start_numbers(&r);
        r.batch.node_count = k == 0 ? 0 : r.batch.node_count;
        r.batch.buffer_count = k == 1 ? 1 : r.batch.buffer_count;
        if (k == 2) {
            add_node(&r.batch, 0, 0);
        } else if (k == 3) {
            add_buffer(&r.batch, NULL, 0);
        } else if (k == 4) {
            r.batch.variadic_count = 1;
        }
        assert_status(try_batch(&r), HYL_ERR_ARG, &err);
        end(&r);
    }
}

/* ---- Texts and lists ------------------------------------------------------------------------- */

/* Offsets into five bytes. */
static hyl_status try_texts(const int32_t offsets[4])
{
    rig r;
    start(&r, NANOARROW_TYPE_STRING);
    r.batch.length = 3;
    add_node(&r.batch, 3, 0);
    add_buffer(&r.batch, NULL, 0);
    add_buffer(&r.batch, offsets, 4 * sizeof *offsets);
    add_buffer(&r.batch, "abcde", 5);
    hyl_status status = try_batch(&r);
    end(&r);
    return status;
}

static void offsets_go_forwards_and_end_within(void **state)
{
    static const int32_t good[][4] = {{0, 1, 3, 5}, {0, 0, 0, 0}, {2, 2, 4, 5}};
    static const int32_t bad[][4] = {{0, 1, 3, 6},        {0, 3, 1, 5}, {-1, 1, 3, 5},
                                     {0, 1, 3, -1},       {0, 9, 3, 5}, {0, 1, 3, INT32_MAX},
                                     {0, INT32_MIN, 3, 5}};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(try_texts(good[i]), &err);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_status(try_texts(bad[i]), HYL_ERR_ARG, &err);
    }
}

static hyl_status try_lists(int32_t last, int64_t elements)
{
    static const int32_t values[] = {7, 8, 9};
    const int32_t offsets[] = {0, 1, last};
    rig r;
    start(&r, NANOARROW_TYPE_LIST);
    r.batch.length = 2;
    add_node(&r.batch, 2, 0);
    add_node(&r.batch, elements, 0);
    add_buffer(&r.batch, NULL, 0);
    add_buffer(&r.batch, offsets, sizeof offsets);
    add_buffer(&r.batch, NULL, 0);
    add_buffer(&r.batch, values, sizeof values);
    hyl_status status = try_batch(&r);
    end(&r);
    return status;
}

static void lists_end_with_their_elements(void **state)
{
    (void)state;
    assert_ok(try_lists(3, 3), &err);
    assert_ok(try_lists(2, 3), &err);
    assert_status(try_lists(4, 3), HYL_ERR_ARG, &err);
    assert_status(try_lists(3, 2), HYL_ERR_ARG, &err);
    assert_status(try_lists(0, 3), HYL_ERR_ARG, &err);
    assert_status(try_lists(3, 4), HYL_ERR_ARG, &err);
    assert_status(try_lists(3, -1), HYL_ERR_ARG, &err);
}

/* ---- Views ----------------------------------------------------------------------------------- */

/* A view of a text in one buffer of 20 bytes. */
static hyl_status try_view(int32_t len, int32_t buffer, int32_t offset, int64_t variadic)
{
    int32_t view[4] = {len, 0, buffer, offset};
    rig r;
    start(&r, NANOARROW_TYPE_STRING_VIEW);
    r.batch.length = 1;
    add_node(&r.batch, 1, 0);
    add_buffer(&r.batch, NULL, 0);
    add_buffer(&r.batch, view, sizeof view);
    add_buffer(&r.batch, "twenty bytes of text", 20);
    r.batch.variadic[r.batch.variadic_count++] = variadic;
    hyl_status status = try_batch(&r);
    end(&r);
    return status;
}

static void views_end_within_their_buffer(void **state)
{
    (void)state;
    assert_ok(try_view(20, 0, 0, 1), &err);
    assert_ok(try_view(13, 0, 7, 1), &err);
    assert_ok(try_view(12, 99, -1, 1), &err); /* the text itself, of twelve bytes */
    assert_status(try_view(21, 0, 0, 1), HYL_ERR_ARG, &err);
    assert_status(try_view(13, 0, 8, 1), HYL_ERR_ARG, &err);
    assert_status(try_view(13, 0, -1, 1), HYL_ERR_ARG, &err);
    assert_status(try_view(13, 1, 0, 1), HYL_ERR_ARG, &err);
    assert_status(try_view(13, -1, 0, 1), HYL_ERR_ARG, &err);
    assert_status(try_view(-1, 0, 0, 1), HYL_ERR_ARG, &err);
    assert_status(try_view(INT32_MIN, 0, 0, 1), HYL_ERR_ARG, &err);
    assert_status(try_view(INT32_MAX, 0, INT32_MAX, 1), HYL_ERR_ARG, &err);
}

static void numbers_of_view_buffers_that_lie_are_refused(void **state)
{
    static const int64_t counts[] = {0, 2, -1, INT64_MIN, INT64_MAX, (INT64_C(1) << 32) + 1};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        assert_status(try_view(20, 0, 0, counts[i]), HYL_ERR_ARG, &err);
    }
}

/* ---- Dictionaries ---------------------------------------------------------------------------- */

enum { NUMBER = 42 };

/* A column of int8 indices into a dictionary of texts. */
static void start_dictionary(rig *r)
{
    memset(r, 0, sizeof *r);
    ArrowBufferInit(&r->batch.body);
    ArrowSchemaInit(&r->schema.root);
    assert_int_equal(ArrowSchemaSetTypeStruct(&r->schema.root, 1), 0);
    struct ArrowSchema *field = r->schema.root.children[0];
    assert_int_equal(ArrowSchemaSetType(field, NANOARROW_TYPE_INT8), 0);
    assert_int_equal(ArrowSchemaSetName(field, "x"), 0);
    assert_int_equal(ArrowSchemaAllocateDictionary(field), 0);
    ArrowSchemaInit(field->dictionary);
    assert_int_equal(ArrowSchemaSetType(field->dictionary, NANOARROW_TYPE_STRING), 0);
    r->encodings[0] = (hyl__ipc_encoding){field, NUMBER};
    r->schema.encodings = r->encodings;
    r->schema.encoding_count = 1;
    assert_ok(hyl__ipc_batches_init(&r->batches, &r->schema, &err), &err);
}

/* The values of a dictionary, of one letter each. */
static batch_build letters(const char *text)
{
    batch_build batch = {.length = (int64_t)strlen(text)};
    int32_t offsets[10];
    ArrowBufferInit(&batch.body);
    for (int32_t i = 0; i <= batch.length; i++) {
        offsets[i] = i;
    }
    add_node(&batch, batch.length, 0);
    add_buffer(&batch, NULL, 0);
    add_buffer(&batch, offsets, (batch.length + 1) * 4);
    add_buffer(&batch, text, batch.length);
    return batch;
}

static hyl_status bring(rig *r, const char *text)
{
    batch_build values = letters(text);
    hyl_status status = read_dictionary(&r->batches, NUMBER, false, &values);
    ArrowBufferReset(&values.body);
    return status;
}

static void set_indices(rig *r, const int8_t *indices, int64_t count, uint8_t validity)
{
    r->batch.length = count;
    add_node(&r->batch, count, validity == 0xff ? 0 : -1);
    add_buffer(&r->batch, &validity, validity == 0xff ? 0 : 1);
    add_buffer(&r->batch, indices, count);
}

static void a_dictionary_comes_first_and_may_be_replaced(void **state)
{
    (void)state;
    static const int8_t indices[] = {0, 2, 1};
    rig r;
    struct ArrowArray before;
    struct ArrowArray after;
    start_dictionary(&r);
    set_indices(&r, indices, 3, 0xff);
    assert_status(try_batch(&r), HYL_ERR_ARG, &err);
    assert_non_null(strstr(err.message, "has not come"));
    assert_ok(bring(&r, "abc"), &err);
    assert_ok(read_batch(&r.batches, &r.batch, &before), &err);
    assert_ok(bring(&r, "wxyz"), &err);
    assert_ok(read_batch(&r.batches, &r.batch, &after), &err);
    assert_memory_equal(before.children[0]->dictionary->buffers[2], "abc", 3);
    assert_memory_equal(after.children[0]->dictionary->buffers[2], "wxyz", 4);
    ArrowArrayRelease(&before);
    /* What fails leaves the values that there were. */
    batch_build bad = letters("no");
    bad.buffers[1][0] = -1;
    assert_status(read_dictionary(&r.batches, NUMBER, false, &bad), HYL_ERR_ARG, &err);
    ArrowBufferReset(&bad.body);
    assert_ok(try_batch(&r), &err);
    ArrowArrayRelease(&after);
    end(&r);
}

static void an_index_of_no_value_is_refused(void **state)
{
    static const struct {
        int8_t indices[3];
        uint8_t validity;
        hyl_status status;
    } cases[] = {{{0, 1, 2}, 0xff, HYL_OK},       {{0, 1, 3}, 0xff, HYL_ERR_ARG},
                 {{0, -1, 2}, 0xff, HYL_ERR_ARG}, {{-128, 0, 0}, 0xff, HYL_ERR_ARG},
                 {{0, 127, 2}, 0x05, HYL_OK},     {{0, 127, 2}, 0x07, HYL_ERR_ARG}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig r;
        start_dictionary(&r);
        set_indices(&r, cases[i].indices, 3, cases[i].validity);
        assert_ok(bring(&r, "abc"), &err);
        assert_status(try_batch(&r), cases[i].status, &err);
        end(&r);
    }
}

/* A dictionary that has shrunk holds the indices to its new size. */
static void indices_are_checked_against_the_values_as_they_are_now(void **state)
{
    (void)state;
    static const int8_t indices[] = {2};
    rig r;
    start_dictionary(&r);
    set_indices(&r, indices, 1, 0xff);
    assert_ok(bring(&r, "abc"), &err);
    assert_ok(try_batch(&r), &err);
    assert_ok(bring(&r, "a"), &err);
    assert_status(try_batch(&r), HYL_ERR_ARG, &err);
    end(&r);
}

static void dictionaries_that_cannot_be_taken_are_told_apart(void **state)
{
    (void)state;
    rig r;
    start_dictionary(&r);
    batch_build values = letters("abc");
    assert_status(read_dictionary(&r.batches, NUMBER, true, &values), HYL_ERR_UNSUPPORTED, &err);
    assert_non_null(strstr(err.message, "delta"));
    assert_status(read_dictionary(&r.batches, NUMBER + 1, false, &values), HYL_ERR_ARG, &err);
    assert_status(read_dictionary(&r.batches, INT64_MIN, false, &values), HYL_ERR_ARG, &err);
    values.length = 2; /* which is told twice */
    assert_status(read_dictionary(&r.batches, NUMBER, false, &values), HYL_ERR_ARG, &err);
    ArrowBufferReset(&values.body);
    end(&r);
}

static void a_number_of_two_types_is_refused(void **state)
{
    (void)state;
    rig r;
    hyl__ipc_batches batches;
    start_dictionary(&r);
    struct ArrowSchema other;
    ArrowSchemaInit(&other);
    assert_int_equal(ArrowSchemaSetType(&other, NANOARROW_TYPE_INT8), 0);
    assert_int_equal(ArrowSchemaAllocateDictionary(&other), 0);
    ArrowSchemaInit(other.dictionary);
    assert_int_equal(ArrowSchemaSetType(other.dictionary, NANOARROW_TYPE_INT64), 0);
    r.encodings[1] = (hyl__ipc_encoding){&other, NUMBER};
    r.schema.encoding_count = 2;
    assert_status(hyl__ipc_batches_init(&batches, &r.schema, &err), HYL_ERR_ARG, &err);
    hyl__ipc_batches_reset(&batches);
    ArrowSchemaRelease(&other);
    end(&r);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

/* With any bit of the message or of its body turned over: a sound batch or an error. */
static void damage_is_found_or_harmless(void **state)
{
    (void)state;
    rig r;
    start(&r, NANOARROW_TYPE_STRING_VIEW);
    int32_t view[4] = {20, 0, 0, 0};
    r.batch.length = 1;
    add_node(&r.batch, 1, 0);
    add_buffer(&r.batch, NULL, 0);
    add_buffer(&r.batch, view, sizeof view);
    add_buffer(&r.batch, "twenty bytes of text", 20);
    r.batch.variadic[r.batch.variadic_count++] = 1;
    fb_build built = fb_start();
    put_batch(&built, &r.batch);
    for (size_t at = 0; at < built.bytes.len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct ArrowArray array;
            struct ArrowBuffer body = share_body(&r.batch);
            built.bytes.data[at] ^= (uint8_t)(1 << bit);
            hyl__fb fb = fb_view(&built);
            const hyl__fb_table table = hyl__fb_root(&fb);
            if (hyl__ipc_batch_read(&r.batches, &table, &body, &array, &err) == HYL_OK) {
                ArrowArrayRelease(&array);
            }
            built.bytes.data[at] ^= (uint8_t)(1 << bit);
            ArrowBufferReset(&body);
        }
    }
    for (int64_t at = 0; at < r.batch.body.size_bytes; at++) {
        for (int bit = 0; bit < 8; bit++) {
            r.batch.body.data[at] ^= (uint8_t)(1 << bit);
            hyl_status status = try_batch(&r);
            assert_true(status == HYL_OK || status == HYL_ERR_ARG);
            r.batch.body.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    fb_free(&built);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_points_into_its_body),
        cmocka_unit_test(no_rows_are_a_batch),
        cmocka_unit_test(no_values_have_an_offset),
        cmocka_unit_test(lengths_that_lie_are_refused),
        cmocka_unit_test(counts_of_nulls_that_lie_are_refused),
        cmocka_unit_test(buffers_beyond_the_body_are_refused),
        cmocka_unit_test(all_that_is_told_must_be_used),
        cmocka_unit_test(offsets_go_forwards_and_end_within),
        cmocka_unit_test(lists_end_with_their_elements),
        cmocka_unit_test(views_end_within_their_buffer),
        cmocka_unit_test(numbers_of_view_buffers_that_lie_are_refused),
        cmocka_unit_test(a_dictionary_comes_first_and_may_be_replaced),
        cmocka_unit_test(an_index_of_no_value_is_refused),
        cmocka_unit_test(indices_are_checked_against_the_values_as_they_are_now),
        cmocka_unit_test(dictionaries_that_cannot_be_taken_are_told_apart),
        cmocka_unit_test(a_number_of_two_types_is_refused),
        cmocka_unit_test(damage_is_found_or_harmless),
    };
    return cmocka_run_group_tests_name("data/ipc_batch", tests, NULL, NULL);
}
