/* SQL's names of types, for options. */
#ifndef HYPERLINE_CLI_TYPE_NAME_H
#define HYPERLINE_CLI_TYPE_NAME_H

#include <hyperline/types.h>

/*
 * Reads a type's name, in any case: those of the type table, the usual other ones (int, int4, float8,
 * bool, varchar, bytea ...), and numeric(p,s), varchar(n), char(n). False where there is no such
 * type, or none that a column loaded from text can have (arrays, geography, uuid).
 */
bool type_name_parse(hyl_str text, hyl_type *out);

#endif
