/* nftw is an X/Open function. */
#define _XOPEN_SOURCE 700

#include "support/hyperd.h"

#include "support/test.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    hyl_server *server;
    char endpoint[300];
    char folder[200];
} shared;

/* ---- The folder ------------------------------------------------------------------------------ */

const char *test_folder(void)
{
    if (shared.folder[0] == '\0') {
        const char *parent = getenv("TMPDIR");
        snprintf(shared.folder, sizeof shared.folder, "%s/hyl-test-XXXXXX",
                 parent != NULL && parent[0] == '/' ? parent : "/tmp");
        if (mkdtemp(shared.folder) == NULL) {
            perror(shared.folder);
            abort();
        }
    }
    return shared.folder;
}

const char *test_path(const char *name)
{
    static char paths[8][400];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", test_folder(), name);
    return path;
}

static int remove_entry(const char *path, const struct stat *file, int type, struct FTW *where)
{
    (void)file;
    (void)type;
    (void)where;
    return remove(path);
}

void test_folder_remove(void)
{
    if (shared.folder[0] != '\0') {
        (void)nftw(shared.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        shared.folder[0] = '\0';
    }
}

/* ---- The server ------------------------------------------------------------------------------ */

int test_hyperd_start_with(const hyl_server_opts *opts)
{
    hyl_server_opts own = *opts;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf text = HYL_BUF_INIT;
    own.working_dir = own.working_dir != NULL ? own.working_dir : test_folder();
    if (hyl_server_launch(&own, &shared.server, &err) < 0) {
        fprintf(stderr, "cannot start the test's server: %s\n", err.message);
        test_folder_remove();
        return -1;
    }
    hyl_endpoint_format(hyl_server_endpoint(shared.server), &text);
    snprintf(shared.endpoint, sizeof shared.endpoint, "%.*s", (int)text.len,
             (const char *)text.data);
    hyl_buf_reset(&text);
    return 0;
}

int test_hyperd_start(void **state)
{
    (void)state;
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.listen = HYL_LISTEN_TCP | HYL_LISTEN_UNIX;
    return test_hyperd_start_with(&opts);
}

int test_hyperd_stop(void **state)
{
    (void)state;
    hyl_server_free(shared.server);
    shared.server = NULL;
    test_folder_remove();
    return 0;
}

hyl_server *test_hyperd(void)
{
    return shared.server;
}

const hyl_endpoint *test_hyperd_endpoint(void)
{
    return hyl_server_endpoint(shared.server);
}

const char *test_hyperd_endpoint_text(void)
{
    return shared.endpoint;
}

const hyl_endpoint *test_hyperd_socket(void)
{
    return hyl_server_socket_endpoint(shared.server);
}
