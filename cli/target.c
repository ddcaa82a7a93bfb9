#include "target.h"

#include "cli.h"
#include "interrupt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char target_help[] =
    "DB is a .hyper file, for which a server is started and stopped, or where a server listens:\n"
    "  flights.hyper                          a file\n"
    "  localhost:7483                         host:port\n"
    "  tab.tcp://localhost:7483               the same\n"
    "  tab.domain:///tmp/dir/domain/name      the unix socket /tmp/dir/name\n"
    "  /tmp/dir/name                          the same\n"
    "  hyper://user@host:7483/data/x.hyper    with user and database file\n"
    "  'endpoint=host:7483 user=ann'          the same as keys and values\n"
    "A PostgreSQL server is taken too: 'endpoint=host:5432 user=ann database=sales'.\n"
    "\n"
    "Environment: HYPERLINE_USER, HYPERLINE_PASSWORD and so on set the same keys where DB does "
    "not;\n"
    "a password belongs there: arguments can be read by others in the list of processes.\n"
    "HYPERD_PATH names the server to start for a file.\n";

/* ---- What DB is ------------------------------------------------------------------------------ */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Does the text begin with a key and =, as a list of keys and values does? */
static bool is_list(const char *db)
{
    size_t len = strcspn(db, "=/ ");
    return len > 0 && db[len] == '=';
}

bool target_is_file(const char *db)
{
    struct stat there;
    if (strstr(db, "://") != NULL) {
        return false;
    }
    if (stat(db, &there) == 0) {
        return !S_ISSOCK(there.st_mode);
    }
    return ends_with(db, ".hyper") && !is_list(db);
}

/* ---- The config ------------------------------------------------------------------------------ */

/* The environment does not decide what happens to a file. */
static hyl_status load_environment(hyl_config *config, hyl_error *err)
{
    HYL_TRY(hyl_config_load_env(config, err));
    return hyl_config_set(config, "create", NULL, err);
}

static hyl_status configure_file(const target *self, const target_request *request, hyl_error *err)
{
    HYL_TRY(hyl_server_configure(self->server, self->config, err));
    return hyl_config_set(self->config, "database", request->db, err);
}

static hyl_status configure_endpoint(const target *self, const target_request *request,
                                     hyl_error *err)
{
    HYL_TRY(hyl_config_parse(self->config, request->db, err));
    return request->database != NULL
               ? hyl_config_set(self->config, "database", request->database, err)
               : HYL_OK;
}

static hyl_status configure(const target *self, const target_request *request, hyl_error *err)
{
    HYL_TRY(load_environment(self->config, err));
    HYL_TRY(self->is_file ? configure_file(self, request, err)
                          : configure_endpoint(self, request, err));
    if (request->create != NULL) {
        HYL_TRY(hyl_config_set(self->config, "create", request->create, err));
    }
    return request->database_version != NULL
               ? hyl_config_set(self->config, "database_version", request->database_version, err)
               : HYL_OK;
}

/* ---- Opening and closing --------------------------------------------------------------------- */

/* The unix socket keeps other users of the machine out. */
static hyl_status launch(target *self, hyl_error *err)
{
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.listen = HYL_LISTEN_UNIX;
    interrupt_hold();
    hyl_status status = hyl_server_launch(&opts, &self->server, err);
    if (status == HYL_OK) {
        interrupt_remove_socket(hyl_server_socket_endpoint(self->server)->path);
    }
    interrupt_release();
    return status;
}

static bool is_held(const hyl_error *err)
{
    return err->status == HYL_ERR_SERVER && strcmp(err->sqlstate, "55006") == 0;
}

/*
 * Connects; before it waits for a file that another program has open, a person is told what for.
 */
static hyl_status connect_patiently(target *self, hyl_error *err)
{
    const char *wait = hyl_config_get(self->config, "busy_timeout");
    if (isatty(STDERR_FILENO) == 0) {
        return hyl_connect(self->config, &self->conn, err);
    }
    char busy_timeout[32];
    snprintf(busy_timeout, sizeof busy_timeout, "%s", wait);
    HYL_TRY(hyl_config_set(self->config, "busy_timeout", "0", err));
    hyl_status status = hyl_connect(self->config, &self->conn, err);
    HYL_TRY(hyl_config_set(self->config, "busy_timeout", busy_timeout, NULL));
    if (status == HYL_OK || !is_held(err) || strcmp(busy_timeout, "0") == 0) {
        return status;
    }
    complain("waiting up to %s for '%s', which another program has open", busy_timeout,
             hyl_config_get(self->config, "database"));
    hyl_error_clear(err);
    return hyl_connect(self->config, &self->conn, err);
}

static hyl_status connect_target(target *self, const target_request *request, hyl_error *err)
{
    HYL_TRY(hyl_config_new(&self->config, err));
    HYL_TRY(self->is_file ? launch(self, err) : HYL_OK);
    HYL_TRY(configure(self, request, err));
    self->is_configured = true;
    return connect_patiently(self, err);
}

/* A word without a colon was meant for a file as likely as for a server. */
static void say_what_db_is_not(const target *self, const char *db, hyl_error *err)
{
    if (self->is_file || err->status != HYL_ERR_ARG || db[0] == '\0' ||
        strpbrk(db, ":=@/") != NULL) {
        return;
    }
    snprintf(err->message, sizeof err->message,
             "'%.200s' is no file, and no place where a server listens (host:port)", db);
}

int target_open(const target_request *request, target *out)
{
    hyl_error err = HYL_ERROR_INIT;
    target self = {NULL, NULL, NULL, target_is_file(request->db), false};
    if (self.is_file && request->database != NULL) {
        complain("--database is for a server; '%s' is a file already", request->db);
        return STATUS_USAGE;
    }
    if (connect_target(&self, request, &err) < 0) {
        say_what_db_is_not(&self, request->db, &err);
        int status = complain_error(&self, &err, HYL_STR(""), 1);
        bool is_misuse = err.status == HYL_ERR_ARG && !self.is_configured;
        target_close(&self);
        return is_misuse ? STATUS_USAGE : status;
    }
    interrupt_watch(self.conn);
    *out = self;
    return STATUS_OK;
}

/* Runs `verb` on a name that is quoted. */
static hyl_status run_on_name(hyl_conn *conn, const char *verb, const char *name, hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, verb);
    hyl_status status = hyl_quote_ident(hyl_str_of(name), &sql, err);
    hyl_buf_append_byte(&sql, '\0');
    if (status == HYL_OK) {
        status = hyl_buf_status(&sql);
    }
    if (status == HYL_OK) {
        status = hyl_exec(conn, (const char *)sql.data, NULL, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

void target_drop_made(target *self, const char *db)
{
    char *alias = NULL;
    char *path = realpath(db, NULL);
    if (path != NULL && hyl_conn_made_database(self->conn) &&
        hyl_query_text(self->conn, "SELECT current_database()", &alias, NULL) == HYL_OK &&
        run_on_name(self->conn, "DETACH DATABASE ", alias, NULL) == HYL_OK) {
        /* Another process may have taken the file at this very moment: then it is its own. */
        hyl_status dropped = run_on_name(self->conn, "DROP DATABASE ", path, NULL);
        (void)dropped;
    }
    hyl_free(alias);
    free(path);
}

void target_close(target *self)
{
    interrupt_watch(NULL);
    hyl_conn_free(self->conn);
    hyl_server_free(self->server);
    interrupt_remove_socket(NULL);
    hyl_config_free(self->config);
    *self = (target){NULL, NULL, NULL, false, false};
}
