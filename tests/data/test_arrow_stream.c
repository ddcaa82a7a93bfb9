/* The C stream over a source of batches: its ends, its errors, and who frees what. */
#include "data/arrow_stream.h"

#include "base/error.h"
#include "support/test.h"

#include <nanoarrow/nanoarrow.h>

#include <errno.h>

typedef struct counter {
    hyl__stream stream;
    struct ArrowSchema schema;
    int batches; /* to be given */
    int calls;
    hyl_status end; /* what comes behind them */
    int freed;
} counter;

static hyl_status next(hyl__stream *stream, struct ArrowArray *out)
{
    counter *self = (counter *)stream;
    self->calls++;
    if (self->batches-- > 0) {
        assert_int_equal(ArrowArrayInitFromSchema(out, &self->schema, NULL), 0);
        return HYL_OK;
    }
    return self->end < 0 ? hyl__fail(&stream->error, self->end, "it has failed") : HYL_DONE;
}

static void free_counter(hyl__stream *stream)
{
    counter *self = (counter *)stream;
    self->freed++;
    hyl__stream_reset(stream);
    ArrowSchemaRelease(&self->schema);
}

static void start(counter *self, int batches, hyl_status end, struct ArrowArrayStream *out)
{
    memset(self, 0, sizeof *self);
    ArrowSchemaInit(&self->schema);
    assert_int_equal(ArrowSchemaSetTypeStruct(&self->schema, 0), 0);
    self->stream.schema = &self->schema;
    self->stream.next = next;
    self->stream.free = free_counter;
    self->batches = batches;
    self->end = end;
    hyl__stream_export(&self->stream, out);
}

static void a_stream_ends_once(void **state)
{
    (void)state;
    counter self;
    struct ArrowArrayStream stream;
    struct ArrowArray batch;
    start(&self, 2, HYL_DONE, &stream);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        assert_non_null(batch.release);
        batch.release(&batch);
    }
    for (int i = 0; i < 3; i++) {
        memset(&batch, 0xff, sizeof batch);
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        assert_null(batch.release);
    }
    assert_int_equal(self.calls, 3); /* the source is not asked again */
    assert_null(stream.get_last_error(&stream));
    assert_null(hyl_stream_error(&stream));
    stream.release(&stream);
    assert_int_equal(self.freed, 1);
    assert_null(stream.release);
    assert_null(hyl_stream_error(&stream));
}

static void an_error_stays(void **state)
{
    static const struct {
        hyl_status status;
        int code;
    } cases[] = {
        {HYL_ERR_NOMEM, ENOMEM}, {HYL_ERR_TIMEOUT, ETIMEDOUT}, {HYL_ERR_CANCELLED, ECANCELED},
        {HYL_ERR_ARG, EINVAL},   {HYL_ERR_RANGE, EINVAL},      {HYL_ERR_SERVER, EINVAL},
        {HYL_ERR_CLOSED, EIO},   {HYL_ERR_PROTOCOL, EIO},      {HYL_ERR_DESYNC, EIO}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        counter self;
        struct ArrowArrayStream stream;
        struct ArrowArray batch;
        start(&self, 0, cases[i].status, &stream);
        for (int k = 0; k < 3; k++) {
            memset(&batch, 0xff, sizeof batch);
            assert_int_equal(stream.get_next(&stream, &batch), cases[i].code);
            assert_null(batch.release);
            assert_string_equal(stream.get_last_error(&stream), "it has failed");
            assert_int_equal(hyl_stream_error(&stream)->status, cases[i].status);
        }
        assert_int_equal(self.calls, 1);
        stream.release(&stream);
    }
}

static void a_schema_is_a_copy(void **state)
{
    (void)state;
    counter self;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    start(&self, 0, HYL_DONE, &stream);
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    stream.release(&stream);
    assert_string_equal(schema.format, "+s");
    ArrowSchemaRelease(&schema);
}

static void release_foreign(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static void a_foreign_stream_has_no_error_of_ours(void **state)
{
    (void)state;
    struct ArrowArrayStream stream = {.release = release_foreign};
    assert_null(hyl_stream_error(&stream));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_ends_once),
        cmocka_unit_test(an_error_stays),
        cmocka_unit_test(a_schema_is_a_copy),
        cmocka_unit_test(a_foreign_stream_has_no_error_of_ours),
    };
    return cmocka_run_group_tests_name("data/arrow_stream", tests, NULL, NULL);
}
