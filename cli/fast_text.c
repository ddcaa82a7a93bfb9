#include "fast_text.h"

#include <string.h>

enum { LONGEST_INTEGER = 20 };

/* "00", "01", to "99": two digits at a time halve the divisions. */
static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

void put_integer(hyl_buf *out, int64_t value)
{
    char text[LONGEST_INTEGER];
    char *at = text + sizeof text;
    /* The smallest number has no positive counterpart in 64 bits with a sign. */
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    while (rest >= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (rest % 100), 2);
        rest /= 100;
    }
    if (rest >= 10) {
        at -= 2;
        memcpy(at, pairs + 2 * rest, 2);
    } else {
        *--at = (char)('0' + rest);
    }
    if (value < 0) {
        *--at = '-';
    }
    hyl_buf_append(out, at, (size_t)(text + sizeof text - at));
}

bool is_integer_type(hyl_type_id id)
{
    return id == HYL_TYPE_SMALLINT || id == HYL_TYPE_INT || id == HYL_TYPE_BIGINT;
}

hyl_status put_integer_cell(hyl_buf *out, const hyl_row *row, size_t column, hyl_error *err)
{
    int64_t value = 0;
    HYL_TRY(hyl_row_get_i64(row, column, &value, err));
    put_integer(out, value);
    return HYL_OK;
}
