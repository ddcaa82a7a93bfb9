/* dladdr and memmem are extensions. */
#define _GNU_SOURCE

#include "find_hyperd.h"

#include "base/error.h"
#include "base/mem.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDERS_UP = 3 }; /* .deps is looked for in a folder and in two above it */

typedef struct search {
    hyl_buf tried; /* the places that were looked at, with ", " between them */
    hyl_buf now;   /* the place that is looked at, NUL-terminated */
    bool found;
} search;

static bool is_program(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

/* Whether the place is in the list already: two folders may have one above them. */
static bool was_tried(const search *s, const char *path)
{
    size_t len = strlen(path);
    const char *list = (const char *)s->tried.data;
    size_t left = s->tried.len;
    while (left >= len) {
        const char *at = memmem(list, left, path, len);
        if (at == NULL) {
            return false;
        }
        left -= (size_t)(at - list) + len;
        list = at + len;
        bool begins = at == (const char *)s->tried.data || at[-1] == ' ';
        if (begins && (left == 0 || *list == ',' || *list == ' ')) {
            return true;
        }
    }
    return false;
}

/* Looks at FOLDER/NAME; true where the search is over, by success or by lack of memory. */
static bool look_at(search *s, const char *folder, size_t folder_len, const char *name)
{
    hyl_buf_clear(&s->now);
    hyl_buf_printf(&s->now, "%.*s%s%s", (int)folder_len, folder,
                   folder_len > 0 && folder[folder_len - 1] == '/' ? "" : "/", name);
    hyl_buf_append_byte(&s->now, '\0');
    if (s->now.failed) {
        return true;
    }
    const char *path = (const char *)s->now.data;
    s->found = is_program(path);
    if (!s->found && !was_tried(s, path)) {
        hyl_buf_printf(&s->tried, "%s%s%s", s->tried.len > 0 ? ", " : "", path,
                       access(path, F_OK) == 0 ? " (not an executable file)" : "");
    }
    return s->found || s->tried.failed;
}

/* The length of the folder that holds this one; 0 where none does. */
static size_t parent_len(const char *folder, size_t len)
{
    while (len > 0 && folder[len - 1] != '/') {
        len--;
    }
    return len > 1 ? len - 1 : len;
}

static bool look_in_deps(search *s, const char *folder)
{
    size_t len = strlen(folder);
    for (int up = 0; up < FOLDERS_UP && len > 0; up++) {
        if (look_at(s, folder, len, ".deps/hyper/hyperd")) {
            return true;
        }
        len = len > 1 ? parent_len(folder, len) : 0;
    }
    return false;
}

/* The absolute folders of the PATH; others depend on where one stands. */
static bool look_in_path(search *s, const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, ":");
        if (path[0] == '/' && look_at(s, path, len, "hyperd")) {
            return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
}

static bool look_beside(search *s, const char *folder)
{
    return look_at(s, folder, strlen(folder), "hyperd");
}

/* The program is in bin, the library in lib or lib/TRIPLET. */
static bool look_in_libexec(search *s, const char *folder)
{
    size_t up = parent_len(folder, strlen(folder));
    size_t two_up = up > 1 ? parent_len(folder, up) : 0;
    return (up > 0 && look_at(s, folder, up, "libexec/hyperline/hyperd")) ||
           (two_up > 0 && look_at(s, folder, two_up, "libexec/hyperline/hyperd"));
}

static void look_everywhere(search *s, const hyl__hyperd_places *places)
{
    const char *program = places->program_dir;
    const char *library = places->library_dir;
    if (program != NULL && library != NULL && strcmp(program, library) == 0) {
        library = NULL;
    }
    (void)((program != NULL && look_in_deps(s, program)) ||
           (library != NULL && look_in_deps(s, library)) ||
           (program != NULL && look_beside(s, program)) ||
           (library != NULL && look_beside(s, library)) ||
           (program != NULL && look_in_libexec(s, program)) ||
           (library != NULL && look_in_libexec(s, library)) ||
           (places->libexec_dir != NULL && look_beside(s, places->libexec_dir)) ||
           (places->path != NULL && look_in_path(s, places->path)));
}

/* A path that was named must do, and is absolute from here on: the server may start in another
 * folder. Whether it can be executed is for execve to say. */
static hyl_status take_given(const hyl__hyperd_places *places, char **out, hyl_error *err)
{
    char *absolute = NULL;
    if (places->given[0] == '/') {
        absolute = hyl__strdup(places->given);
        if (absolute == NULL) {
            return hyl__fail_nomem(err);
        }
    } else {
        char resolved[PATH_MAX];
        if (realpath(places->given, resolved) == NULL) {
            return hyl__fail_errno(err, HYL_ERR_IO, errno, "cannot run %s, named by %s",
                                   places->given, places->given_by);
        }
        absolute = hyl__strdup(resolved);
        if (absolute == NULL) {
            return hyl__fail_nomem(err);
        }
    }
    if (access(absolute, F_OK) != 0) {
        hyl_status status = hyl__fail_errno(err, HYL_ERR_IO, errno, "cannot run %s, named by %s",
                                            places->given, places->given_by);
        hyl__free(absolute);
        return status;
    }
    *out = absolute;
    return HYL_OK;
}

static hyl_status finish_search(search *s, char **out, hyl_error *err)
{
    if (s->found) {
        *out = hyl__strdup((const char *)s->now.data);
        return *out != NULL ? HYL_OK : hyl__fail_nomem(err);
    }
    hyl_buf_append_byte(&s->tried, '\0');
    if (s->now.failed || s->tried.failed) {
        return hyl__fail_nomem(err);
    }
    return hyl__fail(err, HYL_ERR_IO, "no hyperd found: set HYPERD_PATH to it. Looked at %s",
                     (const char *)s->tried.data);
}

hyl_status hyl__find_hyperd_in(const hyl__hyperd_places *places, char **out, hyl_error *err)
{
    if (places->given != NULL) {
        return take_given(places, out, err);
    }
    search s = {HYL_BUF_INIT, HYL_BUF_INIT, false};
    look_everywhere(&s, places);
    hyl_status status = finish_search(&s, out, err);
    hyl_buf_reset(&s.tried);
    hyl_buf_reset(&s.now);
    return status;
}

/* ---- This process's places ------------------------------------------------------------------- */

/* Cuts a path to its folder; "" where it has none. */
static void cut_to_folder(char *path)
{
    path[parent_len(path, strlen(path))] = '\0';
}

static const char *program_folder(char path[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (len <= 0) {
        return NULL;
    }
    path[len] = '\0';
    cut_to_folder(path);
    return path;
}

static const char *library_folder(char path[PATH_MAX])
{
    /* Any object of this library will do. */
    static const char here = 0;
    Dl_info info;
    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL ||
        realpath(info.dli_fname, path) == NULL) {
        return NULL;
    }
    cut_to_folder(path);
    return path;
}

hyl_status hyl__find_hyperd(const char *given, char **out, hyl_error *err)
{
    char program[PATH_MAX];
    char library[PATH_MAX];
    const char *named = getenv("HYPERD_PATH");
    hyl__hyperd_places places = {
        .given = given,
        .given_by = "the option hyperd_path",
        .program_dir = program_folder(program),
        .library_dir = library_folder(library),
        .libexec_dir = HYL_LIBEXEC_DIR,
        .path = getenv("PATH"),
    };
    if (given == NULL && named != NULL && named[0] != '\0') {
        places.given = named;
        places.given_by = "HYPERD_PATH";
    }
    return hyl__find_hyperd_in(&places, out, err);
}
