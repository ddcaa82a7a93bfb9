/* flock and O_DIRECTORY with the rest of POSIX. */
#define _GNU_SOURCE

#include "socket_folder.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_PREFIX    "hyl-"
#define FOLDER_PATTERN "/" NAME_PREFIX "XXXXXX"

/* Locked as long as the owner lives. */
static const char lock_name[] = "lock";

/* What a server, its owner and its callback leave in the folder. */
static const char *const left_files[] = {HYL__SOCKET_NAME, HYL__SOCKET_NAME ".pid", "callback",
                                         "lock.new", lock_name};

/* ---- Folders whose owner was killed ---------------------------------------------------------- */

static bool is_name(const char *name)
{
    return strncmp(name, NAME_PREFIX, sizeof NAME_PREFIX - 1) == 0 &&
           strlen(name) == sizeof FOLDER_PATTERN - 2;
}

static bool is_ours(int folder)
{
    struct stat found;
    return fstat(folder, &found) == 0 && found.st_uid == geteuid() && (found.st_mode & 077) == 0;
}

/* The owner's lock is gone with it, however it ended. Without a lock file, a folder is being made,
 * or is not for us. */
static bool is_left(int folder)
{
    int lock = openat(folder, lock_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool left = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0;
    if (lock >= 0) {
        (void)close(lock);
    }
    return left;
}

/* The files go by the folder that was looked at, not by its path. */
static void remove_if_left(int parent, const char *name)
{
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        return;
    }
    if (is_ours(folder) && is_left(folder)) {
        for (size_t i = 0; i < sizeof left_files / sizeof left_files[0]; i++) {
            (void)unlinkat(folder, left_files[i], 0);
        }
        (void)unlinkat(parent, name, AT_REMOVEDIR);
    }
    (void)close(folder);
}

/* Nothing else removes them: an owner that is killed cannot, and its server knows only its socket. */
static void remove_left_folders(const char *parent)
{
    DIR *all = opendir(parent);
    if (all == NULL) {
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(all)) != NULL) {
        if (is_name(entry->d_name)) {
            remove_if_left(dirfd(all), entry->d_name);
        }
    }
    (void)closedir(all);
}

/* The lock file appears locked, so that nobody takes the folder for one that was left. Where the
 * file system has no locks the folder has none either, and stays if its owner is killed. */
static void lock_folder(hyl__socket_folder *folder)
{
    char fresh[HYL__SOCKET_FOLDER_MAX + 16];
    char path[HYL__SOCKET_FOLDER_MAX + 16];
    snprintf(fresh, sizeof fresh, "%s/lock.new", folder->path);
    snprintf(path, sizeof path, "%s/%s", folder->path, lock_name);
    folder->lock = open(fresh, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (folder->lock >= 0 &&
        (flock(folder->lock, LOCK_EX | LOCK_NB) != 0 || rename(fresh, path) != 0)) {
        (void)unlink(fresh);
        hyl__socket_folder_forget(folder);
    }
}

/* ---- One's own ------------------------------------------------------------------------------- */

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
    remove_left_folders(parent);
    snprintf(path, sizeof path, "%s" FOLDER_PATTERN, parent);
    /* With mode 0700. */
    if (mkdtemp(path) == NULL) {
        return hyl__fail_errno(err, HYL_ERR_IO, errno, "cannot make a folder for sockets in %s",
                               parent);
    }
    memcpy(folder->path, path, sizeof path);
    lock_folder(folder);
    return HYL_OK;
}

void hyl__socket_folder_forget(hyl__socket_folder *folder)
{
    if (folder->lock >= 0) {
        (void)close(folder->lock);
    }
    folder->lock = -1;
}

void hyl__socket_folder_remove(hyl__socket_folder *folder)
{
    if (folder->path[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof left_files / sizeof left_files[0]; i++) {
        char path[HYL__SOCKET_FOLDER_MAX + 16];
        snprintf(path, sizeof path, "%s/%s", folder->path, left_files[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder->path);
    folder->path[0] = '\0';
    hyl__socket_folder_forget(folder);
}
