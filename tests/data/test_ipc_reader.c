/*
 * Streams recorded from the server, in whatever pieces they come: the batches are the same. Streams
 * that were cut or damaged: an error, and never a byte read that is not the stream's.
 */
#include "support/test.h"

#include "support/alloc.h"
#include "support/arrow_text.h"
#include "support/hex.h"
#include "support/random.h"

#include "base/endian.h"
#include "data/ipc_reader.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FORBID(at, len) ASAN_POISON_MEMORY_REGION(at, len)
#else
#define FORBID(at, len) ((void)(at), (void)(len))
#endif

static const struct {
    const char *sql;
    const char *hex;
} streams[] = {
#define ARROW_STREAM(sql, hex) {sql, hex},
#include "arrow_streams.inc"
#undef ARROW_STREAM
};

enum { STREAM_COUNT = sizeof streams / sizeof streams[0], MULTI = 3 };

static hyl_error err;

/* ---- Streams --------------------------------------------------------------------------------- */

/* The length of the message at `at`, header and body: of a schema, which has no body. */
static size_t schema_len(const hyl_buf *stream)
{
    return 8 + hyl__load_le32(stream->data + 4);
}

static hyl_buf recorded(size_t index)
{
    hyl_buf stream = HYL_BUF_INIT;
    hex_append(&stream, streams[index].hex);
    return stream;
}

/* The same stream with its batch, if it has one, MULTI times. */
static hyl_buf repeated(size_t index)
{
    hyl_buf stream = recorded(index);
    size_t schema = schema_len(&stream);
    hyl_buf batch = HYL_BUF_INIT;
    hyl_buf_append(&batch, stream.data + schema, stream.len - schema);
    for (int i = 1; i < MULTI; i++) {
        hyl_buf_append(&stream, batch.data, batch.len);
    }
    hyl_buf_reset(&batch);
    return stream;
}

/* ---- Reading --------------------------------------------------------------------------------- */

typedef struct reading {
    hyl__ipc_reader reader;
    bool has_schema;
    size_t batches;
    hyl_buf text;
} reading;

static reading reading_start(void)
{
    reading read;
    memset(&read, 0, sizeof read);
    assert_int_equal(hyl__ipc_reader_init(&read.reader), HYL_OK);
    return read;
}

static void reading_end(reading *read)
{
    hyl__ipc_reader_reset(&read->reader);
    hyl_buf_reset(&read->text);
}

/* Takes all that can be read by now. AGAIN, DONE or an error. */
static hyl_status read_on(reading *read)
{
    hyl_status status = HYL_OK;
    if (!read->has_schema) {
        status = hyl__ipc_reader_schema(&read->reader, &err);
        if (status != HYL_OK) {
            return status;
        }
        read->has_schema = true;
        arrow_schema_text(&read->reader.schema, &read->text);
        hyl_buf_append_byte(&read->text, '\n');
    }
    while (status == HYL_OK) {
        struct ArrowArray batch;
        status = hyl__ipc_reader_batch(&read->reader, &batch, &err);
        if (status == HYL_OK) {
            arrow_batch_text(&read->reader.schema, &batch, &read->text);
            read->batches++;
            ArrowArrayRelease(&batch);
        }
    }
    return status;
}

/* A piece in a block of exactly its size, `shift` bytes of which stand before it. */
static void feed(reading *read, const uint8_t *bytes, size_t len)
{
    hyl__block *block = NULL;
    assert_int_equal(hyl__block_new(read->reader.pool, len, &block), HYL_OK);
    memcpy(block->data, bytes, len);
    assert_int_equal(hyl__ipc_reader_feed(&read->reader, block, len), HYL_OK);
}

/* Feeds pieces of `piece` bytes and reads after each. */
static reading read_pieces(const hyl_buf *stream, size_t piece)
{
    reading read = reading_start();
    for (size_t at = 0; at < stream->len; at += piece) {
        size_t len = stream->len - at < piece ? stream->len - at : piece;
        feed(&read, stream->data + at, len);
        assert_status(read_on(&read), HYL_AGAIN, &err);
    }
    assert_false(hyl__ipc_reader_is_inside(&read.reader));
    return read;
}

