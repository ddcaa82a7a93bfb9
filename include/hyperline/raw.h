/*
 * The raw connection: the protocol message by message, over any transport. It logs in, sends
 * requests, hands out messages and keeps in step with the server; what the messages mean is the
 * caller's business. Most programs want hyperline.h instead.
 *
 *     hyl_raw *raw = NULL;
 *     const hyl_pair params[] = {{"user", "tableau_internal_user"}};
 *     hyl_raw_messages *messages = NULL;
 *     if (hyl_raw_new(&transport, NULL, &raw, &err) < 0 ||
 *         hyl_raw_startup(raw, params, 1, NULL, &err) < 0 ||
 *         hyl_raw_simple_query(raw, HYL_STR("SELECT 1"), &messages, &err) < 0) ...
 *
 * Being in step. The server answers every request with exactly one ReadyForQuery. Once it is not
 * known any more how many are still to come, or where a message starts, the connection is
 * desynchronised, for good: after any failed read or write (a passed deadline is one), a malformed
 * frame, a drain that did not get to ReadyForQuery, a failed startup, an answer that has arrived
 * before a request was sent (NoticeResponse, ParameterStatus and NotificationResponse may come at
 * any time). Every function that sends
 * then fails with DESYNC before a byte is sent; terminate, the getters and free still work, and so
 * does reading, to see what is left. Never send Sync to get back in step: it only adds one more
 * ReadyForQuery for the next request to stumble over.
 *
 * It does not latch failed transactions: after an error inside a transaction a Sync (every extended
 * query ends in one) makes Hyper forget the failure, and a COMMIT then keeps what the failed
 * statement had done. Send ROLLBACK.
 *
 * Errors of every function that talks to the server, besides those that it lists:
 *   DESYNC    the connection is desynchronised: discard it
 *   CLOSED    the server ended the stream (its last words are the message, if it sent some while
 *             nothing was under way), or hyl_raw_terminate was called
 *   IO, TLS   a read or a write failed
 *   TIMEOUT   the deadline of the call passed
 *   PROTOCOL  the server sent what it must not send
 *   LIMIT     the server sends more, while we send, than is kept unread
 *   NOMEM
 * An error that leaves the connection desynchronised has the flag HYL_ERROR_CONNECTION_LOST.
 *
 * Blocks: every function that talks to the server, until it has what it waits for or until
 * `timeout_ms` after it was called. While a write waits, what arrives is taken in, so that two
 * sides that send at once do not wait for each other.
 *
 * Log events: connection-auth-method {method} debug, connection-auth-success info,
 * connection-closed warn, drain-read-error {error, messages_read} warn, drain-budget-exhausted
 * {max_messages} warn, error-field-dropped {field, reason} trace.
 */
#ifndef HYPERLINE_RAW_H
#define HYPERLINE_RAW_H

#include <hyperline/transport.h>
#include <hyperline/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hyl_raw hyl_raw;

/* How many messages are read after an ErrorResponse in search of ReadyForQuery. */
#define HYL_POST_ERROR_DRAIN_CAP 1024

/* The largest CopyData payload that Hyper takes: beyond it the connection goes silent for ever. */
#define HYL_MAX_COPY_DATA UINT64_C(157286400)

/* Opens a second transport to the same server, for a cancel. Must not use the raw connection. */
typedef hyl_status (*hyl_raw_open_fn)(void *ctx, hyl_transport *out, hyl_error *err);

/* Zero in a limit or a drain bound means the default. */
typedef struct hyl_raw_opts {
    size_t struct_size;
    int64_t timeout_ms;       /* how long one call may take; negative: no deadline (the default) */
    uint32_t max_message;     /* the largest message body to admit: HYL_MAX_MESSAGE */
    uint64_t max_result;      /* bytes of one list of messages or one copy_out: 1 GiB */
    uint64_t max_copy_data;   /* bytes of one CopyData that is sent: HYL_MAX_COPY_DATA */
    uint64_t max_unread;      /* bytes taken in while a write waits: 256 MiB, then LIMIT */
    int64_t drain_timeout_ms; /* of hyl_raw_abandon: 5000 */
    uint64_t drain_limit;     /* of hyl_raw_abandon, in bytes: 64 MiB */
    hyl_raw_open_fn open_second; /* how hyl_raw_abandon cancels; NULL: it only drains */
    void *open_ctx;
    /* As the config's keys of these names; the strings need to live during hyl_raw_new only.
     * require_auth NULL: any. channel_binding NULL: prefer on TLS, and disable elsewhere. */
    const char *require_auth;
    const char *channel_binding;
} hyl_raw_opts;

