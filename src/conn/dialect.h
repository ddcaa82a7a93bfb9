/*
 * What differs between Hyper and PostgreSQL, whose protocol it has: the parameters of the login,
 * and how rows come.
 */
#ifndef HYL_CONN_DIALECT_H
#define HYL_CONN_DIALECT_H

#include "config.h"
#include "parameters.h"

/* The StartupMessage's parameters. Zeroed memory is an empty list. */
typedef struct hyl__startup {
    hyl_pair *params; /* views of the settings and of `options` */
    size_t count;
    hyl_buf options;
} hyl__startup;

/*
 * The parameters for the settings' dialect; AUTO is taken for Hyper.
 * Errors: UNSUPPORTED (a `create` mode, of PostgreSQL), NOMEM.
 * Lifetime: the settings'. Reset it in any case.
 */
hyl_status hyl__startup_make(const hyl__settings *settings, hyl__startup *out, hyl_error *err);
void hyl__startup_reset(hyl__startup *startup);

/*
 * Did PostgreSQL refuse the login because it was made out for Hyper? It may succeed as one for
 * PostgreSQL. A setting that is not there is 42704 (42601 in Hyper); and before PostgreSQL looks at
 * those, it misses a database that has the user's name where none is named: 3D000. Hyper has values
 * of settings that it refuses by 42704 too: whose protocol it is, the second login tells.
 */
bool hyl__dialect_refused(hyl__dialect asked, const hyl_error *error);

/*
 * After a login: whose protocol it is, and whether rows come as HyperBinary. Hyper's
 * RowDescription says format 0 of every column, so it has to confirm by a parameter that its rows
 * are what was asked for; any other server's RowDescription is believed.
 * Errors: UNSUPPORTED (a Hyper that confirms nothing, or another format).
 */
hyl_status hyl__dialect_settle(hyl__dialect asked, const hyl__parameters *reported,
                               hyl__dialect *dialect, bool *hyper_rows, hyl_error *err);

#endif
