#include "support/trace.h"

#include "support/hex.h"
#include "support/test.h"

#include "base/endian.h"

#include <hyperline/wire.h>

#include <time.h>

enum { CLIENT, SERVER }; /* of trace_link.unfinished */

static hyl_bytes bytes_of(const hyl_buf *buf)
{
    return (hyl_bytes){buf->data, buf->len};
}

static trace_entry *add_entry(trace *to, trace_side side, int connection)
{
    trace_entry *grown = realloc(to->entries, (to->count + 1) * sizeof *grown);
    assert_non_null(grown);
    to->entries = grown;
    grown[to->count] = (trace_entry){side, connection, HYL_BUF_INIT, 0};
    return &grown[to->count++];
}

static trace_link *link_of(trace *of, int connection)
{
    assert_in_range(connection, 1, TRACE_CONNECTIONS);
    return &of->links[connection - 1];
}

static void trace_init(trace *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < TRACE_CONNECTIONS; i++) {
        out->links[i].trace = out;
        out->links[i].connection = i + 1;
    }
}

void trace_free(trace *of)
{
    for (size_t i = 0; i < of->count; i++) {
        hyl_buf_reset(&of->entries[i].bytes);
    }
    for (int i = 0; i < TRACE_CONNECTIONS; i++) {
        hyl_buf_reset(&of->links[i].unfinished[CLIENT]);
        hyl_buf_reset(&of->links[i].unfinished[SERVER]);
    }
    free(of->entries);
}

/* ---- Recording ------------------------------------------------------------------------------- */

void trace_record(trace *out, const hyl_endpoint *endpoint, const char *title)
{
    trace_init(out);
    out->recording = true;
    out->endpoint = *endpoint;
    snprintf(out->title, sizeof out->title, "%s", title);
}

/* What differs each time is written over. */
static void redact(trace_side side, bool first, hyl_buf *message)
{
    static const char session[] = "session_identifier";
    if (side == TRACE_CLIENT) {
        if (first && message->len == 16) { /* CancelRequest: its key */
            memset(message->data + 8, 1, 8);
        }
    } else if (message->data[0] == HYL_MSG_BACKEND_KEY_DATA) {
        memset(message->data + HYL_MESSAGE_HEADER_SIZE, 1, 8);
    } else if (message->data[0] == HYL_MSG_PARAMETER_STATUS &&
               strcmp((char *)message->data + HYL_MESSAGE_HEADER_SIZE, session) == 0) {
        char *value = (char *)message->data + HYL_MESSAGE_HEADER_SIZE + sizeof session;
        memset(value, 'x', strlen(value));
    }
}

/* Moves whole messages of what was seen into entries. */
static void note_messages(trace_link *link, trace_side side)
{
    hyl_buf *seen = &link->unfinished[side == TRACE_CLIENT ? CLIENT : SERVER];
    for (;;) {
        bool first = side == TRACE_CLIENT && !link->begun;
        size_t header = first ? 4 : HYL_MESSAGE_HEADER_SIZE;
        if (seen->len < header) {
            return;
        }
        size_t len = hyl__load_be32(seen->data + header - 4) + header - 4;
        if (seen->len < len) {
            return;
        }
        trace_entry *entry = add_entry(link->trace, side, link->connection);
        hyl_buf_append(&entry->bytes, seen->data, len);
        redact(side, first, &entry->bytes);
        memmove(seen->data, seen->data + len, seen->len - len);
        seen->len -= len;
        link->begun |= side == TRACE_CLIENT;
    }
}

static hyl_status record_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *err)
{
    trace_link *link = self;
    hyl_status status = link->live.ops->read(link->live.self, dst, cap, got, err);
    if (status == HYL_OK) {
        hyl_buf_append(&link->unfinished[SERVER], dst, *got);
        note_messages(link, TRACE_SERVER);
    } else if (status == HYL_DONE) {
        (void)add_entry(link->trace, TRACE_END, link->connection);
    }
    return status;
}

static hyl_status record_writev(void *self, const hyl_iovec *iov, int count, size_t *put,
                                hyl_error *err)
{
    trace_link *link = self;
    hyl_status status = link->live.ops->writev(link->live.self, iov, count, put, err);
    size_t left = status == HYL_OK ? *put : 0;
    for (int i = 0; i < count && left > 0; i++) {
        size_t piece = iov[i].len < left ? iov[i].len : left;
        hyl_buf_append(&link->unfinished[CLIENT], iov[i].data, piece);
        left -= piece;
    }
    note_messages(link, TRACE_CLIENT);
    return status;
}

