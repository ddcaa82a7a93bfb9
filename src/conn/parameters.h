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
    size_t size; /* of all names and values, in bytes */
} hyl__parameters;

/*
 * Sets or adds one. A server that reports ever new names or ever longer values does not fill the
 * memory: beyond 256 they are passed over, and what is too long is an error.
 * Errors: NOMEM, LIMIT (one of over 64 kB, or 1 MB in all); the list is then as it was.
 */
hyl_status hyl__parameters_set(hyl__parameters *list, hyl_str name, hyl_str value, hyl_error *err);
/* NULL where there is none. */
const char *hyl__parameters_get(const hyl__parameters *list, const char *name);
void hyl__parameters_reset(hyl__parameters *list);

#endif
