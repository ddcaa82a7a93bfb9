/*
 * Status codes, errors, strings, the growable buffer, memory and logging: what every other header
 * uses.
 *
 * Every function that can fail returns a hyl_status and, where it has more to say, fills in a
 * hyl_error that the caller owns. Passing NULL for the error is always allowed, and to a function
 * called `free`. Every other pointer, handles and places for results too, must not be NULL unless
 * the function's comment says that it may be: nothing checks it, and the program ends there.
 */
#ifndef HYPERLINE_BASE_H
#define HYPERLINE_BASE_H

#include <hyperline/version.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define HYL_API       __attribute__((visibility("default")))
#define HYL_NODISCARD __attribute__((warn_unused_result))
#define HYL_PRINTF(format_index, first_argument) \
    __attribute__((format(printf, format_index, first_argument)))
#else
#define HYL_API
#define HYL_NODISCARD
#define HYL_PRINTF(format_index, first_argument)
#endif

/* ---- Status -------------------------------------------------------------------------------- */

/*
 * X(name, value, text). Zero is success; above zero is progress that is no failure; below zero is
 * an error.
 */
#define HYL_STATUS_MAP(X)                          \
    X(OK, 0, "ok")                                 \
    X(AGAIN, 1, "not ready yet")                   \
    X(DONE, 2, "no more")                          \
    X(ERR_ARG, -1, "invalid argument")             \
    X(ERR_STATE, -2, "wrong state for this call")  \
    X(ERR_NOMEM, -3, "out of memory")              \
    X(ERR_IO, -4, "input/output error")            \
    X(ERR_CLOSED, -5, "connection closed")         \
    X(ERR_TIMEOUT, -6, "deadline passed")          \
    X(ERR_CANCELLED, -7, "cancelled")              \
    X(ERR_PROTOCOL, -8, "protocol violation")      \
    X(ERR_DESYNC, -9, "connection desynchronised") \
    X(ERR_AUTH, -10, "authentication failed")      \
    X(ERR_TLS, -11, "TLS error")                   \
    X(ERR_SERVER, -12, "error from the server")    \
    X(ERR_TYPE, -13, "type mismatch")              \
    X(ERR_RANGE, -14, "value out of range")        \
    X(ERR_NULLVAL, -15, "value is NULL")           \
    X(ERR_UNSUPPORTED, -16, "not supported")       \
    X(ERR_BUSY, -17, "busy with another request")  \
    X(ERR_LIMIT, -18, "limit exceeded")

typedef enum hyl_status {
#define HYL_STATUS_ENUMERATOR(name, value, text) HYL_##name = (value),
    HYL_STATUS_MAP(HYL_STATUS_ENUMERATOR)
#undef HYL_STATUS_ENUMERATOR
} hyl_status;

/* The status's name as written in code, without the prefix ("ERR_TIMEOUT"). Never NULL. */
HYL_API const char *hyl_status_name(hyl_status status);
/* One short phrase for people ("deadline passed"). Never NULL. */
HYL_API const char *hyl_status_text(hyl_status status);

/* Passes an error (a status below zero) up to the caller; progress and success go on. */
#define HYL_TRY(expr)                        \
    do {                                     \
        hyl_status hyl_try_status_ = (expr); \
        if (hyl_try_status_ < 0) {           \
            return hyl_try_status_;          \
        }                                    \
    } while (0)

/* "0.1.0". */
HYL_API const char *hyl_version(void);
/* major * 10000 + minor * 100 + patch, of the library that is linked. */
HYL_API int hyl_version_number(void);

/* ---- Errors -------------------------------------------------------------------------------- */

enum {
    HYL_ERROR_FROM_SERVER = 1, /* the message and SQLSTATE are the server's */
    HYL_ERROR_RETRYABLE =
        2, /* the same request may succeed later (40001, 55006, a timeout while connecting) */
    HYL_ERROR_CONNECTION_LOST = 4, /* the connection cannot be used any more */
    HYL_ERROR_NO_PROGRAM = 8,      /* hyperd was not found, or what was found does not start */
};

/*
 * What went wrong. Lives on the caller's stack, allocates nothing, needs no release, may be copied.
 * Written only on failure: a call that succeeds leaves it as it was.
 */
typedef struct hyl_error {
    hyl_status status;
    int sys_errno;     /* errno of the failed system call, or 0 */
    unsigned flags;    /* HYL_ERROR_... */
    char sqlstate[6];  /* five characters, "" where there is none */
    char severity[10]; /* "ERROR", "FATAL", "PANIC"; "" where the server was not involved */
    char message[512]; /* UTF-8, cut at a character's boundary */
} hyl_error;