static hyl_status record_wait(void *self, unsigned wants, int64_t deadline_ms, unsigned *ready,
                              hyl_error *err)
{
    trace_link *link = self;
    return link->live.ops->wait(link->live.self, wants, deadline_ms, ready, err);
}

static bool record_pending(void *self)
{
    trace_link *link = self;
    return link->live.ops->pending(link->live.self);
}

static int no_descriptor(void *self)
{
    (void)self;
    return -1;
}

static void record_close(void *self)
{
    trace_link *link = self;
    hyl_transport_close(&link->live);
}

static const hyl_transport_ops record_ops = {
    .read = record_read,
    .writev = record_writev,
    .wait = record_wait,
    .pending = record_pending,
    .fd = no_descriptor,
    .close = record_close,
};

/* ---- Playing --------------------------------------------------------------------------------- */

/* The next entry of a connection that is not played, of the client or else of the server. */
static trace_entry *next_entry(const trace_link *link, bool client)
{
    trace *of = link->trace;
    for (size_t i = 0; i < of->count; i++) {
        trace_entry *entry = &of->entries[i];
        bool is_over = entry->side == TRACE_END ? entry->done > 0 : entry->done == entry->bytes.len;
        if (entry->connection == link->connection && !is_over && entry->side != TRACE_SEEN &&
            (entry->side == TRACE_CLIENT) == client) {
            return entry;
        }
    }
    return NULL;
}

/* What the server says next, if all is sent that it was said after. */
static trace_entry *readable(const trace_link *link)
{
    trace_entry *next = next_entry(link, false);
    for (const trace_entry *entry = link->trace->entries; next != NULL && entry < next; entry++) {
        if (entry->side == TRACE_CLIENT && entry->done < entry->bytes.len) {
            return NULL;
        }
    }
    return next;
}

static size_t next_cut(const trace *of, size_t cap)
{
    size_t cut = of->cuts != NULL ? 1 + (size_t)random_any_size(of->cuts) % 300 : of->cut;
    return cut != 0 && cut < cap ? cut : cap;
}

static hyl_status play_read(void *self, void *dst, size_t cap, size_t *got, hyl_error *err)
{
    trace_link *link = self;
    (void)err;
    cap = next_cut(link->trace, cap);
    *got = 0;
    for (trace_entry *now; *got < cap && (now = readable(link)) != NULL;) {
        if (now->side == TRACE_END) {
            now->done = *got == 0;
            return *got == 0 ? HYL_DONE : HYL_OK;
        }
        size_t left = now->bytes.len - now->done;
        size_t piece = left < cap - *got ? left : cap - *got;
        memcpy((uint8_t *)dst + *got, now->bytes.data + now->done, piece);
        now->done += piece;
        *got += piece;
    }
    return *got > 0 ? HYL_OK : HYL_AGAIN;
}

static void play_bytes(trace_link *link, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        trace_entry *now = next_entry(link, true);
        if (now == NULL) {
            fail_msg("%s: the client sends more than was recorded", link->trace->title);
            return;
        }
        size_t left = now->bytes.len - now->done;
        size_t piece = left < len ? left : len;
        assert_memory_equal(bytes, now->bytes.data + now->done, piece);
        now->done += piece;
        bytes += piece;
        len -= piece;
    }
}

static hyl_status play_writev(void *self, const hyl_iovec *iov, int count, size_t *put,
                              hyl_error *err)
{
    (void)err;
    *put = 0;
    for (int i = 0; i < count; i++) {
        play_bytes(self, iov[i].data, iov[i].len);
        *put += iov[i].len;
    }
    return HYL_OK;
}

static bool play_pending(void *self)
{
    return readable(self) != NULL;
}

static hyl_status play_wait(void *self, unsigned wants, int64_t deadline_ms, unsigned *ready,
                            hyl_error *err)
{
    (void)deadline_ms;
    (void)err;
    *ready = wants & (HYL_WANT_WRITE | (play_pending(self) ? HYL_WANT_READ : 0U));
    if (*ready == 0) {
        fail_msg("the client waits for what the server did not say");
    }
    return HYL_OK;
}

static void play_close(void *self)
{
    (void)self;
}

static const hyl_transport_ops play_ops = {
    .read = play_read,
    .writev = play_writev,
    .wait = play_wait,
    .pending = play_pending,
    .fd = no_descriptor,
    .close = play_close,
};

/* ---- Both ------------------------------------------------------------------------------------ */

hyl_transport trace_transport(trace *of, int connection)
{
    hyl_error err = HYL_ERROR_INIT;
    trace_link *link = link_of(of, connection);
    if (of->recording) {
        assert_ok(hyl_transport_open(&of->endpoint, INT64_MAX, &link->live, &err), &err);
    }
    return (hyl_transport){of->recording ? &record_ops : &play_ops, link};
}

