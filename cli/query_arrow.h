/* `hyperline query --format arrow`: the one result of a script as an Arrow IPC stream. */
#ifndef CLI_QUERY_ARROW_H
#define CLI_QUERY_ARROW_H

#include "format.h"
#include "output.h"
#include "progress.h"
#include "script.h"

/* Has a name and no functions: the stream is the server's own, not written row by row. */
extern const format format_arrow;

/* Does the statement return the result that is written? SELECT, WITH, VALUES and TABLE do. */
bool query_arrow_takes(hyl_str statement);

/*
 * Looks, before anything runs, whether the script has exactly one statement that query_arrow_takes,
 * and none of which it is known that it returns something else. Complains where it is not
 * STATUS_OK, which it returns otherwise.
 */
int query_arrow_check(const script *sql);

/*
 * Runs the statement and writes its result. OK too where it was given up: the output's reader is
 * gone, the output is broken, or a signal has come.
 * Errors: those of hyl_arrow_ipc_out.
 */
HYL_NODISCARD hyl_status query_arrow_write(hyl_conn *conn, const char *sql, output *out,
                                           progress *line, hyl_error *err);

#endif
