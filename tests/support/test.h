/* What every test includes: cmocka, in the order that it wants its headers. */
#ifndef HYL_TESTS_SUPPORT_TEST_H
#define HYL_TESTS_SUPPORT_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#include <hyperline/base.h>

/* Asserts a status and shows the error's message where it differs. */
#define assert_status(actual, expected, err)                                            \
    do {                                                                                \
        hyl_status status_ = (actual);                                                  \
        if (status_ != (expected)) {                                                    \
            fail_msg("%s: expected %s, got %s: %s", #actual, hyl_status_name(expected), \
                     hyl_status_name(status_), (err)->message);                         \
        }                                                                               \
    } while (0)

#define assert_ok(actual, err) assert_status(actual, HYL_OK, err)

#endif
