/* Why a program could not be executed, in words. */
#ifndef HYL_ADMIN_EXEC_ERROR_H
#define HYL_ADMIN_EXEC_ERROR_H

#include <hyperline/base.h>

/* Fills in IO with what execve's errno means for this file. */
hyl_status hyl__fail_exec(hyl_error *err, const char *path, int sys_errno);

#endif
