/* The monotonic clock and deadlines. */
#ifndef HYL_BASE_CLOCK_H
#define HYL_BASE_CLOCK_H

#include <stdint.h>

/* A deadline is a point on the monotonic clock in milliseconds; this one never comes. */
#define HYL__NO_DEADLINE INT64_MAX

int64_t hyl__now_ms(void);
int64_t hyl__now_us(void);

/* The deadline `timeout_ms` from now; none for a negative timeout. */
int64_t hyl__deadline_in(int64_t timeout_ms);

/*
 * Milliseconds left: 0 where it has passed, -1 where there is none; at most INT32_MAX, as poll
 * takes it.
 */
int hyl__deadline_left(int64_t deadline);

#endif
