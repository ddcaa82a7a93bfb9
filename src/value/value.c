/* Decoding by format. */
#include "base/error.h"
#include "hyperbinary.h"
#include "pgbinary.h"
#include "text_parse.h"

hyl_status hyl_value_decode(hyl_type type, hyl_format format, hyl_bytes bytes, hyl_buf *scratch,
                            hyl_value *out, hyl_error *err)
{
    switch (format) {
    case HYL_FORMAT_TEXT:
        return hyl__text_decode(type, (hyl_str){(const char *)bytes.data, bytes.len}, scratch, out,
                                err);
    case HYL_FORMAT_BINARY:
        return hyl__pg_decode(type, bytes, scratch, out, err);
    case HYL_FORMAT_HYPERBINARY:
        return hyl__hb_decode(type, bytes, out, err);
    default:
        return hyl__fail(err, HYL_ERR_ARG, "there is no format %d", (int)format);
    }
}