void trace_saw(trace *of, const char *format, ...)
{
    char line[2000];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_in_range(len, 0, sizeof line - 1);
    if (of->recording) {
        hyl_buf_append(&add_entry(of, TRACE_SEEN, 0)->bytes, line, (size_t)len);
        return;
    }
    for (size_t i = 0; i < of->count; i++) {
        trace_entry *entry = &of->entries[i];
        if (entry->side == TRACE_SEEN && entry->done == 0) {
            char wanted[sizeof line];
            snprintf(wanted, sizeof wanted, "%.*s", (int)entry->bytes.len,
                     (const char *)entry->bytes.data);
            assert_string_equal(line, wanted);
            entry->done = entry->bytes.len;
            return;
        }
    }
    fail_msg("%s: seen, and not recorded: %s", of->title, line);
}

void trace_let_run(const trace *of)
{
    if (of->recording) {
        nanosleep(&(struct timespec){0, 500000000}, NULL);
    }
}

void trace_assert_over(const trace *of)
{
    for (size_t i = 0; i < of->count; i++) {
        const trace_entry *entry = &of->entries[i];
        if (entry->done < (entry->side == TRACE_END ? 1 : entry->bytes.len)) {
            fail_msg("%s: entry %zu was not played to its end", of->title, i + 1);
        }
    }
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void put_hex(hyl_buf *out, hyl_bytes bytes)
{
    enum { A_LINE = 46 };
    for (size_t i = 0; i < bytes.len; i++) {
        hyl_buf_printf(out, "%s%02x", i % A_LINE == 0 ? "\n    " : "", bytes.data[i]);
    }
    hyl_buf_append_byte(out, '\n');
}

static hyl_buf trace_text(const trace *of)
{
    hyl_buf out = HYL_BUF_INIT;
    bool begun[TRACE_CONNECTIONS + 1] = {false};
    hyl_buf_printf(&out, "# %s\n", of->title);
    for (size_t i = 0; i < of->count; i++) {
        const trace_entry *entry = &of->entries[i];
        if (entry->side == TRACE_SEEN) {
            hyl_buf_printf(&out, "= %.*s\n", (int)entry->bytes.len,
                           (const char *)entry->bytes.data);
        } else if (entry->side == TRACE_END) {
            hyl_buf_printf(&out, "B%d end of stream\n", entry->connection);
        } else {
            bool first = entry->side == TRACE_CLIENT && !begun[entry->connection];
            begun[entry->connection] |= first;
            hyl_buf_printf(&out, "%c%d ", entry->side, entry->connection);
            trace_message_text(entry->side, first, bytes_of(&entry->bytes), &out);
            put_hex(&out, bytes_of(&entry->bytes));
        }
    }
    assert_int_equal(hyl_buf_status(&out), HYL_OK);
    return out;
}

void trace_save(const trace *of, const char *path)
{
    hyl_buf text = trace_text(of);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    hyl_buf_reset(&text);
}

static void load_line(trace *out, char *line)
{
    if (strncmp(line, "# ", 2) == 0) {
        snprintf(out->title, sizeof out->title, "%s", line + 2);
    } else if (strncmp(line, "    ", 4) == 0 && out->count > 0) {
        hex_append(&out->entries[out->count - 1].bytes, line);
    } else if (strncmp(line, "= ", 2) == 0) {
        hyl_buf_append_str(&add_entry(out, TRACE_SEEN, 0)->bytes, line + 2);
    } else {
        bool is_end = strcmp(line + 2, " end of stream") == 0;
        (void)add_entry(out, is_end ? TRACE_END : (trace_side)line[0], line[1] - '0');
    }
}

void trace_load(trace *out, const char *path)
{
    hyl_buf file_text = HYL_BUF_INIT;
    char *line = NULL;
    size_t cap = 0;
    FILE *file = fopen(path, "r");
    trace_init(out);
    assert_non_null(file);
    for (ssize_t len; (len = getline(&line, &cap, file)) > 0;) {
        hyl_buf_append(&file_text, line, (size_t)len);
        line[strcspn(line, "\n")] = '\0';
        load_line(out, line);
    }
    fclose(file);
    free(line);
    hyl_buf text = trace_text(out);
    hyl_buf_append_byte(&text, 0);
    hyl_buf_append_byte(&file_text, 0);
    assert_string_equal((char *)text.data, (char *)file_text.data);
    hyl_buf_reset(&text);
    hyl_buf_reset(&file_text);
}
