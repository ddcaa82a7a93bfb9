/*
 * DB, the operand that most commands begin with: a `.hyper` file, for which an own server is
 * started and stopped, or an endpoint in any form of hyl_config_parse.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include <hyperline/hyperline.h>
#include <hyperline/server.h>

typedef struct target_request {
    const char *db;               /* the operand */
    const char *database;         /* --database, NULL where it is not given */
    const char *create;           /* the config's `create`; NULL means open */
    const char *database_version; /* of a file that is created; NULL means the default */
} target_request;

typedef struct target {
    hyl_conn *conn;
    hyl_server *server; /* NULL where DB is an endpoint */
    hyl_config *config;
    bool is_file;
    bool is_configured; /* what DB, the options and the environment say makes sense */
} target;

/* The help's text about DB and the environment, for the footer of a command's help. */
extern const char target_help[];

/*
 * Opens DB. On failure complains, leaves nothing running and returns the exit status; STATUS_OK
 * otherwise. While it is open, SIGINT and SIGTERM cancel what the connection does
 * (see interrupt.h).
 */
int target_open(const target_request *request, target *out);
/* Drops the database file `db` if opening the target has made it. */
void target_drop_made(target *self, const char *db);
/* Closes the connection and stops the own server. A zeroed target is allowed. */
void target_close(target *self);

/* Is DB a database file, and not an endpoint? */
bool target_is_file(const char *db);

/*
 * Complains about an error of the library: its message, and for the common ones what to do about
 * it. Where the server has diagnosed the connection's last statement, its detail and hint follow,
 * and the line of `sql` (may be empty) that it points to; `first_line` is that line's number where
 * sql begins. Returns STATUS_FAILED, or the status of an interrupted command where a signal caused
 * the error.
 */
int complain_error(const target *self, const hyl_error *err, hyl_str sql, size_t first_line);

#endif
