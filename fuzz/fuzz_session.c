/*
 * The protocol engine. Input: how the stream is cut, what is asked for after the login (a number and
 * as many letters of the table below), and the stream that the server sends. However it is cut, the
 * events are the same, and so is what is sent.
 */
#include "fuzz.h"

#include "net/crypto.h"
#include "wire/session.h"

/* Frames so small that each grows, and a limit that bounds what a finding may cost. */
enum { WINDOW = 16, MAX_BODY = 1 << 20 };

typedef struct run {
    hyl__session session;
    hyl_bytes requests;
    uint64_t seen;
    uint8_t *landing; /* what COPY_BODY's bytes go into */
    hyl_status end;
} run;

/* ---- What is asked for --------------------------------------------------------------------- */

static hyl_status ask(run *now, uint8_t request)
{
    static const int16_t formats[] = {2, 0};
    hyl__session *session = &now->session;
    switch (request) {
    case 'd':
        return hyl__session_describe(session, HYL_STR("select 1"), NULL);
    case 'x':
        return hyl__session_execute(session, formats, 2, HYL__STATEMENT_OTHER, NULL);
    case 'c':
        return hyl__session_query(session, HYL_STR("commit"), HYL__STATEMENT_COMMIT, NULL);
    case 'r':
        return hyl__session_query(session, HYL_STR("rollback"), HYL__STATEMENT_ROLLBACK, NULL);
    case 'b': {
        hyl_status status =
            hyl__session_query(session, HYL_STR("copy"), HYL__STATEMENT_OTHER, NULL);
        hyl__session_want_bodies(session);
        return status;
    }
    default:
        return hyl__session_query(session, HYL_STR("select 1"), HYL__STATEMENT_OTHER, NULL);
    }
}

/* In COPY IN: some data, and an end of either kind. */
static void answer_copy_in(run *now)
{
    static const uint8_t bytes[] = "0123456789";
    uint8_t request = fuzz_byte(&now->requests);
    hyl_bytes data = {bytes, request % sizeof bytes};
    FUZZ_CHECK(hyl__session_copy_data(&now->session, data, NULL) == HYL_OK);
    FUZZ_CHECK(hyl__frame_send_keep(&now->session.frame) == HYL_OK);
    hyl_status status = request % 2 == 0 ? hyl__session_copy_done(&now->session, NULL)
                                         : hyl__session_copy_fail(&now->session, "given up", NULL);
    FUZZ_CHECK(status == HYL_OK);
}

static void take_sent(run *now)
{
    hyl_iovec iov[HYL__FRAME_MAX_IOVEC];
    int count = 0;
    while ((count = hyl__frame_send_window(&now->session.frame, iov)) > 0) {
        size_t sent = 0;
        for (int i = 0; i < count; i++) {
            fuzz_hash(&now->seen, iov[i].data, iov[i].len);
            sent += iov[i].len;
        }
        hyl__frame_send_commit(&now->session.frame, sent);
    }
}

/* ---- What comes ---------------------------------------------------------------------------- */

static void land_body(run *now, const hyl__event *event)
{
    free(now->landing);
    now->landing = malloc(event->body_len);
    FUZZ_CHECK(now->landing != NULL && event->body_len <= MAX_BODY);
    hyl__session_body_into(&now->session, now->landing);
    if (event->body_len % 2 == 1) {
        FUZZ_CHECK(hyl__frame_body_back(&now->session.frame) == HYL_OK);
    }
}

static void take_event(run *now, const hyl__event *event)
{
    if (event->type == HYL__EVENT_COPY_BODY) {
        land_body(now, event);
        return;
    }
    fuzz_hash_number(&now->seen, event->type);
    if (event->type == HYL__EVENT_DATA_ROW || event->type == HYL__EVENT_COPY_DATA) {
        fuzz_hash(&now->seen, event->body.data, event->body.len);
    } else if (event->type == HYL__EVENT_COPY_IN) {
        answer_copy_in(now);
    } else if (event->type == HYL__EVENT_READY) {
        FUZZ_CHECK(hyl__session_idle(&now->session));
        fuzz_hash_number(&now->seen, now->session.tx_failed);
        if (now->requests.len > 0) {
            fuzz_hash_number(&now->seen, (uint64_t)ask(now, fuzz_byte(&now->requests)));
        }
    }
    take_sent(now);
}

static void take_events(run *now)
{
    hyl__event event;
    while ((now->end = hyl__session_next(&now->session, &event, NULL)) == HYL_OK) {
        take_event(now, &event);
    }
    if (now->end < 0) {
        FUZZ_CHECK(now->session.phase == HYL__PHASE_BROKEN);
        FUZZ_CHECK(hyl__session_next(&now->session, &event, NULL) < 0);
    }
}

static size_t receive(hyl__frame *frame, hyl_bytes bytes)
{
    uint8_t *at = NULL;
    size_t cap = 0;
    FUZZ_CHECK(hyl__frame_recv_window(frame, &at, &cap) == HYL_OK && cap > 0);
    size_t piece = bytes.len < cap ? bytes.len : cap;
    memcpy(at, bytes.data, piece);
    hyl__frame_recv_commit(frame, piece);
    return piece;
}

/* ---- One input ----------------------------------------------------------------------------- */

static void run_start(run *now, hyl_bytes requests)
{
    static const hyl_pair user = {"user", "ann"};
    *now = (run){.requests = requests, .seen = FUZZ_HASH_INIT, .end = HYL_AGAIN};
    FUZZ_CHECK(hyl__session_init(&now->session, WINDOW, MAX_BODY) == HYL_OK);
    FUZZ_CHECK(hyl__session_startup(&now->session, hyl__crypto_openssl(), &user, 1, "ann", NULL,
                                    NULL) == HYL_OK);
    take_sent(now);
}

static void run_stream(run *now, hyl_bytes stream, uint8_t plan)
{
    fuzz_cuts cuts = fuzz_cuts_of(plan);
    while (stream.len > 0 && now->end >= 0) {
        hyl_bytes piece = {stream.data, fuzz_next_cut(&cuts, stream.len)};
        stream.data += piece.len;
        stream.len -= piece.len;
        while (piece.len > 0 && now->end >= 0) {
            size_t taken = receive(&now->session.frame, piece);
            piece.data += taken;
            piece.len -= taken;
            take_events(now);
        }
    }
    fuzz_hash_number(&now->seen, now->session.phase);
    fuzz_hash_number(&now->seen, (uint64_t)now->end);
}

static uint64_t run_once(hyl_bytes requests, hyl_bytes stream, uint8_t plan)
{
    run now;
    run_start(&now, requests);
    run_stream(&now, stream, plan);
    free(now.landing);
    hyl__session_reset(&now.session);
    return now.seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hyl_bytes stream = {data, size};
    uint8_t plan = fuzz_byte(&stream);
    hyl_bytes requests = {NULL, fuzz_byte(&stream) % 16U};
    requests.data = stream.data;
    requests.len = requests.len < stream.len ? requests.len : stream.len;
    stream.data += requests.len;
    stream.len -= requests.len;
    uint64_t whole = run_once(requests, stream, 0);
    FUZZ_CHECK(run_once(requests, stream, plan) == whole);
    return 0;
}
