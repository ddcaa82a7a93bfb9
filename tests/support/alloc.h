/*
 * An allocator for tests that fails one allocation of choice and counts what is not given back.
 * Between alloc_start and alloc_stop everything of the library goes through it.
 */
#ifndef HYL_TESTS_SUPPORT_ALLOC_H
#define HYL_TESTS_SUPPORT_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

enum { ALLOC_NEVER = 0 };

/* `fail_at`: the allocation that fails, from 1 on; it and no other. ALLOC_NEVER: none. */
void alloc_start(size_t fail_at);
/* From now on the `fail_in`th allocation fails, counted from here; ALLOC_NEVER: none does. */
void alloc_arm(size_t fail_in);
/* Back to malloc's family. Fails the test where something was not freed. */
void alloc_stop(void);
/* True where the chosen allocation was reached. */
bool alloc_failed(void);
/* Watches for a text in memory that is given back, until alloc_stop. */
void alloc_watch(const char *secret);
/* How often memory with that text in it was given back, or handed over to be grown. */
size_t alloc_secrets(void);
/* The most bytes that were in use at once. */
size_t alloc_peak(void);

#endif