#define HYL_RAW_OPTS_INIT                                                  \
    {                                                                      \
        sizeof(hyl_raw_opts), -1, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL \
    }

/* ---- The connection ---------------------------------------------------------------------------
 */

/*
 * Makes a connection over a transport, with a read window and a write buffer of 64 kB; nothing is
 * sent. `opts` may be NULL. On success the connection owns the transport and *transport is none.
 * Errors: ARG (no transport, an option that cannot be), NOMEM; the transport then stays the
 * caller's.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_new(hyl_transport *transport, const hyl_raw_opts *opts,
                                             hyl_raw **out, hyl_error *err);
/* Closes the transport and frees. Sends nothing (hyl_raw_terminate does). */
HYL_API void hyl_raw_free(hyl_raw *raw);

/*
 * The transport, which stays the connection's.
 * Lifetime: the connection's.
 */
HYL_API hyl_transport *hyl_raw_stream(hyl_raw *raw);

/* Changes `timeout_ms` for the calls to come. */
HYL_API void hyl_raw_set_timeout(hyl_raw *raw, int64_t timeout_ms);

/*
 * Logs in: StartupMessage with `params` ("user" must be among them, "database" and "options" may
 * be), authentication (trust, cleartext, MD5, SCRAM-SHA-256, and -PLUS on TLS), to ReadyForQuery.
 * `password` may be NULL. A password goes as it is where the server demands it so, whatever the
 * transport: require_auth rules that out. Keeps BackendKeyData and the parameters. NoticeResponse and NotificationResponse are passed
 * over. A connection on which it failed is desynchronised.
 * Errors: AUTH (a password is demanded and none is given: names the method; no SASL mechanism that
 * is known: lists what is offered; SASL messages out of order; the server accepts without proof, or
 * its signature is wrong), SERVER (drained), PROTOCOL (any other message), STATE (a second
 * startup), ARG, UNSUPPORTED (SCRAM or MD5 in a build without OpenSSL; the message names the build
 * option).
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_startup(hyl_raw *raw, const hyl_pair *params, size_t count,
                                                 const char *password, hyl_error *err);

/* False for good once the connection is desynchronised, closed or terminated. */
HYL_API bool hyl_raw_is_healthy(const hyl_raw *raw);

/*
 * The session's number and secret, for a cancel; 0 is a valid number, hyl_raw_has_key says whether
 * the server has sent them.
 */
HYL_API bool hyl_raw_has_key(const hyl_raw *raw);
HYL_API int32_t hyl_raw_process_id(const hyl_raw *raw);
HYL_API int32_t hyl_raw_secret_key(const hyl_raw *raw);

/*
 * The last value that the server reported for a parameter, NULL for none.
 * Lifetime: until the next call that reads.
 */
HYL_API const char *hyl_raw_parameter_status(const hyl_raw *raw, const char *name);

/*
 * All fields of the last ErrorResponse that became an error, NULL where there is none. Texts that
 * the server left out are empty.
 * Lifetime: until the next request.
 */
HYL_API const hyl_msg_diag *hyl_raw_diag(const hyl_raw *raw);

/*
 * Sends Terminate. The stream stays open until hyl_raw_free; every other request gives CLOSED from
 * then on. Works on a desynchronised connection too; where the stream stands inside a message that
 * was cut short, nothing is sent.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_terminate(hyl_raw *raw, hyl_error *err);

/* ---- Sending ----------------------------------------------------------------------------------
 */

/*
 * The messages that wait to be sent, for the encoders of wire.h.
 * Lifetime: the connection's.
 */
