#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 26, LONGEST_WORD = 40, NEAR = 2 };

/* ---- Near misses ----------------------------------------------------------------------------- */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Insertions, deletions and replacements between two words; `word` has at most LONGEST_WORD
 * bytes. */
static size_t edit_distance(const char *word, const char *other)
{
    size_t len = strlen(word);
    size_t row[LONGEST_WORD + 1];
    for (size_t i = 0; i <= len; i++) {
        row[i] = i;
    }
    for (size_t k = 0; other[k] != '\0'; k++) {
        size_t diagonal = row[0];
        row[0] = k + 1;
        for (size_t i = 0; i < len; i++) {
            size_t above = row[i + 1];
            row[i + 1] = min3(row[i] + 1, above + 1, diagonal + (word[i] != other[k]));
            diagonal = above;
        }
    }
    return row[len];
}

const char *nearest_word(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t best_distance = NEAR + 1;
    size_t len = strlen(word);
    for (; *words != NULL && len <= LONGEST_WORD; words++) {
        size_t distance = edit_distance(word, *words);
        if (distance < best_distance && distance < len) {
            best = *words;
            best_distance = distance;
        }
    }
    return best;
}

int usage_error(const char *command, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    complain("%s", text);
    complain_more("Try 'hyperline %s%s--help'.", command, command[0] != '\0' ? " " : "");
    return STATUS_USAGE;
}

/* ---- Help ------------------------------------------------------------------------------------ */

static void print_usage(const command_spec *spec)
{
    const char *prefix = "Usage: ";
    for (const char *line = spec->usage; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        printf("%shyperline %s %.*s\n", prefix, spec->name, (int)len, line);
        prefix = "       ";
        line += len + (line[len] == '\n');
    }
}

static void print_help_text(const char *help)
{
    for (;;) {
        size_t len = strcspn(help, "\n");
        printf("%.*s\n", (int)len, help);
        help += len;
        if (*help == '\0') {
            return;
        }
        help++;
        printf("%*s", HELP_COLUMN, "");
    }
}

static int print_choices(const char *const *choices)
{
    int width = 0;
    for (size_t i = 0; choices[i] != NULL; i++) {
        width += printf("%c%s", i == 0 ? ' ' : '|', choices[i]);
    }
    return width;
}

static void print_option(char short_name, const char *long_name, const option_spec *spec,
                         const char *help)
{
    int width = short_name != 0 ? printf("  -%c, --%s", short_name, long_name)
                                : printf("      --%s", long_name);
    if (spec != NULL && spec->kind == OPTION_CHOICE) {
        width += print_choices(spec->choices);
    } else if (spec != NULL && spec->value_name != NULL) {
        width += printf(" %s", spec->value_name);
    }
    if (width + 2 > HELP_COLUMN) {
        printf("\n");
        width = 0;
    }
    printf("%*s", HELP_COLUMN - width, "");
    print_help_text(help);
}

static void print_help(const command_spec *spec)
{
    print_usage(spec);
    printf("\n%s\n\nOptions:\n", spec->description);
    for (size_t i = 0; i < spec->option_count; i++) {
        const option_spec *option = &spec->options[i];
        print_option(option->short_name, option->long_name, option, option->help);
    }
    print_option('h', "help", NULL, "show this help");
    for (size_t i = 0; i < sizeof spec->footer / sizeof spec->footer[0]; i++) {
        if (spec->footer[i] != NULL) {
            printf("\n%s", spec->footer[i]);
        }
    }
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static bool append(const char ***items, size_t *count, const char *item)
{
    const char **grown = realloc(*items, (*count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    grown[(*count)++] = item;
    *items = grown;
    return true;
}

void text_list_free(text_list *list)
{
    free(list->items);
    *list = (text_list){NULL, 0};
}

void operands_free(operands *list)
{
    free(list->items);
    *list = (operands){NULL, 0};
}

/* ---- Parsing --------------------------------------------------------------------------------- */

/* What the parser works on. */
typedef struct parser {
    const command_spec *spec;
    int argc;
    char **argv;
    int next; /* the next word */
    operands *operands;
    bool wants_help;
} parser;

static int unknown_option(const parser *state, const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (; count < state->spec->option_count && count < 62; count++) {
        names[count] = state->spec->options[count].long_name;
    }
    names[count++] = "help";
    names[count] = NULL;
    char name[LONGEST_WORD + 1];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *near = strncmp(name, "--", 2) == 0 ? nearest_word(name + 2, names) : NULL;
    return near != NULL ? usage_error(state->spec->name,
                                      "unknown option '%s'; did you mean '--%s'?", word, near)
                        : usage_error(state->spec->name, "unknown option '%s'", word);
}

static int set_choice(const parser *state, const option_spec *option, const char *value)
{
    char list[256] = "";
    for (size_t i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *(const char **)option->target = option->choices[i];
            return STATUS_OK;
        }
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%s", i > 0 ? ", " : "", option->choices[i]);
    }
    return usage_error(state->spec->name, "--%s '%s' is not one of: %s", option->long_name, value,
                       list);
}

static int set_number(const parser *state, const option_spec *option, const char *value)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0) {
        return usage_error(state->spec->name, "--%s '%s' is not a whole number", option->long_name,
                           value);
    }
    *(uint64_t *)option->target = number;
    return STATUS_OK;
}

