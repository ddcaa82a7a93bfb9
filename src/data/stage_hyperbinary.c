/* The stage's rows as HyperBinary: for what Arrow does not have, and for builds without Arrow. */
#include "stage.h"

#include "value/hyperbinary.h"

enum { LENGTH_WIDTH = 4 };

static size_t size_of_rows(const hyl__stage *stage)
{
    size_t row = 0;
    for (size_t i = 0; i < stage->count; i++) {
        const hyl__stage_column *column = &stage->columns[i];
        row += column->info->nullable + (column->width > 0 ? column->width : LENGTH_WIDTH);
    }
    return row * stage->rows + stage->bytes;
}

static uint8_t *put_fixed(const hyl__stage_column *column, const uint8_t *from, uint8_t *to)
{
    uint32_t word;
    uint64_t pair;
    hyl_interval interval;
    switch (column->id) {
    case HYL_TYPE_DATE:
        memcpy(&word, from, sizeof word);
        hyl__store_le32(to, word + (uint32_t)HYL__JULIAN_DAY_2000);
        return to + sizeof word;
    case HYL_TYPE_TIMESTAMP:
    case HYL_TYPE_TIMESTAMPTZ:
        memcpy(&pair, from, sizeof pair);
        hyl__store_le64(to, pair + HYL__JULIAN_MICROS_2000);
        return to + sizeof pair;
    case HYL_TYPE_NUMERIC:
        /* Little-endian: the lower half comes first. */
        memcpy(to, from, hyl_type_width(column->info->type));
        return to + hyl_type_width(column->info->type);
    case HYL_TYPE_INTERVAL:
        memcpy(&interval, from, sizeof interval);
        hyl__store_le64(to, (uint64_t)interval.micros);
        hyl__store_le32(to + 8, (uint32_t)interval.days);
        hyl__store_le32(to + 12, (uint32_t)interval.months);
        return to + 16;
    case HYL_TYPE_UUID:
        for (size_t i = 0; i < 16; i++) {
            to[i] = from[15 - i];
        }
        return to + 16;
    default:
        break;
    }
    switch (column->width) {
    case 1:
        *to = *from;
        break;
    case 2: {
        uint16_t half;
        memcpy(&half, from, sizeof half);
        hyl__store_le16(to, half);
        break;
    }
    case 4:
        memcpy(&word, from, sizeof word);
        hyl__store_le32(to, word);
        break;
    default:
        memcpy(&pair, from, sizeof pair);
        hyl__store_le64(to, pair);
        break;
    }
    return to + column->width;
}

static uint8_t *put_varying(const hyl__stage_column *column, size_t row, uint8_t *to)
{
    const size_t begin = (size_t)column->ends[row];
    const size_t len = (size_t)column->ends[row + 1] - begin;
    hyl__store_le32(to, (uint32_t)len);
    if (len > 0) {
        memcpy(to + LENGTH_WIDTH, column->bytes.data + begin, len);
    }
    return to + LENGTH_WIDTH + len;
}

static uint8_t *put_field(const hyl__stage_column *column, size_t row, uint8_t *to)
{
    if (column->info->nullable) {
        *to++ = column->nulls[row];
        if (column->nulls[row]) {
            return to;
        }
    }
    return column->width > 0 ? put_fixed(column, column->values + row * column->width, to)
                             : put_varying(column, row, to);
}

hyl_status hyl__stage_hyperbinary(const hyl__stage *stage, hyl_buf *out)
{
    HYL_TRY(hyl_buf_reserve(out, size_of_rows(stage)));
    uint8_t *to = out->data + out->len;
    for (size_t row = 0; row < stage->rows; row++) {
        for (size_t i = 0; i < stage->count; i++) {
            to = put_field(&stage->columns[i], row, to);
        }
    }
    out->len = (size_t)(to - out->data);
    return HYL_OK;
}
