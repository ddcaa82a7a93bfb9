/* What the catalog says of a table, for an inserter's connection to the in-memory peer. */
#ifndef HYL_TESTS_SUPPORT_MEM_TABLE_H
#define HYL_TESTS_SUPPORT_MEM_TABLE_H

#include "support/mem_conn.h"

#include "data/table.h"

/* The answer to the question that hyl__table_read asks. */
void mem_say_table(mem_conn *mem, const hyl__table_column *columns, size_t count);
/* The answer to COPY FROM STDIN. */
void mem_say_copy_in(mem_conn *mem);

#endif
