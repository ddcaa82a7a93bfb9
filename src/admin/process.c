/* pipe2 is an extension. */
#define _GNU_SOURCE

#include "process.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "exec_error.h"
#include "tail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum phase {
    PHASE_STARTING,
    PHASE_RUNNING, /* executed */
    PHASE_ENDED,   /* reaped, output read; or never started */
} phase;

/* What failed between fork and exec, or before. */
typedef enum stage {
    STAGE_NONE,
    STAGE_PIPE,
    STAGE_FORK,
    STAGE_THREAD,
    STAGE_SETUP,
    STAGE_FOLDER,
    STAGE_EXEC,
} stage;

typedef struct start_failure {
    stage stage;
    int sys_errno;
} start_failure;

struct hyl__process {
    atomic_int references;
    pid_t owner;          /* the process that started it */
    pthread_t thread;     /* forks and waits; it has another one read */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    phase phase;
    start_failure failure;
    bool reaped;
    bool status_known; /* false where someone else waited for our child */
    int wait_status;
    hyl__tail tail;
    /* Written before the phase leaves STARTING, unchanged afterwards. */
    pid_t pid;
    int output;   /* the pipe's end that the reader reads */
    int ended;    /* a pipe's end that is readable once the child has ended */
    int ended_to; /* its other end */
};

/* What the thread needs to start the child; gone once the child is executed or has failed. */
typedef struct launch {
    hyl__process *process;
    const hyl__process_spec *spec;
    int null_fd;
    int output_fd; /* the child's end of the output pipe */
    int report_fd; /* where the child writes why it could not be executed */
    int report_from;
} launch;

static void close_if_open(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

/* ---- The child, between fork and exec: async-signal-safe calls only ---------------------------
 */

static _Noreturn void child_fail(const launch *l, stage where)
{
    const start_failure failure = {where, errno};
    ssize_t written = 0;
    do {
        written = write(l->report_fd, &failure, sizeof failure);
    } while (written < 0 && errno == EINTR);
    _exit(127);
}

/* Ends this process when the thread that forked it ends, now where it has ended already. SIGTERM
 * lets hyperd remove its socket; it obeys at once, in a query too. */
static void child_tie_to_parent(const launch *l)
{
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
        child_fail(l, STAGE_SETUP);
    }
    /* 0: a parent outside of this process's namespace, which is still there. */
    pid_t parent = getppid();
    if (parent != l->process->owner && parent != 0) {
        _exit(127);
    }
}

/* What is ignored or blocked here would stay so in the program. */
static void child_reset_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++) {
        (void)sigaction(number, &action, NULL);
    }
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Descriptors that the host left open must not live on in the server: a port would stay taken. Old
 * kernels cannot do it; there they are inherited. */
static void child_close_descriptors(void)
{
#ifdef SYS_close_range
    enum { CLOEXEC_INSTEAD = 4 }; /* CLOSE_RANGE_CLOEXEC */
    (void)syscall(SYS_close_range, 3U, UINT_MAX, CLOEXEC_INSTEAD);
#endif
}

static _Noreturn void child_run(const launch *l)
{
    child_tie_to_parent(l);
    child_reset_signals();
    /* Away from the terminal: its Ctrl-C is for the program, and no password can be asked there. */
    if (setsid() < 0 || dup2(l->null_fd, STDIN_FILENO) < 0 ||
        dup2(l->output_fd, STDOUT_FILENO) < 0 || dup2(l->output_fd, STDERR_FILENO) < 0) {
        child_fail(l, STAGE_SETUP);
    }
    child_close_descriptors();
    if (l->spec->working_dir != NULL && chdir(l->spec->working_dir) != 0) {
        child_fail(l, STAGE_FOLDER);
    }
    (void)execve(l->spec->path, l->spec->argv, l->spec->envp);
    child_fail(l, STAGE_EXEC);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* A descriptor that is none of the three standard ones: those of the child are made from it. */
static int above_standard(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void)close(fd);
    return moved;
}

static bool make_pipe(int *from, int *to)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    *from = above_standard(ends[0]);
    *to = above_standard(ends[1]);
    return *from >= 0 && *to >= 0;
}

