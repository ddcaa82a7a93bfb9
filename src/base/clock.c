#include "clock.h"

#include <time.h>

int64_t hyl__now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t hyl__now_ms(void)
{
    return hyl__now_us() / 1000;
}

int64_t hyl__deadline_in(int64_t timeout_ms)
{
    int64_t deadline = 0;
    if (timeout_ms < 0 || __builtin_add_overflow(hyl__now_ms(), timeout_ms, &deadline)) {
        return HYL__NO_DEADLINE;
    }
    return deadline;
}

int hyl__deadline_left(int64_t deadline)
{
    if (deadline == HYL__NO_DEADLINE) {
        return -1;
    }
    int64_t left = deadline - hyl__now_ms();
    if (left <= 0) {
        return 0;
    }
    return left < INT32_MAX ? (int)left : INT32_MAX;
}
