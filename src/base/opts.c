#include "opts.h"

#include "error.h"

#include <string.h>

/* No struct of options is that large: its struct_size was never set. */
enum { MAX_SIZE = 4096 };

static bool is_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

hyl_status hyl__opts_read(void *out, size_t size, const void *given, const char *init,
                          hyl_error *err)
{
    size_t given_size = 0;
    if (given == NULL) {
        return HYL_OK;
    }
    memcpy(&given_size, given, sizeof given_size);
    if (given_size < sizeof given_size || given_size > MAX_SIZE) {
        return hyl__fail(err, HYL_ERR_ARG, "struct_size of the options is not set: start from %s",
                         init);
    }
    if (given_size > size && !is_zero((const uint8_t *)given + size, given_size - size)) {
        return hyl__fail(err, HYL_ERR_ARG,
                         "the options, which started from %s, ask for something that this version "
                         "of the library does not know",
                         init);
    }
    memcpy(out, given, given_size < size ? given_size : size);
    memcpy(out, &size, sizeof size);
    return HYL_OK;
}
