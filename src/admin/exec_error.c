#include "exec_error.h"

#include "base/endian.h"
#include "base/error.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

typedef struct machine {
    uint16_t number;
    const char *name;
} machine;

static const machine machines[] = {
    {EM_386, "32-bit x86"}, {EM_ARM, "32-bit ARM"},  {EM_PPC64, "PowerPC"}, {EM_S390, "S/390"},
    {EM_X86_64, "x86-64"},  {EM_AARCH64, "AArch64"}, {EM_RISCV, "RISC-V"},
};

static const char *machine_name(uint16_t number)
{
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        if (machines[i].number == number) {
            return machines[i].name;
        }
    }
    return "another architecture";
}

/* Reads the file's first bytes; returns how many. */
static size_t read_head(const char *path, uint8_t *head, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t got = read(fd, head, cap);
    (void)close(fd);
    return got > 0 ? (size_t)got : 0;
}

/* e_machine of an ELF file's head: at byte 18, in the file's own byte order. */
static bool elf_machine(const uint8_t *head, size_t len, uint16_t *out)
{
    if (len < 20 || memcmp(head, ELFMAG, SELFMAG) != 0) {
        return false;
    }
    *out = head[EI_DATA] == ELFDATA2MSB ? hyl__load_be16(head + 18) : hyl__load_le16(head + 18);
    return true;
}

static hyl_status fail_format(hyl_error *err, const char *path)
{
    uint8_t head[20];
    size_t len = read_head(path, head, sizeof head);
    uint16_t number = 0;
    struct utsname here;
    if (!elf_machine(head, len, &number)) {
        return hyl__fail(err, HYL_ERR_IO,
                         "cannot run %s: it is no program (neither ELF nor a script with #!)",
                         path);
    }
    return hyl__fail(err, HYL_ERR_IO,
                     "cannot run %s: it is built for %s (ELF machine %u), this "
                     "machine is %s",
                     path, machine_name(number), (unsigned)number,
                     uname(&here) == 0 ? here.machine : "another");
}

static hyl_status fail_access(hyl_error *err, const char *path)
{
    struct stat file;
    if (stat(path, &file) == 0 && S_ISDIR(file.st_mode)) {
        return hyl__fail(err, HYL_ERR_IO, "cannot run %s: it is a folder", path);
    }
    return hyl__fail(err, HYL_ERR_IO, "cannot run %s: it is not executable (permission denied)",
                     path);
}

/* The file is missing, or what it needs to be run. */
static hyl_status fail_missing(hyl_error *err, const char *path)
{
    if (access(path, F_OK) != 0) {
        return hyl__fail(err, HYL_ERR_IO, "cannot run %s: there is no such file", path);
    }
    return hyl__fail(err, HYL_ERR_IO,
                     "cannot run %s: the program that runs it is missing (the interpreter after "
                     "#!, or the loader: hyperd needs glibc)",
                     path);
}

hyl_status hyl__fail_exec(hyl_error *err, const char *path, int sys_errno)
{
    hyl_status status = HYL_ERR_IO;
    switch (sys_errno) {
    case ENOEXEC:
        status = fail_format(err, path);
        break;
    case EACCES:
        status = fail_access(err, path);
        break;
    case ENOENT:
        status = fail_missing(err, path);
        break;
    default:
        status = hyl__fail_errno(err, HYL_ERR_IO, sys_errno, "cannot run %s", path);
        break;
    }
    if (err != NULL) {
        err->sys_errno = sys_errno;
    }
    return hyl__error_flag(err, status, HYL_ERROR_NO_PROGRAM);
}
