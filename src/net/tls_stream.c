#if HYL_WITH_OPENSSL

#include "tls_stream.h"

#include "base/mem.h"

static size_t unsent(const hyl__tls_stream *stream)
{
    return stream->unsent.len - stream->unsent_pos;
}

hyl_status hyl__tls_stream_flush(hyl__tls_stream *stream)
{
    const hyl_transport *below = &stream->below;
    while (stream->write_error == HYL_OK && unsent(stream) > 0) {
        hyl_iovec piece = {stream->unsent.data + stream->unsent_pos, unsent(stream)};
        hyl_error err = HYL_ERROR_INIT;
        size_t put = 0;
        hyl_status status = below->ops->writev(below->self, &piece, 1, &put, &err);
        if (status == HYL_AGAIN) {
            return HYL_AGAIN;
        }
        if (status < 0) {
            stream->write_error = status;
            stream->error = err;
            break;
        }
        stream->unsent_pos += put;
    }
    hyl_buf_clear(&stream->unsent);
    stream->unsent_pos = 0;
    return stream->write_error;
}

/* ---- The BIO -------------------------------------------------------------------------------- */

/* Moves what waits to the buffer's start, so that it does not grow for ever. */
static void close_gap(hyl__tls_stream *stream)
{
    if (stream->unsent_pos > 0) {
        memmove(stream->unsent.data, stream->unsent.data + stream->unsent_pos, unsent(stream));
        stream->unsent.len -= stream->unsent_pos;
        stream->unsent_pos = 0;
    }
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *written)
{
    hyl__tls_stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (stream->write_error < 0) {
        return 0;
    }
    if (unsent(stream) + len > HYL__TLS_UNSENT_MAX) {
        BIO_set_retry_write(bio);
        return 0;
    }
    close_gap(stream);
    hyl_buf_append(&stream->unsent, data, len);
    if (stream->unsent.failed) {
        stream->write_error = HYL_ERR_NOMEM;
        stream->error = (hyl_error)HYL_ERROR_INIT;
        return 0;
    }
    *written = len;
    return 1;
}

static int bio_read(BIO *bio, char *dst, size_t cap, size_t *got)
{
    hyl__tls_stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (stream->read_end || stream->read_error < 0) {
        return 0;
    }
    if (stream->may_read == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    hyl_error err = HYL_ERROR_INIT;
    cap = cap < stream->may_read ? cap : stream->may_read;
    hyl_status status = stream->below.ops->read(stream->below.self, dst, cap, got, &err);
    if (status == HYL_OK) {
        stream->may_read -= *got;
        return 1;
    }
    if (status == HYL_AGAIN) {
        BIO_set_retry_read(bio);
    } else if (status == HYL_DONE) {
        stream->read_end = true;
    } else {
        stream->read_error = status;
        stream->error = err;
    }
    return 0;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const hyl__tls_stream *stream = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        /* Sent when there is room; OpenSSL asks only that it is not forgotten. */
        return 1;
    case BIO_CTRL_EOF:
        return stream->read_end;
    default:
        return 0;
    }
}

/* A method of each connection's own: OpenSSL hands out some hundred numbers for registered ones, and
 * there is no place to keep one. */
static BIO_METHOD *new_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "hyperline transport");
    if (method != NULL &&
        (BIO_meth_set_write_ex(method, bio_write) != 1 ||
         BIO_meth_set_read_ex(method, bio_read) != 1 || BIO_meth_set_ctrl(method, bio_ctrl) != 1)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

hyl_status hyl__tls_stream_init(hyl__tls_stream *stream, const hyl_transport *below, BIO **bio)
{
    memset(stream, 0, sizeof *stream);
    stream->below = *below;
    stream->method = new_method();
    *bio = stream->method != NULL ? BIO_new(stream->method) : NULL;
    if (*bio == NULL) {
        hyl__tls_stream_reset(stream);
        return HYL_ERR_NOMEM;
    }
    BIO_set_data(*bio, stream);
    BIO_set_init(*bio, 1);
    return HYL_OK;
}

void hyl__tls_stream_reset(hyl__tls_stream *stream)
{
    BIO_meth_free(stream->method);
    hyl_buf_reset(&stream->unsent);
    memset(stream, 0, sizeof *stream);
}

#else

/* ISO C wants a file to declare something. */
typedef int hyl__no_tls_stream;

#endif
