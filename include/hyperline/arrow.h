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

/*
 * Runs a SELECT, WITH, VALUES or TABLE statement and opens its result as a stream of record
 * batches, at the speed of the socket and in constant memory.
 *
 * The stream occupies the connection until its end or its release. Released early, it cancels the
 * statement, and the next request on the connection drains what is left. get_next returns 0 and a
 * released array at the end; an errno number where it fails: get_last_error then has the message,
 * hyl_stream_error all of it.
 *
 * Errors: those of a statement (hyperline.h); positions and details of the server's errors are
 * those of `sql` as given. SERVER with SQLSTATE 0A000 for uuid, which the server cannot send as
 * Arrow. UNSUPPORTED in a build without Arrow.
 * Lifetime: the stream is the caller's to release; it may outlive the connection's handle, and then
 * fails with CLOSED.
 * Blocks: until the columns are known.
 */
HYL_API HYL_NODISCARD hyl_status hyl_query_arrow(hyl_conn *conn, const char *sql,
                                                 struct ArrowArrayStream *out, hyl_error *err);

/*
 * The last error of a stream that came from this library, NULL where there is none, or the stream
 * is not one of ours. Lifetime: until the stream's next call.
 */
HYL_API const hyl_error *hyl_stream_error(const struct ArrowArrayStream *stream);

#ifdef __cplusplus
}
#endif

#endif
