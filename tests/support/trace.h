/*
 * Traces: what client and server said to each other, recorded from a live server into a file that
 * people can read, and played back without it.
 *
 *     # A title.
 *     F1 Query 14: SELECT 1             the client (frontend), on its first connection
 *         5100...                       the message's bytes
 *     B1 DataRow 11: "1"                the server (backend)
 *     B2 end of stream                  the server closed the second connection
 *     = 1                               what the caller of the library saw
 *
 * Who plays a trace must send the same bytes and see the same; what the server says can be read once
 * everything of the client's that stands above was sent. The server's key and its session's name,
 * which are others each time, are made constant.
 */
#ifndef HYL_TESTS_SUPPORT_TRACE_H
#define HYL_TESTS_SUPPORT_TRACE_H

#include "support/random.h"

#include <hyperline/transport.h>

typedef enum trace_side {
    TRACE_CLIENT = 'F',
    TRACE_SERVER = 'B',
    TRACE_END = 'E',
    TRACE_SEEN = '='
} trace_side;

typedef struct trace_entry {
    trace_side side;
    int connection;
    hyl_buf bytes; /* a whole message, or the line of TRACE_SEEN */
    size_t done;   /* played of it so far */
} trace_entry;

typedef struct trace_link {
    struct trace *trace;
    int connection;
    hyl_transport live;    /* while recording */
    hyl_buf unfinished[2]; /* the beginning of a message: the client's, the server's */
    bool begun;            /* the client's first message, which has no type, was seen */
} trace_link;

enum { TRACE_CONNECTIONS = 2 };

typedef struct trace {
    char title[120];
    trace_entry *entries;
    size_t count;
    trace_link links[TRACE_CONNECTIONS];
    bool recording;
    hyl_endpoint endpoint; /* while recording */
    size_t cut;            /* the most that a read gives while playing; 0: all there is */
    random_source *cuts;   /* or at random */
} trace;

/* Begins to record from a server. */
void trace_record(trace *out, const hyl_endpoint *endpoint, const char *title);
/* Writes what was recorded. */
void trace_save(const trace *of, const char *path);
/* Reads a file, to play it. Fails the test where what it shows is not what its bytes say. */
void trace_load(trace *out, const char *path);
void trace_free(trace *of);

/* The transport of the first connection, or of the second. */
hyl_transport trace_transport(trace *of, int connection);
/* What the library's caller saw: noted while recording, compared while playing. */
void trace_saw(trace *of, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Gives the server half a second to begin what it was sent, while recording. */
void trace_let_run(const trace *of);
/* Asserts that the trace was played to its end. */
void trace_assert_over(const trace *of);

/* Appends a message as people read it, without a line's end: "Query 14: SELECT 1". */
void trace_message_text(trace_side side, bool first, hyl_bytes message, hyl_buf *out);

#endif
