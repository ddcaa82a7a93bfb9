/* The parameters that a server reported (ParameterStatus): for both kinds of connection. */
#ifndef HYL_CONN_PARAMETERS_H
#define HYL_CONN_PARAMETERS_H

#include <hyperline/base.h>

typedef struct hyl__parameter {
    char *name;
    char *value;
} hyl__parameter;

/* Zeroed memory is an empty list. */
typedef struct hyl__parameters {
    hyl__parameter *items;
    size_t count;
} hyl__parameters;

/*
 * Sets or adds one. A server that reports ever new names does not fill the memory: beyond 256 they
 * are passed over.
 * Errors: NOMEM; the list is then as it was.
 */
hyl_status hyl__parameters_set(hyl__parameters *list, hyl_str name, hyl_str value);
/* NULL where there is none. */
const char *hyl__parameters_get(const hyl__parameters *list, const char *name);
void hyl__parameters_reset(hyl__parameters *list);

#endif
