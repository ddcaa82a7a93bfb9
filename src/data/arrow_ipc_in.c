/* Arrow IPC streams and files, from a descriptor, memory or a function, as streams of batches. */
#include "arrow_stream.h"

#include "base/error.h"

#if HYL_WITH_ARROW

#include "base/endian.h"
#include "base/mem.h"
#include "ipc_batch.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PREFIX = 8, /* 0xffffffff, and how long the metadata behind it are, little-endian */
    FIRST_PIECE = 65536,
    MAX_METADATA = 1 << 30,
    BLOCK = 24,  /* of a file's footer, where a message is: offset, length of its header and body */
    TRAILER = 10 /* how long the footer is, and the magic again */
};

static const char FILE_MAGIC[] = "ARROW1";
enum { MAGIC = 6 };

/* Fields of the Message and Footer tables, in their order there; versions, and kinds of message. */
enum { MESSAGE_VERSION, MESSAGE_KIND, MESSAGE_HEADER, MESSAGE_BODY };
enum { FOOTER_VERSION, FOOTER_SCHEMA, FOOTER_DICTIONARIES, FOOTER_BATCHES };
enum { VERSION_4 = 3, VERSION_5 = 4 };
enum { KIND_SCHEMA = 1, KIND_DICTIONARY = 2, KIND_BATCH = 3 };

typedef struct ipc_stream ipc_stream;

struct ipc_stream {
    hyl__stream stream; /* first: see arrow_stream.h */
    hyl_arrow_read read;
    void *ctx;
    hyl_status (*seek)(ipc_stream *in, int64_t offset); /* NULL: the bytes come once, in order */
    int64_t size;                                       /* where they can be sought */
    int fd;
    off_t begin;     /* of the data in the file */
    hyl_bytes bytes; /* in memory: all */
    size_t pos;      /* and what was read of them */

    bool is_file;
    hyl_buf footer; /* of a file that can be sought; empty: messages are taken in order */
    hyl__fb footer_fb;
    hyl__fb_vector blocks; /* where its batches are */
    int64_t batch_count;
    hyl_buf metadata; /* of the message */
    hyl__fb fb;       /* these */
    int64_t kind;
    hyl__fb_table header;
    struct ArrowBuffer body; /* of the message, shared */
    hyl__ipc_schema schema;
    hyl__ipc_batches batches;
};

/* ---- Bytes --------------------------------------------------------------------------------- */

/* Reads as much as there is, `cap` bytes at most; fewer only at the end. */
static hyl_status read_full(ipc_stream *in, uint8_t *to, size_t cap, size_t *got)
{
    hyl_error *err = &in->stream.error;
    *got = 0;
    while (*got < cap) {
        size_t piece = 0;
        hyl_status status = in->read(in->ctx, to + *got, cap - *got, &piece, err);
        if (status < 0) {
            return hyl__fail_of_callback(err, status, "the Arrow data cannot be read");
        }
        if (piece > cap - *got) {
            return hyl__fail(err, HYL_ERR_ARG,
                             "the reader says it has read more than it was asked");
        }
        if (piece == 0) {
            break;
        }
        *got += piece;
    }
    return HYL_OK;
}

static hyl_status fail_cut(ipc_stream *in)
{
    return hyl__fail(&in->stream.error, HYL_ERR_ARG, "the Arrow data are cut off");
}

/* How much is read next: memory follows what has come, not what was announced. */
static int64_t next_piece(int64_t have, int64_t want)
{
    const int64_t piece = have < FIRST_PIECE ? FIRST_PIECE : have;
    return piece < want - have ? piece : want - have;
}

static hyl_status read_bytes(ipc_stream *in, size_t len, hyl_buf *out)
{
    hyl_buf_clear(out);
    while (out->len < len) {
        const size_t piece = (size_t)next_piece((int64_t)out->len, (int64_t)len);
        size_t got = 0;
        if (hyl_buf_reserve(out, piece) < 0) {
            return hyl__fail_nomem(&in->stream.error);
        }
        HYL_TRY(read_full(in, out->data + out->len, piece, &got));
        out->len += got;
        if (got < piece) {
            return fail_cut(in);
        }
    }
    return HYL_OK;
}

