/*
 * One real PostgreSQL server for a whole test program:
 *
 *     return cmocka_run_group_tests_name("live/x", tests, test_postgres_start, test_postgres_stop);
 *
 * It is made from nothing in the program's temporary folder, as user postgres where this is root
 * (who may not run it), and ends with the program, however that ends. Programs of PostgreSQL are
 * looked for in $POSTGRES_BIN, else in /usr/lib/postgresql/15/bin; where they are absent, every
 * test that calls test_postgres_require counts as skipped.
 */
#ifndef HYL_TESTS_SUPPORT_POSTGRES_H
#define HYL_TESTS_SUPPORT_POSTGRES_H

#include <hyperline/transport.h>

#define TEST_POSTGRES_PASSWORD "s3cret, =pässword"

/* Group set-up and tear-down for cmocka. */
int test_postgres_start(void **state);
int test_postgres_stop(void **state);

/* Skips the test where there is no PostgreSQL. */
void test_postgres_require(void);

/*
 * Where it listens. The users are "postgres" (trust; the superuser), and with
 * TEST_POSTGRES_PASSWORD "by_password" (cleartext), "by_md5" and "by_scram"; others that are made
 * log in by SCRAM. By TCP it speaks TLS, if asked, with the certificate `server` of support/pki.h;
 * "by_cert" logs in with the client certificate of that name. (Not so in a build without OpenSSL.)
 */
const hyl_endpoint *test_postgres_endpoint(void);
const hyl_endpoint *test_postgres_socket(void);

/* From now on it shows another certificate of support/pki.h. */
void test_postgres_show(const char *certificate);

#endif
