/* Messages on stderr. */
#include "cli.h"
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The text goes out in one piece, so that lines of several programs do not mix. */
static void write_message(const char *prefix, const char *suffix, const char *format, va_list args)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, args);
    progress_hide();
    fflush(stdout);
    fprintf(stderr, "%s%s%s\n", prefix, text, suffix);
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
