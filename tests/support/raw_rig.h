/* A raw connection with the in-memory peer at its other end, and the messages that a peer says. */
#ifndef HYL_TESTS_SUPPORT_RAW_RIG_H
#define HYL_TESTS_SUPPORT_RAW_RIG_H

#include "support/gate.h"
#include "support/test.h"

#include <hyperline/raw.h>

/* Messages of a server as string literals, to be put one behind the other. */
#define M_AUTH_OK   "R\0\0\0\010\0\0\0\0"
#define M_CLEARTEXT "R\0\0\0\010\0\0\0\003"
#define M_MD5       "R\0\0\0\014\0\0\0\005\1\2\3\4"
#define M_SASL      "R\0\0\0\027\0\0\0\012SCRAM-SHA-256\0\0"
#define M_KEY       "K\0\0\0\014\0\0\0\0\1\2\3\4" /* session 0, secret 0x01020304 */
#define M_STATUS    "S\0\0\0\010a\0b\0"
#define M_READY     "Z\0\0\0\5I"
#define M_SELECT_1  "C\0\0\0\015SELECT 1\0"
#define M_COPY_5    "C\0\0\0\013COPY 5\0"
#define M_DESC      "T\0\0\0\032\0\1c\0\0\0\0\0\0\0\0\0\0\031\377\377\377\377\377\377\0\0"
#define M_ROW       "D\0\0\0\013\0\1\0\0\0\1x"
#define M_ERROR     "E\0\0\0\030SERROR\0C42601\0Mbad\0\0"
#define M_FATAL     "E\0\0\0\030SFATAL\0C42501\0Mout\0\0"
#define M_NOTICE    "N\0\0\0\016Mhear me\0\0"
#define M_NOTIFY    "A\0\0\0\014\0\0\0\1c\0p\0"
#define M_COPY_IN   "G\0\0\0\7\0\0\0"
#define M_COPY_OUT  "H\0\0\0\7\0\0\0"
#define M_DATA      "d\0\0\0\7abc"
#define M_COPY_DONE "c\0\0\0\4"
#define M_PARSED    "1\0\0\0\4"
#define M_BOUND     "2\0\0\0\4"
#define M_NO_DATA   "n\0\0\0\4"

#define LITERAL(text) ((hyl_bytes){(const uint8_t *)(text), sizeof(text) - 1})

/* Messages of the client. */
#define C_TERMINATE "X\0\0\0\4"
#define C_SYNC      "S\0\0\0\4"
#define C_COPY_DONE "c\0\0\0\4"

typedef struct raw_rig {
    hyl_mem_peer *peer;
    hyl_raw *raw;
    gate *gate; /* gone with the connection */
} raw_rig;

/* A connection that nothing was sent on; `opts` may be NULL. */
raw_rig raw_rig_new(const hyl_raw_opts *opts);
/* One that has logged in; what it sent for that is forgotten. */
raw_rig raw_rig_started(const hyl_raw_opts *opts);
void raw_rig_free(raw_rig *rig);

/* The peer says this at once after what it was told to say before. */
void raw_rig_says(raw_rig *rig, hyl_bytes messages);
#define SAYS(rig, literal) raw_rig_says(rig, LITERAL(literal))

/* Asserts what the client has written since the last call, and forgets it. */
void raw_rig_wrote(raw_rig *rig, hyl_bytes wanted);
#define WROTE(rig, literal) raw_rig_wrote(rig, LITERAL(literal))

/* Asserts that the connection is in step: a query goes through and gets its own answer. */
void raw_rig_in_step(raw_rig *rig);
/* Asserts that it is marked: a query fails before a byte is sent. */
void raw_rig_marked(raw_rig *rig);

/* Reads a message and asserts its type. */
void raw_rig_reads(raw_rig *rig, hyl_msg_type type);

#endif
