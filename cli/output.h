/*
 * Where a result goes: stdout, or a file. A file is written beside its place and takes it only when
 * it is complete, so that a failure leaves what was there before.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <hyperline/base.h>

typedef struct output {
    int fd;
    hyl_buf buf;      /* what is not written yet; append to it */
    const char *name; /* for messages */
    char *path;       /* where the file goes in the end, NULL where it is written in place */
    char *temp_path;  /* where it is written */
    uint64_t written; /* bytes */
    bool is_file;     /* not stdout */
    bool is_terminal;
    bool reader_gone; /* nobody reads stdout any more: the rest is dropped */
    bool broken;      /* a write failed and was complained about */
} output;

/* `path` NULL or "-" is stdout. False after complaining. */
bool output_open(output *out, const char *path);
/* stdout or stderr, which `name` calls so in messages. */
void output_open_fd(output *out, int fd, const char *name);
/* Writes what is gathered. False after complaining; a reader that is gone is no failure. */
bool output_flush(output *out);
/* output_flush once enough is gathered; call it after every row. */
bool output_flush_full(output *out);
/* Writes the rest and puts the file in its place. False after complaining. */
bool output_commit(output *out);
/* Gives up: removes what was written to a file. Does nothing after output_commit, and on a zeroed
 * output. */
void output_discard(output *out);

#endif
