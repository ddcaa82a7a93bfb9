/* The state of the clients that query by the library. */
#ifndef BENCH_CLIENT_HYPERLINE_H
#define BENCH_CLIENT_HYPERLINE_H

#include "clients.h"

typedef struct hyperline_client {
    hyl_conn *conn;
    double round_trips[BENCH_ROUND_TRIPS];
} hyperline_client;

#endif
