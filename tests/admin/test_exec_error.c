#include "support/test.h"

#include "admin/exec_error.h"
#include "support/hyperd.h"
#include "support/processes.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove();
    return 0;
}

/* Executes the file for real, so that the errno is the kernel's, and asks for the words. */
static void assert_reason(const char *path, int sys_errno, const char *reason)
{
    char expected[400];
    hyl_error err = HYL_ERROR_INIT;
    char *const argv[] = {(char[]){"x"}, NULL};
    char *const envp[] = {NULL};
    assert_int_equal(execve(path, argv, envp), -1);
    int failure = errno;
    assert_int_equal(failure, sys_errno);
    assert_int_equal(hyl__fail_exec(&err, path, failure), HYL_ERR_IO);
    snprintf(expected, sizeof expected, "cannot run %s: %s", path, reason);
    assert_string_equal(err.message, expected);
    assert_int_equal(err.sys_errno, sys_errno);
    assert_int_equal(hyl__fail_exec(NULL, path, failure), HYL_ERR_IO);
}

static const char *elf_file(const char *name, unsigned char order, const unsigned char machine[2])
{
    Elf64_Ehdr head;
    memset(&head, 0, sizeof head);
    memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = order;
    head.e_ident[EI_VERSION] = EV_CURRENT;
    memcpy(&head.e_machine, machine, 2);
    const char *path = test_script(name, 0700, "");
    int fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, &head, sizeof head), sizeof head);
    close(fd);
    return path;
}

static void each_reason_is_told_apart(void **state)
{
    (void)state;
    assert_reason(test_path("missing"), ENOENT, "there is no such file");
    assert_reason(test_script("plain", 0600, "#!/bin/sh\n"), EACCES,
                  "it is not executable (permission denied)");
    assert_reason(test_folder(), EACCES, "it is a folder");
    assert_reason(test_script("text", 0700, "hello\n"), ENOEXEC,
                  "it is no program (neither ELF nor a script with #!)");
    assert_reason(test_script("empty", 0700, ""), ENOEXEC,
                  "it is no program (neither ELF nor a script with #!)");
    assert_reason(test_script("orphan", 0700, "#!/nowhere/sh\n"), ENOENT,
                  "the program that runs it is missing (the interpreter after #!, or the loader: "
                  "hyperd needs glibc)");
    char below_a_file[400];
    snprintf(below_a_file, sizeof below_a_file, "%s/x", test_path("plain"));
    assert_reason(below_a_file, ENOTDIR, "Not a directory");
}

static void another_architecture_is_named(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    const unsigned char little[] = {EM_AARCH64, 0};
    const unsigned char big[] = {0, EM_S390};
    const unsigned char odd[] = {0x39, 0x30};
    const char *path = elf_file("arm", ELFDATA2LSB, little);
    assert_int_equal(hyl__fail_exec(&err, path, ENOEXEC), HYL_ERR_IO);
    assert_non_null(
        strstr(err.message, "it is built for AArch64 (ELF machine 183), this machine is"));
    path = elf_file("s390", ELFDATA2MSB, big);
    assert_int_equal(hyl__fail_exec(&err, path, ENOEXEC), HYL_ERR_IO);
    assert_non_null(strstr(err.message, "built for S/390 (ELF machine 22)"));
    path = elf_file("odd", ELFDATA2LSB, odd);
    assert_int_equal(hyl__fail_exec(&err, path, ENOEXEC), HYL_ERR_IO);
    assert_non_null(strstr(err.message, "for another architecture (ELF machine 12345)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_is_told_apart),
        cmocka_unit_test(another_architecture_is_named),
    };
    return cmocka_run_group_tests_name("admin/exec_error", tests, NULL, remove_folder);
}
