/* What encoders offer beyond wire.h to the layers above. */
#ifndef HYL_WIRE_ENCODE_H
#define HYL_WIRE_ENCODE_H

#include <hyperline/wire.h>

/* The most that one message's body can hold: its length word counts itself. */
#define HYL__MAX_BODY UINT32_C(4294967291)

/*
 * Appends the five bytes in front of a CopyData body of `body_len` bytes, which the caller sends
 * itself. Goes beyond the 2^31 - 1 of hyl_enc_copy_data, since a server may take them. Errors:
 * PROTOCOL (over HYL__MAX_BODY), NOMEM.
 */
hyl_status hyl__enc_copy_data_head(hyl_buf *out, size_t body_len, hyl_error *err);

#endif
