#include "support/processes.h"

#include "support/hyperd.h"
#include "support/test.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const char *test_script(const char *name, int mode, const char *text)
{
    const char *path = test_path(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, (mode_t)mode), 0);
    close(fd);
    return path;
}

int test_pidfd(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(fd >= 0);
    return fd;
}

bool test_wait_end(int pidfd, int timeout_ms)
{
    struct pollfd one = {.fd = pidfd, .events = POLLIN};
    int count = 0;
    do {
        count = poll(&one, 1, timeout_ms);
    } while (count < 0 && errno == EINTR);
    return count > 0;
}

static bool has_in_command_line(const char *pid, const char *text)
{
    char path[300];
    char line[8192];
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t len = read(fd, line, sizeof line - 1);
    close(fd);
    for (ssize_t i = 0; i < len; i++) {
        line[i] = line[i] == '\0' ? ' ' : line[i];
    }
    line[len > 0 ? len : 0] = '\0';
    return strstr(line, text) != NULL;
}

int test_count_processes(const char *text)
{
    int count = 0;
    DIR *all = opendir("/proc");
    assert_non_null(all);
    for (const struct dirent *entry = readdir(all); entry != NULL; entry = readdir(all)) {
        if (isdigit((unsigned char)entry->d_name[0]) && has_in_command_line(entry->d_name, text)) {
            count++;
        }
    }
    closedir(all);
    return count;
}

bool test_has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

const char *test_fifo(const char *name)
{
    const char *path = test_path(name);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    return path;
}

pid_t test_read_fifo(const char *path)
{
    char text[32];
    size_t len = 0;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    while ((got = read(fd, text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)got;
    }
    close(fd);
    text[len] = '\0';
    return (pid_t)atoi(text);
}
