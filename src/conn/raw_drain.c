/* How the raw connection gets back in step: after an error, and where an answer is not wanted. */
#include "raw.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cancel_request.h"
#include "wire/diag.h"

#include <stdio.h>

enum { FIRST_NUDGE_MS = 50 };

static void log_read_error(const hyl_error *why, size_t messages_read)
{
    char count[24];
    snprintf(count, sizeof count, "%zu", messages_read);
    const hyl_log_field fields[] = {{"error", why->message}, {"messages_read", count}};
    hyl__log(HYL_LOG_WARN, "drain-read-error", fields, 2);
}

static void log_budget_exhausted(const char *which, uint64_t budget)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)budget);
    const hyl_log_field fields[] = {{which, text}};
    hyl__log(HYL_LOG_WARN, "drain-budget-exhausted", fields, 1);
}

/* Reads a message that nobody wants. A COPY FROM STDIN that starts only now is failed: the server
 * would wait for data for ever. */
static hyl_status skip_message(hyl_raw *raw, hyl_msg *message, hyl_error *err)
{
    HYL_TRY(hyl__raw_next(raw, message, err));
    if (message->type == HYL_MSG_COPY_IN_RESPONSE) {
        return hyl__raw_end_copy_in(raw, "not wanted any more", err);
    }
    return HYL_OK;
}

/* Drops messages up to ReadyForQuery: at most `max_messages`, at most `max_bytes` received. */
static bool drain(hyl_raw *raw, size_t max_messages, uint64_t max_bytes)
{
    uint64_t start = raw->received;
    for (size_t i = 0; i < max_messages; i++) {
        hyl_msg message;
        hyl_error why = HYL_ERROR_INIT;
        if (skip_message(raw, &message, &why) != HYL_OK) {
            log_read_error(&why, i);
            return false;
        }
        if (message.type == HYL_MSG_READY_FOR_QUERY) {
            return true;
        }
        if (raw->received - start > max_bytes) {
            log_budget_exhausted("max_bytes", max_bytes);
            raw->desynchronised = true;
            return false;
        }
    }
    log_budget_exhausted("max_messages", max_messages);
    raw->desynchronised = true;
    return false;
}

bool hyl_raw_drain_until_ready(hyl_raw *raw)
{
    return hyl_raw_drain_until_ready_bounded(raw, SIZE_MAX);
}

bool hyl_raw_drain_until_ready_bounded(hyl_raw *raw, size_t max_messages)
{
    raw->deadline = hyl__deadline_in(raw->opts.timeout_ms);
    return drain(raw, max_messages, UINT64_MAX);
}

hyl_status hyl__raw_consume_error(hyl_raw *raw, const hyl_msg_diag *diag, hyl_error *err)
{
    /* Both before the drain, which overwrites what `diag` views. Without memory for the copy the
     * error itself is still told. */
    raw->has_diag = hyl__diag_copy(diag, &raw->diag_text, &raw->diag) == HYL_OK;
    hyl_status status = hyl__fail_server(err, diag);
    if (!drain(raw, HYL_POST_ERROR_DRAIN_CAP, UINT64_MAX)) {
        hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
    }
    return status;
}

hyl_status hyl_raw_consume_error(hyl_raw *raw, const hyl_msg *error, hyl_error *err)
{
    if (error->type != HYL_MSG_ERROR_RESPONSE) {
        return hyl__fail(err, HYL_ERR_ARG, "%s is no ErrorResponse",
                         hyl_msg_name((uint8_t)error->type));
    }
    raw->deadline = hyl__deadline_in(raw->opts.timeout_ms);
    return hyl__raw_consume_error(raw, &error->as.diag, err);
}

hyl_status hyl__raw_end_copy_in(hyl_raw *raw, const char *reason, hyl_error *err)
{
    hyl_buf *out = &raw->frame.out;
    size_t start = out->len;
    hyl_status status =
        reason != NULL ? hyl_enc_copy_fail(out, reason, err) : hyl_enc_copy_done(out, err);
    /* The server swallowed the Sync that came before the data. */
    if (status == HYL_OK && raw->extended) {
        status = hyl_enc_sync(out, err);
    }
    if (status != HYL_OK) {
        out->len = start;
        return status;
    }
    raw->copy_in = false;
    raw->nudge_ms = reason != NULL ? FIRST_NUDGE_MS : 0;
    return hyl__raw_flush(raw, err);
}

