/* SQL that is to be run: from the command, from a file, from standard input. */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include <hyperline/types.h>

typedef struct script {
    hyl_str text;
    hyl_buf read; /* where it came from a file */
} script;

/*
 * Reads the script and looks whether it can be cut into statements, so that nothing is run of one
 * that cannot. `sql` is the text itself, or NULL; then `file` is the file's name. "-" is
 * standard input in either. Returns the exit status; complains where it is not STATUS_OK.
 */
int script_read(script *out, const char *sql, const char *file);
void script_free(script *self);

/* The number of the line that `at`, which points into the script, is on. */
size_t script_line(const script *self, const char *at);

/* The word that the statement begins with, behind comments and parentheses; empty without one. */
hyl_str statement_verb(hyl_str statement);

/* Can the statement be given up half way without harm? */
bool statement_only_reads(hyl_str statement);

/* A NUL-terminated copy; NULL without memory. */
char *text_copy(hyl_str text);
void free_text(char *text);

#endif
