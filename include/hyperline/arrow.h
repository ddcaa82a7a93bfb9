/*
 * Arrow: results as streams of Arrow record batches, by the Arrow C data and C stream interfaces.
 *
 * Bulk data leaves the server as Arrow IPC messages. Each is received into a block of memory of its
 * own and handed out without a copy: a batch's buffers point into the block. Batches own their
 * memory: they outlive stream, connection and library calls, and may be released on any thread. An
 * allocator set by hyl_set_allocator must then be thread-safe.
 *
 * How Hyper's types arrive (each field also has the metadata key `hyper:type_name`, the type as SQL
 * writes it):
 *
 *     boolean                     bool
 *     smallint, integer, bigint   int16, int32, int64
 *     oid                         uint32, hyper:type=Oid
 *     real, double precision      float32, float64
 *     numeric(p,s)                decimal128(p,s), always
 *     text, varchar(n)            utf8; varchar with hyper:max_string_length
 *     char(n), char(1)            utf8, hyper:type=Char or Char1
 *     json                        utf8, hyper:type=JSON
 *     bytes                       binary
 *     geography                   binary, the server's own encoding, hyper:type=Geography
 *     date                        date32 (the server sends date64)
 *     time                        time64[us]
 *     timestamp                   timestamp[us]
 *     timestamptz                 timestamp[us, UTC] (the server says "Utc")
 *     interval                    month_day_nano interval, hyper:type=Interval
 *     array(T)                    list of T
 *     uuid                        fixed_size_binary(16) in the order of its text, hyper:type=Uuid
 *     other types, of rows only   binary, as the server sent it, hyper:oid
 */
#ifndef HYPERLINE_ARROW_H
#define HYPERLINE_ARROW_H

#include <hyperline/hyperline.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The Arrow C data interface, as its specification gives it. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

/* The Arrow C stream interface, as its specification gives it. */
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

/* ---- As batches ---------------------------------------------------------------------------- */

typedef struct hyl_arrow_opts {
    size_t struct_size;
    /*
     * DEFAULT: as the connection's config says. AUTO: as Arrow where the server sends the result so,
     * as rows otherwise. ROWS: always as rows. ARROW: never as rows; what the server does not send
     * as Arrow is an error.
     */
    hyl_transfer transfer;
    /*
     * True: every buffer of the batches is aligned to 64 bytes, by a copy of those that are not.
     * False: to 8 bytes at least, without a copy.
     */
    bool realign;
} hyl_arrow_opts;

#define HYL_ARROW_OPTS_INIT                                 \
    {                                                       \
        sizeof(hyl_arrow_opts), HYL_TRANSFER_DEFAULT, false \
    }

/*
 * Runs a statement and opens its result as a stream of record batches, in constant memory. `opts`
 * may be NULL.
 *
 * SELECT, WITH, VALUES and TABLE travel as Arrow, at the speed of the socket. What the server does
 * not send so travels as rows, and the arrays are built here, with the same types: statements of
 * other kinds (SHOW, EXPLAIN, EXECUTE, INSERT ... RETURNING), and results that the server refuses
 * before their first row (a uuid in them, say). Of rows every field is nullable, since they do not
 * tell; of PostgreSQL's, which come as text, every field is utf8 (hyl_result_to_arrow knows more). A
 * statement without a result has run when this returns, and its stream has no columns.
 *
 * Inside a transaction, which a refusal would fail, the statement is described first, and travels
 * as rows where a column is a uuid, time, timestamp, interval, or an array of them. A large result
 * takes three to five times as long so, which ARROW spares those who know their values.
 *
 * The stream occupies the connection until its end or its release. Released early, it gives up the
 * rest, as hyl_result_free does: inside a transaction, which a cancel fails, read to the end what may
 * be large. get_next returns 0 and a released array at the end; an errno number where it fails:
 * get_last_error then has the message, hyl_stream_error all of it.
 *
 * Errors: those of a statement (hyperline.h); positions and details of the server's errors are
 * those of `sql` as given. For what Arrow does not hold (time 24:00, timestamps beyond its
 * microseconds, intervals beyond its nanoseconds): SERVER with SQLSTATE 22008 naming the columns
 * that it may be of, or RANGE naming the column, of a result that travels as rows (a transaction
 * stays open then: the rest of the result is read first); what is selected as text can be had. ARG
 * where `opts` asks for ARROW and the statement is no query; then SERVER with 0A000 as well, for
 * types that the server does not send, naming the columns. Inside a transaction, which has failed
 * then, ARROW cannot ask for the columns' names. ARG with 42601: a parenthesis of the statement is
 * unmatched. UNSUPPORTED in a build without Arrow.
 * Lifetime: the stream is the caller's to release; it may outlive the connection's handle, and then
 * fails with CLOSED.
 * Blocks: until the columns are known.
 */
HYL_API HYL_NODISCARD hyl_status hyl_query_arrow(hyl_conn *conn, const char *sql,
                                                 const hyl_arrow_opts *opts,
                                                 struct ArrowArrayStream *out, hyl_error *err);

