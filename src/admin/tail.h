/* The last bytes of an output, and its last lines as one line for a message. */
#ifndef HYL_ADMIN_TAIL_H
#define HYL_ADMIN_TAIL_H

#include <hyperline/base.h>

enum { HYL__TAIL_SIZE = 8192 };

/* Zeroed memory is empty. */
typedef struct hyl__tail {
    size_t start; /* of the oldest byte */
    size_t len;
    char bytes[HYL__TAIL_SIZE];
} hyl__tail;

/* Adds bytes; the oldest give way. */
void hyl__tail_add(hyl__tail *tail, const char *bytes, size_t len);

/*
 * Writes as many of the last lines as fit into `text`, whole ones where at least one fits, joined
 * by " | ". Control characters and bytes that are no UTF-8 become '?'. NUL-terminated; empty where
 * there is nothing.
 */
void hyl__tail_lines(const hyl__tail *tail, char *text, size_t cap);

#endif
