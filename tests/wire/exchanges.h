/* The exchanges of exchanges.inc, decoded. */
#ifndef HYL_TESTS_WIRE_EXCHANGES_H
#define HYL_TESTS_WIRE_EXCHANGES_H

#include "support/hex.h"

typedef struct exchange {
    const char *name;
    const char *sent;
    size_t message_count;
    const char *received;
} exchange;

static const exchange exchanges[] = {
#define X(name, sent, count, received) {name, sent, count, received},
#include "wire/exchanges.inc"
#undef X
};

enum { EXCHANGE_COUNT = sizeof exchanges / sizeof exchanges[0] };

#endif
