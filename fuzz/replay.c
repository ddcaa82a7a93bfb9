/*
 * Runs a fuzz target over files, in place of libFuzzer: FOLDER_OR_FILE... Prints TAP, one result a
 * file. An input that makes the target end badly ends this program: its name is the last printed.
 */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

typedef struct names {
    char **items;
    size_t count;
} names;

static void add_name(names *list, const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    char **grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    FUZZ_CHECK(path != NULL && grown != NULL);
    snprintf(path, size, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
    list->items = grown;
    list->items[list->count++] = path;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_argument(names *list, const char *path)
{
    struct stat is;
    if (stat(path, &is) != 0 || !S_ISDIR(is.st_mode)) {
        add_name(list, "", path);
        return;
    }
    DIR *folder = opendir(path);
    FUZZ_CHECK(folder != NULL);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            add_name(list, path, entry->d_name);
        }
    }
    closedir(folder);
}

static void replay(const char *path)
{
    uint8_t *bytes = NULL;
    FILE *file = fopen(path, "rb");
    FUZZ_CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    FUZZ_CHECK(size >= 0 && fseek(file, 0, SEEK_SET) == 0);
    /* As long as the input: the sanitizer sees one byte too many. */
    bytes = malloc(size > 0 ? (size_t)size : 1);
    FUZZ_CHECK(bytes != NULL && fread(bytes, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
}

int main(int argc, char **argv)
{
    names list = {NULL, 0};
    for (int i = 1; i < argc; i++) {
        add_argument(&list, argv[i]);
    }
    if (list.count == 0) {
        fprintf(stderr, "no input: a file, or a folder of files, is wanted\n");
        return 2;
    }
    qsort(list.items, list.count, sizeof *list.items, by_name);
    printf("1..%zu\n", list.count);
    for (size_t i = 0; i < list.count; i++) {
        printf("# %s\n", list.items[i]);
        fflush(stdout);
        replay(list.items[i]);
        printf("ok %zu - %s\n", i + 1, list.items[i]);
        free(list.items[i]);
    }
    free(list.items);
    return 0;
}
