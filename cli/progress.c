#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { REDRAW_MS = 100, DEFAULT_COLUMNS = 80, LINE_MAX_BYTES = 256 };

/* The one that is on the screen, so that a message can make room for itself. */
static progress *shown;

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_start(progress *line, const char *label, uint64_t total_bytes, bool wanted)
{
    memset(line, 0, sizeof *line);
    line->label = label;
    line->total_bytes = total_bytes;
    line->start_ms = now_ms();
    line->drawn_ms = line->start_ms;
    line->active = wanted && isatty(STDERR_FILENO) != 0;
}

static int terminal_columns(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : DEFAULT_COLUMNS;
}

/* 1234567 as 1,234,567. */
static void format_count(uint64_t count, char *text, size_t cap)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t out = 0;
    for (int i = 0; i < len && out + 2 < cap; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            text[out++] = ',';
        }
        text[out++] = digits[i];
    }
    text[out] = '\0';
}

static void format_left(int64_t seconds, char *text, size_t cap)
{
    if (seconds >= 3600) {
        snprintf(text, cap, "%" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600,
                 seconds / 60 % 60, seconds % 60);
    } else {
        snprintf(text, cap, "%" PRId64 ":%02" PRId64, seconds / 60, seconds % 60);
    }
}

/* Seconds left, -1 where that cannot be said. */
static int64_t seconds_left(const progress *line, int64_t elapsed_ms)
{
    if (line->total_bytes == 0 || line->bytes == 0 || line->bytes > line->total_bytes) {
        return -1;
    }
    double part = (double)line->bytes / (double)line->total_bytes;
    return (int64_t)((double)elapsed_ms * (1 - part) / part / 1000 + 0.5);
}

/* What is done so far, and how fast. */
static int format_done(const progress *line, int64_t elapsed_ms, char *text, size_t cap)
{
    char rows[32];
    char rate[32];
    const double megabytes = (double)line->bytes / 1e6;
    if (line->rows == 0 && line->bytes > 0) {
        return snprintf(text, cap, "%s: %.1f MB, %.1f MB/s", line->label, megabytes,
                        megabytes * 1000 / (double)elapsed_ms);
    }
    format_count(line->rows, rows, sizeof rows);
    format_count((uint64_t)((double)line->rows * 1000 / (double)elapsed_ms), rate, sizeof rate);
    return snprintf(text, cap, "%s: %s rows, %.1f MB, %s rows/s", line->label, rows, megabytes,
                    rate);
}

void progress_format(const progress *line, int64_t now, int columns, char *text, size_t cap)
{
    int64_t elapsed = now > line->start_ms ? now - line->start_ms : 1;
    char left[32] = "";
    int len = format_done(line, elapsed, text, cap);
    int64_t seconds = seconds_left(line, elapsed);
    if (seconds >= 0 && len > 0 && (size_t)len < cap) {
        format_left(seconds, left, sizeof left);
        double percent = (double)line->bytes * 100 / (double)line->total_bytes;
        snprintf(text + len, cap - (size_t)len, ", %.0f%%, %s left", percent, left);
    }
    /* The last column stays free: some terminals wrap when it is written. */
    if (columns > 1 && strlen(text) >= (size_t)columns) {
        text[columns - 1] = '\0';
    }
}

static void write_line(const char *text)
{
    /* The cursor goes to the start, the line's rest is cleared. */
    fprintf(stderr, "\r%s\033[K", text);
    fflush(stderr);
}

void progress_update(progress *line, uint64_t rows, uint64_t bytes)
{
    line->rows = rows;
    line->bytes = bytes;
    if (!line->active) {
        return;
    }
    int64_t now = now_ms();
    if (now - line->drawn_ms < REDRAW_MS) {
        return;
    }
    char text[LINE_MAX_BYTES];
    progress_format(line, now, terminal_columns(), text, sizeof text);
    write_line(text);
    line->drawn_ms = now;
    line->visible = true;
    shown = line;
}

static void hide(progress *line)
{
    if (line->visible) {
        write_line("");
        line->visible = false;
    }
}

void progress_hide(void)
{
    if (shown != NULL) {
        hide(shown);
    }
}

void progress_end(progress *line)
{
    hide(line);
    line->active = false;
    if (shown == line) {
        shown = NULL;
    }
}
