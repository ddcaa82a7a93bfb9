#include "log.h"

/* The other piece of global state; set once, before connections exist. */
static hyl_log_fn log_hook;
static void *log_ctx;
static hyl_log_level log_max;

void hyl_set_log_hook(hyl_log_fn hook, void *ctx, hyl_log_level max_level)
{
    log_hook = hook;
    log_ctx = ctx;
    log_max = hook != NULL ? max_level : HYL_LOG_NONE;
}

bool hyl__log_wanted(hyl_log_level level)
{
    return level <= log_max;
}

void hyl__log(hyl_log_level level, const char *event, const hyl_log_field *fields, size_t count)
{
    if (hyl__log_wanted(level)) {
        log_hook(log_ctx, level, event, fields, count);
    }
}
