#include "parameters.h"

#include "base/mem.h"

enum { MAX_PARAMETERS = 256 };

static hyl__parameter *find(const hyl__parameters *list, hyl_str name)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *known = list->items[i].name;
        if (strlen(known) == name.len && memcmp(known, name.data, name.len) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

static hyl_status add(hyl__parameters *list, hyl_str name, char *value)
{
    size_t size = (list->count + 1) * sizeof *list->items;
    hyl__parameter *grown = hyl__realloc(list->items, size);
    if (grown == NULL) {
        return HYL_ERR_NOMEM;
    }
    list->items = grown;
    char *copy = hyl__strndup(name.data, name.len);
    if (copy == NULL) {
        return HYL_ERR_NOMEM;
    }
    list->items[list->count++] = (hyl__parameter){copy, value};
    return HYL_OK;
}

hyl_status hyl__parameters_set(hyl__parameters *list, hyl_str name, hyl_str value)
{
    hyl__parameter *known = find(list, name);
    if (known == NULL && list->count == MAX_PARAMETERS) {
        return HYL_OK;
    }
    char *copy = hyl__strndup(value.data, value.len);
    if (copy == NULL) {
        return HYL_ERR_NOMEM;
    }
    if (known != NULL) {
        hyl__free(known->value);
        known->value = copy;
        return HYL_OK;
    }
    hyl_status status = add(list, name, copy);
    if (status < 0) {
        hyl__free(copy);
    }
    return status;
}

const char *hyl__parameters_get(const hyl__parameters *list, const char *name)
{
    const hyl__parameter *known = find(list, hyl_str_of(name));
    return known != NULL ? known->value : NULL;
}

void hyl__parameters_reset(hyl__parameters *list)
{
    for (size_t i = 0; i < list->count; i++) {
        hyl__free(list->items[i].name);
        hyl__free(list->items[i].value);
    }
    hyl__free(list->items);
    *list = (hyl__parameters){NULL, 0};
}
