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

/* The first line of a file below /proc; "" where it cannot be read. */
static void read_line(const char *path, char *out, size_t cap)
{
    FILE *file = fopen(path, "re");
    out[0] = '\0';
    if (file != NULL) {
        if (fgets(out, (int)cap, file) == NULL) {
            out[0] = '\0';
        }
        fclose(file);
    }
}

/* The seconds that are in the word of that index (from 0), a number of clock ticks. */
static double seconds_at(const char *text, int index)
{
    for (; index > 0; index--) {
        text += strspn(text, " ");
        text += strcspn(text, " ");
    }
    return (double)strtoull(text, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
}

/*
 * What all processors have spent in processes since boot, and what the host kept from them.
 * Interrupts are left out: those of the connection would count as others' work.
 */
static double busy_seconds(void)
{
    enum { USER = 1, NICE, SYSTEM, STEAL = 8 };
    char line[512];
    read_line("/proc/stat", line, sizeof line);
    return seconds_at(line, USER) + seconds_at(line, NICE) + seconds_at(line, SYSTEM) +
           seconds_at(line, STEAL);
}

/* Children that it has waited for are counted with it: a peer starts a server for each run. */
static double process_seconds(pid_t pid)
{
    enum {
        USER = 11,
        CHILDREN_SYSTEM = 14
    }; /* after the name, which is in parentheses and may hold anything */
    char path[64];
    char line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    read_line(path, line, sizeof line);
    const char *after = strrchr(line, ')');
    double sum = 0;
    for (int field = USER; after != NULL && field <= CHILDREN_SYSTEM; field++) {
        sum += seconds_at(after + 1, field);
    }
    return sum;
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
