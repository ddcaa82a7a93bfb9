#include "socket_folder.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_PATTERN "/hyl-XXXXXX"

static bool is_short_enough(const char *parent)
{
    return strlen(parent) + sizeof FOLDER_PATTERN <= HYL__SOCKET_FOLDER_MAX;
}

/* What hyperd reads as an endpoint and as a list of them ends at a comma. */
static bool is_usable(const char *parent)
{
    return parent[0] == '/' && strchr(parent, ',') == NULL && is_short_enough(parent);
}

static const char *default_parent(void)
{
    const char *named = getenv("TMPDIR");
    return named != NULL && is_usable(named) ? named : "/tmp";
}

hyl_status hyl__socket_folder_make(hyl__socket_folder *folder, const char *parent, hyl_error *err)
{
    if (parent == NULL) {
        parent = default_parent();
    }
    if (!is_usable(parent)) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "the folder for sockets must be an absolute path of at most %zu bytes, "
                         "without a comma: %s",
                         (size_t)HYL__SOCKET_FOLDER_MAX - sizeof FOLDER_PATTERN, parent);
    }
    char path[HYL__SOCKET_FOLDER_MAX];
    snprintf(path, sizeof path, "%s" FOLDER_PATTERN, parent);
    /* With mode 0700. */
    if (mkdtemp(path) == NULL) {
        return hyl__fail_errno(err, HYL_ERR_IO, errno, "cannot make a folder for sockets in %s",
                               parent);
    }
    memcpy(folder->path, path, sizeof path);
    return HYL_OK;
}

void hyl__socket_folder_remove(hyl__socket_folder *folder)
{
    static const char *const files[] = {HYL__SOCKET_NAME, HYL__SOCKET_NAME ".pid"};
    if (folder->path[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[HYL__SOCKET_FOLDER_MAX + 16];
        snprintf(path, sizeof path, "%s/%s", folder->path, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder->path);
    folder->path[0] = '\0';
}
