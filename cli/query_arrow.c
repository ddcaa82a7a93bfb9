#include "query_arrow.h"

#include "fail.h"
#include "interrupt.h"
#include "options.h"

#include <hyperline/arrow.h>

#include <string.h>
#include <strings.h>

const format format_arrow = {.name = "arrow"};

/* ---- Statements ------------------------------------------------------------------------------ */

static bool is_one_of(hyl_str word, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strlen(*words) == word.len && strncasecmp(*words, word.data, word.len) == 0) {
            return true;
        }
    }
    return false;
}

bool query_arrow_takes(hyl_str statement)
{
    static const char *const words[] = {"select", "with", "values", "table", NULL};
    return is_one_of(statement_verb(statement), words);
}

/* Does it always return something, and never as Arrow? */
static bool only_shows(hyl_str statement)
{
    static const char *const words[] = {"show", "explain", NULL};
    return is_one_of(statement_verb(statement), words);
}

static int refuse_shown(const script *sql, hyl_str statement)
{
    hyl_str verb = statement_verb(statement);
    return usage_error("query",
                       "line %zu: what %.*s returns is not written as Arrow, only the result of "
                       "SELECT, WITH, VALUES or TABLE; nothing was run",
                       script_line(sql, statement.data), (int)verb.len, verb.data);
}

int query_arrow_check(const script *sql)
{
    size_t offset = 0;
    size_t found = 0; /* the line of the first that returns a result, 0: none yet */
    hyl_str statement;
    while (hyl_sql_next(sql->text, &offset, &statement, NULL) == HYL_OK) {
        const bool takes = query_arrow_takes(statement);
        if (takes && found > 0) {
            return usage_error("query",
                               "the statements of line %zu and line %zu both return a result: an "
                               "Arrow stream holds one; nothing was run",
                               found, script_line(sql, statement.data));
        }
        if (takes) {
            found = script_line(sql, statement.data);
        } else if (only_shows(statement)) {
            return refuse_shown(sql, statement);
        }
    }
    return found > 0 ? STATUS_OK
                     : usage_error("query", "--format arrow needs a statement that returns a "
                                            "result: SELECT, WITH, VALUES or TABLE");
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Where the stream goes. */
typedef struct arrow_sink {
    output *out;
    progress *line;
    bool to_the_end; /* giving up would fail a transaction */
    bool given_up;
} arrow_sink;

static hyl_status take_piece(void *ctx, hyl_bytes piece, hyl_error *err)
{
    arrow_sink *self = ctx;
    hyl_buf_append(&self->out->buf, piece.data, piece.len);
    const bool written = output_flush_full(self->out);
    progress_update(self->line, 0, self->out->written + (uint64_t)self->out->buf.len);
    self->given_up = !written || interrupted() || (self->out->reader_gone && !self->to_the_end);
    return self->given_up ? cli_fail(err, HYL_ERR_CANCELLED, "the output takes no more") : HYL_OK;
}

hyl_status query_arrow_write(hyl_conn *conn, const char *sql, output *out, progress *line,
                             hyl_error *err)
{
    arrow_sink sink = {out, line, hyl_conn_tx(conn) != HYL_TX_IDLE, false};
    hyl_status status = hyl_arrow_ipc_out(conn, sql, take_piece, &sink, err);
    return sink.given_up ? HYL_OK : status;
}
