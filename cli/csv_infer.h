/*
 * Inference of column types.
 *
 * Each text fits a set of types. The types of a column's values are the intersection of their sets,
 * and the column's type is the first of them in the order below; text is in every set. So the order
 * of rows makes no difference, and:
 *
 *   The type that a part of the rows gives is the type of all rows, if every other row's value fits
 *   it. For let T be the first of the part's set P. The whole's set W is a subset of P, so that no
 *   type before T is in W; and T is in W, since it is in every value's set. So T is the first of W.
 *
 * That is what lets `load` begin with the types of the first rows and start over only where a later
 * value does not fit. A column without values (all NULL) is the exception: its set is everything,
 * but it is made text, since there has to be a type; its first value does not fit, therefore.
 */
#ifndef HYPERLINE_CLI_CSV_INFER_H
#define HYPERLINE_CLI_CSV_INFER_H

#include "csv_null.h"

#include <hyperline/types.h>

/*
 * X(NAME, type): the types that are inferred, the preferred first.
 *
 * A decimal is a double, as in most tools, unless every value of the column has the same 2, 3 or 4
 * decimals: that is how amounts of money are written, which numeric(18,s) holds exactly. Decimals
 * with more digits than a double keeps are numeric(38,s) with as many decimals as the longest has;
 * where the database file is of a version that has no such type, `load` makes them text. Whole
 * numbers beyond bigint are text: they are keys.
 */
#define CSV_INFER_MAP(X)                              \
    X(BOOLEAN, hyl_type_of(HYL_TYPE_BOOL))            \
    X(INTEGER, hyl_type_of(HYL_TYPE_INT))             \
    X(BIGINT, hyl_type_of(HYL_TYPE_BIGINT))           \
    X(NUMERIC_2, hyl_type_numeric(18, 2))             \
    X(NUMERIC_3, hyl_type_numeric(18, 3))             \
    X(NUMERIC_4, hyl_type_numeric(18, 4))             \
    X(DOUBLE, hyl_type_of(HYL_TYPE_DOUBLE))           \
    X(WIDE, hyl_type_numeric(38, 0))                  \
    X(DATE, hyl_type_of(HYL_TYPE_DATE))               \
    X(TIMESTAMP, hyl_type_of(HYL_TYPE_TIMESTAMP))     \
    X(TIMESTAMPTZ, hyl_type_of(HYL_TYPE_TIMESTAMPTZ)) \
    X(TIME, hyl_type_of(HYL_TYPE_TIME))               \
    X(TEXT, hyl_type_of(HYL_TYPE_TEXT))

typedef enum csv_infer_type {
#define CSV_INFER_ENUMERATOR(name, type) CSV_INFER_##name,
    CSV_INFER_MAP(CSV_INFER_ENUMERATOR)
#undef CSV_INFER_ENUMERATOR
        CSV_INFER_COUNT
} csv_infer_type;

#define CSV_INFER_BIT(name) (1U << CSV_INFER_##name)
#define CSV_INFER_ALL       ((1U << CSV_INFER_COUNT) - 1)

enum { CSV_SAMPLE_LEN = 48 };

/* What is known of a column. Start with csv_inference_init. */
typedef struct csv_inference {
    unsigned types; /* the intersection: a set of CSV_INFER_BIT */
    uint64_t values;
    uint64_t nulls;
    int whole_digits;  /* of numbers: the most that stand before the point, */
    int decimals;      /* and behind it */
    bool long_digits;  /* a number has more digits than a double keeps */
    bool comma_number; /* what made it text would be a number with a decimal comma */
    /* Why it is text: the first value that left nothing else, and what the values before were. */
    csv_infer_type before;
    uint64_t text_line; /* 0: it is no such column */
    char text_sample[CSV_SAMPLE_LEN];
} csv_inference;

void csv_inference_init(csv_inference *column);

/* The set of types that a text fits. `decimal_comma`: a comma stands for the point in numbers. */
unsigned csv_classify(hyl_str text, bool decimal_comma);

/* Takes a value (not NULL) into account. True where it is the first that leaves nothing but text,
 * after values that were something else. */
bool csv_infer_value(csv_inference *column, hyl_str text, bool decimal_comma);
/* Takes a row of as many fields as there are columns into account, and counts its NULLs. */
void csv_infer_row(csv_inference *columns, const csv_row *row, const csv_nulls *nulls,
                   bool decimal_comma);

/* The column's type. One without values is text. */
csv_infer_type csv_inferred_type(const csv_inference *column);
/* A type for the column's values; WIDE with its decimals. */
hyl_type csv_infer_sql_type(const csv_inference *column, csv_infer_type type);

/* The text with its comma made a point, in `copy`, or the text itself where it has none, is too
 * long for a number, or holds a point. */
hyl_str csv_with_point(hyl_str text, char copy[], size_t cap);

#endif
