#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Defined here; the analyzer's macros are for those who call them. */
#undef cli_fail
#undef cli_fail_errno
#undef cli_fail_nomem

/* Cuts text that filled its field back to a character's boundary. */
static void trim_partial_character(char *text, size_t len)
{
    size_t lead = len;
    while (lead > 0 && len - lead < 3 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80) {
        lead--;
    }
    if (lead == 0 || (unsigned char)text[lead - 1] < 0xc0) {
        return;
    }
    unsigned char first = (unsigned char)text[lead - 1];
    size_t want = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (len - (lead - 1) < want) {
        text[lead - 1] = '\0';
    }
}

static void format_at(hyl_error *err, size_t at, const char *format, va_list args)
{
    size_t room = sizeof err->message - at;
    int written = vsnprintf(err->message + at, room, format, args);
    if (written >= 0 && (size_t)written >= room) {
        trim_partial_character(err->message, sizeof err->message - 1);
    }
}

static void set_error(hyl_error *err, hyl_status status, const char *format, va_list args)
{
    hyl_error_clear(err);
    err->status = status;
    format_at(err, 0, format, args);
}

hyl_status cli_fail(hyl_error *err, hyl_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        set_error(err, status, format, args);
        va_end(args);
    }
    return status;
}

hyl_status cli_fail_errno(hyl_error *err, int sys_errno, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        set_error(err, HYL_ERR_IO, format, args);
        va_end(args);
        err->sys_errno = sys_errno;
        cli_error_append(err, ": %s", strerror(sys_errno));
    }
    return HYL_ERR_IO;
}

hyl_status cli_fail_nomem(hyl_error *err)
{
    return cli_fail(err, HYL_ERR_NOMEM, "out of memory");
}

void cli_error_prefix(hyl_error *err, const char *format, ...)
{
    if (err == NULL) {
        return;
    }
    char old[sizeof err->message];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, format);
    format_at(err, 0, format, args);
    va_end(args);
    cli_error_append(err, "%s", old);
}

void cli_error_append(hyl_error *err, const char *format, ...)
{
    if (err == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    format_at(err, strlen(err->message), format, args);
    va_end(args);
}
