/*
 * One parser of command lines for all commands, driven by tables. Options may stand anywhere; `--`
 * ends them; a word such as `-` or `-- text`, which no option begins with, is an operand.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli.h"

/* A list of texts that an option which may be repeated fills in. */
typedef struct text_list {
    const char **items;
    size_t count;
} text_list;

void text_list_free(text_list *list);

/* What an option takes and where it puts it. */
typedef enum option_kind {
    OPTION_FLAG,   /* bool *: set to true */
    OPTION_TEXT,   /* const char **: the last one counts */
    OPTION_LIST,   /* text_list *: each is appended */
    OPTION_CHOICE, /* const char **: one of `choices` */
    OPTION_NUMBER  /* uint64_t *: a whole number */
} option_kind;

typedef struct option_spec {
    char short_name;       /* 0: none */
    const char *long_name; /* without the dashes */
    option_kind kind;
    void *target;
    const char *value_name;     /* in the help: "FILE"; NULL for flags and choices */
    const char *const *choices; /* CHOICE: ended by NULL */
    const char *help;           /* may have several lines */
} option_spec;

typedef struct command_spec {
    const char *name;
    const char *usage;       /* what follows "hyperline NAME ", a line each */
    const char *description; /* the help's text between usage and options */
    const option_spec *options;
    size_t option_count;
    size_t min_operands;
    size_t max_operands;
    const char *footer[2]; /* the help's end: examples, environment; NULL for none */
} command_spec;

/* The operands, in order; views of argv. */
typedef struct operands {
    const char **items;
    size_t count;
} operands;

/*
 * Parses what follows argv[0]. True where the command is to go on; *out is then to be freed with
 * operands_free. False where it is over: *status is STATUS_OK when help was asked for (and
 * written to stdout), otherwise STATUS_USAGE or STATUS_FAILED, with the reason on stderr.
 */
bool options_parse(const command_spec *spec, int argc, char **argv, operands *out, int *status);
void operands_free(operands *list);

/* Complains about wrong use, points to --help and returns STATUS_USAGE. */
int usage_error(const char *command, const char *format, ...) HYL_PRINTF(2, 3);

/* The one of several known words that a misspelt one comes near to, NULL where none does. `words`
 * is ended by NULL. */
const char *nearest_word(const char *word, const char *const *words);

#endif
