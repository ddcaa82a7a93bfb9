/* Data for COPY FROM STDIN that lies in pieces. */
#ifndef HYL_DATA_COPY_H
#define HYL_DATA_COPY_H

#include <hyperline/hyperline.h>

enum { HYL__COPY_MAX_PIECES = 64 };

/*
 * hyl_copy_write of pieces that are not empty, one behind the other. Up to HYL__COPY_MAX_PIECES go
 * out at once, as they lie; of more, which are small ones, messages are gathered.
 * Errors: those of hyl_copy_write.
 */
HYL_NODISCARD hyl_status hyl__copy_write_pieces(hyl_copy *copy, const hyl_bytes *pieces,
                                                size_t count, hyl_error *err);

#endif
