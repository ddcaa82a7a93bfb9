/* Filling in hyl_error from the program, which knows the public headers only. */
#ifndef HYPERLINE_CLI_FAIL_H
#define HYPERLINE_CLI_FAIL_H

#include <hyperline/base.h>

/* Fills `err` (which may be NULL) with a status and a formatted message and returns the status. */
hyl_status cli_fail(hyl_error *err, hyl_status status, const char *format, ...) HYL_PRINTF(3, 4);
/* The same for a failed system call: appends ": " and the text of `sys_errno`. */
hyl_status cli_fail_errno(hyl_error *err, int sys_errno, const char *format, ...) HYL_PRINTF(3, 4);
hyl_status cli_fail_nomem(hyl_error *err);

/* Puts a formatted text in front of the message that `err` has. */
void cli_error_prefix(hyl_error *err, const char *format, ...) HYL_PRINTF(2, 3);
/* Appends a formatted text to the message that `err` has. */
void cli_error_append(hyl_error *err, const char *format, ...) HYL_PRINTF(2, 3);

#endif