static int set_option(const parser *state, const option_spec *option, const char *value)
{
    text_list *list = option->target;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->target = true;
        return STATUS_OK;
    case OPTION_TEXT:
        *(const char **)option->target = value;
        return STATUS_OK;
    case OPTION_LIST:
        return append(&list->items, &list->count, value) ? STATUS_OK : complain_nomem();
    case OPTION_CHOICE:
        return set_choice(state, option, value);
    case OPTION_NUMBER:
        return set_number(state, option, value);
    }
    return STATUS_FAILED;
}

/* Sets an option whose value, where it takes one, is `value` or else the next word. */
static int take_option(parser *state, const option_spec *option, const char *value)
{
    if (option->kind != OPTION_FLAG && value == NULL) {
        if (state->next >= state->argc) {
            return usage_error(state->spec->name, "--%s needs a value", option->long_name);
        }
        value = state->argv[state->next++];
    }
    if (option->kind == OPTION_FLAG && value != NULL) {
        return usage_error(state->spec->name, "--%s takes no value", option->long_name);
    }
    return set_option(state, option, value);
}

static int parse_long(parser *state, const char *word)
{
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    if (strcmp(name, "help") == 0) {
        state->wants_help = true;
        return STATUS_OK;
    }
    for (size_t i = 0; i < state->spec->option_count; i++) {
        const option_spec *option = &state->spec->options[i];
        if (strlen(option->long_name) == len && memcmp(option->long_name, name, len) == 0) {
            return take_option(state, option, name[len] == '=' ? name + len + 1 : NULL);
        }
    }
    return unknown_option(state, word);
}

static const option_spec *find_short(const command_spec *spec, char name)
{
    for (size_t i = 0; i < spec->option_count; i++) {
        if (spec->options[i].short_name == name) {
            return &spec->options[i];
        }
    }
    return NULL;
}

/* -f FILE, -fFILE, and several flags in one word. */
static int parse_short(parser *state, const char *word)
{
    int status = STATUS_OK;
    for (const char *at = word + 1; *at != '\0' && status == STATUS_OK; at++) {
        const option_spec *option = find_short(state->spec, *at);
        if (option == NULL && *at == 'h') {
            state->wants_help = true;
        } else if (option == NULL) {
            status = unknown_option(state, word);
        } else if (option->kind == OPTION_FLAG) {
            status = take_option(state, option, NULL);
        } else {
            return take_option(state, option, at[1] != '\0' ? at + 1 : NULL);
        }
    }
    return status;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int parse_word(parser *state, const char *word)
{
    if (word[0] == '-' && word[1] == '-' && is_alnum(word[2])) {
        return parse_long(state, word);
    }
    if (word[0] == '-' && is_alnum(word[1])) {
        return parse_short(state, word);
    }
    operands *list = state->operands;
    return append(&list->items, &list->count, word) ? STATUS_OK : complain_nomem();
}

static int parse_words(parser *state)
{
    bool only_operands = false;
    int status = STATUS_OK;
    operands *list = state->operands;
    while (state->next < state->argc && status == STATUS_OK && !state->wants_help) {
        const char *word = state->argv[state->next++];
        if (only_operands) {
            status = append(&list->items, &list->count, word) ? STATUS_OK : complain_nomem();
        } else if (strcmp(word, "--") == 0) {
            only_operands = true;
        } else {
            status = parse_word(state, word);
        }
    }
    return status;
}

static int check_operands(const command_spec *spec, const operands *list)
{
    if (list->count < spec->min_operands) {
        return usage_error(spec->name, "too few arguments: hyperline %s %.*s", spec->name,
                           (int)strcspn(spec->usage, "\n"), spec->usage);
    }
    if (list->count > spec->max_operands) {
        return usage_error(spec->name, "too many arguments: '%.200s'",
                           list->items[spec->max_operands]);
    }
    return STATUS_OK;
}

bool options_parse(const command_spec *spec, int argc, char **argv, operands *out, int *status)
{
    operands list = {NULL, 0};
    parser state = {spec, argc, argv, 1, &list, false};
    *status = parse_words(&state);
    if (*status == STATUS_OK && state.wants_help) {
        print_help(spec);
        operands_free(&list);
        return false;
    }
    if (*status == STATUS_OK) {
        *status = check_operands(spec, &list);
    }
    if (*status != STATUS_OK) {
        operands_free(&list);
        return false;
    }
    *out = list;
    return true;
}
