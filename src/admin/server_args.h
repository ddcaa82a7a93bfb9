/* The command line and the environment of a server. */
#ifndef HYL_ADMIN_SERVER_ARGS_H
#define HYL_ADMIN_SERVER_ARGS_H

#include <hyperline/server.h>

#define HYL__DEFAULT_USER "tableau_internal_user"

/* A list of strings that is NULL-terminated, as execve takes it. Zeroed memory is empty. */
typedef struct hyl__strings {
    char **items; /* NULL where there is none and nothing failed yet */
    size_t count;
    size_t cap;
    bool failed; /* an addition failed: no memory */
} hyl__strings;

/* Wipes the strings (one may be a password) and frees them. */
void hyl__strings_reset(hyl__strings *strings);

/* What a server's command line says beside the options. */
typedef struct hyl__server_place {
    const char *hyperd;
    const char *callback_url;
    const char *socket_dir;  /* NULL where no unix socket is listened on */
    const char *socket_name; /* in that folder */
} hyl__server_place;

/* Errors: ARG (an option that cannot be: the message names it), NOMEM. */
hyl_status hyl__server_argv(const hyl_server_opts *opts, const hyl__server_place *place,
                            hyl__strings *out, hyl_error *err);

/* Do the options' settings give the server a certificate? */
bool hyl__server_speaks_tls(const hyl_server_opts *opts);

/* This process's environment, with the password where there is one. Errors: ARG, NOMEM. */
hyl_status hyl__server_envp(const hyl_server_opts *opts, char *const *environment,
                            hyl__strings *out, hyl_error *err);

#endif