/* ---- Giving up ---- */

bool hyl__raw_cancel(hyl_raw *raw)
{
    hyl_transport second = {NULL, NULL};
    if (raw->opts.open_second == NULL || !raw->has_key ||
        raw->opts.open_second(raw->opts.open_ctx, &second, NULL) < 0) {
        return true;
    }
    hyl_status status =
        hyl__cancel_request(&second, raw->process_id, raw->secret_key, raw->deadline, NULL);
    hyl_transport_close(&second);
    return status == HYL_OK;
}

/* Asks the server to stop. False where that leaves the connection unfit for a later request. */
static bool ask_to_stop(hyl_raw *raw)
{
    if (raw->copy_in) {
        return hyl__raw_end_copy_in(raw, "abandoned by the client", NULL) == HYL_OK;
    }
    raw->cancelled = true;
    raw->nudge_ms = FIRST_NUDGE_MS;
    return hyl__raw_cancel(raw);
}

/* Ends what is under way; true where the connection is in step afterwards. */
static bool abandon(hyl_raw *raw)
{
    raw->deadline = hyl__deadline_in(raw->opts.drain_timeout_ms);
    bool stopped = ask_to_stop(raw);
    bool drained = !raw->desynchronised && drain(raw, SIZE_MAX, raw->opts.drain_limit);
    raw->cancelled = false;
    if (!stopped || !drained) {
        raw->desynchronised = true;
    }
    return stopped && drained;
}

hyl_status hyl_raw_abandon(hyl_raw *raw, hyl_error *err)
{
    HYL_TRY(hyl__raw_enter(raw, err));
    if (hyl__raw_is_free(raw) || abandon(raw)) {
        return HYL_OK;
    }
    return hyl__raw_mark(
        raw,
        hyl__fail(err, HYL_ERR_DESYNC,
                  "the request could not be ended within %lld ms and %llu bytes: discard the "
                  "connection",
                  (long long)raw->opts.drain_timeout_ms, (unsigned long long)raw->opts.drain_limit),
        err);
}

hyl_status hyl__raw_give_up(hyl_raw *raw, hyl_status status, hyl_error *err)
{
    if (!raw->desynchronised && !raw->idle && !abandon(raw)) {
        hyl__error_flag(err, status, HYL_ERROR_CONNECTION_LOST);
    }
    return status;
}

/* ---- Answers ---- */

/* The statement turned out to be COPY FROM STDIN where that was not expected. */
static hyl_status refuse_copy_in(hyl_raw *raw, hyl_error *err)
{
    hyl_status status =
        hyl__fail(err, HYL_ERR_PROTOCOL,
                  "the statement is a COPY FROM STDIN, and there is no data for it here");
    return hyl__raw_give_up(raw, status, err);
}

/* No request has such an answer: it is one ReadyForQuery too many, and the answer is still to come. */
static hyl_status fail_empty_answer(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_PROTOCOL,
                     "the server sent ReadyForQuery where an answer was due");
}

hyl_status hyl__raw_next_answer(hyl_raw *raw, bool wants_copy_in, hyl_msg *out, hyl_error *err)
{
    HYL_TRY(hyl__raw_next(raw, out, err));
    if (out->type == HYL_MSG_READY_FOR_QUERY && raw->empty_answer) {
        return hyl__raw_mark(raw, fail_empty_answer(err), err);
    }
    if (out->type == HYL_MSG_ERROR_RESPONSE) {
        return hyl__raw_consume_error(raw, &out->as.diag, err);
    }
    if (out->type == HYL_MSG_COPY_IN_RESPONSE && !wants_copy_in) {
        return refuse_copy_in(raw, err);
    }
    return HYL_OK;
}
