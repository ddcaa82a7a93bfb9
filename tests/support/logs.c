#include "support/logs.h"

#include <stdio.h>
#include <string.h>

enum { MAX_LINES = 256, MAX_LINE = 512 };

static char lines[MAX_LINES][MAX_LINE];
static size_t line_count;

static const char *const level_names[] = {"none", "error", "warn", "info", "debug", "trace"};

static void collect(void *ctx, hyl_log_level level, const char *event, const hyl_log_field *fields,
                    size_t field_count)
{
    (void)ctx;
    if (line_count == MAX_LINES) {
        return;
    }
    char *line = lines[line_count++];
    int used = snprintf(line, MAX_LINE, "%s %s", level_names[level], event);
    for (size_t i = 0; i < field_count && used < MAX_LINE; i++) {
        used += snprintf(line + used, (size_t)(MAX_LINE - used), " %s=%s", fields[i].key,
                         fields[i].value);
    }
}

void logs_start(hyl_log_level max_level)
{
    line_count = 0;
    hyl_set_log_hook(collect, NULL, max_level);
}

void logs_stop(void)
{
    hyl_set_log_hook(NULL, NULL, HYL_LOG_NONE);
    line_count = 0;
}

size_t logs_count(const char *line)
{
    size_t count = 0;
    for (size_t i = 0; i < line_count; i++) {
        count += strcmp(lines[i], line) == 0 ? 1 : 0;
    }
    return count;
}

size_t logs_count_prefix(const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < line_count; i++) {
        count += strncmp(lines[i], prefix, strlen(prefix)) == 0 ? 1 : 0;
    }
    return count;
}

size_t logs_total(void)
{
    return line_count;
}