static void assert_same_text(const reading *a, const reading *b, const char *what, size_t at)
{
    if (a->text.len != b->text.len || memcmp(a->text.data, b->text.data, a->text.len) != 0) {
        fail_msg("%s, %zu:\n%.*s\nbut\n%.*s", what, at, (int)a->text.len,
                 (const char *)a->text.data, (int)b->text.len, (const char *)b->text.data);
    }
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void values_are_those_of_the_query(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *text;
    } wanted[] = {
        {"select * from (values (cast('2024-02-29' as date)),(null)) v(x)",
         "x:tdD:null:date\n2024-02-29\nNULL\n"},
        {"select * from (values (cast('2024-02-29 01:02:03+00' as timestamptz)),(null)) v(x)",
         "x:tsu:UTC:null:timestamp with time zone\n2024-02-29 01:02:03+00\nNULL\n"},
        {"select * from (values (cast(array[1,null] as array(int))),(null)) v(x)",
         "x:+l:null:array(integer)\n[1,NULL]\nNULL\n"},
        {"select * from (values (cast('P1Y2M3DT4H5M6S' as interval)),(null)) v(x)",
         "x:tin:null:interval\nP1Y2M3DT4H5M6S\nNULL\n"},
        {"select * from (values (cast('v' as varchar(10))),(null)) v(x)",
         "x:u:null:character varying(10)\nv\nNULL\n"},
        {"select * from (values (cast(1.5 as numeric(5,2))),(null)) v(x)",
         "x:d:5,2:null:numeric(5,2)\n1.50\nNULL\n"},
        {"select 1 as x where false", "x:i:not null:integer\n"},
        {"select 1 as a, 'zz' as b", "a:i:not null:integer b:u:not null:text\n1|zz\n"},
        {"select 1 as x, 2 as x", "x:i:not null:integer x:i:not null:integer\n1|2\n"},
    };
    size_t found = 0;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        for (size_t j = 0; j < sizeof wanted / sizeof wanted[0]; j++) {
            if (strcmp(streams[i].sql, wanted[j].sql) == 0) {
                hyl_buf stream = recorded(i);
                reading read = read_pieces(&stream, stream.len);
                hyl_buf_append_byte(&read.text, 0);
                assert_string_equal((const char *)read.text.data, wanted[j].text);
                reading_end(&read);
                hyl_buf_reset(&stream);
                found++;
            }
        }
    }
    assert_int_equal(found, sizeof wanted / sizeof wanted[0]);
}

static void pieces_of_any_size_give_the_same_batches(void **state)
{
    (void)state;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        hyl_buf stream = repeated(i);
        reading whole = read_pieces(&stream, stream.len);
        assert_true(whole.batches == MULTI || whole.batches == 0);
        for (size_t piece = 1; piece < 40; piece++) {
            reading split = read_pieces(&stream, piece);
            assert_same_text(&split, &whole, streams[i].sql, piece);
            reading_end(&split);
        }
        reading_end(&whole);
        hyl_buf_reset(&stream);
    }
}

/* Cut in two at every byte, also where the second piece is joined with a later message. */
static void a_cut_anywhere_gives_the_same_batches(void **state)
{
    (void)state;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        hyl_buf stream = repeated(i);
        reading whole = read_pieces(&stream, stream.len);
        for (size_t cut = 1; cut < stream.len; cut++) {
            reading split = reading_start();
            feed(&split, stream.data, cut);
            assert_int_equal(read_on(&split), HYL_AGAIN);
            feed(&split, stream.data + cut, stream.len - cut);
            assert_int_equal(read_on(&split), HYL_AGAIN);
            assert_false(hyl__ipc_reader_is_inside(&split.reader));
            assert_same_text(&split, &whole, streams[i].sql, cut);
            reading_end(&split);
        }
        reading_end(&whole);
        hyl_buf_reset(&stream);
    }
}

/* Fed without being read in between. */
static void pieces_may_wait(void **state)
{
    (void)state;
    random_source source = random_start("pieces", 20250104);
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        hyl_buf stream = repeated(i);
        reading whole = read_pieces(&stream, stream.len);
        reading split = reading_start();
        for (size_t at = 0; at < stream.len;) {
            size_t len = 1 + random_below(&source, stream.len - at);
            feed(&split, stream.data + at, len);
            at += len;
        }
        assert_int_equal(read_on(&split), HYL_AGAIN);
        assert_same_text(&split, &whole, streams[i].sql, 0);
        reading_end(&split);
        reading_end(&whole);
        hyl_buf_reset(&stream);
    }
}

