/* Source: RFC 4013 (SASLprep) with the tables of RFC 3454 (stringprep). */
#include "saslprep.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <utf8proc.h>

typedef struct code_range {
    int32_t first;
    int32_t last;
} code_range;

#include "saslprep.inc"

#define IS_IN(code, table) is_in(code, table, sizeof table / sizeof table[0])

static bool is_in(int32_t code, const code_range *ranges, size_t count)
{
    size_t low = 0;
    size_t high = count; /* the first range that does not end before `code` is in low..high */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > ranges[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && ranges[low].first <= code;
}

static void append_char(hyl_buf *out, int32_t code)
{
    uint8_t bytes[4] = {0};
    hyl_buf_append(out, bytes, (size_t)utf8proc_encode_char(code, bytes));
    hyl__wipe(bytes, sizeof bytes);
}

/* Takes the first character off a text that is valid UTF-8 and not empty. */
static int32_t take_char(hyl_str *text)
{
    int32_t code = 0;
    utf8proc_ssize_t len =
        utf8proc_iterate((const uint8_t *)text->data, (utf8proc_ssize_t)text->len, &code);
    *text = (hyl_str){text->data + len, text->len - (size_t)len};
    return code;
}

/* Section 2.1. The text is valid UTF-8. */
static void map(hyl_str text, hyl_buf *out)
{
    while (text.len > 0) {
        const char *at = text.data;
        int32_t code = take_char(&text);
        if (IS_IN(code, mapped_to_space)) {
            hyl_buf_append_byte(out, ' ');
        } else if (!IS_IN(code, mapped_to_nothing)) {
            hyl_buf_append(out, at, (size_t)(text.data - at));
        }
    }
}

/* Section 2.2. *codes is heap memory of *count code points, NULL where there are none. */
static hyl_status normalise(const hyl_buf *text, int32_t **codes, size_t *count)
{
    const utf8proc_option_t nfkc =
        (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE);
    utf8proc_ssize_t len = (utf8proc_ssize_t)text->len;
    utf8proc_ssize_t room = utf8proc_decompose(text->data, len, NULL, 0, nfkc);
    *codes = NULL;
    *count = 0;
    if (room <= 0) {
        return HYL_OK;
    }
    *codes = hyl__calloc((size_t)room, sizeof **codes);
    if (*codes == NULL) {
        return HYL_ERR_NOMEM;
    }
    utf8proc_ssize_t used = utf8proc_decompose(text->data, len, *codes, room, nfkc);
    utf8proc_ssize_t composed = used > 0 ? utf8proc_normalize_utf32(*codes, used, nfkc) : 0;
    *count = composed > 0 ? (size_t)composed : 0;
    hyl__wipe(*codes + *count, ((size_t)room - *count) * sizeof **codes);
    return HYL_OK;
}

/* Sections 2.3 and 2.5. */
static bool is_allowed(hyl_str text)
{
    bool any = text.len > 0;
    while (text.len > 0) {
        int32_t code = take_char(&text);
        if (IS_IN(code, prohibited) || IS_IN(code, unassigned)) {
            return false;
        }
    }
    return any;
}

/* Section 2.4: who writes from the right writes nothing from the left, and begins and ends so. */
static bool is_one_direction(hyl_str text)
{
    bool any_left = false;
    bool any_right = false;
    bool begins_right = false;
    bool ends_right = false;
    for (bool first = true; text.len > 0; first = false) {
        int32_t code = take_char(&text);
        ends_right = IS_IN(code, right_to_left);
        begins_right = first ? ends_right : begins_right;
        any_right = any_right || ends_right;
        any_left = any_left || IS_IN(code, left_to_right);
    }
    return !any_right || (!any_left && begins_right && ends_right);
}

/*
 * Does the mapped text have a form? The RFC judges what is normalised; PostgreSQL, which keeps the
 * passwords, what is not yet (pg_saslprep): U+0340 leaves a password as it is, though it is
 * normalised to a character that may stand in one.
 */
static bool has_form(const hyl_buf *mapped)
{
    hyl_str text = {(const char *)mapped->data, mapped->len};
    return is_allowed(text) && is_one_direction(text);
}

static bool is_ascii(hyl_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((uint8_t)text.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static hyl_status append_prepared(hyl_str password, hyl_buf *out)
{
    int32_t *codes = NULL;
    size_t count = 0;
    hyl_buf mapped = HYL_BUF_INIT;
    /* No growth leaves a copy behind. */
    hyl_status status = hyl_buf_reserve(&mapped, password.len + 1);
    if (status == HYL_OK) {
        map(password, &mapped);
        status = normalise(&mapped, &codes, &count);
    }
    bool changes = status == HYL_OK && count > 0 && has_form(&mapped);
    if (status == HYL_OK) {
        status = hyl_buf_reserve(out, changes ? 4 * count : password.len);
    }
    if (status == HYL_OK && changes) {
        for (size_t i = 0; i < count; i++) {
            append_char(out, codes[i]);
        }
    } else if (status == HYL_OK) {
        hyl_buf_append(out, password.data, password.len);
    }
    if (codes != NULL) {
        hyl__wipe(codes, count * sizeof *codes);
    }
    hyl__free(codes);
    hyl__wipe(mapped.data, mapped.len);
    hyl_buf_reset(&mapped);
    return status == HYL_OK ? hyl_buf_status(out) : status;
}

hyl_status hyl__saslprep(hyl_str password, hyl_buf *out)
{
    if (is_ascii(password) || !hyl__utf8_valid(password.data, password.len)) {
        HYL_TRY(hyl_buf_reserve(out, password.len));
        hyl_buf_append(out, password.data, password.len);
        return hyl_buf_status(out);
    }
    return append_prepared(password, out);
}

hyl_status hyl__saslprep_mapped(hyl_str password, hyl_buf *out)
{
    HYL_TRY(hyl_buf_reserve(out, password.len));
    if (hyl__utf8_valid(password.data, password.len)) {
        map(password, out);
    } else {
        hyl_buf_append(out, password.data, password.len);
    }
    return hyl_buf_status(out);
}

bool hyl__saslprep_forms_differ(hyl_str password)
{
    hyl_buf prepared = HYL_BUF_INIT;
    hyl_buf mapped = HYL_BUF_INIT;
    bool differ = hyl__saslprep(password, &prepared) == HYL_OK &&
                  hyl__saslprep_mapped(password, &mapped) == HYL_OK &&
                  (prepared.len != mapped.len ||
                   (mapped.len > 0 && memcmp(prepared.data, mapped.data, mapped.len) != 0));
    hyl__wipe(prepared.data, prepared.len);
    hyl__wipe(mapped.data, mapped.len);
    hyl_buf_reset(&prepared);
    hyl_buf_reset(&mapped);
    return differ;
}