static hyl_status read_body_into(ipc_stream *in, int64_t len, struct ArrowBuffer *body)
{
    while (body->size_bytes < len) {
        const int64_t piece = next_piece(body->size_bytes, len);
        size_t got = 0;
        if (ArrowBufferReserve(body, piece) != NANOARROW_OK) {
            return hyl__fail_nomem(&in->stream.error);
        }
        HYL_TRY(read_full(in, body->data + body->size_bytes, (size_t)piece, &got));
        body->size_bytes += (int64_t)got;
        if ((int64_t)got < piece) {
            return fail_cut(in);
        }
    }
    return HYL_OK;
}

static hyl_status read_body(ipc_stream *in, int64_t len)
{
    struct ArrowBuffer body;
    ArrowBufferReset(&in->body);
    ArrowBufferInit(&body);
    hyl_status status = read_body_into(in, len, &body);
    if (status == HYL_OK && ArrowSharedBufferInit(&in->body, &body) != NANOARROW_OK) {
        status = hyl__fail_nomem(&in->stream.error);
    }
    if (status < 0) {
        ArrowBufferReset(&body);
    }
    return status;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static hyl_status fail_damaged(ipc_stream *in)
{
    return hyl__fail(&in->stream.error, HYL_ERR_ARG, "a message is damaged");
}

static hyl_status check_version(ipc_stream *in, int64_t version)
{
    if (version != VERSION_4 && version != VERSION_5) {
        return hyl__fail(&in->stream.error, HYL_ERR_UNSUPPORTED,
                         "a message of version V%lld, where V4 and V5 are read",
                         (long long)version + 1);
    }
    return HYL_OK;
}

/* Reads the message behind a prefix, its body too. */
static hyl_status take_message(ipc_stream *in, size_t metadata_len)
{
    HYL_TRY(read_bytes(in, metadata_len, &in->metadata));
    in->fb = (hyl__fb){in->metadata.data, in->metadata.len, false};
    const hyl__fb_table message = hyl__fb_root(&in->fb);
    const int64_t body_len = hyl__fb_int(&message, MESSAGE_BODY, 8, 0);
    in->kind = hyl__fb_int(&message, MESSAGE_KIND, 1, 0);
    in->header = hyl__fb_child(&message, MESSAGE_HEADER);
    if (in->fb.broken || in->header.at == 0 || body_len < 0) {
        return fail_damaged(in);
    }
    HYL_TRY(check_version(in, hyl__fb_int(&message, MESSAGE_VERSION, 2, 0)));
    return read_body(in, body_len);
}

/* OK with the message behind a prefix; DONE where the prefix marks the end. */
static hyl_status take_prefixed(ipc_stream *in, const uint8_t *prefix)
{
    const uint32_t len = hyl__load_le32(prefix + 4);
    if (hyl__load_le32(prefix) != UINT32_MAX || len > MAX_METADATA) {
        return fail_damaged(in);
    }
    return len == 0 ? HYL_DONE : take_message(in, len);
}

/* OK with a message; DONE at the end of the stream. */
static hyl_status next_message(ipc_stream *in)
{
    uint8_t prefix[PREFIX];
    size_t got = 0;
    HYL_TRY(read_full(in, prefix, sizeof prefix, &got));
    if (got == 0 && !in->is_file) {
        return HYL_DONE; /* the marker is optional in a stream */
    }
    return got == sizeof prefix ? take_prefixed(in, prefix) : fail_cut(in);
}

/* ---- The beginning ------------------------------------------------------------------------- */

static hyl_status fail_magic(ipc_stream *in, const uint8_t *begin, size_t len)
{
    const char *what = "";
    if (len >= 4 && memcmp(begin, "PAR1", 4) == 0) {
        what = ": they are Parquet";
    } else if (len >= 4 && memcmp(begin, "FEA1", 4) == 0) {
        what = ": they are Feather of version 1";
    } else if (len == 0) {
        what = ": there is nothing";
    }
    return hyl__fail(&in->stream.error, HYL_ERR_ARG, "the data are no Arrow IPC stream or file%s",
                     what);
}

static hyl_status take_schema(ipc_stream *in, const hyl__fb_table *schema)
{
    HYL_TRY(hyl__ipc_schema_read(schema, &in->schema, &in->stream.error));
    return hyl__ipc_batches_init(&in->batches, &in->schema, &in->stream.error);
}

/* The schema is the first message, which `status` tells of. */
static hyl_status take_first(ipc_stream *in, hyl_status status)
{
    HYL_TRY(status);
    if (status == HYL_DONE || in->kind != KIND_SCHEMA) {
        return hyl__fail(&in->stream.error, HYL_ERR_ARG, "the Arrow data begin without a schema");
    }
    return take_schema(in, &in->header);
}

static hyl_status open_by_footer(ipc_stream *in);

/* A file is a stream between two magics, with a footer that knows where its messages are. */
static hyl_status read_beginning(ipc_stream *in)
{
    uint8_t begin[PREFIX];
    size_t got = 0;
    HYL_TRY(read_full(in, begin, sizeof begin, &got));
    in->is_file = got >= MAGIC && memcmp(begin, FILE_MAGIC, MAGIC) == 0;
    if (in->is_file) {
        return in->seek != NULL ? open_by_footer(in) : take_first(in, next_message(in));
    }
    if (got < sizeof begin || hyl__load_le32(begin) != UINT32_MAX) {
        return fail_magic(in, begin, got);
    }
    return take_first(in, take_prefixed(in, begin));
}

/* ---- A file's footer ----------------------------------------------------------------------- */

/* How long the footer is, from what the file ends with; -1 where that is no end. */
static int64_t footer_size(const uint8_t *trailer, int64_t room)
{
    const int64_t len = hyl__load_le32(trailer);
    return memcmp(trailer + TRAILER - MAGIC, FILE_MAGIC, MAGIC) == 0 && len > 0 && len <= room ? len
                                                                                               : -1;
}

static hyl_status read_footer(ipc_stream *in)
{
    uint8_t trailer[TRAILER];
    size_t got = 0;
    const int64_t end = in->size - TRAILER;
    if (end < PREFIX) {
        return fail_cut(in);
    }
    HYL_TRY(in->seek(in, end));
    HYL_TRY(read_full(in, trailer, sizeof trailer, &got));
    const int64_t len = got == sizeof trailer ? footer_size(trailer, end - PREFIX) : -1;
    if (len < 0) {
        return fail_cut(in);
    }
    HYL_TRY(in->seek(in, end - len));
    return read_bytes(in, (size_t)len, &in->footer);
}

static hyl_status fail_footer(ipc_stream *in)
{
    return hyl__fail(&in->stream.error, HYL_ERR_ARG, "the file's footer is damaged");
}

/* Reads the message that the footer has at a place of its list. */
static hyl_status read_block(ipc_stream *in, const hyl__fb_vector *blocks, size_t i, int64_t kind)
{
    const int64_t offset = hyl__fb_item_int(blocks, i, 0, 8);
    if (offset < PREFIX || offset > in->size) {
        return fail_footer(in);
    }
    HYL_TRY(in->seek(in, offset));
    hyl_status status = next_message(in);
    HYL_TRY(status);
    return status == HYL_OK && in->kind == kind ? HYL_OK : fail_footer(in);
}

static hyl_status read_dictionaries(ipc_stream *in, const hyl__fb_vector *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        HYL_TRY(read_block(in, blocks, i, KIND_DICTIONARY));
        HYL_TRY(hyl__ipc_dictionary_read(&in->batches, &in->header, &in->body, &in->stream.error));
    }
    return HYL_OK;
}

