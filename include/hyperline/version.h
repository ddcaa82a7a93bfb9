/* The version of hyperline's headers. The build reads these three numbers; they stand nowhere else.
 */
#ifndef HYPERLINE_VERSION_H
#define HYPERLINE_VERSION_H

#define HYL_VERSION_MAJOR 0
#define HYL_VERSION_MINOR 1
#define HYL_VERSION_PATCH 0

#endif
