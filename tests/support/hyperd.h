/*
 * One real server for a whole test program:
 *
 *     return cmocka_run_group_tests_name("conn/conn", tests, test_hyperd_start, test_hyperd_stop);
 *
 * A program with no server to be found fails; it does not skip.
 */
#ifndef HYL_TESTS_SUPPORT_HYPERD_H
#define HYL_TESTS_SUPPORT_HYPERD_H

#include <hyperline/server.h>

#include <stddef.h>

/* Group set-up and tear-down for cmocka. The server listens by TCP and by unix socket; the
 * program's temporary folder, which is the server's working folder, is removed with all that is in
 * it. */
int test_hyperd_start(void **state);
int test_hyperd_stop(void **state);

/* The same with options of one's own: working_dir is filled in where it is NULL. 0, or -1 with a
 * message on stderr. */
int test_hyperd_start_with(const hyl_server_opts *opts);

hyl_server *test_hyperd(void);
const hyl_endpoint *test_hyperd_endpoint(void);
/* "127.0.0.1:PORT", as hyl_config and the command line take it. */
const char *test_hyperd_endpoint_text(void);
const hyl_endpoint *test_hyperd_socket(void);

/* The program's temporary folder: an absolute path. Made on the first call where no server is. */
const char *test_folder(void);
/* The path of a file in it, in one of eight buffers that take turns. */
const char *test_path(const char *name);
/* Removes the folder and what is in it; test_hyperd_stop does it too. */
void test_folder_remove(void);

#endif
