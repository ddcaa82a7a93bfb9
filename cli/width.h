/* Text on a terminal: how wide it is, and how to show what cannot be shown. */
#ifndef CLI_WIDTH_H
#define CLI_WIDTH_H

#include <hyperline/base.h>

/* The columns that valid UTF-8 without control characters takes up. */
size_t display_width(const char *text, size_t len);

/*
 * Appends the text with control characters, line separators, characters that turn the direction of
 * text, and invalid bytes as escapes (\n, \x1b, \u202e). Returns the width of what was appended.
 */
size_t append_visible(hyl_buf *out, const char *text, size_t len);

/*
 * The same of a text of several lines, which stay lines. All but the first are indented, so that none
 * of them looks like a message of its own.
 */
void append_visible_lines(hyl_buf *out, const char *text, size_t len);

#endif
