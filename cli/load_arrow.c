#include "load_arrow.h"

#include "fail.h"
#include "file_kind.h"
#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- The source ------------------------------------------------------------------------------ */

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* A regular file's descriptor, which standard input may be too; -1 for everything else. */
static int open_regular(const char *path, struct stat *info)
{
    const bool known = (is_stdin(path) ? fstat(STDIN_FILENO, info) : stat(path, info)) == 0;
    if (!known || !S_ISREG(info->st_mode)) {
        return -1;
    }
    return is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
}

static void close_fd(int fd)
{
    if (fd >= 0 && fd != STDIN_FILENO) {
        close(fd);
    }
}

/* Reads a regular file's first bytes and stays in front of them. */
static size_t peek(int fd, int64_t begin, uint8_t *bytes, size_t cap)
{
    ssize_t got = begin >= 0 ? pread(fd, bytes, cap, (off_t)begin) : -1;
    return got > 0 ? (size_t)got : 0;
}

bool load_arrow_suits(const char *path)
{
    uint8_t bytes[16];
    struct stat info;
    const file_kind kind = file_kind_of_path(path);
    if (kind == FILE_KIND_ARROW || kind == FILE_KIND_FEATHER) {
        return true;
    }
    const int fd = is_stdin(path) ? -1 : open_regular(path, &info);
    const size_t len = fd >= 0 ? peek(fd, 0, bytes, sizeof bytes) : 0;
    close_fd(fd);
    return file_kind_is_arrow(bytes, len);
}

static hyl_status read_source(void *ctx, void *to, size_t cap, size_t *got, hyl_error *err)
{
    load_arrow *self = ctx;
    HYL_TRY(csv_source_read(self->source, to, cap, got, err));
    const uint8_t *bytes = to;
    for (size_t i = 0; i < *got && self->magic_len < sizeof self->magic; i++) {
        self->magic[self->magic_len++] = bytes[i];
    }
    const size_t fresh = *got < sizeof self->last ? *got : sizeof self->last;
    memmove(self->last, self->last + fresh, sizeof self->last - fresh);
    memcpy(self->last + sizeof self->last - fresh, bytes + *got - fresh, fresh);
    return HYL_OK;
}

/* Takes a regular file that is not packed: the library goes by a file's footer then. */
static bool take_regular(load_arrow *self, const char *path)
{
    struct stat info;
    const int fd = open_regular(path, &info);
    if (fd < 0) {
        return false;
    }
    self->begin = lseek(fd, 0, SEEK_CUR);
    self->magic_len = peek(fd, self->begin, self->magic, sizeof self->magic);
    if (self->begin < 0 || (self->magic_len > 1 && memcmp(self->magic, "\x1f\x8b", 2) == 0)) {
        close_fd(fd);
        self->magic_len = 0;
        return false;
    }
    self->fd = fd;
    self->size = info.st_size > self->begin ? (uint64_t)(info.st_size - self->begin) : 0;
    return true;
}

static uint64_t position(const load_arrow *self)
{
    if (self->source != NULL) {
        return csv_source_position(self->source);
    }
    const int64_t at = lseek(self->fd, 0, SEEK_CUR);
    return at > self->begin ? (uint64_t)(at - self->begin) : 0;
}

/* ---- Watching the batches -------------------------------------------------------------------- */

/* A file has a footer, and must be whole anyway. */
static bool is_file_format(const load_arrow *self)
{
    return self->magic_len == sizeof self->magic &&
           memcmp(self->magic, "ARROW1", sizeof self->magic) == 0;
}

static bool ends_with_marker(const load_arrow *self)
{
    static const uint8_t marker[LOAD_ARROW_END] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    uint8_t last[LOAD_ARROW_END];
    if (self->source != NULL) {
        return memcmp(self->last, marker, sizeof marker) == 0;
    }
    const int64_t at = self->begin + (int64_t)position(self) - LOAD_ARROW_END;
    return peek(self->fd, at, last, sizeof last) == sizeof last &&
           memcmp(last, marker, sizeof marker) == 0;
}

/*
 * The library takes the end of the data for the stream's, and leaves alone what stands behind a
 * marker: rows would be missing, unsaid, of a producer that failed or of streams one behind the
 * other.
 */
static hyl_status check_end(load_arrow *self, hyl_error *err)
{
    uint8_t byte;
    size_t more = 0;
    if (is_file_format(self)) {
        return HYL_OK;
    }
    if (!ends_with_marker(self)) {
        return cli_fail(err, HYL_ERR_ARG,
                        "the Arrow stream breaks off: it has no end-of-stream marker");
    }
    if (self->source != NULL) {
        HYL_TRY(csv_source_read(self->source, &byte, 1, &more, err));
    } else {
        more = position(self) < self->size;
    }
    return more == 0 ? HYL_OK
                     : cli_fail(err, HYL_ERR_ARG,
                                "there is something else behind the end of the Arrow stream");
}

/* Called with each batch, and at the end, where `batch` is NULL. */
static hyl_status watch(load_arrow *self, const struct ArrowArray *batch, hyl_error *err)
{
    if (interrupted()) {
        return cli_fail(err, HYL_ERR_CANCELLED, "interrupted");
    }
    if (batch == NULL) {
        return check_end(self, err);
    }
    progress_update(&self->line, self->seen, position(self));
    self->seen += batch->length > 0 ? (uint64_t)batch->length : 0;
    return HYL_OK;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    load_arrow *self = stream->private_data;
    return self->batches.get_schema(&self->batches, out);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    load_arrow *self = stream->private_data;
    const int code = self->batches.get_next(&self->batches, out);
    if (code != 0) {
        return code;
    }
    if (watch(self, out->release != NULL ? out : NULL, &self->watch_error) < 0) {
        if (out->release != NULL) {
            out->release(out);
        }
        return EIO;
    }
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    load_arrow *self = stream->private_data;
    return self->watch_error.status < 0 ? self->watch_error.message
                                        : self->batches.get_last_error(&self->batches);
}

