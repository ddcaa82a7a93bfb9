/* Base64 with padding, as RFC 4648 section 4 defines it and SCRAM uses it. */
#ifndef HYL_WIRE_BASE64_H
#define HYL_WIRE_BASE64_H

#include <hyperline/base.h>

/* The length of the text that `len` bytes become, padding included. */
#define HYL__BASE64_LEN(len) (((len) + 2) / 3 * 4)

void hyl__base64_encode(hyl_bytes bytes, hyl_buf *out);

/*
 * Decodes all of `text` into `out`, of `cap` bytes. Strict: no space, whole groups of four, padding
 * only at the end, unused bits zero. Returns false where the text is not base64 or does not fit.
 */
bool hyl__base64_decode(hyl_str text, uint8_t *out, size_t cap, size_t *len);

#endif
