/*
 * The floor: a connection that does as little as one can. It logs in, sends a Query, and receives
 * the answer without looking at it. What takes longer than this, a client adds.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <hyperline/base.h>

typedef struct floor_conn floor_conn;

/*
 * Connects to host:port (host an IPv4 address) and logs in, with binary results and the database
 * attached.
 * Errors: IO, CLOSED, SERVER, ARG.
 */
HYL_NODISCARD hyl_status floor_open(const char *endpoint, const char *database, floor_conn **out,
                                    hyl_error *err);
void floor_close(floor_conn *conn);

/*
 * Sends `sql` as a Query and receives until the answer's last bytes are in: CommandComplete with
 * `tag`, and ReadyForQuery. That the answer ends there rests on the tag standing nowhere else in
 * it, which holds for the tables of this benchmark; nothing between is looked at.
 * Errors: IO, CLOSED, TIMEOUT (the answer did not end so: an error of the server, another tag).
 */
HYL_NODISCARD hyl_status floor_query(floor_conn *conn, const char *sql, const char *tag,
                                     hyl_error *err);

/*
 * Sends `sql`, a COPY FROM STDIN, and once the server has agreed `messages`, whole CopyData
 * messages, and CopyDone; receives the answer's end as floor_query does.
 * Errors: those of floor_query; PROTOCOL (the server does not agree).
 */
HYL_NODISCARD hyl_status floor_copy_in(floor_conn *conn, const char *sql, hyl_bytes messages,
                                       const char *tag, hyl_error *err);

#endif
