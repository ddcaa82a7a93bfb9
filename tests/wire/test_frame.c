#include "support/test.h"

#include "support/alloc.h"
#include "support/random.h"
#include "wire/exchanges.h"

#include "wire/frame.h"

static hyl_error err;

/* ---- Receiving ---- */

/* Gives the frame `len` bytes, as often as it has room for. */
static void feed(hyl__frame *frame, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        uint8_t *at = NULL;
        size_t cap = 0;
        assert_int_equal(hyl__frame_recv_window(frame, &at, &cap), HYL_OK);
        assert_true(cap > 0);
        size_t piece = len < cap ? len : cap;
        memcpy(at, bytes, piece);
        hyl__frame_recv_commit(frame, piece);
        bytes += piece;
        len -= piece;
    }
}

/* Appends all whole messages, as type, length and body, to `seen`. */
static void take_all(hyl__frame *frame, hyl_buf *seen)
{
    for (;;) {
        hyl__frame_message message;
        hyl_status status = hyl__frame_next(frame, &message, &err);
        if (status == HYL_AGAIN) {
            return;
        }
        assert_ok(status, &err);
        hyl_msg parsed;
        assert_ok(hyl_msg_parse(message.type, message.body, &parsed, &err), &err);
        hyl_buf_printf(seen, "%c %zu ", message.type, message.body.len);
        hyl_buf_append(seen, message.body.data, message.body.len);
    }
}

/* The messages of a stream that is fed up to each of these positions in turn. */
static hyl_buf messages_of(const hyl_buf *stream, const size_t *cuts, size_t cut_count)
{
    hyl__frame frame;
    hyl_buf seen = HYL_BUF_INIT;
    size_t at = 0;
    /* A small window, so that it has to grow and to move its bytes. */
    assert_int_equal(hyl__frame_init(&frame, 16, 0), HYL_OK);
    for (size_t i = 0; i <= cut_count; i++) {
        size_t end = i < cut_count ? cuts[i] : stream->len;
        feed(&frame, stream->data + at, end - at);
        take_all(&frame, &seen);
        at = end;
    }
    assert_false(hyl__frame_has_input(&frame));
    hyl__frame_reset(&frame);
    return seen;
}

