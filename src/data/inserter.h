/* How an inserter is made once it is known what goes where. */
#ifndef HYL_DATA_INSERTER_H
#define HYL_DATA_INSERTER_H

#include "loader.h"

/*
 * The caller's options, or the defaults.
 * Errors: ARG.
 */
HYL_NODISCARD hyl_status hyl__insert_opts_read(const hyl_insert_opts *given, hyl_insert_opts *out,
                                               hyl_error *err);

/*
 * Takes the table and insert_sql (of hyl__loader; NULL for COPY), also where it fails.
 * Errors: those of hyl__loader_init.
 */
HYL_NODISCARD hyl_status hyl__inserter_new(hyl_conn *conn, hyl__table *table, char *insert_sql,
                                           const hyl_insert_opts *opts, hyl_inserter **out,
                                           hyl_error *err);

#endif
