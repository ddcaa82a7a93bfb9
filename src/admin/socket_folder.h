/* A folder of this user's alone for the sockets of one server. */
#ifndef HYL_ADMIN_SOCKET_FOLDER_H
#define HYL_ADMIN_SOCKET_FOLDER_H

#include <hyperline/base.h>

/* The server's socket in that folder. */
#define HYL__SOCKET_NAME "hyper"

/* As long as leaves room for what is put in it: a socket's path has 107 bytes at most. */
enum { HYL__SOCKET_FOLDER_MAX = 96 };

typedef struct hyl__socket_folder {
    char path[HYL__SOCKET_FOLDER_MAX]; /* "" where there is none */
    int lock;                          /* an open file of it, locked; -1 where there is none */
} hyl__socket_folder;

#define HYL__SOCKET_FOLDER_NONE \
    {                           \
        "", -1                  \
    }

/* Makes the folder in `parent`; NULL: $TMPDIR where it is absolute and short enough, else /tmp.
 * Folders in `parent` that owners of this user left when they were killed are removed.
 * Errors: ARG (a parent that cannot be), IO. */
hyl_status hyl__socket_folder_make(hyl__socket_folder *folder, const char *parent, hyl_error *err);

/* In a forked child of the owner: closes its copy. The folder stays, and stays locked. */
void hyl__socket_folder_forget(hyl__socket_folder *folder);

/* Removes it, with what a killed server left in it. */
void hyl__socket_folder_remove(hyl__socket_folder *folder);

#endif