static void assert_same(const hyl_buf *a, const hyl_buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static void assert_random_split_is_same(const hyl_buf *stream, const hyl_buf *whole,
                                        random_source *source)
{
    size_t cuts[8];
    size_t count = 1 + random_below(source, 8);
    for (size_t i = 0; i < count; i++) {
        cuts[i] = random_below(source, stream->len + 1);
    }
    qsort(cuts, count, sizeof cuts[0], compare_sizes);
    hyl_buf split = messages_of(stream, cuts, count);
    assert_same(&split, whole);
    hyl_buf_reset(&split);
}

static void streams_mean_the_same_however_they_are_split(void **state)
{
    (void)state;
    random_source source = random_start("splits", 20250103);
    for (size_t i = 0; i < EXCHANGE_COUNT; i++) {
        hyl_buf stream = HYL_BUF_INIT;
        hex_append(&stream, exchanges[i].received);
        hyl_buf whole = messages_of(&stream, NULL, 0);

        size_t *every = calloc(stream.len, sizeof *every);
        assert_non_null(every);
        for (size_t j = 0; j < stream.len; j++) {
            every[j] = j;
        }
        hyl_buf bytewise = messages_of(&stream, every, stream.len);
        assert_same(&bytewise, &whole);
        for (int round = 0; round < 200; round++) {
            assert_random_split_is_same(&stream, &whole, &source);
        }
        free(every);
        hyl_buf_reset(&bytewise);
        hyl_buf_reset(&whole);
        hyl_buf_reset(&stream);
    }
}

static hyl_status next_of(const char *hex, uint32_t max_body)
{
    hyl__frame frame;
    hyl__frame_message message;
    hyl_buf stream = HYL_BUF_INIT;
    hex_append(&stream, hex);
    assert_int_equal(hyl__frame_init(&frame, 0, max_body), HYL_OK);
    feed(&frame, stream.data, stream.len);
    hyl_status status = hyl__frame_next(&frame, &message, &err);
    hyl__frame_reset(&frame);
    hyl_buf_reset(&stream);
    return status;
}

static void frames_that_lie_are_refused(void **state)
{
    (void)state;
    assert_int_equal(next_of("5a00000003", 0), HYL_ERR_PROTOCOL);
    assert_int_equal(next_of("5affffffff", 0), HYL_ERR_PROTOCOL);
    assert_int_equal(next_of("6440000005", 0), HYL_ERR_PROTOCOL);
    assert_int_equal(next_of("6440000004", 0), HYL_AGAIN);
    assert_int_equal(next_of("640000000f", 10), HYL_ERR_PROTOCOL);
    assert_int_equal(next_of("640000000e", 10), HYL_AGAIN);
    assert_int_equal(next_of("7a00000004", 0), HYL_ERR_PROTOCOL);
    assert_int_equal(next_of("", 0), HYL_AGAIN);
}

static void a_hot_message_is_taken_only_whole_and_sound(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool taken;
    } cases[] = {
        {"44 00000006 0000", true},
        {"44 00000006 00", false},
        {"44 000000", false},
        {"", false},
        {"43 00000006 0000", false},
        {"44 00000003 0000", false},
        {"44 0000000f 00000000 00000000 000000", false} /* over the limit */,
        {"44 ffffffff 0000", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl__frame frame;
        hyl_bytes body = {NULL, 0};
        hyl_buf stream = HYL_BUF_INIT;
        hex_append(&stream, cases[i].hex);
        assert_int_equal(hyl__frame_init(&frame, 0, 10), HYL_OK);
        feed(&frame, stream.data, stream.len);
        assert_int_equal(hyl__frame_take(&frame, 'D', &body), cases[i].taken);
        assert_int_equal(body.len, cases[i].taken ? 2 : 0);
        assert_int_equal(hyl__frame_has_input(&frame), !cases[i].taken && stream.len > 0);
        hyl__frame_reset(&frame);
        hyl_buf_reset(&stream);
    }
}

/* A gigabyte is announced, a megabyte comes: memory follows what came. */
static void storage_grows_with_what_was_received(void **state)
{
    (void)state;
    enum { RECEIVED = 1 << 20 };
    static const uint8_t zeros[4096];
    hyl__frame frame;
    hyl__frame_message message;
    alloc_start(ALLOC_NEVER);
    assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
    feed(&frame, (const uint8_t *)"d\x40\0\0\4", 5);
    assert_int_equal(hyl__frame_next(&frame, &message, &err), HYL_AGAIN);
    assert_true(alloc_peak() <= HYL__FRAME_WINDOW);
    for (size_t received = 0; received < RECEIVED; received += sizeof zeros) {
        feed(&frame, zeros, sizeof zeros);
        assert_int_equal(hyl__frame_next(&frame, &message, &err), HYL_AGAIN);
    }
    assert_true(alloc_peak() <= (size_t)4 * RECEIVED);
    hyl__frame_reset(&frame);
    alloc_stop();
}

/* Feeds a CopyData message of this length and takes it. */
static void pass_message(hyl__frame *frame, uint32_t body_len)
{
    static const uint8_t zeros[4096];
    uint8_t head[5] = {'d'};
    hyl__frame_message message;
    hyl__store_be32(head + 1, body_len + 4);
    feed(frame, head, sizeof head);
    for (uint32_t left = body_len; left > 0;) {
        uint32_t piece = left < sizeof zeros ? left : (uint32_t)sizeof zeros;
        feed(frame, zeros, piece);
        left -= piece;
    }
    assert_ok(hyl__frame_next(frame, &message, &err), &err);
    assert_int_equal(message.body.len, body_len);
}

static void a_window_that_grew_large_shrinks_again(void **state)
{
    (void)state;
    hyl__frame frame;
    assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
    pass_message(&frame, 8 << 20);
    assert_true(frame.cap > 8 << 20);
    pass_message(&frame, 1);
    assert_int_equal(frame.cap, HYL__FRAME_WINDOW);
    hyl__frame_reset(&frame);
}

static void a_window_of_middling_size_is_kept(void **state)
{
    (void)state;
    hyl__frame frame;
    assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
    pass_message(&frame, 250000);
    size_t cap = frame.cap;
    pass_message(&frame, 250000);
    assert_int_equal(frame.cap, cap);
    hyl__frame_reset(&frame);
}

static void without_memory_the_window_stays(void **state)
{
    (void)state;
    hyl__frame frame;
    uint8_t *at = NULL;
    size_t cap = 0;
    alloc_start(1);
    assert_int_equal(hyl__frame_init(&frame, 16, 0), HYL_ERR_NOMEM);
    alloc_stop();
    alloc_start(2);
    assert_int_equal(hyl__frame_init(&frame, 16, 0), HYL_OK);
    feed(&frame, (const uint8_t *)"d\0\0\1\0abcdefghijk", 16);
    assert_int_equal(hyl__frame_recv_window(&frame, &at, &cap), HYL_ERR_NOMEM);
    assert_int_equal(frame.len, 16);
    assert_int_equal(hyl__frame_recv_window(&frame, &at, &cap), HYL_OK);
    assert_memory_equal(frame.window, "d\0\0\1\0abcdefghijk", 16);
    hyl__frame_reset(&frame);
    alloc_stop();
}

/* ---- Bodies that go where their owner says ---- */

enum { BODY = HYL__FRAME_LARGE_BODY + 1000 };

/* A large CopyData of a known body, between two small messages. */
static hyl_buf large_stream(void)
{
    hyl_buf stream = HYL_BUF_INIT;
    uint8_t head[5] = {'d'};
    hex_append(&stream, "5a 00000005 49");
    hyl__store_be32(head + 1, BODY + 4);
    hyl_buf_append(&stream, head, sizeof head);
    for (size_t i = 0; i < BODY; i++) {
        hyl_buf_append_byte(&stream, (uint8_t)(i * 7));
    }
    hex_append(&stream, "43 00000009 434f505900");
    assert_int_equal(hyl_buf_status(&stream), HYL_OK);
    return stream;
}

static void assert_body(const uint8_t *body)
{
    for (size_t i = 0; i < BODY; i++) {
        assert_int_equal(body[i], (uint8_t)(i * 7));
    }
}

/* What a frame did with large_stream: the messages' types, and whether the body went `into`. */
typedef struct passage {
    char types[8];
    size_t count;
    bool into;
} passage;

/* Takes what is whole; the first time that a large body has begun it goes to `at`, if that is set. */
static void pass_on(hyl__frame *frame, uint8_t *at, passage *seen)
{
    hyl__frame_message message;
    hyl_msg_head head;
    while (hyl__frame_next(frame, &message, &err) == HYL_OK) {
        if (message.type == 'd') {
            assert_int_equal(message.body.len, BODY);
            assert_int_equal(message.body.data == at, seen->into);
            assert_body(message.body.data);
        }
        seen->types[seen->count++] = (char)message.type;
    }
    if (at != NULL && !seen->into && hyl__frame_body_head(frame, &head)) {
        assert_int_equal(head.type, 'd');
        assert_int_equal(head.body_len, BODY);
        hyl__frame_body_into(frame, at);
        assert_false(hyl__frame_body_head(frame, &head));
        seen->into = true;
    }
}

/* Room for a body that ends where memory ends, so that a byte too many is noticed. */
static uint8_t *body_room(void)
{
    uint8_t *room = malloc(BODY);
    assert_non_null(room);
    return room;
}

static void a_large_body_lands_where_its_owner_says(void **state)
{
    (void)state;
    hyl_buf stream = large_stream();
    for (size_t piece = 1; piece < stream.len; piece += piece < 40 ? 1 : 997) {
        hyl__frame frame;
        passage seen = {"", 0, false};
        uint8_t *room = body_room();
        assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
        for (size_t at = 0; at < stream.len;) {
            /* As the loop does: what was received is looked at before more is. */
            uint8_t *to = NULL;
            size_t cap = 0;
            assert_int_equal(hyl__frame_recv_window(&frame, &to, &cap), HYL_OK);
            assert_int_equal(hyl__frame_expected(&frame), frame.body != NULL ? cap : 0);
            assert_true(hyl__frame_expected(&frame) <= stream.len - at);
            size_t len = stream.len - at < piece ? stream.len - at : piece;
            len = len < cap ? len : cap;
            memcpy(to, stream.data + at, len);
            hyl__frame_recv_commit(&frame, len);
            at += len;
            pass_on(&frame, room, &seen);
        }
        assert_string_equal(seen.types, "ZdC");
        assert_true(seen.into || piece > BODY);
        hyl__frame_reset(&frame);
        free(room);
    }
    hyl_buf_reset(&stream);
}

/* The owner thinks better of it at each byte of the body: nothing is lost. */
static void a_body_may_come_back_at_every_byte(void **state)
{
    (void)state;
    hyl_buf stream = large_stream();
    for (size_t have = 0; have < BODY; have += have < 10 || have > BODY - 10 ? 1 : 61) {
        hyl__frame frame;
        passage seen = {"", 0, false};
        uint8_t *room = body_room();
        size_t head_end = 6 + 5;
        assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
        feed(&frame, stream.data, head_end);
        pass_on(&frame, room, &seen);
        assert_true(seen.into);
        if (have > 0) {
            feed(&frame, stream.data + head_end, have);
        }
        assert_int_equal(hyl__frame_expected(&frame), BODY - have);
        assert_int_equal(hyl__frame_body_back(&frame), HYL_OK);
        assert_int_equal(hyl__frame_body_back(&frame), HYL_OK);
        assert_int_equal(hyl__frame_expected(&frame), 0);
        free(room);
        seen.into = false;
        feed(&frame, stream.data + head_end + have, stream.len - head_end - have);
        pass_on(&frame, NULL, &seen);
        assert_string_equal(seen.types, "ZdC");
        assert_false(hyl__frame_has_input(&frame));
        hyl__frame_reset(&frame);
    }
    hyl_buf_reset(&stream);
}

static void only_large_bodies_under_way_are_offered(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint32_t body_len;
        bool offered;
    } cases[] = {
        {"64 00008004", HYL__FRAME_LARGE_BODY, true},
        {"64 00008003", HYL__FRAME_LARGE_BODY - 1, false},
        {"64 02000004", HYL__FRAME_MAX_INTO, true},
        {"64 02000005", HYL__FRAME_MAX_INTO + 1, false},
        {"64 000080", 0, false},
        {"", 0, false},
        {"64 ffffffff", 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl__frame frame;
        hyl_msg_head head;
        hyl_buf stream = HYL_BUF_INIT;
        hex_append(&stream, cases[i].hex);
        assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
        feed(&frame, stream.data, stream.len);
        assert_int_equal(hyl__frame_body_head(&frame, &head), cases[i].offered);
        if (cases[i].offered) {
            assert_int_equal(head.body_len, cases[i].body_len);
        }
        hyl__frame_reset(&frame);
        hyl_buf_reset(&stream);
    }
}

/* Right after a large body the next is likely large: its header is received alone. */
static void after_a_large_body_the_next_header_comes_alone(void **state)
{
    (void)state;
    hyl_buf stream = large_stream();
    hyl__frame frame;
    passage seen = {"", 0, false};
    uint8_t *room = body_room();
    uint8_t *at = NULL;
    size_t cap = 0;
    assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
    feed(&frame, stream.data, 20);
    pass_on(&frame, room, &seen);
    feed(&frame, stream.data + 20, BODY - (20 - 11));
    pass_on(&frame, room, &seen);
    assert_string_equal(seen.types, "Zd");
    assert_int_equal(hyl__frame_recv_window(&frame, &at, &cap), HYL_OK);
    assert_int_equal(cap, HYL_MESSAGE_HEADER_SIZE);
    feed(&frame, stream.data + stream.len - 10, 5);
    assert_int_equal(hyl__frame_recv_window(&frame, &at, &cap), HYL_OK);
    assert_true(cap > 5);
    feed(&frame, stream.data + stream.len - 5, 5);
    pass_on(&frame, NULL, &seen);
    /* A small one came: messages are received in bulk again. */
    assert_int_equal(hyl__frame_recv_window(&frame, &at, &cap), HYL_OK);
    assert_int_equal(cap, HYL__FRAME_WINDOW);
    hyl__frame_reset(&frame);
    free(room);
    hyl_buf_reset(&stream);
}

static void without_memory_a_body_stays_with_its_owner(void **state)
{
    (void)state;
    hyl_buf stream = large_stream();
    uint8_t *room = body_room();
    hyl__frame frame;
    passage seen = {"", 0, false};
    alloc_start(ALLOC_NEVER);
    assert_int_equal(hyl__frame_init(&frame, 16, 0), HYL_OK);
    feed(&frame, stream.data, 11);
    pass_on(&frame, room, &seen);
    feed(&frame, stream.data + 11, 1000);
    alloc_arm(1);
    assert_int_equal(hyl__frame_body_back(&frame), HYL_ERR_NOMEM);
    feed(&frame, stream.data + 1011, stream.len - 1011 - 10);
    pass_on(&frame, room, &seen);
    assert_string_equal(seen.types, "Zd");
    hyl__frame_reset(&frame);
    alloc_stop();
    free(room);
    hyl_buf_reset(&stream);
}

/* ---- Sending ---- */

/* All that is sent, in pieces of at most `piece` bytes. */
static hyl_buf send_all(hyl__frame *frame, size_t piece)
{
    hyl_buf sent = HYL_BUF_INIT;
    while (hyl__frame_unsent(frame) > 0) {
        hyl_iovec iov[HYL__FRAME_MAX_IOVEC];
        size_t left = piece;
        int count = hyl__frame_send_window(frame, iov);
        assert_in_range(count, 1, HYL__FRAME_MAX_IOVEC);
        for (int i = 0; i < count && left > 0; i++) {
            size_t part = iov[i].len < left ? iov[i].len : left;
            hyl_buf_append(&sent, iov[i].data, part);
            left -= part;
        }
        hyl__frame_send_commit(frame, piece - left);
    }
    return sent;
}

static void what_is_queued_goes_before_what_is_borrowed(void **state)
{
    (void)state;
    static const uint8_t payload[] = "payload";
    for (size_t piece = 1; piece <= 16; piece++) {
        hyl__frame frame;
        assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
        assert_ok(hyl_enc_sync(&frame.out, &err), &err);
        hyl__frame_send_borrow(&frame, (hyl_bytes){payload, 7});
        assert_int_equal(hyl__frame_unsent(&frame), 12);
        hyl_buf sent = send_all(&frame, piece);
        assert_int_equal(sent.len, 12);
        assert_memory_equal(sent.data, "S\0\0\0\4payload", 12);
        assert_int_equal(frame.out.len, 0);
        assert_int_equal(frame.out_pos, 0);
        hyl_buf_reset(&sent);
        hyl__frame_reset(&frame);
    }
}

static void borrowed_pieces_go_in_their_order(void **state)
{
    (void)state;
    enum { PIECES = 40 }; /* more than one window has */
    static const uint8_t text[] = "forty pieces of one or two bytes, or of none at all";
    hyl_bytes pieces[PIECES];
    size_t total = 0;
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = (hyl_bytes){text + total, i % 3};
        total += i % 3;
    }
    for (size_t step = 1; step <= total + 5; step++) {
        for (int keep = 0; keep < 2; keep++) {
            hyl__frame frame;
            hyl_buf sent = HYL_BUF_INIT;
            assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
            assert_ok(hyl_enc_sync(&frame.out, &err), &err);
            hyl__frame_send_borrow_pieces(&frame, pieces, PIECES);
            assert_int_equal(hyl__frame_unsent(&frame), 5 + total);
            if (keep == 1) {
                hyl_buf_append(&sent, "S\0\0\0\4", step < 5 ? step : 5);
                hyl_buf_append(&sent, text, step < 5 ? 0 : step - 5);
                hyl__frame_send_commit(&frame, step);
                assert_int_equal(hyl__frame_send_keep(&frame), HYL_OK);
            }
            hyl_buf rest = send_all(&frame, step);
            hyl_buf_append(&sent, rest.data, rest.len);
            assert_int_equal(sent.len, 5 + total);
            assert_memory_equal(sent.data, "S\0\0\0\4", 5);
            assert_memory_equal(sent.data + 5, text, total);
            hyl_buf_reset(&rest);
            hyl_buf_reset(&sent);
            hyl__frame_reset(&frame);
        }
    }
}

