/* The floor of inserts: the fastest way in which rows that are encoded already can be sent. */
#ifndef BENCH_FLOOR_PLAN_H
#define BENCH_FLOOR_PLAN_H

#include "encode.h"
#include "floor.h"

enum { FLOOR_PLAN_TEXT_MAX = 64 };

/* As "arrowstream, messages of 512 kB", and back. */
void floor_plan_format(const encode_plan *plan, char text[FLOOR_PLAN_TEXT_MAX]);
/* Errors: ARG. */
HYL_NODISCARD hyl_status floor_plan_parse(const char *text, encode_plan *out, hyl_error *err);

/*
 * Tries both formats with messages of 64 kB to 8 MB, several times in turn, on a part of the rows:
 * the plan whose fastest run was the fastest of all. Empties the table.
 * Errors: those of floor_open and floor_copy_in; NOMEM.
 */
HYL_NODISCARD hyl_status floor_plan_search(const bench_place *place, const char *table,
                                           batches_kind kind, encode_plan *out, hyl_error *err);

/* Empties the table, then sends rows as floor_copy_in does. The messages are those of the plan. */
HYL_NODISCARD hyl_status floor_empty(floor_conn *conn, const char *table, hyl_error *err);
HYL_NODISCARD hyl_status floor_fill(floor_conn *conn, const char *table, encode_format format,
                                    hyl_bytes messages, int64_t rows, hyl_error *err);

#endif
