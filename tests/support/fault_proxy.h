/*
 * A proxy between a client and a server on this machine that does to the stream what a bad network
 * does: cuts it at a byte, resets it, stalls, flips a bit, cuts it into single bytes, gathers,
 * delays. It has a thread of its own. Every function fails the test rather than return an error.
 */
#ifndef HYL_TESTS_SUPPORT_FAULT_PROXY_H
#define HYL_TESTS_SUPPORT_FAULT_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_CUT,        /* both sides are closed */
    FAULT_RESET,      /* both sides get a reset */
    FAULT_HALF_CLOSE, /* the receiver gets the end of the stream; the other direction goes on */
    FAULT_STALL,      /* nothing more is passed on, and nothing closed */
    FAULT_FLIP,       /* a bit of the byte is another */
    FAULT_KIND_COUNT
} fault_kind;

typedef enum fault_direction { TO_SERVER, TO_CLIENT, FAULT_DIRECTION_COUNT } fault_direction;

/* What happens to one connection. Zeroed: nothing. */
typedef struct fault_plan {
    fault_kind kind;
    fault_direction direction;
    uint64_t at;   /* after how many bytes; of FLIP: which byte, from 0 on */
    unsigned bit;  /* FLIP: 0 to 7 */
    size_t piece;  /* the most bytes that are passed on at once; 0: as they come */
    size_t gather; /* bytes are held until there are so many, or nothing came for 3 ms */
    int delay_ms;  /* before each piece */
} fault_plan;

typedef struct fault_proxy fault_proxy;

/* Listens on a port of 127.0.0.1 and connects to another one there. */
fault_proxy *fault_proxy_start(uint16_t server_port);
void fault_proxy_stop(fault_proxy *proxy);
uint16_t fault_proxy_port(const fault_proxy *proxy);

/* The next connection gets this plan; those after it pass unharmed, until there is another plan. */
void fault_proxy_plan(fault_proxy *proxy, const fault_plan *plan);
/* How many bytes of the connection with the last plan were passed on. */
uint64_t fault_proxy_passed(fault_proxy *proxy, fault_direction direction);
/* Has the fault of the last plan happened? */
bool fault_proxy_hit(fault_proxy *proxy);

#endif
