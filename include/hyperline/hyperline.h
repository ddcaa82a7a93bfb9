/*
 * hyperline: connect to Hyper, run SQL, read rows, copy data in and out.
 *
 *     hyl_error err = HYL_ERROR_INIT;
 *     hyl_conn *conn = NULL;
 *     hyl_result *result = NULL;
 *     const hyl_row *row = NULL;
 *     hyl_status status = hyl_connect_uri("hyper://localhost:7483/data/x.hyper", &conn, &err);
 *     if (status == HYL_OK) {
 *         status = hyl_query(conn, "SELECT id, price FROM sales", &result, &err);
 *     }
 *     while (status == HYL_OK && (status = hyl_result_next(result, &row, &err)) == HYL_OK) {
 *         int64_t id;
 *         double price;
 *         status = hyl_row_get_i64(row, 0, &id, &err);
 *         if (status == HYL_OK) {
 *             status = hyl_row_get_f64(row, 1, &price, &err);
 *         }
 *     }
 *     if (status < 0) {
 *         fprintf(stderr, "%s\n", err.message);
 *     }
 *     hyl_result_free(result);
 *     hyl_conn_free(conn);
 *
 * Rules that hold everywhere: a handle is used by one thread at a time; `free` takes NULL, never
 * blocks for long and never reports (what can fail is `finish`); a view lives until the next call
 * on the object that it came from; a function that fails leaves its out parameters alone, and a
 * handle made by one is NULL or whole.
 */
#ifndef HYPERLINE_HYPERLINE_H
#define HYPERLINE_HYPERLINE_H

#include <hyperline/config.h>
#include <hyperline/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Connection ---------------------------------------------------------------------------- */

typedef struct hyl_conn hyl_conn;

/* Can the connection go on? */
typedef enum hyl_health {
    HYL_HEALTH_OK = 0,
    HYL_HEALTH_BUSY = 1, /* a result or a COPY is open */
    HYL_HEALTH_TX_FAILED =
        2, /* the transaction has failed: only ROLLBACK (or COMMIT, which rolls back) is accepted */
    HYL_HEALTH_DESYNC = 3, /* out of step for good: free it */
    HYL_HEALTH_CLOSED = 4  /* closed by either side: free it */
} hyl_health;

/* The transaction's state, from the server's last ReadyForQuery and the failure latch. */
typedef enum hyl_tx { HYL_TX_IDLE = 'I', HYL_TX_OPEN = 'T', HYL_TX_FAILED = 'E' } hyl_tx;

/*
 * Connects, logs in and, where the config names a database, attaches it as its `create` mode says:
 *   open               the file must exist
 *   create             it must not exist
 *   create_if_missing  attached, and made first where it is missing
 *   replace            what was there is dropped
 * A file that another client holds (SQLSTATE 55006) is tried again until busy_timeout. With a
 * server on this machine the path is made absolute first, so that two spellings are one file, and
 * the file's version is checked.
 * Errors: ARG (config; a directory as the database), IO, TIMEOUT, TLS (see the key `tls`), AUTH, SERVER (42501 the server refused the login, 58S01
 * missing, 55006 held by another server, 42809 no database file, 42P04 exists), UNSUPPORTED (a file
 * version that the server does not know), PROTOCOL, CLOSED, NOMEM.
 * Blocks: until connected or connect_timeout (plus busy_timeout for a file that is held).
 */
HYL_API HYL_NODISCARD hyl_status hyl_connect(const hyl_config *config, hyl_conn **out,
                                             hyl_error *err);
/* hyl_connect with a config of just this text (hyl_config_parse) on top of the defaults. */
HYL_API HYL_NODISCARD hyl_status hyl_connect_uri(const char *text, hyl_conn **out, hyl_error *err);

/* True where hyl_connect has made the config's database file, as its `create` mode allows. */
HYL_API bool hyl_conn_made_database(const hyl_conn *conn);

/*
 * Ends the connection in good order: cancels what runs, sends Terminate, closes. The handle stays,
 * every further call on it or on its results gives CLOSED.
 * Blocks: at most a second, for a cancel.
 */
HYL_API void hyl_conn_close(hyl_conn *conn);
/* Closes and frees. Results that are still there stay valid and give CLOSED. */
HYL_API void hyl_conn_free(hyl_conn *conn);

HYL_API hyl_health hyl_conn_health(const hyl_conn *conn);
/*
 * The state of the transaction after the last answer that was read. Does not ask the server: what a
 * result that was freed early does to the transaction is known after the next request, or hyl_ping.
 */
