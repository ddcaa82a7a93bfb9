/* What a file that is no CSV begins with, and what its name says of a format that is not written. */
#ifndef CLI_FILE_KIND_H
#define CLI_FILE_KIND_H

#include <stddef.h>
#include <stdint.h>

/* What the file is and what to do, for "FILE: this is ..."; NULL where it may be text. */
const char *file_kind_advice(const uint8_t *bytes, size_t len);

/* Does the path end as that of an Arrow or Parquet file? Then its format's name, otherwise NULL. */
const char *file_kind_of_path(const char *path);

#endif
