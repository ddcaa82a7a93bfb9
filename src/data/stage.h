/*
 * The stage: rows that go into a table, kept in columns until they are a message.
 *
 * Fixed values are kept as arrays in the types of hyl_value (booleans as bytes, numerics as 128-bit
 * numbers, little-endian; dates and times from 2000-01-01), varying ones as their bytes and where
 * each ends. Every value is checked as it is put: what is staged fits the table.
 */
#ifndef HYL_DATA_STAGE_H
#define HYL_DATA_STAGE_H

#include "table.h"
#include "value/hyperbinary.h"
#include "value/int128.h"

/* Microseconds from 1970 to 2000: what Arrow's timestamps must add and still be 64 bits. */
#define HYL__UNIX_MICROS_OF_2000 (-(int64_t)HYL_UNIX_EPOCH_DAYS * HYL_MICROS_PER_DAY)
#define HYL__ARROW_TIMESTAMP_MAX (INT64_MAX - HYL__UNIX_MICROS_OF_2000)

typedef struct hyl__stage_column {
    const hyl__table_column *info; /* the table's */
    hyl_type_id id;
    size_t width;      /* bytes of a value, 0 where it varies */
    uint8_t *values;   /* of fixed width */
    uint8_t *nulls;    /* a byte for each row: 1 where it is NULL */
    size_t null_count; /* of the rows and the one that is being made */
    int32_t *ends;     /* of varying: ends[row] is where the row's value begins */
    hyl_buf bytes;     /* of varying */
    int scale;         /* of numeric */
    hyl__u128 limit;   /* of numeric: 10^precision */
    bool no_far;       /* far values are refused: the message is going to be Arrow */
    bool has_far;      /* there is a value that Arrow does not have */
} hyl__stage_column;

typedef struct hyl__stage {
    hyl__stage_column *columns;
    size_t count;
    size_t rows;
    size_t cap;          /* of rows */
    size_t bytes;        /* of all varying values, the row that is being made too */
    size_t target_bytes; /* it is full with so many */
} hyl__stage;

/*
 * A stage for the table's rows, of about target_bytes. The table must outlive it.
 * Errors: UNSUPPORTED (a column of a type that nothing can be put into), NOMEM.
 */
HYL_NODISCARD hyl_status hyl__stage_init(hyl__stage *stage, const hyl__table *table,
                                         size_t target_bytes, hyl_error *err);
void hyl__stage_reset(hyl__stage *stage);
/* Forgets all rows. */
void hyl__stage_clear(hyl__stage *stage);

/* The row that is being made becomes one, or is forgotten. */
static inline void hyl__stage_end_row(hyl__stage *stage)
{
    stage->rows++;
}
void hyl__stage_drop_row(hyl__stage *stage);

static inline bool hyl__stage_is_full(const hyl__stage *stage)
{
    return stage->rows == stage->cap || stage->bytes >= stage->target_bytes;
}

/*
 * Each puts a value into the row that is being made, where the column's type is the value's or one
 * that it widens to without loss.
 * Errors: TYPE, RANGE, ARG (invalid UTF-8), NULLVAL, NOMEM. The caller adds row and column.
 */
#define HYL__PUT_MAP(X)             \
    X(bool, bool)                   \
    X(i16, int16_t)                 \
    X(i32, int32_t)                 \
    X(i64, int64_t)                 \
    X(u32, uint32_t)                \
    X(f32, float)                   \
    X(f64, double)                  \
    X(str, hyl_str)                 \
    X(bytes, hyl_bytes)             \
    X(numeric, const hyl_numeric *) \
    X(date, int32_t)                \
    X(time, int64_t)                \
    X(timestamp, int64_t)           \
    X(timestamptz, int64_t)         \
    X(interval, hyl_interval)       \
    X(uuid, const uint8_t *)        \
    X(value, const hyl_value *)

#define HYL__DECLARE_PUT(name, ctype)                                                     \
    hyl_status hyl__put_##name(hyl__stage *stage, hyl__stage_column *column, ctype value, \
                               hyl_error *err);
HYL__PUT_MAP(HYL__DECLARE_PUT)
#undef HYL__DECLARE_PUT

hyl_status hyl__put_null(hyl__stage *stage, hyl__stage_column *column, hyl_error *err);
/* A whole number of any size. */
hyl_status hyl__put_whole(hyl__stage *stage, hyl__stage_column *column, hyl__i128 value,
                          hyl_error *err);

/* Puts "row 7, column 2 "name"" in front of the message. */
hyl_status hyl__stage_name_value(const hyl__stage *stage, const hyl__stage_column *column,
                                 int64_t row, hyl_status status, hyl_error *err);

/*
 * Appends the stage's rows as HyperBinary COPY rows.
 * Errors: NOMEM.
 */
HYL_NODISCARD hyl_status hyl__stage_hyperbinary(const hyl__stage *stage, hyl_buf *out);

#endif
