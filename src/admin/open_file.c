#include <hyperline/server.h>

#include "base/error.h"

static hyl_status connect_to(hyl_server *server, const char *path, const char *create,
                             hyl_conn **conn, hyl_error *err)
{
    hyl_config *config = NULL;
    HYL_TRY(hyl_config_new(&config, err));
    hyl_status status = hyl_server_configure(server, config, err);
    if (status == HYL_OK) {
        status = hyl_config_set(config, "database", path, err);
    }
    if (status == HYL_OK) {
        status = hyl_config_set(config, "create", create, err);
    }
    if (status == HYL_OK) {
        status = hyl_connect(config, conn, err);
    }
    hyl_config_free(config);
    return status;
}

hyl_status hyl_server_open_file(const char *path, const char *create, hyl_server **server,
                                hyl_conn **conn, hyl_error *err)
{
    /* No other user of the machine can come in by a unix socket in a folder of its own. */
    hyl_server_opts opts = HYL_SERVER_OPTS_INIT;
    opts.listen = HYL_LISTEN_UNIX;
    hyl_server *launched = NULL;
    HYL_TRY(hyl_server_launch(&opts, &launched, err));
    hyl_status status = connect_to(launched, path, create, conn, err);
    if (status < 0) {
        hyl_server_free(launched);
        return status;
    }
    *server = launched;
    return HYL_OK;
}