static void nothing_queued_is_nothing_to_send(void **state)
{
    (void)state;
    hyl__frame frame;
    hyl_iovec iov[HYL__FRAME_MAX_IOVEC];
    assert_int_equal(hyl__frame_init(&frame, 0, 0), HYL_OK);
    assert_int_equal(hyl__frame_send_window(&frame, iov), 0);
    assert_int_equal(hyl__frame_unsent(&frame), 0);
    hyl__frame_reset(&frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_mean_the_same_however_they_are_split),
        cmocka_unit_test(frames_that_lie_are_refused),
        cmocka_unit_test(a_hot_message_is_taken_only_whole_and_sound),
        cmocka_unit_test(storage_grows_with_what_was_received),
        cmocka_unit_test(a_window_that_grew_large_shrinks_again),
        cmocka_unit_test(a_window_of_middling_size_is_kept),
        cmocka_unit_test(without_memory_the_window_stays),
        cmocka_unit_test(a_large_body_lands_where_its_owner_says),
        cmocka_unit_test(a_body_may_come_back_at_every_byte),
        cmocka_unit_test(only_large_bodies_under_way_are_offered),
        cmocka_unit_test(after_a_large_body_the_next_header_comes_alone),
        cmocka_unit_test(without_memory_a_body_stays_with_its_owner),
        cmocka_unit_test(what_is_queued_goes_before_what_is_borrowed),
        cmocka_unit_test(borrowed_pieces_go_in_their_order),
        cmocka_unit_test(nothing_queued_is_nothing_to_send),
    };
    return cmocka_run_group_tests_name("wire/frame", tests, NULL, NULL);
}