HYL_API hyl_tx hyl_conn_tx(const hyl_conn *conn);
/*
 * A parameter that the server reported ("hyper_version"), NULL where there is none.
 * Lifetime: until the next request.
 */
HYL_API const char *hyl_conn_parameter(const hyl_conn *conn, const char *name);
/* What TLS the connection has; false, and nothing is said, where it has none or is closed. Lifetime
 * of the strings: the connection's. */
HYL_API bool hyl_conn_tls_info(const hyl_conn *conn, hyl_tls_info *out);
/* The server's number for this session; 0 is one. */
HYL_API int32_t hyl_conn_backend_pid(const hyl_conn *conn);

/* The server's words on its last error. Missing texts are "", never NULL. */
typedef struct hyl_diag {
    const char *severity;
    const char *sqlstate;
    const char *message;
    const char *detail;
    const char *hint;
    const char *blame; /* "User" or "System": whose fault the server thinks it is */
    int32_t position;  /* 1-based, in characters of the statement; 0: none */
} hyl_diag;

/*
 * The diagnosis of the last request that failed on the server, NULL where it did not.
 * Lifetime: until the next request.
 */
HYL_API const hyl_diag *hyl_conn_diag(const hyl_conn *conn);

/*
 * Called for each NoticeResponse, from within calls on the connection. Must not call the library.
 * NULL turns it off.
 */
typedef void (*hyl_notice_fn)(void *ctx, const hyl_diag *notice);
HYL_API void hyl_conn_on_notice(hyl_conn *conn, hyl_notice_fn fn, void *ctx);

/*
 * Asks the server to stop what the connection is doing, over a second connection, and waits until
 * the server has taken note, so that it cannot hit a later statement. For the thread that uses the
 * connection, between two calls (inside a result, say). Where nothing runs it stops nothing, but
 * Hyper fails an open transaction then: the next statement says so, a COMMIT too.
 * Errors: IO, TIMEOUT, CLOSED, PROTOCOL (the server sends data where only the end is to come; the
 * connection is out of step then, as after TIMEOUT).
 * Blocks: until the server closes the second connection, at most `timeout_ms` (negative: none).
 */
HYL_API HYL_NODISCARD hyl_status hyl_conn_cancel(hyl_conn *conn, int64_t timeout_ms,
                                                 hyl_error *err);

/*
 * Stops what a connection is doing from another thread, while the connection's own waits in a call.
 * It is made from the connection and may outlive it. That call then gives the server's 57014.
 */
typedef struct hyl_canceller hyl_canceller;

/* Errors: UNSUPPORTED (a connection over a transport of the caller's own), NOMEM. */
HYL_API HYL_NODISCARD hyl_status hyl_canceller_new(const hyl_conn *conn, hyl_canceller **out,
                                                   hyl_error *err);
/*
 * As hyl_conn_cancel, from any thread, several at once too. A statement that starts before this
 * returns may be hit in place of the one that was meant.
 * Errors: IO, TIMEOUT, PROTOCOL (the server sends data where only the end is to come).
 * Blocks: as hyl_conn_cancel.
 */
HYL_API HYL_NODISCARD hyl_status hyl_cancel(const hyl_canceller *canceller, int64_t timeout_ms,
                                            hyl_error *err);
HYL_API void hyl_canceller_free(hyl_canceller *canceller);

/* ---- Statements ---------------------------------------------------------------------------- */

/*
 * Errors of every function that sends a statement: CANCELLED (SQLSTATE 57014: it was asked to
 * stop), BUSY (a result or COPY is still open), CLOSED, DESYNC, SERVER (the server's error: see
 * err->sqlstate and hyl_conn_diag), STATE with SQLSTATE 25P02 (the transaction has failed: roll it
 * back), TIMEOUT (the deadline passed), PROTOCOL, IO, LIMIT, NOMEM, ARG (several statements in one
 * text, a quote that is not closed).
 *
 * At its deadline a call cancels the statement, and lasts half a second more at most for that. Where
 * the server had done the statement by then and no rows are lost, the call succeeds, late. Where it
 * had, and rows are lost, the message says that it was done. Where the server has not stopped yet, the
 * next call waits for that, within its own deadline, and what the statement did is known no sooner;
 * so it is where a connection is lost in the midst of a statement. A cancel that may still hit something
 * makes the connection DESYNC. In any case a transaction in which a call has failed so is not committed
 * any more.
 *
 * After an error inside a transaction everything but ROLLBACK is refused here, because the server
 * forgets the failure at times and would then commit half a statement. COMMIT in that state rolls
 * back and gives STATE with SQLSTATE 25P02.
 */

