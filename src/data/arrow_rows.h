/* hyl_result_to_arrow with its options. */
#ifndef HYL_DATA_ARROW_ROWS_H
#define HYL_DATA_ARROW_ROWS_H

#include <hyperline/arrow.h>

/* `realign`: as in hyl_arrow_opts. */
hyl_status hyl__result_to_arrow(hyl_result *result, bool realign, struct ArrowArrayStream *out,
                                hyl_error *err);

#endif