static void release(struct ArrowArrayStream *stream)
{
    stream->release = NULL; /* `batches` is load_arrow's own */
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Takes out of a message what speaks of options that the program does not have: what begins so, up
 * to the closing parenthesis. */
static void drop_option_hints(char *message, const char *begin)
{
    for (char *at = message; (at = strstr(at, begin)) != NULL;) {
        const char *end = strchr(at, ')');
        if (end == NULL) {
            return;
        }
        memmove(at, end + 1, strlen(end + 1) + 1);
    }
}

/* Puts the file's name in front of a message that does not begin with it. */
static void name_file(const load_arrow *self, hyl_error *err)
{
    const size_t len = strlen(self->name);
    if (err != NULL && (strncmp(err->message, self->name, len) != 0 || err->message[len] != ':')) {
        cli_error_prefix(err, "%s: ", self->name);
    }
}

/* The error of what has failed first, with the file's name where it is about the file. */
static void explain(const load_arrow *self, hyl_error *err)
{
    const hyl_error *reading = hyl_stream_error(&self->batches);
    if (err == NULL) {
        return;
    }
    if (self->watch_error.status < 0) {
        *err = self->watch_error;
    } else if (reading != NULL && reading->status < 0) {
        *err = *reading;
    }
    if ((err->flags & (HYL_ERROR_FROM_SERVER | HYL_ERROR_CONNECTION_LOST)) != 0) {
        return;
    }
    drop_option_hints(err->message, " (HYL_LOSSY_");
    drop_option_hints(err->message, " (the option HYL_LOSSY_");
    name_file(self, err);
}

/* ---- Loading --------------------------------------------------------------------------------- */

static hyl_status insert(load_arrow *self, const char *table, hyl_insert_arrow_mode mode,
                         hyl_error *err)
{
    hyl_insert_arrow_opts opts = HYL_INSERT_ARROW_OPTS_INIT;
    int64_t rows = 0;
    opts.mode = mode;
    self->totals.passes++;
    progress_start(&self->line, "loading", self->size, self->shows_progress);
    hyl_status status =
        hyl_insert_arrow(self->table.conn, table, &self->counted, &opts, &rows, err);
    progress_end(&self->line);
    self->totals.rows = (uint64_t)rows;
    if (status < 0) {
        explain(self, err);
    }
    return status;
}

static hyl_status fill_staging(load_arrow *self, hyl_error *err)
{
    HYL_TRY(load_table_stage_elsewhere(&self->table, err));
    hyl_status status = insert(self, self->table.staging, HYL_INSERT_ARROW_CREATE, err);
    if (status == HYL_ERR_SERVER && err != NULL && strstr(err->message, "file version") != NULL) {
        cli_error_append(err, " (--database-version 3 when the file is made)");
    }
    HYL_TRY(status);
    return load_table_read_staged(&self->table, err);
}

static hyl_status load_rows(load_arrow *self, hyl_error *err)
{
    HYL_TRY(load_table_check_mode(&self->table, self->mode, err));
    if (self->mode == LOAD_APPEND) {
        return insert(self, self->table.sql, HYL_INSERT_ARROW_APPEND, err);
    }
    hyl_status status = fill_staging(self, err);
    if (status == HYL_OK) {
        status = load_table_publish(&self->table, err);
    }
    if (status < 0) {
        load_table_give_up(&self->table, err);
    }
    return status;
}

hyl_status load_arrow_into(load_arrow *self, hyl_conn *conn, const table_name *name, bool alone,
                           hyl_error *err)
{
    HYL_TRY(load_table_open(&self->table, conn, name, alone, err));
    const int64_t start = now_us();
    hyl_status status = load_rows(self, err);
    self->totals.table = self->table.shown;
    self->totals.load_us = now_us() - start;
    self->totals.bytes = self->source != NULL ? position(self) : self->size;
    return status;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static hyl_status open_batches(load_arrow *self, const char *path, hyl_error *err)
{
    if (take_regular(self, path)) {
        return hyl_arrow_ipc_open_fd(self->fd, &self->batches, err);
    }
    HYL_TRY(csv_source_open(path, &self->source, err));
    self->size = csv_source_size(self->source);
    return hyl_arrow_ipc_open(read_source, self, &self->batches, err);
}

hyl_status load_arrow_open(load_arrow *self, const char *path, load_mode mode, bool shows_progress,
                           hyl_error *err)
{
    *self = (load_arrow){
        .name = is_stdin(path) ? "standard input" : path,
        .mode = mode,
        .shows_progress = shows_progress,
        .fd = -1,
        .counted = {get_schema, get_next, get_last_error, release, self},
    };
    hyl_status status = open_batches(self, path, err);
    if (status < 0) {
        name_file(self, err);
        self->batches.release = NULL;
        load_arrow_close(self);
    }
    return status;
}

void load_arrow_close(load_arrow *self)
{
    load_table_close(&self->table);
    if (self->batches.release != NULL) {
        self->batches.release(&self->batches);
    }
    csv_source_free(self->source);
    close_fd(self->fd);
    *self = (load_arrow){.fd = -1};
}