#define HYL_ERROR_INIT           \
    {                            \
        HYL_OK, 0, 0, "", "", "" \
    }

HYL_API void hyl_error_clear(hyl_error *err);
HYL_API bool hyl_error_retryable(const hyl_error *err);

/* ---- Strings and bytes --------------------------------------------------------------------- */

/* A view of text: not NUL-terminated, not owned. `data` may be NULL only where `len` is 0. */
typedef struct hyl_str {
    const char *data;
    size_t len;
} hyl_str;

/* A view of bytes, not owned. */
typedef struct hyl_bytes {
    const uint8_t *data;
    size_t len;
} hyl_bytes;

/* A hyl_str of a string literal. */
#ifdef __cplusplus
#define HYL_STR(literal) (hyl_str{(literal), sizeof(literal) - 1})
#else
#define HYL_STR(literal) ((hyl_str){(literal), sizeof(literal) - 1})
#endif

/* A hyl_str of a NUL-terminated string; NULL gives an empty one. */
HYL_API hyl_str hyl_str_of(const char *text);

/* ---- The growable buffer ------------------------------------------------------------------- */

/*
 * Bytes that grow. A failed append sets `failed` and leaves the contents as they were; every
 * further append then fails too, so that a row of appends needs one check at its end.
 * Zero-initialised memory is an empty buffer.
 */
typedef struct hyl_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool failed;
} hyl_buf;

#define HYL_BUF_INIT      \
    {                     \
        NULL, 0, 0, false \
    }

/* Frees the storage; the buffer is empty and usable again. */
HYL_API void hyl_buf_reset(hyl_buf *buf);
/* Forgets the contents and a failure, keeps the storage. */
HYL_API void hyl_buf_clear(hyl_buf *buf);
/*
 * Makes room for `extra` more bytes.
 * Errors: NOMEM (memory, or a length beyond SIZE_MAX / 2).
 */
HYL_API HYL_NODISCARD hyl_status hyl_buf_reserve(hyl_buf *buf, size_t extra);
/* Appends; on failure sets `failed`. `bytes` must not point into the buffer. */
HYL_API void hyl_buf_append(hyl_buf *buf, const void *bytes, size_t len);
HYL_API void hyl_buf_append_str(hyl_buf *buf, const char *text);
HYL_API void hyl_buf_append_byte(hyl_buf *buf, uint8_t byte);
HYL_API void hyl_buf_printf(hyl_buf *buf, const char *format, ...) HYL_PRINTF(2, 3);
/* OK, or NOMEM where an append failed. */
HYL_API HYL_NODISCARD hyl_status hyl_buf_status(const hyl_buf *buf);

/* ---- Memory -------------------------------------------------------------------------------- */

/*
 * The process-wide allocator. `realloc_fn(ctx, NULL, n)` allocates; `free_fn(ctx, NULL)` does
 * nothing.
 */
typedef struct hyl_allocator {
    void *(*realloc_fn)(void *ctx, void *ptr, size_t size);
    void (*free_fn)(void *ctx, void *ptr);
    void *ctx;
} hyl_allocator;

/*
 * Replaces the allocator; NULL restores malloc's family. Call it before anything else of the
 * library: what one allocator gave out must come back to it.
 */
HYL_API void hyl_set_allocator(const hyl_allocator *allocator);
/*
 * Frees memory that a function of this library handed over (its comment says so). NULL is allowed.
 */
HYL_API void hyl_free(void *ptr);

/* ---- Log ----------------------------------------------------------------------------------- */

typedef enum hyl_log_level {
    HYL_LOG_NONE = 0,
    HYL_LOG_ERROR = 1,
    HYL_LOG_WARN = 2,
    HYL_LOG_INFO = 3,
    HYL_LOG_DEBUG = 4,
    HYL_LOG_TRACE = 5
} hyl_log_level;

/* One key and value of a log event, both NUL-terminated. */
typedef struct hyl_log_field {
    const char *key;
    const char *value;
} hyl_log_field;

/*
 * One log event, such as "connection-closed". Everything lives only during the call. Never carries
 * a secret.
 */
typedef void (*hyl_log_fn)(void *ctx, hyl_log_level level, const char *event,
                           const hyl_log_field *fields, size_t field_count);

/*
 * Sets the process-wide log hook: events up to `max_level` go to it; NULL turns logging off (the
 * default). Call it before connections exist. The hook may be called from any thread that uses the
 * library, and must not call back into it.
 */
HYL_API void hyl_set_log_hook(hyl_log_fn hook, void *ctx, hyl_log_level max_level);

#ifdef __cplusplus
}
#endif

#endif
