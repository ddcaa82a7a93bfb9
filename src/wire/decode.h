/* The parsers of single messages that have a file of their own. Each fills in its part of `out`. */
#ifndef HYL_WIRE_DECODE_H
#define HYL_WIRE_DECODE_H

#include <hyperline/wire.h>

hyl_status hyl__row_parse(hyl_bytes body, hyl_msg *out, hyl_error *err);

/* Cannot fail: what cannot be read is left out and logged. */
void hyl__diag_parse(hyl_bytes body, hyl_msg_diag *out);

/* The messages that may come at any time, also where nothing was asked. */
static inline bool hyl__msg_is_asynchronous(uint8_t type)
{
    return type == HYL_MSG_NOTICE_RESPONSE || type == HYL_MSG_PARAMETER_STATUS ||
           type == HYL_MSG_NOTIFICATION_RESPONSE;
}

/* Does the server end the connection with this error? Its severity says so. */
bool hyl__diag_is_fatal(hyl_str severity);

/* Reads a text up to its NUL; false where there is none. Moves `rest` behind the NUL. */
bool hyl__take_string(hyl_bytes *rest, hyl_str *out);

#endif