static bool open_descriptors(launch *l)
{
    hyl__process *process = l->process;
    if (!make_pipe(&process->output, &l->output_fd) ||
        !make_pipe(&process->ended, &process->ended_to) ||
        !make_pipe(&l->report_from, &l->report_fd)) {
        return false;
    }
    /* Only this end: the child's writes are to wait for room. */
    if (fcntl(process->output, F_SETFL, O_NONBLOCK) != 0) {
        return false;
    }
    l->null_fd = above_standard(open("/dev/null", O_RDONLY | O_CLOEXEC));
    return l->null_fd >= 0;
}

static void close_launch(launch *l)
{
    close_if_open(&l->null_fd);
    close_if_open(&l->output_fd);
    close_if_open(&l->report_fd);
    close_if_open(&l->report_from);
}

static void set_phase(hyl__process *process, phase to, start_failure failure)
{
    pthread_mutex_lock(&process->lock);
    process->phase = to;
    if (failure.stage != STAGE_NONE) {
        process->failure = failure;
    }
    pthread_cond_broadcast(&process->changed);
    pthread_mutex_unlock(&process->lock);
}

static start_failure fork_child(launch *l)
{
    hyl__process *process = l->process;
    if (!open_descriptors(l)) {
        return (start_failure){STAGE_PIPE, errno};
    }
    pid_t pid = fork();
    if (pid == 0) {
        child_run(l);
    }
    if (pid < 0) {
        return (start_failure){STAGE_FORK, errno};
    }
    pthread_mutex_lock(&process->lock);
    process->pid = pid;
    pthread_mutex_unlock(&process->lock);
    return (start_failure){STAGE_NONE, 0};
}

/* Waits until the child is executed (the report pipe closes) or says why it cannot be. */
static start_failure await_exec(launch *l)
{
    start_failure failure = {STAGE_NONE, 0};
    close_if_open(&l->report_fd);
    ssize_t got = 0;
    do {
        got = read(l->report_from, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof failure ? failure : (start_failure){STAGE_NONE, 0};
}

/* Reads what there is; false once the pipe has ended. */
static bool read_output(hyl__process *process)
{
    char bytes[4096];
    for (;;) {
        ssize_t got = read(process->output, bytes, sizeof bytes);
        if (got > 0) {
            pthread_mutex_lock(&process->lock);
            hyl__tail_add(&process->tail, bytes, (size_t)got);
            pthread_mutex_unlock(&process->lock);
        } else if (got == 0 || errno != EINTR) {
            return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        }
    }
}

/* The reader: keeps the output until the process has ended. The pipe's end tells nothing: others may
 * hold it, and a process may close it. */
static void *read_until_ended(void *arg)
{
    hyl__process *process = arg;
    struct pollfd both[] = {
        {.fd = process->ended, .events = POLLIN},
        {.fd = process->output, .events = POLLIN},
    };
    while (both[0].revents == 0) {
        if (poll(both, 2, -1) < 0) {
            both[0].revents = 0;
            both[1].revents = 0;
        } else if (both[1].revents != 0 && !read_output(process)) {
            both[1].fd = -1;
        }
    }
    (void)read_output(process);
    return NULL;
}

/* Waits until this child has ended and leaves it unreaped, so that its number stays its own. */
static void await_end(const hyl__process *process)
{
    siginfo_t info;
    int failure = 0;
    do {
        failure = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOWAIT);
    } while (failure != 0 && errno == EINTR);
}

/* A byte, not the pipe's end: a forked child of the host holds a copy of that. */
static void tell_ended(const hyl__process *process)
{
    ssize_t written = 0;
    do {
        written = write(process->ended_to, "", 1);
    } while (written < 0 && errno == EINTR);
}

/* Waits for this child and no other; it has ended. The lock keeps hyl__process_end from signalling
 * a number that is free again. */
static void reap(hyl__process *process)
{
    pthread_mutex_lock(&process->lock);
    pid_t got = 0;
    do {
        got = waitpid(process->pid, &process->wait_status, 0);
    } while (got < 0 && errno == EINTR);
    process->reaped = true;
    process->status_known = got == process->pid;
    pthread_mutex_unlock(&process->lock);
}

/* Starts the child and the reader. *forked tells whether there is a child to be reaped. */
static start_failure start_child(launch *l, pthread_t *reader, bool *forked)
{
    hyl__process *process = l->process;
    start_failure failure = fork_child(l);
    *forked = failure.stage == STAGE_NONE;
    if (failure.stage == STAGE_NONE) {
        failure = await_exec(l);
    }
    if (failure.stage == STAGE_NONE) {
        failure.sys_errno = pthread_create(reader, NULL, read_until_ended, process);
        if (failure.sys_errno != 0) {
            failure.stage = STAGE_THREAD;
            (void)kill(process->pid, SIGKILL);
        }
    }
    return failure;
}

/* From the start of the child to its end. */
static void *run(void *arg)
{
    launch *l = arg;
    hyl__process *process = l->process;
    pthread_t reader;
    bool forked = false;
    start_failure failure = start_child(l, &reader, &forked);
    close_launch(l);
    hyl__free(l);
    if (failure.stage == STAGE_NONE) {
        set_phase(process, PHASE_RUNNING, failure);
        await_end(process);
        tell_ended(process);
        pthread_join(reader, NULL);
    }
    if (forked) {
        reap(process);
    }
    set_phase(process, PHASE_ENDED, failure);
    return NULL;
}

/* ---- Starting -------------------------------------------------------------------------------- */

static bool init_sync(hyl__process *process)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&process->changed, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    if (made && pthread_mutex_init(&process->lock, NULL) != 0) {
        pthread_cond_destroy(&process->changed);
        made = false;
    }
    return made;
}

