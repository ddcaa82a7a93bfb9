/* Doubles and reals as text: the shortest digits that read back the same. */
#ifndef HYL_VALUE_FLOAT_TEXT_H
#define HYL_VALUE_FLOAT_TEXT_H

#include <hyperline/types.h>

/*
 * Writes the number as the server does under extra_float_digits=3; `to` has room for
 * HYL__SCALAR_TEXT_MAX. Returns the end.
 */
char *hyl__write_double(char *to, double value);
char *hyl__write_float(char *to, float value);

#endif
