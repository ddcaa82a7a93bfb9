#include "table_name.h"

#include "fail.h"

#include <hyperline/types.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char default_schema[] = "public";

void table_name_reset(table_name *name)
{
    free(name->schema);
    free(name->name);
    *name = (table_name){NULL, NULL};
}

/* Takes what is in double quotes; *at is then behind the closing one. False where none closes. */
static bool take_quoted(const char **at, char *out)
{
    size_t len = 0;
    const char *from = *at + 1;
    while (*from != '\0') {
        if (*from == '"' && from[1] != '"') {
            out[len] = '\0';
            *at = from + 1;
            return true;
        }
        from += *from == '"';
        out[len++] = *from++;
    }
    return false;
}

static bool take_plain(const char **at, char *out)
{
    size_t len = strcspn(*at, ".\"");
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return **at != '"';
}

/* Takes one part, up to a dot or the end. */
static bool take_part(const char **at, char *out)
{
    bool taken = **at == '"' ? take_quoted(at, out) : take_plain(at, out);
    return taken && out[0] != '\0' && (**at == '\0' || **at == '.');
}

static void set_default_schema(table_name *out)
{
    memcpy(out->schema, default_schema, sizeof default_schema);
}

static bool parse_parts(const char *text, table_name *out)
{
    if (!take_part(&text, out->name)) {
        return false;
    }
    if (*text == '\0') {
        set_default_schema(out);
        return true;
    }
    char *first = out->name;
    out->name = out->schema;
    out->schema = first;
    text++;
    return take_part(&text, out->name) && *text == '\0';
}

/* Room for parts of so many bytes. False without memory. */
static bool allocate(size_t len, table_name *out)
{
    size_t size = (len > sizeof default_schema ? len : sizeof default_schema) + 1;
    *out = (table_name){malloc(size), malloc(size)};
    if (out->schema == NULL || out->name == NULL) {
        table_name_reset(out);
        return false;
    }
    return true;
}

hyl_status table_name_parse(const char *text, table_name *out, hyl_error *err)
{
    if (!allocate(strlen(text), out)) {
        return cli_fail_nomem(err);
    }
    if (!parse_parts(text, out)) {
        table_name_reset(out);
        return cli_fail(err, HYL_ERR_ARG,
                        "'%s' is no table's name: TABLE or SCHEMA.TABLE; a name with a dot or a "
                        "quote in it goes in double quotes",
                        text);
    }
    return HYL_OK;
}

static bool cut_suffix(char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t cut = strlen(suffix);
    if (len <= cut || strcasecmp(name + len - cut, suffix) != 0) {
        return false;
    }
    name[len - cut] = '\0';
    return true;
}

hyl_status table_name_from_file(const char *path, table_name *out, hyl_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    if (!allocate(strlen(base), out)) {
        return cli_fail_nomem(err);
    }
    set_default_schema(out);
    memcpy(out->name, base, strlen(base) + 1);
    (void)cut_suffix(out->name, ".gz");
    (void)(cut_suffix(out->name, ".csv") || cut_suffix(out->name, ".tsv") ||
           cut_suffix(out->name, ".txt") || cut_suffix(out->name, ".arrow") ||
           cut_suffix(out->name, ".arrows") || cut_suffix(out->name, ".feather") ||
           cut_suffix(out->name, ".ipc"));
    return HYL_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

hyl_status table_name_sql(const char *schema, const char *name, hyl_buf *out, hyl_error *err)
{
    HYL_TRY(hyl_quote_ident(hyl_str_of(schema), out, err));
    hyl_buf_append_byte(out, '.');
    HYL_TRY(hyl_quote_ident(hyl_str_of(name), out, err));
    return hyl_buf_status(out) == HYL_OK ? HYL_OK : cli_fail_nomem(err);
}

hyl_status table_name_show(const table_name *name, hyl_buf *out, hyl_error *err)
{
    if (strcmp(name->schema, default_schema) != 0) {
        return table_name_sql(name->schema, name->name, out, err);
    }
    return hyl_quote_ident(hyl_str_of(name->name), out, err);
}
