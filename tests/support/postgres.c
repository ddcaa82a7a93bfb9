/* pipe2 is a GNU function. */
#define _GNU_SOURCE

#include "support/postgres.h"

#include "support/hyperd.h"
#include "support/pki.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { START_TIMEOUT_MS = 60000, PORT_TRIES = 3 };

static struct {
    pid_t pid;
    int output; /* what the server prints */
    bool absent;
    hyl_endpoint tcp;
    hyl_endpoint socket;
} shared = {.output = -1};

/* ---- Running PostgreSQL's programs ----------------------------------------------------------- */

static const char *bin_path(const char *program)
{
    static char path[400];
    const char *folder = getenv("POSTGRES_BIN");
    snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/usr/lib/postgresql/15/bin",
             program);
    return path;
}

/* In the child: becomes user postgres where it is root, and ends when its parent does. */
static void become_postgres(void)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user != NULL && (initgroups(user->pw_name, user->pw_gid) != 0 ||
                         setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
        perror("becoming user postgres");
        _exit(127);
    }
    /* Only now: a change of user takes it away. */
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

/* Starts a program that reads `input` (-1: nothing) and whose output can be read from *output. */
static pid_t spawn(const char *const argv[], int input, int *output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        perror("pipe");
        abort();
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_postgres();
        if (getppid() != parent || chdir("/") != 0) {
            _exit(127);
        }
        dup2(input >= 0 ? input : open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        perror(argv[0]);
        _exit(127);
    }
    close(ends[1]);
    *output = ends[0];
    return pid;
}

/* Reads what a program prints, until `wanted` was in it (true) or it ends. */
static bool read_until(int output, const char *wanted, char *text, size_t cap)
{
    size_t len = 0;
    int64_t deadline = hyl__deadline_in(START_TIMEOUT_MS);
    for (;;) {
        struct pollfd poll_fd = {.fd = output, .events = POLLIN};
        if (poll(&poll_fd, 1, hyl__deadline_left(deadline)) <= 0) {
            return false;
        }
        ssize_t got = read(output, text + len, cap - 1 - len);
        if (got <= 0) {
            return false;
        }
        len += (size_t)got;
        text[len] = '\0';
        if (wanted != NULL && strstr(text, wanted) != NULL) {
            return true;
        }
        if (len > cap / 2) {
            memmove(text, text + len - cap / 4, cap / 4 + 1);
            len = cap / 4;
        }
    }
}

static int end_of(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* ---- Making the cluster ---------------------------------------------------------------------- */

static bool make_cluster(const char *data)
{
    static char text[16384];
    const char *const argv[] = {bin_path("initdb"),    "--pgdata",     data,
                                "--username=postgres", "--auth=trust", "--encoding=UTF8",
                                "--locale=C",          "--no-sync",    NULL};
    int output = -1;
    pid_t pid = spawn(argv, -1, &output);
    (void)read_until(output, NULL, text, sizeof text);
    close(output);
    if (end_of(pid) != 0) {
        fprintf(stderr, "initdb failed:\n%s\n", text);
        return false;
    }
    return true;
}

/* The users, in the form that the server reads at its start as a single user. */
static bool make_users(const char *data)
{
    static const char sql[] =
        "SET password_encryption = 'md5';\n"
        "CREATE ROLE by_md5 LOGIN PASSWORD '" TEST_POSTGRES_PASSWORD "';\n"
        "SET password_encryption = 'scram-sha-256';\n"
        "CREATE ROLE by_scram LOGIN PASSWORD '" TEST_POSTGRES_PASSWORD "';\n"
        "CREATE ROLE by_password LOGIN PASSWORD '" TEST_POSTGRES_PASSWORD "';\n"
        "CREATE ROLE by_cert LOGIN;\n";
    static char text[16384];
    const char *const argv[] = {bin_path("postgres"), "--single", "-D", data, "postgres", NULL};
    int ends[2];
    int output = -1;
    if (pipe2(ends, O_CLOEXEC) != 0 ||
        write(ends[1], sql, sizeof sql - 1) != (ssize_t)(sizeof sql - 1)) {
        perror("pipe");
        return false;
    }
    close(ends[1]);
    pid_t pid = spawn(argv, ends[0], &output);
    close(ends[0]);
    (void)read_until(output, NULL, text, sizeof text);
    close(output);
    if (end_of(pid) != 0 || strstr(text, "ERROR") != NULL) {
        fprintf(stderr, "the users could not be made:\n%s\n", text);
        return false;
    }
    return true;
}

static bool write_access_rules(const char *data)
{
    static const char *const rules[] = {"postgres trust", "by_password password", "by_md5 md5",
                                        "by_scram scram-sha-256"};
    char path[500];
    snprintf(path, sizeof path, "%s/pg_hba.conf", data);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        return false;
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const char *method = strchr(rules[i], ' ') + 1;
        int user_len = (int)(method - rules[i]) - 1;
        fprintf(file, "local all %.*s %s\n", user_len, rules[i], method);
        fprintf(file, "host all %.*s 127.0.0.1/32 %s\n", user_len, rules[i], method);
    }
    fputs("hostssl all by_cert 127.0.0.1/32 cert\n", file);
    fputs("host all all 127.0.0.1/32 scram-sha-256\n", file);
    return fclose(file) == 0;
}

/* ---- TLS ------------------------------------------------------------------------------------- */

