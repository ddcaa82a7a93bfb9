/* Short ways to the test program's real server (support/hyperd.h). Every function fails the test
 * rather than return an error. */
#ifndef HYL_TESTS_SUPPORT_LIVE_H
#define HYL_TESTS_SUPPORT_LIVE_H

#include <hyperline/hyperline.h>

/* A config for the server, which tells why it is gone; `settings` as in hyl_config_parse, or NULL. */
hyl_config *live_config(const char *settings);
/* A connection by TCP. */
hyl_conn *live_connect(const char *settings);
/* By unix socket. */
hyl_conn *live_connect_unix(const char *settings);
/* A connection to a database file of the test folder. */
hyl_conn *live_open(const char *file, const char *settings);
/* The status of a connect that is expected to fail. */
hyl_status live_connect_fails(const char *settings, hyl_error *err);

/* Runs a statement; returns the rows that its tag counts. */
int64_t live_exec(hyl_conn *conn, const char *sql);
int64_t live_i64(hyl_conn *conn, const char *sql);
/* A one-value query's text, in one of four buffers that take turns. */
const char *live_text(hyl_conn *conn, const char *sql);
/* Asserts that the connection is ready and answers a statement of its own. */
void live_assert_in_step(hyl_conn *conn);

/* The most memory that this process has ever used, in kB (VmHWM). */
long live_peak_kb(void);

/*
 * Once in a program that holds its peak to a bound, outside of all functions: the address sanitizer
 * keeps what was freed, 256 MB if it is not told otherwise, and that is no growth. It asks for a
 * symbol that its library can see.
 */
#if defined(__SANITIZE_ADDRESS__)
#define LIVE_HOLDS_ITS_PEAK                                                          \
    __attribute__((visibility("default"))) const char *__asan_default_options(void); \
    const char *__asan_default_options(void)                                         \
    {                                                                                \
        return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64";            \
    }
#else
#define LIVE_HOLDS_ITS_PEAK
#endif

#endif
