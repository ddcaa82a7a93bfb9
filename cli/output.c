#include "output.h"

#include "cli.h"
#include "interrupt.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_AT = 128 * 1024 };

/* ---- Opening --------------------------------------------------------------------------------- */

static mode_t mode_of_new_file(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* PATH's folder and a hidden name in it, as mkstemp wants it. NULL without memory. */
static char *temp_template(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    size_t cap = strlen(path) + sizeof "..XXXXXX";
    char *text = malloc(cap);
    if (text != NULL) {
        snprintf(text, cap, "%.*s.%s.XXXXXX", (int)folder, path, path + folder);
    }
    return text;
}

static bool open_temp(output *out, mode_t mode)
{
    out->temp_path = temp_template(out->path);
    if (out->temp_path == NULL) {
        complain_nomem();
        return false;
    }
    out->fd = mkstemp(out->temp_path);
    if (out->fd < 0) {
        complain_errno(errno, "cannot write beside '%s'", out->name);
        free(out->temp_path);
        out->temp_path = NULL;
        return false;
    }
    interrupt_remove(out->temp_path);
    if (fchmod(out->fd, mode) != 0) {
        complain_errno(errno, "cannot set the mode of '%s'", out->name);
        return false;
    }
    return true;
}

/* What is there and is no regular file (a pipe, a device) is written to as it is. */
static bool open_in_place(output *out)
{
    FILE *file = fopen(out->name, "we");
    if (file == NULL) {
        complain_errno(errno, "cannot write '%s'", out->name);
        return false;
    }
    out->fd = dup(fileno(file));
    fclose(file);
    if (out->fd < 0) {
        complain_errno(errno, "cannot write '%s'", out->name);
    }
    return out->fd >= 0;
}

static bool open_file(output *out)
{
    struct stat there;
    bool exists = stat(out->name, &there) == 0;
    if (exists && !S_ISREG(there.st_mode)) {
        return open_in_place(out);
    }
    if (exists && access(out->name, W_OK) != 0) {
        complain_errno(errno, "cannot write '%s'", out->name);
        return false;
    }
    /* Behind a symbolic link the file is replaced, not the link. */
    out->path = exists ? realpath(out->name, NULL) : strdup(out->name);
    if (out->path == NULL) {
        complain_errno(errno, "cannot write '%s'", out->name);
        return false;
    }
    return open_temp(out, exists ? there.st_mode & 07777 : mode_of_new_file());
}

void output_open_fd(output *out, int fd, const char *name)
{
    memset(out, 0, sizeof *out);
    out->fd = fd;
    out->name = name;
    out->is_terminal = isatty(fd) != 0;
}

bool output_open(output *out, const char *path)
{
    output_open_fd(out, STDOUT_FILENO, "standard output");
    out->is_file = path != NULL && strcmp(path, "-") != 0;
    if (out->is_file) {
        out->fd = -1;
        out->name = path;
        if (!open_file(out)) {
            out->broken = true;
            output_discard(out);
            return false;
        }
    }
    out->is_terminal = isatty(out->fd) != 0;
    return true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static bool write_failed(output *out, int sys_errno)
{
    if (sys_errno == EPIPE) {
        out->reader_gone = true;
        return true;
    }
    if (!out->broken && !interrupted()) {
        complain_errno(sys_errno, "cannot write %s%s%s", out->is_file ? "'" : "", out->name,
                       out->is_file ? "'" : "");
    }
    out->broken = true;
    return false;
}

/*
 * How much of `len` bytes is to be written at once. After a signal nothing waits for the reader: it
 * still gets what it has room for, and a pipe that is ready has room for PIPE_BUF.
 */
static size_t room_for(const output *out, size_t len)
{
    if (!interrupted()) {
        return len;
    }
    struct pollfd ready = {.fd = out->fd, .events = POLLOUT};
    if (poll(&ready, 1, 0) != 1) {
        return 0;
    }
    return len < PIPE_BUF ? len : PIPE_BUF;
}

static bool write_all(output *out, const uint8_t *bytes, size_t len)
{
    while (len > 0 && !out->reader_gone) {
        size_t room = room_for(out, len);
        if (room == 0) {
            return write_failed(out, EINTR);
        }
        ssize_t put = write(out->fd, bytes, room);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0 && !write_failed(out, errno)) {
            return false;
        }
        if (put > 0) {
            bytes += put;
            len -= (size_t)put;
            out->written += (uint64_t)put;
        }
    }
    return true;
}

bool output_flush(output *out)
{
    if (hyl_buf_status(&out->buf) < 0) {
        out->broken = true;
        complain_nomem();
    }
    if (out->broken) {
        return false;
    }
    bool ok = write_all(out, out->buf.data, out->buf.len);
    hyl_buf_clear(&out->buf);
    return ok;
}

bool output_flush_full(output *out)
{
    return (out->buf.len < FLUSH_AT && !out->buf.failed) || output_flush(out);
}

static void release(output *out)
{
    interrupt_remove(NULL);
    hyl_buf_reset(&out->buf);
    free(out->path);
    free(out->temp_path);
    out->path = NULL;
    out->temp_path = NULL;
    out->fd = -1;
}

bool output_commit(output *out)
{
    bool ok = output_flush(out);
    if (ok && out->is_file) {
        /* Some file systems report a lack of room only now. */
        ok = close(out->fd) == 0 || write_failed(out, errno);
        out->fd = -1;
    }
    if (ok && out->temp_path != NULL && rename(out->temp_path, out->path) != 0) {
        ok = write_failed(out, errno);
    } else if (ok) {
        free(out->temp_path);
        out->temp_path = NULL;
    }
    if (ok) {
        release(out);
    }
    return ok;
}

void output_discard(output *out)
{
    if (out->is_file && out->fd >= 0) {
        close(out->fd);
    }
    if (out->temp_path != NULL) {
        unlink(out->temp_path);
    }
    release(out);
}
