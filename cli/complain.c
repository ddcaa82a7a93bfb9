/*
 * Messages on stderr. They hold what servers, files and users have written: the one place where it is
 * made sure that none of it can drive the terminal, or pass for a message of its own.
 */
#include "cli.h"
#include "progress.h"
#include "width.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Without memory: printable ASCII alone. */
static void mask(char *text)
{
    for (; *text != '\0'; text++) {
        *text = *text >= ' ' && *text <= '~' ? *text : '?';
    }
}

/* The text goes out in one piece, so that lines of several programs do not mix. */
static void write_message(const char *prefix, const char *suffix, const char *format, va_list args)
{
    char text[4096];
    hyl_buf visible = HYL_BUF_INIT;
    vsnprintf(text, sizeof text, format, args);
    append_visible_lines(&visible, text, strlen(text));
    hyl_buf_append_byte(&visible, '\0');
    bool failed = hyl_buf_status(&visible) < 0;
    if (failed) {
        mask(text);
    }
    progress_hide();
    fflush(stdout);
    fprintf(stderr, "%s%s%s\n", prefix, failed ? text : (const char *)visible.data, suffix);
    hyl_buf_reset(&visible);
}

void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_message("hyperline: ", "", format, args);
    va_end(args);
}

void complain_more(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_message("", "", format, args);
    va_end(args);
}

void complain_errno(int sys_errno, const char *format, ...)
{
    char suffix[160];
    snprintf(suffix, sizeof suffix, ": %s", strerror(sys_errno));
    va_list args;
    va_start(args, format);
    write_message("hyperline: ", suffix, format, args);
    va_end(args);
}

int complain_nomem(void)
{
    complain("out of memory");
    return STATUS_FAILED;
}
