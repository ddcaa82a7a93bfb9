/*
 * Attaching the config's database. The layers' table puts create modes with the administration;
 * they stand here because hyl_connect needs them, and are a handful of statements on a connection.
 */
#include "conn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- The path ------------------------------------------------------------------------------ */

/*
 * A server on this machine sees the same files; another one has its own, which this process must
 * not look at.
 */
static bool server_is_local(const hyl_endpoint *endpoint)
{
    return endpoint->kind == HYL_ENDPOINT_UNIX || strcmp(endpoint->host, "localhost") == 0 ||
           strncmp(endpoint->host, "127.", 4) == 0 || strcmp(endpoint->host, "::1") == 0;
}

/* The canonical path of a file that need not exist: its folder's, and its name. */
static char *canonical_path(const char *path)
{
    char *real = realpath(path, NULL);
    if (real != NULL) {
        char *copy = hyl__strdup(real);
        free(real);
        return copy;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char *folder =
        slash != NULL ? hyl__strndup(path, (size_t)(slash - path) + 1) : hyl__strdup(".");
    if (folder == NULL) {
        return NULL;
    }
    real = realpath(folder, NULL);
    hyl__free(folder);
    if (real == NULL) {
        /* No such folder: the server says so. */
        return hyl__strdup(path);
    }
    size_t size = strlen(real) + strlen(name) + 2;
    char *joined = hyl__malloc(size);
    if (joined != NULL) {
        snprintf(joined, size, "%s%s%s", real, strcmp(real, "/") == 0 ? "" : "/", name);
    }
    free(real);
    return joined;
}

/* "flights" of "/data/flights.hyper". */
static hyl_str file_stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    hyl_str stem = hyl_str_of(slash != NULL ? slash + 1 : path);
    const size_t suffix = sizeof ".hyper" - 1;
    if (stem.len > suffix && memcmp(stem.data + stem.len - suffix, ".hyper", suffix) == 0) {
        stem.len -= suffix;
    }
    return stem;
}

/* ---- The file's version -------------------------------------------------------------------- */

enum {
    NEWEST_FILE_VERSION = 4,
    VERSION_AT = 10 /* the head: "Hyper", 08 00 00 01 00, version, 00 */
};

/*
 * The server opens some files of a version that it does not know. What cannot be read here is left
 * to the server to judge.
 */
static hyl_status check_file_version(const char *path, hyl_error *err)
{
    uint8_t head[VERSION_AT + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return HYL_OK;
    }
    struct stat there;
    bool is_directory = fstat(fd, &there) == 0 && S_ISDIR(there.st_mode);
    ssize_t got = is_directory ? 0 : pread(fd, head, sizeof head, 0);
    close(fd);
    if (is_directory) {
        return hyl__fail(err, HYL_ERR_ARG, "'%s' is a directory, not a database file", path);
    }
    if (got != (ssize_t)sizeof head || memcmp(head, "Hyper", 5) != 0 ||
        head[VERSION_AT] <= NEWEST_FILE_VERSION) {
        return HYL_OK;
    }
    return hyl__fail(err, HYL_ERR_UNSUPPORTED,
                     "'%s' has file version %d; the newest that is supported is %d", path,
                     head[VERSION_AT], NEWEST_FILE_VERSION);
}

/* ---- Statements ---------------------------------------------------------------------------- */

static hyl_status run(hyl_conn *conn, const hyl_buf *sql, hyl_error *err)
{
    if (hyl_buf_status(sql) < 0) {
        return hyl__fail_nomem(err);
    }
    HYL_TRY(hyl__conn_begin(conn, err));
    conn->deadline = conn->login_deadline;
    hyl_str text = {(const char *)sql->data, sql->len};
    HYL_TRY(hyl__conn_simple(conn, text, HYL__STATEMENT_OTHER, err));
    return hyl__conn_recover(conn, hyl__conn_finish(conn, err), err);
}

/* The file is held by another client: it may let go. Waits a little longer each time. */
static bool wait_for_file(hyl_conn *conn, const hyl_error *err, int *attempt, int64_t deadline)
{
    int left = hyl__deadline_left(deadline);
    if (strcmp(err->sqlstate, "55006") != 0 || left == 0) {
        return false;
    }
    int pause_ms = *attempt < 5 ? 10 << *attempt : 200;
    if (left > 0 && pause_ms > left) {
        pause_ms = left;
    }
    struct timespec pause = {0, (long)pause_ms * 1000000};
    nanosleep(&pause, NULL);
    if (conn->login_deadline != HYL__NO_DEADLINE) {
        conn->login_deadline += pause_ms; /* it is busy_timeout's */
    }
    (*attempt)++;
    return true;
}

static hyl_status run_patiently(hyl_conn *conn, const hyl_buf *sql, hyl_error *err)
{
    int64_t deadline = hyl__deadline_in(conn->settings.busy_timeout_ms);
    int attempt = 0;
    hyl_error why = HYL_ERROR_INIT;
    hyl_status status = HYL_OK;
    do {
        status = run(conn, sql, &why);
    } while (status == HYL_ERR_SERVER && wait_for_file(conn, &why, &attempt, deadline));
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status;
}