#if HYL_WITH_OPENSSL

/* Copies a file to where the server reads it, as its own. */
static bool give_file(const char *from, const char *to)
{
    char bytes[16384];
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t len = in >= 0 ? read(in, bytes, sizeof bytes) : -1;
    bool done = len > 0 && out >= 0 && write(out, bytes, (size_t)len) == len &&
                (user == NULL || fchown(out, user->pw_uid, user->pw_gid) == 0);
    close(in);
    close(out);
    return done;
}

static bool give_certificate(const char *name)
{
    return give_file(pki_cert(name), test_path("pg/server.crt")) &&
           give_file(pki_key(name), test_path("pg/server.key"));
}

static bool set_up_tls(const char *data)
{
    char path[500];
    pki_make_all();
    snprintf(path, sizeof path, "%s/postgresql.conf", data);
    FILE *file = fopen(path, "a");
    if (file == NULL || !give_certificate("server") ||
        !give_file(pki_cert("ca"), test_path("pg/ca.crt"))) {
        perror("setting up TLS");
        return false;
    }
    fprintf(file, "ssl = on\nssl_cert_file = '%s'\n", test_path("pg/server.crt"));
    fprintf(file, "ssl_key_file = '%s'\n", test_path("pg/server.key"));
    fprintf(file, "ssl_ca_file = '%s'\n", test_path("pg/ca.crt"));
    return fclose(file) == 0;
}

void test_postgres_show(const char *certificate)
{
    static char text[16384];
    assert_true(give_certificate(certificate));
    /* The one process that accepts connections reads its files before it accepts the next. */
    kill(shared.pid, SIGHUP);
    assert_true(read_until(shared.output, "reloading configuration files", text, sizeof text));
}

#else

static bool set_up_tls(const char *data)
{
    (void)data;
    return true;
}

void test_postgres_show(const char *certificate)
{
    (void)certificate;
    fail_msg("there is no TLS in this build");
}

#endif

/* A folder in the program's own that user postgres may enter and owns. */
static bool make_folder(const char *path)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (mkdir(path, 0700) != 0 || chmod(test_folder(), 0711) != 0) {
        perror(path);
        return false;
    }
    if (user != NULL && chown(path, user->pw_uid, user->pw_gid) != 0) {
        perror(path);
        return false;
    }
    return true;
}

/* ---- The server ------------------------------------------------------------------------------ */

/* A port that is free now. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("a free port");
        abort();
    }
    close(fd);
    return ntohs(address.sin_port);
}

static bool start_on(uint16_t port, const char *data, const char *sockets)
{
    static char text[16384];
    char port_text[8];
    snprintf(port_text, sizeof port_text, "%u", port);
    const char *const argv[] = {
        bin_path("postgres"),         "-D", data, "-p", port_text, "-k", sockets, "-c",
        "listen_addresses=127.0.0.1", "-F", NULL};
    shared.pid = spawn(argv, -1, &shared.output);
    if (read_until(shared.output, "ready to accept connections", text, sizeof text)) {
        return true;
    }
    kill(shared.pid, SIGQUIT);
    end_of(shared.pid);
    close(shared.output);
    shared.pid = 0;
    shared.output = -1;
    fprintf(stderr, "PostgreSQL did not come up on port %u:\n%s\n", port, text);
    return false;
}

/* Another process may take the port between its choice and the server's start. */
static bool start_server(const char *data, const char *sockets)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        uint16_t port = free_port();
        if (start_on(port, data, sockets)) {
            shared.tcp =
                (hyl_endpoint){.kind = HYL_ENDPOINT_TCP, .port = port, .host = "127.0.0.1"};
            shared.socket = (hyl_endpoint){.kind = HYL_ENDPOINT_UNIX};
            int len = snprintf(shared.socket.path, sizeof shared.socket.path, "%s/.s.PGSQL.%u",
                               sockets, port);
            return len > 0 && (size_t)len < sizeof shared.socket.path;
        }
    }
    return false;
}

int test_postgres_start(void **state)
{
    (void)state;
    if (access(bin_path("postgres"), X_OK) != 0 ||
        (getuid() == 0 && getpwnam("postgres") == NULL)) {
        printf("PostgreSQL 15 is not here (%s): its tests are skipped\n", bin_path("postgres"));
        shared.absent = true;
        return 0;
    }
    /* Copies: the buffers of test_path take turns. */
    char folder[400];
    char data[400];
    snprintf(folder, sizeof folder, "%s", test_path("pg"));
    snprintf(data, sizeof data, "%s", test_path("pg/data"));
    if (make_folder(folder) && make_cluster(data) && make_users(data) && write_access_rules(data) &&
        set_up_tls(data) && start_server(data, folder)) {
        return 0;
    }
    test_folder_remove();
    return -1;
}

int test_postgres_stop(void **state)
{
    (void)state;
    if (shared.pid > 0) {
        kill(shared.pid, SIGINT);
        end_of(shared.pid);
        close(shared.output);
        shared.pid = 0;
    }
    test_folder_remove();
    return 0;
}

void test_postgres_require(void)
{
    if (shared.absent) {
        skip();
    }
}

const hyl_endpoint *test_postgres_endpoint(void)
{
    return &shared.tcp;
}

const hyl_endpoint *test_postgres_socket(void)
{
    return &shared.socket;
}