static hyl__process *new_process(void)
{
    hyl__process *process = hyl__calloc(1, sizeof *process);
    if (process == NULL) {
        return NULL;
    }
    if (!init_sync(process)) {
        hyl__free(process);
        return NULL;
    }
    atomic_init(&process->references, 1);
    process->owner = getpid();
    process->output = -1;
    process->ended = -1;
    process->ended_to = -1;
    return process;
}

/* Starts the thread with every signal blocked: the host's handlers are not for it. */
static int start_thread(hyl__process *process, launch *l)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failure == 0) {
        failure = pthread_create(&process->thread, NULL, run, l);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return failure;
}

static struct timespec timespec_of(int64_t deadline_ms)
{
    struct timespec time = {
        .tv_sec = (time_t)(deadline_ms / 1000),
        .tv_nsec = (long)(deadline_ms % 1000) * 1000000,
    };
    return time;
}

/* Waits, with the lock held, until the phase is at least `wanted`. */
static bool wait_phase(hyl__process *process, phase wanted, int64_t deadline_ms)
{
    const struct timespec until = timespec_of(deadline_ms);
    while (process->phase < wanted) {
        int failure = deadline_ms == HYL__NO_DEADLINE
                          ? pthread_cond_wait(&process->changed, &process->lock)
                          : pthread_cond_timedwait(&process->changed, &process->lock, &until);
        if (failure == ETIMEDOUT) {
            return process->phase >= wanted;
        }
    }
    return true;
}

static hyl_status fail_start(start_failure failure, const hyl__process_spec *spec, hyl_error *err)
{
    switch (failure.stage) {
    case STAGE_EXEC:
        return hyl__fail_exec(err, spec->path, failure.sys_errno);
    case STAGE_FOLDER:
        return hyl__fail_errno(err, HYL_ERR_IO, failure.sys_errno, "cannot run %s in the folder %s",
                               spec->path, spec->working_dir);
    case STAGE_NONE:
    case STAGE_PIPE:
    case STAGE_FORK:
    case STAGE_THREAD:
    case STAGE_SETUP:
        break;
    }
    return hyl__fail_errno(err, HYL_ERR_IO, failure.sys_errno, "cannot start a process for %s",
                           spec->path);
}

static hyl_status await_start(hyl__process *process, const hyl__process_spec *spec,
                              int64_t deadline_ms, hyl_error *err)
{
    pthread_mutex_lock(&process->lock);
    bool in_time = wait_phase(process, PHASE_RUNNING, deadline_ms);
    start_failure failure = process->failure;
    pthread_mutex_unlock(&process->lock);
    if (!in_time) {
        return hyl__fail(err, HYL_ERR_TIMEOUT, "deadline passed while starting %s", spec->path);
    }
    return failure.stage == STAGE_NONE ? HYL_OK : fail_start(failure, spec, err);
}

hyl_status hyl__process_start(const hyl__process_spec *spec, int64_t deadline_ms,
                              hyl__process **out, hyl_error *err)
{
    hyl__process *process = new_process();
    launch *l = hyl__calloc(1, sizeof *l);
    if (process == NULL || l == NULL) {
        hyl__process_release(process);
        hyl__free(l);
        return hyl__fail_nomem(err);
    }
    *l = (launch){process, spec, -1, -1, -1, -1};
    int failure = start_thread(process, l);
    if (failure != 0) {
        hyl__process_release(process);
        hyl__free(l);
        return hyl__fail_errno(err, HYL_ERR_IO, failure, "cannot start a thread");
    }
    hyl_status status = await_start(process, spec, deadline_ms, err);
    if (status != HYL_OK) {
        hyl__process_end(process);
        hyl__process_release(process);
        return status;
    }
    *out = process;
    return HYL_OK;
}

