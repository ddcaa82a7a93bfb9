/* Where the server's program is. */
#ifndef HYL_ADMIN_FIND_HYPERD_H
#define HYL_ADMIN_FIND_HYPERD_H

#include <hyperline/base.h>

/* What the search depends on. A part that is NULL is left out. */
typedef struct hyl__hyperd_places {
    const char *given;       /* the caller's, or HYPERD_PATH; then nothing else is looked at */
    const char *given_by;    /* what named it, for messages: "HYPERD_PATH" */
    const char *program_dir; /* the folder of the running program */
    const char *library_dir; /* the folder of this library */
    const char *libexec_dir; /* the folder that the installation was made for */
    const char *path;        /* the PATH */
} hyl__hyperd_places;

/*
 * *out gets the absolute path, to be freed. Never looks into the current folder: a foreign folder
 * is no reason to run a foreign program. Errors: IO (none; the message has the places that were
 * looked at), NOMEM.
 */
hyl_status hyl__find_hyperd_in(const hyl__hyperd_places *places, char **out, hyl_error *err);

/* The same with this process's places. `given` NULL: HYPERD_PATH, where it is set. */
hyl_status hyl__find_hyperd(const char *given, char **out, hyl_error *err);

#endif
