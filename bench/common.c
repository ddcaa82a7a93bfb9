#include "bench.h"

#include <time.h>

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

hyl_status bench_connect(const bench_place *place, hyl_conn **out, hyl_error *err)
{
    hyl_config *config = NULL;
    hyl_status status = hyl_config_new(&config, err);
    if (status == HYL_OK) {
        status = hyl_config_set(config, "endpoint", place->endpoint, err);
    }
    if (status == HYL_OK) {
        status = hyl_config_set(config, "database", place->database, err);
    }
    if (status == HYL_OK) {
        status = hyl_connect(config, out, err);
    }
    hyl_config_free(config);
    return status;
}
