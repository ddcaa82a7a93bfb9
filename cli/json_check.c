/* Is a text one JSON value? RFC 8259, read once from left to right. */
#include "format.h"

#include <string.h>

enum { DEEPEST = 1000 };

typedef struct cursor {
    const char *at;
    const char *end;
    int depth;
} cursor;

static bool read_value(cursor *c);

static void skip_space(cursor *c)
{
    while (c->at < c->end &&
           (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) {
        c->at++;
    }
}

/* Takes the byte if it is the next one. */
static bool take(cursor *c, char byte)
{
    if (c->at < c->end && *c->at == byte) {
        c->at++;
        return true;
    }
    return false;
}

static bool take_word(cursor *c, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0) {
        return false;
    }
    c->at += len;
    return true;
}

static bool take_digits(cursor *c)
{
    const char *start = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
        c->at++;
    }
    return c->at > start;
}

static bool read_number(cursor *c)
{
    take(c, '-');
    if (!take(c, '0') && !take_digits(c)) {
        return false;
    }
    if (take(c, '.') && !take_digits(c)) {
        return false;
    }
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '+')) {
            take(c, '-');
        }
        return take_digits(c);
    }
    return true;
}

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

static bool read_escape(cursor *c)
{
    if (c->at == c->end || strchr("\"\\/bfnrtu", *c->at) == NULL || *c->at == '\0') {
        return false;
    }
    if (*c->at++ != 'u') {
        return true;
    }
    for (int i = 0; i < 4; i++) {
        if (c->at == c->end || !is_hex(*c->at++)) {
            return false;
        }
    }
    return true;
}

static bool read_string(cursor *c)
{
    if (!take(c, '"')) {
        return false;
    }
    while (c->at < c->end) {
        unsigned char byte = (unsigned char)*c->at++;
        if (byte == '"') {
            return true;
        }
        if (byte < 0x20 || (byte == '\\' && !read_escape(c))) {
            return false;
        }
    }
    return false;
}

static bool read_member(cursor *c)
{
    skip_space(c);
    if (!read_string(c)) {
        return false;
    }
    skip_space(c);
    return take(c, ':') && read_value(c);
}

/* What is between the brackets of an array or an object. */
static bool read_items(cursor *c, char close, bool (*read_item)(cursor *c))
{
    skip_space(c);
    if (take(c, close)) {
        return true;
    }
    do {
        if (!read_item(c)) {
            return false;
        }
        skip_space(c);
    } while (take(c, ','));
    return take(c, close);
}

static bool read_value(cursor *c)
{
    bool ok = false;
    skip_space(c);
    if (c->at == c->end || ++c->depth > DEEPEST) {
        return false;
    }
    switch (*c->at) {
    case '{':
        c->at++;
        ok = read_items(c, '}', read_member);
        break;
    case '[':
        c->at++;
        ok = read_items(c, ']', read_value);
        break;
    case '"':
        ok = read_string(c);
        break;
    case 't':
        ok = take_word(c, "true");
        break;
    case 'f':
        ok = take_word(c, "false");
        break;
    case 'n':
        ok = take_word(c, "null");
        break;
    default:
        ok = read_number(c);
        break;
    }
    c->depth--;
    return ok;
}

bool json_valid(const char *text, size_t len)
{
    cursor c = {text, text + len, 0};
    if (!read_value(&c)) {
        return false;
    }
    skip_space(&c);
    return c.at == c.end;
}
