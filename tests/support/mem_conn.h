/*
 * A user's connection to the in-memory peer: what the test says is what the server answers, and a
 * wait for something that will not come is a deadline that has passed. Answers that are said ahead
 * are read one after the other, each after a request (support/gate.h).
 */
#ifndef HYL_TESTS_SUPPORT_MEM_CONN_H
#define HYL_TESTS_SUPPORT_MEM_CONN_H

#include "support/backend.h"
#include "support/gate.h"

#include "conn/conn.h"

typedef struct mem_conn {
    hyl_mem_peer *peer;
    hyl_conn *conn;
    gate *gate;       /* gone with the connection's transport */
    size_t forgotten; /* bytes that were written and forgotten */
    size_t said_at;   /* how many were written at the last step of what is said */
} mem_conn;

/*
 * A config whose endpoint is a socket that is not there, so that a cancel fails at once.
 * `settings`: further keys as in hyl_config_parse, or NULL.
 */
hyl_config *mem_config(const char *settings);

/* Logged in; what was written until then is forgotten. */
mem_conn mem_conn_open(const char *settings);
void mem_conn_close(mem_conn *mem);

/* The peer says what is in `messages`, which is emptied. */
void mem_say(mem_conn *mem, hyl_buf *messages);
/* The same once the client has written `more` bytes from now on. */
void mem_say_after(mem_conn *mem, size_t more, hyl_buf *messages);
/* Of a peer that has no connection yet. */
void mem_peer_say(hyl_mem_peer *peer, size_t after, hyl_buf *messages);

/* The answers to whole statements. */
void mem_say_done(mem_conn *mem, const char *tag, char tx_status);
void mem_say_error(mem_conn *mem, const char *sqlstate, const char *message, char tx_status);
/* Integers 1..count in a column "n". */
void mem_say_ints(mem_conn *mem, int32_t count);

/* Asserts what was written since the last time, and forgets it. */
void mem_assert_written(mem_conn *mem, const void *bytes, size_t len);
void mem_assert_queried(mem_conn *mem, const char *sql);
void mem_forget(mem_conn *mem);

/* Asserts that a statement gets through: the connection is in step. */
void mem_assert_in_step(mem_conn *mem);
/* Asserts that the connection is lost for good, with this status for every call. */
void mem_assert_lost(mem_conn *mem, hyl_status status);

#endif