/*
 * The rows of a result that are not yet read as a stream of record batches of at most 10,240 rows.
 * The result is the stream's from then on; where this fails it stays the caller's.
 * Columns that came as text are utf8, all of them where a query of PostgreSQL has no flags. With
 * HYL_QUERY_BINARY they have their types, but for numeric without a precision, or with one beyond
 * numeric(38,38), and arrays of it: these are utf8 too, as PostgreSQL writes them.
 * Errors: NOMEM, UNSUPPORTED in a build without Arrow. Of the stream: RANGE and UNSUPPORTED naming the
 * column of a value that Arrow's type lacks, as infinity, NaN in a numeric, and arrays of several
 * dimensions.
 * Lifetime: as of hyl_query_arrow.
 */
HYL_API HYL_NODISCARD hyl_status hyl_result_to_arrow(hyl_result *result,
                                                     struct ArrowArrayStream *out, hyl_error *err);

/*
 * The last error of a stream that came from this library, NULL where there is none, or the stream
 * is not one of ours. Lifetime: until the stream's next call.
 */
HYL_API const hyl_error *hyl_stream_error(const struct ArrowArrayStream *stream);

/* ---- As bytes ------------------------------------------------------------------------------ */

/*
 * Takes the next piece of a stream. A status below 0 ends it; `err`, never NULL, may be filled in.
 * Must not use the connection that the piece comes from. Lifetime: the piece, during the call.
 */
typedef hyl_status (*hyl_arrow_sink)(void *ctx, hyl_bytes piece, hyl_error *err);

/*
 * Runs a SELECT, WITH, VALUES or TABLE statement and passes its result on as an Arrow IPC stream, in
 * pieces of any size: the server's bytes as they are (dates are date64 and the time zone is "Utc"
 * there), and behind them the end-of-stream marker, which the server leaves out. Where it fails the
 * stream has no end marker.
 *
 * Errors: those of a statement; ARG for other statements; SERVER with SQLSTATE 0A000 for types that
 * the server cannot send as Arrow; what the sink returned: the rest is given up then, and the
 * connection is ready again, or lost where the error's flags say so.
 * Blocks: until the end.
 */
HYL_API HYL_NODISCARD hyl_status hyl_arrow_ipc_out(hyl_conn *conn, const char *sql,
                                                   hyl_arrow_sink sink, void *ctx, hyl_error *err);
/*
 * The same to a file descriptor that blocks, and stays open. Writing to a pipe that nobody reads raises
 * SIGPIPE, where the program does not ignore it.
 * Errors: as above; IO with the system's errno.
 */
HYL_API HYL_NODISCARD hyl_status hyl_arrow_ipc_to_fd(hyl_conn *conn, const char *sql, int fd,
                                                     hyl_error *err);

/* ---- Arrow IPC in ---------------------------------------------------------------------------- */

/*
 * Reads the next bytes, `cap` at most, and says how many there were in *got; 0 at the end. A status
 * below 0 ends the stream; `err`, never NULL, may be filled in.
 */
typedef hyl_status (*hyl_arrow_read)(void *ctx, void *to, size_t cap, size_t *got, hyl_error *err);

/*
 * Opens an Arrow IPC stream or file (which of the two is seen by its beginning) as a stream of
 * record batches, for hyl_insert_arrow or any other reader, one message in memory at a time.
 *
 * All types but unions are read, string views, run-end encoding and dictionaries among them, with
 * buffers that are plain or compressed with lz4 or zstd. A dictionary that comes again replaces the
 * one before; its continuation by a delta is refused. A file is read by its footer; where it comes
 * through a pipe or `read`, in order: a dictionary must come before its first use then, each message
 * have its prefix (polars leaves the first one's out), and an end marker stand behind the last.
 *
 * The bytes may come from anywhere: whatever is handed out has been checked in full. Data that end
 * before they should are an error; of a stream alone, whose end marker is optional, the end of the
 * last message is the end.
 *
 * Errors: ARG (no Arrow IPC; damaged; cut off), UNSUPPORTED (message versions before V4, which is
 * of 2017, the other byte order, unions, deltas, a compression that this build does not have; no
 * Arrow in this build), IO, NOMEM, and what `read` returned: here, or, behind the schema, by the
 * stream (hyl_stream_error).
 * Lifetime: the stream is the caller's to release; `ctx` is used until then. Batches own their
 * memory.
 * Blocks: in `read`, until the schema has come.
 */
HYL_API HYL_NODISCARD hyl_status hyl_arrow_ipc_open(hyl_arrow_read read, void *ctx,
                                                    struct ArrowArrayStream *out, hyl_error *err);
/*
 * The same from a file descriptor that blocks: a file, a pipe, a socket. It is read from where it
 * stands, a stream no further than to its end marker, and stays open.
 */
HYL_API HYL_NODISCARD hyl_status hyl_arrow_ipc_open_fd(int fd, struct ArrowArrayStream *out,
                                                       hyl_error *err);
/* The same from memory, which must stay until the stream is released. */
HYL_API HYL_NODISCARD hyl_status hyl_arrow_ipc_open_memory(hyl_bytes bytes,
                                                           struct ArrowArrayStream *out,
                                                           hyl_error *err);

