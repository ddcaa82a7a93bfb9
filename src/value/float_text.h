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
/*
 * As PostgreSQL does: the shortest digits that lie between the halves to both neighbours, not on
 * one, so that no reader's way of rounding matters. 1e23 is 9.999999999999999e+22 then.
 */
char *hyl__write_double_open(char *to, double value);
char *hyl__write_float_open(char *to, float value);

#endif
