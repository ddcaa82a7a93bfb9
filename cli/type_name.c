#include "type_name.h"

#include <string.h>
#include <strings.h>

enum { MAX_PRECISION = 38, LONGEST_STRING = 10485760, NUMBER_DIGITS = 8 };

/* X(name, type): what is written, besides numeric, varchar and char, which take arguments. */
#define TYPE_NAME_MAP(X)                        \
    X("boolean", BOOL)                          \
    X("bool", BOOL)                             \
    X("smallint", SMALLINT)                     \
    X("int2", SMALLINT)                         \
    X("integer", INT)                           \
    X("int", INT)                               \
    X("int4", INT)                              \
    X("bigint", BIGINT)                         \
    X("int8", BIGINT)                           \
    X("real", REAL)                             \
    X("float4", REAL)                           \
    X("double precision", DOUBLE)               \
    X("double", DOUBLE)                         \
    X("float", DOUBLE)                          \
    X("float8", DOUBLE)                         \
    X("oid", OID)                               \
    X("text", TEXT)                             \
    X("json", JSON)                             \
    X("bytes", BYTES)                           \
    X("bytea", BYTES)                           \
    X("date", DATE)                             \
    X("time", TIME)                             \
    X("timestamp", TIMESTAMP)                   \
    X("timestamp without time zone", TIMESTAMP) \
    X("timestamptz", TIMESTAMPTZ)               \
    X("timestamp with time zone", TIMESTAMPTZ)  \
    X("interval", INTERVAL)

static bool is_name(hyl_str text, const char *name)
{
    return text.len == strlen(name) && strncasecmp(text.data, name, text.len) == 0;
}

static hyl_str trim(hyl_str text)
{
    while (text.len > 0 && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

/* A name and its arguments in parentheses, up to two. */
typedef struct type_text {
    hyl_str name;
    int arguments[2];
    size_t count;
} type_text;

static bool parse_argument(hyl_str text, int *out)
{
    text = trim(text);
    *out = 0;
    if (text.len == 0 || text.len > NUMBER_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *out = *out * 10 + (text.data[i] - '0');
    }
    return true;
}

/* Splits "numeric(10, 2)". */
static bool split(hyl_str text, type_text *out)
{
    text = trim(text);
    *out = (type_text){.name = text};
    const char *open = memchr(text.data, '(', text.len);
    if (open == NULL) {
        return text.len > 0;
    }
    if (text.data[text.len - 1] != ')') {
        return false;
    }
    out->name = trim((hyl_str){text.data, (size_t)(open - text.data)});
    hyl_str rest = {open + 1, text.len - 2 - out->name.len};
    rest.len = (size_t)(text.data + text.len - 1 - rest.data);
    for (; out->count < 2; rest.data++, rest.len--) {
        const char *comma = memchr(rest.data, ',', rest.len);
        size_t len = comma != NULL ? (size_t)(comma - rest.data) : rest.len;
        if (!parse_argument((hyl_str){rest.data, len}, &out->arguments[out->count++])) {
            return false;
        }
        rest.data += len;
        rest.len -= len;
        if (rest.len == 0) {
            return true;
        }
    }
    return false;
}

static bool numeric_type(const type_text *text, hyl_type *out)
{
    int precision = text->count > 0 ? text->arguments[0] : MAX_PRECISION;
    int scale = text->count > 1 ? text->arguments[1] : 0;
    if (precision < 1 || precision > MAX_PRECISION || scale > precision) {
        return false;
    }
    *out = hyl_type_numeric(precision, scale);
    return true;
}

/* varchar and char; char is char(1). */
static bool string_type(hyl_type_id id, const type_text *text, hyl_type *out)
{
    if (text->count > 1 ||
        (text->count == 1 && (text->arguments[0] < 1 || text->arguments[0] > LONGEST_STRING))) {
        return false;
    }
    if (id == HYL_TYPE_CHAR && (text->count == 0 || text->arguments[0] == 1)) {
        *out = hyl_type_of(HYL_TYPE_CHAR1);
        return true;
    }
    *out = hyl_type_of(id);
    if (text->count == 1) {
        *out = hyl_type_from_oid(out->oid, text->arguments[0] + 4);
    }
    return true;
}

static bool plain_type(const type_text *text, hyl_type *out)
{
    static const struct {
        const char *name;
        hyl_type_id id;
    } names[] = {
#define TYPE_NAME_ROW(name, id) {name, HYL_TYPE_##id},
        TYPE_NAME_MAP(TYPE_NAME_ROW)
#undef TYPE_NAME_ROW
    };
    for (size_t i = 0; text->count == 0 && i < sizeof names / sizeof names[0]; i++) {
        if (is_name(text->name, names[i].name)) {
            *out = hyl_type_of(names[i].id);
            return true;
        }
    }
    return false;
}

bool type_name_parse(hyl_str text, hyl_type *out)
{
    type_text parts;
    if (!split(text, &parts)) {
        return false;
    }
    if (is_name(parts.name, "numeric") || is_name(parts.name, "decimal")) {
        return numeric_type(&parts, out);
    }
    if (is_name(parts.name, "varchar") || is_name(parts.name, "character varying")) {
        return string_type(HYL_TYPE_VARCHAR, &parts, out);
    }
    if (is_name(parts.name, "char") || is_name(parts.name, "character")) {
        return string_type(HYL_TYPE_CHAR, &parts, out);
    }
    return plain_type(&parts, out);
}
