/*
 * A child process that ends with this one, whose output is kept and whose end is known.
 *
 * Each has a thread, which forks it and stays until it has ended: the kernel's signal at a parent's
 * death (PR_SET_PDEATHSIG) is sent when the thread that forked ends, so no thread of the caller's
 * will do. A second thread reads the child's output all the time, since a full pipe would stop it.
 */
#ifndef HYL_ADMIN_PROCESS_H
#define HYL_ADMIN_PROCESS_H

#include <hyperline/base.h>

typedef struct hyl__process hyl__process;

typedef struct hyl__process_spec {
    const char *path;        /* of the program; not searched for */
    char *const *argv;       /* NULL-terminated, as in execve */
    char *const *envp;       /* NULL-terminated */
    const char *working_dir; /* NULL: this process's */
} hyl__process_spec;

/*
 * Starts the program in a session of its own, with nothing to read and no descriptor but its
 * output. Returns when it is executed. Errors: IO (it cannot be executed, with the reason; no
 * thread or process), TIMEOUT, NOMEM. Lifetime: the spec's memory is
 * not needed after the return.
 */
hyl_status hyl__process_start(const hyl__process_spec *spec, int64_t deadline_ms,
                              hyl__process **out, hyl_error *err);

int32_t hyl__process_pid(const hyl__process *process);
/* A descriptor that becomes readable when the process has ended. Lifetime: until
 * hyl__process_end. */
int hyl__process_exit_fd(const hyl__process *process);
/* Waits until the process has ended and its output is read; false where the deadline passed. */
bool hyl__process_wait(hyl__process *process, int64_t deadline_ms);
/*
 * Writes how the process ended, and its last lines, into `text`; false while it runs. From any
 * thread, after hyl__process_end too.
 */
bool hyl__process_exit_text(hyl__process *process, char *text, size_t cap);
/* Whether it is known to have ended otherwise than with exit status 0. */
bool hyl__process_failed(hyl__process *process);

/* True in the process that started it, false in a forked child, where nothing but
 * hyl__process_release is allowed. */
bool hyl__process_is_ours(const hyl__process *process);

/* Kills the process and what else is in its session's group, where it still runs, and waits for its
 * end. */
void hyl__process_end(hyl__process *process);

/* The memory is reference-counted; hyl__process_start gives one reference. The last one may be
 * released only after hyl__process_end, or in a forked child. NULL is allowed. */
void hyl__process_retain(hyl__process *process);
void hyl__process_release(hyl__process *process);

#endif
