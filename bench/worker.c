#include "worker.h"

#include "peers.h"

#include "cli/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- The child ------------------------------------------------------------------------------ */

/* User and system time of this process. */
static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The most memory that this process has had, -1 where the system does not say. */
static long peak_rss_kb(void)
{
    char line[256];
    long peak = -1;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && peak < 0 && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            peak = strtol(line + 6, NULL, 10);
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return peak;
}

static hyl_status measure(const bench_client *client, void *state, bench_sample *sample,
                          hyl_error *err)
{
    *sample = (bench_sample){.repeats = 1};
    if (client->prepare != NULL) {
        HYL_TRY(client->prepare(state, err));
    }
    double cpu = cpu_seconds();
    double start = bench_now();
    HYL_TRY(client->run(state, sample, err));
    double elapsed = bench_now() - start;
    sample->cpu_s = (cpu_seconds() - cpu) / (double)sample->repeats;
    sample->peak_rss_kb = peak_rss_kb();
    if (sample->repeats == 1) {
        sample->wall_s = elapsed;
    }
    return HYL_OK;
}

/* A run for each line, until there are no more. */
static hyl_status serve(const bench_client *client, void *state, hyl_error *err)
{
    char line[16];
    while (fgets(line, sizeof line, stdin) != NULL) {
        bench_sample sample;
        HYL_TRY(measure(client, state, &sample, err));
        printf("%.9f %.9f %ld %" PRId64 " %" PRId64 "\n", sample.wall_s, sample.cpu_s,
               sample.peak_rss_kb, sample.rows, sample.check);
        fflush(stdout);
    }
    return HYL_OK;
}

int worker_main(int argc, char **argv)
{
    hyl_error err = HYL_ERROR_INIT;
    void *state = NULL;
    const bench_client *client = argc == 10 ? bench_find_client(argv[2], argv[3]) : NULL;
    if (client == NULL || client->open == NULL) {
        fprintf(stderr, "hyperline-bench: no such worker\n");
        return 2;
    }
    const bench_place place = {
        .endpoint = argv[4],
        .database = argv[5],
        .csv = argv[6],
        .peers = argv[7],
        .plan = argv[8],
        .rows = strtoll(argv[9], NULL, 10),
    };
    hyl_status status = client->open(&place, &state, &err);
    if (status == HYL_OK) {
        status = serve(client, state, &err);
        client->close(state);
    }
    if (status < 0) {
        fprintf(stderr, "hyperline-bench: %s, %s: %s\n", client->workload, client->name,
                err.message);
        return 1;
    }
    return 0;
}

/* ---- The parent ----------------------------------------------------------------------------- */

/* The child's standard input and output are `fd`. */
static int spawn_on(int fd, const char *program, char *const argv[], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int problem = posix_spawn_file_actions_init(&actions);
    if (problem != 0) {
        return problem;
    }
    problem = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    if (problem == 0) {
        problem = posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    }
    if (problem == 0) {
        problem = posix_spawn(pid, program, &actions, NULL, argv, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    return problem;
}

static hyl_status spawn(int fd, const char *program, const char *const *words, size_t count,
                        pid_t *pid, hyl_error *err)
{
    /* posix_spawn does not change them, but its type does not say so. */
    char *argv[PEERS_WORDS + 2];
    memcpy(argv, words, count * sizeof *argv);
    int problem = spawn_on(fd, program, argv, pid);
    return problem == 0 ? HYL_OK : cli_fail_errno(err, problem, "%s does not start", program);
}

static hyl_status spawn_worker(const bench_client *client, const bench_place *place, int fd,
                               pid_t *pid, hyl_error *err)
{
    char rows[24];
    if (client->open == NULL) {
        peers_command command;
        HYL_TRY(peers_command_of(client, place, &command, err));
        return spawn(fd, command.program, command.words, PEERS_WORDS, pid, err);
    }
    snprintf(rows, sizeof rows, "%" PRId64, place->rows);
    const char *const words[] = {"hyperline-bench",
                                 WORKER_ARGUMENT,
                                 client->workload,
                                 client->name,
                                 place->endpoint,
                                 place->database,
                                 place->csv,
                                 place->peers,
                                 place->plan,
                                 rows,
                                 NULL};
    return spawn(fd, "/proc/self/exe", words, sizeof words / sizeof words[0], pid, err);
}

static hyl_status open_streams(worker *self, int fd, hyl_error *err)
{
    /* Close-on-exec: a later client that held it would keep this one from seeing its end. */
    int second = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    self->from = fdopen(fd, "r");
    self->to = second >= 0 ? fdopen(second, "w") : NULL;
    if (self->from != NULL && self->to != NULL) {
        return HYL_OK;
    }
    hyl_status status = cli_fail_errno(err, errno, "no stream to a client");
    if (self->from == NULL) {
        close(fd);
    }
    if (self->to == NULL && second >= 0) {
        close(second);
    }
    return status;
}

hyl_status worker_start(worker *self, const bench_client *client, const bench_place *place,
                        hyl_error *err)
{
    int ends[2];
    *self = (worker){.client = client};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return cli_fail_errno(err, errno, "no sockets for a client");
    }
    hyl_status status = spawn_worker(client, place, ends[1], &self->pid, err);
    close(ends[1]);
    if (status < 0) {
        close(ends[0]);
        return status;
    }
    return open_streams(self, ends[0], err);
}

/* Reads what `serve` prints. False where the line is another one. */
static bool read_sample(const char *line, bench_sample *out)
{
    char *at = NULL;
    *out = (bench_sample){.repeats = 1};
    out->wall_s = strtod(line, &at);
    out->cpu_s = strtod(at, &at);
    out->peak_rss_kb = strtol(at, &at, 10);
    out->rows = strtoll(at, &at, 10);
    char *check = at;
    out->check = strtoll(check, &at, 10);
    return at > check && *at == '\n' && out->wall_s > 0;
}

hyl_status worker_run(worker *self, bench_sample *sample, hyl_error *err)
{
    char line[256];
    if (fputs("run\n", self->to) == EOF || fflush(self->to) == EOF ||
        fgets(line, sizeof line, self->from) == NULL) {
        return cli_fail(err, HYL_ERR_CLOSED, "%s, %s: the client has ended", self->client->workload,
                        self->client->name);
    }
    if (!read_sample(line, sample)) {
        return cli_fail(err, HYL_ERR_PROTOCOL, "%s, %s: not understood: %s", self->client->workload,
                        self->client->name, line);
    }
    return HYL_OK;
}

void worker_stop(worker *self)
{
    if (self->to != NULL) {
        fclose(self->to);
    }
    if (self->from != NULL) {
        fclose(self->from);
    }
    if (self->pid > 0) {
        (void)waitpid(self->pid, NULL, 0);
    }
    *self = (worker){0};
}