static void an_end_marker_ends_the_stream(void **state)
{
    (void)state;
    static const uint8_t eos[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    hyl_buf stream = recorded(0);
    hyl_buf_append(&stream, eos, sizeof eos);
    for (size_t piece = 1; piece <= stream.len; piece++) {
        reading read = reading_start();
        hyl_status status = HYL_AGAIN;
        for (size_t at = 0; at < stream.len; at += piece) {
            size_t len = stream.len - at < piece ? stream.len - at : piece;
            feed(&read, stream.data + at, len);
            status = read_on(&read);
        }
        assert_int_equal(status, HYL_DONE);
        assert_int_equal(read.batches, 1);
        assert_false(hyl__ipc_reader_is_inside(&read.reader));
        /* What follows the marker is no part of the stream. */
        feed(&read, stream.data, stream.len);
        assert_int_equal(read_on(&read), HYL_DONE);
        assert_false(hyl__ipc_reader_is_inside(&read.reader));
        reading_end(&read);
    }
    hyl_buf_reset(&stream);
}

/* A stream that ends early is neither an error nor the end until its owner says that it ends. */
static void a_stream_that_was_cut_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        hyl_buf stream = recorded(i);
        size_t schema = schema_len(&stream);
        for (size_t len = 1; len < stream.len; len++) {
            reading read = reading_start();
            feed(&read, stream.data, len);
            assert_int_equal(read_on(&read), HYL_AGAIN);
            assert_int_equal(read.has_schema, len >= schema);
            assert_int_equal(read.batches, 0);
            assert_int_equal(hyl__ipc_reader_is_inside(&read.reader), len != schema);
            reading_end(&read);
        }
        hyl_buf_reset(&stream);
    }
}

static void what_is_no_arrow_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "0000000000000000",                   /* an end marker of old */
        "ffffffff00000000",                   /* an end marker, no schema */
        "ffffffffffffff7f 00000000 00000000", /* of 2 GiB */
        "48595045524c494e454c494e",           /* text */
        "ffffffff08000000 0000000000000000",  /* a message of no kind */
        "ffffffffffffffff 00000000",          /* of negative length */
        "ffffffff10000000 ffffffffffffffff ffffffffffffffff",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_buf stream = HYL_BUF_INIT;
        reading read = reading_start();
        hex_append(&stream, cases[i]);
        feed(&read, stream.data, stream.len);
        hyl_status status = hyl__ipc_reader_schema(&read.reader, &err);
        if (status != HYL_ERR_PROTOCOL && status != HYL_DONE) {
            fail_msg("%s: %s", cases[i], hyl_status_name(status));
        }
        reading_end(&read);
        hyl_buf_reset(&stream);
    }
    /* A batch where the schema must be, and the other way round. */
    hyl_buf stream = recorded(0);
    size_t schema = schema_len(&stream);
    reading read = reading_start();
    feed(&read, stream.data + schema, stream.len - schema);
    assert_int_equal(read_on(&read), HYL_ERR_PROTOCOL);
    reading_end(&read);
    read = reading_start();
    feed(&read, stream.data, schema);
    feed(&read, stream.data, schema);
    assert_int_equal(read_on(&read), HYL_ERR_PROTOCOL);
    reading_end(&read);
    hyl_buf_reset(&stream);
}

/* Reads a damaged stream: any status will do, nothing outside the stream may be touched. */
static hyl_status read_damaged(const uint8_t *bytes, size_t len)
{
    reading read = reading_start();
    hyl__block *block = NULL;
    assert_int_equal(hyl__block_new(read.reader.pool, len, &block), HYL_OK);
    memcpy(block->data, bytes, len);
    FORBID(block->data + len, block->cap - len);
    assert_int_equal(hyl__ipc_reader_feed(&read.reader, block, len), HYL_OK);
    hyl_status status = hyl__ipc_reader_schema(&read.reader, &err);
    while (status == HYL_OK) {
        struct ArrowArray batch;
        status = hyl__ipc_reader_batch(&read.reader, &batch, &err);
        if (status == HYL_OK) {
            /* Validates it too: what was let through is sound. */
            hyl_buf text = HYL_BUF_INIT;
            struct ArrowArrayView view;
            assert_int_equal(ArrowArrayViewInitFromSchema(&view, &read.reader.schema, NULL), 0);
            assert_int_equal(ArrowArrayViewSetArray(&view, &batch, NULL), 0);
            assert_int_equal(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, NULL),
                             0);
            ArrowArrayViewReset(&view);
            hyl_buf_reset(&text);
            ArrowArrayRelease(&batch);
        }
    }
    reading_end(&read);
    return status;
}