/* Some programs leave the first message without its prefix: the schema is read from the footer. */
static hyl_status open_by_footer(ipc_stream *in)
{
    HYL_TRY(read_footer(in));
    in->footer_fb = (hyl__fb){in->footer.data, in->footer.len, false};
    const hyl__fb_table footer = hyl__fb_root(&in->footer_fb);
    const hyl__fb_table schema = hyl__fb_child(&footer, FOOTER_SCHEMA);
    const hyl__fb_vector dictionaries = hyl__fb_items(&footer, FOOTER_DICTIONARIES, BLOCK);
    in->blocks = hyl__fb_items(&footer, FOOTER_BATCHES, BLOCK);
    if (in->footer_fb.broken || schema.at == 0) {
        return fail_footer(in);
    }
    HYL_TRY(take_schema(in, &schema));
    return read_dictionaries(in, &dictionaries);
}

/* ---- The end of a file that comes through a pipe ------------------------------------------- */

static hyl_status read_rest(ipc_stream *in)
{
    hyl_buf *rest = &in->metadata;
    hyl_buf_clear(rest);
    for (size_t got = 1; got > 0;) {
        const size_t piece = (size_t)next_piece((int64_t)rest->len, INT64_MAX);
        if (rest->len > MAX_METADATA || hyl_buf_reserve(rest, piece) < 0) {
            return hyl__fail_nomem(&in->stream.error);
        }
        HYL_TRY(read_full(in, rest->data + rest->len, piece, &got));
        rest->len += got;
    }
    return HYL_OK;
}

