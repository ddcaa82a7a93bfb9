/* The library's and the server's errors, as people read them. */
#include "cli.h"
#include "interrupt.h"
#include "target.h"
#include "width.h"

#include <string.h>

/* ---- What to do about it --------------------------------------------------------------------- */

typedef struct advice {
    const char *sqlstate;
    const char *for_file;
    const char *for_server;
} advice;

static const advice advices[] = {
    {"55006",
     "Another program has the file open (Tableau, another server): close it there, or connect to "
     "that server instead.",
     "Another program has the file open (Tableau, another server): close it there."},
    {"58S01", "Check the path.", "Check the path: it is one on the server's machine."},
    {"42809", "The file was not changed.", "The file was not changed."},
    {"XX001", "The file is damaged; it was not changed.", "The file was not changed."},
};

/* A server lets in whoever names no database; only what needs one fails. */
static bool lacks_database(const target *self, const hyl_error *err)
{
    const char *database = hyl_config_get(self->config, "database");
    return !self->is_file && strcmp(err->sqlstate, "3D000") == 0 &&
           (database == NULL || database[0] == '\0');
}

/* What failed before there was a connection, or for want of a database; a statement's other hints
 * are the server's. */
static const char *find_advice(const target *self, const hyl_error *err)
{
    if (self->conn != NULL) {
        return lacks_database(self, err) ? "No database is attached: name its file with --database."
                                         : NULL;
    }
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        if (strcmp(advices[i].sqlstate, err->sqlstate) == 0) {
            return self->is_file ? advices[i].for_file : advices[i].for_server;
        }
    }
    bool no_program = self->is_file && (err->flags & HYL_ERROR_NO_PROGRAM) != 0;
    return no_program ? "A .hyper file needs the program hyperd: name it in HYPERD_PATH." : NULL;
}

/* ---- The place in the statement -------------------------------------------------------------- */

enum { LONGEST_LINE = 100, BEFORE_CARET = 60 };

static size_t character_len(const char *text, size_t len)
{
    size_t n = 1;
    while (n < len && ((unsigned char)text[n] & 0xC0) == 0x80) {
        n++;
    }
    return n;
}

/* The offset of the character with this number, from 1; the length where there is none. */
static size_t offset_of(hyl_str sql, int32_t position)
{
    size_t offset = 0;
    for (int32_t i = 1; i < position && offset < sql.len; i++) {
        offset += character_len(sql.data + offset, sql.len - offset);
    }
    return offset;
}

/* The piece of a line that is shown: from a character's start, with the caret in it. */
static hyl_str window(hyl_str line, size_t caret)
{
    size_t start = 0;
    while (caret - start > BEFORE_CARET) {
        start += character_len(line.data + start, line.len - start);
    }
    size_t end = start;
    while (end < line.len && end - start < LONGEST_LINE) {
        end += character_len(line.data + end, line.len - end);
    }
    return (hyl_str){line.data + start, end - start};
}

static void show_window(hyl_str line, size_t caret, size_t number)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_str shown = window(line, caret);
    hyl_buf_printf(&text, "LINE %zu: %s", number, shown.data > line.data ? "..." : "");
    size_t width = text.len;
    width += append_visible(&text, shown.data, (size_t)(line.data + caret - shown.data));
    append_visible(&text, line.data + caret,
                   (size_t)(shown.data + shown.len - (line.data + caret)));
    bool cut = shown.data + shown.len < line.data + line.len;
    hyl_buf_append_str(&text, cut ? "..." : "");
    if (hyl_buf_status(&text) >= 0) {
        complain_more("%.*s", (int)text.len, (const char *)text.data);
        complain_more("%*s^", (int)width, "");
    }
    hyl_buf_reset(&text);
}

/* Shows the line of the statement that an error points to, and a caret under the place. */
static void show_place(hyl_str sql, int32_t position, size_t first_line)
{
    size_t offset = offset_of(sql, position);
    size_t start = 0;
    size_t number = first_line;
    for (size_t i = 0; i < offset; i++) {
        if (sql.data[i] == '\n') {
            start = i + 1;
            number++;
        }
    }
    const char *end = memchr(sql.data + start, '\n', sql.len - start);
    size_t len = end != NULL ? (size_t)(end - sql.data) - start : sql.len - start;
    show_window((hyl_str){sql.data + start, len}, offset - start, number);
}

/* ---- The server's further words -------------------------------------------------------------- */

/* A picture of the place: a line of carets, dots and tildes. It is drawn here already. */
static bool is_caret_line(const char *line, size_t len)
{
    size_t drawn = strspn(line, " \t^~");
    return len > 0 && drawn >= len && memchr(line, '^', len) != NULL;
}

/* The detail's length without the picture at its end: the caret's line, and the one above. */
static size_t without_picture(const char *detail)
{
    size_t len = strlen(detail);
    while (len > 0 && detail[len - 1] == '\n') {
        len--;
    }
    size_t line = len;
    while (line > 0 && detail[line - 1] != '\n') {
        line--;
    }
    if (line == 0 || !is_caret_line(detail + line, len - line)) {
        return len;
    }
    line--;
    while (line > 0 && detail[line - 1] != '\n') {
        line--;
    }
    while (line > 0 && detail[line - 1] == '\n') {
        line--;
    }
    return line;
}

static void show_diagnosis(const hyl_diag *diag, hyl_str sql, size_t first_line)
{
    bool placed = diag->position > 0 && sql.len > 0;
    size_t len = placed ? without_picture(diag->detail) : strlen(diag->detail);
    if (placed) {
        show_place(sql, diag->position, first_line);
    }
    if (len > 0) {
        complain_more("DETAIL: %.*s", (int)len, diag->detail);
    }
    if (diag->hint[0] != '\0') {
        complain_more("HINT: %s", diag->hint);
    }
}

static const char *message_of(const hyl_error *err, const hyl_diag *diag)
{
    bool whole = diag != NULL && (err->flags & HYL_ERROR_FROM_SERVER) != 0 &&
                 strcmp(diag->sqlstate, err->sqlstate) == 0;
    /* The error's own is cut, and may have been prefixed with what only it knows. */
    bool same = whole && strncmp(diag->message, err->message, strlen(err->message)) == 0;
    if (same) {
        return diag->message;
    }
    return err->message[0] != '\0' ? err->message : hyl_status_text(err->status);
}

int complain_error(const target *self, const hyl_error *err, hyl_str sql, size_t first_line)
{
    if (interrupted()) {
        complain("cancelled");
        return interrupt_status();
    }
    const hyl_diag *diag = self->conn != NULL ? hyl_conn_diag(self->conn) : NULL;
    bool has_state = err->sqlstate[0] != '\0';
    complain("%s%s%s%s", message_of(err, diag), has_state ? " (SQLSTATE " : "", err->sqlstate,
             has_state ? ")" : "");
    if (diag != NULL && (err->flags & HYL_ERROR_FROM_SERVER) != 0) {
        show_diagnosis(diag, sql, first_line);
    }
    const char *text = find_advice(self, err);
    if (text != NULL) {
        complain_more("%s", text);
    }
    return STATUS_FAILED;
}
