#include "format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SUFFIX = 24 };

typedef struct entry {
    const char *name;
    size_t index;
} entry;

static int compare_entries(const void *a, const void *b)
{
    const entry *left = a;
    const entry *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static int compare_name(const void *key, const void *item)
{
    return strcmp(key, ((const entry *)item)->name);
}

/* Writes name_K into `text` with the smallest K from *number on that no column is called. */
static void find_free(const char *name, size_t *number, const entry *sorted, size_t count,
                      char *text, size_t cap)
{
    do {
        snprintf(text, cap, "%s_%zu", name, (*number)++);
    } while (bsearch(text, sorted, count, sizeof *sorted, compare_name) != NULL);
}

/* Two suffixed names are never equal: they would have the same base and the same number. */
static void assign(char **out, char *text, entry *sorted, size_t count)
{
    size_t number = 2;
    for (size_t i = 0; i < count; i++) {
        const char *name = sorted[i].name;
        size_t cap = strlen(name) + LONGEST_SUFFIX;
        out[sorted[i].index] = text;
        if (i > 0 && strcmp(sorted[i - 1].name, name) == 0) {
            find_free(name, &number, sorted, count, text, cap);
        } else {
            number = 2;
            memcpy(text, name, strlen(name) + 1);
        }
        text += strlen(text) + 1;
    }
}

char **unique_names(const char *const *names, size_t count)
{
    size_t size = count * sizeof(char *);
    for (size_t i = 0; i < count; i++) {
        size += strlen(names[i]) + LONGEST_SUFFIX;
    }
    char **out = malloc(size + 1);
    entry *sorted = malloc(count * sizeof *sorted + 1);
    if (out == NULL || sorted == NULL) {
        free(out);
        free(sorted);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = (entry){names[i], i};
    }
    qsort(sorted, count, sizeof *sorted, compare_entries);
    assign(out, (char *)(out + count), sorted, count);
    free(sorted);
    return out;
}
