/* What every part of the program shares: commands, exit statuses, messages. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <hyperline/base.h>

/* X(name, summary): a command is a line here and a function cmd_NAME. */
#define COMMAND_MAP(X)                            \
    X(query, "run SQL and print what it returns") \
    X(load, "read a CSV or Arrow file into a table")

/* Runs a command. argv[0] is its name. Returns the program's exit status. */
#define DECLARE_COMMAND(name, summary) int cmd_##name(int argc, char **argv);
COMMAND_MAP(DECLARE_COMMAND)
#undef DECLARE_COMMAND

/* Exit statuses. An interrupted command ends with 128 and the signal's number, as shells have it:
 * 130 after Ctrl-C. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* Writes "hyperline: " and the formatted text as a line on stderr. What would drive the terminal is
 * shown as an escape, further lines are indented. A progress line that is shown is erased first. */
void complain(const char *format, ...) HYL_PRINTF(1, 2);
/* Writes a further line that belongs to what was complained about, without the program's name. */
void complain_more(const char *format, ...) HYL_PRINTF(1, 2);
/* complain with errno's text behind it. */
void complain_errno(int sys_errno, const char *format, ...) HYL_PRINTF(2, 3);
/* The complaint about a lack of memory; returns STATUS_FAILED. */
int complain_nomem(void);

#endif
