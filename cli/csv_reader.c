#include "csv_reader.h"

#include "csv_scan.h"
#include "fail.h"
#include "file_kind.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes read at a time; small enough to stay in the second-level cache on their way through. */
enum { WINDOW = 256 * 1024 };
/* How much of the start is looked at to recognise UTF-16. */
enum { ENCODING_PROBE = 1024 };

#define NO_OFFSET SIZE_MAX

/* The bytes that matter from a place in the window on: what is left of one block's bits. */
typedef struct cursor {
    size_t block;
    uint64_t bits;
} cursor;

struct csv_reader {
    const char *name;
    csv_read_fn read;
    void *ctx;
    csv_needles needles;
    bool has_quote;

    /* The window: buf[0..end), of which buf[at..] is still to be read. Behind it lie CSV_BLOCK
     * zeroes, so that a block may be scanned across the end. All places are offsets into it. */
    uint8_t *buf;
    size_t cap;
    size_t fill; /* how far the window is to be filled */
    size_t end;
    size_t at;
    cursor cursor; /* of `at` */
    bool started;
    bool eof;
    uint64_t line;

    bool holding;
    size_t mark;
    uint64_t mark_line;

    csv_field *fields;
    size_t field_count;
    size_t field_cap;
    hyl_buf unescaped; /* the row's fields that held doubled quotes */
};

hyl_status csv_reader_new(csv_dialect dialect, const char *name, csv_read_fn read, void *ctx,
                          csv_reader **out, hyl_error *err)
{
    csv_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return cli_fail_nomem(err);
    }
    reader->name = name;
    reader->read = read;
    reader->ctx = ctx;
    reader->has_quote = dialect.quote != '\0';
    reader->needles.delimiter = (uint8_t)dialect.delimiter;
    /* Without quotes the second needle finds what another one finds anyway. */
    reader->needles.quote = reader->has_quote ? (uint8_t)dialect.quote : (uint8_t)'\n';
    csv_reader_restart(reader);
    *out = reader;
    return HYL_OK;
}

void csv_reader_free(csv_reader *reader)
{
    if (reader != NULL) {
        hyl_buf_reset(&reader->unescaped);
        free(reader->fields);
        free(reader->buf);
        free(reader);
    }
}

void csv_reader_restart(csv_reader *reader)
{
    reader->fill = WINDOW;
    reader->end = 0;
    reader->at = 0;
    reader->started = false;
    reader->eof = false;
    reader->line = 1;
    reader->holding = false;
}

/* ---- The window ------------------------------------------------------------------------------ */

static void seek(csv_reader *reader, size_t at)
{
    reader->at = at;
    reader->cursor.block = at - at % CSV_BLOCK;
    reader->cursor.bits = 0;
    if (reader->cursor.block < reader->end) {
        uint64_t bits = csv_scan_block(reader->buf + reader->cursor.block, reader->needles);
        reader->cursor.bits = bits & (UINT64_MAX << at % CSV_BLOCK);
    }
}

static hyl_status ensure_cap(csv_reader *reader, hyl_error *err)
{
    if (reader->cap >= reader->fill) {
        return HYL_OK;
    }
    uint8_t *grown = realloc(reader->buf, reader->fill + CSV_BLOCK);
    if (grown == NULL) {
        return cli_fail_nomem(err);
    }
    reader->buf = grown;
    reader->cap = reader->fill;
    return HYL_OK;
}

/* Moves what is still needed to the window's start. */
static void slide(csv_reader *reader)
{
    size_t keep = reader->holding ? reader->mark : reader->at;
    if (keep > 0) {
        memmove(reader->buf, reader->buf + keep, reader->end - keep);
        reader->end -= keep;
        reader->at -= keep;
        reader->mark -= reader->holding ? keep : 0;
    }
}