/* ---- Arrow in ------------------------------------------------------------------------------ */

/* What becomes of the table. */
typedef enum hyl_insert_arrow_mode {
    HYL_INSERT_ARROW_APPEND = 0, /* it must exist */
    HYL_INSERT_ARROW_CREATE = 1, /* it must not exist */
    HYL_INSERT_ARROW_CREATE_IF_MISSING = 2
} hyl_insert_arrow_mode;

/*
 * What may change to fit into an existing column. Nothing does without; what no change makes fit
 * (300 into smallint at all, NaN into a whole number) is refused all the same.
 */
enum {
    /*
     * Any number into any numeric type, rounded to the nearest that it has, halves away from zero:
     * float64 into real, integer or numeric, a decimal into fewer places, int64 into integer (where
     * it fits) or double precision. Floats and doubles count by the shortest digits that read back
     * as them (0.1 into numeric(9,2) is no change), whole numbers of any size by all their digits.
     */
    HYL_LOSSY_NUMBERS = 1,
    /*
     * Hyper counts microseconds: nanoseconds beyond them are cut off, and so are the time of day of
     * a timestamp (without zone) that goes into a date, and milliseconds of a date64 that is no
     * whole day. All towards the past.
     */
    HYL_LOSSY_TIMES = 2
};

typedef struct hyl_insert_arrow_opts {
    size_t struct_size;
    hyl_insert_arrow_mode mode;
    unsigned lossy;   /* HYL_LOSSY_... */
    int64_t *changed; /* gets the number of values that did not stay what they were; may be NULL */
} hyl_insert_arrow_opts;

#define HYL_INSERT_ARROW_OPTS_INIT                                      \
    {                                                                   \
        sizeof(hyl_insert_arrow_opts), HYL_INSERT_ARROW_APPEND, 0, NULL \
    }

/*
 * Appends the rows of an Arrow stream to a table, all or none. `table` as SQL writes it (sales,
 * "Extract"."Extract", database.schema.table). Reads the stream to its end; to release it stays the
 * caller's. `opts` may be NULL. *rows (may be NULL) gets the number of rows.
 *
 * Columns are matched by name, exactly; each of the table's must be there, and no other. The types
 * may differ where every value has a place, and where one has none at all nothing is sent: the
 * message lists the columns that are missing, unknown, or of another type. What only values can
 * show (too long for varchar, NULL into NOT NULL, invalid UTF-8, a date out of range, digits beyond
 * a decimal's precision) is found as they are read: the message names row and column, and nothing
 * was inserted. Only whether json is json the server says (22P02), without a row.
 *
 *     Arrow                                   a new column        an existing column
 *     bool                                    boolean             boolean
 *     int8, int16, uint8                      smallint            or any wider whole number, numeric
 *     int32, uint16                           integer             that has the digits, double
 *     int64, uint32                           bigint              precision up to 32 bits, real up to
 *     uint64                                  numeric(20,0) *     16 (oid too for uint32)
 *     float16, float32                        real (file version 4; double precision before);
 *     float64                                 double precision
 *     decimal32, 64, 128, 256                 numeric(p,s) *      or wider on both sides of the point
 *     utf8, large_utf8, utf8_view             text                or varchar, char, json
 *     binary, large_, _view, fixed_size       bytes               or uuid, of 16 bytes
 *     date32, date64                          date                or timestamp
 *     time32, time64                          time                time
 *     timestamp without, with a zone          timestamp, timestamptz
 *     duration, all intervals                 interval            interval
 *     null                                    text                any that may be NULL
 *     dictionary, run-end encoded             as their values     as their values
 *     extension types                         as their storage    as their storage
 *     list, struct, map, union                none                none
 *
 * (*) Of more than 18 digits in files of version 3 and later alone.
 * The metadata of hyl_query_arrow (hyper:type, hyper:max_string_length) choose oid, varchar, char,
 * json, geography and uuid for a new column, at the field or at its values behind a dictionary or
 * runs. A field that is not nullable makes a NOT NULL column. Hyper's tables have no columns of
 * arrays, but temporary ones: lists are refused.
 * A table that was created is dropped again where the rows fail; within a transaction, where the
 * server would undo neither, none is created.
 *
 * Errors: those of a statement; ARG (an option; a name; the stream was released, is no table of
 * columns, or is not what it says it is: offsets that decrease, views into nowhere; columns are
 * missing, unknown or twice); TYPE (a column of another type); UNSUPPORTED (a new column of a type
 * that has no home: list, struct, map, union; no Arrow in this build); RANGE, NULLVAL, ARG of a
 * value; IO (the stream failed, with its words); STATE (to be created inside a transaction).
 * Blocks: until the stream's end, and in it.
 */
HYL_API HYL_NODISCARD hyl_status hyl_insert_arrow(hyl_conn *conn, const char *table,
                                                  struct ArrowArrayStream *in,
                                                  const hyl_insert_arrow_opts *opts, int64_t *rows,
                                                  hyl_error *err);

#ifdef __cplusplus
}
#endif

#endif
