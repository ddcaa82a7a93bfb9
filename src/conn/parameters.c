#include "parameters.h"

#include "base/error.h"
#include "base/mem.h"

/* Far more than servers report: some twenty, a search_path of a few kB among them. */
enum { MAX_PARAMETERS = 256, MAX_SIZE = 65536, MAX_TOTAL = 1048576 };

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

/* The bytes of all, were this one set. */
static size_t total_with(const hyl__parameters *list, const hyl__parameter *known, hyl_str name,
                         hyl_str value)
{
    size_t before = known != NULL ? strlen(known->name) + strlen(known->value) : 0;
    return list->size - before + name.len + value.len;
}

static hyl_status set(hyl__parameters *list, hyl__parameter *known, hyl_str name, hyl_str value)
{
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

hyl_status hyl__parameters_set(hyl__parameters *list, hyl_str name, hyl_str value, hyl_error *err)
{
    hyl__parameter *known = find(list, name);
    if (known == NULL && list->count == MAX_PARAMETERS) {
        return HYL_OK;
    }
    if (name.len > MAX_SIZE || value.len > MAX_SIZE - name.len) {
        return hyl__fail(err, HYL_ERR_LIMIT,
                         "the server reports a parameter of %zu bytes: at most %d are kept",
                         name.len + value.len, MAX_SIZE);
    }
    size_t total = total_with(list, known, name, value);
    if (total > MAX_TOTAL) {
        return hyl__fail(err, HYL_ERR_LIMIT,
                         "the server reports parameters of over %d bytes in all", MAX_TOTAL);
    }
    if (set(list, known, name, value) < 0) {
        return hyl__fail_nomem(err);
    }
    list->size = total;
    return HYL_OK;
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
    *list = (hyl__parameters){NULL, 0, 0};
}
