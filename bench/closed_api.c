#include "closed_api.h"

#include "cli/fail.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* ISO C has no conversion from an object's pointer, which dlsym returns, to a function's. */
static bool find(void *library, const char *symbol, void *function, size_t size)
{
    void *found = dlsym(library, symbol);
    memcpy(function, &found, size);
    return found != NULL;
}

hyl_status closed_api_open(closed_api *api, const char *peers, hyl_error *err)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/closed/libtableauhyperapi.so", peers);
    if (len < 0 || (size_t)len >= sizeof path) {
        return cli_fail(err, HYL_ERR_ARG, "%s: the path is too long", peers);
    }
    *api = (closed_api){.library = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (api->library == NULL) {
        return cli_fail(err, HYL_ERR_IO, "%s", dlerror());
    }
#define CLOSED_FIND(name, symbol, result, arguments)                          \
    if (!find(api->library, symbol, &api->name, sizeof api->name)) {          \
        return cli_fail(err, HYL_ERR_UNSUPPORTED, "%s has no " symbol, path); \
    }
    CLOSED_API_MAP(CLOSED_FIND)
#undef CLOSED_FIND
    return HYL_OK;
}

hyl_status closed_api_check(const closed_api *api, closed_error *error, hyl_error *err)
{
    closed_field field = {0, {0}};
    if (error == NULL) {
        return HYL_OK;
    }
    closed_error *second = api->error_field(error, CLOSED_FIELD_MESSAGE, &field);
    hyl_status status =
        cli_fail(err, HYL_ERR_SERVER, "the closed library: %s",
                 second == NULL && field.value.text != NULL ? field.value.text : "no message");
    api->error_free(second);
    api->error_free(error);
    return status;
}
