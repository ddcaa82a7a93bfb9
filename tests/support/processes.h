/* Processes for tests: small fake programs, waiting for an end, counting. Every function fails the
 * test rather than return an error. */
#ifndef HYL_TESTS_SUPPORT_PROCESSES_H
#define HYL_TESTS_SUPPORT_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

/* Writes a file with this text and mode into the test folder; returns its path (test_path). */
const char *test_script(const char *name, int mode, const char *text);

/* A descriptor that becomes readable when the process ends. */
int test_pidfd(pid_t pid);
/* Waits until that happens; false after `timeout_ms`. */
bool test_wait_end(int pidfd, int timeout_ms);

/* How many processes have `text` somewhere in their command line. Zombies have none. */
int test_count_processes(const char *text);

/* Whether any child of this process is left, ended or not. */
bool test_has_children(void);

/* Reads what a process wrote into a FIFO of the test folder, as a number: opening waits for it. */
pid_t test_read_fifo(const char *path);
const char *test_fifo(const char *name);

#endif