/* It must end as a file does, with a footer that knows as many batches as have come. */
static hyl_status check_footer(ipc_stream *in)
{
    HYL_TRY(read_rest(in));
    const int64_t len = (int64_t)in->metadata.len - TRAILER;
    if (len < 0 || footer_size(in->metadata.data + len, len) != len) {
        return fail_cut(in);
    }
    in->fb = (hyl__fb){in->metadata.data, (size_t)len, false};
    const hyl__fb_table footer = hyl__fb_root(&in->fb);
    const hyl__fb_vector blocks = hyl__fb_items(&footer, FOOTER_BATCHES, BLOCK);
    return !in->fb.broken && (int64_t)blocks.count == in->batch_count ? HYL_DONE : fail_footer(in);
}

/* ---- Batches ------------------------------------------------------------------------------- */

static hyl_status take_batch(ipc_stream *in, struct ArrowArray *out)
{
    HYL_TRY(hyl__ipc_batch_read(&in->batches, &in->header, &in->body, out, &in->stream.error));
    in->batch_count++;
    return HYL_OK;
}

static hyl_status next_by_footer(ipc_stream *in, struct ArrowArray *out)
{
    if ((size_t)in->batch_count == in->blocks.count) {
        return HYL_DONE;
    }
    HYL_TRY(read_block(in, &in->blocks, (size_t)in->batch_count, KIND_BATCH));
    return take_batch(in, out);
}

static hyl_status next_in_order(ipc_stream *in, struct ArrowArray *out)
{
    for (;;) {
        hyl_status status = next_message(in);
        if (status != HYL_OK) {
            return status == HYL_DONE && in->is_file ? check_footer(in) : status;
        }
        if (in->kind == KIND_BATCH) {
            return take_batch(in, out);
        }
        if (in->kind != KIND_DICTIONARY) {
            return hyl__fail(&in->stream.error, HYL_ERR_UNSUPPORTED,
                             "a message of kind %lld, which is not read", (long long)in->kind);
        }
        HYL_TRY(hyl__ipc_dictionary_read(&in->batches, &in->header, &in->body, &in->stream.error));
    }
}

