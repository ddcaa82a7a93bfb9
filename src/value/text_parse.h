/* Values from text, as the server writes it. */
#ifndef HYL_VALUE_TEXT_PARSE_H
#define HYL_VALUE_TEXT_PARSE_H

#include <hyperline/types.h>

/* hyl_value_decode for the text format. */
HYL_NODISCARD hyl_status hyl__text_decode(hyl_type type, hyl_str text, hyl_buf *scratch,
                                          hyl_value *out, hyl_error *err);

#endif
