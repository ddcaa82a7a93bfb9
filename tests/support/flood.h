/* A server that says one thing for ever, to whoever connects, and never pauses. */
#ifndef HYL_TESTS_SUPPORT_FLOOD_H
#define HYL_TESTS_SUPPORT_FLOOD_H

#include <hyperline/base.h>

#include <pthread.h>

typedef struct flood {
    uint16_t port; /* on 127.0.0.1 */
    int listener;
    size_t hears;       /* how many bytes it reads first */
    hyl_bytes greeting; /* what it says first, once */
    hyl_bytes words;    /* and then again and again; the caller's */
    pthread_t thread;
} flood;

/* Both fail the test rather than return an error. */
void flood_start(flood *self, size_t hears, hyl_bytes greeting, hyl_bytes words);
void flood_stop(flood *self);

#endif
