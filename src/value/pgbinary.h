/* Values from PostgreSQL's big-endian binary format. */
#ifndef HYL_VALUE_PGBINARY_H
#define HYL_VALUE_PGBINARY_H

#include <hyperline/types.h>

/* hyl_value_decode for format 1. */
HYL_NODISCARD hyl_status hyl__pg_decode(hyl_type type, hyl_bytes bytes, hyl_buf *scratch,
                                        hyl_value *out, hyl_error *err);

#endif
