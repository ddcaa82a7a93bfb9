/*
 * What stands in front of a scripted peer that is told its answers ahead of the questions: a server
 * answers a request, and so nothing is read beyond a ReadyForQuery until the client has sent a further
 * Query, Sync or FunctionCall, or waits.
 */
#ifndef HYL_TESTS_SUPPORT_GATE_H
#define HYL_TESTS_SUPPORT_GATE_H

#include <hyperline/transport.h>

typedef struct gate gate;

/* Around `inner`, which it owns from then on. The gate lives as long as the transport that is open. */
gate *gate_new(hyl_transport inner, hyl_transport *out);
/* From the next request or wait on, all that the peer has to say may be read at once, several answers too. */
void gate_loosen(gate *self, bool loose);
/* What the peer has said so far comes unasked, as soon as the client reads. */
void gate_let_by(gate *self);

#endif
