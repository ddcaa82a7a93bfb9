#include "script.h"

#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024 };

static bool read_all(int fd, hyl_buf *out)
{
    for (;;) {
        if (hyl_buf_reserve(out, READ_SIZE) < 0) {
            errno = ENOMEM;
            return false;
        }
        ssize_t got = read(fd, out->data + out->len, READ_SIZE);
        if (got == 0) {
            return true;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
        out->len += got > 0 ? (size_t)got : 0;
    }
}

static int read_file(const char *file, hyl_buf *out)
{
    bool is_stdin = strcmp(file, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read_all(fd, out);
    if (!ok) {
        complain_errno(errno, "cannot read SQL from '%s'", is_stdin ? "standard input" : file);
    }
    if (fd >= 0 && !is_stdin) {
        close(fd);
    }
    return ok ? STATUS_OK : STATUS_FAILED;
}

/* A byte order mark is no SQL. */
static hyl_str without_bom(hyl_str text)
{
    bool has_bom = text.len >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0;
    return has_bom ? (hyl_str){text.data + 3, text.len - 3} : text;
}

static int check(const script *self)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_str statement;
    size_t offset = 0;
    hyl_status status = HYL_OK;
    while (status == HYL_OK) {
        status = hyl_sql_next(self->text, &offset, &statement, &err);
    }
    if (status < 0) {
        complain("the SQL cannot be read: %s", err.message);
    } else if (self->text.len > 0 && memchr(self->text.data, '\0', self->text.len) != NULL) {
        complain("the SQL has a zero byte in it");
        status = HYL_ERR_ARG;
    }
    return status < 0 ? STATUS_FAILED : STATUS_OK;
}

int script_read(script *out, const char *sql, const char *file)
{
    memset(out, 0, sizeof *out);
    const char *name = sql != NULL && strcmp(sql, "-") == 0 ? sql : file;
    int status = STATUS_OK;
    if (name != NULL) {
        status = read_file(name, &out->read);
        out->text = without_bom(
            (hyl_str){out->read.data != NULL ? (const char *)out->read.data : "", out->read.len});
    } else {
        out->text = hyl_str_of(sql);
    }
    if (status == STATUS_OK) {
        status = check(out);
    }
    if (status != STATUS_OK) {
        script_free(out);
    }
    return status;
}

void script_free(script *self)
{
    hyl_buf_reset(&self->read);
}

size_t script_line(const script *self, const char *at)
{
    size_t line = 1;
    for (const char *c = self->text.data; c < at; c++) {
        line += *c == '\n';
    }
    return line;
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_' || ((unsigned char)c & 0x80) != 0;
}

/* The length of the word that begins at an offset, 0 where none does. */
static size_t word_at(hyl_str text, size_t offset)
{
    size_t len = 0;
    bool inside = offset > 0 && is_word_byte(text.data[offset - 1]);
    while (!inside && offset + len < text.len && is_word_byte(text.data[offset + len])) {
        len++;
    }
    return len;
}

/* The length of the comment that begins at an offset, 0 where none does. */
static size_t comment_at(hyl_str text, size_t offset)
{
    const char *at = text.data + offset;
    const size_t len = text.len - offset;
    size_t end = 2;
    if (len >= 2 && at[0] == '-' && at[1] == '-') {
        const char *line_end = memchr(at, '\n', len);
        return line_end != NULL ? (size_t)(line_end - at) : len;
    }
    if (len < 2 || at[0] != '/' || at[1] != '*') {
        return 0;
    }
    while (end + 1 < len && (at[end] != '*' || at[end + 1] != '/')) {
        end++;
    }
    return end + 1 < len ? end + 2 : len;
}

hyl_str statement_verb(hyl_str statement)
{
    size_t at = 0;
    while (at < statement.len) {
        const size_t comment = comment_at(statement, at);
        if (comment == 0 && statement.data[at] != '(' &&
            isspace((unsigned char)statement.data[at]) == 0) {
            break;
        }
        at += comment > 0 ? comment : 1;
    }
    return (hyl_str){statement.data + at, word_at(statement, at)};
}

static bool is_one_of(const char *word, size_t len, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strlen(*words) == len && strncasecmp(word, *words, len) == 0) {
            return true;
        }
    }
    return false;
}

/* What begins with SELECT reads. Else a word that may write, wherever it stands, is taken for one
 * that does: at worst a result is read to its end for nothing. */
bool statement_only_reads(hyl_str statement)
{
    static const char *const reading[] = {"select", "values", "table", "show", "explain", NULL};
    static const char *const writing[] = {"insert",   "update",  "delete", "merge",
                                          "copy",     "create",  "drop",   "alter",
                                          "truncate", "execute", NULL};
    if (is_one_of(statement.data, word_at(statement, 0), reading)) {
        return true;
    }
    for (size_t i = 0; i < statement.len; i++) {
        size_t len = word_at(statement, i);
        if (len > 0 && is_one_of(statement.data + i, len, writing)) {
            return false;
        }
    }
    return true;
}

char *text_copy(hyl_str text)
{
    char *copy = malloc(text.len + 1);
    if (copy != NULL) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

void free_text(char *text)
{
    free(text);
}
