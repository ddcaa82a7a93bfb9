/* Filling in hyl_error. */
#ifndef HYL_BASE_ERROR_H
#define HYL_BASE_ERROR_H

#include <hyperline/base.h>

/*
 * Fills `err` (which may be NULL) with a status and a formatted message and returns the status, so
 * that a failure is one line: `return hyl__fail(err, HYL_ERR_ARG, "column %zu: ...", i);`
 */
hyl_status hyl__fail(hyl_error *err, hyl_status status, const char *format, ...) HYL_PRINTF(3, 4);
/*
 * The same for a failed system call: appends ": " and the text of `sys_errno` and keeps the number.
 */
hyl_status hyl__fail_errno(hyl_error *err, hyl_status status, int sys_errno, const char *format,
                           ...) HYL_PRINTF(4, 5);
/* NOMEM, with the message that every such failure has. */
hyl_status hyl__fail_nomem(hyl_error *err);

/* Puts a formatted text and ": " in front of the message that `err` has. */
void hyl__error_prefix(hyl_error *err, const char *format, ...) HYL_PRINTF(2, 3);

/* Puts a text behind the message that `err` has, as far as there is room. */
void hyl__error_append(hyl_error *err, const char *text);

/* Sets flags (HYL_ERROR_...) on `err` and returns its status, to be chained after hyl__fail. */
hyl_status hyl__error_flag(hyl_error *err, hyl_status status, unsigned flags);

/*
 * What a function of the program's own has returned, below 0: with its words in `err`, or with
 * `otherwise` where it has none. Returns the status.
 */
hyl_status hyl__fail_of_callback(hyl_error *err, hyl_status status, const char *otherwise);

#ifdef __clang_analyzer__
/*
 * The static analyzer sees one file at a time: this tells it that they return what they are given.
 */
#define hyl__fail(err, status, ...) ((void)(hyl__fail)(err, status, __VA_ARGS__), (status))
#define hyl__fail_errno(err, status, errno_, ...) \
    ((void)(hyl__fail_errno)(err, status, errno_, __VA_ARGS__), (status))
#define hyl__fail_nomem(err) ((void)(hyl__fail_nomem)(err), HYL_ERR_NOMEM)
#endif

/*
 * Copies text of known length into a fixed field, cut at a UTF-8 character's boundary,
 * NUL-terminated.
 */
void hyl__copy_text(char *dst, size_t cap, const char *src, size_t len);

#endif