/* ---- What is known of it --------------------------------------------------------------------- */

int32_t hyl__process_pid(const hyl__process *process)
{
    return process->pid;
}

int hyl__process_exit_fd(const hyl__process *process)
{
    return process->ended;
}

bool hyl__process_is_ours(const hyl__process *process)
{
    return process->owner == getpid();
}

bool hyl__process_wait(hyl__process *process, int64_t deadline_ms)
{
    pthread_mutex_lock(&process->lock);
    bool ended = wait_phase(process, PHASE_ENDED, deadline_ms);
    pthread_mutex_unlock(&process->lock);
    return ended;
}

bool hyl__process_failed(hyl__process *process)
{
    pthread_mutex_lock(&process->lock);
    bool succeeded = WIFEXITED(process->wait_status) && WEXITSTATUS(process->wait_status) == 0;
    bool failed = process->phase == PHASE_ENDED && process->status_known && !succeeded;
    pthread_mutex_unlock(&process->lock);
    return failed;
}

static const struct {
    int number;
    const char *name;
} signal_names[] = {
    {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
    {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"},
    {SIGSEGV, "SIGSEGV"}, {SIGPIPE, "SIGPIPE"}, {SIGTERM, "SIGTERM"}, {SIGXCPU, "SIGXCPU"},
    {SIGSYS, "SIGSYS"},   {SIGTRAP, "SIGTRAP"},
};

static void describe_signal(int number, char *text, size_t cap)
{
    for (size_t i = 0; i < sizeof signal_names / sizeof signal_names[0]; i++) {
        if (signal_names[i].number == number) {
            snprintf(text, cap, "ended by %s", signal_names[i].name);
            return;
        }
    }
    snprintf(text, cap, "ended by signal %d", number);
}

static void describe_status(const hyl__process *process, char *text, size_t cap)
{
    int status = process->wait_status;
    if (!process->status_known) {
        snprintf(text, cap,
                 "exit status not known (this program ignores SIGCHLD or waits for "
                 "every child)");
    } else if (WIFSIGNALED(status)) {
        describe_signal(WTERMSIG(status), text, cap);
    } else {
        snprintf(text, cap, "exit status %d", WEXITSTATUS(status));
    }
}

bool hyl__process_exit_text(hyl__process *process, char *text, size_t cap)
{
    static const char intro[] = ", last output: ";
    pthread_mutex_lock(&process->lock);
    bool ended = process->phase == PHASE_ENDED;
    if (ended) {
        describe_status(process, text, cap);
        size_t used = strlen(text);
        if (process->tail.len > 0 && cap - used > sizeof intro + 1) {
            memcpy(text + used, intro, sizeof intro);
            hyl__tail_lines(&process->tail, text + used + sizeof intro - 1,
                            cap - used - (sizeof intro - 1));
        }
    }
    pthread_mutex_unlock(&process->lock);
    return ended;
}

/* ---- The end --------------------------------------------------------------------------------- */

static void close_descriptors(hyl__process *process)
{
    close_if_open(&process->output);
    close_if_open(&process->ended);
    close_if_open(&process->ended_to);
}

void hyl__process_end(hyl__process *process)
{
    pthread_mutex_lock(&process->lock);
    /* Not reaped: the number is still our child's, and its group's. */
    if (process->pid > 0 && !process->reaped) {
        (void)kill(-process->pid, SIGKILL);
        (void)kill(process->pid, SIGKILL);
    }
    pthread_mutex_unlock(&process->lock);
    pthread_join(process->thread, NULL);
    close_descriptors(process);
}

void hyl__process_retain(hyl__process *process)
{
    atomic_fetch_add(&process->references, 1);
}

void hyl__process_release(hyl__process *process)
{
    if (process == NULL || atomic_fetch_sub(&process->references, 1) != 1) {
        return;
    }
    close_descriptors(process);
    /* A forked child has copies, perhaps as the thread used them. */
    if (hyl__process_is_ours(process)) {
        pthread_cond_destroy(&process->changed);
        pthread_mutex_destroy(&process->lock);
    }
    hyl__free(process);
}
