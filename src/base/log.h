/* Log events. */
#ifndef HYL_BASE_LOG_H
#define HYL_BASE_LOG_H

#include <hyperline/base.h>

/* True where a hook wants events of this level: ask before formatting costs anything. */
bool hyl__log_wanted(hyl_log_level level);
void hyl__log(hyl_log_level level, const char *event, const hyl_log_field *fields, size_t count);

#endif
