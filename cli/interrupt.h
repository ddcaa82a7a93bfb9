/*
 * SIGINT, SIGTERM and SIGHUP. The first one asks: `interrupted` becomes true and a running
 * statement is cancelled on the server, so that the command ends in good order. The second one ends
 * the program at once; an own server ends with it.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <hyperline/hyperline.h>

/* Installs the handlers. Call it once, before anything is started. Returns false without
 * resources for it. */
bool interrupt_install(void);
/* Has a signal asked the command to stop? */
bool interrupted(void);
/* 130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP. */
int interrupt_status(void);

/*
 * Where a signal has come: waits until its cancel has been dealt with, five seconds at most. What runs
 * then is not hit by it.
 */
void interrupt_settle(void);

/* What a signal cancels from now on, NULL for nothing: then a signal ends the program at once. */
void interrupt_watch(const hyl_conn *conn);

/* A file to remove where the program ends at once, NULL for none. */
void interrupt_remove(const char *path);

/*
 * Holds signals back on this thread and on those that it starts, and lets them in again: what is
 * half made cannot be removed.
 */
void interrupt_hold(void);
void interrupt_release(void);

/*
 * The socket of an own server, which stands in a folder of its own: both are removed where the
 * program ends at once. NULL for none.
 */
void interrupt_remove_socket(const char *path);

#endif
