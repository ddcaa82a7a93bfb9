/* hyperline: finds the command and runs it. */
#include "cli.h"
#include "interrupt.h"
#include "options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
#define COMMAND(name, summary) {#name, summary, cmd_##name},
    COMMAND_MAP(COMMAND)
#undef COMMAND
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static int print_help(void)
{
    printf("Usage: hyperline COMMAND ...\n"
           "\n"
           "Works with Hyper databases: .hyper files, and servers that hold them.\n"
           "\n"
           "Commands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    printf("\n"
           "Options:\n"
           "  -h, --help       show this help; 'hyperline COMMAND --help' shows a command's\n"
           "      --version    show the version\n"
           "\n"
           "Exit status: 0 done, 1 failed, 2 wrong use, 130 interrupted by Ctrl-C.\n");
    return STATUS_OK;
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT + 1];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    names[COMMAND_COUNT] = NULL;
    const char *near = nearest_word(name, names);
    if (name[0] == '-') {
        return usage_error("", "unknown option '%s'", name);
    }
    return near != NULL ? usage_error("", "unknown command '%s'; did you mean '%s'?", name, near)
                        : usage_error("", "unknown command '%s'", name);
}

static const command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* "help", and "help COMMAND", which is "COMMAND --help". */
static int help(int argc, char **argv)
{
    if (argc < 3) {
        return print_help();
    }
    const command *found = find_command(argv[2]);
    if (found == NULL) {
        return unknown_command(argv[2]);
    }
    char option[] = "--help";
    char *words[] = {argv[2], option, NULL};
    return found->run(2, words);
}

static int run(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name == NULL) {
        return usage_error("", "a command is missing");
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return print_help();
    }
    if (strcmp(name, "help") == 0) {
        return help(argc, argv);
    }
    if (strcmp(name, "--version") == 0) {
        printf("hyperline %s\n", hyl_version());
        return STATUS_OK;
    }
    const command *found = find_command(name);
    return found != NULL ? found->run(argc - 1, argv + 1) : unknown_command(name);
}

int main(int argc, char **argv)
{
    if (!interrupt_install()) {
        complain("signals cannot be handled: no more threads or files");
        return STATUS_FAILED;
    }
    int status = run(argc, argv);
    /* Help and version go through stdio. */
    if (fflush(stdout) != 0 && status == STATUS_OK) {
        status = STATUS_FAILED;
    }
    return status;
}
