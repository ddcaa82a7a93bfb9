/* What a file that is no CSV begins with, and what the name of a file says of its format. */
#ifndef CLI_FILE_KIND_H
#define CLI_FILE_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the file is and what to do, for "FILE: this is ..."; NULL where it may be text. */
const char *file_kind_advice(const uint8_t *bytes, size_t len);

/* Does an Arrow IPC stream or file begin so? */
bool file_kind_is_arrow(const uint8_t *bytes, size_t len);

typedef enum file_kind {
    FILE_KIND_OTHER,
    FILE_KIND_ARROW,   /* .arrow, .arrows: may be a stream or a file */
    FILE_KIND_FEATHER, /* .feather, .ipc: an Arrow IPC file to most readers */
    FILE_KIND_PARQUET
} file_kind;

/* What the path ends in. */
file_kind file_kind_of_path(const char *path);

#endif