/*
 * Runs one statement to its end; rows that it returns are dropped. *affected (may be NULL) gets the
 * rows of its tag, -1 where it counts none.
 */
HYL_API HYL_NODISCARD hyl_status hyl_exec(hyl_conn *conn, const char *sql, int64_t *affected,
                                          hyl_error *err);
/*
 * Runs the statements of a script one after the other and stops at the first that fails; the
 * message then says which one and its line. *done (may be NULL) gets the number of statements that
 * succeeded.
 */
HYL_API HYL_NODISCARD hyl_status hyl_exec_script(hyl_conn *conn, const char *script, size_t *done,
                                                 hyl_error *err);
/*
 * The first column of the only row as a whole number.
 * Errors also: TYPE, RANGE (no row, or several), NULLVAL.
 */
HYL_API HYL_NODISCARD hyl_status hyl_query_i64(hyl_conn *conn, const char *sql, int64_t *out,
                                               hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_query_f64(hyl_conn *conn, const char *sql, double *out,
                                               hyl_error *err);
/* The same as text, NUL-terminated, whatever its type. *out is the caller's: hyl_free. */
HYL_API HYL_NODISCARD hyl_status hyl_query_text(hyl_conn *conn, const char *sql, char **out,
                                                hyl_error *err);
/* Runs the cheapest statement there is. */
HYL_API HYL_NODISCARD hyl_status hyl_ping(hyl_conn *conn, hyl_error *err);

/* ---- Results ------------------------------------------------------------------------------- */

typedef struct hyl_result hyl_result;
typedef struct hyl_row hyl_row;

/*
 * A column of a result.
 * Lifetime: the result's.
 */
typedef struct hyl_column {
    const char *name; /* NUL-terminated; may be empty, and need not be unique */
    size_t name_len;
    hyl_type type;
    hyl_format format; /* how its cells came: HyperBinary or text; of PostgreSQL text or binary */
} hyl_column;

enum {
    /*
     * All values as the server's own text, in the session's settings. Costs a further round trip.
     */
    HYL_QUERY_TEXT = 1,
    /*
     * As text what only the server can write: geography (WKT), arrays of it, and the types that
     * HYL_TYPE_MAP does not have; the other types as ever. Costs a further round trip, in which the
     * statement is described before it runs.
     */
    HYL_QUERY_GEOGRAPHY_TEXT = 2,
    /*
     * Of PostgreSQL, whose rows come as text: in its binary format what HYL_TYPE_MAP has, character
     * varying and the like included, but for "char". Costs a further round trip. Of Hyper, whose
     * rows are binary already, it changes nothing.
     */
    HYL_QUERY_BINARY = 4,
};

typedef struct hyl_query_opts {
    size_t struct_size;
    unsigned flags; /* HYL_QUERY_... */
    /* See hyl_transfer. Values as text (HYL_QUERY_TEXT) travel as rows in any case. */
    hyl_transfer transfer;
} hyl_query_opts;

#define HYL_QUERY_OPTS_INIT                             \
    {                                                   \
        sizeof(hyl_query_opts), 0, HYL_TRANSFER_DEFAULT \
    }

/*
 * Runs one statement and opens its result. Returns when the columns are known or the statement is
 * over; a statement without rows has a result with no columns. The rows are streamed: memory does
 * not grow with them. How they travel, the config's `transfer` says (hyl_transfer).
 * Blocks: until the server has begun to answer: of rows that travel in batches, until there is the
 * first; of others, until there is a row or five seconds have passed.
 */
HYL_API HYL_NODISCARD hyl_status hyl_query(hyl_conn *conn, const char *sql, hyl_result **out,
                                           hyl_error *err);
/* The same with options; NULL means the defaults. */
HYL_API HYL_NODISCARD hyl_status hyl_query_with(hyl_conn *conn, const char *sql,
                                                const hyl_query_opts *opts, hyl_result **out,
                                                hyl_error *err);

HYL_API size_t hyl_result_column_count(const hyl_result *result);
/* NULL where there is no such column. */
HYL_API const hyl_column *hyl_result_column(const hyl_result *result, size_t index);
/* The index of the first column of that name, -1 where there is none. */
HYL_API ptrdiff_t hyl_result_find(const hyl_result *result, const char *name);

/*
 * OK with the next row; DONE after the last, when the statement has succeeded.
 * Errors: those of a statement; after one the result gives the same error again.
 * Lifetime: the row, and every view taken from it, until the next call on the result or its
 * connection.
 */
HYL_API HYL_NODISCARD hyl_status hyl_result_next(hyl_result *result, const hyl_row **row,
                                                 hyl_error *err);
/* Reads what is left and drops it. OK where the statement succeeded to its end. */
HYL_API HYL_NODISCARD hyl_status hyl_result_finish(hyl_result *result, hyl_error *err);
/*
 * Gives up the rest: cancels the statement and drains what the server had sent, within
 * drain_timeout and drain_limit. OK where the connection is ready again.
 *
 * A cancel fails the transaction. So inside one, up to 1 MiB that comes within 0.1 s is read first,
 * and a statement that has ended by then is not cancelled; of others the transaction has failed
 * then (hyl_conn_tx), nothing but a rollback is taken, and COMMIT reports that it rolled back
 * (STATE, SQLSTATE 25P02).
 * Errors: DESYNC (the budget was not enough: the connection is lost), TIMEOUT (request_timeout came
 * first: the next call goes on with it), IO, CLOSED.
 */
HYL_API HYL_NODISCARD hyl_status hyl_result_abandon(hyl_result *result, hyl_error *err);
/* The rows that the tag counts, -1 where it counts none or the end is not reached yet. */
HYL_API int64_t hyl_result_affected(const hyl_result *result);
/* The command's tag ("SELECT 3"), "" before the end. */
HYL_API const char *hyl_result_tag(const hyl_result *result);
/*
 * Frees. Of a result that was not read to its end the statement is cancelled, and what the server
 * had sent is drained by the next request on the connection (which then fails with DESYNC where the
 * budget is not enough). Inside a transaction the next request does both, as hyl_result_abandon
 * does: a large rest fails the transaction. To keep it, read the result to its end, or
 * hyl_result_finish.
 */
HYL_API void hyl_result_free(hyl_result *result);

/* ---- Rows ---------------------------------------------------------------------------------- */

/*
 * Typed getters: the column's type must be the asked one, or one that widens to it without loss.
 *
 *     bool         boolean
 *     i16          smallint
 *     i32          smallint, integer
 *     i64          smallint, integer, bigint, oid, numeric(p,0) up to precision 18
 *     u32          oid
 *     f32          real
 *     f64          real, double precision, smallint, integer
 *     numeric      numeric, smallint, integer, bigint
 *     str          text, varchar, char, json, and every column that came as text
 *     bytes        bytes, geography, text, varchar, char, json
 *     date         date
 *     time         time
 *     timestamp    timestamp, date
 *     timestamptz  timestamptz
 *     interval     interval
 *     uuid         uuid
 *
 * Errors: TYPE naming the column and both types; NULLVAL naming the column; ARG (no such column);
 * PROTOCOL (the cell is not of its type's size).
 */
HYL_API size_t hyl_row_column_count(const hyl_row *row);
/* True for NULL, and for a column that is not there. */
HYL_API bool hyl_row_is_null(const hyl_row *row, size_t column);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_bool(const hyl_row *row, size_t column, bool *out,
                                                  hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_i16(const hyl_row *row, size_t column, int16_t *out,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_i32(const hyl_row *row, size_t column, int32_t *out,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_i64(const hyl_row *row, size_t column, int64_t *out,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_u32(const hyl_row *row, size_t column, uint32_t *out,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_f32(const hyl_row *row, size_t column, float *out,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_f64(const hyl_row *row, size_t column, double *out,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_numeric(const hyl_row *row, size_t column,
                                                     hyl_numeric *out, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_str(const hyl_row *row, size_t column, hyl_str *out,
                                                 hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_bytes(const hyl_row *row, size_t column,
                                                   hyl_bytes *out, hyl_error *err);
/* Days from 2000-01-01. */
HYL_API HYL_NODISCARD hyl_status hyl_row_get_date(const hyl_row *row, size_t column, int32_t *out,
                                                  hyl_error *err);
/* Microseconds from midnight. */
HYL_API HYL_NODISCARD hyl_status hyl_row_get_time(const hyl_row *row, size_t column, int64_t *out,
                                                  hyl_error *err);
/* Microseconds from 2000-01-01 00:00. */
HYL_API HYL_NODISCARD hyl_status hyl_row_get_timestamp(const hyl_row *row, size_t column,
                                                       int64_t *out, hyl_error *err);
/* Microseconds from 2000-01-01 00:00 UTC. */
HYL_API HYL_NODISCARD hyl_status hyl_row_get_timestamptz(const hyl_row *row, size_t column,
                                                         int64_t *out, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_interval(const hyl_row *row, size_t column,
                                                      hyl_interval *out, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_row_get_uuid(const hyl_row *row, size_t column,
                                                  uint8_t out[16], hyl_error *err);
/*
 * The value of any column, NULL included.
 * Errors: those of hyl_value_decode.
 */
HYL_API HYL_NODISCARD hyl_status hyl_row_get_value(const hyl_row *row, size_t column,
                                                   hyl_value *out, hyl_error *err);
/*
 * Appends the value as text (hyl_value_text); NULL appends nothing. Of a column of HYL_FORMAT_TEXT:
 * the server's own text, as it came.
 */
HYL_API HYL_NODISCARD hyl_status hyl_row_text(const hyl_row *row, size_t column, hyl_buf *out,
                                              hyl_error *err);
/*
 * The cell's bytes as they came from the server.
 * Errors: NULLVAL, ARG.
 */
HYL_API HYL_NODISCARD hyl_status hyl_row_raw(const hyl_row *row, size_t column, hyl_bytes *out,
                                             hyl_error *err);

/* ---- COPY ---------------------------------------------------------------------------------- */

/*
 * A COPY in progress. The bytes are the caller's to make (hyl_copy_header and hyl_copy_field for
 * HyperBinary, or CSV), the statement too: COPY t (a, b) FROM STDIN WITH (FORMAT hyperbinary)
 */
typedef struct hyl_copy hyl_copy;

/*
 * Starts a COPY ... FROM STDIN.
 * Errors: those of a statement; ARG where the statement turns out to be no such COPY (it has then
 * run or was undone, as the message says).
 */
HYL_API HYL_NODISCARD hyl_status hyl_copy_in_open(hyl_conn *conn, const char *sql, hyl_copy **out,
                                                  hyl_error *err);
/*
 * Sends bytes; how they are cut does not matter, and any length is allowed. Small writes are
 * gathered. An error of the server is noticed while writing and returned by the next call.
 *
 * Hyper completes the COPY at the end marker of an Arrow stream, and overlooks what comes behind it:
 * a second stream needs a COPY of its own. Where this is noticed, it is an error; the rows until
 * then are in the table.
 * Errors: those of a statement; STATE (not a COPY IN, or over; ended by the server).
 */
HYL_API HYL_NODISCARD hyl_status hyl_copy_write(hyl_copy *copy, const void *bytes, size_t len,
                                                hyl_error *err);
/*
 * Ends the COPY. *rows (may be NULL) gets the number of rows.
 * Errors: those of a statement: nothing was copied then.
 */
HYL_API HYL_NODISCARD hyl_status hyl_copy_finish(hyl_copy *copy, int64_t *rows, hyl_error *err);
/*
 * Gives the COPY up: the server drops the rows. OK where the connection is ready again. The server
 * may repeat `reason` in its log (NULL: none is given).
 * Errors: STATE (over; or an Arrow stream's end marker was written, and the server had completed the
 * COPY before it could be aborted: the rows stay), CLOSED, DESYNC.
 */
HYL_API HYL_NODISCARD hyl_status hyl_copy_abort(hyl_copy *copy, const char *reason, hyl_error *err);

/*
 * Starts a COPY ... TO STDOUT.
 * Errors: as hyl_copy_in_open.
 */
HYL_API HYL_NODISCARD hyl_status hyl_copy_out_open(hyl_conn *conn, const char *sql, hyl_copy **out,
                                                   hyl_error *err);
/*
 * OK with the next piece; DONE after the last.
 * Lifetime: the piece until the next call.
 */
HYL_API HYL_NODISCARD hyl_status hyl_copy_read(hyl_copy *copy, hyl_bytes *piece, hyl_error *err);
/*
 * Frees. An unfinished COPY IN is aborted, which fails an open transaction; an unfinished COPY OUT is
 * cancelled, as hyl_result_free does it; the next request drains what is left.
 */
HYL_API void hyl_copy_free(hyl_copy *copy);

#ifdef __cplusplus
}
#endif

#endif