typedef struct database {
    char *path;
    hyl_str alias;
} database;

static hyl_status append_name(hyl_str name, const char *what, hyl_buf *sql, hyl_error *err)
{
    hyl_status status = hyl_quote_ident(name, sql, err);
    if (status < 0) {
        hyl__error_prefix(err, "the database's %s", what);
    }
    return status;
}

static hyl_status append_path(const database *db, hyl_buf *sql, hyl_error *err)
{
    return append_name(hyl_str_of(db->path), "path", sql, err);
}

static hyl_status create(hyl_conn *conn, const database *db, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, "CREATE DATABASE ");
    hyl_status status = append_path(db, &sql, err);
    if (status == HYL_OK && conn->settings.database_version != 0) {
        hyl_buf_printf(&sql, " WITH VERSION %d", conn->settings.database_version);
    }
    if (status == HYL_OK) {
        status = run_patiently(conn, &sql, err);
    }
    conn->made_database = conn->made_database || status == HYL_OK;
    hyl_buf_reset(&sql);
    return status;
}

static hyl_status attach(hyl_conn *conn, const database *db, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, "ATTACH DATABASE ");
    hyl_status status = append_path(db, &sql, err);
    hyl_buf_append_str(&sql, " AS ");
    if (status == HYL_OK) {
        status = append_name(db->alias, "alias", &sql, err);
    }
    if (status == HYL_OK) {
        status = run_patiently(conn, &sql, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

static hyl_status drop(hyl_conn *conn, const database *db, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, "DROP DATABASE IF EXISTS ");
    hyl_status status = append_path(db, &sql, err);
    if (status == HYL_OK) {
        status = run_patiently(conn, &sql, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

/*
 * Attached first and created only where it is missing: CREATE DATABASE IF NOT EXISTS fails with
 * 55006 on a file that another client has just left.
 */
static hyl_status attach_or_create(hyl_conn *conn, const database *db, hyl_error *err)
{
    hyl_error why = HYL_ERROR_INIT;
    hyl_status status = attach(conn, db, &why);
    if (status == HYL_ERR_SERVER && strcmp(why.sqlstate, "58S01") == 0) {
        status = create(conn, db, &why);
        /* 42P04: another process was quicker. */
        if (status == HYL_OK || strcmp(why.sqlstate, "42P04") == 0) {
            return attach(conn, db, err);
        }
    }
    if (status < 0 && err != NULL) {
        *err = why;
    }
    return status;
}

/* X(SQLSTATE, what it means to whoever wants the file). */
#define OPEN_FAILURE_MAP(X)                               \
    X("58S01", "there is no such database file")          \
    X("55006", "another process holds the database file") \
    X("42809", "this is not a Hyper database file")       \
    X("XX001", "the database file is damaged")            \
    X("42P04", "the database file exists already")        \
    X("58P01", "the database file cannot be written")

static hyl_status explain(const database *db, hyl_status status, hyl_error *err)
{
    static const char *const meanings[][2] = {
#define OPEN_FAILURE(sqlstate, meaning) {sqlstate, meaning},
        OPEN_FAILURE_MAP(OPEN_FAILURE)
#undef OPEN_FAILURE
    };
    for (size_t i = 0; err != NULL && i < sizeof meanings / sizeof meanings[0]; i++) {
        if (strcmp(err->sqlstate, meanings[i][0]) == 0) {
            hyl__error_prefix(err, "'%s': %s", db->path, meanings[i][1]);
            return status;
        }
    }
    hyl__error_prefix(err, "'%s'", db->path);
    return status;
}

static hyl_status attach_as_asked(hyl_conn *conn, const database *db, hyl_error *err)
{
    if (conn->settings.create == HYL__CREATE_IF_MISSING) {
        return attach_or_create(conn, db, err);
    }
    if (conn->settings.create == HYL__CREATE_REPLACE) {
        HYL_TRY(drop(conn, db, err));
    }
    if (conn->settings.create != HYL__CREATE_OPEN) {
        HYL_TRY(create(conn, db, err));
    }
    return attach(conn, db, err);
}

hyl_status hyl__conn_attach(hyl_conn *conn, hyl_error *err)
{
    const hyl__settings *settings = &conn->settings;
    bool local = server_is_local(&settings->endpoint);
    database db = {NULL, {NULL, 0}};
    db.path = local ? canonical_path(settings->database) : hyl__strdup(settings->database);
    if (db.path == NULL) {
        return hyl__fail_nomem(err);
    }
    db.alias = settings->alias != NULL ? hyl_str_of(settings->alias) : file_stem(db.path);
    hyl_status status = HYL_OK;
    if (local && settings->create != HYL__CREATE_REPLACE) {
        status = check_file_version(db.path, err);
    }
    if (status == HYL_OK) {
        status = attach_as_asked(conn, &db, err);
        if (status < 0) {
            status = explain(&db, status, err);
        }
    }
    hyl__free(db.path);
    return status;
}
