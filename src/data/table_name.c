#include "table_name.h"

#include "base/error.h"
#include "base/mem.h"

enum { MAX_PARTS = 3 };

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (uint8_t)c >= 0x80;
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Reads "a ""b""": moves *from behind the closing quote. False where there is none. */
static bool read_quoted(const char **from, char **to)
{
    const char *c = *from + 1;
    for (; *c != '\0'; c++) {
        if (*c == '"' && *++c != '"') {
            *from = c;
            return true;
        }
        *(*to)++ = *c;
    }
    return false;
}

static bool read_plain(const char **from, char **to)
{
    const char *c = *from;
    if (*c >= '0' && *c <= '9') {
        return false;
    }
    while (is_plain(*c)) {
        *(*to)++ = fold(*c++);
    }
    *from = c;
    return true;
}

/* Reads the parts from the left; false where it is no name. */
static bool read_parts(const char *name, char *to, hyl_str *parts, size_t *count)
{
    for (*count = 0; *count < MAX_PARTS;) {
        char *begin = to;
        bool whole = *name == '"' ? read_quoted(&name, &to) : read_plain(&name, &to);
        if (!whole || to == begin) {
            return false;
        }
        parts[(*count)++] = (hyl_str){begin, (size_t)(to - begin)};
        if (*name == '\0') {
            return true;
        }
        if (*name++ != '.') {
            return false;
        }
    }
    return false;
}

hyl_status hyl__table_name_read(const char *name, hyl__table_name *out, hyl_error *err)
{
    hyl_str parts[MAX_PARTS];
    size_t count = 0;
    if (name == NULL) {
        return hyl__fail(err, HYL_ERR_ARG, "there is no table: its name is NULL");
    }
    char *text = hyl__malloc(strlen(name) + 1);
    if (text == NULL) {
        return hyl__fail_nomem(err);
    }
    if (!read_parts(name, text, parts, &count)) {
        hyl__free(text);
        return hyl__fail(err, HYL_ERR_ARG,
                         "not the name of a table: '%.100s' (write table, schema.table or "
                         "database.schema.table, and other names than a_1 in double quotes)",
                         name);
    }
    memset(out, 0, sizeof *out);
    out->text = text;
    memcpy(out->parts + MAX_PARTS - count, parts, count * sizeof parts[0]);
    return HYL_OK;
}

void hyl__table_name_reset(hyl__table_name *name)
{
    hyl__free(name->text);
    memset(name, 0, sizeof *name);
}

hyl_status hyl__table_name_write(const hyl__table_name *name, hyl_buf *out, hyl_error *err)
{
    for (size_t i = 0; i < MAX_PARTS; i++) {
        if (name->parts[i].len == 0) {
            continue;
        }
        HYL_TRY(hyl_quote_ident(name->parts[i], out, err));
        if (i + 1 < MAX_PARTS) {
            hyl_buf_append_byte(out, '.');
        }
    }
    return hyl_buf_status(out) < 0 ? hyl__fail_nomem(err) : HYL_OK;
}
