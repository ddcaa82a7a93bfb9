#include "error.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Defined here; the analyzer's macros are for those who call them. */
#undef hyl__fail
#undef hyl__fail_errno
#undef hyl__fail_nomem

typedef struct status_entry {
    hyl_status status;
    const char *name;
    const char *text;
} status_entry;

static const status_entry statuses[] = {
#define STATUS_ENTRY(name, value, text) {HYL_##name, #name, text},
    HYL_STATUS_MAP(STATUS_ENTRY)
#undef STATUS_ENTRY
};

static const status_entry *find_status(hyl_status status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == status) {
            return &statuses[i];
        }
    }
    return NULL;
}

const char *hyl_status_name(hyl_status status)
{
    const status_entry *entry = find_status(status);
    return entry != NULL ? entry->name : "UNKNOWN";
}

const char *hyl_status_text(hyl_status status)
{
    const status_entry *entry = find_status(status);
    return entry != NULL ? entry->text : "unknown status";
}

#define STRINGIFY(x)     STRINGIFY_ARG(x)
#define STRINGIFY_ARG(x) #x

const char *hyl_version(void)
{
    return STRINGIFY(HYL_VERSION_MAJOR) "." STRINGIFY(HYL_VERSION_MINOR) "." STRINGIFY(
        HYL_VERSION_PATCH);
}

int hyl_version_number(void)
{
    return HYL_VERSION_MAJOR * 10000 + HYL_VERSION_MINOR * 100 + HYL_VERSION_PATCH;
}

void hyl_error_clear(hyl_error *err)
{
    if (err != NULL) {
        memset(err, 0, sizeof *err);
    }
}

bool hyl_error_retryable(const hyl_error *err)
{
    return err != NULL && (err->flags & HYL_ERROR_RETRYABLE) != 0;
}

hyl_str hyl_str_of(const char *text)
{
    hyl_str str = {text, text != NULL ? strlen(text) : 0};
    return str;
}

void hyl__copy_text(char *dst, size_t cap, const char *src, size_t len)
{
    size_t keep = len < cap ? len : hyl__utf8_cut(src, len, cap - 1);
    if (keep > 0) {
        memcpy(dst, src, keep);
    }
    dst[keep] = '\0';
}

static void fill(hyl_error *err, hyl_status status, int sys_errno, const char *format, va_list args)
{
    /* One byte more than a character can be cut by, so that a cut is seen and put at a boundary. */
    char text[sizeof err->message + 4];
    int written = vsnprintf(text, sizeof text, format, args);
    size_t len = written < 0 ? 0 : strnlen(text, sizeof text - 1);
    if (sys_errno != 0 && len + 2 < sizeof text) {
        char reason[128];
        /* The XSI form of strerror_r: fills the buffer and returns a number. */
        if (strerror_r(sys_errno, reason, sizeof reason) != 0) {
            snprintf(reason, sizeof reason, "error %d", sys_errno);
        }
        snprintf(text + len, sizeof text - len, ": %s", reason);
        len = strnlen(text, sizeof text - 1);
    }
    hyl_error_clear(err);
    err->status = status;
    err->sys_errno = sys_errno;
    hyl__copy_text(err->message, sizeof err->message, text, len);
}

hyl_status hyl__fail(hyl_error *err, hyl_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        fill(err, status, 0, format, args);
        va_end(args);
    }
    return status;
}

hyl_status hyl__fail_errno(hyl_error *err, hyl_status status, int sys_errno, const char *format,
                           ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        fill(err, status, sys_errno, format, args);
        va_end(args);
    }
    return status;
}

hyl_status hyl__fail_nomem(hyl_error *err)
{
    return hyl__fail(err, HYL_ERR_NOMEM, "out of memory");
}

void hyl__error_prefix(hyl_error *err, const char *format, ...)
{
    if (err == NULL) {
        return;
    }
    char text[2 * sizeof err->message];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(text, sizeof err->message, format, args);
    va_end(args);
    size_t len = written < 0 ? 0 : strnlen(text, sizeof err->message - 1);
    int rest = snprintf(text + len, sizeof text - len, ": %s", err->message);
    if (rest > 0) {
        hyl__copy_text(err->message, sizeof err->message, text, strlen(text));
    }
}

void hyl__error_append(hyl_error *err, const char *text)
{
    if (err != NULL) {
        const size_t len = strnlen(err->message, sizeof err->message - 1);
        hyl__copy_text(err->message + len, sizeof err->message - len, text, strlen(text));
    }
}

hyl_status hyl__error_flag(hyl_error *err, hyl_status status, unsigned flags)
{
    if (err != NULL) {
        err->flags |= flags;
    }
    return status;
}

hyl_status hyl__fail_of_callback(hyl_error *err, hyl_status status, const char *otherwise)
{
    if (err->message[0] == '\0') {
        return hyl__fail(err, status, "%s", otherwise);
    }
    err->status = status;
    return status;
}