/* Fills the window, which grows where a row (or what is held) has no room in it. */
static hyl_status refill(csv_reader *reader, hyl_error *err)
{
    slide(reader);
    if (reader->end >= reader->fill) {
        if (reader->end - reader->at >= CSV_MAX_ROW) {
            return cli_fail(err, HYL_ERR_LIMIT,
                            "%s: line %" PRIu64
                            ": the row is longer than %d MB; is a closing quote "
                            "missing?",
                            reader->name, reader->line, CSV_MAX_ROW >> 20);
        }
        reader->fill = 2 * reader->end;
    }
    HYL_TRY(ensure_cap(reader, err));
    while (reader->end < reader->fill && !reader->eof) {
        size_t got = 0;
        HYL_TRY(reader->read(reader->ctx, reader->buf + reader->end, reader->fill - reader->end,
                             &got, err));
        reader->end += got;
        reader->eof = got == 0;
    }
    memset(reader->buf + reader->end, 0, CSV_BLOCK);
    seek(reader, reader->at);
    return HYL_OK;
}

/* True where every other byte of the start is NUL, as in UTF-16 of Latin text. */
static bool looks_like_utf16(const uint8_t *bytes, size_t len)
{
    size_t zeroes[2] = {0, 0};
    size_t probe = len < ENCODING_PROBE ? len : ENCODING_PROBE;
    for (size_t i = 0; i < probe; i++) {
        zeroes[i % 2] += bytes[i] == 0;
    }
    size_t half = probe / 2;
    return half > 0 && (zeroes[0] > half * 3 / 4 || zeroes[1] > half * 3 / 4);
}

static hyl_status start(csv_reader *reader, hyl_error *err)
{
    HYL_TRY(refill(reader, err));
    const uint8_t *b = reader->buf;
    const char *other = file_kind_advice(b, reader->end);
    if (other != NULL) {
        return cli_fail(err, HYL_ERR_ARG, "%s: this is %s", reader->name, other);
    }
    bool utf16_mark =
        reader->end >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff));
    if (utf16_mark || looks_like_utf16(b, reader->end)) {
        return cli_fail(err, HYL_ERR_ARG,
                        "%s: line 1: the file is in UTF-16, not in UTF-8; convert it first: "
                        "iconv -f UTF-16 -t UTF-8",
                        reader->name);
    }
    if (reader->end >= 3 && memcmp(b, "\xef\xbb\xbf", 3) == 0) {
        seek(reader, 3);
        reader->mark = 3;
    }
    reader->started = true;
    return HYL_OK;
}

void csv_reader_hold(csv_reader *reader)
{
    reader->holding = true;
    reader->mark = reader->at;
    reader->mark_line = reader->line;
}

size_t csv_reader_held(const csv_reader *reader)
{
    return reader->holding ? reader->at - reader->mark : 0;
}

void csv_reader_release(csv_reader *reader)
{
    reader->holding = false;
    reader->fill = WINDOW;
}