HYL_API hyl_buf *hyl_raw_write_buffer(hyl_raw *raw);
/*
 * Makes room for `extra` more bytes in it.
 * Errors: NOMEM, which leaves the connection as it was.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_reserve_write_buffer(hyl_raw *raw, size_t extra,
                                                              hyl_error *err);
/*
 * Sends what waits in the write buffer. Errors: NOMEM also where an append to it had failed:
 * nothing is sent, and the buffer is the caller's to clear.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_flush(hyl_raw *raw, hyl_error *err);

/*
 * Sends a Query; the caller reads the answer.
 * Errors: ARG (a NUL in `sql`: nothing was sent, the write buffer is as it was).
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_start_simple_query(hyl_raw *raw, hyl_str sql,
                                                            hyl_error *err);
/*
 * Sends Parse, Bind (result format 2, HyperBinary), Describe of the portal, Execute of all rows and
 * Sync; the caller reads the answer.
 * Errors: as hyl_raw_start_simple_query.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_start_query_binary(hyl_raw *raw, hyl_str sql,
                                                            hyl_error *err);
/*
 * Sends Bind, Execute of all rows and Sync for the prepared statement `name`; the caller reads the
 * answer. Parameters are in format 1 (big-endian). Each of `column_count` result columns comes in
 * format 2; 0 means text results, another number than the statement has is the server's error
 * 42601.
 * Errors: ARG (over 65,535 parameters or columns, a message that is too long; nothing was sent).
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_start_execute_prepared(hyl_raw *raw, const char *name,
                                                                const hyl_param_bytes *params,
                                                                size_t param_count,
                                                                size_t column_count,
                                                                hyl_error *err);

/* ---- Reading ----------------------------------------------------------------------------------
 */

/*
 * Reads the next message, whichever it is: ErrorResponse too (see hyl_raw_consume_error). Lifetime
 * of its views: until the next call on the connection.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_read_message(hyl_raw *raw, hyl_msg *out, hyl_error *err);

/*
 * Reads to ReadyForQuery and drops everything. True when it came. Otherwise the read failed and the
 * connection is desynchronised. Without a deadline it may wait for ever: hyl_raw_abandon does not.
 */
HYL_API bool hyl_raw_drain_until_ready(hyl_raw *raw);
/*
 * The same within `max_messages`, ReadyForQuery being one of them. A budget that is used up marks
 * the connection as desynchronised; a budget of 0 reads nothing, marks and returns false.
 */
HYL_API bool hyl_raw_drain_until_ready_bounded(hyl_raw *raw, size_t max_messages);

/*
 * Turns an ErrorResponse that was read into an error and drains what follows it, bounded by
 * HYL_POST_ERROR_DRAIN_CAP: afterwards the connection is in step, or marked. Missing fields become
 * severity ERROR, SQLSTATE 00000, message "unknown error"; hyl_raw_diag has the rest.
 * Errors: SERVER, always; ARG (the message is no ErrorResponse; nothing was read).
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_consume_error(hyl_raw *raw, const hyl_msg *error,
                                                       hyl_error *err);

/*
 * Gives up the request under way: fails a COPY that waits for our data, and asks the server over a
 * second connection (`open_second`) to stop anything else; then drains within `drain_timeout_ms`
 * and `drain_limit`. Where nothing is under way it does nothing. Of several requests in flight it
 * ends the first.
 * Errors: DESYNC (ReadyForQuery did not come within the bounds, or the cancel may still hit a later
 * request; marked).
 * Blocks: at most `drain_timeout_ms`, and what `open_second` takes.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_abandon(hyl_raw *raw, hyl_error *err);

/* ---- Whole queries ----------------------------------------------------------------------------
 */

/* All messages of an answer, ReadyForQuery the last. */
typedef struct hyl_raw_messages hyl_raw_messages;

HYL_API size_t hyl_raw_messages_count(const hyl_raw_messages *messages);
/* False where there is no such index. Lifetime of the message's views: the list's. */
HYL_API bool hyl_raw_messages_get(const hyl_raw_messages *messages, size_t index, hyl_msg *out);
HYL_API void hyl_raw_messages_free(hyl_raw_messages *messages);

/*
 * Sends a Query and collects the answer. What is read next must be that answer: all calls that
 * read a whole answer, those of COPY too, refuse to begin before earlier ones were read.
 * Errors: BUSY (the ReadyForQuery of an earlier request was not read, or a COPY is open; nothing
 * was sent), SERVER (drained), LIMIT (the answer is larger than `max_result`: it was abandoned),
 * PROTOCOL (the statement is a COPY FROM STDIN: it was failed, and the connection is in step), ARG.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_simple_query(hyl_raw *raw, hyl_str sql,
                                                      hyl_raw_messages **out, hyl_error *err);
/* The same by the extended protocol with results in format 2, as hyl_raw_start_query_binary. */
HYL_API HYL_NODISCARD hyl_status hyl_raw_query_binary(hyl_raw *raw, hyl_str sql,
                                                      hyl_raw_messages **out, hyl_error *err);

