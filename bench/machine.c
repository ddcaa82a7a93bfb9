#include "machine.h"

#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? count : 1;
}

static double ticks_to_seconds(unsigned long long ticks)
{
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

/* The value of the first line "key : value" of /proc/cpuinfo with that key. */
static void read_cpuinfo(const char *key, char *out, size_t cap)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    snprintf(out, cap, "unknown processor");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) == 0 && colon != NULL) {
            snprintf(out, cap, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

void machine_describe(char *out, size_t cap)
{
    char model[128];
    read_cpuinfo("model name", model, sizeof model);
    snprintf(out, cap, "%s, %ld cores", model, processors());
}

double machine_load(void)
{
    double load = -1;
    return getloadavg(&load, 1) == 1 ? load : -1;
}

/*
 * What all processors have spent in processes since boot, and what the host kept from them.
 * Interrupts are left out: those of the connection would count as others' work.
 */
static double busy_seconds(void)
{
    unsigned long long user = 0;
    unsigned long long nice = 0;
    unsigned long long system = 0;
    unsigned long long steal = 0;
    FILE *file = fopen("/proc/stat", "re");
    if (file != NULL) {
        if (fscanf(file, "cpu %llu %llu %llu %*u %*u %*u %*u %llu", &user, &nice, &system,
                   &steal) != 4) {
            user = nice = system = steal = 0;
        }
        fclose(file);
    }
    return ticks_to_seconds(user + nice + system + steal);
}

static double process_seconds(pid_t pid)
{
    char path[64];
    char line[512] = "";
    unsigned long long user = 0;
    unsigned long long system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    if (fgets(line, sizeof line, file) != NULL) {
        /* The name, in parentheses, may hold anything; 11 fields lie between it and the times. */
        const char *after = strrchr(line, ')');
        if (after == NULL ||
            sscanf(after + 1, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user,
                   &system) != 2) {
            user = system = 0;
        }
    }
    fclose(file);
    return ticks_to_seconds(user + system);
}

static double own_seconds(const pid_t *pids, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += process_seconds(pids[i]);
    }
    return sum;
}

void machine_watch_start(machine_watch *watch, const pid_t *pids, size_t count)
{
    *watch = (machine_watch){
        .pids = pids,
        .count = count,
        .started = bench_now(),
        .busy_s = busy_seconds(),
        .own_s = own_seconds(pids, count),
    };
}

double machine_watch_others(const machine_watch *watch)
{
    double total = (bench_now() - watch->started) * (double)processors();
    double busy = busy_seconds() - watch->busy_s;
    double own = own_seconds(watch->pids, watch->count) - watch->own_s;
    double others = total > 0 ? (busy - own) / total : 0;
    return others < 0 ? 0 : others > 1 ? 1 : others;
}
