#include "csv_source.h"

#include "fail.h"
#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { GZIP_INPUT = 64 * 1024 };
/* windowBits of inflateInit2: the largest window, and a gzip header is demanded. */
enum { GZIP_WINDOW_BITS = 15 + 16 };

struct csv_source {
    char *name;
    int fd;
    bool owns_fd;
    bool seekable;
    off_t origin; /* where in the file we started: standard input need not be at 0 */
    uint64_t size;
    uint64_t position;
    uint64_t text_bytes;

    /* A pipe's copy. While `spooling`, what is read from fd goes there too; after a rewind it is
     * read from there, up to its end, and only then from fd again. */
    int spool_fd;
    bool spooling;
    off_t spooled;
    off_t spool_at;

    bool probed; /* whether it is gzip has been looked at */
    bool gzip;
    bool inflating; /* inside a member */
    bool ended;     /* the last member has ended, only zero padding may follow */
    z_stream zs;
    bool zs_ready;
    unsigned char *input; /* raw bytes: the probe's, or compressed ones */
    size_t input_len;
    size_t input_at;
};

hyl_status csv_source_open(const char *path, csv_source **out, hyl_error *err)
{
    csv_source *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return cli_fail_nomem(err);
    }
    source->fd = -1;
    source->spool_fd = -1;
    bool is_stdin = strcmp(path, "-") == 0;
    source->name = strdup(is_stdin ? "standard input" : path);
    source->input = malloc(GZIP_INPUT);
    if (source->name == NULL || source->input == NULL) {
        csv_source_free(source);
        return cli_fail_nomem(err);
    }
    source->owns_fd = !is_stdin;
    source->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (source->fd < 0 || fstat(source->fd, &info) < 0) {
        hyl_status status = cli_fail_errno(err, errno, "%s", source->name);
        csv_source_free(source);
        return status;
    }
    if (S_ISDIR(info.st_mode)) {
        hyl_status status = cli_fail_errno(err, EISDIR, "%s", source->name);
        csv_source_free(source);
        return status;
    }
    if (S_ISREG(info.st_mode)) {
        off_t origin = lseek(source->fd, 0, SEEK_CUR);
        source->seekable = origin >= 0;
        source->origin = origin >= 0 ? origin : 0;
        source->size =
            info.st_size > source->origin ? (uint64_t)(info.st_size - source->origin) : 0;
    }
    *out = source;
    return HYL_OK;
}

void csv_source_free(csv_source *source)
{
    if (source == NULL) {
        return;
    }
    if (source->zs_ready) {
        inflateEnd(&source->zs);
    }
    if (source->owns_fd && source->fd >= 0) {
        close(source->fd);
    }
    if (source->spool_fd >= 0) {
        close(source->spool_fd);
    }
    free(source->input);
    free(source->name);
    free(source);
}

const char *csv_source_name(const csv_source *source)
{
    return source->name;
}

uint64_t csv_source_position(const csv_source *source)
{
    return source->position;
}

uint64_t csv_source_size(const csv_source *source)
{
    return source->size;
}

uint64_t csv_source_text_bytes(const csv_source *source)
{
    return source->text_bytes;
}

/* ---- Raw bytes ------------------------------------------------------------------------------- */

/* A pipe may be silent for ever: a signal ends the waiting. Errors: CANCELLED. */
static hyl_status read_fd(const csv_source *source, int fd, void *buf, size_t cap, size_t *got,
                          hyl_error *err)
{
    ssize_t n;
    do {
        if (interrupted()) {
            return cli_fail(err, HYL_ERR_CANCELLED, "interrupted");
        }
        n = read(fd, buf, cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return cli_fail_errno(err, errno, "%s: reading", source->name);
    }
    *got = (size_t)n;
    return HYL_OK;
}

static hyl_status spool_write(csv_source *source, const char *bytes, size_t len, hyl_error *err)
{
    while (len > 0) {
        ssize_t n = pwrite(source->spool_fd, bytes, len, source->spooled);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return cli_fail_errno(err, errno, "the temporary copy of %s", source->name);
        }
        source->spooled += n;
        bytes += n;
        len -= (size_t)n;
    }
    return HYL_OK;
}

static hyl_status spool_read(csv_source *source, void *buf, size_t cap, size_t *got, hyl_error *err)
{
    off_t left = source->spooled - source->spool_at;
    size_t want = (uint64_t)left < cap ? (size_t)left : cap;
    ssize_t n = pread(source->spool_fd, buf, want, source->spool_at);
    if (n <= 0) {
        return cli_fail_errno(err, n < 0 ? errno : EIO, "the temporary copy of %s", source->name);
    }
    source->spool_at += n;
    *got = (size_t)n;
    return HYL_OK;
}

static hyl_status read_raw(csv_source *source, void *buf, size_t cap, size_t *got, hyl_error *err)
{
    if (source->spooling && source->spool_at < source->spooled) {
        HYL_TRY(spool_read(source, buf, cap, got, err));
    } else {
        HYL_TRY(read_fd(source, source->fd, buf, cap, got, err));
        if (source->spooling) {
            HYL_TRY(spool_write(source, buf, *got, err));
            source->spool_at = source->spooled;
        }
    }
    source->position += *got;
    return HYL_OK;
}

