#include "width.h"

#include <string.h>
#include <utf8proc.h>

enum { EMOJI_PRESENTATION = 0xFE0F, WIDEST_CLUSTER = 2 };

/* The width of a text is that of its grapheme clusters: a base and what joins it are one. */
typedef struct meter {
    utf8proc_int32_t previous; /* -1 at the start */
    utf8proc_int32_t state;
    size_t width;   /* of the clusters before the last */
    size_t cluster; /* of the last */
} meter;

static const meter empty_meter = {-1, 0, 0, 0};

static void add_character(meter *m, utf8proc_int32_t c)
{
    bool starts = m->previous < 0 || utf8proc_grapheme_break_stateful(m->previous, c, &m->state);
    if (starts) {
        m->width += m->cluster;
        m->cluster = 0;
    }
    m->cluster += (size_t)utf8proc_charwidth(c);
    if (m->cluster > WIDEST_CLUSTER || (c == EMOJI_PRESENTATION && m->cluster > 0)) {
        m->cluster = WIDEST_CLUSTER;
    }
    m->previous = c;
}

static size_t total(const meter *m)
{
    return m->width + m->cluster;
}

/* The length of the prefix of printable ASCII. */
static size_t plain_prefix(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && text[i] >= ' ' && text[i] <= '~') {
        i++;
    }
    return i;
}

/* Decodes the character at `text`; its length, or 0 where the bytes are none. */
static size_t decode(const char *text, size_t len, utf8proc_int32_t *c)
{
    utf8proc_ssize_t limit = len < 4 ? (utf8proc_ssize_t)len : 4;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text, limit, c);
    return used > 0 ? (size_t)used : 0;
}

size_t display_width(const char *text, size_t len)
{
    meter m = empty_meter;
    size_t plain = plain_prefix(text, len);
    if (plain == len) {
        return len;
    }
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c = 0;
        size_t used = decode(text + i, len - i, &c);
        add_character(&m, used > 0 ? c : '?');
        i += used > 0 ? used : 1;
    }
    return total(&m);
}

/* Characters that would move the cursor, or change how what stands beside them is shown. */
static bool is_unsafe(utf8proc_int32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0x061C ||
           c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Returns the escape's length, which is its width. */
static size_t append_escape(hyl_buf *out, utf8proc_int32_t c)
{
    size_t before = out->len;
    if (c == '\n' || c == '\r' || c == '\t') {
        hyl_buf_append_str(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
    } else {
        hyl_buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
    }
    return out->len - before;
}

size_t append_visible(hyl_buf *out, const char *text, size_t len)
{
    size_t plain = plain_prefix(text, len);
    if (plain == len) {
        hyl_buf_append(out, text, len);
        return len;
    }
    meter m = empty_meter;
    size_t escapes = 0;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c = 0;
        size_t used = decode(text + i, len - i, &c);
        if (used == 0 || is_unsafe(c)) {
            escapes += append_escape(out, used > 0 ? c : (unsigned char)text[i]);
            m.width = total(&m);
            m.cluster = 0;
            m.previous = -1;
        } else {
            hyl_buf_append(out, text + i, used);
            add_character(&m, c);
        }
        i += used > 0 ? used : 1;
    }
    return total(&m) + escapes;
}

void append_visible_lines(hyl_buf *out, const char *text, size_t len)
{
    const char *end = text + len;
    const char *line_end;
    while ((line_end = memchr(text, '\n', (size_t)(end - text))) != NULL) {
        append_visible(out, text, (size_t)(line_end - text));
        hyl_buf_append_str(out, "\n    ");
        text = line_end + 1;
    }
    append_visible(out, text, (size_t)(end - text));
}
