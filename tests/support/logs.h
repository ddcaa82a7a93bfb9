/* Log events as text, for tests: "warn drain-budget-exhausted max_messages=3". */
#ifndef HYL_TESTS_SUPPORT_LOGS_H
#define HYL_TESTS_SUPPORT_LOGS_H

#include <hyperline/base.h>

/* Starts to collect events up to `max_level`, from none. */
void logs_start(hyl_log_level max_level);
/* Stops and forgets. */
void logs_stop(void);
/* How many events were exactly this line. */
size_t logs_count(const char *line);
/* How many events start with this text. */
size_t logs_count_prefix(const char *prefix);
/* How many events there were at all. */
size_t logs_total(void);

#endif
