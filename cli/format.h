/*
 * Writing a result as text: a table for people, CSV, JSON. A formatter appends to the output's
 * buffer; who drives it writes the buffer out.
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <hyperline/hyperline.h>

typedef struct format_options {
    const char *null_text; /* NULL: the format's own */
    bool is_terminal;      /* the reader is a person's terminal */
} format_options;

typedef struct formatter formatter;

typedef struct format {
    const char *name;
    /* Makes a formatter for one result and writes what comes before the first row. NULL without
     * memory. */
    formatter *(*begin)(const hyl_result *result, const format_options *options, hyl_buf *out);
    /* Errors: those of the row's getters; NOMEM. */
    hyl_status (*row)(formatter *self, const hyl_row *row, hyl_buf *out, hyl_error *err);
    /* What comes after the last row, of which there were `rows`. */
    void (*end)(formatter *self, uint64_t rows, hyl_buf *out);
    void (*free)(formatter *self);
    /* Writes the tag of a statement that has no result; NULL where the format has no place for
     * it. */
    void (*tag)(const char *tag, hyl_buf *out);
    /* What stands between two results. */
    const char *separator;
    bool takes_null_text;
} format;

extern const format format_table;
extern const format format_csv;
extern const format format_json;
extern const format format_jsonl;

/* ---- CSV (format_csv.c) ---- */

/* Appends a value as a field: quoted where it is empty, equals the NULL text, or has a comma, a
 * quote, or a line's end in it. */
void csv_append_field(hyl_buf *out, const char *text, size_t len, hyl_str null_text);
/* Can a NULL be told from every value, and the rest of the line be read, with this text for it? */
bool csv_null_text_ok(const char *text);

/* ---- JSON (format_json.c, json_value.c, json_check.c) ---- */

/* Appends a string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void json_append_string(hyl_buf *out, const char *text, size_t len);
/* Appends a value that is not NULL. */
hyl_status json_append_value(hyl_buf *out, hyl_type type, const hyl_value *value, hyl_error *err);
/* Is the text one JSON value (RFC 8259)? Nested deeper than 1,000 levels counts as no. */
bool json_valid(const char *text, size_t len);
/*
 * The names of a result's columns made different: the second "a" is "a_2", the third "a_3", and so
 * on, passing over names that are taken. One allocation for all: free the array. NULL without
 * memory.
 */
char **unique_names(const char *const *names, size_t count);

#endif
