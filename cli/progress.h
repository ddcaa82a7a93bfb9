/*
 * A line on stderr that says how far a command is: rows, megabytes, rows a second (megabytes a
 * second where rows cannot be counted), and the time left where the whole is known. Shown only
 * where stderr is a terminal, redrawn at most ten times a second, erased at the end. One at a time.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct progress {
    const char *label;
    uint64_t total_bytes; /* 0: not known */
    uint64_t rows;
    uint64_t bytes;
    int64_t start_ms;
    int64_t drawn_ms;
    bool active;
    bool visible;
} progress;

/* `label` is what goes on ("reading"); it must outlive the progress. `wanted` false keeps it quiet,
 * as a stderr that is no terminal does. */
void progress_start(progress *line, const char *label, uint64_t total_bytes, bool wanted);
/* Cheap enough for every batch of rows; for every row call it each thousand. */
void progress_update(progress *line, uint64_t rows, uint64_t bytes);
/* Erases the line. A second time does nothing. */
void progress_end(progress *line);

/* Erases the line that is shown, whoever's it is, so that a message can be written; it comes back
 * with the next update. */
void progress_hide(void);

/* Milliseconds on the monotonic clock, for rates. */
int64_t now_ms(void);

/* The line's text, for tests too: `cap` bytes at most, cut to `columns`. */
void progress_format(const progress *line, int64_t now, int columns, char *text, size_t cap);

#endif