static hyl_status next_batch(hyl__stream *stream, struct ArrowArray *out)
{
    ipc_stream *in = (ipc_stream *)stream;
    hyl_status status = in->footer.len > 0 ? next_by_footer(in, out) : next_in_order(in, out);
    ArrowBufferReset(&in->body); /* the arrays have references of their own */
    if (status < 0) {
        hyl__error_prefix(&stream->error, "Arrow data behind batch %lld",
                          (long long)in->batch_count);
    }
    return status;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static void free_ipc(hyl__stream *stream)
{
    ipc_stream *in = (ipc_stream *)stream;
    hyl__ipc_batches_reset(&in->batches);
    hyl__ipc_schema_reset(&in->schema);
    ArrowBufferReset(&in->body);
    hyl_buf_reset(&in->metadata);
    hyl_buf_reset(&in->footer);
    hyl__free(in);
}

static ipc_stream *new_stream(hyl_arrow_read read, void *ctx)
{
    ipc_stream *in = hyl__calloc(1, sizeof *in);
    if (in != NULL) {
        in->stream.schema = &in->schema.root;
        in->stream.next = next_batch;
        in->stream.free = free_ipc;
        in->read = read;
        in->ctx = ctx;
        ArrowBufferInit(&in->body);
    }
    return in;
}

/* Takes `in`, which may be NULL. */
static hyl_status open_stream(ipc_stream *in, struct ArrowArrayStream *out, hyl_error *err)
{
    if (in == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl_status status = read_beginning(in);
    if (status < 0) {
        if (err != NULL) {
            *err = in->stream.error;
        }
        free_ipc(&in->stream);
        return status;
    }
    ArrowBufferReset(&in->body);
    hyl__stream_export(&in->stream, out);
    return HYL_OK;
}

hyl_status hyl_arrow_ipc_open(hyl_arrow_read read, void *ctx, struct ArrowArrayStream *out,
                              hyl_error *err)
{
    return open_stream(new_stream(read, ctx), out, err);
}

static hyl_status read_fd(void *ctx, void *to, size_t cap, size_t *got, hyl_error *err)
{
    const ipc_stream *in = ctx;
    ssize_t n = read(in->fd, to, cap);
    while (n < 0 && errno == EINTR) {
        n = read(in->fd, to, cap);
    }
    if (n < 0) {
        return hyl__fail_errno(err, HYL_ERR_IO, errno, "the Arrow data cannot be read");
    }
    *got = (size_t)n;
    return HYL_OK;
}

static hyl_status seek_fd(ipc_stream *in, int64_t offset)
{
    return lseek(in->fd, in->begin + (off_t)offset, SEEK_SET) < 0
               ? hyl__fail_errno(&in->stream.error, HYL_ERR_IO, errno,
                                 "the Arrow data cannot be sought")
               : HYL_OK;
}

static void init_fd(ipc_stream *in, int fd)
{
    struct stat about;
    in->ctx = in;
    in->fd = fd;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
        in->begin = lseek(fd, 0, SEEK_CUR);
        in->size = in->begin >= 0 ? about.st_size - in->begin : 0;
        in->seek = in->begin >= 0 ? seek_fd : NULL;
    }
}

hyl_status hyl_arrow_ipc_open_fd(int fd, struct ArrowArrayStream *out, hyl_error *err)
{
    ipc_stream *in = new_stream(read_fd, NULL);
    if (in != NULL) {
        init_fd(in, fd);
    }
    return open_stream(in, out, err);
}

static hyl_status read_memory(void *ctx, void *to, size_t cap, size_t *got, hyl_error *err)
{
    ipc_stream *in = ctx;
    const size_t left = in->bytes.len - in->pos;
    (void)err;
    *got = cap < left ? cap : left;
    if (*got > 0) {
        memcpy(to, in->bytes.data + in->pos, *got);
        in->pos += *got;
    }
    return HYL_OK;
}

static hyl_status seek_memory(ipc_stream *in, int64_t offset)
{
    in->pos = (size_t)offset;
    return HYL_OK;
}

hyl_status hyl_arrow_ipc_open_memory(hyl_bytes bytes, struct ArrowArrayStream *out, hyl_error *err)
{
    ipc_stream *in = new_stream(read_memory, NULL);
    if (in != NULL) {
        in->ctx = in;
        in->bytes = bytes;
        in->size = (int64_t)bytes.len;
        in->seek = seek_memory;
    }
    return open_stream(in, out, err);
}

#else

static hyl_status fail_unsupported(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

hyl_status hyl_arrow_ipc_open(hyl_arrow_read read, void *ctx, struct ArrowArrayStream *out,
                              hyl_error *err)
{
    (void)read;
    (void)ctx;
    (void)out;
    return fail_unsupported(err);
}

hyl_status hyl_arrow_ipc_open_fd(int fd, struct ArrowArrayStream *out, hyl_error *err)
{
    (void)fd;
    (void)out;
    return fail_unsupported(err);
}

hyl_status hyl_arrow_ipc_open_memory(hyl_bytes bytes, struct ArrowArrayStream *out, hyl_error *err)
{
    (void)bytes;
    (void)out;
    return fail_unsupported(err);
}

#endif
