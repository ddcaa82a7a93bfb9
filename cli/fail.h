/* Filling in hyl_error from the program, which knows the public headers only. */
#ifndef HYPERLINE_CLI_FAIL_H
#define HYPERLINE_CLI_FAIL_H

#include <hyperline/base.h>

/* Fills `err` (which may be NULL) with a status and a formatted message and returns the status. */
hyl_status cli_fail(hyl_error *err, hyl_status status, const char *format, ...) HYL_PRINTF(3, 4);
/* The same for a failed system call: appends ": " and the text of `sys_errno`. */
hyl_status cli_fail_errno(hyl_error *err, int sys_errno, const char *format, ...) HYL_PRINTF(3, 4);
hyl_status cli_fail_nomem(hyl_error *err);

#ifdef __clang_analyzer__
/* The static analyzer sees one file at a time: this tells it what they return. */
#define cli_fail(err, status, ...) ((void)(cli_fail)(err, status, __VA_ARGS__), (status))
#define cli_fail_errno(err, errno_, ...) \
    ((void)(cli_fail_errno)(err, errno_, __VA_ARGS__), HYL_ERR_IO)
#define cli_fail_nomem(err) ((void)(cli_fail_nomem)(err), HYL_ERR_NOMEM)
#endif

/* Puts a formatted text in front of the message that `err` has. */
void cli_error_prefix(hyl_error *err, const char *format, ...) HYL_PRINTF(2, 3);
/* Appends a formatted text to the message that `err` has. */
void cli_error_append(hyl_error *err, const char *format, ...) HYL_PRINTF(2, 3);

#endif
