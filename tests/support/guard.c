#include "support/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void require(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

guarded guard_bytes(const void *bytes, size_t len)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t usable = (len + page - 1) / page * page;
    guarded copy;
    copy.map_len = usable + page;
    copy.map = mmap(NULL, copy.map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(copy.map != MAP_FAILED, "mmap");
    uint8_t *begin = (uint8_t *)copy.map + usable - len;
    if (len > 0) {
        memcpy(begin, bytes, len);
    }
    require(mprotect(copy.map, copy.map_len, PROT_READ) == 0, "mprotect");
    require(mprotect((uint8_t *)copy.map + usable, page, PROT_NONE) == 0, "mprotect");
    copy.bytes = (hyl_bytes){begin, len};
    return copy;
}

void guard_release(guarded *copy)
{
    munmap(copy->map, copy->map_len);
    copy->map = NULL;
}