hyl_status csv_source_make_rewindable(csv_source *source, hyl_error *err)
{
    if (source->seekable || source->spooling) {
        return HYL_OK;
    }
    const char *folder = getenv("TMPDIR");
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/hyperline-XXXXXX",
                       folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    source->spool_fd = len > 0 && (size_t)len < sizeof path ? mkstemp(path) : -1;
    if (source->spool_fd < 0) {
        return cli_fail_errno(err, errno, "no temporary file for a copy of %s (%s)", source->name,
                              path);
    }
    unlink(path);
    (void)fcntl(source->spool_fd, F_SETFD, FD_CLOEXEC);
    source->spooling = true;
    return HYL_OK;
}

hyl_status csv_source_rewind(csv_source *source, hyl_error *err)
{
    if (source->spooling) {
        source->spool_at = 0;
    } else if (!source->seekable) {
        return cli_fail(err, HYL_ERR_IO, "%s cannot be read a second time", source->name);
    } else if (lseek(source->fd, source->origin, SEEK_SET) < 0) {
        return cli_fail_errno(err, errno, "%s: going back to the start", source->name);
    }
    source->position = 0;
    source->text_bytes = 0;
    source->probed = false;
    source->gzip = false;
    source->inflating = false;
    source->ended = false;
    source->input_len = 0;
    source->input_at = 0;
    return HYL_OK;
}

/* ---- gzip ------------------------------------------------------------------------------------ */

static hyl_status fill_input(csv_source *source, hyl_error *err)
{
    source->input_at = 0;
    source->input_len = 0;
    return read_raw(source, source->input, GZIP_INPUT, &source->input_len, err);
}

/* Reads two bytes ahead and looks for gzip's magic number. */
static hyl_status probe(csv_source *source, hyl_error *err)
{
    size_t len = 0;
    while (len < 2) {
        size_t got = 0;
        HYL_TRY(read_raw(source, source->input + len, GZIP_INPUT - len, &got, err));
        if (got == 0) {
            break;
        }
        len += got;
    }
    source->input_len = len;
    source->probed = true;
    source->gzip = len >= 2 && source->input[0] == 0x1f && source->input[1] == 0x8b;
    return HYL_OK;
}

/* Starts the next member, or finds that there is none. */
static hyl_status next_member(csv_source *source, hyl_error *err)
{
    int result = source->zs_ready ? inflateReset2(&source->zs, GZIP_WINDOW_BITS)
                                  : inflateInit2(&source->zs, GZIP_WINDOW_BITS);
    if (result != Z_OK) {
        return cli_fail_nomem(err);
    }
    source->zs_ready = true;
    source->inflating = true;
    return HYL_OK;
}

/* Behind a member: zero bytes are padding, a magic number starts another member. */
static hyl_status between_members(csv_source *source, hyl_error *err)
{
    unsigned char byte = source->input[source->input_at];
    if (byte == 0) {
        source->ended = true;
        source->input_at++;
        return HYL_OK;
    }
    if (byte != 0x1f || source->ended) {
        return cli_fail(err, HYL_ERR_IO, "%s: there is something else behind the gzip data",
                        source->name);
    }
    return next_member(source, err);
}

static hyl_status inflate_some(csv_source *source, void *buf, size_t cap, size_t *got,
                               hyl_error *err)
{
    size_t room = cap < 1U << 30 ? cap : 1U << 30;
    source->zs.next_in = source->input + source->input_at;
    source->zs.avail_in = (uInt)(source->input_len - source->input_at);
    source->zs.next_out = buf;
    source->zs.avail_out = (uInt)room;
    int result = inflate(&source->zs, Z_NO_FLUSH);
    source->input_at = source->input_len - source->zs.avail_in;
    *got = room - source->zs.avail_out;
    if (result == Z_MEM_ERROR) {
        return cli_fail_nomem(err);
    }
    if (result == Z_STREAM_END) {
        source->inflating = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return cli_fail(err, HYL_ERR_IO, "%s: the gzip data is damaged (%s)", source->name,
                        source->zs.msg != NULL ? source->zs.msg : zError(result));
    }
    return HYL_OK;
}

static hyl_status read_gzip(csv_source *source, void *buf, size_t cap, size_t *got, hyl_error *err)
{
    *got = 0;
    while (*got == 0) {
        if (source->input_at == source->input_len) {
            HYL_TRY(fill_input(source, err));
            if (source->input_len == 0 && source->inflating) {
                return cli_fail(err, HYL_ERR_IO, "%s: the gzip data is cut short", source->name);
            }
            if (source->input_len == 0) {
                return HYL_OK;
            }
        }
        if (source->inflating) {
            HYL_TRY(inflate_some(source, buf, cap, got, err));
        } else {
            HYL_TRY(between_members(source, err));
        }
    }
    return HYL_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static hyl_status read_plain(csv_source *source, void *buf, size_t cap, size_t *got, hyl_error *err)
{
    size_t left = source->input_len - source->input_at;
    if (left == 0) {
        return read_raw(source, buf, cap, got, err);
    }
    *got = left < cap ? left : cap;
    memcpy(buf, source->input + source->input_at, *got);
    source->input_at += *got;
    return HYL_OK;
}

hyl_status csv_source_read(void *ctx, void *buf, size_t cap, size_t *got, hyl_error *err)
{
    csv_source *source = ctx;
    if (!source->probed) {
        HYL_TRY(probe(source, err));
    }
    HYL_TRY(source->gzip ? read_gzip(source, buf, cap, got, err)
                         : read_plain(source, buf, cap, got, err));
    source->text_bytes += *got;
    return HYL_OK;
}
