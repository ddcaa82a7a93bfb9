#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CANCEL_TIMEOUT_MS = 5000 };

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

static atomic_int received;  /* the signal, 0 before one came */
static atomic_bool watching; /* there is something to cancel */
static char stale[PATH_MAX]; /* the file to remove */
static atomic_bool has_stale;
static char socket_files[4][PATH_MAX]; /* an own server's socket, pid file, callback and lock */
static char socket_folder[PATH_MAX];
static atomic_bool has_socket;
static int wake_up[2]; /* a pipe from the handler to the thread that cancels */

/* Guards what the thread that cancels shares with the others. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t on_settled = PTHREAD_COND_INITIALIZER;
static hyl_canceller *canceller;
static bool settled; /* a signal's cancel is over */

bool interrupted(void)
{
    return atomic_load(&received) != 0;
}

int interrupt_status(void)
{
    return 128 + atomic_load(&received);
}

/* Only what POSIX allows in a handler. */
static void end_at_once(int number)
{
    if (atomic_load(&has_stale)) {
        unlink(stale);
    }
    if (atomic_load(&has_socket)) {
        for (size_t i = 0; i < sizeof socket_files / sizeof socket_files[0]; i++) {
            unlink(socket_files[i]);
        }
        rmdir(socket_folder);
    }
    _exit(128 + number);
}

static void on_signal(int number)
{
    int saved = errno;
    int before = 0;
    if (!atomic_compare_exchange_strong(&received, &before, number) || !atomic_load(&watching)) {
        end_at_once(number);
    }
    if (write(wake_up[1], "", 1) != 1) {
        end_at_once(number);
    }
    errno = saved;
}

/* Keeps a write to a closed pipe from killing the program. Not SIG_IGN: that would be inherited by
 * a server that is started. */
static void on_broken_pipe(int number)
{
    (void)number;
}

static void *cancel_when_woken(void *unused)
{
    (void)unused;
    char byte;
    while (read(wake_up[0], &byte, 1) < 0 && errno == EINTR) {
    }
    pthread_mutex_lock(&lock);
    if (canceller != NULL) {
        /* Where it cannot be sent the statement goes on, and a second signal ends the program. */
        hyl_status status = hyl_cancel(canceller, CANCEL_TIMEOUT_MS, NULL);
        (void)status;
    }
    settled = true;
    pthread_cond_broadcast(&on_settled);
    pthread_mutex_unlock(&lock);
    return NULL;
}

void interrupt_settle(void)
{
    pthread_mutex_lock(&lock);
    while (interrupted() && !settled) {
        pthread_cond_wait(&on_settled, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* A signal that was ignored when the program started (nohup) stays ignored. */
static void handle(int number, void (*handler)(int))
{
    struct sigaction old;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
        sigaction(number, &action, NULL);
    }
}

bool interrupt_install(void)
{
    pthread_t thread;
    /* The thread that cancels takes no signals itself. */
    interrupt_hold();
    if (pipe(wake_up) != 0 || fcntl(wake_up[0], F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(wake_up[1], F_SETFD, FD_CLOEXEC) != 0 ||
        pthread_create(&thread, NULL, cancel_when_woken, NULL) != 0) {
        return false;
    }
    pthread_detach(thread);
    interrupt_release();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        handle(signals[i], on_signal);
    }
    handle(SIGPIPE, on_broken_pipe);
    return true;
}

void interrupt_watch(const hyl_conn *conn)
{
    hyl_canceller *fresh = NULL;
    if (conn != NULL && hyl_canceller_new(conn, &fresh, NULL) < 0) {
        fresh = NULL;
    }
    pthread_mutex_lock(&lock);
    hyl_canceller *old = canceller;
    canceller = fresh;
    pthread_mutex_unlock(&lock);
    hyl_canceller_free(old);
    atomic_store(&watching, fresh != NULL);
}

void interrupt_remove(const char *path)
{
    atomic_store(&has_stale, false);
    const size_t len = path == NULL ? sizeof stale : strlen(path);
    if (len < sizeof stale) {
        memcpy(stale, path, len + 1);
        atomic_store(&has_stale, true);
    }
}

/* ---- What is half made --------------------------------------------------------------------- */

static void mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        sigaddset(&set, signals[i]);
    }
    pthread_sigmask(how, &set, NULL);
}

void interrupt_hold(void)
{
    mask(SIG_BLOCK);
}

void interrupt_release(void)
{
    mask(SIG_UNBLOCK);
}

void interrupt_remove_socket(const char *path)
{
    atomic_store(&has_socket, false);
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash == NULL || strlen(path) + sizeof "/callback" > sizeof socket_folder) {
        return;
    }
    const int folder = (int)(slash - path);
    snprintf(socket_folder, sizeof socket_folder, "%.*s", folder, path);
    snprintf(socket_files[0], sizeof socket_files[0], "%s", path);
    snprintf(socket_files[1], sizeof socket_files[1], "%s.pid", path);
    snprintf(socket_files[2], sizeof socket_files[2], "%.*s/callback", folder, path);
    snprintf(socket_files[3], sizeof socket_files[3], "%.*s/lock", folder, path);
    atomic_store(&has_socket, true);
}