static void damage_anywhere_is_an_error_or_other_values(void **state)
{
    (void)state;
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    size_t refused = 0;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        hyl_buf stream = recorded(i);
        for (size_t at = 0; at < stream.len; at++) {
            for (size_t j = 0; j < sizeof flips; j++) {
                stream.data[at] ^= flips[j];
                hyl_status status = read_damaged(stream.data, stream.len);
                stream.data[at] ^= flips[j];
                assert_true(status == HYL_AGAIN || status == HYL_DONE ||
                            status == HYL_ERR_PROTOCOL || status == HYL_ERR_NOMEM);
                refused += status == HYL_ERR_PROTOCOL;
            }
        }
        hyl_buf_reset(&stream);
    }
    assert_true(refused > 1000);
}

static void batches_outlive_the_reader(void **state)
{
    (void)state;
    hyl_buf stream = recorded(9);
    struct ArrowArray batch;
    struct ArrowSchema schema;
    hyl_buf before = HYL_BUF_INIT;
    hyl_buf after = HYL_BUF_INIT;
    reading read = reading_start();
    feed(&read, stream.data, stream.len);
    assert_int_equal(hyl__ipc_reader_schema(&read.reader, &err), HYL_OK);
    assert_int_equal(hyl__ipc_reader_batch(&read.reader, &batch, &err), HYL_OK);
    assert_int_equal(ArrowSchemaDeepCopy(&read.reader.schema, &schema), NANOARROW_OK);
    arrow_batch_text(&schema, &batch, &before);
    reading_end(&read);
    arrow_batch_text(&schema, &batch, &after);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(after.data, before.data, before.len);
    ArrowArrayRelease(&batch);
    ArrowSchemaRelease(&schema);
    hyl_buf_reset(&before);
    hyl_buf_reset(&after);
    hyl_buf_reset(&stream);
}

/* A stream that lies at any address of a block: bodies are brought to an address fit for them. */
static void misaligned_bodies_are_copied(void **state)
{
    (void)state;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        hyl_buf stream = recorded(i);
        reading whole = read_pieces(&stream, stream.len);
        for (size_t shift = 1; shift < 8; shift++) {
            reading read = reading_start();
            hyl__block *block = NULL;
            assert_int_equal(hyl__block_new(read.reader.pool, stream.len + shift, &block), HYL_OK);
            memcpy(block->data + shift, stream.data, stream.len);
            assert_int_equal(hyl__ipc_reader_feed(&read.reader, block, stream.len + shift), HYL_OK);
            read.reader.pos = shift;
            assert_int_equal(read_on(&read), HYL_AGAIN);
            assert_same_text(&read, &whole, streams[i].sql, shift);
            reading_end(&read);
        }
        reading_end(&whole);
        hyl_buf_reset(&stream);
    }
}

/* Each of our allocations fails in turn: an error, and nothing is lost. */
static void without_memory_reading_fails_cleanly(void **state)
{
    (void)state;
    hyl_buf stream = repeated(15);
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        hyl__ipc_reader reader;
        hyl__block *block = NULL;
        alloc_start(n);
        hyl_status status = hyl__ipc_reader_init(&reader);
        for (size_t at = 0; status >= 0 && at < stream.len; at += 100) {
            size_t len = stream.len - at < 100 ? stream.len - at : 100;
            status = hyl__block_new(reader.pool, len, &block);
            if (status == HYL_OK) {
                memcpy(block->data, stream.data + at, len);
                status = hyl__ipc_reader_feed(&reader, block, len);
            }
            if (status == HYL_OK && reader.schema.release == NULL) {
                status = hyl__ipc_reader_schema(&reader, &err);
            }
        }
        failed = alloc_failed();
        assert_int_equal(status < 0 ? status : HYL_ERR_NOMEM, HYL_ERR_NOMEM);
        hyl__ipc_reader_reset(&reader);
        alloc_stop();
    }
    hyl_buf_reset(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_query),
        cmocka_unit_test(pieces_of_any_size_give_the_same_batches),
        cmocka_unit_test(a_cut_anywhere_gives_the_same_batches),
        cmocka_unit_test(pieces_may_wait),
        cmocka_unit_test(an_end_marker_ends_the_stream),
        cmocka_unit_test(a_stream_that_was_cut_is_noticed),
        cmocka_unit_test(what_is_no_arrow_is_refused),
        cmocka_unit_test(damage_anywhere_is_an_error_or_other_values),
        cmocka_unit_test(batches_outlive_the_reader),
        cmocka_unit_test(misaligned_bodies_are_copied),
        cmocka_unit_test(without_memory_reading_fails_cleanly),
    };
    return cmocka_run_group_tests_name("data/ipc_reader", tests, NULL, NULL);
}
