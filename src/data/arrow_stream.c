#include "arrow_stream.h"

#include "arrow_align.h"
#include "base/error.h"

#include <errno.h>
#include <nanoarrow/nanoarrow.h>

hyl_status hyl__stream_want_aligned(hyl__stream *stream)
{
    return hyl__block_pool_new(&stream->aligned);
}

hyl_status hyl__stream_align(hyl__stream *stream, struct ArrowArray *batch)
{
    if (stream->aligned == NULL || hyl__batch_align(batch, stream->aligned) == HYL_OK) {
        return HYL_OK;
    }
    ArrowArrayRelease(batch);
    return hyl__fail_nomem(&stream->error);
}

void hyl__stream_reset(hyl__stream *stream)
{
    hyl__block_pool_release(stream->aligned);
    stream->aligned = NULL;
}

static int errno_of(hyl_status status)
{
    switch (status) {
    case HYL_ERR_NOMEM:
        return ENOMEM;
    case HYL_ERR_TIMEOUT:
        return ETIMEDOUT;
    case HYL_ERR_CANCELLED:
        return ECANCELED;
    case HYL_ERR_ARG:
    case HYL_ERR_RANGE:
    case HYL_ERR_SERVER:
        return EINVAL;
    default:
        return EIO;
    }
}

static int get_schema(struct ArrowArrayStream *c_stream, struct ArrowSchema *out)
{
    const hyl__stream *stream = c_stream->private_data;
    return ArrowSchemaDeepCopy(stream->schema, out);
}

static int get_next(struct ArrowArrayStream *c_stream, struct ArrowArray *out)
{
    hyl__stream *stream = c_stream->private_data;
    out->release = NULL;
    if (stream->state == HYL_OK) {
        stream->state = stream->next(stream, out);
    }
    return stream->state < 0 ? errno_of(stream->state) : 0;
}

static const char *get_last_error(struct ArrowArrayStream *c_stream)
{
    const hyl__stream *stream = c_stream->private_data;
    return stream->error.message[0] != '\0' ? stream->error.message : NULL;
}

static void release(struct ArrowArrayStream *c_stream)
{
    hyl__stream *stream = c_stream->private_data;
    stream->free(stream);
    c_stream->private_data = NULL;
    c_stream->release = NULL;
}

void hyl__stream_export(hyl__stream *stream, struct ArrowArrayStream *out)
{
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, stream};
}

const hyl_error *hyl_stream_error(const struct ArrowArrayStream *c_stream)
{
    if (c_stream == NULL || c_stream->release != &release) {
        return NULL;
    }
    const hyl__stream *stream = c_stream->private_data;
    return stream->error.status < 0 ? &stream->error : NULL;
}