/* ---- COPY into the server ---------------------------------------------------------------------
 */

/*
 * Starts COPY table (columns) FROM STDIN WITH (FORMAT HYPERBINARY) and returns when the server
 * waits for data. `table` goes into the statement as it is, quoted by the caller where that is
 * needed; column names are quoted here; no columns, no list.
 * Errors: BUSY, SERVER (drained), PROTOCOL (the statement is no COPY FROM STDIN; the connection is in
 * step where the statement could be ended), ARG.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_start_copy_in(hyl_raw *raw, const char *table,
                                                       const char *const *columns,
                                                       size_t column_count, hyl_error *err);
/* The same in another format: "CSV", "ARROWSTREAM"; it goes into the statement as it is. */
HYL_API HYL_NODISCARD hyl_status hyl_raw_start_copy_in_with_format(hyl_raw *raw, const char *table,
                                                                   const char *const *columns,
                                                                   size_t column_count,
                                                                   const char *format,
                                                                   hyl_error *err);
/* The same by a statement of the caller's own. */
HYL_API HYL_NODISCARD hyl_status hyl_raw_start_copy_in_raw(hyl_raw *raw, hyl_str sql,
                                                           hyl_error *err);

/*
 * Puts one CopyData message into the write buffer.
 * Errors: STATE (no request is under way, so that the server would drop the data), LIMIT (more than
 * `max_copy_data`), PROTOCOL (more than 2^32 - 5 bytes: no message can hold them), NOMEM; the write
 * buffer is then as it was and the connection in step.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_send_copy_data(hyl_raw *raw, hyl_bytes data,
                                                        hyl_error *err);
/*
 * Sends what waits in the write buffer and then one CopyData message, whose payload is not copied.
 * Errors: STATE, LIMIT and PROTOCOL as above, checked before anything is sent.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_send_copy_data_direct(hyl_raw *raw, hyl_bytes data,
                                                               hyl_error *err);
/*
 * Makes sure that what was sent directly has left the transport's own buffers; the write buffer
 * stays. The transports of this library keep nothing back.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_flush_stream(hyl_raw *raw, hyl_error *err);

/*
 * Ends the data: CopyDone, then to ReadyForQuery. *rows (may be NULL) gets the count of the tag
 * "COPY n", 0 for another tag.
 * Errors: SERVER (drained; the data may have failed long before), STATE (no request is under way:
 * nothing was sent).
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_finish_copy(hyl_raw *raw, uint64_t *rows, hyl_error *err);
/*
 * Gives the data up: CopyFail with `reason`, then to ReadyForQuery. The ErrorResponse that this
 * provokes is no error. A server that overlooks CopyFail (a fresh one that reads its first CSV)
 * gets Flush until it looks again.
 * Errors: STATE, as above; or the server had completed the COPY before, as it does at the end marker
 * of an Arrow stream (drained; the rows stay).
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_cancel_copy(hyl_raw *raw, const char *reason,
                                                     hyl_error *err);

/* ---- COPY out of the server -------------------------------------------------------------------
 */

/*
 * Runs COPY ... TO STDOUT and appends all of its data to `out`.
 * Errors: BUSY, SERVER (drained), LIMIT (more than `max_result`: abandoned), PROTOCOL (the statement is
 * no COPY TO STDOUT; the connection is in step), ARG, NOMEM; `out` is then as it was.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_copy_out(hyl_raw *raw, hyl_str sql, hyl_buf *out,
                                                  hyl_error *err);

/*
 * Takes a piece of the data; pieces need not end where rows end. A status below zero ends the copy.
 * Must not use the connection.
 */
typedef hyl_status (*hyl_raw_writer_fn)(void *ctx, hyl_bytes data, hyl_error *err);

/*
 * Runs COPY ... TO STDOUT and gives its data to `writer`, piece by piece. *written (may be NULL)
 * gets the number of bytes.
 * Errors: the writer's (the rest is abandoned: the connection is in step or marked), and those of
 * hyl_raw_copy_out but LIMIT.
 */
HYL_API HYL_NODISCARD hyl_status hyl_raw_copy_out_to_writer(hyl_raw *raw, hyl_str sql,
                                                            hyl_raw_writer_fn writer, void *ctx,
                                                            uint64_t *written, hyl_error *err);

#ifdef __cplusplus
}
#endif

#endif