void csv_reader_replay(csv_reader *reader)
{
    if (reader->holding) {
        csv_reader_release(reader);
        reader->line = reader->mark_line;
        seek(reader, reader->mark);
    }
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The place of the next byte that matters, NO_OFFSET where the window has none. */
static inline size_t next_special(const csv_reader *reader, cursor *cur)
{
    while (cur->bits == 0) {
        if (cur->block + CSV_BLOCK >= reader->end) {
            return NO_OFFSET;
        }
        cur->block += CSV_BLOCK;
        cur->bits = csv_scan_block(reader->buf + cur->block, reader->needles);
    }
    size_t at = cur->block + (size_t)__builtin_ctzll(cur->bits);
    cur->bits &= cur->bits - 1;
    return at;
}

static bool grow_fields(csv_reader *reader)
{
    size_t cap = reader->field_cap == 0 ? 64 : 2 * reader->field_cap;
    csv_field *grown = realloc(reader->fields, cap * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    reader->fields = grown;
    reader->field_cap = cap;
    return true;
}

static inline csv_field *add_field(csv_reader *reader, size_t from, size_t to)
{
    if (reader->field_count == reader->field_cap && !grow_fields(reader)) {
        return NULL;
    }
    csv_field *field = &reader->fields[reader->field_count++];
    field->data = (const char *)reader->buf + from;
    field->len = (uint32_t)(to - from);
    field->quoted = false;
    field->escaped = false;
    return field;
}

static uint64_t count_newlines(const char *text, size_t len)
{
    uint64_t count = 0;
    const char *end = text + len;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        count++;
    }
    return count;
}

/* The line of a place within the row that is being read. */
static uint64_t line_at(const csv_reader *reader, size_t at)
{
    return reader->line + count_newlines((const char *)reader->buf + reader->at, at - reader->at);
}

/* Halves the doubled quotes of one field into `unescaped`, where room has been made. */
static void unescape(csv_reader *reader, csv_field *field)
{
    uint8_t *to = reader->unescaped.data + reader->unescaped.len;
    const char *from = field->data;
    const char *end = from + field->len;
    size_t len = 0;
    while (from < end) {
        const char *quote = memchr(from, reader->needles.quote, (size_t)(end - from));
        size_t part = quote == NULL ? (size_t)(end - from) : (size_t)(quote - from) + 1;
        memcpy(to + len, from, part);
        len += part;
        from += part + (quote != NULL);
    }
    reader->unescaped.len += len;
    field->data = (const char *)to;
    field->len = (uint32_t)len;
}

static hyl_status unescape_row(csv_reader *reader, size_t raw_len, hyl_error *err)
{
    hyl_buf_clear(&reader->unescaped);
    if (hyl_buf_reserve(&reader->unescaped, raw_len) < 0) {
        return cli_fail_nomem(err);
    }
    for (size_t i = 0; i < reader->field_count; i++) {
        if (reader->fields[i].escaped) {
            unescape(reader, &reader->fields[i]);
        }
    }
    return HYL_OK;
}

/* Where a row stands while it is read. */
typedef struct row_state {
    cursor cur;
    size_t field_at; /* where the field starts */
    bool quoted;     /* a field of the row is quoted */
    bool escaped;    /* a field of the row holds doubled quotes */
} row_state;

/* Ends the row whose text ends at `to`; the next one starts at `next`. */
static hyl_status finish_row(csv_reader *reader, const row_state *state, size_t to, size_t next,
                             csv_row *row, hyl_error *err)
{
    row->raw_len = to - reader->at;
    row->line = reader->line;
    row->quoted = state->quoted;
    if (state->escaped) {
        HYL_TRY(unescape_row(reader, row->raw_len, err));
    }
    reader->line += 1;
    if (state->quoted) {
        reader->line += count_newlines((const char *)reader->buf + reader->at, row->raw_len);
    }
    row->fields = reader->fields;
    row->count = reader->field_count;
    reader->at = next;
    reader->cursor = state->cur;
    return HYL_OK;
}

static hyl_status lone_cr(const csv_reader *reader, size_t at, hyl_error *err)
{
    bool any_lf = memchr(reader->buf, '\n', reader->end) != NULL;
    if (reader->line == 1 && !any_lf) {
        return cli_fail(err, HYL_ERR_ARG,
                        "%s: line 1: the file's lines end with a carriage return (CR) alone; "
                        "convert it first: tr '\\r' '\\n'",
                        reader->name);
    }
    return cli_fail(err, HYL_ERR_ARG,
                    "%s: line %" PRIu64 ", column %zu: a carriage return (CR) that no line feed "
                    "follows; text with line breaks has to be quoted",
                    reader->name, line_at(reader, at), reader->field_count);
}

/* Finds the closing quote of the field that opens at state->field_at. AGAIN: not in the window. */
static hyl_status find_closing_quote(csv_reader *reader, row_state *state, size_t *close,
                                     bool *escaped, hyl_error *err)
{
    *escaped = false;
    for (;;) {
        size_t at = next_special(reader, &state->cur);
        if (at == NO_OFFSET) {
            if (!reader->eof) {
                return HYL_AGAIN;
            }
            return cli_fail(err, HYL_ERR_ARG,
                            "%s: line %" PRIu64 ", column %zu: the quote that opens here is not "
                            "closed by the end of the file",
                            reader->name, line_at(reader, state->field_at),
                            reader->field_count + 1);
        }
        if (reader->buf[at] != reader->needles.quote) {
            continue;
        }
        if (at + 1 == reader->end && !reader->eof) {
            return HYL_AGAIN;
        }
        if (at + 1 < reader->end && reader->buf[at + 1] == reader->needles.quote) {
            *escaped = true;
            (void)next_special(reader, &state->cur);
            continue;
        }
        *close = at;
        return HYL_OK;
    }
}

/* Reads a quoted field and what ends it: its place into *terminator, NO_OFFSET at the file's end.
 */
static hyl_status quoted_field(csv_reader *reader, row_state *state, size_t *terminator,
                               hyl_error *err)
{
    size_t close = 0;
    bool escaped = false;
    hyl_status status = find_closing_quote(reader, state, &close, &escaped, err);
    if (status != HYL_OK) {
        return status;
    }
    csv_field *field = add_field(reader, state->field_at + 1, close);
    if (field == NULL) {
        return cli_fail_nomem(err);
    }
    field->quoted = true;
    field->escaped = escaped;
    state->quoted = true;
    state->escaped |= escaped;

    *terminator = NO_OFFSET;
    if (close + 1 == reader->end) {
        return HYL_OK;
    }
    uint8_t next = reader->buf[close + 1];
    if (next != reader->needles.delimiter && next != '\n' && next != '\r') {
        return cli_fail(err, HYL_ERR_ARG,
                        "%s: line %" PRIu64 ", column %zu: text behind the closing quote; a quote "
                        "inside quotes has to be doubled",
                        reader->name, line_at(reader, close), reader->field_count);
    }
    *terminator = next_special(reader, &state->cur);
    return HYL_OK;
}

/* What the window's end means to the row: more to read, its last field, or that there is none. */
static hyl_status window_end(csv_reader *reader, const row_state *state, bool field_open,
                             csv_row *row, hyl_error *err)
{
    if (!reader->eof) {
        return HYL_AGAIN;
    }
    if (reader->at == reader->end) {
        return HYL_DONE;
    }
    if (field_open && add_field(reader, state->field_at, reader->end) == NULL) {
        return cli_fail_nomem(err);
    }
    return finish_row(reader, state, reader->end, reader->end, row, err);
}

/* A CR ends the row where a LF or the file's end follows. */
static hyl_status end_with_cr(csv_reader *reader, row_state *state, size_t at, csv_row *row,
                              hyl_error *err)
{
    if (at + 1 == reader->end) {
        return reader->eof ? finish_row(reader, state, at, reader->end, row, err) : HYL_AGAIN;
    }
    if (reader->buf[at + 1] != '\n') {
        return lone_cr(reader, at, err);
    }
    (void)next_special(reader, &state->cur);
    return finish_row(reader, state, at, at + 2, row, err);
}

/* One row out of the window. AGAIN: its end is not there yet; nothing has been taken. */
static hyl_status parse_row(csv_reader *reader, csv_row *row, hyl_error *err)
{
    row_state state = {.cur = reader->cursor, .field_at = reader->at};
    reader->field_count = 0;
    for (;;) {
        size_t at = next_special(reader, &state.cur);
        if (at == NO_OFFSET) {
            return window_end(reader, &state, true, row, err);
        }
        uint8_t byte = reader->buf[at];
        if (reader->has_quote && byte == reader->needles.quote) {
            if (at != state.field_at) {
                continue;
            }
            hyl_status status = quoted_field(reader, &state, &at, err);
            if (status != HYL_OK) {
                return status;
            }
            if (at == NO_OFFSET) {
                return window_end(reader, &state, false, row, err);
            }
            byte = reader->buf[at];
        } else if (add_field(reader, state.field_at, at) == NULL) {
            return cli_fail_nomem(err);
        }
        if (byte == '\n') {
            return finish_row(reader, &state, at, at + 1, row, err);
        }
        if (byte == '\r') {
            return end_with_cr(reader, &state, at, row, err);
        }
        state.field_at = at + 1;
    }
}

hyl_status csv_reader_next(csv_reader *reader, csv_row *row, hyl_error *err)
{
    if (!reader->started) {
        HYL_TRY(start(reader, err));
    }
    for (;;) {
        hyl_status status = parse_row(reader, row, err);
        if (status != HYL_AGAIN) {
            return status;
        }
        HYL_TRY(refill(reader, err));
    }
}

uint64_t csv_row_field_line(const csv_row *row, size_t index)
{
    uint64_t line = row->line;
    for (size_t i = 0; row->quoted && i < index && i < row->count; i++) {
        line += count_newlines(row->fields[i].data, row->fields[i].len);
    }
    return line;
}
