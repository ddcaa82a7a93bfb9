/* The server's errors as errors of the caller. */
#ifndef HYL_WIRE_DIAG_H
#define HYL_WIRE_DIAG_H

#include <hyperline/wire.h>

/*
 * Fills `err` with an ErrorResponse: SERVER, FROM_SERVER, RETRYABLE where the SQLSTATE says so.
 * Missing fields become ERROR, 00000, "unknown error". Returns SERVER.
 */
hyl_status hyl__fail_server(hyl_error *err, const hyl_msg_diag *diag);

/*
 * Makes `out` a copy of `diag` whose texts live in `texts`, which is cleared first, each with a NUL
 * behind it.
 * Errors: NOMEM (`out` is then empty).
 */
hyl_status hyl__diag_copy(const hyl_msg_diag *diag, hyl_buf *texts, hyl_msg_diag *out);

#endif
