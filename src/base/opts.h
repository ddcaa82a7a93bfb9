/* Option structs, as callers of older and newer versions of the library fill them in. */
#ifndef HYL_BASE_OPTS_H
#define HYL_BASE_OPTS_H

#include <hyperline/base.h>

/*
 * Reads a caller's option struct, whose first member is `size_t struct_size`, over the defaults that
 * `out`, a struct of `size` bytes, has. `given` may be NULL. A smaller one is an older caller's: what
 * it lacks keeps its default. A larger one is a newer caller's: it is taken where all that is not
 * known here is zero. out->struct_size is `size` afterwards. A struct grows at its end, and never
 * into its padding. `init` is the name of its initializer, for the message.
 * Errors: ARG (struct_size not set; an option that is not known here).
 */
HYL_NODISCARD hyl_status hyl__opts_read(void *out, size_t size, const void *given, const char *init,
                                        hyl_error *err);

#endif
