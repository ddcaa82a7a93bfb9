#include "file_kind.h"

#include <string.h>
#include <strings.h>

typedef struct kind {
    const char *magic;
    size_t len;
    bool is_arrow;
    const char *advice;
} kind;

#define ARROW_ADVICE "not CSV; with --format arrow it is loaded as what it is"

/*
 * The first bytes, as each format's specification gives them, and enough of what follows that no
 * header line of a CSV is taken for them: Arrow's padding, Thrift's first field of Parquet.
 */
static const kind kinds[] = {
    {"ARROW1\0\0", 8, true, "an Arrow IPC file (Feather), " ARROW_ADVICE},
    {"\xff\xff\xff\xff", 4, true, "an Arrow IPC stream, " ARROW_ADVICE},
    {"PAR1\x15", 5, false,
     "a Parquet file, not CSV; the server reads it: hyperline query DB \"CREATE TABLE t AS SELECT "
     "* "
     "FROM external('/path/of/the/file.parquet')\""},
    {"\x28\xb5\x2f\xfd", 4, false, "compressed with zstd; unpack it first: zstd -d"},
    {"PK\x03\x04", 4, false,
     "a ZIP archive, as .xlsx files are too; unpack it, or save it as CSV, first"},
};

static const kind *find_kind(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (len >= kinds[i].len && memcmp(bytes, kinds[i].magic, kinds[i].len) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

const char *file_kind_advice(const uint8_t *bytes, size_t len)
{
    const kind *found = find_kind(bytes, len);
    return found != NULL ? found->advice : NULL;
}

bool file_kind_is_arrow(const uint8_t *bytes, size_t len)
{
    const kind *found = find_kind(bytes, len);
    return found != NULL && found->is_arrow;
}

file_kind file_kind_of_path(const char *path)
{
    static const struct {
        const char *ending;
        file_kind kind;
    } names[] = {{".arrow", FILE_KIND_ARROW},
                 {".arrows", FILE_KIND_ARROW},
                 {".ipc", FILE_KIND_FEATHER},
                 {".feather", FILE_KIND_FEATHER},
                 {".parquet", FILE_KIND_PARQUET}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(dot, names[i].ending) == 0) {
            return names[i].kind;
        }
    }
    return FILE_KIND_OTHER;
}
