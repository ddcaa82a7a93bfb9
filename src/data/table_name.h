/* The name of a table as SQL writes it. */
#ifndef HYL_DATA_TABLE_NAME_H
#define HYL_DATA_TABLE_NAME_H

#include <hyperline/types.h>

/* [database.][schema.]table, each part quoted or not. Views into `text`. */
typedef struct hyl__table_name {
    char *text;       /* the unquoted parts, one after the other */
    hyl_str parts[3]; /* parts[2] is the table's; a part that is not there is empty */
} hyl__table_name;

/*
 * Reads a name. Unquoted parts are letters, digits, '_' and '$', and are folded to lower case, as
 * the server does; in quoted ones a quote is doubled.
 * Errors: ARG (anything else), NOMEM.
 */
HYL_NODISCARD hyl_status hyl__table_name_read(const char *name, hyl__table_name *out,
                                              hyl_error *err);
void hyl__table_name_reset(hyl__table_name *name);

/* Appends the name with all its parts quoted. */
HYL_NODISCARD hyl_status hyl__table_name_write(const hyl__table_name *name, hyl_buf *out,
                                               hyl_error *err);

#endif
